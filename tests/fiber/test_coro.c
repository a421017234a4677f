/*
 * test_coro.c - coroutines and generators (include/weft/coro.h, gen.h).
 * check: tsan aarch64 valgrind drivers
 */
#include "weft/coro.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "check.h"
#include "weft/fiber.h"
#include "weft/gen.h"
#include "weft/scope.h"

#define HOUR WEFT_SECONDS(3600)

/* The same facts hold in a fiber and on a plain thread. */
static void run_both(weft_fiber_fn *fn)
{
	CHECK_INT(fn(NULL), ==, 0);
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 1}, fn, NULL), ==, 0);
}

/* ---- Switching ------------------------------------------------------------------- */

static char trace[64];

static void say(const char *text)
{
	strncat(trace, text, sizeof(trace) - strlen(trace) - 1);
}

static void *echo(void *arg)
{
	while (strcmp(arg, "end") != 0) {
		say(arg);
		CHECK_INT(weft_coro_switch(NULL, "pong", &arg), ==, 0);
	}
	return "ended";
}

static int ping_pong(void *arg)
{
	struct weft_coro *coro = weft_coro_new(echo, NULL);
	void *answer;

	(void)arg;
	trace[0] = '\0';
	CHECK(coro && weft_coro_is_alive(coro) && !weft_coro_self());
	CHECK_INT(weft_coro_switch(coro, "ping ", &answer), ==, 0);
	CHECK_STR(answer, "pong");
	CHECK_INT(weft_coro_switch(coro, "ping", &answer), ==, 0);
	CHECK_STR(trace, "ping ping");
	CHECK_INT(weft_coro_switch(coro, "end", &answer), ==, 0);
	CHECK_STR(answer, "ended");
	CHECK(!weft_coro_is_alive(coro));
	CHECK_ERRNO(weft_coro_switch(coro, NULL, NULL), ESRCH);
	weft_coro_free(coro);
	weft_coro_free(NULL);
	return 0;
}

CHECK_CASE(a_switch_carries_a_value_there_and_one_back)
{
	run_both(ping_pong);
}

static struct weft_coro *left, *right;

static void *go_right(void *arg)
{
	say("l");
	CHECK(weft_coro_self() == left);
	CHECK_INT(weft_coro_switch(right, arg, &arg), ==, 0);
	say("L");
	CHECK_ERRNO(weft_coro_switch(right, arg, &arg), ECANCELED); /* freed meanwhile */
	return NULL;
}

static void *go_left(void *arg)
{
	say("r");
	CHECK_INT(weft_coro_switch(left, arg, &arg), ==, 0);
	say("R");
	return arg;
}

static int symmetric(void *arg)
{
	int token = 0;
	void *answer = NULL;

	(void)arg;
	trace[0] = '\0';
	left = weft_coro_new(go_right, NULL);
	right = weft_coro_new(go_left, &(struct weft_coro_options){.name = "right"});
	CHECK_STR(weft_coro_name(right), "right");
	CHECK_INT(weft_coro_switch(left, &token, &answer), ==, 0);
	CHECK_STR(trace, "lrLR");
	CHECK(answer == &token);
	weft_coro_free(right);
	weft_coro_free(left);
	return 0;
}

CHECK_CASE(coroutines_switch_to_one_another_and_the_end_goes_on_with_the_parent)
{
	run_both(symmetric);
}

static void *child_of(void *arg)
{
	return arg;
}

static void *parent_main(void *arg)
{
	struct weft_coro *child = weft_coro_new(child_of, NULL);
	void *answer;

	/* The root runs the child; its end comes back here, where it was made. */
	CHECK_INT(weft_coro_switch(NULL, child, &answer), ==, 0);
	CHECK_STR(answer, "from the child");
	weft_coro_free(child);
	return arg;
}

static int parents(void *arg)
{
	struct weft_coro *parent = weft_coro_new(parent_main, NULL);
	void *child, *answer;

	(void)arg;
	CHECK_INT(weft_coro_switch(parent, "x", &child), ==, 0);
	CHECK_INT(weft_coro_switch(child, "from the child", &answer), ==, 0);
	CHECK_STR(answer, "x");
	weft_coro_free(parent);
	return 0;
}

CHECK_CASE(the_end_of_a_coroutine_goes_on_where_it_was_made)
{
	run_both(parents);
}

static void *keep_errno(void *arg)
{
	errno = 7;
	CHECK_INT(weft_coro_switch(NULL, NULL, NULL), ==, 0);
	CHECK_INT(errno, ==, 7);
	return arg;
}

static int errno_of_each(void *arg)
{
	struct weft_coro *coro = weft_coro_new(keep_errno, NULL);

	(void)arg;
	errno = 5;
	weft_coro_switch(coro, NULL, NULL);
	CHECK_INT(errno, ==, 5);
	weft_coro_switch(coro, NULL, NULL);
	CHECK_INT(errno, ==, 5);
	weft_coro_free(coro);
	return 0;
}

