/*
 * account_records.c - operations on all at once: the audit log, tables in and out, copies.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account_ops.h"

/** Bad lines of an import that are told of. */
#define FAULTS_MAX 100

int weft__hub_read_audit(struct hub_ask *ask)
{
	const struct weft_account_audit_query query = {.who = weft__hub_text(ask, "who"),
		.target = weft__hub_text(ask, "target"),
		.action = weft__hub_text(ask, "action"),
		.since_s = weft__hub_number(ask, "since", 0),
		.until_s = weft__hub_number(ask, "until", 0),
		.before = weft__hub_number(ask, "before", 0),
		.limit = (unsigned)weft__hub_number(ask, "limit", 0)};
	struct weft_account_events events;
	json_t *list;
	bool has_more;

	if (weft_account_audit(ask->accounts, &ask->call, &query, &events) < 0)
		return -1;
	list = json_array();
	for (size_t i = 0; i < events.count; i++)
		json_array_append_new(list, weft__hub_json_event(&events.events[i]));
	has_more = events.has_more;
	weft_account_events_fini(&events);
	return weft__hub_give(ask, json_pack("{s:o, s:b}", "events", list, "has_more", has_more));
}

int weft__hub_export(struct hub_ask *ask)
{
	return weft_accounts_export(ask->accounts, &ask->call, ask->write, ask->write_arg);
}

/* Who asks on the machine itself has named the file; of others' it is the server's own business. */
static void refuse_copy(struct hub_ask *ask, int code)
{
	char *detail = NULL;
	int len;

	if (code == EEXIST)
		len = asprintf(&detail,
			"%s is there already, and a copy goes over nothing that is there",
			ask->path);
	else if (code == ENOENT || code == ENOTDIR)
		len = asprintf(&detail, "the folder that %s is to be in is not there", ask->path);
	else
		len = asprintf(&detail, "can't write %s: %s", ask->path, strerror(code));
	if (len >= 0)
		weft__hub_ask_refuse(ask, 409, "", detail);
	free(detail);
}

int weft__hub_back_up(struct hub_ask *ask)
{
	int code;

	if (weft_accounts_backup(ask->accounts, &ask->call, ask->path) == 0)
		return 0;
	code = errno;
	if (ask->call.is_local && !ask->call.fault)
		refuse_copy(ask, code);
	errno = code;
	return -1;
}

/* ---- Importing ---------------------------------------------------------------------------- */

static void note_fault(const struct weft_account_import_fault *fault, void *arg)
{
	json_t *faults = arg;

	if (json_array_size(faults) < FAULTS_MAX)
		json_array_append_new(
			faults, json_pack("{s:I, s:o, s:s, s:o}", "line", (json_int_t)fault->line,
					"column", weft__hub_json_text(fault->column), "fault",
					weft_account_fault_word(fault->fault), "text",
					weft__hub_json_text(fault->text)));
}

/* It says as much where nothing was imported: then beside the problem. */
int weft__hub_import(struct hub_ask *ask)
{
	json_t *faults = json_array();
	const struct weft_account_import import = {.text = ask->text,
		.len = ask->len,
		.skips_bad = weft__hub_flag(ask, "skip_bad"),
		.updates = weft__hub_flag(ask, "update"),
		.is_trial = weft__hub_flag(ask, "trial"),
		.report = note_fault,
		.arg = faults};
	struct weft_account_import_result result;
	int code;

	if (faults && weft_accounts_import(ask->accounts, &ask->call, &import, &result) == 0)
		return weft__hub_give(
			ask, json_pack("{s:I, s:I, s:I, s:o}", "added", (json_int_t)result.added,
				     "changed", (json_int_t)result.changed, "bad",
				     (json_int_t)result.bad, "faults", faults));
	code = errno;
	if (code == EBADMSG && json_array_size(faults) > 0) {
		weft__hub_ask_refuse(ask, 422, weft_account_fault_word(WEFT_ACCOUNT_BAD_CSV),
			weft_account_fault_text(WEFT_ACCOUNT_BAD_CSV));
		if (ask->result)
			json_object_set(ask->result, "faults", faults);
	}
	json_decref(faults);
	errno = code;
	return -1;
}
