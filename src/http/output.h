/*
 * output.h - the writing end of an HTTP connection: buffered, and each wait bounded.
 *
 * Answers gather in the stream's buffer and go out together, when the connection has
 * to wait for its next request or the buffer is full. Deadlines are set up only
 * where a call may wait, so that a small answer costs none.
 */
#ifndef WEFT_SRC_HTTP_OUTPUT_H
#define WEFT_SRC_HTTP_OUTPUT_H

#include "http/date.h"
#include "weft/stream.h"

/** What every 200 begins with, up to its date. */
#define WEFT__HTTP_OK "HTTP/1.1 200 OK\r\nDate: "

/** The same with the date and its CRLF. */
#define WEFT__HTTP_OK_LEN (sizeof(WEFT__HTTP_OK) - 1 + WEFT__HTTP_DATE_LEN + 2)

struct weft__http_output {
	struct weft_stream *stream;
	int64_t timeout_ns; /* for the peer to take one WEFT__HTTP_WRITE_CHUNK */
	int64_t written;    /* bytes that went out, or to the buffer, by whole chunks */
	size_t unflushed;   /* bytes that may still lie in the stream's buffer */
	struct weft_transfers *transfers; /* where bodies that take a while are listed; NULL */
	struct weft_transfer *transfer;   /* the one under way; NULL: none (under_way.c) */
	bool transfer_is_upload;
	int64_t write_began;        /* what was written when the call that is under way began */
	int64_t date_s;             /* the second that ok is for */
	char ok[WEFT__HTTP_OK_LEN]; /* status line and date of a 200, which most answers are */
};

void weft__http_output_init(
	struct weft__http_output *output, struct weft_stream *stream, int64_t timeout_ns);

/** Write all of it, to the buffer where it fits. Returns 0, or -1 and the connection is lost. */
int weft__http_output_write(struct weft__http_output *output, const void *data, size_t len);

/** Send a part of a file, without a copy. Returns 0, or -1 and the connection is lost. */
int weft__http_output_file(struct weft__http_output *output, int fd, int64_t offset, int64_t len);

/** Write the status line (up to "Date: ") and the date of now; NULL: the status line of a 200. */
int weft__http_output_status(struct weft__http_output *output, const char *line);

/** The same of a 200, with len bytes of what follows. */
int weft__http_output_ok(struct weft__http_output *output, const char *text, size_t len);

/** Send what is buffered. Returns 0, or -1 and the connection is lost. */
int weft__http_output_flush(struct weft__http_output *output);

/** The same within the caller's deadline; where that was too short, it can be called again. */
int weft__http_output_flush_in_scope(struct weft__http_output *output);

#endif
