/*
 * groups.c - groups of people, to whom rights can be granted together.
 *
 * Entry points: weft_account_group_add(), weft_account_group_join(), weft_account_groups().
 */
#include <errno.h>
#include <stdio.h>

#include "account/people.h"

/** Groups of all. */
#define GROUPS_MAX 1000

struct group_work {
	struct weft__name group, user;
};

static int find_group(struct weft__tx *tx, struct weft__deed *deed, int64_t *ret_id)
{
	const struct group_work *work = deed->arg;
	int found = weft__tx_number(
		tx, ret_id, "SELECT id FROM groups WHERE name = ?1", "t", work->group.text);

	if (found < 0)
		return -1;
	return found ? 0 : weft__refuse(deed->call, WEFT_ACCOUNT_GROUP_UNKNOWN);
}

/* The name, of a group that should be there. */
static int read_group(
	struct weft_account_call *call, const char *group, struct weft__name *ret_name)
{
	if (weft__call_name(call, group, ret_name) == 0)
		return 0;
	return call->fault == WEFT_ACCOUNT_FAULT_NONE
		       ? -1
		       : weft__refuse(call, WEFT_ACCOUNT_GROUP_UNKNOWN);
}

/* ---- Add, remove ---------------------------------------------------------------------------- */

static int add(struct weft__tx *tx, struct weft__deed *deed)
{
	const struct group_work *work = deed->arg;
	int64_t count = 0;

	if (weft__tx_number(tx, &count, "SELECT count(*) FROM groups", "") < 0)
		return -1;
	if (count >= GROUPS_MAX)
		return weft__refuse(deed->call, WEFT_ACCOUNT_TOO_MANY);
	if (weft__tx_run(tx, "INSERT INTO groups (name) VALUES (?1)", "t", work->group.text) >= 0)
		return 0;
	return errno == EEXIST ? weft__refuse(deed->call, WEFT_ACCOUNT_NAME_TAKEN) : -1;
}

int weft_account_group_add(
	struct weft_accounts *accounts, struct weft_account_call *call, const char *group)
{
	struct group_work work = {.group = {.text = ""}};
	struct weft__deed deed = {.accounts = accounts,
		.call = call,
		.fn = add,
		.arg = &work,
		.action = "group.add",
		.target = work.group.text,
		.needs = WEFT_ACCOUNT_MANAGES};

	weft__call_begin(call);
	return weft__call_name(call, group, &work.group) < 0 ? -1 : weft__deed_do(&deed);
}

static int take_away(struct weft__tx *tx, struct weft__deed *deed)
{
	int64_t id = 0;

	if (find_group(tx, deed, &id) < 0)
		return -1;
	return weft__tx_run(tx, "DELETE FROM groups WHERE id = ?1", "i", id) < 0 ? -1 : 0;
}

int weft_account_group_remove(
	struct weft_accounts *accounts, struct weft_account_call *call, const char *group)
{
	struct group_work work = {.group = {.text = ""}};
	struct weft__deed deed = {.accounts = accounts,
		.call = call,
		.fn = take_away,
		.arg = &work,
		.action = "group.remove",
		.target = work.group.text,
		.needs = WEFT_ACCOUNT_MANAGES};

	weft__call_begin(call);
	return read_group(call, group, &work.group) < 0 ? -1 : weft__deed_do(&deed);
}

/* ---- Join, leave ---------------------------------------------------------------------------- */

static int find_both(struct weft__tx *tx, struct weft__deed *deed, int64_t *ret_group,
	struct weft__user_row *ret_row)
{
	const struct group_work *work = deed->arg;

	deed->detail = work->group.text;
	if (weft__deed_user(tx, deed, work->user.text, ret_row) < 0)
		return -1;
	return find_group(tx, deed, ret_group);
}

static int join(struct weft__tx *tx, struct weft__deed *deed)
{
	struct weft__user_row row;
	int64_t group = 0, count = 0;

	if (find_both(tx, deed, &group, &row) < 0 ||
		weft__tx_number(tx, &count,
			"SELECT count(*) FROM members WHERE user_id = ?1 AND group_id <> ?2", "ii",
			row.user.id, group) < 0)
		return -1;
	if (count >= WEFT__GROUPS_OF_ONE_MAX)
		return weft__refuse(deed->call, WEFT_ACCOUNT_TOO_MANY);
	return weft__tx_run(tx,
		       "INSERT INTO members (user_id, group_id) VALUES (?1, ?2)"
		       " ON CONFLICT DO NOTHING",
		       "ii", row.user.id, group) < 0
		       ? -1
		       : 0;
}

