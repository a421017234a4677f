/*
 * account.c - accounts made, looked at, changed, locked and removed.
 *
 * Entry points: weft_account_add(), weft_account_change(), weft_account_remove().
 * Never: leaves nobody who may manage accounts.
 */
#include <errno.h>
#include <string.h>

#include "account/login.h"
#include "account/people.h"
#include "account/password.h"

/* ---- Add ------------------------------------------------------------------------------------ */

struct add_work {
	struct weft__person person;
	struct weft_account_user user;
};

static int add(struct weft__tx *tx, struct weft__deed *deed)
{
	struct add_work *work = deed->arg;
	struct weft__user_row row;
	int64_t id;

	if (weft__person_insert(tx, deed, &work->person, &id) < 0 ||
		weft__user_by_id(tx, id, &row) < 0)
		return -1;
	work->user = row.user;
	return 0;
}

/* The hash of a first password, which local callers may give. */
static int hash_first(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_new *account, const char *name, char hash[WEFT__HASH_SIZE])
{
	enum weft_account_fault fault;

	if (!call->is_local)
		return weft__refuse(call, WEFT_ACCOUNT_NOT_ALLOWED);
	fault = weft__password_judge(account->password, name, accounts->site);
	if (fault != WEFT_ACCOUNT_FAULT_NONE)
		return weft__refuse(call, fault);
	return weft__call_hash(accounts, call, account->password, hash);
}

int weft_account_add(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_new *account, struct weft_account_user *ret_user)
{
	char hash[WEFT__HASH_SIZE];
	struct weft__name name, role;
	struct add_work work = {.person = {.name = &name,
					.display_name = account->display_name,
					.role = account->role ? role.text : NULL,
					.home = account->home,
					.quota = account->quota_bytes,
					.must_change = account->must_change}};
	struct weft__deed deed = {.accounts = accounts,
		.call = call,
		.fn = add,
		.arg = &work,
		.action = "account.add",
		.target = name.text,
		.detail = account->role,
		.needs = WEFT_ACCOUNT_MANAGES};
	enum weft_account_fault fault = weft__person_judge(&work.person);

	weft__call_begin(call);
	if (fault == WEFT_ACCOUNT_FAULT_NONE && account->quota_bytes < 0)
		fault = WEFT_ACCOUNT_BAD_NUMBER;
	if (fault != WEFT_ACCOUNT_FAULT_NONE)
		return weft__refuse(call, fault);
	if (weft__call_name(call, account->name, &name) < 0)
		return -1;
	if (account->role && weft__call_name(call, account->role, &role) < 0)
		return weft__refuse(call, WEFT_ACCOUNT_ROLE_UNKNOWN);
	if (account->password) {
		if (hash_first(accounts, call, account, name.text, hash) < 0)
			return -1;
		work.person.hash = hash;
	}
	if (weft__deed_do(&deed) < 0)
		return -1;
	if (ret_user)
		*ret_user = work.user;
	return 0;
}

/* ---- Get ------------------------------------------------------------------------------------ */

struct get_work {
	const char *name;
	struct weft__user_row row;
};

static int get(struct weft__tx *tx, struct weft__deed *deed)
{
	struct get_work *work = deed->arg;

	return weft__deed_user(tx, deed, work->name, &work->row);
}

int weft_account_get(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, struct weft_account_user *ret_user)
{
	struct weft__name normal;
	struct get_work work = {.name = normal.text};
	struct weft__deed deed = {.accounts = accounts, .call = call, .fn = get, .arg = &work};

	weft__call_begin(call);
	if (weft__call_lookup(call, name, &normal) < 0 || weft__deed_look(&deed) < 0)
		return -1;
	*ret_user = work.row.user;
	return 0;
}

/* ---- Change --------------------------------------------------------------------------------- */

struct change_work {
	const char *name;
	struct weft__person person;
	struct weft_account_user user;
};

/* What anybody may change of herself. */
static bool is_own_business(const struct weft__person *person)
{
	return !person->name && !person->role && !person->home && person->quota < 0 &&
	       person->used < 0 && person->must_change < 0;
}

static int change(struct weft__tx *tx, struct weft__deed *deed)
{
	struct change_work *work = deed->arg;
	struct weft__user_row row;

	if (weft__deed_user(tx, deed, work->name, &row) < 0)
		return -1;
	if (!(row.user.id == deed->caller && is_own_business(&work->person)) &&
		weft__deed_over(deed, &row) < 0)
		return -1;
	if (weft__person_update(tx, deed, &row, &work->person) < 0 ||
		weft__user_by_id(tx, row.user.id, &row) < 0)
		return -1;
	work->user = row.user;
	if (work->person.name)
		deed->detail = work->person.name->text;
	else if (work->person.role)
		deed->detail = work->person.role;
	return 0;
}

