/*
 * table.c - fiber records in slabs that are never freed; see fiber.h.
 *
 * Must never: free or move a record. Ids and wakes in flight may still look at it.
 */
#include "fiber/fiber.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#define SLAB_BITS  10
#define SLAB_COUNT (1u << SLAB_BITS)
#define SLABS_MAX  (WEFT_FIBERS_MAX / SLAB_COUNT)

/** Records that go from the shared list to a worker at a time. */
#define BATCH 64

static struct {
	pthread_mutex_t mutex;
	_Atomic(struct weft__fiber *) slabs[SLABS_MAX];
	_Atomic uint32_t slot_count;
	struct weft__slots free;
} table = {.mutex = PTHREAD_MUTEX_INITIALIZER};

struct weft__fiber *weft__slot_at(uint32_t slot)
{
	struct weft__fiber *slab;

	if (slot >= atomic_load_explicit(&table.slot_count, memory_order_acquire))
		return NULL;
	slab = atomic_load_explicit(&table.slabs[slot >> SLAB_BITS], memory_order_acquire);
	return &slab[slot & (SLAB_COUNT - 1)];
}

uint32_t weft__slot_count(void)
{
	return atomic_load_explicit(&table.slot_count, memory_order_acquire);
}

void weft__table_lock(void)
{
	pthread_mutex_lock(&table.mutex);
}

void weft__table_unlock(void)
{
	pthread_mutex_unlock(&table.mutex);
}

static void push(struct weft__slots *slots, struct weft__fiber *fiber)
{
	fiber->next = slots->free;
	slots->free = fiber;
	slots->count++;
}

static struct weft__fiber *pop(struct weft__slots *slots)
{
	struct weft__fiber *fiber = slots->free;

	slots->free = fiber->next;
	slots->count--;
	return fiber;
}

/* A new slab of records goes onto the shared list; table.mutex is held. */
static int slab_add(void)
{
	uint32_t first = atomic_load(&table.slot_count);
	struct weft__fiber *slab;

	if (first >= WEFT_FIBERS_MAX) {
		errno = EAGAIN;
		return -1;
	}
	/* mmap, not malloc: page-aligned, and pages come as records are used. */
	slab = mmap(NULL, SLAB_COUNT * sizeof *slab, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (slab == MAP_FAILED) {
		errno = ENOMEM;
		return -1;
	}
	for (uint32_t i = SLAB_COUNT; i-- > 0;) {
		slab[i].slot = first + i;
		weft_heap_node_init(&slab[i].alarm);
		atomic_store_explicit(&slab[i].control, UINT64_C(1) << 32, memory_order_relaxed);
		push(&table.free, &slab[i]);
	}
	atomic_store_explicit(&table.slabs[first >> SLAB_BITS], slab, memory_order_release);
	atomic_store_explicit(&table.slot_count, first + SLAB_COUNT, memory_order_release);
	return 0;
}

struct weft__fiber *weft__slot_take_slow(struct weft__slots *refill)
{
	struct weft__fiber *fiber = NULL;

	pthread_mutex_lock(&table.mutex);
	if (table.free.free || slab_add() == 0) {
		fiber = pop(&table.free);
		for (int i = 1; refill && i < BATCH && table.free.free; i++)
			push(refill, pop(&table.free));
	}
	pthread_mutex_unlock(&table.mutex);
	return fiber;
}

static void shared_give(struct weft__slots *slots, uint32_t count)
{
	pthread_mutex_lock(&table.mutex);
	while (count-- > 0)
		push(&table.free, pop(slots));
	pthread_mutex_unlock(&table.mutex);
}

void weft__slot_give_slow(struct weft__slots *slots, struct weft__fiber *fiber)
{
	struct weft__slots one = {0};

	if (slots)
		shared_give(slots, slots->count / 2);
	push(slots ? slots : &one, fiber);
	if (!slots)
		shared_give(&one, 1);
}

void weft__slots_fini(struct weft__slots *slots)
{
	shared_give(slots, slots->count);
}
