/*
 * vec.c - the growable array (weft/vec.h).
 *
 * Entry points: weft_vec_push_slot, weft_vec_push, weft_vec_pop, weft_vec_insert,
 * weft_vec_remove.
 *
 * Never: compute a size that reallocarray() has not checked for overflow.
 */
#include "weft/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The first allocation, in items. */
#define CAPACITY_MIN 8

void weft_vec_init(struct weft_vec *vec, size_t item_size)
{
	assert(item_size > 0);
	*vec = (struct weft_vec){.item_size = item_size};
}

void weft_vec_fini(struct weft_vec *vec)
{
	free(vec->items);
	weft_vec_init(vec, vec->item_size);
}

int weft_vec_reserve(struct weft_vec *vec, size_t capacity)
{
	void *items;

	if (capacity <= vec->capacity)
		return 0;
	items = reallocarray(vec->items, capacity, vec->item_size);
	if (!items)
		return -1;
	vec->items = items;
	vec->capacity = capacity;
	return 0;
}

/* Doubling the capacity can't overflow: an array of it exists, of at most PTRDIFF_MAX bytes. */
static int grow(struct weft_vec *vec)
{
	return weft_vec_reserve(vec, vec->capacity ? 2 * vec->capacity : CAPACITY_MIN);
}

void *weft_vec_push_slot(struct weft_vec *vec)
{
	if (vec->len == vec->capacity && grow(vec) < 0)
		return NULL;
	vec->len++;
	return weft_vec_at(vec, vec->len - 1);
}

int weft_vec_push(struct weft_vec *vec, const void *item)
{
	void *slot = weft_vec_push_slot(vec);

	if (!slot)
		return -1;
	memcpy(slot, item, vec->item_size);
	return 0;
}

bool weft_vec_pop(struct weft_vec *vec, void *ret_item)
{
	if (vec->len == 0)
		return false;
	if (ret_item)
		memcpy(ret_item, weft_vec_at(vec, vec->len - 1), vec->item_size);
	vec->len--;
	return true;
}

int weft_vec_insert(struct weft_vec *vec, size_t index, const void *item)
{
	char *place;

	if (!weft_vec_push_slot(vec))
		return -1;
	place = weft_vec_at(vec, index);
	memmove(place + vec->item_size, place, (vec->len - 1 - index) * vec->item_size);
	memcpy(place, item, vec->item_size);
	return 0;
}

void weft_vec_remove(struct weft_vec *vec, size_t index)
{
	char *place = weft_vec_at(vec, index);

	vec->len--;
	memmove(place, place + vec->item_size, (vec->len - index) * vec->item_size);
}

void weft_vec_truncate(struct weft_vec *vec, size_t len)
{
	if (len < vec->len)
		vec->len = len;
}
