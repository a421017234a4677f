/*
 * crowd.h - which client a peer is, and how many of something each client has.
 */
#ifndef WEFT_SRC_HTTP_CROWD_H
#define WEFT_SRC_HTTP_CROWD_H

#include "http/request.h"

struct weft__http_crowd; /* opaque: crowd.c; for any thread */

/** One that processes share, or each has for itself after a fork(2). Errors: ENOMEM, getrandom(2).
 */
struct weft__http_crowd *weft__http_crowd_new(bool is_shared);

/** NULL is fine. */
void weft__http_crowd_free(struct weft__http_crowd *crowd);

/**
 * Where the bytes are that name the client: of a peer's address, or of whom a proxy has named. How
 * many; 0: it is none. The same for as long as the stream, or the request's head, is.
 */
size_t weft__http_client_of_peer(const struct weft_stream *peer, const void **ret_bytes);
size_t weft__http_client_of(const struct weft_http_request *request, const void **ret_bytes);

/** Count one more for these bytes; false, and nothing is counted: it has max already. */
bool weft__http_crowd_enter(
	struct weft__http_crowd *crowd, const void *bytes, size_t len, unsigned max);

/** Count one less. */
void weft__http_crowd_leave(struct weft__http_crowd *crowd, const void *bytes, size_t len);

#endif
