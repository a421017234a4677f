/*
 * start.h - a worker's runnable fibers that have not started: others may take them.
 *
 * One producer (the worker), many consumers (the worker and thieves), first in first
 * out, growing by doubling. Any fiber in it is taken exactly once.
 */
#ifndef FIBER_START_H
#define FIBER_START_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct weft__fiber;
struct weft__start_ring;

/** Fibers that a thief takes at the most in one go. */
#define WEFT__STEAL_MAX 32

struct weft__start_queue {
	_Alignas(64) _Atomic uint64_t head; /* next to take; consumers move it by CAS */
	_Alignas(64) _Atomic uint64_t tail; /* next to fill; the owner's */
	_Atomic(struct weft__start_ring *) ring;
};

int weft__start_init(struct weft__start_queue *queue);
void weft__start_fini(struct weft__start_queue *queue);

/** Owner only. -1 with ENOMEM when it is full and can't grow. */
int weft__start_push(struct weft__start_queue *queue, struct weft__fiber *fiber);

/** Owner only: the turn of the first fiber, UINT64_MAX when there is none (a thief may be quicker).
 */
uint64_t weft__start_first_turn(struct weft__start_queue *queue);

/** Owner only: the first fiber, or NULL. */
struct weft__fiber *weft__start_pop(struct weft__start_queue *queue);

/** Anybody: take up to half of them, WEFT__STEAL_MAX at most. Returns the count. */
size_t weft__start_steal(struct weft__start_queue *queue, struct weft__fiber **ret_fibers);

static inline int weft__start_is_empty(struct weft__start_queue *queue)
{
	return atomic_load_explicit(&queue->head, memory_order_acquire) ==
	       atomic_load_explicit(&queue->tail, memory_order_acquire);
}

#endif
