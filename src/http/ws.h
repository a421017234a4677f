/*
 * ws.h - what a WebSocket is made of, for the files that make it: ws*.c.
 *
 *	ws_handshake.c   the server's half of the opening handshake: what is refused, and why
 *	ws_client.c      the client's half
 *	ws_terms.c       extensions and subprotocols: lists taken apart, terms agreed on
 *	ws.c             life and facts
 *	ws_frames.c      frames on the stream, by wslay: the only file that knows of it
 *	ws_receive.c     messages out of frames; waiting, keep-alive, the peer's close
 *	ws_send.c        frames out of messages; pings, pongs, our close
 *	ws_many.c        frames that were made once, for many
 *	ws_deflate.c     compression, by zlib
 *	ws_text.c        UTF-8 that comes in pieces
 *
 *	OPEN --(closes were exchanged)--> CLOSED
 *	  +----(failed, cut, silent)----> LOST
 *
 * Two locks part the halves: who reads frames holds `reading`, who writes one `writing`.
 * Neither is held by who takes the other, but for a reader with something to say: a pong, the
 * answer to a close. That is pending until whoever writes has time for it, so that a peer
 * which does not read cannot keep us from reading.
 */
#ifndef WEFT_SRC_HTTP_WS_H
#define WEFT_SRC_HTTP_WS_H

#include <pthread.h>
#include <stdatomic.h>

#include "http/parse.h"
#include "weft/buf.h"
#include "weft/event.h"
#include "weft/lock.h"
#include "weft/str.h"
#include "weft/websocket.h"

struct wslay_frame_context;
struct weft__ws_deflate; /* ws_deflate.c */

/* ---- Frames ---------------------------------------------------------------------------- */

enum weft__ws_opcode {
	WEFT__WS_CONTINUATION = 0,
	WEFT__WS_TEXT = 1,
	WEFT__WS_BINARY = 2,
	WEFT__WS_CLOSE = 8,
	WEFT__WS_PING = 9,
	WEFT__WS_PONG = 10,
};

/** Longest payload of a control frame. */
#define WEFT__WS_CONTROL_MAX 125

/** The first of the three reserved bits: a message is compressed. */
#define WEFT__WS_COMPRESSED 4

/** Payload of a frame, or a part of it, as it came; lent until the next one. */
struct weft__ws_part {
	unsigned opcode, reserved;
	bool is_final, is_masked; /* of the frame */
	bool is_begin, is_end;    /* the frame's first part, its last */
	uint64_t frame_len;       /* of the frame's payload */
	const char *data;
	size_t len;
};

struct weft__ws_frame {
	unsigned opcode;
	bool is_final, is_compressed;
	const char *data;
	size_t len;
};

/* ---- A WebSocket ------------------------------------------------------------------------- */

/** What was agreed on for compression. */
struct weft__ws_terms {
	bool is_on;
	bool ours_resets, theirs_resets; /* no context takeover */
	unsigned ours_bits, theirs_bits; /* of the windows */
	bool is_theirs_said;             /* a client can be told the bits of its window */
};

enum weft__ws_end {
	WEFT__WS_OPEN,
	WEFT__WS_CLOSED,
	WEFT__WS_LOST,
};

struct weft__ws_limits {
	size_t message_max;
	unsigned fragments_max;
	int64_t ping_interval_ns, pong_timeout_ns, write_timeout_ns, close_timeout_ns;
};

/** Frames that were begun, of which the kernel has taken what lies before start. */
struct weft__ws_rest {
	size_t start, len;
	char bytes[];
};

/** Control frames that wait for who writes. */
struct weft__ws_pending {
	bool ping, pong, close;
	size_t pong_len, close_len;
	char pong_data[WEFT__WS_CONTROL_MAX], close_data[2];
};

struct weft_ws {
	struct weft_stream *stream;
	struct weft_http_response *response; /* NULL: a client, whose stream it owns */
	/* NULL while the peer is silent; made by who reads or writes, dropped by who has both
	 * locks. */
	_Atomic(struct wslay_frame_context *) frames;
	struct weft__ws_limits limits;
	struct weft__ws_deflate *deflate; /* NULL: no compression */
	char *protocol;                   /* NULL: none */

