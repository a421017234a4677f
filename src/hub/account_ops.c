/*
 * account_ops.c - the map of the API: every operation, where it is, what it takes.
 *
 * docs/account-api.yaml says the same in OpenAPI's words; a test compares the two.
 */
#include "account_ops.h"

#include <stdlib.h>

#include "status.h"

#define NAME_LEN ((size_t)4 * WEFT_ACCOUNT_NAME_MAX) /* before it is normalised */
#define PASS_LEN ((size_t)4 * WEFT_ACCOUNT_PASSWORD_MAX)
#define LINK_S   (30 * 86400)
#define REQUIRED .is_required = true
#define TAKES(field, of, ...)                              \
	{                                                  \
		.name = (field), .kind = (of), __VA_ARGS__ \
	}
#define TAKES_END TAKES(NULL, HUB_TEXT)
#define OPERATION(name, verb, place, ...)                                    \
	{                                                                    \
		.id = (name), .method = (verb), .path = (place), __VA_ARGS__ \
	}

static const struct hub_field log_in[] = {TAKES("name", HUB_TEXT, REQUIRED, .len_max = NAME_LEN),
	TAKES("password", HUB_TEXT, REQUIRED, .len_max = PASS_LEN),
	TAKES("label", HUB_TEXT, .len_max = WEFT_ACCOUNT_LABEL_MAX), TAKES("remember", HUB_BOOL),
	TAKES_END};

static const struct hub_field change_me[] = {TAKES("display_name", HUB_TEXT, REQUIRED), TAKES_END};

static const struct hub_field change_password[] = {
	TAKES("old_password", HUB_TEXT, REQUIRED, .len_max = PASS_LEN),
	TAKES("new_password", HUB_TEXT, REQUIRED, .len_max = PASS_LEN), TAKES_END};

static const struct hub_field place[] = {TAKES("path", HUB_TEXT), TAKES_END};

static const struct hub_field secret[] = {
	TAKES("secret", HUB_TEXT, REQUIRED, .len_max = WEFT_ACCOUNT_SECRET_SIZE), TAKES_END};

static const struct hub_field use_link[] = {
	TAKES("secret", HUB_TEXT, REQUIRED, .len_max = WEFT_ACCOUNT_SECRET_SIZE),
	TAKES("password", HUB_TEXT, REQUIRED, .len_max = PASS_LEN), TAKES_END};

static const struct hub_field find_users[] = {TAKES("part", HUB_TEXT), TAKES("role", HUB_TEXT),
	TAKES("group", HUB_TEXT), TAKES("state", HUB_WORDS), TAKES("after", HUB_TEXT),
	TAKES("limit", HUB_NUMBER, .max = WEFT_ACCOUNT_PAGE_MAX), TAKES_END};

static const struct hub_field add_user[] = {TAKES("name", HUB_TEXT, REQUIRED, .len_max = NAME_LEN),
	TAKES("display_name", HUB_TEXT), TAKES("role", HUB_TEXT), TAKES("home", HUB_TEXT),
	TAKES("quota", HUB_NUMBER), TAKES("must_change", HUB_BOOL),
	TAKES("groups", HUB_WORDS, .len_max = NAME_LEN), TAKES("invite", HUB_BOOL),
	TAKES("password", HUB_TEXT, .is_local = true, .len_max = PASS_LEN), TAKES_END};

static const struct hub_field change_user[] = {TAKES("name", HUB_TEXT, .len_max = NAME_LEN),
	TAKES("display_name", HUB_TEXT), TAKES("role", HUB_TEXT), TAKES("home", HUB_TEXT),
	TAKES("quota", HUB_NUMBER), TAKES("used", HUB_NUMBER), TAKES("must_change", HUB_BOOL),
	TAKES_END};

static const struct hub_field purge[] = {TAKES("purge", HUB_BOOL), TAKES_END};
static const struct hub_field settle_files[] = {
	TAKES("do", HUB_TEXT, REQUIRED), TAKES("to", HUB_TEXT, .len_max = NAME_LEN), TAKES_END};
static const struct hub_field ttl[] = {TAKES("ttl", HUB_NUMBER, .max = LINK_S), TAKES_END};

