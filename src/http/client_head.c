/*
 * client_head.c - the head of a request.
 *
 * Entry point: weft__http_fetch_make_head().
 *
 * What frames the message (Host, Content-Length, ...) is written here and by nobody else.
 * After a redirect to another origin, what only the first was meant to see stays behind; when
 * the method has become GET, what describes the body does.
 *
 * Never: a byte in the head that ends a line early.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "http/client.h"

/* Longest head of a request. Servers take at least as much; many no more. */
#define HEAD_MAX WEFT__HTTP_HEAD_MAX

static bool is_one_of(const char *name, const char *const *names)
{
	size_t len = strlen(name);

	for (; *names; names++)
		if (weft__http_equal_nocase(name, len, *names))
			return true;
	return false;
}

/* ---- Credentials -------------------------------------------------------------------- */

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

/* RFC 7617, section 2: the user without a colon, both without control characters. */
static bool append_basic(struct weft_str *head, const char *user, const char *password)
{
	size_t len = strlen(user) + 1 + strlen(password);
	char *both, *text;

	if (strchr(user, ':') || has_control(user) || has_control(password))
		return false;
	if (len > HEAD_MAX) {
		head->error = EMSGSIZE;
		return true;
	}
	both = malloc(len + 1 + WEFT__BASE64_LEN(len));
	if (!both) {
		head->error = ENOMEM;
		return true;
	}
	text = both + len + 1;
	snprintf(both, len + 1, "%s:%s", user, password);
	weft__base64_encode(text, both, len);
	weft_str_append(head, "Authorization: Basic ");
	weft_str_append_bytes(head, text, WEFT__BASE64_LEN(len));
	weft_str_append(head, "\r\n");
	free(both);
	return true;
}

static bool append_bearer(struct weft_str *head, const char *token)
{
	if (!weft__http_is_b64token(token, strlen(token)))
		return false;
	weft_str_appendf(head, "Authorization: Bearer %s\r\n", token);
	return true;
}

static bool append_credentials(struct weft_str *head, const struct weft_http_fetch *fetch)
{
	const struct weft_http_fetch_options *options = &fetch->options;

	if (options->user && options->bearer)
		return false;
	if (fetch->is_elsewhere)
		return true;
	if (options->user)
		return append_basic(
			head, options->user, options->password ? options->password : "");
	return !options->bearer || append_bearer(head, options->bearer);
}

/* ---- The caller's fields ------------------------------------------------------------ */

static bool has_field(const struct weft_http_fetch *fetch, const char *name)
{
	const struct weft_http_fetch_options *options = &fetch->options;

	for (size_t i = 0; i < options->field_count; i++)
		if (weft__http_equal_nocase(
			    options->fields[i].name, strlen(options->fields[i].name), name))
			return true;
	return false;
}

static bool may_be_sent(const struct weft_http_field *field)
{
	static const char *const ours[] = {"host", "connection", "keep-alive", "content-length",
		"transfer-encoding", "te", "trailer", "upgrade", "expect", "proxy-connection",
		NULL};
	size_t name_len = strlen(field->name), value_len = strlen(field->value);

	return name_len > 0 &&
	       weft__http_span(field->name, name_len, WEFT__HTTP_TOKEN) == name_len &&
	       weft__http_is_field_value(field->value, value_len) && !is_one_of(field->name, ours);
}

static bool stays_behind(const struct weft_http_fetch *fetch, const struct weft_http_field *field)
{
	static const char *const secrets[] = {
		"authorization", "cookie", "proxy-authorization", NULL};

	if (fetch->is_elsewhere && is_one_of(field->name, secrets))
		return true;
	return fetch->redirects > 0 && !fetch->has_body &&
	       strncasecmp(field->name, "content-", 8) == 0;
}

