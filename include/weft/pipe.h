/*
 * weft/pipe.h - pipes that carry messages, one way or both, between processes.
 *
 *	struct weft_pipe *ends[2];
 *	char text[100];
 *	size_t len;
 *
 *	weft_pipe_pair(NULL, ends);
 *	if (fork() == 0) {
 *		weft_pipe_free(ends[0]);
 *		weft_pipe_send(ends[1], "hello", 5);
 *		_exit(0);
 *	}
 *	weft_pipe_free(ends[1]);
 *	while (weft_pipe_recv(ends[0], text, sizeof(text), &len) > 0)
 *		...
 *
 * A message comes whole, in order, however long it is, and empty ones are messages, too.
 * Descriptors may go with it. Over one end any number of fibers and threads of a process may
 * send and receive at a time, each message whole; of two processes that have the same end, one
 * may send and one receive. Whoever forks frees, in each process, the end that the other has:
 * the end of a pipe is not told while anybody still has it.
 *
 *	send ---> [ what the kernel holds, some 200 KiB ] ---> recv
 *
 * A send that returns 0 is final, and one that fails has sent nothing: where a deadline comes
 * in the middle of a message, the pipe keeps the rest of it, and sends that ahead of whatever is
 * sent next (weft_pipe_flush()). A recv that fails has lost nothing. When a process dies in the
 * middle of a message, the other end gets EPIPE for it, once, and then the end.
 *
 * Over it go a Unix stream socket and 8 bytes ahead of each message. Every call that waits
 * parks the calling fiber, or blocks the calling thread, and obeys the ambient scope.
 * Errors: -1 or NULL, with errno set; besides those listed ETIMEDOUT, ECANCELED, EBADF.
 */
#ifndef WEFT_PIPE_H
#define WEFT_PIPE_H

#include <sys/types.h>

#include "weft/api.h"

WEFT_BEGIN

struct weft_pipe;          /* opaque: src/process/pipe.c; one end */
struct weft_pipe_listener; /* opaque: src/io/pipe_listener.c */

/** Longest message that is received, where options don't say. */
#define WEFT_PIPE_MESSAGE_DEFAULT ((size_t)64 << 20)

/** Descriptors that go with one message at most. */
#define WEFT_PIPE_FDS_MAX 16

struct weft_pipe_options {
	size_t message_max; /* longest that is received; 0: WEFT_PIPE_MESSAGE_DEFAULT */
	unsigned mode;      /* of a listener's path: permissions; 0: 0600 */
	int backlog;        /* of a listener; 0: SOMAXCONN */
};

struct weft_pipe_message {
	const void *data; /* received: the pipe's, until the next message is received */
	size_t len;
	int fds[WEFT_PIPE_FDS_MAX]; /* received: the caller's to close (close-on-exec) */
	unsigned fd_count;
};

/* ---- Life --------------------------------------------------------------------------- */

/** Two ends that talk to each other, both ways. options may be NULL. Returns 0. Errors: ENOMEM,
 * EMFILE. */
WEFT_API int weft_pipe_pair(const struct weft_pipe_options *options, struct weft_pipe *ret_ends[2]);

/** The same one way: what is sent over the writer is received from the reader. */
WEFT_API int weft_pipe_one_way(const struct weft_pipe_options *options,
	struct weft_pipe **ret_reader, struct weft_pipe **ret_writer);

/**
 * An end of a connected Unix stream socket, at whose other end is another such: one that a
 * program was given (weft/process.h), or another pipe has brought. On success it owns fd.
 * Errors: ENOTSOCK, EPROTOTYPE (no Unix stream), ENOMEM.
 */
WEFT_API struct weft_pipe *weft_pipe_new(int fd, const struct weft_pipe_options *options);

/**
 * Close it; what a deadline has left of a message is tried once more, by the process that sent
 * it: not by a child of fork(2) that frees its copy. Nobody may be in a call. NULL is fine. Keeps
 * errno.
 */
WEFT_API void weft_pipe_free(struct weft_pipe *pipe);

/**
 * No more is sent: the other end gets its end, and may still answer. Errors: those of
 * weft_pipe_flush(): nothing has ended then.
 */
