/*
 * start.c - see start.h.
 *
 *	ring:   [ . . F F F F . . ]     head and tail count on for ever; a slot is
 *	              ^       ^         its number masked to the ring's size
 *	              head    tail
 *
 * Why it is right: the owner fills slot `tail` before it publishes tail + 1 (release),
 * so a consumer that has read tail (acquire) reads whole slots. The owner reuses a slot
 * only when head has passed it, and a consumer that read it before can't then move head
 * from the old number: its CAS fails. Numbers never repeat, so there is no ABA. A ring
 * that was outgrown stays until the end, for a consumer may still be reading it; its
 * slots from head on hold the same fibers as the new one's.
 *
 * Must never: touch a fiber taken by somebody else, but for reading its atomic turn.
 */
#include "fiber/start.h"

#include <errno.h>
#include <stdlib.h>

#include "fiber/fiber.h"

#define RING_FIRST 256

struct weft__start_ring {
	struct weft__start_ring *outgrown;
	uint64_t mask;
	_Atomic(struct weft__fiber *) slots[];
};

static struct weft__start_ring *ring_new(uint64_t count, struct weft__start_ring *outgrown)
{
	struct weft__start_ring *ring = malloc(sizeof *ring + count * sizeof ring->slots[0]);

	if (ring) {
		ring->outgrown = outgrown;
		ring->mask = count - 1;
	}
	return ring;
}

int weft__start_init(struct weft__start_queue *queue)
{
	struct weft__start_ring *ring = ring_new(RING_FIRST, NULL);

	if (!ring)
		return -1;
	atomic_init(&queue->head, 0);
	atomic_init(&queue->tail, 0);
	atomic_init(&queue->ring, ring);
	return 0;
}

void weft__start_fini(struct weft__start_queue *queue)
{
	struct weft__start_ring *ring = atomic_load(&queue->ring);

	while (ring) {
		struct weft__start_ring *outgrown = ring->outgrown;

		free(ring);
		ring = outgrown;
	}
	atomic_store(&queue->ring, NULL);
}

static struct weft__fiber *slot_load(struct weft__start_ring *ring, uint64_t number)
{
	return atomic_load_explicit(&ring->slots[number & ring->mask], memory_order_relaxed);
}

static void slot_store(struct weft__start_ring *ring, uint64_t number, struct weft__fiber *fiber)
{
	atomic_store_explicit(&ring->slots[number & ring->mask], fiber, memory_order_relaxed);
}

static struct weft__start_ring *grow(struct weft__start_queue *queue, struct weft__start_ring *ring,
	uint64_t head, uint64_t tail)
{
	struct weft__start_ring *larger = ring_new((ring->mask + 1) * 2, ring);

	if (!larger)
		return NULL;
	for (uint64_t number = head; number < tail; number++)
		slot_store(larger, number, slot_load(ring, number));
	atomic_store_explicit(&queue->ring, larger, memory_order_release);
	return larger;
}

int weft__start_push(struct weft__start_queue *queue, struct weft__fiber *fiber)
{
	uint64_t tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&queue->head, memory_order_acquire);
	struct weft__start_ring *ring = atomic_load_explicit(&queue->ring, memory_order_relaxed);

	if (tail - head > ring->mask) {
		ring = grow(queue, ring, head, tail);
		if (!ring) {
			errno = ENOMEM;
			return -1;
		}
	}
	slot_store(ring, tail, fiber);
	atomic_store_explicit(&queue->tail, tail + 1, memory_order_release);
	return 0;
}

uint64_t weft__start_first_turn(struct weft__start_queue *queue)
{
	uint64_t head = atomic_load_explicit(&queue->head, memory_order_acquire);
	struct weft__fiber *fiber;

	if (head == atomic_load_explicit(&queue->tail, memory_order_relaxed))
		return UINT64_MAX;
	fiber = slot_load(atomic_load_explicit(&queue->ring, memory_order_relaxed), head);
	return atomic_load_explicit(&fiber->turn, memory_order_relaxed);
}

struct weft__fiber *weft__start_pop(struct weft__start_queue *queue)
{
	struct weft__start_ring *ring = atomic_load_explicit(&queue->ring, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&queue->head, memory_order_acquire);

	while (head != tail) {
		struct weft__fiber *fiber = slot_load(ring, head);

		if (atomic_compare_exchange_weak_explicit(&queue->head, &head, head + 1,
			    memory_order_acq_rel, memory_order_acquire))
			return fiber;
	}
	return NULL;
}

size_t weft__start_steal(struct weft__start_queue *queue, struct weft__fiber **ret_fibers)
{
	uint64_t head = atomic_load_explicit(&queue->head, memory_order_acquire);

	for (;;) {
		uint64_t tail = atomic_load_explicit(&queue->tail, memory_order_acquire);
		struct weft__start_ring *ring =
			atomic_load_explicit(&queue->ring, memory_order_acquire);
		uint64_t count = (tail - head + 1) / 2;

		if (head >= tail)
			return 0;
		if (count > WEFT__STEAL_MAX)
			count = WEFT__STEAL_MAX;
		for (uint64_t i = 0; i < count; i++)
			ret_fibers[i] = slot_load(ring, head + i);
		if (atomic_compare_exchange_strong_explicit(&queue->head, &head, head + count,
			    memory_order_acq_rel, memory_order_acquire))
			return count;
	}
}
