/*
 * test_ws_hostile.c - tests src/http/ws_receive.c: frames that no peer may send (RFC 6455,
 * sections 5 and 7.4), to a server and to a client, and what each is told.
 *
 * check: tsan
 */
#include "ws_world.h"

#ifdef WEFT_HAS_ZLIB
#include <zlib.h>
#endif

#include "http/ws.h"
#include "weft/serve.h"

struct row {
	const char *what;
	unsigned code; /* that it is told; 0: a close without one */
	int error;     /* of the receive; 0: it was a good close */
	const char *frames;
	size_t len;
};

/* A literal with its length. */
#define BYTES(text) (text), sizeof(text) - 1

/* As a client sends them, masked by zeros, which leaves their payload readable. */
#define M "\0\0\0\0"

static const struct row to_servers[] = {
	{"a frame that is not masked", 1002, EPROTO, BYTES("\x81\x01x")},
	{"an empty one", 1002, EPROTO, BYTES("\x81\x00")},
	{"reserved bit 1 without compression", 1002, EPROTO, BYTES("\xc1\x81" M "x")},
	{"reserved bit 2", 1002, EPROTO, BYTES("\xa1\x81" M "x")},
	{"reserved bit 3", 1002, EPROTO, BYTES("\x91\x81" M "x")},
	{"opcode 3", 1002, EPROTO, BYTES("\x83\x80" M)},
	{"opcode 7", 1002, EPROTO, BYTES("\x87\x80" M)},
	{"opcode 11", 1002, EPROTO, BYTES("\x8b\x80" M)},
	{"opcode 15", 1002, EPROTO, BYTES("\x8f\x80" M)},
	{"a ping in fragments", 1002, EPROTO, BYTES("\x09\x80" M)},
	{"a pong in fragments", 1002, EPROTO, BYTES("\x0a\x80" M)},
	{"a close in fragments", 1002, EPROTO, BYTES("\x08\x80" M)},
	{"a ping of 126 bytes", 1002, EPROTO, BYTES("\x89\xfe\x00\x7e" M)},
	{"a close of 126 bytes", 1002, EPROTO, BYTES("\x88\xfe\x00\x7e" M)},
	{"125 written in two bytes", 1002, EPROTO, BYTES("\x82\xfe\x00\x7d" M)},
	{"65535 written in eight", 1002, EPROTO, BYTES("\x82\xff\0\0\0\0\0\0\xff\xff" M)},
	{"a length of 64 bits", 1002, EPROTO, BYTES("\x82\xff\x80\0\0\0\0\0\0\0" M)},
	{"a continuation of nothing", 1002, EPROTO, BYTES("\x80\x80" M)},
	{"one after a whole message", 1002, EPROTO, BYTES("\x01\x80" M "\x80\x80" M "\x80\x80" M)},
	{"text within text", 1002, EPROTO, BYTES("\x01\x80" M "\x81\x80" M)},
	{"binary within text", 1002, EPROTO, BYTES("\x01\x80" M "\x02\x80" M)},
	{"a reserved bit on a continuation", 1002, EPROTO, BYTES("\x01\x80" M "\xc0\x80" M)},

	{"text that is not UTF-8", 1007, EILSEQ, BYTES("\x81\x81" M "\xff")},
	{"a surrogate", 1007, EILSEQ, BYTES("\x81\x83" M "\xed\xa0\x80")},
	{"too long a form", 1007, EILSEQ, BYTES("\x81\x82" M "\xc0\x80")},
	{"over U+10FFFF", 1007, EILSEQ, BYTES("\x81\x84" M "\xf4\x90\x80\x80")},
	{"a character cut short", 1007, EILSEQ, BYTES("\x81\x82" M "\xe2\x82")},
	{"a character cut short by the last frame", 1007, EILSEQ,
		BYTES("\x01\x82" M "\xe2\x82\x80\x80" M)},
	{"not UTF-8 in a first frame: told before the last", 1007, EILSEQ,
		BYTES("\x01\x85" M "\xff"
		      "aaaa")},
	{"and over two frames", 1007, EILSEQ,
		BYTES("\x01\x81" M "\xe2\x80\x82" M "\x82("
		      "\x80\x80" M)},

	{"a close of one byte", 1002, EPROTO, BYTES("\x88\x81" M "\x03")},
	{"a close with code 0", 1002, EPROTO, BYTES("\x88\x82" M "\0\0")},
	{"999", 1002, EPROTO, BYTES("\x88\x82" M "\x03\xe7")},
	{"1004", 1002, EPROTO, BYTES("\x88\x82" M "\x03\xec")},
	{"1005", 1002, EPROTO, BYTES("\x88\x82" M "\x03\xed")},
	{"1006", 1002, EPROTO, BYTES("\x88\x82" M "\x03\xee")},
	{"1015", 1002, EPROTO, BYTES("\x88\x82" M "\x03\xf7")},
	{"1016", 1002, EPROTO, BYTES("\x88\x82" M "\x03\xf8")},
	{"2000", 1002, EPROTO, BYTES("\x88\x82" M "\x07\xd0")},
	{"2999", 1002, EPROTO, BYTES("\x88\x82" M "\x0b\xb7")},
	{"5000", 1002, EPROTO, BYTES("\x88\x82" M "\x13\x88")},
	{"65535", 1002, EPROTO, BYTES("\x88\x82" M "\xff\xff")},
	{"a reason that is not UTF-8", 1007, EILSEQ, BYTES("\x88\x83" M "\x03\xe8\xff")},

	{"no code is a good close", 0, 0, BYTES("\x88\x80" M)},
	{"1000", 1000, 0, BYTES("\x88\x82" M "\x03\xe8")},
	{"1000 with a reason", 1000, 0,
		BYTES("\x88\x85" M "\x03\xe8"
		      "bye")},
	{"1001", 1001, 0, BYTES("\x88\x82" M "\x03\xe9")},
	{"1003", 1003, 0, BYTES("\x88\x82" M "\x03\xeb")},
	{"1007", 1007, 0, BYTES("\x88\x82" M "\x03\xef")},
	{"1014", 1014, 0, BYTES("\x88\x82" M "\x03\xf6")},
	{"3000", 3000, 0, BYTES("\x88\x82" M "\x0b\xb8")},
	{"4999", 4999, 0, BYTES("\x88\x82" M "\x13\x87")},
	{"nothing counts after a close", 1000, 0, BYTES("\x88\x82" M "\x03\xe8\x83\x80" M)},
};

