/*
 * people.h - making and changing one account within a transaction: for single calls, and for
 * tables of them (import.c).
 */
#ifndef ACCOUNT_PEOPLE_H
#define ACCOUNT_PEOPLE_H

#include "account/inside.h"

/** Groups that one person is in, at most. */
#define WEFT__GROUPS_OF_ONE_MAX 100

/** What is new or different; NULL, or negative, is as it was (of a new one: the usual). */
struct weft__person {
	const struct weft__name *name; /* of a new one; else NULL or another name */
	const char *display_name, *role, *home;
	int64_t quota, used;
	int must_change;
	const char *hash; /* of the password; new ones only */
};

/** Texts and numbers, without the database: NONE, or the fault. */
enum weft_account_fault weft__person_judge(const struct weft__person *person);

/** Its id in *ret_id (which may be NULL). -1 with a fault in the deed's call. */
int weft__person_insert(struct weft__tx *tx, struct weft__deed *deed,
	const struct weft__person *person, int64_t *ret_id);

/** Change one; the deed's caller must be allowed to. */
int weft__person_update(struct weft__tx *tx, struct weft__deed *deed,
	const struct weft__user_row *row, const struct weft__person *person);

/** Make these (apart by ';') the groups of somebody, and no others. GROUP_UNKNOWN. */
int weft__person_set_groups(
	struct weft__tx *tx, struct weft__deed *deed, int64_t user, const char *groups);

#endif
