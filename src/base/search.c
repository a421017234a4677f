/*
 * base/search.c - binary search in sorted arrays; the manual is weft/search.h.
 *
 * Entry points: weft_search(), weft_lower_bound(), weft_upper_bound().
 * Never: reads outside the array, whatever the comparison answers.
 */
#include "weft/search.h"

static const char *element_at(const struct weft_sorted *array, size_t index)
{
	return (const char *)array->base + index * array->size;
}

/*
 * The first index whose element isn't passed over. Elements are passed over while
 * compare(key, element) is at least `least`: 1 passes those before key, 0 also
 * those equal to it.
 *
 *	0         low                 low + left        count
 *	| passed  |  not yet known    |  not passed     |
 */
static size_t first_not_passed(const struct weft_sorted *array, const void *key, int least)
{
	size_t low = 0, left = array->count;

	while (left > 0) {
		size_t half = left / 2;

		if (array->compare(key, element_at(array, low + half), array->context) >= least) {
			low += half + 1;
			left -= half + 1;
		} else {
			left = half;
		}
	}
	return low;
}

size_t weft_lower_bound(const struct weft_sorted *array, const void *key)
{
	return first_not_passed(array, key, 1);
}

size_t weft_upper_bound(const struct weft_sorted *array, const void *key)
{
	return first_not_passed(array, key, 0);
}

void *weft_search(const struct weft_sorted *array, const void *key)
{
	size_t index = weft_lower_bound(array, key);
	const char *element;

	if (index == array->count)
		return NULL;
	element = element_at(array, index);
	/* As bsearch(3): whoever holds the array writable may write what is found. */
	return array->compare(key, element, array->context) == 0 ? (void *)element : NULL;
}
