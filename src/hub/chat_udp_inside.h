/*
 * chat_udp_inside.h - what the files of the door for datagrams share.
 *
 *	recvmmsg --> reader: one fiber --> member --> weft_room_post()
 *	                 |  answers            |
 *	sendmmsg <-- deliverer of each worker <-- on_ready: members with something to take
 *
 *	chat_udp.c          life; the reader; what the network says
 *	chat_udp_ask.c      L, C and Q carried out
 *	chat_udp_member.c   who is in; who is silent or gone
 *	chat_udp_deliver.c  to members, many by one call
 *	chat_udp_near.c     where somebody is, and whether that is true: networks, cookies
 *	chat_udp_form.c     events as datagrams
 *
 * The door's lock is held by the reader while it carries out what came, and by whoever puts a
 * member out. A member's lock is held while its client is taken from, or exits; it is the inner
 *one, and nobody waits under it.
 */
#ifndef WEFT_SRC_HUB_CHAT_UDP_INSIDE_H
#define WEFT_SRC_HUB_CHAT_UDP_INSIDE_H

#include <pthread.h>

#include "chat_udp.h"
#include "weft/chat.h"
#include "weft/event.h"
#include "weft/fiber.h"
#include "weft/list.h"
#include "weft/lock.h"
#include "weft/map.h"
#include "weft/mpsc.h"
#include "weft/rate.h"
#include "weft/udp.h"

/* ---- Limits -----------------------------------------------------------------------------------
 */

/** Silent for so long: asked; and then: out. After a probe is answered by an error: out. */
#define CHAT_UDP_SILENT_NS WEFT_SECONDS(600)
#define CHAT_UDP_ASKED_NS  WEFT_SECONDS(120)

/** A probe is for so long the one that an error is about. Another is sent after that only because
 * somebody wants the name; and sooner because of an error. */
#define CHAT_UDP_PROBE_NS WEFT_SECONDS(5)
#define CHAT_UDP_ERROR_NS WEFT_MILLISECONDS(200)

/** Of one member: a message in so long; so many at once; so far behind they are late; further
 * behind they are dropped, and after so many of these it is out, and for so long. */
#define CHAT_UDP_PACE_NS     WEFT_MILLISECONDS(200)
#define CHAT_UDP_BURST_NS    WEFT_SECONDS(1)
#define CHAT_UDP_LATE_NS     WEFT_SECONDS(3)
#define CHAT_UDP_DROPPED_MAX 50
#define CHAT_UDP_BARRED_S    60

/** Bytes of all that is late. */
#define CHAT_UDP_LATE_BYTES_MAX ((size_t)1 << 20)

/** Answers a second to those who are not in: of one host; of all who may not be where they say. */
#define CHAT_UDP_HOST_RATE     10
#define CHAT_UDP_UNPROVEN_RATE 2000

/** An answer to those is longer than what they have sent by at most so much. */
#define CHAT_UDP_MORE_MAX 40

/** EXIT is said again for so long, to so many. */
#define CHAT_UDP_GONE_NS  WEFT_SECONDS(60)
#define CHAT_UDP_GONE_MAX 4096

/* ---- Members ----------------------------------------------------------------------------------
 */

/** An address as a key; IPv4 as mapped. All bytes count. */
struct chat_udp_key {
	uint8_t ip[16];
	uint32_t scope;
	uint32_t port;
};

/** Where somebody is, and which of this host's addresses she knows. */
struct chat_udp_way {
	struct weft_address from;
	struct weft_udp_here here;
};

struct chat_udp_deliverer;

struct chat_udp_member {
	struct weft_mpsc_node due; /* of its deliverer, which then has a reference */
	bool is_due;               /* it is; atomic */
	struct chat_udp_deliverer *deliverer;
	struct hub_chat_udp *door;
	int references; /* atomic */
	struct chat_udp_way way;
	struct chat_udp_key key;
	bool ends_lines; /* it does, as nc does; and gets them so */
	uint8_t host[8]; /* in the ledger (weft/ledger.h); host_len 0: it is not there */
	size_t host_len;

	pthread_mutex_t lock;
	struct weft_room_client *client; /* NULL: it is out */
	void *stay;                      /* NULL: nobody looks whether it may still be here */

	/* The rest is under the door's lock. */
	struct weft_list_node node; /* in heard or asked */
	int64_t heard_ns;
	int64_t asked_ns; /* 0: it is in heard */
	int64_t probed_ns;
	int64_t paced_ns; /* when what it has said would have come, at its pace */
	unsigned dropped;
	char name[WEFT_CHAT_NAME_MAX + 1];
};

struct hub_chat_udp {
	struct hub_chat_udp_options options;
	struct weft_udp *socket;
	weft_fiber_id reader;
	int is_stopped; /* atomic */
	bool is_failed;

	struct weft_lock lock;
	struct weft_map *members; /* by key */
	struct weft_list heard;   /* by heard_ns */
	struct weft_list asked;   /* by asked_ns */
	struct weft_list late;    /* struct late, by due_ns */
	size_t late_bytes;
	uint64_t entered; /* for the next one's deliverer */

