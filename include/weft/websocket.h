/*
 * weft/websocket.h - WebSocket (RFC 6455) on the HTTP server, and as a client.
 *
 * On the server it is a handler like any other, and straight-line code:
 *
 *	static int echo(struct weft_http_request *request,
 *		struct weft_http_response *response, void *arg)
 *	{
 *		struct weft_ws *ws = weft_ws_accept(request, response, NULL);
 *		struct weft_ws_message message;
 *
 *		if (!ws)
 *			return 0;	// refused, and the peer has been told why
 *		while (weft_ws_receive(ws, &message) > 0)
 *			if (weft_ws_send(ws, message.type, message.data, message.len) < 0)
 *				break;
 *		weft_ws_free(ws);
 *		return 0;	// the connection ends with its handler
 *	}
 *
 *	static const struct weft_http_service service = {.on_get = echo};
 *
 * As a client: weft_ws_connect("wss://example.org/chat", NULL). Rooms, and one who tells many:
 * examples/ws_chat.c.
 *
 * Messages are whole, whatever frames they came in; text is UTF-8, checked both ways. While
 * somebody waits in weft_ws_receive(), pings are answered, and a peer that has been silent
 * for long is pinged itself and given up when it does not answer: so a handler that only
 * sends lets another fiber receive.
 *
 * Every call that waits parks the calling fiber, or blocks the calling thread, and obeys the
 * ambient scope (weft/scope.h). Errors: -1 or NULL, with errno set. Threads: any number of
 * fibers and threads may send at a time, one receives; weft_ws_free() comes after all others
 * have returned. docs/http.md says which section of the RFC which test shows.
 */
#ifndef WEFT_WEBSOCKET_H
#define WEFT_WEBSOCKET_H

#include "weft/http.h"

WEFT_BEGIN

struct weft_ws;  /* opaque: src/http/ws.h */
struct weft_tls; /* weft/tls.h */

/** Longest reason of a close, in bytes. */
#define WEFT_WS_REASON_MAX 123

enum weft_ws_type {
	WEFT_WS_TEXT = 1, /* UTF-8 */
	WEFT_WS_BINARY = 2,
};

/** Why a connection is closed (RFC 6455, section 7.4). 3000 to 4999 are the application's own. */
enum weft_ws_code {
	WEFT_WS_NORMAL = 1000,
	WEFT_WS_GOING_AWAY = 1001, /* the server stops, the page is left */
	WEFT_WS_PROTOCOL_ERROR = 1002,
	WEFT_WS_UNSUPPORTED = 1003, /* a type of message that is not taken */
	WEFT_WS_NO_CODE = 1005,     /* never sent: the peer gave none */
	WEFT_WS_LOST = 1006,        /* never sent: the connection ended without a word */
	WEFT_WS_BAD_DATA = 1007,    /* text that is not UTF-8 */
	WEFT_WS_POLICY = 1008,
	WEFT_WS_TOO_BIG = 1009,
	WEFT_WS_FAILURE = 1011, /* something went wrong here */
	WEFT_WS_RETRY = 1013,   /* too much to do; please come again */
};

/** A message that is lent: data is not NUL-terminated. */
struct weft_ws_message {
	enum weft_ws_type type;
	const void *data;
	size_t len;
};

/** All zero: the defaults. Kept by nobody: the call that gets it copies what it needs. */
struct weft_ws_options {
	/** Subprotocols, most wanted first, NULL at the end; NULL: none. A server takes the first
	 * of its own that the client offers; none in common is no error for it. */
	const char *const *protocols;

	size_t message_max;       /* longest message received, in bytes; 0: 1 MiB */
	unsigned fragments_max;   /* most frames of one; 0: 65536 */
	int64_t ping_interval_ns; /* of silence before the peer is pinged; 0: 30 s; negative: never
				   */
	int64_t pong_timeout_ns;  /* of silence after that before it is given up; 0: 10 s */
	int64_t write_timeout_ns; /* for the peer to take the next 256 KiB; 0: 30 s */
	int64_t close_timeout_ns; /* for it to answer a close; 0: 5 s */
	size_t unsent_max;        /* server: of weft_stream_bound_unsent(); 0: the system's */

