/*
 * cond.c - conditions (include/weft/lock.h).
 *
 * A signal does not wake: it moves the waiter from the condition to the queue of its
 * lock, where it is served in turn. So a broadcast to a thousand waiters wakes one.
 *
 * Must never: return from a wait without the lock.
 */
#include <stddef.h>

#include "sync/gate.h"
#include "weft/lock.h"

void weft_cond_init(struct weft_cond *cond, const char *name)
{
	*cond = (struct weft_cond){.name = name};
}

static struct weft__lock_place *place_of(struct weft__node *node)
{
	return weft_container_of(node, struct weft__lock_place, place.node);
}

/* Whether the wait ends unsignalled: the place is off the condition then. */
static bool withdraw(struct weft_cond *cond, struct weft__lock_place *place)
{
	bool is_signalled;

	weft__gate_enter(&cond->gate);
	is_signalled = place->is_signalled;
	if (!is_signalled)
		weft__waitlist_remove(&cond->waiters, &place->place.node);
	weft__gate_leave(&cond->gate);
	return !is_signalled;
}

int weft_cond_wait(struct weft_cond *cond, struct weft_lock *lock)
{
	struct weft__lock_place place = {.caller = weft__caller(weft__worker), .lock = lock};
	int code = weft__sync_begin(weft__worker);

	if (!weft_lock_is_mine(lock))
		return weft__sync_fail(EPERM);
	if (code)
		return weft__sync_fail(code);
	weft__place_init(&place.place, WEFT__WAIT_COND, cond);
	weft__gate_enter(&cond->gate);
	weft__waitlist_push_back(&cond->waiters, &place.place.node);
	/* Who signals may put us into the lock's queue at once: the depth must be there. */
	place.depth = lock->depth;
	weft__gate_leave(&cond->gate);
	weft__lock_release_all(lock);
	code = weft__waiter_wait(&place.place.waiter);
	if (code && withdraw(cond, &place))
		weft__lock_queue(lock, &place);
	else
		code = 0;
	weft__lock_settle(lock, &place);
	return code ? weft__sync_fail(code) : 0;
}

static struct weft__node *take(struct weft_cond *cond, bool is_all)
{
	struct weft__node *first;

	weft__gate_enter(&cond->gate);
	first = is_all ? weft__waitlist_pop_all(&cond->waiters)
		       : weft__waitlist_pop(&cond->waiters);
	if (first && !is_all)
		first->next = NULL;
	for (struct weft__node *node = first; node; node = node->next)
		place_of(node)->is_signalled = true;
	weft__gate_leave(&cond->gate);
	return first;
}

static void move_to_locks(struct weft__node *node)
{
	while (node) {
		struct weft__node *next = node->next; /* the lock's queue links it anew */

		weft__lock_queue(place_of(node)->lock, place_of(node));
		node = next;
	}
}

void weft_cond_signal(struct weft_cond *cond)
{
	move_to_locks(take(cond, false));
}

void weft_cond_broadcast(struct weft_cond *cond)
{
	move_to_locks(take(cond, true));
}
