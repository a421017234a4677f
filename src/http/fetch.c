/*
 * fetch.c - a fetch from its beginning to its response: exchanges, retries, redirects.
 *
 * Entry points: weft_http_fetch(), weft_http_get(); weft_http_fetch_begin(), _write(), _flush(),
 * _finish(); weft_http_fetch_free().
 *
 *	exchange: connect -> head -> (leave to go on) -> body -> response's head
 *	              ^                                             |
 *	              +-- kept connection that was closed: once <---+
 *	              +-- redirect: a new URL, maybe as GET <-------+
 *
 * Never: repeats a request that may have been carried out, unless its method allows that.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/client.h"
#include "weft/fiber.h"

/* ---- Failing ------------------------------------------------------------------------ */

int64_t weft__http_fetch_patience(const struct weft_http_fetch *fetch)
{
	int64_t stall_ns = fetch->options.stall_timeout_ns, left_ns;

	if (stall_ns == 0)
		stall_ns = WEFT__HTTP_STALL_NS;
	if (fetch->deadline_ns == INT64_MAX)
		return stall_ns;
	left_ns = fetch->deadline_ns - weft_now();
	if (left_ns < 0)
		left_ns = 0;
	return stall_ns < 0 || left_ns < stall_ns ? left_ns : stall_ns;
}

int weft__http_fetch_fail(struct weft_http_fetch *fetch, enum weft_http_fault_kind kind, int code,
	const char *format, ...)
{
	va_list args;

	fetch->fault.kind = kind;
	va_start(args, format);
	vsnprintf(fetch->fault.text, sizeof(fetch->fault.text), format, args);
	va_end(args);
	errno = code;
	return -1;
}

int weft__http_fetch_fail_errno(
	struct weft_http_fetch *fetch, enum weft_http_fault_kind kind, const char *what)
{
	const struct weft_tls_fault *tls;
	char why[128];
	int code = errno;

	if (code == ETIMEDOUT || code == ECANCELED)
		return weft__http_fetch_fail(fetch, WEFT_HTTP_INTERRUPTED, code, "%s%s", what,
			code == ETIMEDOUT ? " in time." : ": the call was cancelled.");
	if (code == EPROTO && fetch->connection) {
		tls = weft_stream_tls_fault(fetch->connection->stream);
		if (tls->kind)
			return weft__http_fetch_fail(fetch,
				tls->kind == WEFT_TLS_CUT_OFF ? WEFT_HTTP_CUT_OFF
							      : WEFT_HTTP_NO_TLS,
				code, "%s", tls->text);
	}
	if (code == ENOMEM || code == EMFILE || code == ENFILE || code == ENOSYS)
		kind = WEFT_HTTP_OTHER_FAULT;
	return weft__http_fetch_fail(
		fetch, kind, code, "%s: %s.", what, strerror_r(code, why, sizeof(why)));
}

void weft__http_fetch_hang_up(struct weft_http_fetch *fetch)
{
	weft__http_client_connection_free(fetch->connection);
	fetch->connection = NULL;
}

/* ---- One exchange ------------------------------------------------------------------- */

/* What failed was the connection, so that an answer may wait behind it. */
static bool is_lost(const struct weft_http_fetch *fetch)
{
	return fetch->fault.kind == WEFT_HTTP_CUT_OFF && (errno == EPIPE || errno == ECONNRESET);
}

static int send_request(struct weft_http_fetch *fetch, bool with_body)
{
	bool asks = fetch->has_body && fetch->options.expects_continue;

	if (weft__http_fetch_send_head(fetch) < 0)
		return -1;
	if (asks && (weft__http_fetch_send_flush(fetch) < 0 ||
			    weft__http_fetch_await_continue(fetch) < 0))
		return -1;
	if (fetch->is_answered || !with_body)
		return 0;
	return weft__http_fetch_send_body(fetch);
}

/* Servers answer and close, when they have seen enough of a body: RFC 9112, section 9.5. */
static int await_response(struct weft_http_fetch *fetch)
{
	struct weft_http_fault sending = fetch->fault;
	int code = errno;

	if (fetch->is_answered)
		return 0;
	fetch->fault.kind = WEFT_HTTP_NO_FAULT;
	if (weft__http_fetch_await(fetch) == 0)
		return 0;
	if (sending.kind && !fetch->has_heard) {
		fetch->fault = sending;
		errno = code;
	}
	return -1;
}

static int exchange_begin(struct weft_http_fetch *fetch, bool is_new)
{
	weft__http_fetch_hang_up(fetch);
	weft__http_fetch_forget(fetch);
	fetch->fault.kind = WEFT_HTTP_NO_FAULT;
	fetch->state = WEFT__HTTP_SENDING;
	fetch->sent_len = 0;
	fetch->unseen_len = 0;
	fetch->is_sent = fetch->has_heard = fetch->is_answered = false;
	fetch->is_lost = fetch->is_welcome = false;
	return weft__http_fetch_connect(fetch, is_new);
}

