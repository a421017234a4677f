/*
 * ws_world.h - a WebSocket server in the test's own process, and peers that speak bytes.
 *
 * Unless a test has a handler of its own, every message is sent back, and how it ended is in
 * the world: what the last receive returned, its errno, the peer's code.
 */
#ifndef TESTS_WS_WORLD_H
#define TESTS_WS_WORLD_H

#include "check.h"

#include <stdatomic.h>

#include "weft/event.h"
#include "weft/fiber.h"
#include "weft/scope.h"
#include "weft/stream.h"
#include "weft/websocket.h"

/** For the answer to a close, where a test asks for nothing else: only a hang reaches it. */
#define WS_PATIENCE_NS WEFT_SECONDS(100)

struct ws_world {
	weft_http_handler_fn *handler; /* NULL: ws_echo() */
	struct weft_ws_options options;
	struct weft_http_log *log;
	int64_t grace_ns;
	void (*visit)(struct ws_world *world);
	void *more; /* the test's own */

	struct weft_http_server *server;
	struct weft_listener *listener;
	char address[WEFT_ADDRESS_TEXT_MAX], url[WEFT_ADDRESS_TEXT_MAX + 16];
	struct weft_event ended; /* a handler has */
	atomic_int result, error, close_code, close_sent;
};

static inline void ws_note(struct ws_world *world, const struct weft_ws *ws, int result)
{
	atomic_store(&world->error, result < 0 ? errno : 0);
	atomic_store(&world->result, result);
	atomic_store(&world->close_code, (int)weft_ws_close_code(ws));
	atomic_store(&world->close_sent, (int)weft_ws_close_sent(ws));
}

static inline int ws_echo(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct ws_world *world = arg;
	struct weft_ws *ws = weft_ws_accept(request, response, &world->options);
	struct weft_ws_message message;
	int result;

	if (!ws)
		return 0;
	while ((result = weft_ws_receive(ws, &message)) > 0)
		if (weft_ws_send(ws, message.type, message.data, message.len) < 0)
			break;
	ws_note(world, ws, result);
	weft_ws_free(ws);
	weft_event_set(&world->ended);
	return 0;
}

static inline int ws_handle(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct ws_world *world = arg;

	return (world->handler ? world->handler : ws_echo)(request, response, arg);
}

static inline int ws_serve(void *arg)
{
	struct ws_world *world = arg;

	return weft_http_server_run(world->server, world->listener);
}

