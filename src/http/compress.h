/*
 * compress.h - a whole text, compressed, by the libraries that the build has found.
 */
#ifndef WEFT_SRC_HTTP_COMPRESS_H
#define WEFT_SRC_HTTP_COMPRESS_H

#include "http/coding.h"
#include "weft/http.h"

/** Whether this build can. */
bool weft__http_can_compress(enum weft__http_coding coding);

/**
 * Compress data into ret_data, which has room for size_bytes. Returns the length, or -1: EMSGSIZE
 * (it did not fit), ENOMEM, ENOTSUP (not in this build). It computes for long: 1 MiB of text takes
 * some 30 ms. The same data gives the same bytes. Any thread.
 */
ssize_t weft__http_compress(enum weft__http_coding coding, const struct weft_http_text *text,
	char *ret_data, size_t size_bytes);

#endif
