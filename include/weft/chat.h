/*
 * weft/chat.h - what chat looks like on its wires: datagrams, lines, JSON; nothing of rooms.
 *
 *	struct weft_chat_command command;
 *	const char *why = weft_chat_line_read(&command, line, len);
 *
 *	if (why)
 *		...say "NO bad-command", why...
 *
 * docs/chat-protocol.md describes the wires. A command is the same whatever wire it came by; who
 * carries it out is a door. Nothing here waits, allocates or keeps anything. From any thread.
 */
#ifndef WEFT_CHAT_H
#define WEFT_CHAT_H

#include "weft/api.h"

WEFT_BEGIN

/** Bounds, in bytes without the NUL. */
#define WEFT_CHAT_NAME_MAX     64  /* of a person */
#define WEFT_CHAT_ROOM_MAX     132 /* "@a+b" has two names */
#define WEFT_CHAT_TAG_MAX      40  /* visible ASCII */
#define WEFT_CHAT_TEXT_MAX     4096
#define WEFT_CHAT_LINE_MAX     8192 /* of a command, with its newline */
#define WEFT_CHAT_DATAGRAM_MAX 1400

/* ---- Commands: lines and JSON ---------------------------------------------------------------- */

/** What a client wants; and which fields of the command say it. */
enum weft_chat_verb {
	WEFT_CHAT_LOGIN = 1, /* name, text: her password */
	WEFT_CHAT_TOKEN,     /* text: of a session or an API token */
	WEFT_CHAT_GUEST,     /* name, text: a secret by which she takes it over later, "" */
	WEFT_CHAT_ADMIN,     /* by a Unix socket: who runs the server */
	WEFT_CHAT_JOIN,      /* room; is_on: resume after epoch and seq; limit: so much history */
	WEFT_CHAT_LEAVE,     /* room, text: why */
	WEFT_CHAT_SAY,       /* room, text; its tag is the message's id */
	WEFT_CHAT_SHARE,     /* room, text: a file's path in the folder; its tag as that of SAY */
	WEFT_CHAT_DIRECT,    /* name: opens the room of the two */
	WEFT_CHAT_TYPING,    /* room */
	WEFT_CHAT_READ,      /* room, seq */
	WEFT_CHAT_HISTORY, /* room; seq: before it (0: the newest), or with is_on after it; limit */
	WEFT_CHAT_SEARCH,  /* text; room ("*": any), name (""), seq: goes on from; limit */
	WEFT_CHAT_ROOMS,   /* room: those after it */
	WEFT_CHAT_MEMBERS, /* room */
	WEFT_CHAT_KICK,    /* room ("*": everywhere), name, text: why */
	WEFT_CHAT_BAN,     /* room or "*", name, for_s, text */
	WEFT_CHAT_UNBAN,   /* room or "*", name */
	WEFT_CHAT_MUTE,    /* room or "*", name, for_s, text */
	WEFT_CHAT_UNMUTE,  /* room or "*", name */
	WEFT_CHAT_DELETE,  /* room, seq */
	WEFT_CHAT_TOPIC,   /* room, text */
	WEFT_CHAT_SLOW,    /* room, for_s */
	WEFT_CHAT_READ_ONLY, /* room, is_on */
	WEFT_CHAT_GUESTS,    /* room, is_on */
	WEFT_CHAT_PRIVATE,   /* room, is_on */
	WEFT_CHAT_INVITE,    /* room, name */
	WEFT_CHAT_MODERATOR, /* room, name, is_on */
	WEFT_CHAT_MAKE,      /* room, is_on: private, text: its topic */
	WEFT_CHAT_REMOVE,    /* room */
	WEFT_CHAT_ANNOUNCE,  /* text */
	WEFT_CHAT_CODE,      /* to come in by `nc -u` with one's own name */
	WEFT_CHAT_WHO,       /* all who are connected */
	WEFT_CHAT_STATS,
	WEFT_CHAT_PING,
	WEFT_CHAT_HELP,
	WEFT_CHAT_QUIT,
	WEFT_CHAT_VERBS /* how many there are, and 1 */
};

/** One command; what it does not have is 0 or "". All its strings are UTF-8. */
struct weft_chat_command {
	enum weft_chat_verb verb;
	char tag[WEFT_CHAT_TAG_MAX + 1];
	char room[WEFT_CHAT_ROOM_MAX + 1];
	char name[WEFT_CHAT_NAME_MAX + 1]; /* without the "~" of a guest */
	uint64_t seq;
	uint32_t epoch;
	unsigned limit;
	int64_t for_s; /* 0: for good, or none */
	bool is_on;
	size_t text_len;
	char text[WEFT_CHAT_TEXT_MAX + 1]; /* unescaped; a NUL can't be in it */
};

