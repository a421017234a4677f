/*
 * to_https.c - the service that sends everybody to HTTPS.
 *
 * Entry point: weft_http_to_https_service.
 *
 * The host is the one that was asked for, which the parser has checked: so nobody is sent where
 * he did not want to go.
 *
 * Never: a byte in the address that is not printable ASCII.
 */
#include <errno.h>

#include "http/hosts.h"
#include "weft/http.h"
#include "weft/str.h"

/** Longest address: a request line with each byte percent-encoded. */
#define LOCATION_MAX ((size_t)32 * 1024)

/* As it was sent, but for what the parser lets pass and an address may not hold. */
static void append_encoded(struct weft_str *location, struct weft_http_text text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c > 0x20 && c < 0x7f)
			weft_str_append_char(location, (char)c);
		else
			weft_str_appendf(location, "%%%02X", c);
	}
}

static void append_location(struct weft_str *location, const struct weft_http_request *request,
	struct weft_http_text host, unsigned port)
{
	struct weft_http_text path = weft__http_place_text(request->data, request->head.path);
	struct weft_http_text query = weft_http_request_query(request);

	weft_str_append(location, "https://");
	weft_str_append_bytes(location, host.data, host.len);
	if (port && port != 443)
		weft_str_appendf(location, ":%u", port);
	/* "*" is of no path. */
	if (path.len == 0 || path.data[0] != '/')
		path = (struct weft_http_text){"/", 1};
	append_encoded(location, path);
	if (query.data) {
		weft_str_append(location, "?");
		append_encoded(location, query);
	}
}

static int redirect(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const struct weft_http_to_https *to = arg;
	struct weft_http_text host = weft__http_host_name(weft_http_request_host(request));
	struct weft_str location;
	int result = 414;

	if (host.len == 0)
		return weft_http_response_error(response, 400,
			"This server speaks HTTPS only, and the request names no host.");
	weft_str_init(&location, LOCATION_MAX);
	append_location(&location, request, host, to->port);
	if (!weft_str_error(&location))
		result = weft_http_response_redirect(response, 308, weft_str_text(&location));
	if (result < 0 && errno == EMSGSIZE)
		result = 414;
	weft_str_fini(&location);
	return result;
}

const struct weft_http_service weft_http_to_https_service = {
	.on_get = redirect,
	.on_post = redirect,
	.on_put = redirect,
	.on_delete = redirect,
	.on_patch = redirect,
	.on_options = redirect,
	.on_other = redirect,
};
