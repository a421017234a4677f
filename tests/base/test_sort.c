/*
 * test_sort.c - base/sort.c: order, permutation and stability against simple checks, and
 * the number of comparisons on input made to be slow.
 */
#include "weft/sort.h"

#include <sys/resource.h>

#include "base/prng.h"
#include "check.h"

/** Comparisons per count * log2_of((size_t)count) that no input may exceed. */
#define SORT_FACTOR   4.0
#define STABLE_FACTOR 1.2

static size_t compared;

/* Rounded up. */
static double log2_of(size_t count)
{
	double log2 = 0;

	for (size_t power = 1; power < count; power *= 2)
		log2++;
	return log2;
}

/* ---- Any size of element: the value, the index it came from, then filling ------- */

struct head {
	uint16_t value;
	uint16_t origin;
};

static uint8_t filling(struct head head, size_t offset)
{
	return (uint8_t)(head.value * 31 + head.origin * 7 + offset);
}

static int by_value(const void *a, const void *b, void *context)
{
	struct head left, right;

	compared++;
	CHECK_STR(context, context);
	memcpy(&left, a, sizeof(left));
	memcpy(&right, b, sizeof(right));
	return (left.value > right.value) - (left.value < right.value);
}

static void fill_element(uint8_t *element, size_t size, struct head head)
{
	for (size_t offset = sizeof(head); offset < size; offset++)
		element[offset] = filling(head, offset);
	memcpy(element, &head, sizeof(head));
}

/* Every element once, whole, ascending; equal ones in their old order if stable. */
static void check_sorted(const uint8_t *base, size_t count, size_t size, bool stable)
{
	bool *seen = calloc(count + 1, sizeof(*seen));
	struct head last = {0, 0};

	for (size_t i = 0; i < count; i++) {
		const uint8_t *element = base + i * size;
		struct head head;

		memcpy(&head, element, sizeof(head));
		CHECK_INT(head.origin, <, count);
		CHECK(!seen[head.origin]);
		seen[head.origin] = true;
		CHECK(i == 0 || last.value <= head.value);
		CHECK(!stable || i == 0 || last.value < head.value || last.origin < head.origin);
		for (size_t offset = sizeof(head); offset < size; offset++)
			CHECK_INT(element[offset], ==, filling(head, offset));
		last = head;
	}
	free(seen);
}

static void sort_random(struct prng *prng, size_t count, size_t size, bool stable)
{
	size_t distinct = 1 + prng_below(prng, count * 2 + 1);
	uint8_t *base = malloc(count * size + 2), *elements = base + 1; /* unaligned */
	char context[] = "context";

	CHECK(base);
	base[0] = base[1 + count * size] = 0xa5;
	for (size_t i = 0; i < count; i++) {
		struct head head = {(uint16_t)prng_below(prng, distinct), (uint16_t)i};

		if (prng_below(prng, 4) == 0)
			distinct = 1 + prng_below(prng, count * 2); /* neighbours alike: runs */
		fill_element(elements + i * size, size, head);
	}
	if (stable)
		CHECK_INT(weft_sort_stable(elements, count, size, by_value, context), ==, 0);
	else
		weft_sort(elements, count, size, by_value, context);
	check_sorted(elements, count, size, stable);
	CHECK(base[0] == 0xa5 && base[1 + count * size] == 0xa5);
	free(base);
}

CHECK_CASE(both_sorts_order_random_arrays_of_any_element_size)
{
	static const size_t sizes[] = {4, 8, 16, 5, 7, 12, 24, 63, 64, 65, 129, 300};
	struct prng prng = {1};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		for (size_t count = 0; count < 40; count++) {
			sort_random(&prng, count, sizes[i], false);
			sort_random(&prng, count, sizes[i], true);
		}
		for (unsigned round = 0; round < check_rounds(20); round++) {
			sort_random(&prng, prng_below(&prng, 3000), sizes[i], false);
			sort_random(&prng, prng_below(&prng, 3000), sizes[i], true);
		}
	}
}

static int never_asked(const void *a, const void *b, void *context)
{
	(void)a, (void)b, (void)context;
	CHECK(!"asked");
	return 0;
}

