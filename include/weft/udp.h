/*
 * weft/udp.h - datagrams: UDP sockets, bound or connected, one datagram at a time or many.
 *
 *	struct weft_udp *udp = weft_udp_new("0.0.0.0:9000", NULL);
 *	struct weft_address peer;
 *	char data[1500];
 *	ssize_t len;
 *
 *	while ((len = weft_udp_recv(udp, data, sizeof(data), &peer)) >= 0)
 *		weft_udp_send(udp, data, (size_t)len, &peer);
 *
 * A datagram comes whole or not at all, at most once each time it was sent, in any order.
 * Nobody says when one is lost. udp(7).
 *
 * Every call that waits parks the calling fiber, or blocks the calling thread, and obeys
 * the ambient scope. Threads: any number may send and receive at a time.
 * Errors: -1 or NULL, with errno set; besides those listed ETIMEDOUT, ECANCELED, EBADF, and
 * what the network tells of an earlier datagram (ECONNREFUSED: nobody is at that port;
 * EHOSTUNREACH, ENETUNREACH), which says nothing of this call's own.
 */
#ifndef WEFT_UDP_H
#define WEFT_UDP_H

#include "weft/address.h"

WEFT_BEGIN

/** The most that one datagram carries over IPv4; 65527 over IPv6. */
#define WEFT_UDP_LEN_MAX 65507

/** Datagrams that one call moves at most. */
#define WEFT_UDP_BATCH_MAX 64

struct weft_udp; /* opaque: src/io/udp.c */

struct weft_udp_options {
	bool reuse_port;         /* SO_REUSEPORT: several sockets on one address */
	bool reuse_address;      /* SO_REUSEADDR: the same, and each gets what is sent to all */
	bool ipv6_only;          /* else one on an IPv6 address takes IPv4 too */
	bool broadcast;          /* SO_BROADCAST: may send to all of a network */
	bool coalesce;           /* UDP_GRO: see weft_datagram.segment_len; where the kernel can */
	bool keeps_errors;       /* IP_RECVERR: see weft_udp_errors() */
	bool tells_here;         /* IP_PKTINFO: see struct weft_udp_here */
	int receive_buffer_size; /* SO_RCVBUF, which bounds what waits here; 0: the system's */
};

/* ---- Life --------------------------------------------------------------------------- */

/**
 * A socket bound to a numeric address, as weft_address_parse() reads it; port 0 lets the
 * kernel choose. options may be NULL. End it with weft_udp_free(). Errors: of parse,
 * socket(2), bind(2), ENOMEM.
 */
WEFT_API struct weft_udp *weft_udp_new(const char *address, const struct weft_udp_options *options);

/**
 * A socket that sends to "HOST:PORT", and receives from nobody else. Nothing is sent by
 * this, so it says nothing of whether anybody is there. Errors: of
 * weft_address_resolve(), socket(2), connect(2), ENOMEM.
 */
WEFT_API struct weft_udp *weft_udp_connect(
	const char *host_port, const struct weft_udp_options *options);

/** Close it. NULL is fine. Keeps errno. */
WEFT_API void weft_udp_free(struct weft_udp *udp);

/** Its descriptor, still its own. */
WEFT_API int weft_udp_fd(const struct weft_udp *udp);

/** Its own address, with the port that the kernel chose. */
WEFT_API const struct weft_address *weft_udp_local(const struct weft_udp *udp);

/* ---- One at a time --------------------------------------------------------------------- */

/**
 * Wait for a datagram. Returns its length as it was sent: over size_bytes, the rest of it is
 * lost. ret_peer may be NULL.
 */
WEFT_API ssize_t weft_udp_recv(
	struct weft_udp *udp, void *buffer, size_t size_bytes, struct weft_address *ret_peer);

/**
 * Send one; to may be NULL on a connected socket. Returns 0. Waits while the socket's
 * buffer is full. Errors: EMSGSIZE (too long), EDESTADDRREQ, EACCES (to a broadcast
 * address without that option), ENOBUFS, EPERM (a firewall).
 */
WEFT_API int weft_udp_send(
	struct weft_udp *udp, const void *data, size_t len, const struct weft_address *to);

/* ---- Many ---------------------------------------------------------------------------------- */

/**
 * Which address of this host a datagram came to; and is to leave from, else somebody who has asked
 * one of several does not know the answer for his. With tells_here it is told of a socket that is
 * bound to all addresses; one that is bound to one of them needs none. All zeros: not known, it is
 * the kernel's choice.
 */
