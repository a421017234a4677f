/*
 * account_people.c - operations on accounts: find, add, change, remove, lock, links, tokens.
 *
 * Never: decides who may do so; the service does, for every door.
 */
#include <errno.h>
#include <string.h>

#include "account_ops.h"
#include "weft/scope.h"

/* ---- Finding ------------------------------------------------------------------------------ */

static int take_states(struct hub_ask *ask, unsigned *ret_states)
{
	return weft__hub_bits(ask, "state", &weft__hub_states, ret_states);
}

int weft__hub_find_users(struct hub_ask *ask)
{
	struct weft_account_query query = {.part = weft__hub_text(ask, "part"),
		.role = weft__hub_text(ask, "role"),
		.group = weft__hub_text(ask, "group"),
		.after = weft__hub_text(ask, "after"),
		.limit = (unsigned)weft__hub_number(ask, "limit", 0)};
	struct weft_account_page page;
	json_t *users;
	bool has_more;

	if (take_states(ask, &query.states) < 0 ||
		weft_account_find(ask->accounts, &ask->call, &query, &page) < 0)
		return -1;
	users = json_array();
	for (size_t i = 0; i < page.count; i++)
		json_array_append_new(users, weft__hub_json_user(&page.users[i]));
	has_more = page.has_more;
	weft_account_page_fini(&page);
	return weft__hub_give(ask, json_pack("{s:o, s:b}", "users", users, "has_more", has_more));
}

int weft__hub_show_user(struct hub_ask *ask)
{
	struct weft_account_user user;

	if (weft_account_get(ask->accounts, &ask->call, weft__hub_text(ask, "user"), &user) < 0)
		return -1;
	return weft__hub_give(ask, weft__hub_json_user(&user));
}

/* ---- Adding ------------------------------------------------------------------------------- */

static int join_groups(struct hub_ask *ask, const char *name)
{
	const json_t *groups = weft__hub_list(ask, "groups");

	for (size_t i = 0; i < json_array_size(groups); i++)
		if (weft_account_group_join(ask->accounts, &ask->call,
			    json_string_value(json_array_get(groups, i)), name) < 0)
			return -1;
	return 0;
}

static int put_link(struct hub_ask *ask, json_t *json, const char *name, int64_t ttl_s)
{
	char secret[WEFT_ACCOUNT_SECRET_SIZE];
	int result = weft_account_link_add(ask->accounts, &ask->call, name, ttl_s, secret);

	if (result == 0)
		result = json_object_set_new(json, "secret", json_string(secret));
	explicit_bzero(secret, sizeof(secret));
	return result;
}

/* What was asked for besides the account; without all of it there is none. */
static int complete(struct hub_ask *ask, const struct weft_account_user *user)
{
	json_t *json = weft__hub_json_user(user);
	enum weft_account_fault fault;
	int code;

	if (json && join_groups(ask, user->name) == 0 &&
		(!weft__hub_flag(ask, "invite") || put_link(ask, json, user->name, 0) == 0))
		return weft__hub_give(ask, json);
	code = errno;
	fault = ask->call.fault;
	json_decref(json);
	WEFT_SHIELDED
		weft_account_remove(ask->accounts, &ask->call, user->name, true);
	ask->call.fault = fault;
	errno = code;
	return -1;
}

int weft__hub_add_user(struct hub_ask *ask)
{
	const struct weft_account_new account = {.name = weft__hub_text(ask, "name"),
		.display_name = weft__hub_text(ask, "display_name"),
		.role = weft__hub_text(ask, "role"),
		.home = weft__hub_text(ask, "home"),
		.password = weft__hub_text(ask, "password"),
		.must_change = weft__hub_flag(ask, "must_change"),
		.quota_bytes = weft__hub_number(ask, "quota", 0)};
	struct weft_account_user user;

	if (weft_account_add(ask->accounts, &ask->call, &account, &user) < 0)
		return -1;
	ask->status = 201;
	return complete(ask, &user);
}

/* ---- Changing ----------------------------------------------------------------------------- */

