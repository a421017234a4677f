/*
 * weft/sort.h - sort arrays in place: as fast as can be, or stable.
 *
 * Both take arrays of count elements of size bytes each, of any size and
 * alignment, and both are O(count * log(count)) in the worst case, whoever chose
 * the input. The order is ascending by the caller's comparison.
 * A comparison that is no order (it contradicts itself) leaves the elements in
 * some permutation; nothing outside the array is read or written.
 * Both use some 2 KiB of stack. Safe from any thread, as far as the comparison is.
 */
#ifndef WEFT_SORT_H
#define WEFT_SORT_H

#include "weft/api.h"

WEFT_BEGIN

/**
 * Less than 0, 0 or more than 0 as a comes before b, is equal to it or comes after
 * it. context is what the caller gave beside the function. The elements are lent for
 * the call, and may be compared at another address than they came with.
 */
typedef int weft_compare_fn(const void *a, const void *b, void *context);

/**
 * Sort in place; equal elements end up in any order. Allocates nothing and
 * never fails. Sorted and reversed input takes count - 1 comparisons,
 * few distinct values take few.
 */
WEFT_API void weft_sort(
	void *base, size_t count, size_t size, weft_compare_fn *compare, void *context);

/**
 * Sort so that equal elements keep their order. Takes fewer comparisons than
 * weft_sort(), and few where the input consists of runs that are sorted already.
 * Allocates room for count / 2 elements while it works (for short or sorted input
 * nothing). Returns 0, or -1 with ENOMEM and the array as it was.
 */
WEFT_API int weft_sort_stable(
	void *base, size_t count, size_t size, weft_compare_fn *compare, void *context);

WEFT_END

#endif