static const struct hub_field set_password[] = {
	TAKES("password", HUB_TEXT, REQUIRED, .len_max = PASS_LEN), TAKES("must_change", HUB_BOOL),
	TAKES_END};

static const struct hub_field add_token[] = {
	TAKES("label", HUB_TEXT, REQUIRED, .len_max = WEFT_ACCOUNT_LABEL_MAX),
	TAKES("rights", HUB_WORDS), TAKES("powers", HUB_WORDS), TAKES("folder", HUB_TEXT),
	TAKES("expires", HUB_NUMBER), TAKES_END};

static const struct hub_field put_role[] = {TAKES("powers", HUB_WORDS, REQUIRED), TAKES_END};
static const struct hub_field folder[] = {TAKES("folder", HUB_TEXT), TAKES_END};

static const struct hub_field put_grant[] = {TAKES("to", HUB_TEXT, REQUIRED),
	TAKES("subject", HUB_TEXT, REQUIRED, .len_max = NAME_LEN),
	TAKES("folder", HUB_TEXT, REQUIRED), TAKES("rights", HUB_WORDS, REQUIRED), TAKES_END};

static const struct hub_field remove_grant[] = {TAKES("to", HUB_TEXT, REQUIRED),
	TAKES("subject", HUB_TEXT, REQUIRED, .len_max = NAME_LEN),
	TAKES("folder", HUB_TEXT, REQUIRED), TAKES_END};

static const struct hub_field audit[] = {TAKES("who", HUB_TEXT), TAKES("target", HUB_TEXT),
	TAKES("action", HUB_TEXT), TAKES("since", HUB_NUMBER), TAKES("until", HUB_NUMBER),
	TAKES("before", HUB_NUMBER), TAKES("limit", HUB_NUMBER, .max = WEFT_ACCOUNT_PAGE_MAX),
	TAKES_END};

static const struct hub_field import[] = {TAKES("skip_bad", HUB_BOOL), TAKES("update", HUB_BOOL),
	TAKES("trial", HUB_BOOL), TAKES_END};

static const struct hub_field list_fibers[] = {TAKES("find", HUB_TEXT),
	TAKES("limit", HUB_NUMBER, .max = HUB_STATUS_FIBERS_MAX), TAKES_END};

