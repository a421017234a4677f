/*
 * account_access.c - operations on groups, roles and grants: who may do what where.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "account_ops.h"

/* ---- Groups ------------------------------------------------------------------------------- */

int weft__hub_list_groups(struct hub_ask *ask)
{
	struct weft_account_groups groups;
	json_t *list;

	/* Without {user} in the path: all. */
	if (weft_account_groups(ask->accounts, &ask->call, weft__hub_text(ask, "user"), &groups) <
		0)
		return -1;
	list = json_array();
	for (size_t i = 0; i < groups.count; i++)
		json_array_append_new(list,
			json_pack("{s:o, s:I}", "name", weft__hub_json_text(groups.groups[i].name),
				"members", (json_int_t)groups.groups[i].members));
	weft_account_groups_fini(&groups);
	return weft__hub_give(ask, json_pack("{s:o}", "groups", list));
}

int weft__hub_add_group(struct hub_ask *ask)
{
	ask->status = 204;
	return weft_account_group_add(ask->accounts, &ask->call, weft__hub_text(ask, "group"));
}

int weft__hub_remove_group(struct hub_ask *ask)
{
	return weft_account_group_remove(ask->accounts, &ask->call, weft__hub_text(ask, "group"));
}

int weft__hub_join_group(struct hub_ask *ask)
{
	return weft_account_group_join(ask->accounts, &ask->call, weft__hub_text(ask, "group"),
		weft__hub_text(ask, "user"));
}

int weft__hub_leave_group(struct hub_ask *ask)
{
	return weft_account_group_leave(ask->accounts, &ask->call, weft__hub_text(ask, "group"),
		weft__hub_text(ask, "user"));
}

/* ---- Roles -------------------------------------------------------------------------------- */

int weft__hub_list_roles(struct hub_ask *ask)
{
	struct weft_account_roles roles;
	json_t *list;

	if (weft_account_roles(ask->accounts, &ask->call, &roles) < 0)
		return -1;
	list = json_array();
	for (size_t i = 0; i < roles.count; i++)
		json_array_append_new(list,
			json_pack("{s:o, s:o}", "name", weft__hub_json_text(roles.roles[i].name),
				"powers",
				weft__hub_words_list(&weft__hub_powers, roles.roles[i].powers)));
	weft_account_roles_fini(&roles);
	return weft__hub_give(ask, json_pack("{s:o}", "roles", list));
}

/* A name that does not fit the struct would be cut there, and become another's. */
static int take_name(char place[WEFT_ACCOUNT_NAME_MAX + 1], struct hub_ask *ask, const char *arg)
{
	const char *text = weft__hub_text(ask, arg);
	size_t len = strlen(text);

	if (len > WEFT_ACCOUNT_NAME_MAX) {
		ask->call.fault = WEFT_ACCOUNT_NAME_TOO_LONG;
		errno = EINVAL;
		return -1;
	}
	memcpy(place, text, len + 1);
	return 0;
}

int weft__hub_put_role(struct hub_ask *ask)
{
	struct weft_account_role role;

	if (take_name(role.name, ask, "role") < 0 ||
		weft__hub_bits(ask, "powers", &weft__hub_powers, &role.powers) < 0)
		return -1;
	return weft_account_role_put(ask->accounts, &ask->call, &role);
}

int weft__hub_remove_role(struct hub_ask *ask)
{
	return weft_account_role_remove(ask->accounts, &ask->call, weft__hub_text(ask, "role"));
}

/* ---- Grants ------------------------------------------------------------------------------- */

int weft__hub_list_grants(struct hub_ask *ask)
{
	struct weft_account_grants grants;
	json_t *list;

	if (weft_account_grants(ask->accounts, &ask->call, weft__hub_text(ask, "folder"), &grants) <
		0)
		return -1;
	list = json_array();
	for (size_t i = 0; i < grants.count; i++)
		json_array_append_new(list, weft__hub_json_grant(&grants.grants[i]));
	weft_account_grants_fini(&grants);
	return weft__hub_give(ask, json_pack("{s:o}", "grants", list));
}

static int take_grant(struct hub_ask *ask, struct weft_account_grant *ret_grant)
{
	const char *folder = weft__hub_text(ask, "folder");

	ret_grant->to = weft__hub_subject_of(weft__hub_text(ask, "to"));
	if (!ret_grant->to) {
		weft__hub_ask_refuse(
			ask, 422, "bad-word", "\"to\" takes of these: user, group, role");
		errno = EINVAL;
		return -1;
	}
	memcpy(ret_grant->folder, folder, strlen(folder) + 1); /* the table bounds it */
	return take_name(ret_grant->subject, ask, "subject");
}

int weft__hub_put_grant(struct hub_ask *ask)
{
	struct weft_account_grant grant;

	if (take_grant(ask, &grant) < 0 ||
		weft__hub_bits(ask, "rights", &weft__hub_rights, &grant.rights) < 0)
		return -1;
	return weft_account_grant(ask->accounts, &ask->call, &grant);
}

int weft__hub_remove_grant(struct hub_ask *ask)
{
	struct weft_account_grant grant = {.rights = 0};

	if (take_grant(ask, &grant) < 0)
		return -1;
	return weft_account_grant_remove(ask->accounts, &ask->call, &grant);
}
