/*
 * chat_udp.h - the door of chat for `nc -u`: the datagrams of docs/chat-protocol.md.
 *
 *	udp = weft__hub_chat_udp_new("0.0.0.0:7000", &options);
 *	weft__hub_chat_udp_run(udp);	// until weft__hub_chat_udp_stop()
 *	weft__hub_chat_udp_free(udp);
 *
 * It knows rooms; who may have which name it asks by a function.
 */
#ifndef WEFT_SRC_HUB_CHAT_UDP_H
#define WEFT_SRC_HUB_CHAT_UDP_H

#include "weft/room.h"
#include "weft/udp.h"

struct hub_chat;
struct hub_chat_udp; /* chat_udp_inside.h */

/** Longest key of a name: what lookalikes have in common. */
#define HUB_CHAT_UDP_KEY_SIZE 512

/** Who somebody is who comes in by a name. */
struct hub_chat_udp_who {
	const char *why; /* not to be let in: a sentence, static; NULL: come in */
	int64_t account; /* 0: a guest */
	void *login;     /* for options.stay, which it is to be given to; NULL: none */
	char key[HUB_CHAT_UDP_KEY_SIZE];
};

/** Who asks that. */
struct hub_chat_udp_asker {
	const char *name;
	const char *code;    /* "": none */
	const void *network; /* where she is: for bounds on how often she may be wrong */
	size_t network_len;
};

struct hub_chat_udp_options {
	struct weft_rooms *rooms; /* live longer */
	/** Who has that name, with that code. Returns 0, or -1: nothing is known. It may wait. */
	int (*who)(void *arg, const struct hub_chat_udp_asker *asker,
		struct hub_chat_udp_who *ret_who);
	void *arg;
	/** She is in by a login; the client NULL: she is not. Returns what unstay is to be called
	 * with before the client exits, or NULL. NULL: there are no logins. */
	void *(*stay)(void *arg, void *login, struct weft_room_client *client);
	void (*unstay)(void *stay);
	/** Whether datagrams from there are taken to be from there. NULL: this machine, and
	 * networks that it is on. */
	bool (*is_near)(void *arg, const struct weft_address *address);
	bool has_no_rate;           /* for measuring */
	const uint8_t *secret_key;  /* of sealed datagrams; NULL: there are none */
	struct hub_chat *chat;      /* whom these come in to; lives longer */
	struct weft_ledger *ledger; /* of members by host, over all doors; NULL; lives longer */
};

/** A door on an address. options are copied. Errors: those of weft_udp_new(), ENOMEM. */
struct hub_chat_udp *weft__hub_chat_udp_new(
	const char *address, const struct hub_chat_udp_options *options);

/** Where it is, with the port that the kernel chose. */
const struct weft_address *weft__hub_chat_udp_address(const struct hub_chat_udp *udp);

/**
 * Be the door until it is stopped, or the fiber cancelled: then all who came in by it are told, and
 * out. Returns 0, or -1 when the socket has failed. Call it once, in a fiber.
 */
int weft__hub_chat_udp_run(struct hub_chat_udp *udp);

/** From any thread; the run ends soon. */
void weft__hub_chat_udp_stop(struct hub_chat_udp *udp);

/** No run is under way. NULL is fine. Keeps errno. */
void weft__hub_chat_udp_free(struct hub_chat_udp *udp);

/** hub_chat_udp_options.who and the others, whose arg is a struct hub_chat (chat_udp_who.c). */
int weft__hub_chat_udp_who(
	void *chat, const struct hub_chat_udp_asker *asker, struct hub_chat_udp_who *ret_who);
void *weft__hub_chat_udp_stay(void *chat, void *login, struct weft_room_client *client);
void weft__hub_chat_udp_unstay(void *stay);

#endif
