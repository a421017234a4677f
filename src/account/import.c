/*
 * import.c - accounts from a table: every bad line told, all of it or the good lines in one change.
 *
 *	text --csv--> lines, judged alone --one transaction--> each line under a savepoint
 *	                   |                                        |
 *	                   +-- bad: no UTF-8, no name...            +-- bad: taken, no such role...
 *
 * Entry point: weft_accounts_import().
 * Never: leaves half a table behind, or stops at the first bad line.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account/csv.h"
#include "account/people.h"

enum column { NAME, DISPLAY_NAME, ROLE, HOME, QUOTA, GROUPS, COLUMNS, PASSED_OVER = COLUMNS };

static const char *const columns[COLUMNS] = {
	"name", "display_name", "role", "home", "quota", "groups"};
static const char *const passed_over[] = {"state", "created", "last_seen"};

struct line {
	size_t number;
	char *cells[COLUMNS]; /* NULL: the table has no such column */
	int64_t quota;        /* -1: not said */
	enum weft_account_fault fault;
	const char *column;
	const char *text; /* of the fault; NULL: the fault's own */
	bool is_bad_text; /* it was bad before any database was asked */
};

struct table {
	const struct weft_account_import *import;
	enum column head[WEFT__CSV_CELLS_MAX];
	size_t width;
	struct line *lines;
	size_t count;
	struct weft_account_import_result result;
	char summary[WEFT_ACCOUNT_LABEL_MAX + 1];
};

/* ---- Lines ---------------------------------------------------------------------------------- */

static void blame(
	struct line *line, enum weft_account_fault fault, const char *column, const char *text)
{
	line->fault = fault;
	line->column = column;
	line->text = text;
}

static struct line *line_new(struct table *table, size_t number)
{
	void *items = table->lines;
	struct line *line;

	if (table->count == WEFT_ACCOUNT_IMPORT_LINES_MAX) {
		errno = EMSGSIZE;
		return NULL;
	}
	line = weft__list_grow(&items, &table->count, sizeof(*line));
	table->lines = items;
	if (line)
		*line = (struct line){.number = number, .quota = -1, .column = ""};
	return line;
}

static void table_fini(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		for (int c = 0; c < COLUMNS; c++)
			free(table->lines[i].cells[c]);
	free(table->lines);
}

/* A line of a fault that is no account's. */
static int bad_line(struct table *table, size_t number, const char *text)
{
	struct line *line = line_new(table, number);

	if (!line)
		return -1;
	blame(line, WEFT_ACCOUNT_BAD_CSV, "", text);
	line->is_bad_text = true;
	return 0;
}

static int read_quota(struct line *line)
{
	const char *text = line->cells[QUOTA];
	char *end;
	long long quota;

	if (!text || !*text)
		return 0;
	errno = 0;
	quota = strtoll(text, &end, 10);
	if (errno || *end || quota < 0 || text[0] == '+' || text[0] == ' ')
		return -1;
	line->quota = quota;
	return 0;
}

/* As people write folders: "/" is the whole, which is not given by an empty cell. NULL: not said.
 */
static const char *home_of(const struct line *line)
{
	char *home = line->cells[HOME];
	size_t len = home ? strlen(home) : 0;

	if (len == 0)
		return NULL;
	while (len > 1 && home[len - 1] == '/')
		home[--len] = '\0';
	return home + strspn(home, "/");
}

static void judge(struct line *line)
{
	struct weft__person person = {
		.display_name = line->cells[DISPLAY_NAME], .home = home_of(line)};
	char name[WEFT_ACCOUNT_NAME_MAX + 1];
	enum weft_account_fault fault;

	if (weft_account_name_normalise(line->cells[NAME], name, &fault) < 0)
		blame(line, fault, columns[NAME], NULL);
	else if (read_quota(line) < 0)
		blame(line, WEFT_ACCOUNT_BAD_NUMBER, columns[QUOTA], NULL);
	else if ((fault = weft__person_judge(&person)) != WEFT_ACCOUNT_FAULT_NONE)
		blame(line, fault, columns[fault == WEFT_ACCOUNT_BAD_PATH ? HOME : DISPLAY_NAME],
			NULL);
	line->is_bad_text = line->fault != WEFT_ACCOUNT_FAULT_NONE;
}

