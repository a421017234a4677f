/*
 * weft/chan.h - channels: items of one size handed from senders to receivers; and select.
 *
 *	struct weft_chan *jobs = weft_chan_new(sizeof(struct job), 16, "jobs");
 *
 *	weft_chan_send(jobs, &job);			// one side; waits while it is full
 *	weft_chan_close(jobs);				// no more to come
 *
 *	while (weft_chan_recv(jobs, &job) > 0)		// the others; 0 at the end
 *		run(&job);
 *
 * Capacity 0 is a rendezvous: send waits for a receiver, and the item goes straight
 * from the sender's memory to the receiver's. Else that many items lie in between.
 *
 * A channel may be shared by fibers of any worker and threads in any mix, any number at
 * each end. Items come out in the order in which they went in; who waits is served first
 * come, first served. Who waits obeys the ambient scope (weft/scope.h). An item is
 * received once or was not sent: a send that fails has handed over nothing, and a receive
 * that fails has taken nothing, whatever the deadline and the other side did at the
 * same moment. Errors: -1 and errno.
 */
#ifndef WEFT_CHAN_H
#define WEFT_CHAN_H

#include "weft/api.h"

WEFT_BEGIN

struct weft_chan; /* opaque: src/sync/chan.c */

/* ---- Life ------------------------------------------------------------------------ */

/** Largest item, and most items in a channel. */
#define WEFT_CHAN_ITEM_MAX     (64 * 1024)
#define WEFT_CHAN_CAPACITY_MAX (1 << 24)

/**
 * A channel of items of item_size bytes, at least 1, with room for capacity of them; all
 * memory is allocated here. name is for diagnostics, kept as a pointer, may be NULL. Free
 * it with weft_chan_free(). Errors: EINVAL (beyond the limits), ENOMEM.
 */
WEFT_API struct weft_chan *weft_chan_new(size_t item_size, size_t capacity, const char *name);

/** Free it, with the items in it. Nobody may wait at it or use it any more. NULL is fine. */
WEFT_API void weft_chan_free(struct weft_chan *chan);

/**
 * Nothing will be sent any more. What is in the channel can still be received; then
 * receive returns 0. Senders who wait fail with EPIPE. Errors: EPIPE (closed already).
 */
WEFT_API int weft_chan_close(struct weft_chan *chan);

/* ---- Items ------------------------------------------------------------------------ */

/** Send a copy of the item. Errors: EPIPE (closed), ETIMEDOUT, ECANCELED. */
WEFT_API int weft_chan_send(struct weft_chan *chan, const void *item);

/**
 * Receive an item. Returns 1, or 0 when the channel is closed and empty; then ret_item is
 * untouched. Errors: ETIMEDOUT, ECANCELED.
 */
WEFT_API int weft_chan_recv(struct weft_chan *chan, void *ret_item);

/** The same without waiting, and without a look at the scope. Errors: EAGAIN, EPIPE. */
WEFT_API int weft_chan_try_send(struct weft_chan *chan, const void *item);
WEFT_API int weft_chan_try_recv(struct weft_chan *chan, void *ret_item);

/** Items that lie in it now. */
WEFT_API size_t weft_chan_len(struct weft_chan *chan);

/* ---- Select -------------------------------------------------------------------------- */

/** Most cases of one select. */
#define WEFT_SELECT_MAX 32

enum weft_select_kind {
	WEFT_SELECT_KIND_SEND = 1,
	WEFT_SELECT_KIND_RECV,
	WEFT_SELECT_KIND_FD,
	WEFT_SELECT_KIND_TIMER,
	WEFT_SELECT_KIND_DEFAULT,
};

/** One thing to wait for; filled by the macros below. */
struct weft_select_case {
	enum weft_select_kind kind;
	int result;             /* of the case chosen; see weft_select() */
	struct weft_chan *chan; /* SEND, RECV; NULL: never ready */
	const void *item;       /* SEND */
	void *ret_item;         /* RECV */
	int fd;                 /* FD; -1: never ready */
	int events;             /* FD: POLLIN, POLLOUT */
	int64_t timeout_ns;     /* TIMER; WEFT_FOREVER: never */
};

#define WEFT_SELECT_SEND(channel, place)                                           \
	(struct weft_select_case)                                                  \
	{                                                                          \
		.kind = WEFT_SELECT_KIND_SEND, .chan = (channel), .item = (place), \
	}
#define WEFT_SELECT_RECV(channel, place)                                               \
	(struct weft_select_case)                                                      \
	{                                                                              \
		.kind = WEFT_SELECT_KIND_RECV, .chan = (channel), .ret_item = (place), \
	}
#define WEFT_SELECT_FD(descriptor, which)                                           \
	(struct weft_select_case)                                                   \
	{                                                                           \
		.kind = WEFT_SELECT_KIND_FD, .fd = (descriptor), .events = (which), \
	}
#define WEFT_SELECT_TIMER(ns)                                       \
	(struct weft_select_case)                                   \
	{                                                           \
		.kind = WEFT_SELECT_KIND_TIMER, .timeout_ns = (ns), \
	}
#define WEFT_SELECT_DEFAULT                       \
	(struct weft_select_case)                 \
	{                                         \
		.kind = WEFT_SELECT_KIND_DEFAULT, \
	}

/**
 * Wait until one of the cases can go on, carry out that one and no other, and return its
 * index. Of several that can, any may be chosen, none is preferred for its place. With a
 * default case among them it never waits, and returns that one when no other can go on; and as
 * the _try_ calls it then sees no deadline and no cancellation (weft_interrupted() tells).
 * cases[index].result says how it went:
 *
 *	SEND	0; or -1: the channel is closed, as with EPIPE
 *	RECV	1; or 0: the channel is closed and empty
 *	FD	the events there are (POLLIN, POLLOUT, POLLERR, POLLHUP; POLLNVAL when the
 *		descriptor is none, or was closed meanwhile)
 *	TIMER	0
 *
 * Nothing is read from the descriptor. A channel may stand in several cases.
 * Errors, with nothing sent or received: EINVAL (more than WEFT_SELECT_MAX cases, or one of
 * no known kind), ETIMEDOUT (the scope's deadline, not a timer case), ECANCELED, ENOMEM,
 * EMFILE (outside fibers a wait for descriptors needs one).
 */
WEFT_API ssize_t weft_select(struct weft_select_case *cases, size_t count);

WEFT_END

#endif