	/* Reading. */
	struct weft_lock reading;
	_Atomic enum weft__ws_end end; /* written by who reads */
	struct weft_event over;        /* end is not OPEN */
	uint64_t lent_to;              /* who has the last message; 0: nobody */
	int receive_error;
	uint64_t unparsed;  /* bytes received that belong to no finished frame */
	uint64_t frame_len; /* of the frame under way: taken so far */
	bool is_in_frame;
	bool is_in_message;
	bool is_deflated; /* the message under way, here and below */
	enum weft_ws_type type;
	unsigned fragments;
	uint64_t compressed_len;
	size_t text_checked; /* bytes that are whole characters */
	struct weft_buf message;
	bool is_pinged;   /* and was not heard of since */
	bool is_stopping; /* the server is, which has ended our wait */
	size_t control_len;
	char control[WEFT__WS_CONTROL_MAX];
	unsigned close_code;
	char close_reason[WEFT_WS_REASON_MAX + 1];

	/* Writing. */
	struct weft_lock writing;
	int send_error;
	struct weft__ws_rest *rest; /* goes out before anything else; NULL: none */
	bool is_said; /* the last frame is in the stream's buffer, whole, if not sent */
	atomic_bool is_torn;
	atomic_uint close_sent; /* the code; 0: not yet */
	_Atomic int64_t close_deadline_ns;
	int64_t sent_len;
	atomic_bool has_pending;
	pthread_mutex_t pending_lock; /* never held across a wait */
	struct weft__ws_pending pending;
};

/* ---- ws.c ---------------------------------------------------------------------------------- */

/**
 * A WebSocket on a stream that speaks frames from here on. response NULL: a client, and the stream
 * is its own on success. Errors: ENOSYS (no wslay), ENOMEM.
 */
struct weft_ws *weft__ws_new(struct weft_stream *stream, struct weft_http_response *response,
	const struct weft_ws_options *options, const struct weft__ws_terms *terms);

/** Free it, and nothing is said; a client's stream, too. */
void weft__ws_drop(struct weft_ws *ws);

/** Whether the options make sense. */
bool weft__ws_options_are_good(const struct weft_ws_options *options);

/* ---- ws_terms.c ---------------------------------------------------------------------------- */

/** Append the values of all fields of that name, as one list (RFC 9110, section 5.2). */
void weft__ws_join(const struct weft__http_head *head, const char *data, const char *name,
	struct weft_str *list);

/** Take the next element off a list of tokens. 1; 0: there is none; -1: it is no token. */
int weft__ws_list_next(struct weft_http_text *list, struct weft_http_text *ret_token);

/** Whether a list of tokens has this one, in lower case, in any case. */
bool weft__ws_list_has(struct weft_http_text list, const char *token);

/** Server: terms for what a client offers. -1: it can't be read. */
int weft__ws_terms_choose(struct weft_http_text offers, const struct weft_ws_options *options,
	struct weft__ws_terms *terms);

/** Long enough for an extension's name and all parameters. */
#define WEFT__WS_TERMS_TEXT_MAX 160

/** Server: say the terms. */
void weft__ws_terms_print(const struct weft__ws_terms *terms, char text[WEFT__WS_TERMS_TEXT_MAX]);

/** Client: the offer. */
void weft__ws_offer_print(
	const struct weft_ws_options *options, char text[WEFT__WS_TERMS_TEXT_MAX]);

/** Client: what a server answers to it. -1: it must not. */
int weft__ws_terms_accept(struct weft_http_text answer, const struct weft_ws_options *options,
	struct weft__ws_terms *terms);

/* ---- ws_handshake.c ----------------------------------------------------------------------- */

/** Of a key as it is sent, and of the answer to it, with the NUL. */
#define WEFT__WS_KEY_LEN     24
#define WEFT__WS_ACCEPT_SIZE 29

/** The answer to a key (RFC 6455, section 4.2.2). Errors: ENOMEM. */
int weft__ws_accept_key(const char key[WEFT__WS_KEY_LEN], char ret_accept[WEFT__WS_ACCEPT_SIZE]);

/** What a request asks for, if all is well. */
struct weft__ws_request {
	char accept[WEFT__WS_ACCEPT_SIZE]; /* the answer to its key */
	const char *protocol;              /* one of the options'; NULL: none */
	struct weft__ws_terms terms;
};

/** Judge a request. Returns 0, or the status to refuse it with, and why. */
int weft__ws_judge(const struct weft_http_request *request, const struct weft_ws_options *options,
	struct weft__ws_request *ret_request, const char **ret_why);

/* ---- ws_frames.c ---------------------------------------------------------------------------- */

/** Whether there are frames at all: it was built with wslay. */
bool weft__ws_frames_are_there(void);

