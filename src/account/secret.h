/*
 * secret.h - random secrets: told once as text, kept as a hash.
 *
 * Never: a secret that is kept, logged or compared as text.
 */
#ifndef ACCOUNT_SECRET_H
#define ACCOUNT_SECRET_H

#include "weft/account.h"

#define WEFT__DIGEST_SIZE 32

struct weft__digest {
	unsigned char bytes[WEFT__DIGEST_SIZE];
};

/** What a secret is for: the letter that its text begins with, so that none passes as another. */
enum weft__secret_kind {
	WEFT__SECRET_SESSION = 's',
	WEFT__SECRET_TOKEN = 't',
	WEFT__SECRET_LINK = 'l',
};

/** 256 random bits as text, and what is kept of it. */
void weft__secret_make(enum weft__secret_kind kind, char ret_text[WEFT_ACCOUNT_SECRET_SIZE],
	struct weft__digest *ret_digest);

/** What would be kept of this text; false: it is no secret of that kind at all. */
bool weft__secret_read(
	enum weft__secret_kind kind, const char *text, struct weft__digest *ret_digest);

/** A password to be typed once: 80 random bits in letters that aren't mistaken. */
void weft__secret_password(char ret_text[WEFT_ACCOUNT_SECRET_SIZE]);

#endif
