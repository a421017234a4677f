/*
 * buf.c - the byte buffer (weft/buf.h).
 *
 * Entry points: weft_buf_reserve, weft_buf_append; the rest is inline in weft/buf.h.
 *
 * Never: hold more than len_max bytes, or more memory than twice that (or BYTES_MIN).
 */
#include "weft/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The first allocation, in bytes: what most lines and short messages need. */
#define BYTES_MIN 512

static size_t max(size_t a, size_t b)
{
	return a > b ? a : b;
}

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

void weft_buf_init(struct weft_buf *buf, size_t len_max)
{
	*buf = (struct weft_buf){.len_max = min(len_max, WEFT_BUF_LEN_MAX)};
}

void weft_buf_fini(struct weft_buf *buf)
{
	free(buf->bytes);
	weft_buf_init(buf, buf->len_max);
}

/* Room for needed bytes in all, by doubling; the caller has checked them against the bound. */
static int grow(struct weft_buf *buf, size_t needed)
{
	size_t len = weft_buf_len(buf);
	size_t capacity = max(max(needed, BYTES_MIN), min(2 * buf->capacity, 2 * buf->len_max));
	char *bytes = malloc(capacity);

	if (!bytes)
		return -1;
	/* Not realloc(): what was consumed need not be copied. */
	if (buf->bytes)
		memcpy(bytes, buf->bytes + buf->start, len);
	free(buf->bytes);
	buf->bytes = bytes;
	buf->start = 0;
	buf->end = len;
	buf->capacity = capacity;
	return 0;
}

static void move_to_front(struct weft_buf *buf)
{
	size_t len = weft_buf_len(buf);

	memmove(buf->bytes, buf->bytes + buf->start, len);
	buf->start = 0;
	buf->end = len;
}

void *weft_buf_reserve(struct weft_buf *buf, size_t len)
{
	size_t needed;

	if (len > weft_buf_room(buf)) {
		errno = ENOBUFS;
		return NULL;
	}
	needed = weft_buf_len(buf) + len;
	if (!buf->bytes || len > buf->capacity - buf->end) {
		/*
		 * Moving is paid for by the bytes consumed since the last move. At
		 * 2 * len_max of capacity this branch is always the one taken (start is
		 * then above len_max), so the capacity grows no further.
		 */
		if (buf->bytes && needed <= buf->capacity && buf->start >= weft_buf_len(buf))
			move_to_front(buf);
		else if (grow(buf, needed) < 0)
			return NULL;
	}
	return buf->bytes + buf->end;
}

int weft_buf_append(struct weft_buf *buf, const void *data, size_t len)
{
	void *room = weft_buf_reserve(buf, len);

	if (!room)
		return -1;
	if (len > 0) {
		memcpy(room, data, len);
		weft_buf_commit(buf, len);
	}
	return 0;
}
