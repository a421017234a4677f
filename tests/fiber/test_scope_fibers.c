/*
 * test_scope_fibers.c - scopes whose fibers end before they do (include/weft/scope.h).
 * check: tsan valgrind drivers
 */
#include <errno.h>
#include <stdatomic.h>

#include "check.h"
#include "weft/fiber.h"
#include "weft/scope.h"

#define HOUR WEFT_SECONDS(3600)

static atomic_int ended, returned;

static void run(weft_fiber_fn *fn)
{
	for (unsigned workers = 1; workers <= 3; workers += 2) {
		atomic_store(&ended, 0);
		atomic_store(&returned, 0);
		CHECK_INT(
			weft_run(&(struct weft_run_options){.workers = workers}, fn, NULL), ==, 0);
	}
}

static void count_end(void *arg)
{
	(void)arg;
	weft_sleep(WEFT_MICROSECONDS(100)); /* deferred calls may wait, and count too */
	atomic_fetch_add(&ended, 1);
}

static int succeed(void *arg)
{
	(void)arg;
	weft_defer(count_end, NULL);
	weft_sleep(WEFT_MICROSECONDS(200));
	atomic_fetch_add(&returned, 1);
	return 7;
}

static int wait_for_ever(void *arg)
{
	weft_defer(count_end, NULL);
	CHECK_INT(weft_sleep(HOUR), ==, -1);
	if (arg)
		CHECK_INT(errno, ==, *(int *)arg);
	return -1;
}

static int fail_soon(void *arg)
{
	weft_defer(count_end, NULL);
	weft_yield();
	errno = EDOM;
	return *(int *)arg;
}

/* ---- Ending ------------------------------------------------------------------------ */

static int all_succeed(void *arg)
{
	struct weft_scope scope;

	(void)arg;
	weft_scope_begin(&scope, WEFT_FOREVER);
	for (int i = 0; i < 100; i++)
		CHECK(weft_scope_spawn(&scope, succeed, NULL));
	CHECK_INT(weft_scope_end(&scope), ==, 0);
	CHECK_INT(atomic_load(&ended), ==, 100);

	weft_scope_begin(&scope, HOUR);
	errno = 77;
	CHECK_INT(weft_scope_end(&scope), ==, 0);
	CHECK_INT(errno, ==, 77);
	return 0;
}

CHECK_CASE(a_scope_ends_after_its_fibers_and_their_deferred_calls)
{
	run(all_succeed);
}

static int one_fails(void *arg)
{
	static int three = -3, cancelled = ECANCELED;
	struct weft_scope scope;

	(void)arg;
	weft_scope_begin(&scope, WEFT_FOREVER);
	for (int i = 0; i < 20; i++)
		CHECK(weft_scope_spawn(&scope, wait_for_ever, &cancelled));
	CHECK(weft_scope_spawn(&scope, fail_soon, &three));
	CHECK_ERRNO(weft_sleep(HOUR), ECANCELED); /* the body is told, too */
	CHECK(!weft_scope_spawn(&scope, succeed, NULL));
	CHECK_INT(errno, ==, ECANCELED);
	CHECK_INT(weft_scope_end(&scope), ==, -3);
	CHECK_INT(errno, ==, EDOM);
	CHECK_INT(atomic_load(&ended), ==, 21);
	CHECK_INT(weft_interrupted(), ==, 0);
	return 0;
}

CHECK_CASE(the_first_failure_cancels_the_others_and_the_body_and_is_the_result)
{
	run(one_fails);
}

/* How many were spawned before the deadline, after which nobody is. */
static int spawn_until(int64_t limit_ns)
{
	int64_t deadline_ns = weft_now() + limit_ns;
	struct weft_scope scope;
	int count = 0;

	atomic_store(&ended, 0);
	weft_scope_begin(&scope, limit_ns);
	while (count < 20 && weft_scope_spawn(&scope, wait_for_ever, NULL))
		count++;
	CHECK(count == 20 || (errno == ECANCELED && weft_now() >= deadline_ns));
	CHECK_INT(weft_scope_end(&scope), ==, -1);
	CHECK_INT(errno, ==, ETIMEDOUT);
	CHECK_INT(atomic_load(&ended), ==, count);
	CHECK_INT(weft_interrupted(), ==, 0);
	return count;
}

static int deadline(void *arg)
{
	int64_t limit_ns = WEFT_MILLISECONDS(5);

	(void)arg;
	while (spawn_until(limit_ns) < 20) /* on a slow machine */
		limit_ns *= 2;
	return 0;
}

CHECK_CASE(the_deadline_of_a_scope_bounds_its_fibers)
{
	run(deadline);
}

static int outer_deadline(void *arg)
{
	static int late = ETIMEDOUT;
	struct weft_scope scope;
	bool was_late = false;

	(void)arg;
	struct weft_timeout outer;

	weft_timeout_begin(&outer, WEFT_MILLISECONDS(3));
	weft_scope_begin(&scope, HOUR);
	CHECK(weft_scope_spawn(&scope, wait_for_ever, &late));
	/* Its own deadline ends it: who is told of it here first would cancel it. */
	WEFT_SHIELDED
		while (atomic_load(&ended) < 1)
			weft_sleep(WEFT_MICROSECONDS(100));
	CHECK_INT(weft_sleep(HOUR), ==, -1);
	CHECK_INT(weft_scope_end(&scope), ==, -1);
	CHECK_INT(errno, ==, ETIMEDOUT);
	was_late = weft_timeout_end(&outer);
	CHECK(was_late);
	CHECK_INT(atomic_load(&ended), ==, 1);
	return 0;
}

CHECK_CASE(a_deadline_around_the_scope_bounds_its_fibers)
{
	run(outer_deadline);
}

