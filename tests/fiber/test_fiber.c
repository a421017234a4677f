/*
 * test_fiber.c - running, starting, joining, cancelling fibers.
 * check: tsan aarch64 valgrind
 */
#include "weft/fiber.h"

#include <errno.h>
#include <fenv.h>
#include <pthread.h>
#include <stdatomic.h>

#include "check.h"
#include "weft/scope.h"

/* Run fn as the first fiber on that many workers; it must return 0. */
static void run(unsigned workers, weft_fiber_fn *fn, void *arg)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = workers}, fn, arg), ==, 0);
}

static int return_number(void *arg)
{
	return (int)(intptr_t)arg;
}

static int sleep_ms(void *arg)
{
	return weft_sleep(WEFT_MILLISECONDS((intptr_t)arg)) < 0 ? errno : 0;
}

/* ---- Running ------------------------------------------------------------------- */

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
	/* And nothing of it sticks. */
	CHECK_INT(weft_run(NULL, return_number, (void *)7), ==, 7);
}

static int look_at_the_runtime(void *arg)
{
	(void)arg;
	CHECK_INT(weft_worker_count(), ==, 3);
	CHECK_INT(weft_worker_index(), ==, 0);
	CHECK_STR(weft_driver_name(), "epoll");
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

/* ---- Starting and joining -------------------------------------------------------- */

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
	weft_fiber_id slow = weft_spawn(sleep_ms, (void *)20), joiners[3];
	int results[3];

	(void)arg;
	for (int i = 0; i < 3; i++)
		joiners[i] = weft_spawn(join_another, &slow);
	CHECK_INT(weft_join_all(joiners, 3, results, WEFT_FOREVER), ==, 3);
	CHECK_ERRNO(weft_join(slow, NULL, WEFT_FOREVER), ESRCH);
	return 0;
}

CHECK_CASE(everybody_who_waits_at_the_end_gets_the_result)
{
	run(1, three_joiners, NULL);
	run(3, three_joiners, NULL);
}

static char order[16];
static int order_len;

static int write_letter(void *arg)
{
	order[order_len++] = *(const char *)arg;
	weft_yield();
	order[order_len++] = (char)(*(const char *)arg | 0x20);
	return 0;
}

static int start_in_order(void *arg)
{
	struct weft_spawn_options options = {.detached = true};

	(void)arg;
	for (const char *name = "ABC"; *name; name++)
		weft_spawn_with(&options, write_letter, (void *)name);
	weft_yield();
	order[order_len++] = '|';
	weft_yield();
	return 0;
}

CHECK_CASE(fibers_run_in_the_order_in_which_they_became_runnable)
{
	run(1, start_in_order, NULL);
	CHECK_STR(order, "ABC|abc");
}

static int spawn_errors(void *arg)
{
	struct weft_spawn_options options = {.worker = 99};

	(void)arg;
	CHECK_ERRNO(weft_spawn_with(&options, return_number, NULL), EINVAL);
	options = (struct weft_spawn_options){.stack_size_bytes = WEFT_STACK_SIZE_MAX + 1};
	CHECK_ERRNO(weft_spawn_with(&options, return_number, NULL), EINVAL);
	return 0;
}

CHECK_CASE(bad_spawn_options_are_refused)
{
	CHECK_ERRNO(weft_spawn(return_number, NULL), ENOTSUP);
	run(1, spawn_errors, NULL);
}

static int use_stack(void *arg)
{
	volatile char deep[200 * 1024];

	(void)arg;
	for (size_t i = 0; i < sizeof deep; i += 1024)
		deep[i] = (char)i;
	return deep[1024];
}

static int large_stack(void *arg)
{
	struct weft_spawn_options options = {.stack_size_bytes = 256 * 1024, .name = "large"};
	weft_fiber_id fiber = weft_spawn_with(&options, use_stack, NULL);

	(void)arg;
	CHECK_INT(weft_join(fiber, NULL, WEFT_FOREVER), ==, 0);
	return 0;
}

CHECK_CASE(the_stack_size_is_chosen_at_spawn)
{
	run(1, large_stack, NULL);
}

static int say_worker(void *arg)
{
	(void)arg;
	return weft_worker_index();
}

static int pin_to_each_worker(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 4; i++) {
		struct weft_spawn_options options = {.worker = i + 1};
		int index = -1;

		CHECK_INT(weft_join(weft_spawn_with(&options, say_worker, NULL), &index,
				  WEFT_FOREVER),
			==, 0);
		CHECK_INT(index, ==, i);
	}
	return 0;
}

CHECK_CASE(a_pinned_fiber_runs_on_its_worker)
{
	run(4, pin_to_each_worker, NULL);
}

static atomic_int others_done;

