/*
 * client_body.c - the body of the response, read by the caller or dropped.
 *
 * Entry points: weft_http_fetch_read(), weft_http_fetch_read_all(); weft__http_fetch_open_body(),
 * weft__http_fetch_drop_body().
 *
 * The connection is given back with the body's last byte, not when the fetch is freed: others
 * may wait for it.
 *
 * Never: calls a body whole that was cut off, or keeps a connection on which its end is not
 * known.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/client.h"
#include "weft/scope.h"

/* What weft_http_fetch_read_all() begins with, whatever the server says is to come. */
#define READ_ALL_FIRST 8192

/* ---- Its beginning and end ---------------------------------------------------------- */

/* Whether the next response's first byte would be the next one to come. */
static bool is_reusable(struct weft_http_fetch *fetch)
{
	const struct weft__http_head *head = &fetch->response.head;
	const char *data;

	if (!fetch->is_sent || !head->keeps_alive || fetch->framing == WEFT__HTTP_BY_CLOSE ||
		fetch->client->options.no_keep_alive)
		return false;
	/* No body can follow 204, but some send what they announce. */
	if (fetch->response.status == 204 && (head->is_chunked || head->content_length > 0))
		return false;
	return weft_stream_peek(fetch->connection->stream, 0, &data) == 0;
}

static void end_receiving(struct weft_http_fetch *fetch)
{
	fetch->is_received = true;
	if (!is_reusable(fetch)) {
		weft__http_fetch_hang_up(fetch);
		return;
	}
	weft__http_client_keep(fetch->client, fetch->connection);
	fetch->connection = NULL;
}

/* RFC 9110, section 8.4.1.3: "x-gzip" is the same. */
static bool is_gzip(const struct weft_http_fetch *fetch)
{
	struct weft_http_text coding = weft_http_fetch_field(fetch, "content-encoding");

	return weft__http_equal_nocase(coding.data, coding.len, "gzip") ||
	       weft__http_equal_nocase(coding.data, coding.len, "x-gzip");
}

/* What is to come by the head alone. -1: that is seen on the way. */
static int64_t known_len(const struct weft_http_fetch *fetch)
{
	if (fetch->framing == WEFT__HTTP_NO_BODY)
		return 0;
	return fetch->framing == WEFT__HTTP_BY_LENGTH ? (int64_t)fetch->left : -1;
}

int weft__http_fetch_open_body(struct weft_http_fetch *fetch)
{
	bool is_to_head = strcmp(fetch->method, "HEAD") == 0;

	fetch->framing = weft__http_response_framing(&fetch->response, is_to_head);
	fetch->left = (uint64_t)fetch->response.head.content_length;
	if (fetch->options.decodes_gzip && fetch->framing != WEFT__HTTP_NO_BODY && is_gzip(fetch)) {
		fetch->gunzip = weft__http_gunzip_new();
		if (!fetch->gunzip)
			return weft__http_fetch_fail_errno(
				fetch, WEFT_HTTP_OTHER_FAULT, "The response can not be unpacked");
	}
	fetch->state = WEFT__HTTP_READING;
	if (known_len(fetch) == 0)
		end_receiving(fetch);
	return 0;
}

/* ---- As it comes -------------------------------------------------------------------- */

/* After ETIMEDOUT and ECANCELED nothing is lost, and it may go on. */
static ssize_t fail_reading(struct weft_http_fetch *fetch)
{
	int code = errno;

	if (code == ETIMEDOUT || code == ECANCELED)
		return -1;
	fetch->state = WEFT__HTTP_FAILED;
	fetch->code = code;
	weft__http_fetch_hang_up(fetch);
	errno = code;
	return -1;
}

static ssize_t fail_cut_off(struct weft_http_fetch *fetch)
{
	weft__http_fetch_fail(fetch, WEFT_HTTP_CUT_OFF, EPIPE, "The response's body was cut off.");
	return fail_reading(fetch);
}

static ssize_t fail_waiting(struct weft_http_fetch *fetch)
{
	weft__http_fetch_fail_errno(fetch, WEFT_HTTP_CUT_OFF, "The response's body did not come");
	return fail_reading(fetch);
}

/* What is there, at least a byte. 0: the stream has ended; -1 (EAGAIN: it would have to wait). */
static ssize_t await_bytes(struct weft_http_fetch *fetch, bool may_wait, const char **ret_data)
{
	ssize_t len = weft_stream_peek(fetch->connection->stream, 0, ret_data);

	if (len > 0)
		return len;
	if (!may_wait) {
		errno = EAGAIN;
		return -1;
	}
	WEFT_WITH_TIMEOUT (weft__http_fetch_patience(fetch))
		len = weft_stream_peek(fetch->connection->stream, 1, ret_data);
	return len < 0 ? fail_waiting(fetch) : len;
}