CHECK_CASE(nothing_to_sort_asks_nothing)
{
	int one = 1;

	weft_sort(NULL, 0, sizeof(one), never_asked, NULL);
	weft_sort(&one, 1, sizeof(one), never_asked, NULL);
	weft_sort(&one, 100, 0, never_asked, NULL);
	CHECK_INT(weft_sort_stable(NULL, 0, sizeof(one), never_asked, NULL), ==, 0);
	CHECK_INT(weft_sort_stable(&one, 1, sizeof(one), never_asked, NULL), ==, 0);
	CHECK_INT(weft_sort_stable(&one, 100, 0, never_asked, NULL), ==, 0);
}

/* ---- Slow input ------------------------------------------------------------------ */

static int by_int(const void *a, const void *b, void *context)
{
	int left = *(const int *)a, right = *(const int *)b;

	(void)context;
	compared++;
	return (left > right) - (left < right);
}

static void check_ascending(const int *values, size_t count)
{
	for (size_t i = 1; i < count; i++)
		CHECK_INT(values[i - 1], <=, values[i]);
}

enum pattern {
	RANDOM,
	SORTED,
	REVERSED,
	EQUAL,
	FEW_DISTINCT,
	ORGAN_PIPE,
	SAWTOOTH,
	SORTED_BUT_THE_LAST,
	SORTED_BUT_A_FEW,
	PATTERNS
};

static int pattern_value(struct prng *prng, enum pattern pattern, int i, int count)
{
	switch (pattern) {
	case SORTED:
		return i;
	case REVERSED:
		return count - i;
	case EQUAL:
		return 7;
	case FEW_DISTINCT:
		return (int)prng_below(prng, 4);
	case ORGAN_PIPE:
		return i < count / 2 ? i : count - i;
	case SAWTOOTH:
		return i % 100;
	case SORTED_BUT_THE_LAST:
		return i == count - 1 ? count / 3 : i;
	case SORTED_BUT_A_FEW:
		return i > count - 6 ? (int)prng_below(prng, (uint64_t)count) : i;
	default:
		return (int)(prng_next(prng) >> 40);
	}
}

/* Returns the comparisons per element. */
static double compared_per_element(enum pattern pattern, size_t count, bool stable)
{
	struct prng prng = {3};
	int *values = malloc(count * sizeof(*values));

	CHECK(values);
	for (size_t i = 0; i < count; i++)
		values[i] = pattern_value(&prng, pattern, (int)i, (int)count);
	compared = 0;
	if (stable)
		CHECK_INT(weft_sort_stable(values, count, sizeof(int), by_int, NULL), ==, 0);
	else
		weft_sort(values, count, sizeof(int), by_int, NULL);
	check_ascending(values, count);
	free(values);
	return (double)compared / (double)count;
}

CHECK_CASE(no_pattern_takes_many_more_comparisons_than_random_input)
{
	for (size_t count = 1000; count <= 100000; count *= 10) {
		for (int pattern = 0; pattern < PATTERNS; pattern++) {
			double log2_count = log2_of(count);

			CHECK(compared_per_element(pattern, count, false) < 1.4 * log2_count);
			CHECK(compared_per_element(pattern, count, true) <
				STABLE_FACTOR * log2_count);
		}
	}
}

CHECK_CASE(sorted_and_reversed_input_takes_one_comparison_per_element)
{
	CHECK(compared_per_element(SORTED, 10000, false) < 1);
	CHECK(compared_per_element(SORTED, 10000, true) < 1);
	CHECK(compared_per_element(REVERSED, 10000, false) < 1);
	CHECK(compared_per_element(REVERSED, 10000, true) < 1);
	CHECK(compared_per_element(EQUAL, 10000, false) < 1);
	CHECK(compared_per_element(SORTED_BUT_THE_LAST, 10000, true) < 4);
}

CHECK_CASE(few_distinct_values_take_few_comparisons)
{
	CHECK(compared_per_element(FEW_DISTINCT, 100000, false) < 4);
}

/*
 * The adversary of McIlroy ("A killer adversary for quicksort", 1999): values are
 * not fixed until the sort asks. Asked to compare two that are open ("gas") it
 * freezes the one that looks like the pivot at the least value left, so that every
 * pivot turns out to be among the smallest of its range. The first three are fixed
 * beforehand, neither rising nor falling, else a look for runs would fix all.
 */
struct adversary {
	int *value;
	int gas;
	int next; /* value to freeze at */
	int candidate;
};

