/*
 * chat_heard.h - what a hub says, one line of it, in its parts (docs/chat-protocol.md).
 *
 * Pure: nothing here waits, or is trusted. A line that is none is refused whole.
 */
#ifndef WEFT_SRC_CMD_CHAT_HEARD_H
#define WEFT_SRC_CMD_CHAT_HEARD_H

#include "weft/chat.h"

/** Longest line of a hub, with its newline: the longest text, each byte escaped, and its head. */
#define CHAT_HEARD_LINE_MAX 32768

/** A name with the "~" of guests. */
#define CHAT_WHO_SIZE (WEFT_CHAT_NAME_MAX + 2)

enum chat_heard_kind {
	CHAT_HEARD_OTHER, /* well formed, but of no kind that we know: newer hubs may say more */
	CHAT_HEARD_OK,    /* text: what follows, as it came */
	CHAT_HEARD_NO,    /* word, wait_ms, text */
	/* In a room's log: room, epoch, seq, at_ns, who. */
	CHAT_HEARD_MESSAGE, /* text */
	CHAT_HEARD_DELETED, /* from: which one */
	CHAT_HEARD_TOPIC,   /* text */
	CHAT_HEARD_NOTICE,  /* text */
	/* Of a room. */
	CHAT_HEARD_JOINED,  /* count, who */
	CHAT_HEARD_LEFT,    /* count, who, text */
	CHAT_HEARD_COUNT,   /* count */
	CHAT_HEARD_TYPING,  /* who */
	CHAT_HEARD_CHANGED, /* text */
	CHAT_HEARD_GAP,     /* from, to */
	CHAT_HEARD_ENTERED, /* epoch, seq: the newest; count; text: its topic */
	CHAT_HEARD_EXITED,  /* text */
	CHAT_HEARD_INVITED, /* who */
	CHAT_HEARD_OVER,    /* text; no room */
	/* Rows of lists. */
	CHAT_HEARD_ROOM,   /* epoch, seq: the newest; from: read; count; word: flags; text: topic */
	CHAT_HEARD_MEMBER, /* who; word: flags */
	CHAT_HEARD_CLIENT, /* text: its fields, as they came */
	CHAT_HEARD_STAT,   /* text: its fields, as they came */
	CHAT_HEARD_HELP,   /* text */
};

/** One line; what its kind does not have is 0 or "". */
struct chat_heard {
	enum chat_heard_kind kind;
	char tag[WEFT_CHAT_TAG_MAX + 1];
	char room[WEFT_CHAT_ROOM_MAX + 1];
	char who[CHAT_WHO_SIZE];
	char word[WEFT_CHAT_ROOM_MAX + 1];
	uint32_t epoch;
	uint64_t seq, from, to, count, wait_ms;
	int64_t at_ns; /* since 1970 */
	size_t text_len;
	char text[CHAT_HEARD_LINE_MAX + 1]; /* unescaped: it may hold anything but a NUL */
};

/**
 * Read a line, with or without its newline. False: it is none that a hub says (no word, a number
 * that is none, too long, not UTF-8); then only kind and tag can be looked at.
 */
bool weft__heard_read(struct chat_heard *heard, const char *line, size_t len);

/**
 * What follows an OK, by its fields: "RES" is room, epoch, seq; see the table in chat_heard.c.
 * False: it is not that.
 */
bool weft__heard_answer(struct chat_heard *heard, const char *fields);

/** "message" and so on; of OTHER, "". */
const char *weft__heard_word(enum chat_heard_kind kind);

#endif
