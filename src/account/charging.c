/*
 * charging.c - which processes change files of which shared folder, and charge accounts for them:
 * one that was killed may have changed something that it never charged.
 *
 *	begin: a row, on the disk  -->  files are changed, and charged  -->  end: the row goes
 *	killed: the row stays, and its owner is dead. Who begins next is told, counts anew, and
 *	removes it
 *
 * A backup that is made while somebody serves has the row in it: what was put back is counted anew
 * as well.
 *
 * Entry points: weft_account_charging_begin(), _sure(), _end().
 * Never: forgets before all was counted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "account/inside.h"

struct charging {
	const char *folder;
	int64_t *dead; /* rows of processes that are gone */
	size_t dead_count;
};

static int take_owner(const struct weft__value *columns, void *arg)
{
	struct charging *charging = arg;
	void *items = charging->dead;
	int64_t *owner = weft__list_grow(&items, &charging->dead_count, sizeof(*owner));

	charging->dead = items;
	if (!owner)
		return -1;
	*owner = columns[0].number;
	return 0;
}

/* In *charging: the owners of that folder from before this one, that do not live. */
static int find_dead(struct weft__tx *tx, struct charging *charging)
{
	struct weft__store *store = tx->store;
	size_t count = 0;

	free(charging->dead);
	charging->dead = NULL;
	charging->dead_count = 0;
	if (weft__tx_read(tx, (struct weft__reader){take_owner, charging},
		    "SELECT owner FROM charging WHERE folder = ?1 AND owner < ?2", "ti",
		    charging->folder, store->owner) < 0)
		return -1;
	for (size_t i = 0; i < charging->dead_count; i++)
		if (!store->ops->owner_is_alive(store, charging->dead[i]))
			charging->dead[count++] = charging->dead[i];
	charging->dead_count = count;
	return 0;
}

static int begin(struct weft__tx *tx, void *arg)
{
	struct charging *charging = arg;

	if (find_dead(tx, charging) < 0)
		return -1;
	return weft__tx_run(tx,
		       "INSERT INTO charging (owner, folder) VALUES (?1, ?2)"
		       " ON CONFLICT (owner, folder) DO NOTHING",
		       "it", tx->store->owner, charging->folder) < 0
		       ? -1
		       : 0;
}

static int forget_dead(struct weft__tx *tx, void *arg)
{
	struct charging *charging = arg;

	if (find_dead(tx, charging) < 0)
		return -1;
	for (size_t i = 0; i < charging->dead_count; i++)
		if (weft__tx_run(tx, "DELETE FROM charging WHERE owner = ?1 AND folder = ?2", "it",
			    charging->dead[i], charging->folder) < 0)
			return -1;
	return 0;
}

static int end(struct weft__tx *tx, void *arg)
{
	(void)arg;
	return weft__tx_run(tx, "DELETE FROM charging WHERE owner = ?1", "i", tx->store->owner) < 0
		       ? -1
		       : 0;
}

static int transact(struct weft_accounts *accounts, weft__work_fn *fn, struct charging *charging)
{
	int result = weft__store_transact(accounts->store, WEFT__TX_WRITE, fn, charging);
	int kept = errno;

	free(charging->dead);
	errno = kept;
	return result;
}

int weft_account_charging_begin(
	struct weft_accounts *accounts, const char *folder, bool *ret_is_unsure)
{
	struct charging charging = {.folder = folder};

	if (transact(accounts, begin, &charging) < 0)
		return -1;
	*ret_is_unsure = charging.dead_count > 0;
	return 0;
}

int weft_account_charging_sure(struct weft_accounts *accounts, const char *folder)
{
	struct charging charging = {.folder = folder};

	return transact(accounts, forget_dead, &charging);
}

int weft_account_charging_end(struct weft_accounts *accounts)
{
	struct charging charging = {.folder = NULL};

	/* What could not be written is to be counted: the row stays, as if this one were killed. */
	if (atomic_load(&accounts->quota.has_lost))
		return 0;
	return transact(accounts, end, &charging);
}
