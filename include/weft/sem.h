/*
 * weft/sem.h - counting semaphores: permits that are taken and given back.
 *
 *	weft_sem_init(&slots, 8, "downloads");
 *	if (weft_sem_acquire(&slots) < 0)
 *		return -1;
 *	...at most eight are here...
 *	weft_sem_release(&slots, 1);
 *
 * For fibers of any worker and threads in any mix; who waits obeys the ambient scope
 * (weft/scope.h). Permits go to waiters first come, first served; nobody who comes later
 * overtakes one who waits. Nobody owns a permit: anybody may release. There is nothing to
 * end: who was given the last permit that will ever be given may free the semaphore at
 * once, though its giver may not have come back from weft_sem_release(). The fields are
 * weft's own.
 */
#ifndef WEFT_SEM_H
#define WEFT_SEM_H

#include "weft/waitlist.h"

WEFT_BEGIN

/** Most permits that can be free at a time. */
#define WEFT_SEM_MAX INT32_MAX

struct weft_sem {
	struct weft_gate gate;
	uint32_t permits;
	struct weft_waitlist waiters;
	const char *name;
};

#define WEFT_SEM_INIT(count)        \
	{                           \
		.permits = (count), \
	}

/** Begin with that many permits. name may be NULL. Errors: EINVAL (over WEFT_SEM_MAX). */
WEFT_API int weft_sem_init(struct weft_sem *sem, uint32_t permits, const char *name);

/** Wait for a permit and take it. Errors, with none taken: ETIMEDOUT, ECANCELED. */
WEFT_API int weft_sem_acquire(struct weft_sem *sem);

/** Take a permit if one is free. Errors: EAGAIN. */
WEFT_API int weft_sem_try_acquire(struct weft_sem *sem);

/** Give count permits, to waiters first. Errors, with none given: EOVERFLOW (WEFT_SEM_MAX). */
WEFT_API int weft_sem_release(struct weft_sem *sem, uint32_t count);

/** Permits that are free now; 0 while anybody waits. */
WEFT_API uint32_t weft_sem_count(const struct weft_sem *sem);

WEFT_END

#endif
