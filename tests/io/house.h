/*
 * house.h - a server under test, and its visitors: a weft_serve() in a fiber of its own.
 *
 * The case's process has one house. The checks end the process wherever they run.
 *
 * Never: a visit that relies on how long something takes.
 */
#ifndef TESTS_IO_HOUSE_H
#define TESTS_IO_HOUSE_H

#include <stdatomic.h>
#include <sys/resource.h>

#include "own_address.h"
#include "check.h"
#include "weft/fiber.h"
#include "weft/scope.h"
#include "weft/serve.h"
#include "weft/socket.h"

struct house {
	struct weft_listener *listener;
	weft_handler_fn *handler;
	struct weft_serve_options options;
	weft_fiber_id server;
	int server_errno; /* 0, or what weft_serve() failed with */
	char address[WEFT_ADDRESS_TEXT_MAX];
	atomic_int live, peak, started, cancelled, deferred;
};

static struct house house;

static inline int run_server(void *arg)
{
	int result = weft_serve(house.listener, house.handler, &house, &house.options);

	(void)arg;
	house.server_errno = result < 0 ? errno : 0;
	return result;
}

static inline void house_make_at(const char *address, weft_handler_fn *handler)
{
	house.listener = weft_listener_new(address, NULL);
	CHECK(house.listener != NULL);
	house.handler = handler;
	weft_address_print(
		weft_listener_address(house.listener), house.address, sizeof(house.address));
}

static inline void house_make(weft_handler_fn *handler)
{
	house_make_at(own_address(), handler);
}

static inline void house_open(weft_handler_fn *handler)
{
	house_make(handler);
	house.server = weft_spawn(run_server, NULL);
	CHECK(house.server != 0);
}

/* Await the server's end and check how it came. */
static inline void house_await(int expected_errno)
{
	int result;

	CHECK_INT(weft_join(house.server, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(house.server_errno, ==, expected_errno);
	CHECK_INT(result, ==, expected_errno ? -1 : 0);
	CHECK_INT(atomic_load(&house.live), ==, 0);
}

static inline void house_close(int expected_errno)
{
	house_await(expected_errno);
	weft_listener_free(house.listener);
}

static inline struct weft_stream *visit(void)
{
	struct weft_stream *stream = weft_stream_connect(house.address);

	CHECK(stream != NULL);
	return stream;
}

static inline void say(struct weft_stream *stream, const char *text)
{
	CHECK_INT(weft_stream_write_all(stream, text, strlen(text)), ==, 0);
	CHECK_INT(weft_stream_flush(stream), ==, 0);
}

static inline void hear(struct weft_stream *stream, const char *text)
{
	const char *line;

	CHECK_INT(weft_stream_readline(stream, &line), ==, strlen(text));
	CHECK_MEM(line, text, strlen(text));
}

static inline void enter(void)
{
	int live = atomic_fetch_add(&house.live, 1) + 1, peak = atomic_load(&house.peak);

	atomic_fetch_add(&house.started, 1);
	while (live > peak && !atomic_compare_exchange_weak(&house.peak, &peak, live))
		;
}

static inline void leave(void)
{
	atomic_fetch_sub(&house.live, 1);
}

static inline void run_with(unsigned workers, weft_fiber_fn *body)
{
	const struct weft_run_options options = {.workers = workers};

	CHECK_INT(weft_run(&options, body, NULL), ==, 0);
}

static inline void allow_descriptors(rlim_t count)
{
	struct rlimit limit;

	CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	limit.rlim_cur = count;
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
}

static inline int echo(struct weft_stream *peer, void *arg)
{
	const char *line;
	ssize_t len;

	(void)arg;
	enter();
	while ((len = weft_stream_readline(peer, &line)) > 0)
		if (weft_stream_write_all(peer, line, (size_t)len) < 0 ||
			weft_stream_flush(peer) < 0)
			break;
	if (len < 0 && errno == ECANCELED)
		atomic_fetch_add(&house.cancelled, 1);
	leave();
	return 0;
}

#endif
