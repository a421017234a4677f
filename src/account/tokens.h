/*
 * tokens.h - rows of tokens, for those that let somebody in by one.
 */
#ifndef ACCOUNT_TOKENS_H
#define ACCOUNT_TOKENS_H

#include "account/rules.h"

struct weft__token_row {
	struct weft__token_scope scope;
	int64_t user, seen, expires;
	char folder[WEFT_ACCOUNT_PATH_MAX + 1]; /* what scope.folder is */
};

/** A token that is good: 0, or -1 with REVOKED or EXPIRED. */
int weft__token_by_id(struct weft__tx *tx, struct weft_account_call *call, int64_t id, int64_t now,
	struct weft__token_row *ret_row);

#endif
