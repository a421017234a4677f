/*
 * test_event.c - events, and steps that are done once.
 * check: tsan aarch64 valgrind drivers
 */
#include "weft/event.h"

#include <stdatomic.h>

#include "sync/mix.h"

static int facts(void *arg)
{
	struct weft_event event = WEFT_EVENT_INIT;

	(void)arg;
	CHECK(!weft_event_is_set(&event));
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_event_wait(&event), ETIMEDOUT);
	weft_event_set(&event);
	weft_event_set(&event);
	CHECK(weft_event_is_set(&event));
	CHECK_INT(weft_event_wait(&event), ==, 0);
	WEFT_WITH_TIMEOUT (0)
		CHECK_ERRNO(weft_event_wait(&event), ETIMEDOUT);
	weft_event_clear(&event);
	CHECK(!weft_event_is_set(&event));
	weft_event_init(&event, "fresh");
	CHECK(!weft_event_is_set(&event));
	return 0;
}

CHECK_CASE(a_set_event_lets_everybody_pass_until_it_is_cleared)
{
	facts(NULL);
	run(1, facts, NULL);
}

static int wait_for_event(void *arg)
{
	return weft_event_wait(arg) < 0 ? errno : 0;
}

static int set_then_clear(void *arg)
{
	struct weft_event event = WEFT_EVENT_INIT;
	weft_fiber_id fibers[3];
	int results[3];

	(void)arg;
	for (int i = 0; i < 3; i++)
		fibers[i] = weft_spawn(wait_for_event, &event);
	settle();
	CHECK_INT(weft_cancel(fibers[1]), ==, 0);
	weft_sleep(WEFT_MILLISECONDS(1));
	weft_event_set(&event);
	weft_event_clear(&event);
	CHECK_INT(weft_join_all(fibers, 3, results, WEFT_FOREVER), ==, 3);
	CHECK_INT(results[0], ==, 0);
	CHECK_INT(results[1], ==, ECANCELED);
	CHECK_INT(results[2], ==, 0);
	return 0;
}

CHECK_CASE(who_waited_at_a_set_goes_on_though_it_is_cleared_at_once)
{
	run(1, set_then_clear, NULL);
}

/* Two sides answer each other; the event of each round is gone as soon as it was waited for. */
struct rally {
	struct weft_event *_Atomic balls[2];
	unsigned rounds;
};

static void rally_work(void *arg, unsigned index)
{
	struct rally *rally = arg;

	for (unsigned i = 0; i < rally->rounds; i++) {
		struct weft_event mine = WEFT_EVENT_INIT, *theirs;

		rally->balls[index] = &mine;
		while (!(theirs = atomic_exchange(&rally->balls[!index], NULL)))
			weft_yield();
		weft_event_set(theirs);
		CHECK_INT(weft_event_wait(&mine), ==, 0);
		memset(&mine, 0xff, sizeof(mine)); /* whoever still is inside would hang */
	}
}

CHECK_CASE(who_was_let_go_may_free_the_event_at_once)
{
	struct rally rally = {.rounds = check_rounds(500)};

	mix_run(&(struct mix){2, 2, 0, rally_work, &rally});
	mix_run(&(struct mix){1, 1, 1, rally_work, &rally});
	mix_run(&(struct mix){1, 0, 2, rally_work, &rally});
}

/* ---- Once ---------------------------------------------------------------------------- */

struct step {
	struct weft_once once;
	_Atomic int calls, successes;
	int failures; /* how often it fails before it succeeds */
	int value;
};

static int do_step(void *arg)
{
	struct step *step = arg;

	step->calls++;
	weft_sleep(WEFT_MICROSECONDS(100));
	if (step->failures > 0) {
		step->failures--;
		errno = EIO;
		return -1;
	}
	CHECK_INT(++step->successes, ==, 1);
	step->value = 42;
	return 0;
}

static void step_work(void *arg, unsigned index)
{
	struct step *step = arg;

	(void)index;
	while (weft_once_do(&step->once, do_step, step) < 0)
		CHECK_INT(errno, ==, EIO);
	CHECK_INT(step->value, ==, 42);
}

CHECK_CASE(a_step_is_done_once_and_a_failed_one_by_the_next_in_line)
{
	for (int failures = 0; failures < 4; failures++) {
		struct step step = {.once = WEFT_ONCE_INIT, .failures = failures};

		mix_run(&(struct mix){3, 6, 3, step_work, &step});
		CHECK_INT(step.calls, ==, failures + 1);
		CHECK_INT(step.successes, ==, 1);
	}
}

static int fail_first(void *arg)
{
	struct step *step = arg;

	weft_sleep(WEFT_MILLISECONDS(1));
	return step->calls++ ? 0 : -1;
}

static int once_with_step(void *arg)
{
	struct step *step = arg;

	return weft_once_do(&step->once, fail_first, step);
}

static int one_fails_one_waits(void *arg)
{
	struct step step = {.once = WEFT_ONCE_INIT};
	weft_fiber_id fibers[2] = {
		weft_spawn(once_with_step, &step), weft_spawn(once_with_step, &step)};
	int results[2];

	(void)arg;
	CHECK_INT(weft_join_all(fibers, 2, results, WEFT_FOREVER), ==, 2);
	CHECK_INT(results[0], ==, -1);
	CHECK_INT(results[1], ==, 0);
	return 0;
}

CHECK_CASE(who_waits_for_a_step_that_fails_does_it_himself)
{
	run(1, one_fails_one_waits, NULL);
}

static int do_itself(void *arg)
{
	CHECK_ERRNO(weft_once_do(arg, do_itself, arg), EDEADLK);
	return 0;
}

static struct weft_event step_may_end;

static int slow_step(void *arg)
{
	(void)arg;
	return weft_event_wait(&step_may_end);
}

static int run_slow_step(void *arg)
{
	return weft_once_do(arg, slow_step, NULL);
}

static int once_facts(void *arg)
{
	struct weft_once itself = WEFT_ONCE_INIT, slow = WEFT_ONCE_INIT;
	weft_fiber_id fiber = weft_spawn(run_slow_step, &slow);

	(void)arg;
	CHECK_INT(weft_once_do(&itself, do_itself, &itself), ==, 0);
	weft_yield();
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_once_do(&slow, slow_step, NULL), ETIMEDOUT);
	weft_event_set(&step_may_end);
	CHECK_INT(weft_join(fiber, NULL, WEFT_FOREVER), ==, 0);
	WEFT_WITH_TIMEOUT (0)
		CHECK_INT(weft_once_do(&slow, slow_step, NULL), ==, 0);
	return 0;
}

CHECK_CASE(a_step_that_calls_itself_is_an_error_and_waiting_for_one_has_deadlines)
{
	run(1, once_facts, NULL);
}

CHECK_MAIN()
