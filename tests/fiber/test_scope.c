/*
 * test_scope.c - deadlines and shields (include/weft/scope.h).
 * check: tsan valgrind drivers
 */
#include "weft/scope.h"

#include <errno.h>

#include "base/hostile.h"
#include "fiber/bodies.h"
#include "weft/socket.h"

#define HOUR WEFT_SECONDS(3600)

/* The same facts hold in a fiber and on a plain thread. */
static void run_both(weft_fiber_fn *fn)
{
	CHECK_INT(fn(NULL), ==, 0);
	run(1, fn, NULL);
}

static int nested(void *arg)
{
	struct weft_timeout outer, inner;

	(void)arg;
	weft_timeout_begin(&outer, WEFT_MILLISECONDS(5));
	weft_timeout_begin(&inner, HOUR);
	CHECK_ERRNO(weft_sleep(HOUR), ETIMEDOUT);
	CHECK_INT(weft_interrupted(), ==, ETIMEDOUT);
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
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_sleep(INT64_MAX), ETIMEDOUT);
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
	run(1, cancel_child, NULL);
}

/* ---- When it is seen ---------------------------------------------------------------- */

static int never_early(void *arg)
{
	static const int64_t durations[] = {
		1, WEFT_MILLISECONDS(999), WEFT_SECONDS(1), WEFT_SECONDS(2), HOUR};
	struct weft_timeout scope;

	(void)arg;
	for (int i = 0; i < 5; i++) {
		int64_t before = earliest_now();

		weft_timeout_begin(&scope, durations[i]);
		CHECK_INT(scope.deadline_ns, >=, before + durations[i]);
		CHECK_INT(scope.deadline_ns, <=,
			weft_now() + durations[i] +
				(durations[i] < WEFT_SECONDS(1) ? 0 : WEFT_MILLISECONDS(12)));
		weft_timeout_end(&scope);
	}
	return 0;
}

CHECK_CASE(a_deadline_is_never_early_and_late_by_no_more_than_is_documented)
{
	run_both(never_early);
}

static int begun_one_by_one(void *arg)
{
	struct weft_timeout outer, inner;

	(void)arg;
	weft_timeout_begin(&outer, HOUR);
	CHECK_INT(weft_sleep(1), ==, 0); /* the first has its timer already, */
	weft_timeout_begin(&inner, WEFT_MILLISECONDS(2));
	CHECK_ERRNO(weft_sleep(HOUR), ETIMEDOUT); /* the second gets it now */
	CHECK(weft_timeout_end(&inner));
	CHECK_INT(weft_sleep(1), ==, 0);
	CHECK(!weft_timeout_end(&outer));
	return 0;
}

CHECK_CASE(scopes_may_begin_between_waits)
{
	run_both(begun_one_by_one);
}

static int late_in_a_shield(void *arg)
{
	(void)arg;
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(2)) {
		WEFT_SHIELDED {
			CHECK_INT(weft_sleep(WEFT_MILLISECONDS(4)), ==, 0);
			CHECK_INT(weft_interrupted(), ==, 0);
		}
		CHECK_ERRNO(weft_sleep(HOUR), ETIMEDOUT);
		WEFT_SHIELDED {
			WEFT_WITH_TIMEOUT (HOUR)
				CHECK_INT(weft_sleep(1), ==, 0);
			CHECK_INT(weft_interrupted(), ==, 0);
		}
		CHECK_INT(weft_interrupted(), ==, ETIMEDOUT);
	}
	CHECK_INT(weft_interrupted(), ==, 0);
	return 0;
}

CHECK_CASE(a_deadline_that_came_in_a_shield_is_seen_after_it)
{
	run_both(late_in_a_shield);
}

static int end_keeps_errno(void *arg)
{
	struct weft_timeout scope;

	(void)arg;
	weft_timeout_begin(&scope, 1);
	while (weft_time_left() > 0)
		;
	errno = E2BIG;
	weft_timeout_end(&scope);
	CHECK_INT(errno, ==, E2BIG);
	return 0;
}

CHECK_CASE(the_end_of_a_scope_keeps_errno)
{
	run_both(end_keeps_errno);
}

CHECK_CASE(scopes_that_end_out_of_order_are_caught)
{
	struct weft_timeout outer, inner;

	weft_timeout_begin(&outer, HOUR);
	weft_timeout_begin(&inner, HOUR);
	CHECK_DIES(weft_timeout_end(&outer));
	weft_timeout_end(&inner);
	weft_timeout_end(&outer);
}

static int cancelled_in_scopes(void *arg)
{
	(void)arg;
	CHECK_ERRNO(weft_sleep(HOUR), ECANCELED);
	WEFT_WITH_TIMEOUT (0)
		CHECK_INT(weft_interrupted(), ==, ECANCELED);
	WEFT_SHIELDED {
		WEFT_WITH_TIMEOUT (HOUR)
			CHECK_INT(weft_sleep(1), ==, 0);
		CHECK_INT(weft_interrupted(), ==, 0);
		CHECK_INT(weft_sleep(1), ==, 0);
	}
	CHECK_INT(weft_interrupted(), ==, ECANCELED);
	return 0;
}

static int cancel_in_scopes(void *arg)
{
	weft_fiber_id fiber = weft_spawn(cancelled_in_scopes, arg);

	weft_yield();
	weft_cancel(fiber);
	return weft_join(fiber, NULL, WEFT_FOREVER);
}

CHECK_CASE(scopes_begun_after_a_cancel_neither_hide_nor_rename_it)
{
	run(1, cancel_in_scopes, NULL);
}

CHECK_MAIN()
