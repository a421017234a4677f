/*
 * rules.h - somebody who was let in: the picture of her and of her rights that a who is.
 *
 * Never: changed once somebody else has it.
 */
#ifndef ACCOUNT_RULES_H
#define ACCOUNT_RULES_H

#include <stdatomic.h>

#include "account/inside.h"

/** Grants that count for one person, at most; the rest is not given (and more can't be made). */
#define WEFT__RULES_MAX 4096

struct weft__rule {
	char *folder;
	size_t len;
	unsigned level; /* 1: the role's, 2: a group's, 3: her own */
	unsigned rights;
};

struct weft__account_rules {
	struct weft_account_who who; /* whose these are: one piece of memory */
	atomic_int refs;
	int64_t epoch;
	int64_t loaded_ns; /* on weft__accounts_now_ns() */
	uint64_t changes;  /* of the accounts, as they were before it was loaded */
	unsigned token_rights, token_powers;
	char *token_folder; /* NULL: no bound */
	bool is_wide;       /* a folder of these is not plain ASCII: paths are compared in NFC */
	struct weft__rule *rules;
	size_t count;
};

struct weft__token_scope {
	int64_t id;
	unsigned rights, powers;
	const char *folder;
};

/** How somebody got in; all 0: by her password. */
struct weft__entry {
	int64_t session;
	const struct weft__token_scope *token;
};

/** When a load begins: before the transaction. */
struct weft__load {
	struct weft_accounts *accounts;
	int64_t began_ns;
	uint64_t changes;
};
struct weft__load weft__load_begin(struct weft_accounts *accounts);

/** The picture of a user, within a transaction; NULL with errno. */
struct weft_account_who *weft__who_load(struct weft__tx *tx, const struct weft__load *load,
	const struct weft__user_row *row, const struct weft__entry *entry);

/** Whether nothing that is known of has changed since it was loaded, lately. */
bool weft__who_is_fresh(const struct weft_account_who *who);

/** The rights that some rules give at a path. */
unsigned weft__rules_at(const struct weft__rule *rules, size_t count, const char *path);

#endif
