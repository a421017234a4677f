/*
 * test_serve_models.c - the same handlers under every model of serving, from a thread and
 * from a fiber: what they hear and say, how they end, and how they are counted.
 *
 * check: tsan drivers
 */
#include "fiber/sanitize.h"
#include "models.h"
#include "weft/thread.h"

static void serve_visitors(void)
{
	enum { VISITORS = 20 };

	house_open(echo);
	for (int i = 0; i < VISITORS; i++) {
		int fd = visit();

		say(fd, "hello\n");
		hear(fd, "hello\n");
		CHECK_INT(shutdown(fd, SHUT_WR), ==, 0);
		hear_end(fd);
	}
	house_close();
	CHECK_INT(counts().accepted, ==, VISITORS);
	CHECK_INT(counts().ended, ==, VISITORS);
	CHECK_INT(counts().failed + counts().crashed + counts().refused, ==, 0);
	house_end();
}

CHECK_CASE(one_after_the_other_they_are_served_by_every_model)
{
	with_models(ALL, serve_visitors);
}

static void serve_three_at_once(void)
{
	int fds[3];

	house_open(echo);
	for (int i = 0; i < 3; i++)
		fds[i] = visit();
	for (int i = 2; i >= 0; i--) {
		say(fds[i], "here\n");
		hear(fds[i], "here\n");
	}
	CHECK_INT(counts().accepted, ==, 3);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(shutdown(fds[i], SHUT_WR), ==, 0);
		hear_end(fds[i]);
	}
	house_close();
	house_end();
}

CHECK_CASE(several_at_once_are_served_by_all_but_the_loop)
{
	with_models(ALL & ~LOOP, serve_three_at_once);
}

/* The loop goes on to the second when the first has ended. */
static void serve_in_turn(void)
{
	int first, second;

	house_open(echo);
	first = visit();
	say(first, "first\n");
	hear(first, "first\n");
	second = visit();
	say(second, "second\n");
	CHECK_INT(counts().accepted, ==, 1);
	leave(first);
	hear(second, "second\n");
	leave(second);
	house_close();
	CHECK_INT(counts().accepted, ==, 2);
	house_end();
}

CHECK_CASE(the_loop_serves_one_after_the_other)
{
	with_models(LOOP, serve_in_turn);
}

/* ---- Ends --------------------------------------------------------------------------------------
 */

static int fail_at_once(struct weft_stream *peer, void *arg)
{
	(void)arg;
	CHECK_INT(weft_stream_write_all(peer, "no\n", 3), ==, 0); /* flushed after the return */
	return -1;
}

static void serve_failures(void)
{
	house_open(fail_at_once);
	for (int i = 0; i < 5; i++) {
		int fd = visit();

		hear(fd, "no\n");
		hear_end(fd);
	}
	house_close();
	CHECK_INT(counts().ended, ==, 5);
	CHECK_INT(counts().failed, ==, 5);
	CHECK_INT(counts().crashed, ==, 0);
	house_end();
}

CHECK_CASE(a_handler_that_fails_is_counted_and_what_it_wrote_is_sent)
{
	with_models(ALL, serve_failures);
}

static int wait_for_late(struct weft_stream *peer, void *arg)
{
	char byte;

	(void)arg;
	CHECK_INT(weft_stream_write_all(peer, "+", 1), ==, 0);
	CHECK_INT(weft_stream_flush(peer), ==, 0);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_stream_read(peer, &byte, 1), ETIMEDOUT);
	return weft_stream_write_all(peer, "late", 4);
}

static void serve_late(void)
{
	int fd;

	house_open(wait_for_late);
	fd = visit();
	hear(fd, "+late");
	hear_end(fd);
	house_close();
	house_end();
}

CHECK_CASE(deadlines_hold_in_every_model)
{
	with_models(ALL, serve_late);
}

