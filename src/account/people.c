/*
 * people.c - see people.h.
 *
 * Never: a role that may more than who gives it, or two names that look alike.
 */
#include "account/people.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Judging -------------------------------------------------------------------------------- */

enum weft_account_fault weft__person_judge(const struct weft__person *person)
{
	if (person->display_name &&
		!weft__text_is_fine(person->display_name, WEFT_ACCOUNT_DISPLAY_NAME_MAX))
		return WEFT_ACCOUNT_BAD_TEXT;
	if (person->home && !weft__folder_is_fine(person->home))
		return WEFT_ACCOUNT_BAD_PATH;
	return WEFT_ACCOUNT_FAULT_NONE;
}

/* The role is there, and gives nothing that the caller doesn't have. */
static int judge_role(
	struct weft__tx *tx, struct weft__deed *deed, const char *role, unsigned *ret_powers)
{
	int64_t powers = 0;
	int found =
		weft__tx_number(tx, &powers, "SELECT powers FROM roles WHERE name = ?1", "t", role);

	if (found < 0)
		return -1;
	/* What strangers may is for those who have no account. */
	if (!found || strcmp(role, "stranger") == 0)
		return weft__refuse(deed->call, WEFT_ACCOUNT_ROLE_UNKNOWN);
	if ((unsigned)powers & ~deed->powers)
		return weft__refuse(deed->call, WEFT_ACCOUNT_NOT_ALLOWED);
	*ret_powers = (unsigned)powers;
	return 0;
}

/* The name can be had, by somebody of that role; id: who has it already, 0: nobody. */
static int judge_name(struct weft__tx *tx, struct weft__deed *deed, const struct weft__name *name,
	unsigned powers, int64_t id)
{
	int64_t other = 0;

	if (weft__name_is_reserved(name->skeleton) ||
		(weft__name_is_for_admins(name->skeleton) && !(powers & WEFT_ACCOUNT_MANAGES)))
		return weft__refuse(deed->call, WEFT_ACCOUNT_NAME_RESERVED);
	if (weft__tx_number(tx, &other, "SELECT id FROM users WHERE name = ?1", "t", name->text) <
		0)
		return -1;
	if (other && other != id)
		return weft__refuse(deed->call, WEFT_ACCOUNT_NAME_TAKEN);
	if (weft__tx_number(tx, &other, "SELECT id FROM users WHERE skeleton = ?1", "t",
		    name->skeleton) < 0)
		return -1;
	if (other && other != id)
		return weft__refuse(deed->call, WEFT_ACCOUNT_NAME_LOOKALIKE);
	return 0;
}

/* What the search looks in, to be freed: "mia\nMia Ferrante", folded. */
static char *make_search(const char *name, const char *display_name)
{
	size_t size = strlen(name) + strlen(display_name) + 2, len = strlen(name);
	char *both = malloc(size), *folded;

	if (!both)
		return NULL;
	memcpy(both, name, len);
	both[len] = '\n';
	memcpy(both + len + 1, display_name, size - len - 1);
	folded = weft__text_fold(both);
	free(both);
	return folded;
}

/* ---- Insert --------------------------------------------------------------------------------- */

int weft__person_insert(struct weft__tx *tx, struct weft__deed *deed,
	const struct weft__person *person, int64_t *ret_id)
{
	const char *role = person->role ? person->role : "member";
	const char *display_name = person->display_name ? person->display_name : "";
	unsigned powers = 0;
	int64_t id = 0;
	char *search;
	int result;

	if (judge_role(tx, deed, role, &powers) < 0 ||
		judge_name(tx, deed, person->name, powers, 0) < 0)
		return -1;
	search = make_search(person->name->text, display_name);
	if (!search)
		return -1;
	result = weft__tx_number(tx, &id,
		"INSERT INTO users (name, skeleton, display_name, search, role, home, password,"
		" must_change, created, quota)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) RETURNING id",
		"tttttttiii", person->name->text, person->name->skeleton, display_name, search,
		role, person->home ? person->home : "", person->hash,
		(int64_t)(person->must_change > 0), deed->now_s,
		person->quota > 0 ? person->quota : (int64_t)0);
	free(search);
	if (result < 0)
		return -1;
	if (ret_id)
		*ret_id = id;
	return 0;
}

