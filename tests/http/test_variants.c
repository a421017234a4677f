/*
 * test_variants.c - tests src/http/variants.c: the forms of a file, asked for by many at once.
 *
 * check: tsan drivers
 */
#include "http/variants.h"

#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "io/place.h"
#include "weft/fiber.h"
#include "weft/http_files.h"
#include "weft/scope.h"

#ifdef WEFT_HAS_ZLIB
#include <zlib.h>
#endif

/* Files of a test, and of each so many bytes. */
#define FILES    6
#define TEXT_LEN 200000

/* Fibers that ask, and how often each does. */
#define VISITORS 12
#define VISITS   8

struct world {
	struct weft_http_files *files;
	struct weft_http_server *server;
	struct weft_listener *listener;
	char address[WEFT_ADDRESS_TEXT_MAX];
	atomic_uint coded, plain;
};

static char expected_byte(unsigned file, size_t at)
{
	return "weft\nserves files as they are, or gzipped"[(at + file * at / 64) % 40];
}

static void write_files(void)
{
	char name[16], *text = malloc(TEXT_LEN + 1);

	CHECK(text != NULL);
	text[TEXT_LEN] = '\0';
	for (unsigned file = 0; file < FILES; file++) {
		for (size_t i = 0; i < TEXT_LEN; i++)
			text[i] = expected_byte(file, i);
		snprintf(name, sizeof(name), "%u.txt", file);
		place_write(name, text);
	}
	free(text);
	usleep(100000); /* what has just changed is not compressed */
}

/* What of a body of that coding has come, undone; its length. */
static size_t decode(bool is_coded, char *body, size_t len, char *ret_text)
{
	if (!is_coded) {
		memcpy(ret_text, body, len);
		return len;
	}
#ifdef WEFT_HAS_ZLIB
	z_stream stream = {.next_in = (Bytef *)body,
		.avail_in = (uInt)len,
		.next_out = (Bytef *)ret_text,
		.avail_out = TEXT_LEN};

	CHECK_INT(inflateInit2(&stream, MAX_WBITS + 16), ==, Z_OK);
	CHECK_INT(inflate(&stream, Z_FINISH), ==, Z_STREAM_END);
	inflateEnd(&stream);
	return stream.total_out;
#else
	check_fail(__FILE__, __LINE__, "gzip without zlib");
	return 0;
#endif
}

/* Read one answer to its end, and look at it. */
static void take_answer(struct world *world, struct weft_stream *stream, unsigned file)
{
	char *body = malloc(TEXT_LEN), *text = malloc(TEXT_LEN);
	const char *line;
	bool is_coded = false;
	size_t len = 0;
	ssize_t line_len;

	CHECK(body && text);
	line_len = weft_stream_readline(stream, &line);
	CHECK(line_len > 12 && memcmp(line, "HTTP/1.1 200", 12) == 0);
	while ((line_len = weft_stream_readline(stream, &line)) > 2) {
		if (strncmp(line, "Content-Length: ", 16) == 0)
			len = strtoul(line + 16, NULL, 10);
		if (strncmp(line, "Content-Encoding: gzip", 22) == 0)
			is_coded = true;
	}
	CHECK(len > 0 && len <= TEXT_LEN);
	CHECK_INT(weft_stream_read_exactly(stream, body, len), ==, 0);
	CHECK_INT(decode(is_coded, body, len, text), ==, TEXT_LEN);
	for (size_t i = 0; i < TEXT_LEN; i++)
		if (text[i] != expected_byte(file, i))
			check_fail(__FILE__, __LINE__, "file %u, byte %zu", file, i);
	atomic_fetch_add(is_coded ? &world->coded : &world->plain, 1);
	free(body);
	free(text);
}

static int visit(void *arg)
{
	struct world *world = arg;
	struct weft_stream *stream = weft_stream_connect(world->address);

	CHECK(stream != NULL);
	for (unsigned i = 0; i < VISITS; i++) {
		/* All begin with one, so that several of a worker want it made at once. */
		unsigned file = i == 0 ? 0 : (unsigned)weft_random() % FILES;

		CHECK_INT(
			weft_stream_printf(stream,
				"GET /%u.txt HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n",
				file),
			==, 0);
		CHECK_INT(weft_stream_flush(stream), ==, 0);
		take_answer(world, stream, file);
	}
	weft_stream_free(stream);
	return 0;
}

static int serve(void *arg)
{
	struct world *world = arg;

	return weft_http_server_run(world->server, world->listener);
}

static void begin(struct world *world, weft_fiber_id *ret_server)
{
	struct weft_http_server_options options = {.service = &weft_http_files_service};

	write_files();
	world->files = weft_http_files_new(place("."), NULL);
	options.arg = world->files;
	world->server = weft_http_server_new(&options);
	world->listener = weft_listener_new("127.0.0.1:0", NULL);
	CHECK(world->files && world->server && world->listener);
	weft_address_print(
		weft_listener_address(world->listener), world->address, sizeof(world->address));
	*ret_server = weft_spawn(serve, world);
	CHECK(*ret_server != 0);
}

static void end(struct world *world, weft_fiber_id server)
{
	weft_http_server_stop(world->server);
	CHECK_INT(weft_join(server, NULL, WEFT_FOREVER), ==, 0);
	weft_listener_free(world->listener);
	weft_http_server_free(world->server);
	weft_http_files_free(world->files);
}

static int ask_at_once(void *arg)
{
	struct world world = {.files = NULL};
	weft_fiber_id server, visitors[VISITORS];

	(void)arg;
	begin(&world, &server);
	for (unsigned i = 0; i < VISITORS; i++) {
		visitors[i] = weft_spawn(visit, &world);
		CHECK(visitors[i] != 0);
	}
	for (unsigned i = 0; i < VISITORS; i++)
		CHECK_INT(weft_join(visitors[i], NULL, WEFT_FOREVER), ==, 0);
	CHECK_INT(world.coded + world.plain, ==, VISITORS * VISITS);
#ifdef WEFT_HAS_ZLIB
	CHECK_INT(world.coded, >, 0);
#endif
	end(&world, server);
	return 0;
}

CHECK_CASE(all_who_ask_at_once_get_the_file_whole_in_one_form_or_the_other)
{
	struct weft_run_options options = {.workers = 4};

	CHECK_INT(weft_run(&options, ask_at_once, NULL), ==, 0);
}

/* Ask, and be gone before the answer; the server is stopped while it compresses. */
static int ask_and_stop(void *arg)
{
	struct world world = {.files = NULL};
	struct weft_stream *streams[FILES];
	weft_fiber_id server;

	(void)arg;
	begin(&world, &server);
	for (unsigned i = 0; i < FILES; i++) {
		streams[i] = weft_stream_connect(world.address);
		CHECK(streams[i] != NULL);
		CHECK_INT(
			weft_stream_printf(streams[i],
				"GET /%u.txt HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n",
				i),
			==, 0);
		CHECK_INT(weft_stream_flush(streams[i]), ==, 0);
		if (i % 2)
			weft_stream_free(streams[i]);
	}
	end(&world, server);
	for (unsigned i = 0; i < FILES; i += 2)
		weft_stream_free(streams[i]);
	return 0;
}

CHECK_CASE(a_stop_and_peers_that_leave_find_no_job_in_their_way)
{
	struct weft_run_options options = {.workers = 2};

	CHECK_INT(weft_run(&options, ask_and_stop, NULL), ==, 0);
}

CHECK_MAIN()
