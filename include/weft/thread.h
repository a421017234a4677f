/*
 * weft/thread.h - threads with a name, a result, and a run() that can be overridden.
 *
 *	static int count(void *arg) { ... }
 *
 *	struct weft_thread *thread = weft_thread_new(NULL, count, "a.txt");
 *	if (!thread || weft_thread_start(thread) < 0)
 *		...
 *	weft_thread_join(thread, &lines, WEFT_SECONDS(5));
 *	weft_thread_free(thread);
 *
 * A thread is for code that keeps a core busy, or blocks in ways that weft can't see, for
 * as long as it lives; a fiber is cheaper for everything else, and weft_offload() for one
 * blocking call. Threads may start and join threads, and so may fibers: a join parks the
 * fiber. Every weft call works on a thread, blocking it.
 *
 * These threads have all signals blocked, but for SIGURG and those that a fault raises:
 * signals of the program are for the thread that waits for them. They may unblock what they
 * like.
 *
 * Safe from any thread and fiber, unless said otherwise. A thread that calls fork(2) is the
 * only one in the child: there it ends the process, by _exit() with its result.
 */
#ifndef WEFT_THREAD_H
#define WEFT_THREAD_H

#include "weft/api.h"

WEFT_BEGIN

struct weft_thread; /* opaque: src/thread/thread.c */

/** Longest name; the kernel's own tools show its first 15 bytes. */
#define WEFT_THREAD_NAME_MAX 31

/** What a thread runs unless its run() is overridden. The number is its result. */
typedef int weft_thread_fn(void *arg);

/**
 * What a thread does, for those who want a kind of thread of their own. A NULL is the
 * default. All of it is called on the new thread.
 */
struct weft_thread_ops {
	/** Returns the thread's result. Default: weft_thread_run(). */
	int (*run)(struct weft_thread *thread);
	/** Before run(). Not 0: run() isn't called, and this is the result. Default: nothing. */
	int (*begin)(struct weft_thread *thread);
	/** After run(), or after a begin() that failed. Default: nothing. */
	void (*end)(struct weft_thread *thread, int result);
};

struct weft_thread_options {
	const char *name;                  /* copied, cut; NULL: "Thread-1", "Thread-2"... */
	bool is_daemon;                    /* the end of the process doesn't wait for it */
	size_t stack_size_bytes;           /* 0: the system's default, usually 8 MiB */
	const struct weft_thread_ops *ops; /* kept, not copied; NULL: all defaults */
};

/* ---- Life ---------------------------------------------------------------------- */

/**
 * Make a thread that will run fn(arg), or what options->ops says. It doesn't run yet. fn
 * may be NULL when run() is overridden; options may be NULL. End it with weft_thread_free().
 * Errors: ENOMEM; EINVAL (neither fn nor run(); a stack that pthread_attr_setstacksize(3)
 * refuses).
 */
WEFT_API struct weft_thread *weft_thread_new(
	const struct weft_thread_options *options, weft_thread_fn *fn, void *arg);

/**
 * Start it, once. Errors: EINVAL (it was started before); EAGAIN (the system has no
 * thread to give), ENOMEM, and then it can be tried again.
 */
WEFT_API int weft_thread_start(struct weft_thread *thread);

/**
 * Wait until it has ended, at most timeout_ns (WEFT_FOREVER: no bound of its own), and
 * take its result; ret_result may be NULL. It may be joined by several at a time, and
 * again later: the result stays until weft_thread_free().
 * Errors: EINVAL (not started), EDEADLK (the caller itself), ESRCH (it didn't survive a
 * fork(2)), ETIMEDOUT (timeout_ns or a deadline; it runs on), ECANCELED.
 */
WEFT_API int weft_thread_join(struct weft_thread *thread, int *ret_result, int64_t timeout_ns);

/**
 * Cancel it: its calls that wait fail with ECANCELED from now on, also one that it is in, but
 * for those in shielded sections (weft/scope.h). Nothing else ends it. It is woken by SIGURG,
 * which threads of weft's have unblocked; a handler that the program has set before is called
 * too. Errors: EINVAL (not started), ESRCH (it has ended).
 */
WEFT_API int weft_thread_cancel(struct weft_thread *thread);

/**
 * Let go of it; NULL is fine. One that still runs goes on, and is freed when it ends;
 * nobody can join it any more, and nobody else may be in a call on it. Keeps errno.
 */
WEFT_API void weft_thread_free(struct weft_thread *thread);

/*
 * The end of the process, by exit(3) or from main(), waits for all threads that are not
 * daemons. Daemons are stopped wherever they are.
 */

/* ---- About threads ---------------------------------------------------------------- */

/** Whether it was started and has not ended. */
WEFT_API bool weft_thread_is_alive(struct weft_thread *thread);

/** Its result without waiting. Errors: EINVAL (not started), EBUSY (it runs), ESRCH (as join). */
WEFT_API int weft_thread_result(struct weft_thread *thread, int *ret_result);

/** The name, valid as long as the thread; and whether it is a daemon. */
WEFT_API const char *weft_thread_name(const struct weft_thread *thread);
WEFT_API bool weft_thread_is_daemon(const struct weft_thread *thread);

/** What weft_thread_new() was given: for an overridden run(). */
WEFT_API void *weft_thread_arg(const struct weft_thread *thread);

/** The default of run(): fn(arg), for an overridden run() that goes on with it; 0 without fn. */
WEFT_API int weft_thread_run(struct weft_thread *thread);

/** The thread that runs the caller, valid until it ends; NULL: weft_thread_start() didn't make it.
 */
WEFT_API struct weft_thread *weft_thread_current(void);

/** Threads that weft_thread_start() started and that have not ended. */
WEFT_API size_t weft_thread_count(void);

WEFT_END

#endif
