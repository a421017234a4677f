/*
 * origin.c - see origin.h.
 *
 * A form in a page of evil.example may be sent to us by the browser of somebody who is let in here.
 * Browsers say so: Sec-Fetch-Site (Fetch Metadata; not sent to plain http:// but to this machine),
 * and Origin with every POST, PUT and DELETE (Fetch, 3.2; RFC 6454, section 7.3). Its host has to
 * be the one that was asked for. Its scheme is ours, or, as a proxy before us may speak TLS for us,
 * either, where we don't.
 *
 * Never: takes an Origin that can't be read ("null" among them) for our own.
 */
#include "http/origin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/chars.h"
#include "http/path.h"
#include "weft/http_auth.h"

/** A host and a port; -1: not said. */
struct authority {
	struct weft_http_text host;
	int port;
};

static bool parse_authority(struct weft_http_text text, struct authority *ret_authority)
{
	const char *colon;
	size_t port_at;
	int port = -1;

	if (text.len == 0 || !weft__http_is_host(text.data, text.len))
		return false;
	colon = memrchr(text.data, ':', text.len);
	if (colon && memchr(colon, ']', text.len - (size_t)(colon - text.data)))
		colon = NULL; /* one of an IPv6 address */
	port_at = colon ? (size_t)(colon - text.data) + 1 : text.len;
	for (size_t i = port_at; i < text.len; i++)
		port = (port < 0 ? 0 : port) * 10 + (text.data[i] - '0');
	*ret_authority = (struct authority){
		{text.data, colon ? (size_t)(colon - text.data) : text.len}, port};
	return true;
}

/* Cut the scheme off: its port; -1: neither http:// nor https://. */
static int take_scheme(struct weft_http_text *text)
{
	static const char plain[] = "http://", secure[] = "https://";
	int port = -1;
	size_t len = 0;

	if (text->len > sizeof(plain) - 1 &&
		weft__http_equal_nocase(text->data, sizeof(plain) - 1, plain)) {
		len = sizeof(plain) - 1;
		port = 80;
	} else if (text->len > sizeof(secure) - 1 &&
		   weft__http_equal_nocase(text->data, sizeof(secure) - 1, secure)) {
		len = sizeof(secure) - 1;
		port = 443;
	}
	text->data += len;
	text->len -= len;
	return port;
}

/* Whether a host, behind a scheme of this port, is the one that the request is for. */
static bool is_own(
	const struct weft_http_request *request, struct weft_http_text text, int scheme_port)
{
	bool is_secure = strcmp(weft_http_request_scheme(request), "https") == 0;
	struct authority own, other;

	if (scheme_port < 0 || (is_secure && scheme_port != 443) ||
		!parse_authority(weft_http_request_host(request), &own) ||
		!parse_authority(text, &other))
		return false;
	if (own.port < 0)
		own.port = scheme_port;
	if (other.port < 0)
		other.port = scheme_port;
	return own.port == other.port && own.host.len == other.host.len &&
	       strncasecmp(own.host.data, other.host.data, own.host.len) == 0;
}

bool weft__http_is_own_origin(const struct weft_http_request *request, struct weft_http_text origin)
{
	int port = take_scheme(&origin);

	return is_own(request, origin, port);
}

bool weft__http_is_foreign(const struct weft_http_request *request)
{
	struct weft_http_text site = {NULL, 0}, origin = {NULL, 0};

	/* Browsers send each of them once. */
	if (weft__http_request_find(request, "sec-fetch-site", &site) > 1 ||
		weft__http_request_find(request, "origin", &origin) > 1)
		return true;
	/* "none": somebody has typed the address, or opened a bookmark. */
	if (site.data && !weft__http_equal_nocase(site.data, site.len, "same-origin") &&
		!weft__http_equal_nocase(site.data, site.len, "none"))
		return true;
	return origin.data && !weft__http_is_own_origin(request, origin);
}

bool weft_http_request_is_foreign(const struct weft_http_request *request)
{
	return weft__http_is_foreign(request);
}

bool weft__http_is_from(const struct weft_http_request *request, const char *origin)
{
	struct weft_http_text value;

	return weft__http_request_find(request, "origin", &value) == 1 &&
	       weft__http_equal_nocase(value.data, value.len, origin);
}

/* ---- Paths -------------------------------------------------------------------------------- */

static char *decode(struct weft_http_text encoded)
{
	char *path = malloc(encoded.len + 2);
	size_t len;

	if (!path)
		return NULL;
	if (encoded.len == 0) { /* "http://host" means "http://host/" */
		memcpy(path, "/", 2);
		return path;
	}
	if (!weft__http_path_decode(encoded.data, encoded.len, path, &len))
		return path;
	free(path);
	errno = EBADMSG;
	return NULL;
}

char *weft__http_whole_path(const struct weft_http_request *request)
{
	return decode(weft__http_place_text(request->data, request->head.path));
}

/* Bytes of the path that a service is mounted below: what the whole has before its own. -1. */
static ssize_t find_mount_len(const struct weft_http_request *request, const char *path)
{
	char *whole = weft__http_whole_path(request);
	size_t own_len = strlen(weft_http_request_path(request));
	size_t len = whole ? strlen(whole) : 0;
	bool is_below;

	if (!whole)
		return -1;
	len = len > own_len ? len - own_len : 0;
	is_below = strncmp(path, whole, len) == 0 && path[len] == '/';
	free(whole);
	errno = EXDEV;
	return is_below ? (ssize_t)len : -1;
}

/* The path in a Destination; data is NULL with EBADMSG, EXDEV. */
static struct weft_http_text destination_path(const struct weft_http_request *request)
{
	struct weft_http_text text = {NULL, 0}, none = {NULL, 0};
	unsigned count = weft__http_request_find(request, "destination", &text);
	const char *slash;
	int port;

	errno = EBADMSG;
	if (count != 1 || text.len == 0 || memchr(text.data, '?', text.len) ||
		memchr(text.data, '#', text.len))
		return none;
	if (text.data[0] == '/')
		return text;
	port = take_scheme(&text);
	slash = memchr(text.data, '/', text.len);
	if (port < 0 || !slash)
		return none;
	errno = EXDEV;
	if (!is_own(request, (struct weft_http_text){text.data, (size_t)(slash - text.data)}, port))
		return none;
	return (struct weft_http_text){slash, text.len - (size_t)(slash - text.data)};
}

int weft__http_find_destination(
	const struct weft_http_request *request, struct weft__http_destination *ret_destination)
{
	struct weft_http_text text = destination_path(request);
	char *whole = text.data ? decode(text) : NULL;
	ssize_t mount_len = whole ? find_mount_len(request, whole) : -1;
	int code = errno;

	if (mount_len < 0) {
		free(whole);
		errno = code;
		return -1;
	}
	ret_destination->whole = whole;
	ret_destination->own = whole + mount_len;
	return 0;
}
