/*
 * multipart.c - see multipart.h.
 *
 * Entry point: weft__multipart_next().
 *
 * RFC 2046 lets a delimiter be CR LF "--" boundary, blanks, CR LF, and forbids a line of content
 * that begins with "--" boundary. Programs differ over what such a line means; so here it is
 * refused, as are line ends of a bare LF before a boundary (they are content, and the form then
 * lacks its end) and a form without its last boundary.
 *
 * Never: looks at a byte twice without bound, or takes a byte of the next part for this one's.
 */
#include "http/multipart.h"

#include <string.h>

#include "http/chars.h"
#include "weft/http_form.h"

/* ---- Boundaries ---------------------------------------------------------------------- */

static bool is_boundary_char(char c)
{
	return weft__http_is(c, WEFT__HTTP_DIGIT) ||
	       (weft__http_lower(c) >= 'a' && weft__http_lower(c) <= 'z') ||
	       (c && strchr("'()+_,-./:=? ", c));
}

bool weft__multipart_init(struct weft__multipart *multipart, const char *boundary, size_t len)
{
	if (len == 0 || len > WEFT__MULTIPART_BOUNDARY_MAX || boundary[len - 1] == ' ')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_boundary_char(boundary[i]))
			return false;
	*multipart = (struct weft__multipart){.is_at_start = true, .delimiter_len = 4 + len};
	memcpy(multipart->delimiter, "\r\n--", 4);
	memcpy(multipart->delimiter + 4, boundary, len);
	return true;
}

static enum weft__multipart_result fail(struct weft__multipart *multipart, const char *why)
{
	multipart->state = WEFT__MULTIPART_FAILED;
	multipart->why = why;
	return WEFT__MULTIPART_BAD;
}

static enum weft__multipart_result fail_limit(struct weft__multipart *multipart, const char *why)
{
	multipart->is_over_limit = true;
	return fail(multipart, why);
}

static enum weft__multipart_result fail_short(struct weft__multipart *multipart)
{
	return fail(multipart, "The form ends before its last boundary.");
}

/* What may be the beginning of a delimiter whose rest is not here, at the end of the window. */
static size_t unsure_len(const struct weft__multipart *multipart, const char *data, size_t len)
{
	size_t most = multipart->delimiter_len - 1;
	const char *end = data + len, *at = len > most ? end - most : data;

	while (at < end && (at = memchr(at, '\r', (size_t)(end - at)))) {
		if (memcmp(at, multipart->delimiter, (size_t)(end - at)) == 0)
			return (size_t)(end - at);
		at++;
	}
	return 0;
}

/* Bytes of the window before a delimiter, or before what may be one. */
static size_t plain_len(
	const struct weft__multipart *multipart, const char *data, size_t len, bool *ret_is_there)
{
	const char *there = memmem(data, len, multipart->delimiter, multipart->delimiter_len);

	*ret_is_there = there;
	return there ? (size_t)(there - data) : len - unsure_len(multipart, data, len);
}

/*
 * Where a line begins without a line end that is seen: -1: "--" boundary is there; 1: it may be,
 * and more is to come; 0: it is not.
 */
static int compare_at_start(const struct weft__multipart *multipart, const char *data, size_t len)
{
	size_t dashed_len = multipart->delimiter_len - 2;

	if (memcmp(data, multipart->delimiter + 2, len < dashed_len ? len : dashed_len) != 0)
		return 0;
	return len < dashed_len ? 1 : -1;
}

/*
 * What stands behind "--" boundary, which ends at `at`: a line end, for the next part, or "--". The
 * used bytes go up to the content, or to the end of the window.
 */
static enum weft__multipart_result pass_delimiter(struct weft__multipart *multipart,
	const char *data, size_t len, size_t at, size_t *ret_used)
{
	bool is_last = len - at >= 2 && data[at] == '-' && data[at + 1] == '-';
	size_t from = at += is_last ? 2 : 0;

	while (at < len && at - from <= WEFT__MULTIPART_PADDING_MAX &&
		(data[at] == ' ' || data[at] == '\t'))
		at++;
	if (at - from > WEFT__MULTIPART_PADDING_MAX)
		return fail(multipart, "Too many blanks follow a boundary.");
	if (at == len || (at + 1 == len && data[at] == '\r') ||
		(at + 1 == len && at == from && !is_last && data[at] == '-'))
		return WEFT__MULTIPART_MORE;
	if (data[at] != '\r' || data[at + 1] != '\n')
		return fail(multipart, "A line begins like a boundary, and is none.");
	*ret_used = is_last ? at : at + 2;
	multipart->is_at_start = false;
	multipart->state = is_last ? WEFT__MULTIPART_EPILOGUE : WEFT__MULTIPART_HEADER;
	multipart->aside = 0;
	multipart->scanned = 0;
	return WEFT__MULTIPART_STOP;
}

