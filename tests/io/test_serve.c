/*
 * test_serve.c - the server: everybody is answered, bounds hold, and a stop is graceful.
 *
 * check: tsan
 */
#include "weft/serve.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>

#include "check.h"
#include "weft/fiber.h"
#include "weft/scope.h"
#include "weft/socket.h"

/* ---- A server under test: its fiber, and how to reach it ------------------------------------ */

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

static int run_server(void *arg)
{
	int result = weft_serve(house.listener, house.handler, &house, &house.options);

	(void)arg;
	house.server_errno = result < 0 ? errno : 0;
	return result;
}

static void house_make(weft_handler_fn *handler)
{
	house.listener = weft_listener_new("127.0.0.1:0", NULL);
	CHECK(house.listener != NULL);
	house.handler = handler;
	weft_address_print(
		weft_listener_address(house.listener), house.address, sizeof(house.address));
}

static void house_open(weft_handler_fn *handler)
{
	house_make(handler);
	house.server = weft_spawn(run_server, NULL);
	CHECK(house.server != 0);
}

/* Await the server's end and check how it came. */
static void house_await(int expected_errno)
{
	int result;

	CHECK_INT(weft_join(house.server, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(house.server_errno, ==, expected_errno);
	CHECK_INT(result, ==, expected_errno ? -1 : 0);
	CHECK_INT(atomic_load(&house.live), ==, 0);
}

static void house_close(int expected_errno)
{
	house_await(expected_errno);
	weft_listener_free(house.listener);
}

static struct weft_stream *visit(void)
{
	struct weft_stream *stream = weft_stream_connect(house.address);

	CHECK(stream != NULL);
	return stream;
}

static void say(struct weft_stream *stream, const char *text)
{
	CHECK_INT(weft_stream_write_all(stream, text, strlen(text)), ==, 0);
	CHECK_INT(weft_stream_flush(stream), ==, 0);
}

static void hear(struct weft_stream *stream, const char *text)
{
	const char *line;

	CHECK_INT(weft_stream_readline(stream, &line), ==, strlen(text));
	CHECK_MEM(line, text, strlen(text));
}

static void enter(void)
{
	int live = atomic_fetch_add(&house.live, 1) + 1, peak = atomic_load(&house.peak);

	atomic_fetch_add(&house.started, 1);
	while (live > peak && !atomic_compare_exchange_weak(&house.peak, &peak, live))
		;
}

static void leave(void)
{
	atomic_fetch_sub(&house.live, 1);
}

static void run_with(unsigned workers, weft_fiber_fn *body)
{
	const struct weft_run_options options = {.workers = workers};

	CHECK_INT(weft_run(&options, body, NULL), ==, 0);
}

static void allow_descriptors(rlim_t count)
{
	struct rlimit limit;

	CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	limit.rlim_cur = count;
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
}

/* ---- Handlers ----------------------------------------------------------------------------------
 */

static int echo(struct weft_stream *peer, void *arg)
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

/* ---- Serving
 * ------------------------------------------------------------------------------------- */

enum { MANY = 1000 };

static int ping_pong(void *arg)
{
	char text[32];

	for (int i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "%d of %llu\n", i, (unsigned long long)weft_self());
		say(arg, text);
		hear(arg, text);
	}
	weft_stream_free(arg);
	return 0;
}

static int serve_many(void *arg)
{
	static struct weft_stream *visitors[MANY];
	static weft_fiber_id fibers[MANY];

	(void)arg;
	house_open(echo);
	for (int i = 0; i < MANY; i++)
		visitors[i] = visit();
	for (int i = 0; i < MANY; i++)
		fibers[i] = weft_spawn(ping_pong, visitors[i]);
	CHECK_INT(weft_join_all(fibers, MANY, NULL, WEFT_FOREVER), ==, MANY);
	weft_serve_stop(house.listener);
	house_close(0);
	CHECK_INT(atomic_load(&house.started), ==, MANY);
	return 0;
}

CHECK_CASE(a_thousand_connections_at_once_are_echoed)
{
	allow_descriptors(2 * MANY + 100);
	run_with(2, serve_many);
}

/* More workers than share one listening socket: each has its own. */
CHECK_CASE(a_thousand_connections_are_echoed_by_many_workers_too)
{
	allow_descriptors(2 * MANY + 100);
	run_with(6, serve_many);
}

static int leave_unflushed(struct weft_stream *peer, void *arg)
{
	(void)arg;
	return weft_stream_printf(peer, "left in the buffer\n");
}

static int serve_unflushed(void *arg)
{
	struct weft_stream *stream;
	char byte;

	(void)arg;
	house_open(leave_unflushed);
	stream = visit();
	hear(stream, "left in the buffer\n");
	CHECK_INT(weft_stream_read(stream, &byte, 1), ==, 0);
	weft_stream_free(stream);
	weft_serve_stop(house.listener);
	house_close(0);
	return 0;
}

CHECK_CASE(what_a_handler_left_in_the_buffer_is_sent)
{
	run_with(1, serve_unflushed);
}

/* Holds its worker, without parking, until another handler has started elsewhere. */
static int hold_the_worker(struct weft_stream *peer, void *arg)
{
	(void)arg;
	enter();
	while (atomic_load(&house.started) < 2)
		;
	weft_stream_printf(peer, "%s %d\n", weft_name(), weft_worker_index());
	leave();
	return 0;
}

/* On a thread of its own: the worker that is held may be any. */
static void *visit_twice(void *arg)
{
	struct weft_stream *first = visit(), *second = visit();
	const char *line;

	(void)arg;
	CHECK_INT(weft_stream_readline(first, &line), ==, 9);
	CHECK_MEM(line, "holder ", 7);
	CHECK_INT(weft_stream_readline(second, &line), ==, 9);
	weft_stream_free(first);
	weft_stream_free(second);
	weft_serve_stop(house.listener);
	return NULL;
}

static int serve_on_both(void *arg)
{
	pthread_t visitor;

	(void)arg;
	house.options.name = "holder";
	house_open(hold_the_worker);
	CHECK_INT(pthread_create(&visitor, NULL, visit_twice, NULL), ==, 0);
	house_await(0);
	CHECK_INT(pthread_join(visitor, NULL), ==, 0);
	weft_listener_free(house.listener);
	return 0;
}

CHECK_CASE(a_handler_that_holds_its_worker_does_not_hold_up_the_others)
{
	run_with(2, serve_on_both);
}

static int tell_worker(struct weft_stream *peer, void *arg)
{
	(void)arg;
	return weft_stream_printf(peer, "%d\n", weft_worker_index());
}

static int serve_on_one(void *arg)
{
	char expected[16];

	(void)arg;
	house.options.one_worker = true;
	house_make(tell_worker);
	house.server = weft_spawn_with(&(struct weft_spawn_options){.worker = 2}, run_server, NULL);
	snprintf(expected, sizeof(expected), "1\n");
	for (int i = 0; i < 20; i++) {
		struct weft_stream *stream = visit();

		hear(stream, expected);
		weft_stream_free(stream);
	}
	weft_serve_stop(house.listener);
	house_close(0);
	return 0;
}

CHECK_CASE(told_so_the_server_keeps_to_its_own_worker)
{
	run_with(2, serve_on_one);
}

/* ---- Bounds
 * ---------------------------------------------------------------------------------------- */

enum { BOUND = 3, GUESTS = 30 };

static int linger_a_little(struct weft_stream *peer, void *arg)
{
	(void)arg;
	enter();
	weft_sleep(WEFT_MILLISECONDS(2));
	leave();
	return weft_stream_printf(peer, "served\n");
}

static int be_served(void *arg)
{
	struct weft_stream *stream = visit();

	(void)arg;
	hear(stream, "served\n");
	weft_stream_free(stream);
	return 0;
}

static int serve_bounded(void *arg)
{
	weft_fiber_id guests[GUESTS];

	(void)arg;
	house.options.connections_max = BOUND;
	house_open(linger_a_little);
	for (int i = 0; i < GUESTS; i++)
		guests[i] = weft_spawn(be_served, NULL);
	CHECK_INT(weft_join_all(guests, GUESTS, NULL, WEFT_FOREVER), ==, GUESTS);
	CHECK_INT(atomic_load(&house.peak), ==, BOUND);
	weft_serve_stop(house.listener);
	house_close(0);
	return 0;
}

CHECK_CASE(never_more_connections_than_allowed_and_all_are_served_in_the_end)
{
	run_with(2, serve_bounded);
}

CHECK_CASE(many_workers_keep_to_the_bound_on_connections_together)
{
	run_with(6, serve_bounded);
}

static int64_t cpu_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return WEFT_SECONDS(time.tv_sec) + time.tv_nsec;
}

