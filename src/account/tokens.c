/*
 * tokens.c - tokens for programs: made, known again, listed, revoked.
 *
 * Entry points: weft_account_token_add(), weft_account_token_check().
 * Never: a token that may more than its owner, or that makes another.
 */
#include "account/tokens.h"

#include <errno.h>
#include <string.h>

#include "account/cache.h"

/** Tokens of one person. */
#define TOKENS_MAX 100

#define SEEN_EVERY_S 60

/* ---- Rows ----------------------------------------------------------------------------------- */

#define TOKEN_COLUMNS "SELECT id, user_id, rights, powers, folder, seen, expires FROM tokens "

static int take_token(const struct weft__value *columns, void *arg)
{
	struct weft__token_row *row = arg;

	row->scope.id = columns[0].number;
	row->user = columns[1].number;
	row->scope.rights = (unsigned)columns[2].number;
	row->scope.powers = (unsigned)columns[3].number;
	weft__value_text(&columns[4], row->folder, sizeof(row->folder));
	row->scope.folder = row->folder;
	row->seen = columns[5].number;
	row->expires = columns[6].number;
	return 0;
}

static int judge(struct weft_account_call *call, int64_t found, int64_t now,
	const struct weft__token_row *row)
{
	if (found < 0)
		return -1;
	if (!found)
		return weft__refuse(call, WEFT_ACCOUNT_REVOKED);
	return row->expires && now >= row->expires ? weft__refuse(call, WEFT_ACCOUNT_EXPIRED) : 0;
}

int weft__token_by_id(struct weft__tx *tx, struct weft_account_call *call, int64_t id, int64_t now,
	struct weft__token_row *ret_row)
{
	int64_t found = weft__tx_read(tx, (struct weft__reader){take_token, ret_row},
		TOKEN_COLUMNS "WHERE id = ?1", "i", id);

	return judge(call, found, now, ret_row);
}

/* ---- Add ------------------------------------------------------------------------------------ */

struct add_work {
	const char *name;
	const struct weft_account_token *token;
	struct weft__digest digest;
};

static int add(struct weft__tx *tx, struct weft__deed *deed)
{
	const struct add_work *work = deed->arg;
	const struct weft_account_token *token = work->token;
	struct weft__user_row row;
	int64_t count = 0;

	if (weft__deed_user(tx, deed, work->name, &row) < 0)
		return -1;
	/* Who manages accounts could act as anybody, were she to make their tokens. */
	if (!deed->call->is_local && (deed->caller != row.user.id || deed->call->who->token))
		return weft__refuse(deed->call, WEFT_ACCOUNT_NOT_ALLOWED);
	if (token->expires_s && token->expires_s <= deed->now_s)
		return weft__refuse(deed->call, WEFT_ACCOUNT_BAD_NUMBER);
	if (weft__tx_number(tx, &count, "SELECT count(*) FROM tokens WHERE user_id = ?1", "i",
		    row.user.id) < 0)
		return -1;
	if (count >= TOKENS_MAX)
		return weft__refuse(deed->call, WEFT_ACCOUNT_TOO_MANY);
	return weft__tx_run(tx,
		       "INSERT INTO tokens"
		       " (secret, user_id, label, rights, powers, folder, created, expires)"
		       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
		       "bitiitii", work->digest.bytes, sizeof(work->digest.bytes), row.user.id,
		       token->label, (int64_t)token->rights, (int64_t)token->powers, token->folder,
		       deed->now_s, token->expires_s) < 0
		       ? -1
		       : 0;
}

static enum weft_account_fault judge_token(const struct weft_account_token *token)
{
	if (!weft__text_is_fine(token->label, WEFT_ACCOUNT_LABEL_MAX))
		return WEFT_ACCOUNT_BAD_TEXT;
	if (!weft__folder_is_fine(token->folder))
		return WEFT_ACCOUNT_BAD_PATH;
	if (token->rights & ~(unsigned)WEFT_ACCOUNT_ALL_RIGHTS ||
		token->powers & ~(unsigned)WEFT_ACCOUNT_ALL_POWERS || token->expires_s < 0)
		return WEFT_ACCOUNT_BAD_NUMBER;
	return WEFT_ACCOUNT_FAULT_NONE;
}

