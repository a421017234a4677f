/*
 * weft/chat_port.h - links (weft/chat_link.h) on a UDP socket: connect, accept, send, receive.
 *
 *	port = weft_chat_port_new(weft_udp_new("0.0.0.0:7777", NULL), &options);
 *	while ((session = weft_chat_port_accept(port)))
 *		weft_spawn(serve, session);
 *
 *	static int serve(void *arg)
 *	{
 *		struct weft_chat_session *session = arg;
 *
 *		if (may_come_in(weft_chat_session_login(session)))	// it may wait
 *			weft_chat_session_welcome(session, NULL);
 *		else
 *			weft_chat_session_refuse(session, "wrong name or password");
 *		while ((len = weft_chat_session_receive(session, data, sizeof(data))) >= 0)
 *			weft_chat_session_send(session, data, (size_t)len);
 *		weft_chat_session_free(session);
 *		return 0;
 *	}
 *
 * And a client:
 *
 *	session = weft_chat_port_connect(port, &address, &login, &ending);
 *
 * A port keeps two fibers: one takes what comes, one sends what is due. Sessions are for any
 * number of fibers: one that waits holds up no other. Who has thousands of members that are
 * mostly silent needs no fiber for each: weft/chat_link.h, which this stands on, has events.
 *
 * Every call that waits parks the calling fiber, or blocks the calling thread, and obeys the
 * ambient scope. Errors: -1 or NULL with errno; besides those listed ETIMEDOUT, ECANCELED, ENOMEM.
 * A port is made under weft_run(), and freed there.
 */
#ifndef WEFT_CHAT_PORT_H
#define WEFT_CHAT_PORT_H

#include "weft/chat_link.h"

WEFT_BEGIN

struct weft_chat_port;    /* opaque: src/chat/link_port.c */
struct weft_chat_session; /* opaque: src/chat/link_port.c */

struct weft_chat_port_options {
	const struct weft_chat_endpoint_options *endpoint; /* NULL: its defaults; no server */
	unsigned backlog; /* who wants in, and was not accepted yet; beyond, refused; 0: 128 */

	/** A datagram of the port that begins with another byte; it must not wait. NULL: dropped.
	 */
	void (*other)(void *arg, const struct weft_datagram *datagram);
	void *arg;
};

/* ---- Ports ----------------------------------------------------------------------------------- */

/**
 * On success the port owns udp, which is bound, not connected, and does not coalesce; on failure it
 * is still the caller's (NULL: its errno). options may be NULL. Errors: EINVAL, ENOTSUP (no
 * weft_run()).
 */
WEFT_API struct weft_chat_port *weft_chat_port_new(
	struct weft_udp *udp, const struct weft_chat_port_options *options);

/** All its sessions must have been freed. NULL is fine. Keeps errno. */
WEFT_API void weft_chat_port_free(struct weft_chat_port *port);

/** Its socket, still its own. */
WEFT_API struct weft_udp *weft_chat_port_udp(const struct weft_chat_port *port);

/**
 * Go on over another socket, which the port owns from now on: a client whose network has changed.
 * Its sessions stay. For one at a time. Errors: EINVAL (NULL); then nothing changes.
 */
WEFT_API int weft_chat_port_move(struct weft_chat_port *port, struct weft_udp *udp);

/** Of its endpoint. */
WEFT_API void weft_chat_port_counts(
	struct weft_chat_port *port, struct weft_chat_endpoint_counts *ret_counts);

/* ---- Sessions -------------------------------------------------------------------------------- */

/** How a session ended. */
struct weft_chat_ending {
	enum weft_chat_link_why why;
	char reason[WEFT_CHAT_LINK_REASON_MAX + 1]; /* the other side's; "" */
	uint8_t peer_key[WEFT_CHAT_LINK_KEY_SIZE];  /* a client's: who answered; zeros: nobody */
};

/** Wait for who wants in; its login is to be answered. To be ended by weft_chat_session_free(). */
WEFT_API struct weft_chat_session *weft_chat_port_accept(struct weft_chat_port *port);

/**
 * Wait until a server says welcome. ret_ending may be NULL; it is filled in on failure.
 * Errors: those of weft_chat_link_connect(), and by why: EACCES (refused), EHOSTDOWN (silent),
 * EKEYREJECTED (another key), EPROTONOSUPPORT (version), ECONNRESET (gone), ENOTCONN (closed),
 * EPROTO (broken).
 */
WEFT_API struct weft_chat_session *weft_chat_port_connect(struct weft_chat_port *port,
	const struct weft_address *server, const struct weft_chat_link_connect_options *options,
	struct weft_chat_ending *ret_ending);

/** What the client said; valid until the answer. NULL: answered, or over. */
WEFT_API const struct weft_chat_link_login *weft_chat_session_login(
	struct weft_chat_session *session);

/** As weft_chat_link_welcome() and weft_chat_link_refuse(). */
WEFT_API int weft_chat_session_welcome(struct weft_chat_session *session, const char *text);
WEFT_API int weft_chat_session_refuse(struct weft_chat_session *session, const char *reason);

/** Send a message: 0 when it is under way; waits while too many are. Errors: EMSGSIZE, and those
 * of connect when the session is over. */
WEFT_API int weft_chat_session_send(
	struct weft_chat_session *session, const void *data, size_t len);

/** Wait until the other side has all that was sent. Errors: those of connect. */
WEFT_API int weft_chat_session_flush(struct weft_chat_session *session);

/** Wait for a message: its length. Errors: EMSGSIZE (it stays), and when the session is over, and
 * all was received, those of connect. */
WEFT_API ssize_t weft_chat_session_receive(
	struct weft_chat_session *session, void *ret_data, size_t size_bytes);

/** End it as weft_chat_link_close(), and wait until that is done. Returns 0 also when it was. */
WEFT_API int weft_chat_session_close(struct weft_chat_session *session, const char *reason);

/** Nobody may wait in it. One that is not over is closed, but not waited for. NULL is fine. Keeps
 * errno. */
WEFT_API void weft_chat_session_free(struct weft_chat_session *session);

/** How it ended; and whom a client speaks with. */
WEFT_API void weft_chat_session_ending(
	struct weft_chat_session *session, struct weft_chat_ending *ret_ending);

/** Where the other side is. */
WEFT_API void weft_chat_session_address(
	struct weft_chat_session *session, struct weft_address *ret_address);

WEFT_END

#endif
