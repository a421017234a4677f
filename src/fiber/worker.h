/*
 * worker.h - a worker: one thread, its runnable fibers, its timers and its driver.
 *
 * A fiber gives way by weft__park() or weft_yield(); either hops straight to the next
 * runnable fiber. Only when there is none, or when it is time to look at the kernel, the
 * hop goes to the worker's own loop (`base`, on the thread's stack), which drains the
 * inbox, fires timers, asks the driver, steals, or sleeps.
 *
 * All fields belong to the worker's thread, but for those in the last block.
 */
#ifndef FIBER_WORKER_H
#define FIBER_WORKER_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "fiber/driver/driver.h"
#include "fiber/fiber.h"
#include "fiber/stack.h"
#include "fiber/start.h"
#include "weft/heap.h"
#include "weft/list.h"

struct weft__runtime;
struct weft__dump;

/** Switches between two looks at the clock; see worker.c on fairness. */
#define WEFT__TICKS 64
/** How much of those one call into the kernel uses up. */
#define WEFT__TICKS_PER_CALL 4
/** Longest time in ns between two looks at the kernel while fibers are runnable. */
#define WEFT__POLL_INTERVAL WEFT_MICROSECONDS(250)
/** Calls a fiber may make that need not wait, before it gives way to the others. */
#define WEFT__CALL_BUDGET 32

/** Written by the worker only; read by anybody, for weft_counters(). */
struct weft__counts {
	_Atomic uint64_t started, parks, wakes, steals, looks, sleeps;
	_Atomic uint64_t calls[WEFT__OP_KIND_COUNT]; /* system calls, by enum weft__op_kind */
};

static inline uint64_t weft__count(_Atomic uint64_t *place)
{
	uint64_t count = atomic_load_explicit(place, memory_order_relaxed) + 1;

	atomic_store_explicit(place, count, memory_order_relaxed);
	return count;
}

struct weft__worker {
	struct weft__fiber *current;
	struct weft__fiber *run_head, *run_tail; /* runnable, first in first out */
	struct weft__start_queue starting;       /* runnable, not started, may be taken */
	_Atomic uint64_t turn;                   /* number of the last fiber made runnable */
	int ticks;
	int call_budget;
	int sync_calls;                /* src/sync: calls since one of them gave way */
	int linger_pause, linger_wait; /* before sleeping: worker.c */
	bool was_posted_to;            /* the last sleep was ended by the inbox */
	bool is_calling_back;          /* `after` is set */
	bool is_choosing;              /* the driver says which fiber is next */
	void (*after)(struct weft__worker *worker, void *arg);
	void *after_arg;
	int *errno_place; /* of this thread */

	struct weft__fiber base; /* the loop, as if it were a fiber */
	struct weft__driver *driver;
	struct weft_heap timers;
	int64_t now_ns;
	struct weft__slots slots;
	struct weft__stack_pool stacks;
	struct weft__runtime *runtime;
	unsigned index;
	pthread_t thread;
	struct weft_list words; /* its fibers that wait for words in shared memory: word.h */

	/* Read or written by other threads. */
	_Atomic uint64_t spawned, ended; /* written by this worker only */
	struct weft__counts counts;
	_Atomic(struct weft__dump *) dump; /* it is to list its fibers */
	_Alignas(64) struct weft_mpsc inbox;
	atomic_bool has_begun; /* its thread is known, and runs */
	atomic_bool is_sleeping;
	atomic_bool is_by_bell; /* it sleeps on the bell, not in its driver */
	_Atomic uint32_t bell;
	atomic_bool has_stale; /* a descriptor it remembers was closed elsewhere */
};

/** The calling thread's worker; NULL: not one. */
extern __thread struct weft__worker *weft__worker;

/* ---- Giving way ---------------------------------------------------------------- */

/**
 * Let others run until somebody wakes the calling fiber. May return early: callers wait
 * in a loop on their own condition. *wait says what for, and stays until then.
 */
void weft__park(struct weft__worker *worker, const struct weft__wait *wait);

/**
 * Call fn(arg) on the stack of a fiber of this worker that has started and does not run,
 * below all its frames, and come back. fn must not wait.
 */
void weft__visit(
	struct weft__worker *worker, struct weft__fiber *fiber, void (*fn)(void *arg), void *arg);

/** Put a fiber that is marked READY, and not queued anywhere, at the end of the run queue. */
static inline void weft__run_push(struct weft__worker *worker, struct weft__fiber *fiber)
{
	atomic_store_explicit(&fiber->turn, weft__count(&worker->turn), memory_order_relaxed);
	fiber->next = NULL;
	if (worker->run_head)
		worker->run_tail->next = fiber;
	else
		worker->run_head = fiber;
	worker->run_tail = fiber;
}

