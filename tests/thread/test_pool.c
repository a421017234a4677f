/*
 * test_pool.c - thread pools: order, bounds, cancelling, closing, and threads refused.
 *
 * check: tsan valgrind drivers
 */
#include "weft/thread_pool.h"

#include <dirent.h>
#include <stdatomic.h>

#include "check.h"
#include "weft/fiber.h"
#include "weft/scope.h"

static void both(weft_fiber_fn *body)
{
	CHECK_INT(body(NULL), ==, 0);
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, body, NULL), ==, 0);
}

static int square(void *arg)
{
	int *number = arg;

	errno = *number == 13 ? EDOM : 0;
	return *number == 13 ? -1 : *number * *number;
}

static int results_and_errno(void *arg)
{
	struct weft_thread_pool *pool = weft_thread_pool_new(NULL);
	int numbers[20], result;
	struct weft_task *tasks[20];

	(void)arg;
	CHECK(pool != NULL);
	for (int i = 0; i < 20; i++) {
		numbers[i] = i;
		CHECK((tasks[i] = weft_thread_pool_submit(pool, square, &numbers[i])) != NULL);
	}
	for (int i = 0; i < 20; i++) {
		CHECK_INT(weft_task_wait(tasks[i], &result, WEFT_FOREVER), ==, 0);
		CHECK_INT(errno, ==, i == 13 ? EDOM : 0);
		CHECK_INT(result, ==, i == 13 ? -1 : i * i);
		CHECK(weft_task_is_done(tasks[i]));
		CHECK_ERRNO(weft_task_cancel(tasks[i]), EALREADY);
		weft_task_free(tasks[i]);
	}
	CHECK_INT(weft_thread_pool_free(pool), ==, 0);
	return 0;
}

CHECK_CASE(each_task_has_its_result_and_errno)
{
	both(results_and_errno);
}

/* ---- A pool whose threads can be held up ------------------------------------------------ */

struct gate {
	atomic_int is_open, entered, done;
};

static int wait_at_gate(void *arg)
{
	struct gate *gate = arg;

	atomic_fetch_add(&gate->entered, 1);
	while (!atomic_load(&gate->is_open))
		weft_sleep(WEFT_MICROSECONDS(50));
	atomic_fetch_add(&gate->done, 1);
	return 1;
}

static void await(atomic_int *number, int least)
{
	while (atomic_load(number) < least)
		weft_sleep(WEFT_MICROSECONDS(50));
}

static int submit_one(void *arg)
{
	static struct gate open = {.is_open = 1};
	struct weft_task *task = weft_thread_pool_submit(arg, wait_at_gate, &open);
	int code = errno;

	weft_task_free(task);
	return task ? 0 : code;
}

