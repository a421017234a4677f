/*
 * test_ws_many.c - tests src/http/ws_many.c: frames made once, sent to many, to slow ones too.
 *
 * check: tsan
 */
#include "ws_world.h"

/* Of a burst are more bytes than a stream's buffer holds. */
enum { MESSAGES = 3000, LEN = 5000, BURST = 15 };

/* Message number i, as a frame; its length. */
static size_t make_frame(unsigned i, char *frame)
{
	size_t len = i % 3 == 0 ? 5 : LEN, head;

	head = weft_ws_head(WEFT_WS_TEXT, len, (unsigned char *)frame);
	memset(frame + head, 'a' + (int)(i % 26), len);
	return head + len;
}

/* By whichever call there is: what is left of others goes out before. */
static void send_anyhow(struct weft_ws *ws, unsigned i, const char *frames, size_t len)
{
	static char frame[LEN + WEFT_WS_HEAD_MAX];

	if (i % 2 == 0) {
		CHECK_INT(weft_ws_send_frames(ws, frames, len), ==, 0);
		return;
	}
	for (i -= BURST; len > 0; i++) {
		size_t one = make_frame(i, frame), text = i % 3 == 0 ? 5 : LEN;

		CHECK_INT(weft_ws_send(ws, WEFT_WS_TEXT, frame + one - text, text), ==, 0);
		len -= one;
	}
}

/* As a fan-out does it: several frames at a time, and a wait only where the peer is slow. */
static int fan_out(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct ws_world *world = arg;
	struct weft_ws *ws = weft_ws_accept(request, response, NULL);
	static char frames[WEFT_WS_FRAMES_MAX + 1];
	unsigned waits = 0;

	CHECK(ws != NULL);
	CHECK_ERRNO(weft_ws_try_send_frames(ws, frames, WEFT_WS_FRAMES_MAX + 1), EMSGSIZE);
	for (unsigned i = 0; i < MESSAGES;) {
		size_t len = 0;
		int result;

		for (unsigned j = 0; j < BURST; j++)
			len += make_frame(i++, frames + len);
		result = weft_ws_try_send_frames(ws, frames, len);
		if (result != 0 && world->more)
			weft_event_set(world->more);
		if (result < 0) {
			CHECK_INT(errno, ==, EAGAIN);
			send_anyhow(ws, i, frames, len);
		}
		if (result == 1 && i % 2 == 0)
			CHECK_INT(weft_ws_flush(ws), ==, 0);
		waits += result != 0;
	}
	if (world->more)
		weft_event_set(world->more);
	CHECK_INT(weft_ws_flush(ws), ==, 0);
	CHECK(waits > 0 || !world->more);
	CHECK_INT(weft_ws_close(ws, WEFT_WS_NORMAL, NULL), ==, 0);
	CHECK_ERRNO(weft_ws_try_send_frames(ws, frames, 1), EPIPE);
	CHECK_ERRNO(weft_ws_send_frames(ws, frames, 1), EPIPE);
	weft_ws_free(ws);
	weft_event_set(&world->ended);
	return 0;
}

static void visit_many(struct ws_world *world)
{
	struct weft_ws *ws = ws_connect_to(world, NULL);
	struct weft_ws_message message;
	char frame[LEN + WEFT_WS_HEAD_MAX];

	CHECK_ERRNO(weft_ws_send_frames(ws, "", 0), EINVAL);
	if (world->more)
		CHECK_INT(weft_event_wait(world->more), ==, 0);
	for (unsigned i = 0; i < MESSAGES; i++) {
		size_t len = make_frame(i, frame);

		CHECK_INT(weft_ws_receive(ws, &message), ==, 1);
		CHECK_INT(message.type, ==, WEFT_WS_TEXT);
		CHECK(message.len < len);
		CHECK_MEM(message.data, frame + len - message.len, message.len);
	}
	CHECK_INT(weft_ws_receive(ws, &message), ==, 0);
	weft_ws_free(ws);
	ws_await_end(world);
}

CHECK_CASE(frames_made_once_arrive_whole_and_in_order)
{
	struct ws_world world = {.handler = fan_out, .visit = visit_many};

	ws_run(&world);
}

/* 10 MB, of which nothing is read until the kernel takes no more. */
CHECK_CASE(so_they_do_at_a_peer_that_is_slow)
{
	struct weft_event slow = WEFT_EVENT_INIT;
	struct ws_world world = {.handler = fan_out, .visit = visit_many, .more = &slow};

	ws_run(&world);
}

CHECK_CASE(the_head_has_the_shortest_form_of_the_length)
{
	unsigned char head[WEFT_WS_HEAD_MAX];

	CHECK_INT(weft_ws_head(WEFT_WS_TEXT, 0, head), ==, 2);
	CHECK_MEM(head, "\x81\0", 2);
	CHECK_INT(weft_ws_head(WEFT_WS_BINARY, 125, head), ==, 2);
	CHECK_MEM(head, "\x82\x7d", 2);
	CHECK_INT(weft_ws_head(WEFT_WS_TEXT, 126, head), ==, 4);
	CHECK_MEM(head, "\x81\x7e\0\x7e", 4);
	CHECK_INT(weft_ws_head(WEFT_WS_TEXT, 65535, head), ==, 4);
	CHECK_MEM(head, "\x81\x7e\xff\xff", 4);
	CHECK_INT(weft_ws_head(WEFT_WS_TEXT, 65536, head), ==, 10);
	CHECK_MEM(head, "\x81\x7f\0\0\0\0\0\1\0\0", 10);
}

CHECK_MAIN()
