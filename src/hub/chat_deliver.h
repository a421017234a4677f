/*
 * chat_deliver.h - bytes to many peers: one fiber of each worker writes to all of that worker's.
 *
 *	on_ready --> queue --> deliverer: weft_room_take() --> the door's try_write(): all gone
 *	(any thread)     ^                                        |
 *	                 +---- a fiber of the peer's own, with  <-+ the peer is slow
 *	                       what is left, and a deadline
 *
 * A target is a peer that bytes go to. Its session's fiber starts and stops it; both, the deliverer
 * and the peer's own fiber are on one worker, so none of them needs a lock. Nobody else may write
 * to the peer from start to stop.
 *
 * Never: holds a buffer for a peer that takes what it gets.
 */
#ifndef WEFT_SRC_HUB_CHAT_DELIVER_H
#define WEFT_SRC_HUB_CHAT_DELIVER_H

#include "weft/fiber.h"
#include "weft/mpsc.h"
#include "weft/room.h"

struct chat_deliverers; /* one for each worker */

/** Bytes of one write, at most; any event fits. */
#define CHAT_BATCH_MAX 65536

/** Bytes that the kernel holds for a slow peer: a batch or two, and the rest waits in the room. */
#define CHAT_UNSENT_MAX ((size_t)64 * 1024)

/** A door's way of writing. */
struct chat_writing {
	/**
	 * Send what can be sent without waiting. 0: all of it; 1: *ret_taken bytes, and write()
	 * is to be called with the rest (which may be none: then it flushes); -1: the peer is gone.
	 */
	int (*try_write)(void *arg, const char *bytes, size_t len, size_t *ret_taken);
	/** Send all; it may wait. 0, or -1. */
	int (*write)(void *arg, const char *bytes, size_t len);
	int64_t timeout_ns; /* for one write() */
	/** Have the session of a parked peer run: it is cut off. NULL: this door parks nobody. */
	void (*unpark)(void *arg);
};

/** A peer; all but client is this file's own. Begin with zero. */
struct chat_target {
	struct weft_mpsc_node due;
	bool is_due;    /* in the queue; atomic */
	bool is_missed; /* it was ready before it had a client */
	bool is_parked; /* its session has no fiber at the moment */
	bool is_stopped, is_cut, is_dropped;
	struct chat_deliverer *deliverer;
	const struct chat_writing *writing;
	void *arg;
	struct weft_room_client *client;
	weft_fiber_id session; /* cancelled when the peer is gone, or its client over */
	weft_fiber_id writer;  /* 0: none */
	void (*free)(struct chat_target *target);
};

/** In a fiber. NULL: ENOMEM, EAGAIN. */
struct chat_deliverers *weft__chat_deliverers_new(void);

/** Memory of the calling worker, of at least 64 KiB: nobody else uses it until the caller waits. */
void *weft__chat_deliverers_scratch(struct chat_deliverers *all);

/** All targets were dropped. NULL is fine. */
void weft__chat_deliverers_free(struct chat_deliverers *all);

/** By the session's fiber, before anybody calls ready. */
void weft__chat_target_start(struct chat_target *target, struct chat_deliverers *all,
	const struct chat_writing *writing, void *arg);

/** The session's fiber is about to end for a while, or another has begun. */
void weft__chat_target_park(struct chat_target *target);
void weft__chat_target_unpark(struct chat_target *target);

/** By the session's fiber, when there is a client: from now on only the deliverer writes. */
void weft__chat_target_enter(struct chat_target *target, struct weft_room_client *client);

/** There is something for it: on any thread, once until it was taken. For on_ready. */
void weft__chat_target_ready(struct chat_target *target);

/**
 * By the session's fiber, shielded: no more is delivered by others, and what there is left is
 * written here, within timeout_ns (0: what can be without waiting). The client is still there.
 */
void weft__chat_target_stop(struct chat_target *target, int64_t timeout_ns);

/** After its client has exited: it is freed, now or when the queue comes to it. */
void weft__chat_target_drop(struct chat_target *target);

#endif
