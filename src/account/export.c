/*
 * export.c - all accounts as a table.
 *
 * Entry point: weft_accounts_export().
 * Never: a password's hash, or a secret, in what is written.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "account/csv.h"
#include "account/inside.h"

#define PAGE 200

/** Bytes of one page at most. */
#define TEXT_MAX (PAGE * (size_t)65536)

struct export_work {
	char after[WEFT_ACCOUNT_NAME_MAX + 1];
	size_t count;
	struct weft_str text;
	struct weft__tx *tx; /* for the rows' own questions */
	struct weft_str groups;
};

static int take_group(const struct weft__value *columns, void *arg)
{
	struct weft_str *groups = arg;

	if (weft_str_len(groups) > 0)
		weft_str_append_char(groups, ';');
	return weft_str_append(groups, columns[0].bytes);
}

static const char *state_word(enum weft_account_state state)
{
	switch (state) {
	case WEFT_ACCOUNT_ACTIVE:
		return "active";
	case WEFT_ACCOUNT_IS_LOCKED:
		return "locked";
	default:
		return "removed";
	}
}

/* 2026-11-21T13:45:28Z; "" for never. */
static void append_time(struct weft_str *text, int64_t at_s)
{
	char array[32] = "";
	time_t at = (time_t)at_s;
	struct tm parts;

	if (at_s > 0 && gmtime_r(&at, &parts))
		strftime(array, sizeof(array), "%Y-%m-%dT%H:%M:%SZ", &parts);
	weft__csv_append(text, array);
}

static void append_user(
	struct weft_str *text, const struct weft_account_user *user, const char *groups)
{
	const char *cells[] = {
		user->name, user->display_name, user->role, state_word(user->state), user->home};

	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		weft__csv_append(text, cells[i]);
		weft_str_append_char(text, ',');
	}
	weft_str_appendf(text, "%lld,", (long long)user->quota_bytes);
	weft__csv_append(text, groups);
	weft_str_append_char(text, ',');
	append_time(text, user->created_s);
	weft_str_append_char(text, ',');
	append_time(text, user->seen_s);
	weft_str_append(text, "\r\n");
}

static int take_user(const struct weft__value *columns, void *arg)
{
	struct export_work *work = arg;
	struct weft__user_row row;

	weft__user_of(columns, &row);
	weft_str_reset(&work->groups);
	if (weft__tx_read(work->tx, (struct weft__reader){take_group, &work->groups},
		    "SELECT g.name FROM groups g JOIN members m ON m.group_id = g.id"
		    " WHERE m.user_id = ?1 ORDER BY g.name",
		    "i", row.user.id) < 0)
		return -1;
	append_user(&work->text, &row.user, weft_str_text(&work->groups));
	memcpy(work->after, row.user.name, sizeof(work->after));
	work->count++;
	return weft_str_error(&work->text) ? -1 : 0;
}

struct page_work {
	char after[WEFT_ACCOUNT_NAME_MAX + 1];
	struct export_work *out;
};

static int page(struct weft__tx *tx, struct weft__deed *deed)
{
	static const char sql[] = WEFT__USER_COLUMNS "WHERE u.name > ?1 ORDER BY u.name LIMIT ?2";
	struct page_work *work = deed->arg;

	weft_str_reset(&work->out->text);
	work->out->tx = tx;
	work->out->count = 0;
	return weft__tx_read(tx, (struct weft__reader){take_user, work->out}, sql, "ti",
		       work->after, (int64_t)PAGE) < 0
		       ? -1
		       : 0;
}

/* The deed's arg is where the page begins, and what is made of it. */
static int write_pages(struct weft__deed *deed, weft_account_write_fn *write, void *arg)
{
	struct page_work *work = deed->arg;
	struct export_work *out = work->out;

	do {
		if (weft__deed_look(deed) < 0)
			return -1;
		if (out->count > 0 &&
			write(weft_str_text(&out->text), weft_str_len(&out->text), arg) < 0)
			return -1;
		memcpy(work->after, out->after, sizeof(work->after));
	} while (out->count == PAGE);
	return 0;
}

static int note(struct weft__tx *tx, struct weft__deed *deed)
{
	(void)tx;
	(void)deed;
	return 0;
}

int weft_accounts_export(struct weft_accounts *accounts, struct weft_account_call *call,
	weft_account_write_fn *write, void *arg)
{
	static const char head[] =
		"name,display_name,role,state,home,quota,groups,created,last_seen\r\n";
	struct export_work out = {.count = 0};
	struct page_work work = {.after = "", .out = &out};
	struct weft__deed noted = {.accounts = accounts,
		.call = call,
		.fn = note,
		.action = "accounts.export",
		.needs = WEFT_ACCOUNT_MANAGES};
	struct weft__deed deed = {.accounts = accounts,
		.call = call,
		.fn = page,
		.arg = &work,
		.needs = WEFT_ACCOUNT_MANAGES};
	int result;

	if (weft__deed_do(&noted) < 0 || write(head, sizeof(head) - 1, arg) < 0)
		return -1;
	weft_str_init(&out.text, TEXT_MAX);
	weft_str_init(&out.groups, 65536);
	result = write_pages(&deed, write, arg);
	weft_str_fini(&out.text);
	weft_str_fini(&out.groups);
	return result;
}
