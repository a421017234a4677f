/*
 * weft/group.h - wait for many: wait groups and barriers.
 *
 * For fibers of any worker and threads in any mix; who waits obeys the ambient scope
 * (weft/scope.h). There is nothing to end: who was let go by weft_group_wait() may free the
 * group at once; a barrier only when all have come back from it. A name, kept as a pointer,
 * is for diagnostics and may be NULL. The fields are weft's own. For fibers alone, see also
 * weft_join_all() in weft/fiber.h.
 */
#ifndef WEFT_GROUP_H
#define WEFT_GROUP_H

#include "weft/waitlist.h"

WEFT_BEGIN

/* ---- Wait group -------------------------------------------------------------------- */

/**
 * Counts what is under way:
 *
 *	weft_group_add(&group, 1);	// before it starts
 *	...weft_group_done(&group);	// at its end, by anybody
 *	weft_group_wait(&group);	// until all are done
 */
struct weft_group {
	struct weft_gate gate;
	uint32_t count;
	struct weft_waitlist waiters;
	const char *name;
};

#define WEFT_GROUP_INIT     \
	{                   \
		.count = 0, \
	}

/** Make group empty, before anybody else can see it. */
WEFT_API void weft_group_init(struct weft_group *group, const char *name);

/** So many more are under way. Errors, with nothing changed: EOVERFLOW. */
WEFT_API int weft_group_add(struct weft_group *group, uint32_t count);

/** One less; at none all who wait go on. Errors: EINVAL (none was under way). */
WEFT_API int weft_group_done(struct weft_group *group);

/** Wait until none is under way. Returns 0. Errors: ETIMEDOUT, ECANCELED. */
WEFT_API int weft_group_wait(struct weft_group *group);

/* ---- Barrier --------------------------------------------------------------------------- */

/** Holds up those who come until they are as many as it is for; then all go on at once. */
struct weft_barrier {
	struct weft_gate gate;
	uint32_t parties, arrived;
	struct weft_waitlist waiters;
	const char *name;
};

#define WEFT_BARRIER_INIT(count)    \
	{                           \
		.parties = (count), \
	}

/** For that many parties, at least 1. Errors: EINVAL. */
WEFT_API int weft_barrier_init(struct weft_barrier *barrier, uint32_t parties, const char *name);

/**
 * Arrive, and wait for the others; then the barrier is as new, for the next round.
 * Returns 1 to the one who came last, 0 to the others. Errors: ETIMEDOUT, ECANCELED; the
 * others then wait on, as if the caller had not come.
 */
WEFT_API int weft_barrier_wait(struct weft_barrier *barrier);

WEFT_END

#endif
