/*
 * multipart.h - multipart/form-data, taken apart as it comes (RFC 2046, section 5.1; RFC 7578).
 *
 *	weft__multipart_init(&multipart, boundary, len);
 *	for (;;) {
 *		result = weft__multipart_next(&multipart, data, len, is_end, &used);
 *		...look at the first used bytes of data, as result says; then drop them...
 *	}
 *
 * It is fed with a window of the body: what is there behind all that was dropped. It keeps none of
 * the bytes, so a delimiter that is cut in two stays in the window until the rest has come: MORE
 * with less used than there is. The verdict, the parts and their bytes never depend on how the
 * body was cut.
 *
 *	PREAMBLE --delimiter--> HEADER --empty line--> CONTENT --delimiter--> HEADER ...
 *	                                                 +--last delimiter--> EPILOGUE
 */
#ifndef WEFT_SRC_HTTP_MULTIPART_H
#define WEFT_SRC_HTTP_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** RFC 2046, section 5.1.1. */
#define WEFT__MULTIPART_BOUNDARY_MAX 70

/** Bytes before the first boundary, and behind the last: they mean nothing, and nobody sends many.
 */
#define WEFT__MULTIPART_PREAMBLE_MAX 1024
#define WEFT__MULTIPART_EPILOGUE_MAX 1024

/** Spaces and tabs behind a boundary. */
#define WEFT__MULTIPART_PADDING_MAX 64

/**
 * With a window of so many bytes, or more, it never asks for more without having used any: the
 * longest part's header, with the delimiter before it.
 */
#define WEFT__MULTIPART_WINDOW_MIN 8448

enum weft__multipart_result {
	WEFT__MULTIPART_MORE, /* used bytes mean nothing; without any, more of the body is needed */
	WEFT__MULTIPART_PART, /* a part begins: used bytes are its header, with the empty line */
	WEFT__MULTIPART_DATA, /* used bytes, at least one, are of its content */
	WEFT__MULTIPART_STOP, /* its content is over; used bytes mean nothing */
	WEFT__MULTIPART_END,  /* the form is over, and so is the body */
	WEFT__MULTIPART_BAD,  /* multipart->why */
};

enum weft__multipart_state {
	WEFT__MULTIPART_PREAMBLE,
	WEFT__MULTIPART_HEADER,
	WEFT__MULTIPART_CONTENT,
	WEFT__MULTIPART_EPILOGUE,
	WEFT__MULTIPART_FAILED,
};

struct weft__multipart {
	enum weft__multipart_state state;
	bool is_at_start;   /* of the body, or of a part's content: a line begins here */
	bool is_end;        /* no byte of the body comes behind this window */
	size_t aside;       /* bytes of the preamble or the epilogue */
	size_t parts;       /* begun so far */
	size_t scanned;     /* of a header: no empty line ends before this place of the window */
	const char *why;    /* a sentence for a person, once it has failed */
	bool is_over_limit; /* it has, by a limit */
	size_t delimiter_len;
	char delimiter[4 + WEFT__MULTIPART_BOUNDARY_MAX]; /* CR LF "--" boundary */
};

/** False: the boundary is none by RFC 2046. */
bool weft__multipart_init(struct weft__multipart *multipart, const char *boundary, size_t len);

/** is_end: no byte of the body comes behind the window. */
enum weft__multipart_result weft__multipart_next(struct weft__multipart *multipart,
	const char *data, size_t len, bool is_end, size_t *ret_used);

#endif
