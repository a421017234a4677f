/*
 * scope.c - ambient deadlines, shields and cancellation (include/weft/scope.h).
 *
 * In a fiber each deadline becomes a timer of its worker when the fiber first gives way
 * inside the scope (most scopes end before that, and cost a look at the clock only). When
 * the timer comes, the scope is marked, and what waiting calls must fail with is worked
 * out once (`interrupt`), so that a call only looks at one number. A thread that is no
 * worker has no timers: it compares its deadlines with the clock when it is about to wait.
 *
 * Must never: interrupt a shielded section for what is outside it.
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

void weft__timeout_fire(struct weft__worker *worker, struct weft_timeout *timeout)
{
	struct weft__fiber *fiber = timeout->owner;

	timeout->has_expired = true;
	fiber->context.interrupt = interrupt_of(&fiber->context);
	weft__ready(worker, fiber);
}

void weft__context_changed(struct weft__context *context)
{
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
	struct weft__worker *worker = weft__worker;

	*timeout = (struct weft_timeout){.deadline_ns = INT64_MAX};
	weft_heap_node_init(&timeout->timer);
	if (timeout_ns < 0 || timeout_ns > INT64_MAX - now)
		return;
	timeout->deadline_ns = now + timeout_ns;
	timeout->has_expired = timeout_ns == 0;
	timeout->owner = worker ? worker->current : NULL;
}

/* Whether it will fire, if it ever is to: only want of memory is in the way of that. */
static bool timer_arm(struct weft__worker *worker, struct weft_timeout *timeout)
{
	return timeout->has_expired || timeout->deadline_ns == INT64_MAX ||
	       weft_heap_is_linked(&timeout->timer) ||
	       weft_heap_push(&worker->timers, &timeout->timer, timeout->deadline_ns) == 0;
}

static void timer_disarm(struct weft_timeout *timeout)
{
	if (weft__worker && weft_heap_is_linked(&timeout->timer))
		weft_heap_remove(&weft__worker->timers, &timeout->timer);
}

void weft__context_arm(struct weft__worker *worker, struct weft__context *context)
{
	context->has_unarmed = false;
	for (struct weft_timeout *scope = context->scope; scope; scope = scope->outer)
		if (!timer_arm(worker, scope))
			scope->has_expired = true; /* better late at once than never */
	context->interrupt = interrupt_of(context);
}

void weft_timeout_begin(struct weft_timeout *timeout, int64_t timeout_ns)
{
	struct weft__context *context = weft__context_self();

	deadline_set(timeout, now_for(weft__worker, timeout_ns), timeout_ns);
	scope_push(context, timeout);
	context->has_unarmed = true;
	if (timeout->has_expired && !context->interrupt)
		context->interrupt = ETIMEDOUT;
}

/* The timer may not have been looked at: the caller computed, or is a thread. */
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

	timer_disarm(timeout);
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
	weft_heap_node_init(&shield->timer);
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
		struct timespec until = weft__doze_time(deadline_ns);

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
	int64_t until = duration_ns < INT64_MAX - now ? now + duration_ns : INT64_MAX;
	int64_t deadline = weft__context_deadline(context);

	int code = thread_sleep_until(context, until < deadline ? until : deadline);

	if (code)
		return code;
	return until <= deadline ? 0 : ETIMEDOUT;
}

static int fiber_sleep(
	struct weft__worker *worker, struct weft__context *context, int64_t duration_ns)
{
	static const struct weft__wait wait = {.kind = WEFT__WAIT_SLEEP};
	struct weft_timeout timer;
	int code = 0;

	deadline_set(&timer, weft_now(), duration_ns); /* it parks anyway: be exact */
	while (!timer.has_expired && !(code = context->interrupt)) {
		if (timer_arm(worker, &timer)) {
			weft__park(worker, &wait);
		} else {
			weft_yield(); /* no memory for a timer: look at the clock instead */
			timer.has_expired = timer.deadline_ns <= weft_now();
		}
	}
	timer_disarm(&timer);
	return code;
}

int weft_sleep(int64_t duration_ns)
{
	struct weft__context *context = weft__context_self();
	struct weft__worker *worker = weft__worker;
	int code = weft__interrupt(context);

	if (!code && duration_ns <= 0) {
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