CHECK_CASE(each_coroutine_has_an_errno_of_its_own)
{
	run_both(errno_of_each);
}

/* ---- Freeing ------------------------------------------------------------------------ */

static int cleaned;

static void *clean_up(void *arg)
{
	CHECK_ERRNO(weft_coro_switch(NULL, NULL, NULL), ECANCELED);
	CHECK_ERRNO(weft_coro_switch(NULL, NULL, NULL), ECANCELED);
	cleaned++;
	return arg;
}

static int free_suspended(void *arg)
{
	struct weft_coro *coro = weft_coro_new(clean_up, NULL);

	(void)arg;
	cleaned = 0;
	weft_coro_free(coro); /* it never ran: nothing to clean */
	CHECK_INT(cleaned, ==, 0);
	coro = weft_coro_new(clean_up, NULL);
	CHECK_INT(weft_coro_switch(coro, NULL, NULL), ==, 0);
	errno = 3;
	weft_coro_free(coro);
	CHECK_INT(cleaned, ==, 1);
	CHECK_INT(errno, ==, 3);
	return 0;
}

CHECK_CASE(a_coroutine_freed_part_way_cleans_up)
{
	run_both(free_suspended);
}

static void *use_elsewhere(void *arg)
{
	CHECK_ERRNO(weft_coro_switch(arg, NULL, NULL), EPERM);
	return NULL;
}

CHECK_CASE(another_threads_coroutine_is_not_run)
{
	struct weft_coro *coro = weft_coro_new(echo, NULL);
	pthread_t thread;

	CHECK_INT(pthread_create(&thread, NULL, use_elsewhere, coro), ==, 0);
	pthread_join(thread, NULL);
	weft_coro_free(coro);
}

CHECK_CASE(a_stack_of_a_size_there_is_none_of_is_refused)
{
	struct weft_coro_options options = {.stack_size_bytes = WEFT_STACK_SIZE_MAX + 1};

	CHECK(!weft_coro_new(echo, &options));
	CHECK_INT(errno, ==, EINVAL);
}

CHECK_CASE(a_function_that_is_none_is_refused)
{
	errno = 0;
	CHECK(!weft_coro_new(NULL, NULL));
	CHECK_INT(errno, ==, EINVAL);
	errno = 0;
	CHECK(!weft_gen_new(NULL, NULL, NULL));
	CHECK_INT(errno, ==, EINVAL);
}

/* ---- In fibers -------------------------------------------------------------------------- */

static void *sleep_and_return(void *arg)
{
	for (int i = 0; i < 20; i++) {
		CHECK_INT(weft_sleep(WEFT_MICROSECONDS(50)), ==, 0);
		CHECK_INT(weft_coro_switch(NULL, NULL, NULL), ==, 0);
	}
	return arg;
}

static int wait_in_coroutines(void *arg)
{
	struct weft_coro *a = weft_coro_new(sleep_and_return, NULL);
	struct weft_coro *b = weft_coro_new(sleep_and_return, NULL);

	(void)arg;
	while (weft_coro_is_alive(a) || weft_coro_is_alive(b)) {
		if (weft_coro_is_alive(a))
			weft_coro_switch(a, NULL, NULL);
		if (weft_coro_is_alive(b))
			weft_coro_switch(b, NULL, NULL);
		weft_yield();
	}
	weft_coro_free(a);
	weft_coro_free(b);
	return 0;
}

static int many_fibers(void *arg)
{
	weft_fiber_id fibers[50];

	(void)arg;
	for (int i = 0; i < 50; i++)
		fibers[i] = weft_spawn(wait_in_coroutines, NULL);
	CHECK_INT(weft_join_all(fibers, 50, NULL, WEFT_FOREVER), ==, 50);
	return 0;
}

CHECK_CASE(a_fiber_may_wait_in_its_coroutines)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 4}, many_fibers, NULL), ==, 0);
}

/* ---- Scopes --------------------------------------------------------------------------------- */

static void *with_deadline(void *arg)
{
	struct weft_timeout own;

	weft_timeout_begin(&own, WEFT_MILLISECONDS(1));
	CHECK_INT(weft_coro_switch(NULL, NULL, NULL), ==, 0);
	CHECK_ERRNO(weft_sleep(HOUR), ETIMEDOUT);
	CHECK_INT(weft_coro_switch(NULL, NULL, NULL), ==, 0);
	CHECK(weft_timeout_end(&own));
	return arg;
}

