/*
 * chunks.h - the chunked transfer coding, taken apart as it comes (RFC 9112, section 7.1).
 *
 *	while ((result = weft__http_chunks_next(&chunks, data, len, &used)) ...
 *		...drop used bytes of framing...
 *		WEFT__HTTP_CHUNKS_DATA: up to chunks.left bytes of the body follow; take some, and
 *		say how many: weft__http_chunks_took()
 *
 * It is fed with what is there, however it was cut, and keeps nothing of it. It is strict: a
 * size is hexadecimal digits and nothing else, lines end in CR LF, extensions and trailers
 * are looked at for what must not stand in them, bounded, and dropped.
 */
#ifndef WEFT_SRC_HTTP_CHUNKS_H
#define WEFT_SRC_HTTP_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bytes of all extensions, and of all trailers, of one body. */
#define WEFT__HTTP_EXTENSIONS_MAX 4096
#define WEFT__HTTP_TRAILERS_MAX   8192

/** Digits of a chunk's size: it fits 60 bits. */
#define WEFT__HTTP_CHUNK_DIGITS_MAX 15

enum weft__http_chunks_result {
	WEFT__HTTP_CHUNKS_MORE, /* what is there is used up, and the body goes on */
	WEFT__HTTP_CHUNKS_DATA, /* left bytes of data are next */
	WEFT__HTTP_CHUNKS_END,  /* the body and its trailers are over */
	WEFT__HTTP_CHUNKS_BAD,
};

/* All zero: at the beginning of a body. */
struct weft__http_chunks {
	int state;
	unsigned digits;
	uint64_t left;       /* of this chunk's data */
	uint32_t extensions; /* bytes so far */
	uint32_t trailers;
	bool has_name; /* of a trailer line: the colon has come */
};

enum weft__http_chunks_result weft__http_chunks_next(
	struct weft__http_chunks *chunks, const char *data, size_t len, size_t *ret_used);

/** Bytes of data that were taken, at most chunks->left. */
void weft__http_chunks_took(struct weft__http_chunks *chunks, size_t len);

#endif
