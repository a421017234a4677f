/*
 * account_records.c - `weft account` audit, export, import, backup.
 *
 * Never: leaves half a table or copy under the name that was asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "account.h"
#include "weft/file.h"

/* ---- audit -------------------------------------------------------------------------------- */

struct audit {
	const char *who, *target, *action, *since, *until;
	unsigned limit;
};

static const char audit_help[] =
	"usage: weft account audit [OPTION]...\n"
	"\n"
	"What was done, by whom and from where, the newest first.\n"
	"\n"
	"  --who NAME         done by this account\n"
	"  --target NAME      done to it\n"
	"  --action PREFIX    such as login, account., token.add\n"
	"  --since TIME       2026-11-30, '2026-11-30 14:05', or 7d, 12h, 30m ago\n"
	"  --until TIME       the same\n"
	"  --limit N          at most so many (default: 100)\n" ACCOUNT_HELP;

/* A time in any of the forms of the help; -1: none of them. */
static int64_t parse_time(const char *text)
{
	static const char *const forms[] = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"};
	char *end;
	long count = strtol(text, &end, 10);

	if (end != text && count >= 0 && count <= INT_MAX && *end && !end[1]) {
		const char *unit = strchr("mhd", *end);
		static const int64_t seconds[] = {60, 3600, 86400};

		if (unit)
			return time(NULL) - count * seconds[*unit == 'm'   ? 0
							    : *unit == 'h' ? 1
									   : 2];
	}
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm parts = {.tm_isdst = -1};
		const char *rest = strptime(text, forms[i], &parts);

		if (rest && !*rest)
			return mktime(&parts);
	}
	return -1;
}

static int put_time(const struct account *account, json_t *args, const char *name, const char *text)
{
	int64_t at = text ? parse_time(text) : 0;

	if (at < 0)
		return weft__cmd_usage(account->name,
			"--%s takes a time such as 2026-11-30, '2026-11-30 14:05' or 7d, not "
			"\"%s\".",
			name, text);
	if (text)
		json_object_set_new(args, name, json_integer(at));
	return CMD_DONE;
}

static int audit_args(const struct account *account, const struct audit *audit, json_t *args)
{
	int status = put_time(account, args, "since", audit->since);

	if (!status)
		status = put_time(account, args, "until", audit->until);
	if (audit->who)
		json_object_set_new(args, "who", json_string(audit->who));
	if (audit->target)
		json_object_set_new(args, "target", json_string(audit->target));
	if (audit->action)
		json_object_set_new(args, "action", json_string(audit->action));
	return status;
}

static int audit_all(struct account *account, const json_t *args, size_t limit, json_t *all)
{
	bool has_more = true;
	int status = CMD_DONE;

	while (!status && has_more && json_array_size(all) < limit) {
		const json_t *last = json_array_get(all, json_array_size(all) - 1);
		size_t rest = limit - json_array_size(all);
		json_t *page = NULL, *query = json_copy((json_t *)args);

		if (last)
			json_object_set(query, "before", json_object_get(last, "id"));
		json_object_set_new(query, "limit",
			json_integer(rest < WEFT_ACCOUNT_PAGE_MAX ? (json_int_t)rest
								  : WEFT_ACCOUNT_PAGE_MAX));
		status = weft__cmd_account_call(account, "readAudit", query, &page);
		has_more = json_is_true(json_object_get(page, "has_more"));
		if (!status)
			json_array_extend(all, json_object_get(page, "events"));
		json_decref(page);
	}
	return status;
}