static int scopes_of_each(void *arg)
{
	struct weft_coro *coro = weft_coro_new(with_deadline, NULL);
	struct weft_timeout outer;

	(void)arg;
	CHECK_INT(weft_coro_switch(coro, NULL, NULL), ==, 0);
	CHECK_INT(weft_time_left(), ==, WEFT_FOREVER); /* its deadline is not ours */
	CHECK_INT(weft_sleep(WEFT_MILLISECONDS(3)), ==, 0);
	weft_timeout_begin(&outer, HOUR);
	CHECK_INT(weft_coro_switch(coro, NULL, NULL), ==, 0);
	CHECK_INT(weft_interrupted(), ==, 0);
	CHECK(weft_time_left() > HOUR / 2);
	CHECK(!weft_timeout_end(&outer));
	CHECK_INT(weft_coro_switch(coro, NULL, NULL), ==, 0);
	CHECK_INT(weft_interrupted(), ==, 0);
	weft_coro_free(coro);
	return 0;
}

CHECK_CASE(deadlines_begun_on_a_stack_hold_on_that_stack)
{
	run_both(scopes_of_each);
}

static void *bounded_by_root(void *arg)
{
	CHECK_ERRNO(weft_sleep(HOUR), ETIMEDOUT);
	return arg;
}

static int scopes_around(void *arg)
{
	struct weft_coro *coro = weft_coro_new(bounded_by_root, NULL);

	(void)arg;
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(2))
		CHECK_INT(weft_coro_switch(coro, NULL, NULL), ==, 0);
	weft_coro_free(coro);
	return 0;
}

CHECK_CASE(deadlines_of_the_own_stack_bound_its_coroutines)
{
	run_both(scopes_around);
}

static void *shielded(void *arg)
{
	WEFT_SHIELDED {
		CHECK_INT(weft_interrupted(), ==, 0);
		CHECK_INT(weft_coro_switch(NULL, NULL, NULL), ==, 0);
		CHECK_INT(weft_interrupted(), ==, 0);
	}
	CHECK_INT(weft_interrupted(), ==, ECANCELED);
	return arg;
}

static int cancelled_around(void *arg)
{
	struct weft_coro *coro = weft_coro_new(shielded, NULL);

	(void)arg;
	CHECK_INT(weft_coro_switch(coro, NULL, NULL), ==, 0);
	weft_cancel(weft_self());
	CHECK_ERRNO(weft_sleep(HOUR), ECANCELED);
	CHECK_INT(weft_coro_switch(coro, NULL, NULL), ==, 0);
	CHECK_INT(weft_interrupted(), ==, ECANCELED);
	weft_coro_free(coro);
	return 0;
}

CHECK_CASE(a_shield_holds_on_the_stack_that_began_it)
{
	CHECK_INT(
		weft_run(&(struct weft_run_options){.workers = 1}, cancelled_around, NULL), ==, 0);
}

static void *leaves_shielded(void *arg)
{
	WEFT_SHIELDED
		CHECK_INT(weft_coro_switch(NULL, NULL, NULL), ==, 0);
	return arg;
}

static int cancelled_before(void *arg)
{
	struct weft_coro *coro = weft_coro_new(leaves_shielded, NULL);

	(void)arg;
	weft_cancel(weft_self());
	CHECK_ERRNO(weft_sleep(HOUR), ECANCELED);
	CHECK_INT(weft_coro_switch(coro, NULL, NULL), ==, 0);
	CHECK_INT(weft_interrupted(), ==, ECANCELED);
	CHECK_ERRNO(weft_sleep(HOUR), ECANCELED);
	CHECK_INT(weft_coro_switch(coro, NULL, NULL), ==, 0);
	weft_coro_free(coro);
	return 0;
}

CHECK_CASE(a_shield_that_a_coroutine_holds_hides_no_cancellation_from_the_others)
{
	CHECK_INT(
		weft_run(&(struct weft_run_options){.workers = 1}, cancelled_before, NULL), ==, 0);
}

/* ---- Generators ------------------------------------------------------------------------------ */

static int count_to(struct weft_gen *gen, void *arg)
{
	for (uintptr_t i = 1; i <= (uintptr_t)arg; i++)
		if (weft_gen_yield(gen, (void *)i) < 0) {
			CHECK_INT(errno, ==, ECANCELED);
			cleaned++;
			return -1;
		}
	return 42;
}

static int generate(void *arg)
{
	struct weft_gen *gen = weft_gen_new(count_to, (void *)3, NULL);
	void *value;
	uintptr_t sum = 0;

	(void)arg;
	while (weft_gen_next(gen, &value))
		sum += (uintptr_t)value;
	CHECK_INT(errno, ==, 0);
	CHECK_INT(sum, ==, 6);
	CHECK_INT(weft_gen_result(gen), ==, 42);
	CHECK(!weft_gen_next(gen, &value));
	weft_gen_free(gen);

	cleaned = 0;
	gen = weft_gen_new(count_to, (void *)1000000, NULL);
	CHECK(weft_gen_next(gen, &value) && weft_gen_next(gen, &value));
	weft_gen_free(gen);
	CHECK_INT(cleaned, ==, 1);
	weft_gen_free(weft_gen_new(count_to, NULL, NULL));
	weft_gen_free(NULL);
	CHECK_INT(cleaned, ==, 1);
	return 0;
}

