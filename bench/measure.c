/*
 * measure.c - the clock, medians, and whose turn it is.
 *
 * Entry points: bench_clock(), bench_now(), bench_cpu(), bench_median(), bench_median_ratio(),
 * bench_turn().
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t bench_clock(clockid_t clock)
{
	struct timespec now = {0};

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t bench_now(void)
{
	return bench_clock(CLOCK_MONOTONIC);
}

int64_t bench_cpu(void)
{
	return bench_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(const double *values, size_t count)
{
	double sorted[BENCH_ROUNDS_MAX];

	if (count == 0 || count > BENCH_ROUNDS_MAX)
		return NAN;
	memcpy(sorted, values, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare_doubles);
	return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

double bench_median_ratio(const double *values, const double *yardsticks, size_t count)
{
	double ratios[BENCH_ROUNDS_MAX];

	if (count > BENCH_ROUNDS_MAX)
		return NAN;
	for (size_t i = 0; i < count; i++)
		ratios[i] = values[i] / yardsticks[i];
	return bench_median(ratios, count);
}

size_t bench_turn(unsigned round, size_t turn, size_t contender_count)
{
	/* Back and forth: a machine that drifts one way is as kind to the last as to the first. */
	return round % 2 ? contender_count - 1 - turn : turn;
}
