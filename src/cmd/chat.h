/*
 * chat.h - `weft chat`: talking in a hub's rooms, on a terminal or in a pipe.
 *
 *	keys -> screen -> commands -> caller -> link -> hub
 *	        screen <- model    <- caller <- link <- hub
 *
 *	chat.c           options, who one is, which hub; one run
 *	chat_find.c      hubs on the local network
 *	chat_link.c      the connection: made, kept, made again
 *	chat_caller.c    the line protocol, from a client's side (chat_listen.c: what is
 *	                   heard; chat_log.c: of rooms' logs; chat_list.c: of lists)
 *	chat_heard.c     one line of a hub in its parts
 *	chat_model.c     rooms, and what was said in them (chat_people.c: names)
 *	chat_commands.c  what begins with a slash (chat_complete.c: Tab)
 *	chat_screen.c    the terminal, by ncurses; optional (chat_keys.c: what is pressed;
 *	                   chat_paint.c: what is where; chat_rows.c: of it, what was said)
 *	chat_edit.c      the line that is typed
 *	chat_text.c      widths, rows, what may be shown
 *	chat_plain.c     lines in, lines or JSON out: pipes, and terminals without ncurses
 *
 * All of it runs on one worker: fibers give way where they wait, and nothing is locked.
 */
#ifndef WEFT_SRC_CMD_CHAT_H
#define WEFT_SRC_CMD_CHAT_H

#include <stdio.h>

#include "chat_caller.h"
#include "chat_edit.h"
#include "options.h"
#include "weft/chan.h"
#include "weft/event.h"
#include "weft/fiber.h"
#include "weft/tls.h"

#define CHAT "chat"

/** Where a hub's chat is when no port is said; of tls://. */
#define CHAT_PORT     "7070"
#define CHAT_PORT_TLS "7071"

/** What hubs announce (weft/discover.h): chat as lines, and by TLS. */
#define CHAT_SERVICE     "weft-chat"
#define CHAT_SERVICE_TLS "weft-chat-tls"

/** The room for who names none. */
#define CHAT_ROOM "lobby"

/** When the terminal rings. */
enum chat_bell {
	CHAT_BELL_CALLS, /* she is called by her name, or spoken to alone */
	CHAT_BELL_ALL,
	CHAT_BELL_NEVER,
};

struct chat {
	/* As they were said. */
	const char *command; /* "chat", or "admin" (admin.c), which comes in the same way */
	const char *place;
	const char *user, *guest, *token_file, *issuers;
	struct cmd_texts rooms;
	unsigned last;
	int64_t patience_ns; /* without a connection; 0: none but the first try */
	unsigned bell;       /* enum chat_bell */
	bool has_last, is_typed, follows, is_json, is_plain, is_insecure, allows_plain_secrets;

	/* What became of them. */
	char *host_port;         /* for weft_stream_connect() */
	bool is_tls, is_private; /* nobody listens on the way */
	struct weft_tls *tls;
	char *secret, *token, *name;
	bool is_asked; /* for the password, at a terminal */
	char prefix[24];
	char own[40]; /* chat_caller_options.own */

	struct chat_model model;
	struct chat_caller caller;

	/* The connection. */
	struct weft_stream *stream; /* NULL: none */
	struct weft_event has_out;  /* the caller has something to send, or it is over */
	struct weft_chan *changed;  /* something may look different; holds at most one int */
	unsigned tries;             /* that failed, one after the other */
	int64_t retry_at;           /* weft_now(); 0: it is being tried, or stands */
	bool is_ending;             /* she leaves */
};

/* ---- Coming in (chat.c): each returns a status ------------------------------------------ */

/** The password, the token or the guest's name: asked for, if need be. */
int weft__cmd_chat_take_identity(struct chat *chat);

/** What tls:// needs. */
int weft__cmd_chat_make_tls(struct chat *chat);

/** What those two and the place have made. */
void weft__cmd_chat_forget(struct chat *chat);

/* ---- Finding a hub (chat_find.c) -------------------------------------------------------- */

/** Take a place, "HOST", "HOST:PORT", "tls://HOST", "unix:/PATH". Returns a status. */
int weft__cmd_chat_take_place(struct chat *chat, const char *place);

/** Look for hubs, and let her choose: then host_port is set. Returns a status. */
int weft__cmd_chat_find(struct chat *chat);

/* ---- The connection (chat_link.c) ------------------------------------------------------- */

/** Connect once. NULL: chat->caller.why says why. */
struct weft_stream *weft__cmd_chat_connect(struct chat *chat);

/** A fiber: connects, and connects again, until it is over. */
int weft__cmd_chat_link(void *chat);

/** Something was asked of the caller: send it. */
void weft__cmd_chat_kick(struct chat *chat);

/** Wait until something has changed, at most so long. False: it was interrupted. */
bool weft__cmd_chat_wait(struct chat *chat, int64_t timeout_ns);

/** Say goodbye, and end the link's fiber. */
void weft__cmd_chat_leave(struct chat *chat, weft_fiber_id link);

/* ---- Ways to use it: each returns a status ---------------------------------------------- */

/** Lines in, lines out (chat_plain.c). */
int weft__cmd_chat_plain(struct chat *chat);

/** The hooks that plain mode needs, before the caller is made. */
void weft__cmd_chat_plain_hooks(struct chat *chat, struct chat_hooks *ret_hooks);

/** Whether the terminal can be painted on, by what TERM says of it (chat_screen.c). */
bool weft__cmd_chat_can_paint(void);

/** The terminal (chat_screen.c); ENOSYS where weft was built without ncurses, then -1. */
int weft__cmd_chat_screen(struct chat *chat);

/* ---- What is typed (chat_commands.c) ---------------------------------------------------- */

/** Carry out a line: a command, or something to say. False: she wants to go. */
bool weft__cmd_chat_enter(struct chat *chat, const char *line);

/** The name of the command at that place; NULL: there are no more. */
const char *weft__cmd_chat_command(size_t i);

/* ---- Tab (chat_complete.c) -------------------------------------------------------------- */

/** Complete the word before the cursor; what fits besides is told as a note. */
void weft__cmd_chat_complete(struct chat *chat, struct chat_edit *edit);

#endif
