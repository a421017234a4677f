/*
 * wait_list.h - fibers and threads that wait, under a mutex, for something to change.
 *
 * A condition variable over src/fiber/waiter.h: the mutex is held only for moments, and
 * never while a fiber is parked. Whoever is woken looks at its condition again.
 */
#ifndef THREAD_WAIT_LIST_H
#define THREAD_WAIT_LIST_H

#include <pthread.h>

#include "fiber/waiter.h"
#include "weft/list.h"

struct weft__wait_list {
	struct weft_list sleepers;
};

static inline void weft__wait_list_init(struct weft__wait_list *list)
{
	weft_list_init(&list->sleepers);
}

/**
 * Give the mutex up, wait to be woken, and take the mutex again. 0 when woken; else
 * ETIMEDOUT or ECANCELED, and then no wake was lost on the caller.
 */
int weft__wait_list_wait(struct weft__wait_list *list, pthread_mutex_t *mutex,
	enum weft__wait_kind kind, const void *object);

/** Wake the one that waits longest, or all. The mutex is held. */
void weft__wait_list_wake_one(struct weft__wait_list *list);
void weft__wait_list_wake_all(struct weft__wait_list *list);

#endif
