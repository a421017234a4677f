/*
 * roles.c - roles and their powers.
 *
 * Entry points: weft_account_role_put(), weft_account_roles().
 * Never: a role that gives more than its maker has, or an administrator's that gives less.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "account/inside.h"

#define ROLES_MAX 200

/* ---- List ----------------------------------------------------------------------------------- */

static int take_row(const struct weft__value *columns, void *arg)
{
	struct weft_account_roles *list = arg;
	void *items = list->roles;
	struct weft_account_role *role = weft__list_grow(&items, &list->count, sizeof(*role));

	list->roles = items;
	if (!role)
		return -1;
	weft__value_text(&columns[0], role->name, sizeof(role->name));
	role->powers = (unsigned)columns[1].number;
	return 0;
}

static int list(struct weft__tx *tx, struct weft__deed *deed)
{
	struct weft_account_roles *found = deed->arg;

	weft_account_roles_fini(found);
	return weft__tx_read(tx, (struct weft__reader){take_row, found},
		       "SELECT name, powers FROM roles ORDER BY name", "") < 0
		       ? -1
		       : 0;
}

int weft_account_roles(struct weft_accounts *accounts, struct weft_account_call *call,
	struct weft_account_roles *ret_roles)
{
	struct weft_account_roles found = {.count = 0};
	struct weft__deed deed = {.accounts = accounts, .call = call, .fn = list, .arg = &found};

	if (weft__deed_look(&deed) < 0) {
		weft_account_roles_fini(&found);
		return -1;
	}
	*ret_roles = found;
	return 0;
}

/* ---- Put ------------------------------------------------------------------------------------ */

static int judge(struct weft__tx *tx, struct weft__deed *deed, const struct weft_account_role *role,
	int64_t *ret_powers)
{
	int64_t count = 0;
	int found = weft__tx_number(
		tx, ret_powers, "SELECT powers FROM roles WHERE name = ?1", "t", role->name);

	if (found < 0 || weft__tx_number(tx, &count, "SELECT count(*) FROM roles", "") < 0)
		return -1;
	if (!found && count >= ROLES_MAX)
		return weft__refuse(deed->call, WEFT_ACCOUNT_TOO_MANY);
	/* Neither what is given nor what is taken may be beyond who does it. */
	if (((unsigned)*ret_powers | role->powers) & ~deed->powers)
		return weft__refuse(deed->call, WEFT_ACCOUNT_NOT_ALLOWED);
	if (strcmp(role->name, "admin") == 0 ||
		(strcmp(role->name, "stranger") == 0 && role->powers))
		return weft__refuse(deed->call, WEFT_ACCOUNT_ROLE_IN_USE);
	return 0;
}

static int put(struct weft__tx *tx, struct weft__deed *deed)
{
	const struct weft_account_role *role = deed->arg;
	int64_t old = 0, managers = 0;

	if (judge(tx, deed, role, &old) < 0)
		return -1;
	if (weft__tx_run(tx,
		    "INSERT INTO roles (name, powers) VALUES (?1, ?2)"
		    " ON CONFLICT (name) DO UPDATE SET powers = excluded.powers",
		    "ti", role->name, (int64_t)role->powers) < 0)
		return -1;
	if (!(old & WEFT_ACCOUNT_MANAGES) || (role->powers & WEFT_ACCOUNT_MANAGES))
		return 0;
	if (weft__tx_number(tx, &managers,
		    "SELECT count(*) FROM users u JOIN roles r ON r.name = u.role"
		    " WHERE u.state = 1 AND r.powers % 2 = 1",
		    "") < 0)
		return -1;
	return managers > 0 ? 0 : weft__refuse(deed->call, WEFT_ACCOUNT_LAST_ADMIN);
}

int weft_account_role_put(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_role *role)
{
	struct weft_account_role made = {.powers = role->powers};
	struct weft__name name;
	struct weft__deed deed = {.accounts = accounts,
		.call = call,
		.fn = put,
		.arg = &made,
		.action = "role.put",
		.target = made.name,
		.needs = WEFT_ACCOUNT_MANAGES};

	weft__call_begin(call);
	if (role->powers & ~(unsigned)WEFT_ACCOUNT_ALL_POWERS)
		return weft__refuse(call, WEFT_ACCOUNT_BAD_NUMBER);
	if (weft__call_name(call, role->name, &name) < 0)
		return -1;
	memcpy(made.name, name.text, sizeof(made.name));
	return weft__deed_do(&deed);
}

/* ---- Remove --------------------------------------------------------------------------------- */

static int take_away(struct weft__tx *tx, struct weft__deed *deed)
{
	const char *name = deed->arg;
	int64_t is_builtin = 0, powers = 0, users = 0;
	int found = weft__tx_number(
		tx, &is_builtin, "SELECT is_builtin FROM roles WHERE name = ?1", "t", name);

	if (found < 0 ||
		weft__tx_number(
			tx, &powers, "SELECT powers FROM roles WHERE name = ?1", "t", name) < 0 ||
		weft__tx_number(
			tx, &users, "SELECT count(*) FROM users WHERE role = ?1", "t", name) < 0)
		return -1;
	if (!found)
		return weft__refuse(deed->call, WEFT_ACCOUNT_ROLE_UNKNOWN);
	if (is_builtin || users > 0)
		return weft__refuse(deed->call, WEFT_ACCOUNT_ROLE_IN_USE);
	if ((unsigned)powers & ~deed->powers)
		return weft__refuse(deed->call, WEFT_ACCOUNT_NOT_ALLOWED);
	return weft__tx_run(tx, "DELETE FROM roles WHERE name = ?1", "t", name) < 0 ? -1 : 0;
}

int weft_account_role_remove(
	struct weft_accounts *accounts, struct weft_account_call *call, const char *role)
{
	struct weft__name name;
	struct weft__deed deed = {.accounts = accounts,
		.call = call,
		.fn = take_away,
		.arg = name.text,
		.action = "role.remove",
		.target = name.text,
		.needs = WEFT_ACCOUNT_MANAGES};

	weft__call_begin(call);
	if (weft__call_name(call, role, &name) < 0)
		return call->fault == WEFT_ACCOUNT_FAULT_NONE
			       ? -1
			       : weft__refuse(call, WEFT_ACCOUNT_ROLE_UNKNOWN);
	return weft__deed_do(&deed);
}
