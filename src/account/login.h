/*
 * login.h - a password checked, with everything around it: the throttle, the stranger's hash.
 */
#ifndef ACCOUNT_LOGIN_H
#define ACCOUNT_LOGIN_H

#include "account/inside.h"

/**
 * Whether this is the password of that name; 0 with the row as it was then, or -1 with a fault:
 * WRONG, THROTTLED, BUSY. The state of the account is not looked at, but that a removed one has no
 * password.
 */
int weft__password_verify(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, const char *password, struct weft__user_row *ret_row);

/** The hash of a password that is to be set: -1 with BUSY where there is no room for it now. */
int weft__call_hash(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *password, char ret_hash[WEFT__HASH_SIZE]);

#endif
