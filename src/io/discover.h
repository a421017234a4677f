/*
 * io/discover.h - what announcing and discovering share: the wire form, the local networks.
 */
#ifndef IO_DISCOVER_H
#define IO_DISCOVER_H

#include "weft/discover.h"
#include "weft/udp.h"

/* ---- The wire form: discover_wire.c, docs/discover.md ------------------------------------ */

/** A question has this length, all others at most: no answer is longer than what asked. */
#define WEFT__DISCOVER_DATAGRAM_MAX 128

enum weft__discover_kind {
	WEFT__DISCOVER_QUESTION = 1,
	WEFT__DISCOVER_ANNOUNCEMENT = 2, /* also the answer to a question */
	WEFT__DISCOVER_GOODBYE = 3,
};

struct weft__discover_message {
	enum weft__discover_kind kind;
	uint64_t instance;  /* not of a question */
	uint16_t port;      /* of an announcement, as the rest */
	uint32_t expiry_ms; /* 1 to an hour */
	char name[WEFT_DISCOVER_NAME_MAX + 1];
	char service[WEFT_DISCOVER_SERVICE_MAX + 1]; /* of a question: "" asks for all */
};

/** The length; the message must be one that parse accepts. */
size_t weft__discover_write(const struct weft__discover_message *message,
	unsigned char ret_datagram[WEFT__DISCOVER_DATAGRAM_MAX]);

/** NULL, or why it is no message; *ret_message is untouched then. */
const char *weft__discover_parse(
	const unsigned char *data, size_t len, struct weft__discover_message *ret_message);

bool weft__discover_is_name(const char *text, size_t len);
bool weft__discover_is_service(const char *text, size_t len);

/* ---- The local networks: discover_lan.c ----------------------------------------------------- */

/** Addresses of interfaces that are looked at. */
#define WEFT__LAN_MAX 64

struct weft__lan_interface {
	unsigned index;
	uint32_t address, mask, broadcast; /* in network order */
};

struct weft__lan {
	struct weft__lan_interface interfaces[WEFT__LAN_MAX];
	unsigned count;
	int64_t looked_at_ns; /* weft_now() */
};

/** What came, and from where. */
struct weft__lan_datagram {
	unsigned char data[WEFT__DISCOVER_DATAGRAM_MAX + 1];
	size_t len;         /* at most the room: one byte more than any message has */
	uint32_t from;      /* in network order */
	uint16_t from_port; /* in host order */
	unsigned interface; /* index of the one it came on */
	unsigned end;       /* of weft__lan_wait()'s sockets, the one that it came to */
};

/** Look at the interfaces there are now. What can't be learned leaves none. */
void weft__lan_look(struct weft__lan *lan);

/** The same, if the last look is a second ago. */
void weft__lan_refresh(struct weft__lan *lan);

/** Whether the datagram's source is a neighbour on the interface that it came on, or this host. */
bool weft__lan_is_local(const struct weft__lan *lan, const struct weft__lan_datagram *datagram);

/** A socket of one of the ends; port 0: any. NULL with errno. */
struct weft_udp *weft__lan_open(uint16_t port);

/** Send to all on every interface, without waiting. Returns how many took it. */
unsigned weft__lan_broadcast(const struct weft__lan *lan, struct weft_udp *udp, uint16_t port,
	const void *data, size_t len);

/** Answer to where a datagram came from, without waiting. Whether it went. */
bool weft__lan_answer(struct weft_udp *udp, const struct weft__lan_datagram *question,
	const void *data, size_t len);

/**
 * Wait for a datagram on one of the sockets (a NULL one has none) until that time. 1, 0 when the
 * time came first, -1 with errno. What the network says of earlier ones is passed over.
 */
int weft__lan_wait(struct weft_udp *const *udps, unsigned count, int64_t until_ns,
	struct weft__lan_datagram *ret_datagram);

#endif
