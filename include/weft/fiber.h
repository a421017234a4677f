/*
 * weft/fiber.h - run, start, join and cancel fibers.
 *
 * A fiber is a function with a stack of its own. It runs on one of the workers
 * (threads) of weft_run() and gives way whenever it waits, so blocking,
 * top-to-bottom code runs at event-loop speed.
 *
 *	static int hello(void *arg)
 *	{
 *		weft_sleep(WEFT_MILLISECONDS(10));
 *		puts(arg);
 *		return 0;
 *	}
 *	int main(void) { return weft_run(NULL, hello, "hello"); }
 *
 * Every call that waits obeys the deadlines and the cancellation of the ambient
 * scope (weft/scope.h). Outside a fiber the same calls block the calling thread.
 * A fiber that has started never changes its worker, so errno, thread-locals and
 * pthread_self() stay true; one that has not started may be taken by an idle worker.
 *
 * Below a stack lies a guard page: who writes there is named on the standard error, and the
 * program ends. An array larger than the guard can step over it, into another fiber's stack,
 * so compile programs with -fstack-clash-protection, as weft.pc says: the compiler then touches
 * each page on the way. Large arrays belong on the heap, or on a stack of their size.
 *
 * The child of a fork(2) in a fiber has that fiber only, as a plain thread. When the fiber's
 * function returns, the child ends, by _exit() with the result, and without clean-up. It
 * may call weft_run() anew.
 */
#ifndef WEFT_FIBER_H
#define WEFT_FIBER_H

#include "weft/api.h"

WEFT_BEGIN

/**
 * Names one fiber. Never reused for another while the process lives (a slot's
 * generation is 32 bits wide), so a stale id is answered with ESRCH. 0 is no fiber.
 */
typedef uint64_t weft_fiber_id;

/** What a fiber runs. The returned number is what weft_join() hands out. */
typedef int weft_fiber_fn(void *arg);

/* ---- Limits ---------------------------------------------------------------- */

#define WEFT_WORKERS_MAX        64
#define WEFT_STACK_SIZE_MIN     (16 * 1024)
#define WEFT_STACK_SIZE_MAX     (64 * 1024 * 1024)
#define WEFT_STACK_SIZE_DEFAULT (64 * 1024)
#define WEFT_FIBER_NAME_MAX     31
#define WEFT_FIBERS_MAX         (16 * 1024 * 1024)

/* ---- Running --------------------------------------------------------------- */

struct weft_run_options {
	unsigned workers;        /* threads that run fibers; 0: one per usable core */
	const char *driver;      /* one of weft_driver_at(); NULL: $WEFT_DRIVER, else the best */
	size_t stack_size_bytes; /* default stack of a fiber; 0: WEFT_STACK_SIZE_DEFAULT. The
				  * first fiber has 1 MiB, or this where it is more */

	/**
	 * A fiber that keeps its worker for longer, because it computes or is in a call that
	 * blocks the thread, is told of on the standard error, with its backtrace; as are fibers
	 * that wait for one another in a ring. 0: not watched. Costs a thread that looks
	 * twice in that time; so it is told of after that time, and before twice of it.
	 */
	int64_t watchdog_ns;

	/** Tell on the standard error, at the end, which fibers nobody joined or detached, and
	 * which descriptors made by weft in this run are still open. */
	bool report_leaks;
};

/**
 * Run fn(arg) as the first fiber and return what it returned. Workers beyond the
 * first are threads that end before weft_run() returns; the first is the calling
 * thread. When fn has returned, every fiber that still lives is cancelled, and
 * weft_run() returns when the last of them has ended.
 * options may be NULL. SIGPIPE is blocked on the workers: broken pipes are EPIPE.
 * It has no deadline and is not cancelled with the thread that called it: scopes of the caller's
 * end at it, and fn begins without any.
 * When all fibers wait and nothing can wake them (no descriptor, no time, no other thread of
 * the program), they are listed on the standard error and cancelled: EDEADLK.
 * Errors: -1 with EINVAL (bad option, unknown driver, no function), EDEADLK (that, or called in a
 * fiber), EBUSY (another weft_run() is under way in this process), ENOMEM, EAGAIN, EMFILE.
 */
WEFT_API int weft_run(const struct weft_run_options *options, weft_fiber_fn *fn, void *arg);

/** Workers of the running weft_run(), 0 when none runs. Any thread. */
WEFT_API unsigned weft_worker_count(void);

/** Index of the calling fiber's worker, from 0; -1 outside a fiber. */
WEFT_API int weft_worker_index(void);

/**
 * The names of the drivers there are, the best first; NULL past the last. "epoll" is
 * edge-triggered; "uring" is there if weft was built with liburing, and where the kernel
 * forbids io_uring epoll stands in for it; "epoll-level", "poll" and "select" are there to
 * compare and for old kernels. Under "select" an operation on a descriptor from 1024 on
 * fails with EMFILE when it would have to wait. Any thread.
 */
WEFT_API const char *weft_driver_at(size_t index);

/** Name of the driver of the running weft_run(), such as "epoll"; NULL when none runs. */
WEFT_API const char *weft_driver_name(void);

/* ---- Starting and ending --------------------------------------------------- */

struct weft_spawn_options {
	const char *name;        /* copied, cut at WEFT_FIBER_NAME_MAX bytes; NULL: "fiber" */
	size_t stack_size_bytes; /* rounded up to a power of two, and to WEFT_STACK_SIZE_MIN; over
				  * WEFT_STACK_SIZE_MAX: EINVAL. 0: the run's default */
	unsigned worker;         /* 1 + index of the worker that must run it; 0: any */
	bool detached;           /* nobody joins it: its slot is free when it ends */
};

