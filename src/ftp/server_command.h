/*
 * server_command.h - command lines (RFC 959, section 5.3), taken out of a telnet stream; no I/O.
 */
#ifndef WEFT_SRC_FTP_SERVER_COMMAND_H
#define WEFT_SRC_FTP_SERVER_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "ftp/server_limits.h"

enum weft__ftpd_verdict {
	WEFT__FTPD_MORE,     /* no whole line yet */
	WEFT__FTPD_LINE,     /* one, in *ret_line */
	WEFT__FTPD_EMPTY,    /* a line of telnet commands alone */
	WEFT__FTPD_BAD,      /* a line with NUL or a lone CR in it */
	WEFT__FTPD_TOO_LONG, /* no end within WEFT__FTPD_LINE_MAX */
};

struct weft__ftpd_line {
	size_t used;                     /* bytes that it took, its end among them */
	char verb[WEFT__FTPD_VERB_SIZE]; /* in capitals; "": it is none that could be one */
	bool has_argument;               /* there was a blank behind the verb */
	char argument[WEFT__FTPD_LINE_MAX + 1];
};

/**
 * Take the first line of data. What telnet puts in between (RFC 854: IAC and what follows) is left
 * out, and 255 stands for itself when it came twice. The argument is what follows one blank, as it
 * came. The verdict on a line depends on the line alone, however it was cut into reads.
 */
enum weft__ftpd_verdict weft__ftpd_line_take(
	const char *data, size_t len, struct weft__ftpd_line *ret_line);

/** Whether the verb is one of HTTP's, or the line a field of it: who sends it is a browser. */
bool weft__ftpd_line_is_http(const struct weft__ftpd_line *line);

/* ---- Numbers in arguments ------------------------------------------------------------ */

/** A number of up to 18 digits, and nothing else. False: it is none. */
bool weft__ftpd_number_read(const char *text, long long *ret_number);

#endif
