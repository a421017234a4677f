/*
 * latency.c - durations, counted in buckets: percentiles within 1.6 %.
 *
 * Entry points: latencies_init(), latencies_add(), latencies_at(), latencies_fini().
 * Exact below 64 ns, then 64 buckets for each doubling.
 */
#include "bench.h"

#include <stdlib.h>

#define BUCKET_BITS  6
#define BUCKETS_PER  (1U << BUCKET_BITS)
#define BUCKET_COUNT ((64 - BUCKET_BITS + 1) * BUCKETS_PER)

static unsigned bucket_of(uint64_t value)
{
	unsigned shift;

	if (value < BUCKETS_PER)
		return (unsigned)value;
	shift = 63U - (unsigned)__builtin_clzll(value) - BUCKET_BITS;
	return (shift << BUCKET_BITS) + (unsigned)(value >> shift);
}

/* The middle of a bucket. */
static double bucket_value(unsigned bucket)
{
	unsigned shift;
	uint64_t low;

	if (bucket < BUCKETS_PER)
		return bucket;
	shift = (bucket >> BUCKET_BITS) - 1;
	low = (uint64_t)(bucket - (shift << BUCKET_BITS)) << shift;
	return (double)low + (double)((uint64_t)1 << shift) / 2;
}

int latencies_init(struct latencies *latencies)
{
	latencies->count = 0;
	latencies->buckets = calloc(BUCKET_COUNT, sizeof(*latencies->buckets));
	return latencies->buckets != NULL ? 0 : -1;
}

void latencies_fini(struct latencies *latencies)
{
	free(latencies->buckets);
}

void latencies_add(struct latencies *latencies, int64_t duration_ns)
{
	latencies->count++;
	latencies->buckets[bucket_of((uint64_t)duration_ns)]++;
}

double latencies_at(const struct latencies *latencies, double share)
{
	uint64_t rank = (uint64_t)((double)latencies->count * share), seen = 0;

	for (unsigned i = 0; i < BUCKET_COUNT; i++) {
		seen += latencies->buckets[i];
		if (seen > rank)
			return bucket_value(i);
	}
	return NAN;
}
