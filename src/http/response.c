/*
 * response.c - what a handler says, put into HTTP/1.1's words.
 *
 * Entry points: the weft_http_response_ functions of weft/http.h, and the parts that
 * src/http/files.c puts together itself (response.h).
 *
 * Never: writes a field with a control character in it, or two answers to a request.
 */
#include "http/response.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "http/chars.h"
#include "http/page.h"
#include "http/service.h"
#include "weft/scope.h"

/** Bytes of all fields that weft_http_response_field() adds. */
#define FIELDS_LEN_MAX 16384

void weft__http_response_reset(struct weft_http_response *response)
{
	if (response->fields.text)
		weft_str_fini(&response->fields);
	response->type_end = 0;
	if (response->pieces.are_open)
		weft__http_pieces_reset(&response->pieces);
	response->status = 0;
	response->body_len = 0;
	response->closes = false;
	response->in_error = false;
}

/* ---- Parts -------------------------------------------------------------------------- */

int weft__http_response_begin(struct weft_http_response *response, int status)
{
	const char *line = status == 200 ? NULL : weft__http_status_line(status);
	char other[48];

	if (response->status) {
		errno = EALREADY;
		return -1;
	}
	if (!line && status != 200) {
		snprintf(other, sizeof(other), "HTTP/1.1 %d Unknown\r\nDate: ", status);
		line = other;
	}
	response->status = status;
	if (!weft__http_body_can_end(response->request))
		response->closes = true;
	response->request->body.is_continued = true; /* the last word is said */
	return weft__http_output_status(&response->output, line);
}

int weft__http_response_write_fields(
	struct weft_http_response *response, const char *fields, size_t len)
{
	return weft__http_output_write(&response->output, fields, len);
}

int weft__http_response_write_whole(
	struct weft_http_response *response, const char *text, size_t len, int64_t body_len)
{
	if (response->status) {
		errno = EALREADY;
		return -1;
	}
	response->status = 200;
	response->body_len = body_len;
	response->request->body.is_continued = true;
	return weft__http_output_ok(&response->output, text, len);
}

int weft__http_response_end_fields(struct weft_http_response *response)
{
	const char *end = "\r\n";

	if (response->closes)
		end = "Connection: close\r\n\r\n";
	else if (response->request->head.minor_version == 0)
		end = "Connection: keep-alive\r\n\r\n";
	if (weft__http_output_write(&response->output, weft_str_text(&response->fields),
		    weft_str_len(&response->fields)) < 0)
		return -1;
	return weft__http_output_write(&response->output, end, strlen(end));
}

static bool has_body(const struct weft_http_response *response)
{
	return response->request->head.method != WEFT_HTTP_HEAD && response->status != 204 &&
	       response->status != 304;
}

int weft__http_response_write_body(
	struct weft_http_response *response, const void *data, size_t len)
{
	int64_t before = response->output.written;
	int result;

	if (!has_body(response) || len == 0)
		return 0;
	result = weft__http_output_write(&response->output, data, len);
	response->body_len += response->output.written - before;
	return result;
}

int weft__http_response_write_file(
	struct weft_http_response *response, int fd, int64_t offset, int64_t len)
{
	int64_t before = response->output.written;
	int result;

	if (!has_body(response))
		return 0;
	result = weft__http_output_file(&response->output, fd, offset, len);
	response->body_len += response->output.written - before;
	return result;
}

/* ---- Whole answers -------------------------------------------------------------------- */

/* A second one, of a handler that passes on the fields of others, would part server and peer
 * over where the answer ends. */
static bool is_the_servers_own(const char *name, size_t len)
{
	static const char *const own[] = {
		"connection", "content-length", "date", "transfer-encoding"};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (weft__http_equal_nocase(name, len, own[i]))
			return true;
	return false;
}

/* "Content-Type" */
#define TYPE_NAME_LEN 12

void weft__http_response_drop_type(struct weft_http_response *response)
{
	char *line, *next;

	if (response->type_end == 0)
		return;
	line = response->fields.text + response->type_end - TYPE_NAME_LEN;
	next = strchr(line, '\n') + 1;
	memmove(line, next, strlen(next));
	weft_str_truncate(
		&response->fields, weft_str_len(&response->fields) - (size_t)(next - line));
	response->type_end = 0;
}

/* Forget what was added by that name, in small letters. */
static void drop_fields(struct weft_http_response *response, const char *name)
{
	size_t name_len = strlen(name);
	char *line = response->fields.text;

	while (line && *line) {
		char *next = strchr(line, '\n') + 1;

		if (strcspn(line, ":") != name_len ||
			!weft__http_equal_nocase(line, name_len, name)) {
			line = next;
			continue;
		}
		if (response->type_end > (size_t)(line - response->fields.text))
			response->type_end -= (size_t)(next - line);
		memmove(line, next, strlen(next) + 1);
		weft_str_truncate(
			&response->fields, weft_str_len(&response->fields) - (size_t)(next - line));
	}
}

