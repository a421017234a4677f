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

#include "weft/list.h"

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
	WEFT__OP_RECVMMSG,
	WEFT__OP_WRITE,
	WEFT__OP_WRITEV,
	WEFT__OP_SEND,
	WEFT__OP_SENDTO,
	WEFT__OP_SENDMSG,
	WEFT__OP_SENDMMSG,
	WEFT__OP_SENDFILE,
	WEFT__OP_POLL,     /* flags: events to wait for; the result is the events there are */
	WEFT__OP_POLL_NOW, /* the same without waiting: -EAGAIN when there are none */

	/* On files, which are never "not ready": a driver that can't do them without blocking
	 * its worker answers -EOPNOTSUPP, and src/io does them on a thread. Outside fibers
	 * they block the calling thread. */
	WEFT__OP_PREAD,  /* position */
	WEFT__OP_PWRITE, /* position */
	WEFT__OP_FSYNC,  /* flags: not 0 for fdatasync(2) */
	WEFT__OP_KIND_COUNT,
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
	void *data;                          /* buffer, iovecs, msghdr or mmsghdrs */
	size_t len;                          /* of data: bytes, iovecs or mmsghdrs */
	const struct weft__buffers *buffers; /* READ, RECV with data NULL: its source */
	struct sockaddr *address;
	socklen_t *address_len_place; /* ACCEPT, RECVFROM */
	socklen_t address_len;        /* CONNECT, SENDTO */
	union {
		off_t *offset;    /* SENDFILE */
		int64_t position; /* PREAD, PWRITE; -1: the descriptor's own */
	};
};

/** One fiber's interest in a descriptor, beside other things that it waits for. */
struct weft__watch {
	struct weft_list_node node;
	struct weft__fiber *fiber; /* the calling one */
	int fd;
	int events;     /* POLLIN, POLLOUT */
	bool is_poll;   /* consumes nothing, so it is woken beside others */
	bool is_closed; /* the descriptor went away; off the list */
};

/** The arguments of getsockopt(2) and setsockopt(2) but the first. */
struct weft__sockopt {
	int level, option;
	void *value;
	socklen_t *len;
};

/**
 * Calls on sockets that never wait, as their namesakes in section 2 of the manual: -1 with
 * errno. A driver that has them makes descriptors of its own, and passes what it did not
 * make on to the kernel.
 */
struct weft__net_ops {
	int (*socket)(struct weft__driver *driver, int domain, int type, int protocol);
	int (*socketpair)(
		struct weft__driver *driver, int domain, int type, int protocol, int ret_fds[2]);
	int (*pipe)(struct weft__driver *driver, int ret_fds[2]);
	int (*bind)(
		struct weft__driver *driver, int fd, const struct sockaddr *address, socklen_t len);
	int (*listen)(struct weft__driver *driver, int fd, int backlog);
	int (*shutdown)(struct weft__driver *driver, int fd, int how);
	int (*getsockname)(
		struct weft__driver *driver, int fd, struct sockaddr *ret_address, socklen_t *len);
	int (*getpeername)(
		struct weft__driver *driver, int fd, struct sockaddr *ret_address, socklen_t *len);
	int (*getsockopt)(struct weft__driver *driver, int fd, const struct weft__sockopt *option);
	int (*setsockopt)(struct weft__driver *driver, int fd, const struct weft__sockopt *option);
	int (*close)(struct weft__driver *driver, int fd);
	/** The IPv4 address of a host, in host order. NULL: the system is asked. */
	int (*resolve)(struct weft__driver *driver, const char *name, uint32_t *ret_address);
};

/** How far now_coarse() may be behind: a tick of the slowest kernel clock (HZ=100), and some. */
#define WEFT__COARSE_NS ((int64_t)12 * 1000 * 1000)

struct weft__driver_ops {
	const char *name;

	/** Whether this kernel lets us: NULL, always. Asked before create(); logs why not, once. */
	bool (*is_usable)(void);

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

	/**
	 * Whether no fiber waits for a descriptor, so that wait() would wait for wake() and the
	 * deadline only. NULL: it can't say.
	 */
	bool (*is_idle)(struct weft__driver *driver);

	/** Carry out an operation for the calling fiber. The result of the call, or -errno. */
	int64_t (*perform)(struct weft__driver *driver, struct weft__op *op);