struct weft_udp_here {
	uint16_t family;    /* AF_INET or AF_INET6; 0: not known */
	uint32_t interface; /* its number, where the address needs one; else 0 */
	uint8_t ip[16];     /* of IPv4 the first 4 */
};

/** Ancillary data, in bytes. */
#define WEFT_UDP_HERE_SIZE 40

/**
 * As ancillary data (cmsg(3)), for who sends with weft_sendmsg() or weft_sendmmsg(): bytes put
 * into ret_control, which stands where a struct cmsghdr may; 0: not known.
 */
WEFT_API size_t weft_udp_here_write(
	const struct weft_udp_here *here, uint8_t ret_control[WEFT_UDP_HERE_SIZE]);

struct weft_datagram {
	void *data;        /* the caller's */
	size_t size_bytes; /* receiving: its room */
	size_t len;        /* sending: bytes; received: as it was sent, even over size_bytes */
	struct weft_address peer; /* from, or to; len 0: the connected peer */
	size_t segment_len; /* received, not 0: several of that length, the last perhaps of less */
	struct weft_udp_here here; /* came to, leaves from */
};

/**
 * Wait for one datagram, and take up to count of those that are there (beyond
 * WEFT_UDP_BATCH_MAX: that many). Returns how many. recvmmsg(2).
 */
WEFT_API int weft_udp_recv_many(
	struct weft_udp *udp, struct weft_datagram *datagrams, unsigned count);

/**
 * Send them in order, waiting as needed. Returns how many were sent: under count when the
 * next one failed; -1 when the first did. sendmmsg(2).
 */
WEFT_API int weft_udp_send_many(
	struct weft_udp *udp, const struct weft_datagram *datagrams, unsigned count);

/**
 * Send len bytes as datagrams of segment_len each, the last of what is left: by one system
 * call for each 64 of them where the kernel can (UDP_SEGMENT, Linux 4.18). Returns 0. On
 * failure nothing is known of how many went. Errors: as send, EINVAL (segment_len 0).
 */
WEFT_API int weft_udp_send_segments(struct weft_udp *udp, const void *data, size_t len,
	size_t segment_len, const struct weft_address *to);

/* ---- What the network says of them ----------------------------------------------------------- */

/** Of the datagram that an error is about, so many bytes are told. */
#define WEFT_UDP_ERROR_DATA_MAX 128

/** An earlier datagram that did not get there. */
struct weft_udp_error {
	struct weft_address peer; /* it was sent to */
	int code;                 /* ECONNREFUSED: nobody is at that port; EHOSTUNREACH... */
	size_t len;               /* of data */
	char data[WEFT_UDP_ERROR_DATA_MAX]; /* how it began, where the network said it; else nothing
					     */
};

/**
 * With keeps_errors: take up to count errors, the oldest first. Returns how many; 0: there are no
 * more. Never waits. A call that sends or receives fails with an error's code once, whomever that
 * was about: then ask here, and do it again. Anybody on the way can make such errors up. IP_RECVERR
 * in ip(7).
 */
WEFT_API int weft_udp_errors(
	struct weft_udp *udp, struct weft_udp_error *ret_errors, unsigned count);

/* ---- To many -------------------------------------------------------------------------------- */

/**
 * Receive what is sent to a multicast group ("239.1.2.3", "ff15::1"), on an interface
 * ("eth0"; NULL: the system chooses one); and no longer. Groups that others on this host
 * have joined are not heard. Errors: EINVAL (no such address, or no group's), ENODEV (no
 * such interface), EADDRINUSE (a member already), EADDRNOTAVAIL (none), ENOBUFS.
 */
WEFT_API int weft_udp_join(struct weft_udp *udp, const char *group, const char *interface);
WEFT_API int weft_udp_leave(struct weft_udp *udp, const char *group, const char *interface);

/** How this socket sends to groups. */
struct weft_udp_multicast {
	int hops;              /* routers on the way, and one; 0: 1, the own network */
	bool no_loop;          /* members on this host get none (on loopback they do) */
	const char *interface; /* that it goes out on; NULL: the system's choice */
};

/** Errors: EINVAL (hops over 255), ENODEV. */
WEFT_API int weft_udp_set_multicast(
	struct weft_udp *udp, const struct weft_udp_multicast *multicast);

WEFT_END

#endif
