/*
 * weft/rate.h - how often somebody may do something: a token bucket for each key.
 *
 *	struct weft_rate *rate = weft_rate_new(
 *		&(struct weft_rate_options){.per_second = 10, .burst = 20});
 *	int64_t wait_ns = weft_rate_take(rate, address, len, weft_now());
 *
 *	if (wait_ns > 0)
 *		... not now; in wait_ns
 *
 * A key is any bytes: an address, a name. Each has a bucket of burst tokens, which is full at
 * first and gets per_second new ones a second. The memory is bounded, 16 bytes a key: a new key
 * takes the place of one whose bucket is the fullest among some, so of somebody who has
 * done nothing for a while. Hashes are keyed with a secret: whoever chooses the keys can't
 * choose whose place they take.
 *
 * Threads: any, at once, without a lock. Processes that were forked from the one that made it
 * share it.
 */
#ifndef WEFT_RATE_H
#define WEFT_RATE_H

#include "weft/api.h"

WEFT_BEGIN

/** Keys that are known at a time, unless told otherwise; and at most. */
#define WEFT_RATE_KEYS_DEFAULT ((size_t)65536)
#define WEFT_RATE_KEYS_MAX     ((size_t)1 << 24)

struct weft_rate; /* opaque: src/base/rate.c */

struct weft_rate_options {
	double per_second; /* tokens, from one in a day to 1e9 */
	unsigned burst;    /* tokens of a full bucket; 0: 1 */
	size_t keys_max;   /* 0: WEFT_RATE_KEYS_DEFAULT */
};

/**
 * End it with weft_rate_free(). Errors: EINVAL (per_second or keys_max out of range, or a burst
 * that takes over ten years to come back), ENOMEM, those of getrandom(2).
 */
WEFT_API struct weft_rate *weft_rate_new(const struct weft_rate_options *options);

/**
 * Another rate from now on; burst 0: 1. Buckets keep what has been taken of them. Processes that
 * were forked before keep the old one. Any thread. Errors: EINVAL, as weft_rate_new().
 */
WEFT_API int weft_rate_adjust(struct weft_rate *rate, double per_second, unsigned burst);

/** NULL is fine. */
WEFT_API void weft_rate_free(struct weft_rate *rate);

/**
 * Take a token from the key's bucket. Returns 0; or, when there is none, how long it takes
 * until there is one, in nanoseconds, over 0. now_ns is of a clock that never goes back:
 * weft_now().
 */
WEFT_API int64_t weft_rate_take(
	struct weft_rate *rate, const void *key, size_t len, int64_t now_ns);

/** What weft_rate_take() would return; nothing is taken. */
WEFT_API int64_t weft_rate_wait(
	const struct weft_rate *rate, const void *key, size_t len, int64_t now_ns);

WEFT_END

#endif
