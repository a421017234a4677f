/*
 * weft/buf.h - a byte buffer: bytes are appended at the back and consumed from the front.
 *
 * This is what stands between a socket and a parser. It grows by need up to a bound that
 * is set once, so that a peer can't make it grow for ever:
 *
 *	while ((room = weft_buf_reserve(&in, 4096)) && (count = weft_read(fd, room, 4096)) > 0) {
 *		weft_buf_commit(&in, (size_t)count);
 *		used = parse(weft_buf_data(&in), weft_buf_len(&in));
 *		weft_buf_consume(&in, used);
 *	}
 *
 *	bytes     start             end        capacity
 *	|consumed |the bytes it holds|room      |
 *
 * Consuming moves start and copies nothing. The bytes are moved to the front only when
 * at least as many have been consumed as are moved, so that a byte costs O(1) however the
 * reads and writes fall; the price is an array of at most twice the bound.
 *
 * Pointers into the buffer are valid until the next append, reserve or fini.
 * Threads: none of it is safe from two threads at once.
 */
#ifndef WEFT_BUF_H
#define WEFT_BUF_H

#include <assert.h>

#include "weft/api.h"

WEFT_BEGIN

/** The largest bound: twice as many bytes can still be one object. */
#define WEFT_BUF_LEN_MAX (PTRDIFF_MAX / 2)

struct weft_buf {
	char *bytes; /* NULL until something is reserved */
	size_t start, end, capacity;
	size_t len_max;
};

/* ---- Life ------------------------------------------------------------------- */

/**
 * Make buf empty; it will hold at most len_max bytes (more than WEFT_BUF_LEN_MAX counts as
 * that). Nothing is allocated yet. End it with weft_buf_fini().
 */
WEFT_API void weft_buf_init(struct weft_buf *buf, size_t len_max);

/** Free the bytes. The buffer is empty, keeps its bound, and can be used again. */
WEFT_API void weft_buf_fini(struct weft_buf *buf);

/* ---- The front -------------------------------------------------------------- */

/** How many bytes it holds. */
static inline size_t weft_buf_len(const struct weft_buf *buf)
{
	return buf->end - buf->start;
}

/** The bytes, not NUL-terminated; may be NULL when there are none. */
static inline const char *weft_buf_data(const struct weft_buf *buf)
{
	return buf->bytes ? buf->bytes + buf->start : NULL;
}

/** Drop all bytes and keep the memory. */
static inline void weft_buf_clear(struct weft_buf *buf)
{
	buf->start = 0;
	buf->end = 0;
}

/** Drop the first len bytes, which the buffer must hold: more is a bug and ends the program. */
static inline void weft_buf_consume(struct weft_buf *buf, size_t len)
{
	assert(len <= weft_buf_len(buf));
	buf->start += len;
	/* Starting over at the front is free now, and spares a move later. */
	if (buf->start == buf->end)
		weft_buf_clear(buf);
}

/* ---- The back --------------------------------------------------------------- */

/** How many bytes can still be appended before the bound. */
static inline size_t weft_buf_room(const struct weft_buf *buf)
{
	return buf->len_max - weft_buf_len(buf);
}

/**
 * Lend room for len bytes at the back; weft_buf_commit() says how many were filled.
 * len may be 0; the pointer is not NULL then either.
 * Errors: ENOBUFS when len bytes more would pass the bound, ENOMEM; nothing changes.
 */
WEFT_API void *weft_buf_reserve(struct weft_buf *buf, size_t len);

/** Append the first len bytes of the reserved room; more is a bug and ends the program. */
static inline void weft_buf_commit(struct weft_buf *buf, size_t len)
{
	assert(len <= buf->capacity - buf->end && len <= weft_buf_room(buf));
	buf->end += len;
}

/**
 * Append a copy of len bytes, which must not lie in the buffer itself. data may be NULL
 * when len is 0. Returns 0, or -1 with the errors of weft_buf_reserve().
 */
WEFT_API int weft_buf_append(struct weft_buf *buf, const void *data, size_t len);

WEFT_END

#endif