const struct hub_op weft__hub_ops[] = {
	/* Sessions, which are cookies; and oneself. */
	OPERATION("logIn", "POST", "/sessions", .body = log_in, .run = weft__hub_log_in,
		.flags = HUB_OPEN),
	OPERATION("listSessions", "GET", "/sessions", .run = weft__hub_list_sessions),
	OPERATION("endSessions", "DELETE", "/sessions", .run = weft__hub_end_sessions),
	OPERATION("logOut", "DELETE", "/sessions/current", .run = weft__hub_log_out,
		.flags = HUB_OPEN),
	OPERATION("endSession", "DELETE", "/sessions/{id}", .run = weft__hub_end_session),
	OPERATION("showMe", "GET", "/me", .run = weft__hub_show_me),
	OPERATION("changeMe", "PATCH", "/me", .body = change_me, .run = weft__hub_change_me),
	OPERATION("changePassword", "PUT", "/me/password", .body = change_password,
		.run = weft__hub_change_password),
	OPERATION("showRights", "GET", "/me/rights", .query = place, .run = weft__hub_show_rights,
		.flags = HUB_OPEN),
	OPERATION("lookAtLink", "POST", "/links/look", .body = secret,
		.run = weft__hub_look_at_link, .flags = HUB_OPEN),
	OPERATION("useLink", "POST", "/links/use", .body = use_link, .run = weft__hub_use_link,
		.flags = HUB_OPEN),

	/* Accounts. */
	OPERATION("findUsers", "GET", "/users", .query = find_users, .run = weft__hub_find_users),
	OPERATION("addUser", "POST", "/users", .body = add_user, .run = weft__hub_add_user),
	OPERATION("showUser", "GET", "/users/{user}", .run = weft__hub_show_user),
	OPERATION("changeUser", "PATCH", "/users/{user}", .body = change_user,
		.run = weft__hub_change_user),
	OPERATION("removeUser", "DELETE", "/users/{user}", .query = purge,
		.run = weft__hub_remove_user),
	OPERATION("settleFiles", "POST", "/users/{user}/files", .body = settle_files,
		.run = weft__hub_settle_files, .needs = WEFT_ACCOUNT_MANAGES),
	OPERATION("lockUser", "POST", "/users/{user}/lock", .run = weft__hub_lock_user),
	OPERATION("unlockUser", "POST", "/users/{user}/unlock", .run = weft__hub_unlock_user),
	OPERATION(
		"makeLink", "POST", "/users/{user}/link", .body = ttl, .run = weft__hub_make_link),
	OPERATION("setPassword", NULL, "/users/{user}/password", .body = set_password,
		.run = weft__hub_set_password, .flags = HUB_LOCAL),
	OPERATION("listUserSessions", "GET", "/users/{user}/sessions",
		.run = weft__hub_list_sessions),
	OPERATION("endUserSessions", "DELETE", "/users/{user}/sessions",
		.run = weft__hub_end_sessions),
	OPERATION("endUserSession", "DELETE", "/users/{user}/sessions/{id}",
		.run = weft__hub_end_session),
	OPERATION("listTokens", "GET", "/users/{user}/tokens", .run = weft__hub_list_tokens),
	OPERATION("addToken", "POST", "/users/{user}/tokens", .body = add_token,
		.run = weft__hub_add_token),
	OPERATION("removeTokens", "DELETE", "/users/{user}/tokens", .run = weft__hub_remove_token),
	OPERATION("removeToken", "DELETE", "/users/{user}/tokens/{id}",
		.run = weft__hub_remove_token),
	OPERATION(
		"listUserGroups", "GET", "/users/{user}/groups", .run = weft__hub_list_user_groups),

	/* Groups, roles, and who may do what where. */
	OPERATION("listGroups", "GET", "/groups", .run = weft__hub_list_groups),
	OPERATION("addGroup", "PUT", "/groups/{group}", .run = weft__hub_add_group),
	OPERATION("removeGroup", "DELETE", "/groups/{group}", .run = weft__hub_remove_group),
	OPERATION(
		"joinGroup", "PUT", "/groups/{group}/members/{user}", .run = weft__hub_join_group),
	OPERATION("leaveGroup", "DELETE", "/groups/{group}/members/{user}",
		.run = weft__hub_leave_group),
	OPERATION("listRoles", "GET", "/roles", .run = weft__hub_list_roles),
	OPERATION("putRole", "PUT", "/roles/{role}", .body = put_role, .run = weft__hub_put_role),
	OPERATION("removeRole", "DELETE", "/roles/{role}", .run = weft__hub_remove_role),
	OPERATION("listGrants", "GET", "/grants", .query = folder, .run = weft__hub_list_grants),
	OPERATION("putGrant", "PUT", "/grants", .body = put_grant, .run = weft__hub_put_grant),
	OPERATION("removeGrant", "DELETE", "/grants", .query = remove_grant,
		.run = weft__hub_remove_grant),

	/* What was done, and everything at once. */
	OPERATION("readAudit", "GET", "/audit", .query = audit, .run = weft__hub_read_audit),
	OPERATION("exportUsers", "GET", "/export", .run = weft__hub_export, .flags = HUB_GIVES_CSV),
	OPERATION("importUsers", "POST", "/import", .query = import, .run = weft__hub_import,
		.flags = HUB_TAKES_CSV, .needs = WEFT_ACCOUNT_MANAGES),
	OPERATION("backUp", "POST", "/backup", .run = weft__hub_back_up, .flags = HUB_GIVES_FILE,
		.needs = WEFT_ACCOUNT_BACKS_UP),

	/* The server. */
	OPERATION("showStatus", "GET", "/status", .run = weft__hub_show_status,
		.needs = WEFT_ACCOUNT_OPERATES),
	OPERATION("listFibers", "GET", "/fibers", .query = list_fibers,
		.run = weft__hub_list_fibers, .flags = HUB_GIVES_JSON,
		.needs = WEFT_ACCOUNT_OPERATES),
	OPERATION(NULL, NULL, NULL),
};
