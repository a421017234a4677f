/*
 * histogram.c - see weft/histogram.h.
 *
 * Entry points: weft_histogram_record, weft_histogram_percentile, weft_histogram_merge.
 *
 * A value below 2^8 is its own bucket. A greater one keeps its 8 highest bits: with shift
 * bits dropped there are 128 such values, and their buckets follow those of shift - 1.
 *
 *	value	1....... shift dropped bits	bucket	shift * 128 + the 8 kept bits
 *
 * Never: a loop over values; only over buckets, whose number is fixed.
 */
#include "weft/histogram.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BITS      7
#define PER_SHIFT (1U << BITS)

/** Of the longest value: the position of its highest bit, without the bits that are kept. */
#define SHIFT_MAX    (41 - BITS)
#define BUCKET_COUNT ((SHIFT_MAX + 2) * PER_SHIFT)

_Static_assert(WEFT_HISTOGRAM_MAX_NS >> 42 == 0 && WEFT_HISTOGRAM_MAX_NS >> 41 == 1,
	"an hour has its highest bit where SHIFT_MAX says");

struct weft_histogram {
	uint64_t count;
	unsigned __int128 sum;
	int64_t min, max; /* while count is 0: beyond all values */
	uint64_t buckets[BUCKET_COUNT];
};

/* ---- Buckets --------------------------------------------------------------------- */

static unsigned shift_of_value(uint64_t value)
{
	return value < 2 * PER_SHIFT ? 0 : 63U - (unsigned)__builtin_clzll(value) - BITS;
}

static unsigned bucket_of(int64_t value)
{
	unsigned shift = shift_of_value((uint64_t)value);

	return (shift << BITS) + (unsigned)((uint64_t)value >> shift);
}

static unsigned shift_of_bucket(unsigned bucket)
{
	return bucket < 2 * PER_SHIFT ? 0 : (bucket >> BITS) - 1;
}

/* The least value in it. */
static int64_t bucket_low(unsigned bucket)
{
	unsigned shift = shift_of_bucket(bucket);

	return (int64_t)(bucket - (shift << BITS)) << shift;
}

/* The value that stands for all in it: none is further from the others. */
static int64_t bucket_middle(unsigned bucket)
{
	return bucket_low(bucket) + (((int64_t)1 << shift_of_bucket(bucket)) >> 1);
}

static int64_t within_range(int64_t value)
{
	if (value < WEFT_HISTOGRAM_MIN_NS)
		return WEFT_HISTOGRAM_MIN_NS;
	return value > WEFT_HISTOGRAM_MAX_NS ? WEFT_HISTOGRAM_MAX_NS : value;
}

/* ---- Life ------------------------------------------------------------------------ */

struct weft_histogram *weft_histogram_new(void)
{
	struct weft_histogram *histogram = malloc(sizeof(*histogram));

	if (histogram)
		weft_histogram_reset(histogram);
	return histogram;
}

void weft_histogram_free(struct weft_histogram *histogram)
{
	free(histogram);
}

void weft_histogram_reset(struct weft_histogram *histogram)
{
	memset(histogram, 0, sizeof(*histogram));
	histogram->min = INT64_MAX;
}

/* ---- Recording ------------------------------------------------------------------- */

static void note_extremes(struct weft_histogram *histogram, int64_t low, int64_t high)
{
	if (low < histogram->min)
		histogram->min = low;
	if (high > histogram->max)
		histogram->max = high;
}

void weft_histogram_record(struct weft_histogram *histogram, int64_t value_ns)
{
	int64_t value = within_range(value_ns);

	histogram->buckets[bucket_of(value)]++;
	histogram->count++;
	histogram->sum += (uint64_t)value;
	note_extremes(histogram, value, value);
}

/* count values, the first the greatest, each by interval less than the one before. */
static void record_series(
	struct weft_histogram *histogram, int64_t first, int64_t interval, uint64_t count)
{
	unsigned __int128 whole = (unsigned __int128)count * (uint64_t)first;
	unsigned __int128 steps = (unsigned __int128)count * (count - 1) / 2;

