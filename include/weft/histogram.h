/*
 * weft/histogram.h - how long things took: many durations in little memory, and their percentiles.
 *
 *	struct weft_histogram *latency = weft_histogram_new();
 *
 *	weft_histogram_record(latency, weft_now() - began);
 *	printf("p99 %lld ns\n", (long long)weft_histogram_percentile(latency, 99));
 *	weft_histogram_free(latency);
 *
 * The buckets are log-linear, as those of HdrHistogram: exact below 256 ns, then 128 of them
 * for each doubling. So whatever is recorded, the memory is the same (about 36 KiB), and a
 * value that is read back differs from one that was recorded by at most 1 part in 256.
 *
 *	1 ns      256        512          1024                      1 h
 *	||||||||||||| | | | | |   |   |   |   |       |    . . .     |
 *
 * The mean, the least and the greatest value are exact.
 * Threads: one at a time for each histogram; several make one each, and merge them.
 */
#ifndef WEFT_HISTOGRAM_H
#define WEFT_HISTOGRAM_H

#include "weft/api.h"

WEFT_BEGIN

struct weft_histogram; /* opaque: src/base/histogram.c */

/** What is shorter or longer counts as this. */
#define WEFT_HISTOGRAM_MIN_NS ((int64_t)1)
#define WEFT_HISTOGRAM_MAX_NS WEFT_SECONDS(3600)

/** An empty one. End it with weft_histogram_free(). Errors: NULL with ENOMEM. */
WEFT_API struct weft_histogram *weft_histogram_new(void);

/** NULL is fine. */
WEFT_API void weft_histogram_free(struct weft_histogram *histogram);

/** Make it empty. */
WEFT_API void weft_histogram_reset(struct weft_histogram *histogram);

/* ---- Recording --------------------------------------------------------------- */

/** Count one value. */
WEFT_API void weft_histogram_record(struct weft_histogram *histogram, int64_t value_ns);

/**
 * Count one value, measured by somebody who does the same thing every interval_ns, one after
 * the other, and so was kept from doing it by a long one ("coordinated omission"): those that
 * he left out count as well, as value - interval, value - 2 * interval and so on, down to the
 * last that is not below the interval. An interval of zero or less adds nothing. Takes a
 * bounded time, however many those are.
 */
WEFT_API void weft_histogram_record_corrected(
	struct weft_histogram *histogram, int64_t value_ns, int64_t interval_ns);

/** Add all that was recorded in other, which stays as it is and may not be the same one. */
WEFT_API void weft_histogram_merge(
	struct weft_histogram *histogram, const struct weft_histogram *other);

/* ---- Reading ----------------------------------------------------------------- */

/* All of these are 0 while nothing was recorded. */

/** How many values were recorded. */
WEFT_API uint64_t weft_histogram_count(const struct weft_histogram *histogram);

/** The least and the greatest value, exactly. */
WEFT_API int64_t weft_histogram_min(const struct weft_histogram *histogram);
WEFT_API int64_t weft_histogram_max(const struct weft_histogram *histogram);

/** The mean, exactly but for rounding, and the standard deviation, of the population. */
WEFT_API double weft_histogram_mean(const struct weft_histogram *histogram);
WEFT_API double weft_histogram_stdev(const struct weft_histogram *histogram);

/**
 * The least value that at least percent of all values do not exceed: 50 is the median. 0 is
 * the least of all, 100 the greatest, exactly; what lies outside counts as these.
 */
WEFT_API int64_t weft_histogram_percentile(const struct weft_histogram *histogram, double percent);

/** How many of the values do not exceed this one, all in its bucket among them. */
WEFT_API uint64_t weft_histogram_count_up_to(
	const struct weft_histogram *histogram, int64_t value_ns);

WEFT_END

#endif
