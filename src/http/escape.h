/*
 * escape.h - text from outside, made safe for where it goes: an address, a page, a log.
 */
#ifndef WEFT_SRC_HTTP_ESCAPE_H
#define WEFT_SRC_HTTP_ESCAPE_H

#include "weft/str.h"

/** Append a path as it stands in an address: all but unreserved bytes and '/' as %XX. */
void weft__http_append_path(struct weft_str *str, const char *path, size_t len);

/**
 * Append text for HTML, in a body or in a quoted attribute. What is not UTF-8, and
 * control characters, become U+FFFD.
 */
void weft__http_append_html(struct weft_str *str, const char *text, size_t len);

/**
 * Append text as a JSON string, quotes included (RFC 8259, section 7). What is not UTF-8 becomes
 * U+FFFD.
 */
void weft__http_append_json(struct weft_str *str, const char *text, size_t len);

/**
 * Write text for a quoted field of a log line: '"', '\' and all that is not printable
 * ASCII as \xXX. Stops before size_bytes would be passed. Returns the bytes written.
 */
size_t weft__http_escape_log(char *ret_text, size_t size_bytes, const char *text, size_t len);

#endif