static void serve_until_done(void)
{
	int fd;

	house.options.grace_ns = WEFT_SECONDS(30);
	house_open(echo);
	fd = visit();
	say(fd, "before\n");
	hear(fd, "before\n");
	weft_serve_stop(house.listener);
	say(fd, "after\n");
	hear(fd, "after\n");
	CHECK_INT(shutdown(fd, SHUT_WR), ==, 0);
	hear_end(fd);
	house_close();
	CHECK_INT(counts().failed, ==, 0);
	house_end();
}

CHECK_CASE(a_stop_lets_running_handlers_finish_in_every_model)
{
	with_models(ALL, serve_until_done);
}

static int overstay(struct weft_stream *peer, void *arg)
{
	char byte;

	(void)arg;
	tell('+');
	CHECK_ERRNO(weft_stream_read(peer, &byte, 1), ECANCELED);
	CHECK_ERRNO(weft_sleep(1000), ECANCELED);
	WEFT_SHIELDED
		CHECK_INT(weft_sleep(1000), ==, 0);
	tell('c');
	return -1;
}

static void serve_the_overstaying(void)
{
	int fd;

	house.options.grace_ns = WEFT_MILLISECONDS(5);
	house_open(overstay);
	fd = visit();
	CHECK_INT(hear_told(), ==, '+');
	house_close();
	CHECK_INT(hear_told(), ==, 'c');
	hear_end(fd);
	CHECK_INT(counts().failed, ==, 1);
	CHECK_INT(counts().crashed, ==, 0);
	house_end();
}

CHECK_CASE(handlers_that_overstay_the_grace_time_are_cancelled_in_every_model)
{
	with_models(ALL, serve_the_overstaying);
}

static int late_serve(void *arg)
{
	(void)arg;
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
		CHECK_ERRNO(weft_serve(house.listener, house.handler, "arg", &house.options),
			ETIMEDOUT);
	return 0;
}

static void serve_within_a_deadline(void)
{
	house.listener = weft_listener_new(own_address(), NULL);
	CHECK(house.listener != NULL);
	house.handler = echo;
	CHECK_INT(pipe2(house.told, O_CLOEXEC), ==, 0);
	if (house.in_fiber)
		CHECK_INT(weft_run(NULL, late_serve, NULL), ==, 0);
	else
		late_serve(NULL);
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG), ECHILD);
	house_end();
}

CHECK_CASE(serving_obeys_the_callers_deadline)
{
	with_models(ALL, serve_within_a_deadline);
}

static int serve_to_be_cancelled(void *arg)
{
	return serve(arg);
}

/* With a visitor, so that it has begun; and cancelled before it has. */
static void serve_until_cancelled(void)
{
	struct weft_thread *thread;

	if (house.in_fiber)
		return; /* a thread has none */
	house.listener = weft_listener_new(own_address(), NULL);
	CHECK(house.listener != NULL);
	house.handler = echo;
	house.options.grace_ns = -1;
	for (int round = 0; round < 2; round++) {
		int fd = round == 0 ? visit() : -1;

		thread = weft_thread_new(NULL, serve_to_be_cancelled, NULL);
		CHECK_INT(weft_thread_start(thread), ==, 0);
		if (round == 0) {
			say(fd, "hello\n");
			hear(fd, "hello\n");
		}
		CHECK_INT(weft_thread_cancel(thread), ==, 0);
		CHECK_INT(weft_thread_join(thread, NULL, WEFT_FOREVER), ==, 0);
		weft_thread_free(thread);
		CHECK_INT(house.result, ==, -1);
		CHECK_INT(house.code, ==, ECANCELED);
		if (round == 0)
			hear_end(fd);
	}
	CHECK_INT(pipe2(house.told, O_CLOEXEC), ==, 0);
	house_end();
}

CHECK_CASE(serving_ends_when_its_thread_is_cancelled)
{
#ifdef WEFT_TSAN
	check_skip("the sanitizer keeps a signal that comes in a fiber until that runs again");
#endif
	with_models(ALL, serve_until_cancelled);
}

/* ---- Limits
 * ------------------------------------------------------------------------------------------ */

static void await_ended(uint64_t count)
{
	while (counts().ended < count)
		usleep(1000);
}

