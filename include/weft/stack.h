/*
 * weft/stack.h - last in, first out: items of one size, with a bound.
 *
 * For pools that hand out first what was used last (it is still in the cache), and for
 * walks that would recurse otherwise. Items are copied; for pointers item_size is that of
 * one:
 *
 *	weft_stack_init(&pool, sizeof(void *), POOL_LEN_MAX);
 *	if (weft_stack_push(&pool, &pointer) < 0)
 *		free(pointer);
 *	pointer = weft_stack_pop(&pool, &pointer) ? pointer : make_one();
 *
 * It is a vector that is used at one end: memory grows by need and is kept until
 * weft_stack_fini(). Threads: none of it is safe from two threads at once. All calls take
 * O(1), push averaged over many.
 */
#ifndef WEFT_STACK_H
#define WEFT_STACK_H

#include <errno.h>

#include "weft/vec.h"

WEFT_BEGIN

struct weft_stack {
	struct weft_vec items;
	size_t len_max;
};

/**
 * Make stack empty, of at most len_max items (SIZE_MAX: no bound but memory) of item_size
 * bytes (not 0). Nothing is allocated yet. End it with weft_stack_fini().
 */
static inline void weft_stack_init(struct weft_stack *stack, size_t item_size, size_t len_max)
{
	weft_vec_init(&stack->items, item_size);
	stack->len_max = len_max;
}

/** Free the items. The stack is empty, keeps its bound, and can be used again. */
static inline void weft_stack_fini(struct weft_stack *stack)
{
	weft_vec_fini(&stack->items);
}

static inline size_t weft_stack_len(const struct weft_stack *stack)
{
	return weft_vec_len(&stack->items);
}

/** The item that a pop would give, valid until the next push or fini; NULL when there is none. */
static inline void *weft_stack_top(const struct weft_stack *stack)
{
	size_t len = weft_stack_len(stack);

	return len > 0 ? weft_vec_at(&stack->items, len - 1) : NULL;
}

/** Put a copy of item, which must not lie in stack, on top. Errors: ENOBUFS (the bound), ENOMEM. */
static inline int weft_stack_push(struct weft_stack *stack, const void *item)
{
	if (weft_stack_len(stack) >= stack->len_max) {
		errno = ENOBUFS;
		return -1;
	}
	return weft_vec_push(&stack->items, item);
}

/** Take the top item, into ret_item unless that is NULL. Returns false when there is none. */
static inline bool weft_stack_pop(struct weft_stack *stack, void *ret_item)
{
	return weft_vec_pop(&stack->items, ret_item);
}

WEFT_END

#endif
