/*
 * body.c - see body.h.
 *
 * Entry point: weft_http_request_read().
 *
 * The time is bounded by blocks: each 16 KiB of a body must come within the body's timeout. With a
 * bound for each wait a body could drip for days; with one for all of it no upload could be
 * large.
 *
 * Never: takes a byte of the next request.
 */
#include "http/body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/limits.h"
#include "http/request.h"
#include "http/under_way.h"
#include "weft/fiber.h"
#include "weft/scope.h"

bool weft__http_body_is(const struct weft_http_request *request)
{
	return request->head.is_chunked || request->head.content_length > 0;
}

bool weft__http_body_can_end(const struct weft_http_request *request)
{
	const struct weft__http_body *body = &request->body;
	const struct weft__http_head *head = &request->head;

	if (!weft__http_body_is(request) || body->state == WEFT__HTTP_BODY_ENDED)
		return true;
	if (body->state == WEFT__HTTP_BODY_FAILED || head->is_chunked)
		return false;
	if (body->state == WEFT__HTTP_BODY_OPEN)
		return body->left <= WEFT__HTTP_UNUSED_BODY_MAX;
	/* Who waits for "100 Continue" may send the body after the answer, or may not. */
	return !head->expects_continue && head->content_length <= WEFT__HTTP_UNUSED_BODY_MAX;
}

void weft__http_body_reset(struct weft_http_request *request)
{
	request->body.is_continued = false;
	request->body.max = request->body_max;
	request->body.hurry_ns = 0;
	if (request->body.state == WEFT__HTTP_BODY_UNTOUCHED)
		return; /* as after most requests */
	request->body = (struct weft__http_body){.max = request->body_max};
	free(request->head_copy);
	request->head_copy = NULL;
}

/* ---- Beginning and failing ------------------------------------------------------------- */

static ssize_t fail(struct weft_http_request *request, int status, int code, const char *why)
{
	request->body.state = WEFT__HTTP_BODY_FAILED;
	request->body.status = status;
	request->body.why = why;
	errno = code;
	return -1;
}

static ssize_t fail_size(struct weft_http_request *request)
{
	return fail(request, 413, EMSGSIZE, "The body is too long.");
}

static bool is_too_long(const struct weft_http_request *request, int64_t len)
{
	return request->body.max >= 0 && len > request->body.max;
}

int weft__http_body_leave_head(struct weft_http_request *request)
{
	request->head_copy = malloc(request->head.len);
	if (!request->head_copy)
		return -1;
	memcpy(request->head_copy, request->data, request->head.len);
	request->data = request->head_copy;
	request->data_len = request->head.len;
	weft_stream_consume(request->stream, request->head.len);
	request->body.state = WEFT__HTTP_BODY_OPEN;
	return 0;
}

static void begin_block(struct weft_http_request *request)
{
	struct weft__http_body *body = &request->body;

	body->block_end = body->read_len + WEFT__HTTP_BODY_BLOCK;
	body->block_began_ns = weft_now();
	if (request->output->transfers)
		weft__http_receiving(request);
}

void weft__http_body_hurry(struct weft_http_request *request, int64_t timeout_ns)
{
	request->body.hurry_ns = timeout_ns;
}

/* For the rest of the block. */
static int64_t left_ns(const struct weft_http_request *request)
{
	const struct weft__http_body *body = &request->body;
	int64_t timeout_ns = request->body_timeout_ns, left_ns;

	if (body->hurry_ns && body->hurry_ns < timeout_ns)
		timeout_ns = body->hurry_ns;
	left_ns = body->block_began_ns + timeout_ns - weft_now();
	return left_ns > 0 ? left_ns : 0;
}

static int open_body(struct weft_http_request *request)
{
	struct weft__http_body *body = &request->body;

	if (is_too_long(request, request->head.content_length))
		return (int)fail_size(request);
	if (weft__http_body_leave_head(request) < 0)
		return (int)fail(request, 503, ENOMEM, NULL);
	body->left = (uint64_t)request->head.content_length;
	begin_block(request);
	return 0;
}

/* ---- Waiting ------------------------------------------------------------------------------ */

/* What the peer waits for before it sends its body. */
static int send_continue(struct weft_http_request *request)
{
	static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";

	if (request->head.expects_continue && !request->body.is_continued &&
		weft__http_output_write(request->output, line, sizeof(line) - 1) < 0)
		return -1;
	request->body.is_continued = true;
	return weft__http_output_flush(request->output);
}

