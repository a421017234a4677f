/*
 * stack.c - see stack.h. Arenas are never unmapped while the process lives: a stack
 * that is free has lost its pages to the kernel, and only address space stays.
 *
 * Must never: touch a stack's memory (that would make its pages resident).
 */
#include "fiber/stack.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fiber/sanitize.h"
#include "fiber/worker.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

/** Address space reserved at a time; a class of large stacks reserves this many of them. */
#define ARENA_BYTES      ((size_t)64 * 1024 * 1024)
#define ARENA_STACKS_MIN 8
/** Stacks that go between a worker's pool and the shared one at a time. */
#define BATCH 32

/* Below the frame that trims a stack, what the call for it needs. */
#define TRIM_SPARE 256

struct arena {
	struct arena *next; /* newest first; published once, whole */
	char *base;
	size_t stride, count;
	int stack_class;
};

/** Shared by all workers. Locked on the cold path: a batch of stacks at a time. */
static struct {
	pthread_mutex_t mutex;
	struct weft__stack_pool free;
	struct arena *current[WEFT__STACK_CLASSES]; /* the arena being carved up */
	size_t carved[WEFT__STACK_CLASSES];         /* stacks taken of it so far */
	_Atomic(struct arena *) arenas;
	size_t mprotect_left; /* guards that mprotect may still make */
	bool mprotect_counted, has_no_guard_madvise;
	atomic_size_t unguarded;
} shared = {.mutex = PTHREAD_MUTEX_INITIALIZER};

int weft__stack_class(size_t size_bytes)
{
	for (int stack_class = 0; stack_class < WEFT__STACK_CLASSES; stack_class++)
		if (size_bytes <= weft__stack_class_size(stack_class))
			return stack_class;
	return -1;
}

size_t weft__stack_unguarded(void)
{
	return atomic_load(&shared.unguarded);
}

void weft__stack_lock(void)
{
	pthread_mutex_lock(&shared.mutex);
}

void weft__stack_unlock(void)
{
	pthread_mutex_unlock(&shared.mutex);
}

/* ---- Arenas ------------------------------------------------------------------ */

static struct arena *arena_new(int stack_class)
{
	size_t stride = weft__stack_class_size(stack_class) + WEFT__STACK_GUARD;
	size_t count = ARENA_BYTES / stride;
	struct arena *arena = malloc(sizeof *arena);

