/*
 * test_local.c - what is each fiber's own: errno, rounding, name, locals, deferred calls.
 * check: tsan aarch64 valgrind drivers apart
 */
#include "weft/fiber.h"

#include <fenv.h>

#include "fiber/bodies.h"

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

static char order[16];
static int order_len;

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

static int defer_in_the_first(void *arg)
{
	weft_defer(append_letter, "1");
	weft_defer(append_letter, "2");
	CHECK_INT(weft_local_new(&key, append_letter), ==, 0);
	CHECK_INT(weft_local_set(key, arg), ==, 0);
	return 0;
}

CHECK_CASE(clean_up_of_the_first_fiber_may_wait_too)
{
	run(1, defer_in_the_first, "3");
	CHECK_STR(order, "213");
	run(2, defer_in_the_first, "3");
	CHECK_STR(order, "213213");
}

static weft_local_key late_key;

/* Clean-up that leaves something to clean up, twice over. */
static void defer_in_a_destructor(void *value)
{
	CHECK_INT(weft_defer(append_letter, value), ==, 0);
}

static void set_in_a_deferred_call(void *arg)
{
	order[order_len++] = 's';
	CHECK_INT(weft_local_set(late_key, arg), ==, 0);
}

static int defer_what_sets(void *arg)
{
	return weft_defer(set_in_a_deferred_call, arg);
}

static int clean_up_in_rounds(void *arg)
{
	int result = -1;

	(void)arg;
	CHECK_INT(weft_local_new(&late_key, defer_in_a_destructor), ==, 0);
	CHECK_INT(weft_join(weft_spawn(defer_what_sets, "d"), &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 0);
	CHECK_STR(order, "sd");
	return 0;
}

CHECK_CASE(what_clean_up_sets_or_defers_is_cleaned_up_too)
{
	run(1, clean_up_in_rounds, NULL);
}

static int too_many_keys(void *arg)
{
	weft_local_key last = 0, next;

	(void)arg;
	while (weft_local_new(&next, NULL) == 0)
		last = next;
	CHECK_INT(errno, ==, EAGAIN);
	CHECK_INT(last, ==, WEFT_LOCALS_MAX - 1);
	CHECK_INT(weft_local_set(last, arg), ==, 0);
	CHECK(weft_local_get(last) == arg);
	CHECK_ERRNO(weft_local_set(WEFT_LOCALS_MAX, arg), EINVAL);
	CHECK(weft_local_get(WEFT_LOCALS_MAX) == NULL);
	return 0;
}

CHECK_CASE(keys_beyond_the_last_are_refused)
{
	run(1, too_many_keys, "value");
}

CHECK_MAIN()
