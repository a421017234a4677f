/*
 * quota.c - see quota.h.
 *
 *	used        bytes on the disk, as the doors have settled them
 *	reserved    of each process: what it may be about to write
 *	            used + all that is reserved <= quota
 *
 * A process is an owner in the store, and the kernel tells whether it lives; what a dead one had
 * reserved is freed when accounts are opened, and before anybody is refused.
 *
 * Many uploads end at the same time: what they ask for is gathered, and whoever has the lock
 * writes it for all, in one transaction.
 *
 *	ask: into the list --> wait for the lock --> done by another? --yes--> the result
 *	                                                  | no
 *	                                                  +--> all that is in the list, now
 *
 * Entry points: weft_account_files_reserve(), weft_account_files_settle(),
 * weft_account_files_freed(), weft_account_files_quota().
 * Never: leaves somebody waiting for more than the batch before hers and her own.
 */
#include "account/quota.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "account/inside.h"
#include "account/owner.h"
#include "account/rules.h"
#include "weft/scope.h"

/* ---- The dead ------------------------------------------------------------------------------- */

struct owners {
	int64_t *ids;
	size_t count;
};

static int take_owner(const struct weft__value *columns, void *arg)
{
	struct owners *owners = arg;
	void *items = owners->ids;
	int64_t *id = weft__list_grow(&items, &owners->count, sizeof(*id));

	owners->ids = items;
	if (!id)
		return -1;
	*id = columns[0].number;
	return 0;
}

/* Owners that hold nothing any more go as well. */
int weft__quota_forget_dead(struct weft__tx *tx)
{
	struct weft__store *store = tx->store;
	struct owners owners = {NULL, 0};
	int64_t result;
	int kept;

	result = weft__tx_read(
		tx, (struct weft__reader){take_owner, &owners}, "SELECT id FROM owners", "");
	for (size_t i = 0; result >= 0 && i < owners.count; i++)
		if (!store->ops->owner_is_alive(store, owners.ids[i]))
			result = weft__tx_run(
				tx, "DELETE FROM owners WHERE id = ?1", "i", owners.ids[i]);
	kept = errno;
	free(owners.ids);
	errno = kept;
	return result < 0 ? -1 : 0;
}

static int forget(struct weft__tx *tx, void *arg)
{
	(void)arg;
	return weft__quota_forget_dead(tx);
}

int weft__quota_begin(struct weft_accounts *accounts)
{
	return weft__store_transact(accounts->store, WEFT__TX_LAZILY, forget, NULL);
}

/* ---- One transaction for many --------------------------------------------------------------- */

struct request {
	struct weft_list_node node;
	bool is_taken; /* somebody is about to write it; under the mutex */
	bool is_done;  /* under the lock */
	bool reserves; /* else it settles */
	int64_t user, reserved, used;
	int64_t created; /* the user was, else it is another; 0: it is known to be this one */
	int code;        /* 0, or why not */
};

/* 1 where it fits, 0 where not, -1. */
static int reserve_if_it_fits(struct weft__tx *tx, const struct request *request)
{
	static const char sql[] =
		"INSERT INTO reservations (user_id, owner, bytes)"
		" SELECT u.id, ?2, ?3 FROM users u WHERE u.id = ?1 AND (u.quota = 0 OR ?3 <="
		" u.quota - u.used - (SELECT coalesce(sum(bytes), 0) FROM reservations"
		" WHERE user_id = ?1))"
		" ON CONFLICT (user_id, owner) DO UPDATE"
		" SET bytes = reservations.bytes + excluded.bytes";
	int64_t changed =
		weft__tx_run(tx, sql, "iii", request->user, tx->store->owner, request->reserved);

	return changed > 0 ? 1 : (int)changed;
}

static int reserve(struct weft__tx *tx, struct request *request, bool *has_forgotten)
{
	int fits = reserve_if_it_fits(tx, request);

	if (fits == 0 && !*has_forgotten) {
		*has_forgotten = true;
		if (weft__quota_forget_dead(tx) < 0)
			return -1;
		fits = reserve_if_it_fits(tx, request);
	}
	request->code = fits > 0 ? 0 : EDQUOT;
	return fits < 0 ? -1 : 0;
}

static int settle(struct weft__tx *tx, const struct request *request)
{
	if (request->reserved > 0 &&
		(weft__tx_run(tx,
			 "UPDATE reservations SET bytes ="
			 " CASE WHEN bytes > ?3 THEN bytes - ?3 ELSE 0 END"
			 " WHERE user_id = ?1 AND owner = ?2",
			 "iii", request->user, tx->store->owner, request->reserved) < 0 ||
			weft__tx_run(tx,
				"DELETE FROM reservations"
				" WHERE user_id = ?1 AND owner = ?2 AND bytes = 0",
				"ii", request->user, tx->store->owner) < 0))
		return -1;
	if (request->used == 0)
		return 0;
	return weft__tx_run(tx,
		       "UPDATE users SET settled = settled + 1,"
		       " used = CASE WHEN used + ?2 > 0 THEN used + ?2 ELSE 0 END"
		       " WHERE id = ?1 AND (?3 = 0 OR created = ?3)",
		       "iii", request->user, request->used, request->created) < 0
		       ? -1
		       : 0;
}

