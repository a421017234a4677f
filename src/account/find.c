/*
 * find.c - accounts by name, role, group and state, a page at a time.
 *
 * Pages go on behind the last name, not at a count: what comes or goes meanwhile shifts nothing.
 *
 * Entry point: weft_account_find().
 * Never: more than a page in memory.
 */
#include <stdlib.h>
#include <string.h>

#include "account/inside.h"
#include "weft/str.h"

#define PART_MAX 256

struct find_work {
	const char *pattern; /* of LIKE; NULL: any */
	const char *role, *group, *after;
	unsigned states, limit;
	struct weft_account_page *page;
};

static int take_row(const struct weft__value *columns, void *arg)
{
	struct find_work *work = arg;
	struct weft_account_page *page = work->page;
	void *items = page->users;
	struct weft__user_row row;
	struct weft_account_user *user;

	if (page->count == work->limit) {
		page->has_more = true;
		return 0;
	}
	user = weft__list_grow(&items, &page->count, sizeof(*user));
	page->users = items;
	if (!user)
		return -1;
	weft__user_of(columns, &row);
	*user = row.user;
	return 0;
}

static int find(struct weft__tx *tx, struct weft__deed *deed)
{
	static const char sql[] = WEFT__USER_COLUMNS
		"WHERE u.name > ?1 AND (?2 IS NULL OR u.search LIKE ?2 ESCAPE '\\')"
		" AND (?3 IS NULL OR u.role = ?3)"
		" AND (?4 IS NULL OR EXISTS (SELECT 1 FROM members m JOIN groups g"
		" ON g.id = m.group_id WHERE m.user_id = u.id AND g.name = ?4))"
		" AND (u.state & ?5) <> 0 ORDER BY u.name LIMIT ?6";
	struct find_work *work = deed->arg;

	weft_account_page_fini(work->page);
	work->page->has_more = false;
	return weft__tx_read(tx, (struct weft__reader){take_row, work}, sql, "ttttii", work->after,
		       work->pattern, work->role, work->group, (int64_t)work->states,
		       (int64_t)work->limit + 1) < 0
		       ? -1
		       : 0;
}

/* "50%" is looked for as it is; to be freed. */
static char *make_pattern(const char *part)
{
	char *folded = weft__text_fold(part);
	struct weft_str pattern;

	if (!folded)
		return NULL;
	weft_str_init(&pattern, PART_MAX * 8);
	weft_str_append_char(&pattern, '%');
	for (const char *at = folded; *at; at++) {
		if (strchr("%_\\", *at))
			weft_str_append_char(&pattern, '\\');
		weft_str_append_char(&pattern, *at);
	}
	weft_str_append_char(&pattern, '%');
	free(folded);
	return weft_str_take(&pattern);
}

/* A name that is looked for: "" (nobody's) where it can't be one. */
static int read_name(const char *text, char name[WEFT_ACCOUNT_NAME_MAX + 1])
{
	enum weft_account_fault fault = WEFT_ACCOUNT_FAULT_NONE;

	if (weft_account_name_normalise(text, name, &fault) == 0)
		return 0;
	name[0] = '\0';
	return fault == WEFT_ACCOUNT_FAULT_NONE ? -1 : 0;
}

static int find_page(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_query *query, struct find_work *work)
{
	char role[WEFT_ACCOUNT_NAME_MAX + 1], group[WEFT_ACCOUNT_NAME_MAX + 1],
		after[WEFT_ACCOUNT_NAME_MAX + 1] = "";
	struct weft__deed deed = {.accounts = accounts,
		.call = call,
		.fn = find,
		.arg = work,
		.needs = WEFT_ACCOUNT_MANAGES};

	if ((query->role && read_name(query->role, role) < 0) ||
		(query->group && read_name(query->group, group) < 0) ||
		(query->after && read_name(query->after, after) < 0))
		return -1;
	work->role = query->role ? role : NULL;
	work->group = query->group ? group : NULL;
	work->after = after;
	work->limit = weft__page_limit(query->limit);
	work->states = query->states ? query->states : WEFT_ACCOUNT_ACTIVE | WEFT_ACCOUNT_IS_LOCKED;
	return weft__deed_look(&deed);
}

int weft_account_find(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_query *query, struct weft_account_page *ret_page)
{
	static const struct weft_account_query everybody;
	struct weft_account_page page = {.count = 0};
	struct find_work work = {.page = &page};
	char *pattern = NULL;
	int result;

	weft__call_begin(call);
	if (!query)
		query = &everybody;
	if (query->part && *query->part) {
		if (!weft__text_is_fine(query->part, PART_MAX))
			return weft__refuse(call, WEFT_ACCOUNT_BAD_TEXT);
		pattern = make_pattern(query->part);
		if (!pattern)
			return -1;
	}
	work.pattern = pattern;
	result = find_page(accounts, call, query, &work);
	if (result < 0)
		weft_account_page_fini(&page);
	else
		*ret_page = page;
	free(pattern);
	return result;
}
