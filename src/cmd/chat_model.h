/*
 * chat_model.h - what a client of chat knows: its rooms, and what was said in them.
 *
 * Pure: no terminal, no network, no clock. Everything is bounded: what comes from a hub is dropped
 * at the old end. Texts are kept as a terminal may show them (chat_text.h).
 */
#ifndef WEFT_SRC_CMD_CHAT_MODEL_H
#define WEFT_SRC_CMD_CHAT_MODEL_H

#include "chat_heard.h"

#define CHAT_ROOMS_MAX   32        /* that one client is in */
#define CHAT_ENTRIES_MAX 20000     /* kept of a room */
#define CHAT_BYTES_MAX   (4 << 20) /* likewise, of their texts */
#define CHAT_KNOWN_MAX   200       /* names of rooms that are completed */
#define CHAT_PEOPLE_MAX  100       /* names that are completed, of a room */

enum chat_entry_kind {
	CHAT_SAID,   /* who, text */
	CHAT_CHANGE, /* of the room's log: a topic, a notice; who, text */
	CHAT_COMING, /* somebody came or went: text */
	CHAT_NOTE,   /* of this program's own, for this person only */
};

struct chat_entry {
	enum chat_entry_kind kind;
	int64_t at_ns;
	uint64_t seq;  /* in the log; of others: that of the newest at that time */
	char *who;     /* as it may be shown; NULL: nobody */
	char *text;    /* as it may be shown; newlines are in it */
	unsigned tint; /* of who */
	bool is_own;
	bool is_mention; /* of us */
	bool is_deleted;
	uint32_t rows, columns; /* the screen's: so many rows, where it has so many columns */
};

struct chat_room {
	char name[WEFT_CHAT_ROOM_MAX + 1];
	char *label;     /* its name, as it may be shown; of rooms of two "@" and the other */
	char *topic;     /* as it may be shown; NULL: none */
	uint32_t epoch;  /* 0: nothing was heard */
	bool is_begun;   /* upto says where it goes on */
	uint64_t upto;   /* all of the log has come up to there; 0: from its beginning on */
	uint64_t gap_to; /* more is said to be there; 0: no */
	uint64_t count;  /* people in it */
	uint64_t read;   /* what the hub was told of */
	uint64_t unread; /* of others; also while she is scrolled back */
	uint64_t mentions;
	uint64_t marker; /* what is behind it was unread when she came to look; 0: none */
	bool is_wanted;  /* she wants to be in it, whatever the connection does */
	bool is_in;
	bool is_fresh;              /* what comes is what was said before she came */
	bool has_no_more;           /* of older entries */
	size_t bytes;               /* of the entries' texts */
	struct chat_entry *entries; /* the oldest first */
	size_t entries_len, entries_capacity;
	uint64_t appended; /* entries that were added at the end */
	/* The screen's: how many rows it is scrolled back, when so many entries had come. */
	uint64_t rows_above, rows_at;
	char *people[CHAT_PEOPLE_MAX]; /* who spoke last, first; as they came */
	size_t people_len;
};

struct chat_model {
	struct chat_room *rooms[CHAT_ROOMS_MAX];
	size_t rooms_len;
	struct chat_room *current;   /* NULL: there is none */
	char self[CHAT_WHO_SIZE];    /* our name, "~" and all; "": not known yet */
	uint64_t rang;               /* times that somebody has called us, or told us alone */
	uint64_t heard;              /* messages of others */
	char *known[CHAT_KNOWN_MAX]; /* names of rooms, for completion */
	size_t known_len;
	uint64_t changed; /* counts changes */
};

void weft__model_init(struct chat_model *model);
void weft__model_fini(struct chat_model *model);

/** Find a room, whatever the case of its name; NULL: we have none such. */
struct chat_room *weft__model_find(const struct chat_model *model, const char *name);

/** Find it, or make it; NULL: there are too many, or no memory. The first one is the current. */
struct chat_room *weft__model_open(struct chat_model *model, const char *name);

void weft__model_close(struct chat_model *model, struct chat_room *room);

/** Look at it: nothing in it is unread. NULL is fine. */
void weft__model_show(struct chat_model *model, struct chat_room *room);

/** She sees the newest again: nothing is unread. */
void weft__model_seen(struct chat_room *room);

/** What was said before she came has come; she has read up to there (0: nobody knows). */
void weft__model_came_in(struct chat_model *model, struct chat_room *room, uint64_t read);

/** Our name is known: rooms of two are called by the other's. */
void weft__model_name_rooms(struct chat_model *model);

bool weft__model_is_direct(const struct chat_room *room);

/** Whether no older entries fit any more. */
bool weft__model_is_full(const struct chat_room *room);

/** The log begins anew: what was kept of it goes. */
void weft__model_restart(struct chat_model *model, struct chat_room *room, uint32_t epoch);

/** What was heard of the room's log, where it belongs by its number; is_news: it counts as unread.
 */
void weft__model_log(struct chat_model *model, struct chat_room *room,
	const struct chat_heard *heard, bool is_news);

/** Whether an entry of the log has this number. */
bool weft__model_has(const struct chat_room *room, uint64_t seq);

/** The number of the oldest entry of the log; 0: there is none. */
uint64_t weft__model_first(const struct chat_room *room);

void weft__model_topic(struct chat_model *model, struct chat_room *room, const char *text);

/** Somebody came or went: the text as a terminal may show it. */
void weft__model_coming(
	struct chat_model *model, struct chat_room *room, int64_t at_ns, const char *text);

/** A line of ours, in the room, or the current one for NULL. Nothing of it may come unescaped. */
__attribute__((format(printf, 4, 5))) void weft__model_note(
	struct chat_model *model, struct chat_room *room, int64_t at_ns, const char *format, ...);

/** Somebody spoke, or is there: her name is completed. "~" is left away. */
void weft__model_person(struct chat_room *room, const char *name);

/** Somebody is not there any more. */
void weft__model_gone(struct chat_room *room, const char *name);

/** There is a room of that name: it is completed. */
void weft__model_know(struct chat_model *model, const char *name);

/** Whether the text has our name in it, not as a part of another word. */
bool weft__model_is_called(const struct chat_model *model, const char *text);

/** The next room that has something unread, by its order; else NULL. */
struct chat_room *weft__model_next_unread(const struct chat_model *model);

#endif
