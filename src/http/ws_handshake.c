/*
 * ws_handshake.c - the server's half of the opening handshake (RFC 6455, section 4.2).
 *
 * Entry point: weft_ws_accept(). What a request must be is judged by itself, weft__ws_judge().
 *
 * A page of any site may open a WebSocket to us with our user's cookies: so the origin that the
 * browser names must be this host, or one that the options name (section 10.2).
 *
 * Never: switches before all of the request is judged, or leaves one without an answer.
 */
#include "http/ws.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "http/chars.h"
#include "http/connection.h"
#include "http/origin.h"
#include "weft/scope.h"

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

/* What we speak. */
#define VERSION "13"

/* ---- The key ------------------------------------------------------------------------------- */

int weft__ws_accept_key(const char key[WEFT__WS_KEY_LEN], char ret_accept[WEFT__WS_ACCEPT_SIZE])
{
	unsigned char text[WEFT__WS_KEY_LEN + sizeof(GUID) - 1], digest[SHA_DIGEST_LENGTH];

	memcpy(text, key, WEFT__WS_KEY_LEN);
	memcpy(text + WEFT__WS_KEY_LEN, GUID, sizeof(GUID) - 1);
	if (!SHA1(text, sizeof(text), digest)) {
		ERR_clear_error(); /* else it is taken for the next one's of this thread */
		errno = ENOMEM;
		return -1;
	}
	EVP_EncodeBlock((unsigned char *)ret_accept, digest, sizeof(digest));
	return 0;
}

static bool is_base64(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '+' || c == '/';
}

/* Sixteen bytes in base64: RFC 6455, section 4.2.1. */
static bool is_key(struct weft_http_text key)
{
	if (key.len != WEFT__WS_KEY_LEN)
		return false;
	for (size_t i = 0; i < WEFT__WS_KEY_LEN - 2; i++)
		if (!is_base64(key.data[i]))
			return false;
	return memcmp(key.data + WEFT__WS_KEY_LEN - 2, "==", 2) == 0;
}

/* ---- Fields ---------------------------------------------------------------------------------- */

/* The list in all fields of that name; its end is weft_str_fini(). */
static struct weft_http_text join(
	const struct weft_http_request *request, const char *name, struct weft_str *list)
{
	weft_str_truncate(list, 0);
	weft__ws_join(&request->head, request->data, name, list);
	return (struct weft_http_text){weft_str_text(list), weft_str_len(list)};
}

static bool is_text(struct weft_http_text text, const char *other)
{
	return text.len == strlen(other) && memcmp(text.data, other, text.len) == 0;
}

/* ---- Origins ----------------------------------------------------------------------------------
 */

static bool is_welcome(const struct weft_http_request *request, const char *const *origins)
{
	struct weft_http_text origin;
	unsigned count = weft__http_request_find(request, "origin", &origin);

	/* Who says nothing is no browser, unless Sec-Fetch-Site says another thing. */
	if (count != 1)
		return count == 0 && !weft__http_is_foreign(request);
	if (!origins)
		return !weft__http_is_foreign(request);
	for (; *origins; origins++)
		if (strcmp(*origins, "*") == 0 ||
			(origin.len == strlen(*origins) &&
				strncasecmp(origin.data, *origins, origin.len) == 0))
			return true;
	return false;
}

/* ---- The judgement ------------------------------------------------------------------------------
 */

/* Whether it asks for a WebSocket at all. */
static int judge_upgrade(
	const struct weft_http_request *request, struct weft_str *list, const char **ret_why)
{
	struct weft_http_text version;

	*ret_why = "This address speaks WebSocket, which a request asks for by GET.";
	if (request->head.method != WEFT_HTTP_GET)
		return 405;
	*ret_why = "WebSocket needs HTTP/1.1.";
	if (request->head.minor_version == 0)
		return 400;
	*ret_why = "This address speaks WebSocket.";
	if (!weft__ws_list_has(join(request, "upgrade", list), "websocket") ||
		!weft__ws_list_has(join(request, "connection", list), "upgrade"))
		return 426;
	*ret_why = "Of WebSocket, version 13 is spoken here.";
	if (weft__http_request_find(request, "sec-websocket-version", &version) != 1 ||
		!is_text(version, VERSION))
		return 426;
	return 0;
}

/* The first of ours that is among theirs. -1: theirs can't be read. */
static int choose_protocol(
	struct weft_http_text theirs, const char *const *ours, const char **ret_protocol)
{
	struct weft_http_text rest = theirs, offered;
	const char *const *best = NULL;
	int result;

	*ret_protocol = NULL;
	while ((result = weft__ws_list_next(&rest, &offered)) > 0)
		for (const char *const *own = ours; own && *own && (!best || own < best); own++)
			if (is_text(offered, *own))
				best = own;
	if (result == 0 && best)
		*ret_protocol = *best;
	return result;
}

