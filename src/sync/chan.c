/*
 * chan.c - channels (include/weft/chan.h); chan.h says who waits where.
 *
 * Must never: touch a node after its owner was woken; it is on the owner's stack.
 */
#include "sync/chan.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Life ------------------------------------------------------------------------ */

static size_t round_up(size_t capacity)
{
	size_t rounded = 1;

	while (rounded < capacity)
		rounded *= 2;
	return rounded;
}

struct weft_chan *weft_chan_new(size_t item_size, size_t capacity, const char *name)
{
	struct weft_chan *chan;

	if (item_size == 0 || item_size > WEFT_CHAN_ITEM_MAX || capacity > WEFT_CHAN_CAPACITY_MAX) {
		errno = EINVAL;
		return NULL;
	}
	chan = malloc(sizeof(*chan));
	if (!chan)
		return NULL;
	*chan = (struct weft_chan){.item_size = item_size, .capacity = capacity, .name = name};
	if (capacity > 0 && weft_ring_init(&chan->ring, item_size, round_up(capacity)) < 0) {
		free(chan);
		return NULL;
	}
	return chan;
}

void weft_chan_free(struct weft_chan *chan)
{
	if (!chan)
		return;
	weft_ring_fini(&chan->ring);
	free(chan);
}

/* ---- Inside the gate ---------------------------------------------------------------- */

/* Most items are a number or a pointer: those need no call. */
static inline void copy(void *to, const void *from, size_t size)
{
	if (size == 8)
		memcpy(to, from, 8);
	else if (size == 4)
		memcpy(to, from, 4);
	else
		memcpy(to, from, size);
}

/* The first who waits and is nobody else's yet; off the list, to be woken by the caller. */
static inline struct weft__chan_node *take(struct weft_waitlist *list)
{
	struct weft__node *node;

	while ((node = weft__waitlist_pop(list))) {
		struct weft__chan_node *taken =
			weft_container_of(node, struct weft__chan_node, node);
		int none = -1;

		if (WEFT__LIKELY(!taken->select) ||
			atomic_compare_exchange_strong(
				&taken->select->claimed, &none, taken->index))
			return taken;
	}
	return NULL;
}

static inline void ring_push(struct weft_chan *chan, const void *item)
{
	copy(weft_ring_push_slot(&chan->ring), item, chan->item_size);
}

static inline int send_now(
	struct weft_chan *chan, const void *item, struct weft__chan_node **ret_wake)
{
	struct weft__chan_node *receiver;

	*ret_wake = NULL;
	if (WEFT__UNLIKELY(chan->is_closed))
		return -1;
	receiver = take(&chan->receivers);
	if (receiver) {
		copy(receiver->ret_item, item, chan->item_size);
		receiver->result = 1;
		*ret_wake = receiver;
		return 0;
	}
	if (weft_ring_len(&chan->ring) >= chan->capacity)
		return WEFT__CHAN_WAIT;
	ring_push(chan, item);
	return 0;
}

static inline int recv_now(
	struct weft_chan *chan, void *ret_item, struct weft__chan_node **ret_wake)
{
	const void *oldest = weft_ring_front(&chan->ring);
	struct weft__chan_node *sender;

	if (oldest) {
		copy(ret_item, oldest, chan->item_size);
		weft_ring_pop(&chan->ring, NULL);
	}
	/* Nobody sends on a closed channel; its waiting senders have been told. */
	sender = take(&chan->senders);
	*ret_wake = sender;
	if (!sender)
		return oldest ? 1 : chan->is_closed ? 0 : WEFT__CHAN_WAIT;
	if (oldest)
		ring_push(chan, sender->item);
	else
		copy(ret_item, sender->item, chan->item_size);
	sender->result = 0;
	return 1;
}

int weft__chan_send_now(struct weft_chan *chan, const void *item, struct weft__chan_node **ret_wake)
{
	return send_now(chan, item, ret_wake);
}

int weft__chan_recv_now(struct weft_chan *chan, void *ret_item, struct weft__chan_node **ret_wake)
{
	return recv_now(chan, ret_item, ret_wake);
}

/* ---- Outside the gate ------------------------------------------------------------------ */

void weft__chan_wake(struct weft__chan_node *node)
{
	const uint64_t one = 1;

	/* First the descriptor: the waiter's wake is what its owner stays for. */
	if (node->select && node->select->event_fd >= 0) {
		ssize_t written = write(node->select->event_fd, &one, sizeof(one));

		(void)written; /* only full when it was written to already */
	}
	weft__waiter_wake(node->node.waiter);
}

