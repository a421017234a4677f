/*
 * grants.c - rights in folders, granted to a person, a group or a role.
 *
 * Entry points: weft_account_grant(), weft_account_grants().
 * Never: judges by them; that is rules.c's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account/inside.h"
#include "account/rules.h"

struct grant_work {
	const struct weft_account_grant *grant; /* as it was given */
	char *folder;                           /* its folder in NFC */
	struct weft__name subject;
};

/*
 * Who manages accounts may; and who manages that folder, giving nothing that she hasn't there.
 * Her rights as they are in this transaction: the picture that she brought may be old.
 */
static int judge_caller(
	struct weft__tx *tx, struct weft__deed *deed, const char *folder, unsigned rights)
{
	struct weft__load load = weft__load_begin(deed->accounts);
	struct weft_account_who *who;
	struct weft__user_row row;
	unsigned own;
	int found;

	if (deed->powers & WEFT_ACCOUNT_MANAGES)
		return 0;
	if (!folder || deed->caller == 0 || deed->call->who->token)
		return weft__refuse(deed->call, WEFT_ACCOUNT_NOT_ALLOWED);
	found = weft__user_by_id(tx, deed->caller, &row);
	if (found <= 0)
		return found < 0 ? -1 : weft__refuse(deed->call, WEFT_ACCOUNT_NOT_ALLOWED);
	who = weft__who_load(tx, &load, &row, &(struct weft__entry){0});
	if (!who)
		return -1;
	own = weft_account_rights(who, folder);
	weft_account_who_free(who);
	if (!(own & WEFT_ACCOUNT_MANAGE_FOLDER) || (rights & ~own))
		return weft__refuse(deed->call, WEFT_ACCOUNT_NOT_ALLOWED);
	return 0;
}

/* The subject's id, or 0 for a role. */
static int find_subject(struct weft__tx *tx, struct weft__deed *deed, int64_t *ret_id)
{
	static const struct {
		const char *sql;
		enum weft_account_fault fault;
	} kinds[] = {
		[WEFT_ACCOUNT_TO_USER] = {"SELECT id FROM users WHERE name = ?1 AND state <> 4",
			WEFT_ACCOUNT_NAME_UNKNOWN},
		[WEFT_ACCOUNT_TO_GROUP] = {"SELECT id FROM groups WHERE name = ?1",
			WEFT_ACCOUNT_GROUP_UNKNOWN},
		[WEFT_ACCOUNT_TO_ROLE] = {"SELECT 0 FROM roles WHERE name = ?1",
			WEFT_ACCOUNT_ROLE_UNKNOWN},
	};
	const struct grant_work *work = deed->arg;
	int found;

	*ret_id = 0;
	found = weft__tx_number(tx, ret_id, kinds[work->grant->to].sql, "t", work->subject.text);
	if (found < 0)
		return -1;
	return found ? 0 : weft__refuse(deed->call, kinds[work->grant->to].fault);
}

/* Nobody says what somebody may who has powers beyond her own: of a group, any of its members. */
static int judge_subject(struct weft__tx *tx, struct weft__deed *deed, int64_t id)
{
	static const char *const beyond[] = {
		[WEFT_ACCOUNT_TO_USER] = "SELECT count(*) FROM users u JOIN roles r"
					 " ON r.name = u.role WHERE u.id = ?1 AND ?2 <> ''"
					 " AND (r.powers & ?3) <> 0",
		[WEFT_ACCOUNT_TO_GROUP] = "SELECT count(*) FROM members m JOIN users u"
					  " ON u.id = m.user_id JOIN roles r ON r.name = u.role"
					  " WHERE m.group_id = ?1 AND ?2 <> ''"
					  " AND (r.powers & ?3) <> 0",
		[WEFT_ACCOUNT_TO_ROLE] = "SELECT count(*) FROM roles WHERE ?1 = 0 AND name = ?2"
					 " AND (powers & ?3) <> 0",
	};
	const struct grant_work *work = deed->arg;
	int64_t count = 0;

	if (weft__tx_number(tx, &count, beyond[work->grant->to], "iti", id, work->subject.text,
		    (int64_t)(WEFT_ACCOUNT_ALL_POWERS & ~deed->powers)) < 0)
		return -1;
	return count ? weft__refuse(deed->call, WEFT_ACCOUNT_NOT_ALLOWED) : 0;
}

