/*
 * weft/search.h - binary search in sorted arrays.
 *
 *	static int by_suffix(const void *key, const void *element, void *context);
 *
 *	const struct weft_sorted types = {table, count, sizeof(*table), by_suffix, NULL};
 *	const struct type *type = weft_search(&types, ".html");
 *
 * The array must be sorted by the same order (weft/sort.h); when it isn't, the
 * answer is wrong and nothing worse. Each call compares at most log2(count) + 2
 * times. Nothing fails, nothing is allocated, errno is left alone.
 * Safe from any thread, as far as the comparison is.
 */
#ifndef WEFT_SEARCH_H
#define WEFT_SEARCH_H

#include "weft/sort.h"

WEFT_BEGIN

/** A sorted array and its order. Lent: weft keeps nothing of it. */
struct weft_sorted {
	const void *base;
	size_t count;             /* elements */
	size_t size;              /* of each, in bytes */
	weft_compare_fn *compare; /* gets the key first, then an element: they may differ in type */
	void *context;            /* handed to compare */
};

/** The first element that equals key, or NULL. */
WEFT_API void *weft_search(const struct weft_sorted *array, const void *key);

/** The index of the first element not before key: where key goes, ahead of its equals. count if
 * none. */
WEFT_API size_t weft_lower_bound(const struct weft_sorted *array, const void *key);

/** The index of the first element after key: where key goes, behind its equals. count if none. */
WEFT_API size_t weft_upper_bound(const struct weft_sorted *array, const void *key);

WEFT_END

#endif
