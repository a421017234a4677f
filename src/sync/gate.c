/*
 * gate.c - see gate.h: the steps that are not taken in the common case.
 *
 * Must never: spin for long. Who holds a gate may have been preempted, so a few looks
 * later the CPU is offered to it.
 */
#include "sync/gate.h"

#include <sched.h>
#include <unistd.h>

#define LOOKS 64

/* Whatever of this floor a program uses, this file is linked in with it. */
__attribute__((constructor)) static void install(void)
{
	weft__describe_install();
}

static inline void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

void weft__gate_enter_slow(struct weft_gate *gate)
{
	uint32_t free = 0;

	for (unsigned looks = 1;; looks++) {
		if (__atomic_load_n(&gate->is_taken, __ATOMIC_RELAXED) == 0 &&
			__atomic_compare_exchange_n(&gate->is_taken, &free, 1, false,
				__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return;
		free = 0;
		if (looks % LOOKS == 0)
			sched_yield();
		else
			relax();
	}
}

struct weft__node *weft__waitlist_pop_all(struct weft_waitlist *list)
{
	struct weft__node *first = list->first;

	for (struct weft__node *node = first; node; node = node->next)
		node->is_queued = false;
	list->first = list->last = NULL;
	return first;
}

void weft__wake_all(struct weft__node *first)
{
	while (first) {
		struct weft__node *next = first->next; /* gone with the waiter */

		weft__waiter_wake(first->waiter);
		first = next;
	}
}

int weft__node_give_up(
	struct weft_gate *gate, struct weft_waitlist *list, struct weft__node *node, int code)
{
	bool is_off;

	weft__gate_enter(gate);
	is_off = node->is_queued;
	if (is_off)
		weft__waitlist_remove(list, node);
	weft__gate_leave(gate);
	if (is_off)
		return code;
	weft__waiter_wait_for_sure(node->waiter);
	return 0;
}

void weft__give_way(struct weft__worker *worker)
{
	worker->sync_calls = 0;
	weft_yield();
}

uint64_t weft__thread_id(void)
{
	static __thread uint64_t id; /* kept by the child of a fork, as its locks are */

	if (!id)
		id = (uint64_t)gettid();
	return id;
}
