/*
 * weft/frame.h - messages on a byte stream: where one ends and the next begins.
 *
 * A stream carries bytes, not messages: two writes may come as one read, one as two. Both
 * sides agree on a form, and speak in messages:
 *
 *	const struct weft_frame_format format = {.kind = WEFT_FRAME_LENGTH, .length_bytes = 4};
 *	struct weft_frames *frames = weft_frames_new(stream, &format);
 *	struct weft_frame frame;
 *
 *	while (weft_frame_read(frames, &frame) == 1)
 *		weft_frame_write(frames, frame.data, frame.len);	// and then, to send it,
 *	weft_stream_flush(stream);
 *
 *	kind        on the wire
 *	DELIMITER   message, delimiter. With an escape, a delimiter or an escape inside a
 *	            message comes after one; without, a message can't contain the delimiter
 *	LENGTH      its length in 1, 2, 4 or 8 bytes, big- or little-endian, then the message
 *	VARINT      its length in base 128, least significant first, as LEB128; the message
 *	FIXED       messages of one size
 *	HEADER      a header in a format of weft/pack.h, one field of which is the length
 *
 * What is read is lent, out of the stream's own buffer where it lies there whole. However
 * the bytes are cut, the messages are the same. Memory is bounded by len_max, and grows
 * with what has come, not with what a length claims.
 *
 * Threads: one reader and one writer at a time; they may be different fibers.
 * Errors: -1 or NULL, with errno set; besides those listed, those of the stream.
 */
#ifndef WEFT_FRAME_H
#define WEFT_FRAME_H

#include "weft/buf.h"
#include "weft/pack.h"
#include "weft/stream.h"

WEFT_BEGIN

/** Longest message unless the format says otherwise: 1 MiB. */
#define WEFT_FRAME_LEN_DEFAULT ((size_t)1 << 20)

/** Longest delimiter, and most fields of a header. */
#define WEFT_FRAME_DELIMITER_MAX 16
#define WEFT_FRAME_FIELDS_MAX    16

enum weft_frame_kind {
	WEFT_FRAME_DELIMITER = 1,
	WEFT_FRAME_LENGTH,
	WEFT_FRAME_VARINT,
	WEFT_FRAME_FIXED,
	WEFT_FRAME_HEADER,
};

/** All zero but the kind: newlines end messages; a length of 4 bytes, big-endian. */
struct weft_frame_format {
	enum weft_frame_kind kind;
	size_t len_max; /* of a message, framing and escapes not counted; 0: the default */

	/* DELIMITER */
	const char *delimiter; /* NULL: "\n" */
	size_t delimiter_len;  /* 0: strlen(delimiter) */
	char escape;           /* not '\0': may stand before the delimiter, of one byte then */
	bool ends_anyhow;      /* what comes before the stream's end is a message, too */

	/* LENGTH, VARINT */
	unsigned length_bytes; /* 1, 2, 4 or 8; 0: 4 */
	bool little_endian;

	/* FIXED */
	size_t size_bytes;

	/* HEADER */
	const char *header;    /* of weft/pack.h, "!HHI" */
	unsigned length_field; /* its index among the values; an integer */
	/* LENGTH, VARINT and HEADER: what the length says beyond the message's own. */
	int64_t length_extra; /* the header's size, where the length counts that too */
};

/** A message, lent until the next read. */
struct weft_frame {
	const void *data;
	size_t len;
	const union weft_pack_value *header; /* HEADER: all fields */
	size_t header_count;
};

struct weft_frames; /* opaque: src/io/frame.c */

/* ---- Life ------------------------------------------------------------------------- */

/**
 * Messages over a stream, which stays the caller's, and is read and written through this
 * alone meanwhile. stream may be NULL: then bytes come by weft_frame_feed(), and messages
 * are written by weft_frame_encode(). The format is copied. End it with weft_frames_free().
 * Errors: EINVAL (no such format), ENOMEM.
 */
WEFT_API struct weft_frames *weft_frames_new(
	struct weft_stream *stream, const struct weft_frame_format *format);

/** The stream stays. What was fed or read ahead is dropped. NULL is fine. */
WEFT_API void weft_frames_free(struct weft_frames *frames);

/* ---- Reading ------------------------------------------------------------------------ */

/**
 * Wait for the next message. Returns 1, or 0 at the end of the stream.
 * Errors: EMSGSIZE (it is longer than len_max, or so its length says), EPIPE (the stream
 * ended inside a message), EBADMSG (a length that is none: negative, or over 64 bits; an
 * escape before something else). After these there is nothing to go on with: each further
 * read fails in the same way. ETIMEDOUT and ECANCELED lose nothing. Without a stream:
 * EAGAIN (feed more).
 */
WEFT_API int weft_frame_read(struct weft_frames *frames, struct weft_frame *ret_frame);

/**
 * Add bytes that came some other way. What was lent before is not valid any more. Errors:
 * ENOBUFS (read the messages first: there is more than one of the longest), ENOMEM;
 * EINVAL (it has a stream).
 */
WEFT_API int weft_frame_feed(struct weft_frames *frames, const void *data, size_t len);

/* ---- Writing ------------------------------------------------------------------------- */

/**
 * Write a message to the stream's buffer; weft_stream_flush() sends it. Errors: EMSGSIZE
 * (over len_max, of another size than FIXED has, or its length does not fit the field),
 * EINVAL (it contains the delimiter, and there is no escape; a HEADER wants
 * weft_frame_write_with()). Nothing is written then.
 */
WEFT_API int weft_frame_write(struct weft_frames *frames, const void *data, size_t len);

/**
 * The same with a HEADER of count fields, whose length is filled in. Errors: also those of
 * weft_pack_values().
 */
WEFT_API int weft_frame_write_with(struct weft_frames *frames, const union weft_pack_value *header,
	size_t count, const void *data, size_t len);

/**
 * Append the message in its form to a buffer (weft/buf.h), instead of writing it. header
 * NULL and count 0 for all kinds but HEADER. Errors: as above; EMSGSIZE also when the buffer
 * is full, ENOMEM.
 */
WEFT_API int weft_frame_encode(const struct weft_frames *frames,
	const union weft_pack_value *header, size_t count, const struct iovec *message,
	struct weft_buf *out);

WEFT_END

#endif
