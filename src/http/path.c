/*
 * path.c - decodes the path of a request, once, and refuses what could lead elsewhere.
 *
 * Entry points: weft__http_path_decode(), weft__http_path_is_hidden().
 *
 * This is the first of two fences. The second is the kernel's: files are opened with
 * RESOLVE_BENEATH (src/http/open.c), so that a mistake here still leads nowhere.
 *
 * Never: decodes twice, or lets a ".." through.
 */
#include "http/path.h"

#include "http/chars.h"

static bool is_upwards(const char *path, size_t from, size_t to)
{
	return to - from == 2 && path[from] == '.' && path[from + 1] == '.';
}

/* Why the escape is none that a path can hold, for a person. */
static const char *bad_escape(const char *escape, size_t len)
{
	if (len >= 3 && escape[1] == '2' && (escape[2] | 0x20) == 'f')
		return "The address holds an encoded slash (%2F), which can not be part of a name.";
	if (len >= 3 && escape[1] == '0' && escape[2] == '0')
		return "The address holds a zero byte (%00).";
	return "The address holds a % with no byte behind it.";
}

/* The byte at encoded[*at], which moves on; -1 when it can't be one of a path. */
static int decode_byte(const char *encoded, size_t len, size_t *at)
{
	const char *escape = encoded + *at;
	unsigned value;

	if (*escape != '%') {
		++*at;
		return (uint8_t)*escape;
	}
	if (len - *at < 3 || !weft__http_is(escape[1], WEFT__HTTP_HEX) ||
		!weft__http_is(escape[2], WEFT__HTTP_HEX))
		return -1;
	value = weft__http_hex(escape[1]) << 4 | weft__http_hex(escape[2]);
	if (value == 0 || value == '/')
		return -1;
	*at += 3;
	return (int)value;
}

const char *weft__http_path_decode(const char *encoded, size_t len, char *ret_path, size_t *ret_len)
{
	size_t at = 1, to = 1, segment = 1;

	ret_path[0] = '/';
	while (at < len) {
		int byte = decode_byte(encoded, len, &at);

		if (byte < 0)
			return bad_escape(encoded + at, len - at);
		if (byte != '/') {
			ret_path[to++] = (char)byte;
			continue;
		}
		if (is_upwards(ret_path, segment, to))
			return "The address may not lead upwards.";
		if (to > segment) /* "//" means "/" */
			ret_path[to++] = '/';
		segment = to;
	}
	if (is_upwards(ret_path, segment, to))
		return "The address may not lead upwards.";
	ret_path[to] = '\0';
	*ret_len = to;
	return NULL;
}

bool weft__http_path_is_hidden(const char *path)
{
	/* Paths are short, and strstr(3) takes a run-up. */
	for (; *path; path++)
		if (path[0] == '/' && path[1] == '.')
			return true;
	return false;
}
