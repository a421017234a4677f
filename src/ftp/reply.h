/*
 * reply.h - replies of an FTP server, line by line: RFC 959, section 4.2.
 *
 *	220-hello	the first line; a '-' behind the code: more follow
 *	 anything	lines of any form
 *	220 ready	the code and a space: the last one
 *
 * What it gathers is bounded, however the server goes on.
 */
#ifndef WEFT_SRC_FTP_REPLY_H
#define WEFT_SRC_FTP_REPLY_H

#include "weft/str.h"

/** Bytes and lines of one reply: a FEAT or HELP has some dozens. */
#define WEFT__FTP_REPLY_TEXT_MAX  65536
#define WEFT__FTP_REPLY_LINES_MAX 1000

struct weft__ftp_reply {
	int code;
	unsigned lines;
	struct weft_str text; /* without the codes, '\n' between lines, no NUL in it */
};

enum weft__ftp_reply_result {
	WEFT__FTP_MORE,
	WEFT__FTP_DONE,
	WEFT__FTP_NO_REPLY, /* a line that is none, or a code under 100 or over 599 */
	WEFT__FTP_TOO_MUCH, /* over the bounds */
	WEFT__FTP_NO_MEMORY,
};

/** Before the first line of the first reply. */
void weft__ftp_reply_init(struct weft__ftp_reply *reply);
void weft__ftp_reply_fini(struct weft__ftp_reply *reply);

/** Before the first line of each. */
void weft__ftp_reply_reset(struct weft__ftp_reply *reply);

/** Take a line, with or without its CR LF. */
enum weft__ftp_reply_result weft__ftp_reply_take(
	struct weft__ftp_reply *reply, const char *line, size_t len);

#endif
