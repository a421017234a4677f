/*
 * slab.h - objects of one size, in blocks that go back to the system once nothing is in them.
 *
 * For what comes in crowds and goes again while other things stay: from malloc(3) such objects
 * leave holes between those that stay, and the memory is never given back.
 * Threads: none of it is safe from two threads at once.
 */
#ifndef WEFT_SRC_BASE_SLAB_H
#define WEFT_SRC_BASE_SLAB_H

#include <stddef.h>

#include "weft/list.h"

/** Bytes of a block, and what it is aligned to. */
#define WEFT__SLAB_BLOCK ((size_t)64 * 1024)

struct weft__slab {
	struct weft_list free; /* blocks with room */
	size_t size;           /* of an object, rounded up */
	size_t empty_count;    /* blocks in which nothing is: one is kept */
};

/** For objects of size bytes, of which 8 at least fit into a block. */
void weft__slab_init(struct weft__slab *slab, size_t size);

/** Every object must have been given back. */
void weft__slab_fini(struct weft__slab *slab);

/** An object's memory, aligned to 16, with anything in it. NULL: ENOMEM. */
void *weft__slab_take(struct weft__slab *slab);
void weft__slab_give(struct weft__slab *slab, void *object);

#endif
