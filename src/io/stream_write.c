/*
 * stream_write.c - the writing half of a stream.
 *
 * Entry points: weft_stream_write_all(), _writev_all(), _printf(), _flush(), _try_write(),
 * _sendfile(), _shutdown_write(). All bytes leave through send_once(), in order.
 *
 * Never: send the bytes of one call between those of another, send anything after a
 * call that ended part-way (the stream is torn: EPIPE), or raise SIGPIPE.
 */
#include "io/stream.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fiber/worker.h"
#include "io/buffer.h"
#include "weft/scope.h"
#include "weft/socket.h"

/* Parts that go out in one system call: a header, a body and what was buffered fit. */
#define PARTS_MAX 16

/* Most of a file that one sendfile(2) is asked for, so that neighbours get their turn. */
#define SENDFILE_MAX ((size_t)1 << 20)

/* The caller's parts, and how far they are sent. */
struct cursor {
	const struct iovec *parts;
	int count, index;
	size_t offset; /* into parts[index] */
};

static int fail(int code)
{
	errno = code;
	return -1;
}

/* What every write asks first: the scope's rule, and whether the stream is still whole. */
static int check_writable(const struct weft_stream *stream)
{
	int code = weft__interrupted();

	if (code != 0)
		return fail(code);
	return stream->is_torn ? fail(EPIPE) : 0;
}

static size_t buffered(const struct weft_stream *stream)
{
	return stream->out.end - stream->out.start;
}

static size_t room(const struct weft_stream *stream)
{
	return WEFT_STREAM_BUFFER_SIZE - stream->out.end;
}

/* ---- Sending ---------------------------------------------------------------------- */

/* The next parts to send: what is buffered, then the caller's. Returns how many. */
static int gather(const struct weft_stream *stream, const struct cursor *cursor,
	struct iovec ret_parts[PARTS_MAX])
{
	size_t offset = cursor->offset;
	int count = 0;

	if (buffered(stream) > 0)
		ret_parts[count++] =
			(struct iovec){stream->out.data + stream->out.start, buffered(stream)};
	for (int i = cursor->index; i < cursor->count && count < PARTS_MAX; i++) {
		if (cursor->parts[i].iov_len > offset)
			ret_parts[count++] =
				(struct iovec){(char *)cursor->parts[i].iov_base + offset,
					cursor->parts[i].iov_len - offset};
		offset = 0;
	}
	return count;
}

/* Count len bytes as sent. Returns how many of them were the caller's. */
static size_t advance(struct weft_stream *stream, struct cursor *cursor, size_t len)
{
	size_t from_buffer = len < buffered(stream) ? len : buffered(stream);
	size_t rest = len - from_buffer, of_caller = rest;

	stream->out.start += from_buffer;
	while (rest > 0) {
		size_t part_left;

		assert(cursor->index < cursor->count); /* no more is sent than was given */
		part_left = cursor->parts[cursor->index].iov_len - cursor->offset;
		if (rest < part_left) {
			cursor->offset += rest;
			break;
		}
		rest -= part_left;
		cursor->offset = 0;
		cursor->index++;
	}
	return of_caller;
}

static ssize_t send_once(
	struct weft_stream *stream, const struct iovec *parts, int count, int flags)
{
	struct msghdr message;

	if (!stream->is_socket && stream->layer)
		return stream->layer->send(stream, parts, count);
	if (!stream->is_socket)
		return count == 1 ? weft_write(stream->fd, parts[0].iov_base, parts[0].iov_len)
				  : weft_writev(stream->fd, parts, count);
	if (count == 1)
		return weft_send(
			stream->fd, parts[0].iov_base, parts[0].iov_len, flags | MSG_NOSIGNAL);
	memset(&message, 0, sizeof(message));
	message.msg_iov = (struct iovec *)parts;
	message.msg_iovlen = (size_t)count;
	return weft_sendmsg(stream->fd, &message, flags | MSG_NOSIGNAL);
}

/* What a layer has taken is not sent before this. */
static int drain(struct weft_stream *stream)
{
	return stream->is_socket || !stream->layer ? 0 : stream->layer->drain(stream);
}

/*
 * Send what is buffered and then all of the caller's parts. After a failure the
 * unsent rest of the buffer is kept, for a later flush; the stream is torn only when
 * some, but not all, of the caller's bytes are gone.
 */
static int send_parts(struct weft_stream *stream, struct cursor *cursor, int flags)
{
	struct iovec parts[PARTS_MAX];
	size_t of_caller = 0;
	int count;

	while ((count = gather(stream, cursor, parts)) > 0) {
		ssize_t sent = send_once(stream, parts, count, flags);

		if (sent < 0) {
			stream->is_torn = of_caller > 0;
			return -1;
		}
		of_caller += advance(stream, cursor, (size_t)sent);
	}
	if (drain(stream) < 0) {
		stream->is_torn = of_caller > 0;
		return -1;
	}
	weft__stream_half_rest(&stream->out);
	return 0;
}

static int flush(struct weft_stream *stream, int flags)
{
	while (buffered(stream) > 0) {
		struct iovec rest = {stream->out.data + stream->out.start, buffered(stream)};
		ssize_t sent = send_once(stream, &rest, 1, flags);

		if (sent < 0)
			return -1;
		stream->out.start += (size_t)sent;
	}
	weft__stream_half_rest(&stream->out);
	return flags & MSG_MORE ? 0 : drain(stream);
}

/* ---- Writing ---------------------------------------------------------------------- */

