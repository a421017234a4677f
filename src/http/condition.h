/*
 * condition.h - conditional requests (RFC 9110, section 13).
 */
#ifndef WEFT_SRC_HTTP_CONDITION_H
#define WEFT_SRC_HTTP_CONDITION_H

#include "http/parse.h"

/** What tells one state of a file from another. */
struct weft__http_validators {
	const char *etag; /* with its quotes, NUL-terminated, without "W/" */
	bool etag_is_weak;
	int64_t modified_s; /* Last-Modified, in seconds since 1970 */
};

/**
 * Judge the conditions of a GET or HEAD in the order of section 13.2.2. Returns 0 to
 * go on, 304 (the peer has it already) or 412 (it is not what the peer thinks).
 */
int weft__http_condition_status(const struct weft__http_head *head, const char *data,
	const struct weft__http_validators *validators);

/**
 * Judge the conditions of a request that changes something, by what is there (NULL: nothing). The
 * tag of another form of that state, compressed say, names it too: it begins as the file's own.
 * Returns 0 to go on, or 412.
 */
int weft__http_condition_change(const struct weft__http_head *head, const char *data,
	const struct weft__http_validators *validators);

/** Whether the Range field counts: there is no If-Range, or it holds (section 13.1.5). */
bool weft__http_condition_range_holds(const struct weft__http_head *head, const char *data,
	const struct weft__http_validators *validators);

#endif
