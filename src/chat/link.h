/*
 * link.h - what the files of weft/chat_link.h share: an endpoint, a link, what is under way.
 *
 *	link_endpoint.c   an endpoint: clock, timers, datagrams in and out, events
 *	link_address.c    where somebody is, and how often who is there may begin
 *	link_handshake.c  HELLO, COOKIE, OPEN, ANSWER, GONE: until both have keys
 *	link_login.c      who it is, and whether that is welcome
 *	link_input.c      a sealed datagram that came: replays, frames, addresses
 *	link_receive.c    parts become messages, in order; what is acknowledged
 *	link_send.c       messages become parts; what goes next; what is acknowledged
 *	link_loss.c       what is lost, and when that is known; how much may be under way
 *	link_build.c      the next sealed datagram
 *	link.c            the public calls of a link; its life
 *	link_noise.c      the handshake's arithmetic
 *
 * A link's life (C: at the client, S: at the server):
 *
 *	C  HELLO -> OPENING -> ENTERING -+
 *	                                 +-> OPEN -> CLOSING -> TELLING -> OVER
 *	S  HALF_OPEN -> ASKED -----------+            (from anywhere, too) -^
 *
 * Rules of the house: what comes from outside changes nothing before its seal was checked, but
 * in the handshake, which is bounded; a link is freed by weft__link_destroy() only, which
 * is called at the end of input, in output, and by who owns it, never amid the work on it.
 */
#ifndef WEFT_SRC_CHAT_LINK_H
#define WEFT_SRC_CHAT_LINK_H

#include "chat/link_noise.h"
#include "weft/chat_link.h"
#include "weft/heap.h"
#include "weft/list.h"
#include "weft/map.h"
#include "weft/rate.h"

/* ---- Bounds ---------------------------------------------------------------------------------- */

#define WEFT__LINK_VERSION 1

#define WEFT__LINK_ID     8
#define WEFT__LINK_HEAD   (2 + WEFT__LINK_ID + 8) /* of a sealed datagram: kind, id, counter */
#define WEFT__LINK_COOKIE 24
#define WEFT__LINK_TOKEN  16 /* of GONE */

/* A part's bytes: with its frame, the longest ACK and PING and PONG, it fills a datagram. */
#define WEFT__LINK_PART     1084
#define WEFT__LINK_WINDOW   255  /* parts under way, and bits of an ACK */
#define WEFT__LINK_REPLIES  64   /* answers without a link, until the next output */
#define WEFT__LINK_SEEN     256  /* counters back to which a replay is known for one */
#define WEFT__LINK_LOGIN    1536 /* bytes of the first message: a name and a secret, padded */
#define WEFT__LINK_VERDICT  160  /* of its answer */
#define WEFT__LINK_EARLY    4    /* parts that may come before the verdict */
#define WEFT__LINK_TELLINGS 6    /* CLOSE, when nobody answers */

/* Bytes of parts under way, with their heads; a full datagram has so many. RFC 6928. */
#define WEFT__LINK_FULL         ((size_t)WEFT__LINK_PART + WEFT__FRAME_PART_HEAD)
#define WEFT__LINK_FLIGHT_FIRST (10 * WEFT__LINK_FULL)
#define WEFT__LINK_FLIGHT_MIN   (4 * WEFT__LINK_FULL)
#define WEFT__LINK_FLIGHT_MAX   (WEFT__LINK_WINDOW * WEFT__LINK_FULL)

#define WEFT__LINK_REORDER   3 /* datagrams: RFC 9002, section 6.1.1 */
#define WEFT__LINK_TIMEOUTS  3 /* in a row, until the path is taken to be full: section 7.6 */
#define WEFT__LINK_RTO_FIRST WEFT_SECONDS(1) /* RFC 6298 */
#define WEFT__LINK_RTO_MIN   WEFT_MILLISECONDS(100)
#define WEFT__LINK_RTO_MAX   WEFT_SECONDS(5)
#define WEFT__LINK_GRAIN     WEFT_MILLISECONDS(10) /* shorter times are not told from none */

