/*
 * links.c - links by which somebody sets her own password once: invitations and resets.
 *
 * Entry points: weft_account_link_add(), weft_account_link_use(), weft_account_set_password().
 * Never: lets one who manages accounts choose or learn another's password.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "account/inside.h"
#include "account/login.h"
#include "account/password.h"
#include "account/rules.h"
#include "account/secret.h"

#define TTL_DEFAULT_S ((int64_t)3 * 24 * 3600)
#define TTL_MAX_S     ((int64_t)30 * 24 * 3600)

/* ---- Add ------------------------------------------------------------------------------------ */

struct add_work {
	const char *name;
	int64_t ttl;
	struct weft__digest digest;
};

static int add(struct weft__tx *tx, struct weft__deed *deed)
{
	const struct add_work *work = deed->arg;
	struct weft__user_row row;

	if (weft__deed_user(tx, deed, work->name, &row) < 0 || weft__deed_over(deed, &row) < 0)
		return -1;
	if (row.user.state == WEFT_ACCOUNT_IS_REMOVED)
		return weft__refuse(deed->call, WEFT_ACCOUNT_NAME_UNKNOWN);
	deed->detail = row.user.has_password ? "reset" : "invitation";
	return weft__tx_run(tx,
		       "INSERT INTO links (user_id, secret, expires) VALUES (?1, ?2, ?3)"
		       " ON CONFLICT (user_id) DO UPDATE"
		       " SET secret = excluded.secret, expires = excluded.expires",
		       "ibi", row.user.id, work->digest.bytes, sizeof(work->digest.bytes),
		       deed->now_s + work->ttl) < 0
		       ? -1
		       : 0;
}

int weft_account_link_add(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, int64_t ttl_s, char ret_secret[WEFT_ACCOUNT_SECRET_SIZE])
{
	char secret[WEFT_ACCOUNT_SECRET_SIZE];
	struct weft__name normal;
	struct add_work work = {.name = normal.text, .ttl = ttl_s ? ttl_s : TTL_DEFAULT_S};
	struct weft__deed deed = {.accounts = accounts,
		.call = call,
		.fn = add,
		.arg = &work,
		.action = "link.add",
		.target = normal.text,
		.needs = WEFT_ACCOUNT_MANAGES};

	weft__call_begin(call);
	if (ttl_s < 0 || ttl_s > TTL_MAX_S)
		return weft__refuse(call, WEFT_ACCOUNT_BAD_NUMBER);
	if (weft__call_lookup(call, name, &normal) < 0)
		return -1;
	weft__secret_make(WEFT__SECRET_LINK, secret, &work.digest);
	if (weft__deed_do(&deed) < 0)
		return -1;
	memcpy(ret_secret, secret, sizeof(secret));
	return 0;
}

/* ---- Look, use ------------------------------------------------------------------------------ */

struct link_work {
	struct weft__digest digest;
	struct weft_account_link link;
	const char *hash; /* the new password's; NULL: only to look */
};

static int take_link(const struct weft__value *columns, void *arg)
{
	int64_t *link = arg;

	link[0] = columns[0].number;
	link[1] = columns[1].number;
	return 0;
}

static int find(struct weft__tx *tx, struct weft__deed *deed, struct weft__user_row *ret_row)
{
	struct link_work *work = deed->arg;
	int64_t link[2] = {0, 0}, found;

	found = weft__tx_read(tx, (struct weft__reader){take_link, link},
		"SELECT user_id, expires FROM links WHERE secret = ?1", "b", work->digest.bytes,
		sizeof(work->digest.bytes));
	if (found > 0)
		found = weft__user_by_id(tx, link[0], ret_row);
	if (found < 0)
		return -1;
	if (!found)
		return weft__refuse(deed->call, WEFT_ACCOUNT_REVOKED);
	if (deed->now_s >= link[1])
		return weft__refuse(deed->call, WEFT_ACCOUNT_EXPIRED);
	work->link.user = ret_row->user;
	work->link.is_invitation = !ret_row->user.has_password;
	work->link.expires_s = link[1];
	return 0;
}

static int look(struct weft__tx *tx, struct weft__deed *deed)
{
	struct weft__user_row row;

	return find(tx, deed, &row);
}

/* The new password; nobody stays in by the old one, and no link is left. */
static int set(struct weft__tx *tx, int64_t id, const char *hash)
{
	if (weft__tx_run(tx, "UPDATE users SET password = ?2, must_change = 0 WHERE id = ?1", "it",
		    id, hash) < 0 ||
		weft__user_throw_out(tx, id) < 0)
		return -1;
	return weft__tx_run(tx, "DELETE FROM links WHERE user_id = ?1", "i", id) < 0 ? -1 : 0;
}