static int leave(struct weft__tx *tx, struct weft__deed *deed)
{
	struct weft__user_row row;
	int64_t group = 0;

	if (find_both(tx, deed, &group, &row) < 0)
		return -1;
	return weft__tx_run(tx, "DELETE FROM members WHERE user_id = ?1 AND group_id = ?2", "ii",
		       row.user.id, group) < 0
		       ? -1
		       : 0;
}

static int change(struct weft__deed *deed, const char *group, const char *name)
{
	struct group_work *work = deed->arg;

	weft__call_begin(deed->call);
	if (read_group(deed->call, group, &work->group) < 0 ||
		weft__call_lookup(deed->call, name, &work->user) < 0)
		return -1;
	return weft__deed_do(deed);
}

int weft_account_group_join(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *group, const char *name)
{
	struct group_work work = {.group = {.text = ""}};
	struct weft__deed deed = {.accounts = accounts,
		.call = call,
		.fn = join,
		.arg = &work,
		.action = "group.join",
		.target = work.user.text,
		.needs = WEFT_ACCOUNT_MANAGES};

	return change(&deed, group, name);
}

int weft_account_group_leave(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *group, const char *name)
{
	struct group_work work = {.group = {.text = ""}};
	struct weft__deed deed = {.accounts = accounts,
		.call = call,
		.fn = leave,
		.arg = &work,
		.action = "group.leave",
		.target = work.user.text,
		.needs = WEFT_ACCOUNT_MANAGES};

	return change(&deed, group, name);
}

/* ---- List ----------------------------------------------------------------------------------- */

struct list_work {
	const char *name; /* NULL: all */
	struct weft_account_groups *list;
};

static int take_row(const struct weft__value *columns, void *arg)
{
	struct weft_account_groups *list = arg;
	void *items = list->groups;
	struct weft_account_group *group = weft__list_grow(&items, &list->count, sizeof(*group));

	list->groups = items;
	if (!group)
		return -1;
	weft__value_text(&columns[0], group->name, sizeof(group->name));
	group->members = columns[1].number;
	return 0;
}

static int list(struct weft__tx *tx, struct weft__deed *deed)
{
	struct list_work *work = deed->arg;
	struct weft__reader reader = {take_row, work->list};
	struct weft__user_row row;
	int64_t rows;

	weft_account_groups_fini(work->list);
	if (work->name) {
		if (weft__deed_user(tx, deed, work->name, &row) < 0)
			return -1;
		rows = weft__tx_read(tx, reader,
			"SELECT g.name, (SELECT count(*) FROM members WHERE group_id = g.id)"
			" FROM groups g JOIN members m ON m.group_id = g.id"
			" WHERE m.user_id = ?1 ORDER BY g.name",
			"i", row.user.id);
	} else {
		if (!(deed->powers & WEFT_ACCOUNT_MANAGES))
			return weft__refuse(deed->call, WEFT_ACCOUNT_NOT_ALLOWED);
		rows = weft__tx_read(tx, reader,
			"SELECT g.name, (SELECT count(*) FROM members WHERE group_id = g.id)"
			" FROM groups g ORDER BY g.name",
			"");
	}
	return rows < 0 ? -1 : 0;
}

int weft_account_groups(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, struct weft_account_groups *ret_groups)
{
	struct weft_account_groups found = {.count = 0};
	struct weft__name normal;
	struct list_work work = {name ? normal.text : NULL, &found};
	struct weft__deed deed = {.accounts = accounts, .call = call, .fn = list, .arg = &work};

	weft__call_begin(call);
	if (name && weft__call_lookup(call, name, &normal) < 0)
		return -1;
	if (weft__deed_look(&deed) < 0) {
		weft_account_groups_fini(&found);
		return -1;
	}
	*ret_groups = found;
	return 0;
}
