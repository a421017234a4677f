/*
 * owner.h - an account as the word that is kept with its files (weft/files.h): "#17.1800000000".
 *
 * The id is never used again in this database; with the time that it was made it is no other's in
 * a database that was begun anew, or put back from an old copy. It can't be a name.
 */
#ifndef ACCOUNT_OWNER_H
#define ACCOUNT_OWNER_H

#include "weft/account.h"

/** "" of a stranger. */
void weft__account_owner_write(
	const struct weft_account_user *user, char ret_owner[WEFT_ACCOUNT_OWNER_SIZE]);

/** Whether it is such a word. Whether the account exists, and was made then, the database knows. */
bool weft__account_owner_read(const char *owner, int64_t *ret_id, int64_t *ret_created_s);

#endif