/*
 * Visitors' own descriptors count too: with 64 in all, 40 connections cannot all be
 * accepted. As visitors leave, the others get their turn.
 */
static int serve_in_a_shortage(void *arg)
{
	struct weft_stream *visitors[40];
	int64_t cpu;

	(void)arg;
	house_make(echo);
	for (int i = 0; i < 40; i++)
		visitors[i] = visit();
	house.server = weft_spawn(run_server, NULL);
	weft_sleep(WEFT_MILLISECONDS(20));
	CHECK_INT(atomic_load(&house.started), <, 40);
	cpu = cpu_ns();
	weft_sleep(WEFT_MILLISECONDS(300));
	CHECK_INT(cpu_ns() - cpu, <, WEFT_MILLISECONDS(60));
	for (int i = 0; i < 40; i++) {
		say(visitors[i], "hello\n");
		hear(visitors[i], "hello\n");
		weft_stream_free(visitors[i]);
	}
	weft_serve_stop(house.listener);
	house_close(0);
	CHECK_INT(atomic_load(&house.started), ==, 40);
	return 0;
}

CHECK_CASE(a_shortage_of_descriptors_is_outlived_without_spinning)
{
	allow_descriptors(64);
	run_with(2, serve_in_a_shortage);
}

/* ---- Stopping
 * ---------------------------------------------------------------------------------------- */