CHECK_CASE(a_generator_hands_out_its_values_and_one_freed_early_cleans_up)
{
	run_both(generate);
}

static int average(struct weft_gen *gen, void *arg)
{
	intptr_t sum = 0, count = 0;
	void *sent = NULL;

	(void)arg;
	while (weft_gen_yield_for(gen, (void *)(count ? sum / count : 0), &sent) == 0) {
		sum += (intptr_t)sent;
		count++;
	}
	return -1;
}

static int send_values(void *arg)
{
	struct weft_gen *gen = weft_gen_new(average, NULL, NULL);
	void *value;

	(void)arg;
	CHECK(weft_gen_next(gen, &value));
	CHECK(weft_gen_send(gen, (void *)10, &value));
	CHECK_INT((intptr_t)value, ==, 10);
	CHECK(weft_gen_send(gen, (void *)20, &value));
	CHECK_INT((intptr_t)value, ==, 15);
	CHECK_ERRNO(weft_gen_yield(gen, NULL), EPERM);
	weft_gen_free(gen);
	return 0;
}

CHECK_CASE(what_is_sent_comes_out_of_the_pending_yield)
{
	run_both(send_values);
}

static int ask_itself(struct weft_gen *gen, void *arg)
{
	void *value;

	CHECK(!weft_gen_next(gen, &value));
	CHECK_INT(errno, ==, EBUSY);
	(void)arg;
	return 0;
}

static int recursive_next(void *arg)
{
	struct weft_gen *gen = weft_gen_new(ask_itself, NULL, NULL);
	void *value;

	(void)arg;
	CHECK(!weft_gen_next(gen, &value));
	CHECK_INT(errno, ==, 0);
	weft_gen_free(gen);
	return 0;
}

CHECK_CASE(a_generator_that_asks_itself_is_busy)
{
	run_both(recursive_next);
}

/* Squares of what another generator yields; closing it closes that one. */
static int squares(struct weft_gen *gen, void *arg)
{
	struct weft_gen *numbers = weft_gen_new(count_to, arg, NULL);
	int result = 0;
	void *value;

	while (result == 0 && weft_gen_next(numbers, &value))
		result = weft_gen_yield(gen, (void *)((uintptr_t)value * (uintptr_t)value));
	weft_gen_free(numbers);
	return result;
}

static int nested_generators(void *arg)
{
	struct weft_gen *gen = weft_gen_new(squares, (void *)5, NULL);
	uintptr_t sum = 0;
	void *value;

	(void)arg;
	cleaned = 0;
	while (weft_gen_next(gen, &value))
		sum += (uintptr_t)value;
	CHECK_INT(sum, ==, 55);
	weft_gen_free(gen);
	gen = weft_gen_new(squares, (void *)5, NULL);
	CHECK(weft_gen_next(gen, &value));
	weft_gen_free(gen);
	CHECK_INT(cleaned, ==, 1);
	return 0;
}

CHECK_CASE(generators_nest_and_are_closed_from_the_outermost_in)
{
	run_both(nested_generators);
}

static int wait_inside(struct weft_gen *gen, void *arg)
{
	(void)arg;
	WEFT_WITH_TIMEOUT (HOUR) {
		CHECK_INT(weft_gen_yield(gen, gen), ==, 0);
		CHECK_ERRNO(weft_sleep(HOUR), ETIMEDOUT);
		CHECK_INT(weft_gen_yield(gen, gen), ==, 0);
	}
	CHECK_INT(weft_sleep(1), ==, 0);
	return 0;
}

static int outer_body(struct weft_gen *gen, void *arg)
{
	void *value;

	CHECK(weft_gen_next(arg, &value));
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK(weft_gen_next(arg, &value));
	(void)gen;
	return 0;
}

static int deadline_of_next(void *arg)
{
	struct weft_gen *inner = weft_gen_new(wait_inside, NULL, NULL);
	struct weft_gen *outer = weft_gen_new(outer_body, inner, NULL);
	void *value;

	(void)arg;
	CHECK(!weft_gen_next(outer, &value));
	CHECK_INT(errno, ==, 0);
	CHECK(!weft_gen_next(inner, &value));
	CHECK_INT(errno, ==, 0);
	weft_gen_free(outer);
	weft_gen_free(inner);
	return 0;
}

CHECK_CASE(the_deadline_of_whoever_asks_bounds_the_body)
{
	run_both(deadline_of_next);
}

CHECK_MAIN()
