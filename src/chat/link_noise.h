/*
 * link_noise.h - the handshake that gives a link its keys: Noise_NK_25519_ChaChaPoly_BLAKE2b, of
 * the Noise Protocol Framework, revision 34.
 *
 *	    client (initiator)                      server (responder), whose s is known
 *	    -> e, es   + payload, sealed to s       what is in it, s's holder can always read
 *	    <- e, ee   + payload                    from here on nobody can, later
 *
 * Each call is made once, in this order. Threads: none; it is plain data, wiped by the caller.
 */
#ifndef WEFT_SRC_CHAT_LINK_NOISE_H
#define WEFT_SRC_CHAT_LINK_NOISE_H

#include "weft/api.h"

#define WEFT__NOISE_KEY  32
#define WEFT__NOISE_HASH 64
#define WEFT__NOISE_TAG  16

/** Bytes that a handshake's message is longer than its payload. */
#define WEFT__NOISE_EXTRA (WEFT__NOISE_KEY + WEFT__NOISE_TAG)

struct weft__noise {
	uint8_t hash[WEFT__NOISE_HASH];
	uint8_t chain[WEFT__NOISE_HASH];
	uint8_t key[WEFT__NOISE_KEY];
	uint8_t ephemeral[WEFT__NOISE_KEY]; /* the own secret one */
	uint8_t peer[WEFT__NOISE_KEY];      /* server's: the client's ephemeral; client's: the
					     * server's static public key */
};

/** Bytes of the caller's, for a call. */
struct weft__bytes {
	const uint8_t *data;
	size_t len;
};

/** Both sides, with the server's public key. */
void weft__noise_begin(struct weft__noise *noise, const uint8_t server_public[WEFT__NOISE_KEY],
	struct weft__bytes prologue);

/** The client's message, of payload.len + WEFT__NOISE_EXTRA bytes. -1: that key is none. */
int weft__noise_write_first(struct weft__noise *noise, const uint8_t ephemeral[WEFT__NOISE_KEY],
	struct weft__bytes payload, uint8_t *ret_message);

/** The server reads it; the payload has WEFT__NOISE_EXTRA bytes less. -1: it is forged. */
int weft__noise_read_first(struct weft__noise *noise, const uint8_t secret[WEFT__NOISE_KEY],
	struct weft__bytes message, uint8_t *ret_payload);

/** The server's message, and the client reads it: likewise. */
int weft__noise_write_second(struct weft__noise *noise, const uint8_t ephemeral[WEFT__NOISE_KEY],
	struct weft__bytes payload, uint8_t *ret_message);
int weft__noise_read_second(
	struct weft__noise *noise, struct weft__bytes message, uint8_t *ret_payload);

/** The keys for what the client sends, and for what the server sends. */
void weft__noise_split(const struct weft__noise *noise, uint8_t ret_client[WEFT__NOISE_KEY],
	uint8_t ret_server[WEFT__NOISE_KEY]);

/**
 * A transport message: nonce is explicit (the framework's section 11.4), and what it belongs to is
 * authenticated with it. In place is fine. open: -1 if it is forged.
 */
void weft__noise_seal(const uint8_t key[WEFT__NOISE_KEY], uint64_t nonce,
	struct weft__bytes belongs, struct weft__bytes plain, uint8_t *ret_sealed);
int weft__noise_open(const uint8_t key[WEFT__NOISE_KEY], uint64_t nonce, struct weft__bytes belongs,
	struct weft__bytes sealed, uint8_t *ret_plain);

#endif
