/*
 * frame.c - messages on a stream: formats, and reading (weft/frame.h).
 *
 *	stream's buffer ----- whole in it: lent from there
 *	     |
 *	     | a message that is longer than that
 *	     v
 *	    in -------------- whole: lent from here, until nothing is left in it
 *	     ^
 *	     | weft_frame_feed()
 *
 * Must never: grow by what a length claims rather than by what has come.
 */
#include "io/frame.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "weft/scope.h"

/** Room beyond the longest message: what is read ahead, or fed at a time. */
#define AHEAD ((size_t)64 * 1024)

#define LEN_MAX ((size_t)1 << 40)

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- Formats --------------------------------------------------------------------------- */

/* The letter of the field that takes the index-th value; '\0' when there is none. */
static char letter_of(const char *text, size_t index)
{
	size_t values = 0;

	for (const char *at = text; *at; at++) {
		size_t count = 1;

		if (isdigit((unsigned char)*at))
			count = strtoul(at, (char **)&at, 10);
		if (!isalpha((unsigned char)*at) && *at != '?')
			continue;
		if (*at == 's' || *at == 'p')
			count = 1;
		values += *at == 'x' ? 0 : count;
		if (index < values)
			return *at;
	}
	return '\0';
}

/* 0 or an errno value. */
static int header_make(struct weft_frames *frames)
{
	const struct weft_frame_format *format = &frames->format;
	char letter;

	if (!format->header)
		return EINVAL;
	frames->header = weft_pack_compile(format->header, NULL);
	if (!frames->header)
		return errno;
	frames->header_size = weft_pack_format_size(frames->header);
	frames->header_count = weft_pack_format_values(frames->header);
	letter = letter_of(format->header, format->length_field);
	if (!letter || !strchr("bBhHiIlLqQnN", letter) ||
		frames->header_count > WEFT_FRAME_FIELDS_MAX ||
		frames->header_size > WEFT__FRAME_HEAD_MAX)
		return EINVAL;
	return 0;
}

static int delimiter_make(struct weft_frames *frames)
{
	struct weft_frame_format *format = &frames->format;

	if (!format->delimiter)
		format->delimiter = "\n";
	if (format->delimiter_len == 0)
		format->delimiter_len = strlen(format->delimiter);
	if (format->delimiter_len == 0 || format->delimiter_len > WEFT_FRAME_DELIMITER_MAX)
		return EINVAL;
	memcpy(frames->delimiter, format->delimiter, format->delimiter_len);
	if (format->escape &&
		(format->delimiter_len != 1 || format->escape == frames->delimiter[0]))
		return EINVAL;
	return 0;
}

static int format_check(struct weft_frames *frames)
{
	struct weft_frame_format *format = &frames->format;

	if (format->len_max == 0)
		format->len_max = WEFT_FRAME_LEN_DEFAULT;
	if (format->len_max > LEN_MAX)
		return EINVAL;
	switch (format->kind) {
	case WEFT_FRAME_DELIMITER:
		return delimiter_make(frames);
	case WEFT_FRAME_LENGTH:
		if (format->length_bytes == 0)
			format->length_bytes = 4;
		return format->length_bytes <= 8 && __builtin_popcount(format->length_bytes) == 1
			       ? 0
			       : EINVAL;
	case WEFT_FRAME_VARINT:
		return 0;
	case WEFT_FRAME_FIXED:
		if (format->size_bytes > format->len_max)
			format->len_max = format->size_bytes;
		return format->size_bytes > 0 && format->size_bytes <= LEN_MAX ? 0 : EINVAL;
	case WEFT_FRAME_HEADER:
		return header_make(frames);
	default:
		return EINVAL;
	}
}

struct weft_frames *weft_frames_new(
	struct weft_stream *stream, const struct weft_frame_format *format)
{
	struct weft_frames *frames = calloc(1, sizeof(*frames));
	int code;

	if (!frames)
		return NULL;
	frames->stream = stream;
	frames->format = *format;
	code = format_check(frames);
	if (code) {
		weft_frames_free(frames);
		errno = code;
		return NULL;
	}
	/* Each byte may have come with an escape. */
	weft_buf_init(&frames->in, 2 * frames->format.len_max + WEFT__FRAME_HEAD_MAX + AHEAD);
	weft_buf_init(&frames->plain, frames->format.len_max);
	return frames;
}

