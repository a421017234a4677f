/*
 * sessions.c - sessions: begun, known again, listed, ended.
 *
 * Entry points: weft_account_session_begin(), weft_account_session_check().
 * Never: puts a session's secret where it can be read again.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "account/cache.h"
#include "account/rules.h"

/** How old "last seen" may be before it is written anew. */
#define SEEN_EVERY_S 60

/** Sessions of one person; the oldest makes room. */
#define SESSIONS_MAX 100

/* ---- Begin ---------------------------------------------------------------------------------- */

struct begin_work {
	const struct weft_account_who *who;
	const char *label;
	struct weft__digest digest;
};

static int begin(struct weft__tx *tx, struct weft__deed *deed)
{
	const struct begin_work *work = deed->arg;
	const struct weft_accounts *accounts = deed->accounts;
	int64_t id = work->who->user.id;
	struct weft__user_row row;
	int found = weft__user_by_id(tx, id, &row);

	if (found < 0)
		return -1;
	if (!found || row.user.state != WEFT_ACCOUNT_ACTIVE ||
		row.epoch != work->who->rules->epoch || work->who->token)
		return weft__refuse(deed->call, WEFT_ACCOUNT_REVOKED);
	if (weft__tx_run(tx,
		    "DELETE FROM sessions WHERE user_id = ?1 AND (expires <= ?2 OR id NOT IN"
		    " (SELECT id FROM sessions WHERE user_id = ?1 ORDER BY seen DESC, id DESC "
		    "LIMIT ?3))",
		    "iii", id, deed->now_s, (int64_t)SESSIONS_MAX - 1) < 0)
		return -1;
	return weft__tx_run(tx,
		       "INSERT INTO sessions"
		       " (secret, user_id, label, address, door, created, seen, expires, idle)"
		       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8)",
		       "bitttiii", work->digest.bytes, sizeof(work->digest.bytes), id, work->label,
		       deed->call->address ? deed->call->address : "",
		       deed->call->door ? deed->call->door : "", deed->now_s,
		       deed->now_s + accounts->session_age_s, accounts->session_idle_s) < 0
		       ? -1
		       : 0;
}

int weft_account_session_begin(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_who *who, const char *label,
	char ret_secret[WEFT_ACCOUNT_SECRET_SIZE])
{
	struct begin_work work = {.who = who, .label = label ? label : ""};
	char secret[WEFT_ACCOUNT_SECRET_SIZE];
	struct weft__deed deed = {.accounts = accounts,
		.call = call,
		.fn = begin,
		.arg = &work,
		.allows_unchanged = true,
		.is_lazy = true};

	weft__call_begin(call);
	if (who->user.id == 0)
		return weft__refuse(call, WEFT_ACCOUNT_NOT_ALLOWED);
	if (!weft__text_is_fine(work.label, WEFT_ACCOUNT_LABEL_MAX))
		return weft__refuse(call, WEFT_ACCOUNT_BAD_TEXT);
	weft__secret_make(WEFT__SECRET_SESSION, secret, &work.digest);
	if (weft__deed_do(&deed) < 0)
		return -1;
	memcpy(ret_secret, secret, sizeof(secret));
	return 0;
}

/* ---- Check ---------------------------------------------------------------------------------- */

struct check_work {
	struct weft__load load;
	struct weft_account_call *call;
	struct weft__digest digest;
	struct weft_account_who *who;
	struct session {
		int64_t id, user, seen, expires, idle;
	} session;
};

static int take_session(const struct weft__value *columns, void *arg)
{
	struct session *session = arg;

	*session = (struct session){columns[0].number, columns[1].number, columns[2].number,
		columns[3].number, columns[4].number};
	return 0;
}

static int check(struct weft__tx *tx, void *arg)
{
	struct check_work *work = arg;
	struct session *session = &work->session;
	int64_t now = weft__accounts_now_s(work->load.accounts), found;
	struct weft__user_row row;

	weft_account_who_free(work->who);
	work->who = NULL;
	found = weft__tx_read(tx, (struct weft__reader){take_session, session},
		"SELECT id, user_id, seen, expires, idle FROM sessions WHERE secret = ?1", "b",
		work->digest.bytes, sizeof(work->digest.bytes));
	if (found < 0)
		return -1;
	if (!found)
		return weft__refuse(work->call, WEFT_ACCOUNT_REVOKED);
	if (now >= session->expires || now >= session->seen + session->idle)
		return weft__refuse(work->call, WEFT_ACCOUNT_EXPIRED);
	if (weft__user_by_id(tx, session->user, &row) < 0)
		return -1;
	if (row.user.state != WEFT_ACCOUNT_ACTIVE)
		return weft__refuse(work->call, WEFT_ACCOUNT_LOCKED);
	work->who = weft__who_load(
		tx, &work->load, &row, &(struct weft__entry){.session = session->id});
	return work->who ? 0 : -1;
}

