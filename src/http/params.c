/*
 * params.c - queries, forms and cookies: names and values.
 *
 * Entry points: weft_http_params_parse() and what asks it; weft_http_request_params(), _form()
 * and _cookie().
 *
 * One block of memory: the pairs, and behind them the text, decoded in place.
 *
 * Never: a decoded value that a C string would cut short.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/chars.h"
#include "http/request.h"

struct pair {
	const char *name, *value;
};

struct weft_http_params {
	size_t count;
	struct pair pairs[];
};

/* ---- Taking apart -------------------------------------------------------------------------- */

/* Decode len bytes to *to, which moves on, and end them with NUL. False: there is one in them. */
static bool decode(const char *text, size_t len, char **to)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i] == '+' ? ' ' : text[i];

		if (c == '%' && len - i > 2 && weft__http_is(text[i + 1], WEFT__HTTP_HEX) &&
			weft__http_is(text[i + 2], WEFT__HTTP_HEX)) {
			c = (char)(weft__http_hex(text[i + 1]) << 4 | weft__http_hex(text[i + 2]));
			i += 2;
		}
		if (c == '\0')
			return false;
		*(*to)++ = c;
	}
	*(*to)++ = '\0';
	return true;
}

static size_t count_pairs(const char *text, size_t len)
{
	size_t count = len > 0;

	for (size_t i = 0; i < len; i++)
		count += text[i] == '&';
	return count;
}

/* One pair of len bytes, to *to. An empty one ("a=1&&b=2") is none. */
static bool take_pair(struct weft_http_params *params, const char *text, size_t len, char **to)
{
	struct pair *pair = &params->pairs[params->count];
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals ? (size_t)(equals - text) : len;

	if (len == 0)
		return true;
	pair->name = *to;
	if (!decode(text, name_len, to))
		return false;
	pair->value = *to;
	if (!decode(text + name_len + !!equals, len - name_len - !!equals, to))
		return false;
	params->count++;
	return true;
}

struct weft_http_params *weft_http_params_parse(const char *text, size_t len)
{
	size_t count = count_pairs(text, len), at = 0;
	struct weft_http_params *params;
	char *to;

	if (count > WEFT_HTTP_PARAMS_MAX) {
		errno = EMSGSIZE;
		return NULL;
	}
	/* Each pair has two NULs, and loses its '=' and '&'. */
	params = malloc(sizeof(*params) + count * sizeof(params->pairs[0]) + len + 2 * count);
	if (!params)
		return NULL;
	params->count = 0;
	to = (char *)&params->pairs[count];
	while (at < len) {
		const char *end = memchr(text + at, '&', len - at);
		size_t pair_len = end ? (size_t)(end - text) - at : len - at;

		if (!take_pair(params, text + at, pair_len, &to)) {
			free(params);
			errno = EBADMSG;
			return NULL;
		}
		at += pair_len + 1;
	}
	return params;
}

void weft_http_params_free(struct weft_http_params *params)
{
	free(params);
}

const char *weft_http_params_get(
	const struct weft_http_params *params, const char *name, size_t nth)
{
	for (size_t i = 0; i < params->count; i++)
		if (strcmp(params->pairs[i].name, name) == 0 && nth-- == 0)
			return params->pairs[i].value;
	return NULL;
}

bool weft_http_params_at(const struct weft_http_params *params, size_t index, const char **ret_name,
	const char **ret_value)
{
	if (index >= params->count)
		return false;
	*ret_name = params->pairs[index].name;
	*ret_value = params->pairs[index].value;
	return true;
}

/* ---- Of a request -----------------------------------------------------------------------------
 */

const struct weft_http_params *weft_http_request_params(struct weft_http_request *request)
{
	struct weft_http_text query = weft_http_request_query(request);

	if (!request->params)
		request->params = weft_http_params_parse(query.data ? query.data : "", query.len);
	return request->params;
}

/* RFC 9110, section 8.3: the type may be followed by parameters. */
static bool is_form(const struct weft_http_request *request)
{
	static const char type[] = "application/x-www-form-urlencoded";
	struct weft_http_text is = weft_http_request_field(request, "Content-Type");
	size_t len = 0;

	while (len < is.len && is.data[len] != ';' && is.data[len] != ' ' && is.data[len] != '\t')
		len++;
	return weft__http_equal_nocase(is.data, len, type);
}

/* The whole body in *ret_data, which is the caller's. Its length; -1. */
static ssize_t read_all(struct weft_http_request *request, size_t max, char **ret_data)
{
	size_t size = 0, len = 0;
	char *data = NULL;
	ssize_t some = 1;

	while (some > 0) {
		if (len == size) {
			char *larger = realloc(data, size ? size * 2 : 1024);

			if (!larger)
				break;
			size = size ? size * 2 : 1024;
			data = larger;
		}
		some = weft_http_request_read(request, data + len, size - len);
		len += some > 0 ? (size_t)some : 0;
		if (len > max) {
			errno = EMSGSIZE;
			break;
		}
	}
	*ret_data = data;
	return some == 0 ? (ssize_t)len : -1;
}

struct weft_http_params *weft_http_request_form(struct weft_http_request *request, size_t max)
{
	struct weft_http_params *params = NULL;
	char *data;
	ssize_t len;

	if (!is_form(request)) {
		errno = EPROTOTYPE;
		return NULL;
	}
	len = read_all(request, max, &data);
	if (len >= 0)
		params = weft_http_params_parse(data, (size_t)len);
	free(data);
	return params;
}

struct weft_http_text weft_http_request_cookie(
	const struct weft_http_request *request, const char *name)
{
	struct weft_http_text cookies = weft_http_request_field(request, "Cookie");
	size_t name_len = strlen(name), at = 0;

	while (at < cookies.len) {
		const char *one = cookies.data + at;
		const char *end = memchr(one, ';', cookies.len - at);
		size_t len = end ? (size_t)(end - one) : cookies.len - at;

		at += len + 1;
		while (len > 0 && (*one == ' ' || *one == '\t')) {
			one++;
			len--;
		}
		if (len > name_len && one[name_len] == '=' && memcmp(one, name, name_len) == 0)
			return (struct weft_http_text){one + name_len + 1, len - name_len - 1};
	}
	return (struct weft_http_text){NULL, 0};
}
