/*
 * collect_frame.h - messages in a byte stream: lines, or syslog's octet counts (RFC 6587).
 *
 *	while (len > 0) {
 *		used = weft__collect_frames_take(&frames, data, len, &message);
 *		if (message.text)
 *			record(&message);
 *		data += used, len -= used;
 *	}
 *	...at the end of the stream...
 *	if (weft__collect_frames_end(&frames, &message))
 *		record(&message);
 *
 *	lines	a message ends with a newline, and the carriage return before it is no part of it
 *	octets	"LEN SP MESSAGE", LEN being decimal, without a leading zero; a message whose
 *		beginning says no such thing is taken as a line, and marked
 *	auto	each message for itself: "LEN SP" is a count where "<" comes next, as it does in
 *		all of syslog; so a plain line that begins with a number is a line. A NUL ends a
 *		line, too
 *
 * However the bytes are cut, the messages are the same. Of one longer than line_max its
 * first line_max bytes are given, marked, as soon as they are there; the rest is counted and
 * dropped. So memory is bounded, and a peer that never ends its line is heard all the same.
 */
#ifndef WEFT_SRC_CMD_COLLECT_FRAME_H
#define WEFT_SRC_CMD_COLLECT_FRAME_H

#include "weft/buf.h"

/** The most digits of a count: up to 999,999,999. */
#define COLLECT_COUNT_DIGITS_MAX 9

enum collect_framing {
	COLLECT_AUTO,
	COLLECT_LINES,
	COLLECT_OCTETS,
};

/** What is to be said of a message, beside its text. */
enum collect_mark {
	COLLECT_CUT = 1 << 0,        /* longer than line_max */
	COLLECT_UNFINISHED = 1 << 1, /* the stream ended inside it */
	COLLECT_NO_COUNT = 1 << 2,   /* octets were to be counted, and weren't */
};

/** Lent until the next call; text NULL: none. */
struct collect_message {
	const char *text;
	size_t len;
	unsigned marks;
};

enum collect_state {
	COLLECT_AT_START,
	COLLECT_IN_LINE,
	COLLECT_IN_COUNTED,
	COLLECT_SKIP_LINE,
	COLLECT_SKIP_COUNTED,
};

/** The fields are collect_frame.c's own, but for dropped_bytes. */
struct collect_frames {
	enum collect_framing framing;
	size_t line_max;
	enum collect_state state;
	struct weft_buf part; /* of a message whose end has not come */
	uint64_t left;        /* COUNTED: bytes to come */
	unsigned marks;
	bool was_counted, is_lent;
	uint64_t dropped_bytes; /* of messages that were cut */
};

/** line_max is at least 1. End it with _fini(). */
void weft__collect_frames_init(
	struct collect_frames *frames, enum collect_framing framing, size_t line_max);
void weft__collect_frames_fini(struct collect_frames *frames);

/** Takes some of the len > 0 bytes, perhaps none where it gives a message. Returns how many. */
size_t weft__collect_frames_take(struct collect_frames *frames, const char *data, size_t len,
	struct collect_message *ret_message);

/** The stream has ended: what it ended inside of, if anything. */
bool weft__collect_frames_end(struct collect_frames *frames, struct collect_message *ret_message);

#endif
