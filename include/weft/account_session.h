/*
 * weft/account_session.h - what lets a person of weft/account.h in without her password: sessions,
 * tokens, links.
 *
 *	weft_account_login(accounts, &call, "mia", password, &who);
 *	weft_account_session_begin(accounts, &call, who, "Firefox on Linux", secret);
 *	...with each request that brings the secret...
 *	weft_account_session_check(accounts, &call, secret, &who);
 *
 * A session is a browser that is logged in; a token a program's way in, with a part of its owner's
 * rights; a link sets a password once. Each is a secret that is told once, and of which only a
 * digest is kept. Errors, threads and waiting are as weft/account.h says.
 */
#ifndef WEFT_ACCOUNT_SESSION_H
#define WEFT_ACCOUNT_SESSION_H

#include "weft/account.h"

WEFT_BEGIN

/* ---- Sessions ------------------------------------------------------------------------------- */

/**
 * Begin a session for somebody who has logged in: ret_secret is for her cookie, and in the database
 * there is a hash of it only. Lazily. label says where it is: "Firefox on Linux"; NULL: "".
 */
WEFT_API int weft_account_session_begin(struct weft_accounts *accounts,
	struct weft_account_call *call, const struct weft_account_who *who, const char *label,
	char ret_secret[WEFT_ACCOUNT_SECRET_SIZE]);

/**
 * Whose session it is. Answered from memory while that is fresh (options.who_fresh_ns): what
 * another process revokes ends so much later; what this one revokes, at once. Errors: EKEYREJECTED
 * (unknown or revoked), EKEYEXPIRED, EPERM (locked).
 */
WEFT_API int weft_account_session_check(struct weft_accounts *accounts,
	struct weft_account_call *call, const char *secret, struct weft_account_who **ret_who);

/** Log out. One that is over already is fine. */
WEFT_API int weft_account_session_end(
	struct weft_accounts *accounts, struct weft_account_call *call, const char *secret);

struct weft_account_session {
	int64_t id;
	char label[WEFT_ACCOUNT_LABEL_MAX + 1];
	char address[WEFT_ACCOUNT_ADDRESS_MAX + 1]; /* where it began */
	char door[WEFT_ACCOUNT_ADDRESS_MAX + 1];
	int64_t created_s, seen_s, expires_s;
};

struct weft_account_sessions {
	struct weft_account_session *sessions; /* the newest first */
	size_t count;
};

/** The sessions of somebody that are not over. By herself, or MANAGES. */
WEFT_API int weft_account_sessions(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, struct weft_account_sessions *ret_sessions);
WEFT_API void weft_account_sessions_fini(struct weft_account_sessions *sessions);

/** End one, or (id 0) all of them. Errors: ENOENT. */
WEFT_API int weft_account_session_revoke(struct weft_accounts *accounts,
	struct weft_account_call *call, const char *name, int64_t id);

/* ---- Tokens --------------------------------------------------------------------------------- */

struct weft_account_token {
	int64_t id;                             /* of what is listed */
	char label[WEFT_ACCOUNT_LABEL_MAX + 1]; /* what for: "backup script" */
	unsigned rights;                        /* at most these, of its owner's */
	unsigned powers;                        /* the same */
	char folder[WEFT_ACCOUNT_PATH_MAX + 1]; /* and only below it; "": everywhere */
	int64_t created_s, seen_s;              /* of what is listed */
	int64_t expires_s;                      /* 0: never */
};

/** Make a token for programs. By the person herself, or locally. It is told once. */
WEFT_API int weft_account_token_add(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, const struct weft_account_token *token,
	char ret_secret[WEFT_ACCOUNT_SECRET_SIZE]);

/** Whose token it is, as weft_account_session_check(); the rights are cut to its scope. */
WEFT_API int weft_account_token_check(struct weft_accounts *accounts,
	struct weft_account_call *call, const char *secret, struct weft_account_who **ret_who);

struct weft_account_tokens {
	struct weft_account_token *tokens;
	size_t count;
};

/** The tokens of somebody, without their secrets. By herself, or MANAGES. */
WEFT_API int weft_account_tokens(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, struct weft_account_tokens *ret_tokens);
WEFT_API void weft_account_tokens_fini(struct weft_account_tokens *tokens);

/** Revoke one, or (id 0) all. Errors: ENOENT. */
WEFT_API int weft_account_token_remove(struct weft_accounts *accounts,
	struct weft_account_call *call, const char *name, int64_t id);

/* ---- Links ---------------------------------------------------------------------------------- */

/** How a link is used, and what for. */
struct weft_account_link {
	struct weft_account_user user;
	bool is_invitation; /* the account has no password yet */
	int64_t expires_s;
};

/**
 * Make a link by which somebody sets her password once: an invitation where she has none yet, else
 * a reset (the old one stays good until it is used). One that was made before is dead. ttl_s: how
 * long it is good; 0: 3 days; at most 30. Powers: MANAGES. The secret is for the address of a page.
 */
WEFT_API int weft_account_link_add(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, int64_t ttl_s, char ret_secret[WEFT_ACCOUNT_SECRET_SIZE]);

/** Whose it is, without using it. Errors: EKEYREJECTED (unknown or used), EKEYEXPIRED. */
WEFT_API int weft_account_link_look(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *secret, struct weft_account_link *ret_link);

/** Set the password, once. All sessions are over after that. Errors: as above; EINVAL (it isn't
 * used up), EAGAIN. */
WEFT_API int weft_account_link_use(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *secret, const char *password);

WEFT_END

#endif
