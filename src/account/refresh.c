/*
 * refresh.c - somebody who was let in a while ago, as she is now.
 *
 * Entry point: weft_account_who_refresh().
 * Never: gives back what a session or token no longer gives.
 */
#include "account/rules.h"
#include "account/tokens.h"

struct refresh_work {
	struct weft__load load;
	struct weft_account_call call;
	const struct weft_account_who *old;
	struct weft_account_who *who;
};

static int check_session(struct weft__tx *tx, struct refresh_work *work, int64_t now)
{
	int64_t ends = 0;
	int found = weft__tx_number(tx, &ends,
		"SELECT CASE WHEN seen + idle < expires THEN seen + idle ELSE expires END"
		" FROM sessions WHERE id = ?1",
		"i", work->old->session);

	if (found < 0)
		return -1;
	if (!found)
		return weft__refuse(&work->call, WEFT_ACCOUNT_REVOKED);
	return now < ends ? 0 : weft__refuse(&work->call, WEFT_ACCOUNT_EXPIRED);
}

static int refresh(struct weft__tx *tx, void *arg)
{
	struct refresh_work *work = arg;
	int64_t now = weft__accounts_now_s(work->load.accounts);
	struct weft__entry entry = {.session = work->old->session};
	struct weft__token_row token;
	struct weft__user_row row;
	int found;

	weft_account_who_free(work->who);
	work->who = NULL;
	found = weft__user_by_id(tx, work->old->user.id, &row);
	if (found < 0)
		return -1;
	if (!found || row.user.state != WEFT_ACCOUNT_ACTIVE)
		return weft__refuse(&work->call, WEFT_ACCOUNT_LOCKED);
	if (work->old->token) {
		if (weft__token_by_id(tx, &work->call, work->old->token, now, &token) < 0)
			return -1;
		entry.token = &token.scope;
	} else if (row.epoch != work->old->rules->epoch) {
		return weft__refuse(&work->call, WEFT_ACCOUNT_REVOKED);
	}
	if (entry.session && check_session(tx, work, now) < 0)
		return -1;
	work->who = weft__who_load(tx, &work->load, &row, &entry);
	return work->who ? 0 : -1;
}

int weft_account_who_refresh(struct weft_account_who *who, struct weft_account_who **ret_who)
{
	struct refresh_work work = {.load = weft__load_begin(who->accounts), .old = who};

	if (weft__who_is_fresh(who)) {
		*ret_who = weft_account_who_keep(who);
		return 0;
	}
	if (who->user.id == 0)
		return weft_account_stranger(who->accounts, ret_who);
	if (weft__store_transact(who->accounts->store, WEFT__TX_READ, refresh, &work) < 0) {
		weft_account_who_free(work.who);
		return -1;
	}
	*ret_who = work.who;
	return 0;
}
