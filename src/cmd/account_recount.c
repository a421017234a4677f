/*
 * account_recount.c - `weft account recount`: what accounts use, counted anew in the shared folder.
 *
 * Never: changes anything in that folder.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "account.h"
#include "weft/files.h"

static const char recount_help[] =
	"usage: weft account recount [DIR] [OPTION]...\n"
	"\n"
	"Count what each account has stored in the shared folder DIR (default: this one), and set\n"
	"its use to that: after files were changed by other ways than the server's. Each file "
	"says\n"
	"whose it is (the attribute user.weft.owner); those that don't are nobody's.\n"
	"\n"
	"A server may run meanwhile. Who stores something at that moment is left as she was, and\n"
	"told of.\n"
	"\n"
	"  --trial            only say what would be done\n" ACCOUNT_HELP;

static int add(const struct weft_files_owned *owned, void *arg)
{
	weft_account_uses_add(arg, owned->owner, owned->bytes, owned->is_busy);
	return 0;
}

static int count(const struct account *account, const char *dir, struct weft_account_uses *uses)
{
	/* Uploads that have expired are the server's to remove. */
	const struct weft_files_options options = {.upload_ttl_ns = INT64_MAX};
	struct weft_files *files = weft_files_new(dir, &options);
	int status = CMD_DONE;

	if (!files || weft_files_owners(files, add, uses) < 0)
		status = weft__cmd_fail(account->name, "%s: %s.", dir,
			errno == ENOTSUP ? "no file says whose it is, or the file system can't "
					   "keep that"
					 : strerror(errno));
	weft_files_free(files);
	return status;
}

static json_t *json_of(const struct weft_account_uses *uses)
{
	json_t *list = json_array();

	for (size_t i = 0; i < uses->count; i++) {
		const struct weft_account_use *use = &uses->uses[i];

		if (use->found != use->before)
			json_array_append_new(
				list, json_pack("{s:o, s:I, s:I, s:b}", "name",
					      weft__hub_json_text(use->name), "before",
					      (json_int_t)use->before, "found",
					      (json_int_t)use->found, "is_busy", use->is_busy));
	}
	return json_pack("{s:o, s:I}", "accounts", list, "others", (json_int_t)uses->others);
}

static void say(const struct account *account, const struct weft_account_uses *uses, bool is_trial)
{
	static const struct account_column columns[] = {{"NAME", "name", ACCOUNT_TEXT},
		{"WAS", "before", ACCOUNT_BYTES}, {"FOUND", "found", ACCOUNT_BYTES},
		{"LEFT, BUSY", "is_busy", ACCOUNT_YES}, {NULL, NULL, ACCOUNT_TEXT}};
	json_t *result = json_of(uses);
	const json_t *accounts = json_object_get(result, "accounts");

	if (account->is_json) {
		weft__cmd_account_print_json(result);
	} else {
		weft__cmd_account_print_table(accounts, columns);
		printf("%zu of %zu were wrong; %lld bytes are nobody's%s\n",
			json_array_size(accounts), uses->count, (long long)uses->others,
			is_trial ? " (nothing was done)" : "");
	}
	json_decref(result);
}

static int recount(struct account *account, const char *dir, bool is_trial)
{
	struct weft_account_call call = {.is_local = true, .door = "command"};
	struct weft_account_uses uses;
	int status;

	/* Before the files are counted: what changes meanwhile is noticed. */
	if (weft_account_uses(account->accounts, &call, &uses) < 0)
		return weft__cmd_fail(account->name, "%s.", strerror(errno));
	status = count(account, dir, &uses);
	if (!status && !is_trial && weft_account_recount(account->accounts, &call, &uses) < 0)
		status = weft__cmd_fail(account->name, "%s.", strerror(errno));
	if (!status)
		say(account, &uses, is_trial);
	weft_account_uses_fini(&uses);
	return status;
}

int weft__cmd_account_recount(struct account *account, int argc, char **argv)
{
	bool is_trial = false;
	const struct cmd_option options[] = {CMD_OPTION("trial", CMD_FLAG, &is_trial),
		ACCOUNT_OPTIONS(account), CMD_OPTIONS_END};
	const struct account_line line = {recount_help, "one folder", options, 0, 1};
	int status = weft__cmd_account_parse(account, &line, argc, argv);
	const char *dir = optind < argc ? argv[optind] : ".";

	if (status)
		return status;
	if (account->server)
		return weft__cmd_usage(
			account->name, "this is done on the database itself only: --state DIR.");
	if (!is_trial && !weft__cmd_account_is_meant(
				 account, "Set what all accounts use to what is in %s?", dir))
		return weft__cmd_fail(account->name, "nothing was done.");
	status = weft__cmd_account_open(account);
	return status ? status : recount(account, dir, is_trial);
}
