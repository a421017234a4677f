/*
 * ring.c - the life of a ring queue; its use is inline in weft/ring.h.
 *
 * Entry points: weft_ring_init, weft_ring_fini.
 *
 * Never: a capacity that is not a power of two; the mask would lose items.
 */
#include "weft/ring.h"

#include <stdlib.h>

int weft_ring_init(struct weft_ring *ring, size_t item_size, size_t capacity)
{
	char *items;

	if (item_size == 0 || capacity == 0 || (capacity & (capacity - 1)) != 0) {
		errno = EINVAL;
		return -1;
	}
	items = reallocarray(NULL, capacity, item_size);
	if (!items)
		return -1;
	*ring = (struct weft_ring){.items = items, .mask = capacity - 1, .item_size = item_size};
	return 0;
}

void weft_ring_fini(struct weft_ring *ring)
{
	free(ring->items);
	ring->items = NULL;
	ring->head = ring->tail;
}