static int serve_until_done(void *arg)
{
	struct weft_stream *stream;
	char byte;

	(void)arg;
	house.options.grace_ns = WEFT_SECONDS(30);
	house_open(echo);
	stream = visit();
	say(stream, "before\n");
	hear(stream, "before\n");
	weft_serve_stop(house.listener);
	weft_serve_stop(house.listener);
	/* The server is stopping, the handler goes on until its peer is content. */
	weft_sleep(WEFT_MILLISECONDS(5));
	say(stream, "after\n");
	hear(stream, "after\n");
	CHECK_INT(weft_stream_shutdown_write(stream), ==, 0);
	CHECK_INT(weft_stream_read(stream, &byte, 1), ==, 0);
	weft_stream_free(stream);
	house_close(0);
	CHECK_INT(atomic_load(&house.cancelled), ==, 0);
	CHECK_INT(atomic_load(&house.started), ==, 1);
	return 0;
}

CHECK_CASE(a_stop_lets_running_handlers_finish)
{
	run_with(2, serve_until_done);
}

static int serve_the_overstaying(void *arg)
{
	struct weft_stream *visitors[20];

	(void)arg;
	house_open(echo);
	for (int i = 0; i < 20; i++) {
		visitors[i] = visit();
		say(visitors[i], "here\n");
		hear(visitors[i], "here\n");
	}
	weft_serve_stop(house.listener);
	house_close(0);
	CHECK_INT(atomic_load(&house.cancelled), ==, 20);
	for (int i = 0; i < 20; i++) {
		char byte;

		CHECK_INT(weft_stream_read(visitors[i], &byte, 1), ==, 0);
		weft_stream_free(visitors[i]);
	}
	return 0;
}

CHECK_CASE(handlers_that_overstay_the_grace_time_are_cancelled)
{
	house.options.grace_ns = WEFT_MILLISECONDS(10);
	run_with(2, serve_the_overstaying);
}

CHECK_CASE(handlers_that_overstay_are_cancelled_on_many_workers_too)
{
	house.options.grace_ns = WEFT_MILLISECONDS(10);
	run_with(6, serve_the_overstaying);
}

CHECK_CASE(a_negative_grace_time_cancels_at_once)
{
	house.options.grace_ns = -1;
	run_with(2, serve_the_overstaying);
}

/* With many workers, too, whose sockets beside the listener's must all be closed. */
static int serve_in_turn(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++) {
		struct weft_stream *stream;

		house_make(echo);
		CHECK_ERRNO(weft_listener_new(house.address, NULL), EADDRINUSE);
		house.server = weft_spawn(run_server, NULL);
		for (int k = 0; k < 20; k++) {
			stream = visit();
			say(stream, "hello\n");
			hear(stream, "hello\n");
			weft_stream_free(stream);
		}
		CHECK_ERRNO(weft_listener_new(house.address, NULL), EADDRINUSE);
		weft_serve_stop(house.listener);
		house_close(0);
		CHECK_ERRNO(weft_stream_connect(house.address), ECONNREFUSED);
	}
	return 0;
}