	/** Compress (permessage-deflate, RFC 7692), if the peer can: messages of 64 bytes and more.
	 * A connection then holds up to 64 KiB more, and 32 KiB more for a peer that insists on
	 * the largest window; after a second of silence just the two
	 * windows, of 4 KiB as a rule. Not for secrets beside what a stranger chose (CRIME). */
	bool deflates;
	unsigned window_bits;     /* 9 to 15: of the windows that are ours to choose; 0: 12, and
				   * a client takes what a server has */
	bool no_context_takeover; /* each message is compressed by itself, both ways: no memory is
				   * held between two of them */

	/** Server: the origins of pages that may connect, such as "https://example.org", NULL at
	 * the end; "*": of all pages. NULL: of those that this host has served (RFC 6455,
	 * section 10.2), which is any host whose name leads here, unless the server's options
	 * say its hosts. A client that is no browser sends none, and is let in. */
	const char *const *origins;

	/* Client. */
	const char *origin;           /* as whose page it connects; NULL: none */
	const char *const *fields;    /* more of the request, "Name: value", NULL at the end */
	struct weft_tls *tls;         /* for wss; NULL: the system's authorities are trusted */
	int64_t handshake_timeout_ns; /* from the first name looked up to the answer; 0: 10 s */
	int *ret_status;              /* the status of the answer, 0 without one; may be NULL */
};

/* ---- Life ------------------------------------------------------------------------- */

/**
 * Turn the connection of this GET request into a WebSocket, of this handler; what was added
 * by weft_http_response_field() is part of the answer. End it with weft_ws_free() before the
 * handler returns, which ends the connection; the access log gets its line then. options
 * may be NULL.
 * NULL: it can't be, and that has been answered (426 with the version that is spoken, 400,
 * 403 for an origin, 405, 501 without wslay, 503): the handler returns 0. Errors: EPROTO
 * (no such request), EACCES (its origin), EINVAL (an option), ENOSYS, ENOMEM, ESHUTDOWN (the
 * server stops), EALREADY (answered before); of the connection.
 */
WEFT_API struct weft_ws *weft_ws_accept(struct weft_http_request *request,
	struct weft_http_response *response, const struct weft_ws_options *options);

/**
 * Connect to "ws://host:port/path?query" or "wss://..."; options may be NULL. End it with
 * weft_ws_free(). Redirects are not followed. Errors: EINVAL (the URL, an option), EPROTO
 * (what answered is no WebSocket, or refused: *options->ret_status), ENOSYS, ENOMEM, and those
 * of weft_stream_connect() and weft_stream_start_tls().
 */
WEFT_API struct weft_ws *weft_ws_connect(const char *url, const struct weft_ws_options *options);

/**
 * Free it. A peer that has not been told yet is told 1000, or, when the server stops or the
 * caller is cancelled, 1001; it gets the close timeout to answer, a second if cancelled. NULL is
 * fine. Keeps errno.
 */
WEFT_API void weft_ws_free(struct weft_ws *ws);

/* ---- Messages ----------------------------------------------------------------------- */

/**
 * Wait for the next message, and lend it until the caller's next weft_ws_receive(), _close()
 * or _free(). Returns 1, and 0 when the conversation is over: the peer has closed, or answered our
 * close, or the server stops (the peer was told 1001; the calling fiber or thread may be
 * cancelled by then: what it has to wait for at the end is shielded).
 * -1: ETIMEDOUT, ECANCELED of the ambient scope, and nothing is lost: it can be called again.
 * And, with the connection past use: EPROTO (the peer broke the
 * protocol, and was told 1002), EILSEQ (text that is not UTF-8: 1007), EMSGSIZE (over the
 * limits: 1009), ENOMEM (1011), ECONNRESET (it ended without a close, or does not answer
 * pings), EPIPE (after any of these).
 */
WEFT_API int weft_ws_receive(struct weft_ws *ws, struct weft_ws_message *ret_message);

