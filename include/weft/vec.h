/*
 * weft/vec.h - a growable array of items of one size.
 *
 *	struct weft_vec ports;
 *
 *	weft_vec_init(&ports, sizeof(uint16_t));
 *	weft_vec_push(&ports, &port);
 *	weft_vec_each(uint16_t, item, &ports)
 *		printf("%u\n", *item);
 *	first = *weft_vec_get(&ports, uint16_t, 0);
 *	weft_vec_fini(&ports);
 *
 * Items are copied in and out byte by byte, lie next to each other from vec->items on, and
 * are aligned for any type. They grow without a bound of their own: what an outsider
 * can add to, the caller must bound. Pointers to items are valid until the next call that
 * adds or removes one.
 *
 * An index out of range is the caller's bug, and ends the program with an assertion.
 * Threads: none of it is safe from two threads at once.
 */
#ifndef WEFT_VEC_H
#define WEFT_VEC_H

#include <assert.h>

#include "weft/api.h"

WEFT_BEGIN

struct weft_vec {
	void *items; /* capacity of them, len in use; NULL until one is added */
	size_t len, capacity;
	size_t item_size; /* in bytes */
};

/* ---- Life ------------------------------------------------------------------- */

/** Make vec empty, of items of item_size bytes (not 0). End it with weft_vec_fini(). */
WEFT_API void weft_vec_init(struct weft_vec *vec, size_t item_size);

/** Free the items. The vector is empty and can be used again. */
WEFT_API void weft_vec_fini(struct weft_vec *vec);

/** Have room for capacity items in all, so that adding up to there can't fail. Errors: ENOMEM. */
WEFT_API int weft_vec_reserve(struct weft_vec *vec, size_t capacity);

/* ---- Reading ---------------------------------------------------------------- */

static inline size_t weft_vec_len(const struct weft_vec *vec)
{
	return vec->len;
}

/** The item at index, from 0. O(1). */
static inline void *weft_vec_at(const struct weft_vec *vec, size_t index)
{
	assert(index < vec->len);
	return (char *)vec->items + index * vec->item_size;
}

/** The same as a pointer to type. */
#define weft_vec_get(vec, type, index) ((type *)weft_vec_at((vec), (index)))

/** For each item from first to last, as a pointer to type. The body must not add or remove. */
#define weft_vec_each(type, item, vec)                                                         \
	for (type *item = (type *)(vec)->items, *item##_end = item ? item + (vec)->len : NULL; \
		item != item##_end; item++)

/* ---- Changing --------------------------------------------------------------- */

/**
 * Add an item at the end and return it, to be filled by the caller: its bytes are
 * undefined. O(1) averaged over many. Errors: ENOMEM, also where sizes would overflow.
 */
WEFT_API void *weft_vec_push_slot(struct weft_vec *vec);

/** Add a copy of item, which must not lie in vec, at the end. Returns 0 or -1 with ENOMEM. */
WEFT_API int weft_vec_push(struct weft_vec *vec, const void *item);

/** Take the last item out, into ret_item unless that is NULL. Returns false when there is none. */
WEFT_API bool weft_vec_pop(struct weft_vec *vec, void *ret_item);

/**
 * Put a copy of item, which must not lie in vec, before the one at index; index may be the
 * length. O(n). Returns 0 or -1 with ENOMEM.
 */
WEFT_API int weft_vec_insert(struct weft_vec *vec, size_t index, const void *item);

/** Remove the item at index; those behind it move up. O(n). */
WEFT_API void weft_vec_remove(struct weft_vec *vec, size_t index);

/** Keep the first len items; nothing happens when there are no more than that. */
WEFT_API void weft_vec_truncate(struct weft_vec *vec, size_t len);

WEFT_END

#endif
