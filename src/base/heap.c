/*
 * heap.c - the min-heap behind the timers (weft/heap.h).
 *
 * Entry points: weft_heap_push, weft_heap_pop, weft_heap_remove.
 *
 * A complete tree of ARITY children to a node, laid out level by level in one array:
 *
 *	children of i: ARITY*i + 1 ... ARITY*i + ARITY		parent of i: (i - 1) / ARITY
 *
 * Both sifts move a hole instead of swapping entries: each entry on the way is written
 * once, and the one that travels is written where the hole ends.
 *
 * Never: fail or allocate on the way out (pop, remove), or read an object to compare keys.
 */
#include "weft/heap.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/*
 * Four children to a node halve the depth against two, and four entries are one cache
 * line's worth. With a million timers a remove and a push together take 83 ns, against
 * 120 ns with two children; eight gain nothing worth the longer scans (77 ns, other calls equal).
 */
#define ARITY 4

/* Below this many entries the array is not shrunk. */
#define CAPACITY_MIN 64

/* ---- Inside ------------------------------------------------------------------ */

static inline void place(struct weft_heap *heap, size_t index, struct weft_heap_entry entry)
{
	heap->entries[index] = entry;
	entry.node->index = index;
}

/* Fill the hole at index with entry, or with the ancestors that it has to pass. */
static void sift_up(struct weft_heap *heap, size_t index, struct weft_heap_entry entry)
{
	while (index > 0) {
		size_t parent = (index - 1) / ARITY;

		if (heap->entries[parent].key <= entry.key)
			break;
		place(heap, index, heap->entries[parent]);
		index = parent;
	}
	place(heap, index, entry);
}

static inline size_t smallest_child(const struct weft_heap *heap, size_t first)
{
	size_t end = heap->len - first < ARITY ? heap->len : first + ARITY;
	size_t smallest = first;

	for (size_t i = first + 1; i < end; i++)
		if (heap->entries[i].key < heap->entries[smallest].key)
			smallest = i;
	return smallest;
}

/* Fill the hole at index with entry, or with the descendants that it has to pass. */
static void sift_down(struct weft_heap *heap, size_t index, struct weft_heap_entry entry)
{
	size_t first;

	/* No overflow: len entries of 16 bytes fit in memory, so 4 * len fits in size_t. */
	while ((first = ARITY * index + 1) < heap->len) {
		size_t child = smallest_child(heap, first);

		if (entry.key <= heap->entries[child].key)
			break;
		place(heap, index, heap->entries[child]);
		index = child;
	}
	place(heap, index, entry);
}

static int resize(struct weft_heap *heap, size_t capacity)
{
	struct weft_heap_entry *entries;

	entries = reallocarray(heap->entries, capacity, sizeof(*entries));
	if (!entries)
		return -1;
	heap->entries = entries;
	heap->capacity = capacity;
	return 0;
}

/*
 * Halved only when three quarters are free: the next growth is then as many pushes away
 * as the next halving is removals, and no pattern of use can make every call copy.
 */
static void shrink(struct weft_heap *heap)
{
	int error = errno;

	if (heap->capacity > CAPACITY_MIN && heap->len <= heap->capacity / 4)
		(void)resize(heap, heap->capacity / 2); /* the larger array serves as well */
	errno = error;
}

/* ---- Entry points ------------------------------------------------------------ */

void weft_heap_fini(struct weft_heap *heap)
{
	for (size_t i = 0; i < heap->len; i++)
		heap->entries[i].node->index = WEFT_HEAP_NOWHERE;
	free(heap->entries);
	weft_heap_init(heap);
}

int weft_heap_push(struct weft_heap *heap, struct weft_heap_node *node, int64_t key)
{
	assert(node->index == WEFT_HEAP_NOWHERE);
	/* Doubling can't overflow: reallocarray() refuses long before. */
	if (heap->len == heap->capacity &&
		resize(heap, heap->capacity ? 2 * heap->capacity : CAPACITY_MIN) < 0)
		return -1;
	node->key = key;
	sift_up(heap, heap->len++, (struct weft_heap_entry){key, node});
	return 0;
}

struct weft_heap_node *weft_heap_pop(struct weft_heap *heap)
{
	struct weft_heap_node *node = weft_heap_min(heap);

	if (node)
		weft_heap_remove(heap, node);
	return node;
}

void weft_heap_remove(struct weft_heap *heap, struct weft_heap_node *node)
{
	size_t hole = node->index;
	struct weft_heap_entry last;

	if (hole == WEFT_HEAP_NOWHERE)
		return;
	assert(hole < heap->len && heap->entries[hole].node == node);
	last = heap->entries[--heap->len];
	/* The last entry comes from another branch: it may have to go either way. */
	if (hole < heap->len) {
		if (last.key < node->key)
			sift_up(heap, hole, last);
		else
			sift_down(heap, hole, last);
	}
	node->index = WEFT_HEAP_NOWHERE;
	shrink(heap);
}
