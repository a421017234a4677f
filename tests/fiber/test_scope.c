/*
 * test_scope.c - deadlines, shields and timers (include/weft/scope.h).
 * check: tsan valgrind
 */
#include "weft/scope.h"

#include <errno.h>

#include "check.h"
#include "weft/fiber.h"
#include "weft/socket.h"

#define HOUR WEFT_SECONDS(3600)

static void run(weft_fiber_fn *fn, void *arg)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 1}, fn, arg), ==, 0);
}

/* The same facts hold in a fiber and on a plain thread. */
static void run_both(weft_fiber_fn *fn)
{
	CHECK_INT(fn(NULL), ==, 0);
	run(fn, NULL);
}

static int nested(void *arg)
{
	struct weft_timeout outer, inner;

	(void)arg;
	weft_timeout_begin(&outer, WEFT_MILLISECONDS(5));
	weft_timeout_begin(&inner, HOUR);
	CHECK_ERRNO(weft_sleep(HOUR), ETIMEDOUT);
	CHECK(!weft_timeout_end(&inner));
	CHECK_INT(weft_interrupted(), ==, ETIMEDOUT);
	CHECK(weft_timeout_end(&outer));
	CHECK_INT(weft_interrupted(), ==, 0);

	weft_timeout_begin(&outer, HOUR);
	weft_timeout_begin(&inner, WEFT_MILLISECONDS(5));
	CHECK_ERRNO(weft_sleep(HOUR), ETIMEDOUT);
	CHECK(weft_timeout_end(&inner));
	CHECK_INT(weft_interrupted(), ==, 0);
	CHECK_INT(weft_sleep(1), ==, 0);
	CHECK(!weft_timeout_end(&outer));
	return 0;
}

CHECK_CASE(the_nearest_of_nested_deadlines_counts_and_end_says_whose_it_was)
{
	run_both(nested);
}

static int borders(void *arg)
{
	struct weft_timeout scope;

	(void)arg;
	weft_timeout_begin(&scope, 0);
	CHECK_INT(weft_interrupted(), ==, ETIMEDOUT);
	CHECK_INT(weft_time_left(), ==, 0);
	CHECK_ERRNO(weft_sleep(0), ETIMEDOUT);
	CHECK(weft_timeout_end(&scope));
	weft_timeout_begin(&scope, INT64_MAX);
	CHECK_INT(weft_time_left(), ==, WEFT_FOREVER);
	CHECK_INT(weft_sleep(1), ==, 0);
	CHECK(!weft_timeout_end(&scope));
	weft_timeout_begin(&scope, WEFT_FOREVER);
	CHECK_INT(weft_time_left(), ==, WEFT_FOREVER);
	CHECK(!weft_timeout_end(&scope));
	weft_timeout_begin(&scope, HOUR);
	CHECK_INT(weft_time_left(), >, 0);
	CHECK_INT(weft_time_left(), <=, HOUR + WEFT_MILLISECONDS(12)); /* scope.h */
	CHECK(!weft_timeout_end(&scope));
	CHECK_INT(weft_time_left(), ==, WEFT_FOREVER);
	return 0;
}

CHECK_CASE(no_time_all_time_and_no_bound_are_told_apart)
{
	run_both(borders);
}

static int shield(void *arg)
{
	(void)arg;
	WEFT_WITH_TIMEOUT (0) {
		WEFT_SHIELDED {
			CHECK_INT(weft_interrupted(), ==, 0);
			CHECK_INT(weft_time_left(), ==, WEFT_FOREVER);
			CHECK_INT(weft_sleep(1), ==, 0);
			WEFT_WITH_TIMEOUT (1)
				CHECK_ERRNO(weft_sleep(HOUR), ETIMEDOUT);
			CHECK_INT(weft_interrupted(), ==, 0);
		}
		CHECK_INT(weft_interrupted(), ==, ETIMEDOUT);
	}
	return 0;
}

CHECK_CASE(a_shield_hides_what_is_around_it_and_not_what_is_inside)
{
	run_both(shield);
}

static int leave_by_return(void)
{
	WEFT_WITH_TIMEOUT (0)
		return 3;
	return 4;
}

static int leave(void *arg)
{
	(void)arg;
	CHECK_INT(leave_by_return(), ==, 3);
	CHECK_INT(weft_interrupted(), ==, 0);
	WEFT_WITH_TIMEOUT (0)
		break;
	CHECK_INT(weft_interrupted(), ==, 0);
	WEFT_WITH_TIMEOUT (0)
		goto out;
out:
	CHECK_INT(weft_interrupted(), ==, 0);
	return 0;
}

CHECK_CASE(break_return_and_goto_end_the_scope)
{
	run_both(leave);
}

static int read_late(void *arg)
{
	int ends[2];
	char byte;

	(void)arg;
	CHECK_INT(pipe(ends), ==, 0);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(2))
		CHECK_ERRNO(weft_read(ends[0], &byte, 1), ETIMEDOUT);
	CHECK_INT(weft_close(ends[0]), ==, 0);
	CHECK_INT(weft_close(ends[1]), ==, 0);
	return 0;
}

CHECK_CASE(a_read_ends_at_the_deadline)
{
	run_both(read_late);
}

static int compute(void *arg)
{
	struct weft_timeout scope;

	(void)arg;
	weft_timeout_begin(&scope, WEFT_MILLISECONDS(1));
	while (weft_time_left() > 0)
		;
	CHECK(weft_timeout_end(&scope));
	CHECK_INT(weft_interrupted(), ==, 0);
	return 0;
}

CHECK_CASE(end_says_that_the_deadline_passed_while_the_caller_computed)
{
	run_both(compute);
}

static int cancel_and_timeout(void *arg)
{
	(void)arg;
	WEFT_WITH_TIMEOUT (0) {
		weft_cancel(weft_self());
		WEFT_SHIELDED
			weft_sleep(WEFT_MILLISECONDS(1)); /* the cancel is delivered meanwhile */
		CHECK_ERRNO(weft_sleep(HOUR), ECANCELED);
	}
	return 0;
}

static int cancel_child(void *arg)
{
	return weft_join(weft_spawn(cancel_and_timeout, arg), NULL, WEFT_FOREVER);
}

CHECK_CASE(cancelled_and_late_at_once_is_cancelled)
{
	run(cancel_child, NULL);
}

/* ---- Many timers -------------------------------------------------------------------- */

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
	uint64_t random = 88172645463325252u;

	CHECK(fibers && deadlines);
	for (unsigned i = 0; i < count; i++) {
		random ^= random << 13, random ^= random >> 7, random ^= random << 17;
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
	unsigned count = check_rounds(5000);

	run(pend, &count);
}

CHECK_MAIN()