/* Drop the framing that is there. 1: data is next; 0: the body is over; -1. */
static int await_chunk(struct weft_http_fetch *fetch, bool may_wait)
{
	for (;;) {
		enum weft__http_chunks_result result;
		const char *data;
		ssize_t len;
		size_t used;

		/* At the beginning of data nothing is to be waited for here. */
		result = weft__http_chunks_next(&fetch->chunks, NULL, 0, &used);
		if (result == WEFT__HTTP_CHUNKS_MORE) {
			len = await_bytes(fetch, may_wait, &data);
			if (len <= 0)
				return len < 0 ? -1 : (int)fail_cut_off(fetch);
			result = weft__http_chunks_next(&fetch->chunks, data, (size_t)len, &used);
			weft_stream_consume(fetch->connection->stream, used);
		}
		if (result == WEFT__HTTP_CHUNKS_DATA)
			return 1;
		if (result == WEFT__HTTP_CHUNKS_END)
			return 0;
		if (result == WEFT__HTTP_CHUNKS_BAD) {
			weft__http_fetch_fail(fetch, WEFT_HTTP_BAD_RESPONSE, EBADMSG,
				"The response's chunks can not be read.");
			return (int)fail_reading(fetch);
		}
	}
}

/* How much may be taken next. 0: the body is over; -1. */
static int64_t next_len(struct weft_http_fetch *fetch, bool may_wait)
{
	int more;

	switch (fetch->framing) {
	case WEFT__HTTP_NO_BODY:
		return 0;
	case WEFT__HTTP_BY_LENGTH:
		return (int64_t)fetch->left;
	case WEFT__HTTP_BY_CHUNKS:
		more = await_chunk(fetch, may_wait);
		return more > 0 ? (int64_t)fetch->chunks.left : more;
	case WEFT__HTTP_BY_CLOSE:
		break;
	}
	return INT64_MAX;
}

static void took(struct weft_http_fetch *fetch, size_t len)
{
	if (fetch->framing == WEFT__HTTP_BY_CHUNKS)
		weft__http_chunks_took(&fetch->chunks, len);
	if (fetch->framing != WEFT__HTTP_BY_LENGTH)
		return;
	fetch->left -= len;
	if (fetch->left == 0)
		end_receiving(fetch);
}

/*
 * Read so many at most. The last of them come by way of the stream's buffer, which takes all
 * that came with them: what is there behind the end must be seen before the connection is kept,
 * and under TLS the descriptor doesn't tell.
 */
static ssize_t read_bytes(
	struct weft_http_fetch *fetch, void *buffer, size_t size_bytes, bool is_last)
{
	struct weft_stream *stream = fetch->connection->stream;
	const char *data;
	ssize_t len = 0;

	WEFT_WITH_TIMEOUT (weft__http_fetch_patience(fetch)) {
		if (is_last)
			len = weft_stream_peek(stream, 1, &data);
		if (!is_last || len > 0)
			len = weft_stream_read(stream, buffer, size_bytes);
	}
	return len;
}

/* The body's bytes as they are on the wire. 0: it is over; -1 (EAGAIN: it would have to wait). */
static ssize_t receive(
	struct weft_http_fetch *fetch, void *buffer, size_t size_bytes, bool may_wait)
{
	int64_t next = fetch->is_received ? 0 : next_len(fetch, may_wait);
	const char *data;
	ssize_t len;

	if (next <= 0) {
		if (next == 0 && !fetch->is_received)
			end_receiving(fetch);
		return (ssize_t)next;
	}
	if ((uint64_t)next < size_bytes)
		size_bytes = (size_t)next;
	if (!may_wait && await_bytes(fetch, false, &data) < 0)
		return -1;
	len = read_bytes(fetch, buffer, size_bytes, next <= WEFT_STREAM_BUFFER_SIZE);
	if (len < 0)
		return fail_waiting(fetch);
	if (len == 0 && fetch->framing != WEFT__HTTP_BY_CLOSE)
		return fail_cut_off(fetch);
	if (len == 0)
		end_receiving(fetch);
	else
		took(fetch, (size_t)len);
	return len;
}

/* ---- As it is meant ----------------------------------------------------------------- */

static ssize_t fail_unpacking(struct weft_http_fetch *fetch, int code)
{
	weft__http_fetch_fail(fetch, WEFT_HTTP_BAD_RESPONSE, code,
		"The response's body can not be unpacked: it is no gzip, or not whole.");
	return fail_reading(fetch);
}

