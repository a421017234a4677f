/*
 * password.h - which passwords are refused before they are hashed.
 */
#ifndef ACCOUNT_PASSWORD_H
#define ACCOUNT_PASSWORD_H

#include "weft/account.h"

/** As weft_account_password_judge(); name is normalised or NULL, site may be NULL. */
enum weft_account_fault weft__password_judge(
	const char *password, const char *name, const char *site);

/** Whether a word (lower-case ASCII letters and digits) is among the commonest (common.c). */
bool weft__password_is_common(const char *word, size_t len);

#endif