int weft__cmd_account_audit(struct account *account, int argc, char **argv)
{
	static const struct account_column columns[] = {{"TIME", "at", ACCOUNT_TIME},
		{"WHO", "who", ACCOUNT_TEXT}, {"FROM", "address", ACCOUNT_TEXT},
		{"BY", "door", ACCOUNT_TEXT}, {"ACTION", "action", ACCOUNT_TEXT},
		{"ON", "target", ACCOUNT_TEXT}, {"RESULT", "result", ACCOUNT_TEXT},
		{"DETAIL", "detail", ACCOUNT_TEXT}, {NULL, NULL, ACCOUNT_TEXT}};
	struct audit audit = {.limit = WEFT_ACCOUNT_PAGE_DEFAULT};
	const struct cmd_option options[] = {CMD_OPTION("who", CMD_TEXT, &audit.who),
		CMD_OPTION("target", CMD_TEXT, &audit.target),
		CMD_OPTION("action", CMD_TEXT, &audit.action),
		CMD_OPTION("since", CMD_TEXT, &audit.since),
		CMD_OPTION("until", CMD_TEXT, &audit.until),
		CMD_OPTION("limit", CMD_COUNT, &audit.limit, .max = 1000000),
		ACCOUNT_OPTIONS(account), CMD_OPTIONS_END};
	const struct account_line line = {audit_help, "no argument", options, 0, 0};
	int status = weft__cmd_account_parse(account, &line, argc, argv);
	json_t *args, *all;

	if (status)
		return status;
	args = json_object();
	all = json_array();
	status = audit_args(account, &audit, args);
	if (!status)
		status = audit_all(account, args, audit.limit, all);
	if (!status && account->is_json)
		weft__cmd_account_print_json(all);
	else if (!status)
		weft__cmd_account_print_table(all, columns);
	json_decref(all);
	json_decref(args);
	return status;
}

/* ---- export ------------------------------------------------------------------------------- */

static const char export_help[] =
	"usage: weft account export [OPTION]...\n"
	"\n"
	"Print all accounts as a table (CSV, RFC 4180), for spreadsheets and \"import\". No\n"
	"passwords are in it.\n"
	"\n"
	"  --output FILE      put it there instead, all of it or nothing\n" ACCOUNT_HELP;

static int write_out(const char *text, size_t len, void *arg)
{
	struct weft_file *file = arg;

	if (file)
		return weft_file_write(file, text, len);
	return fwrite(text, 1, len, stdout) == len ? 0 : -1;
}

int weft__cmd_account_export(struct account *account, int argc, char **argv)
{
	const char *output = NULL;
	const struct cmd_option options[] = {
		CMD_OPTION("output", CMD_TEXT, &output), ACCOUNT_OPTIONS(account), CMD_OPTIONS_END};
	const struct account_line line = {export_help, "no argument", options, 0, 0};
	int status = weft__cmd_account_parse(account, &line, argc, argv);
	struct account_order order = {.op = "exportUsers", .write = write_out};
	struct weft_file *file = NULL;

	if (status)
		return status;
	if (output && !(file = weft_file_open_replace(output)))
		return weft__cmd_fail(account->name, "%s: %s.", output, strerror(errno));
	order.args = json_object();
	order.write_arg = file;
	status = weft__cmd_account_do(account, &order);
	if (!status && file && weft_file_commit(file) < 0)
		status = weft__cmd_fail(account->name, "%s: %s.", output, strerror(errno));
	weft_file_close(file);
	json_decref(order.result);
	return status;
}

/* ---- import ------------------------------------------------------------------------------- */

struct import {
	bool skips_bad, updates, is_trial;
};

static const char import_help[] =
	"usage: weft account import FILE [OPTION]...\n"
	"\n"
	"Make accounts of a table (CSV) whose first line names its columns: name, and any of\n"
	"display_name, role, home, quota (in bytes), groups. All of them, or, where one can't be,\n"
	"none. They have no passwords: \"weft account link\" invites each. FILE - is the standard\n"
	"input.\n"
	"\n"
	"  --skip-bad         make the good ones\n"
	"  --update           change those that are there already\n"
	"  --trial            only say what would be done\n" ACCOUNT_HELP;

static int read_table(
	const struct account *account, const char *path, char **ret_text, size_t *ret_len)
{
	const char *name = strcmp(path, "-") == 0 ? "/dev/stdin" : path;
	ssize_t len = weft_file_read_all(name, WEFT_ACCOUNT_IMPORT_LEN_MAX, ret_text);

	if (len < 0)
		return weft__cmd_fail(account->name, "%s: %s.", path,
			errno == EFBIG ? "it is longer than 8 MiB" : strerror(errno));
	*ret_len = (size_t)len;
	return CMD_DONE;
}

static long long count_of(const json_t *result, const char *name)
{
	return json_integer_value(json_object_get(result, name));
}

