/*
 * weft/chat_link.h - links: sealed, reliable sessions over datagrams, for chat's real clients.
 *
 *	endpoint = weft_chat_endpoint_new(&(struct weft_chat_endpoint_options){.secret_key = key});
 *	for (;;) {
 *		weft_chat_endpoint_input(endpoint, &datagram, weft_now());	// one that came
 *		while (weft_chat_endpoint_event(endpoint, &event))
 *			...login, message, end...
 *		while (weft_chat_endpoint_output(endpoint, &datagram, weft_now()))
 *			...send it...
 *		...sleep until weft_chat_endpoint_deadline(endpoint) or until one comes...
 *	}
 *
 * A link carries messages, both ways, each at most once and in order, as long as the link lives,
 * over a network that loses, doubles, delays, reorders and is full of enemies. Nobody else can
 * read, change, replay or add any. Its client may change its address. Its keys come from a
 * handshake with the server's key (Noise NK), and then a name and a secret go through
 * the sealed channel to whoever runs the server, who says welcome or not. docs/chat-protocol.md
 * has every byte.
 *
 *	datagrams in --> endpoint: all links of one port --> events; messages to be taken
 *	datagrams out <-- (no sockets, no clock, no fiber) <-- messages to be sent
 *
 * This is the protocol alone: it never waits, and does no I/O. weft/chat_port.h runs it on a
 * socket. One endpoint has links that it began (a client's) and, with a secret key, those that
 * others begin (a server's).
 *
 * What an application sends may come twice or not at all when a link has died and another was
 * begun: it gives its messages ids of its own, so that sending again is harmless.
 *
 * Threads: an endpoint and all its links are for one at a time. Memory is bounded by the options.
 * Errors: -1, NULL or 0 with errno; ENOSYS where libsodium was missing at build time.
 */
#ifndef WEFT_CHAT_LINK_H
#define WEFT_CHAT_LINK_H

#include "weft/address.h"
#include "weft/udp.h"

WEFT_BEGIN

struct weft_chat_endpoint; /* opaque: src/chat/link.h */
struct weft_chat_link;     /* opaque: src/chat/link.h */

/** What each datagram of a link begins with. No letter does. */
#define WEFT_CHAT_LINK_FIRST 0x01

/** The largest datagram, in bytes: it passes every network that IPv6 does. */
#define WEFT_CHAT_LINK_DATAGRAM_MAX 1200

#define WEFT_CHAT_LINK_KEY_SIZE         32 /* of either key of a server */
#define WEFT_CHAT_LINK_FINGERPRINT_SIZE 52 /* as text, with the NUL */

/** Bounds, in bytes without the NUL. */
#define WEFT_CHAT_LINK_MESSAGE_MAX ((size_t)1024 * 1024) /* at most; the options say less */
#define WEFT_CHAT_LINK_NAME_MAX    255
#define WEFT_CHAT_LINK_SECRET_MAX  1024
#define WEFT_CHAT_LINK_REASON_MAX  128

/* ---- Keys ------------------------------------------------------------------------------------ */

/** A server's secret key, which it keeps for good; whoever has it can pretend to be the server.
 * Errors: EIO (libsodium can't begin). */
WEFT_API int weft_chat_link_key_new(uint8_t ret_secret[WEFT_CHAT_LINK_KEY_SIZE]);

/** The public key that belongs to it, which clients know the server by. Errors: EINVAL. */
WEFT_API int weft_chat_link_key_public(
	const uint8_t secret[WEFT_CHAT_LINK_KEY_SIZE], uint8_t ret_public[WEFT_CHAT_LINK_KEY_SIZE]);

/** A public key for people to compare: "SHA256:" and base64, as ssh shows its own. */
WEFT_API int weft_chat_link_key_print(const uint8_t public_key[WEFT_CHAT_LINK_KEY_SIZE],
	char ret_text[WEFT_CHAT_LINK_FINGERPRINT_SIZE]);

/* ---- Endpoints ------------------------------------------------------------------------------- */

struct weft_chat_endpoint_options {
	const uint8_t *secret_key; /* WEFT_CHAT_LINK_KEY_SIZE bytes, copied; NULL: no server */
	unsigned links_max;        /* 0: 100000 */
	unsigned half_open_max;    /* of those, who have not said their name; 0: 1024 */
	size_t memory_max;         /* bytes of messages under way, of all links; 0: 256 MiB */
	size_t queue_max;          /* of one link, each way; 0: 256 KiB */
	size_t message_max;        /* that may come; 0: 64 KiB */
	int64_t heartbeat_ns;      /* silence after which a client asks; 0: 15 s */
	int64_t expiry_ns;         /* silence after which a link is over; 0: 90 s */
	int64_t connect_ns;        /* from the first datagram to the welcome; 0: 20 s */
	int64_t linger_ns;         /* for what was sent before a close; 0: 5 s */

