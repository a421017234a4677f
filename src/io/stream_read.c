/*
 * stream_read.c - the reading half of a stream.
 *
 * Entry points: weft_stream_read(), _read_exactly(), _readline(), _peek(), _consume().
 * All of them go through fill(), the one place that receives into the buffer.
 *
 * Never: hold a buffer while waiting for the first byte, lose bytes that were
 * received because a later receive failed, or look twice at a byte for its newline.
 */
#include "io/stream.h"

#include <errno.h>
#include <string.h>

#include "fiber/worker.h"
#include "io/buffer.h"
#include "weft/scope.h"
#include "weft/socket.h"

/* The largest single receive: the kernel's own bound, and less than SSIZE_MAX. */
#define RECEIVE_MAX ((size_t)1 << 30)

static size_t buffered(const struct weft_stream *stream)
{
	return stream->in.end - stream->in.start;
}

/* The scope's rule: an expired or cancelled one fails even where no wait was needed. */
static int check_scope(void)
{
	int code = weft__interrupted();

	if (code == 0)
		return 0;
	errno = code;
	return -1;
}

static ssize_t receive(struct weft_stream *stream, void *buffer, size_t size_bytes)
{
	if (size_bytes > RECEIVE_MAX)
		size_bytes = RECEIVE_MAX;
	if (stream->is_socket)
		return weft_recv(stream->fd, buffer, size_bytes, 0);
	if (stream->layer)
		return stream->layer->receive(stream, buffer, size_bytes);
	return weft_read(stream->fd, buffer, size_bytes);
}

/*
 * Receive into a buffer that is borrowed when there is something to receive, and not
 * before: whoever waits here for the first byte of a request may wait for long.
 */
static ssize_t fill_borrowed(struct weft_stream *stream)
{
	static const struct weft__buffers buffers = {weft__buffer_take, weft__buffer_give};
	struct weft__op op = {.kind = stream->is_socket ? WEFT__OP_RECV : WEFT__OP_READ,
		.fd = stream->fd,
		.len = WEFT_STREAM_BUFFER_SIZE,
		.buffers = &buffers};
	ssize_t count;

	if (!stream->is_socket && stream->layer)
		return stream->layer->fill(stream);
	count = weft__perform(&op);
	if (count > 0) {
		stream->in.data = op.data;
		stream->in.end = (size_t)count;
	}
	return count;
}

/* Receive once, behind what is buffered, which is less than the whole buffer. */
static ssize_t fill(struct weft_stream *stream)
{
	struct weft__stream_half *in = &stream->in;
	ssize_t count;

	weft__stream_half_rest(in);
	if (!in->data)
		return fill_borrowed(stream);
	if (in->end == WEFT_STREAM_BUFFER_SIZE) {
		memmove(in->data, in->data + in->start, buffered(stream));
		in->end -= in->start;
		in->start = 0;
	}
	count = receive(stream, in->data + in->end, WEFT_STREAM_BUFFER_SIZE - in->end);
	if (count > 0)
		in->end += (size_t)count;
	return count;
}

/* Move up to size_bytes of what is buffered to the caller's memory. */
static size_t take_buffered(struct weft_stream *stream, void *buffer, size_t size_bytes)
{
	size_t count = buffered(stream);

	if (count > size_bytes)
		count = size_bytes;
	if (count > 0) {
		memcpy(buffer, stream->in.data + stream->in.start, count);
		weft_stream_consume(stream, count);
	}
	return count;
}

ssize_t weft_stream_read(struct weft_stream *stream, void *buffer, size_t size_bytes)
{
	ssize_t count;

	if (check_scope() < 0)
		return -1;
	if (size_bytes == 0)
		return 0;
	if (buffered(stream) == 0) {
		if (size_bytes >= WEFT__STREAM_DIRECT_MIN) {
			weft__stream_half_rest(&stream->in);
			return receive(stream, buffer, size_bytes);
		}
		count = fill(stream);
		if (count <= 0)
			return count;
	}
	return (ssize_t)take_buffered(stream, buffer, size_bytes);
}

int weft_stream_read_exactly(struct weft_stream *stream, void *buffer, size_t len)
{
	size_t done = 0;

	if (check_scope() < 0)
		return -1;
	while (done < len) {
		ssize_t count = weft_stream_read(stream, (char *)buffer + done, len - done);

		if (count < 0)
			return -1;
		if (count == 0) {
			errno = done == 0 ? ENODATA : EPIPE;
			return -1;
		}
		done += (size_t)count;
	}
	return 0;
}

/*
 * Length of the first line in the buffer, newline included; 0 when it isn't complete.
 * Remembers how far it has looked, so that a line that drips in costs no more.
 */
static size_t find_line(struct weft_stream *stream)
{
	const char *line, *newline;
	size_t len = buffered(stream);

	if (len > WEFT_STREAM_LINE_MAX)
		len = WEFT_STREAM_LINE_MAX;
	if (len <= stream->searched)
		return 0;
	line = stream->in.data + stream->in.start;
	newline = memchr(line + stream->searched, '\n', len - stream->searched);
	if (newline)
		return (size_t)(newline - line) + 1;
	stream->searched = len;
	return 0;
}

ssize_t weft_stream_readline(struct weft_stream *stream, const char **ret_line)
{
	size_t len;

	if (check_scope() < 0)
		return -1;
	while ((len = find_line(stream)) == 0) {
		ssize_t count;

		if (stream->searched >= WEFT_STREAM_LINE_MAX) {
			errno = EMSGSIZE;
			return -1;
		}
		count = fill(stream);
		if (count < 0)
			return -1;
		if (count == 0) {
			len = buffered(stream);
			break;
		}
	}
	if (len > 0) {
		*ret_line = stream->in.data + stream->in.start;
		weft_stream_consume(stream, len);
	}
	return (ssize_t)len;
}

ssize_t weft_stream_peek(struct weft_stream *stream, size_t min, const char **ret_data)
{
	if (min > WEFT_STREAM_BUFFER_SIZE) {
		errno = EINVAL;
		return -1;
	}
	if (min > 0 && check_scope() < 0)
		return -1;
	while (buffered(stream) < min) {
		ssize_t count = fill(stream);

		if (count < 0)
			return -1;
		if (count == 0)
			break;
	}
	*ret_data = stream->in.data ? stream->in.data + stream->in.start : "";
	return (ssize_t)buffered(stream);
}

void weft_stream_consume(struct weft_stream *stream, size_t len)
{
	if (len > buffered(stream))
		len = buffered(stream);
	weft__stream_consume(stream, len);
}
