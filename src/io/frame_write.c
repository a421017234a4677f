/*
 * frame_write.c - messages in their form, to a stream or into a buffer (weft/frame.h).
 *
 * Must never: write a part of a message that can't be written whole.
 */
#include "io/frame.h"

#include <errno.h>
#include <string.h>

/* Where to: the stream, or a buffer. */
struct sink {
	struct weft_stream *stream;
	struct weft_buf *buf;
};

static int fail(int code)
{
	errno = code;
	return -1;
}

static int put(const struct sink *sink, const void *data, size_t len)
{
	if (sink->stream)
		return weft_stream_write_all(sink->stream, data, len);
	if (weft_buf_append(sink->buf, data, len) == 0)
		return 0;
	return errno == ENOBUFS ? fail(EMSGSIZE) : -1;
}

/* ---- Heads ------------------------------------------------------------------------------- */

static ssize_t head_length(const struct weft_frame_format *format, char *head, uint64_t length)
{
	unsigned bytes = format->length_bytes;

	if (bytes < 8 && length >> (8 * bytes))
		return fail(EMSGSIZE);
	for (unsigned i = 0; i < bytes; i++) {
		unsigned place = format->little_endian ? i : bytes - 1 - i;

		head[place] = (char)(length >> (8 * i));
	}
	return bytes;
}

static ssize_t head_varint(char *head, uint64_t length)
{
	ssize_t bytes = 0;

	for (; length >= 0x80; length >>= 7)
		head[bytes++] = (char)(length | 0x80);
	head[bytes++] = (char)length;
	return bytes;
}

static ssize_t head_packed(const struct weft_frames *frames, const union weft_pack_value *header,
	size_t count, char *head, uint64_t length)
{
	union weft_pack_value values[WEFT_FRAME_FIELDS_MAX];
	struct weft_pack_error error;

	if (!header || count != frames->header_count)
		return fail(EINVAL);
	memcpy(values, header, count * sizeof(*values));
	values[frames->format.length_field].u = length;
	if (weft_pack_check(frames->header, values, count, &error) < 0 &&
		error.fault == WEFT_PACK_OUT_OF_RANGE && error.value == frames->format.length_field)
		return fail(EMSGSIZE);
	return weft_pack_values(frames->header, head, WEFT__FRAME_HEAD_MAX, values, count);
}

/* What comes before a message of len bytes: its length, or -1. */
static ssize_t head_make(const struct weft_frames *frames, const union weft_pack_value *header,
	size_t count, size_t len, char head[WEFT__FRAME_HEAD_MAX])
{
	int64_t length;

	if (frames->format.kind == WEFT_FRAME_DELIMITER || frames->format.kind == WEFT_FRAME_FIXED)
		return 0;
	if (__builtin_add_overflow((int64_t)len, frames->format.length_extra, &length) ||
		length < 0)
		return fail(EMSGSIZE);
	if (frames->format.kind == WEFT_FRAME_HEADER)
		return head_packed(frames, header, count, head, (uint64_t)length);
	if (frames->format.kind == WEFT_FRAME_VARINT)
		return head_varint(head, (uint64_t)length);
	return head_length(&frames->format, head, (uint64_t)length);
}

/* ---- Messages ------------------------------------------------------------------------------ */

/* 0 or an errno value. */
static int check(const struct weft_frames *frames, const void *data, size_t len)
{
	const struct weft_frame_format *format = &frames->format;

	if (len > format->len_max ||
		(format->kind == WEFT_FRAME_FIXED && len != format->size_bytes))
		return EMSGSIZE;
	if (format->kind == WEFT_FRAME_DELIMITER && !format->escape && len > 0 &&
		memmem(data, len, frames->delimiter, format->delimiter_len))
		return EINVAL;
	return 0;
}

static int put_escaped(
	const struct weft_frames *frames, const struct sink *sink, const char *data, size_t len)
{
	const char special[] = {frames->delimiter[0], frames->format.escape};
	size_t from = 0;

	for (size_t i = 0; i < len; i++) {
		if (data[i] != special[0] && data[i] != special[1])
			continue;
		if (put(sink, data + from, i - from) < 0 || put(sink, &special[1], 1) < 0)
			return -1;
		from = i;
	}
	return put(sink, data + from, len - from);
}

/* The delimiter may begin in the message's last bytes: it would end one too early. */
static bool overlaps(const struct weft_frames *frames, const char *data, size_t len)
{
	size_t framing = frames->format.delimiter_len, tail = framing - 1 < len ? framing - 1 : len;
	char around[2 * WEFT_FRAME_DELIMITER_MAX];

	if (frames->format.escape || tail == 0)
		return false;
	memcpy(around, data + len - tail, tail);
	memcpy(around + tail, frames->delimiter, framing);
	return (char *)memmem(around, tail + framing, frames->delimiter, framing) != around + tail;
}

static int put_message(
	const struct weft_frames *frames, const struct sink *sink, const char *data, size_t len)
{
	if (frames->format.kind != WEFT_FRAME_DELIMITER)
		return put(sink, data, len);
	if ((frames->format.escape ? put_escaped(frames, sink, data, len) : put(sink, data, len)) <
		0)
		return -1;
	return put(sink, frames->delimiter, frames->format.delimiter_len);
}

static int write_to(const struct weft_frames *frames, const struct sink *sink,
	const union weft_pack_value *header, size_t count, const struct iovec *message)
{
	char head[WEFT__FRAME_HEAD_MAX];
	int code = check(frames, message->iov_base, message->iov_len);
	ssize_t head_len;

	if (!code && frames->format.kind == WEFT_FRAME_DELIMITER &&
		overlaps(frames, message->iov_base, message->iov_len))
		code = EINVAL;
	if (code)
		return fail(code);
	head_len = head_make(frames, header, count, message->iov_len, head);
	if (head_len < 0 || put(sink, head, (size_t)head_len) < 0)
		return -1;
	return put_message(frames, sink, message->iov_base, message->iov_len);
}

int weft_frame_write_with(struct weft_frames *frames, const union weft_pack_value *header,
	size_t count, const void *data, size_t len)
{
	const struct sink sink = {.stream = frames->stream};
	const struct iovec message = {(void *)(uintptr_t)data, len};

	if (!frames->stream)
		return fail(EINVAL);
	return write_to(frames, &sink, header, count, &message);
}

int weft_frame_write(struct weft_frames *frames, const void *data, size_t len)
{
	return weft_frame_write_with(frames, NULL, 0, data, len);
}

int weft_frame_encode(const struct weft_frames *frames, const union weft_pack_value *header,
	size_t count, const struct iovec *message, struct weft_buf *out)
{
	const struct sink sink = {.buf = out};
	size_t before = weft_buf_len(out);

	if (write_to(frames, &sink, header, count, message) == 0)
		return 0;
	/* The bytes that it held may have moved, and are there all the same. */
	out->end = out->start + before;
	return -1;
}
