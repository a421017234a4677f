/*
 * chat_caller.h - a client's side of the line protocol: who says what next, and what it means.
 *
 *	connected -> LOGIN, TOKEN or GUEST -> JOIN of every room she wants to be in, after the last
 *	             number that came      -> what had no answer yet, with the same tags -> ...
 *	lost      -> what had no answer is kept, and is sent again after the next connect
 *
 * Pure: lines go in, bytes come out (caller->out), and time is told. What was heard of rooms is in
 * the model; programs that want it at once, and in order, have hooks.
 *
 * Of a room's log each number comes once, in order: behind a hole nothing is taken until what is
 * missing was fetched.
 */
#ifndef WEFT_SRC_CMD_CHAT_CALLER_H
#define WEFT_SRC_CMD_CHAT_CALLER_H

#include "chat_model.h"
#include "weft/str.h"

#define CHAT_POSTS_MAX 64  /* messages without an answer */
#define CHAT_ASKED_MAX 128 /* other commands without one */
#define CHAT_OUT_MAX   (1 << 20)
#define CHAT_PAGE      100 /* older messages fetched at a time */

enum chat_state {
	CHAT_OFFLINE,    /* no connection, or none yet */
	CHAT_LOGGING_IN, /* connected */
	CHAT_ONLINE,
	CHAT_OVER, /* for good: caller->why says why */
};

/** A message that was not accepted yet. */
struct chat_post {
	char id[WEFT_CHAT_TAG_MAX + 1];
	char room[WEFT_CHAT_ROOM_MAX + 1];
	char *text;
	bool is_sent;       /* on this connection */
	bool is_file;       /* text is a path in the hub's folder, to be shared */
	int64_t not_before; /* weft_now(): it was refused until then; 0 */
	uint64_t seq;       /* accepted as, and not heard yet; 0 */
	bool is_heard;      /* heard, and not accepted yet */
};

/** Why a command was sent: what its answer is for. */
enum chat_purpose {
	CHAT_FOR_NOTHING, /* an answer that nobody waits for: PING, READ */
	CHAT_FOR_LOGIN,
	CHAT_FOR_JOIN,
	CHAT_FOR_LEAVE,
	CHAT_FOR_GAP,
	CHAT_FOR_OLDER,
	CHAT_FOR_DIRECT, /* text: to be said there */
	CHAT_FOR_MAKE,   /* text: the room, which is entered then */
	CHAT_FOR_SEARCH, /* this and the next ones have rows */
	CHAT_FOR_ROOMS,
	CHAT_FOR_MEMBERS,
	CHAT_FOR_NAMES, /* of rooms, or of who is there: for completion; nothing is told */
	CHAT_FOR_CODE,
	CHAT_FOR_CHANGE, /* text: what is told when it is done */
};

struct chat_asked {
	enum chat_purpose purpose; /* where number is not 0 */
	uint32_t number;           /* of its tag; 0: free */
	uint32_t rows;             /* that came */
	char room[WEFT_CHAT_ROOM_MAX + 1];
	char *text;
};

/** For programs that are no screen; each may be NULL. Texts are as they came: not to be shown. */
struct chat_hooks {
	void (*logged)(void *arg, const struct chat_heard *heard); /* in order, once */
	void (*settled)(void *arg, const struct chat_post *post, const struct chat_heard *heard);
	void (*entered)(void *arg, const char *room, const char *fault); /* or not: fault */
	void *arg;
};

struct chat_caller_options {
	const char *name;    /* her account, or a guest's; borrowed, as all of these */
	const char *secret;  /* password, or NULL: a guest */
	const char *token;   /* instead of both */
	const char *own;     /* a guest's secret: she has her name again by it at once; NULL */
	unsigned history;    /* older messages that a new room begins with */
	const char *prefix;  /* of ids: nobody else's; at most 30 visible ASCII */
	uint64_t seed;       /* of jitter */
	bool has_completion; /* names of rooms and people are asked for */
	struct chat_hooks hooks;
};

struct chat_caller {
	struct chat_model *model;
	struct chat_caller_options options;
	enum chat_state state;
	char why[256];   /* OVER, OFFLINE: a sentence, harmless to show; "" */
	bool is_wrong;   /* OVER: the hub has never let her in, as name and password don't fit */
	bool is_retried; /* OFFLINE after a login that was refused for now: the wait is retry_ns */
	int64_t retry_ns;
	uint64_t logins; /* that were let in */
	uint64_t joins;  /* of rooms, likewise */
	int64_t now_ns;  /* weft_now(), as told last */
	int64_t wall_ns; /* since 1970, likewise */
	struct weft_str out;
	struct chat_post posts[CHAT_POSTS_MAX]; /* the oldest first */
	size_t posts_len;
	uint64_t posted; /* counts: ids are made of it */
	struct chat_asked asked[CHAT_ASKED_MAX];
	uint32_t asked_count; /* counts: tags are made of it */
	uint64_t misheard;    /* lines that are none */
	struct weft_str list; /* the rows that came, for a person: of one command at a time */
	uint64_t unlisted;    /* that are too many */
	struct chat_heard heard;
};

void weft__caller_init(struct chat_caller *caller, struct chat_model *model,
	const struct chat_caller_options *options);
void weft__caller_fini(struct chat_caller *caller);

/** Before anything else at that time. */
void weft__caller_time(struct chat_caller *caller, int64_t now_ns, int64_t wall_ns);

/* ---- The connection --------------------------------------------------------------------- */

void weft__caller_connected(struct chat_caller *caller);

/** A line came. False: nothing more is to be read of this connection. */
bool weft__caller_line(struct chat_caller *caller, const char *line, size_t len);

/** The connection is gone; why, for a person, harmless to show. */
void weft__caller_lost(struct chat_caller *caller, const char *why);

/** Send what waited until now. Returns when to call it again; INT64_MAX: no need. */
int64_t weft__caller_tick(struct chat_caller *caller);

/** How long to wait before the next try, after so many that failed: longer and longer, and not the
 * same for any two clients. */
int64_t weft__caller_backoff_ns(const struct chat_caller *caller, unsigned tries);

/* ---- What she wants --------------------------------------------------------------------- */

/** Be in a room, and stay in it over all connections. NULL: too many. */
struct chat_room *weft__caller_join(struct chat_caller *caller, const char *room);

/** Not any more; the model closes it. */
void weft__caller_leave(struct chat_caller *caller, struct chat_room *room);

/** Say it as soon as can be. NULL, or a sentence: why not. */
const char *weft__caller_say(struct chat_caller *caller, const char *room, const char *text);

/** Likewise a file of the hub's folder: it becomes a message with a link. */
const char *weft__caller_share(struct chat_caller *caller, const char *room, const char *path);

/**
 * Send a command, without tag and newline; its answer goes where the purpose says. room may be
 * NULL: the current one. NULL, or a sentence: why not.
 */
struct chat_wish {
	enum chat_purpose purpose;
	const struct chat_room *room;
	const char *text;
};
__attribute__((format(printf, 3, 4))) const char *weft__caller_ask(
	struct chat_caller *caller, const struct chat_wish *wish, const char *format, ...);

/** Fetch what is older than the oldest entry, if there is more and it is not under way. */
void weft__caller_older(struct chat_caller *caller, struct chat_room *room);

/** Tell the hub how far she has read. */
void weft__caller_read(struct chat_caller *caller, struct chat_room *room);

/** Whether all that was said is accepted or refused. */
bool weft__caller_is_settled(const struct chat_caller *caller);

#endif
