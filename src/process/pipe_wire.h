/*
 * pipe_wire.h - messages over a Unix stream socket, whoever waits for it, and however.
 *
 *	bits 63..56   55..48        47..0
 *	'w'           descriptors   length     bytes ...
 *
 * in the machine's own order. Descriptors come with the first byte of their message. What is
 * received is checked: the other end may be anybody.
 *
 * Threads: one sends and one receives at a time; the two know nothing of each other.
 */
#ifndef PROCESS_PIPE_WIRE_H
#define PROCESS_PIPE_WIRE_H

#include "weft/buf.h"
#include "weft/pipe.h"

struct weft__op;

/** How an operation, SEND, SENDMSG or RECVMSG, is carried out: the result, or -errno; its flags. */
struct weft__wire_how {
	int64_t (*perform)(struct weft__op *op);
	int flags; /* MSG_DONTWAIT or 0 */
};

/** Where nothing may wait, or give way: by system calls alone. */
extern const struct weft__wire_how weft__wire_at_once;

struct weft__wire {
	int fd;
	size_t message_max;

	/* Receiving. */
	struct weft_buf in;
	size_t lent; /* at the front of in: the message that was given out last, and its head */
	uint64_t skipped;               /* to come, of one that was too long */
	int fds[2 * WEFT_PIPE_FDS_MAX]; /* that have come, in order */
	unsigned fd_count;
	bool is_ended; /* nothing more comes */
	bool is_bad;   /* what comes is no message */

	/* Sending. */
	char *rest; /* of a message: what has not gone yet */
	size_t rest_at, rest_len;
	pid_t rest_owner; /* who keeps it: a child of fork(2) has but a copy */
	bool is_broken;   /* a message was begun, and its rest is lost */
};

void weft__wire_init(struct weft__wire *wire, int fd, size_t message_max);

/** The descriptor is the caller's to close. */
void weft__wire_fini(struct weft__wire *wire);

/** 0: it goes, or will go with the next calls; else an errno, and nothing of it went. */
int weft__wire_send(struct weft__wire *wire, const struct weft_pipe_message *message,
	struct weft__wire_how how);

/** 0: there is no rest; or an errno. */
int weft__wire_flush(struct weft__wire *wire, struct weft__wire_how how);

/** Whether this process keeps a rest, and not one that it was forked from. */
bool weft__wire_has_own_rest(const struct weft__wire *wire);

static inline size_t weft__wire_unsent(const struct weft__wire *wire)
{
	return wire->rest_len - wire->rest_at;
}

/** The next message, lent until the next call: 1, 0 at the end, or -errno. */
int weft__wire_recv(
	struct weft__wire *wire, struct weft_pipe_message *ret_message, struct weft__wire_how how);

/** The one that was lent last is to come again; its descriptors were closed. */
void weft__wire_unrecv(struct weft__wire *wire);

/** There was no memory for the message that comes: it won't be received. False: none has begun. */
bool weft__wire_drop(struct weft__wire *wire);

#endif
