/*
 * test_ws.c - tests src/http/ws*.c: messages there and back, fragments, pings, limits,
 * several senders, slow peers.
 *
 * check: tsan drivers
 */
#include "ws_world.h"

/* ---- Messages ------------------------------------------------------------------------------ */

static void visit_echo(struct ws_world *world)
{
	static const size_t sizes[] = {0, 1, 125, 126, 4095, 4096, 65535, 65536, 1 << 20};
	const struct weft_ws_options options = {
		.deflates = world->options.deflates, .close_timeout_ns = WS_PATIENCE_NS};
	struct weft_ws *ws = ws_connect_to(world, &options);
	char *data = malloc(1 << 20);
	uint64_t noise = 1;

	CHECK(data != NULL);
	for (size_t i = 0; i < 1 << 20; i++, noise = noise * 6364136223846793005u + 1)
		data[i] = (char)('a' + (noise >> 33) % 26); /* hard to compress: several frames */
	CHECK_INT(weft_ws_is_deflating(ws), ==, world->options.deflates);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		ws_expect_back(ws, WEFT_WS_TEXT, data, sizes[i]);
		ws_expect_back(ws, WEFT_WS_BINARY, data, sizes[i]);
	}
	ws_expect_back(ws, WEFT_WS_TEXT, "\xc3\xbc\xe2\x82\xac\xf0\x9d\x84\x9e", 9);
	ws_expect_back(ws, WEFT_WS_BINARY, "\xff\xfe\0\1", 4);
	CHECK_ERRNO(weft_ws_send_text(ws, "\xff"), EILSEQ);
	CHECK_ERRNO(weft_ws_send(ws, (enum weft_ws_type)9, "", 0), EINVAL);
	CHECK_INT(weft_ws_close(ws, WEFT_WS_NORMAL, "done"), ==, 0);
	CHECK_INT(weft_ws_close_code(ws), ==, WEFT_WS_NORMAL);
	CHECK_INT(weft_ws_close_sent(ws), ==, WEFT_WS_NORMAL);
	CHECK_ERRNO(weft_ws_send_text(ws, "late"), EPIPE);
	weft_ws_free(ws);
	free(data);
	ws_await_end(world);
	CHECK_INT(world->result, ==, 0);
	CHECK_INT(world->close_code, ==, WEFT_WS_NORMAL);
}

CHECK_CASE(messages_of_all_sizes_come_back_as_they_were)
{
	struct ws_world world = {.visit = visit_echo};

	ws_run(&world);
}

CHECK_CASE(compressed_ones_too)
{
	struct ws_world world = {.visit = visit_echo, .options.deflates = true};

	ws_run(&world);
}

CHECK_CASE(and_with_nothing_kept_between_them)
{
	struct ws_world world = {.visit = visit_echo,
		.options = {.deflates = true, .no_context_takeover = true, .window_bits = 15}};

	ws_run(&world);
}

/* RFC 6455, section 5.7. */
static void visit_examples(struct ws_world *world)
{
	static const char masked_hello[] = "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
	static const char masked_pong[] = "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
	struct weft_stream *raw = ws_open(world);
	static char data[65536];

	CHECK_INT(weft_stream_write_all(raw, masked_hello, 11), ==, 0);
	CHECK_INT(weft_stream_write_all(raw, masked_pong, 11), ==, 0);
	CHECK_INT(weft_stream_flush(raw), ==, 0);
	ws_expect(raw, 0x81, "Hello", 5); /* unmasked: 81 05 48 65 6c 6c 6f */
	CHECK_INT(ws_put(raw, 0x01, "Hel", 3), ==, 0);
	CHECK_INT(ws_put(raw, 0x80, "lo", 2), ==, 0);
	ws_expect(raw, 0x81, "Hello", 5);
	CHECK_INT(ws_put(raw, 0x89, "Hello", 5), ==, 0);
	ws_expect(raw, 0x8a, "Hello", 5);
	CHECK_INT(ws_put(raw, 0x82, data, 256), ==, 0); /* 82 7E 0100 */
	ws_expect(raw, 0x82, data, 256);
	CHECK_INT(ws_put(raw, 0x82, data, 65536), ==, 0); /* 82 7F 0000000000010000 */
	ws_expect(raw, 0x82, data, 65536);
	weft_stream_free(raw);
	ws_await_end(world);
	CHECK_INT(world->result, ==, -1);
	CHECK_INT(world->error, ==, ECONNRESET);
	CHECK_INT(world->close_code, ==, WEFT_WS_LOST);
}

