/*
 * pieces.c - answers whose body is written piece by piece (RFC 9112, section 7.1).
 *
 * Entry points: weft_http_response_begin(), _write(), _printf(), _flush(), and
 * weft__http_pieces_end() when the handler has returned.
 *
 * Small pieces are gathered to one chunk: its size comes first, and is not known before.
 *
 * Never: ends a body that is not whole in the way of one that is.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/response.h"

/** Bytes of a gathered chunk. A larger piece is a chunk by itself. */
#define CHUNK_SIZE 8192

#define PRINTF_SIZE 4096

static int fail(int code)
{
	errno = code;
	return -1;
}

void weft__http_pieces_reset(struct weft__http_pieces *pieces)
{
	free(pieces->gathered);
	*pieces = (struct weft__http_pieces){0};
}

/* ---- Beginning --------------------------------------------------------------------------- */

/* The field that says how long the body is, and how that is known. */
static int write_framing(struct weft_http_response *response, int64_t len)
{
	struct weft__http_pieces *pieces = &response->pieces;
	char field[48];
	int field_len;

	pieces->left = len;
	if (len >= 0) {
		field_len =
			snprintf(field, sizeof(field), "Content-Length: %lld\r\n", (long long)len);
		return weft__http_response_write_fields(response, field, (size_t)field_len);
	}
	pieces->left = -1;
	if (response->request->head.minor_version == 0) {
		response->closes = true; /* its end is the body's */
		return 0;
	}
	pieces->are_chunks = true;
	field_len = snprintf(field, sizeof(field), "Transfer-Encoding: chunked\r\n");
	return weft__http_response_write_fields(response, field, (size_t)field_len);
}

int weft_http_response_begin(
	struct weft_http_response *response, int status, const char *type, int64_t len)
{
	if (status < 200 || status > 599 || status == 204 || status == 304 || len < -1)
		return fail(EINVAL);
	if (type && weft_http_response_field(response, "Content-Type", type) < 0)
		return -1;
	if (weft__http_response_begin(response, status) < 0)
		return -1;
	response->pieces.are_open = true;
	if (write_framing(response, len) < 0)
		return -1;
	return weft__http_response_end_fields(response);
}

/* ---- Writing ------------------------------------------------------------------------------ */

static bool is_head(const struct weft_http_response *response)
{
	return response->request->head.method == WEFT_HTTP_HEAD;
}

static int write_chunk(struct weft_http_response *response, const void *data, size_t len)
{
	char line[24];
	int line_len = snprintf(line, sizeof(line), "%zx\r\n", len);

	if (weft__http_output_write(&response->output, line, (size_t)line_len) < 0 ||
		weft__http_response_write_body(response, data, len) < 0)
		return -1;
	return weft__http_output_write(&response->output, "\r\n", 2);
}

static int write_gathered(struct weft_http_response *response)
{
	struct weft__http_pieces *pieces = &response->pieces;
	size_t len = pieces->gathered_len;

	pieces->gathered_len = 0;
	return len ? write_chunk(response, pieces->gathered, len) : 0;
}

static int gather(struct weft_http_response *response, const void *data, size_t len)
{
	struct weft__http_pieces *pieces = &response->pieces;

	if (pieces->gathered_len + len > CHUNK_SIZE && write_gathered(response) < 0)
		return -1;
	if (len > CHUNK_SIZE)
		return write_chunk(response, data, len);
	if (!pieces->gathered)
		pieces->gathered = malloc(CHUNK_SIZE);
	if (!pieces->gathered)
		return write_chunk(response, data, len);
	memcpy(pieces->gathered + pieces->gathered_len, data, len);
	pieces->gathered_len += len;
	return 0;
}

int weft_http_response_write(struct weft_http_response *response, const void *data, size_t len)
{
	struct weft__http_pieces *pieces = &response->pieces;

	if (!pieces->are_open)
		return fail(EPROTO);
	if (pieces->left >= 0 && len > (uint64_t)pieces->left)
		return fail(EMSGSIZE);
	if (len == 0)
		return 0; /* as a chunk it would be the end */
	if (pieces->left >= 0)
		pieces->left -= (int64_t)len;
	if (is_head(response))
		return 0;
	return pieces->are_chunks ? gather(response, data, len)
				  : weft__http_response_write_body(response, data, len);
}

int weft_http_response_printf(struct weft_http_response *response, const char *format, ...)
{
	char text[PRINTF_SIZE];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(text))
		return fail(EMSGSIZE);
	return weft_http_response_write(response, text, (size_t)len);
}

/*
 * To HEAD nothing is written that could fail: a handler that goes on for as long as somebody
 * listens would never end. (The kernel knows no descriptor of the simulator's: POLLNVAL.)
 */
static int check_listener(const struct weft_http_response *response)
{
	struct pollfd look = {.fd = weft_stream_fd(response->request->stream), .events = POLLRDHUP};

	if (poll(&look, 1, 0) == 1 && (look.revents & (POLLRDHUP | POLLHUP | POLLERR)))
		return fail(EPIPE);
	return 0;
}

int weft_http_response_flush(struct weft_http_response *response)
{
	if (!response->pieces.are_open)
		return fail(EPROTO);
	if (write_gathered(response) < 0)
		return -1;
	if (weft__http_output_flush(&response->output) < 0)
		return -1;
	return is_head(response) ? check_listener(response) : 0;
}

/* ---- Ending ---------------------------------------------------------------------------------- */

int weft__http_pieces_end(struct weft_http_response *response)
{
	const struct weft__http_pieces *pieces = &response->pieces;

	if (is_head(response))
		return 0;
	if (pieces->left > 0)
		return fail(EPROTO);
	if (!pieces->are_chunks)
		return 0;
	if (write_gathered(response) < 0)
		return -1;
	return weft__http_output_write(&response->output, "0\r\n\r\n", 5);
}
