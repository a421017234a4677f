/*
 * scope.c - ambient deadlines, shields and cancellation (include/weft/scope.h).
 *
 * A fiber has one alarm among its worker's timers, for all its deadlines. It is set when the
 * fiber gives way, unless it is set already and comes no later than the nearest deadline; and
 * it is not taken back when a scope ends. So who sets a deadline again and again, as a server
 * for each request, moves no timer: the alarm comes early, once, and is set to what is then
 * the nearest.
 *
 *	deadlines	      |        |                 |
 *	alarm		   ^ early: set anew
 *			      ^ this scope is marked; set anew
 *
 * When a deadline has come its scope is marked, and what waiting calls must fail with is
 * worked out once (`interrupt`), so that a call only looks at one number. A thread that is no
 * worker has no alarm: it compares its deadlines with the clock when it is about to wait.
 *
 * Must never: interrupt a shielded section for what is outside it, or let an alarm come late.
 */
#include <assert.h>
#include <time.h>

#include "fiber/doze.h"
#include "fiber/runtime.h"

/** Of threads that are no workers, and of the fiber that forked, in the child (fork.c). */
static __thread struct weft__context thread_context;
__thread struct weft__context *weft__thread_context;

struct weft__context *weft__context_self(void)
{
	if (weft__worker)
		return &weft__worker->current->context;
	return weft__thread_context ? weft__thread_context : &thread_context;
}

void weft__context_forked(void)
{
	static struct weft__context context;

	context = (struct weft__context){.host = weft__context_self()->host};
	weft__thread_context = &context;
}

/* ---- What is in force ---------------------------------------------------------- */

static int interrupt_of(const struct weft__context *context)
{
	const struct weft_timeout *scope;
	bool is_late = false, is_cancelled = false;

	for (scope = context->scope; scope && !scope->is_shield; scope = scope->outer) {
		is_late |= scope->has_expired;
		is_cancelled |= __atomic_load_n(&scope->is_cancelled, __ATOMIC_ACQUIRE);
	}
	if (is_cancelled || (!scope && __atomic_load_n(&context->is_cancelled, __ATOMIC_ACQUIRE)))
		return ECANCELED;
	return is_late ? ETIMEDOUT : 0;
}

int64_t weft__context_deadline(const struct weft__context *context)
{
	int64_t nearest = INT64_MAX;

	for (const struct weft_timeout *scope = context->scope; scope && !scope->is_shield;
		scope = scope->outer)
		if (scope->deadline_ns < nearest)
			nearest = scope->deadline_ns;
	return nearest;
}

int weft__interrupt(struct weft__context *context)
{
	if (weft__worker || context->interrupt)
		return context->interrupt;
	if (context->scope || __atomic_load_n(&context->is_cancelled, __ATOMIC_ACQUIRE)) {
		int64_t now = weft_now();

		for (struct weft_timeout *scope = context->scope; scope; scope = scope->outer)
			scope->has_expired |= scope->deadline_ns <= now;
		context->interrupt = interrupt_of(context);
	}
	return context->interrupt;
}

int weft_interrupted(void)
{
	return weft__interrupt(weft__context_self());
}

int64_t weft_time_left(void)
{
	int64_t deadline = weft__context_deadline(weft__context_self());
	int64_t left;

	if (deadline == INT64_MAX)
		return WEFT_FOREVER;
	left = deadline - weft_now();
	return left > 0 ? left : 0;
}

/* ---- What changes it --------------------------------------------------------------- */

/* Mark those whose deadlines have come. Returns the nearest of the others; INT64_MAX: none. */
static int64_t mark_expired(struct weft__context *context, int64_t now, bool *ret_any)
{
	int64_t nearest = INT64_MAX;

	for (struct weft_timeout *scope = context->scope; scope; scope = scope->outer) {
		if (scope->has_expired)
			continue;
		if (scope->deadline_ns <= now)
			*ret_any = scope->has_expired = true;
		else if (scope->deadline_ns < nearest)
			nearest = scope->deadline_ns;
	}
	return nearest;
}

