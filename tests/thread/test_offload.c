/*
 * test_offload.c - blocking functions off the worker: neighbours run on, limits hold, late
 * and cancelled callers, memory that is left behind.
 *
 * check: tsan valgrind drivers
 */
#include "weft/offload.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "check.h"
#include "weft/fiber.h"
#include "weft/scope.h"

static void run(unsigned workers, weft_fiber_fn *body)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = workers}, body, NULL), ==, 0);
}

static pthread_t body_thread;

static int other_thread(void *arg)
{
	errno = EDOM;
	return pthread_equal(pthread_self(), body_thread) ? -1 : *(int *)arg + 1;
}

static int offload_one(void *arg)
{
	int number = 4;

	(void)arg;
	body_thread = pthread_self();
	errno = 0;
	CHECK_INT(weft_offload(other_thread, &number), ==, 5);
	CHECK_INT(errno, ==, EDOM);
	CHECK_INT(weft_offload_as(WEFT_OFFLOAD_FILE, other_thread, &number), ==, 5);
	CHECK_INT(weft_offload_as(WEFT_OFFLOAD_DNS, other_thread, &number), ==, 5);
	CHECK_ERRNO(weft_offload_as(WEFT_OFFLOAD_KINDS, other_thread, &number), EINVAL);
	CHECK_ERRNO(weft_offload_limit(WEFT_OFFLOAD_DNS, 0), EINVAL);
	CHECK_ERRNO(weft_offload_limit(WEFT_OFFLOAD_KINDS, 1), EINVAL);
	return 0;
}

CHECK_CASE(a_function_runs_on_another_thread_and_hands_back_result_and_errno)
{
	run(1, offload_one);
	run(2, offload_one);
}

CHECK_CASE(outside_a_fiber_the_function_is_called)
{
	int number = 4;

	body_thread = pthread_self();
	CHECK_INT(weft_offload(other_thread, &number), ==, -1);
	WEFT_WITH_TIMEOUT (0)
		CHECK_ERRNO(weft_offload(other_thread, &number), ETIMEDOUT);
}

/* ---- A pipe that nobody writes to: a call that blocks until it is let go ------------------- */

struct block {
	int ends[2];
	atomic_int begun, ended;
	bool by_hand;
};

static int read_block(void *arg)
{
	struct block *block = arg;
	char byte;

	atomic_fetch_add(&block->begun, 1);
	if (read(block->ends[0], &byte, 1) != 1)
		return -1;
	atomic_fetch_add(&block->ended, 1);
	return 9;
}

static void let_go(struct block *block, int count)
{
	while (count-- > 0)
		CHECK_INT(write(block->ends[1], "x", 1), ==, 1);
}

static int offload_block(void *arg)
{
	int result = weft_offload(read_block, arg);

	return result < 0 ? -errno : result;
}

static void await(atomic_int *number, int least)
{
	while (atomic_load(number) < least)
		CHECK_INT(weft_sleep(WEFT_MICROSECONDS(50)), ==, 0);
}

