/*
 * accounts.c - opening and closing; the clock; what is common to all calls.
 *
 * Entry points: weft_accounts_open(), weft_accounts_close().
 * Never: lets a password cost less than the database says it did.
 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "account/cache.h"
#include "account/inside.h"
#include "account/password.h"
#include "account/schema.h"
#include "account/throttle.h"
#include "weft/fiber.h"
#include "weft/scope.h"
#include "weft/thread.h"

#define HASH_THREADS_MAX     4
#define HASH_QUEUE_DEFAULT   64
#define HASH_GOAL_NS         WEFT_MILLISECONDS(100)
#define TUNER_NICE           10
#define TUNING_LATER_NS      WEFT_SECONDS(1)
#define SESSION_IDLE_DEFAULT ((int64_t)7 * 24 * 3600)
#define SESSION_AGE_DEFAULT  ((int64_t)30 * 24 * 3600)
#define WHO_FRESH_DEFAULT_NS WEFT_SECONDS(1)

/* ---- The clock ------------------------------------------------------------------------------ */

int64_t weft__accounts_now_s(const struct weft_accounts *accounts)
{
	int64_t now =
		accounts->wall_now ? accounts->wall_now(accounts->clock_arg) : weft_wall_now();

	return now / WEFT_SECONDS(1);
}

int64_t weft__accounts_now_ns(const struct weft_accounts *accounts)
{
	return accounts->wall_now ? accounts->wall_now(accounts->clock_arg) : weft_now();
}

/* ---- The cost of a password ----------------------------------------------------------------- */

struct cost_work {
	const struct weft_accounts_options *options;
	struct weft__hash_cost cost;
};

static int take_setting(const struct weft__value *columns, void *arg)
{
	struct weft__hash_cost *cost = arg;
	unsigned value = (unsigned)columns[1].number;

	if (strcmp(columns[0].bytes, "hash_kib") == 0)
		cost->kib = value;
	else if (strcmp(columns[0].bytes, "hash_passes") == 0)
		cost->passes = value;
	return 0;
}

int weft__cost_read(struct weft__tx *tx, struct weft__hash_cost *ret_cost)
{
	*ret_cost = (struct weft__hash_cost){0, 0};
	return weft__tx_read(tx, (struct weft__reader){take_setting, ret_cost},
		       "SELECT name, value FROM settings", "") < 0
		       ? -1
		       : 0;
}

static int read_cost(struct weft__tx *tx, void *arg)
{
	return weft__cost_read(tx, &((struct cost_work *)arg)->cost);
}

static int write_cost(struct weft__tx *tx, void *arg)
{
	const struct cost_work *work = arg;
	static const char sql[] = "INSERT INTO settings (name, value) VALUES (?1, ?2)"
				  " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
				  " WHERE excluded.value > settings.value";

	if (weft__tx_run(tx, sql, "ti", "hash_kib", (int64_t)work->cost.kib) < 0)
		return -1;
	return weft__tx_run(tx, sql, "ti", "hash_passes", (int64_t)work->cost.passes) < 0 ? -1 : 0;
}

