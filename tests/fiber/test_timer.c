/*
 * test_timer.c - many timers at once: they fire in the order of their deadlines, each once.
 * check: tsan drivers
 */
#include "base/prng.h"
#include "fiber/bodies.h"
#include "fiber/sanitize.h"
#include "weft/heap.h"
#include "weft/list.h"
#include "weft/scope.h"

/* How late a deadline may be set: weft/scope.h. */
static int64_t granularity(int64_t timeout_ns)
{
	return timeout_ns < WEFT_SECONDS(1) ? 0 : WEFT_MILLISECONDS(12);
}

/* ---- The order of deadlines ----------------------------------------------------------- */

/* A sanitizer's own account of a fiber costs far more than the fiber. */
#if defined(WEFT_TSAN)
#define SLEEPERS 200u
#elif defined(WEFT_ASAN)
#define SLEEPERS 10000u
#else
#define SLEEPERS 100000u
#endif
#define AT_MOST(count) (SLEEPERS < (count) ? SLEEPERS : (count))

struct field {
	int64_t *deadlines; /* as they were set, in the order of waking */
	int64_t base, span; /* deadlines are in base ... base + span */
	unsigned asleep, woken;
	struct prng prng;
};

static int sleep_in_scope(void *arg)
{
	struct field *field = arg;
	int64_t wish = field->base + (int64_t)prng_below(&field->prng, (uint64_t)field->span);
	int64_t before = earliest_now(), after;
	struct weft_timeout scope;

	weft_timeout_begin(&scope, wish > before ? wish - before : 1);
	after = weft_now();
	if (wish > before) {
		CHECK_INT(scope.deadline_ns, >=, wish);
		CHECK_INT(scope.deadline_ns, <=,
			wish + (after - before) + granularity(wish - before));
	}
	field->asleep++;
	CHECK_ERRNO(weft_sleep(INT64_MAX), ETIMEDOUT);
	CHECK_INT(weft_now(), >=, scope.deadline_ns);
	field->deadlines[field->woken++] = scope.deadline_ns;
	CHECK(weft_timeout_end(&scope));
	return 0;
}

struct trial {
	unsigned count;
	int64_t after_ns, span_ns; /* deadlines are that far ahead, and that far apart */
	bool is_worker_held;       /* until all deadlines have passed */
};

/*
 * Whether all were asleep before the first deadline came: only then their order is told
 * by their deadlines alone.
 */
static bool try_trial(const struct trial *trial)
{
	struct weft_spawn_options options = {
		.stack_size_bytes = WEFT_STACK_SIZE_MIN, .detached = true};
	struct field field = {.span = trial->span_ns, .prng = {(uint64_t)trial->after_ns}};
	bool is_in_time;

	field.deadlines = calloc(trial->count, sizeof(*field.deadlines));
	CHECK(field.deadlines != NULL);
	field.base = weft_now() + trial->after_ns;
	for (unsigned i = 0; i < trial->count; i++)
		CHECK(weft_spawn_with(&options, sleep_in_scope, &field) != 0);
	while (field.asleep < trial->count)
		weft_yield();
	is_in_time = weft_now() < field.base;
	while (trial->is_worker_held && weft_now() <= field.base + field.span)
		;
	while (weft_fiber_count() > 1)
		weft_sleep(WEFT_MILLISECONDS(1));
	CHECK_INT(field.woken, ==, trial->count);
	for (unsigned i = 1; is_in_time && i < trial->count; i++)
		CHECK_INT(field.deadlines[i - 1], <=, field.deadlines[i]);
	free(field.deadlines);
	return is_in_time;
}

/* On a slow machine the first attempts only show that none is lost. */
static int wake_in_order(void *arg)
{
	struct trial trial = *(const struct trial *)arg;

	while (!try_trial(&trial))
		trial.after_ns *= 2;
	return 0;
}

CHECK_CASE(a_hundred_thousand_sleepers_wake_in_the_order_of_their_deadlines)
{
	struct trial trial = {.count = SLEEPERS,
		.after_ns = WEFT_MILLISECONDS(600),
		.span_ns = WEFT_MILLISECONDS(100)};

	run(1, wake_in_order, &trial);
}

/* From a second on deadlines are set by a coarser clock: scope.h says how coarse. */
CHECK_CASE(coarse_deadlines_are_in_order_and_late_by_no_more_than_is_documented)
{
	struct trial trial = {.count = AT_MOST(2000),
		.after_ns = WEFT_SECONDS(1) + WEFT_MILLISECONDS(100),
		.span_ns = WEFT_MILLISECONDS(100)};

	run(1, wake_in_order, &trial);
}

CHECK_CASE(timers_that_came_while_the_worker_was_held_fire_in_order_too)
{
	struct trial trial = {.count = AT_MOST(1000),
		.after_ns = WEFT_MILLISECONDS(5),
		.span_ns = WEFT_MILLISECONDS(3),
		.is_worker_held = true};

	run(1, wake_in_order, &trial);
}

/* ---- Timers against a model -------------------------------------------------------------- */

#define TIMERS 2000
#define REACH  4096 /* a deadline is at most so far ahead: the model is a ring of days */

