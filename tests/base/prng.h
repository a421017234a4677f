/*
 * prng.h - the random numbers of the tests: SplitMix64, the same from the same seed everywhere.
 *
 *	struct prng prng = {seed};
 *	uint64_t any = prng_next(&prng);
 *	size_t i = prng_below(&prng, count);
 *
 * Never: anything secret, and nothing outside the tests.
 */
#ifndef TESTS_PRNG_H
#define TESTS_PRNG_H

#include <stdint.h>

struct prng {
	uint64_t state; /* any value is a seed, 0 too */
};

static inline uint64_t prng_next(struct prng *prng)
{
	uint64_t z = (prng->state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/** Even enough for tests: from 0 to bound - 1; bound must not be 0. */
static inline uint64_t prng_below(struct prng *prng, uint64_t bound)
{
	return (uint64_t)(((unsigned __int128)prng_next(prng) * bound) >> 64);
}

#endif
