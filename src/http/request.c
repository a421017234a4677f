/*
 * request.c - what a handler can ask of a request.
 *
 * Entry points: the weft_http_request_ functions of weft/http.h.
 * Never: reads from the stream; that is body.c's.
 */
#include "http/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/chars.h"
#include "http/path.h"
#include "io/stream.h"

static void forget_head(struct weft_http_request *request)
{
	weft__http_head_reset(&request->head);
	if (request->path != request->path_small)
		free(request->path);
	request->path = request->path_small;
	request->path_small[0] = '\0';
	request->has_path = false;
	request->is_host_good = false;
	request->has_client = false;
	request->is_by_https = false;
	request->client[0] = '\0';
	request->repeat_len = 0;
	request->finding.keeper = NULL;
}

void weft__http_request_init(struct weft_http_request *request, struct weft_stream *stream)
{
	request->stream = stream;
	request->head_copy = NULL;
	request->params = NULL;
	request->user = NULL;
	memset(&request->body, 0, sizeof(request->body));
	request->path = request->path_small;
	request->peer[0] = '\0';
	request->prefix_len = 0;
	request->match = NULL;
	request->repeat_len = 0;
	weft__http_request_reset(request);
	forget_head(request);
}

void weft__http_request_reset(struct weft_http_request *request)
{
	weft__http_body_reset(request);
	if (request->params) {
		weft_http_params_free(request->params);
		request->params = NULL;
	}
	if (request->user) {
		free(request->user);
		request->user = NULL;
	}
	request->kept_count = 0;
	request->data = NULL;
	request->data_len = 0;
}

void weft__http_request_fini(struct weft_http_request *request)
{
	weft__http_request_reset(request);
	forget_head(request);
}

/* ---- Taking a head ----------------------------------------------------------------------- */

enum weft__http_parse_result weft__http_request_take_more(
	struct weft_http_request *request, const char *data, size_t len)
{
	enum weft__http_parse_result result;

	request->data = data;
	request->data_len = len;
	result = weft__http_parse(&request->head, data, len);
	if (result == WEFT__HTTP_DONE && request->head.len <= WEFT__HTTP_REPEAT_MAX) {
		memcpy(request->repeat, data, request->head.len);
		request->repeat_len = (uint16_t)request->head.len;
	}
	return result;
}

/* A head ends at its first empty line, so what begins with the same head is the same request. */
static bool is_repeated(const struct weft_http_request *request, const char *data, size_t len)
{
	return request->repeat_len > 0 && len >= request->repeat_len &&
	       memcmp(data, request->repeat, request->repeat_len) == 0;
}

enum weft__http_parse_result weft__http_request_take(
	struct weft_http_request *request, const char *data, size_t len)
{
	if (!is_repeated(request, data, len)) {
		forget_head(request);
		return weft__http_request_take_more(request, data, len);
	}
	request->data = data;
	request->data_len = len;
	return WEFT__HTTP_DONE;
}

int weft__http_request_decode_path(struct weft_http_request *request, const char **ret_why)
{
	struct weft_http_text encoded;
	size_t len;

	if (request->has_path)
		return 0;
	encoded = weft__http_place_text(request->data, request->head.path);
	if (encoded.len == 0 || encoded.data[0] != '/') {
		/* "http://host" means "http://host/"; and "*" is of the server as a whole. */
		memcpy(request->path, encoded.len == 0 ? "/" : "*", 2);
		return 0;
	}
	if (encoded.len >= sizeof(request->path_small)) {
		char *path = malloc(encoded.len + 1);

		*ret_why = NULL;
		if (!path)
			return 503;
		request->path = path;
	}
	*ret_why = weft__http_path_decode(encoded.data, encoded.len, request->path, &len);
	request->has_path = !*ret_why;
	return *ret_why ? 400 : 0;
}

enum weft_http_method weft_http_request_method(const struct weft_http_request *request)
{
	return request->head.method;
}

const char *weft_http_request_path(const struct weft_http_request *request)
{
	return request->path + request->prefix_len;
}

struct weft_http_text weft_http_request_query(const struct weft_http_request *request)
{
	if (request->head.query.at == 0)
		return (struct weft_http_text){NULL, 0};
	return weft__http_place_text(request->data, request->head.query);
}

struct weft_http_text weft_http_request_host(const struct weft_http_request *request)
{
	if (request->head.host.at == 0)
		return (struct weft_http_text){NULL, 0};
	return weft__http_place_text(request->data, request->head.host);
}

struct weft_http_text weft_http_request_field(
	const struct weft_http_request *request, const char *name)
{
	const struct weft__http_head *head = &request->head;
	size_t len = strlen(name);

	for (unsigned i = 0; i < head->field_count; i++)
		if (head->fields[i].name.len == len &&
			strncasecmp(request->data + head->fields[i].name.at, name, len) == 0)
			return weft__http_place_text(request->data, head->fields[i].value);
	return (struct weft_http_text){NULL, 0};
}

bool weft_http_request_field_at(const struct weft_http_request *request, size_t index,
	struct weft_http_text *ret_name, struct weft_http_text *ret_value)
{
	const struct weft__http_head *head = &request->head;

	if (index >= head->field_count)
		return false;
	*ret_name = weft__http_place_text(request->data, head->fields[index].name);
	*ret_value = weft__http_place_text(request->data, head->fields[index].value);
	return true;
}

unsigned weft__http_request_find(
	const struct weft_http_request *request, const char *name, struct weft_http_text *ret_first)
{
	struct weft_http_text found, value;
	unsigned count = 0;

	*ret_first = (struct weft_http_text){NULL, 0};
	for (size_t i = 0; weft_http_request_field_at(request, i, &found, &value); i++)
		if (weft__http_equal_nocase(found.data, found.len, name) && count++ == 0)
			*ret_first = value;
	return count;
}

struct weft_http_text weft_http_request_line(const struct weft_http_request *request)
{
	size_t len = request->data_len;

	if (request->head.line.len > 0)
		return weft__http_place_text(request->data, request->head.line);
	for (size_t i = 0; i < len; i++)
		if (request->data[i] == '\r' || request->data[i] == '\n')
			len = i;
	return (struct weft_http_text){request->data, len};
}

int weft_http_request_fd(const struct weft_http_request *request)
{
	return weft_stream_fd(request->stream);
}

const char *weft_http_request_peer(const struct weft_http_request *request)
{
	/* Filled on first use: a connection that logs nothing never asks the kernel. */
	char *peer = (char *)request->peer;

	if (!peer[0]) {
		const struct weft_address *address = weft_stream_peer(request->stream);

		if (address->len == 0 || weft_address_family(address) == AF_UNIX)
			memcpy(peer, "-", 2);
		else
			weft_address_print_host(address, peer, sizeof(request->peer));
	}
	return peer;
}

const char *weft_http_request_client(const struct weft_http_request *request)
{
	return request->client[0] ? request->client : weft_http_request_peer(request);
}

const struct weft_tls_facts *weft_http_request_tls(const struct weft_http_request *request)
{
	return weft__stream_facts(request->stream);
}

const char *weft_http_request_scheme(const struct weft_http_request *request)
{
	return request->stream->layer || request->is_by_https ? "https" : "http";
}