	struct weft_rate *hosts, *unproven, *barred; /* NULL: no rate */
	struct chat_udp_gone {
		uint64_t hash; /* of key and name */
		int64_t until_ns;
	} * gone;
	uint8_t secret[16];
	struct chat_udp_networks *networks;

	unsigned deliverer_count;
	struct chat_udp_deliverer *deliverers;
	struct chat_sealed *sealed; /* chat_sealed.h; NULL: none */
};

/* ---- chat_udp.c -------------------------------------------------------------------------------
 */

/** Send one datagram. That it fails is as if the network had lost it. */
void weft__chat_udp_send(
	struct hub_chat_udp *door, const struct chat_udp_way *way, const char *bytes, size_t len);

/** Under the door's lock: hear what became of what was sent. */
void weft__chat_udp_take_errors(struct hub_chat_udp *door);

/* ---- chat_udp_ask.c: under the door's lock -----------------------------------------------------
 */

/** Carry out what came. */
void weft__chat_udp_take(
	struct hub_chat_udp *door, const struct chat_udp_way *way, const char *data, size_t len);

/** Carry out what is late; and drop what is left of it. */
void weft__chat_udp_late(struct hub_chat_udp *door, int64_t now);
void weft__chat_udp_late_drop(struct hub_chat_udp *door);

/** When that is to be called; INT64_MAX: nothing is. */
int64_t weft__chat_udp_late_at(const struct hub_chat_udp *door);

/* ---- chat_udp_member.c: under the door's lock --------------------------------------------------
 */

struct chat_udp_key weft__chat_udp_key(const struct weft_address *address);

struct chat_udp_member *weft__chat_udp_find(
	struct hub_chat_udp *door, const struct weft_address *address);

/** Come in, and join the lobby; OK is said by the form. NULL, with a sentence in *ret_why. The
 * login of who is used up. */
struct chat_udp_entrance {
	const struct chat_udp_way *way;
	const char *name;
	bool ends_lines;
};
struct chat_udp_member *weft__chat_udp_enter(struct hub_chat_udp *door,
	const struct chat_udp_entrance *entrance, const struct hub_chat_udp_who *who,
	const char **ret_why);

/** It was heard of. */
void weft__chat_udp_heard(struct chat_udp_member *member, int64_t now);

/** It is out, and freed; why is for the others, NULL: of its own will. */
void weft__chat_udp_out(struct chat_udp_member *member, const char *why);

/** Find out whether it is there still, unless that was asked less than after_ns ago. */
void weft__chat_udp_probe(struct chat_udp_member *member, int64_t now, int64_t after_ns);

/** Whether a datagram began as a probe does. */
bool weft__chat_udp_is_probe(const struct chat_udp_member *member, const char *data, size_t len);

/** Ask who is silent, put out who does not answer. */
void weft__chat_udp_silent(struct hub_chat_udp *door, int64_t now);
int64_t weft__chat_udp_silent_at(const struct hub_chat_udp *door);

/** Drop a reference; from any thread. */
void weft__chat_udp_drop(struct chat_udp_member *member);

/* ---- chat_udp_deliver.c -------------------------------------------------------------------------
 */

int weft__chat_udp_deliverers_start(struct hub_chat_udp *door);

/** Shielded: what there is for members is sent before; and from then on no more. */
void weft__chat_udp_deliverers_stop(struct hub_chat_udp *door);

/** When there are no members. */
void weft__chat_udp_deliverers_end(struct hub_chat_udp *door);

/** Members are dealt to deliverers by a number. */
struct chat_udp_deliverer *weft__chat_udp_deliverer_of(struct hub_chat_udp *door, uint64_t number);

/** For on_ready: the member has something to take. */
void weft__chat_udp_ready(void *member);

/* ---- chat_udp_near.c ----------------------------------------------------------------------------
 */

/** Six hexadecimal digits. */
#define CHAT_UDP_COOKIE_SIZE 7

struct chat_udp_networks;

struct chat_udp_networks *weft__chat_udp_networks_new(void);
void weft__chat_udp_networks_free(struct chat_udp_networks *networks);

/** Whether an address is of this machine, or of a network that it is on: asked anew of the kernel
 * now and then. */
bool weft__chat_udp_is_near(
	struct chat_udp_networks *networks, const struct chat_udp_key *key, int64_t now);

/** The cookie of an address, now. */
void weft__chat_udp_cookie(struct hub_chat_udp *door, const struct chat_udp_key *key, int64_t now,
	char ret_cookie[CHAT_UDP_COOKIE_SIZE]);

/** Whether it is that, or was a minute ago. */
bool weft__chat_udp_cookie_is(
	struct hub_chat_udp *door, const struct chat_udp_key *key, int64_t now, const char *word);

/** Keyed: of an address and a name. */
uint64_t weft__chat_udp_hash(
	const struct hub_chat_udp *door, const struct chat_udp_key *key, const char *name);

/* ---- chat_udp_form.c ----------------------------------------------------------------------------
 */

extern const struct weft_room_form weft__chat_udp_form;

/** Between two datagrams of one event; and before one with which its receiver is out. */
#define CHAT_UDP_BREAK '\0'
#define CHAT_UDP_OUT   '\1'

#endif
