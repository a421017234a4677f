/*
 * under_way.h - bodies that take more than one piece, put where who looks can see them.
 *
 * All is off, and costs a branch for each piece, unless the server has a list of transfers.
 */
#ifndef WEFT_SRC_HTTP_UNDER_WAY_H
#define WEFT_SRC_HTTP_UNDER_WAY_H

#include "http/output.h"

struct weft_http_request;

/** A piece of an answer's body has been written, or the first one is about to be; left more bytes
 * follow in the same call. Where output has transfers. */
void weft__http_sending(struct weft__http_output *output, int64_t left);

/** The same of a request's body, which has begun, or of which a block is here. */
void weft__http_receiving(struct weft_http_request *request);

/** The request is answered. Where there is a transfer. */
void weft__http_transfer_end(struct weft__http_output *output);

#endif
