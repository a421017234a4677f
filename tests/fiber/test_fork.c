/*
 * test_fork.c - fork(2) in a program with fibers (src/fiber/fork.c).
 * check: drivers
 */
#include "weft/fiber.h"

#include <errno.h>
#include <stdatomic.h>

#include "check.h"
#include "weft/scope.h"
#include "weft/socket.h"

static atomic_int ghost_steps;

static void run(unsigned workers, weft_fiber_fn *fn, void *arg)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = workers}, fn, arg), ==, 0);
}

static int status_of(pid_t pid)
{
	int status = 0;

	CHECK_INT(waitpid(pid, &status, 0), ==, pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A fiber of the parent; a step of it in the child would be a ghost's. */
static int sleep_then_step(void *arg)
{
	(void)arg;
	weft_sleep(WEFT_SECONDS(3600));
	atomic_fetch_add(&ghost_steps, 1);
	return 0;
}

static int fork_and_return(void *arg)
{
	pid_t pid = fork();

	(void)arg;
	if (pid == 0)
		return 42;
	CHECK_INT(status_of(pid), ==, 42);
	return 0;
}

CHECK_CASE(the_forked_fibers_result_is_the_childs_status)
{
	run(1, fork_and_return, NULL);
	run(3, fork_and_return, NULL);
}

static void fork_and_end(void *arg)
{
	pid_t pid = fork();

	(void)arg;
	if (pid > 0)
		CHECK_INT(status_of(pid), ==, 43);
}

static void never_in_a_child(void *arg)
{
	CHECK_INT(getpid(), ==, (pid_t)(intptr_t)arg);
}

static int fork_at_the_end(void *arg)
{
	(void)arg;
	weft_defer(never_in_a_child, (void *)(intptr_t)getpid());
	weft_defer(fork_and_end, NULL);
	return 43;
}

static int join_who_forks_at_the_end(void *arg)
{
	int result = 0;

	(void)arg;
	CHECK_INT(weft_join(weft_spawn(fork_at_the_end, NULL), &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 43);
	return 0;
}

CHECK_CASE(a_child_forked_by_a_deferred_call_ends_with_the_fibers_result)
{
	run(1, join_who_forks_at_the_end, NULL);
	run(3, join_who_forks_at_the_end, NULL);
	CHECK_INT(weft_run(NULL, fork_at_the_end, NULL), ==, 43);
}

static int fork_and_read(void *arg)
{
	weft_fiber_id ghost = weft_spawn(sleep_then_step, NULL);
	int ends[2];
	char byte;
	pid_t pid;

	(void)arg;
	weft_yield();
	CHECK_INT(pipe(ends), ==, 0);
	pid = fork();
	if (pid == 0) {
		CHECK_INT(weft_self(), ==, 0);
		CHECK_INT(weft_worker_count(), ==, 0);
		WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(20))
			CHECK_ERRNO(weft_read(ends[0], &byte, 1), ETIMEDOUT);
		CHECK_ERRNO(weft_join(ghost, NULL, WEFT_SECONDS(10)), ESRCH);
		CHECK_ERRNO(weft_cancel(ghost), ESRCH);
		return 7;
	}
	CHECK_INT(status_of(pid), ==, 7);
	/* The parent's own epoll set is as good as before. */
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_read(ends[0], &byte, 1), ETIMEDOUT);
	CHECK_INT(weft_write(ends[1], "x", 1), ==, 1);
	CHECK_INT(weft_read(ends[0], &byte, 1), ==, 1);
	return 0;
}

CHECK_CASE(the_child_is_a_plain_thread_and_the_parent_goes_on)
{
	run(1, fork_and_read, NULL);
	run(3, fork_and_read, NULL);
}

static int fork_in_a_scope(void *arg)
{
	struct weft_timeout scope;
	weft_local_key key;
	int ends[2];
	char byte;
	pid_t pid;

	CHECK_INT(weft_local_new(&key, NULL), ==, 0);
	CHECK_INT(weft_local_set(key, arg), ==, 0);
	CHECK_INT(pipe(ends), ==, 0);
	weft_timeout_begin(&scope, WEFT_MILLISECONDS(50));
	weft_yield(); /* it has its timer at the worker */
	pid = fork();
	if (pid == 0) {
		CHECK(weft_local_get(key) == arg);
		CHECK_ERRNO(weft_read(ends[0], &byte, 1), ETIMEDOUT);
		CHECK(weft_timeout_end(&scope));
		CHECK_INT(weft_interrupted(), ==, 0);
		return 9;
	}
	CHECK_ERRNO(weft_read(ends[0], &byte, 1), ETIMEDOUT);
	CHECK(weft_timeout_end(&scope));
	CHECK_INT(status_of(pid), ==, 9);
	return 0;
}

CHECK_CASE(the_child_keeps_the_deadlines_and_locals_of_the_fiber_that_forked)
{
	run(1, fork_in_a_scope, "local");
	run(3, fork_in_a_scope, "local");
}

/* Leaves a fiber behind, so that the run's end looks for fibers to cancel. */
static int leave_one_behind(void *arg)
{
	(void)arg;
	CHECK(weft_spawn(sleep_then_step, NULL) != 0);
	weft_yield();
	return 0;
}

static int fork_and_run(void *arg)
{
	pid_t pid;

	for (int i = 0; i < 10; i++)
		CHECK(weft_spawn(sleep_then_step, NULL) != 0);
	weft_yield();
	pid = fork();
	if (pid == 0) {
		run((unsigned)(intptr_t)arg, leave_one_behind, NULL);
		return atomic_load(&ghost_steps); /* the one left behind, and no ghost */
	}
	CHECK_INT(status_of(pid), ==, 1);
	return 0;
}

CHECK_CASE(the_child_may_run_anew_and_the_parents_fibers_stay_out_of_it)
{
	run(1, fork_and_run, (void *)1);
	atomic_store(&ghost_steps, 0);
	run(3, fork_and_run, (void *)1);
}

static int wait_for_a_descriptor(void *arg)
{
	(void)arg;
	while (weft_wait_descriptor() == 0)
		;
	return 0;
}

static int fork_and_close(void *arg)
{
	struct weft_spawn_options options = {.worker = 2};
	pid_t pid;

	(void)arg;
	CHECK(weft_spawn_with(&options, wait_for_a_descriptor, NULL) != 0);
	weft_sleep(WEFT_MILLISECONDS(10)); /* its worker sleeps by now: to be poked by nobody */
	pid = fork();
	if (pid == 0)
		return weft_close(dup(0)) < 0 ? 1 : 5;
	CHECK_INT(status_of(pid), ==, 5);
	return 0;
}

CHECK_CASE(a_close_in_the_child_wakes_nobody_of_the_parent)
{
	run(2, fork_and_close, NULL);
}

/*
 * Not under ASan: its allocator's own locks stay locked in the child of a program with
 * threads, so the child's first malloc may wait for ever.
 */
#ifndef __SANITIZE_ADDRESS__

static int nothing(void *arg)
{
	(void)arg;
	return 0;
}

static int keep_spawning(void *arg)
{
	while (!atomic_load((atomic_bool *)arg)) {
		weft_fiber_id fiber = weft_spawn(nothing, NULL);

		if (!fiber || weft_join(fiber, NULL, WEFT_FOREVER) < 0)
			return errno == ECANCELED ? 0 : 1;
	}
	return 0;
}

static int fork_while_others_spawn(void *arg)
{
	atomic_bool is_done = false;
	weft_fiber_id spawners[2];

	(void)arg;
	for (unsigned i = 0; i < 2; i++) {
		struct weft_spawn_options options = {.worker = i + 2};

		CHECK((spawners[i] = weft_spawn_with(&options, keep_spawning, &is_done)) != 0);
	}
	for (unsigned i = 0; i < check_rounds(10); i++) {
		pid_t pid = fork();

		if (pid == 0) {
			run(2, leave_one_behind, NULL);
			return 9;
		}
		CHECK_INT(status_of(pid), ==, 9);
	}
	atomic_store(&is_done, true);
	CHECK_INT(weft_join_all(spawners, 2, NULL, WEFT_FOREVER), ==, 2);
	return 0;
}

CHECK_CASE(a_fork_while_other_workers_spawn_leaves_no_lock_held)
{
	run(3, fork_while_others_spawn, NULL);
}

#endif

CHECK_MAIN()
