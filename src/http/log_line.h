/*
 * log_line.h - the line of a request in the access log, in the format that is asked for.
 *
 * Never: a byte from outside that could end the line, or move a terminal's cursor.
 */
#ifndef WEFT_SRC_HTTP_LOG_LINE_H
#define WEFT_SRC_HTTP_LOG_LINE_H

#include "http/limits.h"
#include "weft/http.h"

struct weft__http_log_line {
	int64_t time_s;     /* the second that time_text is for */
	size_t time_len;    /* of time_text; 0: there is none yet */
	char time_text[40]; /* as the format has it */
	char text[WEFT__HTTP_LOG_LINE_MAX];
};

/** Make the line in line->text, its newline included. Returns its length. */
size_t weft__http_log_line_make(struct weft__http_log_line *line, enum weft_http_log_format format,
	const struct weft_http_request *request, const struct weft_http_response *response);

#endif
