/*
 * origin.h - whether a request, or a target that it names, is this server's own.
 */
#ifndef WEFT_SRC_HTTP_ORIGIN_H
#define WEFT_SRC_HTTP_ORIGIN_H

#include "http/request.h"

/**
 * Whether a page of another site has made a browser send this request (by Sec-Fetch-Site and
 * Origin): it may not change anything here. What is no browser sends neither, and is not foreign.
 */
bool weft__http_is_foreign(const struct weft_http_request *request);

/** Whether an Origin, "https://host:port", is of the host and port that the request is for. */
bool weft__http_is_own_origin(
	const struct weft_http_request *request, struct weft_http_text origin);

/** Whether it comes from a page of that origin, "https://app.example", by its one Origin. */
bool weft__http_is_from(const struct weft_http_request *request, const char *origin);

/** Its whole path, decoded, also where a service is mounted below one; to be freed. NULL: ENOMEM.
 */
char *weft__http_whole_path(const struct weft_http_request *request);

struct weft__http_destination {
	char *whole;     /* a decoded path; to be freed */
	const char *own; /* the part that weft_http_request_path() would be */
};

/**
 * What a Destination field names (RFC 4918, section 10.3). 0; -1: EBADMSG (none, or it can't be
 * read), EXDEV (it is on another server, or outside of what the service is mounted below), ENOMEM.
 */
int weft__http_find_destination(
	const struct weft_http_request *request, struct weft__http_destination *ret_destination);

#endif