CHECK_CASE(no_socket_outlives_its_server_and_a_port_in_use_is_seen)
{
	run_with(6, serve_in_turn);
}

static int serve_and_stop_before(void *arg)
{
	(void)arg;
	house_make(echo);
	weft_serve_stop(house.listener);
	CHECK_INT(weft_serve(house.listener, echo, NULL, NULL), ==, 0);
	CHECK_INT(weft_serve(house.listener, echo, NULL, NULL), ==, 0);
	weft_listener_free(house.listener);
	return 0;
}

CHECK_CASE(a_stop_before_the_beginning_counts)
{
	run_with(2, serve_and_stop_before);
}

static void *stop_from_outside(void *arg)
{
	weft_serve_stop(arg);
	return NULL;
}

static int serve_until_a_thread_says(void *arg)
{
	struct weft_stream *stream;
	pthread_t thread;

	(void)arg;
	house_open(echo);
	stream = visit();
	say(stream, "hello\n");
	hear(stream, "hello\n");
	weft_stream_free(stream);
	CHECK_INT(pthread_create(&thread, NULL, stop_from_outside, house.listener), ==, 0);
	house_await(0);
	CHECK_INT(pthread_join(thread, NULL), ==, 0);
	weft_listener_free(house.listener);
	return 0;
}

CHECK_CASE(any_thread_can_stop_it)
{
	run_with(2, serve_until_a_thread_says);
}

static int serve_until_cancelled(void *arg)
{
	struct weft_stream *stream;

	(void)arg;
	house.options.grace_ns = WEFT_SECONDS(30);
	house_open(echo);
	stream = visit();
	say(stream, "hello\n");
	hear(stream, "hello\n");
	CHECK_INT(weft_cancel(house.server), ==, 0);
	weft_sleep(WEFT_MILLISECONDS(5));
	/* The grace time holds for a cancelled server too. */
	say(stream, "still\n");
	hear(stream, "still\n");
	weft_stream_free(stream);
	house_close(ECANCELED);
	CHECK_INT(atomic_load(&house.cancelled), ==, 0);
	return 0;
}

CHECK_CASE(a_cancelled_server_stops_gracefully_too)
{
	run_with(2, serve_until_cancelled);
}

static int serve_for_a_while(void *arg)
{
	(void)arg;
	house_make(echo);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
		CHECK_ERRNO(weft_serve(house.listener, echo, NULL, NULL), ETIMEDOUT);
	weft_listener_free(house.listener);
	return 0;
}

CHECK_CASE(a_server_obeys_the_deadline_around_it)
{
	run_with(2, serve_for_a_while);
}

static int serve_a_closed_listener(void *arg)
{
	struct weft_stream *stream;

	(void)arg;
	house_open(echo);
	stream = visit();
	say(stream, "hello\n");
	hear(stream, "hello\n");
	weft_stream_free(stream);
	weft_close(weft_listener_fd(house.listener));
	house_close(EBADF);
	return 0;
}

CHECK_CASE(a_listener_closed_under_the_server_ends_it)
{
	run_with(2, serve_a_closed_listener);
}

static void count_deferred(void *arg)
{
	(void)arg;
	weft_sleep(WEFT_MILLISECONDS(2));
	atomic_fetch_add(&house.deferred, 1);
}

static int defer_something(struct weft_stream *peer, void *arg)
{
	(void)arg;
	CHECK_INT(weft_defer(count_deferred, NULL), ==, 0);
	enter();
	leave();
	return weft_stream_printf(peer, "served\n");
}

static int serve_deferring(void *arg)
{
	(void)arg;
	house_open(defer_something);
	for (int i = 0; i < 10; i++)
		be_served(NULL);
	weft_serve_stop(house.listener);
	house_close(0);
	CHECK_INT(atomic_load(&house.deferred), ==, 10);
	return 0;
}

CHECK_CASE(the_server_ends_after_all_that_its_handlers_deferred)
{
	run_with(2, serve_deferring);
}

CHECK_CASE(outside_a_fiber_there_is_no_server)
{
	house_make(echo);
	CHECK_ERRNO(weft_serve(house.listener, echo, NULL, NULL), ENOTSUP);
	weft_listener_free(house.listener);
}

CHECK_MAIN()
