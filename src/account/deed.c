/*
 * deed.c - one change with all that belongs to it: who may, the change, its line in the log.
 *
 * Entry points: weft__deed_do(), weft__deed_look().
 * Never: decides by the picture that the caller brought: it may be a second old.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "account/inside.h"
#include "account/rules.h"

/* ---- Refusing ------------------------------------------------------------------------------- */

int weft__fault_errno(enum weft_account_fault fault)
{
	switch (fault) {
	case WEFT_ACCOUNT_NAME_TAKEN:
	case WEFT_ACCOUNT_NAME_LOOKALIKE:
		return EEXIST;
	case WEFT_ACCOUNT_NAME_UNKNOWN:
	case WEFT_ACCOUNT_ROLE_UNKNOWN:
	case WEFT_ACCOUNT_GROUP_UNKNOWN:
		return ENOENT;
	case WEFT_ACCOUNT_WRONG:
	case WEFT_ACCOUNT_REVOKED:
		return EKEYREJECTED;
	case WEFT_ACCOUNT_EXPIRED:
		return EKEYEXPIRED;
	case WEFT_ACCOUNT_LOCKED:
		return EPERM;
	case WEFT_ACCOUNT_THROTTLED:
	case WEFT_ACCOUNT_BUSY:
		return EAGAIN;
	case WEFT_ACCOUNT_MUST_CHANGE:
	case WEFT_ACCOUNT_NOT_ALLOWED:
		return EACCES;
	case WEFT_ACCOUNT_LAST_ADMIN:
	case WEFT_ACCOUNT_ONESELF:
	case WEFT_ACCOUNT_ROLE_IN_USE:
		return EBUSY;
	case WEFT_ACCOUNT_QUOTA_EXCEEDED:
		return EDQUOT;
	case WEFT_ACCOUNT_TOO_MANY:
		return ENOSPC;
	case WEFT_ACCOUNT_BAD_CSV:
		return EBADMSG;
	case WEFT_ACCOUNT_NEWER_DATABASE:
		return ENOTSUP;
	default:
		return EINVAL;
	}
}

void weft__call_begin(struct weft_account_call *call)
{
	call->fault = WEFT_ACCOUNT_FAULT_NONE;
	call->wait_ns = 0;
}

void weft__call_blame(struct weft_account_call *call, enum weft_account_fault fault)
{
	call->fault = fault;
	errno = weft__fault_errno(fault);
}

int weft__call_name(struct weft_account_call *call, const char *text, struct weft__name *ret_name)
{
	enum weft_account_fault fault;

	if (weft__name_read(text, ret_name, &fault) == 0)
		return 0;
	return fault == WEFT_ACCOUNT_FAULT_NONE ? -1 : weft__refuse(call, fault);
}

int weft__call_lookup(struct weft_account_call *call, const char *text, struct weft__name *ret_name)
{
	if (weft__call_name(call, text, ret_name) == 0)
		return 0;
	return call->fault == WEFT_ACCOUNT_FAULT_NONE
		       ? -1
		       : weft__refuse(call, WEFT_ACCOUNT_NAME_UNKNOWN);
}

/* ---- The caller ----------------------------------------------------------------------------- */

/* Her powers as they are now. */
static int know_caller(struct weft__tx *tx, struct weft__deed *deed)
{
	const struct weft_account_who *who = deed->call->who;
	struct weft__user_row row;
	int found;

	deed->powers = deed->call->is_local ? WEFT_ACCOUNT_ALL_POWERS : 0;
	deed->caller = 0;
	deed->now_s = weft__accounts_now_s(deed->accounts);
	if (deed->call->is_local || !who || who->user.id == 0)
		return 0;
	found = weft__user_by_id(tx, who->user.id, &row);
	if (found < 0)
		return -1;
	if (!found || row.user.state != WEFT_ACCOUNT_ACTIVE || row.epoch != who->rules->epoch)
		return weft__refuse(deed->call, WEFT_ACCOUNT_REVOKED);
	if (row.user.must_change && !deed->allows_unchanged)
		return weft__refuse(deed->call, WEFT_ACCOUNT_MUST_CHANGE);
	deed->caller = row.user.id;
	deed->powers = row.powers & (who->token ? who->rules->token_powers : ~0u);
	return 0;
}