/* The nearest deadline that is to come, shielded or not; INT64_MAX: none. */
static int64_t nearest_of(const struct weft__context *context)
{
	int64_t nearest = INT64_MAX;

	for (const struct weft_timeout *scope = context->scope; scope; scope = scope->outer)
		if (!scope->has_expired && scope->deadline_ns < nearest)
			nearest = scope->deadline_ns;
	return nearest;
}

/* False: there is no memory for it. */
static bool alarm_set(struct weft__worker *worker, struct weft__fiber *fiber, int64_t nearest)
{
	if (nearest == INT64_MAX)
		return true;
	if (weft_heap_is_linked(&fiber->alarm)) {
		if (fiber->alarm.key <= nearest)
			return true;
		weft_heap_remove(&worker->timers, &fiber->alarm);
	}
	return weft_heap_push(&worker->timers, &fiber->alarm, nearest) == 0;
}

/* There is no alarm to be had: better late at once than never. */
static void expire_all(struct weft__context *context)
{
	for (struct weft_timeout *scope = context->scope; scope; scope = scope->outer)
		scope->has_expired |= scope->deadline_ns != INT64_MAX;
	context->interrupt = interrupt_of(context);
}

void weft__alarm_fire(struct weft__worker *worker, struct weft__fiber *fiber)
{
	bool any = false;
	int64_t nearest = mark_expired(&fiber->context, worker->now_ns, &any);

	if (!alarm_set(worker, fiber, nearest)) {
		expire_all(&fiber->context);
		any = true;
	}
	if (!any)
		return;
	fiber->context.interrupt = interrupt_of(&fiber->context);
	weft__ready(worker, fiber);
}

int64_t weft__alarm_first(struct weft__worker *worker)
{
	struct weft_heap_node *first;

	while ((first = weft_heap_min(&worker->timers))) {
		struct weft__fiber *fiber = weft_container_of(first, struct weft__fiber, alarm);

		if (nearest_of(&fiber->context) != INT64_MAX)
			return first->key;
		weft_heap_remove(&worker->timers, first);
	}
	return INT64_MAX;
}

void weft__context_changed(struct weft__context *context)
{
	bool any = false;

	if (weft__worker)
		mark_expired(context, weft__worker->now_ns, &any);
	context->has_unarmed = context->scope != NULL;
	context->interrupt = interrupt_of(context);
}

void weft__context_look(struct weft__worker *worker, struct weft__fiber *fiber)
{
	fiber->context.interrupt = interrupt_of(&fiber->context);
	if (fiber->context.interrupt)
		weft__ready(worker, fiber);
}

void weft__context_cancel(struct weft__worker *worker, struct weft__fiber *fiber)
{
	fiber->context.is_cancelled = true;
	weft__context_look(worker, fiber);
}

static void scope_push(struct weft__context *context, struct weft_timeout *scope)
{
	scope->outer = context->scope;
	context->scope = scope;
}

static void scope_pop(struct weft__context *context, struct weft_timeout *scope)
{
	assert(context->scope == scope && "scopes end in the order opposite to their begin");
	context->scope = scope->outer;
	/* What has not happened to it is not seen by the calls around it. */
	if (context->interrupt || scope->is_shield)
		context->interrupt = interrupt_of(context);
}

/*
 * The time, or for a long timeout a cheaper one that is at most WEFT__COARSE_NS behind:
 * that much is added, so that no deadline comes early.
 */
static int64_t now_for(struct weft__worker *worker, int64_t timeout_ns)
{
	if (!worker || timeout_ns < WEFT_SECONDS(1))
		return weft_now();
	return worker->driver->ops->now_coarse(worker->driver) + WEFT__COARSE_NS;
}

static void deadline_set(struct weft_timeout *timeout, int64_t now, int64_t timeout_ns)
{
	*timeout = (struct weft_timeout){.deadline_ns = INT64_MAX};
	if (timeout_ns < 0 || timeout_ns > INT64_MAX - now)
		return;
	timeout->deadline_ns = now + timeout_ns;
	timeout->has_expired = timeout_ns == 0;
}

void weft__context_arm(struct weft__worker *worker, struct weft__fiber *fiber)
{
	fiber->context.has_unarmed = false;
	if (!alarm_set(worker, fiber, nearest_of(&fiber->context)))
		expire_all(&fiber->context);
}

