/*
 * frame_find.c - the first message in a row of bytes, in each of the forms of weft/frame.h.
 *
 * Must never: look twice at a byte for a delimiter, or believe a length before it is
 * compared with the bound.
 */
#include "io/frame.h"

#include <errno.h>
#include <string.h>

/** Bytes of a length in base 128: seven bits each. */
#define VARINT_MAX 10

/* ---- Delimiters -------------------------------------------------------------------- */

static ssize_t found(struct weft_frames *frames, struct weft__frame_search *search,
	const char *data, size_t len, size_t framing)
{
	frames->looked = frames->escapes = 0;
	search->frame = (struct weft_frame){.data = data, .len = len};
	return (ssize_t)(len + framing);
}

static ssize_t find_delimiter(struct weft_frames *frames, struct weft__frame_search *search)
{
	const char *data = search->data;
	size_t len = search->len;
	size_t framing = frames->format.delimiter_len, len_max = frames->format.len_max;
	/* One may have begun in the last bytes that were looked at. */
	size_t from = frames->looked < framing ? 0 : frames->looked - (framing - 1);
	const char *end =
		len > from ? memmem(data + from, len - from, frames->delimiter, framing) : NULL;

	if (end && (size_t)(end - data) <= len_max)
		return found(frames, search, data, (size_t)(end - data), framing);
	if (end || len >= len_max + framing)
		return -EMSGSIZE;
	frames->looked = len;
	search->need = len + 1;
	return 0;
}

/* Copy without the escapes; the last may stand alone only where the caller has seen to it. */
static int unescape(struct weft_frames *frames, const char *data, size_t len)
{
	char *to, escape = frames->format.escape;
	size_t i = 0;

	weft_buf_clear(&frames->plain);
	to = weft_buf_reserve(&frames->plain, len - frames->escapes);
	if (!to)
		return errno;
	while (i < len) {
		i += data[i] == escape;
		*to++ = data[i++];
	}
	weft_buf_commit(&frames->plain, len - frames->escapes);
	return 0;
}

static ssize_t found_escaped(
	struct weft_frames *frames, struct weft__frame_search *search, size_t len, size_t framing)
{
	int code;

	if (frames->escapes == 0)
		return found(frames, search, search->data, len, framing);
	code = unescape(frames, search->data, len);
	if (code)
		return -code;
	found(frames, search, weft_buf_data(&frames->plain), weft_buf_len(&frames->plain), 0);
	return (ssize_t)(len + framing);
}

static ssize_t find_escaped(struct weft_frames *frames, struct weft__frame_search *search)
{
	const char *data = search->data;
	size_t len = search->len;
	char escape = frames->format.escape, delimiter = frames->delimiter[0];
	size_t i = frames->looked;

	while (i < len && data[i] != delimiter && i - frames->escapes <= frames->format.len_max) {
		if (data[i] != escape) {
			i++;
			continue;
		}
		if (i + 1 == len)
			break;
		if (data[i + 1] != escape && data[i + 1] != delimiter)
			return -EBADMSG;
		frames->escapes++;
		i += 2;
	}
	frames->looked = i;
	if (i - frames->escapes > frames->format.len_max)
		return -EMSGSIZE;
	if (i < len && data[i] == delimiter)
		return found_escaped(frames, search, i, 1);
	search->need = len + 1;
	return 0;
}

/* ---- Lengths -------------------------------------------------------------------------- */

/* The length that a head of so many bytes tells: the message follows it. */
static ssize_t find_behind(
	struct weft_frames *frames, struct weft__frame_search *search, size_t head, uint64_t length)
{
	int64_t extra = frames->format.length_extra, own;

	if (length > INT64_MAX || __builtin_sub_overflow((int64_t)length, extra, &own) || own < 0)
		return -EBADMSG;
	if ((uint64_t)own > frames->format.len_max)
		return -EMSGSIZE;
	if (search->len - head >= (size_t)own)
		return found(frames, search, search->data + head, (size_t)own, head);
	search->need = head + (size_t)own;
	return 0;
}

static uint64_t length_of(const struct weft_frame_format *format, const char *data)
{
	uint64_t length = 0;

	for (unsigned i = 0; i < format->length_bytes; i++) {
		unsigned place = format->little_endian ? format->length_bytes - 1 - i : i;

		length = length << 8 | (unsigned char)data[place];
	}
	return length;
}

/* Bytes of the number at data, 0 when it is not whole, -EBADMSG when it is over 64 bits. */
static ssize_t varint_read(const char *data, size_t len, uint64_t *ret_number)
{
	uint64_t number = 0;

	for (size_t i = 0; i < len && i < VARINT_MAX; i++) {
		uint64_t bits = (unsigned char)data[i] & 0x7f;

		if (i == VARINT_MAX - 1 && (unsigned char)data[i] > 1)
			return -EBADMSG;
		number |= bits << (7 * i);
		if ((unsigned char)data[i] < 0x80) {
			*ret_number = number;
			return (ssize_t)i + 1;
		}
	}
	return 0;
}

static ssize_t find_length(struct weft_frames *frames, struct weft__frame_search *search)
{
	uint64_t length = 0;
	ssize_t head;

	if (frames->format.kind == WEFT_FRAME_VARINT) {
		head = varint_read(search->data, search->len, &length);
		search->need = search->len + 1;
		if (head <= 0)
			return head;
	} else {
		head = frames->format.length_bytes;
		search->need = (size_t)head;
		if (search->len < (size_t)head)
			return 0;
		length = length_of(&frames->format, search->data);
	}
	return find_behind(frames, search, (size_t)head, length);
}

static ssize_t find_header(struct weft_frames *frames, struct weft__frame_search *search)
{
	size_t head = frames->header_size;
	ssize_t taken;

	search->need = head;
	if (search->len < head)
		return 0;
	if (weft_unpack_values(
		    frames->header, search->data, head, frames->values, frames->header_count) < 0)
		return -errno;
	/* A negative number is a huge one here, and refused as such. */
	taken = find_behind(frames, search, head, frames->values[frames->format.length_field].u);
	search->frame.header = frames->values;
	search->frame.header_count = frames->header_count;
	return taken;
}

static ssize_t find_fixed(struct weft_frames *frames, struct weft__frame_search *search)
{
	search->need = frames->format.size_bytes;
	if (search->len < frames->format.size_bytes)
		return 0;
	return found(frames, search, search->data, frames->format.size_bytes, 0);
}

/* ---- Which ------------------------------------------------------------------------------ */

ssize_t weft__frame_find(struct weft_frames *frames, struct weft__frame_search *search)
{
	switch (frames->format.kind) {
	case WEFT_FRAME_DELIMITER:
		if (frames->format.escape)
			return find_escaped(frames, search);
		return find_delimiter(frames, search);
	case WEFT_FRAME_FIXED:
		return find_fixed(frames, search);
	case WEFT_FRAME_HEADER:
		return find_header(frames, search);
	default:
		return find_length(frames, search);
	}
}

ssize_t weft__frame_find_last(struct weft_frames *frames, struct weft__frame_search *search)
{
	size_t len = search->len;

	if (len == 0)
		return 0;
	if (frames->format.kind != WEFT_FRAME_DELIMITER || !frames->format.ends_anyhow)
		return -EPIPE;
	if (frames->format.escape && frames->looked < len)
		return -EBADMSG; /* an escape, and then nothing */
	if (len - frames->escapes > frames->format.len_max)
		return -EMSGSIZE; /* a part of a long delimiter is no delimiter */
	return found_escaped(frames, search, len, 0);
}