static int count_one(void *arg)
{
	(void)arg;
	atomic_fetch_add(&others_done, 1);
	return weft_worker_index();
}

/* Never gives way: the others can only run if they are taken from this worker. */
static int hold_the_worker(void *arg)
{
	weft_fiber_id fibers[8];
	int results[8];

	(void)arg;
	for (int i = 0; i < 8; i++)
		fibers[i] = weft_spawn(count_one, NULL);
	while (atomic_load(&others_done) < 8)
		;
	CHECK_INT(weft_join_all(fibers, 8, results, WEFT_FOREVER), ==, 8);
	for (int i = 0; i < 8; i++)
		CHECK_INT(results[i], ==, 1);
	return 0;
}

CHECK_CASE(an_idle_worker_takes_fibers_that_have_not_started)
{
	run(2, hold_the_worker, NULL);
}

static int stays_on_its_worker(void *arg)
{
	int index = weft_worker_index();
	pthread_t thread = pthread_self();

	(void)arg;
	for (int i = 0; i < 50; i++) {
		if (i % 10 == 0)
			weft_sleep(WEFT_MICROSECONDS(50));
		else
			weft_yield();
		CHECK_INT(weft_worker_index(), ==, index);
		CHECK(pthread_equal(pthread_self(), thread));
	}
	return 0;
}

static int many_that_stay(void *arg)
{
	weft_fiber_id fibers[64];

	(void)arg;
	for (int i = 0; i < 64; i++)
		fibers[i] = weft_spawn(stays_on_its_worker, NULL);
	CHECK_INT(weft_join_all(fibers, 64, NULL, WEFT_FOREVER), ==, 64);
	return 0;
}

CHECK_CASE(a_started_fiber_never_changes_its_worker)
{
	run(4, many_that_stay, NULL);
}

/* ---- Cancelling --------------------------------------------------------------------- */

static int note_cancel(void *arg)
{
	int *seen = arg;

	*seen = weft_sleep(WEFT_SECONDS(3600)) < 0 ? errno : 0;
	/* And every wait after it, too. */
	CHECK_ERRNO(weft_sleep(0), ECANCELED);
	CHECK_ERRNO(weft_join(weft_self() + 1, NULL, 0), ECANCELED);
	return 0;
}

static int cancel_one(void *arg)
{
	int seen = 0;
	weft_fiber_id fiber = weft_spawn(note_cancel, &seen);

	if (arg)
		weft_yield(); /* let it start first */
	CHECK_INT(weft_cancel(fiber), ==, 0);
	/* Twice is fine; on another worker it may have ended by now. */
	if (weft_cancel(fiber) < 0)
		CHECK_INT(errno, ==, ESRCH);
	CHECK_INT(weft_join(fiber, NULL, WEFT_FOREVER), ==, 0);
	CHECK_INT(seen, ==, ECANCELED);
	return 0;
}

CHECK_CASE(a_cancelled_fiber_sees_it_in_every_wait)
{
	run(1, cancel_one, NULL);
	run(1, cancel_one, "started");
	run(3, cancel_one, NULL);
	run(3, cancel_one, "started");
}

static int shield_itself(void *arg)
{
	int *steps = arg;

	CHECK_ERRNO(weft_sleep(WEFT_SECONDS(3600)), ECANCELED);
	WEFT_SHIELDED {
		CHECK_INT(weft_interrupted(), ==, 0);
		CHECK_INT(weft_sleep(WEFT_MILLISECONDS(1)), ==, 0);
		++*steps;
		WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
			CHECK_ERRNO(weft_sleep(WEFT_SECONDS(3600)), ETIMEDOUT);
		++*steps;
	}
	CHECK_INT(weft_interrupted(), ==, ECANCELED);
	return 0;
}

static int cancel_shielded(void *arg)
{
	int steps = 0;
	weft_fiber_id fiber = weft_spawn(shield_itself, &steps);

	(void)arg;
	weft_yield();
	weft_cancel(fiber);
	CHECK_INT(weft_join(fiber, NULL, WEFT_FOREVER), ==, 0);
	CHECK_INT(steps, ==, 2);
	return 0;
}

CHECK_CASE(clean_up_can_wait_in_a_shielded_section)
{
	run(1, cancel_shielded, NULL);
}

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

/* ---- What belongs to a fiber ---------------------------------------------------------- */

static int keep_errno(void *arg)
{
	errno = (int)(intptr_t)arg;
	for (int i = 0; i < 10; i++) {
		weft_yield();
		CHECK_INT(errno, ==, (intptr_t)arg);
	}
	return 0;
}

static int keep_rounding(void *arg)
{
	int mode = (int)(intptr_t)arg;
	volatile double one = 1, three = 3, third;

	fesetround(mode);
	third = one / three;
	for (int i = 0; i < 10; i++) {
		weft_yield();
		CHECK_INT(fegetround(), ==, mode);
		CHECK(one / three == third);
	}
	return 0;
}