static const char *const upserts[] = {
	[WEFT_ACCOUNT_TO_USER] = "INSERT INTO grants (user_id, folder, rights) VALUES (?1, ?3, ?4)"
				 " ON CONFLICT (user_id, folder) WHERE user_id IS NOT NULL"
				 " DO UPDATE SET rights = excluded.rights WHERE ?2 <> ''",
	[WEFT_ACCOUNT_TO_GROUP] =
		"INSERT INTO grants (group_id, folder, rights) VALUES (?1, ?3, ?4)"
		" ON CONFLICT (group_id, folder) WHERE group_id IS NOT NULL"
		" DO UPDATE SET rights = excluded.rights WHERE ?2 <> ''",
	[WEFT_ACCOUNT_TO_ROLE] = "INSERT INTO grants (role, folder, rights) VALUES (?2, ?3, ?4)"
				 " ON CONFLICT (role, folder) WHERE role IS NOT NULL"
				 " DO UPDATE SET rights = excluded.rights WHERE ?1 = 0",
};

static int put(struct weft__tx *tx, struct weft__deed *deed)
{
	static const char others[] =
		"SELECT count(*) FROM grants WHERE folder <> ?3 AND ((?4 = 1 AND user_id = ?1)"
		" OR (?4 = 2 AND group_id = ?1) OR (?4 = 3 AND role = ?2))";
	const struct grant_work *work = deed->arg;
	int64_t id, count = 0;

	deed->detail = work->folder;
	if (judge_caller(tx, deed, work->folder, work->grant->rights) < 0 ||
		find_subject(tx, deed, &id) < 0 || judge_subject(tx, deed, id) < 0 ||
		weft__tx_number(tx, &count, others, "itti", id, work->subject.text, work->folder,
			(int64_t)work->grant->to) < 0)
		return -1;
	/* A person counts a hundred groups, her role and herself: that has to fit. */
	if (count >= WEFT__RULES_MAX / 128)
		return weft__refuse(deed->call, WEFT_ACCOUNT_TOO_MANY);
	return weft__tx_run(tx, upserts[work->grant->to], "itti", id, work->subject.text,
		       work->folder, (int64_t)work->grant->rights) < 0
		       ? -1
		       : 0;
}

/* ---- Taking away ---------------------------------------------------------------------------- */

/* Those whom a grant is for, and what they and the caller may in its folder, while it is there. */
struct meant {
	unsigned own;
	struct one {
		int64_t id; /* 0: strangers */
		unsigned before;
	} * all;
	size_t count;
};

static int take_one(const struct weft__value *columns, void *arg)
{
	struct meant *meant = arg;
	void *items = meant->all;
	struct one *one = weft__list_grow(&items, &meant->count, sizeof(*one));

	meant->all = items;
	if (!one)
		return -1;
	*one = (struct one){.id = columns[0].number};
	return 0;
}

/* By the grants alone, whatever she has to do first. */
static int rights_of(
	struct weft__tx *tx, const struct weft__deed *deed, int64_t id, unsigned *ret_rights)
{
	const struct grant_work *work = deed->arg;
	struct weft__load load = weft__load_begin(deed->accounts);
	struct weft__user_row row = {.user = {.role = "stranger"}};
	struct weft_account_who *who;

	if (id && weft__user_by_id(tx, id, &row) < 0)
		return -1;
	who = weft__who_load(tx, &load, &row, &(struct weft__entry){0});
	if (!who)
		return -1;
	*ret_rights = weft__rules_at(who->rules->rules, who->rules->count, work->folder);
	weft_account_who_free(who);
	return 0;
}

