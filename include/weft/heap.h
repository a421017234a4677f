/*
 * weft/heap.h - a min-heap of the caller's nodes, keyed by int64_t: the timers' queue.
 *
 *	struct timer { struct weft_heap_node in_heap; ... };
 *
 *	weft_heap_push(&timers, &timer->in_heap, deadline_ns);
 *	while ((node = weft_heap_min(&timers)) && node->key <= now_ns)
 *		fire(weft_container_of(weft_heap_pop(&timers), struct timer, in_heap));
 *
 * The node lives inside the caller's object and knows its place, so that any node can be
 * removed without a search. Keys stand beside the pointers in one array: sifting reads
 * the array in order and touches an object only to tell it its new place. Nodes with
 * equal keys come out in no particular order.
 *
 * Ownership: the objects stay the caller's; one that is in a heap must not be freed,
 * moved or pushed again. Threads: none of it is safe from two threads at once.
 */
#ifndef WEFT_HEAP_H
#define WEFT_HEAP_H

#include "weft/api.h"

WEFT_BEGIN

/** The index of a node that is in no heap. */
#define WEFT_HEAP_NOWHERE SIZE_MAX

struct weft_heap_node {
	int64_t key;  /* of the last push; read it, never write it */
	size_t index; /* the heap's own */
};

struct weft_heap_entry {
	int64_t key;
	struct weft_heap_node *node;
};

struct weft_heap {
	struct weft_heap_entry *entries; /* capacity of them, len in use */
	size_t len, capacity;
};

/** Make node be in no heap. Needed once, before weft_heap_push(). */
static inline void weft_heap_node_init(struct weft_heap_node *node)
{
	node->key = 0;
	node->index = WEFT_HEAP_NOWHERE;
}

static inline bool weft_heap_is_linked(const struct weft_heap_node *node)
{
	return node->index != WEFT_HEAP_NOWHERE;
}

/** Make heap empty. Nothing is allocated before the first push. End it with weft_heap_fini(). */
static inline void weft_heap_init(struct weft_heap *heap)
{
	heap->entries = NULL;
	heap->len = 0;
	heap->capacity = 0;
}

/** Take all nodes out and free the array; the heap is empty and can be used again. O(n). */
WEFT_API void weft_heap_fini(struct weft_heap *heap);

static inline size_t weft_heap_len(const struct weft_heap *heap)
{
	return heap->len;
}

/**
 * Put node, which must be in no heap, into heap. O(log n), and O(n) when the array grows.
 * Returns 0, or -1 with ENOMEM and nothing changed.
 */
WEFT_API int weft_heap_push(struct weft_heap *heap, struct weft_heap_node *node, int64_t key);

/** A node with the smallest key, still in the heap; NULL when the heap is empty. O(1). */
static inline struct weft_heap_node *weft_heap_min(const struct weft_heap *heap)
{
	return heap->len > 0 ? heap->entries[0].node : NULL;
}

/** Take that node out and return it; NULL when the heap is empty. O(log n). */
WEFT_API struct weft_heap_node *weft_heap_pop(struct weft_heap *heap);

/**
 * Take node, which must be in this heap or in none, out of heap; nothing happens when it
 * is in none. O(log n). The array is halved when three quarters of it are free.
 */
WEFT_API void weft_heap_remove(struct weft_heap *heap, struct weft_heap_node *node);

WEFT_END

#endif