static int each_its_own(void *arg)
{
	weft_fiber_id fibers[6];

	(void)arg;
	fibers[0] = weft_spawn(keep_errno, (void *)EBUSY);
	fibers[1] = weft_spawn(keep_errno, (void *)EPERM);
	fibers[2] = weft_spawn(keep_rounding, (void *)FE_UPWARD);
	fibers[3] = weft_spawn(keep_rounding, (void *)FE_DOWNWARD);
	fibers[4] = weft_spawn(keep_rounding, (void *)FE_TONEAREST);
	fibers[5] = weft_spawn(keep_rounding, (void *)FE_UPWARD);
	CHECK_INT(weft_join_all(fibers, 6, NULL, WEFT_FOREVER), ==, 6);
	CHECK_INT(fegetround(), ==, FE_TONEAREST);
	return 0;
}

CHECK_CASE(errno_and_rounding_mode_are_each_fibers_own)
{
	run(1, each_its_own, NULL);
}

static int rename_itself(void *arg)
{
	(void)arg;
	CHECK_STR(weft_name(), "a name of more than thirty-one ");
	weft_rename("short");
	CHECK_STR(weft_name(), "short");
	return 0;
}

static int names(void *arg)
{
	struct weft_spawn_options options = {.name = "a name of more than thirty-one bytes is cut"};

	(void)arg;
	CHECK_STR(weft_name(), "main");
	CHECK_INT(weft_join(weft_spawn_with(&options, rename_itself, NULL), NULL, WEFT_FOREVER), ==,
		0);
	return 0;
}

CHECK_CASE(fibers_have_names)
{
	run(1, names, NULL);
}

static weft_local_key key;
static int destroyed;

static void count_destroyed(void *value)
{
	destroyed += (int)(intptr_t)value;
}

static int set_local(void *arg)
{
	CHECK(weft_local_get(key) == NULL);
	CHECK_INT(weft_local_set(key, arg), ==, 0);
	weft_yield();
	CHECK(weft_local_get(key) == arg);
	return 0;
}

static int locals(void *arg)
{
	weft_fiber_id fibers[2];

	(void)arg;
	CHECK_INT(weft_local_new(&key, count_destroyed), ==, 0);
	CHECK_ERRNO(weft_local_set(key + 1, NULL), EINVAL);
	fibers[0] = weft_spawn(set_local, (void *)1);
	fibers[1] = weft_spawn(set_local, (void *)10);
	CHECK_INT(weft_join_all(fibers, 2, NULL, WEFT_FOREVER), ==, 2);
	CHECK_INT(destroyed, ==, 11);
	return 0;
}

CHECK_CASE(locals_are_each_fibers_own_and_are_destroyed_at_its_end)
{
	run(1, locals, NULL);
}

static void append_letter(void *arg)
{
	weft_sleep(1); /* clean-up may wait, even when cancelled */
	order[order_len++] = *(const char *)arg;
}

static int defer_two(void *arg)
{
	(void)arg;
	weft_defer(append_letter, "1");
	weft_defer(append_letter, "2");
	weft_cancel(weft_self());
	return 0;
}

static int deferred_calls(void *arg)
{
	(void)arg;
	CHECK_INT(weft_join(weft_spawn(defer_two, NULL), NULL, WEFT_FOREVER), ==, 0);
	CHECK_STR(order, "21");
	return 0;
}

CHECK_CASE(deferred_calls_run_last_first_at_the_end)
{
	CHECK_ERRNO(weft_defer(append_letter, "0"), ENOTSUP);
	run(1, deferred_calls, NULL);
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

static int storm(void *arg)
{
	weft_fiber_id children[4];
	intptr_t depth = (intptr_t)arg;
	int sum = 1;

	if (depth == 0)
		return weft_sleep(WEFT_MICROSECONDS(10)) < 0 ? 0 : 1;
	for (int i = 0; i < 4; i++)
		CHECK((children[i] = weft_spawn(storm, (void *)(depth - 1))) != 0);
	for (int i = 0; i < 4; i++) {
		int result = 0;

		CHECK_INT(weft_join(children[i], &result, WEFT_FOREVER), ==, 0);
		sum += result;
	}
	return sum;
}

static int storm_first(void *arg)
{
	(void)arg;
	CHECK_INT(storm((void *)5), ==, 1 + 4 + 16 + 64 + 256 + 1024);
	return 0;
}

CHECK_CASE(a_tree_of_fibers_over_several_workers_adds_up)
{
	for (unsigned i = 0; i < check_rounds(3); i++)
		run(4, storm_first, NULL);
}

CHECK_MAIN()
