/*
 * weft/event.h - a flag to wait for, and a step that is done once.
 *
 *	weft_event_set(&ready);			// one side
 *	if (weft_event_wait(&ready) < 0) ...	// the others
 *
 * For fibers of any worker and threads in any mix; who waits obeys the ambient scope
 * (weft/scope.h). WEFT_..._INIT or ..._init() begins, and there is nothing to end: who was
 * let go by weft_event_wait() may free the event at once, if nobody else uses it. A name,
 * kept as a pointer, is for diagnostics and may be NULL. The fields are weft's own.
 */
#ifndef WEFT_EVENT_H
#define WEFT_EVENT_H

#include "weft/waitlist.h"

WEFT_BEGIN

/* ---- Event -------------------------------------------------------------------------- */

struct weft_event {
	struct weft_gate gate;
	uint32_t is_set;
	struct weft_waitlist waiters;
	const char *name;
};

#define WEFT_EVENT_INIT      \
	{                    \
		.is_set = 0, \
	}

/** Make event, not set, before anybody else can see it. */
WEFT_API void weft_event_init(struct weft_event *event, const char *name);

/** Set it: all who wait go on, and whoever waits from now on need not, until it is cleared. */
WEFT_API void weft_event_set(struct weft_event *event);

/** Who was let go by a set before goes on all the same. */
WEFT_API void weft_event_clear(struct weft_event *event);

/** Whether it is set now; to wait in a loop, or to free it after, use weft_event_wait(). */
WEFT_API bool weft_event_is_set(const struct weft_event *event);

/** Wait until it is set. Returns 0. Errors: ETIMEDOUT, ECANCELED. */
WEFT_API int weft_event_wait(struct weft_event *event);

/* ---- Once --------------------------------------------------------------------------- */

struct weft_once {
	struct weft_gate gate;
	uint32_t state;
	uint64_t runner; /* fiber or thread, as the owner of a lock */
	struct weft_waitlist waiters;
};

#define WEFT_ONCE_INIT      \
	{                   \
		.state = 0, \
	}

/**
 * Call fn(arg) unless that was done with success before; wait while somebody else is at
 * it. fn returns 0 for success. Else, with errno set, it counts as not done: its caller
 * gets -1 and that errno, and the next in line, or the next who comes, calls fn again.
 * Returns 0 when it is done; whoever did it may still be on the way out then, so it is no
 * word that the once may be freed. Errors: those of fn; EDEADLK (fn calls it itself);
 * ETIMEDOUT, ECANCELED (only for those who have to wait).
 */
WEFT_API int weft_once_do(struct weft_once *once, int (*fn)(void *arg), void *arg);

WEFT_END

#endif