static int judge_rest(const struct weft_http_request *request, struct weft_str *list,
	const struct weft_ws_options *options, struct weft__ws_request *ret_request,
	const char **ret_why)
{
	struct weft_http_text key;

	*ret_why = "The request for a WebSocket has a body.";
	if (weft__http_body_is(request))
		return 400;
	*ret_why = "Sec-WebSocket-Key is not 16 bytes in base64, once.";
	if (weft__http_request_find(request, "sec-websocket-key", &key) != 1 || !is_key(key))
		return 400;
	*ret_why = NULL;
	if (weft__ws_accept_key(key.data, ret_request->accept) < 0)
		return 503;
	*ret_why = "Sec-WebSocket-Protocol can't be read.";
	if (choose_protocol(join(request, "sec-websocket-protocol", list), options->protocols,
		    &ret_request->protocol) < 0)
		return 400;
	*ret_why = "Sec-WebSocket-Extensions can't be read.";
	if (weft__ws_terms_choose(join(request, "sec-websocket-extensions", list), options,
		    &ret_request->terms) < 0)
		return 400;
	*ret_why = "Pages from elsewhere may not connect to this address.";
	if (!is_welcome(request, options->origins))
		return 403;
	return 0;
}

int weft__ws_judge(const struct weft_http_request *request, const struct weft_ws_options *options,
	struct weft__ws_request *ret_request, const char **ret_why)
{
	struct weft_str list;
	int status;

	weft_str_init(&list, WEFT__HTTP_HEAD_MAX * 2);
	status = judge_upgrade(request, &list, ret_why);
	if (status == 0)
		status = judge_rest(request, &list, options, ret_request, ret_why);
	if (weft_str_error(&list)) {
		*ret_why = NULL;
		status = 503;
	}
	weft_str_fini(&list);
	return status;
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* Answer with an error; the fields say what would be right. Returns the errno for the handler. */
static int refuse(struct weft_http_response *response, int status, const char *why)
{
	if (status == 405)
		weft_http_response_field(response, "Allow", "GET");
	if (status == 426) {
		weft_http_response_field(response, "Sec-WebSocket-Version", VERSION);
		weft_http_response_field(response, "Upgrade", "websocket");
		weft_str_append(&response->fields, "Connection: Upgrade\r\n");
	}
	if (response->status == 0)
		weft_http_response_error(response, status, why);
	return status == 403 ? EACCES : EPROTO;
}

/* Section 4.2.2. */
static int say_yes(struct weft_http_response *response, const struct weft__ws_request *asked)
{
	char terms[WEFT__WS_TERMS_TEXT_MAX];
	struct weft_str *fields = &response->fields;

	if (weft_http_response_field(response, "Sec-WebSocket-Accept", asked->accept) < 0)
		return -1;
	if (asked->protocol)
		weft_str_appendf(fields, "Sec-WebSocket-Protocol: %s\r\n", asked->protocol);
	if (asked->terms.is_on) {
		weft__ws_terms_print(&asked->terms, terms);
		weft_str_appendf(fields, "Sec-WebSocket-Extensions: %s\r\n", terms);
	}
	weft_str_append(fields, "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
	if (weft_str_error(fields)) {
		errno = weft_str_error(fields);
		return -1;
	}
	if (weft__http_response_begin(response, 101) < 0 ||
		weft__http_response_write_fields(
			response, weft_str_text(fields), weft_str_len(fields)) < 0)
		return -1;
	return weft__http_output_flush(&response->output);
}

/* The request is good. Its head leaves the stream's buffer: what follows are frames. */
static struct weft_ws *open_ws(struct weft_http_request *request,
	struct weft_http_response *response, const struct weft_ws_options *options,
	const struct weft__ws_request *asked)
{
	struct weft_ws *ws = weft__ws_new(request->stream, response, options, &asked->terms);

	if (!ws)
		return NULL;
	response->closes = true;
	if (options->unsent_max)
		weft_stream_bound_unsent(request->stream, options->unsent_max);
	if (asked->protocol) {
		ws->protocol = strdup(asked->protocol);
		if (!ws->protocol)
			goto fail;
	}
	if (weft__http_body_leave_head(request) < 0)
		goto fail;
	request->body.state = WEFT__HTTP_BODY_ENDED;
	if (say_yes(response, asked) < 0)
		goto fail;
	return ws;

fail:
	if (response->status == 0)
		weft_str_fini(&response->fields); /* the answer is another now */
	weft__ws_drop(ws);
	return NULL;
}

static int check(struct weft_http_response *response, const struct weft_ws_options *options)
{
	if (response->status)
		return EALREADY;
	if (!weft__ws_options_are_good(options))
		return EINVAL;
	if (!weft__ws_frames_are_there())
		return ENOSYS;
	return weft__http_connection_is_stopping(response) ? ESHUTDOWN : 0;
}

static int status_of(int code)
{
	return code == ENOSYS ? 501 : code == EINVAL ? 500 : 503;
}

struct weft_ws *weft_ws_accept(struct weft_http_request *request,
	struct weft_http_response *response, const struct weft_ws_options *options)
{
	static const struct weft_ws_options defaults;
	struct weft__ws_request asked;
	struct weft_ws *ws = NULL;
	const char *why = NULL;
	int code, status;

	options = options ? options : &defaults;
	code = check(response, options);
	status = code ? status_of(code) : weft__ws_judge(request, options, &asked, &why);
	if (status) {
		int refused = refuse(response, status, why);

		errno = code ? code : refused;
		return NULL;
	}
	ws = open_ws(request, response, options, &asked);
	if (!ws) {
		code = errno;
		refuse(response, 503, NULL);
		errno = code;
	}
	return ws;
}
