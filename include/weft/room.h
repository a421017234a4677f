/*
 * weft/room.h - rooms where people talk: members, messages, history, order; nothing of wires.
 *
 *	struct weft_rooms *rooms = weft_rooms_open(
 *		&(struct weft_rooms_options){.dir = "/var/lib/weft"});
 *	struct weft_room_client *client = weft_room_enter(rooms, &mia, &line_form, NULL);
 *
 *	weft_room_join(client, "lobby", NULL, NULL);
 *	weft_room_post(client, "lobby", &(struct weft_room_post){.text = "hello", .len = 5});
 *	while ((len = weft_room_receive(client, bytes, sizeof(bytes))) > 0)
 *		weft_stream_write_all(peer, bytes, len);
 *	weft_room_exit(client);
 *
 * A room is a log. A message has the next number of its room (seq, from 1 on without a hole, while
 * the room's epoch stays the same), and an id that its writer chose, which makes sending it again
 * harmless. It is accepted when it is on the disk: messages that come together are written
 * together, by one writer, and then everybody who is in the room gets them, in the log's order.
 *
 *	post -> queue -> one transaction -> the room's tail, once in each form -> clients, each at
 *	                 (on the disk)      (bytes, the same for all of them)     its own place
 *
 * A client is one connection of one person, at one door. A door gives a form: how its wire writes
 * an event. Each message is written once for each form that somebody in the room uses, however many
 * they are. A client that is slow has a place further back in the tail, and holds up nobody; when
 * the tail's end has passed its place, it is told which numbers it has missed, and can fetch them.
 *
 * Rules live here, for all doors: who may enter, speak, moderate; slow mode; lengths. Who somebody
 * is, is the door's to know: it has asked weft/account.h. Rooms know no account, and members may
 * sit in other processes later.
 *
 * Every call that waits parks the calling fiber, or blocks the calling thread, and obeys the
 * ambient scope. Errors: -1 or NULL with errno set. Common to all that name a room: ENOENT (there
 * is none such, or not for her), EINVAL (what can't be a room's name), ENOMEM, EIO, ENOSPC,
 * ESHUTDOWN (the rooms close, or the client is over). Where a build is without SQLite: ENOSYS.
 * Threads: any, but for a client, which is for one fiber or thread at a time (weft_room_take() and
 * all the rest may be two). docs/chat.md is the guide.
 */
#ifndef WEFT_ROOM_H
#define WEFT_ROOM_H

#include "weft/api.h"

WEFT_BEGIN

struct weft_rooms;       /* opaque: src/room/inside.h */
struct weft_room_client; /* opaque: src/room/inside.h */

/** Bounds, in bytes without the NUL. */
#define WEFT_ROOM_NAME_MAX   64 /* letters, digits, marks and . _ - ; case makes no difference */
#define WEFT_ROOM_NAME_SIZE  (2 * WEFT_ROOM_NAME_MAX + 3) /* with the NUL: "@a+b", of two people */
#define WEFT_ROOM_PERSON_MAX 64
#define WEFT_ROOM_ID_MAX     40 /* of a message: visible ASCII; a UUID has 36 */
#define WEFT_ROOM_TOPIC_MAX  256
#define WEFT_ROOM_REASON_MAX 128
#define WEFT_ROOM_TEXT_MAX   16384 /* at most; the options say less */

/* ---- Who ------------------------------------------------------------------------------------ */

/** Somebody, as the door knows her. Copied. */
struct weft_room_person {
	int64_t account;     /* its id; 0: a guest */
	const char *name;    /* as all see it */
	const char *key;     /* what must differ between two people: of names that look alike the
			      * same; NULL: the name itself */
	const char *address; /* without the port; NULL: this machine */
	const char *secret;  /* of a guest: who comes by this name with the same one takes it over,
			      * and the client that has it is over, and her posts' ids are hers
			      * still, from wherever she comes; NULL, "": nobody does */
	bool moderates;      /* every room, as an administrator does */
	bool is_server;      /* speaks as the server: nobody else has its name */
};

/* ---- What happens --------------------------------------------------------------------------- */

