/*
 * io/frame.h - what reading and writing of messages share.
 *
 *	frame.c        formats; reading
 *	frame_find.c   the first message in a row of bytes
 *	frame_write.c  writing
 */
#ifndef IO_FRAME_H
#define IO_FRAME_H

#include "weft/frame.h"

/** Longest head: a length, or a header's fields. */
#define WEFT__FRAME_HEAD_MAX 256

struct weft_frames {
	struct weft_stream *stream; /* NULL: fed */
	struct weft_frame_format format;
	char delimiter[WEFT_FRAME_DELIMITER_MAX];
	struct weft_pack_format *header; /* HEADER only */
	size_t header_size, header_count;
	union weft_pack_value values[WEFT_FRAME_FIELDS_MAX]; /* of the last message */
	struct weft_buf in;    /* what was fed, or has no room in the stream's own buffer */
	struct weft_buf plain; /* a message without its escapes */
	size_t lent;           /* bytes of the last message, framing included */
	size_t looked;         /* DELIMITER: no end is in so many bytes, */
	size_t escapes;        /* and so many escapes */
	int code;              /* why nothing can be read any more; 0 */
};

/** The len bytes that there are, and what was found in them. */
struct weft__frame_search {
	const char *data;
	size_t len;
	struct weft_frame frame;
	size_t need; /* bytes, or more, that will say more */
};

/** The first message: how many bytes it takes with its framing; 0: need more; or -errno. */
ssize_t weft__frame_find(struct weft_frames *frames, struct weft__frame_search *search);

/** At the end of the stream: what is left as a message, by the same rules. */
ssize_t weft__frame_find_last(struct weft_frames *frames, struct weft__frame_search *search);

#endif