/**
 * Read a line, with or without its newline. NULL, or a sentence saying what is wrong with it,
 * static; the tag, if there is one that can be read, stands in the command then, too.
 */
WEFT_API const char *weft_chat_line_read(
	struct weft_chat_command *command, const char *line, size_t len);

/**
 * For readers of other wires, which fill in a command of their own: whether it has what its verb
 * takes, in a form that can be. NULL, or a sentence.
 */
WEFT_API const char *weft_chat_command_check(const struct weft_chat_command *command);

/** The verb of a word, "SAY" or "say"; 0: there is no such. */
WEFT_API enum weft_chat_verb weft_chat_verb_of(const char *word, size_t len);

/** How a verb is called in lines, "SAY"; and how it is used there: "SAY room text". */
WEFT_API const char *weft_chat_verb_name(enum weft_chat_verb verb);
WEFT_API const char *weft_chat_verb_usage(enum weft_chat_verb verb);

/* ---- Text that goes out -----------------------------------------------------------------------
 */

/*
 * Each writes the text as its wire wants it, whole characters as many as fit into size, without a
 * NUL; and returns how long all of it is, as snprintf(3) does. What is not UTF-8 becomes U+FFFD.
 */

/**
 * The last field of a line: a backslash is doubled, newline, return and tab are "\n", "\r", "\t",
 * and what steers a terminal (weft_utf8_is_dangerous()) is "\u{1b}". weft_chat_line_read() undoes
 * it.
 */
WEFT_API size_t weft_chat_line_escape(const char *text, size_t len, char *ret_text, size_t size);

/** What a client does with the last field of a line that it gets: undo that. */
WEFT_API size_t weft_chat_line_unescape(const char *text, size_t len, char *ret_text, size_t size);

/** Inside of a JSON string (RFC 8259), without the quotes. */
WEFT_API size_t weft_chat_json_escape(const char *text, size_t len, char *ret_text, size_t size);

/** For people with `nc`: as in a line, but that a backslash is one. Nothing of it ends a line. */
WEFT_API size_t weft_chat_plain_escape(const char *text, size_t len, char *ret_text, size_t size);

/* ---- Files that are shared
 * --------------------------------------------------------------------- */

/**
 * A file of the folder that is served, as a message tells of it. Neither string is NUL-terminated.
 */
struct weft_chat_file {
	const char *name; /* UTF-8, without what steers a terminal */
	size_t name_len;
	int64_t size;     /* bytes, when it was shared */
	const char *type; /* "image/jpeg" */
	size_t type_len;
	const char *path; /* of its address: "/pets/my%20cat.jpg" */
	size_t path_len;
};

/**
 * The message's text, which can be read by people, too: "my cat.jpg (4711 bytes, image/jpeg)
 * /pets/my%20cat.jpg". Cut where size ends, without a NUL; returns how long all of it is, or 0: it
 * can't be told of.
 */
WEFT_API size_t weft_chat_file_write(
	const struct weft_chat_file *file, char *ret_text, size_t size);

/** Read it again, as parts of text. false: it is no such text. */
WEFT_API bool weft_chat_file_read(struct weft_chat_file *file, const char *text, size_t len);

/* ---- Datagrams --------------------------------------------------------------------------------
 */

enum weft_chat_ask {
	WEFT_CHAT_ENTER = 'L',
	WEFT_CHAT_SPEAK = 'C',
	WEFT_CHAT_EXIT = 'Q',
};

/** What a datagram asks. */
struct weft_chat_datagram {
	enum weft_chat_ask ask;
	char name[WEFT_CHAT_NAME_MAX + 1];
	char words[2][WEFT_CHAT_TAG_MAX + 1]; /* ENTER: behind the name: a cookie, a code */
	const char *text;                     /* SPEAK: part of data, not NUL-terminated */
	size_t text_len;
};

/**
 * Read one; a newline at its end is no part of it. NULL, or a sentence saying what is wrong with
 * it, static and fit to be sent back: it says nothing that was sent.
 */
WEFT_API const char *weft_chat_datagram_read(
	struct weft_chat_datagram *datagram, const char *data, size_t len);

WEFT_END

#endif