void weft_frames_free(struct weft_frames *frames)
{
	int saved = errno;

	if (!frames)
		return;
	weft_buf_fini(&frames->in);
	weft_buf_fini(&frames->plain);
	weft_pack_format_free(frames->header);
	free(frames);
	errno = saved;
}

/* ---- What has come --------------------------------------------------------------------------- */

static bool is_in_stream(const struct weft_frames *frames)
{
	return frames->stream && weft_buf_len(&frames->in) == 0;
}

/* What there is. */
static void look(struct weft_frames *frames, struct weft__frame_search *search)
{
	if (is_in_stream(frames)) {
		search->len = (size_t)weft_stream_peek(frames->stream, 0, &search->data);
	} else {
		search->data = weft_buf_data(&frames->in);
		search->len = weft_buf_len(&frames->in);
	}
}

static void give_back(struct weft_frames *frames)
{
	if (is_in_stream(frames))
		weft_stream_consume(frames->stream, frames->lent);
	else
		weft_buf_consume(&frames->in, frames->lent);
	frames->lent = 0;
}

/* From the stream's buffer, which is too small. */
static int move_over(struct weft_frames *frames)
{
	const char *data;
	ssize_t len = weft_stream_peek(frames->stream, 0, &data);

	if (weft_buf_append(&frames->in, data, (size_t)len) < 0)
		return -1;
	weft_stream_consume(frames->stream, (size_t)len);
	return 0;
}

/* Read on behind what there is, to `need` bytes at most, but a delimiter may be anywhere. */
static int read_more(struct weft_frames *frames, size_t need)
{
	size_t len = weft_buf_len(&frames->in), wanted = need - len;
	size_t bound = len > AHEAD ? len : AHEAD;
	ssize_t count;
	void *room;

	if (frames->format.kind == WEFT_FRAME_DELIMITER)
		wanted = WEFT_STREAM_BUFFER_SIZE;
	wanted = wanted < bound ? wanted : bound;
	room = weft_buf_reserve(&frames->in, wanted);
	if (!room)
		return -1;
	count = weft_stream_read(frames->stream, room, wanted);
	if (count > 0)
		weft_buf_commit(&frames->in, (size_t)count);
	return count > 0 ? 1 : (int)count;
}

/* Wait for more: 1, 0 at the stream's end, -1. */
static int more(struct weft_frames *frames, size_t need)
{
	const char *data;
	ssize_t len;

	if (!frames->stream)
		return fail(EAGAIN);
	if (is_in_stream(frames) && need <= WEFT_STREAM_BUFFER_SIZE) {
		len = weft_stream_peek(frames->stream, need, &data);
		return len < 0 ? -1 : (size_t)len >= need;
	}
	if (is_in_stream(frames) && move_over(frames) < 0)
		return -1;
	return read_more(frames, need);
}

/* ---- Reading ----------------------------------------------------------------------------------
 */

static int finish(struct weft_frames *frames, ssize_t taken)
{
	if (taken >= 0) {
		frames->lent = (size_t)taken;
		return taken > 0;
	}
	if (taken != -ENOMEM) /* which may come back */
		frames->code = (int)-taken;
	return fail((int)-taken);
}

int weft_frame_read(struct weft_frames *frames, struct weft_frame *ret_frame)
{
	int code = frames->stream ? weft_interrupted() : 0, got = 1;
	struct weft__frame_search search;
	ssize_t taken;

	if (!code)
		code = frames->code;
	if (code)
		return fail(code);
	give_back(frames);
	/* When the stream has ended, what came last is looked through once more. */
	do {
		bool is_end = got == 0;

		look(frames, &search);
		taken = weft__frame_find(frames, &search);
		if (taken == 0 && is_end)
			taken = weft__frame_find_last(frames, &search);
		if (taken != 0 || is_end)
			break;
		got = more(frames, search.need);
	} while (got >= 0);
	if (got < 0)
		return -1;
	*ret_frame = search.frame;
	return finish(frames, taken);
}

int weft_frame_feed(struct weft_frames *frames, const void *data, size_t len)
{
	if (frames->stream)
		return fail(EINVAL);
	give_back(frames);
	return weft_buf_append(&frames->in, data, len);
}
