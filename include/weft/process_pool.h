/*
 * weft/process_pool.h - a pool of worker processes for tasks that compute, or may crash.
 *
 *	static int square(const void *data, size_t len, struct weft_buf *result)	// in a
 *worker
 *	{
 *		double number;
 *		...
 *		return weft_buf_append(result, &number, sizeof(number));
 *	}
 *
 *	static const struct weft_pool_call calls[] = {{"square", square, .is_repeatable = true}};
 *	struct weft_pool *pool = weft_pool_new(&(struct weft_pool_options){calls, 1});
 *	struct weft_pool_task *task = weft_pool_submit(pool, "square", &number, sizeof(number));
 *
 *	if (weft_pool_task_wait(task, WEFT_FOREVER) == 0)
 *		len = weft_pool_task_result(task, &data);
 *	weft_pool_task_free(task);
 *	weft_pool_free(pool);
 *
 * The workers are copies of this process (fork(2)) as it was when the pool was made, or when
 * one was replaced. They are daemons: they are killed when this process ends, however it does.
 * A task goes to the worker that has the least to do; some are given ahead, and taken back
 * when another worker has nothing to do.
 *
 *	submit ---> [ queue, at most queue_max ] ---> given to a worker ---> begun ---> ended
 *	                                                   | the worker dies
 *	                       given to another <----------+---------> EOWNERDEAD
 *	                       (not begun, or repeatable)
 *
 * A worker that dies (a crash, exit(3), SIGKILL, no memory) is replaced. The one task that it
 * had begun is repeated, up to WEFT_POOL_TRIES_MAX times in all, if its call says that it may be,
 *else it fails with EOWNERDEAD; no other task is touched.
 *
 * Tasks run on the only thread of their worker, one by one; SIGINT and SIGHUP, which a terminal
 * sends to all, are ignored there. A task has no other bound of time than who waits for it has:
 * weft_pool_task_kill() ends it.
 *
 * Safe from any thread and fiber, but for weft_pool_free(); every call that waits parks the
 * calling fiber, or blocks the calling thread, and obeys the ambient scope (weft/scope.h). In
 * the child of a fork(2), and in a worker, the parent's pools can only be freed: all else fails
 * with ECHILD. Errors: -1 or NULL, with errno set.
 */
#ifndef WEFT_PROCESS_POOL_H
#define WEFT_PROCESS_POOL_H

#include "weft/buf.h"
#include "weft/process.h"

WEFT_BEGIN

struct weft_pool;      /* opaque: src/process/pool.c */
struct weft_pool_task; /* opaque: one piece of work, and what came of it */

#define WEFT_POOL_WORKERS_MAX     512
#define WEFT_POOL_CALLS_MAX       64
#define WEFT_POOL_QUEUE_DEFAULT   1024
#define WEFT_POOL_MESSAGE_DEFAULT ((size_t)64 << 20)

/** How often a repeatable task is begun, when its worker dies each time. */
#define WEFT_POOL_TRIES_MAX 3

/**
 * Work, in a worker. data is lent for the call, at a multiple of 8; what is appended to result,
 * which is empty, goes back. Returns 0, or -1: the task fails with errno (EIO where there is
 * none). A child that it forks is no worker: one that returns here ends.
 */
typedef int weft_pool_fn(const void *data, size_t len, struct weft_buf *result);

struct weft_pool_call {
	const char *name; /* by which it is asked for; kept, not copied */
	weft_pool_fn *fn;
	bool is_repeatable; /* no harm is done when it is begun again after its worker has died */
};

struct weft_pool_options {
	const struct weft_pool_call *calls; /* copied */
	size_t call_count;
	unsigned workers;   /* 0: one per usable core */
	unsigned tasks_max; /* a worker is replaced when it was given so many, or items of maps, and
			       has done them; 0: no bound */
	size_t queue_max;   /* tasks that may wait; 0: WEFT_POOL_QUEUE_DEFAULT */
	size_t message_max; /* bytes of data, and of a result; 0: WEFT_POOL_MESSAGE_DEFAULT */
	/** In each worker, before its first task. Not 0: the worker ends; NULL: nothing. */
	int (*begin)(void *arg);
	void *arg;
	/** Limits, nice, directory, streams... of the workers; read while the pool lives; may be
	 * NULL. */
	const struct weft_process_options *process;
};

/* ---- Pools ---------------------------------------------------------------------------- */

/**
 * A pool, whose workers are started now: a fiber or thread beside this one should hold no
 * lock that the calls need. Where the system refuses some of them, the others do the work,
 * and it is asked again later; NULL when it refuses all. End it with weft_pool_free().
 * Errors: EINVAL (no calls or too many, one without name or fn, too many workers), ENOMEM,
 * EAGAIN, EMFILE, ENFILE; EPERM, EACCES, ENOENT (options.process); ETIMEDOUT, ECANCELED.
 */
WEFT_API struct weft_pool *weft_pool_new(const struct weft_pool_options *options);

/** No more tasks: submit fails with EPIPE, also where it waits. What there is is done. Once or
 * more. */
WEFT_API void weft_pool_close(struct weft_pool *pool);

/**
 * Close it, and kill the workers: all tasks that have not ended fail with ECANCELED. Does not
 * wait for it. Once or more.
 */
WEFT_API void weft_pool_terminate(struct weft_pool *pool);

/**
 * Wait until a closed pool has done everything and its workers have ended, at most timeout_ns
 * (WEFT_FOREVER: no bound of its own). Errors: EINVAL (not closed), ETIMEDOUT, ECANCELED.
 */