static int neighbour_runs(void *arg)
{
	struct block block = {0};
	weft_fiber_id fiber;
	int result;

	(void)arg;
	CHECK_INT(pipe(block.ends), ==, 0);
	CHECK((fiber = weft_spawn(offload_block, &block)) != 0);
	await(&block.begun, 1); /* this fiber goes on meanwhile, on the only worker */
	for (int i = 0; i < 1000; i++)
		weft_yield();
	CHECK_INT(atomic_load(&block.ended), ==, 0);
	let_go(&block, 1);
	CHECK_INT(weft_join(fiber, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 9);
	close(block.ends[0]);
	close(block.ends[1]);
	return 0;
}

CHECK_CASE(neighbours_run_while_a_function_blocks)
{
	run(1, neighbour_runs);
}

/* ---- Limits -----------------------------------------------------------------------------------
 */

static int offload_dns_block(void *arg)
{
	int result = weft_offload_as(WEFT_OFFLOAD_DNS, read_block, arg);

	return result < 0 ? -errno : result;
}

static int one_kind_is_full(void *arg)
{
	const struct weft_spawn_options in_order = {.worker = 1};
	struct block block = {0};
	weft_fiber_id fibers[5];
	int results[5], number = 1;

	(void)arg;
	body_thread = pthread_self();
	CHECK_INT(pipe(block.ends), ==, 0);
	CHECK_INT(weft_offload_limit(WEFT_OFFLOAD_DNS, 2), ==, 0);
	for (int i = 0; i < 5; i++)
		CHECK((fibers[i] = weft_spawn_with(&in_order, offload_dns_block, &block)) != 0);
	await(&block.begun, 2);
	weft_sleep(WEFT_MILLISECONDS(5));
	CHECK_INT(atomic_load(&block.begun), ==, 2);
	/* The other kinds have threads. */
	CHECK_INT(weft_offload_as(WEFT_OFFLOAD_FILE, other_thread, &number), ==, 2);
	CHECK_INT(weft_offload(other_thread, &number), ==, 2);
	/* One that has not begun is called off at once; one that has is waited for. */
	weft_cancel(fibers[4]);
	CHECK_INT(weft_join(fibers[4], &results[4], WEFT_FOREVER), ==, 0);
	CHECK_INT(results[4], ==, -ECANCELED);
	weft_cancel(fibers[0]);
	CHECK_ERRNO(weft_join(fibers[0], NULL, WEFT_MILLISECONDS(5)), ETIMEDOUT);
	let_go(&block, 4);
	CHECK_INT(weft_join_all(fibers, 4, results, WEFT_FOREVER), ==, 4);
	for (int i = 0; i < 4; i++)
		CHECK_INT(results[i], ==, 9);
	CHECK_INT(atomic_load(&block.begun), ==, 4);
	CHECK_INT(weft_offload_limit(WEFT_OFFLOAD_DNS, WEFT_OFFLOAD_DNS_DEFAULT), ==, 0);
	close(block.ends[0]);
	close(block.ends[1]);
	return 0;
}

CHECK_CASE(a_kind_that_is_full_holds_up_no_other_and_what_has_not_begun_is_cancelled)
{
	run(1, one_kind_is_full);
	run(2, one_kind_is_full);
}

static int late(void *arg)
{
	int number = 1;

	(void)arg;
	body_thread = pthread_self();
	WEFT_WITH_TIMEOUT (0)
		CHECK_ERRNO(weft_offload(other_thread, &number), ETIMEDOUT);
	return 0;
}

CHECK_CASE(a_late_caller_begins_nothing)
{
	run(1, late);
}

/* ---- Work with memory of its own ----------------------------------------------------------------
 */

static atomic_int drops;

static void drop_block(void *arg)
{
	struct block *block = arg;

	if (!block->by_hand) {
		close(block->ends[0]);
		close(block->ends[1]);
	}
	free(block);
	atomic_fetch_add(&drops, 1);
}

static struct block *block_new(void)
{
	struct block *block = calloc(1, sizeof *block);

	CHECK(block != NULL);
	CHECK_INT(pipe(block->ends), ==, 0);
	return block;
}

/*
 * Late while it runs: it is left behind, until there is a byte in the pipe, which is the caller's.
 * What had not begun in that time was called off, and is asked for again.
 */
static void leave_running(int ret_ends[2])
{
	struct weft_offload_owned work = {
		.kind = WEFT_OFFLOAD_USER, .fn = read_block, .drop = drop_block};
	int64_t wait_ns = WEFT_MILLISECONDS(100);
	struct block *block;
	int result;

	for (;; wait_ns *= 2) {
		work.arg = block = block_new();
		block->by_hand = true;
		memcpy(ret_ends, block->ends, sizeof block->ends);
		atomic_store(&drops, 0);
		WEFT_WITH_TIMEOUT (wait_ns)
			CHECK_ERRNO(weft_offload_owned(&work, &result), ETIMEDOUT);
		if (atomic_load(&drops) == 0)
			return;
		close(ret_ends[0]);
		close(ret_ends[1]);
	}
}

/* It ends, and is dropped then. */
static void end_running(const int ends[2])
{
	CHECK_INT(atomic_load(&drops), ==, 0);
	CHECK_INT(write(ends[1], "x", 1), ==, 1);
	await(&drops, 1);
	close(ends[0]);
	close(ends[1]);
}

static int owned(void *arg)
{
	struct weft_offload_owned work = {
		.kind = WEFT_OFFLOAD_USER, .fn = read_block, .drop = drop_block};
	struct block *block = block_new();
	int result = 0, ends[2];

	(void)arg;
	atomic_store(&drops, 0);
	/* In time: the memory is ours again. */
	work.arg = block;
	let_go(block, 1);
	CHECK_INT(weft_offload_owned(&work, &result), ==, 0);
	CHECK_INT(result, ==, 9);
	CHECK_INT(atomic_load(&drops), ==, 0);
	drop_block(block);
	leave_running(ends);
	end_running(ends);
	/* Late before it began: dropped at once. */
	work.arg = block_new();
	WEFT_WITH_TIMEOUT (0)
		CHECK_ERRNO(weft_offload_owned(&work, &result), ETIMEDOUT);
	CHECK_INT(atomic_load(&drops), ==, 2);
	work.arg = block_new();
	work.kind = WEFT_OFFLOAD_KINDS;
	if (weft_self())
		CHECK_ERRNO(weft_offload_owned(&work, &result), EINVAL);
	else
		drop_block(work.arg);
	CHECK_INT(atomic_load(&drops), ==, 3);
	return 0;
}

CHECK_CASE(work_that_owns_its_memory_is_left_behind_by_a_late_caller)
{
	CHECK_INT(owned(NULL), ==, 0); /* a plain thread with a deadline, too */
	run(1, owned);
	run(2, owned);
}

/* ThreadSanitizer adds a thread of its own. */
#ifndef __SANITIZE_THREAD__

static int leave_behind(void *arg)
{
	leave_running(arg);
	return 0;
}

static int threads_of_process(void)
{
	DIR *folder = opendir("/proc/self/task");
	int count = -2;

	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

CHECK_CASE(weft_run_leaves_no_thread_but_one_that_is_still_blocked)
{
	int before = threads_of_process(), ends[2];

	atomic_store(&drops, 0);
	CHECK_INT(weft_run(NULL, offload_one, NULL), ==, 0);
	while (threads_of_process() > before)
		usleep(1000); /* the kernel may show one for a moment after it was joined */
	CHECK_INT(weft_run(NULL, leave_behind, ends), ==, 0);
	CHECK_INT(threads_of_process(), >, before);
	end_running(ends);
	while (threads_of_process() > before)
		usleep(1000);
}

#endif

/* ---- Many at once -------------------------------------------------------------------------------
 */

static int add(void *arg)
{
	return atomic_fetch_add((atomic_int *)arg, 1) < 0;
}

static int add_often(void *arg)
{
	for (int i = 0; i < 50; i++)
		if (weft_offload(add, arg) != 0)
			return -1;
	return 0;
}

static int storm(void *arg)
{
	weft_fiber_id fibers[100];
	atomic_int sum = 0;

	(void)arg;
	for (int i = 0; i < 100; i++)
		CHECK((fibers[i] = weft_spawn(add_often, &sum)) != 0);
	CHECK_INT(weft_join_all(fibers, 100, NULL, WEFT_FOREVER), ==, 100);
	CHECK_INT(atomic_load(&sum), ==, 5000);
	return 0;
}

CHECK_CASE(a_storm_of_calls_loses_none)
{
	run(2, storm);
}

CHECK_MAIN()
