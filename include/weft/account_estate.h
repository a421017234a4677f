/*
 * weft/account_estate.h - the files that a person of weft/account.h has stored, when she goes: into
 * the trash, or another's.
 *
 *	weft_account_estate(accounts, &call, "mia", "ben", &of_mia);
 *	weft_files_settle_estate(files, &visitor, &(struct weft_files_estate){.owner = of_mia.owner,
 *		.heir = of_mia.heir, .pass = weft_account_estate_pass, .arg = &of_mia}, &done);
 *
 * What is in a home of her own is hers, too, if she has put it there; a file that nobody is known
 * to have stored is nobody's. Errors, threads and waiting are as weft/account.h says.
 */
#ifndef WEFT_ACCOUNT_ESTATE_H
#define WEFT_ACCOUNT_ESTATE_H

#include "weft/account.h"

WEFT_BEGIN

/** For weft_files_settle_estate(): whose files they are, and whose they are to be. */
struct weft_account_estate {
	struct weft_accounts *accounts;
	char owner[WEFT_ACCOUNT_OWNER_SIZE];
	char heir[WEFT_ACCOUNT_OWNER_SIZE]; /* "": nobody's, they go to the trash */
};

/**
 * Ask for the estate of somebody, who may have been removed, and note in the log that it is settled
 * ("account.files"). heir: who is to have the files, active or locked; NULL: nobody. Powers:
 * MANAGES; not of who may do more than the caller. Errors: ENOENT, EINVAL (both are one).
 */
WEFT_API int weft_account_estate(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, const char *heir, struct weft_account_estate *ret_estate);

/** A weft_files_estate.pass, whose arg is that. Lazily. Errors: EDQUOT (the heir has no more room,
 * or is gone). */
WEFT_API int weft_account_estate_pass(void *estate, int64_t bytes);

WEFT_END

#endif
