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

#include "fiber/fiber.h"

struct weft__waiter {
	struct weft__fiber *fiber; /* NULL: a thread */
	uint32_t generation;
	_Atomic uint32_t is_woken; /* what a thread sleeps on (futex(2)) */
	struct weft__wait wait;
};

/** Of the calling fiber or thread, to wait for an object of this kind. */
void weft__waiter_init(struct weft__waiter *waiter, enum weft__wait_kind kind, const void *object);

/** 0 when woken; ETIMEDOUT or ECANCELED when the ambient scope came first. */
int weft__waiter_wait(struct weft__waiter *waiter);

/** Wait for a wake that is certain to come soon. */
void weft__waiter_wait_for_sure(struct weft__waiter *waiter);

/** Wake it. It may be gone the moment this stores; from any thread. */
void weft__waiter_wake(struct weft__waiter *waiter);

#endif