#define WEFT__LINK_ACK_DELAY   WEFT_MILLISECONDS(20)
#define WEFT__LINK_PATH_NS     WEFT_SECONDS(3)  /* a new address is proven by then, or dropped */
#define WEFT__LINK_COOKIE_NS   WEFT_SECONDS(20) /* how long a cookie is good */
#define WEFT__LINK_HALF_NS     WEFT_SECONDS(15) /* from OPEN to a whole login */
#define WEFT__LINK_HELLO_TRIES 3                /* with another's key, until it is believed */
#define WEFT__LINK_OPEN_TRIES  6                /* until all begins anew */
#define WEFT__LINK_STEP_NS     WEFT_SECONDS(2)  /* see weft__endpoint_advance() */

/* ---- The wire (docs/chat-protocol.md) -------------------------------------------------------- */

enum weft__link_datagram {
	WEFT__LINK_HELLO = 1, /* C: [kind 2] version, client's id, zeros to 128 */
	WEFT__LINK_COOKIED,   /* S: version, client's id, server's key, cookie */
	WEFT__LINK_OPENS,     /* C: version, client's id, cookie, Noise's first message */
	WEFT__LINK_ANSWER,    /* S: client's id, Noise's second message */
	WEFT__LINK_SEALED,    /* id of who gets it, counter, sealed frames */
	WEFT__LINK_GONE_,     /* S: the id, a token that only the server could know */
};

#define WEFT__LINK_HELLO_LEN  128
#define WEFT__LINK_COOKIE_LEN (3 + WEFT__LINK_ID + WEFT__NOISE_KEY + WEFT__LINK_COOKIE)
#define WEFT__LINK_OPEN_HEAD  (3 + WEFT__LINK_ID + WEFT__LINK_COOKIE)
#define WEFT__LINK_OPEN_LEN   128
#define WEFT__LINK_OPEN_TEXT  (WEFT__LINK_OPEN_LEN - WEFT__LINK_OPEN_HEAD - WEFT__NOISE_EXTRA)
#define WEFT__LINK_TEXT       (WEFT__LINK_ID + WEFT__LINK_TOKEN + 4 + 2) /* ANSWER's payload */
#define WEFT__LINK_ANSWER_LEN (2 + WEFT__LINK_ID + WEFT__NOISE_EXTRA + WEFT__LINK_TEXT)
#define WEFT__LINK_GONE_LEN   (2 + WEFT__LINK_ID + WEFT__LINK_TOKEN)
#define WEFT__LINK_SEALED_MIN (WEFT__LINK_HEAD + WEFT__NOISE_TAG)

enum weft__link_frame {
	WEFT__FRAME_PAD = 0, /* the rest is nothing */
	WEFT__FRAME_PART,    /* number 4, length 2, bytes; the message goes on */
	WEFT__FRAME_LAST,    /* the same; it ends here */
	WEFT__FRAME_ACK,     /* next 4, newest 4, its age 1, window 1, n 1, n bytes of bits */
	WEFT__FRAME_PING,    /* 8 bytes */
	WEFT__FRAME_PONG,    /* the same 8 bytes */
	WEFT__FRAME_CLOSE,   /* is_answer 1, length 1, reason */
};

#define WEFT__FRAME_PART_HEAD 7
#define WEFT__FRAME_ACK_HEAD  12
#define WEFT__FRAME_ACK_OLD   255 /* milliseconds of age, or more */
#define WEFT__FRAME_PING_LEN  9