struct timer {
	struct weft_heap_node in_heap;
	int64_t day;
};

struct calendar {
	struct weft_heap heap;
	struct timer timers[TIMERS];
	bool is_armed[TIMERS];
	unsigned due[REACH]; /* armed timers of each day, by day % REACH */
	unsigned armed;
	int64_t today;
};

static void calendar_arm(struct calendar *calendar, size_t i, int64_t day)
{
	CHECK_INT(weft_heap_push(&calendar->heap, &calendar->timers[i].in_heap, day), ==, 0);
	calendar->timers[i].day = day;
	calendar->is_armed[i] = true;
	calendar->due[day % REACH]++;
	calendar->armed++;
}

static void calendar_strike(struct calendar *calendar, size_t i)
{
	CHECK(calendar->is_armed[i]);
	calendar->is_armed[i] = false;
	calendar->due[calendar->timers[i].day % REACH]--;
	calendar->armed--;
}

/* As a worker does: take out what is due; here day by day is known what that must be. */
static void calendar_go_on(struct calendar *calendar, int64_t days)
{
	struct weft_heap_node *node;
	int64_t last = calendar->today;

	calendar->today += days;
	while ((node = weft_heap_min(&calendar->heap)) && node->key <= calendar->today) {
		struct timer *timer = weft_container_of(node, struct timer, in_heap);

		CHECK(weft_heap_pop(&calendar->heap) == node);
		CHECK_INT(node->key, ==, timer->day);
		CHECK_INT(node->key, >=, last);
		last = node->key;
		calendar_strike(calendar, (size_t)(timer - calendar->timers));
	}
	for (int64_t day = calendar->today - days; day <= calendar->today; day++)
		CHECK_INT(calendar->due[day % REACH], ==, 0);
	CHECK_INT(weft_heap_len(&calendar->heap), ==, calendar->armed);
}

static void calendar_do_something(struct calendar *calendar, struct prng *prng)
{
	size_t i = prng_below(prng, TIMERS);

	if (!calendar->is_armed[i]) {
		/* Often the same few days: equal deadlines are the heap's hard case. */
		int64_t ahead = 1 + (int64_t)prng_below(prng, prng_below(prng, 2) ? 7 : REACH - 1);

		calendar_arm(calendar, i, calendar->today + ahead);
	} else if (prng_below(prng, 2)) {
		calendar_strike(calendar, i);
		weft_heap_remove(&calendar->heap, &calendar->timers[i].in_heap);
		CHECK(!weft_heap_is_linked(&calendar->timers[i].in_heap));
	}
	if (prng_below(prng, 16) == 0)
		calendar_go_on(calendar, 1 + (int64_t)prng_below(prng, 5));
}

CHECK_CASE(a_million_random_arms_and_cancels_fire_what_a_calendar_says)
{
	struct calendar *calendar = calloc(1, sizeof(*calendar));
	struct prng prng = {2026};

	CHECK(calendar != NULL);
	weft_heap_init(&calendar->heap);
	for (size_t i = 0; i < TIMERS; i++)
		weft_heap_node_init(&calendar->timers[i].in_heap);
	for (unsigned i = 0; i < check_rounds(1000000); i++)
		calendar_do_something(calendar, &prng);
	for (int i = 0; i < REACH / 64; i++)
		calendar_go_on(calendar, 64);
	CHECK_INT(calendar->armed, ==, 0);
	CHECK(weft_heap_min(&calendar->heap) == NULL);
	weft_heap_fini(&calendar->heap);
	free(calendar);
}

/* The same storm through the scopes of fibers, which come and go while others wait. */
static int begin_and_end(void *arg)
{
	struct prng prng = {(uintptr_t)arg};
	unsigned late = 0;

	for (int i = 0; i < 50; i++) {
		struct weft_timeout outer, inner;
		int64_t nap = (int64_t)prng_below(&prng, WEFT_MICROSECONDS(40));

		weft_timeout_begin(&outer, WEFT_SECONDS(3600));
		weft_timeout_begin(&inner, (int64_t)prng_below(&prng, WEFT_MICROSECONDS(40)));
		if (weft_sleep(nap) < 0)
			CHECK_INT(errno, ==, ETIMEDOUT);
		if (weft_interrupted())
			CHECK(inner.has_expired);
		late += weft_timeout_end(&inner);
		CHECK(!weft_timeout_end(&outer));
		CHECK_INT(weft_interrupted(), ==, 0);
	}
	CHECK_INT(late, >, 0);
	return 0;
}

static int many_that_begin_and_end(void *arg)
{
	weft_fiber_id fibers[100];

	(void)arg;
	for (int i = 0; i < 100; i++)
		fibers[i] = weft_spawn(begin_and_end, (void *)(intptr_t)i);
	CHECK_INT(weft_join_all(fibers, 100, NULL, WEFT_FOREVER), ==, 100);
	return 0;
}

CHECK_CASE(scopes_that_come_and_go_disturb_no_other)
{
	run(1, many_that_begin_and_end, NULL);
	run(3, many_that_begin_and_end, NULL);
}

CHECK_MAIN()
