/*
 * link_noise.c - the handshake's arithmetic, out of libsodium's primitives.
 *
 * Entry points: weft__noise_*(). The names of the static functions are the framework's own.
 * Never: I/O, randomness (ephemeral keys are given), or a branch on a secret.
 */
#include "chat/link_noise.h"

#include <sodium.h>
#include <string.h>

#define BLOCK 128 /* of BLAKE2b */

static const char protocol_name[] = "Noise_NK_25519_ChaChaPoly_BLAKE2b";

/* ---- BLAKE2b, HMAC (RFC 2104), HKDF ---------------------------------------------------------- */

static void hash_two(uint8_t ret[WEFT__NOISE_HASH], struct weft__bytes one, struct weft__bytes two)
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, WEFT__NOISE_HASH);
	crypto_generichash_update(&state, one.data, one.len);
	crypto_generichash_update(&state, two.data, two.len);
	crypto_generichash_final(&state, ret, WEFT__NOISE_HASH);
	sodium_memzero(&state, sizeof(state));
}

static void hmac(
	const uint8_t key[WEFT__NOISE_HASH], struct weft__bytes text, uint8_t ret[WEFT__NOISE_HASH])
{
	uint8_t inner[BLOCK], outer[BLOCK], digest[WEFT__NOISE_HASH];

	memset(inner, 0x36, sizeof(inner));
	memset(outer, 0x5c, sizeof(outer));
	for (size_t i = 0; i < WEFT__NOISE_HASH; i++) {
		inner[i] ^= key[i];
		outer[i] ^= key[i];
	}
	hash_two(digest, (struct weft__bytes){inner, sizeof(inner)}, text);
	hash_two(ret, (struct weft__bytes){outer, sizeof(outer)},
		(struct weft__bytes){digest, sizeof(digest)});
	sodium_memzero(inner, sizeof(inner));
	sodium_memzero(outer, sizeof(outer));
	sodium_memzero(digest, sizeof(digest));
}

static void hkdf(const uint8_t chain[WEFT__NOISE_HASH], struct weft__bytes material,
	uint8_t ret_one[WEFT__NOISE_HASH], uint8_t ret_two[WEFT__NOISE_HASH])
{
	uint8_t temporary[WEFT__NOISE_HASH], block[WEFT__NOISE_HASH + 1];

	hmac(chain, material, temporary);
	block[0] = 1;
	hmac(temporary, (struct weft__bytes){block, 1}, ret_one);
	memcpy(block, ret_one, WEFT__NOISE_HASH);
	block[WEFT__NOISE_HASH] = 2;
	hmac(temporary, (struct weft__bytes){block, sizeof(block)}, ret_two);
	sodium_memzero(temporary, sizeof(temporary));
	sodium_memzero(block, sizeof(block));
}

/* ---- Transport ------------------------------------------------------------------------------- */

/* ChaChaPoly of the framework, section 12.3: 32 zero bits, then the nonce, the low byte first. */
static void nonce_write(uint8_t ret[12], uint64_t nonce)
{
	memset(ret, 0, 4);
	for (int i = 0; i < 8; i++)
		ret[4 + i] = (uint8_t)(nonce >> (8 * i));
}

void weft__noise_seal(const uint8_t key[WEFT__NOISE_KEY], uint64_t nonce,
	struct weft__bytes belongs, struct weft__bytes plain, uint8_t *ret_sealed)
{
	uint8_t bytes[12];

	nonce_write(bytes, nonce);
	crypto_aead_chacha20poly1305_ietf_encrypt(ret_sealed, NULL, plain.data, plain.len,
		belongs.data, belongs.len, NULL, bytes, key);
}

int weft__noise_open(const uint8_t key[WEFT__NOISE_KEY], uint64_t nonce, struct weft__bytes belongs,
	struct weft__bytes sealed, uint8_t *ret_plain)
{
	uint8_t bytes[12];

	if (sealed.len < WEFT__NOISE_TAG)
		return -1;
	nonce_write(bytes, nonce);
	return crypto_aead_chacha20poly1305_ietf_decrypt(ret_plain, NULL, NULL, sealed.data,
		sealed.len, belongs.data, belongs.len, bytes, key);
}

/* ---- The symmetric state --------------------------------------------------------------------- */

static void mix_hash(struct weft__noise *noise, struct weft__bytes data)
{
	hash_two(noise->hash, (struct weft__bytes){noise->hash, WEFT__NOISE_HASH}, data);
}

static void mix_key(struct weft__noise *noise, const uint8_t material[WEFT__NOISE_KEY])
{
	uint8_t chain[WEFT__NOISE_HASH], key[WEFT__NOISE_HASH];

	hkdf(noise->chain, (struct weft__bytes){material, WEFT__NOISE_KEY}, chain, key);
	memcpy(noise->chain, chain, sizeof(chain));
	memcpy(noise->key, key, WEFT__NOISE_KEY);
	sodium_memzero(chain, sizeof(chain));
	sodium_memzero(key, sizeof(key));
}