static unsigned larger(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

/* What it was once in this database, and what the options ask for. */
static int choose_cost(struct weft_accounts *accounts, const struct weft_accounts_options *options,
	struct weft__hash_cost *ret_cost)
{
	struct cost_work work = {.options = options};
	struct weft__hash_cost kept;
	unsigned kib = options->hash_kib ? options->hash_kib : WEFT_ACCOUNT_HASH_KIB;
	unsigned passes = options->hash_passes ? options->hash_passes : WEFT_ACCOUNT_HASH_PASSES;

	if (weft__store_transact(accounts->store, WEFT__TX_READ, read_cost, &work) < 0)
		return -1;
	kept = work.cost;
	work.cost.kib = larger(kept.kib, kib);
	work.cost.passes = larger(kept.passes, passes);
	if ((work.cost.kib > kept.kib || work.cost.passes > kept.passes) && !options->is_weak &&
		weft__store_transact(accounts->store, WEFT__TX_LAZILY, write_cost, &work) < 0)
		return -1;
	*ret_cost = work.cost;
	return 0;
}

/* What this machine can is for later: nobody waits for it, and it waits for all others. */
static int tune(void *arg)
{
	struct weft_accounts *accounts = arg;
	struct weft__hash_cost least = weft__hasher_cost(&accounts->hasher);
	struct cost_work work;

	if (weft_sleep(TUNING_LATER_NS) < 0)
		return 0; /* it is closed */
	setpriority(PRIO_PROCESS, (id_t)gettid(), TUNER_NICE);
	work.cost = weft__hash_tune(least, HASH_GOAL_NS, &accounts->is_closing);
	if (work.cost.kib <= least.kib && work.cost.passes <= least.passes)
		return 0;
	/* In this order: what a password has cost here it costs after the next start, too. */
	if (weft__store_transact(accounts->store, WEFT__TX_LAZILY, write_cost, &work) < 0)
		return -1;
	weft__hasher_raise(&accounts->hasher, work.cost);
	return 0;
}

static int start_tuning(struct weft_accounts *accounts)
{
	const struct weft_thread_options options = {.name = "weft tuning"};

	accounts->tuner = weft_thread_new(&options, tune, accounts);
	return accounts->tuner ? weft_thread_start(accounts->tuner) : -1;
}

static void stop_tuning(struct weft_accounts *accounts)
{
	atomic_store(&accounts->is_closing, true);
	if (accounts->tuner) {
		weft_thread_cancel(accounts->tuner);
		WEFT_SHIELDED
			weft_thread_join(accounts->tuner, NULL, WEFT_FOREVER);
	}
	weft_thread_free(accounts->tuner);
}

static int start_hashing(
	struct weft_accounts *accounts, const struct weft_accounts_options *options)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN) / 2;
	unsigned threads = cores < 1                  ? 1
			   : cores > HASH_THREADS_MAX ? HASH_THREADS_MAX
						      : (unsigned)cores;
	struct weft__hash_cost cost;

	if (choose_cost(accounts, options, &cost) < 0)
		return -1;
	return weft__hasher_init(&accounts->hasher, cost,
		options->hash_threads ? options->hash_threads : threads,
		options->hash_queue ? options->hash_queue : HASH_QUEUE_DEFAULT);
}

/* ---- Life ----------------------------------------------------------------------------------- */

static bool options_are_fine(const struct weft_accounts_options *options)
{
	bool is_cheap = (options->hash_kib && options->hash_kib < WEFT_ACCOUNT_HASH_KIB) ||
			(options->hash_passes && options->hash_passes < WEFT_ACCOUNT_HASH_PASSES);

	return options->dir && (options->is_weak || !is_cheap) && options->hash_kib <= 4194304 &&
	       options->hash_passes <= 1000 && options->hash_threads <= 1024 &&
	       options->session_idle_s >= 0 && options->session_age_s >= 0 &&
	       options->who_fresh_ns >= 0 && options->busy_timeout_ns >= 0;
}

static int64_t or_default(int64_t value, int64_t usual)
{
	return value ? value : usual;
}

static int open_all(struct weft_accounts *accounts, const struct weft_accounts_options *options)
{
	struct weft__store_options store = {
		.schema = &weft__account_schema,
		.dir = options->dir,
		.busy_timeout_ns = options->busy_timeout_ns,
	};

	if (options->site && !(accounts->site = strdup(options->site)))
		return -1;
	accounts->store = weft__sqlite_open(&store);
	if (!accounts->store || start_hashing(accounts, options) < 0)
		return -1;
	accounts->throttle = weft__throttle_new(NULL);
	accounts->cache = weft__cache_new();
	if (!accounts->throttle || !accounts->cache)
		return -1;
	if (weft__quota_begin(accounts) < 0)
		return -1;
	return options->tunes ? start_tuning(accounts) : 0;
}

