/*
 * pattern.c - see pattern.h.
 *
 * A path is never taken apart beforehand: each pattern walks it from '/' to '/', and most stop at
 * the first.
 *
 * Never: allocates while it matches.
 */
#include "http/pattern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Taking one apart -------------------------------------------------------------------- */

static bool is_name_byte(char byte, bool is_first)
{
	return byte == '_' || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (!is_first && byte >= '0' && byte <= '9');
}

static bool is_name(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_name_byte(text[i], i == 0))
			return false;
	return len > 0;
}

/* Text that a decoded path can have: no braces, so that a mistyped name is noticed. */
static bool is_text(const char *text, size_t len)
{
	bool is_dots = len > 0 && len <= 2 && strncmp(text, "..", len) == 0;

	return !is_dots && !memchr(text, '{', len) && !memchr(text, '}', len);
}

static bool has_name(const struct weft__http_pattern *pattern, const char *name)
{
	for (unsigned i = 0; i < pattern->count; i++)
		if (pattern->segments[i].kind != WEFT__HTTP_SEGMENT_TEXT &&
			strcmp(pattern->segments[i].text, name) == 0)
			return true;
	return false;
}

/* text[0..len) of the pattern's memory becomes its next segment. */
static bool take_segment(struct weft__http_pattern *pattern, char *text, size_t len)
{
	struct weft__http_segment segment = {WEFT__HTTP_SEGMENT_TEXT, text, len};

	if (pattern->count == WEFT_HTTP_ROUTE_SEGMENTS_MAX)
		return false;
	if (len >= 2 && text[0] == '{' && text[len - 1] == '}') {
		segment.kind = WEFT__HTTP_SEGMENT_ONE;
		segment.text = ++text;
		segment.len = len -= 2;
		if (len > 3 && memcmp(text + len - 3, "...", 3) == 0) {
			segment.kind = WEFT__HTTP_SEGMENT_REST;
			segment.len = len -= 3;
		}
		text[len] = '\0';
		if (!is_name(text, len) || has_name(pattern, text))
			return false;
	} else if (!is_text(text, len)) {
		return false;
	}
	pattern->is_text = pattern->is_text && segment.kind == WEFT__HTTP_SEGMENT_TEXT;
	pattern->segments[pattern->count++] = segment;
	return true;
}

static bool is_closed(const struct weft__http_pattern *pattern)
{
	return pattern->count > 0 &&
	       pattern->segments[pattern->count - 1].kind == WEFT__HTTP_SEGMENT_REST;
}

/* All segments of the memory, each of which ends in NUL then. */
static bool take_segments(struct weft__http_pattern *pattern)
{
	char *at = pattern->memory;
	bool is_last = *at == '\0';

	while (!is_last) {
		char *text = at + 1, *end = strchrnul(text, '/');

		is_last = *end == '\0';
		*end = '\0';
		/* An empty one is a slash at the end; elsewhere no path has it. */
		if (is_closed(pattern) || (end == text && !is_last) ||
			!take_segment(pattern, text, (size_t)(end - text)))
			return false;
		at = end;
	}
	return true;
}

static int fail(struct weft__http_pattern *pattern)
{
	weft__http_pattern_fini(pattern);
	errno = EINVAL;
	return -1;
}

static int parse(struct weft__http_pattern *pattern, const char *text)
{
	*pattern = (struct weft__http_pattern){.is_text = true};
	if (!text || (text[0] != '/' && text[0] != '\0'))
		return fail(pattern);
	pattern->memory = strdup(text);
	if (!pattern->memory)
		return -1;
	return take_segments(pattern) ? 0 : fail(pattern);
}

int weft__http_pattern_parse(struct weft__http_pattern *pattern, const char *text)
{
	if (parse(pattern, text) < 0)
		return -1;
	return pattern->count > 0 ? 0 : fail(pattern);
}

int weft__http_pattern_parse_prefix(struct weft__http_pattern *pattern, const char *text)
{
	if (parse(pattern, text && strcmp(text, "/") == 0 ? "" : text) < 0)
		return -1;
	if (is_closed(pattern) ||
		(pattern->count > 0 && pattern->segments[pattern->count - 1].len == 0))
		return fail(pattern);
	return 0;
}

void weft__http_pattern_fini(struct weft__http_pattern *pattern)
{
	free(pattern->memory);
	*pattern = (struct weft__http_pattern){.is_text = true};
}

/* ---- Order ----------------------------------------------------------------------------------- */

static int compare_segments(const struct weft__http_segment *a, const struct weft__http_segment *b)
{
	if (a->kind != b->kind)
		return (int)a->kind - (int)b->kind;
	return a->kind == WEFT__HTTP_SEGMENT_TEXT ? strcmp(a->text, b->text) : 0;
}

int weft__http_pattern_compare(
	const struct weft__http_pattern *a, const struct weft__http_pattern *b)
{
	for (unsigned i = 0; i < a->count && i < b->count; i++) {
		int order = compare_segments(&a->segments[i], &b->segments[i]);

		if (order)
			return order;
	}
	/* The longer one first: it says more. */
	return (int)b->count - (int)a->count;
}

/* ---- Matching ----------------------------------------------------------------------------------
 */

/* Whether the segment fits at path[at..], which is behind a '/'; where the path goes on. */
static bool fits_segment(const struct weft__http_segment *segment, const char *path, size_t at,
	struct weft__http_value *ret_value)
{
	size_t len;

	switch (segment->kind) {
	case WEFT__HTTP_SEGMENT_TEXT:
		len = segment->len;
		if (strncmp(path + at, segment->text, len) != 0 ||
			(path[at + len] != '/' && path[at + len] != '\0'))
			return false;
		break;
	case WEFT__HTTP_SEGMENT_ONE:
		len = (size_t)(strchrnul(path + at, '/') - (path + at));
		if (len == 0)
			return false;
		break;
	default:
		len = strlen(path + at);
	}
	*ret_value = (struct weft__http_value){at, len};
	return true;
}

ssize_t weft__http_pattern_fits_prefix(const struct weft__http_pattern *pattern, const char *path,
	struct weft__http_values *ret_values)
{
	size_t at = 0;

	for (unsigned i = 0; i < pattern->count; i++) {
		if (path[at] != '/' ||
			!fits_segment(&pattern->segments[i], path, at + 1, &ret_values->values[i]))
			return -1;
		at = ret_values->values[i].at + ret_values->values[i].len;
	}
	return (ssize_t)at;
}

bool weft__http_pattern_fits(const struct weft__http_pattern *pattern, const char *path,
	struct weft__http_values *ret_values)
{
	ssize_t len = weft__http_pattern_fits_prefix(pattern, path, ret_values);

	return len >= 0 && path[len] == '\0';
}