static ssize_t read_packed(struct weft_http_fetch *fetch, void *buffer, size_t size_bytes)
{
	struct weft__http_gunzip *gunzip = fetch->gunzip;

	for (;;) {
		ssize_t len = weft__http_gunzip_take(gunzip, buffer, size_bytes);
		size_t room_size;
		char *room;

		if (len > 0)
			return len;
		if (len < 0)
			return fail_unpacking(fetch, errno);
		room = weft__http_gunzip_room(gunzip, &room_size);
		len = room ? receive(fetch, room, room_size, true) : 0;
		if (len < 0)
			return -1;
		if (len == 0)
			return weft__http_gunzip_is_whole(gunzip) ? 0
								  : fail_unpacking(fetch, EBADMSG);
		weft__http_gunzip_put(gunzip, (size_t)len);
	}
}

ssize_t weft_http_fetch_read(struct weft_http_fetch *fetch, void *buffer, size_t size_bytes)
{
	ssize_t len;

	if (fetch->state == WEFT__HTTP_ENDED)
		return 0;
	if (fetch->state == WEFT__HTTP_FAILED || fetch->state == WEFT__HTTP_SENDING ||
		size_bytes == 0) {
		errno = fetch->state == WEFT__HTTP_FAILED ? fetch->code : EINVAL;
		return -1;
	}
	len = fetch->gunzip ? read_packed(fetch, buffer, size_bytes)
			    : receive(fetch, buffer, size_bytes, true);
	if (len == 0)
		fetch->state = WEFT__HTTP_ENDED;
	return len;
}

int64_t weft_http_fetch_body_len(const struct weft_http_fetch *fetch)
{
	if (!fetch->head || fetch->framing == WEFT__HTTP_NO_BODY)
		return 0;
	if (fetch->framing == WEFT__HTTP_BY_LENGTH && !fetch->gunzip)
		return fetch->response.head.content_length;
	return -1;
}

static int fail_too_long(struct weft_http_fetch *fetch)
{
	return weft__http_fetch_fail(
		fetch, WEFT_HTTP_TOO_LONG, EMSGSIZE, "The response's body is too long.");
}

/* Room for a byte more than there may be, and a NUL: so that one too many is seen. */
static bool make_room(char **data, size_t *size, size_t len, size_t max)
{
	size_t larger = *size ? *size * 2 : READ_ALL_FIRST;
	char *moved;

	if (*size > len + 1)
		return true;
	if (larger > max + 2)
		larger = max + 2;
	moved = realloc(*data, larger);
	if (!moved)
		return false;
	*data = moved;
	*size = larger;
	return true;
}

ssize_t weft_http_fetch_read_all(struct weft_http_fetch *fetch, size_t max, char **ret_data)
{
	size_t size = 0, len = 0;
	char *data = NULL;
	ssize_t some = 1;

	if (max > PTRDIFF_MAX / 2)
		max = PTRDIFF_MAX / 2;
	while (some > 0 && make_room(&data, &size, len, max)) {
		some = weft_http_fetch_read(fetch, data + len, size - len - 1);
		len += some > 0 ? (size_t)some : 0;
		if (len > max)
			some = fail_too_long(fetch);
	}
	if (some != 0) {
		if (some > 0)
			weft__http_fetch_fail_errno(fetch, WEFT_HTTP_OTHER_FAULT,
				"There is no memory for the response");
		free(data);
		return -1;
	}
	data[len] = '\0';
	*ret_data = data;
	return (ssize_t)len;
}

/* ---- Dropped ------------------------------------------------------------------------ */

void weft__http_fetch_drop_body(struct weft_http_fetch *fetch, bool may_wait)
{
	bool is_worth_it = fetch->state == WEFT__HTTP_READING && !fetch->is_received &&
			   fetch->framing != WEFT__HTTP_BY_CLOSE &&
			   known_len(fetch) <= WEFT__HTTP_DROP_BYTES_MAX;
	int64_t dropped = 0;
	char bytes[1024];
	ssize_t len = 1;

	WEFT_WITH_TIMEOUT (may_wait ? WEFT__HTTP_DROP_NS : WEFT_FOREVER)
		while (is_worth_it && len > 0 && dropped <= WEFT__HTTP_DROP_BYTES_MAX) {
			len = receive(fetch, bytes, sizeof(bytes), may_wait);
			dropped += len > 0 ? len : 0;
			is_worth_it = !fetch->is_received;
		}
	weft__http_fetch_hang_up(fetch);
}
