/*
 * test_sleep.c - weft_sleep(): how long, what it lets happen, and what ends it.
 * check: tsan valgrind drivers
 */
#include "weft/fiber.h"

#include <signal.h>
#include <sys/time.h>

#include "base/prng.h"
#include "fiber/bodies.h"
#include "fiber/sanitize.h"
#include "weft/scope.h"
#include "weft/socket.h"

#define HOUR WEFT_SECONDS(3600)

static bool has_run;

static int note_run(void *arg)
{
	(void)arg;
	has_run = true;
	return 0;
}

static int sleep_for_nothing(void *arg)
{
	weft_fiber_id fiber = weft_spawn(note_run, arg);

	/* A call that must fail does so at once. */
	WEFT_WITH_TIMEOUT (0)
		CHECK_ERRNO(weft_sleep(0), ETIMEDOUT);
	CHECK(!has_run);
	CHECK_INT(weft_sleep(0), ==, 0);
	CHECK(has_run);
	return weft_join(fiber, NULL, WEFT_FOREVER);
}

CHECK_CASE(a_sleep_of_no_time_lets_the_others_run)
{
	run(1, sleep_for_nothing, NULL);
}

static int sleep_for_ever(void *arg)
{
	(void)arg;
	return weft_sleep(WEFT_FOREVER) < 0 ? errno : 0;
}

static int end_what_sleeps_for_ever(void *arg)
{
	weft_fiber_id sleeper = weft_spawn(sleep_for_ever, NULL);
	int result = -1;

	CHECK_ERRNO(weft_join(sleeper, NULL, WEFT_MILLISECONDS(5)), ETIMEDOUT);
	CHECK_INT(weft_cancel(sleeper), ==, 0);
	CHECK_INT(weft_join(sleeper, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, ECANCELED);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_sleep(WEFT_FOREVER), ETIMEDOUT);
	CHECK_INT(weft_sleep(WEFT_FOREVER - 1), ==, 0);
	CHECK_INT(weft_sleep(INT64_MIN), ==, 0);
	(void)arg;
	return 0;
}

CHECK_CASE(a_sleep_for_ever_ends_by_a_cancel_or_a_deadline_only)
{
	run(1, end_what_sleeps_for_ever, NULL);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1)) /* a thread's, too */
		CHECK_ERRNO(weft_sleep(WEFT_FOREVER), ETIMEDOUT);
	CHECK_INT(weft_sleep(WEFT_FOREVER - 1), ==, 0);
}

static int nap_until_cancelled(void *arg)
{
	(void)arg;
	/* What came while the others ran is told by this nap, not the next. */
	while (weft_sleep(0) == 0)
		CHECK_INT(weft_interrupted(), ==, 0);
	CHECK_INT(errno, ==, ECANCELED);
	return 0;
}

/* Cancel it, and keep the worker until it looks at what was asked of it. */
static int cancel_a_napper(void *arg)
{
	char byte = 'x';

	(void)arg;
	for (int i = 0; i < 10; i++) {
		weft_fiber_id napper = weft_spawn(nap_until_cancelled, NULL);
		int64_t until;
		int pair[2];

		CHECK_INT(weft_socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
		weft_yield();
		weft_cancel(napper);
		until = weft_now() + WEFT_MILLISECONDS(1);
		while (weft_now() < until)
			;
		for (int k = 0; k < 31; k++)
			CHECK_INT(weft_send(pair[0], &byte, 1, 0), ==, 1);
		CHECK_INT(weft_join(napper, NULL, WEFT_FOREVER), ==, 0);
		weft_close(pair[0]);
		weft_close(pair[1]);
	}
	return 0;
}

CHECK_CASE(a_sleep_of_no_time_tells_what_came_meanwhile)
{
	run(1, cancel_a_napper, NULL);
}

static void ignore_alarm(int number)
{
	(void)number;
}

static int sleep_in_a_storm(void *arg)
{
	int64_t before = weft_now();

	(void)arg;
	CHECK_INT(weft_sleep(WEFT_MILLISECONDS(20)), ==, 0);
	CHECK_INT(weft_now() - before, >=, WEFT_MILLISECONDS(20));
	return 0;
}

CHECK_CASE(signals_do_not_shorten_a_sleep)
{
	struct sigaction action = {.sa_handler = ignore_alarm};
	struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};

	CHECK_INT(sigaction(SIGALRM, &action, NULL), ==, 0);
	CHECK_INT(setitimer(ITIMER_REAL, &often, NULL), ==, 0);
	CHECK_INT(sleep_in_a_storm(NULL), ==, 0);
	run(1, sleep_in_a_storm, NULL);
	CHECK_INT(setitimer(ITIMER_REAL, &never, NULL), ==, 0);
}

/* ---- Many at once ---------------------------------------------------------------------- */

static unsigned woken, cancelled;

static int sleep_until(void *arg)
{
	int64_t deadline = *(const int64_t *)arg;

	if (weft_sleep(deadline - weft_now()) < 0) {
		cancelled++;
		return 0;
	}
	CHECK(weft_now() >= deadline);
	woken++;
	return 0;
}

static int pend(void *arg)
{
	unsigned count = *(unsigned *)arg, kept = 0;
	struct weft_spawn_options options = {.stack_size_bytes = WEFT_STACK_SIZE_MIN};
	weft_fiber_id *fibers = calloc(count, sizeof *fibers);
	int64_t *deadlines = calloc(count, sizeof *deadlines);
	struct prng prng = {88172645463325252u};

	CHECK(fibers && deadlines);
	for (unsigned i = 0; i < count; i++) {
		uint64_t random = prng_next(&prng);

		deadlines[i] = random % 4 ? weft_now() + HOUR + (int64_t)(random % HOUR) : 0;
		kept += deadlines[i] == 0;
		CHECK((fibers[i] = weft_spawn_with(&options, sleep_until, &deadlines[i])) != 0);
	}
	weft_sleep(1);
	while (weft_fiber_count() > 1 + count - kept)
		weft_sleep(WEFT_MILLISECONDS(1));
	for (unsigned i = count; i-- > 0;)
		if (deadlines[i])
			CHECK_INT(weft_cancel(fibers[i]), ==, 0);
	CHECK_INT(weft_join_all(fibers, count, NULL, WEFT_FOREVER), ==, count);
	CHECK_INT(woken, ==, kept);
	CHECK_INT(cancelled, ==, count - kept);
	free(fibers);
	free(deadlines);
	return 0;
}

CHECK_CASE(each_of_many_pending_timers_fires_or_is_cancelled_once)
{
#ifdef WEFT_TSAN /* its own account of a fiber costs far more than the fiber */
	unsigned count = check_rounds(300);
#else
	unsigned count = check_rounds(5000);
#endif

	run(1, pend, &count);
}

CHECK_MAIN()
