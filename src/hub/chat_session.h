/*
 * chat_session.h - the inside of a session, for the files that carry out its commands.
 */
#ifndef WEFT_SRC_HUB_CHAT_SESSION_H
#define WEFT_SRC_HUB_CHAT_SESSION_H

#include <pthread.h>

#include "chat.h"
#include "chat_write.h"
#include "weft/fiber.h"
#include "weft/list.h"

/** Wrong passwords and names before a peer is put out. */
#define CHAT_FAILURES_MAX 5

struct hub_chat {
	struct hub_chat_options options;
	struct weft_rooms *rooms;
	struct weft_rate *address_rate; /* NULL: none */
	struct weft_rate *guest_rate;   /* of what guests of an address say, in pieces */
	_Atomic int64_t interval_ns;    /* between two commands of one client; 0: any */
	struct chat_codes *codes;
	struct chat_probes *probes; /* chat_probe.c */

	/* Those who have logged in (chat_watch.c). */
	pthread_mutex_t mutex;
	struct weft_list watched;
	unsigned watched_count;
	struct weft_map *strangers; /* by address (chat_strangers.c); under the mutex */
	weft_fiber_id watcher;      /* 0: none */
};

/** Somebody who has logged in, and is here. */
struct chat_watched {
	struct weft_list_node node;
	struct weft_account_who **who; /* changed under the mutex */
	struct weft_room_client *client;
};

struct hub_chat_session {
	struct hub_chat *chat;
	struct hub_chat_peer peer;
	struct weft_room_client *client; /* NULL: nobody yet */
	struct weft_account_who *who;    /* NULL: nobody, or a guest; changed under the mutex */
	struct chat_watched watched;
	int64_t paced_ns; /* when its commands so far would have come at their rate */
	unsigned failures;
	bool quits; /* QUIT: to be answered at the end */
	char quit_tag[WEFT_CHAT_TAG_MAX + 1];
	struct chat_strangers *strangers; /* she is one of these; NULL: she has come in */
	char address[];                   /* "": this machine */
};

/** Carries out a command. Returns 0, 1 to end, -1: it is over. */
typedef int chat_do_fn(struct hub_chat_session *session, const struct weft_chat_command *command);

/* ---- Saying (chat_session.c): each returns 0, or -1: the peer is gone ------------------------ */

/** Say what fill(say, arg) says. */
typedef void chat_fill_fn(struct chat_say *say, const void *arg);
int weft__chat_send(struct hub_chat_session *session, chat_fill_fn *fill, const void *arg);

/** OK. */
int weft__chat_ok(struct hub_chat_session *session, const struct weft_chat_command *command);

/** A refusal; for the tag of its command. */
struct chat_refusal {
	const char *tag, *word, *text;
	int64_t wait_ns;
};
int weft__chat_no(struct hub_chat_session *session, const struct chat_refusal *refusal);

/** Before a guest says so many bytes: wait until those of her address may. 0, or -1: cancelled. */
int weft__chat_pace_guest(struct hub_chat_session *session, size_t bytes);

/** What a call of weft/room.h was refused with. Returns as a chat_do_fn does. */
int weft__chat_no_room(struct hub_chat_session *session, const struct weft_chat_command *command);

/** OK, or that. */
int weft__chat_result(
	struct hub_chat_session *session, const struct weft_chat_command *command, int result);

/** A call for the peer. */
struct weft_account_call weft__chat_call(const struct hub_chat_session *session);

/* ---- Those who have logged in (chat_watch.c) --------------------------------------------------
 */

/** The fiber that looks after them. 0, or -1 with errno. */
int weft__chat_watch_begin(struct hub_chat *chat);
void weft__chat_watch_end(struct hub_chat *chat);

/** A session whose client is somebody's with an account: from now on, until unwatch. Takes who. */
void weft__chat_watch(struct hub_chat_session *session, struct weft_account_who *who);
void weft__chat_unwatch(struct hub_chat_session *session);

/** As she is now: takes who, frees the picture before. */
void weft__chat_set_who(struct hub_chat_session *session, struct weft_account_who *who);

/** Why she may not stay; now NULL: she is let in no more. NULL: she may. */
const char *weft__chat_judge(
	const struct weft_account_who *before, const struct weft_account_who *now);

/* ---- Those who are nobody yet (chat_strangers.c) ------------------------------------------------
 */

/** A session counts as one, until it ends or has come in. 0, or -1: EUSERS (so many of its address
 * are), ENOMEM. */
int weft__chat_stranger_begin(struct hub_chat_session *session);
void weft__chat_stranger_end(struct hub_chat_session *session);

/* ---- Who is still there (chat_probe.c) --------------------------------------------------------
 */

/** The fiber that looks. 0, or -1 with errno. */
int weft__chat_probes_begin(struct hub_chat *chat);
void weft__chat_probes_end(struct hub_chat *chat);

/* ---- Codes (chat_code.c) ----------------------------------------------------------------------
 */

int weft__chat_codes_begin(struct hub_chat *chat);
void weft__chat_codes_end(struct hub_chat *chat);

/* ---- Commands ---------------------------------------------------------------------------------
 */

chat_do_fn weft__chat_login, weft__chat_token, weft__chat_guest, weft__chat_admin;
chat_do_fn weft__chat_join, weft__chat_leave, weft__chat_post, weft__chat_direct;
chat_do_fn weft__chat_share;
chat_do_fn weft__chat_typing, weft__chat_read, weft__chat_history, weft__chat_search;
chat_do_fn weft__chat_rooms, weft__chat_members, weft__chat_who, weft__chat_stats;
chat_do_fn weft__chat_help, weft__chat_code, weft__chat_change, weft__chat_announce;

/** The account that a name belongs to, in *ret_user; 0: to none, 1, or -1 with errno. */
int weft__chat_account_of(
	struct hub_chat *chat, const char *name, struct weft_account_user *ret_user);

/** Whether what is said in a room of two goes to who is called so now: 1, and to any other room. 0:
 * it does not, which was said; -1: the peer is gone. */
int weft__chat_meets(struct hub_chat_session *session, const struct weft_chat_command *command);

#endif
