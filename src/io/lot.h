/*
 * lot.h - connections that wait for their next byte, and hold no fiber meanwhile.
 *
 * Of one worker, whose fibers alone may call these. A parked connection costs its stream and
 * a node; one fiber, the attendant, waits for all of them (with an epoll of its own, whatever
 * the worker's driver).
 */
#ifndef IO_LOT_H
#define IO_LOT_H

#include <stdatomic.h>

#include "weft/fiber.h"
#include "weft/list.h"

/** A connection in a lot; a member of what its owner keeps of it. */
struct weft__parked {
	struct weft_list_node node;
	int64_t deadline_ns; /* on weft_now() */
	int fd;
};

struct weft__lot {
	int epoll_fd; /* -1: nobody was parked yet */
	weft_fiber_id attendant;
	struct weft_list parked; /* the one whose time is up first is first */
	atomic_uint count;       /* of these; other workers may look */
	_Atomic int64_t
		first_ns; /* the deadline of the first; INT64_MAX: there is none; as count */
	int64_t timeout_ns;
	/** It has left the lot, on the attendant: there are bytes (or an end) to read, or not. */
	void (*leave)(struct weft__parked *parked, bool has_bytes);
};

/** Prepare it for connections that may stay for timeout_ns. End it with weft__lot_fini(). */
void weft__lot_init(struct weft__lot *lot, int64_t timeout_ns,
	void (*leave)(struct weft__parked *parked, bool has_bytes));

/** Send everybody out, without bytes. Fine in a fiber that is cancelled. */
void weft__lot_fini(struct weft__lot *lot);

/** Park it. Never waits. 0, or -1 with errno: it can't be had. */
int weft__lot_enter(struct weft__lot *lot, struct weft__parked *parked);

/** Send the one out that is here longest. Whether there was one. */
bool weft__lot_evict(struct weft__lot *lot);

#endif
