/*
 * collect_datagram.c - what comes in by UDP and by Unix datagrams: one message each, or with
 * --framing lines one for each line; and the datagrams that the kernel dropped.
 *
 * UDP goes on while the disk is full, until no block is free: what is not taken is lost.
 * Senders of Unix datagrams wait, as those of streams do.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect.h"
#include "weft/scope.h"
#include "weft/socket.h"

/** Datagrams taken at once. */
#define BATCH 32

/** How often dropped datagrams are looked for. */
#define WATCH_NS WEFT_SECONDS(1)

/** Between two tries when receiving fails, for want of memory say. */
#define PAUSE_NS WEFT_MILLISECONDS(100)

/* ---- Datagrams to lines ----------------------------------------------------------------- */

/* Senders end them with a newline, with a NUL, or not at all. */
static size_t without_end(const char *data, size_t len)
{
	if (len > 0 && data[len - 1] == '\0')
		return len - 1;
	if (len == 0 || data[len - 1] != '\n')
		return len;
	return len > 1 && data[len - 2] == '\r' ? len - 2 : len - 1;
}

static void record_message(struct collect_sink *sink, const char *data, size_t len, size_t dropped)
{
	size_t line_max = (size_t)sink->collect->line_max;
	struct collect_message message = {.text = data, .len = len};

	if (len > line_max) {
		dropped += len - line_max;
		message.len = line_max;
	}
	if (dropped > 0) {
		message.marks |= COLLECT_CUT;
		atomic_fetch_add(&sink->collect->counts.dropped_bytes, dropped);
	}
	weft__collect_record(sink, &message);
}

/* dropped: bytes that there was no room for. */
static void record_datagram(struct collect_sink *sink, const char *data, size_t len, size_t dropped)
{
	const char *newline;

	if (dropped == 0)
		len = without_end(data, len);
	if (sink->collect->framing == COLLECT_LINES)
		while ((newline = memchr(data, '\n', len)) != NULL) {
			size_t some = (size_t)(newline + 1 - data);

			record_message(sink, data, without_end(data, some), 0);
			data += some;
			len -= some;
		}
	record_message(sink, data, len, dropped);
}

/* Room for a datagram: a byte over the longest line, and its end, show that it is cut. */
static size_t room_for(const struct collect *collect)
{
	size_t room = (size_t)collect->line_max + 3;

	return room < WEFT_UDP_LEN_MAX ? room : WEFT_UDP_LEN_MAX + 28;
}

/* ---- UDP -------------------------------------------------------------------------------- */

struct udp_batch {
	struct weft_datagram datagrams[BATCH];
	char bytes[];
};

static struct udp_batch *udp_batch_new(size_t room)
{
	struct udp_batch *batch = malloc(sizeof(*batch) + BATCH * room);

	if (!batch)
		return NULL;
	for (unsigned i = 0; i < BATCH; i++)
		batch->datagrams[i] =
			(struct weft_datagram){.data = batch->bytes + i * room, .size_bytes = room};
	return batch;
}

static void record_udp(struct collect_sink *sink, const struct weft_datagram *datagram)
{
	size_t len = datagram->len < datagram->size_bytes ? datagram->len : datagram->size_bytes;
	char host[WEFT_ADDRESS_TEXT_MAX];

	weft_address_print_host(&datagram->peer, host, sizeof(host));
	snprintf(sink->origin.source, sizeof(sink->origin.source),
		strchr(host, ':') ? "udp:[%s]:%u" : "udp:%s:%u", host,
		weft_address_port(&datagram->peer));
	record_datagram(sink, datagram->data, len, datagram->len - len);
}

/* Wait for some, and record them. */
static int take_udp(struct collect_door *door, struct collect_sink *sink, struct udp_batch *batch)
{
	int count = weft_udp_recv_many(door->udp, batch->datagrams, BATCH);

	for (int i = 0; i < count; i++)
		record_udp(sink, &batch->datagrams[i]);
	weft__collect_hand_over(sink);
	return count;
}

