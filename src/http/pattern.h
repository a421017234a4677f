/*
 * pattern.h - the patterns of routes: "/users/{id}/{rest...}" (weft/http_route.h).
 */
#ifndef WEFT_SRC_HTTP_PATTERN_H
#define WEFT_SRC_HTTP_PATTERN_H

#include "weft/http_route.h"

enum weft__http_segment_kind {
	WEFT__HTTP_SEGMENT_TEXT,
	WEFT__HTTP_SEGMENT_ONE,  /* {name} */
	WEFT__HTTP_SEGMENT_REST, /* {name...} */
};

struct weft__http_segment {
	enum weft__http_segment_kind kind;
	const char *text; /* the text, or the name; NUL-terminated, in the pattern's memory */
	size_t len;
};

struct weft__http_pattern {
	char *memory;
	unsigned count;
	bool is_text; /* all of it */
	struct weft__http_segment segments[WEFT_HTTP_ROUTE_SEGMENTS_MAX];
};

/** Where the values lie in the path that fits: so many bytes from its beginning. */
struct weft__http_values {
	struct weft__http_value {
		size_t at, len;
	} values[WEFT_HTTP_ROUTE_SEGMENTS_MAX]; /* by segment */
};

/** Take a pattern apart. 0, or -1 with EINVAL or ENOMEM. */
int weft__http_pattern_parse(struct weft__http_pattern *pattern, const char *text);

/** The same for a prefix, which has no {name...} and stands for what is below it. */
int weft__http_pattern_parse_prefix(struct weft__http_pattern *pattern, const char *text);

void weft__http_pattern_fini(struct weft__http_pattern *pattern);

/** Which one goes first where both fit: below 0: a; 0: they have the same shape. */
int weft__http_pattern_compare(
	const struct weft__http_pattern *a, const struct weft__http_pattern *b);

/** Whether the whole path fits. */
bool weft__http_pattern_fits(const struct weft__http_pattern *pattern, const char *path,
	struct weft__http_values *ret_values);

/** Whether the beginning of the path does: how long that is, up to a '/' or to its end; -1: no. */
ssize_t weft__http_pattern_fits_prefix(const struct weft__http_pattern *pattern, const char *path,
	struct weft__http_values *ret_values);

#endif
