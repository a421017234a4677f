/*
 * test_messages.c - messages (weft/frame.h) over streams that come in pieces of any size,
 * and end anywhere.
 */
#include "sim/sim.h"

#include <errno.h>

#include "weft/event.h"
#include "weft/frame.h"
#include "weft/scope.h"
#include "weft/serve.h"

#define MESSAGES 30
#define LEN_MAX  40000

static const struct weft_frame_format formats[] = {
	{.kind = WEFT_FRAME_DELIMITER, .escape = 'b'},
	{.kind = WEFT_FRAME_DELIMITER, .delimiter = "---"},
	{.kind = WEFT_FRAME_LENGTH},
	{.kind = WEFT_FRAME_VARINT},
	{.kind = WEFT_FRAME_FIXED, .size_bytes = 17},
};

static const struct weft_frame_format *format;
static struct weft_listener *listener;
static struct weft_event ready;
static uint64_t lengths; /* the seed of their lengths */

static size_t length_of(int i)
{
	uint64_t bits = (lengths + (uint64_t)i) * UINT64_C(0x9e3779b97f4a7c15);

	if (format->kind == WEFT_FRAME_FIXED)
		return format->size_bytes;
	return bits >> 62 ? (bits >> 32) % 50 : (bits >> 32) % LEN_MAX;
}

static char byte_at(int i, size_t place)
{
	return (char)('a' + ((size_t)i + place + place / 26) % 26);
}

static int send_all(struct weft_stream *peer, void *arg)
{
	static char data[LEN_MAX];
	struct weft_frames *frames = weft_frames_new(peer, format);
	int result = 0;

	(void)arg;
	CHECK(frames);
	for (int i = 0; i < MESSAGES && result == 0; i++) {
		for (size_t k = 0; k < length_of(i); k++)
			data[k] = byte_at(i, k);
		result = weft_frame_write(frames, data, length_of(i));
		if (result == 0 && weft_random() % 3 == 0)
			result = weft_stream_flush(peer);
	}
	weft_frames_free(frames);
	return result;
}

static int serve(void *arg)
{
	(void)arg;
	CHECK_INT(weft_sim_host("server"), ==, 0);
	CHECK((listener = weft_listener_new("0.0.0.0:80", NULL)));
	weft_event_set(&ready);
	CHECK_INT(weft_serve(listener, send_all, NULL, NULL), ==, 0);
	weft_listener_free(listener);
	return 0;
}

/* How many came whole before the end, which may be a reset's. */
static int receive_all(struct weft_stream *stream)
{
	struct weft_frames *frames = weft_frames_new(stream, format);
	struct weft_frame frame;
	int count = 0, result = -1;

	CHECK(frames);
	do {
		WEFT_WITH_TIMEOUT (weft_random() % 2 ? WEFT_FOREVER : WEFT_MICROSECONDS(300))
			result = weft_frame_read(frames, &frame);
		if (result == 1) {
			CHECK_INT(frame.len, ==, length_of(count));
			for (size_t k = 0; k < frame.len; k++)
				if (((const char *)frame.data)[k] != byte_at(count, k))
					check_fail(__FILE__, __LINE__, "message %d", count);
			count++;
		}
	} while (result == 1 || (result == -1 && errno == ETIMEDOUT)); /* which loses nothing */
	CHECK(result == 0 || errno == ECONNRESET || errno == EPIPE);
	weft_frames_free(frames);
	return count;
}

static int talk(void *whole)
{
	weft_fiber_id server;
	struct weft_stream *stream;
	int count = 0;

	format = &formats[weft_random() % (sizeof(formats) / sizeof(*formats))];
	lengths = weft_random();
	weft_event_init(&ready, "ready");
	server = weft_spawn(serve, NULL);
	CHECK_INT(weft_event_wait(&ready), ==, 0);
	CHECK_INT(weft_sim_host("client"), ==, 0);
	CHECK((stream = weft_stream_connect("server:80")));
	count = receive_all(stream);
	CHECK(!whole || count == MESSAGES);
	weft_stream_free(stream);
	weft_serve_stop(listener);
	CHECK_INT(weft_join(server, NULL, WEFT_FOREVER), ==, 0);
	return 0;
}

static int talk_to_the_end(void *arg)
{
	(void)arg;
	return talk(&ready);
}

SIM_CASE(however_the_network_cuts_them_messages_come_whole, talk_to_the_end, 4,
	{.partial_chance = 0.7})
SIM_CASE(up_to_a_reset_every_message_is_right, talk, 4,
	{.partial_chance = 0.5, .reset_chance = 0.02})

CHECK_MAIN()
