/*
 * base/log_line.h - one line of the log, built in place: escaping, quoting, cutting.
 *
 * Never: included outside src/base/log*.c and its tests.
 */
#ifndef BASE_LOG_LINE_H
#define BASE_LOG_LINE_H

#include "weft/log.h"

/*
 *	bytes  |time=... message="cut he|"| truncated=true\n|
 *	        ^bytes             at^  ^limit              ^WEFT_LOG_LINE_MAX
 *
 * Text stops at limit; behind it is always room to close a quote and to say so.
 */
struct weft__log_line {
	char bytes[WEFT_LOG_LINE_MAX];
	size_t len;
	bool is_cut; /* something did not fit: nothing more is appended */
};

/* When a line is written. */
struct weft__log_moment {
	struct timespec wall, monotonic;
	bool is_local; /* write the wall time as local time with its offset, not as UTC */
};

/* Begins a line with its times and level. */
void weft__log_line_begin(struct weft__log_line *line, enum weft_log_level level,
	const struct weft__log_moment *moment);

/* Appends " key=value". */
void weft__log_line_field(struct weft__log_line *line, const struct weft_log_field *field);

/* Ends the line. Returns its length, newline included. */
size_t weft__log_line_end(struct weft__log_line *line);

#endif
