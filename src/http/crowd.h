/*
 * crowd.h - which client a peer is, for what counts clients (base/crowd.h).
 */
#ifndef WEFT_SRC_HTTP_CROWD_H
#define WEFT_SRC_HTTP_CROWD_H

#include "base/crowd.h"
#include "http/request.h"

/**
 * Where the bytes are that name the client: of a peer's address, or of whom a proxy has named. How
 * many; 0: it is none. The same for as long as the stream, or the request's head, is.
 */
size_t weft__http_client_of_peer(const struct weft_stream *peer, const void **ret_bytes);
size_t weft__http_client_of(const struct weft_http_request *request, const void **ret_bytes);

#endif
