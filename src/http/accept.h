/*
 * accept.h - the Accept field: what the peer would rather have (RFC 9110, section 12.5.1).
 */
#ifndef WEFT_SRC_HTTP_ACCEPT_H
#define WEFT_SRC_HTTP_ACCEPT_H

#include "http/request.h"

/**
 * How much a media type is wanted, from 0 (not) to 1000, by the most specific range that it is in;
 * *ret_is_named says whether that names it. An empty value wants everything.
 */
int weft__http_accept_quality(
	const char *value, size_t len, const char *type, const char *subtype, bool *ret_is_named);

/**
 * Whether the request would rather have JSON (of that subtype, "json" say) than HTML. Who wants
 * both alike, as curl does that accepts anything, gets HTML, unless it names JSON and not HTML.
 */
bool weft__http_accept_wants_json(const struct weft_http_request *request, const char *subtype);

#endif
