/*
 * load_reply.h - how far an HTTP answer has come: enough of HTTP/1.1 to tell where it ends.
 *
 * The head must be in one piece; what comes of the body is looked at as it comes and kept
 * nowhere (RFC 9112, sections 4 to 7).
 */
#ifndef WEFT_SRC_CMD_LOAD_REPLY_H
#define WEFT_SRC_CMD_LOAD_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Longest line of a chunked body's framing, and most bytes of its trailer. */
#define LOAD_CHUNK_LINE_MAX 4096
#define LOAD_TRAILER_MAX    16384

enum load_reply_part {
	LOAD_REPLY_HEAD,
	LOAD_REPLY_BODY,        /* left bytes of it */
	LOAD_REPLY_UNTIL_CLOSE, /* a body that ends with the connection */
	LOAD_REPLY_CHUNK_SIZE,  /* in the line that tells the next chunk's size */
	LOAD_REPLY_CHUNK,       /* left bytes of it */
	LOAD_REPLY_CHUNK_END,   /* the line end behind it */
	LOAD_REPLY_TRAILER,
};

struct load_reply {
	bool is_to_head; /* the request was HEAD: no body follows */
	enum load_reply_part part;
	int status;
	bool is_closing;   /* the server closes after it */
	bool is_coded;     /* of the head, as read so far: it has a Transfer-Encoding */
	bool is_chunked;   /* the last of which is this */
	bool has_digits;   /* of a chunk's size, at least one was there */
	bool is_in_suffix; /* of that line, past the digits */
	int64_t length;    /* of the head: Content-Length, or -1 */
	uint64_t left;
	size_t line_len; /* of a framing line so far; in the trailer: of all of it */
	size_t text_len; /* in the trailer: of the present line, without its end */
	const char *fault;
};

enum load_reply_progress {
	LOAD_REPLY_BAD = -1, /* reply->fault says why */
	LOAD_REPLY_MORE,     /* all of it was used, or (in the head) more is needed first */
	LOAD_REPLY_DONE,     /* the answer is whole */
};

/** Before the first byte of an answer. */
void weft__load_reply_reset(struct load_reply *reply);

/** Whether nothing of an answer was used yet. */
static inline bool weft__load_reply_is_fresh(const struct load_reply *reply)
{
	return reply->part == LOAD_REPLY_HEAD;
}

/** Look at the next len bytes; *ret_used of them belong to this answer and are done with. */
enum load_reply_progress weft__load_reply_take(
	struct load_reply *reply, const char *data, size_t len, size_t *ret_used);

#endif
