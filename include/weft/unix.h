/*
 * weft/unix.h - Unix sockets that carry messages, and what only Unix sockets can: pass
 * descriptors, and tell who is at the other end.
 *
 *	struct weft_unix *box = weft_unix_new("unix:/run/box", WEFT_UNIX_DGRAM, NULL);
 *	char data[2000];
 *	ssize_t len;
 *
 *	while ((len = weft_unix_recv(box, data, sizeof(data), NULL)) >= 0)
 *		...
 *
 * Addresses are those of weft_address_parse(): "unix:/path", "unix:@abstract". A message
 * comes whole and in order, and none is lost: whoever sends waits while the receiver's
 * queue is full. unix(7). Streams over Unix sockets: weft/stream.h and weft/serve.h.
 *
 * Every call that waits parks the calling fiber, or blocks the calling thread, and obeys
 * the ambient scope. Threads: any number may send and receive at a time.
 * Errors: -1 or NULL, with errno set; besides those listed ETIMEDOUT, ECANCELED, EBADF,
 * and ECONNREFUSED, ECONNRESET, EPIPE: the peer is gone.
 */
#ifndef WEFT_UNIX_H
#define WEFT_UNIX_H

#include "weft/address.h"

WEFT_BEGIN

struct weft_unix; /* opaque: src/io/unix.c */

enum weft_unix_kind {
	WEFT_UNIX_DGRAM,     /* to and from anybody, or one peer */
	WEFT_UNIX_SEQPACKET, /* connections, as of a stream, that keep message boundaries */
};

struct weft_unix_options {
	unsigned mode;    /* permissions of a path; 0: 0600 */
	int backlog;      /* SEQPACKET; 0: SOMAXCONN */
	bool credentials; /* each message tells who sent it (SO_PASSCRED) */
};

/* ---- Life --------------------------------------------------------------------------- */

/**
 * A socket bound to an address; a SEQPACKET one listens, for weft_unix_accept(). NULL as the
 * address of a DGRAM one: the kernel chooses an abstract name. A path is never open to more
 * than mode says. Where a socket is left behind at the path, it is replaced, but only when it
 * is proven that no living one is bound to it. options may be NULL. End it with
 * weft_unix_free(). Errors: EADDRINUSE (in use, no socket, or not ours to look at), EINVAL
 * (no Unix address), ENAMETOOLONG, of bind(2), ENOMEM, EMFILE.
 */
WEFT_API struct weft_unix *weft_unix_new(
	const char *address, enum weft_unix_kind kind, const struct weft_unix_options *options);

/**
 * Connected to an address. A DGRAM one is bound to a name that the kernel chooses, so that it
 * can be answered. Errors: EINVAL, ENOENT (no such path), EACCES, ECONNREFUSED (nobody is
 * there), EPROTOTYPE (of another kind), of socket(2).
 */
WEFT_API struct weft_unix *weft_unix_connect(
	const char *address, enum weft_unix_kind kind, const struct weft_unix_options *options);

/** Two that are connected to each other. Returns 0. */
WEFT_API int weft_unix_pair(enum weft_unix_kind kind, struct weft_unix *ret_ends[2]);

/** Wait for a connection to a SEQPACKET one. Waits while descriptors are short. */
WEFT_API struct weft_unix *weft_unix_accept(struct weft_unix *listening);

/** Close it; a path that it made is removed. NULL is fine. Keeps errno. */
WEFT_API void weft_unix_free(struct weft_unix *end);

/** Its descriptor, still its own; and its own address. */
WEFT_API int weft_unix_fd(const struct weft_unix *end);
WEFT_API const struct weft_address *weft_unix_local(const struct weft_unix *end);

/* ---- Messages ------------------------------------------------------------------------- */

/**
 * Wait for a message. Returns its length as it was sent: over size_bytes, the rest of it is
 * lost. Of a SEQPACKET one 0 is the end. Descriptors that come with it are closed. ret_peer
 * may be NULL.
 */
WEFT_API ssize_t weft_unix_recv(
	struct weft_unix *end, void *buffer, size_t size_bytes, struct weft_address *ret_peer);

/**
 * Send one; to may be NULL on a connected one. Returns 0. Waits while the receiver's queue is
 * full. Errors: EMSGSIZE (longer than the socket's buffer), EDESTADDRREQ, ENOENT, ENOTCONN,
 * EINVAL (of no bytes over SEQPACKET, where that is the end).
 */
WEFT_API int weft_unix_send(
	struct weft_unix *end, const void *data, size_t len, const struct weft_address *to);

/** Descriptors that go with one message at most. */
#define WEFT_UNIX_FDS_MAX 16

struct weft_unix_credentials {
	pid_t pid; /* 0: not known, or of no process that is seen from here */
	uid_t uid;
	gid_t gid;
};

struct weft_unix_message {
	void *data;        /* the caller's */
	size_t size_bytes; /* receiving: its room */
	size_t len;        /* sending: bytes; received: as it was sent, even over size_bytes */
	struct weft_address peer;   /* from, or to; len 0: the connected peer */
	int fds[WEFT_UNIX_FDS_MAX]; /* received: the caller's to close (close-on-exec) */
	unsigned fd_count;
	struct weft_unix_credentials from; /* received, with the option; told by the kernel */
};

/**
 * As recv and send, with all that a message has. recv_message() returns 1, 0 at the end of a
 * SEQPACKET one. Errors: EINVAL (fd_count over the most), EBADF (one of fds), ETOOMANYREFS,
 * EMSGSIZE (received: more descriptors than fds has room for, or EMFILE came over some; they
 * are closed and the message is lost).
 */
WEFT_API int weft_unix_recv_message(struct weft_unix *end, struct weft_unix_message *message);
WEFT_API int weft_unix_send_message(struct weft_unix *end, const struct weft_unix_message *message);

/* ---- On any Unix socket, a stream's descriptor too ------------------------------------- */

/**
 * Hand a descriptor over, with one byte, to whoever calls weft_unix_recv_fd() at the other end;
 * the caller keeps its own. Nothing may be in the stream's buffers. Returns 0.
 * Errors: EBADF, ENOTSOCK, EINVAL (no Unix socket), ETOOMANYREFS.
 */
WEFT_API int weft_unix_send_fd(int socket_fd, int fd);

/**
 * Wait for a descriptor. Returns it (close-on-exec), the caller's. Errors: ENODATA (the end
 * of the stream), EBADMSG (a byte without a descriptor), EMFILE.
 */
WEFT_API int weft_unix_recv_fd(int socket_fd);

/** Who made the other end of a connected one, as of then (SO_PEERCRED). Does not wait. */
WEFT_API int weft_unix_peer(int socket_fd, struct weft_unix_credentials *ret_credentials);

WEFT_END

#endif