static const struct row to_clients[] = {
	{"a frame that is masked", 1002, EPROTO, BYTES("\x81\x81" M "x")},
	{"a close that is masked", 1002, EPROTO, BYTES("\x88\x80" M)},
	{"opcode 4", 1002, EPROTO, BYTES("\x84\x00")},
	{"reserved bit 1 without compression", 1002, EPROTO, BYTES("\xc1\x01x")},
	{"a ping in fragments", 1002, EPROTO, BYTES("\x09\x00")},
	{"text that is not UTF-8", 1007, EILSEQ, BYTES("\x81\x01\xff")},
	{"code 1005", 1002, EPROTO, BYTES("\x88\x02\x03\xed")},
	{"a good close", 1000, 0, BYTES("\x88\x02\x03\xe8")},
	{"one without a code", 0, 0, BYTES("\x88\x00")},
};

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* ---- Servers ----------------------------------------------------------------------------------
 */

static const char *row_under_way;

static void say_row(void)
{
	printf("# it was: %s\n", row_under_way);
}

/* A close comes, whatever came before it, and then the end. Its code; 0: it had none. */
static unsigned await_close(struct weft_stream *raw)
{
	static struct ws_frame frame, more;

	do
		CHECK(ws_get(raw, &frame));
	while (frame.first != 0x88);
	CHECK(!ws_get(raw, &more));
	return frame.len == 0 ? 0
			      : (unsigned)((unsigned char)frame.data[0] << 8 |
					   (unsigned char)frame.data[1]);
}

