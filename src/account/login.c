/*
 * login.c - letting somebody in by name and password.
 *
 *	known again? (a minute) --yes--> who
 *	   | no
 *	the account's row --> may it be tried? (throttle) --> argon2id --> who, noted and logged
 *	   |                                                    ^
 *	   +-- there is none: somebody else's hash -------------+  the same steps, the same time
 *
 * Entry points: weft_account_login(), weft__password_verify().
 * Never: a hash before the throttle was asked, or an answer that tells a name from a password.
 */
#include "account/login.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "account/cache.h"
#include "account/rules.h"
#include "account/throttle.h"

/** How long a password that was right is known again without hashing. */
#define KNOWN_NS WEFT_SECONDS(60)

/** Addresses that are remembered of one account: the last ones. */
#define PLACES_MAX 16

struct verify_work {
	const char *name;
	const char *address; /* "": this machine */
	struct weft__user_row row;
	struct weft__hash_cost cost; /* of the dearest password that there can be */
	bool is_there, is_known;
};

static int find(struct weft__tx *tx, void *arg)
{
	struct verify_work *work = arg;
	int64_t seen = 0;
	int found = weft__user_by_name(tx, work->name, &work->row);

	if (found < 0)
		return -1;
	/* For nobody as well: the same questions to the database. */
	if (weft__tx_number(tx, &seen,
		    "SELECT seen FROM places WHERE user_id = ?1 AND address = ?2", "it",
		    found ? work->row.user.id : (int64_t)0, work->address) < 0 ||
		weft__cost_read(tx, &work->cost) < 0)
		return -1;
	work->is_there = found && work->row.user.state != WEFT_ACCOUNT_IS_REMOVED;
	work->is_known = seen > 0;
	return 0;
}

static int hash_failed(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft__attempt *attempt)
{
	if (errno != EAGAIN)
		return -1; /* late or cancelled: it counts all the same */
	weft__throttle_undo(accounts->throttle, attempt, weft__accounts_now_ns(accounts));
	atomic_fetch_add(&accounts->busy, 1);
	call->wait_ns = weft__hasher_wait_ns(&accounts->hasher);
	return weft__refuse(call, WEFT_ACCOUNT_BUSY);
}

static int throttled(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct verify_work *work, int64_t wait)
{
	atomic_fetch_add(&accounts->throttled, 1);
	if (accounts->on_throttled)
		accounts->on_throttled(
			call, work->is_there ? work->name : "", accounts->on_throttled_arg);
	call->wait_ns = wait;
	return weft__refuse(call, WEFT_ACCOUNT_THROTTLED);
}

static void note_failure(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct verify_work *work, enum weft_account_fault fault)
{
	/* A name that nobody has may be a password in the wrong field: it is not kept. */
	weft__audit_result(accounts, call,
		&(struct weft_account_note){"login", work->is_there ? work->name : "",
			weft_account_fault_word(fault), NULL});
}

/*
 * The row was found, or not. Whoever fails hears the same after the same work, be the name an
 * account's or nobody's, known at this address or not.
 */
static int verify(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct verify_work *work, const char *password)
{
	struct weft__attempt attempt = {work->name, call->address};
	const char *hash =
		work->is_there && work->row.user.has_password ? work->row.password : NULL;
	bool is_quiet = false;
	int64_t wait = weft__throttle_begin(
		accounts->throttle, &attempt, weft__accounts_now_ns(accounts), &is_quiet);
	int is_right;

	if (wait > 0 && !is_quiet)
		return throttled(accounts, call, work, wait);
	weft__hasher_raise(&accounts->hasher, work->cost);
	is_right = weft__hash_check(&accounts->hasher, hash, password);
	if (is_right < 0)
		return hash_failed(accounts, call, &attempt);
	if (is_quiet && !(is_right && work->is_known)) {
		note_failure(accounts, call, work, WEFT_ACCOUNT_THROTTLED);
		return throttled(accounts, call, work, wait);
	}
	if (!is_right) {
		note_failure(accounts, call, work, WEFT_ACCOUNT_WRONG);
		return weft__refuse(call, WEFT_ACCOUNT_WRONG);
	}
	weft__throttle_right(accounts->throttle, &attempt, weft__accounts_now_ns(accounts));
	return 0;
}

int weft__password_verify(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, const char *password, struct weft__user_row *ret_row)
{
	char normal[WEFT_ACCOUNT_NAME_MAX + 1], place[WEFT_ACCOUNT_ADDRESS_MAX + 1] = "";
	struct verify_work work = {.name = normal, .address = place};

	if (weft_account_name_normalise(name, normal, NULL) < 0) {
		if (errno == ENOMEM)
			return -1;
		snprintf(normal, sizeof(normal), "?"); /* nobody's, and one for all of them */
	}
	if (call->address)
		weft__throttle_address(call->address, place, sizeof(place));
	if (weft__store_transact(accounts->store, WEFT__TX_READ, find, &work) < 0 ||
		verify(accounts, call, &work, password) < 0)
		return -1;
	*ret_row = work.row;
	return 0;
}

int weft__call_hash(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *password, char ret_hash[WEFT__HASH_SIZE])
{
	if (weft__hash_make(&accounts->hasher, password, ret_hash) == 0)
		return 0;
	if (errno != EAGAIN)
		return -1;
	atomic_fetch_add(&accounts->busy, 1);
	call->wait_ns = weft__hasher_wait_ns(&accounts->hasher);
	return weft__refuse(call, WEFT_ACCOUNT_BUSY);
}

