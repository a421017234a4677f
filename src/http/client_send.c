/*
 * client_send.c - a request goes out: its head, and its body of known length or in chunks.
 *
 * Entry points: weft__http_fetch_send_head(), _send_body(), _send(), _send_end().
 *
 * The time is bounded by pieces, as for answers (http/output.c): a long upload may take as
 * long as it likes while the server takes the next piece. Between two of them it is seen whether
 * the server has refused it by now.
 *
 * Never: sends more or less than the head says, and calls it a request.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/client.h"
#include "weft/scope.h"

/* What a source is asked for at a time. */
#define SOURCE_SIZE 16384

static int fail_sending(struct weft_http_fetch *fetch)
{
	return weft__http_fetch_fail_errno(
		fetch, WEFT_HTTP_CUT_OFF, "The request could not be sent");
}

static int write_bytes(struct weft_http_fetch *fetch, const void *data, size_t len)
{
	const char *at = data;
	int result = 0;

	while (len > 0 && result == 0) {
		size_t piece = len < WEFT__HTTP_SEND_PIECE ? len : WEFT__HTTP_SEND_PIECE;

		if (fetch->unseen_len >= WEFT__HTTP_SEND_PIECE) {
			fetch->unseen_len = 0;
			if (weft__http_fetch_is_refused(fetch))
				return weft__http_fetch_fail(fetch, WEFT_HTTP_CUT_OFF, EPIPE,
					"The server does not want the request's body.");
		}
		fetch->unseen_len += piece;
		WEFT_WITH_TIMEOUT (weft__http_fetch_patience(fetch))
			result = weft_stream_write_all(fetch->connection->stream, at, piece);
		at += piece;
		len -= piece;
	}
	return result < 0 ? fail_sending(fetch) : 0;
}

int weft__http_fetch_send_flush(struct weft_http_fetch *fetch)
{
	int result = -1;

	WEFT_WITH_TIMEOUT (weft__http_fetch_patience(fetch))
		result = weft_stream_flush(fetch->connection->stream);
	return result < 0 ? fail_sending(fetch) : 0;
}

int weft__http_fetch_send_head(struct weft_http_fetch *fetch)
{
	return write_bytes(fetch, weft_str_text(&fetch->request), weft_str_len(&fetch->request));
}

/* ---- The body ----------------------------------------------------------------------- */

int weft__http_fetch_send(struct weft_http_fetch *fetch, const void *data, size_t len)
{
	const int64_t body_len = fetch->options.body_len;
	char size[20];
	int size_len;

	if (body_len >= 0 && (uint64_t)len > (uint64_t)(body_len - fetch->sent_len))
		return weft__http_fetch_fail(fetch, WEFT_HTTP_NOT_SENT, EMSGSIZE,
			"The request's body is longer than was said.");
	if (len == 0)
		return 0;
	fetch->sent_len += (int64_t)len;
	if (body_len >= 0)
		return write_bytes(fetch, data, len);
	size_len = snprintf(size, sizeof(size), "%zx\r\n", len);
	if (write_bytes(fetch, size, (size_t)size_len) < 0 || write_bytes(fetch, data, len) < 0)
		return -1;
	return write_bytes(fetch, "\r\n", 2);
}

int weft__http_fetch_send_end(struct weft_http_fetch *fetch)
{
	const int64_t body_len = fetch->options.body_len;

	if (fetch->has_body && body_len >= 0 && fetch->sent_len < body_len)
		return weft__http_fetch_fail(fetch, WEFT_HTTP_NOT_SENT, ENODATA,
			"The request's body is shorter than was said.");
	if (fetch->has_body && body_len < 0 && write_bytes(fetch, "0\r\n\r\n", 5) < 0)
		return -1;
	if (weft__http_fetch_send_flush(fetch) < 0)
		return -1;
	fetch->is_sent = true;
	return 0;
}

/* ---- From a source ------------------------------------------------------------------ */

/* The next bytes of it. 0: it has ended; -1. */
static ssize_t ask_source(struct weft_http_fetch *fetch, char *buffer)
{
	const struct weft_http_fetch_options *options = &fetch->options;
	int64_t left = options->body_len < 0 ? SOURCE_SIZE : options->body_len - fetch->sent_len;
	size_t wanted = left < SOURCE_SIZE ? (size_t)left : SOURCE_SIZE;
	ssize_t len;

	if (wanted == 0)
		return 0;
	errno = EIO;
	len = options->body_source(options->body_arg, fetch->sent_len, buffer, wanted);
	if (len < 0)
		return weft__http_fetch_fail_errno(fetch, WEFT_HTTP_NOT_SENT,
			"The request's body could not be had from its source");
	if ((size_t)len > wanted)
		return weft__http_fetch_fail(fetch, WEFT_HTTP_NOT_SENT, EMSGSIZE,
			"The source of the request's body gave more than it was asked for.");
	return len;
}

static int send_source(struct weft_http_fetch *fetch)
{
	char *buffer = malloc(SOURCE_SIZE);
	ssize_t len = -1;

	if (!buffer)
		return weft__http_fetch_fail_errno(
			fetch, WEFT_HTTP_OTHER_FAULT, "There is no memory for the body");
	while ((len = ask_source(fetch, buffer)) > 0)
		if (weft__http_fetch_send(fetch, buffer, (size_t)len) < 0) {
			len = -1;
			break;
		}
	free(buffer);
	return (int)len;
}

int weft__http_fetch_send_body(struct weft_http_fetch *fetch)
{
	const struct weft_http_fetch_options *options = &fetch->options;
	int result = 0;

	if (fetch->has_body && options->body_source)
		result = send_source(fetch);
	else if (fetch->has_body)
		result = weft__http_fetch_send(fetch, options->body, (size_t)options->body_len);
	return result < 0 ? -1 : weft__http_fetch_send_end(fetch);
}
