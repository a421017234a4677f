/*
 * client_gzip.c - undoes the content coding gzip as it comes (RFC 1952), by zlib.
 *
 * Entry points: weft__http_gunzip_new(), _room(), _put(), _take(), _free().
 *
 * The memory is bounded whatever is packed in it: 40 KiB of zlib's and the bytes that wait.
 * How much comes out is for the reader to bound.
 *
 * Never: takes a part for the whole. Without zlib there is nothing but the refusal.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "http/client.h"

#ifdef WEFT_HAS_ZLIB

#include <zlib.h>

#define ROOM 8192

struct weft__http_gunzip {
	z_stream zlib;
	bool is_empty; /* nothing was ever put */
	bool is_whole; /* a member has ended, and no other has begun */
	unsigned char room[ROOM];
};

const bool weft__http_has_gunzip = true;

struct weft__http_gunzip *weft__http_gunzip_new(void)
{
	struct weft__http_gunzip *gunzip = calloc(1, sizeof(*gunzip));

	if (!gunzip)
		return NULL;
	gunzip->is_empty = true;
	/* 16: gzip's frame, and no other. */
	if (inflateInit2(&gunzip->zlib, MAX_WBITS + 16) == Z_OK)
		return gunzip;
	free(gunzip);
	errno = ENOMEM;
	return NULL;
}

void weft__http_gunzip_free(struct weft__http_gunzip *gunzip)
{
	if (!gunzip)
		return;
	inflateEnd(&gunzip->zlib);
	free(gunzip);
}

char *weft__http_gunzip_room(struct weft__http_gunzip *gunzip, size_t *ret_size)
{
	*ret_size = ROOM;
	return gunzip->zlib.avail_in > 0 ? NULL : (char *)gunzip->room;
}

void weft__http_gunzip_put(struct weft__http_gunzip *gunzip, size_t len)
{
	gunzip->zlib.next_in = gunzip->room;
	gunzip->zlib.avail_in = (unsigned)len;
	gunzip->is_empty = false;
}

ssize_t weft__http_gunzip_take(struct weft__http_gunzip *gunzip, void *buffer, size_t size_bytes)
{
	z_stream *zlib = &gunzip->zlib;
	unsigned size = size_bytes < UINT_MAX ? (unsigned)size_bytes : UINT_MAX;
	int result = Z_OK;

	zlib->next_out = buffer;
	zlib->avail_out = size;
	/* Without input, too: what did not fit the last time is still in there. */
	while (zlib->avail_out == size && result == Z_OK) {
		/* Members may follow each other: RFC 1952, section 2.2. */
		if (gunzip->is_whole && zlib->avail_in == 0)
			break;
		if (gunzip->is_whole)
			inflateReset(zlib);
		result = inflate(zlib, Z_NO_FLUSH);
		gunzip->is_whole = result == Z_STREAM_END;
		if (result == Z_STREAM_END)
			result = Z_OK;
	}
	if (result != Z_OK && result != Z_BUF_ERROR) {
		errno = result == Z_MEM_ERROR ? ENOMEM : EBADMSG;
		return -1;
	}
	return (ssize_t)(size - zlib->avail_out);
}

bool weft__http_gunzip_is_whole(const struct weft__http_gunzip *gunzip)
{
	return gunzip->is_empty || gunzip->is_whole;
}

#else

const bool weft__http_has_gunzip = false;

struct weft__http_gunzip *weft__http_gunzip_new(void)
{
	errno = ENOSYS;
	return NULL;
}

void weft__http_gunzip_free(struct weft__http_gunzip *gunzip)
{
	(void)gunzip;
}

char *weft__http_gunzip_room(struct weft__http_gunzip *gunzip, size_t *ret_size)
{
	(void)gunzip;
	*ret_size = 0;
	return NULL;
}

void weft__http_gunzip_put(struct weft__http_gunzip *gunzip, size_t len)
{
	(void)gunzip;
	(void)len;
}

ssize_t weft__http_gunzip_take(struct weft__http_gunzip *gunzip, void *buffer, size_t size_bytes)
{
	(void)gunzip;
	(void)buffer;
	(void)size_bytes;
	errno = ENOSYS;
	return -1;
}

bool weft__http_gunzip_is_whole(const struct weft__http_gunzip *gunzip)
{
	(void)gunzip;
	return false;
}

#endif
