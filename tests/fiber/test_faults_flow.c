/*
 * test_faults_flow.c - memory and descriptors are refused to coroutines, generators, scopes
 * with fibers in them, sleeps, and the list of fibers.
 * check: drivers
 */
#include "faults.h"

#ifdef HAS_FAULTS

#include "weft/coro.h"
#include "weft/debug.h"
#include "weft/event.h"
#include "weft/gen.h"
#include "weft/scope.h"

/* ---- Coroutines and generators --------------------------------------------------------- */

static void *add_one(void *arg)
{
	return (char *)arg + 1;
}

static int use_coro(void *arg)
{
	struct weft_coro *coro = weft_coro_new(add_one, NULL);
	char base[2];
	void *value;

	(void)arg;
	if (!FAULTS_TRY(coro != NULL))
		return 0;
	if (FAULTS_TRY(weft_coro_switch(coro, base, &value) == 0))
		CHECK(value == base + 1);
	weft_coro_free(coro);
	return 0;
}

CHECK_CASE(a_coroutine_is_whole_or_not_there)
{
	CHECK_INT(faults_sweep(use_coro, NULL), >, 0); /* outside fibers */
	CHECK_INT(faults_sweep_in_run(use_coro), >, 0);
}

static int count_to_three(struct weft_gen *gen, void *arg)
{
	char *values = arg;

	for (int i = 0; i < 3; i++)
		if (weft_gen_yield(gen, &values[i]) < 0)
			return -1;
	return 3;
}

static int use_gen(void *arg)
{
	char values[3];
	struct weft_gen *gen = weft_gen_new(count_to_three, values, NULL);
	void *value;
	int count = 0;

	(void)arg;
	if (!FAULTS_TRY(gen != NULL))
		return 0;
	while (weft_gen_next(gen, &value))
		CHECK(value == &values[count++]);
	CHECK(errno == 0 ? count == 3 : FAULTS_TRY(errno == 0) || count < 3);
	weft_gen_free(gen);
	return 0;
}

CHECK_CASE(a_generator_is_whole_or_not_there)
{
	CHECK_INT(faults_sweep(use_gen, NULL), >, 0);
	CHECK_INT(faults_sweep_in_run(use_gen), >, 0);
}

/* ---- Scopes with fibers ------------------------------------------------------------------ */

static int sleep_and_count(void *count)
{
	CHECK_INT(weft_sleep(WEFT_MICROSECONDS(10)), ==, 0);
	++*(int *)count;
	return 0;
}

static int use_scope(void *arg)
{
	struct weft_scope scope;
	int count = 0, started = 0;

	(void)arg;
	weft_scope_begin(&scope, WEFT_FOREVER);
	for (int i = 0; i < 3; i++)
		started += FAULTS_TRY(weft_scope_spawn(&scope, sleep_and_count, &count) != 0);
	CHECK_INT(weft_scope_end(&scope), ==, 0);
	CHECK_INT(count, ==, started);
	return 0;
}

CHECK_CASE(a_scope_ends_with_the_fibers_that_were_started)
{
	CHECK_INT(faults_sweep_in_run(use_scope), >, 0);
}

static int use_sleep(void *arg)
{
	int64_t began = weft_now();

	(void)arg;
	CHECK_INT(weft_sleep(WEFT_MICROSECONDS(100)), ==, 0);
	CHECK_INT(weft_now() - began, >=, WEFT_MICROSECONDS(100));
	return 0;
}

CHECK_CASE(a_sleep_needs_no_memory_to_be_as_long_as_it_was_said)
{
	CHECK_INT(faults_sweep_in_run(use_sleep), >, 0);
}

/* ---- The list of fibers -------------------------------------------------------------------- */

static int use_dump(void *arg)
{
	int fd;

	(void)arg;
	faults_hold();
	CHECK((fd = memfd_create("dump", MFD_CLOEXEC)) >= 0);
	faults_go_on();
	FAULTS_TRY(weft_dump(fd) == 0);
	close(fd);
	return 0;
}

CHECK_CASE(the_list_of_fibers_does_with_what_it_can_get)
{
	CHECK_INT(faults_sweep_in_run(use_dump), >, 0);
}

static int wait_for_oneself(void *arg)
{
	struct weft_event *event = arg;

	return weft_event_wait(event);
}

static int use_deadlock(void *arg)
{
	struct weft_event event;

	(void)arg;
	weft_event_init(&event, "never");
	CHECK_INT(wait_for_oneself(&event), ==, -1);
	CHECK_INT(errno, ==, ECANCELED);
	return 0;
}

static int run_into_deadlock(void *arg)
{
	const struct weft_run_options options = {.workers = 1};

	CHECK_INT(weft_run(&options, use_deadlock, arg), ==, -1);
	CHECK(errno == EDEADLK || faults_is_defined(errno));
	return 0;
}

CHECK_CASE(a_deadlock_ends_however_little_can_be_said_of_it)
{
	CHECK(freopen("/dev/null", "w", stderr));
	CHECK_INT(faults_sweep(run_into_deadlock, NULL), >, 0);
}

#else

CHECK_CASE(faults_are_met_in_the_release_build_only)
{
}

#endif

CHECK_MAIN()
