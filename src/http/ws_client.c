/*
 * ws_client.c - the client's half of the opening handshake (RFC 6455, section 4.1).
 *
 * Entry point: weft_ws_connect().
 *
 *	ws://host:port/path?query	wss://[2001:db8::1]/
 *	     |-- authority --| |-- target --|
 *
 * Never: takes for a WebSocket what has not shown that it read our key.
 */
#include "http/ws.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "http/chars.h"
#include "http/limits.h"
#include "http/parse_response.h"
#include "weft/scope.h"
#include "weft/stream.h"
#include "weft/tls.h"

/* Of a request, with all that the options add to it. */
#define REQUEST_LEN_MAX 65536

/* An attempt to connect. */
struct attempt {
	const struct weft_ws_options *options;
	bool is_tls;
	struct weft_http_text authority; /* of the URL: host, and port if it was given */
	const char *target;              /* of the URL; may lack the slash */
	char *host_port;
	struct weft_stream *stream;
	char key[WEFT__WS_KEY_LEN + 1];
	struct weft__ws_terms terms;
	char *protocol;
};

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- What is asked --------------------------------------------------------------------------- */

static bool has_port(struct weft_http_text authority)
{
	const char *bracket = memchr(authority.data, ']', authority.len);
	size_t skipped = bracket ? (size_t)(bracket - authority.data) : 0;

	return memchr(authority.data + skipped, ':', authority.len - skipped) != NULL;
}

/* Take the URL apart (section 3), which is the caller's. */
static int read_url(struct attempt *attempt, const char *url)
{
	struct weft_http_text *authority = &attempt->authority;
	struct weft_str host_port;

	attempt->is_tls = strncasecmp(url, "wss://", 6) == 0;
	if (!attempt->is_tls && strncasecmp(url, "ws://", 5) != 0)
		return fail(EINVAL);
	authority->data = url + (attempt->is_tls ? 6 : 5);
	authority->len = strcspn(authority->data, "/?");
	attempt->target = authority->data + authority->len;
	if (authority->len == 0 || !weft__http_is_host(authority->data, authority->len) ||
		weft__http_span(attempt->target, strlen(attempt->target), WEFT__HTTP_TARGET) !=
			strlen(attempt->target))
		return fail(EINVAL);
	weft_str_init(&host_port, REQUEST_LEN_MAX);
	weft_str_append_bytes(&host_port, authority->data, authority->len);
	if (!has_port(*authority))
		weft_str_append(&host_port, attempt->is_tls ? ":443" : ":80");
	attempt->host_port = weft_str_take(&host_port);
	return attempt->host_port ? 0 : -1;
}

/* "Name: value". */
static bool is_field(const char *field)
{
	size_t name_len = weft__http_span(field, strlen(field), WEFT__HTTP_TOKEN);

	return name_len > 0 && field[name_len] == ':' &&
	       weft__http_is_field_value(field + name_len, strlen(field + name_len));
}

static bool is_token(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && weft__http_span(text, len, WEFT__HTTP_TOKEN) == len;
}

static bool are_fields_good(const struct weft_ws_options *options)
{
	for (const char *const *field = options->fields; field && *field; field++)
		if (!is_field(*field))
			return false;
	for (const char *const *protocol = options->protocols; protocol && *protocol; protocol++)
		if (!is_token(*protocol))
			return false;
	return !options->origin ||
	       weft__http_is_field_value(options->origin, strlen(options->origin));
}

static void make_key(struct attempt *attempt)
{
	uint64_t bits[2] = {weft_random(), weft_random()};

	EVP_EncodeBlock((unsigned char *)attempt->key, (unsigned char *)bits, sizeof(bits));
}

static void print_options(const struct attempt *attempt, struct weft_str *request)
{
	const struct weft_ws_options *options = attempt->options;
	char offer[WEFT__WS_TERMS_TEXT_MAX];

	if (options->origin)
		weft_str_appendf(request, "Origin: %s\r\n", options->origin);
	for (const char *const *name = options->protocols; name && *name; name++)
		weft_str_appendf(request, "Sec-WebSocket-Protocol: %s\r\n", *name);
	if (options->deflates && weft__ws_deflate_is_there()) {
		weft__ws_offer_print(options, offer);
		weft_str_appendf(request, "Sec-WebSocket-Extensions: %s\r\n", offer);
	}
	for (const char *const *field = options->fields; field && *field; field++)
		weft_str_appendf(request, "%s\r\n", *field);
}

static int ask(struct attempt *attempt)
{
	struct weft_str request;
	int result;

	make_key(attempt);
	weft_str_init(&request, REQUEST_LEN_MAX);
	weft_str_appendf(&request, "GET %s%s HTTP/1.1\r\nHost: %.*s\r\n",
		attempt->target[0] == '/' ? "" : "/", attempt->target, (int)attempt->authority.len,
		attempt->authority.data);
	weft_str_appendf(&request,
		"Upgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n",
		attempt->key);
	print_options(attempt, &request);
	weft_str_append(&request, "\r\n");
	result = weft_str_error(&request) ? fail(weft_str_error(&request)) : 0;
	if (result == 0)
		result = weft_stream_write_all(
			attempt->stream, weft_str_text(&request), weft_str_len(&request));
	weft_str_fini(&request);
	return result < 0 ? -1 : weft_stream_flush(attempt->stream);
}

/* ---- What is answered --------------------------------------------------------------------------
 */

