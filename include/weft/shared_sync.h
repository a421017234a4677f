/*
 * weft/shared_sync.h - locks, semaphores, events and conditions between processes.
 *
 *	struct board {
 *		struct weft_shared_lock lock;
 *		int scores[100];
 *	} *board = weft_segment_data(segment);		// weft/shared.h
 *
 *	got = weft_shared_lock_acquire(&board->lock);
 *	if (got < 0)
 *		return -1;		// too late, or cancelled: not held
 *	if (got == 1)
 *		mend(board);		// a process died in the midst of changing it
 *	board->scores[mine]++;
 *	weft_shared_lock_release(&board->lock);
 *
 * They lie in memory that processes share: a segment, or any mapping that is MAP_SHARED. One
 * of them initialises each, before the others look at it; there is nothing to end. Memory of
 * zeros is a free lock, a semaphore without permits, an event that isn't set, a condition.
 *
 * Who waits parks its fiber, or blocks its thread, and obeys the ambient scope (weft/scope.h):
 * with ETIMEDOUT or ECANCELED nothing was taken. Whatever instruction a process is killed at,
 * nobody waits for it for ever: a lock that it had goes to the next one, who is told; what it
 * had taken of a semaphore is gone. Nobody is served in any order.
 *
 * A lock knows its owner by the process id: so all processes must be of one pid namespace, and
 * of one time namespace, which segments see to. Without a segment it is for the caller to.
 *
 * The fields are weft's own. Errors: -1 and errno.
 */
#ifndef WEFT_SHARED_SYNC_H
#define WEFT_SHARED_SYNC_H

#include "weft/api.h"

WEFT_BEGIN

/* ---- Lock ----------------------------------------------------------------------------- */

/**
 * Its owner is a process: any fiber or thread of that one may release it. Whoever wants it
 * meanwhile waits, in the owner's process, too.
 */
struct weft_shared_lock {
	uint32_t word;
	uint32_t reserved[3];
};

/** Make it free. */
WEFT_API void weft_shared_lock_init(struct weft_shared_lock *lock);

/**
 * Wait until this process owns the lock. Returns 0; or 1, with errno EOWNERDEAD: it is the
 * caller's, but its owner has died with it, and what it guards may be half done. Such a lock
 * goes on as any other: who can't mend what it guards says so there.
 * A death is noticed within some 100 ms. Errors: ETIMEDOUT, ECANCELED.
 */
WEFT_API int weft_shared_lock_acquire(struct weft_shared_lock *lock);

/** The same without waiting. Errors: EBUSY (a living process owns it). */
WEFT_API int weft_shared_lock_try_acquire(struct weft_shared_lock *lock);

/** Errors: EPERM (this process doesn't own it). Never waits. */
WEFT_API int weft_shared_lock_release(struct weft_shared_lock *lock);

/** The process that owns it, which may have ended; 0: it is free. */
WEFT_API pid_t weft_shared_lock_owner(const struct weft_shared_lock *lock);

/* ---- Semaphore -------------------------------------------------------------------------- */

/** Most permits that can be free at a time. */
#define WEFT_SHARED_SEM_MAX INT32_MAX

/** Nobody owns a permit: who was killed gives none back, and anybody may. */
struct weft_shared_sem {
	uint32_t word;
	uint32_t reserved[3];
};

/** Begin with that many permits. Errors: EINVAL (over WEFT_SHARED_SEM_MAX). */
WEFT_API int weft_shared_sem_init(struct weft_shared_sem *sem, uint32_t permits);

/** Wait for a permit and take it. Errors, with none taken: ETIMEDOUT, ECANCELED. */
WEFT_API int weft_shared_sem_acquire(struct weft_shared_sem *sem);

/** Take a permit if one is free. Errors: EAGAIN. */
WEFT_API int weft_shared_sem_try_acquire(struct weft_shared_sem *sem);

/** Give count permits. Errors, with none given: EOVERFLOW (WEFT_SHARED_SEM_MAX). */
WEFT_API int weft_shared_sem_release(struct weft_shared_sem *sem, uint32_t count);

/** Permits that are free now. */
WEFT_API uint32_t weft_shared_sem_count(const struct weft_shared_sem *sem);

/* ---- Event ------------------------------------------------------------------------------- */

struct weft_shared_event {
	uint32_t word;
	uint32_t reserved[3];
};

/** Make it one that isn't set. */
WEFT_API void weft_shared_event_init(struct weft_shared_event *event);

/** Set it: everybody who waits goes on, and nobody waits until it is cleared. */
WEFT_API void weft_shared_event_set(struct weft_shared_event *event);
WEFT_API void weft_shared_event_clear(struct weft_shared_event *event);
WEFT_API bool weft_shared_event_is_set(const struct weft_shared_event *event);

/** Wait until it is set. Errors: ETIMEDOUT, ECANCELED. */
WEFT_API int weft_shared_event_wait(struct weft_shared_event *event);

/* ---- Condition ----------------------------------------------------------------------------- */

/** Where owners of a lock wait until what it guards has changed. */
struct weft_shared_cond {
	uint32_t word;
	uint32_t waiting;
	uint32_t reserved[2];
};

/** Make a condition at which nobody waits. */
WEFT_API void weft_shared_cond_init(struct weft_shared_cond *cond);

/**
 * Release the lock, wait for a signal, and own the lock again, however this ends. It may
 * return without a signal: look at what you wait for in a loop around this call. Returns 0;
 * 1 with EOWNERDEAD, as weft_shared_lock_acquire(), which counts for more than a deadline.
 * Errors, with the lock held: ETIMEDOUT, ECANCELED. EPERM: this process doesn't own the lock.
 */
WEFT_API int weft_shared_cond_wait(struct weft_shared_cond *cond, struct weft_shared_lock *lock);

/** Let at least one that waits go on, or all. Best done by the lock's owner. */
WEFT_API void weft_shared_cond_signal(struct weft_shared_cond *cond);
WEFT_API void weft_shared_cond_broadcast(struct weft_shared_cond *cond);

WEFT_END

#endif
