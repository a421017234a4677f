/*
 * weft/discover.h - finding services on the local network by UDP broadcast.
 *
 * Who offers something announces it:
 *
 *	struct weft_announcer_options options = {
 *		.name = "Kitchen", .service = "http", .port = 8080};
 *	struct weft_announcer *announcer = weft_announcer_new(&options);
 *
 *	weft_announcer_run(announcer);		// until its scope ends or its fiber is cancelled
 *	weft_announcer_free(announcer);
 *
 * and who looks for it asks:
 *
 *	struct weft_discovered found[100];
 *	int count = weft_discover(NULL, found, 100);
 *
 * Announcements go to the broadcast address of every IPv4 interface there is, in every round
 * anew, so interfaces may come and go; and to the loopback, so it works on one machine without a
 * network. Nothing leaves the local networks. Nobody proves who he is: what is found is a hint
 * to where something may be, and names are text from strangers (weft/utf8.h shows them
 * safely). The wire form is in docs/discover.md.
 *
 * Every call that waits parks the fiber, or blocks the thread, and obeys the ambient
 * scope. Errors: -1 or NULL, with errno set; those that wait can also end with ETIMEDOUT or
 * ECANCELED. Threads: an announcer or a discovery is used by one fiber or thread at a time.
 */
#ifndef WEFT_DISCOVER_H
#define WEFT_DISCOVER_H

#include <netinet/in.h>

#include "weft/api.h"

WEFT_BEGIN

/* ---- Limits ------------------------------------------------------------------------------ */

/** The UDP port of announcements and questions, when none is chosen. */
#define WEFT_DISCOVER_PORT 29474

#define WEFT_DISCOVER_NAME_MAX 63 /* bytes of a name: UTF-8 without NUL, at least one */
#define WEFT_DISCOVER_SERVICE_MAX \
	31 /* of a service: letters, digits, '-', '_', '.'; at least one */

/** Addresses told of one instance, and instances that one discovery knows at a time. */
#define WEFT_DISCOVER_ADDRESSES_MAX 8
#define WEFT_DISCOVER_INSTANCES_MAX 1024

/** Instances that one address can have: a single stranger does not fill a discovery. */
#define WEFT_DISCOVER_INSTANCES_PER_ADDRESS_MAX 64

/** Longest time that an announcement counts. */
#define WEFT_DISCOVER_EXPIRY_MAX WEFT_SECONDS(3600)

/* ---- Announcing ---------------------------------------------------------------------------- */

struct weft_announcer; /* opaque: src/io/announce.c */

struct weft_announcer_options {
	const char *name;    /* for people */
	const char *service; /* what is offered; NULL: "weft" */
	uint16_t port;       /* where, on every address of this host */
	uint16_t udp_port;   /* of announcements; 0: WEFT_DISCOVER_PORT */
	int64_t interval_ns; /* between announcements; 0: 5 s. At least 10 ms */
	int64_t expiry_ns;   /* how long each counts; 0: three intervals and a second */
};

/** What an announcer has done so far. */
struct weft_announcer_counters {
	uint64_t announced; /* datagrams sent, over all interfaces */
	uint64_t answered;  /* questions */
	uint64_t passed;    /* questions for another service */
	uint64_t limited;   /* questions unanswered: too many, or not from a local network */
	uint64_t malformed; /* datagrams that are none of ours */
};

/**
 * Take part: from when this returns, questions wait for weft_announcer_run(). Several
 * announcers may share the port, of this program or others. Errors: EINVAL (name, service,
 * port, interval or expiry), ENOMEM, EADDRINUSE (a program has the port for itself), EMFILE.
 */
WEFT_API struct weft_announcer *weft_announcer_new(const struct weft_announcer_options *options);

/**
 * Announce, and answer questions at once, until the scope's deadline or cancellation: this is
 * how it ends, with -1 and ETIMEDOUT or ECANCELED, after a goodbye to everybody. Any other
 * error: the descriptor failed, or ENOMEM, EMFILE. Interfaces that refuse are passed over.
 */
WEFT_API int weft_announcer_run(struct weft_announcer *announcer);

/** May be called while it runs, from any thread. */
WEFT_API struct weft_announcer_counters weft_announcer_counters(
	const struct weft_announcer *announcer);

/** The number that tells this instance from others of its name. */
WEFT_API uint64_t weft_announcer_instance(const struct weft_announcer *announcer);

/** NULL is fine. Keeps errno. */
WEFT_API void weft_announcer_free(struct weft_announcer *announcer);

/* ---- Discovering ------------------------------------------------------------------------------
 */

/** Something that was found. A host with several interfaces is there once. */
struct weft_discovered {
	uint64_t instance;                     /* tells it from others of the same name */
	char name[WEFT_DISCOVER_NAME_MAX + 1]; /* UTF-8; may hold control characters */
	char service[WEFT_DISCOVER_SERVICE_MAX + 1];
	uint16_t port;
	unsigned address_count; /* at least 1 */
	/** Where its announcements came from, in order; loopback only where there is no other. */
	struct in_addr addresses[WEFT_DISCOVER_ADDRESSES_MAX];
};

struct weft_discovery_options {
	const char *service; /* look for this one only; NULL: for all */
	int64_t timeout_ns;  /* weft_discover(): how long it gathers; 0: 2 s */
	uint16_t udp_port;   /* 0: WEFT_DISCOVER_PORT */
};

/**
 * Ask, gather the answers, and write up to max of them, sorted by name, service and address.
 * options may be NULL. Returns how many there are. Errors: EINVAL, ENOMEM, EMFILE;
 * ETIMEDOUT and ECANCELED are the scope's, not timeout_ns.
 */
WEFT_API int weft_discover(
	const struct weft_discovery_options *options, struct weft_discovered *ret_found, int max);

/* ---- Watching ----------------------------------------------------------------------------------
 */

struct weft_discovery; /* opaque: src/io/discover.c */

enum weft_discovery_kind {
	WEFT_DISCOVERY_CAME,    /* a new instance */
	WEFT_DISCOVERY_CHANGED, /* it has another name, port or service, or one more address */
	WEFT_DISCOVERY_LEFT,    /* it said goodbye */
	WEFT_DISCOVERY_EXPIRED, /* it was not heard of for as long as it said */
};

struct weft_discovery_event {
	enum weft_discovery_kind kind;
	struct weft_discovered found; /* what it is now; LEFT, EXPIRED: what it was */
};

/**
 * A discovery that goes on, and also hears what others announce. options may be NULL;
 * timeout_ns is not looked at. Errors: EINVAL, ENOMEM, EMFILE, EADDRINUSE.
 */
WEFT_API struct weft_discovery *weft_discovery_new(const struct weft_discovery_options *options);

/** Wait for the next event. Returns 0. Errors: ETIMEDOUT, ECANCELED; the descriptors failed,
 * ENOMEM, EMFILE. */
WEFT_API int weft_discovery_next(
	struct weft_discovery *discovery, struct weft_discovery_event *ret_event);

/** What is known now, as weft_discover() writes it. Never fails. */
WEFT_API int weft_discovery_list(
	struct weft_discovery *discovery, struct weft_discovered *ret_found, int max);

/** NULL is fine. Keeps errno. */
WEFT_API void weft_discovery_free(struct weft_discovery *discovery);

WEFT_END

#endif
