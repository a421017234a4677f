/*
 * path.h - the path of a request target, decoded.
 */
#ifndef WEFT_SRC_HTTP_PATH_H
#define WEFT_SRC_HTTP_PATH_H

#include "weft/api.h"

/**
 * Decode encoded[0..len), which begins with '/', once. ret_path needs room for len + 1
 * bytes and gets the path without doubled slashes and NUL-terminated; *ret_len is its
 * length. Returns NULL, or the sentence to refuse it with (400): a bad escape, an
 * encoded NUL or slash, or a ".." segment, however written.
 */
const char *weft__http_path_decode(
	const char *encoded, size_t len, char *ret_path, size_t *ret_len);

/** Whether a segment of the decoded path begins with a dot. */
bool weft__http_path_is_hidden(const char *path);

#endif
