/*
 * users.c - rows of users, for the deeds that are about somebody.
 *
 * Never: decides anything but what every deed about a user has to.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "account/inside.h"

void weft__user_of(const struct weft__value *columns, struct weft__user_row *ret_row)
{
	struct weft_account_user *user = &ret_row->user;

	memset(ret_row, 0, sizeof(*ret_row));
	user->id = columns[0].number;
	weft__value_text(&columns[1], user->name, sizeof(user->name));
	weft__value_text(&columns[2], user->display_name, sizeof(user->display_name));
	weft__value_text(&columns[3], user->role, sizeof(user->role));
	weft__value_text(&columns[4], user->home, sizeof(user->home));
	user->state = (enum weft_account_state)columns[5].number;
	user->has_password = columns[6].kind == WEFT__VALUE_TEXT;
	weft__value_text(&columns[6], ret_row->password, sizeof(ret_row->password));
	user->must_change = columns[7].number != 0;
	user->created_s = columns[8].number;
	user->seen_s = columns[9].number;
	user->quota_bytes = columns[10].number;
	user->used_bytes = columns[11].number;
	ret_row->epoch = columns[12].number;
	ret_row->powers = (unsigned)columns[13].number;
}

static int take_row(const struct weft__value *columns, void *arg)
{
	weft__user_of(columns, arg);
	return 0;
}

int weft__user_by_name(struct weft__tx *tx, const char *name, struct weft__user_row *ret_row)
{
	return (int)weft__tx_read(tx, (struct weft__reader){take_row, ret_row},
		WEFT__USER_COLUMNS "WHERE u.name = ?1", "t", name);
}

int weft__user_by_id(struct weft__tx *tx, int64_t id, struct weft__user_row *ret_row)
{
	return (int)weft__tx_read(tx, (struct weft__reader){take_row, ret_row},
		WEFT__USER_COLUMNS "WHERE u.id = ?1", "i", id);
}

int weft__deed_user(struct weft__tx *tx, struct weft__deed *deed, const char *name,
	struct weft__user_row *ret_row)
{
	int found = weft__user_by_name(tx, name, ret_row);

	if (found < 0)
		return -1;
	/* Who may not manage accounts learns nothing about others, not even that they aren't there.
	 */
	if (!weft__deed_may(deed, found ? ret_row->user.id : -1))
		return weft__refuse(deed->call, WEFT_ACCOUNT_NOT_ALLOWED);
	return found ? 0 : weft__refuse(deed->call, WEFT_ACCOUNT_NAME_UNKNOWN);
}

int weft__user_throw_out(struct weft__tx *tx, int64_t id)
{
	if (weft__tx_run(tx, "UPDATE users SET epoch = epoch + 1 WHERE id = ?1", "i", id) < 0)
		return -1;
	return weft__tx_run(tx, "DELETE FROM sessions WHERE user_id = ?1", "i", id) < 0 ? -1 : 0;
}

struct end_work {
	const struct weft__ending *ending;
	const char *name;
	int64_t id;
};

static int end(struct weft__tx *tx, struct weft__deed *deed)
{
	const struct end_work *work = deed->arg;
	struct weft__user_row row;
	int64_t gone;

	if (weft__deed_user(tx, deed, work->name, &row) < 0)
		return -1;
	if (row.user.id != deed->caller && weft__deed_over(deed, &row) < 0)
		return -1;
	gone = weft__tx_run(tx, work->ending->sql, "ii", row.user.id, work->id);
	if (gone == 0 && work->id != 0) {
		errno = ENOENT;
		return -1;
	}
	return gone < 0 ? -1 : 0;
}

int weft__user_end(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft__ending *ending, const char *name, int64_t id)
{
	struct weft__name normal;
	struct end_work work = {ending, normal.text, id};
	struct weft__deed deed = {.accounts = accounts,
		.call = call,
		.fn = end,
		.arg = &work,
		.action = ending->action,
		.target = normal.text};

	weft__call_begin(call);
	if (weft__call_lookup(call, name, &normal) < 0)
		return -1;
	return weft__deed_do(&deed);
}

int weft__deed_not_last(struct weft__tx *tx, struct weft__deed *deed, int64_t user)
{
	int64_t others = 0;

	if (weft__tx_number(tx, &others,
		    "SELECT count(*) FROM users u JOIN roles r ON r.name = u.role"
		    " WHERE u.id <> ?1 AND u.state = 1 AND r.powers % 2 = 1",
		    "i", user) < 0)
		return -1;
	return others > 0 ? 0 : weft__refuse(deed->call, WEFT_ACCOUNT_LAST_ADMIN);
}

unsigned weft__page_limit(unsigned limit)
{
	if (limit == 0)
		return WEFT_ACCOUNT_PAGE_DEFAULT;
	return limit < WEFT_ACCOUNT_PAGE_MAX ? limit : WEFT_ACCOUNT_PAGE_MAX;
}

void *weft__list_grow(void **list, size_t *count, size_t item_size)
{
	char *items = *list;

	/* Room doubles at each power of two. */
	if ((*count & (*count - 1)) == 0) {
		items = reallocarray(items, *count ? *count * 2 : 1, item_size);
		if (!items) {
			errno = ENOMEM;
			return NULL;
		}
		*list = items;
	}
	return items + (*count)++ * item_size;
}