static int cancelled_scope(void *arg)
{
	struct weft_scope scope;

	(void)arg;
	weft_scope_begin(&scope, WEFT_FOREVER);
	weft_scope_cancel(&scope); /* of nobody: nothing happens */
	for (int i = 0; i < 5; i++)
		CHECK(weft_scope_spawn(&scope, wait_for_ever, NULL));
	weft_yield();
	weft_scope_cancel(&scope);
	CHECK_INT(weft_interrupted(), ==, 0);
	CHECK_INT(weft_scope_end(&scope), ==, 0);
	CHECK_INT(atomic_load(&ended), ==, 5);
	return 0;
}

CHECK_CASE(cancelling_a_scope_is_no_failure)
{
	run(cancelled_scope);
}

static int hold_scope(void *arg)
{
	static int cancelled = ECANCELED;
	struct weft_scope scope;

	(void)arg;
	weft_scope_begin(&scope, HOUR);
	for (int i = 0; i < 5; i++)
		CHECK(weft_scope_spawn(&scope, wait_for_ever, &cancelled));
	CHECK_INT(weft_scope_end(&scope), ==, -1);
	CHECK_INT(errno, ==, ECANCELED);
	CHECK_INT(atomic_load(&ended), ==, 5);
	return 9;
}

static int cancel_holder(void *arg)
{
	weft_fiber_id holder = weft_spawn(hold_scope, NULL);
	int result;

	(void)arg;
	weft_sleep(WEFT_MILLISECONDS(1));
	CHECK_INT(weft_cancel(holder), ==, 0);
	CHECK_INT(weft_join(holder, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 9);
	return 0;
}

CHECK_CASE(cancelling_whoever_ends_a_scope_cancels_its_fibers_which_are_awaited)
{
	run(cancel_holder);
}

/* ---- Nesting, long life, misuse ------------------------------------------------------- */

static int nest(void *arg)
{
	intptr_t depth = (intptr_t)arg;
	struct weft_scope scope;
	static int five = -5;

	weft_scope_begin(&scope, WEFT_FOREVER);
	if (depth == 0)
		weft_scope_spawn(&scope, fail_soon, &five);
	else
		weft_scope_spawn(&scope, nest, (void *)(depth - 1));
	/* Deeper down it may have failed already, and then no more are started. */
	if (weft_scope_spawn(&scope, wait_for_ever, NULL))
		atomic_fetch_add(&returned, 1);
	return weft_scope_end(&scope);
}

static int nested(void *arg)
{
	(void)arg;
	CHECK_INT(nest((void *)10), ==, -5);
	CHECK_INT(errno, ==, EDOM);
	CHECK_INT(atomic_load(&ended), ==, 1 + atomic_load(&returned));
	return 0;
}

CHECK_CASE(a_failure_goes_up_through_nested_scopes)
{
	run(nested);
}

static int return_at_once(void *arg)
{
	(void)arg;
	return 0;
}

static int many(void *arg)
{
	struct weft_scope scope;

	(void)arg;
	weft_scope_begin(&scope, WEFT_FOREVER);
	for (int i = 0; i < 2000; i++) {
		CHECK(weft_scope_spawn(&scope, return_at_once, NULL));
		if (i % 100 == 99)
			weft_sleep(WEFT_MICROSECONDS(10));
	}
	CHECK_INT(weft_scope_end(&scope), ==, 0);
	return 0;
}

CHECK_CASE(a_scope_frees_the_fibers_that_have_ended_as_it_goes)
{
	run(many); /* valgrind and ASan see what is kept */
}

static int misuse(void *arg)
{
	struct weft_spawn_options detached = {.detached = true}, nowhere = {.worker = 99};
	struct weft_scope scope;
	weft_fiber_id id;

	(void)arg;
	weft_scope_begin(&scope, WEFT_FOREVER);
	CHECK(!weft_scope_spawn_with(&scope, &detached, succeed, NULL));
	CHECK_INT(errno, ==, EINVAL);
	CHECK(!weft_scope_spawn_with(&scope, &nowhere, succeed, NULL));
	CHECK_INT(errno, ==, EINVAL);
	id = weft_scope_spawn(&scope, succeed, NULL);
	CHECK_INT(weft_detach(id), ==, 0); /* not its business, but the scope waits all the same */
	id = weft_scope_spawn(&scope, succeed, NULL);
	CHECK_INT(weft_join(id, NULL, WEFT_FOREVER), ==, 0);
	CHECK_INT(weft_scope_end(&scope), ==, 0);
	CHECK_INT(atomic_load(&returned), ==, 2);
	return 0;
}

CHECK_CASE(fibers_joined_or_detached_behind_the_scopes_back_are_awaited)
{
	run(misuse);
}

static int cancel_at_random(void *arg)
{
	(void)arg;
	for (int round = 0; round < 200; round++) {
		weft_fiber_id holder = weft_spawn(hold_scope, NULL);

		atomic_store(&ended, 0);
		for (int i = 0; i < round % 8; i++)
			weft_yield();
		weft_cancel(holder);
		CHECK_INT(weft_join(holder, NULL, WEFT_FOREVER), ==, 0);
	}
	return 0;
}

CHECK_CASE(a_cancellation_at_any_point_leaves_no_fiber_behind)
{
	CHECK_INT(
		weft_run(&(struct weft_run_options){.workers = 1}, cancel_at_random, NULL), ==, 0);
}

CHECK_CASE(outside_a_run_there_are_no_fibers_to_start)
{
	struct weft_scope scope;

	weft_scope_begin(&scope, HOUR);
	CHECK(!weft_scope_spawn(&scope, succeed, NULL));
	CHECK_INT(errno, ==, ENOTSUP);
	CHECK_INT(weft_scope_end(&scope), ==, 0);
}

CHECK_MAIN()
