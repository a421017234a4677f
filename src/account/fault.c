/*
 * fault.c - why a call on accounts failed: the sentence for people, the word for programs.
 *
 * Never: a sentence that tells whether an account exists to who isn't logged in.
 */
#include "weft/account.h"

static const struct {
	const char *word, *text;
} faults[WEFT_ACCOUNT_FAULTS] = {
	[WEFT_ACCOUNT_FAULT_NONE] = {"", "it failed"},
	[WEFT_ACCOUNT_NAME_EMPTY] = {"name-empty", "a name needs at least one character"},
	[WEFT_ACCOUNT_NAME_TOO_LONG] = {"name-too-long",
		"this name is too long: 32 characters and 64 bytes at most"},
	[WEFT_ACCOUNT_NAME_NOT_UTF8] = {"name-not-utf8", "this name is not UTF-8"},
	[WEFT_ACCOUNT_NAME_BAD_START] = {"name-bad-start",
		"a name begins with a letter or a digit"},
	[WEFT_ACCOUNT_NAME_BAD_CHARACTER] = {"name-bad-character",
		"a name is made of letters, digits and . _ - + @"},
	[WEFT_ACCOUNT_NAME_MIXED_SCRIPTS] = {"name-mixed-scripts",
		"this name mixes the letters of several scripts"},
	[WEFT_ACCOUNT_NAME_RESERVED] = {"name-reserved", "this name is reserved"},
	[WEFT_ACCOUNT_NAME_TAKEN] = {"name-taken", "this name is taken"},
	[WEFT_ACCOUNT_NAME_LOOKALIKE] = {"name-lookalike",
		"this name looks like one that is taken"},
	[WEFT_ACCOUNT_NAME_UNKNOWN] = {"name-unknown", "nobody has this name"},
	[WEFT_ACCOUNT_PASSWORD_TOO_SHORT] = {"password-too-short",
		"a password needs at least 8 characters"},
	[WEFT_ACCOUNT_PASSWORD_TOO_LONG] = {"password-too-long",
		"a password has at most 128 characters"},
	[WEFT_ACCOUNT_PASSWORD_NOT_UTF8] = {"password-not-utf8",
		"this password is not UTF-8, or has control characters"},
	[WEFT_ACCOUNT_PASSWORD_COMMON] = {"password-common",
		"this password is among the first that are guessed"},
	[WEFT_ACCOUNT_PASSWORD_IS_NAME] = {"password-is-name", "a password must not be the name"},
	[WEFT_ACCOUNT_PASSWORD_SAME] = {"password-same", "this is the password that it was"},
	[WEFT_ACCOUNT_WRONG] = {"wrong", "wrong name or password"},
	[WEFT_ACCOUNT_LOCKED] = {"locked", "this account is locked"},
	[WEFT_ACCOUNT_THROTTLED] = {"throttled", "too many failures; wait before the next try"},
	[WEFT_ACCOUNT_BUSY] = {"busy", "too many are logging in; try again in a moment"},
	[WEFT_ACCOUNT_EXPIRED] = {"expired", "this has expired"},
	[WEFT_ACCOUNT_REVOKED] = {"revoked", "this is not valid, or not any more"},
	[WEFT_ACCOUNT_MUST_CHANGE] = {"must-change", "the password must be changed first"},
	[WEFT_ACCOUNT_NO_PASSWORD_YET] = {"no-password-yet",
		"this account has no password yet; an invitation sets the first"},
	[WEFT_ACCOUNT_NOT_ALLOWED] = {"not-allowed", "this is not allowed"},
	[WEFT_ACCOUNT_LAST_ADMIN] = {"last-admin",
		"this is the last account that may manage accounts; make another one first"},
	[WEFT_ACCOUNT_ONESELF] = {"oneself",
		"nobody locks or removes her own account; another administrator can"},
	[WEFT_ACCOUNT_ROLE_UNKNOWN] = {"role-unknown", "there is no such role"},
	[WEFT_ACCOUNT_ROLE_IN_USE] = {"role-in-use", "this role is in use, or is built in"},
	[WEFT_ACCOUNT_GROUP_UNKNOWN] = {"group-unknown", "there is no such group"},
	[WEFT_ACCOUNT_BAD_PATH] = {"bad-path", "this is no path of a folder below the shared one"},
	[WEFT_ACCOUNT_BAD_TEXT] = {"bad-text",
		"this text is too long, not UTF-8, or has control characters"},
	[WEFT_ACCOUNT_BAD_NUMBER] = {"bad-number", "this is no number, or out of range"},
	[WEFT_ACCOUNT_QUOTA_EXCEEDED] = {"quota-exceeded", "the quota is used up"},
	[WEFT_ACCOUNT_TOO_MANY] = {"too-many", "there are too many of these already"},
	[WEFT_ACCOUNT_BAD_CSV] = {"bad-csv", "some lines can't be imported"},
	[WEFT_ACCOUNT_NEWER_DATABASE] = {"newer-database",
		"a newer weft has written this database"},
};

const char *weft_account_fault_text(enum weft_account_fault fault)
{
	return (unsigned)fault < WEFT_ACCOUNT_FAULTS ? faults[fault].text : faults[0].text;
}

const char *weft_account_fault_word(enum weft_account_fault fault)
{
	return (unsigned)fault < WEFT_ACCOUNT_FAULTS ? faults[fault].word : faults[0].word;
}
