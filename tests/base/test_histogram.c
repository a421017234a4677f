/* test_histogram.c - weft/histogram.h: percentiles against a sorted array, within 1 part in 256. */
#include "weft/histogram.h"

#include <math.h>

#include "base/hostile.h"
#include "base/prng.h"

#define VALUES_MAX 20000

/* The promised error of what is read back. */
#define ERROR_MAX (1.0 / 256)

/* check: aarch64 valgrind */

static int compare(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

static void check_near(int64_t got, int64_t wanted)
{
	double distance = fabs((double)got - (double)wanted);

	if (distance > (double)wanted * ERROR_MAX)
		check_fail(__FILE__, __LINE__, "%lld is too far from %lld", (long long)got,
			(long long)wanted);
}

/* A duration of any size between 1 ns and an hour: as many short ones as long ones. */
static int64_t any_value(struct prng *prng)
{
	uint64_t high = (uint64_t)1 << prng_below(prng, 42);

	return 1 + (int64_t)((high + prng_below(prng, high)) % (uint64_t)WEFT_HISTOGRAM_MAX_NS);
}

/* The value of that rank by definition: percent is given in thousandths, to be exact. */
static int64_t sorted_percentile(const int64_t *sorted, size_t count, unsigned thousandths)
{
	size_t rank = (count * thousandths + 99999) / 100000;

	return sorted[rank ? rank - 1 : 0];
}

static void check_against_sorted(int64_t *values, size_t count)
{
	struct weft_histogram *histogram = weft_histogram_new();
	double mean = 0, squares = 0;

	for (size_t i = 0; i < count; i++) {
		weft_histogram_record(histogram, values[i]);
		mean += (double)values[i] / (double)count;
	}
	for (size_t i = 0; i < count; i++)
		squares += ((double)values[i] - mean) * ((double)values[i] - mean) / (double)count;
	qsort(values, count, sizeof(*values), compare);
	CHECK_INT(weft_histogram_count(histogram), ==, count);
	CHECK_INT(weft_histogram_min(histogram), ==, values[0]);
	CHECK_INT(weft_histogram_max(histogram), ==, values[count - 1]);
	CHECK(fabs(weft_histogram_mean(histogram) - mean) <= mean * 1e-9);
	/* Of values that are all much alike their distance from the mean is what is rounded. */
	CHECK(fabs(weft_histogram_stdev(histogram) - sqrt(squares)) <=
		(mean + sqrt(squares)) * ERROR_MAX);
	for (unsigned thousandths = 0; thousandths <= 100000; thousandths += 50)
		check_near(weft_histogram_percentile(histogram, thousandths / 1000.0),
			sorted_percentile(values, count, thousandths));
	weft_histogram_free(histogram);
}

CHECK_CASE(every_percentile_is_within_the_error_of_the_sorted_values)
{
	static int64_t values[VALUES_MAX];
	struct prng prng = {20240601};

	for (unsigned round = 0; round < check_rounds(20); round++) {
		size_t count = 1 + prng_below(&prng, VALUES_MAX);

		for (size_t i = 0; i < count; i++)
			values[i] = any_value(&prng);
		check_against_sorted(values, count);
	}
}

CHECK_CASE(percentiles_of_values_that_are_much_alike_are_right_too)
{
	static int64_t values[VALUES_MAX];
	struct prng prng = {7};

	for (unsigned round = 0; round < check_rounds(20); round++) {
		size_t count = 1 + prng_below(&prng, 3000);
		int64_t base = any_value(&prng) / 2 + 1;

		for (size_t i = 0; i < count; i++)
			values[i] = base + (int64_t)prng_below(&prng, (uint64_t)base);
		check_against_sorted(values, count);
	}
}

CHECK_CASE(small_values_and_their_percentiles_are_exact)
{
	struct weft_histogram *histogram = weft_histogram_new();

	for (int64_t value = 1; value <= 200; value++)
		weft_histogram_record(histogram, value);
	for (int percent = 1; percent <= 100; percent++)
		CHECK_INT(weft_histogram_percentile(histogram, percent), ==, 2 * percent);
	CHECK_INT(weft_histogram_percentile(histogram, 99.5), ==, 199);
	CHECK_INT(weft_histogram_percentile(histogram, 99.51), ==, 200);
	CHECK_INT(weft_histogram_count_up_to(histogram, 0), ==, 0);
	CHECK_INT(weft_histogram_count_up_to(histogram, 50), ==, 50);
	CHECK_INT(weft_histogram_count_up_to(histogram, WEFT_SECONDS(1)), ==, 200);
	weft_histogram_free(histogram);
}

CHECK_CASE(each_value_comes_back_within_the_error_and_the_buckets_are_in_order)
{
	struct weft_histogram *histogram = weft_histogram_new();
	int64_t before = 0;

	for (int64_t value = 1; value < WEFT_HISTOGRAM_MAX_NS; value += 1 + value / 700) {
		int64_t middle;

		weft_histogram_reset(histogram);
		/* The extremes are exact, so they must not be what is read. */
		weft_histogram_record(histogram, 1);
		weft_histogram_record(histogram, value);
		weft_histogram_record(histogram, WEFT_HISTOGRAM_MAX_NS);
		middle = weft_histogram_percentile(histogram, 50);
		check_near(middle, value);
		CHECK_INT(middle, >=, before);
		before = middle;
	}
	weft_histogram_free(histogram);
}

CHECK_CASE(an_empty_one_is_zero_everywhere)
{
	struct weft_histogram *histogram = weft_histogram_new();
	struct weft_histogram *other = weft_histogram_new();

	weft_histogram_record(histogram, 5);
	weft_histogram_reset(histogram);
	weft_histogram_merge(histogram, other);
	CHECK_INT(weft_histogram_count(histogram), ==, 0);
	CHECK_INT(weft_histogram_min(histogram), ==, 0);
	CHECK_INT(weft_histogram_max(histogram), ==, 0);
	CHECK_INT(weft_histogram_percentile(histogram, 50), ==, 0);
	CHECK_INT(weft_histogram_count_up_to(histogram, WEFT_HISTOGRAM_MAX_NS), ==, 0);
	CHECK(weft_histogram_mean(histogram) == 0 && weft_histogram_stdev(histogram) == 0);
	weft_histogram_free(histogram);
	weft_histogram_free(other);
	weft_histogram_free(NULL);
}

CHECK_CASE(what_lies_outside_counts_as_the_nearest_value_inside)
{
	struct weft_histogram *histogram = weft_histogram_new();

	weft_histogram_record(histogram, INT64_MIN);
	weft_histogram_record(histogram, 0);
	weft_histogram_record(histogram, INT64_MAX);
	CHECK_INT(weft_histogram_min(histogram), ==, WEFT_HISTOGRAM_MIN_NS);
	CHECK_INT(weft_histogram_max(histogram), ==, WEFT_HISTOGRAM_MAX_NS);
	CHECK_INT(weft_histogram_percentile(histogram, -5), ==, 1);
	CHECK_INT(weft_histogram_percentile(histogram, NAN), ==, 1);
	CHECK_INT(weft_histogram_percentile(histogram, 60), ==, 1);
	CHECK_INT(weft_histogram_percentile(histogram, 100), ==, WEFT_HISTOGRAM_MAX_NS);
	CHECK_INT(weft_histogram_percentile(histogram, INFINITY), ==, WEFT_HISTOGRAM_MAX_NS);
	CHECK(weft_histogram_mean(histogram) * 3 == (double)(WEFT_HISTOGRAM_MAX_NS + 2));
	weft_histogram_free(histogram);
}

static void check_same(const struct weft_histogram *a, const struct weft_histogram *b)
{
	CHECK_INT(weft_histogram_count(a), ==, weft_histogram_count(b));
	CHECK_INT(weft_histogram_min(a), ==, weft_histogram_min(b));
	CHECK_INT(weft_histogram_max(a), ==, weft_histogram_max(b));
	CHECK(weft_histogram_mean(a) == weft_histogram_mean(b));
	CHECK(weft_histogram_stdev(a) == weft_histogram_stdev(b));
	for (double percent = 0; percent <= 100; percent += 0.25)
		CHECK_INT(weft_histogram_percentile(a, percent), ==,
			weft_histogram_percentile(b, percent));
}

CHECK_CASE(merged_ones_are_the_same_as_one_that_was_told_everything)
{
	struct weft_histogram *all = weft_histogram_new();
	struct weft_histogram *merged = weft_histogram_new();
	struct weft_histogram *parts[4];
	struct prng prng = {99};

	for (unsigned i = 0; i < 4; i++)
		parts[i] = weft_histogram_new();
	for (unsigned i = 0; i < 30000; i++) {
		int64_t value = any_value(&prng);

		weft_histogram_record(all, value);
		weft_histogram_record(parts[prng_below(&prng, 3)], value); /* one stays empty */
	}
	for (unsigned i = 0; i < 4; i++) {
		weft_histogram_merge(merged, parts[i]);
		weft_histogram_free(parts[i]);
	}
	check_same(merged, all);
	CHECK_DIES(weft_histogram_merge(all, all));
	weft_histogram_free(merged);
	weft_histogram_free(all);
}

CHECK_CASE(the_correction_adds_what_a_waiting_observer_left_out)
{
	struct weft_histogram *corrected = weft_histogram_new();
	struct weft_histogram *plain = weft_histogram_new();
	struct prng prng = {3};

	for (unsigned i = 0; i < 2000; i++) {
		int64_t value = 1 + (int64_t)prng_below(&prng, 200000);
		int64_t interval = (int64_t)prng_below(&prng, 3000) - 10;

		weft_histogram_record_corrected(corrected, value, interval);
		weft_histogram_record(plain, value);
		if (interval > 0)
			for (value -= interval; value >= interval; value -= interval)
				weft_histogram_record(plain, value);
	}
	check_same(corrected, plain);
	weft_histogram_free(corrected);
	weft_histogram_free(plain);
}

CHECK_CASE(a_correction_by_a_million_million_values_takes_no_time)
{
	struct weft_histogram *histogram = weft_histogram_new();

	weft_histogram_record_corrected(histogram, INT64_MAX, 1);
	CHECK_INT(weft_histogram_count(histogram), ==, WEFT_HISTOGRAM_MAX_NS);
	CHECK_INT(weft_histogram_min(histogram), ==, 1);
	check_near(weft_histogram_percentile(histogram, 25), WEFT_HISTOGRAM_MAX_NS / 4);
	CHECK(fabs(weft_histogram_mean(histogram) - (double)WEFT_HISTOGRAM_MAX_NS / 2) < 1);
	weft_histogram_record_corrected(histogram, 5, INT64_MAX);
	CHECK_INT(weft_histogram_count(histogram), ==, WEFT_HISTOGRAM_MAX_NS + 1);
	weft_histogram_free(histogram);
}

CHECK_MAIN()
