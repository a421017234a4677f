/*
 * chat_sealed.h - the door of chat for programs: lines in sealed datagrams, on the port of those
 * that people type (docs/chat-protocol.md, "Sealed datagrams").
 *
 *	reader (chat_udp.c) --> endpoint --> events --> a fiber of who has something to say
 *	sendmmsg(2) <-- sender, one fiber <-- endpoint <-- weft_room_take() <-- on_ready
 *
 *	chat_sealed.c         the endpoint, the sender; what is taken for members
 *	chat_sealed_member.c  one who came by a link: the login, the lines, the end
 *
 * Who is silent has no fiber: one is begun when there are messages of hers, and ends after them.
 * The lock stands before the endpoint, all links, and members; nobody waits under it. Of the locks
 * of the door for datagrams none is taken under it.
 */
#ifndef WEFT_SRC_HUB_CHAT_SEALED_H
#define WEFT_SRC_HUB_CHAT_SEALED_H

#include "chat.h"
#include "weft/chat_link.h"
#include "weft/event.h"
#include "weft/fiber.h"
#include "weft/list.h"
#include "weft/lock.h"
#include "weft/mpsc.h"

/** Longest message of a client: a line. */
#define CHAT_SEALED_LINE_MAX 8192

/** A client has to take messages of so much; what is taken of the rooms at a time. */
#define CHAT_SEALED_MESSAGE_MAX 65536
#define CHAT_SEALED_BATCH_MAX   16384

/** Of one link, each way, before its member's events wait in the rooms' queue. */
#define CHAT_SEALED_QUEUE_MAX ((size_t)64 * 1024)

/** Who say their names at the same time; more are sent away. */
#define CHAT_SEALED_LOGINS_MAX 256

struct chat_sealed {
	struct hub_chat *chat;
	int fd; /* the door's */
	struct weft_lock lock;
	struct weft_chat_endpoint *endpoint;
	struct weft_list members;
	unsigned logins;
	unsigned fibers; /* of members; atomic: the last that they touch */
	bool is_stopped; /* nobody comes in any more */
	bool is_short;   /* of memory: somebody waits for it, who is looked at again soon */

	struct weft_mpsc due; /* members who have something to take */
	struct weft_event wake;
	weft_fiber_id sender;
	struct chat_sealed_batch *batch;
	char bytes[CHAT_SEALED_MESSAGE_MAX]; /* the sender's, or of who has the lock */
};

/** Who came by a link. All but due, is_due and references is under the lock. */
struct chat_sealed_member {
	struct weft_mpsc_node due;
	bool is_due;    /* it is in the queue; atomic */
	int references; /* atomic: the list's, and the queue's */
	struct chat_sealed *sealed;
	struct weft_list_node node;
	struct weft_chat_link *link;                /* NULL: it has ended */
	struct hub_chat_session *session;           /* its fiber's; NULL: not yet */
	struct weft_room_client *client;            /* NULL: not in, or out again */
	weft_fiber_id fiber;                        /* 0: none: nothing has come */
	bool is_owed;                               /* a fiber, which there was no memory for */
	bool is_cut;                                /* nothing more is carried out */
	bool is_entering;                           /* it counts among the logins */
	struct chat_sealed_rest *rest;              /* what the link had no room for */
	char answer[WEFT_CHAT_LINK_REASON_MAX + 1]; /* why the session did not let it in */
};

/* ---- For chat_udp.c --------------------------------------------------------------------------
 */

/** fd is a UDP socket, still the caller's, and outlives this. Errors: ENOSYS (no libsodium). */
struct chat_sealed *weft__chat_sealed_new(struct hub_chat *chat, const uint8_t *secret_key, int fd);

/** Begin to send. Returns 0, or -1. */
int weft__chat_sealed_start(struct chat_sealed *sealed);

/** Those of the datagrams that are of links. Without the door's lock. */
void weft__chat_sealed_input(
	struct chat_sealed *sealed, const struct weft_datagram *datagrams, int count);

/** Shielded: everybody is told that it is over; nobody comes in any more. */
void weft__chat_sealed_shut(struct chat_sealed *sealed);

/** Whether all were told, and have said that they were. */
bool weft__chat_sealed_is_empty(struct chat_sealed *sealed);

/** Shielded: wait for what is still carried out; no more is sent. */
void weft__chat_sealed_stop(struct chat_sealed *sealed);

/** It was stopped, or not started. NULL is fine. */
void weft__chat_sealed_free(struct chat_sealed *sealed);

/* ---- chat_sealed.c ---------------------------------------------------------------------------
 */

/** The sender is to look: after whatever was done to a link. */
void weft__chat_sealed_wake(struct chat_sealed *sealed);

/** For on_ready: the member has something to take. */
void weft__chat_sealed_ready(void *member);

/** Under the lock: give the link what there is for its member. Whether it took all. */
bool weft__chat_sealed_deliver(struct chat_sealed_member *member);

/** Drop a reference. */
void weft__chat_sealed_drop(struct chat_sealed_member *member);

/* ---- chat_sealed_member.c: under the lock ----------------------------------------------------
 */

/** Somebody wants in. */
void weft__chat_sealed_arrive(struct chat_sealed *sealed, struct weft_chat_link *link);

/** There are messages, or the link is over: it gets a fiber, unless it has one. */
void weft__chat_sealed_run(struct chat_sealed_member *member);

/** It is to end, now. */
void weft__chat_sealed_cut(struct chat_sealed_member *member);

#endif
