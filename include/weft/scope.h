/*
 * weft/scope.h - deadlines and shielded sections that hold for all calls inside.
 *
 *	WEFT_WITH_TIMEOUT(WEFT_SECONDS(5))
 *		len = weft_stream_readline(peer, &line);	// -1/ETIMEDOUT after 5 s
 *
 * A scope is ambient: it belongs to the calling fiber (or thread) and bounds every
 * call that waits between begin and end, however deep. Scopes nest; the nearest
 * deadline counts. Once a deadline has passed, or the fiber was cancelled, each
 * call that may wait fails at once (ETIMEDOUT, ECANCELED; ECANCELED wins), even if
 * it could have gone on without waiting, until the scope ends. (A fiber that has
 * computed past its deadline learns so when it next gives way.) Inside a shielded
 * section neither the deadlines around it nor cancellation are seen, so clean-up
 * can still wait; a timeout begun inside it counts. weft_close() never fails so.
 *
 * Storage is the caller's, usually on its stack; begin and end are paired, last
 * begun first ended, on the same fiber.
 */
#ifndef WEFT_SCOPE_H
#define WEFT_SCOPE_H

#include "weft/api.h"
#include "weft/fiber.h"

WEFT_BEGIN

/** One deadline or shield. The fields are weft's own. */
struct weft_timeout {
	struct weft_timeout *outer; /* next scope outwards */
	int64_t deadline_ns;        /* on weft_now(); INT64_MAX: none */
	bool is_shield, has_expired;
	bool is_cancelled; /* by a fiber of the scope that failed; atomic */
};

/**
 * Bound the calls up to weft_timeout_end() by timeout_ns from now (WEFT_FOREVER, and
 * whatever is below zero: no bound, as for poll(2); zero: expired at once). The deadline
 * never comes early; one of a second or more is set by a cheaper clock, and may come up to
 * 12 ms late (and as early as that clock is more than 12 ms behind, where a virtual machine
 * is kept waiting for its ticks). Never fails: where a timer can't be kept for want of
 * memory, the scope counts as expired.
 */
WEFT_API void weft_timeout_begin(struct weft_timeout *timeout, int64_t timeout_ns);

/** End the innermost scope, which must be this one. Returns whether its deadline had passed. */
WEFT_API bool weft_timeout_end(struct weft_timeout *timeout);

/** Time left to the nearest deadline in force, in ns, at least 0; WEFT_FOREVER: there is none. */
WEFT_API int64_t weft_time_left(void);

/** Hide the outer deadlines and cancellation up to weft_shield_end(). */
WEFT_API void weft_shield_begin(struct weft_timeout *shield);
WEFT_API void weft_shield_end(struct weft_timeout *shield);

/** 0, or the errno a waiting call would fail with now: ECANCELED or ETIMEDOUT. */
WEFT_API int weft_interrupted(void);

/* ---- Scopes with fibers in them ---------------------------------------------- */

/** A deadline, and fibers that end before it is over. The fields are weft's own. */
struct weft_scope {
	struct weft_timeout timeout;
	struct weft__scope_fibers *fibers; /* NULL: none was started */
};

/**
 * Begin a scope with fibers in it, all of which have ended when weft_scope_end() returns:
 *
 *	weft_scope_begin(&scope, WEFT_SECONDS(5));
 *	weft_scope_spawn(&scope, fetch, &first);
 *	weft_scope_spawn(&scope, fetch, &second);
 *	if (weft_scope_end(&scope) < 0)
 *		...one of them failed, and the other was cancelled; or the 5 s were over...
 *
 * It bounds the calling fiber as weft_timeout_begin() does, and its fibers too: they have
 * the nearest deadline in force where they are started. It is ended where it was begun.
 */
WEFT_API void weft_scope_begin(struct weft_scope *scope, int64_t timeout_ns);

/**
 * weft_spawn() in the scope; by the fiber that began it, which may be the only one to do
 * so. The scope joins the fiber. A fiber that returns less than 0 has failed: the first to
 * fail cancels the others, and the waiting calls of the scope's own fiber, with ECANCELED.
 * Errors: those of weft_spawn(), ECANCELED (a fiber has failed, or weft_scope_cancel()),
 * EINVAL (detached).
 */
WEFT_API weft_fiber_id weft_scope_spawn(struct weft_scope *scope, weft_fiber_fn *fn, void *arg);
WEFT_API weft_fiber_id weft_scope_spawn_with(struct weft_scope *scope,
	const struct weft_spawn_options *options, weft_fiber_fn *fn, void *arg);

/** Cancel the scope's fibers; that they end with ECANCELED is no failure then. */
WEFT_API void weft_scope_cancel(struct weft_scope *scope);

/**
 * Wait for the fibers, and end the scope. A deadline or cancellation meanwhile cancels
 * them, and they are waited for all the same. Returns 0, or what the first fiber to
 * fail returned, with its errno; else -1 with ETIMEDOUT or ECANCELED when that came first.
 */
WEFT_API int weft_scope_end(struct weft_scope *scope);

/* ---- The same as blocks ------------------------------------------------------ */

static inline void weft_timeout_end_(struct weft_timeout *timeout)
{
	weft_timeout_end(timeout);
}

static inline void weft_shield_end_(struct weft_timeout *shield)
{
	weft_shield_end(shield);
}

static inline struct weft_timeout *weft_timeout_begin_(struct weft_timeout *timeout, int64_t ns)
{
	weft_timeout_begin(timeout, ns);
	return timeout;
}

static inline struct weft_timeout *weft_shield_begin_(struct weft_timeout *shield)
{
	weft_shield_begin(shield);
	return shield;
}

/* Each use has names of its own, so that blocks can be nested. */
#define WEFT_JOIN_NAMES_(a, b) a##b
#define WEFT_JOIN_NAMES(a, b)  WEFT_JOIN_NAMES_(a, b)
#define WEFT_SCOPED_(scope, once, end, begin)                                              \
	for (struct weft_timeout scope __attribute__((cleanup(end))), *once = begin; once; \
		once = NULL)

#define WEFT_WITH_TIMEOUT_(n, timeout_ns)                                             \
	WEFT_SCOPED_(WEFT_JOIN_NAMES(weft_scope_, n), WEFT_JOIN_NAMES(weft_once_, n), \
		weft_timeout_end_,                                                    \
		weft_timeout_begin_(&WEFT_JOIN_NAMES(weft_scope_, n), (timeout_ns)))
#define WEFT_SHIELDED_(n)                                                             \
	WEFT_SCOPED_(WEFT_JOIN_NAMES(weft_scope_, n), WEFT_JOIN_NAMES(weft_once_, n), \
		weft_shield_end_, weft_shield_begin_(&WEFT_JOIN_NAMES(weft_scope_, n)))

/**
 * The statement or block that follows runs in a timeout; break, return and goto may leave
 * it. It is a loop of one round to the compiler: break and continue leave the block, and
 * not a loop around it.
 */
#define WEFT_WITH_TIMEOUT(timeout_ns) WEFT_WITH_TIMEOUT_(__COUNTER__, timeout_ns)

/** The statement or block that follows is shielded; it may be left in the same ways. */
#define WEFT_SHIELDED WEFT_SHIELDED_(__COUNTER__)

WEFT_END

#endif
