/*
 * chat_write.h - one thing that is said to a client: an answer, a row of a list, an event.
 *
 *	weft__chat_say_ok(&out, wire, tag);
 *	weft__chat_say_word(&out, "room", room);
 *	weft__chat_say_number(&out, "seq", seq);
 *	len = weft__chat_say_end(&out);	// "#a7 OK lobby 42\n", {"tag":"a7","ok":true,...}
 *
 * Fields are said in the order of a line; only the last may be a text, with spaces in it. What does
 * not fit is counted, as snprintf(3) does it.
 */
#ifndef WEFT_SRC_HUB_CHAT_WRITE_H
#define WEFT_SRC_HUB_CHAT_WRITE_H

#include "chat.h"

struct chat_say {
	const struct hub_chat_wire *wire;
	char *bytes;
	size_t size, len; /* len may be more */
	bool has_flags;
};

/** Begin, in an array of size bytes. */
void weft__chat_say_begin(
	struct chat_say *say, const struct hub_chat_wire *wire, char *bytes, size_t size);

/* The head; tag may be "". An event or a row has its word. */
void weft__chat_say_ok(struct chat_say *say, const char *tag);
void weft__chat_say_event(struct chat_say *say, const char *tag, const char *word);

/** A refusal, whole: wait_ns 0: no use in waiting. */
void weft__chat_say_no(struct chat_say *say, const char *tag, const char *word, int64_t wait_ns);

void weft__chat_say_word(struct chat_say *say, const char *key, const char *word);
void weft__chat_say_number(struct chat_say *say, const char *key, uint64_t number);
void weft__chat_say_epoch(struct chat_say *say, uint32_t epoch);
void weft__chat_say_time(struct chat_say *say, const char *key, int64_t ns);

/** Somebody: a guest's name has a "~" in lines, and "guest":true in JSON. */
void weft__chat_say_who(struct chat_say *say, const char *name, bool is_guest, bool is_server);

/** "private,here", or "-" where none was; in JSON "private":true. All flags are said in a row. */
void weft__chat_say_flag(struct chat_say *say, const char *word, bool is_set);
void weft__chat_say_no_more_flags(struct chat_say *say);

/** The last field. In a line an empty one is nothing at all. */
void weft__chat_say_text(struct chat_say *say, const char *key, const char *text, size_t len);

/** Its length, with the newline or the frame's head. */
size_t weft__chat_say_end(struct chat_say *say);

/** An event but for its end; tagged where it is a row of a list. */
void weft__chat_say_room(
	struct chat_say *say, const struct weft_room_event *event, const char *tag);

#endif
