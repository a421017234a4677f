/*
 * accept.c - see accept.h.
 *
 *	Accept: text/html, application/json;q=0.9, image/png;q=0.1
 *
 * Never: fails. What can't be read in a list is passed over, as its sender would be answered
 * without it.
 */
#include "http/accept.h"

#include <string.h>

#include "http/chars.h"

/* How closely a range names a type. */
enum {
	MATCH_NONE,
	MATCH_ALL,  /* any type */
	MATCH_TYPE, /* any subtype of it */
	MATCH_NAME,
};

static size_t skip_spaces(const char *value, size_t len, size_t at)
{
	while (at < len && (value[at] == ' ' || value[at] == '\t'))
		at++;
	return at;
}

/* "q=0.25", from 0 to 1000; -1: something else. */
static int read_quality(const char *text, size_t len)
{
	int quality = 0, unit = 1000;

	if (len < 3 || (text[0] != 'q' && text[0] != 'Q') || text[1] != '=')
		return -1;
	if (text[2] != '0' && text[2] != '1')
		return -1;
	quality = (text[2] - '0') * 1000;
	if (len > 3 && text[3] != '.')
		return -1;
	for (size_t i = 4; i < len && i < 7; i++) {
		if (!weft__http_is(text[i], WEFT__HTTP_DIGIT))
			return -1;
		unit /= 10;
		quality += (text[i] - '0') * unit;
	}
	return quality <= 1000 ? quality : 1000;
}

static int match(const char *range, size_t len, const char *type, const char *subtype)
{
	const char *slash = memchr(range, '/', len);
	size_t type_len = slash ? (size_t)(slash - range) : 0;
	const char *rest = slash ? slash + 1 : "";
	size_t rest_len = slash ? len - type_len - 1 : 0;

	if (type_len == 1 && range[0] == '*' && rest_len == 1 && rest[0] == '*')
		return MATCH_ALL;
	if (!slash || !weft__http_equal_nocase(range, type_len, type))
		return MATCH_NONE;
	if (rest_len == 1 && rest[0] == '*')
		return MATCH_TYPE;
	return weft__http_equal_nocase(rest, rest_len, subtype) ? MATCH_NAME : MATCH_NONE;
}

/* One member of the list: its match, and *ret_quality. */
static int take_member(
	const char *member, size_t len, const char *type, const char *subtype, int *ret_quality)
{
	const char *parameters = memchr(member, ';', len);
	size_t range_len = parameters ? (size_t)(parameters - member) : len, at = range_len;

	while (range_len > 0 && (member[range_len - 1] == ' ' || member[range_len - 1] == '\t'))
		range_len--;
	*ret_quality = 1000;
	while (at < len) {
		size_t from = skip_spaces(member, len, at + 1), to = from;
		int quality;

		while (to < len && member[to] != ';' && member[to] != ' ' && member[to] != '\t')
			to++;
		quality = read_quality(member + from, to - from);
		if (quality >= 0)
			*ret_quality = quality;
		at = skip_spaces(member, len, to);
		if (at < len && member[at] != ';')
			break;
	}
	return match(member, range_len, type, subtype);
}

int weft__http_accept_quality(
	const char *value, size_t len, const char *type, const char *subtype, bool *ret_is_named)
{
	int best = MATCH_NONE, best_quality = 0;
	size_t at = skip_spaces(value, len, 0);

	*ret_is_named = false;
	if (at == len)
		return 1000;
	while (at < len) {
		const char *comma = memchr(value + at, ',', len - at);
		size_t end = comma ? (size_t)(comma - value) : len;
		int quality, closeness = take_member(value + at, end - at, type, subtype, &quality);

		if (closeness > best) {
			best = closeness;
			best_quality = quality;
		}
		at = skip_spaces(value, len, end + 1);
	}
	*ret_is_named = best == MATCH_NAME;
	return best_quality;
}

bool weft__http_accept_wants_json(const struct weft_http_request *request, const char *subtype)
{
	struct weft_http_text accept = weft_http_request_field(request, "Accept");
	bool names_json, names_html;
	int json, html;

	if (!accept.data)
		return false;
	json = weft__http_accept_quality(
		accept.data, accept.len, "application", subtype, &names_json);
	html = weft__http_accept_quality(accept.data, accept.len, "text", "html", &names_html);
	return json > html || (json > 0 && json == html && names_json && !names_html);
}
