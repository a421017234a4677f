/*
 * account_remove.c - `weft account remove`: an account, and what becomes of its files.
 *
 * Never: forgets whose files they were before it is settled what becomes of them.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "account.h"
#include "weft/files.h"

static const char remove_help[] =
	"usage: weft account remove NAME [OPTION]...\n"
	"\n"
	"Remove an account: its password, sessions, tokens, groups and rights are gone; files are\n"
	"not. Its name stays taken, and \"weft account unlock\" brings the bare account back, in\n"
	"chat with the rooms and bans of before.\n"
	"\n"
	"  --purge            the name is free again; the audit log alone knows it\n"
	"  --trash-files      all files that this person has stored go to the trash\n"
	"  --give-files HEIR  they are another's, in whose quota they count; they stay where they\n"
	"                     are, and who may open them is as before\n"
	"                     By both, uploads that she has not finished go for good; what is in\n"
	"                     the trash, or has a hidden name, stays hers. Nothing is done where\n"
	"                     HEIR is locked, or has no room for all that she uses.\n"
	"  --folder DIR       the shared folder, where it is not done by --server\n" ACCOUNT_HELP;

struct removal {
	const char *user, *heir, *folder;
	bool purges, trashes;
	json_int_t files, bytes, uploads, left;
	bool is_full;
};

static int check(const struct account *account, const struct removal *removal)
{
	bool settles = removal->trashes || removal->heir;

	if (removal->trashes && removal->heir)
		return weft__cmd_usage(account->name, "--trash-files or --give-files: not both.");
	if (removal->folder && (account->server || !settles))
		return weft__cmd_usage(account->name,
			"--folder is of --trash-files and --give-files, without --server.");
	if (settles && !account->server && !removal->folder)
		return weft__cmd_usage(account->name,
			"say --folder DIR, where the files are, or do it by --server URL.");
	return CMD_DONE;
}

/* ---- Files -------------------------------------------------------------------------------- */

static json_t *args_of(const struct removal *removal)
{
	return removal->heir ? json_pack("{s:s, s:s, s:s}", "user", removal->user, "do", "give",
				       "to", removal->heir)
			     : json_pack("{s:s, s:s}", "user", removal->user, "do", "trash");
}

static json_int_t number_of(const json_t *result, const char *name)
{
	return json_integer_value(json_object_get(result, name));
}

/* As often as there is more. */
static int settle(struct account *account, struct removal *removal)
{
	bool has_more = true;
	int status = CMD_DONE;

	while (!status && has_more) {
		json_t *result = NULL;

		status = weft__cmd_account_call(account, "settleFiles", args_of(removal), &result);
		has_more = json_is_true(json_object_get(result, "more"));
		removal->files += number_of(result, "files");
		removal->bytes += number_of(result, "bytes");
		removal->uploads += number_of(result, "uploads");
		removal->left = number_of(result, "left");
		removal->is_full = json_is_true(json_object_get(result, "full"));
		json_decref(result);
	}
	return status;
}

static int begin_charging(const struct account *account, const struct removal *removal)
{
	char *folder = realpath(removal->folder, NULL);
	bool is_unsure;
	int result =
		folder ? weft_account_charging_begin(account->accounts, folder, &is_unsure) : -1;

	free(folder);
	return result;
}

static int settle_here(struct account *account, struct removal *removal)
{
	/* Uploads that have expired are the server's to remove. */
	struct weft_files_options options = {
		.upload_ttl_ns = INT64_MAX, .freed = weft_account_files_freed};
	int status = weft__cmd_account_open(account);

	if (status || !removal->folder)
		return status ? status : settle(account, removal);
	options.arg = account->accounts;
	/* Killed from here on, it is a server's to count anew. */
	if (begin_charging(account, removal) < 0)
		return weft__cmd_fail(account->name, "%s: %s.", removal->folder, strerror(errno));
	account->files = weft_files_new(removal->folder, &options);
	status = account->files ? settle(account, removal)
				: weft__cmd_fail(account->name, "%s: %s.", removal->folder,
					  strerror(errno));
	weft_files_free(account->files);
	account->files = NULL;
	weft_account_charging_end(account->accounts);
	return status;
}

static int say(const struct account *account, const struct removal *removal)
{
	bool settles = removal->trashes || removal->heir;

	if (account->is_json && settles)
		printf("{\"files\": %lld, \"bytes\": %lld, \"uploads\": %lld, \"left\": %lld}\n",
			(long long)removal->files, (long long)removal->bytes,
			(long long)removal->uploads, (long long)removal->left);
	if (settles)
		weft__cmd_account_say(account, "%lld files of %s %s%s.", (long long)removal->files,
			removal->user, removal->heir ? "are now of " : "are in the trash",
			removal->heir ? removal->heir : "");
	weft__cmd_account_say(account, "%s is removed.", removal->user);
	if (removal->is_full)
		return weft__cmd_fail(account->name,
			"%s has no room for the rest of the files in her quota; they stay as they "
			"are. With more, say it again.",
			removal->heir);
	if (removal->left > 0)
		return weft__cmd_fail(account->name,
			"%lld files of %s stay as they are: they may not be removed, or are in use "
			"at this moment.",
			(long long)removal->left, removal->user);
	return CMD_DONE;
}