/* ---- Letting in ----------------------------------------------------------------------------- */

struct enter_work {
	struct weft__load load;
	struct weft_account_call *call;
	const struct weft__user_row *verified;
	const char *better_hash; /* NULL: the old one is good */
	struct weft_account_who *who;
};

static int note_place(struct weft__tx *tx, const struct enter_work *work, int64_t now)
{
	char place[WEFT_ACCOUNT_ADDRESS_MAX + 1];
	int64_t id = work->verified->user.id;

	if (!work->call->address)
		return 0;
	weft__throttle_address(work->call->address, place, sizeof(place));
	if (weft__tx_run(tx,
		    "INSERT INTO places (user_id, address, seen) VALUES (?1, ?2, ?3)"
		    " ON CONFLICT (user_id, address) DO UPDATE SET seen = excluded.seen",
		    "iti", id, place, now) < 0)
		return -1;
	return weft__tx_run(tx,
		       "DELETE FROM places WHERE user_id = ?1 AND address NOT IN"
		       " (SELECT address FROM places WHERE user_id = ?1"
		       " ORDER BY seen DESC, address LIMIT ?2)",
		       "ii", id, (int64_t)PLACES_MAX) < 0
		       ? -1
		       : 0;
}

static int enter(struct weft__tx *tx, void *arg)
{
	struct enter_work *work = arg;
	int64_t id = work->verified->user.id;
	struct weft__deed deed = {.accounts = work->load.accounts,
		.call = work->call,
		.action = "login",
		.now_s = weft__accounts_now_s(work->load.accounts)};
	struct weft__user_row row;
	int found = weft__user_by_id(tx, id, &row);

	weft_account_who_free(work->who);
	work->who = NULL;
	if (found < 0)
		return -1;
	/* While it was hashed the password was changed: the one that was given is old. */
	if (!found || row.epoch != work->verified->epoch)
		return weft__refuse(work->call, WEFT_ACCOUNT_WRONG);
	if (weft__tx_run(tx,
		    "UPDATE users SET seen = ?2, password = coalesce(?3, password) WHERE id = ?1",
		    "iit", id, deed.now_s, work->better_hash) < 0 ||
		note_place(tx, work, deed.now_s) < 0)
		return -1;
	row.user.seen_s = deed.now_s;
	deed.target = row.user.name;
	if (weft__audit_write(tx, &deed, "ok") < 0)
		return -1;
	work->who = weft__who_load(tx, &work->load, &row, &(struct weft__entry){0});
	return work->who ? 0 : -1;
}

static int let_in(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft__user_row *row, const char *password, struct weft_account_who **ret_who)
{
	struct enter_work work = {
		.load = weft__load_begin(accounts), .call = call, .verified = row};
	char better[WEFT__HASH_SIZE];

	/* The cost was raised since; where there is no room for it now, then at the next login. */
	if (weft__hash_is_cheap(&accounts->hasher, row->password) &&
		weft__hash_make(&accounts->hasher, password, better) == 0)
		work.better_hash = better;
	if (weft__store_transact(accounts->store, WEFT__TX_LAZILY, enter, &work) < 0) {
		weft_account_who_free(work.who);
		return -1;
	}
	*ret_who = work.who;
	return 0;
}

/* Right a moment ago, from there, and nothing has changed since. */
static struct weft_account_who *known_again(
	struct weft_accounts *accounts, const struct weft__digest *digest)
{
	struct weft_account_who *who, *now = NULL;
	int64_t put_ns = 0, age;

	who = weft__cache_get(accounts->cache, digest, &put_ns);
	if (!who)
		return NULL;
	age = weft__accounts_now_ns(accounts) - put_ns;
	if (age < 0 || age >= KNOWN_NS || weft_account_who_refresh(who, &now) < 0)
		now = NULL;
	/* The name that was given may be another's now. */
	if (now && strcmp(now->user.name, who->user.name) != 0) {
		weft_account_who_free(now);
		now = NULL;
	}
	if (!now) {
		weft__cache_drop(accounts->cache, digest);
	} else if (now != who) {
		/* Fresher, and not longer good for that. */
		weft__cache_put(accounts->cache, digest, now, put_ns);
	}
	weft_account_who_free(who);
	return now;
}

int weft_account_login(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, const char *password, struct weft_account_who **ret_who)
{
	const char *shown[] = {name, call->address ? call->address : "", password};
	struct weft_account_who *who;
	struct weft__user_row row;
	struct weft__digest digest;

	weft__call_begin(call);
	weft__cache_digest(accounts->cache, shown, 3, &digest);
	who = known_again(accounts, &digest);
	if (who) {
		*ret_who = who;
		return 0;
	}
	if (weft__password_verify(accounts, call, name, password, &row) < 0)
		return -1;
	if (row.user.state != WEFT_ACCOUNT_ACTIVE) {
		weft__audit_result(accounts, call,
			&(struct weft_account_note){"login", row.user.name,
				weft_account_fault_word(WEFT_ACCOUNT_LOCKED), NULL});
		return weft__refuse(call, WEFT_ACCOUNT_LOCKED);
	}
	if (let_in(accounts, call, &row, password, ret_who) < 0)
		return -1;
	weft__cache_put(accounts->cache, &digest, *ret_who, weft__accounts_now_ns(accounts));
	return 0;
}
