/*
 * test_deadlock.c - who may still wake a fiber when all of them wait: threads of the
 * program, jobs of pools; and who may not (src/fiber/deadlock.c).
 * check: tsan drivers
 */
#include <errno.h>
#include <pthread.h>

#include "check.h"
#include "weft/event.h"
#include "weft/fiber.h"
#include "weft/offload.h"
#include "weft/scope.h"
#include "weft/thread_pool.h"

static struct weft_event event;

static int run(unsigned workers, weft_fiber_fn *fn)
{
	weft_event_init(&event, "the event");
	return weft_run(&(struct weft_run_options){.workers = workers}, fn, NULL);
}

/* ---- Threads that may --------------------------------------------------------------------- */

static void *set_later(void *arg)
{
	(void)arg;
	usleep(20000);
	weft_event_set(&event);
	return NULL;
}

static int start_thread(void *arg)
{
	return pthread_create(arg, NULL, set_later, NULL);
}

/* A thread has the name of the one that made it: here of a worker. */
static int wait_for_thread_of_a_worker(void *arg)
{
	const struct weft_spawn_options options = {.worker = 2};
	pthread_t thread;
	int result = -1;

	(void)arg;
	CHECK_INT(
		weft_join(weft_spawn_with(&options, start_thread, &thread), &result, WEFT_FOREVER),
		==, 0);
	CHECK_INT(result, ==, 0);
	CHECK_INT(weft_event_wait(&event), ==, 0);
	pthread_join(thread, NULL);
	return 0;
}

CHECK_CASE(a_thread_is_a_hope_whichever_worker_made_it)
{
	CHECK_INT(run(2, wait_for_thread_of_a_worker), ==, 0);
}

#define THREADS 12

static void *end_soon(void *index)
{
	usleep((useconds_t)(uintptr_t)index * 50);
	if ((uintptr_t)index == THREADS - 1)
		weft_event_set(&event);
	return NULL;
}

static int wait_for_the_last_thread(void *arg)
{
	pthread_t threads[THREADS];

	(void)arg;
	weft_event_clear(&event);
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, end_soon, (void *)i), ==, 0);
	for (int i = 0; i < THREADS; i++) {
		/* Asleep and awake in turn, so that the threads are counted again and again. */
		WEFT_WITH_TIMEOUT (WEFT_MICROSECONDS(20))
			weft_event_wait(&event);
	}
	CHECK_INT(weft_event_wait(&event), ==, 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

CHECK_CASE(threads_that_end_hide_none_that_live)
{
	for (unsigned i = 0; i < check_rounds(50); i++)
		CHECK_INT(run(1 + i % 2, wait_for_the_last_thread), ==, 0);
}

static int set_event(void *arg)
{
	(void)arg;
	usleep(1000);
	weft_event_set(&event);
	return 0;
}

static int wait_for_job(void *arg)
{
	struct weft_thread_pool *pool = weft_thread_pool_new(NULL);

	struct weft_task *task;

	(void)arg;
	CHECK(pool);
	for (int i = 0; i < 20; i++) {
		weft_event_clear(&event);
		task = weft_thread_pool_submit(pool, set_event, NULL);
		CHECK(task);
		CHECK_INT(weft_event_wait(&event), ==, 0);
		weft_task_free(task);
	}
	weft_thread_pool_free(pool);
	return 0;
}

CHECK_CASE(a_job_of_a_pool_is_a_hope)
{
	CHECK_INT(run(1, wait_for_job), ==, 0);
}

/* ---- Threads that may not -------------------------------------------------------------------- */

static int do_nothing(void *arg)
{
	(void)arg;
	return 0;
}

static int wait_after_offload(void *arg)
{
	(void)arg;
	CHECK_INT(weft_offload(do_nothing, NULL), ==, 0);
	return weft_event_wait(&event); /* while that thread is on its way to rest */
}

CHECK_CASE(a_thread_that_rests_in_a_pool_is_no_hope)
{
	CHECK(freopen("/dev/null", "w", stderr));
	for (unsigned i = 0; i < check_rounds(50); i++)
		CHECK_ERRNO(run(1 + i % 2, wait_after_offload), EDEADLK);
}

CHECK_MAIN()