	if (!arena)
		return NULL;
	if (count < ARENA_STACKS_MIN)
		count = ARENA_STACKS_MIN;
	*arena = (struct arena){.stride = stride, .count = count, .stack_class = stack_class};
	arena->base = mmap(NULL, stride * count, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (arena->base == MAP_FAILED) {
		free(arena);
		errno = ENOMEM;
		return NULL;
	}
	/* A huge page would make 2 MiB resident for the first byte of a stack. */
	madvise(arena->base, stride * count, MADV_NOHUGEPAGE);
	arena->next = atomic_load(&shared.arenas);
	atomic_store(&shared.arenas, arena);
	return arena;
}

static size_t mprotect_budget(void)
{
	FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
	size_t maps_max = 65530;

	if (file) {
		if (fscanf(file, "%zu", &maps_max) != 1)
			maps_max = 65530;
		fclose(file);
	}
	return maps_max / 2 / 2; /* half of the maps; a guard splits off two */
}

static void guard_install(char *guard)
{
	if (!shared.has_no_guard_madvise) {
		if (madvise(guard, WEFT__STACK_GUARD, MADV_GUARD_INSTALL) == 0)
			return;
		shared.has_no_guard_madvise = errno == EINVAL;
	}
	if (!shared.mprotect_counted) {
		shared.mprotect_left = mprotect_budget();
		shared.mprotect_counted = true;
	}
	if (shared.mprotect_left > 0 && mprotect(guard, WEFT__STACK_GUARD, PROT_NONE) == 0)
		shared.mprotect_left--;
	else
		atomic_fetch_add(&shared.unguarded, 1);
}

/* Carve the next stack; shared.mutex is held. */
static void *carve(int stack_class)
{
	struct arena *arena = shared.current[stack_class];
	char *guard;

	if (!arena || shared.carved[stack_class] == arena->count) {
		arena = arena_new(stack_class);
		if (!arena)
			return NULL;
		shared.current[stack_class] = arena;
		shared.carved[stack_class] = 0;
	}
	guard = arena->base + arena->stride * shared.carved[stack_class]++;
	guard_install(guard);
	weft__sanitize_stack_made(guard + WEFT__STACK_GUARD, weft__stack_class_size(stack_class));
	return guard + WEFT__STACK_GUARD;
}

bool weft__stack_find(const void *address, void **ret_bottom, size_t *ret_size, bool *ret_in_guard)
{
	for (struct arena *arena = atomic_load(&shared.arenas); arena; arena = arena->next) {
		size_t offset = (size_t)((const char *)address - arena->base);

		if ((const char *)address < arena->base || offset >= arena->stride * arena->count)
			continue;
		*ret_bottom =
			arena->base + offset / arena->stride * arena->stride + WEFT__STACK_GUARD;
		*ret_size = weft__stack_class_size(arena->stack_class);
		*ret_in_guard = offset % arena->stride < WEFT__STACK_GUARD;
		return true;
	}
	return false;
}

/* ---- Pools ------------------------------------------------------------------- */

static int list_grow(struct weft__stack_list *list)
{
	uint32_t capacity = list->capacity ? list->capacity * 2 : 64;
	void **bottoms = reallocarray(list->bottoms, capacity, sizeof *bottoms);

	if (!bottoms)
		return -1;
	list->bottoms = bottoms;
	list->capacity = capacity;
	return 0;
}

static int list_push(struct weft__stack_list *list, void *bottom)
{
	if (list->len == list->capacity && list_grow(list) < 0)
		return -1;
	list->bottoms[list->len++] = bottom;
	return 0;
}

static void pages_release(void *bottom, int stack_class)
{
	madvise(bottom, weft__stack_class_size(stack_class), MADV_DONTNEED);
}

/* Not for a caller's frame: what is below ours is dead, but for the call of madvise(2) itself. */
__attribute__((noinline)) void weft__stack_trim(void)
{
	const struct weft__fiber *fiber = weft__worker ? weft__worker->current : NULL;
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t end = ((uintptr_t)__builtin_frame_address(0) - TRIM_SPARE) & ~(page - 1);

	if (fiber && fiber->stack && !fiber->context.coro && end > (uintptr_t)fiber->stack)
		madvise(fiber->stack, end - (uintptr_t)fiber->stack, MADV_DONTNEED);
}

void weft_stack_trim(void)
{
	weft__stack_trim();
}

static void shared_give(int stack_class, void *bottom)
{
	pthread_mutex_lock(&shared.mutex);
	/* Without memory for the list's own array the address space is lost, nothing else. */
	(void)list_push(&shared.free.lists[stack_class], bottom);
	pthread_mutex_unlock(&shared.mutex);
}

static void *shared_take(struct weft__stack_list *refill, int stack_class)
{
	struct weft__stack_list *from = &shared.free.lists[stack_class];
	void *bottom;

	pthread_mutex_lock(&shared.mutex);
	bottom = from->len > 0 ? weft__stack_list_pop(from) : carve(stack_class);
	for (int i = 1; bottom && refill && i < BATCH; i++) {
		void *further = from->len > 0 ? weft__stack_list_pop(from) : carve(stack_class);

		if (!further || list_push(refill, further) < 0) {
			if (further)
				(void)list_push(from, further);
			break;
		}
		refill->hot_from = refill->len;
	}
	pthread_mutex_unlock(&shared.mutex);
	return bottom;
}

void *weft__stack_take_slow(struct weft__stack_pool *pool, int stack_class)
{
	return shared_take(pool ? &pool->lists[stack_class] : NULL, stack_class);
}

/* The longest unused stack that still has its pages gives them back. */
static void cool_one(struct weft__stack_list *list, int stack_class)
{
	pages_release(list->bottoms[list->hot_from], stack_class);
	list->hot_from++;
}

void weft__stack_give_slow(struct weft__stack_pool *pool, int stack_class, void *bottom)
{
	struct weft__stack_list *list = pool ? &pool->lists[stack_class] : NULL;

	if (!list || list->len >= WEFT__STACK_POOL_MAX || list_push(list, bottom) < 0) {
		pages_release(bottom, stack_class);
		shared_give(stack_class, bottom);
		return;
	}
	if (list->len - list->hot_from > WEFT__STACK_HOT_MAX)
		cool_one(list, stack_class);
}

void weft__stack_pool_fini(struct weft__stack_pool *pool)
{
	for (int stack_class = 0; stack_class < WEFT__STACK_CLASSES; stack_class++) {
		struct weft__stack_list *list = &pool->lists[stack_class];

		while (list->len > list->hot_from)
			cool_one(list, stack_class);
		while (list->len > 0)
			shared_give(stack_class, weft__stack_list_pop(list));
		free(list->bottoms);
		*list = (struct weft__stack_list){0};
	}
}
