/*
 * test_link_noise.c - the handshake is the one of the Noise Protocol Framework: it gives the bytes
 * that others' programs give, in the vectors that cacophony and snow publish for
 * Noise_NK_25519_ChaChaPoly_BLAKE2b.
 */
#include "chat/link_noise.h"

#include "chat/hex.h"

struct message {
	const char *payload, *sealed;
};

static const char prologue_hex[] = "4a6f686e2047616c74";
static const char client_ephemeral[] =
	"893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a";
static const char server_ephemeral[] =
	"bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b";
static const char server_public[] =
	"31e0303fd6418d2f8c0e78b91f22e8caed0fbe48656dcf4767e4834f701b8f62";
static const char server_secret[] =
	"4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893";
/* Theirs is the one after the first message. */
static const char handshake_hash[] =
	"73b986043ed9bf4965187dedc657d30564cc456e55e998e4e813a29643bdfabb"
	"319a9807f287640e4fbe68f2aa02b4c7104c488ff75aaf1201021df988725d58";

static const struct message messages[] = {
	{"4c756477696720766f6e204d69736573",
		"ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944"
		"f3041e39b0c8ba56008f2d1183fea6ac83564ead0267b0842ec4c521ed1e1407"},
	{"4d757272617920526f746862617264",
		"95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843"
		"2281dcc1835131f305dca14525e15e27d1f32294aa835e40fc18be480c1db9"},
	{"462e20412e20486179656b", "357e24e9f28ba22080666f7efacc01b2a0a4e358e742aeeff2aaf5"},
	{"4361726c204d656e676572", "8b23b34ff3169de06a39551e969ca7876cc5122a4acff74bf2ec29"},
	{"4a65616e2d426170746973746520536179",
		"5c104779b6f36e59fca73ed94b0ae092eae1d76dd109caf5060aaaedba385d7076"},
	{"457567656e2042f6686d20766f6e2042617765726b",
		"34ae0518d0cd3aa641ed372ea94935ceecd87f8c4b422ce21a33d3f6f5493891e3e915d83f"},
};

struct both {
	struct weft__noise client, server;
	uint8_t secret[32], first[32], second[32];
};

static void begin(struct both *both)
{
	uint8_t public_key[32], prologue[16];
	struct weft__bytes bytes = {prologue, hex_read(prologue_hex, prologue)};

	hex_read(server_public, public_key);
	hex_read(server_secret, both->secret);
	hex_read(client_ephemeral, both->first);
	hex_read(server_ephemeral, both->second);
	weft__noise_begin(&both->client, public_key, bytes);
	weft__noise_begin(&both->server, public_key, bytes);
}

CHECK_CASE(the_published_vectors_come_out)
{
	struct both both;
	uint8_t payload[64], out[128], back[64], keys[2][32], again[2][32];
	size_t len = hex_read(messages[0].payload, payload);

	begin(&both);
	CHECK_INT(weft__noise_write_first(
			  &both.client, both.first, (struct weft__bytes){payload, len}, out),
		==, 0);
	hex_check(out, len + WEFT__NOISE_EXTRA, messages[0].sealed);
	CHECK_INT(weft__noise_read_first(&both.server, both.secret,
			  (struct weft__bytes){out, len + WEFT__NOISE_EXTRA}, back),
		==, 0);
	hex_check(back, len, messages[0].payload);
	hex_check(both.client.hash, sizeof(both.client.hash), handshake_hash);
	hex_check(both.server.hash, sizeof(both.server.hash), handshake_hash);
	len = hex_read(messages[1].payload, payload);
	CHECK_INT(weft__noise_write_second(
			  &both.server, both.second, (struct weft__bytes){payload, len}, out),
		==, 0);
	hex_check(out, len + WEFT__NOISE_EXTRA, messages[1].sealed);
	CHECK_INT(weft__noise_read_second(
			  &both.client, (struct weft__bytes){out, len + WEFT__NOISE_EXTRA}, back),
		==, 0);
	hex_check(back, len, messages[1].payload);
	CHECK_MEM(both.client.hash, both.server.hash, sizeof(both.client.hash));
	weft__noise_split(&both.client, keys[0], keys[1]);
	weft__noise_split(&both.server, again[0], again[1]);
	CHECK_MEM(keys, again, sizeof(keys));
	for (size_t i = 2; i < sizeof(messages) / sizeof(messages[0]); i++) {
		len = hex_read(messages[i].payload, payload);
		weft__noise_seal(keys[i % 2], (i - 2) / 2, (struct weft__bytes){NULL, 0},
			(struct weft__bytes){payload, len}, out);
		hex_check(out, len + WEFT__NOISE_TAG, messages[i].sealed);
		CHECK_INT(weft__noise_open(keys[i % 2], (i - 2) / 2, (struct weft__bytes){NULL, 0},
				  (struct weft__bytes){out, len + WEFT__NOISE_TAG}, back),
			==, 0);
		hex_check(back, len, messages[i].payload);
	}
}

CHECK_CASE(a_changed_bit_anywhere_is_refused)
{
	struct both both, kept;
	uint8_t out[64], back[16];
	struct weft__bytes payload = {(const uint8_t *)"0123456789abcdef", 16};

	begin(&both);
	CHECK_INT(weft__noise_write_first(&both.client, both.first, payload, out), ==, 0);
	kept = both;
	for (size_t bit = 0; bit < sizeof(out) * 8; bit++) {
		both = kept;
		out[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CHECK_INT(weft__noise_read_first(&both.server, both.secret,
				  (struct weft__bytes){out, sizeof(out)}, back),
			==, -1);
		out[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t len = 0; len < sizeof(out); len++) {
		both = kept;
		CHECK_INT(weft__noise_read_first(
				  &both.server, both.secret, (struct weft__bytes){out, len}, back),
			==, -1);
	}
}

CHECK_CASE(points_of_small_order_are_refused)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	};
	struct both both;
	uint8_t out[WEFT__NOISE_EXTRA] = {0}, back[1];

	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		begin(&both);
		hex_read(points[i], out);
		CHECK_INT(weft__noise_read_first(&both.server, both.secret,
				  (struct weft__bytes){out, sizeof(out)}, back),
			==, -1);
		hex_read(points[i], both.client.peer);
		CHECK_INT(weft__noise_write_first(
				  &both.client, both.first, (struct weft__bytes){NULL, 0}, out),
			==, -1);
	}
}

CHECK_MAIN()