	/**
	 * The waiters on this worker whose descriptor has a newer generation by now
	 * (fds.h) wake with EBADF: those of fd, or of all descriptors for -1.
	 */
	void (*forget)(struct weft__driver *driver, int fd);

	/**
	 * Make the fiber ready whenever an event of the watch has come, until unwatch(). What
	 * was there before is not told: the fiber looks by POLL_NOW after this, and after
	 * each wake. 0 or -errno.
	 */
	int (*watch)(struct weft__driver *driver, struct weft__watch *watch);
	void (*unwatch)(struct weft__driver *driver, struct weft__watch *watch);

	/* ---- Of drivers that stand in for the world: NULL, the real one --------------- */

	const struct weft__net_ops *net;
	int64_t (*wall)(struct weft__driver *driver);    /* ns since 1970 */
	uint64_t (*random)(struct weft__driver *driver); /* all 64 bits are random */
	/** Which of the runnable fibers, at least 2, goes next: under count. */
	uint32_t (*choose)(struct weft__driver *driver, uint32_t count);
};

/** First member of every driver. */
struct weft__driver {
	const struct weft__driver_ops *ops;
	struct weft__worker *worker;
};

extern const struct weft__driver_ops weft__driver_epoll;
extern const struct weft__driver_ops weft__driver_epoll_level;
extern const struct weft__driver_ops weft__driver_poll;
extern const struct weft__driver_ops weft__driver_select;
extern const struct weft__driver_ops weft__driver_uring; /* with WEFT_HAS_URING */
extern const struct weft__driver_ops weft__driver_sim;   /* by weft_sim_run() only */

/**
 * The driver of that name, the best one for NULL or "", epoll for one that this kernel
 * doesn't let us use; NULL when there is none of that name.
 */
const struct weft__driver_ops *weft__driver_find(const char *name);

/** Carry out an operation for the calling fiber or thread. The result, or -1 with errno. */
int64_t weft__perform(struct weft__op *op);

/** The calls that never wait, as the caller's driver has them: driver/net.c. */
extern const struct weft__net_ops weft__net_kernel;
const struct weft__net_ops *weft__net(struct weft__driver **ret_driver);

/* ---- For drivers over system calls: driver/attempt.c -------------------------- */

/** Make the system call once. The result, or -errno; -EAGAIN when it would wait. Never -EINTR. */
int64_t weft__attempt(struct weft__op *op);

static inline bool weft__op_is_among(const struct weft__op *op, unsigned kinds)
{
	return kinds >> op->kind & 1;
}

#define WEFT__OP_KINDS_FROM_TO(first, last) ((2u << (last)) - (1u << (first)))

/** The kinds that have flags of send(2) or recv(2). */
#define WEFT__OPS_WITH_FLAGS                                        \
	(WEFT__OP_KINDS_FROM_TO(WEFT__OP_RECV, WEFT__OP_RECVMMSG) | \
		WEFT__OP_KINDS_FROM_TO(WEFT__OP_SEND, WEFT__OP_SENDMMSG))

#define WEFT__OPS_ON_FILES WEFT__OP_KINDS_FROM_TO(WEFT__OP_PREAD, WEFT__OP_FSYNC)

/** Whether the caller doesn't wait (MSG_DONTWAIT, POLL_NOW): it gets its EAGAIN. */
static inline bool weft__op_is_impatient(const struct weft__op *op)
{
	return op->kind == WEFT__OP_POLL_NOW ||
	       ((op->flags & MSG_DONTWAIT) && weft__op_is_among(op, WEFT__OPS_WITH_FLAGS));
}

/** POLLIN or POLLOUT: what a kind waits for; for POLL its events. */
static inline int weft__op_direction(const struct weft__op *op)
{
	if (op->kind == WEFT__OP_POLL || op->kind == WEFT__OP_POLL_NOW)
		return op->flags & (POLLIN | POLLOUT);
	return weft__op_is_among(op, 1u << WEFT__OP_ACCEPT | WEFT__OP_KINDS_FROM_TO(WEFT__OP_READ,
								     WEFT__OP_RECVMMSG))
		       ? POLLIN
		       : POLLOUT;
}

#endif