enum weft_room_kind {
	/* To everybody in the room. */
	WEFT_ROOM_MESSAGE = 1, /* in the log: seq, id, who, text, at */
	WEFT_ROOM_DELETED,     /* in the log: the message number target is gone; who did it */
	WEFT_ROOM_TOPIC,       /* in the log: text is the new topic */
	WEFT_ROOM_NOTICE,      /* in the log: what a moderator did, or the server says: text */
	WEFT_ROOM_JOINED,      /* who is here now; of a person with several clients the first */
	WEFT_ROOM_LEFT,        /* and the last; text: why, "" */
	WEFT_ROOM_COUNT,       /* instead of the two in a room with many: so many are here */
	WEFT_ROOM_TYPING,      /* who is about to say something */
	WEFT_ROOM_CHANGED,     /* the room's rules have: text says how, "read-only on" */

	/* To one client. */
	WEFT_ROOM_ACCEPTED, /* id: is on the disk as seq (again: the same seq as before) */
	WEFT_ROOM_REFUSED,  /* id: is not, and fault says why; wait_ns: try again then */
	WEFT_ROOM_GAP,      /* what is between from and to went by; fetch it */
	WEFT_ROOM_INVITED,  /* who lets it into the room, if it joins */
	WEFT_ROOM_ENTERED,  /* it is in a room now: by itself, or of two; seq: the newest; text:
			     * the topic */
	WEFT_ROOM_EXITED,   /* it is not any more: text says why */
	WEFT_ROOM_OVER,     /* the client is over: text says why; the last one it gets */
};

/** Why something was refused; errno says it more roughly. */
enum weft_room_fault {
	WEFT_ROOM_FAULT_NONE,
	WEFT_ROOM_NO_ROOM,         /* ENOENT */
	WEFT_ROOM_BAD_NAME,        /* EINVAL: of a room */
	WEFT_ROOM_NAME_TAKEN,      /* EEXIST: of a room, or of a guest */
	WEFT_ROOM_NOT_MEMBER,      /* EACCES: join first */
	WEFT_ROOM_NOT_ALLOWED,     /* EACCES */
	WEFT_ROOM_BANNED,          /* EPERM */
	WEFT_ROOM_MUTED,           /* EPERM */
	WEFT_ROOM_READ_ONLY,       /* EROFS */
	WEFT_ROOM_SLOW_MODE,       /* EAGAIN: wait_ns */
	WEFT_ROOM_FULL,            /* EUSERS: the room, or all rooms */
	WEFT_ROOM_TOO_MANY,        /* EUSERS: rooms, clients of one person, posts under way */
	WEFT_ROOM_TEXT_EMPTY,      /* EINVAL */
	WEFT_ROOM_TEXT_TOO_LONG,   /* EMSGSIZE */
	WEFT_ROOM_TEXT_NOT_UTF8,   /* EILSEQ, or control characters but newline and tab */
	WEFT_ROOM_BAD_ID,          /* EINVAL */
	WEFT_ROOM_NO_SUCH_PERSON,  /* ENOENT */
	WEFT_ROOM_NO_SUCH_MESSAGE, /* ENOENT */
	WEFT_ROOM_FAILED,          /* EIO, ENOSPC...: the disk; nothing was kept */
	WEFT_ROOM_FAULTS           /* how many there are */
};

/** A sentence for a person without a final dot; and a word for programs: "read-only". */
WEFT_API const char *weft_room_fault_text(enum weft_room_fault fault);
WEFT_API const char *weft_room_fault_word(enum weft_room_fault fault);

/** One event; what does not belong to its kind is 0 or "". Strings are NUL-terminated. */
struct weft_room_event {
	enum weft_room_kind kind;
	enum weft_room_fault fault;
	const char *room;
	uint32_t epoch;
	uint64_t seq;             /* its number; 0: not in the log */
	uint64_t target;          /* DELETED: which */
	uint64_t from, to;        /* GAP, both included */
	uint64_t client;          /* whose connection it came by: weft_room_client_number(); 0 */
	int64_t at_ns;            /* since 1970 */
	int64_t wait_ns;          /* REFUSED */
	unsigned count;           /* people in the room: JOINED, LEFT, COUNT, ENTERED */
	bool is_guest, is_server; /* who */
	bool is_file;             /* MESSAGE: as of its post */
	const char *id;
	const char *who;
	const char *text;
	size_t text_len;
};

