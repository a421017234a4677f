/*
 * walks.h - places for what reads a whole tree: archives and searches.
 *
 * One client, or one visitor with a name, has two of them at most. When all are taken, and somebody
 * asks for one, whose peer has not taken anything for some seconds loses his: the next then finds
 * it.
 */
#ifndef WEFT_SRC_HTTP_WALKS_H
#define WEFT_SRC_HTTP_WALKS_H

#include <pthread.h>
#include <stdatomic.h>

#include "http/crowd.h"
#include "weft/fiber.h"
#include "weft/list.h"

/** For any thread. */
struct weft__http_walks {
	pthread_mutex_t mutex; /* held for some hundred instructions */
	struct weft_list taken;
	unsigned count;
	struct weft__crowd *crowd; /* how many each has */
	int64_t hurry_ns;          /* a peer that takes nothing for so long is slow */
};

/** One place; its taker's, until it is left. */
struct weft__http_walk {
	struct weft_list_node node;
	weft_fiber_id fiber;         /* 0: of a thread, which nobody ends */
	_Atomic int64_t waits_since; /* that its peer takes something; 0: it does not wait */
	const void *key; /* who has it: of the crowd; borrowed from the request or visitor */
	size_t key_len;  /* 0: nobody that is counted */
};

/** Errors: ENOMEM, those of getrandom(2). */
struct weft__http_walks *weft__http_walks_new(void);

/** Nobody has a place any more. NULL is fine. */
void weft__http_walks_free(struct weft__http_walks *walks);

/** Take a place, for the visitor of that name (NULL: for the request's client). Whether there is
 * one. */
bool weft__http_walk_enter(struct weft__http_walks *walks, struct weft__http_walk *walk,
	const struct weft_http_request *request, const char *name);
void weft__http_walk_leave(struct weft__http_walks *walks, struct weft__http_walk *walk);

/** It begins to wait for its peer, or has ended to. NULL is fine. */
void weft__http_walk_writes(struct weft__http_walk *walk, bool waits);

#endif
