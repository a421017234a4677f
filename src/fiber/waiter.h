/*
 * waiter.h - one fiber or thread that waits for another to say so.
 *
 * What everything that waits for other fibers is built on (join; locks and channels
 * later). The one who waits puts a waiter where the other finds it, and waits; the other
 * takes it off there and wakes it, exactly once. A waiter that gives up must first take
 * itself off, under the lock of wherever it was put; if it is gone from there it will be
 * woken, and must wait for that (weft__waiter_wait_for_sure()).
 */
#ifndef FIBER_WAITER_H
#define FIBER_WAITER_H

#include <stdatomic.h>
#include <stdint.h>

#include "fiber/worker.h"

struct weft__waiter {
	struct weft__fiber *fiber; /* NULL: a thread */
	uint32_t generation;
	_Atomic uint32_t is_woken; /* what a thread sleeps on (futex(2)) */
	struct weft__wait wait;
};

/** Of the calling fiber or thread, to wait for an object of this kind. */
static inline void weft__waiter_init(
	struct weft__waiter *waiter, enum weft__wait_kind kind, const void *object)
{
	struct weft__worker *worker = weft__worker;

	*waiter = (struct weft__waiter){.wait = {.kind = kind, .object = object}};
	if (worker) {
		waiter->fiber = worker->current;
		waiter->generation = weft__generation(
			atomic_load_explicit(&waiter->fiber->control, memory_order_relaxed));
	}
}

static inline bool weft__waiter_is_woken(struct weft__waiter *waiter)
{
	return atomic_load_explicit(&waiter->is_woken, memory_order_acquire);
}

int weft__waiter_wait_thread(struct weft__waiter *waiter);

/** 0 when woken; ETIMEDOUT or ECANCELED when the ambient scope came first. */
static inline int weft__waiter_wait(struct weft__waiter *waiter)
{
	struct weft__fiber *fiber = waiter->fiber;

	if (!fiber)
		return weft__waiter_wait_thread(waiter);
	while (!weft__waiter_is_woken(waiter)) {
		if (fiber->context.interrupt)
			return fiber->context.interrupt;
		weft__park(weft__worker, &waiter->wait);
	}
	return 0;
}

/** Wait for a wake that is certain to come soon. */
void weft__waiter_wait_for_sure(struct weft__waiter *waiter);

/** The same as below, for all but fibers of the calling worker. */
void weft__waiter_wake_elsewhere(struct weft__waiter *waiter);

/** Wake it. It may be gone the moment this stores; from any thread. */
static inline void weft__waiter_wake(struct weft__waiter *waiter)
{
	struct weft__worker *worker = weft__worker;
	struct weft__fiber *fiber = waiter->fiber;

	if (worker && fiber &&
		atomic_load_explicit(&fiber->worker, memory_order_relaxed) == worker) {
		atomic_store_explicit(&waiter->is_woken, 1, memory_order_release);
		weft__ready(worker, fiber);
	} else {
		weft__waiter_wake_elsewhere(waiter);
	}
}

#endif
