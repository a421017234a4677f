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
	*chan = (struct weft_chan){.item_size = item_size,
		.capacity = capacity,
		.name = name,
		.is_small = item_size == 4 || item_size == 8 || item_size == 16};
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
	memcpy(weft_ring_push_slot(&chan->ring), item, chan->item_size);
}

int weft__chan_send_now(struct weft_chan *chan, const void *item, struct weft__chan_node **ret_wake)
{
	struct weft__chan_node *receiver;

	*ret_wake = NULL;
	if (WEFT__UNLIKELY(chan->is_closed))
		return -1;
	receiver = take(&chan->receivers);
	if (receiver) {
		memcpy(receiver->ret_item, item, chan->item_size);
		receiver->result = 1;
		*ret_wake = receiver;
		return 0;
	}
	if (weft_ring_len(&chan->ring) >= chan->capacity)
		return WEFT__CHAN_WAIT;
	ring_push(chan, item);
	return 0;
}

int weft__chan_recv_now(struct weft_chan *chan, void *ret_item, struct weft__chan_node **ret_wake)
{
	const void *oldest = weft_ring_front(&chan->ring);
	struct weft__chan_node *sender;

	if (oldest) {
		memcpy(ret_item, oldest, chan->item_size);
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
		memcpy(ret_item, sender->item, chan->item_size);
	sender->result = 0;
	return 1;
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

static int wait_end(
	struct weft_chan *chan, struct weft_waitlist *list, struct waiting *self, int code)
{
	if (code)
		code = weft__node_give_up(&chan->gate, list, &self->node.node, code);
	if (!code && self->node.result < 0)
		code = EPIPE;
	return code ? weft__sync_fail(code) : self->node.result;
}

/*
 * Inside the gate, which is left: queue, wait, and return the result of the call. A fiber
 * parks before it looks: whoever wakes it meanwhile posts to it, and it sees no post before.
 */
static __attribute__((noinline)) int wait_in(
	struct weft_chan *chan, struct weft_waitlist *list, void *item)
{
	struct weft__worker *worker = weft__worker;
	struct waiting self;

	self.node.ret_item = item;
	self.node.select = NULL;
	self.node.node.waiter = &self.waiter;
	weft__waiter_init(&self.waiter,
		list == &chan->senders ? WEFT__WAIT_CHAN_SEND : WEFT__WAIT_CHAN_RECV, chan);
	weft__waitlist_push_back(list, &self.node.node);
	weft__gate_leave(&chan->gate);
	if (WEFT__LIKELY(worker != NULL)) {
		weft__park(worker, &self.waiter.wait);
		if (WEFT__LIKELY(weft__waiter_is_woken(&self.waiter) && self.node.result >= 0))
			return self.node.result;
	}
	return wait_end(chan, list, &self, weft__waiter_wait(&self.waiter));
}

static inline int finish(int result, struct weft__chan_node *wake)
{
	if (wake)
		weft__chan_wake(wake);
	if (WEFT__LIKELY(result >= 0 && result != WEFT__CHAN_WAIT))
		return result;
	return weft__sync_fail(result < 0 ? EPIPE : EAGAIN);
}

/* ---- Send and receive ------------------------------------------------------------------- */

/*
 * The common cases are carried out without a call, so that they need not even save
 * registers: a small item, a fiber, nobody else in the gate, and either room (an item) in
 * the ring or a plain send or receive of the same worker at the other side. All else
 * goes the long way.
 */

static inline void copy_small(void *to, const void *from, size_t size)
{
	if (WEFT__LIKELY(size == 8))
		memcpy(to, from, 8);
	else if (size == 4)
		memcpy(to, from, 4);
	else
		memcpy(to, from, 16);
}

static inline bool is_plain(const struct weft__chan_node *node, const struct weft__worker *worker)
{
	const struct weft__fiber *fiber = node->node.waiter->fiber;

	return !node->select && fiber &&
	       atomic_load_explicit(&fiber->worker, memory_order_relaxed) == worker;
}

static inline struct weft__chan_node *first_of(const struct weft_waitlist *list)
{
	return weft_container_of(weft__waitlist_first(list), struct weft__chan_node, node);
}

/* Inside the gate, which is left: the node, first in its list, has its item. */
static inline void let_go(struct weft_chan *chan, struct weft_waitlist *list,
	struct weft__chan_node *node, struct weft__worker *worker)
{
	struct weft__waiter *waiter = node->node.waiter;

	weft__waitlist_remove(list, &node->node);
	weft__gate_leave(&chan->gate);
	atomic_store_explicit(&waiter->is_woken, 1, memory_order_release);
	weft__ready(worker, waiter->fiber);
}

static inline void *slot_at(const struct weft_ring *ring, size_t position)
{
	return ring->items + (position & ring->mask) * ring->item_size;
}

/* Inside the gate, which is left. */
static __attribute__((noinline)) int send_inside(struct weft_chan *chan, const void *item)
{
	struct weft__chan_node *wake;
	int result = weft__chan_send_now(chan, item, &wake);

	if (result == WEFT__CHAN_WAIT)
		return wait_in(chan, &chan->senders, (void *)(uintptr_t)item);
	weft__gate_leave(&chan->gate);
	return finish(result, wake);
}

static __attribute__((noinline)) int send_slow(struct weft_chan *chan, const void *item)
{
	int code = weft__sync_begin(weft__worker);

	if (code)
		return weft__sync_fail(code);
	weft__gate_enter(&chan->gate);
	return send_inside(chan, item);
}

int weft_chan_send(struct weft_chan *chan, const void *item)
{
	struct weft__worker *worker = weft__worker;
	struct weft_ring *ring = &chan->ring;

	if (!chan->is_small || !weft__enter_quickly(&chan->gate, worker))
		return send_slow(chan, item);
	if (chan->receivers.first) {
		struct weft__chan_node *receiver = first_of(&chan->receivers);

		if (WEFT__LIKELY(is_plain(receiver, worker))) {
			copy_small(receiver->ret_item, item, chan->item_size);
			receiver->result = 1;
			let_go(chan, &chan->receivers, receiver, worker);
			return 0;
		}
	} else if (WEFT__LIKELY(!chan->is_closed)) {
		if (weft_ring_len(ring) >= chan->capacity)
			return wait_in(chan, &chan->senders, (void *)(uintptr_t)item);
		copy_small(slot_at(ring, ring->tail++), item, chan->item_size);
		weft__gate_leave(&chan->gate);
		return 0;
	}
	return send_inside(chan, item);
}

/* Inside the gate, which is left. */
static __attribute__((noinline)) int recv_inside(struct weft_chan *chan, void *ret_item)
{
	struct weft__chan_node *wake;
	int result = weft__chan_recv_now(chan, ret_item, &wake);

	if (result == WEFT__CHAN_WAIT)
		return wait_in(chan, &chan->receivers, ret_item);
	weft__gate_leave(&chan->gate);
	return finish(result, wake);
}

static __attribute__((noinline)) int recv_slow(struct weft_chan *chan, void *ret_item)
{
	int code = weft__sync_begin(weft__worker);

	if (code)
		return weft__sync_fail(code);
	weft__gate_enter(&chan->gate);
	return recv_inside(chan, ret_item);
}

int weft_chan_recv(struct weft_chan *chan, void *ret_item)
{
	struct weft__worker *worker = weft__worker;
	struct weft_ring *ring = &chan->ring;

	if (!chan->is_small || !weft__enter_quickly(&chan->gate, worker))
		return recv_slow(chan, ret_item);
	if (chan->senders.first) {
		struct weft__chan_node *sender = first_of(&chan->senders);

		if (WEFT__LIKELY(weft_ring_is_empty(ring) && is_plain(sender, worker))) {
			copy_small(ret_item, sender->item, chan->item_size);
			sender->result = 0;
			let_go(chan, &chan->senders, sender, worker);
			return 1;
		}
	} else if (!weft_ring_is_empty(ring)) {
		copy_small(ret_item, slot_at(ring, ring->head++), chan->item_size);
		weft__gate_leave(&chan->gate);
		return 1;
	} else if (!chan->is_closed) {
		return wait_in(chan, &chan->receivers, ret_item);
	}
	return recv_inside(chan, ret_item);
}

/* ---- Without waiting --------------------------------------------------------------------------
 */

int weft_chan_try_send(struct weft_chan *chan, const void *item)
{
	struct weft__chan_node *wake;
	int result;

	weft__gate_enter(&chan->gate);
	result = weft__chan_send_now(chan, item, &wake);
	weft__gate_leave(&chan->gate);
	return finish(result, wake);
}

int weft_chan_try_recv(struct weft_chan *chan, void *ret_item)
{
	struct weft__chan_node *wake;
	int result;

	weft__gate_enter(&chan->gate);
	result = weft__chan_recv_now(chan, ret_item, &wake);
	weft__gate_leave(&chan->gate);
	return finish(result, wake);
}

/* ---- Closing ------------------------------------------------------------------------------- */

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
