/*
 * absent.c - weft/account.h where SQLite, libsodium or utf8proc were missing at build time: every
 * call that can fail does, with ENOSYS.
 *
 * Never: lets anybody in, or compiled beside the rest of this folder (the Makefile sees to it).
 */
#include "weft/account_estate.h"
#include "weft/account_session.h"

#include <errno.h>

/* Nothing here looks at what it is given. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

static int refuse(void)
{
	errno = ENOSYS;
	return -1;
}

static int refuse_call(struct weft_account_call *call)
{
	call->fault = WEFT_ACCOUNT_FAULT_NONE;
	call->wait_ns = 0;
	return refuse();
}

struct weft_accounts *weft_accounts_open(const struct weft_accounts_options *options)
{
	refuse();
	return NULL;
}

void weft_accounts_close(struct weft_accounts *accounts)
{
}

int weft_accounts_backup(
	struct weft_accounts *accounts, struct weft_account_call *call, const char *path)
{
	return refuse_call(call);
}

int weft_accounts_first_run(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, char ret_password[WEFT_ACCOUNT_SECRET_SIZE])
{
	return refuse_call(call);
}

int weft_accounts_facts(struct weft_accounts *accounts, struct weft_accounts_facts *ret_facts)
{
	return refuse();
}

struct weft_account_who *weft_account_who_keep(struct weft_account_who *who)
{
	return who;
}

void weft_account_who_free(struct weft_account_who *who)
{
}

int weft_account_who_refresh(struct weft_account_who *who, struct weft_account_who **ret_who)
{
	return refuse();
}

int weft_account_stranger(struct weft_accounts *accounts, struct weft_account_who **ret_who)
{
	return refuse();
}

unsigned weft_account_rights(const struct weft_account_who *who, const char *path)
{
	return 0;
}

int weft_account_login(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, const char *password, struct weft_account_who **ret_who)
{
	return refuse_call(call);
}

int weft_account_session_begin(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_who *who, const char *label,
	char ret_secret[WEFT_ACCOUNT_SECRET_SIZE])
{
	return refuse_call(call);
}

int weft_account_session_check(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *secret, struct weft_account_who **ret_who)
{
	return refuse_call(call);
}

int weft_account_session_end(
	struct weft_accounts *accounts, struct weft_account_call *call, const char *secret)
{
	return refuse_call(call);
}

int weft_account_sessions(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, struct weft_account_sessions *ret_sessions)
{
	return refuse_call(call);
}

int weft_account_session_revoke(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, int64_t id)
{
	return refuse_call(call);
}

int weft_account_set_password(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, const char *old_password, const char *new_password)
{
	return refuse_call(call);
}

enum weft_account_fault weft_account_password_judge(
	const struct weft_accounts *accounts, const char *name, const char *password)
{
	return WEFT_ACCOUNT_FAULT_NONE;
}

int weft_account_link_add(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, int64_t ttl_s, char ret_secret[WEFT_ACCOUNT_SECRET_SIZE])
{
	return refuse_call(call);
}

int weft_account_link_look(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *secret, struct weft_account_link *ret_link)
{
	return refuse_call(call);
}

int weft_account_link_use(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *secret, const char *password)
{
	return refuse_call(call);
}

int weft_account_token_add(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, const struct weft_account_token *token,
	char ret_secret[WEFT_ACCOUNT_SECRET_SIZE])
{
	return refuse_call(call);
}

int weft_account_token_check(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *secret, struct weft_account_who **ret_who)
{
	return refuse_call(call);
}

int weft_account_tokens(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, struct weft_account_tokens *ret_tokens)
{
	return refuse_call(call);
}

int weft_account_token_remove(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, int64_t id)
{
	return refuse_call(call);
}

int weft_account_add(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_new *account, struct weft_account_user *ret_user)
{
	return refuse_call(call);
}

int weft_account_get(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, struct weft_account_user *ret_user)
{
	return refuse_call(call);
}

int weft_account_find(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_query *query, struct weft_account_page *ret_page)
{
	return refuse_call(call);
}

int weft_account_change(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, const struct weft_account_change *change,
	struct weft_account_user *ret_user)
{
	return refuse_call(call);
}

int weft_account_lock(
	struct weft_accounts *accounts, struct weft_account_call *call, const char *name)
{
	return refuse_call(call);
}

int weft_account_unlock(
	struct weft_accounts *accounts, struct weft_account_call *call, const char *name)
{
	return refuse_call(call);
}

int weft_account_remove(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, bool purges)
{
	return refuse_call(call);
}

int weft_account_name_normalise(const char *text, char ret_name[WEFT_ACCOUNT_NAME_MAX + 1],
	enum weft_account_fault *ret_fault)
{
	if (ret_fault)
		*ret_fault = WEFT_ACCOUNT_FAULT_NONE;
	return refuse();
}

int weft_account_name_skeleton(const char *name, char *ret_skeleton, size_t size)
{
	return refuse();
}

int weft_account_name_owner(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, struct weft_account_user *ret_user)
{
	return refuse_call(call);
}

bool weft_account_name_is_reserved(const char *name)
{
	return true;
}

int weft_account_roles(struct weft_accounts *accounts, struct weft_account_call *call,
	struct weft_account_roles *ret_roles)
{
	return refuse_call(call);
}

int weft_account_role_put(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_role *role)
{
	return refuse_call(call);
}

int weft_account_role_remove(
	struct weft_accounts *accounts, struct weft_account_call *call, const char *role)
{
	return refuse_call(call);
}

int weft_account_group_add(
	struct weft_accounts *accounts, struct weft_account_call *call, const char *group)
{
	return refuse_call(call);
}

int weft_account_group_remove(
	struct weft_accounts *accounts, struct weft_account_call *call, const char *group)
{
	return refuse_call(call);
}

int weft_account_group_join(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *group, const char *name)
{
	return refuse_call(call);
}

int weft_account_group_leave(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *group, const char *name)
{
	return refuse_call(call);
}

int weft_account_groups(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, struct weft_account_groups *ret_groups)
{
	return refuse_call(call);
}

int weft_account_grant(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_grant *grant)
{
	return refuse_call(call);
}

int weft_account_grant_remove(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_grant *grant)
{
	return refuse_call(call);
}

int weft_account_grants(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *folder, struct weft_account_grants *ret_grants)
{
	return refuse_call(call);
}

unsigned weft_account_files_rights_at(void *who, const char *path)
{
	return 0;
}

int weft_account_files_reserve(void *who, int64_t bytes)
{
	return refuse();
}

void weft_account_files_settle(void *who, int64_t reserved, int64_t used)
{
}

void weft_account_files_freed(void *accounts, const char *owner, int64_t bytes)
{
}

int weft_account_files_carry_asks(
	struct weft_accounts *accounts, const char *from, bool is_copy)
{
	return 0;
}

int weft_account_files_carry_begin(
	struct weft_accounts *accounts, const struct weft_account_carry *carry, void **ret_state)
{
	return refuse();
}

void weft_account_files_carry_end(struct weft_accounts *accounts, void *state, int how)
{
}

int weft_account_estate(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, const char *heir, struct weft_account_estate *ret_estate)
{
	return refuse_call(call);
}

int weft_account_estate_pass(void *estate, int64_t bytes)
{
	return refuse();
}

int weft_account_uses(struct weft_accounts *accounts, struct weft_account_call *call,
	struct weft_account_uses *ret_uses)
{
	return refuse_call(call);
}

void weft_account_uses_add(
	struct weft_account_uses *uses, const char *owner, int64_t bytes, bool is_busy)
{
}

int weft_account_recount(struct weft_accounts *accounts, struct weft_account_call *call,
	struct weft_account_uses *uses)
{
	return refuse_call(call);
}

int weft_account_charging_begin(
	struct weft_accounts *accounts, const char *folder, bool *ret_is_unsure)
{
	return refuse();
}

int weft_account_charging_sure(struct weft_accounts *accounts, const char *folder)
{
	return refuse();
}

int weft_account_charging_end(struct weft_accounts *accounts)
{
	return refuse();
}

int weft_account_audit(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_audit_query *query, struct weft_account_events *ret_events)
{
	return refuse_call(call);
}

int weft_account_audit_note(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_note *note)
{
	return refuse_call(call);
}

int weft_accounts_export(struct weft_accounts *accounts, struct weft_account_call *call,
	weft_account_write_fn *write, void *arg)
{
	return refuse_call(call);
}

int weft_accounts_import(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_import *import, struct weft_account_import_result *ret_result)
{
	return refuse_call(call);
}