bool weft__deed_may(const struct weft__deed *deed, int64_t user)
{
	if (deed->powers & WEFT_ACCOUNT_MANAGES)
		return true;
	return deed->caller != 0 && deed->caller == user && deed->call->who->token == 0;
}

int weft__deed_over(struct weft__deed *deed, const struct weft__user_row *row)
{
	if (!(deed->powers & WEFT_ACCOUNT_MANAGES) || (row->powers & ~deed->powers))
		return weft__refuse(deed->call, WEFT_ACCOUNT_NOT_ALLOWED);
	return 0;
}

/* ---- The log -------------------------------------------------------------------------------- */

/* Who did it, for the log: a name can't begin with '#'. */
static const char *actor(const struct weft_account_call *call, char array[32])
{
	if (call->who)
		return call->who->user.name;
	if (!call->is_local)
		return "";
	snprintf(array, 32, "#%u", (unsigned)getuid());
	return array;
}

int weft__audit_write(struct weft__tx *tx, const struct weft__deed *deed, const char *result)
{
	const struct weft_account_call *call = deed->call;
	char array[32];

	return weft__tx_run(tx,
		       "INSERT INTO audit (at, who, address, door, action, target, result, detail)"
		       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
		       "itttttt"
		       "t",
		       deed->now_s, actor(call, array), call->address ? call->address : "",
		       call->door ? call->door : "", deed->action, deed->target ? deed->target : "",
		       result, deed->detail ? deed->detail : "") < 0
		       ? -1
		       : 0;
}

struct result_work {
	struct weft__deed deed;
	const char *result;
};

static int write_result(struct weft__tx *tx, void *arg)
{
	struct result_work *work = arg;

	return weft__audit_write(tx, &work->deed, work->result);
}

void weft__audit_result(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_note *note)
{
	struct result_work work = {.deed = {.accounts = accounts,
					   .call = call,
					   .action = note->action,
					   .target = note->target,
					   .detail = note->detail,
					   .now_s = weft__accounts_now_s(accounts)},
		.result = note->result};
	int kept = errno;

	weft__store_transact(accounts->store, WEFT__TX_LAZILY, write_result, &work);
	errno = kept;
}

/* ---- Doing ---------------------------------------------------------------------------------- */

static int run(struct weft__tx *tx, struct weft__deed *deed)
{
	if (know_caller(tx, deed) < 0)
		return -1;
	if (deed->needs & ~deed->powers)
		return weft__refuse(deed->call, WEFT_ACCOUNT_NOT_ALLOWED);
	return deed->fn(tx, deed);
}

static int do_it(struct weft__tx *tx, void *arg)
{
	struct weft__deed *deed = arg;
	int result = run(tx, deed);

	if (result >= 0 && deed->action &&
		weft__audit_write(tx, deed, deed->result ? deed->result : "ok") < 0)
		return -1;
	return result;
}

static int look(struct weft__tx *tx, void *arg)
{
	return run(tx, arg);
}

/* Who tried what she may not is worth a line. */
static bool is_suspect(enum weft_account_fault fault)
{
	return fault == WEFT_ACCOUNT_NOT_ALLOWED || fault == WEFT_ACCOUNT_REVOKED ||
	       fault == WEFT_ACCOUNT_LAST_ADMIN || fault == WEFT_ACCOUNT_ONESELF;
}

int weft__deed_do(struct weft__deed *deed)
{
	enum weft__tx_mode mode = deed->is_lazy ? WEFT__TX_LAZILY : WEFT__TX_WRITE;
	int result;

	weft__call_begin(deed->call);
	result = weft__store_transact(deed->accounts->store, mode, do_it, deed);
	if (result >= 0) {
		atomic_fetch_add(&deed->accounts->changes, 1);
	} else if (deed->action && is_suspect(deed->call->fault)) {
		weft__audit_result(deed->accounts, deed->call,
			&(struct weft_account_note){deed->action, deed->target,
				weft_account_fault_word(deed->call->fault), NULL});
	}
	return result;
}

int weft__deed_look(struct weft__deed *deed)
{
	weft__call_begin(deed->call);
	return weft__store_transact(deed->accounts->store, WEFT__TX_READ, look, deed);
}
