/*
 * base/sort.c - introsort in place and a stable merge sort; the manual is weft/sort.h.
 *
 * Entry points: weft_sort(), weft_sort_stable().
 *
 * weft_sort() is quicksort with three-way partition. A range that has been split
 * more often than 2 * log2(count) times is an adversary's work and goes to heap
 * sort; ranges of up to SHORT elements go to insertion sort. weft_sort_stable()
 * finds the runs that are there, lengthens short ones by insertion sort, and merges
 * them in the order of powersort (Munro and Wild, 2018).
 *
 * Both are written once, for any size, and compiled again for 4, 8 and 16 bytes (the
 * switches at the end): with the size a constant, moving an element is one or two
 * instructions instead of a call, which saves a third of the time. That is why the
 * functions above the entry points are forced inline.
 *
 * Never: recursion, or a read or write outside the array, whatever the comparison
 * answers.
 */
#include "weft/sort.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define INLINE inline __attribute__((always_inline))

/** Ranges up to this long are sorted by insertion. */
#define SHORT 16

/** From this length on, the pivot is the median of three medians of three. */
#define LONG 96

/** Elements are moved through a buffer of this size, part by part if need be. */
#define PART_SIZE 64

/** Open ranges or runs: each is at least twice as long as the one above it, so log2(SIZE_MAX). */
#define STACK_MAX 64

struct order {
	weft_compare_fn *compare;
	void *context;
	size_t size; /* of an element */
};

static INLINE int compare_by(const struct order *order, const void *a, const void *b)
{
	return order->compare(a, b, order->context);
}

static INLINE void swap(const struct order *order, char *a, char *b)
{
	char part[PART_SIZE];

	for (size_t left = order->size; left > 0;) {
		size_t len = left < PART_SIZE ? left : PART_SIZE;

		memcpy(part, a, len);
		memmove(a, b, len); /* a and b may be the same element */
		memcpy(b, part, len);
		a += len;
		b += len;
		left -= len;
	}
}

/* Move the element at last down to first, and those from first on up by one. */
static INLINE void rotate(const struct order *order, char *first, char *last)
{
	size_t size = order->size;
	char part[PART_SIZE];

	for (size_t done = 0; done < size;) {
		size_t len = size - done < PART_SIZE ? size - done : PART_SIZE;

		memcpy(part, last + done, len);
		for (char *at = last; at > first; at -= size)
			memcpy(at + done, at - size + done, len);
		memcpy(first + done, part, len);
		done += len;
	}
}

static INLINE void reverse(const struct order *order, char *base, size_t count)
{
	char *low = base, *high = base + (count - 1) * order->size;

	for (; low < high; low += order->size, high -= order->size)
		swap(order, low, high);
}

/* Stable. The first `sorted` elements (at least one) are in order already. */
static INLINE void insertion_sort(
	const struct order *order, char *base, size_t count, size_t sorted)
{
	size_t size = order->size;
	char *end = base + count * size;

	for (char *next = base + sorted * size; next < end; next += size) {
		char *at = next;

		while (at > base && compare_by(order, next, at - size) < 0)
			at -= size;
		if (at != next)
			rotate(order, at, next);
	}
}

/*
 * The length of the run the array starts with: ascending, or strictly descending
 * (strictly, so that turning it round later keeps equal elements in order).
 */
static INLINE size_t run_length(
	const struct order *order, char *base, size_t count, bool *ret_falls)
{
	size_t size = order->size, len = 2;

	*ret_falls = false;
	if (count < 2)
		return count;
	*ret_falls = compare_by(order, base + size, base) < 0;
	for (; len < count; len++) {
		char *next = base + len * size;

		if ((compare_by(order, next, next - size) < 0) != *ret_falls)
			break;
	}
	return len;
}

/* A pass that settles what is sorted or reversed; on other input it stops early. */
static INLINE bool sort_single_run(const struct order *order, char *base, size_t count)
{
	bool falls;

	if (run_length(order, base, count, &falls) < count)
		return false;
	if (falls)
		reverse(order, base, count);
	return true;
}

/* ---- Introsort ----------------------------------------------------------------- */

struct range {
	char *base;
	size_t count;
	unsigned splits; /* how often it may still be split before heap sort takes over */
};

static INLINE void sift_down(const struct order *order, char *base, size_t root, size_t count)
{
	size_t size = order->size;

	for (size_t child; (child = 2 * root + 1) < count; root = child) {
		if (child + 1 < count &&
			compare_by(order, base + child * size, base + (child + 1) * size) < 0)
			child++;
		if (compare_by(order, base + root * size, base + child * size) >= 0)
			return;
		swap(order, base + root * size, base + child * size);
	}
}