static int apply(struct weft__tx *tx, void *arg)
{
	struct weft_list *batch = arg;
	bool has_forgotten = false;

	weft_list_each (node, batch) {
		struct request *request = weft_container_of(node, struct request, node);

		if ((request->reserves ? reserve(tx, request, &has_forgotten)
				       : settle(tx, request)) < 0)
			return -1;
	}
	return 0;
}

/* The lock is held. All that waits is done after this, or has failed. */
static void flush(struct weft_accounts *accounts)
{
	struct weft__quota *quota = &accounts->quota;
	struct weft_list batch;
	int code = 0;

	weft_list_init(&batch);
	pthread_mutex_lock(&quota->mutex);
	weft_list_each (node, &quota->pending)
		weft_container_of(node, struct request, node)->is_taken = true;
	weft_list_splice_back(&batch, &quota->pending);
	pthread_mutex_unlock(&quota->mutex);
	/* For others as well: one's own deadline is not theirs. */
	WEFT_SHIELDED
		if (weft__store_transact(accounts->store, WEFT__TX_LAZILY, apply, &batch) < 0)
			code = errno;
	for (struct weft_list_node *node; (node = weft_list_pop_front(&batch));) {
		struct request *request = weft_container_of(node, struct request, node);

		if (code)
			request->code = code;
		if (code && !request->reserves)
			atomic_store(&quota->has_lost, true);
		request->is_done =
			true; /* it lies on a stack: not to be touched after the unlock */
	}
}

/* Out of the list again, where nobody has taken it yet. */
static bool give_up(struct weft__quota *quota, struct request *request)
{
	bool is_taken;

	pthread_mutex_lock(&quota->mutex);
	is_taken = request->is_taken;
	if (!is_taken)
		weft_list_remove(&request->node);
	pthread_mutex_unlock(&quota->mutex);
	return !is_taken;
}

static int ask(struct weft_accounts *accounts, struct request *request)
{
	struct weft__quota *quota = &accounts->quota;
	int acquired, kept;

	pthread_mutex_lock(&quota->mutex);
	weft_list_push_back(&quota->pending, &request->node);
	pthread_mutex_unlock(&quota->mutex);
	acquired = weft_lock_acquire(&quota->flush);
	if (acquired < 0) {
		kept = errno;
		if (give_up(quota, request)) {
			errno = kept;
			return -1;
		}
		WEFT_SHIELDED
			acquired = weft_lock_acquire(&quota->flush);
		assert(acquired == 0); /* nothing interrupts a shielded wait */
	}
	if (!request->is_done)
		flush(accounts);
	weft_lock_release(&quota->flush);
	errno = request->code;
	return request->code ? -1 : 0;
}

/* ---- For the doors -------------------------------------------------------------------------- */

int weft_account_files_reserve(void *arg, int64_t bytes)
{
	const struct weft_account_who *who = arg;
	struct request request = {.reserves = true, .user = who->user.id, .reserved = bytes};

	if (bytes < 0) {
		errno = EINVAL;
		return -1;
	}
	/* Without a quota there is nothing to keep, but what is used in the end. */
	if (who->user.quota_bytes == 0 || bytes == 0)
		return 0;
	return ask(who->accounts, &request);
}

void weft_account_files_settle(void *arg, int64_t reserved, int64_t used)
{
	const struct weft_account_who *who = arg;
	struct request request = {.user = who->user.id,
		.reserved = who->user.quota_bytes ? reserved : 0,
		.used = used};
	int kept = errno;

	if (who->user.id == 0 || (request.reserved == 0 && used == 0))
		return;
	WEFT_SHIELDED
		ask(who->accounts, &request);
	errno = kept;
}

struct quota_read {
	int64_t user, used, max;
	bool is_there;
};

static int take_quota(const struct weft__value *columns, void *arg)
{
	struct quota_read *read = arg;

	read->used = columns[0].number;
	read->max = columns[1].number;
	read->is_there = true;
	return 0;
}

static int read_quota(struct weft__tx *tx, void *arg)
{
	struct quota_read *read = arg;

	return weft__tx_read(tx, (struct weft__reader){take_quota, read},
		       "SELECT used, quota FROM users WHERE id = ?1", "i", read->user) < 0
		       ? -1
		       : 0;
}

int weft_account_files_quota(void *arg, int64_t *ret_used, int64_t *ret_max)
{
	const struct weft_account_who *who = arg;
	struct quota_read read = {.user = who->user.id};

	if (who->user.id != 0 &&
		weft__store_transact(who->accounts->store, WEFT__TX_READ, read_quota, &read) < 0)
		return -1;
	if (!read.is_there || read.max == 0) {
		errno = ENODATA;
		return -1;
	}
	*ret_used = read.used;
	*ret_max = read.max;
	return 0;
}

void weft_account_files_freed(void *arg, const char *owner, int64_t bytes)
{
	struct request request = {.used = -bytes};
	int kept = errno;

	if (bytes <= 0 || !weft__account_owner_read(owner, &request.user, &request.created) ||
		!request.created)
		return;
	WEFT_SHIELDED
		ask(arg, &request);
	errno = kept;
}

/* ---- Life ----------------------------------------------------------------------------------- */

void weft__quota_init(struct weft__quota *quota)
{
	weft_lock_init(&quota->flush, "accounts: quotas");
	pthread_mutex_init(&quota->mutex, NULL);
	weft_list_init(&quota->pending);
}

void weft__quota_fini(struct weft__quota *quota)
{
	pthread_mutex_destroy(&quota->mutex);
}