static int take_record(struct table *table, const struct weft__csv_record *record)
{
	struct line *line;

	if (record->fault)
		return bad_line(table, record->line, record->fault);
	if (record->count != table->width)
		return bad_line(table, record->line, "it has not as many cells as the head");
	line = line_new(table, record->line);
	if (!line)
		return -1;
	for (size_t i = 0; i < record->count; i++) {
		if (table->head[i] == PASSED_OVER)
			continue;
		line->cells[table->head[i]] = strdup(record->cells[i]);
		if (!line->cells[table->head[i]])
			return -1;
	}
	judge(line);
	return 0;
}

/* ---- The head ------------------------------------------------------------------------------- */

static int column_of(const char *cell, enum column *ret_column)
{
	for (int c = 0; c < COLUMNS; c++)
		if (strcasecmp(cell, columns[c]) == 0) {
			*ret_column = (enum column)c;
			return 0;
		}
	for (size_t i = 0; i < sizeof(passed_over) / sizeof(passed_over[0]); i++)
		if (strcasecmp(cell, passed_over[i]) == 0) {
			*ret_column = PASSED_OVER;
			return 0;
		}
	return -1;
}

/* NULL: the head is fine. */
static const char *take_head(struct table *table, const struct weft__csv_record *record)
{
	bool seen[COLUMNS + 1] = {false};

	if (record->fault)
		return record->fault;
	for (size_t i = 0; i < record->count; i++) {
		if (column_of(record->cells[i], &table->head[i]) < 0)
			return "a column has a name that is not known";
		if (table->head[i] != PASSED_OVER && seen[table->head[i]])
			return "a column is there twice";
		seen[table->head[i]] = true;
	}
	table->width = record->count;
	return seen[NAME] ? NULL : "there is no column \"name\"";
}

/* 0, or -1 for want of memory or of a bound; bad lines are among the lines. */
static int read_table(struct table *table, struct weft__csv_record *record)
{
	const char *fault = "the table is empty";
	struct weft__csv csv;

	weft__csv_init(&csv, table->import->text, table->import->len);
	if (weft__csv_next(&csv, record))
		fault = take_head(table, record);
	if (fault)
		return bad_line(table, 1, fault);
	while (weft__csv_next(&csv, record))
		if (take_record(table, record) < 0)
			return -1;
	return 0;
}

/* ---- Into the database ---------------------------------------------------------------------- */

static const char *column_of_fault(enum weft_account_fault fault)
{
	switch (fault) {
	case WEFT_ACCOUNT_ROLE_UNKNOWN:
	case WEFT_ACCOUNT_NOT_ALLOWED:
	case WEFT_ACCOUNT_LAST_ADMIN:
		return columns[ROLE];
	case WEFT_ACCOUNT_GROUP_UNKNOWN:
		return columns[GROUPS];
	default:
		return columns[NAME];
	}
}

/* An empty cell says nothing. */
static const char *said(const char *cell)
{
	return cell && *cell ? cell : NULL;
}

static int note_one(
	struct weft__tx *tx, const struct weft__deed *deed, const char *name, bool is_new)
{
	struct weft__deed one = *deed;

	one.action = is_new ? "account.add" : "account.change";
	one.target = name;
	one.detail = "import";
	return weft__audit_write(tx, &one, "ok");
}

static int put_line(struct weft__tx *tx, struct weft__deed *deed, const struct line *line)
{
	struct table *table = deed->arg;
	enum weft_account_fault fault;
	struct weft__name name, role;
	struct weft__user_row row;
	struct weft__person person = {.display_name = line->cells[DISPLAY_NAME],
		.home = home_of(line),
		.quota = line->quota,
		.used = -1,
		.must_change = -1};
	int64_t id = 0;
	int found;

	if (weft__name_read(line->cells[NAME], &name, &fault) < 0)
		return fault == WEFT_ACCOUNT_FAULT_NONE ? -1 : weft__refuse(deed->call, fault);
	if (said(line->cells[ROLE])) {
		if (weft__name_read(line->cells[ROLE], &role, &fault) < 0)
			return fault == WEFT_ACCOUNT_FAULT_NONE
				       ? -1
				       : weft__refuse(deed->call, WEFT_ACCOUNT_ROLE_UNKNOWN);
		person.role = role.text;
	}
	found = weft__user_by_name(tx, name.text, &row);
	if (found < 0)
		return -1;
	if (found && (!table->import->updates || row.user.state == WEFT_ACCOUNT_IS_REMOVED))
		return weft__refuse(deed->call, WEFT_ACCOUNT_NAME_TAKEN);
	if (found) {
		id = row.user.id;
		if (weft__deed_over(deed, &row) < 0 ||
			weft__person_update(tx, deed, &row, &person) < 0)
			return -1;
	} else {
		person.name = &name;
		if (weft__person_insert(tx, deed, &person, &id) < 0)
			return -1;
	}
	if (line->cells[GROUPS] && weft__person_set_groups(tx, deed, id, line->cells[GROUPS]) < 0)
		return -1;
	table->result.added += !found;
	table->result.changed += found != 0;
	return note_one(tx, deed, name.text, !found);
}

