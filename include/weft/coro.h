/*
 * weft/coro.h - coroutines: bare, symmetric switching from stack to stack, by hand.
 *
 * What Python calls a greenlet. No scheduler knows of them: a coroutine runs when somebody
 * switches to it, and until it switches away.
 *
 *	static void *pong(void *arg)
 *	{
 *		for (;;)			// back to main's stack, and again
 *			if (weft_coro_switch(NULL, "pong", &arg) < 0)
 *				return NULL;	// it is being freed
 *	}
 *	struct weft_coro *coro = weft_coro_new(pong, NULL, NULL);
 *	weft_coro_switch(coro, "ping", &answer);	// answer is "pong"
 *
 * A coroutine belongs to the fiber, or plain thread, that made it, and runs there only.
 * Inside it every other call works: one that waits parks the whole fiber. errno is kept
 * per coroutine. Deadlines and shields (weft/scope.h) that a coroutine begins hold while
 * it runs; around them are those of the fiber's own stack.
 * Threads: a coroutine is used by its fiber or thread alone (else EPERM).
 */
#ifndef WEFT_CORO_H
#define WEFT_CORO_H

#include "weft/api.h"

WEFT_BEGIN

struct weft_coro; /* opaque: src/fiber/coro.c */

/** What a coroutine runs. arg is the value of the first switch to it. */
typedef void *weft_coro_fn(void *arg);

struct weft_coro_options {
	const char *name;        /* copied, cut at 31 bytes; NULL: "coroutine" */
	size_t stack_size_bytes; /* rounded up to a power of two; 0: 64 KiB */
};

/**
 * Make a coroutine, which does not run yet. options may be NULL. Its parent is the
 * calling coroutine: who is gone on with when it ends. End it with weft_coro_free().
 * Errors: EINVAL (no function, stack size), ENOMEM.
 */
WEFT_API struct weft_coro *weft_coro_new(weft_coro_fn *fn, const struct weft_coro_options *options);

/**
 * Free it; NULL is fine. One that is suspended part-way is switched to a last time: the
 * switch that it is in fails with ECANCELED, as does each one it makes from then on, so
 * that it can clean up and return. The calling coroutine and its ancestors must not be freed.
 */
WEFT_API void weft_coro_free(struct weft_coro *coro);

/**
 * Go on in `to` (NULL: on the fiber's or thread's own stack). The value is what the
 * switch returns there, or the argument of its function the first time. Returns 0 when
 * somebody switches back, with their value in *ret_value (which may be NULL), or, when a
 * child ended, what its function returned.
 * Errors, and then nothing was switched: ESRCH (to has ended), EPERM (it is another
 * fiber's); after a switch: ECANCELED (the caller is being freed).
 */
WEFT_API int weft_coro_switch(struct weft_coro *to, void *value, void **ret_value);

/** The calling coroutine; NULL on a fiber's or thread's own stack. */
WEFT_API struct weft_coro *weft_coro_self(void);

/** Whether its function has not returned yet. */
WEFT_API bool weft_coro_is_alive(const struct weft_coro *coro);

/** Its name, which lives as long as it. */
WEFT_API const char *weft_coro_name(const struct weft_coro *coro);

WEFT_END

#endif
