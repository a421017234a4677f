/*
 * worker.c - who runs next on a worker: parking, yielding, waking, and the loop.
 *
 * Fairness: fibers run in the order in which they became runnable (turn), started or
 * not. A fiber that never has to wait gives way after WEFT__CALL_BUDGET calls. Every
 * WEFT__TICKS switches (fewer when they made calls) the clock is looked at, and after
 * WEFT__POLL_INTERVAL the loop asks the kernel, the timers and the inbox.
 *
 * Must never: call into the kernel from a hop, or run user code on the loop's stack.
 */
#include "fiber/worker.h"

#include <assert.h>
#include <sched.h>
#include <unistd.h>

#include "fiber/runtime.h"
#include "fiber/switch.h"
#include "fiber/watch.h"
#include "fiber/word.h"

__thread struct weft__worker *weft__worker;

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/** Looks at the inbox before a sleep: some microseconds. */
#define LINGER_LOOKS 400
/** Sleeps in a row without, after looks in vain. */
#define LINGER_PAUSE_MAX 127

static inline void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* ---- The run queue --------------------------------------------------------------- */

static struct weft__fiber *run_pop(struct weft__worker *worker)
{
	struct weft__fiber *fiber = worker->run_head;

	worker->run_head = fiber->next;
	return fiber;
}

/* Any of the runnable fibers: what a simulator chooses. There is no other worker then. */
static struct weft__fiber *run_pop_any(struct weft__worker *worker)
{
	struct weft__fiber *fiber = worker->run_head, *before = NULL;
	uint32_t count = 0;

	worker->ticks = 0; /* back to the loop at the next hop */
	for (; fiber; fiber = fiber->next)
		count++;
	fiber = worker->run_head;
	for (uint32_t index = count > 1 ? worker->driver->ops->choose(worker->driver, count) : 0;
		index > 0 && fiber; index--) {
		before = fiber;
		fiber = fiber->next;
	}
	if (!fiber)
		return NULL;
	if (before)
		before->next = fiber->next;
	else
		worker->run_head = fiber->next;
	if (worker->run_tail == fiber)
		worker->run_tail = before;
	return fiber;
}

/* The fiber that has been runnable longest, or NULL. */
static inline struct weft__fiber *next_runnable(struct weft__worker *worker)
{
	struct weft__fiber *fiber;

	if (LIKELY(weft__start_is_empty(&worker->starting)))
		return worker->run_head ? run_pop(worker) : NULL;
	if (worker->run_head &&
		atomic_load_explicit(&worker->run_head->turn, memory_order_relaxed) <
			weft__start_first_turn(&worker->starting))
		return run_pop(worker);
	fiber = weft__start_pop(&worker->starting);
	if (fiber)
		return fiber;
	return worker->run_head ? run_pop(worker) : NULL; /* a thief was quicker */
}

/*
 * Ticks are used up. True, and still so, when the loop should look at the kernel now, or
 * choose who is next.
 */
static __attribute__((noinline, cold)) bool is_poll_due(struct weft__worker *worker)
{
	if (worker->is_choosing)
		return true;
	if (worker->driver->ops->now(worker->driver) - worker->now_ns >= WEFT__POLL_INTERVAL)
		return true;
	worker->ticks = WEFT__TICKS;
	return false;
}

static inline struct weft__fiber *choose(struct weft__worker *worker)
{
	struct weft__fiber *next;

	if (UNLIKELY(--worker->ticks <= 0) && is_poll_due(worker))
		return &worker->base;
	next = next_runnable(worker);
	return LIKELY(next != NULL) ? next : &worker->base;
}

/* ---- Hops ---------------------------------------------------------------------------- */

/*
 * What the stack that was just left wanted done once nobody is on it. Again and again: what
 * was done may be a visit, which ends when somebody really goes on with this stack.
 */
static inline void call_back(struct weft__worker *worker)
{
	while (UNLIKELY(worker->is_calling_back)) {
		worker->is_calling_back = false;
		worker->after(worker, worker->after_arg);
	}
}

static void frame_prepare(struct weft__fiber *fiber)
{
	weft__sanitize_stack_begin(
		&fiber->sanitize, fiber->stack, weft__stack_class_size(fiber->stack_class));
	fiber->sp = weft__switch_prepare(
		weft__stack_top(fiber->stack, fiber->stack_class), weft__fiber_main, fiber);
}

/*
 * Go on with another fiber; returns when somebody hops back. One call site of the switch
 * for all, so that its return is predicted (switch_*.S). errno is the thread's, and
 * would be the other fiber's on return: it is kept here, on the fiber's own stack.
 */
static __attribute__((noinline)) void hop(
	struct weft__worker *worker, struct weft__fiber *from, struct weft__fiber *to)
{
	int saved = *worker->errno_place;
	void *fake = NULL;