/* 0 also for a bad one, which is noted; -1: the database itself has failed. */
static int try_line(struct weft__tx *tx, struct weft__deed *deed, struct line *line)
{
	if (weft__tx_run(tx, "SAVEPOINT line", "") < 0)
		return -1;
	deed->call->fault = WEFT_ACCOUNT_FAULT_NONE;
	if (put_line(tx, deed, line) == 0)
		return weft__tx_run(tx, "RELEASE line", "") < 0 ? -1 : 0;
	if (deed->call->fault == WEFT_ACCOUNT_FAULT_NONE)
		return -1;
	blame(line, deed->call->fault, column_of_fault(deed->call->fault), NULL);
	if (weft__tx_run(tx, "ROLLBACK TO line", "") < 0)
		return -1;
	return weft__tx_run(tx, "RELEASE line", "") < 0 ? -1 : 0;
}

static int put_table(struct weft__tx *tx, struct weft__deed *deed)
{
	struct table *table = deed->arg;

	table->result = (struct weft_account_import_result){0};
	for (size_t i = 0; i < table->count; i++) {
		struct line *line = &table->lines[i];

		if (!line->is_bad_text) {
			blame(line, WEFT_ACCOUNT_FAULT_NONE, "", NULL);
			if (try_line(tx, deed, line) < 0)
				return -1;
		}
		table->result.bad += line->fault != WEFT_ACCOUNT_FAULT_NONE;
	}
	deed->call->fault = WEFT_ACCOUNT_FAULT_NONE;
	snprintf(table->summary, sizeof(table->summary), "%zu added, %zu changed, %zu bad",
		table->result.added, table->result.changed, table->result.bad);
	deed->detail = table->summary;
	if (table->result.bad > 0 && !table->import->skips_bad)
		return weft__refuse(deed->call, WEFT_ACCOUNT_BAD_CSV);
	if (table->import->is_trial) {
		errno = ECANCELED; /* all is taken back */
		return -2;
	}
	return 0;
}

static void report(const struct table *table)
{
	for (size_t i = 0; table->import->report && i < table->count; i++) {
		const struct line *line = &table->lines[i];
		const char *own = weft_account_fault_text(line->fault);
		struct weft_account_import_fault fault = {.line = line->number,
			.column = line->column,
			.fault = line->fault,
			.text = line->text ? line->text : own};

		if (line->fault != WEFT_ACCOUNT_FAULT_NONE)
			table->import->report(&fault, table->import->arg);
	}
}

int weft_accounts_import(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_import *import, struct weft_account_import_result *ret_result)
{
	struct table table = {.import = import};
	struct weft__csv_record *record;
	struct weft__deed deed = {.accounts = accounts,
		.call = call,
		.fn = put_table,
		.arg = &table,
		.action = "accounts.import",
		.needs = WEFT_ACCOUNT_MANAGES};
	int result = -1, kept;

	weft__call_begin(call);
	if (import->len > WEFT_ACCOUNT_IMPORT_LEN_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	record = malloc(sizeof(*record));
	if (!record)
		return -1;
	if (read_table(&table, record) == 0) {
		result = weft__deed_do(&deed);
		/* What came of a trial: -2 is ours, and no failure. */
		if (result == -2)
			result = 0;
		if (result == 0 || call->fault == WEFT_ACCOUNT_BAD_CSV) {
			report(&table);
			*ret_result = table.result;
		}
	}
	kept = errno;
	free(record);
	table_fini(&table);
	errno = kept;
	return result;
}
