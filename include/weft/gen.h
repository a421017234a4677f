/*
 * weft/gen.h - generators: functions that hand out one value after another, lazily.
 *
 *	static int count(struct weft_gen *gen, void *arg)
 *	{
 *		for (uintptr_t i = 1; i <= (uintptr_t)arg; i++)
 *			if (weft_gen_yield(gen, (void *)i) < 0)
 *				return -1;	// nobody wants the rest
 *		return 0;
 *	}
 *	struct weft_gen *gen = weft_gen_new(count, (void *)3, NULL);
 *	void *value;
 *	while (weft_gen_next(gen, &value))
 *		use(value);		// 1, 2, 3
 *	weft_gen_free(gen);
 *
 * A generator runs on a stack of its own, inside weft_gen_next(), so it may recurse and
 * wait, and is bounded by the caller's deadlines. Threads: as coroutines (weft/coro.h),
 * a generator is used by the fiber or thread that made it, and by no other (EPERM).
 */
#ifndef WEFT_GEN_H
#define WEFT_GEN_H

#include "weft/coro.h"

WEFT_BEGIN

struct weft_gen; /* opaque: src/fiber/gen.c */

/** The body. What it returns is weft_gen_result(). */
typedef int weft_gen_fn(struct weft_gen *gen, void *arg);

/**
 * Make a generator, which runs up to its first value at the first next. options may be
 * NULL. Errors: EINVAL (no body, stack size), ENOMEM.
 */
WEFT_API struct weft_gen *weft_gen_new(
	weft_gen_fn *fn, void *arg, const struct weft_coro_options *options);

/**
 * Close it, if it has not come to its end, and free it; NULL is fine. The yield that it
 * is in, and each later one, fails with ECANCELED, so that its body cleans up and returns.
 */
WEFT_API void weft_gen_free(struct weft_gen *gen);

/**
 * Run it up to its next value: true, and the value in *ret_value, which lives as long as
 * the body says. False: it has come to its end, now or before.
 * Also false: EPERM (another fiber's), EBUSY (called by its own body), ENOMEM; errno
 * is 0 at a true end.
 */
WEFT_API bool weft_gen_next(struct weft_gen *gen, void **ret_value);

/** The same, and the body's pending yield returns 0 with sent in its *ret_sent. */
WEFT_API bool weft_gen_send(struct weft_gen *gen, void *sent, void **ret_value);

/** Body only: hand out a value and wait for the next to be asked for.
 * Errors: ECANCELED (closed), EPERM (not the body). */
WEFT_API int weft_gen_yield(struct weft_gen *gen, void *value);
WEFT_API int weft_gen_yield_for(struct weft_gen *gen, void *value, void **ret_sent);

/** What the body returned; 0 while it has not. */
WEFT_API int weft_gen_result(const struct weft_gen *gen);

WEFT_END

#endif