static struct weft_http_text join(const struct weft__http_response_head *answer, const char *data,
	const char *name, struct weft_str *list)
{
	weft_str_truncate(list, 0);
	weft__ws_join(&answer->head, data, name, list);
	return (struct weft_http_text){weft_str_text(list), weft_str_len(list)};
}

/* The protocol is one of those offered, or none. */
static int take_protocol(struct attempt *attempt, struct weft_http_text chosen)
{
	if (chosen.len == 0)
		return 0;
	for (const char *const *name = attempt->options->protocols; name && *name; name++)
		if (strlen(*name) == chosen.len && memcmp(*name, chosen.data, chosen.len) == 0) {
			attempt->protocol = strdup(*name);
			return attempt->protocol ? 0 : -1;
		}
	return fail(EPROTO);
}

/* Section 4.1, what follows the request. */
static int judge(struct attempt *attempt, const struct weft__http_response_head *answer,
	const char *data, struct weft_str *list)
{
	char expected[WEFT__WS_ACCEPT_SIZE];
	struct weft_http_text value;

	if (answer->status != 101)
		return fail(EPROTO);
	if (!weft__ws_list_has(join(answer, data, "upgrade", list), "websocket") ||
		!weft__ws_list_has(join(answer, data, "connection", list), "upgrade"))
		return fail(EPROTO);
	if (weft__ws_accept_key(attempt->key, expected) < 0)
		return -1;
	value = join(answer, data, "sec-websocket-accept", list);
	if (value.len != strlen(expected) || memcmp(value.data, expected, value.len) != 0)
		return fail(EPROTO);
	value = join(answer, data, "sec-websocket-extensions", list);
	if (weft__ws_terms_accept(value, attempt->options, &attempt->terms) < 0)
		return fail(EPROTO);
	return take_protocol(attempt, join(answer, data, "sec-websocket-protocol", list));
}

/* Wait for the whole head. Returns its length. */
static ssize_t await_head(
	struct attempt *attempt, struct weft__http_response_head *answer, const char **ret_data)
{
	enum weft__http_parse_result result = WEFT__HTTP_MORE;
	ssize_t len = 0;

	weft__http_response_head_reset(answer);
	while (result == WEFT__HTTP_MORE && len < WEFT_STREAM_BUFFER_SIZE) {
		ssize_t before = len;

		len = weft_stream_peek(attempt->stream, (size_t)before + 1, ret_data);
		if (len < 0)
			return -1;
		if (len == before)
			return fail(ECONNRESET);
		result = weft__http_parse_response(answer, *ret_data, (size_t)len);
	}
	return result == WEFT__HTTP_DONE ? (ssize_t)answer->head.len : fail(EPROTO);
}

static int hear(struct attempt *attempt)
{
	struct weft__http_response_head answer;
	struct weft_str list;
	const char *data;
	ssize_t len = await_head(attempt, &answer, &data);
	int result;

	if (len < 0)
		return -1;
	if (attempt->options->ret_status)
		*attempt->options->ret_status = (int)answer.status;
	weft_str_init(&list, REQUEST_LEN_MAX);
	result = judge(attempt, &answer, data, &list);
	if (weft_str_error(&list))
		result = fail(weft_str_error(&list));
	weft_str_fini(&list);
	weft_stream_consume(attempt->stream, (size_t)len);
	return result;
}

/* ---- Connecting
 * ---------------------------------------------------------------------------------- */

static struct weft_stream *dial(const struct attempt *attempt)
{
	struct weft_tls *tls = attempt->options->tls, *own = NULL;
	struct weft_stream *stream;

	if (!attempt->is_tls)
		return weft_stream_connect(attempt->host_port);
	if (!tls) {
		tls = own = weft_tls_client_new(NULL, NULL);
		if (!tls)
			return NULL;
	}
	stream = weft_stream_connect_tls(attempt->host_port, tls, NULL);
	weft_tls_free(own);
	return stream;
}

/* NULL, with errno; what the attempt holds is the caller's to free. */
static struct weft_ws *try_attempt(struct attempt *attempt)
{
	struct weft_ws *ws;

	attempt->stream = dial(attempt);
	if (!attempt->stream || ask(attempt) < 0 || hear(attempt) < 0)
		return NULL;
	ws = weft__ws_new(attempt->stream, NULL, attempt->options, &attempt->terms);
	if (!ws)
		return NULL;
	attempt->stream = NULL;
	ws->protocol = attempt->protocol;
	attempt->protocol = NULL;
	return ws;
}

struct weft_ws *weft_ws_connect(const char *url, const struct weft_ws_options *options)
{
	static const struct weft_ws_options defaults;
	struct attempt attempt = {.options = options ? options : &defaults};
	int64_t timeout_ns = attempt.options->handshake_timeout_ns;
	struct weft_ws *ws = NULL;
	int saved_errno;

	if (attempt.options->ret_status)
		*attempt.options->ret_status = 0;
	if (!weft__ws_options_are_good(attempt.options) || !are_fields_good(attempt.options))
		errno = EINVAL;
	else if (!weft__ws_frames_are_there())
		errno = ENOSYS;
	else if (read_url(&attempt, url) == 0)
		WEFT_WITH_TIMEOUT (timeout_ns ? timeout_ns : WEFT__WS_HANDSHAKE_TIMEOUT_NS)
			ws = try_attempt(&attempt);
	saved_errno = errno;
	weft_stream_free(attempt.stream);
	free(attempt.host_port);
	free(attempt.protocol);
	errno = saved_errno;
	return ws;
}