CHECK_CASE(the_examples_of_the_rfc_are_understood)
{
	struct ws_world world = {.visit = visit_examples};

	ws_run(&world);
}

static void visit_fragments(struct ws_world *world)
{
	struct weft_stream *raw = ws_open(world);

	CHECK_INT(ws_put(raw, 0x01, "one \xe2", 5), ==, 0);
	CHECK_INT(ws_put(raw, 0x89, "p", 1), ==, 0);
	ws_expect(raw, 0x8a, "p", 1); /* at once, not after the message */
	CHECK_INT(ws_put(raw, 0x00, "", 0), ==, 0);
	CHECK_INT(ws_put(raw, 0x8a, "nobody asked", 12), ==, 0);
	CHECK_INT(ws_put(raw, 0x00, "\x82", 1), ==, 0); /* a character over three frames */
	CHECK_INT(ws_put(raw, 0x80, "\xac two", 5), ==, 0);
	ws_expect(raw, 0x81, "one \xe2\x82\xac two", 11);
	CHECK_INT(ws_put(raw, 0x02, "", 0), ==, 0);
	CHECK_INT(ws_put(raw, 0x80, "", 0), ==, 0);
	ws_expect(raw, 0x82, "", 0);
	CHECK_INT(ws_put(raw, 0x88, "", 0), ==, 0);
	ws_expect_close(raw, 0);
	weft_stream_free(raw);
	ws_await_end(world);
	CHECK_INT(world->result, ==, 0);
	CHECK_INT(world->close_code, ==, WEFT_WS_NO_CODE);
}

CHECK_CASE(fragments_make_one_message_with_control_frames_between_them)
{
	struct ws_world world = {.visit = visit_fragments};

	ws_run(&world);
}

/* Byte by byte, as slowly as can be. */
static void visit_drip(struct ws_world *world)
{
	struct weft_stream *raw = ws_open(world);
	char head[14], frame[300];
	size_t len = ws_head(head, 0x81, 130, "\0\0\0\0");

	memcpy(frame, head, len);
	memset(frame + len, 'x', 130);
	for (size_t i = 0; i < len + 130; i++) {
		CHECK_INT(weft_stream_write_all(raw, frame + i, 1), ==, 0);
		CHECK_INT(weft_stream_flush(raw), ==, 0);
		weft_yield();
	}
	ws_expect(raw, 0x81, frame + len, 130);
	weft_stream_free(raw);
}

CHECK_CASE(a_frame_may_come_byte_by_byte)
{
	struct ws_world world = {.visit = visit_drip};

	ws_run(&world);
}

/* ---- Limits ---------------------------------------------------------------------------------- */

static void expect_too_big(struct ws_world *world, struct weft_stream *raw)
{
	ws_expect_close(raw, WEFT_WS_TOO_BIG);
	weft_stream_free(raw);
	ws_await_end(world);
	CHECK_INT(world->result, ==, -1);
	CHECK_INT(world->error, ==, EMSGSIZE);
}

