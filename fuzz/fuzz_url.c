/*
 * fuzz_url.c - URLs and references to others from an enemy.
 *
 * The input is a base and, after its first line feed, a reference. What is taken has one form,
 * which is taken as itself again, and nothing in it that would end a line, or a request's line.
 *
 * Never: a connection.
 */
#include <stdlib.h>
#include <string.h>

#include "http/chars.h"
#include "weft/http_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool fact)
{
	if (!fact)
		abort();
}

/* No segment of it is "." or "..". */
static void check_path(const char *path, size_t len)
{
	for (size_t at = 0; at < len; at++) {
		size_t end = at + 1;

		while (end < len && path[end] != '/')
			end++;
		if (path[at] == '/')
			require(!(end - at == 2 && path[at + 1] == '.') &&
				!(end - at == 3 && path[at + 1] == '.' && path[at + 2] == '.'));
	}
}

static void check_url(const struct weft_http_url *url)
{
	size_t len = strlen(url->text), target_len = strlen(url->target);
	enum weft_http_url_fault fault = WEFT_HTTP_URL_GOOD;
	struct weft_http_url *again = weft_http_url_parse(url->text, &fault);

	require(len <= WEFT_HTTP_URL_MAX && url->port > 0 && url->host[0] != '\0');
	require(url->target == url->text + len - target_len && url->target[0] == '/');
	require(weft__http_span(url->target, target_len, WEFT__HTTP_TARGET) == target_len);
	require(!strpbrk(url->text, " #\"<>\r\n\t"));
	check_path(url->target, strcspn(url->target, "?"));
	require(again && fault == WEFT_HTTP_URL_GOOD && strcmp(again->text, url->text) == 0);
	require(strcmp(again->host, url->host) == 0 && again->port == url->port);
	weft_http_url_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1), *reference;
	enum weft_http_url_fault fault = WEFT_HTTP_URL_GOOD;
	struct weft_http_url *base, *url;

	require(text != NULL);
	memcpy(text, data, len);
	text[len] = '\0';
	reference = strchr(text, '\n');
	if (reference)
		*reference++ = '\0';
	base = weft_http_url_parse(text, &fault);
	require((base != NULL) == (fault == WEFT_HTTP_URL_GOOD));
	if (base)
		check_url(base);
	if (base && reference) {
		url = weft_http_url_resolve(base, reference, &fault);
		require((url != NULL) == (fault == WEFT_HTTP_URL_GOOD));
		if (url)
			check_url(url);
		weft_http_url_free(url);
	}
	weft_http_url_free(base);
	free(text);
	return 0;
}