/* Copy to the buffer, in which there is room for len. */
static int append(struct weft_stream *stream, const void *data, size_t len)
{
	struct weft__stream_half *out = &stream->out;

	if (!out->data) {
		out->data = weft__buffer_take();
		if (!out->data)
			return -1;
	}
	memcpy(out->data + out->end, data, len);
	out->end += len;
	return 0;
}

static int send_all(struct weft_stream *stream, const void *data, size_t len)
{
	struct iovec part = {(void *)data, len};
	struct cursor cursor = {.parts = &part, .count = 1};

	return send_parts(stream, &cursor, 0);
}

int weft_stream_write_all(struct weft_stream *stream, const void *data, size_t len)
{
	if (check_writable(stream) < 0)
		return -1;
	if (len == 0)
		return 0;
	/* A large write gains nothing from a copy, unless small ones wait before it. */
	if (len <= room(stream) && (len < WEFT__STREAM_DIRECT_MIN || buffered(stream) > 0))
		return append(stream, data, len);
	return send_all(stream, data, len);
}

int weft_stream_writev_all(struct weft_stream *stream, const struct iovec *parts, int count)
{
	struct cursor cursor = {.parts = parts, .count = count};

	if (count < 0)
		return fail(EINVAL);
	if (check_writable(stream) < 0)
		return -1;
	return send_parts(stream, &cursor, 0);
}

/* Format into the room that the buffer has. Returns the length, which may not have fitted. */
__attribute__((format(printf, 2, 0))) static int format_in_place(
	struct weft_stream *stream, const char *format, va_list args)
{
	struct weft__stream_half *out = &stream->out;
	va_list again;
	int len;

	if (!out->data) {
		out->data = weft__buffer_take();
		if (!out->data)
			return -1;
	}
	va_copy(again, args);
	len = vsnprintf(out->data + out->end, room(stream), format, again);
	va_end(again);
	/* vsnprintf() wants room for its NUL too, which is not part of the stream. */
	if (len >= 0 && (size_t)len < room(stream))
		out->end += (size_t)len;
	return len;
}

int weft_stream_printf(struct weft_stream *stream, const char *format, ...)
{
	size_t before;
	va_list args;
	int len;

	if (check_writable(stream) < 0)
		return -1;
	va_start(args, format);
	before = room(stream);
	len = format_in_place(stream, format, args);
	if (len >= 0 && (size_t)len >= before) {
		/* It didn't fit behind what is buffered: once more, in the whole buffer. */
		if (len >= WEFT_STREAM_BUFFER_SIZE)
			len = fail(EMSGSIZE);
		else if (flush(stream, 0) < 0)
			len = -1;
		else
			len = format_in_place(stream, format, args);
	}
	va_end(args);
	if (len < 0)
		weft__stream_half_rest(&stream->out);
	return len < 0 ? -1 : 0;
}

int weft_stream_flush(struct weft_stream *stream)
{
	if (check_writable(stream) < 0)
		return -1;
	return flush(stream, 0);
}

/* Fibers give way after some calls in a row. Who tries must not: what she holds would change. */
static void stay_here(void)
{
	struct weft__worker *worker = weft__worker;

	if (worker && worker->call_budget < 2)
		worker->call_budget = 2;
}

ssize_t weft_stream_try_write(struct weft_stream *stream, const void *data, size_t len)
{
	struct iovec part = {(void *)data, len}, parts[PARTS_MAX];
	struct cursor cursor = {.parts = &part, .count = 1};
	size_t of_caller = 0;
	ssize_t sent;
	int count;

	if (check_writable(stream) < 0)
		return -1;
	if (!stream->is_socket)
		return fail(EAGAIN);
	count = gather(stream, &cursor, parts);
	if (count == 0)
		return 0;
	stay_here();
	sent = send_once(stream, parts, count, MSG_DONTWAIT);
	if (sent < 0)
		return -1;
	of_caller = advance(stream, &cursor, (size_t)sent);
	if (of_caller == 0 && (len > 0 || buffered(stream) > 0))
		return fail(EAGAIN);
	weft__stream_half_rest(&stream->out);
	return (ssize_t)of_caller;
}

static ssize_t sendfile_once(struct weft_stream *stream, int file_fd, off_t *offset, size_t len)
{
	if (!stream->is_socket && stream->layer)
		return stream->layer->sendfile(stream, file_fd, offset, len);
	return weft_sendfile(stream->fd, file_fd, offset, len < SENDFILE_MAX ? len : SENDFILE_MAX);
}

int weft_stream_sendfile(struct weft_stream *stream, int file_fd, off_t offset, size_t len)
{
	size_t left = len;

	if (check_writable(stream) < 0)
		return -1;
	/* MSG_MORE: a small header leaves in the packet of the file's first bytes. */
	if (flush(stream, left > 0 && (stream->is_socket || stream->layer) ? MSG_MORE : 0) < 0)
		return -1;
	while (left > 0) {
		ssize_t sent = sendfile_once(stream, file_fd, &offset, left);

		if (sent <= 0) {
			stream->is_torn = left < len;
			return sent == 0 ? fail(ENODATA) : -1;
		}
		left -= (size_t)sent;
	}
	if (drain(stream) < 0) {
		stream->is_torn = len > 0;
		return -1;
	}
	return 0;
}

int weft__stream_finish(struct weft_stream *stream)
{
	if (weft_stream_flush(stream) < 0)
		return -1;
	return stream->is_socket || !stream->layer ? 0 : stream->layer->finish(stream);
}

int weft_stream_shutdown_write(struct weft_stream *stream)
{
	if (weft_stream_flush(stream) < 0)
		return -1;
	if (!stream->is_socket && stream->layer)
		return stream->layer->shutdown_write(stream);
	return weft_shutdown(stream->fd, SHUT_WR);
}