static int exchange_once(struct weft_http_fetch *fetch, bool is_new)
{
	if (exchange_begin(fetch, is_new) < 0)
		return -1;
	if (send_request(fetch, true) < 0 && !is_lost(fetch))
		return -1;
	return await_response(fetch);
}

/* RFC 9110, section 9.2.2. */
static bool is_idempotent(const char *method)
{
	static const char *const methods[] = {
		"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", NULL};

	for (const char *const *one = methods; *one; one++)
		if (strcmp(method, *one) == 0)
			return true;
	return false;
}

/* The server had closed a connection that was kept, before it heard of this request. */
static bool may_repeat(const struct weft_http_fetch *fetch)
{
	return fetch->fault.kind == WEFT_HTTP_CUT_OFF && fetch->connection &&
	       fetch->connection->is_reused && !fetch->has_heard && is_idempotent(fetch->method);
}

static int exchange(struct weft_http_fetch *fetch)
{
	if (weft__http_fetch_make_head(fetch) < 0)
		return -1;
	if (exchange_once(fetch, false) == 0)
		return 0;
	return may_repeat(fetch) ? exchange_once(fetch, true) : -1;
}

/* From a response on, to the one that is the caller's. */
static int follow(struct weft_http_fetch *fetch)
{
	int more;

	while ((more = weft__http_fetch_redirect(fetch)) > 0)
		if (exchange(fetch) < 0)
			return -1;
	return more;
}

/* ---- Life --------------------------------------------------------------------------- */

static bool is_method(const char *method)
{
	size_t len = strlen(method);

	/* CONNECT has no URL, and its response no end. */
	return len > 0 && weft__http_span(method, len, WEFT__HTTP_TOKEN) == len &&
	       strcmp(method, "CONNECT") != 0;
}

static bool is_good_body(const struct weft_http_fetch_options *options, bool is_streamed)
{
	if (options->body_len < WEFT_HTTP_LEN_UNKNOWN)
		return false;
	if (is_streamed)
		return !options->body && !options->body_source;
	if (options->body)
		return !options->body_source && options->body_len >= 0;
	return options->body_source || options->body_len == 0;
}

static int take_options(struct weft_http_fetch *fetch)
{
	struct weft_http_fetch_options *options = &fetch->options;
	int64_t now_ns;

	fetch->has_body = options->body_len != 0 || options->body || options->body_source;
	fetch->method = options->method;
	if (!fetch->method)
		fetch->method = fetch->has_body ? "POST" : "GET";
	fetch->deadline_ns = INT64_MAX;
	if (options->timeout_ns > 0) {
		now_ns = weft_now();
		if (options->timeout_ns < INT64_MAX - now_ns)
			fetch->deadline_ns = now_ns + options->timeout_ns;
	}
	if (!is_method(fetch->method) || !is_good_body(options, fetch->is_streamed))
		return weft__http_fetch_fail(fetch, WEFT_HTTP_BAD_REQUEST, EINVAL,
			"The method or the body's options can not be meant.");
	if (options->decodes_gzip && !weft__http_has_gunzip)
		return weft__http_fetch_fail(fetch, WEFT_HTTP_OTHER_FAULT, ENOSYS,
			"This build of weft can not undo gzip.");
	return 0;
}

static int prepare(struct weft_http_fetch *fetch, const char *text)
{
	enum weft_http_url_fault fault = WEFT_HTTP_URL_GOOD;

	if (take_options(fetch) < 0)
		return -1;
	fetch->url = weft_http_url_parse(text, &fault);
	if (!fetch->url && fault)
		return weft__http_fetch_fail(
			fetch, WEFT_HTTP_BAD_URL, EINVAL, "%s", weft_http_url_fault_text(fault));
	fetch->client = fetch->options.client;
	if (!fetch->client) {
		fetch->client = weft_http_client_new(NULL);
		fetch->owns_client = true;
	}
	if (!fetch->url || !fetch->client)
		return weft__http_fetch_fail_errno(
			fetch, WEFT_HTTP_OTHER_FAULT, "There is no memory for a request");
	return 0;
}

static struct weft_http_fetch *fetch_new(
	const struct weft_http_fetch_options *options, bool is_streamed)
{
	struct weft_http_fetch *fetch = calloc(1, sizeof(*fetch));

	if (!fetch)
		return NULL;
	if (options)
		fetch->options = *options;
	fetch->is_streamed = is_streamed;
	return fetch;
}