/* What was left out, a line each; then the sums. */
static void say_import(
	const struct account *account, const struct import *import, const json_t *result)
{
	if (account->is_json) {
		weft__cmd_account_print_json(result);
		return;
	}
	weft__cmd_account_tell_faults(account, json_object_get(result, "faults"));
	printf("%lld added, %lld changed, %lld left out%s\n", count_of(result, "added"),
		count_of(result, "changed"), count_of(result, "bad"),
		import->is_trial ? " (nothing was done)" : "");
}

static json_t *import_args(const struct import *import)
{
	json_t *args = json_object();

	if (import->skips_bad)
		json_object_set_new(args, "skip_bad", json_true());
	if (import->updates)
		json_object_set_new(args, "update", json_true());
	if (import->is_trial)
		json_object_set_new(args, "trial", json_true());
	return args;
}

int weft__cmd_account_import(struct account *account, int argc, char **argv)
{
	struct import import = {.skips_bad = false};
	const struct cmd_option options[] = {CMD_OPTION("skip-bad", CMD_FLAG, &import.skips_bad),
		CMD_OPTION("update", CMD_FLAG, &import.updates),
		CMD_OPTION("trial", CMD_FLAG, &import.is_trial), ACCOUNT_OPTIONS(account),
		CMD_OPTIONS_END};
	const struct account_line line = {import_help, "one file", options, 1, 1};
	int status = weft__cmd_account_parse(account, &line, argc, argv);
	struct account_order order = {.op = "importUsers"};
	char *text = NULL;

	if (status)
		return status;
	account->creates = true;
	status = read_table(account, argv[optind], &text, &order.len);
	if (status)
		return status;
	order.args = import_args(&import);
	order.text = text;
	status = weft__cmd_account_do(account, &order);
	if (!status)
		say_import(account, &import, order.result);
	json_decref(order.result);
	free(text);
	return status;
}

/* ---- backup ------------------------------------------------------------------------------- */

static const char backup_help[] =
	"usage: weft account backup FILE [OPTION]...\n"
	"\n"
	"Copy the database, while it is in use, to FILE, which must not be there yet: one\n"
	"consistent moment of it, which others can't read. The hashes of all passwords are in it.\n"
	"It is put back by stopping the server, and moving it to accounts.db of the state\n"
	"folder, where accounts.db-wal and accounts.db-shm are removed.\n" ACCOUNT_HELP;

/* From a server the copy comes in pieces: it has its name when it is whole. */
static int fetch_backup(struct account *account, struct account_order *order, const char *path)
{
	char part[PATH_MAX];
	struct weft_file *file;
	int status, code = 0;

	if ((size_t)snprintf(part, sizeof(part), "%s.part-%d", path, (int)getpid()) >= sizeof(part))
		return weft__cmd_fail(account->name, "%s: %s.", path, strerror(ENAMETOOLONG));
	file = weft_file_open_flags(part, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (!file && (errno == ENOENT || errno == ENOTDIR))
		return weft__cmd_fail(
			account->name, "the folder that %s is to be in is not there.", path);
	if (!file)
		return weft__cmd_fail(account->name, "can't write %s: %s.", part, strerror(errno));
	order->write = write_out;
	order->write_arg = file;
	status = weft__cmd_account_do(account, order);
	if (!status && (weft_file_sync(file) < 0 || link(part, path) < 0))
		code = errno;
	weft_file_close(file);
	unlink(part);
	if (code == EEXIST)
		return weft__cmd_fail(account->name,
			"%s is there already, and a copy goes over nothing that is there.", path);
	return code ? weft__cmd_fail(account->name, "%s: %s.", path, strerror(code)) : status;
}

int weft__cmd_account_backup(struct account *account, int argc, char **argv)
{
	const struct cmd_option options[] = {ACCOUNT_OPTIONS(account), CMD_OPTIONS_END};
	const struct account_line line = {backup_help, "one file", options, 1, 1};
	int status = weft__cmd_account_parse(account, &line, argc, argv);
	struct account_order order = {.op = "backUp"};

	if (status)
		return status;
	order.args = json_object();
	order.path = argv[optind];
	status = account->server ? fetch_backup(account, &order, argv[optind])
				 : weft__cmd_account_do(account, &order);
	if (!status)
		weft__cmd_account_say(account, "The accounts are copied to %s.", argv[optind]);
	json_decref(order.result);
	return status;
}
