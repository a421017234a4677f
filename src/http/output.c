/*
 * output.c - writes answers, with a bound on every wait.
 *
 * Entry points: weft__http_output_write(), weft__http_output_file(), weft__http_output_flush().
 *
 * The bound is on progress, not on the whole: a download may take an hour, but each
 * chunk of it only so long, or one slow reader would hold its memory for ever.
 *
 * Never: waits without a deadline.
 */
#include "http/output.h"

#include <string.h>

#include "http/limits.h"
#include "http/under_way.h"
#include "io/stream.h"
#include "weft/scope.h"

/* So much is sure to fit into the buffer of a stream without a wait. */
#define ROOM (WEFT_STREAM_BUFFER_SIZE / 2)

/* Where the date stands in output->ok. */
#define DATE_AT (sizeof(WEFT__HTTP_OK) - 1)

void weft__http_output_init(
	struct weft__http_output *output, struct weft_stream *stream, int64_t timeout_ns)
{
	*output = (struct weft__http_output){.stream = stream, .timeout_ns = timeout_ns};
	output->date_s = INT64_MIN;
	memcpy(output->ok, WEFT__HTTP_OK, DATE_AT);
	memcpy(output->ok + DATE_AT + WEFT__HTTP_DATE_LEN, "\r\n", 2);
}

int weft__http_output_write(struct weft__http_output *output, const void *data, size_t len)
{
	const char *at = data;
	int result = 0;

	if (output->unflushed + len <= ROOM) {
		output->unflushed += len;
		output->written += (int64_t)len;
		return weft__stream_append(output->stream, data, len)
			       ? 0
			       : weft_stream_write_all(output->stream, data, len);
	}
	output->write_began = output->written;
	while (len > 0 && result == 0) {
		size_t chunk = len < WEFT__HTTP_WRITE_CHUNK ? len : WEFT__HTTP_WRITE_CHUNK;

		WEFT_WITH_TIMEOUT (output->timeout_ns)
			result = weft_stream_write_all(output->stream, at, chunk);
		output->written += result == 0 ? (int64_t)chunk : 0;
		at += chunk;
		len -= chunk;
		if (output->transfers && result == 0)
			weft__http_sending(output, (int64_t)len);
	}
	output->unflushed = ROOM; /* how much is left, only the stream knows */
	return result;
}

int weft__http_output_file(struct weft__http_output *output, int fd, int64_t offset, int64_t len)
{
	int result = 0;

	output->write_began = output->written;
	if (output->transfers)
		weft__http_sending(output, len);
	while (len > 0 && result == 0) {
		int64_t chunk = len < (int64_t)WEFT__HTTP_WRITE_CHUNK
					? len
					: (int64_t)WEFT__HTTP_WRITE_CHUNK;

		WEFT_WITH_TIMEOUT (output->timeout_ns)
			result = weft_stream_sendfile(output->stream, fd, offset, (size_t)chunk);
		output->written += result == 0 ? chunk : 0;
		offset += chunk;
		len -= chunk;
		if (output->transfers && result == 0)
			weft__http_sending(output, len);
	}
	output->unflushed = 0;
	return result;
}

static inline void set_date(struct weft__http_output *output)
{
	int64_t now_s = weft__http_now_s();

	if (now_s == output->date_s)
		return;
	output->date_s = now_s;
	weft__http_date_print(output->ok + DATE_AT, now_s);
}

int weft__http_output_ok(struct weft__http_output *output, const char *text, size_t len)
{
	size_t all = sizeof(output->ok) + len;
	char *to;

	set_date(output);
	to = output->unflushed + all <= ROOM ? weft__stream_room(output->stream, all) : NULL;
	if (!to) {
		if (weft__http_output_write(output, output->ok, sizeof(output->ok)) < 0)
			return -1;
		return weft__http_output_write(output, text, len);
	}
	memcpy(to, output->ok, sizeof(output->ok));
	memcpy(to + sizeof(output->ok), text, len);
	output->unflushed += all;
	output->written += (int64_t)all;
	return 0;
}

int weft__http_output_status(struct weft__http_output *output, const char *line)
{
	set_date(output);
	if (!line)
		return weft__http_output_write(output, output->ok, sizeof(output->ok));
	if (weft__http_output_write(output, line, strlen(line)) < 0)
		return -1;
	return weft__http_output_write(output, output->ok + DATE_AT, sizeof(output->ok) - DATE_AT);
}

int weft__http_output_flush_in_scope(struct weft__http_output *output)
{
	if (output->unflushed == 0)
		return 0;
	if (weft_stream_flush(output->stream) < 0)
		return -1;
	output->unflushed = 0;
	return 0;
}

int weft__http_output_flush(struct weft__http_output *output)
{
	int result = 0;

	WEFT_WITH_TIMEOUT (output->timeout_ns)
		result = weft__http_output_flush_in_scope(output);
	return result;
}