WEFT_API int weft_pipe_shutdown(struct weft_pipe *pipe);

/**
 * Its descriptor, still its own. It is readable when there may be a message that none was
 * received from before: try until EAGAIN before waiting for it.
 */
WEFT_API int weft_pipe_fd(const struct weft_pipe *pipe);

/* ---- By name -------------------------------------------------------------------------- */

/**
 * Listen at an address, "unix:/path" or "unix:@name" (weft_address_parse()). What a dead
 * program has left at the path is replaced. End it with weft_pipe_listener_free(), which
 * removes the path. Errors: those of weft_unix_new(). options may be NULL.
 */
WEFT_API struct weft_pipe_listener *weft_pipe_listen(
	const char *address, const struct weft_pipe_options *options);

/** Wait for somebody who connects. Waits while descriptors are short. Errors: ENOMEM. */
WEFT_API struct weft_pipe *weft_pipe_accept(struct weft_pipe_listener *listener);

/** Errors: EINVAL (no Unix address), ENOENT (no such path), EACCES, ECONNREFUSED, ENOMEM, EMFILE.
 */
WEFT_API struct weft_pipe *weft_pipe_connect(
	const char *address, const struct weft_pipe_options *options);

/** Its descriptor, readable when somebody connects. */
WEFT_API int weft_pipe_listener_fd(const struct weft_pipe_listener *listener);

/** NULL is fine. Keeps errno. */
WEFT_API void weft_pipe_listener_free(struct weft_pipe_listener *listener);

/* ---- Sending ---------------------------------------------------------------------------- */

/**
 * Send a message, waiting while the other end is behind. data may be NULL when len is 0.
 * Returns 0. Errors: EPIPE (the other end is gone, or can't receive), EMSGSIZE (2^48 bytes
 * or more), ENOMEM (a deadline came in the middle of it). Where it fails in the middle of a
 * message for another reason (ENOMEM, ENOBUFS, EFAULT) the pipe sends no more: EPIPE from then
 * on, at the other end for that message, too.
 */
WEFT_API int weft_pipe_send(struct weft_pipe *pipe, const void *data, size_t len);

/** The same without waiting: EAGAIN (nothing was sent). What can't go yet of a message that has
 * begun is kept. */
WEFT_API int weft_pipe_try_send(struct weft_pipe *pipe, const void *data, size_t len);

/** With descriptors, which stay the caller's. Errors: EINVAL (too many), EBADF, ETOOMANYREFS. */
WEFT_API int weft_pipe_send_message(
	struct weft_pipe *pipe, const struct weft_pipe_message *message);

/** Send what was kept. Errors: EPIPE. */
WEFT_API int weft_pipe_flush(struct weft_pipe *pipe);

/** Bytes that are kept. Never waits. */
WEFT_API size_t weft_pipe_unsent(const struct weft_pipe *pipe);

/* ---- Receiving ----------------------------------------------------------------------------- */

/**
 * Wait for a message, and copy it. Returns 1 with its length, or 0 at the end. Descriptors that
 * come with it are closed. Errors: EMSGSIZE: it is longer than size_bytes, and stays, to be
 * received with more room (*ret_len is its length); or longer than message_max, and gone
 * (*ret_len is 0). EPIPE: the other end died in the middle of it. EPROTO: what came is no
 * pipe's; no more is received. ENOMEM: it stays.
 */
WEFT_API int weft_pipe_recv(
	struct weft_pipe *pipe, void *buffer, size_t size_bytes, size_t *ret_len);

/** The same without waiting: EAGAIN. */
WEFT_API int weft_pipe_try_recv(
	struct weft_pipe *pipe, void *buffer, size_t size_bytes, size_t *ret_len);

/**
 * Wait for a message, and lend it, with its descriptors; only one may receive then. Returns 1,
 * or 0 at the end. Errors: as above; EMFILE (no room for its descriptors; it is lost).
 */
WEFT_API int weft_pipe_recv_message(struct weft_pipe *pipe, struct weft_pipe_message *ret_message);

/** The same without waiting: EAGAIN. */
WEFT_API int weft_pipe_try_recv_message(
	struct weft_pipe *pipe, struct weft_pipe_message *ret_message);

WEFT_END

#endif