static int find_meant(struct weft__tx *tx, struct weft__deed *deed, int64_t id, struct meant *meant)
{
	static const char *const whom[] = {
		[WEFT_ACCOUNT_TO_USER] = "SELECT id FROM users WHERE id = ?1 AND ?2 <> ''",
		[WEFT_ACCOUNT_TO_GROUP] =
			"SELECT user_id FROM members WHERE group_id = ?1 AND ?2 <> ''",
		[WEFT_ACCOUNT_TO_ROLE] = "SELECT id FROM users WHERE role = ?2 AND ?1 = 0"
					 " UNION ALL SELECT 0 WHERE ?2 = 'stranger'",
	};
	const struct grant_work *work = deed->arg;

	if (rights_of(tx, deed, deed->caller, &meant->own) < 0 ||
		weft__tx_read(tx, (struct weft__reader){take_one, meant}, whom[work->grant->to],
			"it", id, work->subject.text) < 0)
		return -1;
	for (size_t i = 0; i < meant->count; i++)
		if (rights_of(tx, deed, meant->all[i].id, &meant->all[i].before) < 0)
			return -1;
	return 0;
}

/* Without it a folder above decides: that gives nobody more than the caller has there herself. */
static int judge_rest(struct weft__tx *tx, struct weft__deed *deed, const struct meant *meant)
{
	unsigned after;

	for (size_t i = 0; i < meant->count; i++) {
		if (rights_of(tx, deed, meant->all[i].id, &after) < 0)
			return -1;
		if (after & ~(meant->all[i].before | meant->own))
			return weft__refuse(deed->call, WEFT_ACCOUNT_NOT_ALLOWED);
	}
	return 0;
}

static int remove_row(struct weft__tx *tx, struct weft__deed *deed, int64_t id)
{
	static const char *const deletes[] = {
		[WEFT_ACCOUNT_TO_USER] =
			"DELETE FROM grants WHERE user_id = ?1 AND folder = ?3 AND ?2 <> ''",
		[WEFT_ACCOUNT_TO_GROUP] =
			"DELETE FROM grants WHERE group_id = ?1 AND folder = ?3 AND ?2 <> ''",
		[WEFT_ACCOUNT_TO_ROLE] =
			"DELETE FROM grants WHERE role = ?2 AND folder = ?3 AND ?1 = 0",
	};
	const struct grant_work *work = deed->arg;
	int64_t gone = weft__tx_run(
		tx, deletes[work->grant->to], "itt", id, work->subject.text, work->folder);
	if (gone == 0) /* one of an older weft, which kept it as it was typed */
		gone = weft__tx_run(tx, deletes[work->grant->to], "itt", id, work->subject.text,
			work->grant->folder);
	if (gone == 0)
		errno = ENOENT;
	return gone > 0 ? 0 : -1;
}

static int take_away(struct weft__tx *tx, struct weft__deed *deed)
{
	const struct grant_work *work = deed->arg;
	bool is_bound = !(deed->powers & WEFT_ACCOUNT_MANAGES);
	struct meant meant = {.count = 0};
	int result, kept;
	int64_t id;

	deed->detail = work->folder;
	if (judge_caller(tx, deed, work->folder, 0) < 0 || find_subject(tx, deed, &id) < 0 ||
		judge_subject(tx, deed, id) < 0)
		return -1;
	result = is_bound ? find_meant(tx, deed, id, &meant) : 0;
	if (result == 0)
		result = remove_row(tx, deed, id);
	if (result == 0 && is_bound)
		result = judge_rest(tx, deed, &meant);
	kept = errno;
	free(meant.all);
	errno = kept;
	return result;
}

static enum weft_account_fault judge(const struct weft_account_grant *grant)
{
	if (grant->to < WEFT_ACCOUNT_TO_USER || grant->to > WEFT_ACCOUNT_TO_ROLE ||
		grant->rights & ~(unsigned)WEFT_ACCOUNT_ALL_RIGHTS)
		return WEFT_ACCOUNT_BAD_NUMBER;
	return weft__folder_is_fine(grant->folder) ? WEFT_ACCOUNT_FAULT_NONE
						   : WEFT_ACCOUNT_BAD_PATH;
}

