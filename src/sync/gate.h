/*
 * gate.h - what all of src/sync stands on: the gate around an object's fields, its list of
 * waiters, and the steps that every waiting call shares.
 *
 * The common course of a call that waits:
 *
 *	weft__sync_begin()            fails if the scope has ended; gives way now and then
 *	enter the gate
 *	  there is something for us?  take it; leave; done
 *	  else push our node; leave
 *	weft__node_wait()             parks; whoever has something for us pops our node and
 *	                              hands it over inside the gate, then wakes us
 *	  interrupted?                enter; still queued: remove, leave, fail
 *	                              popped: it was handed over, and the wake will come
 *
 * So what is handed over is received: giving up and handing over both happen inside the
 * gate, one of them first. Must never: wait, wake or call the kernel inside a gate.
 */
#ifndef SYNC_GATE_H
#define SYNC_GATE_H

#include <errno.h>
#include <stdatomic.h>
#include <sys/single_threaded.h>

#include "fiber/waiter.h"
#include "fiber/worker.h"
#include "weft/waitlist.h"

#define WEFT__LIKELY(x)   __builtin_expect(!!(x), 1)
#define WEFT__UNLIKELY(x) __builtin_expect(!!(x), 0)

/* ---- The gate -------------------------------------------------------------------- */

void weft__gate_enter_slow(struct weft_gate *gate);

/**
 * A process of one thread has nobody to keep out: nothing inside a gate starts a thread,
 * so that stays true until it is left.
 */
