/*
 * test_search.c - base/search.c: against a linear scan over arrays of all small lengths.
 */
#include "weft/search.h"

#include "base/prng.h"
#include "check.h"

#define VALUES_MAX 70

static int by_value(const void *key, const void *element, void *context)
{
	int a = *(const int *)key, b = *(const int *)element;

	if (context)
		++*(unsigned *)context;
	return (a > b) - (a < b);
}

/* Ascending, with equal neighbours now and then; even, so that odd keys are missing. */
static void fill_ascending(struct prng *prng, int *values, size_t count)
{
	int value = 0;

	for (size_t i = 0; i < count; i++) {
		value += 2 * (int)prng_below(prng, 3);
		values[i] = value;
	}
}

static size_t count_before(const int *values, size_t count, int key, bool also_equal)
{
	size_t before = 0;

	for (size_t i = 0; i < count; i++)
		before += values[i] < key || (also_equal && values[i] == key);
	return before;
}

CHECK_CASE(bounds_and_search_agree_with_a_linear_scan)
{
	struct prng prng = {1};
	int values[VALUES_MAX];

	for (unsigned round = 0; round < check_rounds(5); round++) {
		for (size_t count = 0; count <= VALUES_MAX; count++) {
			const struct weft_sorted array = {
				values, count, sizeof(*values), by_value, NULL};

			fill_ascending(&prng, values, count);
			for (int key = -1; key < 4 * VALUES_MAX; key++) {
				size_t lower = count_before(values, count, key, false);
				size_t upper = count_before(values, count, key, true);

				CHECK_INT(weft_lower_bound(&array, &key), ==, lower);
				CHECK_INT(weft_upper_bound(&array, &key), ==, upper);
				CHECK(weft_search(&array, &key) ==
					(lower < upper ? &values[lower] : NULL));
			}
		}
	}
}

CHECK_CASE(an_empty_array_needs_no_base)
{
	const struct weft_sorted array = {NULL, 0, sizeof(int), by_value, NULL};
	int key = 1;

	CHECK(!weft_search(&array, &key));
	CHECK_INT(weft_lower_bound(&array, &key), ==, 0);
	CHECK_INT(weft_upper_bound(&array, &key), ==, 0);
}

CHECK_CASE(a_search_compares_at_most_log2_of_count_plus_two_times)
{
	enum { COUNT = 1 << 16 };
	int *values = malloc(COUNT * sizeof(*values));
	unsigned compared = 0;
	const struct weft_sorted array = {values, COUNT, sizeof(*values), by_value, &compared};

	CHECK(values);
	for (int i = 0; i < COUNT; i++)
		values[i] = i;
	for (int key = -1; key <= COUNT; key++) {
		compared = 0;
		CHECK(!weft_search(&array, &key) == (key < 0 || key == COUNT));
		CHECK_INT(compared, <=, 16 + 2);
	}
	free(values);
}

struct type {
	char suffix[6];
	char name[3]; /* an odd size on purpose */
};

static int by_suffix(const void *key, const void *element, void *context)
{
	(void)context;
	return strcmp(key, ((const struct type *)element)->suffix);
}

CHECK_CASE(the_key_may_be_of_another_type_than_the_elements)
{
	static const struct type types[] = {{".c", "C"}, {".html", "H"}, {".txt", "T"}};
	const struct weft_sorted array = {types, 3, sizeof(*types), by_suffix, NULL};

	CHECK(weft_search(&array, ".html") == &types[1]);
	CHECK(!weft_search(&array, ".png"));
	CHECK_INT(weft_lower_bound(&array, ".png"), ==, 2);
}

static int says_anything(const void *key, const void *element, void *context)
{
	(void)key;
	CHECK(*(const int *)element == 7); /* and not what lies outside the array */
	return (int)prng_below(context, 3) - 1;
}

CHECK_CASE(a_comparison_that_is_no_order_stays_inside_the_array)
{
	struct prng prng = {2};
	int guarded[12] = {0};
	const struct weft_sorted array = {guarded + 1, 10, sizeof(int), says_anything, &prng};

	for (int i = 1; i <= 10; i++)
		guarded[i] = 7;
	for (int round = 0; round < 1000; round++) {
		CHECK_INT(weft_lower_bound(&array, NULL), <=, 10);
		CHECK_INT(weft_upper_bound(&array, NULL), <=, 10);
		weft_search(&array, NULL);
	}
}

CHECK_MAIN()
