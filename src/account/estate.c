/*
 * estate.c - the files of somebody who goes: whose they are to be, and in whose quota they count.
 *
 * Entry points: weft_account_estate(), weft_account_estate_pass().
 *
 * Never: more in a quota than it allows.
 */
#include <errno.h>
#include <string.h>

#include "account/inside.h"
#include "account/owner.h"
#include "account/quota.h"
#include "account/rules.h"
#include "weft/account_estate.h"

/* ---- Whose --------------------------------------------------------------------------------- */

struct estate_work {
	const char *name, *heir; /* heir NULL: nobody */
	struct weft_account_estate *estate;
};

static int find_both(struct weft__tx *tx, struct weft__deed *deed)
{
	const struct estate_work *work = deed->arg;
	struct weft__user_row row, heir;

	if (weft__deed_user(tx, deed, work->name, &row) < 0 || weft__deed_over(deed, &row) < 0)
		return -1;
	weft__account_owner_write(&row.user, work->estate->owner);
	work->estate->heir[0] = '\0';
	if (!work->heir)
		return 0;
	if (weft__deed_user(tx, deed, work->heir, &heir) < 0)
		return -1;
	if (heir.user.state == WEFT_ACCOUNT_IS_REMOVED)
		return weft__refuse(deed->call, WEFT_ACCOUNT_NAME_UNKNOWN);
	if (heir.user.id == row.user.id) {
		errno = EINVAL;
		return -1;
	}
	weft__account_owner_write(&heir.user, work->estate->heir);
	return 0;
}

int weft_account_estate(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, const char *heir, struct weft_account_estate *ret_estate)
{
	struct weft__name normal, of_heir;
	struct weft_account_estate estate = {.accounts = accounts};
	struct estate_work work = {.estate = &estate};
	struct weft__deed deed = {.accounts = accounts,
		.call = call,
		.fn = find_both,
		.arg = &work,
		.action = "account.files",
		.target = normal.text,
		.detail = heir ? of_heir.text : "trash",
		.needs = WEFT_ACCOUNT_MANAGES};

	weft__call_begin(call);
	if (weft__call_lookup(call, name, &normal) < 0 ||
		(heir && weft__call_lookup(call, heir, &of_heir) < 0))
		return -1;
	work.name = normal.text;
	work.heir = heir ? of_heir.text : NULL;
	if (weft__deed_do(&deed) < 0)
		return -1;
	*ret_estate = estate;
	return 0;
}

/* ---- Quotas --------------------------------------------------------------------------------- */

struct passing {
	const struct weft_account_estate *estate;
	int64_t bytes;
};

/* 1 where it fits, 0 where not, -1. */
static int64_t take(struct weft__tx *tx, const struct passing *passing)
{
	static const char sql[] =
		"UPDATE users SET settled = settled + 1,"
		" used = CASE WHEN used + ?2 > 0 THEN used + ?2 ELSE 0 END"
		" WHERE id = ?1 AND created = ?3 AND (quota = 0 OR ?2 <= 0 OR ?2 <= quota - used -"
		" (SELECT coalesce(sum(bytes), 0) FROM reservations WHERE user_id = ?1))";
	int64_t id, created;

	if (!weft__account_owner_read(passing->estate->heir, &id, &created))
		return 0;
	return weft__tx_run(tx, sql, "iii", id, passing->bytes, created);
}

/* Of who is gone without a trace there is nothing to be credited. */
static int64_t credit(struct weft__tx *tx, const struct passing *passing)
{
	int64_t id, created;

	if (!weft__account_owner_read(passing->estate->owner, &id, &created))
		return 0;
	return weft__tx_run(tx,
		"UPDATE users SET settled = settled + 1,"
		" used = CASE WHEN used > ?2 THEN used - ?2 ELSE 0 END"
		" WHERE id = ?1 AND created = ?3",
		"iii", id, passing->bytes, created);
}

static int pass(struct weft__tx *tx, void *arg)
{
	const struct passing *passing = arg;
	int64_t taken = take(tx, passing);

	if (taken == 0 && weft__quota_forget_dead(tx) == 0)
		taken = take(tx, passing);
	if (taken == 0)
		errno = EDQUOT;
	return taken <= 0 || credit(tx, passing) < 0 ? -1 : 0;
}

int weft_account_estate_pass(void *arg, int64_t bytes)
{
	const struct weft_account_estate *estate = arg;
	struct passing passing = {estate, bytes};

	return weft__store_transact(estate->accounts->store, WEFT__TX_LAZILY, pass, &passing);
}