/* -1: the point is of small order, so the secret would be nobody's. */
static int mix_exchange(struct weft__noise *noise, const uint8_t secret[WEFT__NOISE_KEY],
	const uint8_t public_key[WEFT__NOISE_KEY])
{
	uint8_t shared[WEFT__NOISE_KEY];
	int result = crypto_scalarmult(shared, secret, public_key);

	if (result == 0)
		mix_key(noise, shared);
	sodium_memzero(shared, sizeof(shared));
	return result == 0 ? 0 : -1;
}

/* In this pattern each key seals one message only: the nonce is always 0. */
static void encrypt_and_hash(
	struct weft__noise *noise, struct weft__bytes payload, uint8_t *ret_sealed)
{
	weft__noise_seal(noise->key, 0, (struct weft__bytes){noise->hash, WEFT__NOISE_HASH},
		payload, ret_sealed);
	mix_hash(noise, (struct weft__bytes){ret_sealed, payload.len + WEFT__NOISE_TAG});
}

static int decrypt_and_hash(
	struct weft__noise *noise, struct weft__bytes sealed, uint8_t *ret_payload)
{
	if (weft__noise_open(noise->key, 0, (struct weft__bytes){noise->hash, WEFT__NOISE_HASH},
		    sealed, ret_payload) < 0)
		return -1;
	mix_hash(noise, sealed);
	return 0;
}

/* ---- The pattern ----------------------------------------------------------------------------- */

void weft__noise_begin(struct weft__noise *noise, const uint8_t server_public[WEFT__NOISE_KEY],
	struct weft__bytes prologue)
{
	memset(noise, 0, sizeof(*noise));
	memcpy(noise->hash, protocol_name, sizeof(protocol_name) - 1);
	memcpy(noise->chain, noise->hash, sizeof(noise->chain));
	mix_hash(noise, prologue);
	mix_hash(noise, (struct weft__bytes){server_public, WEFT__NOISE_KEY});
	memcpy(noise->peer, server_public, WEFT__NOISE_KEY);
}

int weft__noise_write_first(struct weft__noise *noise, const uint8_t ephemeral[WEFT__NOISE_KEY],
	struct weft__bytes payload, uint8_t *ret_message)
{
	memcpy(noise->ephemeral, ephemeral, WEFT__NOISE_KEY);
	crypto_scalarmult_base(ret_message, ephemeral);
	mix_hash(noise, (struct weft__bytes){ret_message, WEFT__NOISE_KEY});
	if (mix_exchange(noise, ephemeral, noise->peer) < 0)
		return -1;
	encrypt_and_hash(noise, payload, ret_message + WEFT__NOISE_KEY);
	return 0;
}

int weft__noise_read_first(struct weft__noise *noise, const uint8_t secret[WEFT__NOISE_KEY],
	struct weft__bytes message, uint8_t *ret_payload)
{
	if (message.len < WEFT__NOISE_EXTRA)
		return -1;
	memcpy(noise->peer, message.data, WEFT__NOISE_KEY);
	mix_hash(noise, (struct weft__bytes){noise->peer, WEFT__NOISE_KEY});
	if (mix_exchange(noise, secret, noise->peer) < 0)
		return -1;
	return decrypt_and_hash(noise,
		(struct weft__bytes){message.data + WEFT__NOISE_KEY, message.len - WEFT__NOISE_KEY},
		ret_payload);
}

int weft__noise_write_second(struct weft__noise *noise, const uint8_t ephemeral[WEFT__NOISE_KEY],
	struct weft__bytes payload, uint8_t *ret_message)
{
	crypto_scalarmult_base(ret_message, ephemeral);
	mix_hash(noise, (struct weft__bytes){ret_message, WEFT__NOISE_KEY});
	if (mix_exchange(noise, ephemeral, noise->peer) < 0)
		return -1;
	encrypt_and_hash(noise, payload, ret_message + WEFT__NOISE_KEY);
	return 0;
}

int weft__noise_read_second(
	struct weft__noise *noise, struct weft__bytes message, uint8_t *ret_payload)
{
	if (message.len < WEFT__NOISE_EXTRA)
		return -1;
	mix_hash(noise, (struct weft__bytes){message.data, WEFT__NOISE_KEY});
	if (mix_exchange(noise, noise->ephemeral, message.data) < 0)
		return -1;
	return decrypt_and_hash(noise,
		(struct weft__bytes){message.data + WEFT__NOISE_KEY, message.len - WEFT__NOISE_KEY},
		ret_payload);
}

void weft__noise_split(const struct weft__noise *noise, uint8_t ret_client[WEFT__NOISE_KEY],
	uint8_t ret_server[WEFT__NOISE_KEY])
{
	uint8_t one[WEFT__NOISE_HASH], two[WEFT__NOISE_HASH];

	hkdf(noise->chain, (struct weft__bytes){NULL, 0}, one, two);
	memcpy(ret_client, one, WEFT__NOISE_KEY);
	memcpy(ret_server, two, WEFT__NOISE_KEY);
	sodium_memzero(one, sizeof(one));
	sodium_memzero(two, sizeof(two));
}