static void begin(struct weft__context *context, struct weft_timeout *timeout)
{
	scope_push(context, timeout);
	context->has_unarmed = true;
	if (timeout->has_expired && !context->interrupt)
		context->interrupt = ETIMEDOUT;
}

void weft_timeout_begin(struct weft_timeout *timeout, int64_t timeout_ns)
{
	deadline_set(timeout, now_for(weft__worker, timeout_ns), timeout_ns);
	begin(weft__context_self(), timeout);
}

void weft__timeout_begin_at(struct weft_timeout *timeout, int64_t now_ns, int64_t timeout_ns)
{
	deadline_set(timeout, now_ns, timeout_ns);
	begin(weft__context_self(), timeout);
}

void weft__timeout_drop(struct weft_timeout *timeout)
{
	scope_pop(weft__context_self(), timeout);
}

/* The alarm may not have been looked at: the caller computed, or is a thread. */
static bool has_passed(int64_t deadline_ns)
{
	struct weft__worker *worker = weft__worker;

	if (deadline_ns == INT64_MAX)
		return false;
	if (worker &&
		worker->driver->ops->now_coarse(worker->driver) + WEFT__COARSE_NS < deadline_ns)
		return false;
	return deadline_ns <= weft_now();
}

bool weft_timeout_end(struct weft_timeout *timeout)
{
	int saved = errno;

	if (!timeout->has_expired)
		timeout->has_expired = has_passed(timeout->deadline_ns);
	scope_pop(weft__context_self(), timeout);
	errno = saved;
	return timeout->has_expired;
}

void weft_shield_begin(struct weft_timeout *shield)
{
	struct weft__context *context = weft__context_self();

	*shield = (struct weft_timeout){.deadline_ns = INT64_MAX, .is_shield = true};
	scope_push(context, shield);
	context->interrupt = 0;
}

void weft_shield_end(struct weft_timeout *shield)
{
	scope_pop(weft__context_self(), shield);
}

/* ---- Sleep ------------------------------------------------------------------------- */

/* Until the deadline, however often a signal handler runs; or what interrupts it. */
static int thread_sleep_until(struct weft__context *context, int64_t deadline_ns)
{
	int code = 0, result;

	do {
		struct timespec until = weft__doze_until(deadline_ns);

		weft__doze_begin(&until);
		code = weft__interrupt(context);
		result = code ? 0 : clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		weft__doze_end();
	} while (!code && (result == EINTR || weft_now() < deadline_ns));
	return code;
}

static int thread_sleep(struct weft__context *context, int64_t duration_ns)
{
	int64_t now = weft_now();
	bool is_bounded = duration_ns >= 0 && duration_ns < INT64_MAX - now;
	int64_t until = is_bounded ? now + duration_ns : INT64_MAX;
	int64_t deadline = weft__context_deadline(context);

	int code = thread_sleep_until(context, until < deadline ? until : deadline);

	if (code)
		return code;
	return until <= deadline ? 0 : ETIMEDOUT;
}

/* A scope in which nothing is done: its end is what is waited for. */
static int fiber_sleep(
	struct weft__worker *worker, struct weft__context *context, int64_t duration_ns)
{
	static const struct weft__wait wait = {.kind = WEFT__WAIT_SLEEP};
	struct weft_timeout timer;

	deadline_set(&timer, weft_now(), duration_ns); /* it parks anyway: be exact */
	begin(context, &timer);
	while (!context->interrupt)
		weft__park(worker, &wait);
	scope_pop(context, &timer);
	/* Where there was no memory for an alarm, it is too early. */
	while (timer.has_expired && !context->interrupt && weft_now() < timer.deadline_ns)
		weft_yield();
	return timer.has_expired ? 0 : context->interrupt;
}

int weft_sleep(int64_t duration_ns)
{
	struct weft__context *context = weft__context_self();
	struct weft__worker *worker = weft__worker;
	int code = weft__interrupt(context);

	if (!code && duration_ns <= 0 && duration_ns != WEFT_FOREVER) {
		weft_yield();
		code = weft__interrupt(context);
	} else if (!code && !worker) {
		code = thread_sleep(context, duration_ns);
	} else if (!code) {
		code = fiber_sleep(worker, context, duration_ns);
	}
	if (!code)
		return 0;
	errno = code;
	return -1;
}
