/*
 * driver.h - the narrow waist: all that the runtime asks of the world outside.
 *
 * A driver belongs to one worker. It tells the time, waits for the kernel, carries out
 * an operation for the calling fiber (parking it as needed) and forgets a descriptor
 * that is being closed. Choosing another one never changes what a program means.
 *
 * Outside a fiber weft__perform() does the same on the calling thread: driver/thread.c.
 */
#ifndef FIBER_DRIVER_DRIVER_H
#define FIBER_DRIVER_DRIVER_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

struct weft__worker;
struct weft__driver;

/** What can be asked for; the arguments are those of the system call. */
enum weft__op_kind {
	WEFT__OP_ACCEPT,
	WEFT__OP_CONNECT, /* begins it, and waits for how it ends */
	WEFT__OP_READ,
	WEFT__OP_READV,
	WEFT__OP_RECV,
	WEFT__OP_RECVFROM,
	WEFT__OP_RECVMSG,
	WEFT__OP_WRITE,
	WEFT__OP_WRITEV,
	WEFT__OP_SEND,
	WEFT__OP_SENDTO,
	WEFT__OP_SENDMSG,
	WEFT__OP_SENDFILE,
	WEFT__OP_POLL, /* flags: events to wait for; the result is the events there are */
};

/**
 * Where a READ or RECV without memory of its own gets some, at the moment at which it may
 * succeed: so whoever waits for the first byte holds no buffer. (io_uring calls the same
 * "provided buffers".) A buffer that nothing was received into is given back at once.
 */
struct weft__buffers {
	void *(*take)(void); /* NULL: no memory */
	void (*give)(void *buffer);
};

struct weft__op {
	enum weft__op_kind kind;
	int fd;
	int flags;                           /* of the call; for POLL the events */
	int other_fd;                        /* SENDFILE: the file */
	void *data;                          /* buffer, iovec array or msghdr */
	size_t len;                          /* of data: bytes, or iovecs */
	const struct weft__buffers *buffers; /* READ, RECV with data NULL: its source */
	struct sockaddr *address;
	socklen_t *address_len_place; /* ACCEPT, RECVFROM */
	socklen_t address_len;        /* CONNECT, SENDTO */
	off_t *offset;                /* SENDFILE */
};

/** How far now_coarse() may be behind: a tick of the slowest kernel clock (HZ=100), and some. */
#define WEFT__COARSE_NS ((int64_t)12 * 1000 * 1000)

struct weft__driver_ops {
	const char *name;

	/** NULL with errno when this kernel can't. */
	struct weft__driver *(*create)(struct weft__worker *worker);
	void (*destroy)(struct weft__driver *driver);

	/** The time, in ns, of the clock that deadlines are on. */
	int64_t (*now)(struct weft__driver *driver);

	/** The same, cheaper: a time at most WEFT__COARSE_NS behind, never ahead. */
	int64_t (*now_coarse)(struct weft__driver *driver);

	/**
	 * Make fibers ready whose operations can go on; sleep until there is one, until
	 * the deadline (INT64_MAX: none; in the past: don't sleep) or until woken.
	 */
	void (*wait)(struct weft__driver *driver, int64_t deadline_ns);

	/** End a wait() under way or the next one; from any thread, also from a signal handler. */
	void (*wake)(struct weft__driver *driver);

	/** Carry out an operation for the calling fiber. The result of the call, or -errno. */
	int64_t (*perform)(struct weft__driver *driver, struct weft__op *op);

	/**
	 * The waiters on this worker whose descriptor has a newer generation by now
	 * (fds.h) wake with EBADF: those of fd, or of all descriptors for -1.
	 */
	void (*forget)(struct weft__driver *driver, int fd);
};

/** First member of every driver. */
struct weft__driver {
	const struct weft__driver_ops *ops;
	struct weft__worker *worker;
};

extern const struct weft__driver_ops weft__driver_epoll;

/** The driver of that name, the best one for NULL or ""; NULL when there is none. */
const struct weft__driver_ops *weft__driver_find(const char *name);

/** Carry out an operation for the calling fiber or thread. The result, or -1 with errno. */
int64_t weft__perform(struct weft__op *op);

/* ---- For drivers over system calls: driver/attempt.c -------------------------- */

/** Make the system call once. The result, or -errno; -EAGAIN when it would wait. Never -EINTR. */
int64_t weft__attempt(struct weft__op *op);

static inline bool weft__op_is_among(const struct weft__op *op, unsigned kinds)
{
	return kinds >> op->kind & 1;
}

#define WEFT__OP_KINDS_FROM_TO(first, last) ((2u << (last)) - (1u << (first)))

/** The kinds that have flags of send(2) or recv(2). */
#define WEFT__OPS_WITH_FLAGS                                       \
	(WEFT__OP_KINDS_FROM_TO(WEFT__OP_RECV, WEFT__OP_RECVMSG) | \
		WEFT__OP_KINDS_FROM_TO(WEFT__OP_SEND, WEFT__OP_SENDMSG))

/** Whether the caller said MSG_DONTWAIT, on a call that has flags: it gets its EAGAIN. */
static inline bool weft__op_is_impatient(const struct weft__op *op)
{
	return (op->flags & MSG_DONTWAIT) && weft__op_is_among(op, WEFT__OPS_WITH_FLAGS);
}

/** POLLIN or POLLOUT: what a kind waits for; for POLL its events. */
static inline int weft__op_direction(const struct weft__op *op)
{
	if (op->kind == WEFT__OP_POLL)
		return op->flags & (POLLIN | POLLOUT);
	return weft__op_is_among(op, 1u << WEFT__OP_ACCEPT | WEFT__OP_KINDS_FROM_TO(WEFT__OP_READ,
								     WEFT__OP_RECVMSG))
		       ? POLLIN
		       : POLLOUT;
}

#endif