/** Make a fiber of this worker runnable if it is parked. */
static inline void weft__ready(struct weft__worker *worker, struct weft__fiber *fiber)
{
	if (fiber->state != WEFT__PARKED)
		return;
	fiber->state = WEFT__READY;
	weft__run_push(worker, fiber);
}

/* ---- From any thread: src/fiber/wake.c ------------------------------------------ */

/** Wake, cancel or start a fiber at its home. False: it is not of this generation any more. */
bool weft__post(struct weft__fiber *fiber, uint32_t generation, unsigned flag);

/** End its sleep, or the one that it is about to begin. Also from a signal handler. */
void weft__worker_wake(struct weft__worker *worker);

/** Make a sleeping worker look at its inbox, and at the others' unstarted fibers. */
void weft__worker_poke(struct weft__worker *worker);

/** Do what was posted to this worker's fibers. */
void weft__inbox_drain(struct weft__worker *worker);

/**
 * The generation of this fiber is over: give the record back, now or out of the inbox.
 * The caller holds its LOCKED bit, or is the only one who can. worker NULL: a thread.
 */
void weft__fiber_release(struct weft__worker *worker, struct weft__fiber *fiber);

/**
 * For lists of fibers: the calling one serves a connection, fd, of a listener of that name, which
 * is borrowed until it is called with NULL. Outside a fiber, nothing.
 */
void weft__fiber_serves(const char *door, int fd);

/* ---- Starting: src/fiber/spawn.c --------------------------------------------------- */

/** Make an unstarted fiber of this worker runnable, for thieves too unless it is pinned. */
void weft__start_or_run(struct weft__worker *worker, struct weft__fiber *fiber);

/* ---- Deadlines: src/fiber/scope.c ---------------------------------------------------- */

/** The fiber's alarm has come, and is off the heap. */
void weft__alarm_fire(struct weft__worker *worker, struct weft__fiber *fiber);

/** When the first alarm comes; those that nobody needs any more are gone. INT64_MAX: none. */
int64_t weft__alarm_first(struct weft__worker *worker);

/** The fiber is about to give way: its alarm is set in time for its deadlines. */
void weft__context_arm(struct weft__worker *worker, struct weft__fiber *fiber);

/** weft_timeout_begin() for who knows what time it is. */
void weft__timeout_begin_at(struct weft_timeout *timeout, int64_t now_ns, int64_t timeout_ns);

/** weft_timeout_end() for who does not ask whether the deadline had passed. */
void weft__timeout_drop(struct weft_timeout *timeout);

/** Other scopes are in force from now on. */
void weft__context_changed(struct weft__context *context);

/** A scope of this worker's fiber was cancelled by another fiber. */
void weft__context_look(struct weft__worker *worker, struct weft__fiber *fiber);

/** A fiber of this worker was cancelled. */
void weft__context_cancel(struct weft__worker *worker, struct weft__fiber *fiber);

/** The calling fiber's, or thread's. */
struct weft__context *weft__context_self(void);

/** In the child of a fork(2): the calling thread begins anew, outside the parent's scopes. */
void weft__context_forked(void);

/** What a call that may wait must fail with now, on the calling fiber or thread; or 0. */
int weft__interrupt(struct weft__context *context);

/** The same for the caller, quickly: weft_interrupted() of include/weft/scope.h. */
static inline int weft__interrupted(void)
{
	struct weft__worker *worker = weft__worker;

	return worker ? worker->current->context.interrupt : weft_interrupted();
}

/** Nearest deadline in force; INT64_MAX: none. */
int64_t weft__context_deadline(const struct weft__context *context);

/* ---- Ends: src/fiber/join.c, src/fiber/local.c ----------------------------------------- */

/** The fiber has its result and nobody is on its stack: tell its joiners, let its record go. */
void weft__conclude_slow(struct weft__worker *worker, struct weft__fiber *fiber);

static inline void weft__conclude(struct weft__worker *worker, struct weft__fiber *fiber)
{
	const uint64_t others = WEFT__LOCKED | WEFT__JOINED | WEFT__QUEUED;
	uint64_t control = atomic_load_explicit(&fiber->control, memory_order_relaxed);
	bool is_detached = control & WEFT__DETACHED;
	uint64_t next = is_detached ? weft__next_generation(control) : control | WEFT__ENDED;

	/* The common end, in one step: nobody looks, nobody has joined yet. */
	if ((control & others) || !atomic_compare_exchange_strong(&fiber->control, &control, next))
		weft__conclude_slow(worker, fiber);
	else if (is_detached)
		weft__slot_give(&worker->slots, fiber);
}

/** Deferred calls and the destruction of fiber-locals, shielded, on the fiber itself. */
void weft__fiber_clean(struct weft__fiber *fiber);

/* ---- Life: src/fiber/worker.c ------------------------------------------------------------ */

/** Run fibers on the calling thread until the runtime halts. */
void weft__worker_loop(struct weft__worker *worker);

/** First code of every fiber. */
void weft__fiber_main(void *arg);

#endif
