/*
 * weft/lock.h - locks, read-write locks and conditions.
 *
 *	static struct weft_lock lock = WEFT_LOCK_INIT;
 *
 *	if (weft_lock_acquire(&lock) < 0)
 *		return -1;	// cancelled, or too late: not held
 *	count++;
 *	weft_lock_release(&lock);
 *
 * They work between fibers of one worker, of different workers, and threads outside
 * weft_run(), in any mix. Whoever waits parks its fiber, or blocks its thread, and obeys
 * the ambient scope (weft/scope.h): acquire fails with ETIMEDOUT or ECANCELED when
 * that ends it, and then nothing is held. Calls that never wait don't look at the scope.
 *
 * A lock is owned: by the fiber, or by the thread, that acquired it. It may be held
 * across calls that wait. Waiters are served first come, first served, with one
 * exception: while a waiter of another thread is being woken, whoever comes by may take
 * the lock once more; a waiter who woke in vain is served next, before everybody else.
 *
 * Life: WEFT_..._INIT or ..._init(); there is nothing to end. Whoever owns a lock, and knows
 * that nobody else will use it any more, may release and free it at once, though the owner
 * before may not have come back from its release: as POSIX's mutexes, so that a lock may
 * guard the count of those who hold its own memory. A name, kept as a pointer, is for
 * diagnostics and may be NULL. The fields are weft's own. Errors: -1 and errno.
 */
#ifndef WEFT_LOCK_H
#define WEFT_LOCK_H

#include "weft/waitlist.h"

WEFT_BEGIN

/* ---- Lock ------------------------------------------------------------------------- */

/** How often its owner may acquire a recursive lock. */
#define WEFT_LOCK_DEPTH_MAX UINT32_MAX

struct weft_lock {
	struct weft_gate gate;
	uint32_t depth; /* how often its owner acquired it */
	uint64_t owner; /* fiber id, or thread id (gettid(2)); 0: free */
	struct weft_waitlist waiters;
	bool is_recursive;
	bool is_offered; /* somebody was woken to take it */
	const char *name;
};

#define WEFT_LOCK_INIT                 \
	{                              \
		.is_recursive = false, \
	}
#define WEFT_LOCK_RECURSIVE_INIT      \
	{                             \
		.is_recursive = true, \
	}

/** Make lock free, before anybody else can see it. */
WEFT_API void weft_lock_init(struct weft_lock *lock, const char *name);

/** The same; its owner may acquire it again, and must release it as often. */
WEFT_API void weft_lock_init_recursive(struct weft_lock *lock, const char *name);

/**
 * Wait until the caller owns the lock. Errors: EDEADLK (the caller owns it already, and it
 * isn't recursive), EAGAIN (WEFT_LOCK_DEPTH_MAX), ETIMEDOUT, ECANCELED.
 */
WEFT_API int weft_lock_acquire(struct weft_lock *lock);

/** The same without waiting. Errors: EBUSY (somebody else owns it), EDEADLK, EAGAIN. */
WEFT_API int weft_lock_try_acquire(struct weft_lock *lock);

/** Errors: EPERM (the caller doesn't own it). Never waits. */
WEFT_API int weft_lock_release(struct weft_lock *lock);

/** Whether the calling fiber or thread owns the lock. */
WEFT_API bool weft_lock_is_mine(const struct weft_lock *lock);

/* ---- Read-write lock ------------------------------------------------------------------ */

/**
 * Any number of readers, or one writer. Nobody starves: readers who come while a writer
 * waits go after it, and when a writer is done all readers who wait by then go first.
 * So a reader must not acquire it a second time: a writer may wait in between.
 */
struct weft_rwlock {
	struct weft_gate gate;
	uint32_t readers;
	uint64_t writer; /* as the owner of a lock */
	uint32_t waiting_writers;
	struct weft_waitlist waiters;
	const char *name;
};

#define WEFT_RWLOCK_INIT      \
	{                     \
		.readers = 0, \
	}

/** Make lock free, before anybody else can see it. */
WEFT_API void weft_rwlock_init(struct weft_rwlock *lock, const char *name);

/** Errors: EDEADLK (the caller is the writer), EAGAIN (too many readers), ETIMEDOUT, ECANCELED. */
WEFT_API int weft_rwlock_acquire_read(struct weft_rwlock *lock);
WEFT_API int weft_rwlock_acquire_write(struct weft_rwlock *lock);

/** Without waiting. Errors: EBUSY, EDEADLK, EAGAIN. */
WEFT_API int weft_rwlock_try_acquire_read(struct weft_rwlock *lock);
WEFT_API int weft_rwlock_try_acquire_write(struct weft_rwlock *lock);

/**
 * End the caller's writing or reading. Errors: EPERM (neither of them; of several readers
 * it is not known who they are).
 */
WEFT_API int weft_rwlock_release(struct weft_rwlock *lock);

/* ---- Condition ------------------------------------------------------------------------ */

/** Where owners of a lock wait until what it guards has changed. */
struct weft_cond {
	struct weft_gate gate;
	struct weft_waitlist waiters;
	const char *name;
};

#define WEFT_COND_INIT        \
	{                     \
		.name = NULL, \
	}

/** Make a condition at which nobody waits. */
WEFT_API void weft_cond_init(struct weft_cond *cond, const char *name);

/**
 * Release the lock, wait for a signal, and own the lock again, however this ends and as
 * often as before. Look at what you wait for in a loop around this call: somebody else
 * may have owned the lock since the signal. Who was signalled returns 0, even if its
 * deadline comes while it waits for the lock: no signal is lost.
 * Errors, with the lock held: ETIMEDOUT, ECANCELED. EPERM: the caller doesn't own the lock.
 */
WEFT_API int weft_cond_wait(struct weft_cond *cond, struct weft_lock *lock);

/** Let the one go on who has waited longest, or all. Best done by the lock's owner. */
WEFT_API void weft_cond_signal(struct weft_cond *cond);

/** Those who waited get the lock one after the other: no two wake for it at a time. */
WEFT_API void weft_cond_broadcast(struct weft_cond *cond);

WEFT_END

#endif
