/*
 * inside.h - what the files of accounts share: the handle, and deeds.
 *
 *	a call of weft/account.h
 *	   |  its texts judged and normalised: no database yet
 *	   v
 *	weft__deed_do()   BEGIN; may the caller? ; fn(tx, deed); a line in the audit log; COMMIT
 *	   |                                 |
 *	   v                                 +-- refused: ROLLBACK; what was refused is logged, too
 *	what came of it
 *
 * Never: a change that does not go through a deed, or a right that is judged by anything older than
 * the transaction that makes the change.
 */
#ifndef ACCOUNT_INSIDE_H
#define ACCOUNT_INSIDE_H

#include <stdatomic.h>

#include "account/hash.h"
#include "account/names.h"
#include "account/quota.h"
#include "store/store.h"
#include "weft/account_session.h"

struct weft__throttle;
struct weft__cache;
struct weft_thread;

struct weft_accounts {
	struct weft__store *store;
	struct weft__hasher hasher;
	struct weft_thread *tuner; /* finds out what a password may cost; NULL: nobody does */
	atomic_bool is_closing;
	struct weft__throttle *throttle;
	struct weft__cache *cache;
	struct weft__quota quota;
	char *site; /* NULL: none */
	int64_t session_idle_s, session_age_s, who_fresh_ns;
	int64_t (*wall_now)(void *arg); /* NULL: the real clock */
	void *clock_arg;
	_Atomic uint64_t changes; /* that this process has made: what was looked up before is old */
	_Atomic uint64_t throttled, busy;
	void (*on_throttled)(const struct weft_account_call *call, const char *name, void *arg);
	void *on_throttled_arg;
};

/** Seconds since 1970; and a clock for waits (the same one, where the options give one). */
int64_t weft__accounts_now_s(const struct weft_accounts *accounts);
int64_t weft__accounts_now_ns(const struct weft_accounts *accounts);

/** What a password costs by the database, which other processes raise; 0: it doesn't say. */
int weft__cost_read(struct weft__tx *tx, struct weft__hash_cost *ret_cost);

/* ---- Refusing ------------------------------------------------------------------------------- */

/** The errno that goes with a fault. */
int weft__fault_errno(enum weft_account_fault fault);

/** Begin a call: what it said last is forgotten. */
void weft__call_begin(struct weft_account_call *call);

/** Note the fault in the call, and its errno. */
void weft__call_blame(struct weft_account_call *call, enum weft_account_fault fault);

/** The same, and -1. */
static inline int weft__refuse(struct weft_account_call *call, enum weft_account_fault fault)
{
	weft__call_blame(call, fault);
	return -1;
}

/** weft__name_read() for a call: 0, or -1 with the fault in it. */
int weft__call_name(struct weft_account_call *call, const char *text, struct weft__name *ret_name);

/** The same of a name that is looked up: what can't be a name is one that nobody has. */
int weft__call_lookup(
	struct weft_account_call *call, const char *text, struct weft__name *ret_name);

/* ---- Deeds ---------------------------------------------------------------------------------- */

struct weft__deed;
typedef int weft__deed_fn(struct weft__tx *tx, struct weft__deed *deed);

struct weft__deed {
	struct weft_accounts *accounts;
	struct weft_account_call *call;
	weft__deed_fn *fn; /* on another thread; it may be called again from the start */
	void *arg;
	const char *action; /* for the log; NULL: it isn't logged */
	const char *target;
	const char *detail;    /* NULL: ""; may be set by fn */
	const char *result;    /* of what went well, for the log; NULL: "ok" */
	unsigned needs;        /* enum weft_account_power; 0: fn judges itself */
	bool is_lazy;          /* a crash of the machine may take it back */
	bool allows_unchanged; /* a caller whose password must be changed may do it */

	/* What is known of the caller, from the same transaction. */
	unsigned powers;
	int64_t caller; /* id; 0: nobody, or local */
	int64_t now_s;
};

/** A change. What fn returned, or -1. */
int weft__deed_do(struct weft__deed *deed);

/** The same for what only looks. */
int weft__deed_look(struct weft__deed *deed);

/** Whether the caller may do it for that user: she is that one herself (by no token), or MANAGES.
 */
bool weft__deed_may(const struct weft__deed *deed, int64_t user);

/** A line in the audit log, within a transaction; and in one of its own, lazily, if it can be had.
 */
int weft__audit_write(struct weft__tx *tx, const struct weft__deed *deed, const char *result);
void weft__audit_result(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_note *note);

/* ---- Rows of users -------------------------------------------------------------------------- */

struct weft__user_row {
	struct weft_account_user user;
	int64_t epoch;
	unsigned powers; /* of the role */
	char password[WEFT__HASH_SIZE];
};

/* clang-format off */
#define WEFT__USER_COLUMNS \
	"SELECT u.id, u.name, u.display_name, u.role, u.home, u.state, u.password, u.must_change," \
	" u.created, u.seen, u.quota, u.used, u.epoch, r.powers " \
	"FROM users u JOIN roles r ON r.name = u.role "
/* clang-format on */

/** A row of these columns. */
void weft__user_of(const struct weft__value *columns, struct weft__user_row *ret_row);

/** 1, or 0 where there is none (removed ones are there), or -1. */
int weft__user_by_name(struct weft__tx *tx, const char *name, struct weft__user_row *ret_row);
int weft__user_by_id(struct weft__tx *tx, int64_t id, struct weft__user_row *ret_row);

/** The same for a deed: 0, or -1 with the fault (and NAME_UNKNOWN for who may not know more). */
int weft__deed_user(struct weft__tx *tx, struct weft__deed *deed, const char *name,
	struct weft__user_row *ret_row);

/** Whether the deed's caller may change that user: -1 with a fault where the user may do more. */
int weft__deed_over(struct weft__deed *deed, const struct weft__user_row *row);

/** Throw out what was let in as that user, sessions included: another epoch. */
int weft__user_throw_out(struct weft__tx *tx, int64_t id);

/** How what lets a person in is ended: sessions, tokens. */
struct weft__ending {
	const char *action; /* for the audit log */
	const char *sql;    /* ?1: the person, ?2: the id, or 0: all of hers */
};

/** End one, or (id 0) all; by herself, or MANAGES. -1: also ENOENT. */
int weft__user_end(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft__ending *ending, const char *name, int64_t id);

/** -1 with LAST_ADMIN, where nobody else than that user may manage accounts. */
int weft__deed_not_last(struct weft__tx *tx, struct weft__deed *deed, int64_t user);

/** A page's limit: as it is asked for, in bounds. */
unsigned weft__page_limit(unsigned limit);

/** An array that grows by one item; NULL with ENOMEM (the old one is as it was). */
void *weft__list_grow(void **list, size_t *count, size_t item_size);

#endif