	/** len bytes fit for secrets. NULL: weft_random(). For tests. */
	void (*random)(void *arg, void *ret_bytes, size_t len);
	void *arg;
};

/** options may be NULL. Errors: EINVAL (an option out of range), EIO (libsodium), ENOMEM. */
WEFT_API struct weft_chat_endpoint *weft_chat_endpoint_new(
	const struct weft_chat_endpoint_options *options);

/** All its links end, and are freed, without a word to anybody. NULL is fine. Keeps errno. */
WEFT_API void weft_chat_endpoint_free(struct weft_chat_endpoint *endpoint);

/**
 * A datagram came: data, len and peer of it are read, nothing is kept. now_ns is of any clock;
 * that it jumps, or goes back, breaks nothing. What is no datagram of a link is dropped.
 */
WEFT_API void weft_chat_endpoint_input(
	struct weft_chat_endpoint *endpoint, const struct weft_datagram *datagram, int64_t now_ns);

/**
 * The next datagram to be sent now: into data (WEFT_CHAT_LINK_DATAGRAM_MAX bytes, the caller's),
 * len and peer. false: there is none. One that can't be sent is as good as lost.
 */
WEFT_API bool weft_chat_endpoint_output(
	struct weft_chat_endpoint *endpoint, struct weft_datagram *datagram, int64_t now_ns);

/** When output is to be asked next, on the clock of the last call; INT64_MAX: after an input. */
WEFT_API int64_t weft_chat_endpoint_deadline(const struct weft_chat_endpoint *endpoint);

enum weft_chat_link_kind {
	WEFT_CHAT_LINK_LOGIN = 1, /* somebody wants in: weft_chat_link_login(), then welcome or
				   * refuse; the link is the caller's from now on */
	WEFT_CHAT_LINK_OPENED,    /* the server said welcome: weft_chat_link_reason() */
	WEFT_CHAT_LINK_READABLE,  /* there are messages, after there were none */
	WEFT_CHAT_LINK_WRITABLE,  /* there is room, after EAGAIN */
	WEFT_CHAT_LINK_DRAINED,   /* the peer has all that was sent */
	WEFT_CHAT_LINK_MOVED,     /* the peer has another address, and has shown that it has */
	WEFT_CHAT_LINK_OVER,      /* weft_chat_link_why(); the last one */
};

struct weft_chat_link_event {
	enum weft_chat_link_kind kind;
	struct weft_chat_link *link;
};

/** The next thing that happened. false: nothing more. */
WEFT_API bool weft_chat_endpoint_event(
	struct weft_chat_endpoint *endpoint, struct weft_chat_link_event *ret_event);

struct weft_chat_endpoint_counts {
	uint64_t received, sent; /* datagrams */
	uint64_t received_bytes, sent_bytes;
	uint64_t forged;   /* dropped: not sealed by the peer, or no datagram of a link */
	uint64_t replayed; /* dropped: seen before, or too old to tell */
	uint64_t resent;   /* parts of messages, not for the first time */
	uint64_t refused;  /* handshakes: too many, too often */
	uint64_t messages_in, messages_out;
	unsigned links, half_open;
	size_t memory;
};
WEFT_API void weft_chat_endpoint_counts(
	const struct weft_chat_endpoint *endpoint, struct weft_chat_endpoint_counts *ret_counts);

/* ---- Beginning ------------------------------------------------------------------------------- */

/** What a secret is; the server's application knows what to do with it. */
enum weft_chat_link_secret {
	WEFT_CHAT_LINK_GUEST = 0, /* none */
	WEFT_CHAT_LINK_PASSWORD,
	WEFT_CHAT_LINK_TOKEN,   /* an API token */
	WEFT_CHAT_LINK_SESSION, /* of a session that was begun elsewhere */
};

struct weft_chat_link_login {
	const char *name;   /* NUL-terminated */
	const char *secret; /* NUL-terminated; it may hold any byte but NUL */
	enum weft_chat_link_secret kind;
};

struct weft_chat_link_connect_options {
	struct weft_chat_link_login login; /* copied; forgotten when it was sent */
	const uint8_t *server_key; /* its public key; NULL: any (weft_chat_link_peer_key() says) */
};

/**
 * Begin a link. Its events tell how that goes. To be ended by weft_chat_link_free().
 * Errors: EINVAL (no name, a kind without a secret or a guest with one, an address that is none),
 * EMSGSIZE (name or secret too long), EUSERS (links_max), ENOMEM.
 */