static int full_queue(void *arg)
{
	const struct weft_thread_pool_options options = {.threads_max = 1, .queue_max = 2};
	struct weft_thread_pool *pool = weft_thread_pool_new(&options);
	struct gate gate = {0};
	struct weft_task *running, *first, *second;
	int result = -2;

	(void)arg;
	running = weft_thread_pool_submit(pool, wait_at_gate, &gate);
	await(&gate.entered, 1);
	first = weft_thread_pool_try_submit(pool, wait_at_gate, &gate);
	second = weft_thread_pool_try_submit(pool, wait_at_gate, &gate);
	CHECK(running && first && second);
	CHECK_INT(weft_thread_pool_queued(pool), ==, 2);
	CHECK_INT(weft_thread_pool_threads(pool), ==, 1);
	CHECK_ERRNO(weft_thread_pool_try_submit(pool, wait_at_gate, &gate), EAGAIN);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(2))
		CHECK_ERRNO(weft_thread_pool_submit(pool, wait_at_gate, &gate), ETIMEDOUT);
	CHECK_ERRNO(weft_task_cancel(running), EBUSY);
	CHECK_INT(weft_task_cancel(first), ==, 0);
	CHECK_ERRNO(weft_task_cancel(first), EALREADY);
	CHECK_ERRNO(weft_task_wait(first, &result, WEFT_FOREVER), ENOENT);
	CHECK_ERRNO(weft_task_wait(second, &result, WEFT_MILLISECONDS(2)), ETIMEDOUT);
	CHECK_INT(result, ==, -2);
	CHECK_INT(weft_thread_pool_queued(pool), ==, 1);
	atomic_store(&gate.is_open, 1);
	CHECK_INT(weft_task_wait(second, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(atomic_load(&gate.done), ==, 2);
	weft_task_free(running);
	weft_task_free(first);
	weft_task_free(second);
	weft_thread_pool_free(pool);
	return 0;
}

CHECK_CASE(a_full_queue_refuses_or_keeps_waiting_and_what_has_not_begun_is_cancelled)
{
	both(full_queue);
}

static int waits_for_room(void *arg)
{
	const struct weft_thread_pool_options options = {.threads_max = 1, .queue_max = 1};
	struct weft_thread_pool *pool = weft_thread_pool_new(&options);
	struct gate gate = {0};
	weft_fiber_id fibers[3];
	int results[3];

	(void)arg;
	weft_task_free(weft_thread_pool_submit(pool, wait_at_gate, &gate));
	await(&gate.entered, 1);
	weft_task_free(weft_thread_pool_submit(pool, wait_at_gate, &gate));
	for (int i = 0; i < 3; i++)
		CHECK((fibers[i] = weft_spawn(submit_one, pool)) != 0);
	weft_sleep(WEFT_MILLISECONDS(1));
	atomic_store(&gate.is_open, 1);
	CHECK_INT(weft_join_all(fibers, 3, results, WEFT_FOREVER), ==, 3);
	CHECK_INT(results[0] + results[1] + results[2], ==, 0);
	weft_thread_pool_free(pool);
	return 0;
}

CHECK_CASE(who_waits_for_room_gets_it_when_there_is_some)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, waits_for_room, NULL), ==, 0);
}

static int close_under_submitter(void *arg)
{
	const struct weft_thread_pool_options options = {.threads_max = 1, .queue_max = 1};
	struct weft_thread_pool *pool = weft_thread_pool_new(&options);
	struct gate gate = {0};
	weft_fiber_id fiber;
	int result;

	(void)arg;
	weft_task_free(weft_thread_pool_submit(pool, wait_at_gate, &gate));
	await(&gate.entered, 1);
	weft_task_free(weft_thread_pool_submit(pool, wait_at_gate, &gate));
	CHECK((fiber = weft_spawn(submit_one, pool)) != 0);
	weft_sleep(WEFT_MILLISECONDS(1));
	CHECK_ERRNO(weft_thread_pool_join(pool, WEFT_FOREVER), EINVAL);
	weft_thread_pool_close(pool);
	weft_thread_pool_close(pool);
	CHECK_INT(weft_join(fiber, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, EPIPE);
	CHECK_ERRNO(weft_thread_pool_submit(pool, wait_at_gate, &gate), EPIPE);
	CHECK_ERRNO(weft_thread_pool_join(pool, WEFT_MILLISECONDS(1)), ETIMEDOUT);
	atomic_store(&gate.is_open, 1);
	CHECK_INT(weft_thread_pool_join(pool, WEFT_FOREVER), ==, 0);
	CHECK_INT(atomic_load(&gate.done), ==, 2); /* what was queued is done */
	CHECK_INT(weft_thread_pool_threads(pool), ==, 0);
	weft_thread_pool_free(pool);
	return 0;
}

CHECK_CASE(a_closed_pool_does_what_it_has_and_takes_no_more)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, close_under_submitter, NULL),
		==, 0);
}