/**
 * How a door's wire writes events. Static: its address is its name. write puts the event's bytes at
 * ret_bytes, if they are no more than size, and returns how many they are; 0: nothing is
 * sent of it. It never waits, and is called on any thread, once for all clients of the form.
 */
struct weft_room_form {
	const char *name;
	size_t (*write)(const struct weft_room_event *event, char *ret_bytes, size_t size);
	bool skips_own; /* a client gets no MESSAGE and TYPING that came by itself */
};

/* ---- Life ----------------------------------------------------------------------------------- */

/** What was done by somebody with a power: for the audit log. result NULL: done. */
struct weft_room_deed {
	const struct weft_room_person *who;
	const char *action; /* "room.kick" */
	const char *room, *target, *detail;
	const char *result; /* weft_room_fault_word() */
};

struct weft_rooms_options {
	const char *dir;       /* the state folder: chat.db; NULL: nothing outlives the process */
	unsigned rooms_max;    /* 0: 10000 */
	unsigned clients_max;  /* 0: 100000 */
	unsigned members_max;  /* people in one room; 0: 20000 */
	unsigned person_max;   /* clients of one person, at most 64; 0: 32; of an address: guests,
				* 8 times as many */
	size_t text_max;       /* 0: 4096 */
	size_t tail_max;       /* bytes of a room kept for those who are behind; 0: 256 KiB */
	size_t queue_max;      /* bytes for one client alone; beyond, it is over; 0: 64 KiB */
	unsigned posts_max;    /* of one client under way; beyond, a post waits; 0: 256 */
	unsigned presence_max; /* people in a room up to which each coming is told; 0: 200 */
	int64_t search_ns;     /* of a processor, for one page of what is found; 0: half a second */
	bool guests_may_make_rooms;
	bool members_may_not_make_rooms;
	const char *lobby; /* a room that is always there, open to guests; NULL: "lobby" */
	void (*audit)(void *arg, const struct weft_room_deed *deed); /* it may wait; NULL */
	void *arg;
};

/** options may be NULL. Errors: as open(2); EPERM, ENOTSUP, EBADMSG as weft_accounts_open(); EBUSY
 * (somebody has them open: one process at a time); EINVAL (lobby can't be a room's name). */
WEFT_API struct weft_rooms *weft_rooms_open(const struct weft_rooms_options *options);

/** What was posted is written; clients are told OVER, and fail from now on. Safe to call once. */
WEFT_API void weft_rooms_shut(struct weft_rooms *rooms, const char *reason);

/** Every client must have exited. NULL is fine. Keeps errno. */
WEFT_API void weft_rooms_close(struct weft_rooms *rooms);

/* ---- Clients -------------------------------------------------------------------------------- */

struct weft_room_client_options {
	/**
	 * There is something to take, after there was nothing: called once until weft_room_take()
	 * has returned 0. On any thread; it never waits, and calls nothing of this header. NULL:
	 * weft_room_receive() is used.
	 */
	void (*on_ready)(void *arg);
	/**
	 * Somebody wants the name of this guest: find out whether her peer is still there, and if
	 * not let the client exit soon. NULL: nothing is done. As on_ready, on any thread; it never
	 * waits, and calls nothing of this header.
	 */
	void (*on_probe)(void *arg);
	void *arg;
	const char *door; /* "udp", "web": shown to administrators; NULL: "" */
};

/**
 * Come in. To be ended by weft_room_exit(). person.name of a guest must be nobody's who is here,
 * but for her own of before, by person.secret. options may be NULL. Errors: EEXIST (it is), EPERM
 * (banned), EUSERS, ESHUTDOWN, EINVAL (no name or form, or one of person's texts is too long).
 */