int weft_http_response_field(
	struct weft_http_response *response, const char *name, const char *value)
{
	size_t name_len = strlen(name);
	bool is_type;

	if (response->status) {
		errno = EALREADY;
		return -1;
	}
	if (name_len == 0 || weft__http_span(name, name_len, WEFT__HTTP_TOKEN) != name_len ||
		!weft__http_is_field_value(value, strlen(value)) ||
		is_the_servers_own(name, name_len)) {
		errno = EINVAL;
		return -1;
	}
	/* Refused beforehand: a string that was once too long takes nothing more. */
	if (name_len + strlen(value) + 4 > FIELDS_LEN_MAX - weft_str_len(&response->fields)) {
		errno = EMSGSIZE;
		return -1;
	}
	if (!response->fields.text)
		weft_str_init(&response->fields, FIELDS_LEN_MAX);
	/* How long an error page is kept is said by that: it is another answer than what has
	 * failed. */
	if (response->in_error && weft__http_equal_nocase(name, name_len, "cache-control"))
		drop_fields(response, "cache-control");
	/* An answer has one type (9110, 8.3): an error page's is not that of what it stands for. */
	is_type = weft__http_equal_nocase(name, name_len, "content-type");
	if (is_type)
		weft__http_response_drop_type(response);
	if (weft_str_appendf(&response->fields, "%s: %s\r\n", name, value) < 0)
		return -1;
	if (is_type)
		response->type_end = weft_str_len(&response->fields) - strlen(value) - 4;
	return 0;
}

int weft_http_response_send(
	struct weft_http_response *response, int status, const struct weft_http_content *content)
{
	static const struct weft_http_content nothing = {NULL, NULL, 0};
	char length[48];
	int len;

	if (status < 200 || status > 599) {
		errno = EINVAL;
		return -1;
	}
	if (!content)
		content = &nothing;
	if (content->type && weft_http_response_field(response, "Content-Type", content->type) < 0)
		return -1;
	if (weft__http_response_begin(response, status) < 0)
		return -1;
	if (status != 204 && status != 304) {
		len = snprintf(length, sizeof(length), "Content-Length: %zu\r\n", content->len);
		if (weft__http_response_write_fields(response, length, (size_t)len) < 0)
			return -1;
	}
	if (weft__http_response_end_fields(response) < 0)
		return -1;
	return weft__http_response_write_body(response, content->data, content->len);
}

static bool has_error_page(const struct weft_http_service *service)
{
	return service->on_error;
}

/* Who makes the page: the service or its parents; or of those that it is mounted in, the nearest.
 */
static const struct weft_http_service *find_error_page(
	const struct weft_http_response *response, void **ret_arg)
{
	const struct weft_http_service *service;

	*ret_arg = response->arg;
	service = weft__http_service_find(response->service, ret_arg, has_error_page);
	for (const struct weft__http_outer *outer = response->outer; !service && outer;
		outer = outer->outer) {
		*ret_arg = outer->arg;
		service = weft__http_service_find(outer->service, ret_arg, has_error_page);
	}
	return service;
}

int weft_http_response_error(struct weft_http_response *response, int status, const char *why)
{
	const struct weft_http_service *service;
	void *arg;
	int result = 0;

	if (response->status) {
		errno = EALREADY;
		return -1;
	}
	/* An error page that fails ends in the plain one, not in itself. */
	service = find_error_page(response, &arg);
	if (service && !response->in_error) {
		response->in_error = true;
		result = service->on_error(response->request, response, why, status, arg);
	}
	/* Nor is one owed that was forgotten: the peer would take the next answer for it. */
	if (response->status)
		return result;
	return weft__http_page_error(response, status, why);
}

int weft_http_response_redirect(
	struct weft_http_response *response, int status, const char *location)
{
	if (status < 301 || status > 308 || (status > 303 && status < 307)) {
		errno = EINVAL;
		return -1;
	}
	if (weft_http_response_field(response, "Location", location) < 0)
		return -1;
	return weft__http_page_redirect(response, status, location);
}

void weft_http_response_close_after(struct weft_http_response *response)
{
	response->closes = true;
}

int weft_http_response_status(const struct weft_http_response *response)
{
	return response->status;
}

int64_t weft_http_response_body_len(const struct weft_http_response *response)
{
	return response->body_len;
}

/* As answer() of connection.c has it. */
int weft_http_response_outcome(const struct weft_http_response *response, int result)
{
	const struct weft__http_body *body = &response->request->body;

	if (response->status)
		return response->status;
	if (result < 0 && body->state == WEFT__HTTP_BODY_FAILED)
		return body->status;
	if (result < 0 && weft_interrupted())
		return 0;
	return result >= 400 && result <= 599 ? result : 500;
}