static void visit_rows(struct ws_world *world)
{
	check_on_failure = say_row;
	for (size_t i = 0; i < COUNT(to_servers); i++) {
		const struct row *row = &to_servers[i];
		struct weft_stream *raw = ws_open(world);

		row_under_way = row->what;
		CHECK_INT(weft_stream_write_all(raw, row->frames, row->len), ==, 0);
		CHECK_INT(weft_stream_flush(raw), ==, 0);
		CHECK_INT(await_close(raw), ==, row->code);
		weft_stream_free(raw);
		ws_await_end(world);
		CHECK_INT(world->result, ==, row->error ? -1 : 0);
		CHECK_INT(world->error, ==, row->error);
	}
}

CHECK_CASE(a_server_tells_each_fault_by_its_code)
{
	struct ws_world world = {.visit = visit_rows};

	ws_run(&world);
}

/* The same, with every byte by itself. */
static void visit_rows_dripping(struct ws_world *world)
{
	check_on_failure = say_row;
	for (size_t i = 0; i < COUNT(to_servers); i++) {
		const struct row *row = &to_servers[i];
		struct weft_stream *raw = ws_open(world);

		row_under_way = row->what;
		/* Once it has closed, the rest may be refused. */
		for (size_t at = 0; at < row->len; at++) {
			if (weft_stream_write_all(raw, row->frames + at, 1) < 0 ||
				weft_stream_flush(raw) < 0)
				break;
			weft_yield();
		}
		CHECK_INT(await_close(raw), ==, row->code);
		weft_stream_free(raw);
		ws_await_end(world);
		CHECK_INT(world->error, ==, row->error);
	}
}

CHECK_CASE(however_the_bytes_are_cut)
{
	struct ws_world world = {.visit = visit_rows_dripping};

	ws_run(&world);
}

/* ---- Clients ----------------------------------------------------------------------------------
 */

/* A server that says yes, then the row's frames, and notes the code that it is told. */
struct liar {
	const struct row *row;
	struct weft_listener *listener;
	unsigned code;
};

static void read_ask(struct weft_stream *peer, char key[WEFT_STREAM_LINE_MAX])
{
	const char *line;
	ssize_t len;

	while ((len = weft_stream_readline(peer, &line)) > 2)
		if (strncmp(line, "Sec-WebSocket-Key: ", 19) == 0) {
			memcpy(key, line + 19, (size_t)len - 21);
			key[len - 21] = '\0';
		}
	CHECK_INT(len, ==, 2);
}

