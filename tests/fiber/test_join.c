/*
 * test_join.c - waiting for the end of fibers, from fibers and from threads.
 * check: tsan aarch64 valgrind drivers
 */
#include "weft/fiber.h"

#include <pthread.h>

#include "fiber/bodies.h"

static int join_results(void *arg)
{
	weft_fiber_id fibers[100];
	int results[100];

	(void)arg;
	for (int i = 0; i < 100; i++)
		CHECK((fibers[i] = weft_spawn(return_number, (void *)(intptr_t)i)) != 0);
	CHECK_INT(weft_join_all(fibers, 100, results, WEFT_FOREVER), ==, 100);
	for (int i = 0; i < 100; i++)
		CHECK_INT(results[i], ==, i);
	return 0;
}

CHECK_CASE(join_all_hands_out_each_result)
{
	run(1, join_results, NULL);
	run(4, join_results, NULL);
}

static int join_errors(void *arg)
{
	weft_fiber_id fiber = weft_spawn(return_number, (void *)5);
	int result = -1;

	(void)arg;
	CHECK_INT(weft_join(fiber, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 5);
	CHECK_ERRNO(weft_join(fiber, NULL, WEFT_FOREVER), ESRCH);
	CHECK_ERRNO(weft_join(weft_self(), NULL, WEFT_FOREVER), EDEADLK);
	CHECK_ERRNO(weft_join(0, NULL, WEFT_FOREVER), ESRCH);
	CHECK_ERRNO(weft_join(UINT64_MAX, NULL, WEFT_FOREVER), ESRCH);
	CHECK_ERRNO(weft_cancel(fiber), ESRCH);
	CHECK_ERRNO(weft_detach(fiber), ESRCH);
	CHECK_ERRNO(weft_detach(12345), ESRCH);
	return 0;
}

CHECK_CASE(joining_twice_oneself_or_nobody_is_an_error)
{
	run(1, join_errors, NULL);
}

static int join_in_time(void *arg)
{
	weft_fiber_id fiber = weft_spawn(sleep_ms, (void *)60000);

	(void)arg;
	CHECK_ERRNO(weft_join(fiber, NULL, WEFT_MILLISECONDS(1)), ETIMEDOUT);
	CHECK_ERRNO(weft_join(fiber, NULL, 0), ETIMEDOUT);
	CHECK_INT(weft_cancel(fiber), ==, 0);
	int result = 0;
	CHECK_INT(weft_join(fiber, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, ECANCELED);
	/* Ended already: even no time is enough. */
	fiber = weft_spawn(return_number, (void *)3);
	weft_yield();
	CHECK_INT(weft_join(fiber, &result, 0), ==, 0);
	CHECK_INT(result, ==, 3);
	return 0;
}

CHECK_CASE(a_join_that_times_out_leaves_the_fiber_alive)
{
	run(1, join_in_time, NULL);
}

static int join_another(void *arg)
{
	int result = -1;

	CHECK_INT(weft_join(*(weft_fiber_id *)arg, &result, WEFT_FOREVER), ==, 0);
	return result;
}

static int three_joiners(void *arg)
{
	weft_fiber_id slow = weft_spawn(sleep_ms, (void *)(intptr_t)(20 * check_stretch)),
		      joiners[3];
	int results[3];

	(void)arg;
	for (int i = 0; i < 3; i++)
		joiners[i] = weft_spawn(join_another, &slow);
	CHECK_INT(weft_join_all(joiners, 3, results, WEFT_FOREVER), ==, 3);
	CHECK_ERRNO(weft_join(slow, NULL, WEFT_FOREVER), ESRCH);
	return 0;
}

/* On another worker one has to be there before the end, of which nobody is told later. */
CHECK_CASE_IN_TIME(everybody_who_waits_at_the_end_gets_the_result)
{
	run(1, three_joiners, NULL);
	run(3, three_joiners, NULL);
}

/* ---- From threads ------------------------------------------------------------------------ */

static void *thread_spawns(void *arg)
{
	int result = 0;
	weft_fiber_id fiber = weft_spawn(return_number, (void *)11);

	(void)arg;
	CHECK(fiber != 0);
	CHECK_INT(weft_join(fiber, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 11);
	fiber = weft_spawn(sleep_ms, (void *)60000);
	CHECK_ERRNO(weft_join(fiber, NULL, WEFT_MILLISECONDS(1)), ETIMEDOUT);
	CHECK_INT(weft_cancel(fiber), ==, 0);
	CHECK_INT(weft_join(fiber, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, ECANCELED);
	return NULL;
}

static int threads_use_fibers(void *arg)
{
	pthread_t threads[4];
	weft_fiber_id busy = weft_spawn(sleep_ms, (void *)60000);

	(void)arg;
	for (int i = 0; i < 4; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, thread_spawns, NULL), ==, 0);
	/* pthread_join would hold the worker that their fibers may be on: sleep meanwhile. */
	for (int i = 0; i < 4; i++)
		while (pthread_tryjoin_np(threads[i], NULL) == EBUSY)
			weft_sleep(WEFT_MILLISECONDS(1));
	weft_cancel(busy);
	return 0;
}

CHECK_CASE(threads_can_spawn_join_and_cancel_fibers)
{
	run(1, threads_use_fibers, NULL);
	run(3, threads_use_fibers, NULL);
}

/* ---- Detaching --------------------------------------------------------------------------- */

static int detach_under_a_joiner(void *arg)
{
	weft_fiber_id slow = weft_spawn(sleep_ms, (void *)5), joiner;
	int result = -1;

	(void)arg;
	joiner = weft_spawn(join_another, &slow);
	weft_yield(); /* it waits at the end now */
	CHECK_INT(weft_detach(slow), ==, 0);
	CHECK_ERRNO(weft_join(slow, NULL, WEFT_FOREVER), ESRCH);
	CHECK_ERRNO(weft_detach(slow), ESRCH);
	CHECK_INT(weft_join(joiner, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 0);
	return 0;
}

CHECK_CASE(who_waits_already_gets_the_result_of_a_fiber_that_is_detached)
{
	run(1, detach_under_a_joiner, NULL);
}

static int detach_the_ended(void *arg)
{
	weft_fiber_id fiber = weft_spawn(return_number, (void *)1);

	(void)arg;
	weft_yield(); /* it has ended, unjoined */
	CHECK_INT(weft_detach(fiber), ==, 0);
	CHECK_ERRNO(weft_join(fiber, NULL, 0), ESRCH);
	return 0;
}

CHECK_CASE(an_ended_fiber_can_still_be_detached)
{
	run(1, detach_the_ended, NULL);
}

static int join_some(void *arg)
{
	weft_fiber_id fibers[3];
	int results[3] = {-1, -1, -1};

	(void)arg;
	fibers[0] = weft_spawn(return_number, (void *)7);
	fibers[1] = weft_spawn(sleep_ms, (void *)60000);
	fibers[2] = weft_spawn(return_number, (void *)9);
	weft_yield(); /* two have ended, and the deadline is no matter of theirs */
	CHECK_INT(weft_join_all(fibers, 3, results, WEFT_MILLISECONDS(2)), ==, 1);
	CHECK_INT(results[0], ==, 7);
	CHECK_INT(results[1], ==, -1);
	CHECK_INT(results[2], ==, -1);
	CHECK_ERRNO(weft_join_all(&fibers[1], 2, results, 0), ETIMEDOUT);
	CHECK_INT(weft_cancel(fibers[1]), ==, 0);
	CHECK_INT(weft_join_all(&fibers[1], 2, &results[1], WEFT_FOREVER), ==, 2);
	CHECK_INT(results[1], ==, ECANCELED);
	CHECK_INT(results[2], ==, 9);
	CHECK_INT(weft_join_all(fibers, 0, NULL, 0), ==, 0);
	return 0;
}

CHECK_CASE(join_all_says_how_many_it_joined_in_time)
{
	run(1, join_some, NULL);
}

CHECK_MAIN()
