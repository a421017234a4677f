/*
 * chat.h - chat behind its doors: who is at the other end, what she says, what she gets.
 *
 *	peer --> door: bytes --> weft_chat_command --> session: rooms, accounts, bounds
 *	peer <-- door: bytes <-- weft_room_take()  <-- the session's client: answers, rows, events
 *
 * A door reads commands of its wire (weft/chat.h) and gives each to the session of its peer, one
 * after the other. Before the peer has said who she is, the session has no client, and its answers
 * go through the peer's write(); from then on, all that she is to be sent comes out of
 * weft_room_take(), in order: answers, rows of lists, events of rooms.
 *
 *	chat.c           the rooms, bounds, names, the audit log
 *	chat_code.c      codes by which an account's name comes in by `nc -u`
 *	chat_write.c     what is said, as lines and JSON
 *	chat_json.c      commands that come as JSON
 *	chat_session.c   a session's life; one command after the other
 *	chat_login.c     who it is
 *	chat_talk.c      commands that join, say and look
 *	chat_share.c     files of the folder, as links
 *	chat_moderate.c  commands that change a room, or somebody's standing
 *	chat_strangers.c how many of one address are nobody yet
 *	chat_watch.c     whether those who have logged in still may be here
 *	chat_probe.c     whether a guest whose name somebody wants is still there
 *	chat_tcp.c       the door of lines: TCP, TLS, Unix sockets
 *	chat_deliver.c   bytes to many peers
 *	chat_web.c       the door of browsers: WebSocket with JSON, which the page speaks
 *	chat_udp.c       the door of `nc -u` (chat_udp.h, chat_udp_inside.h)
 *	chat_sealed.c    the door of links: lines in sealed datagrams (chat_sealed.h)
 *	chat_key.c       the server's key for them
 *
 * Everything here that waits obeys the ambient scope. A session is for one fiber at a time.
 */
#ifndef WEFT_SRC_HUB_CHAT_H
#define WEFT_SRC_HUB_CHAT_H

#include "weft/account.h"
#include "weft/chat.h"
#include "weft/chat_link.h"
#include "weft/files.h"
#include "weft/room.h"
#include "weft/serve.h"

struct hub_chat;         /* chat.c */
struct hub_chat_session; /* chat_session.h */

/* ---- All of it ------------------------------------------------------------------------------ */

/** Who wants to look at the folder. */
struct hub_chat_looker {
	const struct weft_account_who *who; /* NULL: a guest */
	const char *door;                   /* "web", which what guards the files has let in */
};

/** The folder that files are shared from; all of it lives longer. */
struct hub_chat_folder {
	struct weft_files *files;
	const char *(*type_of)(void *arg, const char *path); /* static, or as long as arg */
	/** The rights of the moment; *ret_visitor is used up to the next command. */
	void (*visit)(void *arg, const struct hub_chat_looker *looker,
		struct weft_files_visitor *ret_visitor);
	void *arg;
};

struct hub_chat_options {
	struct weft_accounts *accounts; /* NULL: everybody is a guest; lives longer */
	struct hub_chat_folder folder;  /* files NULL: none are shared */
	const char *dir;                /* of chat.db; NULL: nothing outlives the process */
	bool no_guests;
	bool guests_may_make_rooms;
	bool takes_plain_secrets;   /* passwords over a network in the clear */
	unsigned rate;              /* commands a second of one client; 0: 20 */
	unsigned address_rate;      /* of one address; 0: 10 times that */
	struct weft_ledger *ledger; /* of connections by host, over all doors; NULL; lives longer */
};

/** Open the rooms. Call it where weft_rooms_open() may be: the run lasts longer. Errors: its. */
struct hub_chat *weft__hub_chat_new(const struct hub_chat_options *options);

/** No more posts; clients are told that it is over, and why. Waits for the disk. */
void weft__hub_chat_shut(struct hub_chat *chat, const char *reason);

/**
 * What guests say is kept: those of one address, by a key, may say so many *bytes. Returns 0; or
 * how many nanoseconds there is no more for them, with the *bytes that are left to ask for. Any
 * thread.
 */
int64_t weft__hub_chat_guest_take(
	struct hub_chat *chat, const void *key, size_t key_len, size_t *bytes);

/** Another rate, as in the options; who is in is paced by it from her next command on. Any thread.
 */
void weft__hub_chat_set_rate(struct hub_chat *chat, unsigned rate);

/** Every session is over. NULL is fine. */
void weft__hub_chat_free(struct hub_chat *chat);

struct weft_rooms *weft__hub_chat_rooms(struct hub_chat *chat);

/* ---- Wires ---------------------------------------------------------------------------------- */

/** How events, answers and rows look. */
struct hub_chat_wire {
	struct weft_room_form form; /* of events: its address is the wire's */
	bool is_json;               /* else lines */
	bool is_framed;             /* each in a frame of WebSocket */
};

extern const struct hub_chat_wire weft__hub_chat_lines;
extern const struct hub_chat_wire weft__hub_chat_json;      /* objects, without a newline */
extern const struct hub_chat_wire weft__hub_chat_websocket; /* the same, framed */

/* ---- Sessions ------------------------------------------------------------------------------- */

/** What a door knows of a peer. */
struct hub_chat_peer {
	const struct hub_chat_wire *wire;
	const char *door;      /* "tcp": static */
	const char *address;   /* without the port; NULL: this machine. Copied */
	bool is_private;       /* nobody listens on the way: TLS, loopback, a Unix socket */
	bool is_counted;       /* in the ledger, by the door that it came by */
	bool has_no_rate;      /* a Unix socket: whoever may connect is trusted so far */
	bool is_administrator; /* who runs this server, or root: the kernel says so */