	if (UNLIKELY(!to->sp))
		frame_prepare(to);
	worker->current = to;
	to->state = WEFT__RUNNING;
	worker->call_budget = WEFT__CALL_BUDGET;
	weft__sanitize_leave(&to->sanitize, from->state == WEFT__DONE, &fake);
	weft__switch(&from->sp, to->sp);
	weft__sanitize_arrive(fake);
	call_back(worker);
	*worker->errno_place = saved;
}

void weft__park(struct weft__worker *worker, const struct weft__wait *wait)
{
	struct weft__fiber *self = worker->current;

	if (UNLIKELY(self->context.has_unarmed)) {
		weft__context_arm(worker, self);
		if (self->context.interrupt)
			return; /* no memory for an alarm: it counts as expired */
	}
	weft__count(&worker->counts.parks);
	self->state = WEFT__PARKED;
	self->wait = wait;
	self->parked_ns = worker->now_ns;
	hop(worker, self, choose(worker));
}

struct visit {
	struct weft__fiber *host, *guest;
	void (*fn)(void *arg);
	void *arg;
};

/* On the guest's stack, called from its hop(). */
static void visit_call(struct weft__worker *worker, void *arg)
{
	struct visit *visit = arg;
	struct weft__fiber *guest = visit->guest;
	void *fake = NULL;

	(void)worker;
	visit->fn(visit->arg);
	weft__sanitize_leave(&visit->host->sanitize, 0, &fake);
	weft__switch(&guest->sp, visit->host->sp);
	weft__sanitize_arrive(fake);
}

void weft__visit(
	struct weft__worker *worker, struct weft__fiber *fiber, void (*fn)(void *arg), void *arg)
{
	struct visit visit = {worker->current, fiber, fn, arg};
	void *fake = NULL;

	worker->after = visit_call;
	worker->after_arg = &visit;
	worker->is_calling_back = true;
	weft__sanitize_leave(&fiber->sanitize, 0, &fake);
	weft__switch(&visit.host->sp, fiber->sp);
	weft__sanitize_arrive(fake);
}

void weft_yield(void)
{
	struct weft__worker *worker = weft__worker;
	struct weft__fiber *self, *next;

	if (!worker) {
		sched_yield();
		return;
	}
	self = worker->current;
	if (UNLIKELY(self->context.has_unarmed))
		weft__context_arm(worker, self);
	self->state = WEFT__READY;
	weft__run_push(worker, self);
	next = choose(worker);
	if (next != self)
		hop(worker, self, next);
	else
		self->state = WEFT__RUNNING;
}

/* ---- First and last steps of a fiber --------------------------------------------------- */

/*
 * Runs on the next stack. Joiners are told only now: the moment they know, the record
 * may be another fiber's, and the last hop still wrote to it.
 */
static void bury(struct weft__worker *worker, void *arg)
{
	struct weft__fiber *fiber = arg;

	weft__sanitize_stack_end(&fiber->sanitize);
	weft__stack_give(&worker->stacks, fiber->stack_class, fiber->stack);
	fiber->sp = NULL;
	/* First, so that who has joined the last fiber finds none. */
	atomic_store_explicit(&worker->ended,
		atomic_load_explicit(&worker->ended, memory_order_relaxed) + 1,
		memory_order_release);
	weft__conclude(worker, fiber);
	if (UNLIKELY(atomic_load_explicit(&worker->runtime->is_ending, memory_order_relaxed)))
		weft__runtime_fiber_ended(worker->runtime);
}

void weft__fiber_main(void *arg)
{
	struct weft__fiber *self = arg;
	struct weft__worker *worker = weft__worker;

	weft__sanitize_arrive(NULL);
	call_back(worker);
	atomic_store_explicit(&self->started_on, worker, memory_order_relaxed);
	weft__count(&worker->counts.started);
	if (atomic_load(&self->control) & WEFT__CANCELLED)
		weft__context_cancel(worker, self);
	*worker->errno_place = 0;
	self->result = self->fn(self->arg);
	if (weft__worker && (self->deferred || self->context.locals))
		weft__fiber_clean(self);
	if (!weft__worker)
		_exit(self->result & 0xff); /* the child of a fork(): fork.c */
	if (weft_heap_is_linked(&self->alarm))
		weft_heap_remove(&worker->timers, &self->alarm);
	self->state = WEFT__DONE;
	worker->after = bury;
	worker->after_arg = self;
	worker->is_calling_back = true;
	hop(worker, self, choose(worker));
	__builtin_unreachable();
}

/* ---- The loop ---------------------------------------------------------------------------- */

static bool has_runnable(struct weft__worker *worker)
{
	return worker->run_head || !weft__start_is_empty(&worker->starting);
}

static void timers_fire(struct weft__worker *worker)
{
	struct weft_heap_node *node;

	while ((node = weft_heap_min(&worker->timers)) && node->key <= worker->now_ns) {
		weft_heap_pop(&worker->timers);
		weft__alarm_fire(worker, weft_container_of(node, struct weft__fiber, alarm));
	}
}

