/*
 * stack.h - stacks for fibers: reserved in arenas, guarded, pooled per worker.
 *
 *	arena (one mmap, address space only; pages come when touched)
 *	+-------+----------------+-------+----------------+-- ...
 *	| guard |  stack 0       | guard |  stack 1       |
 *	+-------+----------------+-------+----------------+-- ...
 *	        ^ bottom         ^ bottom + size_bytes (top; grows down)
 *
 * A guard faults on touch. Where the kernel has MADV_GUARD_INSTALL (6.13) it costs no
 * mapping of its own, so a million stacks stay one mapping; elsewhere mprotect guards
 * stacks until half of vm.max_map_count is used up, and those after that go unguarded
 * (weft__stack_unguarded() counts them).
 *
 * A frame larger than the guard (16 KiB of locals in one function) can step over it unseen,
 * unless its code was compiled with -fstack-clash-protection.
 *
 * weft__stack_take() and _give() on a pool belong to the pool's worker; with a NULL pool
 * they lock, and any thread may call them.
 */
#ifndef FIBER_STACK_H
#define FIBER_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEFT__STACK_GUARD   (16 * 1024)
#define WEFT__STACK_CLASSES 13 /* 16 KiB << 0 .. 16 KiB << 12 = 64 MiB */

/** Stacks a worker keeps ready with their pages, per size; further ones lose their pages. */
#define WEFT__STACK_HOT_MAX 1024
/** Stacks a worker keeps at all, per size; further ones go to the shared pool. */
#define WEFT__STACK_POOL_MAX 4096

/** Free stacks of one size, last in first out. */
struct weft__stack_list {
	void **bottoms;
	uint32_t len, capacity;
	uint32_t hot_from; /* bottoms[hot_from..len) still have their pages */
};

/** A worker's free stacks. */
struct weft__stack_pool {
	struct weft__stack_list lists[WEFT__STACK_CLASSES];
};

/** The class whose stacks have at least size_bytes, or -1 when there is none. */
int weft__stack_class(size_t size_bytes);

static inline size_t weft__stack_class_size(int stack_class)
{
	return (size_t)16384 << stack_class;
}

void *weft__stack_take_slow(struct weft__stack_pool *pool, int stack_class);
void weft__stack_give_slow(struct weft__stack_pool *pool, int stack_class, void *bottom);

static inline void *weft__stack_list_pop(struct weft__stack_list *list)
{
	void *bottom = list->bottoms[--list->len];

	if (list->hot_from > list->len)
		list->hot_from = list->len;
	return bottom;
}

/** A stack's lowest address, or NULL with ENOMEM. */
static inline void *weft__stack_take(struct weft__stack_pool *pool, int stack_class)
{
	if (pool && pool->lists[stack_class].len > 0)
		return weft__stack_list_pop(&pool->lists[stack_class]);
	return weft__stack_take_slow(pool, stack_class);
}

/** Give back a stack that nobody is on. */
static inline void weft__stack_give(struct weft__stack_pool *pool, int stack_class, void *bottom)
{
	struct weft__stack_list *list = pool ? &pool->lists[stack_class] : NULL;

	if (list && list->len < list->capacity && list->len - list->hot_from < WEFT__STACK_HOT_MAX)
		list->bottoms[list->len++] = bottom;
	else
		weft__stack_give_slow(pool, stack_class, bottom);
}

/** Empty a worker's pool into the shared one, when the worker ends. */
void weft__stack_pool_fini(struct weft__stack_pool *pool);

/** Hold the shared stacks still around a fork(). */
void weft__stack_lock(void);
void weft__stack_unlock(void);

/** Stacks made without a guard so far. */
size_t weft__stack_unguarded(void);

/**
 * Where the stack that holds (or guards) an address begins: true, its bottom, its size
 * and whether the address is in the guard. Takes no lock: for the crash handler.
 */
bool weft__stack_find(const void *address, void **ret_bottom, size_t *ret_size, bool *ret_in_guard);

/**
 * The place below the top of a stack where its first frame goes. Stacks are page-aligned,
 * so the same depth of every stack would fall into the same set of the first-level cache
 * (64 sets of 64 bytes: one page) and a few hundred fibers would evict each other. Each
 * stack starts a different number of lines down, up to a quarter of a page, so that a
 * shallow fiber still needs one page only.
 */
static inline void *weft__stack_top(void *bottom, int stack_class)
{
	/* Stacks lie an odd multiple of 16 KiB apart (2 for the smallest): all 16 colours come up.
	 */
	size_t colour = ((uintptr_t)bottom >> 14) % 16;

	return (char *)bottom + weft__stack_class_size(stack_class) - colour * 64;
}

/**
 * Give the kernel back what the calling fiber's stack holds of deeper calls that are over: a system
 * call, for who is about to wait for long. On the stack of a thread or coroutine, nothing.
 */
void weft__stack_trim(void);

#endif
