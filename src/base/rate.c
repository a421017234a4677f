/*
 * rate.c - see weft/rate.h.
 *
 * Entry points: weft_rate_take(), weft_rate_wait().
 *
 * A bucket is one number: when it will be full again (the generic cell rate algorithm). To take a
 * token moves that by the time that a token needs to come; who would move it further than a
 * whole bucket from now has to wait for what is missing.
 *
 *	now                     full_ns                      now + a bucket
 *	 |------- taken -----------|------- still there ----------|
 *
 * Keys are in sets of four, of one cache line each, found by a keyed hash:
 *
 *	set	[ tag | full_ns ][ tag | full_ns ][ tag | full_ns ][ tag | full_ns ]
 *
 * All is in memory that forked processes share, and changed by single atomic steps, so that
 * nobody who dies in the middle leaves a lock behind. What a race can do is to give a key
 * that has just come two places, or another's bucket for a moment: some tokens, for once.
 *
 * Never: waits, or takes memory for a key.
 */
#include "weft/rate.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/siphash.h"

#define WAYS 4

#define PER_SECOND_MIN (1.0 / 86400)
#define PER_SECOND_MAX 1e9
#define BUCKET_MAX_NS  WEFT_SECONDS((int64_t)10 * 365 * 86400)

struct place {
	_Atomic uint64_t tag; /* the key's hash; 0: nobody's */
	_Atomic int64_t full_ns;
};

struct set {
	_Alignas(64) struct place places[WAYS];
};

struct weft_rate {
	struct weft__siphash_key key;
	_Atomic int64_t token_ns;  /* for one to come */
	_Atomic int64_t bucket_ns; /* for all but one */
	size_t set_count;          /* a power of two */
	struct set *sets;
};

static bool are_good(const struct weft_rate_options *options, unsigned burst)
{
	double per_second = options->per_second;

	return per_second >= PER_SECOND_MIN && per_second <= PER_SECOND_MAX &&
	       options->keys_max <= WEFT_RATE_KEYS_MAX &&
	       burst / per_second * 1e9 <= (double)BUCKET_MAX_NS;
}

static void adjust(struct weft_rate *rate, double per_second, unsigned burst)
{
	int64_t token_ns = (int64_t)(1e9 / per_second);

	atomic_store_explicit(&rate->token_ns, token_ns, memory_order_relaxed);
	atomic_store_explicit(&rate->bucket_ns, token_ns * (burst - 1), memory_order_relaxed);
}

int weft_rate_adjust(struct weft_rate *rate, double per_second, unsigned burst)
{
	const struct weft_rate_options options = {.per_second = per_second};

	burst = burst ? burst : 1;
	if (!are_good(&options, burst)) {
		errno = EINVAL;
		return -1;
	}
	adjust(rate, per_second, burst);
	return 0;
}

struct weft_rate *weft_rate_new(const struct weft_rate_options *options)
{
	unsigned burst = options->burst ? options->burst : 1;
	size_t keys = options->keys_max ? options->keys_max : WEFT_RATE_KEYS_DEFAULT;
	struct weft_rate *rate;
	uint8_t secret[16];

	if (!are_good(options, burst)) {
		errno = EINVAL;
		return NULL;
	}
	if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		return NULL;
	rate = calloc(1, sizeof(*rate));
	if (!rate)
		return NULL;
	rate->key = weft__siphash_key(secret);
	adjust(rate, options->per_second, burst);
	rate->set_count = 1;
	while (rate->set_count * WAYS < keys)
		rate->set_count *= 2;
	rate->sets = mmap(NULL, rate->set_count * sizeof(struct set), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (rate->sets == MAP_FAILED) {
		free(rate);
		return NULL;
	}
	return rate;
}

void weft_rate_free(struct weft_rate *rate)
{
	if (!rate)
		return;
	munmap(rate->sets, rate->set_count * sizeof(struct set));
	free(rate);
}

/* The key's place in its set; NULL: it has none. */
static struct place *place_find(struct set *set, uint64_t tag)
{
	for (unsigned i = 0; i < WAYS; i++)
		if (atomic_load_explicit(&set->places[i].tag, memory_order_acquire) == tag)
			return &set->places[i];
	return NULL;
}

/* The place of whoever has the fullest bucket becomes the key's. */
static struct place *place_take(struct set *set, uint64_t tag)
{
	struct place *fullest = &set->places[0];
	int64_t least_ns = INT64_MAX;

	for (unsigned i = 0; i < WAYS; i++) {
		struct place *place = &set->places[i];
		int64_t full_ns = atomic_load_explicit(&place->full_ns, memory_order_relaxed);

		if (atomic_load_explicit(&place->tag, memory_order_relaxed) == 0)
			full_ns = INT64_MIN;
		if (full_ns < least_ns) {
			least_ns = full_ns;
			fullest = place;
		}
	}
	/* In this order a reader that finds the tag finds the bucket that goes with it. */
	atomic_store_explicit(&fullest->full_ns, 0, memory_order_relaxed);
	atomic_store_explicit(&fullest->tag, tag, memory_order_release);
	return fullest;
}

static struct set *set_of(
	const struct weft_rate *rate, const void *key, size_t len, uint64_t *ret_tag)
{
	uint64_t hash = weft__siphash(&rate->key, key, len);

	*ret_tag = hash ? hash : 1;
	return &rate->sets[hash & (rate->set_count - 1)];
}

/* How long a bucket that is full at full_ns has to wait for a token; at most 0: it has one. */
static int64_t wait_of(const struct weft_rate *rate, int64_t full_ns, int64_t now_ns)
{
	return full_ns - now_ns - atomic_load_explicit(&rate->bucket_ns, memory_order_relaxed);
}

int64_t weft_rate_take(struct weft_rate *rate, const void *key, size_t len, int64_t now_ns)
{
	uint64_t tag;
	struct set *set = set_of(rate, key, len, &tag);
	struct place *place = place_find(set, tag);
	int64_t token_ns = atomic_load_explicit(&rate->token_ns, memory_order_relaxed);
	int64_t full_ns, begin_ns;

	if (!place)
		place = place_take(set, tag);
	full_ns = atomic_load_explicit(&place->full_ns, memory_order_relaxed);
	do {
		if (wait_of(rate, full_ns, now_ns) > 0)
			return wait_of(rate, full_ns, now_ns);
		begin_ns = full_ns > now_ns ? full_ns : now_ns;
	} while (!atomic_compare_exchange_weak_explicit(&place->full_ns, &full_ns,
		begin_ns + token_ns, memory_order_relaxed, memory_order_relaxed));
	return 0;
}

int64_t weft_rate_wait(const struct weft_rate *rate, const void *key, size_t len, int64_t now_ns)
{
	uint64_t tag;
	struct set *set = set_of(rate, key, len, &tag);
	const struct place *place = place_find(set, tag);
	int64_t wait_ns;

	if (!place)
		return 0;
	wait_ns =
		wait_of(rate, atomic_load_explicit(&place->full_ns, memory_order_relaxed), now_ns);
	return wait_ns > 0 ? wait_ns : 0;
}