/** Have what frames are read and written with, unless it is there. Errors: ENOSYS, ENOMEM. */
int weft__ws_frames_init(struct weft_ws *ws);

/** Do without, between two frames; both locks are held, or nobody else knows it. */
void weft__ws_frames_fini(struct weft_ws *ws);

enum weft__ws_next {
	WEFT__WS_PART,
	WEFT__WS_AGAIN,  /* nothing yet */
	WEFT__WS_BROKEN, /* what came is no frame */
	WEFT__WS_FAILED, /* errno: as weft__ws_await() left it */
};

/** Read. */
enum weft__ws_next weft__ws_frames_next(struct weft_ws *ws, struct weft__ws_part *ret_part);

/** Write a frame to the stream, and flush if it is a message's last. */
int weft__ws_frames_write(struct weft_ws *ws, const struct weft__ws_frame *frame);

/* ---- ws_receive.c ---------------------------------------------------------------------------- */

/** Wait for bytes, and ping meanwhile. How many there are; 0: the end. */
ssize_t weft__ws_await(struct weft_ws *ws, const char **ret_data);

/** The calling fiber or thread, by a number of its own. */
uint64_t weft__ws_self(void);

/** Read, and drop, until the peer has closed; `reading` is held. Errors: as weft_ws_receive(). */
int weft__ws_await_close(struct weft_ws *ws);

/* ---- ws_send.c ---------------------------------------------------------------------------------
 */

/** Have a control frame sent, now or by who writes just now. Errors: of sending it. */
int weft__ws_post_ping(struct weft_ws *ws);
int weft__ws_post_pong(struct weft_ws *ws, const char *data, size_t len);
int weft__ws_post_close(struct weft_ws *ws, const char *data, size_t len);

/** Send a close, unless one was; waits for other writers. */
int weft__ws_say_close(struct weft_ws *ws, unsigned code, const char *reason);

/** Nothing has come for a while: give back what is not needed before the next frame. Who reads. */
void weft__ws_rest(struct weft_ws *ws);

/** Whether a code may stand in a close. */
bool weft__ws_code_is_good(unsigned code);

/** The connection is past use: all that wait for it learn so. */
void weft__ws_tear(struct weft_ws *ws);

/** Let go of `writing`, and say what has become pending meanwhile. Keeps errno. */
void weft__ws_release_writing(struct weft_ws *ws);

/* ---- ws_many.c ---------------------------------------------------------------------------- */

/** Send what is left of frames that were begun; `writing` is held. Errors: of sending it. */
int weft__ws_send_rest(struct weft_ws *ws);

/* ---- ws_deflate.c
 * -------------------------------------------------------------------------------- */

/** Whether there is compression at all: it was built with zlib. */
bool weft__ws_deflate_is_there(void);

struct weft__ws_deflate *weft__ws_deflate_new(const struct weft__ws_terms *terms);
void weft__ws_deflate_free(struct weft__ws_deflate *deflate);

/** Begin to compress a message, which stays until its last piece. Errors: ENOMEM. */
int weft__ws_deflate_begin(struct weft__ws_deflate *deflate, const char *data, size_t len);

/** The next piece, lent until the next call. Returns whether it is the last. */
bool weft__ws_deflate_next(
	struct weft__ws_deflate *deflate, const char **ret_data, size_t *ret_len);

/** The message is sent, or given up. */
void weft__ws_deflate_end(struct weft__ws_deflate *deflate);

/**
 * Between two messages of either direction: keep nothing of them but what the next ones may refer
 * to. Where there is no memory to do so, all stays as it is.
 */
void weft__ws_deflate_rest(struct weft__ws_deflate *deflate);

/**
 * Append what compressed bytes of a message mean. len 0: it ends here.
 * Errors: EMSGSIZE (the buffer is full), EILSEQ (they mean nothing), ENOMEM.
 */
int weft__ws_inflate(
	struct weft__ws_deflate *deflate, const char *data, size_t len, struct weft_buf *out);

/* ---- ws_text.c
 * ------------------------------------------------------------------------------------- */

/** What weft__ws_text_check() returns for bytes that are no UTF-8. */
#define WEFT__WS_NOT_TEXT SIZE_MAX

/**
 * Check text of which the first `checked` bytes are good. Returns how many are now: all of
 * it, or, unless it is whole, up to a character that may still be completed.
 */
size_t weft__ws_text_check(const char *data, size_t len, size_t checked, bool is_whole);

#endif
