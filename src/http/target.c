/*
 * target.c - the forms of a request target (RFC 9112, section 3.2) and of a host.
 *
 * Entry points: weft__http_parse_target(), weft__http_is_host().
 *
 *	/where?q			origin form: every server's daily bread
 *	http://host:80/where?q		absolute form: its host beats the Host field
 *	host:443			authority form, of CONNECT only
 *	*				asterisk form, of OPTIONS only
 *
 * Never: decodes anything; src/http/path.c does that, once.
 */
#include "http/parse.h"

#include "http/chars.h"

/* "[" IPv6 address "]": only its alphabet; whether it is one makes no difference here. */
static size_t bracketed_len(const char *host, size_t len)
{
	size_t i = 1;

	while (i < len &&
		(weft__http_is(host[i], WEFT__HTTP_HEX) || host[i] == ':' || host[i] == '.'))
		i++;
	return i > 1 && i < len && host[i] == ']' ? i + 1 : 0;
}

static bool is_port(const char *port, size_t len)
{
	unsigned value = 0;

	if (len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!weft__http_is(port[i], WEFT__HTTP_DIGIT))
			return false;
		value = value * 10 + (unsigned)(port[i] - '0');
	}
	return value <= 65535;
}

bool weft__http_is_host(const char *host, size_t len)
{
	size_t name_len;

	if (len > 0 && host[0] == '[')
		name_len = bracketed_len(host, len);
	else
		name_len = weft__http_span(host, len, WEFT__HTTP_HOST);
	if (name_len == 0)
		return false;
	if (name_len == len)
		return true;
	return host[name_len] == ':' && is_port(host + name_len + 1, len - name_len - 1);
}

/* Part the path from the query. */
static void take_path(struct weft__http_head *head, const char *data, struct weft__http_place place)
{
	const char *from = data + place.at;
	const char *mark = memchr(from, '?', place.len);

	head->path = place;
	if (!mark)
		return;
	head->path.len = (uint16_t)(mark - from);
	head->query.at = (uint16_t)(place.at + head->path.len + 1);
	head->query.len = (uint16_t)(place.len - head->path.len - 1);
}

static size_t scheme_len(const char *target, size_t len)
{
	if (len > 7 && weft__http_equal_nocase(target, 7, "http://"))
		return 7;
	if (len > 8 && weft__http_equal_nocase(target, 8, "https://"))
		return 8;
	return 0;
}

static enum weft__http_fault take_absolute(
	struct weft__http_head *head, const char *data, struct weft__http_place target)
{
	const char *text = data + target.at;
	size_t from = scheme_len(text, target.len), to = from;

	if (from == 0)
		return WEFT__HTTP_FAULT_TARGET_FORM;
	while (to < target.len && text[to] != '/' && text[to] != '?')
		to++;
	if (!weft__http_is_host(text + from, to - from))
		return WEFT__HTTP_FAULT_HOST;
	head->host.at = (uint16_t)(target.at + from);
	head->host.len = (uint16_t)(to - from);
	head->target_has_host = true;
	/* "http://host" and "http://host?q" have an empty path, which means "/". */
	take_path(head, data,
		(struct weft__http_place){(uint16_t)(target.at + to), (uint16_t)(target.len - to)});
	return WEFT__HTTP_FAULT_NONE;
}

enum weft__http_fault weft__http_parse_target(
	struct weft__http_head *head, const char *data, struct weft__http_place target)
{
	const char *text = data + target.at;

	if (head->method == WEFT_HTTP_CONNECT) {
		if (!weft__http_is_host(text, target.len))
			return WEFT__HTTP_FAULT_TARGET_FORM;
		head->host = target;
		head->target_has_host = true;
		return WEFT__HTTP_FAULT_NONE;
	}
	if (text[0] == '/') {
		take_path(head, data, target);
		return WEFT__HTTP_FAULT_NONE;
	}
	if (target.len == 1 && text[0] == '*' && head->method == WEFT_HTTP_OPTIONS) {
		head->path = target;
		return WEFT__HTTP_FAULT_NONE;
	}
	return take_absolute(head, data, target);
}