WEFT_API int weft_pool_join(struct weft_pool *pool, int64_t timeout_ns);

/**
 * Terminate it, wait for the workers' end, which is soon (deadlines and cancellation don't
 * count here), and free it. Tasks stay good until they are freed. Nobody else may be in a
 * call on it. NULL is fine. Keeps errno.
 */
WEFT_API void weft_pool_free(struct weft_pool *pool);

/** What a pool has done and has to do. */
struct weft_pool_facts {
	unsigned workers;       /* that live */
	size_t waiting;         /* tasks in the queue */
	size_t given;           /* to workers, begun or ahead */
	uint64_t ended, failed; /* tasks, failed ones among the ended */
	uint64_t replaced;      /* workers that were started in place of others */
};

/** Does not wait. */
WEFT_API int weft_pool_facts(struct weft_pool *pool, struct weft_pool_facts *ret_facts);

/** The process numbers of the workers that live, at most count of them; returns how many live. */
WEFT_API size_t weft_pool_pids(struct weft_pool *pool, pid_t *ret_pids, size_t count);

/* ---- Tasks ------------------------------------------------------------------------------ */

/**
 * Queue a task for the call of that name, with a copy of data, waiting while the queue is
 * full. Let go of it by weft_pool_task_free(). Errors: EPIPE (the pool is closed), ENOENT
 * (no such call), EMSGSIZE (over message_max), ENOMEM; ETIMEDOUT, ECANCELED.
 */
WEFT_API struct weft_pool_task *weft_pool_submit(
	struct weft_pool *pool, const char *call, const void *data, size_t len);

/** The same without waiting: EAGAIN. */
WEFT_API struct weft_pool_task *weft_pool_try_submit(
	struct weft_pool *pool, const char *call, const void *data, size_t len);

/**
 * Wait until the task has ended, well or not, at most timeout_ns (0: look whether it has;
 * WEFT_FOREVER: no bound of its own). May be called again, and by several at a time. Errors:
 * ETIMEDOUT, ECANCELED: it goes on.
 */
WEFT_API int weft_pool_task_wait(struct weft_pool_task *task, int64_t timeout_ns);

/**
 * What it has given: its length, and the bytes, at a multiple of 8, until the task is freed.
 * ret_data may be NULL.
 * Errors: EBUSY (it has not ended); what the call has said; EOWNERDEAD (its worker died);
 * ECANCELED (it was cancelled, killed or terminated); ENOBUFS, ENOMEM (too large a result, for
 * the worker or for us); and when no worker lives and the system refuses new ones, or they
 * die before they have begun: what it says, or EOWNERDEAD.
 */
WEFT_API ssize_t weft_pool_task_result(struct weft_pool_task *task, const void **ret_data);

/** How the worker ended that died with it. Errors: EBUSY; ENODATA (none did). */
WEFT_API int weft_pool_task_death(struct weft_pool_task *task, struct weft_process_end *ret_end);

/** Cancel a task that has not begun: it never will. Errors: EBUSY (it has), EALREADY (it has
 * ended). */
WEFT_API int weft_pool_task_cancel(struct weft_pool_task *task);

/** The same, and of one that has begun kill the worker. Errors: EALREADY. */
WEFT_API int weft_pool_task_kill(struct weft_pool_task *task);

/** Let go of it; it is done all the same. NULL is fine. Keeps errno. */
WEFT_API void weft_pool_task_free(struct weft_pool_task *task);

/**
 * Submit, wait, and append the result to ret_result (which may be NULL). When the caller is
 * interrupted the task is cancelled, and killed where it has begun. Errors: all of the above.
 */
WEFT_API int weft_pool_apply(struct weft_pool *pool, const char *call, const void *data, size_t len,
	struct weft_buf *ret_result);

/* ---- Many of a kind ------------------------------------------------------------------------ */

struct weft_pool_item {
	const void *data;
	size_t len;
};

/** One item's result, and how far it all is. */
struct weft_pool_result {
	size_t index;     /* of the item */
	int error;        /* 0, or why there is none: as weft_pool_task_result() */
	const void *data; /* until the callback returns; at a multiple of 8 */
	size_t len;
	size_t done, count; /* items that are done, this one among them; and all */
};

/** Returns 0, or -1 with errno: no more. Called on the caller's own fiber or thread. */
typedef int weft_pool_each_fn(const struct weft_pool_result *result, void *arg);

struct weft_pool_map {
	const char *call;
	const void *items; /* the caller's, until the map returns */
	size_t count;
	size_t item_size;        /* bytes of each item; 0: items are struct weft_pool_item */
	size_t chunk;            /* items that go to a worker at a time; 0: what seems right */
	bool is_ordered;         /* each() gets them by their index; else as they come */
	weft_pool_each_fn *each; /* may be NULL */
	void *arg;
};

/**
 * Do a call for each of the items, over all workers, and give each() the results; a few
 * chunks per worker are under way at a time, so that results that nobody takes don't pile up.
 * Of a chunk the worker sends what it has done when it has worked for 2 ms, or has 64 KiB.
 * Returns 0, or -1 with the errno of the first item, by its index, that failed; all are tried.
 * When each() fails, or a deadline or cancellation comes: -1 with that errno, and what has not
 * begun never will; the items that workers are at go on there. An item whose worker dies fails
 * alone, but that the results of its chunk which the worker had not sent yet are lost with it,
 * where the call can't be repeated.
 * Errors: as submit; EINVAL (no items).
 */
WEFT_API int weft_pool_map(struct weft_pool *pool, const struct weft_pool_map *map);

WEFT_END

#endif