struct waiting {
	struct weft__chan_node node;
	struct weft__waiter waiter;
};

/* Inside the gate, which is left: queue, wait, and return the result of the call. */
static __attribute__((noinline)) int wait_in(
	struct weft_chan *chan, struct weft_waitlist *list, void *item)
{
	bool is_sender = list == &chan->senders;
	struct waiting self;
	int code;

	self.node.ret_item = item;
	self.node.select = NULL;
	self.node.node.waiter = &self.waiter;
	weft__waiter_init(
		&self.waiter, is_sender ? WEFT__WAIT_CHAN_SEND : WEFT__WAIT_CHAN_RECV, chan);
	weft__waitlist_push_back(list, &self.node.node);
	weft__gate_leave(&chan->gate);
	code = weft__node_wait(&chan->gate, list, &self.node.node);
	if (!code && self.node.result < 0)
		code = EPIPE;
	return code ? weft__sync_fail(code) : self.node.result;
}

static inline int finish(int result, struct weft__chan_node *wake)
{
	if (wake)
		weft__chan_wake(wake);
	if (WEFT__LIKELY(result >= 0 && result != WEFT__CHAN_WAIT))
		return result;
	return weft__sync_fail(result < 0 ? EPIPE : EAGAIN);
}

/* ---- Calls ------------------------------------------------------------------------------- */

int weft_chan_send(struct weft_chan *chan, const void *item)
{
	int code = weft__sync_begin(weft__worker);
	struct weft__chan_node *wake;
	int result;

	if (WEFT__UNLIKELY(code))
		return weft__sync_fail(code);
	weft__gate_enter(&chan->gate);
	result = send_now(chan, item, &wake);
	if (result == WEFT__CHAN_WAIT)
		return wait_in(chan, &chan->senders, (void *)(uintptr_t)item);
	weft__gate_leave(&chan->gate);
	return finish(result, wake);
}

int weft_chan_recv(struct weft_chan *chan, void *ret_item)
{
	int code = weft__sync_begin(weft__worker);
	struct weft__chan_node *wake;
	int result;

	if (WEFT__UNLIKELY(code))
		return weft__sync_fail(code);
	weft__gate_enter(&chan->gate);
	result = recv_now(chan, ret_item, &wake);
	if (result == WEFT__CHAN_WAIT)
		return wait_in(chan, &chan->receivers, ret_item);
	weft__gate_leave(&chan->gate);
	return finish(result, wake);
}

int weft_chan_try_send(struct weft_chan *chan, const void *item)
{
	struct weft__chan_node *wake;
	int result;

	weft__gate_enter(&chan->gate);
	result = send_now(chan, item, &wake);
	weft__gate_leave(&chan->gate);
	return finish(result, wake);
}

int weft_chan_try_recv(struct weft_chan *chan, void *ret_item)
{
	struct weft__chan_node *wake;
	int result;

	weft__gate_enter(&chan->gate);
	result = recv_now(chan, ret_item, &wake);
	weft__gate_leave(&chan->gate);
	return finish(result, wake);
}

/* Inside the gate: all of them end with that result. */
static void end_all(struct weft_waitlist *list, int result, struct weft__wakes *wakes)
{
	struct weft__chan_node *node;

	while ((node = take(list))) {
		node->result = result;
		weft__wakes_add(wakes, &node->node);
	}
}

int weft_chan_close(struct weft_chan *chan)
{
	struct weft__wakes wakes = {0};
	bool was_closed;

	weft__gate_enter(&chan->gate);
	was_closed = chan->is_closed;
	chan->is_closed = true;
	end_all(&chan->receivers, 0, &wakes);
	end_all(&chan->senders, -1, &wakes);
	weft__gate_leave(&chan->gate);
	while (wakes.first) {
		struct weft__node *next = wakes.first->next; /* gone with its owner */

		weft__chan_wake(weft_container_of(wakes.first, struct weft__chan_node, node));
		wakes.first = next;
	}
	return was_closed ? weft__sync_fail(EPIPE) : 0;
}

size_t weft_chan_len(struct weft_chan *chan)
{
	size_t len;

	weft__gate_enter(&chan->gate);
	len = weft_ring_len(&chan->ring);
	weft__gate_leave(&chan->gate);
	return len;
}