	/** Before there is a client, and the last word after: send it, all; it may wait. Returns 0,
	 * or -1: the peer is gone. */
	int (*write)(void *arg, const char *bytes, size_t len);
	/** As weft_room_client_options has it. */
	void (*on_ready)(void *arg);
	void (*on_probe)(void *arg); /* the same */
	void *arg;
};

/**
 * End it with weft__hub_chat_session_free(). NULL: ENOMEM; EUSERS: too many of its address have not
 * said yet who they are; EDQUOT: its host has as many connections as it may.
 */
struct hub_chat_session *weft__hub_chat_session_new(
	struct hub_chat *chat, const struct hub_chat_peer *peer);

/** Whether it would be that, for now: for a door that can say so before. address may be NULL. */
bool weft__hub_chat_is_crowded(struct hub_chat *chat, const char *address);

/** Leaves all rooms; QUIT is answered then. on_ready is not called any more. NULL is fine. Keeps
 * errno. */
void weft__hub_chat_session_free(struct hub_chat_session *session);

/** Somebody who has logged in already, by a cookie: as LOGIN. Takes no reference. Returns 0, or -1:
 * not let in, and she was told why. */
int weft__hub_chat_session_enter(
	struct hub_chat_session *session, const struct weft_account_who *who);

/**
 * Carry out a command, and answer it. Returns 0 to go on, 1 to end after what she has still to be
 * sent (QUIT, which free answers), -1: it is over, or the caller was interrupted. A command that
 * comes too fast waits here first.
 */
int weft__hub_chat_session_do(
	struct hub_chat_session *session, const struct weft_chat_command *command);

/** Answer what is no command: "NO bad-command", why. tag may be "". Returns as do. */
int weft__hub_chat_session_refuse(
	struct hub_chat_session *session, const char *tag, const char *why);

/** NULL: nobody has come in yet. */
struct weft_room_client *weft__hub_chat_session_client(const struct hub_chat_session *session);

/* ---- Codes: an account's name by `nc -u` ---------------------------------------------------- */

#define HUB_CHAT_CODE_SIZE 9 /* eight letters and digits */

/** A code for somebody who has logged in, good for 5 minutes and once; one made before is dead. */
int weft__hub_chat_code_make(
	struct hub_chat *chat, struct weft_account_who *who, char ret_code[HUB_CHAT_CODE_SIZE]);

/** Who asks to come in by a code. */
struct hub_chat_guess {
	int64_t account;
	const char *code;
	const void *network; /* where she is: whose wrong codes are counted */
	size_t network_len;
};

/**
 * Use it: 1, and *ret_who is who asked for it as she was then, the caller's. 0: it is wrong, or
 * over; the right one stays good however often others are wrong. -1: too many wrong ones came from
 * that network; later.
 */
int weft__hub_chat_code_take(struct hub_chat *chat, const struct hub_chat_guess *guess,
	struct weft_account_who **ret_who);

/* ---- Those with accounts, in by a door that has no sessions (chat_watch.c) --------------------
 */

struct hub_chat_stay;

/** From now until weft__hub_chat_stay_end() the client is ended when who may not be here any more.
 * Takes who, also when it fails. NULL: ENOMEM. */
struct hub_chat_stay *weft__hub_chat_stay_begin(
	struct hub_chat *chat, struct weft_account_who *who, struct weft_room_client *client);

/** Before the client exits. NULL is fine. */
void weft__hub_chat_stay_end(struct hub_chat_stay *stay);

/* ---- Who is still there (chat_probe.c) --------------------------------------------------------
 */

/** Find out whether a connection's peer is there still: if it does not answer within seconds, the
 * connection is shut down. On any thread; never waits. */
void weft__hub_chat_probe(struct hub_chat *chat, int fd);

/* ---- Names ---------------------------------------------------------------------------------- */

/** Room for the key of a name: what lookalikes have in common. */
#define HUB_CHAT_KEY_SIZE 512

/** What a door that has no commands asks, of who comes in by a name. */
struct hub_chat_name {
	const char *fault; /* a word; NULL: it can be had */
	const char *why;   /* its sentence */
	int64_t account;   /* whose it is; 0: nobody's, a guest can have it */
	char key[HUB_CHAT_KEY_SIZE];
};

/**
 * Whether somebody can come in by a name. With an account's own name: fault NULL, and account is
 * its id (the door asks for a code); a name that looks like it, or is reserved, has a fault.
 * Returns 0, or -1 with errno: nothing is known.
 */
int weft__hub_chat_name_look(
	struct hub_chat *chat, const char *name, struct hub_chat_name *ret_name);

/* ---- The server's key (chat_key.c) ----------------------------------------------------------- */

#define HUB_CHAT_KEY_FILE "chat.key"

/** The key in the folder, made at first use; NULL: one for this run. Blocks. Errors: EPERM (others
 * can read it), EINVAL (it is no key), ENOSYS (no libsodium), the system's. */
int weft__hub_chat_key(const char *dir, uint8_t ret_secret[WEFT_CHAT_LINK_KEY_SIZE]);

/* ---- The door of lines (chat_tcp.c) -----------------------------------------------------------
 */

struct hub_chat_tcp;

/** A door for any number of listeners. In a fiber. NULL: ENOMEM. */
struct hub_chat_tcp *weft__hub_chat_tcp_new(struct hub_chat *chat);

/**
 * Serve a listener until it is stopped (weft_serve_stop()), as weft_serve() does. is_tls: its
 * connections begin with a handshake (weft_listener_use_tls()), and so take passwords.
 */
int weft__hub_chat_tcp_run(struct hub_chat_tcp *tcp, struct weft_listener *listener, bool is_tls,
	const struct weft_serve_options *options);

/** No run is under way. NULL is fine. */
void weft__hub_chat_tcp_free(struct hub_chat_tcp *tcp);

#endif
