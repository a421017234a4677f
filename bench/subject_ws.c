/*
 * subject_ws.c - WebSocket echo: 64 bytes and back, over 64 connections.
 *
 * Entry points: bench_ws_subjects.
 */
#include "race.h"

#include <string.h>

#define CONNECTIONS 64
#define PAYLOAD_LEN 64
#define FRAME_LEN   (2 + 4 + PAYLOAD_LEN) /* header, mask, payload */
#define RIVAL       "ws"

enum {
	YARDSTICK,
	WEFT,
	OTHERS_FIRST,
};

static const char handshake[] = "GET / HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\n"
				"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
				"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/* A binary message, masked; and how its echo begins. */
static void make_frame(char frame[FRAME_LEN])
{
	static const char mask[] = {0x37, (char)0xfa, 0x21, 0x3d};

	frame[0] = (char)0x82;
	frame[1] = (char)(0x80 | PAYLOAD_LEN);
	memcpy(frame + 2, mask, sizeof(mask));
	for (int i = 0; i < PAYLOAD_LEN; i++)
		frame[6 + i] = (char)('x' ^ mask[i % 4]);
}

static int run(struct bench *bench, const struct subject *subject)
{
	static const struct bound bounds[MEASURE_COUNT];
	static const char echo_start[] = {(char)0x82, PAYLOAD_LEN, 'x', 'x'};
	static struct race race; /* large, and one at a time */
	static struct peer_room room;
	static struct peer peer;
	const char *const words[] = {race.weft_path, "--child", "ws", NULL};
	char frame[FRAME_LEN];
	const struct web web = {.request = frame,
		.request_len = sizeof(frame),
		.handshake = handshake,
		.answer_start = echo_start,
		.answer_start_len = sizeof(echo_start),
		.answer_len = 2 + PAYLOAD_LEN};
	size_t first = bench->report.count;
	bool is_whole;

	make_frame(frame);
	race = (struct race){.web = &web, .connections = CONNECTIONS};
	if (peer_room_init(&room, bench) < 0)
		return -1;
	race_init(&race, bench, "ws_epoll");
	snprintf(race.weft_path, sizeof(race.weft_path), "%s/weft-bench", bench->build_dir);
	race_add(&race, "weft", words);
	if (!bench->without_peers && peers_find(bench, &room, PEER_WEBSOCKET, &peer, 1) == 1)
		race_add(&race, peer.name, peer.program.argv);
	is_whole = race_run(&race, bench, OTHERS_FIRST);
	if (race_has(&race, WEFT)) {
		race_report(&race, &bench->report, subject->name, WEFT, bounds);
		race_report_rival(&race, &bench->report, subject->name, RIVAL, 1.0);
		report_print_subject(&bench->report, first);
	}
	if (!bench->report.is_json)
		race_print(&race);
	race_fini(&race);
	peer_room_fini(&room);
	return is_whole ? 0 : -1;
}

const struct subject bench_ws_subjects[] = {
	{"ws", "WebSocket echo of 64 bytes over 64 connections, one worker", run},
	{NULL, NULL, NULL},
};
