/*
 * weft/queue.h - bounded queues of messages between processes, in shared memory.
 *
 *	struct weft_queue *queue = weft_queue_new("jobs", NULL);
 *
 *	weft_queue_put(queue, &job, sizeof job);	// any process, any fiber or thread of it
 *
 *	while ((got = weft_queue_get(queue, &job, sizeof job, NULL)) > 0)	// and any other
 *		work(&job);
 *
 * A message is bytes of any length, that of none included, which come out as they went in, each
 * once, in the order in which they went in. A put is done when the message is in the queue: it
 * stays there when its process ends, as long as anybody has the queue.
 *
 * A process may be killed at any instruction of a call here: the message that it was about to put
 * is in the queue, whole, or isn't; of the one that it was about to get the same. Nothing else is
 * lost, and nobody waits for the dead longer than some 100 ms. One that is stopped (SIGSTOP) in the
 * midst holds the others up.
 *
 * Who waits parks its fiber, or blocks its thread, and obeys the ambient scope (weft/scope.h):
 * with ETIMEDOUT or ECANCELED nothing was put or taken.
 *
 * Names, children and who may attach: as segments (weft/shared.h). What others with the same
 * rights write over it is found out where it is read (EBADMSG), and never believed; but for its
 * locks: who writes there that a living process has one holds the others up.
 *
 * Safe from any thread and fiber, but for _free(). Errors: -1 or NULL, with errno set.
 */
#ifndef WEFT_QUEUE_H
#define WEFT_QUEUE_H

#include <sys/uio.h>

#include "weft/api.h"

WEFT_BEGIN

struct weft_queue; /* opaque: src/process/queue.c */

/** Of a queue that doesn't say: bytes that it holds. A message takes 8 and its own, up to 8. */
#define WEFT_QUEUE_CAPACITY 1048576

/** Most that it can hold. */
#define WEFT_QUEUE_CAPACITY_MAX ((size_t)8 << 30)

/** All zero: any queue of that name, or one of the usual size. */
struct weft_queue_options {
	size_t capacity_bytes;    /* is rounded up to a power of 2, from 64 on */
	size_t messages_max;      /* in it at a time; 0: as many as there are bytes for */
	size_t message_bytes_max; /* of one; 0: what fits, which is 8 less than capacity_bytes */
	unsigned mode;            /* of a new one: who may attach; 0: 0600 */
	bool must_exist;          /* attach only */
	bool must_be_new;         /* make only */
};

/* ---- Life ----------------------------------------------------------------------------- */

/**
 * Make a queue, or attach to the one of that name. name: without '/'; NULL: for children, and
 * who is sent its descriptor. options may be NULL. Ended by weft_queue_free().
 * Errors: those of weft_segment_new(), where EPROTO is also said of a queue of another version
 * or one that is damaged, and EPROTOTYPE of what is no queue, or not as the options say;
 * EINVAL (capacity; a message longer than that).
 */
WEFT_API struct weft_queue *weft_queue_new(
	const char *name, const struct weft_queue_options *options);

/** Attach by a descriptor (weft_queue_fd()), which stays the caller's. Errors: as above, EPERM. */
WEFT_API struct weft_queue *weft_queue_attach(int fd);

/** Detach; the last one removes it, with what is in it. Nobody may be in a call. NULL is fine. */
WEFT_API void weft_queue_free(struct weft_queue *queue);

/** The queue's own. */
WEFT_API int weft_queue_fd(const struct weft_queue *queue);

/**
 * Nothing more goes in, for all processes: put fails with EPIPE, and get returns 0 when what is
 * in it has been taken. Never waits long. Closing it again does nothing.
 */
WEFT_API void weft_queue_close(struct weft_queue *queue);

/* ---- Putting ---------------------------------------------------------------------------- */

/**
 * Put a message, which is copied, as soon as there is room. Returns 0. Errors: EMSGSIZE (longer
 * than the queue ever takes), EPIPE (closed), EBADMSG (damaged), ETIMEDOUT, ECANCELED.
 */
WEFT_API int weft_queue_put(struct weft_queue *queue, const void *data, size_t len);

/** The same without waiting for room, and without a look at the scope. Errors: EAGAIN. */
WEFT_API int weft_queue_try_put(struct weft_queue *queue, const void *data, size_t len);

/**
 * Put count messages, one for each vector, in a row as far as there is room, then wait for more.
 * Returns how many were put: fewer than count when it was interrupted or the queue was closed.
 * Errors, with none put: as weft_queue_put().
 */
WEFT_API ssize_t weft_queue_put_many(
	struct weft_queue *queue, const struct iovec *messages, size_t count);

/* ---- Getting ----------------------------------------------------------------------------- */

/**
 * Take the next message. Returns 1, and in *ret_len, which may be NULL, its length; 0: the queue
 * is closed and empty. Errors: EMSGSIZE (it is longer than size_bytes: it stays, and *ret_len is
 * its length), EBADMSG, ETIMEDOUT, ECANCELED.
 */
WEFT_API int weft_queue_get(
	struct weft_queue *queue, void *buffer, size_t size_bytes, size_t *ret_len);

/** The same without waiting for one, and without a look at the scope. Errors: EAGAIN. */
WEFT_API int weft_queue_try_get(
	struct weft_queue *queue, void *buffer, size_t size_bytes, size_t *ret_len);

/**
 * Wait for one message, and take as many as there are, at most count, one into each vector,
 * whose length becomes the message's. Returns how many: it stops before one that is longer than
 * its vector. 0: closed and empty, or count is 0. Errors, of the first: as weft_queue_get(),
 * EMSGSIZE with the first vector's length set.
 */
WEFT_API ssize_t weft_queue_get_many(
	struct weft_queue *queue, struct iovec *messages, size_t count);

/* ---- What is in it ------------------------------------------------------------------------- */

/** Messages in it at this moment. */
WEFT_API size_t weft_queue_len(const struct weft_queue *queue);
WEFT_API bool weft_queue_is_empty(const struct weft_queue *queue);

/** Whether there is no room for a message of one byte. */
WEFT_API bool weft_queue_is_full(const struct weft_queue *queue);
WEFT_API bool weft_queue_is_closed(const struct weft_queue *queue);

/** Of the queue as it is, whoever made it. */
WEFT_API void weft_queue_options(
	const struct weft_queue *queue, struct weft_queue_options *ret_options);

WEFT_END

#endif
