/*
 * client.c - commands to an FTP server and its replies; why a call failed.
 *
 * Entry points: weft_ftp_client_command(), weft__ftp_ask(), weft__ftp_order(), weft__ftp_fail().
 *
 * One command is under way at a time. When its reply does not come whole, the connection is
 * given up: the next reply would be taken for another command's.
 *
 * Never: sends a line with a control character in it, or shows a trace the password.
 */
#include "ftp/client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "weft/scope.h"
#include "weft/socket.h"
#include "weft/utf8.h"

/* ---- Faults ------------------------------------------------------------------------- */

int weft__ftp_fail(struct weft_ftp_client *client, enum weft_ftp_fault_kind kind, int error,
	const char *format, ...)
{
	struct weft_ftp_fault *fault = &client->fault;
	va_list args;

	fault->kind = kind;
	fault->error = error;
	fault->code =
		kind == WEFT_FTP_REFUSED || kind == WEFT_FTP_LOGIN_REFUSED ? client->reply.code : 0;
	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
	errno = error;
	return -1;
}

int weft__ftp_fail_errno(
	struct weft_ftp_client *client, enum weft_ftp_fault_kind kind, const char *what)
{
	int error = errno;

	if (error == ETIMEDOUT)
		return weft__ftp_fail(
			client, WEFT_FTP_INTERRUPTED, error, "%s: it took too long.", what);
	if (error == ECANCELED)
		return weft__ftp_fail(
			client, WEFT_FTP_INTERRUPTED, error, "%s: it was cancelled.", what);
	return weft__ftp_fail(client, kind, error, "%s: %s.", what, strerror(error));
}

void weft__ftp_visible(const char *text, char *ret_text, size_t size)
{
	struct weft_str str;
	size_t len = strlen(text);

	weft_str_init_in(&str, ret_text, size);
	for (size_t at = 0; at < len && !weft_str_error(&str);) {
		size_t step = weft_utf8_read(text + at, len - at, NULL);

		step = step ? step : 1;
		weft_str_append_visible(&str, text + at, step);
		at += step;
	}
}

static int error_of(int code)
{
	switch (code) {
	case 500:
	case 502:
	case 504:
		return ENOSYS;
	case 501:
		return EINVAL;
	case 550:
		return ENOENT;
	case 452:
	case 552:
		return ENOSPC;
	case 530:
	case 532:
	case 553:
		return EACCES;
	default:
		return code < 500 ? EAGAIN : EPERM;
	}
}

int weft__ftp_fail_reply(struct weft_ftp_client *client, const char *what)
{
	char text[200];
	int code = client->reply.code;

	weft__ftp_visible(weft_str_text(&client->reply.text), text, sizeof(text));
	return weft__ftp_fail(client, WEFT_FTP_REFUSED, error_of(code),
		"%s: the server says \"%d %s\".", what, code, text);
}

/* A path says more to people than MLST does; "I" or "P" says nothing without its command. */
int weft__ftp_fail_order(struct weft_ftp_client *client, const char *verb, const char *argument)
{
	bool is_path = argument && strcmp(verb, "TYPE") != 0 && strcmp(verb, "PROT") != 0 &&
		       strcmp(verb, "LIST") != 0;
	char shown[160], what[200];

	weft__ftp_visible(argument ? argument : "", shown, sizeof(shown));
	snprintf(what, sizeof(what), "%s%s%s", is_path ? "" : verb, argument && !is_path ? " " : "",
		shown);
	return weft__ftp_fail_reply(client, what);
}

const struct weft_ftp_fault *weft_ftp_client_fault(const struct weft_ftp_client *client)
{
	return &client->fault;
}

bool weft_ftp_client_is_lost(const struct weft_ftp_client *client)
{
	return client->control == NULL;
}

