/*
 * test_serve.c - the server: everybody is answered, and bounds hold.
 *
 * check: tsan drivers
 */
#include <pthread.h>
#include <time.h>

#include "fiber/sanitize.h"
#include "house.h"

/* ---- Serving
 * ------------------------------------------------------------------------------------- */

enum { MANY_MAX = 1000 };

/*
 * Both ends are in this process, and select(2) takes no more than 1024 descriptors.
 * ThreadSanitizer's own account of a fiber costs far more than the fiber.
 */
static int many(void)
{
#ifdef WEFT_TSAN
	return 200;
#else
	return strcmp(weft_driver_name(), "select") == 0 ? 400 : MANY_MAX;
#endif
}

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
	static struct weft_stream *visitors[MANY_MAX];
	static weft_fiber_id fibers[MANY_MAX];

	(void)arg;
	house_open(echo);
	for (int i = 0; i < many(); i++)
		visitors[i] = visit();
	for (int i = 0; i < many(); i++)
		fibers[i] = weft_spawn(ping_pong, visitors[i]);
	CHECK_INT(weft_join_all(fibers, (size_t)many(), NULL, WEFT_FOREVER), ==, many());
	weft_serve_stop(house.listener);
	house_close(0);
	CHECK_INT(atomic_load(&house.started), ==, many());
	return 0;
}

CHECK_CASE(many_connections_at_once_are_echoed)
{
	allow_descriptors(2 * MANY_MAX + 100);
	run_with(2, serve_many);
}