static inline int ws_world_fiber(void *arg)
{
	static const struct weft_http_service service = {.on_get = ws_handle};
	struct ws_world *world = arg;
	struct weft_http_server_options options = {.service = &service,
		.arg = world,
		.access_log = world->log,
		.grace_ns = world->grace_ns};
	weft_fiber_id runner;
	int result = -1;

	weft_event_init(&world->ended, "ended");
	if (!world->options.close_timeout_ns)
		world->options.close_timeout_ns = WS_PATIENCE_NS;
	world->server = weft_http_server_new(&options);
	world->listener = weft_listener_new("127.0.0.1:0", NULL);
	CHECK(world->server && world->listener);
	weft_address_print(
		weft_listener_address(world->listener), world->address, sizeof(world->address));
	snprintf(world->url, sizeof(world->url), "ws://%s/", world->address);
	runner = weft_spawn(ws_serve, world);
	CHECK(runner != 0);
	world->visit(world);
	weft_http_server_stop(world->server);
	CHECK_INT(weft_join(runner, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 0);
	weft_listener_free(world->listener);
	weft_http_server_free(world->server);
	return 0;
}

static inline void ws_run(struct ws_world *world)
{
	struct weft_run_options options = {.workers = 2};

	CHECK_INT(weft_run(&options, ws_world_fiber, world), ==, 0);
}

/* The handler that is under way has ended: how, is in the world. */
static inline void ws_await_end(struct ws_world *world)
{
	CHECK_INT(weft_event_wait(&world->ended), ==, 0);
	weft_event_clear(&world->ended);
}

/* ---- Clients of ours ------------------------------------------------------------------------ */

/* Who asks for nothing else waits for the answer to a close as long as that takes. */
static inline struct weft_ws *ws_connect_to(
	struct ws_world *world, const struct weft_ws_options *options)
{
	static const struct weft_ws_options patient = {.close_timeout_ns = WS_PATIENCE_NS};
	struct weft_ws *ws = weft_ws_connect(world->url, options ? options : &patient);

	CHECK(ws != NULL);
	return ws;
}

static inline void ws_expect_back(
	struct weft_ws *ws, enum weft_ws_type type, const void *data, size_t len)
{
	struct weft_ws_message message;

	CHECK_INT(weft_ws_send(ws, type, data, len), ==, 0);
	CHECK_INT(weft_ws_receive(ws, &message), ==, 1);
	CHECK_INT(message.type, ==, type);
	CHECK_INT(message.len, ==, len);
	CHECK_MEM(message.data, data, len);
}

/* ---- Peers that speak bytes ---------------------------------------------------------------- */

#define WS_KEY    "dGhlIHNhbXBsZSBub25jZQ=="
#define WS_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

#define WS_ASK                                                 \
	"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"  \
	"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" \
	"Sec-WebSocket-Key: " WS_KEY "\r\n"

/* Connect, and ask with more fields. What is answered is read up to the frames. */
static inline struct weft_stream *ws_dial(
	struct ws_world *world, const char *fields, char *answer, size_t size)
{
	struct weft_stream *stream = weft_stream_connect(world->address);
	const char *line;
	ssize_t len;

	CHECK(stream != NULL);
	CHECK_INT(weft_stream_printf(stream, WS_ASK "%s\r\n", fields), ==, 0);
	CHECK_INT(weft_stream_flush(stream), ==, 0);
	answer[0] = '\0';
	while ((len = weft_stream_readline(stream, &line)) > 2) {
		size_t have = strlen(answer);

		CHECK(have + (size_t)len < size);
		memcpy(answer + have, line, (size_t)len);
		answer[have + (size_t)len] = '\0';
	}
	CHECK_INT(len, ==, 2);
	return stream;
}

static inline struct weft_stream *ws_open(struct ws_world *world)
{
	char answer[2048];
	struct weft_stream *stream = ws_dial(world, "", answer, sizeof(answer));

	CHECK(strncmp(answer, "HTTP/1.1 101 ", 13) == 0);
	CHECK(strstr(answer, "\r\nSec-WebSocket-Accept: " WS_ACCEPT "\r\n"));
	return stream;
}

/* The head of a frame of len bytes: how long it is. first: FIN, reserved bits, opcode. */
static inline size_t ws_head(char head[14], unsigned first, size_t len, const char *mask)
{
	size_t at = 2;

	head[0] = (char)first;
	head[1] = (char)(len < 126 ? len : len < 65536 ? 126 : 127);
	for (int shift = len < 126 ? 0 : len < 65536 ? 16 : 64; shift > 0; shift -= 8)
		head[at++] = (char)((uint64_t)len >> (shift - 8));
	if (mask) {
		head[1] = (char)(head[1] | 0x80);
		memcpy(head + at, mask, 4);
		at += 4;
	}
	return at;
}

/* Send a frame as a client does. Returns what the stream does. */
static inline int ws_put(struct weft_stream *stream, unsigned first, const void *data, size_t len)
{
	static const char mask[4] = {'\x37', '\xfa', '\x21', '\x3d'};
	char head[14], *masked = malloc(len + 1);
	size_t head_len = ws_head(head, first, len, mask);
	int result;

	CHECK(masked != NULL);
	for (size_t i = 0; i < len; i++)
		masked[i] = (char)(((const char *)data)[i] ^ mask[i % 4]);
	result = weft_stream_write_all(stream, head, head_len) < 0 ||
				 weft_stream_write_all(stream, masked, len) < 0
			 ? -1
			 : weft_stream_flush(stream);
	free(masked);
	return result;
}

struct ws_frame {
	unsigned first; /* FIN, reserved bits, opcode */
	size_t len;
	char data[70000];
};

/* Read a frame of a server's. False: the connection ended. */
static inline bool ws_get(struct weft_stream *stream, struct ws_frame *frame)
{
	unsigned char head[2], more[8];
	size_t more_len;

	if (weft_stream_read_exactly(stream, head, 2) < 0)
		return false;
	frame->first = head[0];
	CHECK_INT(head[1] & 0x80, ==, 0);
	frame->len = head[1];
	more_len = frame->len == 126 ? 2 : frame->len == 127 ? 8 : 0;
	if (more_len > 0) {
		CHECK_INT(weft_stream_read_exactly(stream, more, more_len), ==, 0);
		frame->len = 0;
		for (size_t i = 0; i < more_len; i++)
			frame->len = frame->len << 8 | more[i];
	}
	CHECK(frame->len < sizeof(frame->data));
	CHECK_INT(weft_stream_read_exactly(stream, frame->data, frame->len), ==, 0);
	frame->data[frame->len] = '\0';
	return true;
}

static inline void ws_expect(
	struct weft_stream *stream, unsigned first, const void *data, size_t len)
{
	static __thread struct ws_frame frame;

	CHECK(ws_get(stream, &frame));
	CHECK_INT(frame.first, ==, first);
	CHECK_INT(frame.len, ==, len);
	CHECK_MEM(frame.data, data, len);
}

/* A close with that code is next (0: without one), and then the end. */
static inline void ws_expect_close(struct weft_stream *stream, unsigned code)
{
	static __thread struct ws_frame frame;

	CHECK(ws_get(stream, &frame));
	CHECK_INT(frame.first, ==, 0x88);
	if (code == 0)
		CHECK_INT(frame.len, ==, 0);
	else
		CHECK_INT(
			(unsigned char)frame.data[0] << 8 | (unsigned char)frame.data[1], ==, code);
	CHECK(!ws_get(stream, &frame));
}

#endif
