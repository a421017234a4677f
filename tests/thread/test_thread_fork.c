/*
 * test_thread_fork.c - fork(2) beside threads: the child has none of them, and can start anew.
 * check: drivers
 */
#include <errno.h>
#include <stdatomic.h>

#include "check.h"
#include "weft/fiber.h"
#include "weft/offload.h"
#include "weft/thread.h"
#include "weft/thread_pool.h"

static int status_of(pid_t pid)
{
	int status = 0;

	CHECK_INT(waitpid(pid, &status, 0), ==, pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Who forks waits for this: a thread that is just beginning may hold the allocator's locks,
 * which ASan's doesn't free in the child. */
static atomic_int reading;

static int read_byte(void *arg)
{
	char byte;

	atomic_fetch_add(&reading, 1);
	return (int)read(*(int *)arg, &byte, 1);
}

static int seven(void *arg)
{
	(void)arg;
	return 7;
}

CHECK_CASE(a_pool_works_anew_in_the_child_and_on_in_the_parent)
{
	const struct weft_thread_pool_options options = {.threads_max = 1};
	struct weft_thread_pool *pool = weft_thread_pool_new(&options);
	struct weft_task *running, *queued, *task;
	int ends[2], result;
	pid_t pid;

	CHECK_INT(pipe(ends), ==, 0);
	running = weft_thread_pool_submit(pool, read_byte, &ends[0]);
	queued = weft_thread_pool_submit(pool, seven, NULL);
	while (atomic_load(&reading) == 0)
		usleep(1000);
	pid = fork();
	if (pid == 0) {
		CHECK_INT(weft_thread_pool_threads(pool), ==, 0);
		CHECK_ERRNO(weft_task_wait(queued, &result, WEFT_FOREVER), ENOENT);
		CHECK_ERRNO(weft_task_wait(running, &result, WEFT_FOREVER), ENOENT);
		task = weft_thread_pool_submit(pool, seven, NULL);
		CHECK_INT(weft_task_wait(task, &result, WEFT_FOREVER), ==, 0);
		weft_task_free(task);
		weft_task_free(running);
		weft_task_free(queued);
		weft_thread_pool_free(pool);
		_exit(result);
	}
	CHECK_INT(status_of(pid), ==, 7);
	CHECK_INT(write(ends[1], "x", 1), ==, 1);
	CHECK_INT(weft_task_wait(running, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 1);
	CHECK_INT(weft_task_wait(queued, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 7);
	weft_task_free(running);
	weft_task_free(queued);
	weft_thread_pool_free(pool);
}

static int fork_in_task(void *arg)
{
	pid_t pid = fork();

	(void)arg;
	return pid == 0 ? 44 : status_of(pid);
}

CHECK_CASE(a_task_and_a_thread_that_fork_end_the_child_with_their_result)
{
	struct weft_thread_pool *pool = weft_thread_pool_new(NULL);
	struct weft_task *task = weft_thread_pool_submit(pool, fork_in_task, NULL);
	struct weft_thread *thread = weft_thread_new(NULL, fork_in_task, NULL);
	int result;

	CHECK_INT(weft_task_wait(task, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 44);
	CHECK_INT(weft_thread_start(thread), ==, 0);
	CHECK_INT(weft_thread_join(thread, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 44);
	weft_task_free(task);
	weft_thread_pool_free(pool);
	weft_thread_free(thread);
}

CHECK_CASE(the_parents_threads_are_lost_in_the_child)
{
	int ends[2], result;
	struct weft_thread *ended = weft_thread_new(NULL, seven, NULL);
	struct weft_thread *thread = weft_thread_new(NULL, read_byte, &ends[0]);
	pid_t pid;

	CHECK_INT(pipe(ends), ==, 0);
	CHECK_INT(weft_thread_start(ended), ==, 0);
	CHECK_INT(weft_thread_join(ended, NULL, WEFT_FOREVER), ==, 0);
	CHECK_INT(weft_thread_start(thread), ==, 0);
	while (atomic_load(&reading) == 0)
		usleep(1000);
	pid = fork();
	if (pid == 0) {
		CHECK(!weft_thread_is_alive(thread));
		CHECK_ERRNO(weft_thread_join(thread, NULL, WEFT_FOREVER), ESRCH);
		CHECK_ERRNO(weft_thread_result(thread, NULL), ESRCH);
		CHECK_INT(weft_thread_count(), ==, 0);
		CHECK_INT(weft_thread_join(ended, &result, WEFT_FOREVER), ==, 0);
		weft_thread_free(thread);
		weft_thread_free(ended);
		exit(result); /* waits for nobody */
	}
	CHECK_INT(status_of(pid), ==, 7);
	CHECK_INT(write(ends[1], "x", 1), ==, 1);
	CHECK_INT(weft_thread_join(thread, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 1);
	weft_thread_free(thread);
	weft_thread_free(ended);
}

static int offload_seven(void *arg)
{
	(void)arg;
	return weft_offload(seven, NULL) == 7 ? 0 : 1;
}

static int offload_and_fork(void *arg)
{
	pid_t pid;

	(void)arg;
	CHECK_INT(weft_offload(seven, NULL), ==, 7);
	pid = fork();
	if (pid == 0)
		return weft_run(NULL, offload_seven, NULL) == 0 ? 12 : 1;
	CHECK_INT(status_of(pid), ==, 12);
	CHECK_INT(weft_offload(seven, NULL), ==, 7);
	return 0;
}

CHECK_CASE(offloading_works_anew_in_the_child)
{
	CHECK_INT(weft_run(NULL, offload_and_fork, NULL), ==, 0);
}

CHECK_MAIN()
