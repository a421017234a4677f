/*
 * weft/thread_pool.h - a pool of threads for work that computes or blocks.
 *
 *	struct weft_thread_pool *pool = weft_thread_pool_new(NULL);
 *	struct weft_task *task = weft_thread_pool_submit(pool, shrink, picture);
 *	...
 *	weft_task_wait(task, &result, WEFT_FOREVER);	// parks the fiber, blocks a thread
 *	weft_task_free(task);
 *	weft_thread_pool_free(pool);
 *
 * Work waits in one bounded queue, first in first out. Threads start when work comes and
 * none is idle, up to a maximum; those above the minimum end when they have been idle for
 * a while. They have all signals blocked, but for those that a fault raises.
 *
 *	submit ---> [ queue, at most queue_max ] ---> a thread: fn(arg) ---> done
 *	                   | cancel, free: never begun           wait: the result
 *
 * Work that has begun can't be stopped from outside: whoever cancels or is cancelled meets
 * its end, or leaves it behind; each comment says which.
 *
 * Safe from any thread and fiber, but for weft_thread_pool_free(). In the child of a
 * fork(2) a pool has no threads and no work: tasks of before are cancelled there, and new
 * work starts new threads. A forked fn(arg) ends the child, by _exit() with its result.
 */
#ifndef WEFT_THREAD_POOL_H
#define WEFT_THREAD_POOL_H

#include "weft/api.h"

WEFT_BEGIN

struct weft_thread_pool; /* opaque: src/thread/pool.c */
struct weft_task;        /* opaque: one piece of work, and what came of it */

/** Work. The number is its result; errno is passed on with it. */
typedef int weft_task_fn(void *arg);

#define WEFT_THREAD_POOL_THREADS_MAX   1024
#define WEFT_THREAD_POOL_QUEUE_DEFAULT 1024

struct weft_thread_pool_options {
	const char *name;        /* of its threads; NULL: "weft pool" */
	unsigned threads_min;    /* kept however idle; started when work comes */
	unsigned threads_max;    /* 0: threads_min, or one per usable core where that is more */
	size_t queue_max;        /* work that may wait; 0: WEFT_THREAD_POOL_QUEUE_DEFAULT */
	int64_t idle_ns;         /* until a thread above threads_min ends; 0: 10 s */
	size_t stack_size_bytes; /* 0: the system's default */
};

/* ---- Pools ---------------------------------------------------------------------- */

/**
 * A pool; options may be NULL. No thread is started yet. Errors: ENOMEM; EINVAL
 * (threads_min over threads_max, either over WEFT_THREAD_POOL_THREADS_MAX).
 */
WEFT_API struct weft_thread_pool *weft_thread_pool_new(
	const struct weft_thread_pool_options *options);

/**
 * Queue fn(arg), waiting while the queue is full. Returns its task, to be let go of by
 * weft_task_free(). When the system refuses a thread, those there are do the work.
 * Errors: EINVAL (no function); EPIPE (the pool is closed); EAGAIN (no thread, and none could be
 * started); ENOMEM; ETIMEDOUT, ECANCELED (nothing was queued).
 */
WEFT_API struct weft_task *weft_thread_pool_submit(
	struct weft_thread_pool *pool, weft_task_fn *fn, void *arg);

/** The same without waiting: EAGAIN also when the queue is full. */
WEFT_API struct weft_task *weft_thread_pool_try_submit(
	struct weft_thread_pool *pool, weft_task_fn *fn, void *arg);

/**
 * Call fn on each of count items of item_size bytes, over all threads, and wait until all
 * of it is done; fn changes its item in place. Returns 0, or -1 with the errno of the
 * first item, by its place, for which fn returned less than 0 (EIO where fn set none); all
 * are tried. With a count of 0 there is nothing to do: 0, and items may be NULL. No function:
 * EINVAL. From one of the pool's own threads: EDEADLK.
 * When a deadline or cancellation comes first: -1 with ETIMEDOUT or ECANCELED, once the
 * calls under way have returned; the other items are as they were. Else as submit.
 */
WEFT_API int weft_thread_pool_map(struct weft_thread_pool *pool, weft_task_fn *fn, void *items,
	size_t count, size_t item_size);

/** No more work: submit fails with EPIPE, also where it waits. What is queued is done. Once or
 * more. */
WEFT_API void weft_thread_pool_close(struct weft_thread_pool *pool);

/**
 * Wait until a closed pool has done all work and its threads have ended, at most
 * timeout_ns. Errors: EINVAL (not closed), EDEADLK (from one of its threads),
 * ETIMEDOUT, ECANCELED.
 */
WEFT_API int weft_thread_pool_join(struct weft_thread_pool *pool, int64_t timeout_ns);

/**
 * Close the pool, cancel what has not begun, wait for what has (deadlines and
 * cancellation don't count here), and free it. Tasks stay good until they are freed. NULL is
 * fine. Not from one of its own threads (-1 with EDEADLK, and nothing happens), and nobody
 * else may be in a call on it. Else 0, errno kept.
 */
WEFT_API int weft_thread_pool_free(struct weft_thread_pool *pool);

/** Threads that live, and work that has not begun. */
WEFT_API unsigned weft_thread_pool_threads(struct weft_thread_pool *pool);
WEFT_API size_t weft_thread_pool_queued(struct weft_thread_pool *pool);

/* ---- Tasks ------------------------------------------------------------------------ */

/**
 * Wait until the work is done, at most timeout_ns (WEFT_FOREVER: no bound of its own).
 * Returns 0 with its result in *ret_result (which may be NULL) and its errno in errno.
 * May be called again, and by several at a time.
 * Errors: ENOENT (cancelled before it began), ETIMEDOUT, ECANCELED (the work goes on).
 */
WEFT_API int weft_task_wait(struct weft_task *task, int *ret_result, int64_t timeout_ns);

/**
 * Cancel work that has not begun: it never will. Errors: EBUSY (it has begun), EALREADY
 * (it is done, or was cancelled before).
 */
WEFT_API int weft_task_cancel(struct weft_task *task);

/** Whether the work is done, or was cancelled: weft_task_wait() won't wait. */
WEFT_API bool weft_task_is_done(struct weft_task *task);

/** Let go of a task; the work is done all the same. NULL is fine. Keeps errno. */
WEFT_API void weft_task_free(struct weft_task *task);

WEFT_END

#endif