static int by_malice(const void *a, const void *b, void *context)
{
	struct adversary *adversary = context;
	int left = *(const int *)a, right = *(const int *)b;
	int *value = adversary->value;

	compared++;
	if (value[left] == adversary->gas && value[right] == adversary->gas)
		value[left == adversary->candidate ? left : right] = adversary->next++;
	if (value[left] == adversary->gas)
		adversary->candidate = left;
	else if (value[right] == adversary->gas)
		adversary->candidate = right;
	return (value[left] > value[right]) - (value[left] < value[right]);
}

/* Sort against the adversary; *ret_values becomes the input it has made up. */
static void run_adversary(int count, bool stable, int **ret_values)
{
	int *indexes = malloc((size_t)count * sizeof(int));
	struct adversary adversary = {malloc((size_t)count * sizeof(int)), count, 3, 0};

	CHECK(indexes && adversary.value);
	for (int i = 0; i < count; i++) {
		indexes[i] = i;
		adversary.value[i] = adversary.gas;
	}
	memcpy(adversary.value, (int[]){1, 0, 2}, 3 * sizeof(int));
	compared = 0;
	if (stable)
		CHECK_INT(weft_sort_stable(
				  indexes, (size_t)count, sizeof(int), by_malice, &adversary),
			==, 0);
	else
		weft_sort(indexes, (size_t)count, sizeof(int), by_malice, &adversary);
	for (int i = 1; i < count; i++)
		CHECK_INT(adversary.value[indexes[i - 1]], <=, adversary.value[indexes[i]]);
	free(indexes);
	*ret_values = adversary.value;
}

CHECK_CASE(an_adversary_can_not_make_either_sort_slower_than_n_log_n)
{
	for (int count = 100; count <= 100000; count *= 10) {
		double bound = count * log2_of((size_t)count);
		int *values;

		run_adversary(count, false, &values);
		CHECK((double)compared < SORT_FACTOR * bound);
		compared = 0; /* and the same again, with the input it has made up */
		weft_sort(values, (size_t)count, sizeof(int), by_int, NULL);
		CHECK((double)compared < SORT_FACTOR * bound);
		check_ascending(values, (size_t)count);
		free(values);
		run_adversary(count, true, &values);
		CHECK((double)compared < STABLE_FACTOR * bound);
		free(values);
	}
}

CHECK_CASE(the_adversary_does_drive_the_sort_to_its_fallback)
{
	double random = compared_per_element(RANDOM, 10000, false);
	int *values;

	run_adversary(10000, false, &values);
	CHECK((double)compared / 10000 > 1.5 * random);
	free(values);
}

/* ---- What can go wrong ------------------------------------------------------------- */

static int at_random(const void *a, const void *b, void *context)
{
	(void)a, (void)b;
	return (int)prng_below(context, 3) - 1;
}

CHECK_CASE(a_comparison_that_is_no_order_leaves_a_permutation)
{
	enum { COUNT = 500 };
	int *values = malloc(COUNT * sizeof(*values));
	struct prng prng = {4};

	CHECK(values);
	for (unsigned round = 0; round < check_rounds(200); round++) {
		for (int i = 0; i < COUNT; i++)
			values[i] = i;
		if (round % 2)
			CHECK_INT(weft_sort_stable(values, COUNT, sizeof(int), at_random, &prng),
				==, 0);
		else
			weft_sort(values, COUNT, sizeof(int), at_random, &prng);
		weft_sort(values, COUNT, sizeof(int), by_int, NULL);
		for (int i = 0; i < COUNT; i++)
			CHECK_INT(values[i], ==, i);
	}
	free(values);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

CHECK_CASE(the_stable_sort_without_memory_says_so_and_changes_nothing)
{
#ifndef SANITIZED /* they map far more than any limit */
	enum { COUNT = 16 << 20 };
	static int values[COUNT];
	const struct rlimit little = {16 << 20, 16 << 20};
	static const int few[] = {2, 1, 3};
	int some[3];

	for (int i = 0; i < COUNT; i++)
		values[i] = i ^ 1;
	CHECK_INT(setrlimit(RLIMIT_AS, &little), ==, 0);
	CHECK_ERRNO(weft_sort_stable(values, COUNT, sizeof(int), by_int, NULL), ENOMEM);
	for (int i = 0; i < COUNT; i++)
		CHECK_INT(values[i], ==, i ^ 1);
	memcpy(some, few, sizeof(few));
	CHECK_INT(weft_sort_stable(some, 3, sizeof(int), by_int, NULL), ==, 0);
	check_ascending(some, 3);
#endif
}

CHECK_MAIN()