static int lie(void *arg)
{
	struct liar *liar = arg;
	struct weft_stream *peer = weft_listener_accept(liar->listener);
	char key[WEFT_STREAM_LINE_MAX] = "", accept[WEFT__WS_ACCEPT_SIZE];
	unsigned char frame[256];

	CHECK(peer != NULL);
	read_ask(peer, key);
	CHECK_INT(strlen(key), ==, 24);
	CHECK_INT(weft__ws_accept_key(key, accept), ==, 0);
	CHECK_INT(weft_stream_printf(peer,
			  "HTTP/1.1 101 Yes\r\nUpgrade: WebSocket\r\nConnection: keep-alive, "
			  "Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			  accept),
		==, 0);
	CHECK_INT(weft_stream_write_all(peer, liar->row->frames, liar->row->len), ==, 0);
	CHECK_INT(weft_stream_flush(peer), ==, 0);
	CHECK_INT(weft_stream_read_exactly(peer, frame, 6), ==, 0);
	CHECK_INT(frame[0], ==, 0x88);
	CHECK(frame[1] & 0x80); /* clients mask, also this */
	liar->code = 0;
	if (frame[1] > 0x80) {
		CHECK_INT(weft_stream_read_exactly(peer, frame + 6, frame[1] & 0x7f), ==, 0);
		liar->code = (unsigned)((frame[6] ^ frame[2]) << 8 | (frame[7] ^ frame[3]));
	}
	weft_stream_free(peer);
	return 0;
}

static int meet_liars(void *arg)
{
	struct liar liar = {.listener = weft_listener_new("127.0.0.1:0", NULL)};
	char address[WEFT_ADDRESS_TEXT_MAX], url[WEFT_ADDRESS_TEXT_MAX + 8];

	(void)arg;
	check_on_failure = say_row;
	CHECK(liar.listener != NULL);
	weft_address_print(weft_listener_address(liar.listener), address, sizeof(address));
	snprintf(url, sizeof(url), "ws://%s", address);
	for (size_t i = 0; i < COUNT(to_clients); i++) {
		struct weft_ws_message message;
		weft_fiber_id server;
		struct weft_ws *ws;

		liar.row = &to_clients[i];
		row_under_way = liar.row->what;
		CHECK(server = weft_spawn(lie, &liar));
		CHECK(ws = weft_ws_connect(url, NULL));
		errno = 0;
		CHECK_INT(weft_ws_receive(ws, &message), ==, liar.row->error ? -1 : 0);
		CHECK_INT(errno, ==, liar.row->error);
		weft_ws_free(ws);
		CHECK_INT(weft_join(server, NULL, WEFT_FOREVER), ==, 0);
		CHECK_INT(liar.code, ==, liar.row->code);
	}
	weft_listener_free(liar.listener);
	return 0;
}

CHECK_CASE(so_does_a_client)
{
	CHECK_INT(weft_run(NULL, meet_liars, NULL), ==, 0);
}

#ifdef WEFT_HAS_ZLIB

/* ---- Compressed ---------------------------------------------------------------------------------
 */

#define OFFER "Sec-WebSocket-Extensions: permessage-deflate\r\n"

static struct weft_stream *open_deflating(struct ws_world *world)
{
	char answer[2048];
	struct weft_stream *raw = ws_dial(world, OFFER, answer, sizeof(answer));

	CHECK(strstr(answer, "\r\nSec-WebSocket-Extensions: permessage-deflate"));
	return raw;
}

/* RFC 7692, section 7.2.3.1: "Hello", three ways. */
static void visit_deflate_examples(struct ws_world *world)
{
	struct weft_stream *raw = open_deflating(world);

	CHECK_INT(ws_put(raw, 0xc1, BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00")), ==, 0);
	ws_expect(raw, 0x81, "Hello", 5); /* too short to compress */
	CHECK_INT(ws_put(raw, 0x41, BYTES("\xf2\x48\xcd")), ==, 0);
	CHECK_INT(ws_put(raw, 0x80, BYTES("\xc9\xc9\x07\x00")), ==, 0);
	ws_expect(raw, 0x81, "Hello", 5);
	CHECK_INT(ws_put(raw, 0xc1, BYTES("\xf2\x00\x11\x00\x00")), ==, 0); /* what was before */
	ws_expect(raw, 0x81, "Hello", 5);
	/* A block that is not compressed; one with BFINAL set; two blocks. */
	CHECK_INT(ws_put(raw, 0xc1,
			  BYTES("\x00\x05\x00\xfa\xff"
				"Hello\x00")),
		==, 0);
	ws_expect(raw, 0x81, "Hello", 5);
	CHECK_INT(ws_put(raw, 0xc1, BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\x00")), ==, 0);
	ws_expect(raw, 0x81, "Hello", 5);
	CHECK_INT(ws_put(raw, 0xc1, BYTES("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00")),
		==, 0);
	ws_expect(raw, 0x81, "Hello", 5);
	CHECK_INT(ws_put(raw, 0xc1, BYTES("\x00")), ==, 0); /* nothing, compressed */
	ws_expect(raw, 0x81, "", 0);
	CHECK_INT(ws_put(raw, 0xc9, "", 0), ==, 0);
	ws_expect_close(raw, WEFT_WS_PROTOCOL_ERROR); /* a control frame never is */
	weft_stream_free(raw);
	ws_await_end(world);
}

CHECK_CASE(the_examples_of_compression_are_understood)
{
	struct ws_world world = {.visit = visit_deflate_examples, .options.deflates = true};

	ws_run(&world);
}

static size_t deflate_all(const char *data, size_t len, char *out, size_t size)
{
	z_stream z = {0};

	CHECK_INT(deflateInit2(&z, 9, Z_DEFLATED, -12, 8, Z_DEFAULT_STRATEGY), ==, Z_OK);
	z.next_in = (Bytef *)data;
	z.avail_in = (uInt)len;
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)size;
	CHECK_INT(deflate(&z, Z_SYNC_FLUSH), ==, Z_OK);
	CHECK(z.avail_out > 0);
	deflateEnd(&z);
	return size - z.avail_out - 4;
}

static void visit_bomb(struct ws_world *world)
{
	const size_t len = 10 << 20;
	char *zeros = calloc(1, len), *bomb = malloc(65536);
	struct weft_stream *raw = open_deflating(world);
	size_t bomb_len, frames = 0;

	CHECK(zeros && bomb);
	bomb_len = deflate_all(zeros, 100000, bomb, 65536);
	CHECK_INT(ws_put(raw, 0xc2, bomb, bomb_len), ==, 0);
	{
		static struct ws_frame frame;

		CHECK(ws_get(raw, &frame) && frame.first == 0xc2);
	}
	bomb_len = deflate_all(zeros, len, bomb, 65536);
	CHECK_INT(bomb_len, <, 20000);
	CHECK_INT(ws_put(raw, 0xc2, bomb, bomb_len), ==, 0);
	ws_expect_close(raw, WEFT_WS_TOO_BIG);
	weft_stream_free(raw);
	ws_await_end(world);
	CHECK_INT(world->error, ==, EMSGSIZE);

	raw = open_deflating(world); /* what is empty, over and over, ends as well */
	memset(bomb, 0, 65535);
	for (size_t i = 0; i + 5 <= 65535; i += 5)
		memcpy(bomb + i, "\0\0\0\xff\xff", 5);
	for (unsigned first = 0x42; ws_put(raw, first, bomb, 65535 / 5 * 5) == 0; first = 0)
		frames++;
	CHECK_INT(frames, <, 10000); /* the buffers between us can hold so much */
	weft_stream_free(raw);
	ws_await_end(world);
	CHECK_INT(world->error, ==, EMSGSIZE);
	free(zeros);
	free(bomb);
}

CHECK_CASE(a_bomb_stops_at_the_limit)
{
	struct ws_world world = {
		.visit = visit_bomb, .options = {.deflates = true, .message_max = 100000}};

	ws_run(&world);
}

static void visit_garbage(struct ws_world *world)
{
	struct weft_stream *raw = open_deflating(world);

	CHECK_INT(ws_put(raw, 0xc2, BYTES("\xff\xff\xff\xff")), ==, 0);
	ws_expect_close(raw, WEFT_WS_BAD_DATA);
	weft_stream_free(raw);
	ws_await_end(world);
	CHECK_INT(world->error, ==, EILSEQ);
	raw = open_deflating(world); /* text is checked as what it means */
	CHECK_INT(ws_put(raw, 0xc1, BYTES("\x00\x01\x00\xfe\xff\xff\x00")), ==, 0);
	ws_expect_close(raw, WEFT_WS_BAD_DATA);
	weft_stream_free(raw);
	ws_await_end(world);
}

CHECK_CASE(what_is_no_compressed_data_is_1007)
{
	struct ws_world world = {.visit = visit_garbage, .options.deflates = true};

	ws_run(&world);
}

#endif

CHECK_MAIN()
