/*
 * url.c - http and https URLs, and what refers to them (RFC 3986; RFC 9110, section 4.2).
 *
 * Entry points: weft_http_url_parse(), weft_http_url_resolve().
 *
 *	https://Example.org:443/a/../b c?d#e
 *	       |    authority   |  target  | a fragment: dropped, it never travels
 *
 * becomes https://example.org/b%20c?d. What is asked, is compared and is followed is that
 * one form, so that no two readings of a URL can differ further in.
 *
 * Never: a user's name or a control character in the result; a host that would mean
 * something else to somebody who resolves it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/chars.h"
#include "weft/http_client.h"
#include "weft/str.h"

/* The longest name of a host as text: RFC 1035, section 2.3.4, without the root's byte. */
#define HOST_MAX 253

/* The longest text before the target: scheme, host in brackets, port. */
#define ORIGIN_MAX (sizeof("https://[]:65535") + HOST_MAX)

struct block {
	struct weft_http_url url;
	char host[HOST_MAX + 1];
	char text[];
};

/* What is still to be read of a URL. */
struct cursor {
	const char *at;
	size_t len;
};

static void step(struct cursor *cursor, size_t len)
{
	cursor->at += len;
	cursor->len -= len;
}

const char *weft_http_url_fault_text(enum weft_http_url_fault fault)
{
	switch (fault) {
	case WEFT_HTTP_URL_GOOD:
		return "The URL is good.";
	case WEFT_HTTP_URL_SCHEME:
		return "The URL does not begin with http:// or https://.";
	case WEFT_HTTP_URL_CONTROL:
		return "The URL holds a control character.";
	case WEFT_HTTP_URL_USERINFO:
		return "The URL holds a user's name; credentials are told apart from it.";
	case WEFT_HTTP_URL_HOST:
		return "The URL's host is neither a name nor an address.";
	case WEFT_HTTP_URL_PORT:
		return "The URL's port is not a number from 1 to 65535.";
	case WEFT_HTTP_URL_LONG:
		return "The URL is too long.";
	}
	return "The URL can not be read.";
}

/* ---- The authority ------------------------------------------------------------------ */

/* The address between brackets, in its one form. */
static bool take_ipv6(const char *text, size_t len, char *ret_host)
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return inet_pton(AF_INET6, copy, &address) == 1 &&
	       inet_ntop(AF_INET6, &address, ret_host, INET6_ADDRSTRLEN) != NULL;
}

static bool take_name(const char *text, size_t len, char *ret_host)
{
	if (len == 0 || len > HOST_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = weft__http_lower(text[i]);
		bool is_dot = c == '.' && i > 0 && text[i - 1] != '.';

		if (!is_dot && c != '-' && c != '_' && !(c >= 'a' && c <= 'z') &&
			!weft__http_is(c, WEFT__HTTP_DIGIT))
			return false;
		ret_host[i] = c;
	}
	ret_host[len] = '\0';
	return true;
}

/* ":" and digits; nothing after the colon is as good as no colon. */
static enum weft_http_url_fault take_port(struct weft_http_url *url, const char *text, size_t len)
{
	unsigned port = 0;

	url->port = url->is_https ? 443 : 80;
	if (len <= 1)
		return WEFT_HTTP_URL_GOOD;
	for (size_t i = 1; i < len; i++) {
		if (!weft__http_is(text[i], WEFT__HTTP_DIGIT) || port > 65535)
			return WEFT_HTTP_URL_PORT;
		port = port * 10 + (unsigned)(text[i] - '0');
	}
	if (port == 0 || port > 65535)
		return WEFT_HTTP_URL_PORT;
	url->port = (uint16_t)port;
	return WEFT_HTTP_URL_GOOD;
}

static enum weft_http_url_fault take_authority(struct block *block, const char *text, size_t len)
{
	const char *end;
	bool is_good;

	if (memchr(text, '@', len))
		return WEFT_HTTP_URL_USERINFO;
	if (len > 0 && text[0] == '[') {
		end = memchr(text, ']', len);
		is_good = end && take_ipv6(text + 1, (size_t)(end - text) - 1, block->host);
		end = end ? end + 1 : text;
	} else {
		end = memchr(text, ':', len);
		end = end ? end : text + len;
		is_good = take_name(text, (size_t)(end - text), block->host);
	}
	if (!is_good || (end < text + len && *end != ':'))
		return WEFT_HTTP_URL_HOST;
	return take_port(&block->url, end, len - (size_t)(end - text));
}

/* ---- The target --------------------------------------------------------------------- */

/* Copy what may stand in a path or query, and encode the rest. How many bytes were written. */
static size_t encode(char *to, const char *from, size_t len)
{
	static const char hex[] = "0123456789ABCDEF", others[] = "!$&'()*+,;=:@/?%";
	size_t at = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)from[i];

		if (weft__http_is(from[i], WEFT__HTTP_UNRESERVED) || strchr(others, c)) {
			to[at++] = from[i];
			continue;
		}
		to[at++] = '%';
		to[at++] = hex[c >> 4];
		to[at++] = hex[c & 15];
	}
	return at;
}