/**
 * Send a message, as one; from any fiber or thread, any number of them at a time: they go out one
 * after the other, whole. Waits while the peer is slow to take it, up to the write timeout,
 * then the connection is cut. Returns 0 when the kernel has it. -1: nothing is known of how much
 * the peer has got; one that was interrupted part-way cuts the connection, too.
 * Errors: EINVAL (type), EILSEQ (text that is not UTF-8), EPIPE (a close was sent, or the
 * connection is past use), ETIMEDOUT, ECANCELED, ECONNRESET, ENOMEM.
 */
WEFT_API int weft_ws_send(struct weft_ws *ws, enum weft_ws_type type, const void *data, size_t len);

/** The same for NUL-terminated text. */
WEFT_API int weft_ws_send_text(struct weft_ws *ws, const char *text);

/* ---- One message for many -------------------------------------------------------------- */

/** Room for the head of a frame. */
#define WEFT_WS_HEAD_MAX 10

/** Most that weft_ws_try_send_frames() takes at a time, in bytes. */
#define WEFT_WS_FRAMES_MAX 65536

/**
 * Write the head of a frame that holds a whole message of len bytes, as a server sends it: the same
 * for everybody who gets it. Returns its length.
 */
WEFT_API size_t weft_ws_head(
	enum weft_ws_type type, size_t len, unsigned char ret_head[WEFT_WS_HEAD_MAX]);

/**
 * Server: send frames that the caller has made, heads and messages, whole ones: nothing of them is
 * checked, nothing compressed. Never waits. 0: they will go out before what is sent later; 1: so
 * they will, but the peer is slow: a copy is kept of what is left, and somebody is to call
 * weft_ws_flush(). Errors: EAGAIN (none was taken: somebody is sending, or the peer has not taken
 * what was sent before, or TLS is in between: weft_ws_send_frames()), EPIPE, EMSGSIZE (over
 * WEFT_WS_FRAMES_MAX), EINVAL (a client), ENOMEM (the connection is cut).
 */
WEFT_API int weft_ws_try_send_frames(struct weft_ws *ws, const void *frames, size_t len);

/** The same, of any length, and waits as weft_ws_send() does. */
WEFT_API int weft_ws_send_frames(struct weft_ws *ws, const void *frames, size_t len);

/** Wait until what was taken is sent, up to the write timeout; then the connection is cut. */
WEFT_API int weft_ws_flush(struct weft_ws *ws);

/* ---- Ending ---------------------------------------------------------------------------- */

/**
 * Close: tell the peer the code (0: none) and the reason (NULL: none), and wait for its answer,
 * up to the close timeout. Messages that still come are dropped; when somebody else receives,
 * or has been lent a message, that one gets them, and then 0, and has to go on receiving. Once a
 * close was sent, another only waits. From any fiber or thread. Returns 0 when the peer has
 * answered. Errors: EINVAL (a code that may not be sent, a reason over WEFT_WS_REASON_MAX), EILSEQ
 * (a reason that is not UTF-8), ECONNRESET (no answer), EPIPE (past use), ETIMEDOUT, ECANCELED.
 */
WEFT_API int weft_ws_close(struct weft_ws *ws, unsigned code, const char *reason);

/**
 * The code that the peer closed with: WEFT_WS_NO_CODE if it gave none; WEFT_WS_LOST while it has
 * not. And its reason, NUL-terminated, "" without; valid as long as ws. By who receives.
 */
WEFT_API unsigned weft_ws_close_code(const struct weft_ws *ws);
WEFT_API const char *weft_ws_close_reason(const struct weft_ws *ws);

/** The code of the close that was sent: 0 while none was, WEFT_WS_NO_CODE if it had none. */
WEFT_API unsigned weft_ws_close_sent(const struct weft_ws *ws);

/* ---- Facts ------------------------------------------------------------------------------- */

/** The subprotocol that was agreed on, "" without; valid as long as ws. */
WEFT_API const char *weft_ws_protocol(const struct weft_ws *ws);

/** The descriptor below: to look at, never to read, write or close. */
WEFT_API int weft_ws_fd(const struct weft_ws *ws);

/** Whether messages may be compressed. */
WEFT_API bool weft_ws_is_deflating(const struct weft_ws *ws);

WEFT_END

#endif
