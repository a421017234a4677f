/*
 * weft/http_escape.h - text made safe for where it goes: an address, a page, JSON.
 *
 *	weft_str_append(&page, "<a href=\"/get/");
 *	weft_http_escape_path(&page, name, strlen(name));
 *	weft_str_append(&page, "\">");
 *	weft_http_escape_html(&page, name, strlen(name));
 *	weft_str_append(&page, "</a>");
 *
 * Whatever came from outside goes through one of these: names of files, parameters, what is in a
 * database. Each appends to a string (weft/str.h), which keeps the error if there is one.
 */
#ifndef WEFT_HTTP_ESCAPE_H
#define WEFT_HTTP_ESCAPE_H

#include "weft/str.h"

WEFT_BEGIN

/**
 * Append text as it stands in the path of an address, or as a value in its query (RFC 3986, 2.1):
 * all but unreserved bytes and '/' as %XX.
 */
WEFT_API void weft_http_escape_path(struct weft_str *str, const char *text, size_t len);

/**
 * Append text for HTML, in an element or in a quoted attribute. What is not UTF-8, and
 * control characters, become U+FFFD.
 */
WEFT_API void weft_http_escape_html(struct weft_str *str, const char *text, size_t len);

/**
 * Append text as a JSON string, quotes included (RFC 8259, section 7). What is not UTF-8 becomes
 * U+FFFD.
 */
WEFT_API void weft_http_escape_json(struct weft_str *str, const char *text, size_t len);

WEFT_END

#endif
