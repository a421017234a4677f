/*
 * body.h - the body of a request, read by whoever answers it (RFC 9112, sections 6 and 7).
 *
 *	            +-- nobody reads it: dropped exactly, or the connection ends
 *	UNTOUCHED --+
 *	            +-- first read --> OPEN --> ENDED
 *	                                +-----> FAILED: the connection ends
 *
 * The first read takes the head out of the stream's buffer, of which the request lends bytes.
 */
#ifndef WEFT_SRC_HTTP_BODY_H
#define WEFT_SRC_HTTP_BODY_H

#include "http/chunks.h"
#include "weft/stream.h"

struct weft_http_request;

enum weft__http_body_state {
	WEFT__HTTP_BODY_UNTOUCHED,
	WEFT__HTTP_BODY_OPEN,
	WEFT__HTTP_BODY_ENDED,
	WEFT__HTTP_BODY_FAILED,
};

struct weft__http_body {
	enum weft__http_body_state state;
	bool is_continued; /* "100 Continue" was sent, or the answer itself */
	int status;        /* FAILED: what to answer with */
	const char *why;
	int64_t max;            /* of bytes; negative: no bound */
	int64_t read_len;       /* bytes of it so far */
	uint64_t left;          /* with a length: still to come */
	int64_t block_began_ns; /* the block of bytes that is under way */
	int64_t hurry_ns;       /* it must come sooner than usual; 0: need not */
	int64_t block_end;      /* of read_len, where it ends */
	struct weft__http_chunks chunks;
};

/** Whether the request has a body at all. */
bool weft__http_body_is(const struct weft_http_request *request);

/**
 * Whether the next request's first byte can be found after this one's answer: the body is read,
 * or short enough to be dropped.
 */
bool weft__http_body_can_end(const struct weft_http_request *request);

/**
 * Take the head out of the stream's buffer; what it lends stays valid. What follows it in the
 * stream is the caller's. Errors: ENOMEM.
 */
int weft__http_body_leave_head(struct weft_http_request *request);

/**
 * Each block of the body must come within this time, if not sooner, that which is under way as
 * well; 0: as usual. The body is to be read on, or it is in a hurry for the next request.
 */
void weft__http_body_hurry(struct weft_http_request *request, int64_t timeout_ns);

/** Forget the body of the last request. */
void weft__http_body_reset(struct weft_http_request *request);

#endif