static int use(struct weft__tx *tx, struct weft__deed *deed)
{
	struct link_work *work = deed->arg;
	struct weft__user_row row;

	if (find(tx, deed, &row) < 0)
		return -1;
	deed->target = work->link.user.name;
	return set(tx, row.user.id, work->hash);
}

int weft_account_link_look(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *secret, struct weft_account_link *ret_link)
{
	struct link_work work = {.hash = NULL};
	struct weft_account_call plain = {.address = call->address, .door = call->door};
	struct weft__deed deed = {.accounts = accounts, .call = &plain, .fn = look, .arg = &work};

	weft__call_begin(call);
	if (!weft__secret_read(WEFT__SECRET_LINK, secret, &work.digest))
		return weft__refuse(call, WEFT_ACCOUNT_REVOKED);
	if (weft__deed_look(&deed) < 0) {
		call->fault = plain.fault;
		return -1;
	}
	*ret_link = work.link;
	return 0;
}

int weft_account_link_use(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *secret, const char *password)
{
	struct weft_account_call plain = {.address = call->address, .door = call->door};
	char hash[WEFT__HASH_SIZE];
	struct link_work work = {.hash = hash};
	struct weft_account_link link;
	struct weft__deed deed = {.accounts = accounts,
		.call = &plain,
		.fn = use,
		.arg = &work,
		.action = "link.use"};
	enum weft_account_fault fault;
	int result;

	/* Before the hash: who has no link costs nothing. */
	if (weft_account_link_look(accounts, call, secret, &link) < 0)
		return -1;
	fault = weft__password_judge(password, link.user.name, accounts->site);
	if (fault != WEFT_ACCOUNT_FAULT_NONE)
		return weft__refuse(call, fault);
	if (weft__call_hash(accounts, call, password, hash) < 0)
		return -1;
	weft__secret_read(WEFT__SECRET_LINK, secret, &work.digest);
	result = weft__deed_do(&deed);
	call->fault = plain.fault;
	return result;
}

/* ---- Changing one's own --------------------------------------------------------------------- */

struct change_work {
	const char *name;
	const struct weft__user_row *verified; /* NULL: no old password was asked for */
	const char *hash;
};

static int change(struct weft__tx *tx, struct weft__deed *deed)
{
	const struct change_work *work = deed->arg;
	struct weft__user_row row;

	if (weft__deed_user(tx, deed, work->name, &row) < 0)
		return -1;
	if (row.user.state == WEFT_ACCOUNT_IS_REMOVED)
		return weft__refuse(deed->call, WEFT_ACCOUNT_NAME_UNKNOWN);
	if (!deed->call->is_local && (row.user.id != deed->caller || deed->call->who->token))
		return weft__refuse(deed->call, WEFT_ACCOUNT_NOT_ALLOWED);
	if (work->verified && row.epoch != work->verified->epoch)
		return weft__refuse(deed->call, WEFT_ACCOUNT_WRONG);
	return set(tx, row.user.id, work->hash);
}

/* Nobody else's password is even tried. */
static bool may_try(const struct weft_account_call *call, const char *name, const char *old)
{
	if (call->is_local)
		return true;
	return old && call->who && call->who->token == 0 && strcmp(call->who->user.name, name) == 0;
}

int weft_account_set_password(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, const char *old_password, const char *new_password)
{
	char hash[WEFT__HASH_SIZE];
	struct weft__user_row row;
	struct weft__name normal;
	struct change_work work = {.name = normal.text, .hash = hash};
	struct weft__deed deed = {.accounts = accounts,
		.call = call,
		.fn = change,
		.arg = &work,
		.action = "password.set",
		.target = normal.text,
		.allows_unchanged = true};
	enum weft_account_fault fault;

	weft__call_begin(call);
	if (weft__call_lookup(call, name, &normal) < 0)
		return -1;
	if (!may_try(call, normal.text, old_password))
		return weft__refuse(call, WEFT_ACCOUNT_NOT_ALLOWED);
	fault = weft__password_judge(new_password, normal.text, accounts->site);
	if (fault == WEFT_ACCOUNT_FAULT_NONE && old_password &&
		strcmp(old_password, new_password) == 0)
		fault = WEFT_ACCOUNT_PASSWORD_SAME;
	if (fault != WEFT_ACCOUNT_FAULT_NONE)
		return weft__refuse(call, fault);
	if (old_password) {
		if (weft__password_verify(accounts, call, normal.text, old_password, &row) < 0)
			return -1;
		work.verified = &row;
	}
	if (weft__call_hash(accounts, call, new_password, hash) < 0)
		return -1;
	return weft__deed_do(&deed);
}
