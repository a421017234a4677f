/*
 * stream.c - the life of a stream, and the two addresses that it connects.
 *
 * Entry points: weft_stream_new(), weft_stream_free(). Reading is stream_read.c's,
 * writing stream_write.c's, connecting connect.c's.
 *
 * Never: allocate a buffer before there are bytes for it, or close a descriptor that
 * is not (yet) the stream's.
 */
#include "io/stream.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "io/buffer.h"
#include "weft/socket.h"

/* What a stream without addresses shows. */
static const struct weft__stream_names no_names;

static struct weft_stream *stream_new(int fd, bool is_socket)
{
	struct weft_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->fd = fd;
	stream->is_socket = is_socket;
	return stream;
}

struct weft_stream *weft_stream_new(int fd)
{
	int type;
	socklen_t len = sizeof(type);

	/* One question tells both whether fd is open and whether send(2) is to be used. */
	if (weft_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0)
		return stream_new(fd, true);
	return errno == ENOTSOCK ? stream_new(fd, false) : NULL;
}

struct weft_stream *weft__stream_new_socket(int fd)
{
	return stream_new(fd, true);
}

struct weft_stream *weft__stream_new_accepted(int fd, const struct weft_address *peer)
{
	struct weft_stream *stream = stream_new(fd, true);

	if (stream && peer->len <= sizeof(stream->accepted.in6) &&
		(peer->any.sa_family == AF_INET || peer->any.sa_family == AF_INET6)) {
		stream->accepted.len = peer->len;
		memcpy(&stream->accepted.in6, &peer->in6, peer->len);
	}
	return stream;
}

void weft__stream_forget(struct weft_stream *stream)
{
	int saved_errno = errno;

	free(stream);
	errno = saved_errno;
}

void weft_stream_free(struct weft_stream *stream)
{
	int saved_errno = errno;

	if (!stream)
		return;
	if (stream->layer)
		stream->layer->free(stream);
	weft_close(stream->fd);
	weft__buffer_give(stream->in.data);
	weft__buffer_give(stream->out.data);
	free(atomic_load(&stream->names));
	free(stream);
	errno = saved_errno;
}

int weft_stream_fd(const struct weft_stream *stream)
{
	return stream->fd;
}

int weft_stream_bound_unsent(struct weft_stream *stream, size_t max)
{
	int value = (int)max;

	if (max == 0 || max > INT_MAX / 2) {
		errno = EINVAL;
		return -1;
	}
	return weft_setsockopt(stream->fd, SOL_SOCKET, SO_SNDBUF, &value, sizeof(value));
}

void weft__stream_half_rest(struct weft__stream_half *half)
{
	if (half->start < half->end)
		return;
	half->start = half->end = 0;
	weft__buffer_give(half->data);
	half->data = NULL;
}

/* ---- Addresses ------------------------------------------------------------------ */

static const struct weft__stream_names *stream_names(struct weft_stream *stream)
{
	struct weft__stream_names *names = atomic_load(&stream->names), *expected = NULL;
	int saved_errno = errno;

	if (names)
		return names;
	names = calloc(1, sizeof(*names));
	if (!names)
		return &no_names;
	if (stream->is_socket || stream->layer) {
		weft_getsockname(stream->fd, &names->local);
		if (stream->accepted.len > 0) {
			names->peer.len = stream->accepted.len;
			memcpy(&names->peer.in6, &stream->accepted.in6, stream->accepted.len);
		} else {
			weft_getpeername(stream->fd, &names->peer);
		}
	}
	errno = saved_errno;
	/* The other half may have asked at the same time: the first answer stays. */
	if (!atomic_compare_exchange_strong(&stream->names, &expected, names)) {
		free(names);
		names = expected;
	}
	return names;
}

void weft__stream_shrink(struct weft_stream *stream)
{
	free(atomic_exchange(&stream->names, NULL));
}

const struct weft_address *weft_stream_local(struct weft_stream *stream)
{
	return &stream_names(stream)->local;
}

const struct weft_address *weft_stream_peer(struct weft_stream *stream)
{
	return &stream_names(stream)->peer;
}
