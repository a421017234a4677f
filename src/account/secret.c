/*
 * secret.c - see secret.h.
 *
 *	weft_s_ yKX3...43 letters (base64url of 32 bytes)
 *
 * The prefix lets programs that look for leaked secrets find ours.
 */
#include "account/secret.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define PREFIX_LEN 7 /* "weft_s_" */
#define BODY_LEN   43

static_assert(PREFIX_LEN + BODY_LEN < WEFT_ACCOUNT_SECRET_SIZE, "room for a secret");

static void digest(const char *text, struct weft__digest *ret_digest)
{
	crypto_hash_sha256(ret_digest->bytes, (const unsigned char *)text, strlen(text));
}

void weft__secret_make(enum weft__secret_kind kind, char ret_text[WEFT_ACCOUNT_SECRET_SIZE],
	struct weft__digest *ret_digest)
{
	unsigned char random[32];
	char body[BODY_LEN + 1];

	randombytes_buf(random, sizeof(random));
	sodium_bin2base64(body, sizeof(body), random, sizeof(random),
		sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	snprintf(ret_text, WEFT_ACCOUNT_SECRET_SIZE, "weft_%c_%s", (char)kind, body);
	digest(ret_text, ret_digest);
	sodium_memzero(random, sizeof(random));
	sodium_memzero(body, sizeof(body));
}

bool weft__secret_read(
	enum weft__secret_kind kind, const char *text, struct weft__digest *ret_digest)
{
	char prefix[PREFIX_LEN + 1];

	snprintf(prefix, sizeof(prefix), "weft_%c_", (char)kind);
	if (strnlen(text, WEFT_ACCOUNT_SECRET_SIZE) != PREFIX_LEN + BODY_LEN ||
		memcmp(text, prefix, PREFIX_LEN) != 0)
		return false;
	digest(text, ret_digest);
	return true;
}

void weft__secret_password(char ret_text[WEFT_ACCOUNT_SECRET_SIZE])
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789"; /* no l, o, 0, 1 */
	unsigned char random[16];
	size_t len = 0;

	static_assert(sizeof(letters) == 33, "five bits each");
	randombytes_buf(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++) {
		if (i > 0 && i % 4 == 0)
			ret_text[len++] = '-';
		ret_text[len++] = letters[random[i] & 31];
	}
	ret_text[len] = '\0';
	sodium_memzero(random, sizeof(random));
}