static bool append_fields(struct weft_str *head, const struct weft_http_fetch *fetch)
{
	const struct weft_http_fetch_options *options = &fetch->options;

	/* Which of two would count, only the server knows. */
	if ((options->user || options->bearer) && has_field(fetch, "authorization"))
		return false;
	for (size_t i = 0; i < options->field_count; i++) {
		if (!may_be_sent(&options->fields[i]))
			return false;
		if (!stays_behind(fetch, &options->fields[i]))
			weft_str_appendf(head, "%s: %s\r\n", options->fields[i].name,
				options->fields[i].value);
	}
	return true;
}

/* ---- The body's --------------------------------------------------------------------- */

/* RFC 9110, section 8.6: methods that are there to carry a body say so when it is empty. */
static bool says_no_body(const char *method)
{
	static const char *const carriers[] = {"POST", "PUT", "PATCH", NULL};

	for (const char *const *one = carriers; *one; one++)
		if (strcmp(method, *one) == 0)
			return true;
	return false;
}

static bool append_framing(struct weft_str *head, const struct weft_http_fetch *fetch)
{
	const struct weft_http_fetch_options *options = &fetch->options;

	if (!fetch->has_body) {
		if (says_no_body(fetch->method))
			weft_str_append(head, "Content-Length: 0\r\n");
		return true;
	}
	if (options->body_type) {
		if (has_field(fetch, "content-type") ||
			!weft__http_is_field_value(options->body_type, strlen(options->body_type)))
			return false;
		weft_str_appendf(head, "Content-Type: %s\r\n", options->body_type);
	}
	if (options->body_len < 0)
		weft_str_append(head, "Transfer-Encoding: chunked\r\n");
	else
		weft_str_appendf(head, "Content-Length: %lld\r\n", (long long)options->body_len);
	if (options->expects_continue)
		weft_str_append(head, "Expect: 100-continue\r\n");
	return true;
}

/* ---- The whole ---------------------------------------------------------------------- */

static void append_host(struct weft_str *head, const struct weft_http_url *url)
{
	const char *host = strchr(url->text, '/') + 2;

	weft_str_append(head, "Host: ");
	weft_str_append_bytes(head, host, (size_t)(url->target - host));
	weft_str_append(head, "\r\n");
}

/* False: something of it can't be sent. */
static bool append_head(struct weft_str *head, const struct weft_http_fetch *fetch)
{
	const struct weft_http_client_options *client = &fetch->client->options;
	size_t agent_len = strlen(client->user_agent);

	weft_str_appendf(head, "%s %s HTTP/1.1\r\n", fetch->method, fetch->url->target);
	append_host(head, fetch->url);
	if (agent_len > 0 && !has_field(fetch, "user-agent")) {
		if (!weft__http_is_field_value(client->user_agent, agent_len))
			return false;
		weft_str_appendf(head, "User-Agent: %s\r\n", client->user_agent);
	}
	if (fetch->options.decodes_gzip && !has_field(fetch, "accept-encoding"))
		weft_str_append(head, "Accept-Encoding: gzip\r\n");
	if (client->no_keep_alive)
		weft_str_append(head, "Connection: close\r\n");
	if (!append_credentials(head, fetch) || !append_fields(head, fetch) ||
		!append_framing(head, fetch))
		return false;
	weft_str_append(head, "\r\n");
	return true;
}

int weft__http_fetch_make_head(struct weft_http_fetch *fetch)
{
	struct weft_str *head = &fetch->request;

	weft_str_fini(head);
	weft_str_init(head, HEAD_MAX);
	if (!append_head(head, fetch))
		return weft__http_fetch_fail(fetch, WEFT_HTTP_BAD_REQUEST, EINVAL,
			"The request has a field or credentials that can not be sent.");
	if (weft_str_error(head) == EMSGSIZE)
		return weft__http_fetch_fail(fetch, WEFT_HTTP_BAD_REQUEST, EMSGSIZE,
			"The request's fields are too long, taken together.");
	if (weft_str_error(head))
		return weft__http_fetch_fail(fetch, WEFT_HTTP_OTHER_FAULT, weft_str_error(head),
			"There is no memory for the request.");
	return 0;
}
