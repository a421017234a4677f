/*
 * collect_line.h - how a message reads in the file: "TIME SOURCE TEXT\n".
 *
 *	2026-03-01T12:00:00.125009Z tcp:192.0.2.7:40112 <13>Mar  1 12:00:00 host app: hello
 *	2026-03-01T12:00:00.125031Z unix:4711/1000 one\ntwo\{unfinished}
 *
 * A line is a line, and steers no terminal, whatever was sent: \n, \r, \\ and \xNN (a byte)
 * stand for a backslash, control characters (but for the tab), line ends of Unicode, what
 * turns the direction of reading, and bytes that are no UTF-8. All of it can be undone, and
 * what the collector itself adds, \{...} at the end, can't be sent by anybody.
 */
#ifndef WEFT_SRC_CMD_COLLECT_LINE_H
#define WEFT_SRC_CMD_COLLECT_LINE_H

#include "collect_frame.h"

#define COLLECT_STAMP_MAX  48
#define COLLECT_SOURCE_MAX 160

/** Where lines are from, and the time of the last. Zero but for the first two. */
struct collect_origin {
	char source[COLLECT_SOURCE_MAX];
	bool is_local; /* local time, with its offset; else UTC */
	int64_t second;
	char day[COLLECT_STAMP_MAX], zone[8]; /* of that second */
};

/** Room for the line of a message of len bytes. */
size_t weft__collect_line_room(size_t len);

/** Write the line of a message that came at wall_ns (weft_wall_now()). Returns its length. */
size_t weft__collect_line(char *room, struct collect_origin *origin, int64_t wall_ns,
	const struct collect_message *message);

#endif
