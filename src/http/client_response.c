/*
 * client_response.c - the head of the response is waited for, and taken.
 *
 * Entry points: weft__http_fetch_await(), weft__http_fetch_await_continue().
 *
 * Before the one that counts there may be others, of status 1xx: they are dropped, up to a
 * bound (RFC 9110, section 15.2). The whole head is to come within the time for one step, or a
 * server could drip it for hours.
 *
 * Never: takes a byte of what follows the head.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/client.h"
#include "weft/scope.h"
#include "weft/socket.h"

static int fail_early_end(struct weft_http_fetch *fetch)
{
	return weft__http_fetch_fail(fetch, WEFT_HTTP_CUT_OFF,
		fetch->has_heard ? EPIPE : ECONNRESET,
		fetch->has_heard ? "The response was cut off within its head."
				 : "The server closed the connection without a response.");
}

/* One head, into the stream's buffer and fetch->response. */
static int read_head(struct weft_http_fetch *fetch, const char **ret_data)
{
	struct weft_stream *stream = fetch->connection->stream;
	enum weft__http_parse_result result = WEFT__HTTP_MORE;
	ssize_t len = 0;

	weft__http_response_head_reset(&fetch->response);
	while (result == WEFT__HTTP_MORE) {
		size_t have = (size_t)len;

		len = weft_stream_peek(stream, have + 1, ret_data);
		if (len < 0)
			return -1;
		if ((size_t)len <= have)
			return fail_early_end(fetch);
		fetch->has_heard = true;
		result = weft__http_parse_response(&fetch->response, *ret_data, (size_t)len);
	}
	if (result == WEFT__HTTP_DONE)
		return 0;
	return weft__http_fetch_fail(fetch, WEFT_HTTP_BAD_RESPONSE, EBADMSG,
		"The response can not be read. %s",
		weft__http_fault_text(fetch->response.head.fault));
}

/* The one that counts: it leaves the buffer, and what it lends stays valid. */
static int take_head(struct weft_http_fetch *fetch, const char *data)
{
	size_t len = fetch->response.head.len;

	fetch->head = malloc(len);
	if (!fetch->head)
		return weft__http_fetch_fail_errno(
			fetch, WEFT_HTTP_OTHER_FAULT, "There is no memory for the response");
	memcpy(fetch->head, data, len);
	weft_stream_consume(fetch->connection->stream, len);
	weft__http_response_unfold(&fetch->response, fetch->head);
	return weft__http_fetch_open_body(fetch);
}

/* Heads up to one that counts, or that gives leave to send the body (if that is wanted). */
static int read_heads(struct weft_http_fetch *fetch, bool wants_leave)
{
	const char *data;

	for (unsigned interim = 0; interim <= WEFT__HTTP_INTERIM_MAX; interim++) {
		if (read_head(fetch, &data) < 0)
			return -1;
		if (fetch->response.status >= 200)
			return take_head(fetch, data);
		if (fetch->response.status == 101)
			return weft__http_fetch_fail(fetch, WEFT_HTTP_BAD_RESPONSE, EBADMSG,
				"The server changes to a protocol that nobody asked for.");
		weft_stream_consume(fetch->connection->stream, fetch->response.head.len);
		if (wants_leave && fetch->response.status == 100)
			return 0;
	}
	return weft__http_fetch_fail(fetch, WEFT_HTTP_BAD_RESPONSE, EBADMSG,
		"The server sends one interim response after the other.");
}

int weft__http_fetch_await(struct weft_http_fetch *fetch)
{
	int result = -1;

	WEFT_WITH_TIMEOUT (weft__http_fetch_patience(fetch))
		result = read_heads(fetch, false);
	if (result < 0 && !fetch->fault.kind)
		weft__http_fetch_fail_errno(fetch, WEFT_HTTP_CUT_OFF, "The response did not come");
	return result;
}

int weft__http_fetch_await_continue(struct weft_http_fetch *fetch)
{
	int64_t patience_ns = weft__http_fetch_patience(fetch);
	int64_t continue_ns = fetch->client->continue_ns;
	bool is_own = patience_ns < 0 || patience_ns > continue_ns;
	int result = -1;

	WEFT_WITH_TIMEOUT (is_own ? continue_ns : patience_ns)
		result = read_heads(fetch, true);
	if (result == 0) {
		fetch->is_answered = fetch->head != NULL;
		return 0;
	}
	/* Many servers say nothing: then the body goes unasked. */
	if (!fetch->fault.kind && errno == ETIMEDOUT && is_own && weft_interrupted() == 0)
		return 0;
	if (!fetch->fault.kind)
		weft__http_fetch_fail_errno(fetch, WEFT_HTTP_CUT_OFF, "The response did not come");
	return -1;
}

/* Under TLS the descriptor may have bytes, and none of them for us: there it is not asked. */
static size_t come_by_now(struct weft_http_fetch *fetch, const char **ret_data)
{
	struct weft_stream *stream = fetch->connection->stream;
	ssize_t len = weft_stream_peek(stream, 0, ret_data);
	char byte;

	if (!fetch->url->is_https && len < WEFT_STREAM_BUFFER_SIZE &&
		weft_recv(weft_stream_fd(stream), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
		len = weft_stream_peek(stream, (size_t)len + 1, ret_data);
	return len > 0 ? (size_t)len : 0;
}

bool weft__http_fetch_is_refused(struct weft_http_fetch *fetch)
{
	struct weft__http_response_head *response = &fetch->response;
	size_t len, at = 0;
	const char *data;

	if (fetch->is_welcome)
		return false;
	len = come_by_now(fetch, &data);
	do {
		weft__http_response_head_reset(response);
		if (weft__http_parse_response(response, data + at, len - at) != WEFT__HTTP_DONE)
			return false;
		at += response->head.len;
	} while (response->status < 200);
	fetch->is_welcome = response->status < 400;
	return !fetch->is_welcome;
}

void weft__http_fetch_forget(struct weft_http_fetch *fetch)
{
	free(fetch->head);
	fetch->head = NULL;
	weft__http_gunzip_free(fetch->gunzip);
	fetch->gunzip = NULL;
	memset(&fetch->chunks, 0, sizeof(fetch->chunks));
	fetch->left = 0;
	fetch->is_received = false;
}

/* ---- What it lends ------------------------------------------------------------------ */

int weft_http_fetch_status(const struct weft_http_fetch *fetch)
{
	return fetch->head ? (int)fetch->response.status : 0;
}

struct weft_http_text weft_http_fetch_reason(const struct weft_http_fetch *fetch)
{
	if (!fetch->head)
		return (struct weft_http_text){NULL, 0};
	return weft__http_place_text(fetch->head, fetch->response.reason);
}

struct weft_http_text weft_http_fetch_field(const struct weft_http_fetch *fetch, const char *name)
{
	if (!fetch->head)
		return (struct weft_http_text){NULL, 0};
	return weft__http_response_find(&fetch->response, fetch->head, name);
}

bool weft_http_fetch_field_at(const struct weft_http_fetch *fetch, size_t index,
	struct weft_http_text *ret_name, struct weft_http_text *ret_value)
{
	const struct weft__http_head *head = &fetch->response.head;

	if (!fetch->head || index >= head->field_count)
		return false;
	*ret_name = weft__http_place_text(fetch->head, head->fields[index].name);
	*ret_value = weft__http_place_text(fetch->head, head->fields[index].value);
	return true;
}