/**
 * Start fn(arg) as a fiber; it is runnable when this returns, and runs after the
 * fibers that are runnable already. It must be joined or detached, as a thread must.
 * options may be NULL. Returns its id, or 0 with errno: EAGAIN (WEFT_FIBERS_MAX live),
 * ENOMEM, EINVAL (bad option, no such worker, no function), ECANCELED (weft_run() is
 * ending), ENOTSUP (no weft_run() under way). From any thread.
 */
WEFT_API weft_fiber_id weft_spawn(weft_fiber_fn *fn, void *arg);
WEFT_API weft_fiber_id weft_spawn_with(
	const struct weft_spawn_options *options, weft_fiber_fn *fn, void *arg);

/**
 * Wait until the fiber has ended, at most timeout_ns (WEFT_FOREVER: no bound of its
 * own), and take its result. ret_result may be NULL. Everybody who waits at the end
 * gets the result; then the id is stale.
 * Errors: ESRCH (no such fiber: joined already, detached, never was, or its weft_run() has
 * returned), EDEADLK (the caller itself), ETIMEDOUT (timeout_ns or a deadline: the fiber
 * lives on), ECANCELED. From any thread.
 */
WEFT_API int weft_join(weft_fiber_id fiber, int *ret_result, int64_t timeout_ns);

/**
 * Join count fibers within one timeout. ret_results may be NULL; else ret_results[i]
 * is written for each fiber joined. Returns how many were joined (all of them: count),
 * or -1 with the errors of weft_join() when the first of them could not be.
 */
WEFT_API ssize_t weft_join_all(
	const weft_fiber_id *fibers, size_t count, int *ret_results, int64_t timeout_ns);

/** Nobody will join this fiber: its slot is freed when it ends. Errors: ESRCH. Any thread. */
WEFT_API int weft_detach(weft_fiber_id fiber);

/**
 * Ask a fiber to end: the call it waits in, and every one after it, returns -1 with
 * ECANCELED, except in a shielded section (weft/scope.h). Does not wait: another fiber may
 * still make calls that succeed until its worker has heard of it. Who cancels itself sees it
 * from the next call on. A fiber
 * that has not started yet starts all the same and sees it at its first wait, so
 * that it can free what it was given. Errors: ESRCH (ended already). Any thread.
 */
WEFT_API int weft_cancel(weft_fiber_id fiber);

/** Let every other runnable fiber of this worker run once. Outside a fiber: sched_yield(). */
WEFT_API void weft_yield(void);

/**
 * Sleep. WEFT_FOREVER: until a deadline comes or the caller is cancelled. Zero, and any other
 * negative number, yields: who sleeps until a time that may be past, asks for
 * `left > 0 ? left : 0`, as -1 ns is WEFT_FOREVER.
 * Errors: ETIMEDOUT (a deadline came first), ECANCELED. Never EINTR.
 */
WEFT_API int weft_sleep(int64_t duration_ns);

/* ---- About fibers ---------------------------------------------------------- */

/** The calling fiber; 0 outside a fiber. */
WEFT_API weft_fiber_id weft_self(void);

/** Name of the calling fiber, valid while it lives; "thread" outside a fiber. */
WEFT_API const char *weft_name(void);

/** Rename the calling fiber, cut at WEFT_FIBER_NAME_MAX bytes. No effect outside one. */
WEFT_API void weft_rename(const char *name);

/** Fibers that live now (started or not, not ended), over all workers. Any thread. */
WEFT_API size_t weft_fiber_count(void);

/** CLOCK_MONOTONIC, in ns. Under the simulator: its virtual clock. */
WEFT_API int64_t weft_now(void);

/** CLOCK_REALTIME, in ns since 1970 (UTC). Under the simulator: from its virtual clock. */
WEFT_API int64_t weft_wall_now(void);

/** 64 random bits, fit for secrets (getrandom(2)). Under the simulator: out of its seed. */
WEFT_API uint64_t weft_random(void);

/**
 * Give the kernel back what the calling fiber's stack holds of deeper calls that are over: a system
 * call, for who is about to wait for long. Outside a fiber, nothing.
 */
WEFT_API void weft_stack_trim(void);

/* ---- Clean-up and fiber-local storage --------------------------------------- */

/**
 * Call fn(arg) when the calling fiber ends, last added first, after its function has
 * returned and while it still can wait (in a shielded section). Those of the first fiber
 * run when all others have ended. Errors: ENOMEM, ENOTSUP (outside a fiber).
 */
WEFT_API int weft_defer(void (*fn)(void *arg), void *arg);

/** Names one fiber-local variable; see weft_local_new(). */
typedef unsigned weft_local_key;

#define WEFT_LOCALS_MAX 64

/**
 * Make a key, for the life of the process, under which each fiber (and each thread)
 * keeps a pointer of its own, NULL at first. destroy(value), if not NULL, is called
 * for a non-NULL value when its fiber or thread ends. Errors: EAGAIN (WEFT_LOCALS_MAX).
 */
WEFT_API int weft_local_new(weft_local_key *ret_key, void (*destroy)(void *value));

/** Errors: EINVAL (no such key), ENOMEM. */
WEFT_API int weft_local_set(weft_local_key key, void *value);

/** The caller's value, or NULL. */
WEFT_API void *weft_local_get(weft_local_key key);

WEFT_END

#endif