WEFT_API struct weft_room_client *weft_room_enter(struct weft_rooms *rooms,
	const struct weft_room_person *person, const struct weft_room_form *form,
	const struct weft_room_client_options *options);

/** Leave all rooms and free it; what it posted is still written. NULL is fine. Keeps errno. */
WEFT_API void weft_room_exit(struct weft_room_client *client);

/** From any thread, while nobody calls exit: the client is over, and told so after all else. */
WEFT_API void weft_room_end(struct weft_room_client *client, const char *reason);

/** A number of its own for as long as the rooms are open. */
WEFT_API uint64_t weft_room_client_number(const struct weft_room_client *client);

/** Why its last call was refused; and how long to wait after EAGAIN. */
WEFT_API enum weft_room_fault weft_room_client_fault(const struct weft_room_client *client);
WEFT_API int64_t weft_room_client_wait_ns(const struct weft_room_client *client);

/**
 * What is to be sent to it now, whole events as many as fit; ends (NULL: not wanted) gets where
 * each ends, at most count of them, and count how many there are. Never waits. 0: nothing. -1:
 * ESHUTDOWN, after the last event was taken; EMSGSIZE: size is too small for the next event: 64 KiB
 * are enough for all of a form that writes a text in at most three times its length.
 *
 * What is for it alone comes first: ENTERED and older messages before what is said in the room from
 * then on. So ACCEPTED may come before its MESSAGE, or after it. When it leaves a room, or is put
 * out, what it had not taken of it is dropped.
 */
struct weft_room_ends {
	uint32_t *ends;
	size_t count;
};
WEFT_API ssize_t weft_room_take(
	struct weft_room_client *client, char *ret_bytes, size_t size, struct weft_room_ends *ends);

/**
 * Put bytes of the door's own, such as its answer to a command, behind what the client is to take
 * of what is for it alone: it takes them whole. Waits while half of queue_max has not been taken,
 * besides what it has joined for: older messages, and ENTERED of rooms of two.
 * Errors: ESHUTDOWN, EMSGSIZE (over half of queue_max).
 */
WEFT_API int weft_room_tell(struct weft_room_client *client, const void *bytes, size_t len);

/** The same as take, but waits while there is nothing; and 0 when the client is over. */
WEFT_API ssize_t weft_room_receive(struct weft_room_client *client, char *ret_bytes, size_t size);

/* ---- Being in rooms ------------------------------------------------------------------------- */

struct weft_room_join_options {
	bool makes; /* the room, public, if there is none */
	/* Go on after epoch (0, of another one) and seq: what has come since is sent first, at
	 * most the newest 1000 and queue_max bytes of it, with a GAP for what is before those. */
	bool resumes;
	uint32_t epoch;
	uint64_t after;   /* seq */
	unsigned history; /* else: so many of the last messages first */
};

struct weft_room_facts {
	char name[WEFT_ROOM_NAME_SIZE];
	char topic[WEFT_ROOM_TOPIC_MAX + 1];
	uint32_t epoch;
	uint64_t last;     /* seq of the newest; 0: none */
	uint64_t read;     /* up to which she has read; accounts only */
	unsigned people;   /* who are in it */
	int64_t slow_ns;   /* between two messages of one person; 0: none */
	bool is_private;   /* only those who were invited know of it */
	bool is_direct;    /* between two */
	bool is_read_only; /* moderators speak */
	bool is_for_guests;
	bool is_here; /* this client */
	bool may_moderate;
};

/** Be in a room. Again: nothing changes. options and ret_facts may be NULL. Faults: NO_ROOM,
 * BANNED, NOT_ALLOWED (guests), FULL, TOO_MANY, BAD_NAME. */
WEFT_API int weft_room_join(struct weft_room_client *client, const char *room,
	const struct weft_room_join_options *options, struct weft_room_facts *ret_facts);

/** The others are told; reason may be NULL. Faults: NOT_MEMBER. */
WEFT_API int weft_room_leave(struct weft_room_client *client, const char *room, const char *reason);