/* ---- Removing ----------------------------------------------------------------------------- */

static int remove_user(struct account *account, const struct removal *removal, bool purges)
{
	json_t *args = json_pack("{s:s}", "user", removal->user);

	if (args && purges)
		json_object_set_new(args, "purge", json_true());
	return weft__cmd_account_call(account, "removeUser", args, NULL);
}

/* By what both use and may: files that change meanwhile are found by who gives them. What she has
 * in the trash is not given, but known as one sum with the rest: rather too early than too late. */
static int check_heir(const struct account *account, const json_t *user, const json_t *heir)
{
	const char *of = json_string_value(json_object_get(user, "name"));
	const char *to = json_string_value(json_object_get(heir, "name"));
	const char *state = json_string_value(json_object_get(heir, "state"));
	json_int_t used = number_of(user, "used"), quota = number_of(heir, "quota");
	json_int_t room = quota - number_of(heir, "used");

	if (!of || !to || !state)
		return CMD_DONE; /* a server that does not tell knows it itself */
	if (strcmp(of, to) == 0)
		return weft__cmd_fail(account->name, "%s can't inherit from herself.", to);
	if (strcmp(state, "active") != 0)
		return weft__cmd_fail(account->name,
			"%s is %s, and could do nothing with the files: nothing was done. \"weft "
			"account unlock\" changes that.",
			to, state);
	if (quota == 0 || used <= room)
		return CMD_DONE;
	return weft__cmd_fail(account->name,
		"%s has room for %lld bytes in her quota, and %s uses %lld, what is in the trash "
		"included: nothing was done. More room: weft account change %s --quota BYTES; or "
		"--trash-files.",
		to, (long long)(room > 0 ? room : 0), of, (long long)used, to);
}

/* What can't be, before anybody is gone: an heir whom nobody knows, or who can't take what there
 * is; no folder. */
static int check_heirs(struct account *account, const struct removal *removal)
{
	json_t *heir = NULL, *user = NULL;
	struct stat stat_of;
	int status = CMD_DONE;

	if (removal->folder && (stat(removal->folder, &stat_of) < 0 || !S_ISDIR(stat_of.st_mode)))
		return weft__cmd_fail(account->name, "there is no folder \"%s\".", removal->folder);
	if (!removal->heir)
		return CMD_DONE;
	status = weft__cmd_account_call(
		account, "showUser", json_pack("{s:s}", "user", removal->heir), &heir);
	if (!status)
		status = weft__cmd_account_call(
			account, "showUser", json_pack("{s:s}", "user", removal->user), &user);
	if (!status)
		status = check_heir(account, user, heir);
	json_decref(heir);
	json_decref(user);
	return status;
}

/* Who is out puts nothing more; and while the account is known, so are its files. */
static int remove_all(struct account *account, struct removal *removal)
{
	bool settles = removal->trashes || removal->heir;
	int status = check_heirs(account, removal);

	if (!status)
		status = remove_user(account, removal, removal->purges && !settles);
	if (!status && settles)
		status = settle_here(account, removal);
	if (status || !settles || !removal->purges || removal->left > 0 || removal->is_full)
		return status ? status : say(account, removal);
	status = remove_user(account, removal, true);
	return status ? status : say(account, removal);
}

int weft__cmd_account_remove(struct account *account, int argc, char **argv)
{
	struct removal removal = {.purges = false};
	const struct cmd_option options[] = {CMD_OPTION("purge", CMD_FLAG, &removal.purges),
		CMD_OPTION("trash-files", CMD_FLAG, &removal.trashes),
		CMD_OPTION("give-files", CMD_TEXT, &removal.heir),
		CMD_OPTION("folder", CMD_TEXT, &removal.folder), ACCOUNT_OPTIONS(account),
		CMD_OPTIONS_END};
	const struct account_line line = {remove_help, "one name", options, 1, 1};
	int status = weft__cmd_account_parse(account, &line, argc, argv);

	if (!status)
		status = check(account, &removal);
	if (status)
		return status;
	removal.user = argv[optind];
	if (!weft__cmd_account_is_meant(account, "Remove the account %s%s%s?", removal.user,
		    removal.purges ? ", and all that is known of it" : "",
		    removal.trashes ? ", and all its files" : ""))
		return weft__cmd_fail(account->name, "nothing was done.");
	return remove_all(account, &removal);
}