/* More workers than share one listening socket: each has its own. */
CHECK_CASE(many_connections_are_echoed_by_many_workers_too)
{
	allow_descriptors(2 * MANY_MAX + 100);
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

/* The same, once as many were inside as may be. */
static int linger_until_full(struct weft_stream *peer, void *arg)
{
	enter();
	while (atomic_load(&house.peak) < BOUND)
		weft_sleep(WEFT_MILLISECONDS(1));
	leave();
	return linger_a_little(peer, arg);
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
	house_open(linger_until_full);
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
	int64_t spent = INT64_MAX;

	(void)arg;
	house_make(echo);
	for (int i = 0; i < 40; i++)
		visitors[i] = visit();
	house.server = weft_spawn(run_server, NULL);
	weft_sleep(WEFT_MILLISECONDS(20));
	CHECK_INT(atomic_load(&house.started), <, 40);
	/* At first there is work to be done, for as long as the machine takes for it. */
	for (int i = 0; spent >= WEFT_MILLISECONDS(60); i++) {
		CHECK_INT(i, <, 20);
		spent = -cpu_ns();
		weft_sleep(WEFT_MILLISECONDS(300));
		spent += cpu_ns();
	}
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

static int serve_on_a_path(void *arg)
{
	(void)arg;
	snprintf(house.address, sizeof(house.address), "unix:@weft-test-%d", (int)getpid());
	house.listener = weft_listener_new(house.address, NULL);
	CHECK(house.listener != NULL);
	house.handler = linger_a_little;
	house.options.connections_max = BOUND;
	house.server = weft_spawn(run_server, NULL);
	for (int i = 0; i < GUESTS; i++)
		be_served(NULL);
	weft_serve_stop(house.listener);
	house_close(0);
	return 0;
}

CHECK_CASE(many_workers_share_a_unix_listener)
{
	run_with(6, serve_on_a_path);
}

/* A listener that somebody else made, as a supervisor hands it down. */
static int serve_an_inherited_one(void *arg)
{
	struct weft_listener *made = weft_listener_new("127.0.0.1:0", NULL);

	(void)arg;
	house.listener = weft_listener_from_fd(dup(weft_listener_fd(made)));
	CHECK(house.listener != NULL);
	weft_listener_free(made);
	weft_address_print(
		weft_listener_address(house.listener), house.address, sizeof(house.address));
	house.handler = linger_a_little;
	house.server = weft_spawn(run_server, NULL);
	for (int i = 0; i < GUESTS; i++)
		be_served(NULL);
	weft_serve_stop(house.listener);
	house_close(0);
	return 0;
}

CHECK_CASE(many_workers_share_an_inherited_listener)
{
	run_with(6, serve_an_inherited_one);
}

enum { CROWD = 60 };

static atomic_int turns;

/* Takes a millisecond at each turn, until everybody has been let in. */
static int take_turns(struct weft_stream *peer, void *arg)
{
	(void)peer;
	(void)arg;
	enter();
	while (atomic_load(&house.started) < CROWD) {
		int64_t end_ns = weft_now() + WEFT_MILLISECONDS(1);

		while (weft_now() < end_ns)
			;
		atomic_fetch_add(&turns, 1);
		weft_yield();
	}
	leave();
	return 0;
}

static int serve_a_busy_crowd(void *arg)
{
	struct weft_stream *visitors[CROWD];
	char byte;

	(void)arg;
	house_make(take_turns);
	for (int i = 0; i < CROWD; i++)
		visitors[i] = visit();
	house.server = weft_spawn(run_server, NULL);
	CHECK(house.server != 0);
	for (int i = 0; i < CROWD; i++) {
		CHECK_INT(weft_stream_read(visitors[i], &byte, 1), ==, 0);
		weft_stream_free(visitors[i]);
	}
	/* One let in at each turn of those before it would make it CROWD * CROWD / 2. */
	CHECK_INT(atomic_load(&turns), <, CROWD * CROWD / 4);
	weft_serve_stop(house.listener);
	house_close(0);
	return 0;
}

CHECK_CASE(who_waits_to_be_let_in_does_not_wait_for_all_who_are_busy_inside)
{
	run_with(1, serve_a_busy_crowd);
}

static int serve_in_vain(void *arg)
{
	struct weft_serve_options options = {.stack_size_bytes = WEFT_STACK_SIZE_MAX + 1};
	struct weft_listener *listener = weft_listener_new("127.0.0.1:0", NULL);
	char address[WEFT_ADDRESS_TEXT_MAX];

	(void)arg;
	CHECK_ERRNO(weft_serve(listener, echo, NULL, &options), EINVAL);
	CHECK_ERRNO(weft_serve(listener, NULL, NULL, NULL), EINVAL);
	weft_address_print(weft_listener_address(listener), address, sizeof(address));
	CHECK_ERRNO(weft_serve(weft_listener_new(address, NULL), echo, NULL, NULL), EADDRINUSE);
	weft_listener_free(listener);
	return 0;
}

CHECK_CASE(a_listener_that_failed_and_a_stack_nobody_can_have_are_refused_at_once)
{
	run_with(1, serve_in_vain);
}

/* ---- Parking ------------------------------------------------------------------------------------
 */

static atomic_int ended_parked;

static void end_parked(struct weft_stream *peer, void *arg)
{
	(void)arg;
	CHECK_INT(*(int *)weft_serve_kept(peer), ==, 2);
	atomic_fetch_add(&ended_parked, 1);
}

/* One line in each call; what it counts goes from one to the next. */
static int echo_and_park(struct weft_stream *peer, void *arg)
{
	static int counts[2];
	int *count = weft_serve_kept(peer);
	const char *line;
	ssize_t len = weft_stream_readline(peer, &line);

	(void)arg;
	if (!count)
		count = &counts[atomic_fetch_add(&house.started, 1)];
	if (len <= 0)
		return 0;
	++*count;
	CHECK_INT(weft_stream_printf(peer, "%d\n", *count), ==, 0);
	CHECK_INT(weft_stream_flush(peer), ==, 0);
	CHECK(weft_serve_may_park(peer));
	weft_serve_keep(peer, count);
	return WEFT_SERVE_PARK;
}

static int park(void *arg)
{
	struct weft_stream *first, *second;

	(void)arg;
	house.options.park_timeout_ns = WEFT_SECONDS(3600);
	house.options.on_parked_end = end_parked;
	house_open(echo_and_park);
	first = visit();
	second = visit();
	for (int i = 0; i < 2; i++) {
		say(first, "a\n");
		hear(first, i ? "2\n" : "1\n");
		say(second, "a\n");
		hear(second, i ? "2\n" : "1\n");
	}
	weft_stream_free(first);
	weft_serve_stop(house.listener);
	house_close(0);
	weft_stream_free(second);
	return 0;
}

CHECK_CASE(a_parked_connection_goes_on_where_its_handler_left_it)
{
	run_with(2, park);
	CHECK_INT(atomic_load(&house.started), ==, 2);
	CHECK_INT(atomic_load(&ended_parked), >=, 1);
	CHECK_INT(atomic_load(&ended_parked), <=, 2);
}

CHECK_MAIN()
