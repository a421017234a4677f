/*
 * first_run.c - the first administrator.
 *
 * Entry point: weft_accounts_first_run().
 * Never: makes a second one, or a password that stays.
 */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "account/people.h"
#include "account/secret.h"

struct first_work {
	const struct weft__name *name;
	const char *hash;
	bool is_there;
};

static int count(struct weft__tx *tx, bool *ret_is_there)
{
	int64_t managers = 0;

	if (weft__tx_number(tx, &managers,
		    "SELECT count(*) FROM users u JOIN roles r ON r.name = u.role"
		    " WHERE u.state <> 4 AND r.powers % 2 = 1",
		    "") < 0)
		return -1;
	*ret_is_there = managers > 0;
	return 0;
}

static int look(struct weft__tx *tx, void *arg)
{
	struct first_work *work = arg;

	return count(tx, &work->is_there);
}

static int make(struct weft__tx *tx, struct weft__deed *deed)
{
	struct first_work *work = deed->arg;
	struct weft__person person = {
		.name = work->name, .role = "admin", .hash = work->hash, .must_change = 1};

	if (count(tx, &work->is_there) < 0)
		return -1;
	if (work->is_there) {
		errno = EEXIST; /* another was quicker */
		return -1;
	}
	deed->detail = "the first administrator";
	return weft__person_insert(tx, deed, &person, NULL);
}

int weft_accounts_first_run(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, char ret_password[WEFT_ACCOUNT_SECRET_SIZE])
{
	struct weft_account_call local = {.is_local = true, .door = call->door};
	char password[WEFT_ACCOUNT_SECRET_SIZE], hash[WEFT__HASH_SIZE];
	struct weft__name normal;
	struct first_work work = {.name = &normal, .hash = hash};
	struct weft__deed deed = {.accounts = accounts,
		.call = &local,
		.fn = make,
		.arg = &work,
		.action = "account.add",
		.target = normal.text};

	weft__call_begin(call);
	if (weft__call_name(call, name ? name : "admin", &normal) < 0 ||
		weft__store_transact(accounts->store, WEFT__TX_READ, look, &work) < 0)
		return -1;
	if (work.is_there)
		return 0;
	weft__secret_password(password);
	if (weft__hash_make(&accounts->hasher, password, hash) < 0)
		return -1;
	if (weft__deed_do(&deed) < 0) {
		call->fault = local.fault;
		return work.is_there ? 0 : -1;
	}
	memcpy(ret_password, password, sizeof(password));
	sodium_memzero(password, sizeof(password));
	return 1;
}
