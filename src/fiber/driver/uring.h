/*
 * uring.h - the inside of the io_uring(7) driver, for its own files:
 *
 *	uring.c		the ring's life; waiting for it; who gets which completion
 *	uring_entry.c	what a worker knows of each descriptor: who waits on it; its close
 *	uring_ops.c	operations
 *	uring_buffers.c	memory that the kernel picks when bytes have come
 *
 * An operation that the kernel has been given is a request, a record on its fiber's
 * stack. The kernel may write to it, and to the caller's memory, until it has said that
 * it is done: so a fiber that is interrupted asks for its request to be cancelled, and
 * leaves only when that was answered. A watch belongs to no fiber: it is named by descriptor
 * and serial number instead, and an answer that comes too late finds nobody.
 *
 * Nothing is asked of the kernel that nobody waits for. A multishot accept or receive would
 * go on taking connections and bytes between two calls, out of sight of the other workers,
 * threads and processes that share the descriptor, and past any back-pressure: programs
 * would mean something else than over the other drivers.
 */
#ifndef FIBER_DRIVER_URING_H
#define FIBER_DRIVER_URING_H

#include <liburing.h>

#include "fiber/driver/driver.h"
#include "fiber/driver/fds.h"
#include "weft/list.h"

struct weft__wait;

/** What the low bits of a request's user_data say it is. */
enum weft__uring_tag {
	WEFT__URING_TAG_REQUEST, /* the rest: struct weft__uring_request */
	WEFT__URING_TAG_WAKE,    /* the eventfd of wake() */
	WEFT__URING_TAG_IGNORE,  /* a cancellation: its own answer is of no interest */
	WEFT__URING_TAG_WATCH,   /* descriptor and serial: weft__uring_watch_data() */
	WEFT__URING_TAG_BITS = 3,
};

#define WEFT__URING_TAG_MASK ((UINT64_C(1) << WEFT__URING_TAG_BITS) - 1)

struct weft__uring_request {
	struct weft__fiber *fiber;
	int32_t result; /* of the call, or -errno */
	uint32_t flags; /* IORING_CQE_F_... */
	bool is_pending;
	bool is_cancelling;
};

/** An operation that waits in line at a descriptor. */
struct weft__uring_waiter {
	struct weft_list_node node;
	struct weft__uring_request request;
	bool is_closed; /* the descriptor went away; off the list */
};

/** A line that each waiter leaves in his turn; only its first has a request in the kernel. */
enum weft__uring_line {
	WEFT__URING_LINE_IN,
	WEFT__URING_LINE_OUT,
	WEFT__URING_LINE_NONE, /* those that take nothing from each other: each has a request */
	WEFT__URING_LINE_COUNT,
};

struct weft__uring_entry {
	struct weft_list lines[WEFT__URING_LINE_COUNT]; /* of weft__uring_waiter */
	struct weft_list watches;                       /* of weft__watch */
	uint64_t generation;
	uint32_t watch_serial; /* 0: no poll is under way for them */
	int watch_events;
	bool may_have_input; /* a try is worth its system call */
	bool has_no_receive; /* this kernel can't, or not with such a file: poll and try */
	bool has_no_accept;
	bool is_held; /* a request may keep the file open that nobody waits for */
};

struct weft__uring_slots;

/** Buffers that the kernel may fill: one ring of them for all descriptors. */
struct weft__uring_buffers {
	struct io_uring_buf_ring *ring;     /* NULL: none (yet) */
	const struct weft__buffers *source; /* whose buffers these are */
	size_t size_bytes;                  /* of each */
	struct weft__uring_slots *slots;
	unsigned filled_goal; /* so many are to be in the ring */
	bool is_impossible;   /* this kernel can't */
};

struct uring {
	struct weft__driver driver;
	struct io_uring ring;
	int wake_fd;
	int pid; /* of the process that made it */
	uint32_t serial;
	bool has_ring;
	bool is_enabled; /* belongs to the worker's thread now */
	bool is_wake_armed;
	struct weft__uring_entry **chunks; /* by descriptor; made as they come up */
	struct weft__uring_buffers buffers;
};