int weft_account_change(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, const struct weft_account_change *change_of,
	struct weft_account_user *ret_user)
{
	struct weft__name normal, new_name = {.text = ""}, role;
	struct change_work work = {.name = normal.text,
		.person = {.name = change_of->name ? &new_name : NULL,
			.display_name = change_of->display_name,
			.role = change_of->role ? role.text : NULL,
			.home = change_of->home,
			.quota = change_of->quota_bytes,
			.used = change_of->used_bytes,
			.must_change = change_of->must_change}};
	struct weft__deed deed = {.accounts = accounts,
		.call = call,
		.fn = change,
		.arg = &work,
		.action = "account.change",
		.target = normal.text};
	enum weft_account_fault fault = weft__person_judge(&work.person);

	weft__call_begin(call);
	if (fault != WEFT_ACCOUNT_FAULT_NONE)
		return weft__refuse(call, fault);
	if (weft__call_lookup(call, name, &normal) < 0)
		return -1;
	if (change_of->name && weft__call_name(call, change_of->name, &new_name) < 0)
		return -1;
	if (change_of->role && weft__call_name(call, change_of->role, &role) < 0)
		return weft__refuse(call, WEFT_ACCOUNT_ROLE_UNKNOWN);
	if (weft__deed_do(&deed) < 0)
		return -1;
	if (ret_user)
		*ret_user = work.user;
	return 0;
}

/* ---- States --------------------------------------------------------------------------------- */

struct state_work {
	const char *name;
	enum weft_account_state state;
	bool purges;
};

/* Everything but the name. */
static int strip(struct weft__tx *tx, int64_t id)
{
	static const char *const statements[] = {"DELETE FROM tokens WHERE user_id = ?1",
		"DELETE FROM links WHERE user_id = ?1", "DELETE FROM members WHERE user_id = ?1",
		"DELETE FROM grants WHERE user_id = ?1", "DELETE FROM places WHERE user_id = ?1",
		"UPDATE users SET password = NULL, must_change = 0, role = 'guest' WHERE id = ?1"};

	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		if (weft__tx_run(tx, statements[i], "i", id) < 0)
			return -1;
	return 0;
}

static int set_state(struct weft__tx *tx, struct weft__deed *deed)
{
	const struct state_work *work = deed->arg;
	bool stays = work->state == WEFT_ACCOUNT_ACTIVE;
	struct weft__user_row row;
	int64_t id;

	if (weft__deed_user(tx, deed, work->name, &row) < 0 || weft__deed_over(deed, &row) < 0)
		return -1;
	id = row.user.id;
	if (!stays && (row.powers & WEFT_ACCOUNT_MANAGES) &&
		row.user.state == WEFT_ACCOUNT_ACTIVE && weft__deed_not_last(tx, deed, id) < 0)
		return -1;
	/* Nobody shuts herself out by mistake. */
	if (!stays && id == deed->caller)
		return weft__refuse(deed->call, WEFT_ACCOUNT_ONESELF);
	if (work->state == WEFT_ACCOUNT_IS_LOCKED && row.user.state == WEFT_ACCOUNT_IS_REMOVED)
		return weft__refuse(deed->call, WEFT_ACCOUNT_NAME_UNKNOWN);
	if (work->purges)
		return weft__tx_run(tx, "DELETE FROM users WHERE id = ?1", "i", id) < 0 ? -1 : 0;
	if (work->state == WEFT_ACCOUNT_IS_REMOVED && strip(tx, id) < 0)
		return -1;
	if (!stays && weft__user_throw_out(tx, id) < 0)
		return -1;
	return weft__tx_run(tx, "UPDATE users SET state = ?2 WHERE id = ?1", "ii", id,
		       (int64_t)work->state) < 0
		       ? -1
		       : 0;
}

static int do_state(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, const char *action, struct state_work *work)
{
	struct weft__name normal;
	struct weft__deed deed = {.accounts = accounts,
		.call = call,
		.fn = set_state,
		.arg = work,
		.action = action,
		.target = normal.text,
		.needs = WEFT_ACCOUNT_MANAGES};

	weft__call_begin(call);
	if (weft__call_lookup(call, name, &normal) < 0)
		return -1;
	work->name = normal.text;
	return weft__deed_do(&deed);
}

int weft_account_lock(
	struct weft_accounts *accounts, struct weft_account_call *call, const char *name)
{
	return do_state(accounts, call, name, "account.lock",
		&(struct state_work){.state = WEFT_ACCOUNT_IS_LOCKED});
}

int weft_account_unlock(
	struct weft_accounts *accounts, struct weft_account_call *call, const char *name)
{
	return do_state(accounts, call, name, "account.unlock",
		&(struct state_work){.state = WEFT_ACCOUNT_ACTIVE});
}

int weft_account_remove(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, bool purges)
{
	return do_state(accounts, call, name, purges ? "account.purge" : "account.remove",
		&(struct state_work){.state = WEFT_ACCOUNT_IS_REMOVED, .purges = purges});
}
