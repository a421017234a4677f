/*
 * order.h - the order in which locks are acquired: src/sync/order.c.
 */
#ifndef SYNC_ORDER_H
#define SYNC_ORDER_H

#include <stdbool.h>

struct weft_lock;

/** weft_lock_order_check() */
extern bool weft__order_is_on;

/** While it is on: the caller is about to wait for the lock, or try; has got it; lets it go. */
void weft__order_acquiring(const struct weft_lock *lock);
void weft__order_acquired(const struct weft_lock *lock);
void weft__order_released(const struct weft_lock *lock);

/** There is a new lock where another may have been. */
void weft__order_forget(const struct weft_lock *lock);

#endif
