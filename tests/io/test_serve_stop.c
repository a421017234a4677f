/*
 * test_serve_stop.c - how a server ends: gracefully, and with nobody left inside.
 *
 * check: tsan drivers
 */
#include <pthread.h>

#include "base/prng.h"
#include "house.h"
#include "nobody.h"

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
	struct weft_address address;
	int held = nobody_listens(&address);
	char text[WEFT_ADDRESS_TEXT_MAX];

	(void)arg;
	weft_address_print(&address, text, sizeof(text));
	for (int i = 0; i < 3; i++) {
		struct weft_stream *stream;

		house_make_at(text, echo);
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
	close(held);
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

static void be_served(void)
{
	struct weft_stream *stream = visit();

	hear(stream, "served\n");
	weft_stream_free(stream);
}

static int serve_deferring(void *arg)
{
	(void)arg;
	house_open(defer_something);
	for (int i = 0; i < 10; i++)
		be_served();
	weft_serve_stop(house.listener);
	house_close(0);
	CHECK_INT(atomic_load(&house.deferred), ==, 10);
	return 0;
}

CHECK_CASE(the_server_ends_after_all_that_its_handlers_deferred)
{
	run_with(2, serve_deferring);
}

/* ---- Any moment -------------------------------------------------------------------------------
 */

enum { RESTLESS = 24 };

/* Comes, says something, and goes, politely or not; the server may end at any point of it. */
static int be_restless(void *arg)
{
	struct prng prng = {(uint64_t)(uintptr_t)arg};

	for (int i = 0; i < 4; i++) {
		const struct linger reset = {.l_onoff = 1};
		struct weft_stream *stream = weft_stream_connect(house.address);
		const char *line;

		if (!stream)
			return 0;
		if (prng_below(&prng, 4) > 0 && weft_stream_printf(stream, "hello\n") == 0 &&
			weft_stream_flush(stream) == 0 && prng_below(&prng, 3) > 0)
			weft_stream_readline(stream, &line);
		if (prng_below(&prng, 2) == 0)
			setsockopt(weft_stream_fd(stream), SOL_SOCKET, SO_LINGER, &reset,
				sizeof(reset));
		weft_stream_free(stream);
	}
	return 0;
}

static int serve_the_restless(void *arg)
{
	struct prng prng = {11};

	(void)arg;
	for (unsigned round = 0; round < check_rounds(12); round++) {
		weft_fiber_id visitors[RESTLESS];

		house.options.connections_max = round % 3 ? 0 : 4;
		house.options.grace_ns = round % 2 ? -1 : WEFT_MILLISECONDS(1);
		house_open(echo);
		for (uintptr_t i = 0; i < RESTLESS; i++)
			visitors[i] = weft_spawn(be_restless, (void *)(round * 100 + i));
		for (uint64_t i = prng_below(&prng, 200); i > 0; i--)
			weft_yield();
		weft_serve_stop(house.listener);
		house_close(0);
		CHECK_INT(weft_join_all(visitors, RESTLESS, NULL, WEFT_FOREVER), ==, RESTLESS);
	}
	return 0;
}

CHECK_CASE(stopped_at_any_moment_it_leaves_nobody_inside)
{
	run_with(2, serve_the_restless);
}

CHECK_CASE(stopped_at_any_moment_with_many_workers_it_leaves_nobody_inside)
{
	run_with(6, serve_the_restless);
}

static struct weft_stream *last_visitor;

static int leave_the_server_running(void *arg)
{
	(void)arg;
	house_open(echo);
	last_visitor = visit();
	say(last_visitor, "hello\n");
	hear(last_visitor, "hello\n");
	return weft_detach(house.server);
}

CHECK_CASE(the_end_of_the_run_ends_the_server_and_its_handlers)
{
	house.options.grace_ns = WEFT_SECONDS(30);
	run_with(2, leave_the_server_running);
	CHECK_INT(house.server_errno, ==, ECANCELED);
	CHECK_INT(atomic_load(&house.live), ==, 0);
	CHECK_INT(atomic_load(&house.cancelled), ==, 1);
	weft_stream_free(last_visitor);
	weft_listener_free(house.listener);
}

CHECK_MAIN()
