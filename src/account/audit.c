/*
 * audit.c - the audit log read, and notes of what doors have done.
 *
 * Lines are written by deeds (deed.c), in the transaction of what they tell about. That nothing
 * is changed or taken out is the database's own business: triggers, in the schema.
 *
 * Entry points: weft_account_audit(), weft_account_audit_note().
 */
#include <string.h>

#include "account/inside.h"

struct audit_work {
	const struct weft_account_audit_query *query;
	const char *who, *target;
	unsigned limit;
	struct weft_account_events *list;
};

static int take_row(const struct weft__value *columns, void *arg)
{
	struct audit_work *work = arg;
	struct weft_account_events *list = work->list;
	void *items = list->events;
	struct weft_account_event *event;

	if (list->count == work->limit) {
		list->has_more = true;
		return 0;
	}
	event = weft__list_grow(&items, &list->count, sizeof(*event));
	list->events = items;
	if (!event)
		return -1;
	event->id = columns[0].number;
	event->at_s = columns[1].number;
	weft__value_text(&columns[2], event->who, sizeof(event->who));
	weft__value_text(&columns[3], event->address, sizeof(event->address));
	weft__value_text(&columns[4], event->door, sizeof(event->door));
	weft__value_text(&columns[5], event->action, sizeof(event->action));
	weft__value_text(&columns[6], event->target, sizeof(event->target));
	weft__value_text(&columns[7], event->result, sizeof(event->result));
	weft__value_text(&columns[8], event->detail, sizeof(event->detail));
	return 0;
}

static int list(struct weft__tx *tx, struct weft__deed *deed)
{
	static const char sql[] =
		"SELECT id, at, who, address, door, action, target, result, detail FROM audit"
		" WHERE (?1 IS NULL OR who = ?1) AND (?2 IS NULL OR target = ?2)"
		" AND (?3 IS NULL OR substr(action, 1, length(?3)) = ?3)"
		" AND at >= ?4 AND (?5 = 0 OR at <= ?5) AND (?6 = 0 OR id < ?6)"
		" ORDER BY id DESC LIMIT ?7";
	struct audit_work *work = deed->arg;
	const struct weft_account_audit_query *query = work->query;

	weft_account_events_fini(work->list);
	work->list->has_more = false;
	return weft__tx_read(tx, (struct weft__reader){take_row, work}, sql, "tttiiii", work->who,
		       work->target, query->action, query->since_s, query->until_s, query->before,
		       (int64_t)work->limit + 1) < 0
		       ? -1
		       : 0;
}

/* As it stands in the log, where it can be a name; else as it is ("#1000", a room). */
static const char *as_logged(const char *text, char name[WEFT_ACCOUNT_NAME_MAX + 1])
{
	if (!text)
		return NULL;
	return weft_account_name_normalise(text, name, NULL) == 0 ? name : text;
}

int weft_account_audit(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_audit_query *query, struct weft_account_events *ret_events)
{
	static const struct weft_account_audit_query everything;
	char who[WEFT_ACCOUNT_NAME_MAX + 1], target[WEFT_ACCOUNT_NAME_MAX + 1];
	struct weft_account_events found = {.count = 0};
	struct audit_work work = {.query = query ? query : &everything, .list = &found};
	struct weft__deed deed = {.accounts = accounts,
		.call = call,
		.fn = list,
		.arg = &work,
		.needs = WEFT_ACCOUNT_AUDITS};

	work.who = as_logged(work.query->who, who);
	work.target = as_logged(work.query->target, target);
	work.limit = weft__page_limit(work.query->limit);
	if (weft__deed_look(&deed) < 0) {
		weft_account_events_fini(&found);
		return -1;
	}
	*ret_events = found;
	return 0;
}

/* ---- Notes ---------------------------------------------------------------------------------- */

struct note_work {
	struct weft__deed deed;
	const char *result;
};

static int write(struct weft__tx *tx, void *arg)
{
	const struct note_work *work = arg;

	return weft__audit_write(tx, &work->deed, work->result);
}

int weft_account_audit_note(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_note *note)
{
	const char *target = note->target ? note->target : "";
	const char *result = note->result ? note->result : "ok";
	const char *detail = note->detail ? note->detail : "";
	struct note_work work = {.deed = {.accounts = accounts,
					 .call = call,
					 .action = note->action,
					 .target = target,
					 .detail = detail,
					 .now_s = weft__accounts_now_s(accounts)},
		.result = result};

	weft__call_begin(call);
	if (!weft__text_is_fine(note->action, WEFT_ACCOUNT_NAME_MAX) ||
		!weft__text_is_fine(target, WEFT_ACCOUNT_NAME_MAX) ||
		!weft__text_is_fine(result, WEFT_ACCOUNT_NAME_MAX) ||
		!weft__text_is_fine(detail, WEFT_ACCOUNT_LABEL_MAX))
		return weft__refuse(call, WEFT_ACCOUNT_BAD_TEXT);
	return weft__store_transact(accounts->store, WEFT__TX_WRITE, write, &work);
}