/** The room of her and somebody else, made if needed, in ret_room; both are in it whenever they
 * are here. Both have accounts, and are called so now: a room that they have had by other names has
 * these from here on, and one of other people that has this name steps aside, by a name that begins
 * with "@.". Faults: NO_SUCH_PERSON, NOT_ALLOWED. */
struct weft_room_other {
	int64_t account;
	const char *name;
};
WEFT_API int weft_room_direct(struct weft_room_client *client, const struct weft_room_other *other,
	char ret_room[WEFT_ROOM_NAME_SIZE]);

/** Whose account is the other's, in a room of two, and by which name the room's tells of her: ""
 * where it was made when this one or both had other names. Whether that account still has the name
 * is for the door to look at, before it takes anything for that room. 1; 0: another room, and both
 * are untouched; -1: faults NO_ROOM, BAD_NAME. */
WEFT_API int weft_room_of_two(struct weft_room_client *client, const char *room,
	int64_t *ret_account, char ret_name[WEFT_ROOM_PERSON_MAX + 1]);

/* ---- Saying --------------------------------------------------------------------------------- */

struct weft_room_post {
	const char *id; /* NULL: none, and sending it again is a second message. Else one that
			 * she uses for nothing else, ever: a UUID; with another text: BAD_ID */
	const char *text;
	size_t len;
	bool is_file; /* it tells of a file that the door has looked at: kept with it */
};

/**
 * Say something. 0: it is under way, and the client will get ACCEPTED or REFUSED, in the order of
 * its posts; the order of a client's messages in a room is that of its posts. It waits only while
 * too many of its own are under way. -1 with a fault: it never will be.
 */
WEFT_API int weft_room_post(
	struct weft_room_client *client, const char *room, const struct weft_room_post *post);

/** weft_room_post(), and waits for the disk: then *ret_seq. The client gets no ACCEPTED. */
WEFT_API int weft_room_say(struct weft_room_client *client, const char *room,
	const struct weft_room_post *post, uint64_t *ret_seq);

/** Wait until all that it has posted is answered: the answers are there to be taken. */
WEFT_API int weft_room_settle(struct weft_room_client *client);

/** About to say something; told to the others at most once in some seconds, and after a message. */
WEFT_API int weft_room_typing(struct weft_room_client *client, const char *room);

/** Read up to seq. Accounts only; it never goes back. */
WEFT_API int weft_room_mark_read(struct weft_room_client *client, const char *room, uint64_t seq);

/* ---- Looking -------------------------------------------------------------------------------- */

struct weft_room_page {
	uint64_t before; /* seq; 0: from the newest */
	uint64_t after;  /* seq; if not 0, forwards from there */
	bool forwards;   /* so also where after is 0: from the first */
	unsigned limit;  /* 0: 50; at most 500 */
};

/** Called for each, in the order of seq; returns 0, or -1 to end. The caller's fiber; may wait. */
typedef int weft_room_event_fn(const struct weft_room_event *event, void *arg);

/** What was said in a room that she may read. 1: there is more that way; 0: no. */
WEFT_API int weft_room_history(struct weft_room_client *client, const char *room,
	const struct weft_room_page *page, weft_room_event_fn *fn, void *arg);

struct weft_room_search {
	const char *text; /* parts of words; all of them, apart by spaces */
	const char *room; /* NULL: all that she may read */
	const char *who;  /* NULL: anybody */
	int64_t before;   /* continues a search: ret_next of the last page; 0: the newest first */
	unsigned limit;
};

/**
 * Newest first, all that was said before: it waits until that is in the index. Returns what
 * continues it, or 0: a page may hold fewer than the limit, or none, and have a next one, where
 * much had to be looked through. Errors: EINVAL (nothing to look for).
 */
WEFT_API int64_t weft_room_search(struct weft_room_client *client,
	const struct weft_room_search *search, weft_room_event_fn *fn, void *arg);

/** Rooms that she may see, by name, from the one after `after` (NULL: the first). 1: more. */
typedef int weft_room_facts_fn(const struct weft_room_facts *facts, void *arg);
WEFT_API int weft_room_list(
	struct weft_room_client *client, const char *after, weft_room_facts_fn *fn, void *arg);

