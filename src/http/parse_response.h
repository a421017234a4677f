/*
 * parse_response.h - the parser of response heads (RFC 9112, sections 4, 5 and 6.3).
 *
 * It is fed as the parser of requests is (http/parse.h), copies nothing either, and is as
 * strict, with two exceptions that the RFC makes for who reads responses: a Content-Length
 * that is said twice alike is one, and a folded field is one line. The place of a folded
 * value has the line ends in it, until weft__http_response_unfold().
 *
 *	weft__http_response_head_reset(&response);
 *	while (weft__http_parse_response(&response, data, len) == WEFT__HTTP_MORE)
 *		... let data and len grow ...
 */
#ifndef WEFT_SRC_HTTP_PARSE_RESPONSE_H
#define WEFT_SRC_HTTP_PARSE_RESPONSE_H

#include "http/parse.h"

/** How a body's end is known. */
enum weft__http_framing {
	WEFT__HTTP_NO_BODY,
	WEFT__HTTP_BY_LENGTH,
	WEFT__HTTP_BY_CHUNKS,
	WEFT__HTTP_BY_CLOSE,
};

struct weft__http_response_head {
	unsigned status; /* 100 to 999 */
	bool has_fold;
	struct weft__http_place reason; /* may be empty */
	struct weft__http_head head;    /* version, fields and framing; nothing of requests */
};

/** Begin a new head. */
void weft__http_response_head_reset(struct weft__http_response_head *response);

/** Take what is new in data[0..len), which begins with the head's first byte. */
enum weft__http_parse_result weft__http_parse_response(
	struct weft__http_response_head *response, const char *data, size_t len);

/** Put spaces for the line ends inside of values; data is a copy of the head's bytes. */
void weft__http_response_unfold(const struct weft__http_response_head *response, char *data);

/** How the body ends of a response to a request, which was HEAD or not. */
enum weft__http_framing weft__http_response_framing(
	const struct weft__http_response_head *response, bool is_to_head);

/** The value of the first field of that name, in any case; data is NULL without. */
struct weft_http_text weft__http_response_find(
	const struct weft__http_response_head *response, const char *data, const char *name);

#endif
