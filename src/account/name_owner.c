/*
 * name_owner.c - whose a name is, for doors where people without accounts have names, too.
 *
 * Entry point: weft_account_name_owner().
 * Never: told to who asks: a door asks for itself.
 */
#include "account/inside.h"

struct look {
	const struct weft__name *name;
	struct weft__user_row row;
};

static int take_row(const struct weft__value *columns, void *arg)
{
	weft__user_of(columns, &((struct look *)arg)->row);
	return 0;
}

/* How many there are: one at most, as no two have one skeleton. */
static int look(struct weft__tx *tx, void *arg)
{
	struct look *work = arg;
	int found = weft__user_by_name(tx, work->name->text, &work->row);

	if (found != 0)
		return found;
	return (int)weft__tx_read(tx, (struct weft__reader){take_row, work},
		WEFT__USER_COLUMNS "WHERE u.skeleton = ?1", "t", work->name->skeleton);
}

int weft_account_name_owner(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, struct weft_account_user *ret_user)
{
	struct weft__name normal;
	struct look work = {.name = &normal};
	int found;

	weft__call_begin(call);
	if (weft__call_name(call, name, &normal) < 0)
		return -1;
	found = weft__store_transact(accounts->store, WEFT__TX_READ, look, &work);
	if (found > 0 && ret_user)
		*ret_user = work.row.user;
	return found;
}