static int tasks_outlive(void *arg)
{
	const struct weft_thread_pool_options options = {.threads_max = 1};
	struct weft_thread_pool *pool = weft_thread_pool_new(&options);
	struct gate gate = {0};
	struct weft_task *begun, *waiting;
	int result;

	(void)arg;
	begun = weft_thread_pool_submit(pool, wait_at_gate, &gate);
	waiting = weft_thread_pool_submit(pool, wait_at_gate, &gate);
	weft_task_free(weft_thread_pool_submit(pool, wait_at_gate, &gate));
	await(&gate.entered, 1);
	atomic_store(&gate.is_open, 1);
	WEFT_WITH_TIMEOUT (0) /* the end of a pool is not hurried */
		weft_thread_pool_free(pool);
	CHECK(weft_task_is_done(begun) && weft_task_is_done(waiting));
	CHECK_INT(weft_task_wait(begun, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 1);
	weft_task_free(begun);
	if (weft_task_wait(waiting, &result, WEFT_FOREVER) < 0)
		CHECK_INT(errno, ==, ENOENT);
	weft_task_free(waiting);
	return 0;
}

CHECK_CASE(tasks_stay_good_when_their_pool_is_freed)
{
	both(tasks_outlive);
}

struct own {
	struct weft_thread_pool *pool;
	int join_errno, free_errno, map_errno;
};

static int misuse_own_pool(void *arg)
{
	struct own *own = arg;
	int item = 0;

	own->join_errno = weft_thread_pool_join(own->pool, WEFT_FOREVER) < 0 ? errno : 0;
	own->free_errno = weft_thread_pool_free(own->pool) < 0 ? errno : 0;
	own->map_errno =
		weft_thread_pool_map(own->pool, square, &item, 1, sizeof item) < 0 ? errno : 0;
	return 0;
}

CHECK_CASE(misuse_has_defined_errors)
{
	const struct weft_thread_pool_options wrong[] = {
		{.threads_min = 2, .threads_max = 1},
		{.threads_max = WEFT_THREAD_POOL_THREADS_MAX + 1},
		{.threads_min = WEFT_THREAD_POOL_THREADS_MAX + 1},
	};
	struct own own = {.pool = weft_thread_pool_new(NULL)};
	struct weft_task *task = weft_thread_pool_submit(own.pool, misuse_own_pool, &own);

	for (int i = 0; i < 3; i++)
		CHECK_ERRNO(weft_thread_pool_new(&wrong[i]), EINVAL);
	CHECK_INT(weft_task_wait(task, NULL, WEFT_FOREVER), ==, 0);
	CHECK_INT(own.join_errno, ==, EDEADLK);
	CHECK_INT(own.free_errno, ==, EDEADLK);
	CHECK_INT(own.map_errno, ==, EDEADLK);
	CHECK_ERRNO(weft_thread_pool_submit(own.pool, NULL, NULL), EINVAL);
	CHECK_ERRNO(weft_thread_pool_try_submit(own.pool, NULL, NULL), EINVAL);
	CHECK_ERRNO(weft_thread_pool_map(own.pool, NULL, NULL, 0, 1), EINVAL);
	CHECK_INT(weft_thread_pool_map(own.pool, square, NULL, 0, 1), ==, 0);
	weft_task_free(task);
	weft_task_free(NULL);
	weft_thread_pool_free(own.pool);
	weft_thread_pool_free(NULL);
}

/* ---- Map ---------------------------------------------------------------------------------- */

static int double_it(void *arg)
{
	int *item = arg;

	if (*item == 500 || *item == 700) {
		errno = *item == 500 ? ERANGE : EDOM;
		return -1;
	}
	*item *= 2;
	return 0;
}

static int map_all(void *arg)
{
	const struct weft_thread_pool_options options = {.threads_max = 4, .queue_max = 1};
	struct weft_thread_pool *pool = weft_thread_pool_new(&options);
	int items[1000];

	(void)arg;
	for (int i = 0; i < 1000; i++)
		items[i] = i;
	CHECK_INT(weft_thread_pool_map(pool, double_it, items, 400, sizeof(int)), ==, 0);
	CHECK_ERRNO(weft_thread_pool_map(pool, double_it, items + 400, 600, sizeof(int)), ERANGE);
	for (int i = 0; i < 1000; i++)
		CHECK_INT(items[i], ==, i == 500 || i == 700 ? i : 2 * i);
	CHECK_INT(weft_thread_pool_map(pool, double_it, NULL, 0, sizeof(int)), ==, 0);
	weft_thread_pool_close(pool);
	CHECK_ERRNO(weft_thread_pool_map(pool, double_it, items, 1, sizeof(int)), EPIPE);
	weft_thread_pool_free(pool);
	return 0;
}

CHECK_CASE(map_changes_every_item_and_tells_the_first_failure_by_place)
{
	both(map_all);
}

static int slow_item(void *arg)
{
	weft_sleep(WEFT_MILLISECONDS(1));
	*(int *)arg = 1;
	return 0;
}

static int late_map(void *arg)
{
	struct weft_thread_pool *pool = weft_thread_pool_new(NULL);
	static int items[100000];
	int done = 0;

	(void)arg;
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(20))
		CHECK_ERRNO(weft_thread_pool_map(pool, slow_item, items, 100000, sizeof(int)),
			ETIMEDOUT);
	for (int i = 0; i < 100000; i++)
		done += items[i];
	CHECK_INT(done, <, 100000);
	weft_thread_pool_free(pool);
	return 0;
}