static int note_seen(struct weft__tx *tx, void *arg)
{
	const struct check_work *work = arg;
	int64_t now = weft__accounts_now_s(work->load.accounts);

	if (weft__tx_run(tx, "UPDATE sessions SET seen = ?2 WHERE id = ?1", "ii", work->session.id,
		    now) < 0)
		return -1;
	return weft__tx_run(tx, "UPDATE users SET seen = ?2 WHERE id = ?1", "ii",
		       work->session.user, now) < 0
		       ? -1
		       : 0;
}

static int check_anew(struct check_work *work)
{
	struct weft_accounts *accounts = work->load.accounts;

	if (weft__store_transact(accounts->store, WEFT__TX_READ, check, work) < 0) {
		weft_account_who_free(work->who);
		weft__cache_drop(accounts->cache, &work->digest);
		return -1;
	}
	weft__cache_put(accounts->cache, &work->digest, work->who, weft__accounts_now_ns(accounts));
	/* That it was seen is worth no failure of who only wanted to come in. */
	if (weft__accounts_now_s(accounts) - work->session.seen >= SEEN_EVERY_S)
		weft__store_transact(accounts->store, WEFT__TX_LAZILY, note_seen, work);
	return 0;
}

int weft_account_session_check(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *secret, struct weft_account_who **ret_who)
{
	struct check_work work = {.load = weft__load_begin(accounts), .call = call};
	struct weft_account_who *who;

	weft__call_begin(call);
	if (!weft__secret_read(WEFT__SECRET_SESSION, secret, &work.digest))
		return weft__refuse(call, WEFT_ACCOUNT_REVOKED);
	who = weft__cache_get(accounts->cache, &work.digest, NULL);
	if (who && weft__who_is_fresh(who)) {
		*ret_who = who;
		return 0;
	}
	weft_account_who_free(who);
	if (check_anew(&work) < 0)
		return -1;
	*ret_who = work.who;
	return 0;
}

/* ---- End ------------------------------------------------------------------------------------ */

static int end(struct weft__tx *tx, struct weft__deed *deed)
{
	const struct weft__digest *digest = deed->arg;

	return weft__tx_run(tx, "DELETE FROM sessions WHERE secret = ?1", "b", digest->bytes,
		       sizeof(digest->bytes)) < 0
		       ? -1
		       : 0;
}

int weft_account_session_end(
	struct weft_accounts *accounts, struct weft_account_call *call, const char *secret)
{
	struct weft__digest digest;
	struct weft_account_call plain = {.address = call->address, .door = call->door};
	struct weft__deed deed = {.accounts = accounts, .call = &plain, .fn = end, .arg = &digest};
	int result;

	weft__call_begin(call);
	if (!weft__secret_read(WEFT__SECRET_SESSION, secret, &digest))
		return 0;
	result = weft__deed_do(&deed);
	weft__cache_drop(accounts->cache, &digest);
	call->fault = plain.fault;
	return result;
}

/* ---- Listing, revoking ---------------------------------------------------------------------- */

struct list_work {
	const char *name;
	struct weft_account_sessions *list;
};

static int take_row(const struct weft__value *columns, void *arg)
{
	struct weft_account_sessions *list = arg;
	void *items = list->sessions;
	struct weft_account_session *session =
		weft__list_grow(&items, &list->count, sizeof(*session));

	list->sessions = items;
	if (!session)
		return -1;
	session->id = columns[0].number;
	weft__value_text(&columns[1], session->label, sizeof(session->label));
	weft__value_text(&columns[2], session->address, sizeof(session->address));
	weft__value_text(&columns[3], session->door, sizeof(session->door));
	session->created_s = columns[4].number;
	session->seen_s = columns[5].number;
	session->expires_s = columns[6].number;
	return 0;
}

static int list(struct weft__tx *tx, struct weft__deed *deed)
{
	struct list_work *work = deed->arg;
	struct weft__user_row row;

	weft_account_sessions_fini(work->list);
	if (weft__deed_user(tx, deed, work->name, &row) < 0)
		return -1;
	return weft__tx_read(tx, (struct weft__reader){take_row, work->list},
		       "SELECT id, label, address, door, created, seen,"
		       " CASE WHEN seen + idle < expires THEN seen + idle ELSE expires END"
		       " FROM sessions WHERE user_id = ?1 AND expires > ?2 AND seen + idle > ?2"
		       " ORDER BY id DESC",
		       "ii", row.user.id, deed->now_s) < 0
		       ? -1
		       : 0;
}

int weft_account_sessions(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, struct weft_account_sessions *ret_sessions)
{
	struct weft_account_sessions found = {.count = 0};
	struct weft__name normal;
	struct list_work work = {normal.text, &found};
	struct weft__deed deed = {.accounts = accounts, .call = call, .fn = list, .arg = &work};

	weft__call_begin(call);
	if (weft__call_lookup(call, name, &normal) < 0)
		return -1;
	if (weft__deed_look(&deed) < 0) {
		weft_account_sessions_fini(&found);
		return -1;
	}
	*ret_sessions = found;
	return 0;
}

int weft_account_session_revoke(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, int64_t id)
{
	static const struct weft__ending ending = {"session.revoke",
		"DELETE FROM sessions WHERE user_id = ?1 AND (id = ?2 OR ?2 = 0)"};

	return weft__user_end(accounts, call, &ending, name, id);
}
