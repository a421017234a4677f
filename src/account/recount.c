/*
 * recount.c - whose a file is (owner.h), and what accounts use counted anew.
 *
 * Entry points: weft__account_owner_read(), weft_account_uses(), weft_account_recount().
 *
 *	uses: what each is said to use --> the caller counts files, and adds --> recount: as found,
 *	where nothing was settled meanwhile, and nothing is reserved (or that is known to be charged
 *	only after this)
 *
 * Never: overwrites what was settled while somebody counted.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account/inside.h"
#include "account/owner.h"

/* ---- Owners --------------------------------------------------------------------------------- */

void weft__account_owner_write(
	const struct weft_account_user *user, char ret_owner[WEFT_ACCOUNT_OWNER_SIZE])
{
	ret_owner[0] = '\0';
	if (user->id)
		snprintf(ret_owner, WEFT_ACCOUNT_OWNER_SIZE, "#%lld.%lld", (long long)user->id,
			(long long)user->created_s);
}

/* Digits, and only those; NULL: none, or too many. */
static const char *read_number(const char *text, int64_t *ret_number)
{
	char *end;
	long long number;

	if (*text < '0' || *text > '9')
		return NULL;
	errno = 0;
	number = strtoll(text, &end, 10);
	*ret_number = number;
	return errno ? NULL : end;
}

bool weft__account_owner_read(const char *owner, int64_t *ret_id, int64_t *ret_created_s)
{
	int kept = errno;
	const char *at = *owner == '#' ? read_number(owner + 1, ret_id) : NULL;

	at = at && *at == '.' ? read_number(at + 1, ret_created_s) : NULL;
	errno = kept;
	return at && !*at && *ret_id > 0;
}

/* ---- Uses ----------------------------------------------------------------------------------- */

static int take_row(const struct weft__value *columns, void *arg)
{
	struct weft_account_uses *list = arg;
	void *items = list->uses;
	struct weft_account_use *use = weft__list_grow(&items, &list->count, sizeof(*use));

	list->uses = items;
	if (!use)
		return -1;
	*use = (struct weft_account_use){.id = columns[0].number,
		.created_s = columns[1].number,
		.before = columns[3].number,
		.settled = columns[4].number};
	weft__value_text(&columns[2], use->name, sizeof(use->name));
	return 0;
}

static int list(struct weft__tx *tx, struct weft__deed *deed)
{
	weft_account_uses_fini(deed->arg);
	return weft__tx_read(tx, (struct weft__reader){take_row, deed->arg},
		       "SELECT id, created, name, used, settled FROM users ORDER BY id", "") < 0
		       ? -1
		       : 0;
}

int weft_account_uses(struct weft_accounts *accounts, struct weft_account_call *call,
	struct weft_account_uses *ret_uses)
{
	struct weft_account_uses found = {.count = 0};
	struct weft__deed deed = {.accounts = accounts,
		.call = call,
		.fn = list,
		.arg = &found,
		.needs = WEFT_ACCOUNT_MANAGES};

	if (weft__deed_look(&deed) < 0) {
		weft_account_uses_fini(&found);
		return -1;
	}
	*ret_uses = found;
	return 0;
}

static int compare(const void *key, const void *item)
{
	int64_t id = *(const int64_t *)key, other = ((const struct weft_account_use *)item)->id;

	return id < other ? -1 : id > other;
}

void weft_account_uses_add(
	struct weft_account_uses *uses, const char *owner, int64_t bytes, bool is_busy)
{
	struct weft_account_use *use = NULL;
	int64_t id, created;

	if (uses->count && weft__account_owner_read(owner, &id, &created))
		use = bsearch(&id, uses->uses, uses->count, sizeof(*use), compare);
	if (!use || use->created_s != created) {
		uses->others += bytes;
		return;
	}
	use->found += bytes;
	use->is_busy |= is_busy;
}

/* ---- Recount -------------------------------------------------------------------------------- */

struct recount_work {
	struct weft_account_uses *uses;
	char detail[WEFT_ACCOUNT_LABEL_MAX + 1];
};

/* Found to be what it was said to be: right, unless that was changed meanwhile. */
static int check_same(struct weft__tx *tx, struct weft_account_use *use)
{
	int64_t count = 0;

	if (weft__tx_number(tx, &count, "SELECT count(*) FROM users WHERE id = ?1 AND settled = ?2",
		    "ii", use->id, use->settled) < 0)
		return -1;
	use->is_busy = count == 0;
	return 0;
}

static int recount(struct weft__tx *tx, struct weft__deed *deed)
{
	static const char sql[] =
		"UPDATE users SET used = ?2 WHERE id = ?1 AND used = ?3 AND settled = ?4 AND"
		" NOT EXISTS (SELECT 1 FROM reservations WHERE user_id = ?1 AND owner <> ?5)";
	struct recount_work *work = deed->arg;
	size_t changed = 0;
	int64_t result;

	if (weft__quota_forget_dead(tx) < 0)
		return -1;
	for (size_t i = 0; i < work->uses->count; i++) {
		struct weft_account_use *use = &work->uses->uses[i];

		if (use->is_busy)
			continue;
		if (use->found == use->before) {
			if (check_same(tx, use) < 0)
				return -1;
			continue;
		}
		result = weft__tx_run(tx, sql, "iiiii", use->id, use->found, use->before,
			use->settled, work->uses->is_settled ? tx->store->owner : 0);
		if (result < 0)
			return -1;
		use->is_busy = result == 0;
		changed += result > 0;
	}
	snprintf(work->detail, sizeof(work->detail), "%zu of %zu", changed, work->uses->count);
	deed->detail = work->detail;
	return 0;
}

int weft_account_recount(struct weft_accounts *accounts, struct weft_account_call *call,
	struct weft_account_uses *uses)
{
	struct recount_work work = {.uses = uses};
	struct weft__deed deed = {.accounts = accounts,
		.call = call,
		.fn = recount,
		.arg = &work,
		.action = "account.recount",
		.needs = WEFT_ACCOUNT_MANAGES};

	return weft__deed_do(&deed);
}