static INLINE void heap_sort(const struct order *order, char *base, size_t count)
{
	for (size_t root = count / 2; root > 0; root--)
		sift_down(order, base, root - 1, count);
	for (size_t last = count - 1; last > 0; last--) {
		swap(order, base, base + last * order->size);
		sift_down(order, base, 0, last);
	}
}

static INLINE char *median(const struct order *order, char *a, char *b, char *c)
{
	if (compare_by(order, a, b) < 0) {
		if (compare_by(order, b, c) < 0)
			return b;
		return compare_by(order, a, c) < 0 ? c : a;
	}
	if (compare_by(order, b, c) >= 0)
		return b;
	return compare_by(order, a, c) < 0 ? a : c;
}

/*
 * The median of three or nine elements spread over the range, its ends left out: the
 * partition above it has put an extreme there, and would be handed it as the pivot.
 */
static INLINE char *choose_pivot(const struct order *order, char *base, size_t count)
{
	size_t step = count / 12 * order->size;
	char *low = base + count / 4 * order->size;
	char *middle = base + count / 2 * order->size;
	char *high = base + (count - count / 4) * order->size;

	if (count >= LONG) {
		low = median(order, low - step, low, low + step);
		middle = median(order, middle - step, middle, middle + step);
		high = median(order, high - step, high, high + step);
	}
	return median(order, low, middle, high);
}

static INLINE void swap_blocks(const struct order *order, char *a, char *b, size_t len)
{
	for (size_t done = 0; done < len; done += order->size)
		swap(order, a + done, b + done);
}

/*
 * Split by a pivot into what is before it, equal to it and after it (Bentley and
 * McIlroy, 1993). Equal elements are gathered at both ends first:
 *
 *	base     a          b          c        d       end
 *	|  equal |  before  | unknown  |  after | equal |
 *
 * Afterwards the parts before and after remain to be sorted. The pivot stays at
 * base meanwhile, so elements of any size need no copy of it.
 */
static INLINE void partition(const struct order *order, const struct range *range,
	struct range *ret_before, struct range *ret_after)
{
	size_t size = order->size, len;
	char *base = range->base, *end = base + range->count * size;
	char *a = base + size, *b = a, *c = end, *d = end;
	int sign;

	swap(order, base, choose_pivot(order, base, range->count));
	for (;;) {
		for (; b < c && (sign = compare_by(order, b, base)) <= 0; b += size) {
			if (sign == 0) {
				swap(order, a, b);
				a += size;
			}
		}
		for (; b < c && (sign = compare_by(order, c - size, base)) >= 0; c -= size) {
			if (sign == 0) {
				d -= size;
				swap(order, c - size, d);
			}
		}
		if (b >= c)
			break;
		c -= size;
		swap(order, b, c);
		b += size;
	}
	len = (size_t)(a - base) < (size_t)(b - a) ? (size_t)(a - base) : (size_t)(b - a);
	swap_blocks(order, base, b - len, len);
	len = (size_t)(end - d) < (size_t)(d - c) ? (size_t)(end - d) : (size_t)(d - c);
	swap_blocks(order, b, end - len, len);
	*ret_before = (struct range){base, (size_t)(b - a) / size, range->splits - 1};
	*ret_after = (struct range){end - (d - c), (size_t)(d - c) / size, range->splits - 1};
}

/* The longer part waits on the stack, so the stack stays within log2(count). */
static INLINE void introsort(const struct order *order, char *base, size_t count)
{
	struct range stack[STACK_MAX], range = {base, count, 0}, before, after;
	size_t depth = 0;

	if (count < 2 || order->size == 0 || sort_single_run(order, base, count))
		return;
	for (size_t left = count; left > 1; left /= 2)
		range.splits += 2;
	for (;;) {
		if (range.count > SHORT && range.splits > 0) {
			partition(order, &range, &before, &after);
			stack[depth++] = before.count < after.count ? after : before;
			range = before.count < after.count ? before : after;
			continue;
		}
		if (range.count > SHORT)
			heap_sort(order, range.base, range.count);
		else
			insertion_sort(order, range.base, range.count, 1);
		if (depth == 0)
			return;
		range = stack[--depth];
	}
}

/* ---- Stable merge sort --------------------------------------------------------- */

struct run {
	char *base;
	size_t count;
	unsigned power; /* of the boundary between this run and the next one above it */
};

/* The left run waits in the scratch; on equal elements it goes first. */
static INLINE void merge_up(
	const struct order *order, char *scratch, char *left, char *right, char *end)
{
	size_t size = order->size, len = (size_t)(right - left);
	char *from = scratch, *from_end = scratch + len, *to = left;

	memcpy(scratch, left, len);
	while (from < from_end && right < end) {
		if (compare_by(order, right, from) < 0) {
			memcpy(to, right, size);
			right += size;
		} else {
			memcpy(to, from, size);
			from += size;
		}
		to += size;
	}
	memcpy(to, from, (size_t)(from_end - from));
}