static int change(struct weft__deed *deed)
{
	struct grant_work *work = deed->arg;
	enum weft_account_fault fault = judge(work->grant);
	int result = -1, kept;

	weft__call_begin(deed->call);
	if (fault != WEFT_ACCOUNT_FAULT_NONE)
		return weft__refuse(deed->call, fault);
	if (weft__call_lookup(deed->call, work->grant->subject, &work->subject) < 0)
		return -1;
	work->folder = weft__folder_normal(work->grant->folder);
	if (!work->folder)
		return -1;
	if (strlen(work->folder) > WEFT_ACCOUNT_PATH_MAX)
		weft__call_blame(deed->call, WEFT_ACCOUNT_BAD_PATH);
	else
		result = weft__deed_do(deed);
	kept = errno;
	free(work->folder);
	errno = kept;
	return result;
}

int weft_account_grant(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_grant *grant)
{
	struct grant_work work = {.grant = grant};
	struct weft__deed deed = {.accounts = accounts,
		.call = call,
		.fn = put,
		.arg = &work,
		.action = "grant.put",
		.target = work.subject.text};

	return change(&deed);
}

int weft_account_grant_remove(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_grant *grant)
{
	struct grant_work work = {.grant = grant};
	struct weft__deed deed = {.accounts = accounts,
		.call = call,
		.fn = take_away,
		.arg = &work,
		.action = "grant.remove",
		.target = work.subject.text};

	return change(&deed);
}

/* ---- List ----------------------------------------------------------------------------------- */

struct list_work {
	const char *folder;
	struct weft_account_grants *list;
};

static int take_row(const struct weft__value *columns, void *arg)
{
	struct weft_account_grants *list = arg;
	void *items = list->grants;
	struct weft_account_grant *grant = weft__list_grow(&items, &list->count, sizeof(*grant));

	list->grants = items;
	if (!grant)
		return -1;
	grant->to = (enum weft_account_subject)columns[0].number;
	weft__value_text(&columns[1], grant->subject, sizeof(grant->subject));
	weft__value_text(&columns[2], grant->folder, sizeof(grant->folder));
	grant->rights = (unsigned)columns[3].number;
	return 0;
}

static int list(struct weft__tx *tx, struct weft__deed *deed)
{
	static const char sql[] =
		"SELECT 1, u.name, g.folder, g.rights FROM grants g"
		" JOIN users u ON u.id = g.user_id WHERE ?1 IS NULL OR g.folder = ?1"
		" UNION ALL SELECT 2, p.name, g.folder, g.rights FROM grants g"
		" JOIN groups p ON p.id = g.group_id WHERE ?1 IS NULL OR g.folder = ?1"
		" UNION ALL SELECT 3, g.role, g.folder, g.rights FROM grants g"
		" WHERE g.role IS NOT NULL AND (?1 IS NULL OR g.folder = ?1)"
		" ORDER BY 3, 1, 2";
	struct list_work *work = deed->arg;

	weft_account_grants_fini(work->list);
	if (judge_caller(tx, deed, work->folder, 0) < 0)
		return -1;
	return weft__tx_read(
		       tx, (struct weft__reader){take_row, work->list}, sql, "t", work->folder) < 0
		       ? -1
		       : 0;
}

int weft_account_grants(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *folder, struct weft_account_grants *ret_grants)
{
	struct weft_account_grants found = {.count = 0};
	char *normal = folder ? weft__folder_normal(folder) : NULL;
	struct list_work work = {normal, &found};
	struct weft__deed deed = {.accounts = accounts, .call = call, .fn = list, .arg = &work};
	int result = folder && !normal ? -1 : weft__deed_look(&deed), kept = errno;

	free(normal);
	errno = kept;
	if (result < 0) {
		weft_account_grants_fini(&found);
		return -1;
	}
	*ret_grants = found;
	return 0;
}
