/*
 * auth.h - the Authorization field, taken apart.
 */
#ifndef WEFT_SRC_HTTP_AUTH_H
#define WEFT_SRC_HTTP_AUTH_H

#include "weft/http_auth.h"

/** weft_http_request_basic() of a field's value. */
int weft__http_auth_basic(const char *value, size_t len, struct weft_http_basic *ret_basic);

/** weft_http_request_bearer() of a field's value. */
int weft__http_auth_bearer(const char *value, size_t len, struct weft_http_text *ret_token);

#endif