struct weft_accounts *weft_accounts_open(const struct weft_accounts_options *options)
{
	struct weft_accounts *accounts;

	if (!options_are_fine(options)) {
		errno = EINVAL;
		return NULL;
	}
	if (sodium_init() < 0) {
		errno = EIO;
		return NULL;
	}
	accounts = calloc(1, sizeof(*accounts));
	if (!accounts)
		return NULL;
	weft__quota_init(&accounts->quota);
	accounts->session_idle_s = or_default(options->session_idle_s, SESSION_IDLE_DEFAULT);
	accounts->session_age_s = or_default(options->session_age_s, SESSION_AGE_DEFAULT);
	accounts->who_fresh_ns = or_default(options->who_fresh_ns, WHO_FRESH_DEFAULT_NS);
	accounts->wall_now = options->wall_now;
	accounts->on_throttled = options->on_throttled;
	accounts->on_throttled_arg = options->on_throttled_arg;
	accounts->clock_arg = options->arg;
	if (open_all(accounts, options) == 0)
		return accounts;
	weft_accounts_close(accounts);
	return NULL;
}

void weft_accounts_close(struct weft_accounts *accounts)
{
	int kept = errno;

	if (!accounts)
		return;
	stop_tuning(accounts);
	weft__cache_free(accounts->cache);
	weft__throttle_free(accounts->throttle);
	weft__hasher_fini(&accounts->hasher);
	if (accounts->store)
		accounts->store->ops->close(accounts->store);
	weft__quota_fini(&accounts->quota);
	free(accounts->site);
	free(accounts);
	errno = kept;
}

/* ---- Facts ---------------------------------------------------------------------------------- */

static int count_users(struct weft__tx *tx, void *arg)
{
	return weft__tx_number(tx, arg, "SELECT count(*) FROM users WHERE state <> 4", "") < 0 ? -1
											       : 0;
}

int weft_accounts_facts(struct weft_accounts *accounts, struct weft_accounts_facts *ret_facts)
{
	struct weft__hash_cost cost = weft__hasher_cost(&accounts->hasher);
	int64_t users = 0;

	if (weft__store_transact(accounts->store, WEFT__TX_READ, count_users, &users) < 0)
		return -1;
	*ret_facts = (struct weft_accounts_facts){
		.hash_kib = cost.kib,
		.hash_passes = cost.passes,
		.hash_threads = accounts->hasher.threads,
		.hash_queue = accounts->hasher.queue,
		.hashes_waiting = weft__hasher_waiting(&accounts->hasher),
		.hashes_done = atomic_load(&accounts->hasher.done),
		.logins_throttled = atomic_load(&accounts->throttled),
		.logins_busy = atomic_load(&accounts->busy),
		.schema = accounts->store->schema,
		.users = users,
	};
	return 0;
}

enum weft_account_fault weft_account_password_judge(
	const struct weft_accounts *accounts, const char *name, const char *password)
{
	return weft__password_judge(password, name, accounts->site);
}

static int back_up(struct weft__tx *tx, struct weft__deed *deed)
{
	(void)tx;
	(void)deed;
	return 0;
}

int weft_accounts_backup(
	struct weft_accounts *accounts, struct weft_account_call *call, const char *path)
{
	struct weft__deed deed = {.accounts = accounts,
		.call = call,
		.fn = back_up,
		.action = "accounts.backup",
		.target = "",
		.result = "begun",
		.needs = WEFT_ACCOUNT_BACKS_UP};
	struct weft_account_note note = {.action = deed.action, .target = "", .result = "ok"};
	int result;

	/* Noted first, too: the copy says of itself that it was made, and by whom. */
	if (weft__deed_do(&deed) < 0)
		return -1;
	result = accounts->store->ops->backup(accounts->store, path);
	if (result < 0) {
		note.result = "failed";
		note.detail = strerrorname_np(errno);
	}
	WEFT_SHIELDED
		weft__audit_result(accounts, call, &note);
	return result;
}
