/*
 * test_run.c - weft_run(): what it returns, refuses and tells, and what it leaves.
 * check: tsan aarch64 valgrind drivers
 */
#include "weft/fiber.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "fiber/bodies.h"

CHECK_CASE(run_returns_what_the_first_fiber_returns)
{
	CHECK_INT(weft_run(NULL, return_number, (void *)42), ==, 42);
}

CHECK_CASE(run_can_be_called_again_and_again)
{
	for (int i = 0; i < 20; i++)
		CHECK_INT(weft_run(NULL, return_number, (void *)(intptr_t)i), ==, i);
}

static int run_inside(void *arg)
{
	(void)arg;
	CHECK_ERRNO(weft_run(NULL, return_number, NULL), EDEADLK);
	return 0;
}

CHECK_CASE(run_inside_a_fiber_is_refused)
{
	run(1, run_inside, NULL);
}

static void *run_on_thread(void *arg)
{
	(void)arg;
	CHECK_ERRNO(weft_run(NULL, return_number, NULL), EBUSY);
	return NULL;
}

static int thread_that_runs(void *arg)
{
	pthread_t thread;

	(void)arg;
	CHECK_INT(pthread_create(&thread, NULL, run_on_thread, NULL), ==, 0);
	CHECK_INT(pthread_join(thread, NULL), ==, 0);
	return 0;
}

CHECK_CASE(a_second_run_beside_the_first_is_refused)
{
	run(1, thread_that_runs, NULL);
}

CHECK_CASE(bad_options_are_refused)
{
	struct weft_run_options options = {.workers = WEFT_WORKERS_MAX + 1};

	CHECK_ERRNO(weft_run(&options, return_number, NULL), EINVAL);
	options = (struct weft_run_options){.driver = "carrier pigeon"};
	CHECK_ERRNO(weft_run(&options, return_number, NULL), EINVAL);
	options = (struct weft_run_options){.stack_size_bytes = SIZE_MAX};
	CHECK_ERRNO(weft_run(&options, return_number, NULL), EINVAL);
	CHECK_ERRNO(weft_run(NULL, NULL, NULL), EINVAL);
	/* And nothing of it sticks. */
	CHECK_INT(weft_run(NULL, return_number, (void *)7), ==, 7);
}

static int look_at_the_runtime(void *arg)
{
	const char *wanted = getenv("WEFT_DRIVER");

	(void)arg;
	CHECK_INT(weft_worker_count(), ==, 3);
	CHECK_INT(weft_worker_index(), ==, 0);
	/* A kernel that forbids io_uring has epoll instead. */
	if (wanted && *wanted &&
		(strcmp(wanted, "uring") != 0 || strcmp(weft_driver_name(), "epoll") != 0))
		CHECK_STR(weft_driver_name(), wanted);
	CHECK(weft_driver_at(0) && !weft_driver_at(100));
	CHECK_INT(weft_fiber_count(), ==, 1);
	CHECK(weft_self() != 0);
	return 0;
}

CHECK_CASE(the_runtime_can_be_asked_about_itself)
{
	CHECK_INT(weft_worker_count(), ==, 0);
	CHECK_INT(weft_worker_index(), ==, -1);
	CHECK(weft_driver_name() == NULL);
	CHECK(weft_self() == 0);
	CHECK_STR(weft_name(), "thread");
	run(3, look_at_the_runtime, NULL);
}

/* ---- The end ----------------------------------------------------------------------- */

static atomic_int ended_count;

static int wait_for_ever(void *arg)
{
	(void)arg;
	weft_sleep(WEFT_FOREVER < 0 ? INT64_MAX : 0);
	atomic_fetch_add(&ended_count, 1);
	return 0;
}

static int leave_them_behind(void *arg)
{
	(void)arg;
	for (int i = 0; i < 50; i++)
		CHECK(weft_spawn(wait_for_ever, NULL) != 0);
	weft_yield();
	return 0;
}

CHECK_CASE(fibers_left_behind_are_cancelled_and_awaited)
{
	run(1, leave_them_behind, NULL);
	CHECK_INT(atomic_load(&ended_count), ==, 50);
	run(4, leave_them_behind, NULL);
	CHECK_INT(atomic_load(&ended_count), ==, 100);
}

static weft_fiber_id left_behind;

static int spawn_late(void *arg)
{
	CHECK_ERRNO(weft_sleep(WEFT_SECONDS(3600)), ECANCELED);
	CHECK_ERRNO(weft_spawn(return_number, NULL), ECANCELED);
	*(bool *)arg = true;
	return 0;
}

static int leave_one_behind(void *arg)
{
	left_behind = weft_spawn(spawn_late, arg);
	weft_yield();
	return 0;
}

CHECK_CASE(nothing_is_started_once_the_run_is_ending_and_its_ids_are_stale_after)
{
	bool was_refused = false;

	run(1, leave_one_behind, &was_refused);
	CHECK(was_refused);
	CHECK_ERRNO(weft_join(left_behind, NULL, WEFT_FOREVER), ESRCH);
	CHECK_ERRNO(weft_cancel(left_behind), ESRCH);
	CHECK_INT(weft_fiber_count(), ==, 0);
}

/* ---- The thread around it ------------------------------------------------------------ */

static bool is_sigpipe_blocked(void)
{
	sigset_t set;

	CHECK_INT(pthread_sigmask(SIG_SETMASK, NULL, &set), ==, 0);
	return sigismember(&set, SIGPIPE) == 1;
}

static int look_at_sigpipe(void *arg)
{
	(void)arg;
	CHECK(is_sigpipe_blocked());
	return 0;
}

static int look_on_both(void *arg)
{
	struct weft_spawn_options second = {.worker = 2};

	look_at_sigpipe(arg);
	return weft_join(weft_spawn_with(&second, look_at_sigpipe, NULL), NULL, WEFT_FOREVER);
}

CHECK_CASE(sigpipe_is_blocked_on_the_workers_and_as_before_afterwards)
{
	sigset_t sigpipe;

	run(2, look_on_both, NULL);
	CHECK(!is_sigpipe_blocked());
	sigemptyset(&sigpipe);
	sigaddset(&sigpipe, SIGPIPE);
	CHECK_INT(pthread_sigmask(SIG_BLOCK, &sigpipe, NULL), ==, 0);
	run(2, look_on_both, NULL);
	CHECK(is_sigpipe_blocked());
}

static void *run_and_return(void *arg)
{
	return (void *)(intptr_t)weft_run(NULL, return_number, arg);
}

CHECK_CASE(any_thread_can_run_fibers_in_its_turn)
{
	for (intptr_t i = 1; i <= 5; i++) {
		pthread_t thread;
		void *result;

		CHECK_INT(pthread_create(&thread, NULL, run_and_return, (void *)i), ==, 0);
		CHECK_INT(pthread_join(thread, &result), ==, 0);
		CHECK_INT((intptr_t)result, ==, i);
	}
}

CHECK_MAIN()
