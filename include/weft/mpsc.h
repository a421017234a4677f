/*
 * weft/mpsc.h - an intrusive queue from many producers to one consumer, without locks.
 *
 * This is how another thread hands work to a worker: it pushes a node, and wakes the
 * worker only when the queue was empty before; whoever found it non-empty knows that
 * an earlier producer wakes the consumer already.
 *
 *	if (weft_mpsc_push(&worker->inbox, &fiber->in_inbox))
 *		wake(worker);
 *
 * The producers build a stack, newest first; the consumer takes the whole of it with
 * one exchange and turns it round, so that nodes come out in the order of the pushes.
 *
 *	newest --next--> ... --next--> oldest --next--> NULL
 *
 * Why a comparing push is safe here (no ABA): a push fails or succeeds on the address of
 * the newest node alone and never looks inside it. Should that node be taken and be
 * pushed again between the load and the exchange, it is the newest once more, and the
 * link to it is as right as if nothing had happened. The consumer compares nothing.
 * For the same reason a node may be freed or reused as soon as it has been taken.
 *
 * Memory order: the push releases, so what its producer wrote before is seen by the
 * consumer, whose exchange acquires. That holds for every node of the chain, not only the
 * newest: each push is a read-modify-write, which carries on the release sequences
 * of the pushes before it. The load before the push, and a push that lost, are relaxed: the
 * address is stored, never followed.
 *
 * Ownership: the nodes stay the caller's; one that is queued must not be freed or
 * pushed again. Threads: push and is_empty from any; take_all from one at a time.
 * The compiler's builtins stand for <stdatomic.h>, which C++ cannot include.
 */
#ifndef WEFT_MPSC_H
#define WEFT_MPSC_H

#include "weft/api.h"

WEFT_BEGIN

struct weft_mpsc_node {
	struct weft_mpsc_node *next;
};

struct weft_mpsc {
	struct weft_mpsc_node *newest; /* atomic: touch it through the calls below only */
};

/** Make queue empty, before any other thread can see it. There is nothing to end. */
static inline void weft_mpsc_init(struct weft_mpsc *queue)
{
	__atomic_store_n(&queue->newest, NULL, __ATOMIC_RELAXED);
}

/**
 * Queue node. Returns whether the queue was empty before: then the consumer may be
 * asleep, and this producer must wake it. The wake must be one that isn't lost when the
 * consumer is not asleep yet (eventfd(2), a semaphore). Lock-free; from any thread.
 */
static inline bool weft_mpsc_push(struct weft_mpsc *queue, struct weft_mpsc_node *node)
{
	struct weft_mpsc_node *newest = __atomic_load_n(&queue->newest, __ATOMIC_RELAXED);

	do
		node->next = newest;
	while (!__atomic_compare_exchange_n(
		&queue->newest, &newest, node, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	return newest == NULL;
}

/**
 * Take everything: the oldest node, whose next leads on to the newest and then NULL;
 * NULL when the queue is empty. Wait-free, then O(n) to turn the chain round. One thread
 * at a time.
 */
static inline struct weft_mpsc_node *weft_mpsc_take_all(struct weft_mpsc *queue)
{
	struct weft_mpsc_node *node = __atomic_exchange_n(&queue->newest, NULL, __ATOMIC_ACQUIRE);
	struct weft_mpsc_node *oldest = NULL;

	while (node) {
		struct weft_mpsc_node *older = node->next;

		node->next = oldest;
		oldest = node;
		node = older;
	}
	return oldest;
}

/**
 * Whether nothing was queued at some moment of the call. Only a hint, relaxed: it says
 * nothing of other memory, and a consumer that raises a flag "I sleep" for the
 * producers to read must put a full fence between the flag and this call.
 */
static inline bool weft_mpsc_is_empty(const struct weft_mpsc *queue)
{
	return __atomic_load_n(&queue->newest, __ATOMIC_RELAXED) == NULL;
}

WEFT_END

#endif