int weft_account_token_add(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, const struct weft_account_token *token,
	char ret_secret[WEFT_ACCOUNT_SECRET_SIZE])
{
	enum weft_account_fault fault = judge_token(token);
	char secret[WEFT_ACCOUNT_SECRET_SIZE];
	struct weft__name normal;
	struct add_work work = {.name = normal.text, .token = token};
	struct weft__deed deed = {.accounts = accounts,
		.call = call,
		.fn = add,
		.arg = &work,
		.action = "token.add",
		.target = normal.text,
		.detail = token->label};

	weft__call_begin(call);
	if (fault != WEFT_ACCOUNT_FAULT_NONE)
		return weft__refuse(call, fault);
	if (weft__call_lookup(call, name, &normal) < 0)
		return -1;
	weft__secret_make(WEFT__SECRET_TOKEN, secret, &work.digest);
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
	struct weft__token_row row;
	struct weft_account_who *who;
};

static int check(struct weft__tx *tx, void *arg)
{
	struct check_work *work = arg;
	struct weft__user_row user;
	int64_t found;

	weft_account_who_free(work->who);
	work->who = NULL;
	found = weft__tx_read(tx, (struct weft__reader){take_token, &work->row},
		TOKEN_COLUMNS "WHERE secret = ?1", "b", work->digest.bytes,
		sizeof(work->digest.bytes));
	if (judge(work->call, found, weft__accounts_now_s(work->load.accounts), &work->row) < 0 ||
		weft__user_by_id(tx, work->row.user, &user) < 0)
		return -1;
	if (user.user.state != WEFT_ACCOUNT_ACTIVE)
		return weft__refuse(work->call, WEFT_ACCOUNT_LOCKED);
	work->who = weft__who_load(
		tx, &work->load, &user, &(struct weft__entry){.token = &work->row.scope});
	return work->who ? 0 : -1;
}

static int note_seen(struct weft__tx *tx, void *arg)
{
	const struct check_work *work = arg;

	return weft__tx_run(tx, "UPDATE tokens SET seen = ?2 WHERE id = ?1", "ii",
		       work->row.scope.id, weft__accounts_now_s(work->load.accounts)) < 0
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
	if (weft__accounts_now_s(accounts) - work->row.seen >= SEEN_EVERY_S)
		weft__store_transact(accounts->store, WEFT__TX_LAZILY, note_seen, work);
	return 0;
}

int weft_account_token_check(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *secret, struct weft_account_who **ret_who)
{
	struct check_work work = {.load = weft__load_begin(accounts), .call = call};
	struct weft_account_who *who;

	weft__call_begin(call);
	if (!weft__secret_read(WEFT__SECRET_TOKEN, secret, &work.digest))
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

/* ---- Listing, revoking ---------------------------------------------------------------------- */

struct list_work {
	const char *name;
	struct weft_account_tokens *list;
};

static int take_row(const struct weft__value *columns, void *arg)
{
	struct weft_account_tokens *list = arg;
	void *items = list->tokens;
	struct weft_account_token *token = weft__list_grow(&items, &list->count, sizeof(*token));

	list->tokens = items;
	if (!token)
		return -1;
	token->id = columns[0].number;
	weft__value_text(&columns[1], token->label, sizeof(token->label));
	token->rights = (unsigned)columns[2].number;
	token->powers = (unsigned)columns[3].number;
	weft__value_text(&columns[4], token->folder, sizeof(token->folder));
	token->created_s = columns[5].number;
	token->seen_s = columns[6].number;
	token->expires_s = columns[7].number;
	return 0;
}

static int list(struct weft__tx *tx, struct weft__deed *deed)
{
	struct list_work *work = deed->arg;
	struct weft__user_row row;

	weft_account_tokens_fini(work->list);
	if (weft__deed_user(tx, deed, work->name, &row) < 0)
		return -1;
	return weft__tx_read(tx, (struct weft__reader){take_row, work->list},
		       "SELECT id, label, rights, powers, folder, created, seen, expires"
		       " FROM tokens WHERE user_id = ?1 ORDER BY id DESC",
		       "i", row.user.id) < 0
		       ? -1
		       : 0;
}

int weft_account_tokens(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, struct weft_account_tokens *ret_tokens)
{
	struct weft_account_tokens found = {.count = 0};
	struct weft__name normal;
	struct list_work work = {normal.text, &found};
	struct weft__deed deed = {.accounts = accounts, .call = call, .fn = list, .arg = &work};

	weft__call_begin(call);
	if (weft__call_lookup(call, name, &normal) < 0)
		return -1;
	if (weft__deed_look(&deed) < 0) {
		weft_account_tokens_fini(&found);
		return -1;
	}
	*ret_tokens = found;
	return 0;
}

int weft_account_token_remove(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, int64_t id)
{
	static const struct weft__ending ending = {
		"token.remove", "DELETE FROM tokens WHERE user_id = ?1 AND (id = ?2 OR ?2 = 0)"};

	return weft__user_end(accounts, call, &ending, name, id);
}