void weft_http_fetch_free(struct weft_http_fetch *fetch)
{
	int saved_errno = errno;

	if (!fetch)
		return;
	weft__http_fetch_drop_body(fetch, false);
	weft__http_fetch_forget(fetch);
	weft_str_fini(&fetch->request);
	weft_http_url_free(fetch->url);
	if (fetch->owns_client)
		weft_http_client_free(fetch->client);
	free(fetch);
	errno = saved_errno;
}

/* The fetch, or what is left of it: its fault. */
static struct weft_http_fetch *done(struct weft_http_fetch *fetch, int result)
{
	struct weft_http_fault *ret_fault = fetch->options.ret_fault;

	if (ret_fault)
		*ret_fault = fetch->fault;
	if (result == 0)
		return fetch;
	weft_http_fetch_free(fetch);
	return NULL;
}

/* ---- At once ------------------------------------------------------------------------ */

struct weft_http_fetch *weft_http_fetch(
	const char *url, const struct weft_http_fetch_options *options)
{
	struct weft_http_fetch *fetch = fetch_new(options, false);
	int result;

	if (!fetch)
		return NULL;
	result = prepare(fetch, url);
	if (result == 0)
		result = exchange(fetch);
	if (result == 0)
		result = follow(fetch);
	return done(fetch, result);
}

struct weft_http_fetch *weft_http_get(
	const char *url, const struct weft_http_fetch_options *options)
{
	struct weft_http_fetch_options get = {0};

	if (options)
		get = *options;
	get.method = "GET";
	return weft_http_fetch(url, &get);
}

/* ---- By steps ----------------------------------------------------------------------- */

struct weft_http_fetch *weft_http_fetch_begin(
	const char *url, const struct weft_http_fetch_options *options)
{
	struct weft_http_fetch *fetch = fetch_new(options, true);
	int result;

	if (!fetch)
		return NULL;
	result = prepare(fetch, url);
	if (result == 0)
		result = weft__http_fetch_make_head(fetch);
	if (result == 0)
		result = exchange_begin(fetch, false);
	if (result == 0)
		result = send_request(fetch, false);
	return done(fetch, result);
}

/* After a failed step: only finish can go on, if the server may have answered. */
static int step_failed(struct weft_http_fetch *fetch)
{
	int code = errno;

	if (is_lost(fetch)) {
		fetch->is_lost = true;
		errno = EPIPE;
		return -1;
	}
	fetch->state = WEFT__HTTP_FAILED;
	fetch->code = code;
	weft__http_fetch_hang_up(fetch);
	errno = code;
	return -1;
}

/* Whether there is somebody to write to. */
static int check_sending(const struct weft_http_fetch *fetch)
{
	if (fetch->state == WEFT__HTTP_SENDING && !fetch->is_lost)
		return 0;
	errno = fetch->state == WEFT__HTTP_FAILED ? fetch->code : EPIPE;
	return -1;
}

int weft_http_fetch_write(struct weft_http_fetch *fetch, const void *data, size_t len)
{
	if (check_sending(fetch) < 0)
		return -1;
	if (weft__http_fetch_send(fetch, data, len) == 0)
		return 0;
	/* What was too long is not sent; the rest may be. */
	return fetch->fault.kind == WEFT_HTTP_NOT_SENT ? -1 : step_failed(fetch);
}

int weft_http_fetch_flush(struct weft_http_fetch *fetch)
{
	if (check_sending(fetch) < 0)
		return -1;
	return weft__http_fetch_send_flush(fetch) == 0 ? 0 : step_failed(fetch);
}

int weft_http_fetch_finish(struct weft_http_fetch *fetch)
{
	int result = 0;

	if (fetch->state == WEFT__HTTP_FAILED)
		return check_sending(fetch);
	if (fetch->state == WEFT__HTTP_SENDING) {
		if (!fetch->is_lost && weft__http_fetch_send_end(fetch) < 0 && !is_lost(fetch))
			return step_failed(fetch);
		result = await_response(fetch);
	}
	if (result == 0)
		result = follow(fetch);
	if (result == 0)
		return 0;
	fetch->is_lost = false;
	fetch->state = WEFT__HTTP_FAILED;
	fetch->code = errno;
	weft__http_fetch_hang_up(fetch);
	errno = fetch->code;
	return -1;
}

/* ---- What it lends ------------------------------------------------------------------ */

const struct weft_http_url *weft_http_fetch_url(const struct weft_http_fetch *fetch)
{
	return fetch->url;
}

unsigned weft_http_fetch_redirects(const struct weft_http_fetch *fetch)
{
	return fetch->redirects;
}

const struct weft_http_fault *weft_http_fetch_fault(const struct weft_http_fetch *fetch)
{
	return &fetch->fault;
}