/* ---- Update --------------------------------------------------------------------------------- */

static int judge_update(struct weft__tx *tx, struct weft__deed *deed,
	const struct weft__user_row *row, const struct weft__person *person)
{
	unsigned powers = row->powers;
	struct weft__name now;
	enum weft_account_fault fault;

	if (person->role && judge_role(tx, deed, person->role, &powers) < 0)
		return -1;
	if ((row->powers & ~powers & WEFT_ACCOUNT_MANAGES) &&
		weft__deed_not_last(tx, deed, row->user.id) < 0)
		return -1;
	if (person->name)
		return judge_name(tx, deed, person->name, powers, row->user.id);
	/* "admin" with another role would be a name that lies. */
	if (weft__name_read(row->user.name, &now, &fault) < 0)
		return fault == WEFT_ACCOUNT_FAULT_NONE ? -1 : weft__refuse(deed->call, fault);
	return person->role ? judge_name(tx, deed, &now, powers, row->user.id) : 0;
}

static int64_t or_old(int64_t value, int64_t old)
{
	return value >= 0 ? value : old;
}

int weft__person_update(struct weft__tx *tx, struct weft__deed *deed,
	const struct weft__user_row *row, const struct weft__person *person)
{
	const struct weft_account_user *old = &row->user;
	const char *name = person->name ? person->name->text : old->name;
	const char *display_name = person->display_name ? person->display_name : old->display_name;
	char *search;
	int64_t result;

	if (judge_update(tx, deed, row, person) < 0)
		return -1;
	search = make_search(name, display_name);
	if (!search)
		return -1;
	result = weft__tx_run(tx,
		"UPDATE users SET name = ?2, skeleton = coalesce(?3, skeleton), display_name = ?4,"
		" search = ?5, role = ?6, home = ?7, quota = ?8, used = ?9, must_change = ?10"
		" WHERE id = ?1",
		"itttttti"
		"ii",
		old->id, name, person->name ? person->name->skeleton : NULL, display_name, search,
		person->role ? person->role : old->role, person->home ? person->home : old->home,
		or_old(person->quota, old->quota_bytes), or_old(person->used, old->used_bytes),
		or_old(person->must_change, old->must_change));
	free(search);
	return result < 0 ? -1 : 0;
}

/* ---- Groups --------------------------------------------------------------------------------- */

static int join(struct weft__tx *tx, struct weft__deed *deed, int64_t user, const char *group)
{
	enum weft_account_fault fault;
	struct weft__name name;
	int64_t id = 0;

	if (weft__name_read(group, &name, &fault) < 0)
		return fault == WEFT_ACCOUNT_FAULT_NONE
			       ? -1
			       : weft__refuse(deed->call, WEFT_ACCOUNT_GROUP_UNKNOWN);
	if (weft__tx_number(tx, &id, "SELECT id FROM groups WHERE name = ?1", "t", name.text) < 0)
		return -1;
	if (!id)
		return weft__refuse(deed->call, WEFT_ACCOUNT_GROUP_UNKNOWN);
	return weft__tx_run(tx,
		       "INSERT INTO members (user_id, group_id) VALUES (?1, ?2)"
		       " ON CONFLICT DO NOTHING",
		       "ii", user, id) < 0
		       ? -1
		       : 0;
}

int weft__person_set_groups(
	struct weft__tx *tx, struct weft__deed *deed, int64_t user, const char *groups)
{
	char *list = strdup(groups), *rest = list, *group;
	int result = list ? 0 : -1, kept;
	size_t count = 0;

	if (result == 0 &&
		weft__tx_run(tx, "DELETE FROM members WHERE user_id = ?1", "i", user) < 0)
		result = -1;
	while (result == 0 && (group = strsep(&rest, ";"))) {
		group += strspn(group, " ");
		if (*group && ++count > WEFT__GROUPS_OF_ONE_MAX)
			result = weft__refuse(deed->call, WEFT_ACCOUNT_TOO_MANY);
		else if (*group)
			result = join(tx, deed, user, group);
	}
	kept = errno;
	free(list);
	errno = kept;
	return result;
}