/* Take unstarted fibers from another worker, from the next one on round. */
static bool steal(struct weft__worker *worker)
{
	struct weft__runtime *runtime = worker->runtime;
	struct weft__fiber *fibers[WEFT__STEAL_MAX];

	for (unsigned i = 1; i < runtime->worker_count; i++) {
		unsigned victim = (worker->index + i) % runtime->worker_count;
		size_t count = weft__start_steal(&runtime->workers[victim]->starting, fibers);

		for (size_t k = 0; k < count; k++) {
			weft__count(&worker->counts.steals);
			atomic_store(&fibers[k]->worker, worker);
			weft__start_or_run(worker, fibers[k]);
		}
		if (count > 0)
			return true;
	}
	return false;
}

/*
 * Others wake us by the inbox in quick succession, when fibers of two workers hand things
 * to and fro: then to look again for about as long as a sleep costs is cheaper than to
 * sleep. Looks in vain are followed by ever more sleeps without one.
 */
static bool is_worth_lingering(struct weft__worker *worker)
{
	for (unsigned looks = 0; looks < LINGER_LOOKS; looks++) {
		if (!weft_mpsc_is_empty(&worker->inbox)) {
			worker->linger_pause = 0;
			return true;
		}
		relax();
	}
	worker->linger_pause = worker->linger_pause * 2 + 1;
	if (worker->linger_pause > LINGER_PAUSE_MAX)
		worker->linger_pause = LINGER_PAUSE_MAX;
	worker->linger_wait = worker->linger_pause;
	return false;
}

static bool linger(struct weft__worker *worker)
{
	if (!worker->was_posted_to || worker->linger_wait-- > 0)
		return false;
	worker->linger_wait = 0;
	return is_worth_lingering(worker);
}

static void sleep_in(struct weft__worker *worker, struct weft__word_set *set, int64_t deadline)
{
	if (set)
		weft__words_wait(worker, set, deadline);
	else
		worker->driver->ops->wait(worker->driver, weft__words_until(worker, deadline));
}

/*
 * Sleep in the driver, or by word.h. Saying so comes before the last look at what others may have
 * left for us, and they look whether we sleep after leaving it (wake.c, spawn.c): with a full fence
 * in between on both sides, one of the two sees the other.
 */
static void sleep_until_woken(struct weft__worker *worker)
{
	int64_t deadline = weft__alarm_first(worker);
	struct weft__word_set set;
	bool is_by_words;

	if (linger(worker))
		return;
	is_by_words = weft__words_begin(worker, &set);
	atomic_store(&worker->is_sleeping, true);
	atomic_fetch_add(&worker->runtime->sleeping, 1);
	atomic_thread_fence(memory_order_seq_cst);
	if (!weft_mpsc_is_empty(&worker->inbox) || atomic_load(&worker->has_stale) ||
		atomic_load(&worker->dump) || atomic_load(&worker->runtime->is_halted) ||
		steal(worker))
		deadline = 0;
	weft__count(&worker->counts.sleeps);
	if (deadline == INT64_MAX) {
		if (atomic_fetch_add(&worker->runtime->stranded, 1) + 1 ==
			worker->runtime->worker_count)
			weft__deadlock_check(worker);
		sleep_in(worker, is_by_words ? &set : NULL, deadline);
		atomic_fetch_sub(&worker->runtime->stranded, 1);
	} else {
		sleep_in(worker, is_by_words ? &set : NULL, deadline);
	}
	atomic_fetch_sub(&worker->runtime->sleeping, 1);
	atomic_store(&worker->is_sleeping, false);
	worker->was_posted_to = !weft_mpsc_is_empty(&worker->inbox);
}

static void look_around(struct weft__worker *worker)
{
	weft__inbox_drain(worker);
	weft__count(&worker->counts.looks);
	if (UNLIKELY(atomic_load_explicit(&worker->dump, memory_order_relaxed) != NULL))
		weft__dump_answer(worker);
	if (atomic_load_explicit(&worker->has_stale, memory_order_relaxed) &&
		atomic_exchange(&worker->has_stale, false))
		worker->driver->ops->forget(worker->driver, -1);
	if (!weft_list_is_empty(&worker->words))
		weft__words_look(&worker->words, NULL);
	if (has_runnable(worker) || (worker->runtime->worker_count > 1 && steal(worker)))
		worker->driver->ops->wait(worker->driver, 0);
	else
		sleep_until_woken(worker);
	worker->now_ns = worker->driver->ops->now(worker->driver);
	timers_fire(worker);
}

void weft__worker_loop(struct weft__worker *worker)
{
	while (!atomic_load_explicit(&worker->runtime->is_halted, memory_order_acquire)) {
		struct weft__fiber *next;

		/* A fiber that ended may just have made its joiner runnable. */
		if (worker->ticks <= 0 || !has_runnable(worker)) {
			look_around(worker);
			worker->ticks = WEFT__TICKS;
		}
		next = worker->is_choosing ? run_pop_any(worker) : next_runnable(worker);
		if (next)
			hop(worker, &worker->base, next);
	}
}