static inline bool weft__gate_try_enter(struct weft_gate *gate)
{
	uint32_t free = 0;

	return __libc_single_threaded || __atomic_compare_exchange_n(&gate->is_taken, &free, 1,
						 false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void weft__gate_enter(struct weft_gate *gate)
{
	if (WEFT__UNLIKELY(!weft__gate_try_enter(gate)))
		weft__gate_enter_slow(gate);
}

static inline void weft__gate_leave(struct weft_gate *gate)
{
	__atomic_store_n(&gate->is_taken, 0, __ATOMIC_RELEASE);
}

/** What the objects of this floor are, in words, is known from then on: src/sync/describe.c */
void weft__describe_install(void);

/* ---- Those who wait ----------------------------------------------------------------- */

/** One place in one list, on the stack of who waits. Changed inside the gate only. */
struct weft__node {
	struct weft__node *next, *prev;
	struct weft__waiter *waiter;
	bool is_queued;
};

static inline struct weft__node *weft__waitlist_first(const struct weft_waitlist *list)
{
	return (struct weft__node *)list->first;
}

static inline void weft__waitlist_push_back(struct weft_waitlist *list, struct weft__node *node)
{
	struct weft__node *last = list->last;

	node->is_queued = true;
	node->next = NULL;
	node->prev = last;
	if (last)
		last->next = node;
	else
		list->first = node;
	list->last = node;
}

static inline void weft__waitlist_push_front(struct weft_waitlist *list, struct weft__node *node)
{
	struct weft__node *first = list->first;

	node->is_queued = true;
	node->next = first;
	node->prev = NULL;
	if (first)
		first->prev = node;
	else
		list->last = node;
	list->first = node;
}

static inline void weft__waitlist_remove(struct weft_waitlist *list, struct weft__node *node)
{
	node->is_queued = false;
	if (node->prev)
		node->prev->next = node->next;
	else
		list->first = node->next;
	if (node->next)
		node->next->prev = node->prev;
	else
		list->last = node->prev;
}

/** The first, or NULL: off the list, and so certain to be woken by the caller. */
static inline struct weft__node *weft__waitlist_pop(struct weft_waitlist *list)
{
	struct weft__node *node = list->first;

	if (node)
		weft__waitlist_remove(list, node);
	return node;
}

/** Take all off the list; they are linked by next. */
struct weft__node *weft__waitlist_pop_all(struct weft_waitlist *list);

/** Wake one after the other, outside the gate. */
void weft__wake_all(struct weft__node *first);

/** The chain of nodes that were popped and will be woken after the gate is left. */
struct weft__wakes {
	struct weft__node *first, **end;
};

static inline void weft__wakes_add(struct weft__wakes *wakes, struct weft__node *node)
{
	node->next = NULL;
	if (wakes->first)
		*wakes->end = node;
	else
		wakes->first = node;
	wakes->end = &node->next;
}

/* ---- Waiting -------------------------------------------------------------------------- */

/** A node with the waiter that most calls need. */
struct weft__place {
	struct weft__node node;
	struct weft__waiter waiter;
};

static inline void weft__place_init(
	struct weft__place *place, enum weft__wait_kind kind, const void *object)
{
	place->node.waiter = &place->waiter;
	weft__waiter_init(&place->waiter, kind, object);
}

/** The scope ended the wait with code: take the node off, or the handing over was first: 0. */
int weft__node_give_up(
	struct weft_gate *gate, struct weft_waitlist *list, struct weft__node *node, int code);

/**
 * Wait until the node, which is in the list, was popped and woken: 0. Or the errno of the
 * scope that came first; then the node is off the list, and nothing was handed over.
 */
static inline int weft__node_wait(
	struct weft_gate *gate, struct weft_waitlist *list, struct weft__node *node)
{
	int code = weft__waiter_wait(node->waiter);

	return WEFT__LIKELY(code == 0) ? 0 : weft__node_give_up(gate, list, node, code);
}

/** Calls that need not wait, of all fibers of a worker, before one of them gives way. */
#define WEFT__SYNC_CALLS 256

/** So that a fiber that never has to wait does not keep the others from running. */
void weft__give_way(struct weft__worker *worker);

/** 0, or the errno that a call that may wait must fail with now. worker: the caller's, or NULL. */
static inline int weft__sync_begin(struct weft__worker *worker)
{
	if (WEFT__UNLIKELY(!worker))
		return weft_interrupted();
	if (WEFT__UNLIKELY(++worker->sync_calls >= WEFT__SYNC_CALLS))
		weft__give_way(worker);
	return worker->current->context.interrupt;
}

/**
 * The same for a fiber, as a condition: true when nothing is in the way, and the gate is
 * entered. Else nothing has happened. The common cases of the calls go on from here without
 * calling anything, so that they need not even save registers.
 */
static inline bool weft__enter_quickly(struct weft_gate *gate, struct weft__worker *worker)
{
	if (WEFT__UNLIKELY(!worker || worker->sync_calls >= WEFT__SYNC_CALLS ||
			   worker->current->context.interrupt || !weft__gate_try_enter(gate)))
		return false;
	worker->sync_calls++;
	return true;
}

/** gettid(2), asked for once per thread. */
uint64_t weft__thread_id(void);

/** Who the caller is to locks. A fiber's id is never below 2^32, a thread's never above. */
static inline uint64_t weft__caller(struct weft__worker *worker)
{
	return WEFT__LIKELY(worker != NULL) ? weft__fiber_id(worker->current) : weft__thread_id();
}

static inline int weft__sync_fail(int code)
{
	errno = code;
	return -1;
}

/* ---- Locks, for conditions ---------------------------------------------------------------- */

/** Waits for a lock, or at a condition for a signal and then for its lock. */
struct weft__lock_place {
	struct weft__place place;
	uint64_t caller;
	uint32_t depth;    /* to own it with */
	bool is_granted;   /* the caller owns the lock */
	bool is_owed;      /* woke in vain before: is handed the lock next */
	bool is_signalled; /* at a condition; inside the condition's gate */
	struct weft_lock *lock;
};

/** Give up the lock, which the caller owns, whatever its depth. Returns that. */
uint32_t weft__lock_release_all(struct weft_lock *lock);

/** Queue for the lock on behalf of who waits in that place, or hand it over at once. */
void weft__lock_queue(struct weft_lock *lock, struct weft__lock_place *place);

/** Wait for a lock that place is queued for, or soon will be: until it is owned. */
void weft__lock_settle(struct weft_lock *lock, struct weft__lock_place *place);

#endif