/* ---- uring.c ------------------------------------------------------------------------ */

/** Room for one request, to be filled at once. Never NULL. */
struct io_uring_sqe *weft__uring_sqe(struct uring *uring);

/** What was asked for becomes known to the kernel now; answers are taken. */
void weft__uring_flush(struct uring *uring);

/** Ask for the request's end; the answer to it comes all the same. */
void weft__uring_cancel(struct uring *uring, uint64_t user_data);

/** Take it out of the queue, if the kernel has not been told of it: then no answer comes. */
bool weft__uring_withdraw(struct uring *uring, uint64_t user_data);

/** The request is the caller's fiber's, and sqe asks for it: before weft__uring_await(). */
void weft__uring_begin(
	struct uring *uring, struct weft__uring_request *request, struct io_uring_sqe *sqe);

/** Park until the request is over. It is cancelled when the fiber is interrupted. */
void weft__uring_await(
	struct uring *uring, struct weft__uring_request *request, const struct weft__wait *wait);

/** A serial number that no request in the kernel has. */
uint32_t weft__uring_serial(struct uring *uring);

static inline uint64_t weft__uring_watch_data(int fd, uint32_t serial)
{
	return (uint64_t)serial << 32 | (uint32_t)fd << WEFT__URING_TAG_BITS |
	       WEFT__URING_TAG_WATCH;
}

_Static_assert(WEFT__FDS_MAX <= UINT32_MAX >> WEFT__URING_TAG_BITS, "a descriptor and a tag fit");

/* ---- uring_entry.c -------------------------------------------------------------------- */

int weft__uring_entries_init(struct uring *uring);
void weft__uring_entries_fini(struct uring *uring);

/** NULL when this descriptor was never used here. */
struct weft__uring_entry *weft__uring_entry_find(struct uring *uring, int fd);

/** As of the descriptor's present generation; NULL with -errno in *ret_code. */
struct weft__uring_entry *weft__uring_entry_open(
	struct uring *uring, int fd, struct weft__fd **ret_known, int *ret_code);

/**
 * Get in line. 0, or -EBADF when the descriptor was closed meanwhile. From here on its
 * close is told to this worker.
 */
int weft__uring_line_join(struct uring *uring, struct weft__uring_entry *entry,
	struct weft__fd *known, enum weft__uring_line line, struct weft__uring_waiter *self);

/** Leave it, unless the descriptor was closed; the next one may try. */
void weft__uring_line_leave(struct uring *uring, struct weft__uring_entry *entry,
	enum weft__uring_line line, struct weft__uring_waiter *self);

/** The kernel tells that a watched descriptor is ready. */
void weft__uring_watch_event(
	struct uring *uring, int fd, uint32_t serial, const struct io_uring_cqe *cqe);

/** If the number names another file by now, nobody waits on it any more. */
void weft__uring_entry_check(struct uring *uring, int fd);

/** forget, watch and unwatch of struct weft__driver_ops. */
void weft__uring_forget(struct weft__driver *driver, int fd);
int weft__uring_watch(struct weft__driver *driver, struct weft__watch *watch);
void weft__uring_unwatch(struct weft__driver *driver, struct weft__watch *watch);

/* ---- uring_ops.c ------------------------------------------------------------------------ */

int64_t weft__uring_perform(struct weft__driver *driver, struct weft__op *op);

/* ---- uring_buffers.c --------------------------------------------------------------------- */

/** Whether the kernel can pick the buffer for this operation. */
bool weft__uring_buffers_suit(struct uring *uring, const struct weft__op *op);

/** The group to say in the request. */
#define WEFT__URING_BUFFER_GROUP 1

/** The buffer that a completion names, now the caller's. */
void *weft__uring_buffers_take(struct uring *uring, uint32_t cqe_flags);

/** There were too few. */
void weft__uring_buffers_grow(struct uring *uring);

void weft__uring_buffers_fini(struct uring *uring);

#endif