/* The right run waits in the scratch, and the merge goes from the end down. */
static INLINE void merge_down(
	const struct order *order, char *scratch, char *left, char *right, char *end)
{
	size_t size = order->size, len = (size_t)(end - right);
	char *from_end = scratch + len, *left_end = right, *to = end;

	memcpy(scratch, right, len);
	while (from_end > scratch && left_end > left) {
		to -= size;
		if (compare_by(order, from_end - size, left_end - size) < 0) {
			left_end -= size;
			memcpy(to, left_end, size);
		} else {
			from_end -= size;
			memcpy(to, from_end, size);
		}
	}
	memcpy(left, scratch, (size_t)(from_end - scratch));
}

/* What is in its place at the outer ends stays there: sorted neighbours cost few comparisons. */
static INLINE void merge(
	const struct order *order, char *scratch, struct run *into, const struct run *run)
{
	size_t size = order->size;
	char *left = into->base, *right = run->base, *end = right + run->count * size;

	into->count += run->count;
	while (left < right && compare_by(order, right, left) >= 0)
		left += size;
	if (left >= right)
		return;
	while (end > right && compare_by(order, end - size, right - size) >= 0)
		end -= size;
	if (right - left <= end - right)
		merge_up(order, scratch, left, right, end);
	else
		merge_down(order, scratch, left, right, end);
}

static INLINE struct run next_run(const struct order *order, char *base, size_t count)
{
	size_t least = count < SHORT ? count : SHORT;
	struct run run = {base, 0, 0};
	bool falls;

	run.count = run_length(order, base, count, &falls);
	if (falls)
		reverse(order, base, run.count);
	if (run.count < least) {
		insertion_sort(order, base, least, run.count);
		run.count = least;
	}
	return run;
}

/*
 * How deep the boundary between two neighbouring runs lies in the tree of halves of
 * the whole array: the first binary digit in which the runs' middles, as fractions
 * of the whole, differ. Deep boundaries are merged first, which keeps merges even.
 */
static unsigned boundary_power(size_t start, const struct run *run, size_t next, size_t count)
{
	size_t a = 2 * start + run->count, b = a + run->count + next; /* middles, times two */
	unsigned power = 1;

	for (; a >= count || b < count; power++) {
		if (a >= count) {
			a -= count;
			b -= count;
		}
		a *= 2;
		b *= 2;
	}
	return power;
}

/* stack has STACK_MAX runs; it is the caller's, so that its copies of this share one. */
static INLINE void merge_sort(
	const struct order *order, char *base, size_t count, char *scratch, struct run *stack)
{
	struct run run;
	size_t depth = 0;

	for (size_t done = 0; done < count; done += run.count) {
		run = next_run(order, base + done * order->size, count - done);
		if (depth > 0) {
			struct run *top = &stack[depth - 1];
			unsigned power = boundary_power(done - top->count, top, run.count, count);

			for (; depth > 1 && stack[depth - 2].power > power; depth--)
				merge(order, scratch, &stack[depth - 2], &stack[depth - 1]);
			stack[depth - 1].power = power;
		}
		assert(depth < STACK_MAX);
		stack[depth++] = run;
	}
	for (; depth > 1; depth--)
		merge(order, scratch, &stack[depth - 2], &stack[depth - 1]);
}

/* ---- Entry points -------------------------------------------------------------- */

void weft_sort(void *base, size_t count, size_t size, weft_compare_fn *compare, void *context)
{
	struct order order = {compare, context, size};

	switch (size) {
	case 4:
		order.size = 4;
		introsort(&order, base, count);
		break;
	case 8:
		order.size = 8;
		introsort(&order, base, count);
		break;
	case 16:
		order.size = 16;
		introsort(&order, base, count);
		break;
	default:
		introsort(&order, base, count);
	}
}

int weft_sort_stable(void *base, size_t count, size_t size, weft_compare_fn *compare, void *context)
{
	struct order order = {compare, context, size};
	struct run stack[STACK_MAX];
	char *scratch;

	if (count < 2 || size == 0 || sort_single_run(&order, base, count))
		return 0;
	if (count <= SHORT) {
		insertion_sort(&order, base, count, 1);
		return 0;
	}
	scratch = malloc(count / 2 * size);
	if (!scratch)
		return -1;
	switch (size) {
	case 4:
		order.size = 4;
		merge_sort(&order, base, count, scratch, stack);
		break;
	case 8:
		order.size = 8;
		merge_sort(&order, base, count, scratch, stack);
		break;
	case 16:
		order.size = 16;
		merge_sort(&order, base, count, scratch, stack);
		break;
	default:
		merge_sort(&order, base, count, scratch, stack);
	}
	free(scratch);
	return 0;
}