/* RFC 3986, section 5.2.4, in place: path begins with '/'. Its new length. */
static size_t remove_dots(char *path, size_t len)
{
	size_t from = 0, to = 0;

	while (from < len) {
		size_t end = from + 1, dots;

		while (end < len && path[end] != '/')
			end++;
		for (dots = 0; from + 1 + dots < end && path[from + 1 + dots] == '.'; dots++)
			continue;
		if (dots == 0 || dots > 2 || from + 1 + dots != end) {
			memmove(path + to, path + from, end - from);
			to += end - from;
		} else {
			/* ".." takes the segment before it away. */
			while (dots == 2 && to > 0 && path[--to] != '/')
				continue;
			if (end == len)
				path[to++] = '/';
		}
		from = end;
	}
	return to;
}

/* Write the target to the text from at on. The whole text's length. */
static size_t take_target(struct block *block, size_t at, const struct cursor *rest)
{
	const char *mark = memchr(rest->at, '?', rest->len);
	size_t path_len = mark ? (size_t)(mark - rest->at) : rest->len, len = 1;
	char *target = block->text + at;

	if (path_len > 0)
		len = remove_dots(target, encode(target, rest->at, path_len));
	else
		target[0] = '/';
	if (mark)
		len += encode(target + len, mark, rest->len - path_len);
	target[len] = '\0';
	block->url.target = target;
	return at + len;
}

/* ---- The whole ---------------------------------------------------------------------- */

static bool has_control(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return true;
	return false;
}

static bool take_scheme(struct weft_http_url *url, struct cursor *rest)
{
	static const char http[] = "http://", https[] = "https://";

	url->is_https = rest->len >= 8 && weft__http_equal_nocase(rest->at, 8, https);
	if (!url->is_https && !(rest->len >= 7 && weft__http_equal_nocase(rest->at, 7, http)))
		return false;
	step(rest, url->is_https ? 8 : 7);
	return true;
}

static size_t print_origin(struct block *block)
{
	const struct weft_http_url *url = &block->url;
	bool is_ipv6 = strchr(block->host, ':') != NULL;
	int len = snprintf(block->text, ORIGIN_MAX, "%s://%s%s%s", url->is_https ? "https" : "http",
		is_ipv6 ? "[" : "", block->host, is_ipv6 ? "]" : "");

	if (url->port != (url->is_https ? 443 : 80))
		len += snprintf(block->text + len, ORIGIN_MAX - (size_t)len, ":%u", url->port);
	return (size_t)len;
}

static enum weft_http_url_fault take_url(struct block *block, struct cursor rest)
{
	enum weft_http_url_fault fault;
	size_t len = 0;

	if (!take_scheme(&block->url, &rest))
		return WEFT_HTTP_URL_SCHEME;
	while (len < rest.len && rest.at[len] != '/' && rest.at[len] != '?')
		len++;
	fault = take_authority(block, rest.at, len);
	if (fault)
		return fault;
	step(&rest, len);
	block->url.host = block->host;
	block->url.text = block->text;
	len = take_target(block, print_origin(block), &rest);
	return len > WEFT_HTTP_URL_MAX ? WEFT_HTTP_URL_LONG : WEFT_HTTP_URL_GOOD;
}

struct weft_http_url *weft_http_url_parse(const char *text, enum weft_http_url_fault *ret_fault)
{
	enum weft_http_url_fault fault = WEFT_HTTP_URL_GOOD;
	size_t len = strlen(text);
	struct block *block = NULL;

	if (has_control(text, len))
		fault = WEFT_HTTP_URL_CONTROL;
	else if (len > WEFT_HTTP_URL_MAX)
		fault = WEFT_HTTP_URL_LONG;
	if (!fault) {
		len = strcspn(text, "#");
		block = malloc(sizeof(*block) + ORIGIN_MAX + 3 * len + 2);
		if (!block)
			return NULL;
		fault = take_url(block, (struct cursor){text, len});
	}
	if (ret_fault)
		*ret_fault = fault;
	if (!fault)
		return &block->url;
	free(block);
	errno = EINVAL;
	return NULL;
}

void weft_http_url_free(struct weft_http_url *url)
{
	free(url); /* the first member of its block */
}

/* ---- References --------------------------------------------------------------------- */

/* RFC 3986, section 3.1: ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) ":". */
static bool has_scheme(const char *reference)
{
	size_t len = strcspn(reference, ":/?#");

	return reference[len] == ':' && len > 0;
}

/* How much of the base a reference without a scheme goes on from: section 5.2.2. */
static size_t kept_len(const struct weft_http_url *base, const char *reference)
{
	size_t path_len = strcspn(base->target, "?");

	if (strncmp(reference, "//", 2) == 0)
		return (size_t)(strchr(base->text, ':') - base->text) + 1;
	if (reference[0] == '/')
		return (size_t)(base->target - base->text);
	if (reference[0] == '\0' || reference[0] == '#')
		return strlen(base->text);
	if (reference[0] != '?')
		while (base->target[path_len - 1] != '/')
			path_len--;
	return (size_t)(base->target - base->text) + path_len;
}

struct weft_http_url *weft_http_url_resolve(const struct weft_http_url *base, const char *reference,
	enum weft_http_url_fault *ret_fault)
{
	struct weft_http_url *url = NULL;
	struct weft_str whole;

	if (has_scheme(reference))
		return weft_http_url_parse(reference, ret_fault);
	weft_str_init(&whole, WEFT_STR_LEN_MAX);
	weft_str_append_bytes(&whole, base->text, kept_len(base, reference));
	weft_str_append(&whole, reference);
	if (weft_str_error(&whole))
		errno = weft_str_error(&whole);
	else
		url = weft_http_url_parse(weft_str_text(&whole), ret_fault);
	weft_str_fini(&whole);
	return url;
}
