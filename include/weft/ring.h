/*
 * weft/ring.h - first in, first out: items of one size, in a ring of fixed capacity.
 *
 *	weft_ring_init(&ring, sizeof(struct job), 256);
 *	if (weft_ring_push(&ring, &job) < 0)
 *		...full: try again after a pop...
 *	while (weft_ring_pop(&ring, &job))
 *		run(&job);
 *
 * head and tail count the items ever taken and added; they are never brought back below
 * the capacity, and may wrap. Since that is a power of two, a mask makes a place of them,
 * and tail - head is the length even after they wrapped:
 *
 *	0          head & mask      tail & mask      capacity
 *	|           |oldest ... newest|                |
 *
 * All memory is allocated at the start: no later call allocates or copies other items.
 * Threads: none of it is safe from two threads at once. All calls but init take O(1).
 */
#ifndef WEFT_RING_H
#define WEFT_RING_H

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "weft/api.h"

WEFT_BEGIN

struct weft_ring {
	char *items;
	size_t head, tail;
	size_t mask;      /* capacity - 1 */
	size_t item_size; /* in bytes */
};

/* ---- Life ------------------------------------------------------------------- */

/**
 * Make ring empty, of capacity items, a power of two, of item_size bytes, not 0. End it
 * with weft_ring_fini(). Returns 0, or -1 with EINVAL (not so) or ENOMEM, and no
 * weft_ring_fini() is needed.
 */
WEFT_API int weft_ring_init(struct weft_ring *ring, size_t item_size, size_t capacity);

/** Free the items. Only weft_ring_init() makes the ring usable again. */
WEFT_API void weft_ring_fini(struct weft_ring *ring);

/* ---- What is in it ------------------------------------------------------------ */

static inline size_t weft_ring_len(const struct weft_ring *ring)
{
	return ring->tail - ring->head;
}

static inline size_t weft_ring_capacity(const struct weft_ring *ring)
{
	return ring->mask + 1;
}

static inline bool weft_ring_is_empty(const struct weft_ring *ring)
{
	return ring->head == ring->tail;
}

static inline bool weft_ring_is_full(const struct weft_ring *ring)
{
	return weft_ring_len(ring) > ring->mask;
}

/** The item at index, 0 being the oldest. Out of range is a bug, and ends the program. */
static inline void *weft_ring_at(const struct weft_ring *ring, size_t index)
{
	assert(index < weft_ring_len(ring));
	return ring->items + ((ring->head + index) & ring->mask) * ring->item_size;
}

/** The oldest item, valid until it is popped; NULL when there is none. */
static inline void *weft_ring_front(const struct weft_ring *ring)
{
	return weft_ring_is_empty(ring) ? NULL : weft_ring_at(ring, 0);
}

/* ---- Changing --------------------------------------------------------------- */

/**
 * Add an item as the newest and return it, to be filled by the caller: its bytes are
 * undefined. Errors: ENOBUFS when the ring is full.
 */
static inline void *weft_ring_push_slot(struct weft_ring *ring)
{
	if (weft_ring_is_full(ring)) {
		errno = ENOBUFS;
		return NULL;
	}
	return ring->items + (ring->tail++ & ring->mask) * ring->item_size;
}

/** Add a copy of item as the newest. Returns 0, or -1 with ENOBUFS when the ring is full. */
static inline int weft_ring_push(struct weft_ring *ring, const void *item)
{
	void *slot = weft_ring_push_slot(ring);

	if (!slot)
		return -1;
	memcpy(slot, item, ring->item_size);
	return 0;
}

/** Take the oldest item, into ret_item unless that is NULL. Returns false when there is none. */
static inline bool weft_ring_pop(struct weft_ring *ring, void *ret_item)
{
	if (weft_ring_is_empty(ring))
		return false;
	if (ret_item)
		memcpy(ret_item, weft_ring_at(ring, 0), ring->item_size);
	ring->head++;
	return true;
}

WEFT_END

#endif