int weft__collect_udp(void *arg)
{
	struct collect_door *door = arg;
	struct collect *collect = door->collect;
	struct udp_batch *batch = udp_batch_new(room_for(collect));
	struct collect_sink sink;

	if (!batch)
		return -1;
	weft__collect_sink_init(&sink, collect);
	while (!weft_interrupted())
		if (take_udp(door, &sink, batch) < 0 && errno != ECANCELED)
			weft_sleep(PAUSE_NS);
	WEFT_SHIELDED
		while (weft__collect_may_drain(collect) &&
			weft__collect_has_more(weft_udp_fd(door->udp)))
			if (take_udp(door, &sink, batch) < 0)
				break;
	free(batch);
	return 0;
}

/* ---- Unix datagrams --------------------------------------------------------------------- */

static int take_unix(struct collect_door *door, struct collect_sink *sink, char *data, size_t room)
{
	struct weft_unix_message message = {.data = data, .size_bytes = room};
	size_t there;

	if (weft_unix_recv_message(door->box, &message) < 0)
		return -1;
	/* Nobody asked for these. */
	for (unsigned i = 0; i < message.fd_count; i++)
		weft_close(message.fds[i]);
	there = message.len < room ? message.len : room;
	snprintf(sink->origin.source, sizeof(sink->origin.source), "unix:%d/%u", message.from.pid,
		message.from.uid);
	record_datagram(sink, data, there, message.len - there);
	weft__collect_hand_over(sink);
	return 0;
}

int weft__collect_unix_datagrams(void *arg)
{
	struct collect_door *door = arg;
	struct collect *collect = door->collect;
	size_t room = room_for(collect);
	char *data = malloc(room);
	struct collect_sink sink;

	if (!data)
		return -1;
	weft__collect_sink_init(&sink, collect);
	while (weft_event_wait(&collect->can_write) == 0)
		if (take_unix(door, &sink, data, room) < 0 && errno != ECANCELED)
			weft_sleep(PAUSE_NS);
	WEFT_SHIELDED
		while (weft__collect_may_drain(collect) &&
			weft__collect_has_more(weft_unix_fd(door->box)))
			if (take_unix(door, &sink, data, room) < 0)
				break;
	free(data);
	return 0;
}

/* ---- What was dropped ------------------------------------------------------------------- */

static uint64_t dropped_by(const struct collect_door *door)
{
	uint32_t figures[SK_MEMINFO_VARS] = {0};
	socklen_t len = sizeof(figures);

	if (weft_getsockopt(weft_udp_fd(door->udp), SOL_SOCKET, SO_MEMINFO, figures, &len) < 0)
		return 0;
	return figures[SK_MEMINFO_DROPS];
}

/* The kernel's number has 32 bits, and starts over. */
static void tell_dropped(struct collect_sink *sink, struct collect_door *door)
{
	uint32_t more = (uint32_t)dropped_by(door) - (uint32_t)door->dropped;
	char text[WEFT_ADDRESS_TEXT_MAX + 64];
	struct collect_message message = {.text = text};

	if (more == 0)
		return;
	door->dropped += more;
	atomic_fetch_add(&sink->collect->counts.udp_dropped, more);
	message.len = (size_t)snprintf(text, sizeof(text),
		"%" PRIu32 " datagrams to udp:%s were dropped by the kernel", more, door->text);
	weft__collect_record(sink, &message);
}

void weft__collect_tell_drops(struct collect *collect)
{
	struct collect_sink sink;

	weft__collect_sink_init(&sink, collect);
	snprintf(sink.origin.source, sizeof(sink.origin.source), "weft");
	for (unsigned i = 0; i < collect->door_count; i++)
		if (collect->doors[i].udp)
			tell_dropped(&sink, &collect->doors[i]);
	weft__collect_hand_over(&sink);
}

int weft__collect_watch_drops(void *collect)
{
	while (weft_sleep(WATCH_NS) == 0)
		weft__collect_tell_drops(collect);
	return 0;
}
