/*
 * chan.h - a channel's inside, shared by chan.c and select.c.
 *
 * Who waits has a node in the list of receivers or of senders, with the place that the item
 * goes to or comes from. The other side pops the node and moves the item, inside the
 * gate, and wakes it after. A select has a node in several channels; whoever would move
 * its item must claim it first, and only one can.
 *
 *	capacity 0:  senders and receivers never both wait
 *	else:        receivers wait only while it is empty, senders only while it is full
 */
#ifndef SYNC_CHAN_H
#define SYNC_CHAN_H

#include "sync/gate.h"
#include "weft/chan.h"
#include "weft/ring.h"

struct weft_chan {
	struct weft_gate gate;
	bool is_closed;
	bool is_small; /* an item is 4, 8 or 16 bytes */
	size_t item_size, capacity;
	struct weft_ring ring; /* capacity 0: not made, and empty */
	struct weft_waitlist receivers, senders;
	const char *name;
};

/** What all nodes of one weft_select() share. */
struct weft__select {
	struct weft__waiter waiter;
	_Atomic int claimed; /* index of the case that goes on; -1: none yet */
	int event_fd;        /* what a thread waits at beside descriptors; -1: none */
};

struct weft__chan_node {
	struct weft__node node;
	union {
		const void *item; /* to send */
		void *ret_item;   /* to receive into */
	};
	int result;                  /* of the call: 1, 0 or -1 (EPIPE) */
	int index;                   /* of the case */
	struct weft__select *select; /* NULL: of a plain send or receive */
};

/** Not carried out: the other side is not there. Outside the results above. */
#define WEFT__CHAN_WAIT 2

/**
 * Inside the gate: carry out now, if that is possible. Returns the result of the call, or
 * WEFT__CHAN_WAIT. *ret_wake: whom to wake when the gate has been left, or NULL.
 */
int weft__chan_send_now(
	struct weft_chan *chan, const void *item, struct weft__chan_node **ret_wake);
int weft__chan_recv_now(struct weft_chan *chan, void *ret_item, struct weft__chan_node **ret_wake);

/** Outside the gate: the other side's call was carried out. */
void weft__chan_wake(struct weft__chan_node *node);

#endif