/* At least min bytes that are there now. How many; 0: the peer has ended. */
static ssize_t await_bytes(struct weft_http_request *request, const char **ret_data)
{
	ssize_t len = weft_stream_peek(request->stream, 0, ret_data);

	if (len != 0)
		return len;
	if (send_continue(request) < 0)
		return -1;
	WEFT_WITH_TIMEOUT (left_ns(request))
		len = weft_stream_peek(request->stream, 1, ret_data);
	if (len > 0)
		return len;
	if (len < 0 && errno == ETIMEDOUT && weft_interrupted() == 0)
		return fail(request, 408, ETIMEDOUT, "The body came too slowly.");
	if (len == 0)
		return fail(request, 400, EPIPE, "The body was cut short.");
	return -1;
}

/* ---- Reading ----------------------------------------------------------------------------------
 */

/* Drop the framing that is there. 1: data is next; 0: the body is over; -1. */
static int await_chunk(struct weft_http_request *request)
{
	struct weft__http_body *body = &request->body;

	for (;;) {
		enum weft__http_chunks_result result;
		const char *data;
		ssize_t len = 0;
		size_t used;

		/* At the beginning of data nothing is to be waited for here. */
		result = weft__http_chunks_next(&body->chunks, NULL, 0, &used);
		if (result == WEFT__HTTP_CHUNKS_MORE) {
			len = await_bytes(request, &data);
			if (len <= 0)
				return -1;
			result = weft__http_chunks_next(&body->chunks, data, (size_t)len, &used);
			weft_stream_consume(request->stream, used);
		}
		if (result == WEFT__HTTP_CHUNKS_DATA)
			return 1;
		if (result == WEFT__HTTP_CHUNKS_END)
			return 0;
		if (result == WEFT__HTTP_CHUNKS_BAD)
			return (int)fail(
				request, 400, EBADMSG, "The chunked body can not be read.");
	}
}

/* How much of the body may be taken next; 0: it is over; -1. */
static int64_t next_len(struct weft_http_request *request)
{
	struct weft__http_body *body = &request->body;
	int more;

	if (!request->head.is_chunked)
		return (int64_t)body->left;
	more = await_chunk(request);
	return more > 0 ? (int64_t)body->chunks.left : more;
}

static void took(struct weft_http_request *request, size_t len)
{
	struct weft__http_body *body = &request->body;

	body->read_len += (int64_t)len;
	if (request->head.is_chunked)
		weft__http_chunks_took(&body->chunks, len);
	else
		body->left -= len;
	if (body->read_len >= body->block_end)
		begin_block(request);
}

static ssize_t read_open(struct weft_http_request *request, void *buffer, size_t size_bytes)
{
	int64_t next = next_len(request);
	const char *data;
	ssize_t len;

	if (next < 0)
		return -1;
	if (next == 0) {
		request->body.state = WEFT__HTTP_BODY_ENDED;
		return 0;
	}
	if (is_too_long(request, request->body.read_len + next))
		return fail_size(request);
	len = await_bytes(request, &data);
	if (len <= 0)
		return -1;
	if ((size_t)len > size_bytes)
		len = (ssize_t)size_bytes;
	if (len > next)
		len = (ssize_t)next;
	memcpy(buffer, data, (size_t)len);
	weft_stream_consume(request->stream, (size_t)len);
	took(request, (size_t)len);
	/* The last byte of a known length ends it: the answer may say that the connection stays. */
	if (!request->head.is_chunked && request->body.left == 0)
		request->body.state = WEFT__HTTP_BODY_ENDED;
	return len;
}

ssize_t weft_http_request_read(struct weft_http_request *request, void *buffer, size_t size_bytes)
{
	struct weft__http_body *body = &request->body;

	if (!weft__http_body_is(request) || body->state == WEFT__HTTP_BODY_ENDED)
		return 0;
	if (body->state == WEFT__HTTP_BODY_FAILED) {
		errno = EBADMSG;
		return -1;
	}
	if (size_bytes == 0) {
		errno = EINVAL;
		return -1;
	}
	if (body->state == WEFT__HTTP_BODY_UNTOUCHED && open_body(request) < 0)
		return -1;
	return read_open(request, buffer, size_bytes);
}

int weft_http_request_set_body_max(struct weft_http_request *request, int64_t max)
{
	if (request->body.state != WEFT__HTTP_BODY_UNTOUCHED) {
		errno = EALREADY;
		return -1;
	}
	request->body.max = max;
	return 0;
}

int64_t weft_http_request_body_len(const struct weft_http_request *request)
{
	return request->head.is_chunked ? -1 : request->head.content_length;
}