WEFT_API struct weft_chat_link *weft_chat_link_connect(struct weft_chat_endpoint *endpoint,
	const struct weft_address *server, const struct weft_chat_link_connect_options *options);

/** What the client said, after LOGIN; valid until welcome, refuse or free. NULL: not then. */
WEFT_API const struct weft_chat_link_login *weft_chat_link_login(const struct weft_chat_link *link);

/** Let it in; text (at most WEFT_CHAT_LINK_REASON_MAX; may be NULL) is for the client's
 * application. Errors: ENOTCONN (over by now), EALREADY, EMSGSIZE, ENOBUFS
 * (memory_max), ENOMEM. */
WEFT_API int weft_chat_link_welcome(struct weft_chat_link *link, const char *text);

/** Do not; reason is for a person. OVER follows. Errors: as welcome. */
WEFT_API int weft_chat_link_refuse(struct weft_chat_link *link, const char *reason);

/* ---- Messages -------------------------------------------------------------------------------- */

/**
 * Send a message: copied. Errors: EAGAIN (queue_max: WRITABLE follows), EMSGSIZE (over what the
 * peer takes), ENOTCONN (not open yet, or over), ENOBUFS (memory_max), ENOMEM.
 */
WEFT_API int weft_chat_link_send(struct weft_chat_link *link, const void *data, size_t len);

/**
 * Take the next message: its length, which may be 0. Works after OVER, too, while there are any.
 * Errors: EAGAIN (none now), ENOTCONN (none, and none will come), EMSGSIZE (size_bytes is less
 * than it: it stays).
 */
WEFT_API ssize_t weft_chat_link_receive(
	struct weft_chat_link *link, void *ret_data, size_t size_bytes);

/** Messages sent that the peer has not acknowledged; 0: it has all. */
WEFT_API size_t weft_chat_link_pending(const struct weft_chat_link *link);

/* ---- Ending ---------------------------------------------------------------------------------- */

enum weft_chat_link_why {
	WEFT_CHAT_LINK_NOT_OVER,
	WEFT_CHAT_LINK_CLOSED,    /* by either side: weft_chat_link_reason() */
	WEFT_CHAT_LINK_REFUSED,   /* by the server, which says why */
	WEFT_CHAT_LINK_SILENT,    /* nothing was heard for too long */
	WEFT_CHAT_LINK_GONE,      /* the server does not know it any more: it began anew */
	WEFT_CHAT_LINK_OTHER_KEY, /* somebody answers there whose key is not server_key */
	WEFT_CHAT_LINK_VERSION,   /* the server speaks another version */
	WEFT_CHAT_LINK_BROKEN,    /* the peer broke the protocol */
};

/** A sentence for a person without a final dot. */
WEFT_API const char *weft_chat_link_why_text(enum weft_chat_link_why why);

/**
 * End it, when what was sent before has come, or after linger_ns; reason (cut at
 * WEFT_CHAT_LINK_REASON_MAX; may be NULL) is told to the peer. OVER follows. Again: nothing.
 */
WEFT_API void weft_chat_link_close(struct weft_chat_link *link, const char *reason);

/** The caller is done with it: no event of it follows. One that is not over is closed first,
 * as by weft_chat_link_close(). NULL is fine. Keeps errno. */
WEFT_API void weft_chat_link_free(struct weft_chat_link *link);

/* ---- About a link ---------------------------------------------------------------------------- */

/** Why it is over. */
WEFT_API enum weft_chat_link_why weft_chat_link_why(const struct weft_chat_link *link);

/** What the peer said with its welcome, refusal or close; "" before. */
WEFT_API const char *weft_chat_link_reason(const struct weft_chat_link *link);

/** A pointer of the caller's; NULL at first. */
WEFT_API void weft_chat_link_set_owner(struct weft_chat_link *link, void *owner);
WEFT_API void *weft_chat_link_owner(const struct weft_chat_link *link);

/** Where the peer is. */
WEFT_API void weft_chat_link_address(
	const struct weft_chat_link *link, struct weft_address *ret_address);

/** The server's public key: proven when the link is open; with OTHER_KEY the one that was not
 * expected. NULL: none yet, or this is the server's side. */
WEFT_API const uint8_t *weft_chat_link_peer_key(const struct weft_chat_link *link);

/** A number that both sides have, and nobody else knows: what it is signed with belongs to this
 * link. 32 bytes. NULL before the keys are agreed. */
WEFT_API const uint8_t *weft_chat_link_binding(const struct weft_chat_link *link);

/** Smoothed round trip; 0: not known. */
WEFT_API int64_t weft_chat_link_rtt_ns(const struct weft_chat_link *link);

WEFT_END

#endif