bool weft_ftp_client_is_ready(const struct weft_ftp_client *client)
{
	const char *data;
	char byte;

	if (!client->control || client->transfer || weft_stream_peek(client->control, 0, &data) > 0)
		return false;
	return weft_recv(weft_stream_fd(client->control), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	       (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* ---- Sending ------------------------------------------------------------------------ */

int64_t weft__ftp_patience(const struct weft_ftp_client *client)
{
	return client->options.timeout_ns;
}

void weft__ftp_hang_up(struct weft_ftp_client *client)
{
	int saved_errno = errno;

	weft_stream_free(client->control);
	client->control = NULL;
	errno = saved_errno;
}

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

int weft__ftp_check_path(struct weft_ftp_client *client, const char *path)
{
	if (!*path)
		return weft__ftp_fail(client, WEFT_FTP_BAD_ARGUMENT, EINVAL, "A name is empty.");
	if (strlen(path) > WEFT_FTP_PATH_MAX)
		return weft__ftp_fail(
			client, WEFT_FTP_BAD_ARGUMENT, EMSGSIZE, "A name is too long.");
	if (has_control(path))
		return weft__ftp_fail(client, WEFT_FTP_BAD_ARGUMENT, EINVAL,
			"A name with a line end or another control character can't be sent.");
	return 0;
}

static void trace(struct weft_ftp_client *client, const char *line, bool is_sent)
{
	if (client->options.trace)
		client->options.trace(client->options.trace_arg, line, is_sent);
}

/* Put text behind len bytes of the line; a byte that Telnet would take for its own is doubled. */
static size_t put(struct weft_ftp_client *client, size_t len, const char *text)
{
	for (; *text; text++) {
		client->line[len++] = *text;
		if ((unsigned char)*text == 0xff)
			client->line[len++] = *text;
	}
	client->line[len] = '\0';
	return len;
}

int weft__ftp_send(struct weft_ftp_client *client, const char *verb, const char *argument)
{
	bool is_secret = strncasecmp(verb, "PASS", 4) == 0 || strncasecmp(verb, "ACCT", 4) == 0;
	int result = -1;
	size_t len;

	if (!client->control)
		return weft__ftp_fail(client, WEFT_FTP_CUT_OFF, EPIPE,
			"The connection to %s is gone.", client->host);
	if (argument && (strlen(argument) > WEFT_FTP_PATH_MAX || has_control(argument)))
		return weft__ftp_fail(client, WEFT_FTP_BAD_ARGUMENT, EINVAL,
			"What is to be sent is too long, or has control characters in it.");
	len = put(client, 0, verb);
	if (argument)
		len = put(client, put(client, len, " "), argument);
	trace(client, is_secret ? "PASS ****" : client->line, true);
	client->line[len++] = '\r';
	client->line[len++] = '\n';
	WEFT_WITH_TIMEOUT (weft__ftp_patience(client))
		result = weft_stream_write_all(client->control, client->line, len) < 0
				 ? -1
				 : weft_stream_flush(client->control);
	if (result == 0)
		return 0;
	weft__ftp_hang_up(client);
	return weft__ftp_fail_errno(client, WEFT_FTP_CUT_OFF, "Nothing can be sent to the server");
}

/* ---- Receiving ---------------------------------------------------------------------- */

static int fail_reading(struct weft_ftp_client *client, ssize_t len)
{
	struct weft_tls_fault fault = *weft_stream_tls_fault(client->control);

	if (len < 0 && errno == EMSGSIZE)
		return weft__ftp_fail(client, WEFT_FTP_BAD_REPLY, EBADMSG,
			"The server's reply has a line that is too long.");
	if (len < 0 && fault.kind == WEFT_TLS_CUT_OFF)
		len = 0;
	else if (len < 0 && fault.kind != WEFT_TLS_NO_FAULT)
		return weft__ftp_fail(client, WEFT_FTP_CUT_OFF, EPROTO, "%s", fault.text);
	if (len < 0)
		return weft__ftp_fail_errno(
			client, WEFT_FTP_CUT_OFF, "The server's reply did not come");
	return weft__ftp_fail(
		client, WEFT_FTP_CUT_OFF, EPIPE, "The server has closed the connection.");
}

static int fail_parsing(struct weft_ftp_client *client, enum weft__ftp_reply_result result)
{
	if (result == WEFT__FTP_NO_MEMORY)
		return weft__ftp_fail(client, WEFT_FTP_OTHER_FAULT, ENOMEM,
			"There is no memory for the server's reply.");
	return weft__ftp_fail(client, WEFT_FTP_BAD_REPLY, EBADMSG,
		result == WEFT__FTP_TOO_MUCH ? "The server's reply has no end."
					     : "What answers is no FTP server.");
}

static void trace_line(struct weft_ftp_client *client, const char *line, size_t len)
{
	char text[1024];

	if (!client->options.trace)
		return;
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	snprintf(text, sizeof(text), "%.*s", (int)(len < sizeof(text) ? len : sizeof(text) - 1),
		line);
	trace(client, text, false);
}

static int read_reply(struct weft_ftp_client *client)
{
	enum weft__ftp_reply_result result = WEFT__FTP_MORE;
	const char *line;
	ssize_t len;

	while (result == WEFT__FTP_MORE) {
		len = weft_stream_readline(client->control, &line);
		if (len <= 0 || line[len - 1] != '\n')
			return fail_reading(client, len < 0 ? len : 0);
		trace_line(client, line, (size_t)len);
		result = weft__ftp_reply_take(&client->reply, line, (size_t)len);
	}
	return result == WEFT__FTP_DONE ? client->reply.code : fail_parsing(client, result);
}

int weft__ftp_await(struct weft_ftp_client *client)
{
	int code = -1;

	if (!client->control)
		return weft__ftp_fail(client, WEFT_FTP_CUT_OFF, EPIPE,
			"The connection to %s is gone.", client->host);
	weft__ftp_reply_reset(&client->reply);
	WEFT_WITH_TIMEOUT (weft__ftp_patience(client))
		code = read_reply(client);
	if (code < 0)
		weft__ftp_hang_up(client);
	/* 421: and then it closes, whatever was asked. RFC 959, section 5.4. */
	if (code == 421) {
		weft__ftp_fail_reply(client, "The server ends the connection");
		client->fault.kind = WEFT_FTP_CUT_OFF;
		client->fault.error = errno = EPIPE;
		weft__ftp_hang_up(client);
		return -1;
	}
	return code;
}

/* ---- Both --------------------------------------------------------------------------- */

int weft__ftp_ask(struct weft_ftp_client *client, const char *verb, const char *argument)
{
	int code;

	if (client->transfer)
		return weft__ftp_fail(client, WEFT_FTP_BUSY, EBUSY,
			"A transfer is under way on this connection.");
	if (weft__ftp_send(client, verb, argument) < 0)
		return -1;
	code = weft__ftp_await(client);
	/* Something is to follow: it would be taken for the answer to the next command. */
	if (code >= 100 && code < 200) {
		weft__ftp_hang_up(client);
		return weft__ftp_fail(client, WEFT_FTP_BAD_REPLY, EBADMSG,
			"The server answers %d, as if data were to come.", code);
	}
	return code;
}

int weft__ftp_order(struct weft_ftp_client *client, const char *verb, const char *argument)
{
	int code = weft__ftp_ask(client, verb, argument);

	if (code >= 200 && code < 300)
		return 0;
	if (code < 0)
		return -1;
	return weft__ftp_fail_order(client, verb, argument);
}

int weft_ftp_client_command(
	struct weft_ftp_client *client, const char *line, struct weft_ftp_reply *ret_reply)
{
	int code;

	if (weft__ftp_check_path(client, line) < 0)
		return -1;
	/* Whatever it does, what is known of the folder and the type may be wrong after it. */
	free(client->folder);
	client->folder = NULL;
	client->is_binary = false;
	code = weft__ftp_ask(client, line, NULL);
	if (code < 0)
		return -1;
	ret_reply->code = code;
	ret_reply->text = weft_str_text(&client->reply.text);
	return 0;
}

unsigned weft_ftp_client_features(const struct weft_ftp_client *client)
{
	return client->features;
}

const struct weft_tls_facts *weft_ftp_client_tls(const struct weft_ftp_client *client)
{
	return client->control ? weft_stream_tls(client->control) : NULL;
}

const char *weft_ftp_client_greeting(const struct weft_ftp_client *client)
{
	return client->greeting ? client->greeting : "";
}