static inline void weft__put(uint8_t *at, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

static inline uint64_t weft__get(const uint8_t *at, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | at[i];
	return value;
}

/* ---- What is under way ----------------------------------------------------------------------- */

/* An address in 24 bytes: a struct weft_address has 114, and there are many links. */
struct weft__link_address {
	uint16_t family, port; /* port as on the wire */
	uint32_t scope;
	uint8_t host[16];
};

/* Of a message: sent, until acknowledged; or come, until those before it have. */
struct weft__part {
	struct weft__part *next;
	uint64_t counter; /* sent: of its last datagram */
	int64_t sent_at;
	uint32_t number;
	uint16_t len, tries; /* 0 tries: not sent yet */
	bool is_last, is_acked, is_lost;
	uint8_t data[];
};

/* In order, both. */
struct weft__parts {
	struct weft__part *first, *last;
};

struct weft__message {
	struct weft__message *next;
	size_t len, size;
	uint8_t data[];
};

/* What a link needs only until it is open. */
struct weft__link_opening {
	struct weft__noise noise;
	uint8_t ephemeral[WEFT__NOISE_KEY]; /* S: the client's, public: the key in by_open */
	uint8_t cookie[WEFT__LINK_COOKIE];  /* C */
	uint8_t first[WEFT__LINK_OPEN_LEN]; /* C: OPEN; S: ANSWER */
	uint8_t server_key[WEFT__NOISE_KEY];
	bool knows_key;                      /* C: server_key is the only one that will do */
	unsigned other_keys, versions;       /* C: HELLOs that were answered otherwise */
	unsigned other_try;                  /* C: the last of them */
	unsigned tries;                      /* C: HELLO or OPEN so often; S: ANSWER */
	int64_t retry_at, retry_ns, sent_at; /* retry_at 0: at once; S: sent_at of the first */
	size_t login_len;                    /* C: of login; S: it has come */
	struct weft_chat_link_login said;
	uint8_t login[WEFT__LINK_LOGIN];
};

struct weft__link_out {
	struct weft__parts parts; /* not acknowledged, or before one that is not */
	struct weft__part *fresh; /* the first of parts that was never sent */
	size_t bytes;             /* of parts */
	uint32_t next;            /* the number of the next part made */
	uint32_t oldest;          /* of the first in parts; next: there is none */
	size_t messages;          /* not acknowledged */
	size_t flight, flight_max, grown, threshold; /* bytes */
	size_t urgent;        /* bytes that go again though flight_max is reached */
	unsigned window;      /* parts that the peer takes beyond oldest */
	uint64_t window_from; /* the counter that told so */
	uint64_t recovers;    /* losses of datagrams before this one are known */
	uint64_t came;        /* the newest of our counters that the peer has told of */
	unsigned lost;        /* parts that have to go again */
	unsigned timeouts;    /* since something was acknowledged */
	int64_t rtt, rtt_var, rtt_last;
	int64_t rto;
	int64_t rto_at;           /* INT64_MAX: nothing is waited for */
	int64_t loss_at;          /* what has been overtaken is lost then; INT64_MAX: nothing */
	int64_t pace_at;          /* more may go then; INT64_MAX: now */
	int64_t paced_at, credit; /* the bytes that might go at once then */
	size_t message_max;
	bool probes;               /* one part beyond window may go */
	bool was_full, is_limited; /* limited: by flight_max, since it last grew */
};

struct weft__link_in {
	struct weft__parts early; /* came, but not those before */
	struct weft__message *partial;
	struct weft__message *ready, **ready_end;
	size_t ready_bytes, early_count;
	uint32_t next; /* the number awaited */
	uint64_t top;  /* the highest counter that came, and one */
	int64_t top_at;
	uint64_t seen[WEFT__LINK_SEEN / 64];
	int64_t ack_at; /* INT64_MAX: nothing to acknowledge */
	unsigned unacked;
	bool was_shut; /* the last ACK told a window of 0 */
};

struct weft__link_path {
	struct weft__link_address address;
	struct weft_udp_here here; /* what the peer sends to */
	bool is_proven;
	size_t credit; /* bytes that may be sent while it is not */
	int64_t until;
	uint8_t token[8];
};

enum weft__link_state {
	WEFT__HELLO,     /* C: HELLO goes, COOKIE is awaited */
	WEFT__OPENING,   /* C: OPEN goes, ANSWER is awaited */
	WEFT__ENTERING,  /* C: has keys, the verdict is awaited */
	WEFT__HALF_OPEN, /* S: has keys, the login is awaited */
	WEFT__ASKED,     /* S: the verdict is awaited from the application */
	WEFT__OPEN,
	WEFT__CLOSING, /* what was sent before has to come */
	WEFT__TELLING, /* CLOSE goes, its answer is awaited */
	WEFT__OVER,
};

struct weft_chat_link {
	struct weft_chat_endpoint *endpoint;
	struct weft_list_node in_busy, in_told, in_half; /* of the endpoint's lists */
	struct weft_heap_node timer;
	void *owner;
	enum weft__link_state state;
	enum weft_chat_link_why why;
	bool is_client, is_orphan; /* orphan: nobody knows it; it is freed when it is over */
	bool is_refused;           /* closing because of that */
	uint8_t events;            /* bits of 1 << enum weft_chat_link_kind */
	bool wants_ping, wants_pong, wants_close, wants_ack;
	uint8_t pong[8];
	uint8_t id[WEFT__LINK_ID], peer_id[WEFT__LINK_ID];
	uint8_t send_key[WEFT__NOISE_KEY], receive_key[WEFT__NOISE_KEY];
	uint8_t gone_token[WEFT__LINK_TOKEN]; /* C */
	uint8_t peer_key[WEFT__NOISE_KEY];    /* C */
	uint8_t binding[WEFT__NOISE_KEY];
	bool has_keys, has_peer_key;
	uint64_t counter;  /* of the next datagram */
	int64_t heard_at;  /* something that was sealed */
	int64_t ping_at;   /* C */
	int64_t ping_ns;   /* C: until the next one, if this one is not answered */
	int64_t close_at;  /* the end of lingering, the next CLOSE, the end of waiting for a login;
			    * 0: to be reckoned from the next output */
	int64_t expiry_ns; /* the server says */
	unsigned tellings;
	struct weft__link_path path, old; /* old: proven, while path is not; family 0: none */
	struct weft__link_out out;
	struct weft__link_in in;
	struct weft__link_opening *opening; /* NULL: done */
	char *reason;                       /* the peer's; NULL: none */
	char *goodbye;                      /* what we say with CLOSE; NULL: nothing */
};

struct weft__link_reply {
	struct weft__link_address to;
	struct weft_udp_here here;
	uint8_t len;
	uint8_t data[WEFT__LINK_ANSWER_LEN];
};

struct weft_chat_endpoint {
	struct weft_chat_endpoint_options options; /* with the defaults filled in */
	bool is_server, has_clock;
	uint8_t secret[WEFT__NOISE_KEY], public_key[WEFT__NOISE_KEY];
	uint8_t cookie_key[32], gone_key[32];
	struct weft_map *by_id;          /* links: by what the peer writes on its datagrams */
	struct weft_map *by_open;        /* S: half-open ones, by the client's ephemeral key */
	struct weft_map *by_peer;        /* C: by the server's id, which GONE names */
	struct weft_rate *opens, *gones; /* per host */
	struct weft_heap timers;
	struct weft_list busy;     /* there may be something to send */
	struct weft_list told;     /* links with events */
	struct weft_list half;     /* half-open links, the oldest first */
	struct weft_udp_here here; /* of the datagram that is looked at */
	int64_t real, now;         /* the caller's clock, and ours: weft__endpoint_advance() */
	struct weft__link_reply replies[WEFT__LINK_REPLIES];
	unsigned reply_first, reply_count;
	struct weft_chat_endpoint_counts counts;
	uint8_t plain[WEFT_CHAT_LINK_DATAGRAM_MAX]; /* what is unsealed */
};

/* ---- link_endpoint.c ------------------------------------------------------------------------- */

void weft__endpoint_random(struct weft_chat_endpoint *endpoint, void *ret_bytes, size_t len);

/** An answer that belongs to no link; dropped if there are too many. */
struct weft__link_reply *weft__endpoint_reply(
	struct weft_chat_endpoint *endpoint, const struct weft__link_address *to);

void weft__link_tell(struct weft_chat_link *link, enum weft_chat_link_kind kind);

/** Something about link has changed: output looks whether it has something to send. */
void weft__link_touch(struct weft_chat_link *link);

/* ---- link_address.c ------------------------------------------------------------------------- */

void weft__link_address_from(
	struct weft__link_address *ret_address, const struct weft_address *address);
void weft__link_address_to(
	const struct weft__link_address *address, struct weft_address *ret_address);

/** Take one of what the host has; false: it has none. */
bool weft__link_may_now(
	struct weft_rate *rate, const struct weft__link_address *from, int64_t now_ns);

/* ---- link_handshake.c ------------------------------------------------------------------------ */

/** One of the kinds before SEALED, and GONE. */
void weft__handshake_input(struct weft_chat_endpoint *endpoint, const uint8_t *data, size_t len,
	const struct weft__link_address *from);

/** Who sends what to an id that nobody has is told so. */
void weft__handshake_unknown(struct weft_chat_endpoint *endpoint, const uint8_t *id,
	const struct weft__link_address *from);

/** HELLO or OPEN, into ret_data; 0: not now. */
size_t weft__handshake_build(struct weft_chat_link *link, uint8_t *ret_data);

/** A client's time has come to send one of them again. */
void weft__handshake_timer(struct weft_chat_link *link);

/* ---- link_login.c ---------------------------------------------------------------------------- */

/** The client's first message, put down until there are keys. Errors: EINVAL, EMSGSIZE. */
int weft__login_write(struct weft__link_opening *opening, const struct weft_chat_link_login *login);

/** A whole message came: a login, a verdict, or one for the application. 0, or -1: broken. */
int weft__login_message(struct weft_chat_link *link, struct weft__message *message);

/* ---- link_input.c ---------------------------------------------------------------------------- */

void weft__sealed_input(struct weft_chat_endpoint *endpoint, const uint8_t *data, size_t len,
	const struct weft__link_address *from);

/* ---- link_receive.c -------------------------------------------------------------------------- */

/** A part came. 0, or -1: the peer breaks the protocol. */
int weft__receive_part(
	struct weft_chat_link *link, const struct weft__part *head, const uint8_t *data);

/** Bytes of an ACK frame at ret_data. */
size_t weft__receive_ack(struct weft_chat_link *link, uint8_t *ret_data);

/** What came early may be taken now. */
int weft__receive_go_on(struct weft_chat_link *link);

/** The peer is to be told that there is room again. */
void weft__receive_made_room(struct weft_chat_link *link);

/** Forget what is not whole; and all. */
void weft__receive_drop(struct weft_chat_link *link, bool ready_too);

/* ---- link_send.c ----------------------------------------------------------------------------- */

void weft__send_init(struct weft__link_out *out);

/** Cut a message into parts. Errors: ENOBUFS, ENOMEM. */
int weft__send_message(struct weft_chat_link *link, const void *data, size_t len);

/** An ACK came in the datagram of that counter. 0, or -1: it is none. */
struct weft__ack {
	uint64_t counter;
	uint32_t next, newest;
	uint8_t age_ms, window, count; /* of bytes */
	const uint8_t *bits;
};
int weft__send_acked(struct weft_chat_link *link, const struct weft__ack *ack);

/** The next part that may go now, of at most room bytes with its frame; NULL: none. */
struct weft__part *weft__send_next(struct weft_chat_link *link, size_t room);

/** It went, in the datagram that link->counter is of. */
void weft__send_went(struct weft_chat_link *link, struct weft__part *part);

void weft__send_drop(struct weft_chat_link *link);

/* ---- link_loss.c ----------------------------------------------------------------------------- */

/** Bytes that a part takes of a datagram. */
static inline size_t weft__part_weight(const struct weft__part *part)
{
	return WEFT__FRAME_PART_HEAD + (size_t)part->len;
}

/** A round trip was measured: RFC 6298. */
void weft__loss_measured(struct weft__link_out *out, int64_t rtt);

/** How long to wait for an ACK, now. */
int64_t weft__loss_patience(const struct weft__link_out *out);

/** The peer has told more: what went before that, and has not come, is lost, or will be soon. */
void weft__loss_find(struct weft_chat_link *link);

/** So many bytes were acknowledged: more may be under way. */
void weft__loss_grow(struct weft__link_out *out, size_t acked);

/** Whether something may go now; else pace_at says when. */
bool weft__loss_may_go(struct weft_chat_link *link);

/** loss_at, rto_at or pace_at has passed. */
void weft__loss_timer(struct weft_chat_link *link);

/* ---- link_build.c ---------------------------------------------------------------------------- */

/** The next datagram of link, into WEFT_CHAT_LINK_DATAGRAM_MAX bytes; 0: none now. */
size_t weft__link_build(struct weft_chat_link *link, uint8_t *ret_data);

/* ---- link.c ---------------------------------------------------------------------------------- */

struct weft_chat_link *weft__link_new(struct weft_chat_endpoint *endpoint, bool is_client);
void weft__link_destroy(struct weft_chat_link *link);
void weft__link_opened(struct weft_chat_link *link); /* opening is not needed any more */

/** It is over. */
void weft__link_end(
	struct weft_chat_link *link, enum weft_chat_link_why why, const char *reason, size_t len);

/** It has closed when what was sent before has come. */
void weft__link_closing(struct weft_chat_link *link);

/** Something that was due is, by the endpoint's clock. */
void weft__link_timer(struct weft_chat_link *link);

/** When it wants to be looked at; INT64_MAX: never. */
int64_t weft__link_deadline(const struct weft_chat_link *link);

#endif