static void fill_up(void)
{
	int first, second;

	house.options.connections_max = 1;
	house_open(echo);
	first = visit();
	say(first, "first\n");
	hear(first, "first\n");
	second = visit(); /* waits in the backlog */
	say(second, "second\n");
	CHECK_INT(counts().accepted, ==, 1);
	leave(first);
	hear(second, "second\n");
	leave(second);
	await_ended(2);
	CHECK_INT(counts().refused, ==, 0);
	house_close();
	house_end();
}

CHECK_CASE(beyond_the_limit_they_wait)
{
	with_models(ALL & ~LOOP, fill_up);
}

static int say_busy(struct weft_stream *peer, void *arg)
{
	CHECK_STR(arg, "arg");
	return weft_stream_write_all(peer, "busy", 4);
}

static void turn_away(void)
{
	int first, second;

	house.options.connections_max = 1;
	house.options.busy = say_busy;
	house_open(echo);
	first = visit();
	say(first, "first\n");
	hear(first, "first\n");
	for (int i = 0; i < 3; i++) {
		second = visit();
		hear(second, "busy");
		hear_end(second);
	}
	CHECK_INT(counts().refused, ==, 3);
	CHECK_INT(shutdown(first, SHUT_WR), ==, 0);
	hear_end(first);
	await_ended(1);
	house_close();
	CHECK_INT(counts().accepted, ==, 1);
	house_end();
}

CHECK_CASE(beyond_the_limit_the_busy_handler_answers)
{
	with_models(THREAD | FORK, turn_away);
}

CHECK_CASE(what_cannot_be_is_refused)
{
	struct weft_serve_options options = {.model = "no such"};

	house.listener = weft_listener_new(own_address(), NULL);
	CHECK_ERRNO(weft_serve(house.listener, echo, NULL, &options), EINVAL);
	options = (struct weft_serve_options){.driver = "no such"};
	CHECK_ERRNO(weft_serve(house.listener, echo, NULL, &options), EINVAL);
	CHECK_ERRNO(weft_serve(NULL, echo, NULL, NULL), 0);
	CHECK_INT(counts().accepted, ==, 0);
	weft_listener_free(house.listener);
	CHECK_STR(weft_serve_model_at(0), "fiber");
	CHECK(weft_serve_model_at(5) && !weft_serve_model_at(6));
}

static int serve_simulated(void *arg)
{
	struct weft_serve_options options = {.model = arg};
	struct weft_listener *listener = weft_listener_new("0.0.0.0:80", NULL);

	CHECK(listener != NULL);
	CHECK_ERRNO(weft_serve(listener, echo, NULL, &options), ENOTSUP);
	weft_listener_free(listener);
	return 0;
}

CHECK_CASE(threads_and_processes_have_no_place_in_the_simulator)
{
	static char thread[] = "thread", prefork[] = "prefork";

	CHECK_INT(weft_sim_run(1, NULL, serve_simulated, thread), ==, 0);
	CHECK_INT(weft_sim_run(1, NULL, serve_simulated, prefork), ==, 0);
}

/* ---- Many
 * ---------------------------------------------------------------------------------------------- */

static void *visit_often(void *arg)
{
	for (int i = 0; i < 30; i++) {
		int fd = visit();

		say(fd, "hello\n");
		hear(fd, "hello\n");
		CHECK_INT(shutdown(fd, SHUT_WR), ==, 0);
		hear_end(fd);
	}
	return arg;
}

static void serve_a_crowd(void)
{
	pthread_t crowd[4];

	house_open(echo);
	for (int i = 0; i < 4; i++)
		crowd[i] = peer_start(visit_often, NULL);
	for (int i = 0; i < 4; i++)
		peer_end(crowd[i]);
	house_close();
	CHECK_INT(counts().accepted, ==, 120);
	CHECK_INT(counts().ended, ==, 120);
	house_end();
}

CHECK_CASE(a_crowd_that_comes_and_goes_is_served_by_every_model)
{
	with_models(ALL, serve_a_crowd);
}

CHECK_MAIN()