static void visit_limits(struct ws_world *world)
{
	struct weft_stream *raw = ws_open(world);
	char data[1001] = {0};

	CHECK_INT(ws_put(raw, 0x82, data, 1000), ==, 0);
	ws_expect(raw, 0x82, data, 1000);
	CHECK_INT(ws_put(raw, 0x82, data, 1001), ==, 0);
	expect_too_big(world, raw);

	raw = ws_open(world);
	CHECK_INT(ws_put(raw, 0x02, data, 600), ==, 0);
	CHECK_INT(ws_put(raw, 0x00, data, 400), ==, 0);
	CHECK_INT(ws_put(raw, 0x80, data, 1), ==, 0);
	expect_too_big(world, raw);

	raw = ws_open(world); /* the first byte of a frame tells */
	CHECK_INT(
		weft_stream_write_all(raw, "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 10), ==, 0);
	CHECK_INT(weft_stream_write_all(raw, "mask.", 5), ==, 0);
	CHECK_INT(weft_stream_flush(raw), ==, 0);
	expect_too_big(world, raw);

	raw = ws_open(world);
	CHECK_INT(ws_put(raw, 0x02, "", 0), ==, 0);
	for (int i = 0; i < 9; i++)
		CHECK_INT(ws_put(raw, 0x00, "", 0), ==, 0);
	CHECK_INT(ws_put(raw, 0x00, "", 0), ==, 0);
	expect_too_big(world, raw);
}

CHECK_CASE(a_message_over_the_limits_is_1009)
{
	struct ws_world world = {
		.visit = visit_limits, .options = {.message_max = 1000, .fragments_max = 10}};

	ws_run(&world);
}

/* ---- Several senders ---------------------------------------------------------------------------
 */

#define SENDERS  8
#define MESSAGES 50

struct sender {
	struct weft_ws *ws;
	int number;
};

/* Messages of 1, 2, ... letters, long ones among them, of one letter each. */
static int send_many(void *arg)
{
	struct sender *sender = arg;
	static char data[SENDERS][40000];

	memset(data[sender->number], 'a' + sender->number, sizeof(data[0]));
	for (size_t i = 1; i <= MESSAGES; i++)
		if (weft_ws_send(sender->ws, WEFT_WS_TEXT, data[sender->number],
			    i % 10 == 0 ? i * 800 : i) < 0)
			return -1;
	return 0;
}

static int broadcast(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct ws_world *world = arg;
	struct weft_ws *ws = weft_ws_accept(request, response, &world->options);
	struct sender senders[SENDERS];
	weft_fiber_id fibers[SENDERS];
	struct weft_ws_message message;

	CHECK(ws != NULL);
	for (int i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){ws, i};
		CHECK(fibers[i] = weft_spawn(send_many, &senders[i]));
	}
	while (weft_ws_receive(ws, &message) > 0) /* pings are answered meanwhile */
		;
	CHECK_INT(weft_join_all(fibers, SENDERS, NULL, WEFT_FOREVER), ==, SENDERS);
	weft_ws_free(ws);
	weft_event_set(&world->ended);
	return 0;
}

static void visit_broadcast(struct ws_world *world)
{
	struct weft_stream *raw = ws_open(world);
	static struct ws_frame frame;
	unsigned seen[SENDERS] = {0}, pongs = 0;

	for (int i = 0; i < 20; i++)
		CHECK_INT(ws_put(raw, 0x89, "?", 1), ==, 0);
	for (int i = 0; i < SENDERS * MESSAGES;) {
		unsigned sender;

		CHECK(ws_get(raw, &frame));
		if (frame.first == 0x8a) {
			pongs++;
			continue;
		}
		CHECK_INT(frame.first, ==, 0x81);
		sender = (unsigned)(frame.data[0] - 'a');
		CHECK(sender < SENDERS);
		seen[sender]++;
		CHECK_INT(frame.len, ==, seen[sender] % 10 ? seen[sender] : seen[sender] * 800);
		CHECK(strspn(frame.data, (char[]){frame.data[0], '\0'}) == frame.len);
		i++;
	}
	CHECK_INT(ws_put(raw, 0x88, "\x03\xe8", 2), ==, 0);
	while (ws_get(raw, &frame) && frame.first == 0x8a)
		pongs++;
	CHECK_INT(frame.first, ==, 0x88);
	CHECK(pongs > 0 && pongs <= 20); /* the last of several pings may be answered alone */
	weft_stream_free(raw);
	ws_await_end(world);
}

CHECK_CASE(many_may_send_at_once_and_each_message_stays_whole)
{
	struct ws_world world = {.handler = broadcast, .visit = visit_broadcast};

	ws_run(&world);
}

/* ---- Slow peers
 * ----------------------------------------------------------------------- */

static int pour(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct ws_world *world = arg;
	struct weft_ws *ws = weft_ws_accept(request, response, &world->options);
	static const char data[1 << 20];
	struct weft_ws_message message;
	int result = 0;

	CHECK(ws != NULL);
	while (result == 0)
		result = weft_ws_send(ws, WEFT_WS_BINARY, data, sizeof(data));
	CHECK_INT(errno, ==, ETIMEDOUT);
	CHECK_ERRNO(weft_ws_send_text(ws, "more"), EPIPE);
	CHECK_ERRNO(weft_ws_receive(ws, &message), ECONNRESET); /* it is cut both ways */
	weft_ws_free(ws);
	weft_event_set(&world->ended);
	return 0;
}

static void visit_pour(struct ws_world *world)
{
	struct weft_stream *raw = ws_open(world);

	ws_await_end(world);
	weft_stream_free(raw);
}

CHECK_CASE(a_peer_that_does_not_read_is_cut_off_after_the_write_timeout)
{
	struct ws_world world = {.handler = pour,
		.visit = visit_pour,
		.options = {.write_timeout_ns = WEFT_MILLISECONDS(50), .ping_interval_ns = -1}};

	ws_run(&world);
}

/* ---- Reading while a writer is held up ------------------------------------------------------- */

#define BIG ((size_t)8 << 20) /* more than the buffers of both sides hold */

static int send_big(void *ws)
{
	char *data = calloc(1, BIG);
	int result;

	CHECK(data != NULL);
	result = weft_ws_send(ws, WEFT_WS_BINARY, data, BIG);
	free(data);
	return result;
}

static int send_and_receive(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct ws_world *world = arg;
	struct weft_ws *ws = weft_ws_accept(request, response, &world->options);
	struct weft_ws_message message;
	weft_fiber_id sender;
	int result = -1;

	CHECK(ws != NULL);
	CHECK(sender = weft_spawn(send_big, ws));
	CHECK_INT(weft_ws_receive(ws, &message), ==, 1);
	weft_event_set(world->more);
	CHECK_INT(weft_join(sender, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 0);
	CHECK_INT(weft_ws_receive(ws, &message), ==, 0);
	weft_ws_free(ws);
	weft_event_set(&world->ended);
	return 0;
}

/* The peer takes nothing until its ping and its message were read. Then the pong comes, by the
 * sender, with nothing else to be sent. */
static void visit_pending(struct ws_world *world)
{
	struct weft_stream *raw = ws_open(world);
	char *data = malloc(BIG), head[10];
	struct weft_event read;

	CHECK(data != NULL);
	weft_event_init(&read, "read");
	world->more = &read;
	CHECK_INT(weft_stream_read_exactly(raw, head, sizeof(head)), ==, 0);
	CHECK_INT((unsigned char)head[0], ==, 0x82);
	CHECK_INT(ws_put(raw, 0x89, "lost", 4), ==, 0);
	CHECK_INT(ws_put(raw, 0x89, "last", 4), ==, 0);
	CHECK_INT(ws_put(raw, 0x81, "", 0), ==, 0);
	CHECK_INT(weft_event_wait(&read), ==, 0);
	CHECK_INT(weft_stream_read_exactly(raw, data, BIG), ==, 0);
	ws_expect(raw, 0x8a, "last", 4);
	CHECK_INT(ws_put(raw, 0x88, "", 0), ==, 0);
	ws_expect_close(raw, 0);
	weft_stream_free(raw);
	ws_await_end(world);
	free(data);
}

CHECK_CASE(a_sender_that_is_held_up_holds_up_nobody_who_receives)
{
	struct ws_world world = {.handler = send_and_receive, .visit = visit_pending};

	ws_run(&world);
}

CHECK_MAIN()