struct weft_room_member {
	const char *name;
	int64_t account;
	bool is_guest, is_moderator, is_muted, is_here;
};
typedef int weft_room_member_fn(const struct weft_room_member *member, void *arg);

/** Who is in a room, by name. */
WEFT_API int weft_room_members(
	struct weft_room_client *client, const char *room, weft_room_member_fn *fn, void *arg);

/* ---- Moderation ----------------------------------------------------------------------------- */

enum weft_room_action {
	WEFT_ROOM_KICK = 1,       /* target: out, and may come again; invited no more */
	WEFT_ROOM_BAN,            /* target, for_ns (0: for good); a guest's address too */
	WEFT_ROOM_UNBAN,          /* target */
	WEFT_ROOM_MUTE,           /* the same */
	WEFT_ROOM_UNMUTE,         /* target */
	WEFT_ROOM_DELETE,         /* seq: one's own, or as a moderator; its text is gone */
	WEFT_ROOM_SET_TOPIC,      /* text */
	WEFT_ROOM_SET_SLOW,       /* for_ns between two messages of one; 0: off */
	WEFT_ROOM_SET_READ_ONLY,  /* is_on */
	WEFT_ROOM_SET_GUESTS,     /* is_on */
	WEFT_ROOM_SET_PRIVATE,    /* is_on */
	WEFT_ROOM_INVITE,         /* target (account): may join a private room, and is told */
	WEFT_ROOM_MAKE_MODERATOR, /* target (account), is_on */
	WEFT_ROOM_MAKE,           /* the room itself: text its topic, is_on: private */
	WEFT_ROOM_REMOVE, /* the room and all that was said; moderators of everything only */
};

struct weft_room_change {
	enum weft_room_action action;
	const char *room; /* NULL with KICK, BAN, UNBAN, MUTE: everywhere, by who moderates all */
	const char *target;
	int64_t target_account; /* of a name that is not here; 0: who is */
	bool target_moderates;  /* every room: who is not here, as an administrator's account may */
	const char *text;       /* a topic; else why: told */
	uint64_t seq;
	int64_t for_ns;
	bool is_on;
};

/** Change a room's rules or somebody's standing; on the disk when it returns 0; told to the room,
 * and to the audit. Faults: NOT_ALLOWED, NO_SUCH_PERSON, NO_SUCH_MESSAGE, NO_ROOM. */
WEFT_API int weft_room_change(
	struct weft_room_client *client, const struct weft_room_change *change);

/** Say something in every room, as the server. is_server or moderates only. */
WEFT_API int weft_room_announce(struct weft_room_client *client, const char *text);

/* ---- For who runs it ------------------------------------------------------------------------ */

struct weft_room_present {
	uint64_t client;
	const char *name, *address, *door;
	int64_t account;
	bool is_server;
	int64_t since_ns;
	unsigned rooms;
	size_t behind; /* bytes that it has not taken yet */
};
typedef int weft_room_present_fn(const struct weft_room_present *present, void *arg);

/** All clients. moderates or is_server only. */
WEFT_API int weft_room_who(struct weft_room_client *client, weft_room_present_fn *fn, void *arg);

struct weft_rooms_counts {
	uint64_t posted, accepted, refused, commits;
	uint64_t delivered; /* events taken by clients */
	uint64_t gaps;
	unsigned rooms, clients, people;
	size_t tail_bytes;
};
WEFT_API void weft_rooms_counts(struct weft_rooms *rooms, struct weft_rooms_counts *ret_counts);

struct weft_room_summary {
	char name[WEFT_ROOM_NAME_SIZE];
	unsigned people;   /* who are in it now */
	uint64_t messages; /* the number of the newest one */
};

/**
 * The rooms that everybody may know of, the fullest first, then by name; max at most, as a list of
 * the caller's to free(3). *ret_private: how many others there are, private ones and those of two
 * people. Returns how many are in the list; -1 with ENOMEM.
 */
WEFT_API ssize_t weft_rooms_summary(struct weft_rooms *rooms, size_t max,
	struct weft_room_summary **ret_list, size_t *ret_private);

WEFT_END

#endif