/* The same where the window may be the end of the body: then it need not end in a line end. */
static enum weft__multipart_result take_delimiter(struct weft__multipart *multipart,
	const char *data, size_t len, size_t at, size_t *ret_used)
{
	enum weft__multipart_result result = pass_delimiter(multipart, data, len, at, ret_used);
	bool is_last = len - at >= 2 && data[at] == '-' && data[at + 1] == '-';

	if (result != WEFT__MULTIPART_MORE || !multipart->is_end)
		return result;
	if (!is_last || data[len - 1] == '\r')
		return fail_short(multipart);
	multipart->state = WEFT__MULTIPART_EPILOGUE;
	multipart->aside = 0;
	*ret_used = len;
	return WEFT__MULTIPART_STOP;
}

/* ---- The four states ------------------------------------------------------------------- */

static enum weft__multipart_result next_header(
	struct weft__multipart *multipart, const char *data, size_t len, size_t *ret_used)
{
	size_t from = multipart->scanned > 3 ? multipart->scanned - 3 : 0;
	const char *end = memmem(data + from, len - from, "\r\n\r\n", 4);
	size_t header_len = end ? (size_t)(end - data) + 4 : 0;

	if (len >= 2 && data[0] == '\r' && data[1] == '\n')
		header_len = 2;
	multipart->scanned = len;
	if (header_len > WEFT_HTTP_FORM_HEADER_MAX ||
		(header_len == 0 && len >= WEFT_HTTP_FORM_HEADER_MAX))
		return fail_limit(multipart, "The header of a part is too long.");
	if (header_len == 0)
		return multipart->is_end ? fail_short(multipart) : WEFT__MULTIPART_MORE;
	if (++multipart->parts > WEFT_HTTP_FORM_PARTS_MAX)
		return fail_limit(multipart, "The form has too many parts.");
	multipart->state = WEFT__MULTIPART_CONTENT;
	multipart->is_at_start = true;
	*ret_used = header_len;
	return WEFT__MULTIPART_PART;
}

static enum weft__multipart_result next_content(
	struct weft__multipart *multipart, const char *data, size_t len, size_t *ret_used)
{
	bool is_there;

	if (multipart->is_at_start) {
		int order = compare_at_start(multipart, data, len);

		if (order < 0)
			return fail(multipart, "A boundary has no line end before it.");
		if (order > 0)
			return multipart->is_end ? fail_short(multipart) : WEFT__MULTIPART_MORE;
	}
	*ret_used = plain_len(multipart, data, len, &is_there);
	if (*ret_used > 0) {
		multipart->is_at_start = false;
		return WEFT__MULTIPART_DATA;
	}
	if (!is_there)
		return multipart->is_end ? fail_short(multipart) : WEFT__MULTIPART_MORE;
	return take_delimiter(multipart, data, len, multipart->delimiter_len, ret_used);
}

/* Before the first boundary; its STOP is nothing to tell. */
static enum weft__multipart_result next_preamble(
	struct weft__multipart *multipart, const char *data, size_t len, size_t *ret_used)
{
	int order = multipart->is_at_start ? compare_at_start(multipart, data, len) : 0;
	enum weft__multipart_result result;
	bool is_there;
	size_t plain;

	if (order > 0)
		return multipart->is_end ? fail_short(multipart) : WEFT__MULTIPART_MORE;
	if (order < 0) {
		result = take_delimiter(
			multipart, data, len, multipart->delimiter_len - 2, ret_used);
		return result == WEFT__MULTIPART_STOP ? WEFT__MULTIPART_MORE : result;
	}
	plain = plain_len(multipart, data, len, &is_there);
	multipart->is_at_start &= plain == 0;
	multipart->aside += plain;
	if (multipart->aside > WEFT__MULTIPART_PREAMBLE_MAX)
		return fail_limit(multipart, "The form does not begin with its boundary.");
	*ret_used = plain;
	if (plain > 0)
		return WEFT__MULTIPART_MORE;
	if (!is_there)
		return multipart->is_end ? fail_short(multipart) : WEFT__MULTIPART_MORE;
	result = take_delimiter(multipart, data, len, multipart->delimiter_len, ret_used);
	return result == WEFT__MULTIPART_STOP ? WEFT__MULTIPART_MORE : result;
}

static enum weft__multipart_result next_epilogue(
	struct weft__multipart *multipart, size_t len, size_t *ret_used)
{
	multipart->aside += len;
	if (multipart->aside > WEFT__MULTIPART_EPILOGUE_MAX)
		return fail_limit(multipart, "Too much follows the last boundary.");
	*ret_used = len;
	return multipart->is_end ? WEFT__MULTIPART_END : WEFT__MULTIPART_MORE;
}

enum weft__multipart_result weft__multipart_next(struct weft__multipart *multipart,
	const char *data, size_t len, bool is_end, size_t *ret_used)
{
	*ret_used = 0;
	multipart->is_end = is_end;
	switch (multipart->state) {
	case WEFT__MULTIPART_PREAMBLE:
		return next_preamble(multipart, data, len, ret_used);
	case WEFT__MULTIPART_HEADER:
		return next_header(multipart, data, len, ret_used);
	case WEFT__MULTIPART_CONTENT:
		return next_content(multipart, data, len, ret_used);
	case WEFT__MULTIPART_EPILOGUE:
		return next_epilogue(multipart, len, ret_used);
	case WEFT__MULTIPART_FAILED:
		break;
	}
	return WEFT__MULTIPART_BAD;
}
