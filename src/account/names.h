/*
 * names.h - what a name of an account, group or role may be, and what it looks like.
 *
 * Never: lets a name through that another program could read as a path, an option, a formula,
 * two fields, or as somebody else's.
 */
#ifndef ACCOUNT_NAMES_H
#define ACCOUNT_NAMES_H

#include "weft/account.h"

/** A skeleton can be longer than its name: "m" is "rn" there. */
#define WEFT__SKELETON_SIZE 512

struct weft__name {
	char text[WEFT_ACCOUNT_NAME_MAX + 1];
	char skeleton[WEFT__SKELETON_SIZE];
};

/** Both at once. WEFT_ACCOUNT_FAULT_NONE, or what is wrong (errno EINVAL; or ENOMEM without a
 * fault: then -1 is returned with *ret_fault NONE). */
int weft__name_read(
	const char *text, struct weft__name *ret_name, enum weft_account_fault *ret_fault);

/** Whether nobody may have it; and whether only administrators may. By the skeleton. */
bool weft__name_is_reserved(const char *skeleton);
bool weft__name_is_for_admins(const char *skeleton);

/**
 * Text that is shown: no control characters, nothing that turns the direction of reading, UTF-8,
 * at most len_max bytes.
 */
bool weft__text_is_fine(const char *text, size_t len_max);

/** What is searched in: folded, and without a match between the parts. Errors: ENOMEM. */
char *weft__text_fold(const char *text);

/**
 * A path as grants are compared: each of its names in NFC, so that it is one folder however its
 * letters are composed; what is no UTF-8 stays as it is. NULL: ENOMEM.
 */
char *weft__folder_normal(const char *folder);

/** Whether that could be anything but the path itself. */
bool weft__folder_is_wide(const char *folder);

/** A folder below the shared one: "", "a/b"; no "..", ".", "//", slash at either end. */
bool weft__folder_is_fine(const char *folder);

#endif
