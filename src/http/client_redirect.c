/*
 * client_redirect.c - where a response leads to, and what the next request is.
 *
 * Entry point: weft__http_fetch_redirect().
 *
 * A server may send its clients anywhere: so what the options don't allow is refused, and what
 * was meant for one origin stays there (http/client_head.c leaves it out).
 *
 * Never: follows to another scheme than http and https, or to one of two places.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/client.h"

/* RFC 9110, section 15.4: whether the next request is a GET without a body. */
static bool becomes_get(const struct weft_http_fetch *fetch, int status)
{
	if (status == 303)
		return strcmp(fetch->method, "HEAD") != 0;
	return (status == 301 || status == 302) && strcmp(fetch->method, "POST") == 0;
}

static bool is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool is_same_origin(const struct weft_http_url *a, const struct weft_http_url *b)
{
	return a->is_https == b->is_https && a->port == b->port && strcmp(a->host, b->host) == 0;
}

/* How many fields of that name there are. */
static unsigned count_fields(const struct weft_http_fetch *fetch, const char *name)
{
	struct weft_http_text is, value;
	unsigned count = 0;

	for (size_t i = 0; weft_http_fetch_field_at(fetch, i, &is, &value); i++)
		count += weft__http_equal_nocase(is.data, is.len, name);
	return count;
}

static struct weft_http_url *resolve_location(struct weft_http_fetch *fetch)
{
	struct weft_http_text location = weft_http_fetch_field(fetch, "location");
	enum weft_http_url_fault fault = WEFT_HTTP_URL_GOOD;
	struct weft_http_url *url = NULL;
	char *reference = strndup(location.data, location.len);

	if (reference)
		url = weft_http_url_resolve(fetch->url, reference, &fault);
	free(reference);
	if (!url && fault)
		weft__http_fetch_fail(fetch, WEFT_HTTP_REDIRECT_REFUSED, EACCES,
			"A redirect can not be followed. %s", weft_http_url_fault_text(fault));
	else if (!url)
		weft__http_fetch_fail_errno(
			fetch, WEFT_HTTP_OTHER_FAULT, "There is no memory for a redirect");
	return url;
}

/* Whether the options let it lead there. */
static int check_redirect(struct weft_http_fetch *fetch, const struct weft_http_url *url)
{
	int max = fetch->options.redirects_max ? fetch->options.redirects_max
					       : WEFT__HTTP_REDIRECTS_MAX;

	if (fetch->redirects >= (unsigned)max)
		return weft__http_fetch_fail(fetch, WEFT_HTTP_TOO_MANY_REDIRECTS, ELOOP,
			"The server redirects again and again.");
	if (fetch->url->is_https && !url->is_https && !fetch->options.allows_downgrade)
		return weft__http_fetch_fail(fetch, WEFT_HTTP_REDIRECT_REFUSED, EACCES,
			"A redirect leads from https to http.");
	if (fetch->options.unix_path && !is_same_origin(fetch->url, url))
		return weft__http_fetch_fail(fetch, WEFT_HTTP_REDIRECT_REFUSED, EACCES,
			"A redirect leads away from the Unix socket.");
	return 0;
}

int weft__http_fetch_redirect(struct weft_http_fetch *fetch)
{
	int status = weft_http_fetch_status(fetch);
	unsigned locations = count_fields(fetch, "location");
	bool keeps_body = fetch->has_body && !becomes_get(fetch, status);
	struct weft_http_url *url;

	if (!is_redirect(status) || fetch->options.redirects_max < 0 || locations == 0 ||
		(keeps_body && fetch->is_streamed))
		return 0;
	if (locations > 1)
		return weft__http_fetch_fail(
			fetch, WEFT_HTTP_BAD_RESPONSE, EBADMSG, "A redirect leads to two places.");
	url = resolve_location(fetch);
	if (!url)
		return -1;
	if (check_redirect(fetch, url) < 0) {
		weft_http_url_free(url);
		return -1;
	}
	weft__http_fetch_drop_body(fetch, true);
	fetch->is_elsewhere = fetch->is_elsewhere || !is_same_origin(fetch->url, url);
	fetch->has_body = keeps_body;
	if (becomes_get(fetch, status))
		fetch->method = "GET";
	weft_http_url_free(fetch->url);
	fetch->url = url;
	fetch->redirects++;
	return 1;
}
