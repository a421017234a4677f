/*
 * siphash.c - SipHash-1-3; the manual is siphash.h.
 *
 * Entry points: weft__siphash_key(), weft__siphash().
 * Never: a branch or an address that depends on the key.
 */
#include "base/siphash.h"

#include "weft/siphash.h"

#include <endian.h>
#include <string.h>

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotate_left(uint64_t word, int bits)
{
	return word << bits | word >> (64 - bits);
}

static uint64_t load_word(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return le64toh(word);
}

/* SipRound, section 2.2 of the paper. */
static void mix(struct state *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotate_left(s->v1, 13) ^ s->v0;
	s->v3 = rotate_left(s->v3, 16) ^ s->v2;
	s->v0 = rotate_left(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotate_left(s->v1, 17) ^ s->v2;
	s->v3 = rotate_left(s->v3, 21) ^ s->v0;
	s->v2 = rotate_left(s->v2, 32);
}

static void absorb(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	mix(s);
	s->v0 ^= word;
}

struct weft__siphash_key weft__siphash_key(const uint8_t bytes[16])
{
	return (struct weft__siphash_key){{load_word(bytes), load_word(bytes + 8)}};
}

uint64_t weft__siphash(const struct weft__siphash_key *key, const void *data, size_t len)
{
	/* The paper's constants: "somepseudorandomlygeneratedbytes". */
	struct state s = {
		key->word[0] ^ 0x736f6d6570736575u,
		key->word[1] ^ 0x646f72616e646f6du,
		key->word[0] ^ 0x6c7967656e657261u,
		key->word[1] ^ 0x7465646279746573u,
	};
	const uint8_t *at = data;
	uint64_t last = (uint64_t)len << 56;

	for (size_t words = len / 8; words > 0; words--, at += 8)
		absorb(&s, load_word(at));
	for (size_t i = 0; i < len % 8; i++)
		last |= (uint64_t)at[i] << (8 * i);
	absorb(&s, last);
	s.v2 ^= 0xff;
	mix(&s);
	mix(&s);
	mix(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t weft_siphash(const uint8_t bytes[WEFT_SIPHASH_KEY_SIZE], const void *data, size_t len)
{
	const struct weft__siphash_key key = weft__siphash_key(bytes);

	return weft__siphash(&key, data, len);
}