CHECK_CASE(a_late_map_begins_no_more_items_and_leaves_none_running)
{
	both(late_map);
}

/* ---- Threads that come and go -----------------------------------------------------------------
 */

CHECK_CASE(idle_threads_end_down_to_the_minimum)
{
	const struct weft_thread_pool_options options = {
		.threads_min = 1, .threads_max = 4, .idle_ns = WEFT_MILLISECONDS(5)};
	struct weft_thread_pool *pool = weft_thread_pool_new(&options);
	struct gate gate = {0};

	CHECK_INT(weft_thread_pool_threads(pool), ==, 0);
	for (int i = 0; i < 4; i++)
		weft_task_free(weft_thread_pool_submit(pool, wait_at_gate, &gate));
	await(&gate.entered, 4);
	CHECK_INT(weft_thread_pool_threads(pool), ==, 4);
	atomic_store(&gate.is_open, 1);
	while (weft_thread_pool_threads(pool) > 1)
		weft_sleep(WEFT_MILLISECONDS(1));
	weft_sleep(WEFT_MILLISECONDS(20));
	CHECK_INT(weft_thread_pool_threads(pool), ==, 1);
	weft_thread_pool_free(pool);
}

/* ThreadSanitizer adds a thread of its own. */
#ifndef __SANITIZE_THREAD__

static int threads_of_process(void)
{
	DIR *folder = opendir("/proc/self/task");
	int count = -2;

	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

CHECK_CASE(no_thread_is_left_of_a_freed_pool)
{
	int before = threads_of_process();

	for (int round = 0; round < 20; round++) {
		struct weft_thread_pool *pool = weft_thread_pool_new(NULL);
		int number = 3;

		weft_task_free(weft_thread_pool_submit(pool, square, &number));
		weft_thread_pool_free(pool);
	}
	/* The kernel may show one for a moment after it was joined. */
	while (threads_of_process() > before)
		weft_sleep(WEFT_MILLISECONDS(1));
}

#endif

CHECK_CASE(without_any_thread_submit_says_so)
{
	const struct weft_thread_pool_options huge = {.stack_size_bytes = (size_t)1 << 46};
	struct weft_thread_pool *pool = weft_thread_pool_new(&huge);
	int number = 3;

	CHECK(pool != NULL);
	CHECK_INT((intptr_t)weft_thread_pool_submit(pool, square, &number), ==, 0);
	CHECK(errno == EAGAIN || errno == ENOMEM || errno == EINVAL /* valgrind's */);
	CHECK_INT(weft_thread_pool_map(pool, square, &number, 1, sizeof number), ==, -1);
	CHECK(errno == EAGAIN || errno == ENOMEM || errno == EINVAL /* valgrind's */);
	CHECK_INT(weft_thread_pool_queued(pool), ==, 0);
	weft_thread_pool_free(pool);
}

CHECK_MAIN()