	histogram->buckets[bucket_of(first)] += count;
	histogram->count += count;
	histogram->sum += whole - steps * (uint64_t)interval;
	note_extremes(histogram, first - (int64_t)(count - 1) * interval, first);
}

void weft_histogram_record_corrected(
	struct weft_histogram *histogram, int64_t value_ns, int64_t interval_ns)
{
	int64_t value = within_range(value_ns);

	weft_histogram_record(histogram, value);
	if (interval_ns <= 0)
		return;
	for (value -= interval_ns; value >= interval_ns;) {
		/* Those that fall into one bucket, at once. */
		int64_t low = bucket_low(bucket_of(value));
		int64_t last = low > interval_ns ? low : interval_ns;
		int64_t count = (value - last) / interval_ns + 1;

		record_series(histogram, value, interval_ns, (uint64_t)count);
		value -= count * interval_ns;
	}
}

void weft_histogram_merge(struct weft_histogram *histogram, const struct weft_histogram *other)
{
	assert(histogram != other);
	for (unsigned i = 0; i < BUCKET_COUNT; i++)
		histogram->buckets[i] += other->buckets[i];
	histogram->count += other->count;
	histogram->sum += other->sum;
	if (other->count > 0)
		note_extremes(histogram, other->min, other->max);
}

/* ---- Reading --------------------------------------------------------------------- */

uint64_t weft_histogram_count(const struct weft_histogram *histogram)
{
	return histogram->count;
}

int64_t weft_histogram_min(const struct weft_histogram *histogram)
{
	return histogram->count ? histogram->min : 0;
}

int64_t weft_histogram_max(const struct weft_histogram *histogram)
{
	return histogram->max;
}

double weft_histogram_mean(const struct weft_histogram *histogram)
{
	return histogram->count ? (double)histogram->sum / (double)histogram->count : 0;
}

/* Newton's way, from above: libweft does without libm. */
static double square_root(double square)
{
	double root = square > 1 ? square : 1;
	double next = root;

	if (square <= 0)
		return 0;
	do {
		root = next;
		next = (root + square / root) / 2;
	} while (next < root);
	return root;
}

double weft_histogram_stdev(const struct weft_histogram *histogram)
{
	double mean = weft_histogram_mean(histogram);
	double sum = 0;

	for (unsigned i = 0; i < BUCKET_COUNT; i++) {
		double distance = (double)bucket_middle(i) - mean;

		sum += (double)histogram->buckets[i] * distance * distance;
	}
	return histogram->count ? square_root(sum / (double)histogram->count) : 0;
}

/* How many values there are up to that percentile, at least 1. */
static uint64_t rank_of(const struct weft_histogram *histogram, double percent)
{
	double exact = percent / 100 * (double)histogram->count;
	uint64_t rank = (uint64_t)exact;

	/* 99.9 % of 1000 is 999, though in binary it comes out a little above. */
	if (exact - (double)rank > exact * 1e-12)
		rank++;
	if (rank > histogram->count)
		return histogram->count;
	return rank ? rank : 1;
}

int64_t weft_histogram_percentile(const struct weft_histogram *histogram, double percent)
{
	uint64_t rank, seen = 0;
	unsigned bucket;
	int64_t value;

	/* Not a number is not above 0 either. */
	if (!(percent > 0) || histogram->count == 0)
		return weft_histogram_min(histogram);
	if (percent >= 100)
		return histogram->max;
	rank = rank_of(histogram, percent);
	for (bucket = bucket_of(histogram->min); bucket < BUCKET_COUNT; bucket++) {
		seen += histogram->buckets[bucket];
		if (seen >= rank)
			break;
	}
	value = bucket_middle(bucket);
	if (value > histogram->max)
		return histogram->max;
	return value < histogram->min ? histogram->min : value;
}

uint64_t weft_histogram_count_up_to(const struct weft_histogram *histogram, int64_t value_ns)
{
	unsigned last = bucket_of(within_range(value_ns));
	uint64_t count = 0;

	if (value_ns < histogram->min)
		return 0;
	for (unsigned i = 0; i <= last; i++)
		count += histogram->buckets[i];
	return count;
}
