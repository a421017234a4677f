/*
 * test_faults_thread.c - threads, memory and descriptors are refused to threads, pools and
 * offloaded work.
 * check: drivers
 */
#include "faults.h"

#ifdef HAS_FAULTS

#include "weft/offload.h"
#include "weft/thread.h"
#include "weft/thread_pool.h"

static int add_one(void *number)
{
	return __atomic_add_fetch((int *)number, 1, __ATOMIC_SEQ_CST);
}

/* ---- Threads ------------------------------------------------------------------------------ */

static int use_thread(void *arg)
{
	struct weft_thread *thread = weft_thread_new(NULL, add_one, arg);
	int result;

	if (!FAULTS_TRY(thread != NULL))
		return 0;
	if (FAULTS_TRY(weft_thread_start(thread) == 0)) {
		CHECK_INT(weft_thread_join(thread, &result, WEFT_FOREVER), ==, 0);
		CHECK_INT(result, >, 0);
	}
	weft_thread_free(thread);
	return 0;
}

static int use_thread_in_fiber(void *arg)
{
	int number = 0;

	(void)arg;
	return use_thread(&number);
}

CHECK_CASE(a_thread_runs_or_its_start_says_why_not)
{
	int number = 0;

	CHECK_INT(faults_sweep(use_thread, &number), >, 1);
	CHECK_INT(number, >, 0);
	CHECK_INT(faults_sweep_in_run(use_thread_in_fiber), >, 1);
}

/* ---- Pools --------------------------------------------------------------------------------- */

static int use_pool(void *arg)
{
	const struct weft_thread_pool_options options = {.threads_max = 2};
	struct weft_thread_pool *pool = weft_thread_pool_new(&options);
	struct weft_task *tasks[5];
	int number = 0, submitted = 0, result, items[3] = {0};

	(void)arg;
	if (!FAULTS_TRY(pool != NULL))
		return 0;
	for (int i = 0; i < 5; i++) {
		tasks[i] = weft_thread_pool_submit(pool, add_one, &number);
		submitted += FAULTS_TRY(tasks[i] != NULL);
	}
	for (int i = 0; i < 5; i++) {
		if (tasks[i])
			CHECK_INT(weft_task_wait(tasks[i], &result, WEFT_FOREVER), ==, 0);
		weft_task_free(tasks[i]);
	}
	CHECK_INT(number, ==, submitted);
	if (FAULTS_TRY(weft_thread_pool_map(pool, add_one, items, 3, sizeof(*items)) >= 0))
		CHECK(items[0] == 1 && items[1] == 1 && items[2] == 1);
	weft_thread_pool_close(pool);
	CHECK_INT(weft_thread_pool_join(pool, WEFT_FOREVER), ==, 0);
	CHECK_INT(weft_thread_pool_free(pool), ==, 0);
	return 0;
}

CHECK_CASE(a_pool_does_what_it_took_and_refuses_the_rest)
{
	CHECK_INT(faults_sweep(use_pool, NULL), >, 5);
	CHECK_INT(faults_sweep_in_run(use_pool), >, 5);
}

/* ---- Offloading ------------------------------------------------------------------------------ */

static int use_offload(void *arg)
{
	int number = 0;

	(void)arg;
	for (int i = 1; i <= 3; i++) {
		int result = weft_offload(add_one, &number);

		if (FAULTS_TRY(result >= 0))
			CHECK_INT(result, ==, number);
	}
	CHECK_INT(number, >=, 2);
	return 0;
}

CHECK_CASE(offloaded_work_is_done_or_the_call_says_why_not)
{
	faults_sweep(use_offload, NULL);
	faults_sweep_in_run(use_offload);
}

#else

CHECK_CASE(faults_are_met_in_the_release_build_only)
{
}

#endif

CHECK_MAIN()