int weft__hub_change_user(struct hub_ask *ask)
{
	const struct weft_account_change change = {.name = weft__hub_text(ask, "name"),
		.display_name = weft__hub_text(ask, "display_name"),
		.role = weft__hub_text(ask, "role"),
		.home = weft__hub_text(ask, "home"),
		.quota_bytes = weft__hub_number(ask, "quota", -1),
		.used_bytes = weft__hub_number(ask, "used", -1),
		.must_change = weft__hub_list(ask, "must_change")
				       ? weft__hub_flag(ask, "must_change")
				       : -1};
	struct weft_account_user user;

	if (weft_account_change(
		    ask->accounts, &ask->call, weft__hub_text(ask, "user"), &change, &user) < 0)
		return -1;
	return weft__hub_give(ask, weft__hub_json_user(&user));
}

int weft__hub_remove_user(struct hub_ask *ask)
{
	return weft_account_remove(ask->accounts, &ask->call, weft__hub_text(ask, "user"),
		weft__hub_flag(ask, "purge"));
}

int weft__hub_lock_user(struct hub_ask *ask)
{
	return weft_account_lock(ask->accounts, &ask->call, weft__hub_text(ask, "user"));
}

int weft__hub_unlock_user(struct hub_ask *ask)
{
	return weft_account_unlock(ask->accounts, &ask->call, weft__hub_text(ask, "user"));
}

int weft__hub_make_link(struct hub_ask *ask)
{
	json_t *json = json_object();

	ask->status = 201;
	if (json && put_link(ask, json, weft__hub_text(ask, "user"),
			    weft__hub_number(ask, "ttl", 0)) == 0)
		return weft__hub_give(ask, json);
	json_decref(json);
	return -1;
}

int weft__hub_set_password(struct hub_ask *ask)
{
	struct weft_account_change change = WEFT_ACCOUNT_NO_CHANGE;
	const char *user = weft__hub_text(ask, "user");

	change.must_change = weft__hub_flag(ask, "must_change");
	if (weft_account_set_password(
		    ask->accounts, &ask->call, user, NULL, weft__hub_text(ask, "password")) < 0)
		return -1;
	return change.must_change
		       ? weft_account_change(ask->accounts, &ask->call, user, &change, NULL)
		       : 0;
}

/* ---- Tokens and groups -------------------------------------------------------------------- */

int weft__hub_list_tokens(struct hub_ask *ask)
{
	struct weft_account_tokens tokens;
	json_t *list;

	if (weft_account_tokens(ask->accounts, &ask->call, weft__hub_text(ask, "user"), &tokens) <
		0)
		return -1;
	list = json_array();
	for (size_t i = 0; i < tokens.count; i++)
		json_array_append_new(list, weft__hub_json_token(&tokens.tokens[i]));
	weft_account_tokens_fini(&tokens);
	return weft__hub_give(ask, json_pack("{s:o}", "tokens", list));
}

/* A text of the args in a struct; too long ones were refused by the table. */
static void copy_text(char *place, size_t size, const char *text)
{
	size_t len = text ? strnlen(text, size - 1) : 0;

	memcpy(place, text ? text : "", len);
	place[len] = '\0';
}

int weft__hub_add_token(struct hub_ask *ask)
{
	struct weft_account_token token = {.expires_s = weft__hub_number(ask, "expires", 0)};
	char secret[WEFT_ACCOUNT_SECRET_SIZE];
	json_t *json;

	copy_text(token.label, sizeof(token.label), weft__hub_text(ask, "label"));
	copy_text(token.folder, sizeof(token.folder), weft__hub_text(ask, "folder"));
	if (weft__hub_bits(ask, "rights", &weft__hub_rights, &token.rights) < 0 ||
		weft__hub_bits(ask, "powers", &weft__hub_powers, &token.powers) < 0 ||
		weft_account_token_add(
			ask->accounts, &ask->call, weft__hub_text(ask, "user"), &token, secret) < 0)
		return -1;
	json = json_pack("{s:s}", "secret", secret);
	explicit_bzero(secret, sizeof(secret));
	ask->status = 201;
	return weft__hub_give(ask, json);
}

int weft__hub_remove_token(struct hub_ask *ask)
{
	int64_t id = weft__hub_number(ask, "id", 0);

	if (weft__hub_list(ask, "id") && id == 0) { /* to the service it would mean all */
		errno = ENOENT;
		return -1;
	}
	return weft_account_token_remove(
		ask->accounts, &ask->call, weft__hub_text(ask, "user"), id);
}

int weft__hub_list_user_groups(struct hub_ask *ask)
{
	return weft__hub_list_groups(ask);
}
