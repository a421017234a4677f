/*
 * test_spawn.c - starting fibers: in which order, on which worker, on what stack.
 * check: tsan aarch64 valgrind drivers
 */
#include "weft/fiber.h"

#include <pthread.h>
#include <stdatomic.h>

#include "fiber/bodies.h"

/* ---- Order and options --------------------------------------------------------------- */

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
	CHECK_ERRNO(weft_spawn(NULL, NULL), EINVAL);
	return 0;
}

static int spawn_with_defaults(void *arg)
{
	int result = 0;

	(void)arg;
	CHECK_INT(weft_join(weft_spawn_with(NULL, return_number, (void *)7), &result, -1), ==, 0);
	CHECK_INT(result, ==, 7);
	return 0;
}

CHECK_CASE(no_spawn_options_are_the_defaults)
{
	run(1, spawn_with_defaults, NULL);
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

/* ---- Workers ------------------------------------------------------------------------- */

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
	for (unsigned i = 0; i < check_rounds(1); i++)
		run(4, storm_first, NULL);
}

CHECK_MAIN()
