/*
 * account_people.c - `weft account` add, change, find, show, link, lock, unlock.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"

/** A link is good for so long, unless it is said. */
#define DAYS_USUAL 3

/* Of an args object that may be NULL for want of memory: then the order says so. */
static void put_text(json_t *args, const char *name, const char *text)
{
	if (args && text && json_object_set_new(args, name, json_string(text)) < 0)
		json_object_set_new(args, name, json_null()); /* not UTF-8: refused as no text */
}

static void put_home(json_t *args, const char *text)
{
	json_t *home = text ? weft__cmd_account_folder(text) : NULL;

	if (args && text)
		json_object_set_new(args, "home", home ? home : json_null());
	else
		json_decref(home);
}

static void put_bytes(json_t *args, const char *name, uint64_t bytes)
{
	if (args)
		json_object_set_new(args, name, json_integer((json_int_t)bytes));
}

static void put_true(json_t *args, const char *name, bool is_true)
{
	if (args && is_true)
		json_object_set_new(args, name, json_true());
}

static json_t *args_of(const char *name, const char *text)
{
	json_t *args = json_object();

	put_text(args, name, text);
	return args;
}

static const struct account_column user_facts[] = {{"name", "name", ACCOUNT_TEXT},
	{"display name", "display_name", ACCOUNT_TEXT}, {"role", "role", ACCOUNT_TEXT},
	{"state", "state", ACCOUNT_TEXT}, {"home", "home", ACCOUNT_TEXT},
	{"groups", "groups", ACCOUNT_WORDS}, {"has a password", "has_password", ACCOUNT_YES},
	{"must change it", "must_change", ACCOUNT_YES}, {"used", "used", ACCOUNT_BYTES},
	{"quota", "quota", ACCOUNT_BYTES}, {"created", "created", ACCOUNT_TIME},
	{"last seen", "seen", ACCOUNT_TIME}, {NULL, NULL, ACCOUNT_TEXT}};

static const struct account_column user_table[] = {{"NAME", "name", ACCOUNT_TEXT},
	{"DISPLAY NAME", "display_name", ACCOUNT_TEXT}, {"ROLE", "role", ACCOUNT_TEXT},
	{"STATE", "state", ACCOUNT_TEXT}, {"USED", "used", ACCOUNT_BYTES},
	{"QUOTA", "quota", ACCOUNT_BYTES}, {"LAST SEEN", "seen", ACCOUNT_TIME},
	{NULL, NULL, ACCOUNT_TEXT}};

/* ---- add ---------------------------------------------------------------------------------- */

struct add {
	const char *role, *display_name, *home;
	struct cmd_texts groups;
	uint64_t quota;
	bool reads_password, must_change, invites;
};

static const char add_help[] =
	"usage: weft account add NAME [OPTION]...\n"
	"\n"
	"Make an account. Its password is asked for, or read, or not set: then the link of an\n"
	"invitation is printed, by which the person sets it. By --server it is always so.\n"
	"\n"
	"  --role ROLE        admin, member, guest, or one of your own (default: member)\n"
	"  --display-name TEXT  how the name is shown\n"
	"  --home FOLDER      the folder below the shared one that is all she sees (default: /)\n"
	"  --quota BYTES      at most so much, such as 10G\n"
	"  --group GROUP      she is in it; again for more\n"
	"  --password-stdin   read the password from the standard input, one line\n"
	"  --must-change      it is to be changed before anything else\n"
	"  --invite           no password: an invitation\n" ACCOUNT_HELP;

static int take_password(const struct account *account, bool reads, char **ret_password)
{
	if (reads)
		return weft__cmd_account_read_line(account, "the password", ret_password);
	return weft__cmd_account_prompt(account, "Password: ", true, ret_password);
}

static json_t *add_args(const struct add *add, const char *name, const char *password)
{
	json_t *args = args_of("name", name), *groups = json_array();

	put_text(args, "role", add->role);
	put_text(args, "display_name", add->display_name);
	put_home(args, add->home);
	put_text(args, "password", password);
	put_true(args, "must_change", add->must_change);
	put_true(args, "invite", !password);
	if (add->quota)
		put_bytes(args, "quota", add->quota);
	for (unsigned i = 0; i < add->groups.count; i++)
		json_array_append_new(groups, json_string(add->groups.items[i]));
	if (add->groups.count > 0)
		json_object_set(args, "groups", groups);
	json_decref(groups);
	return args;
}

int weft__cmd_account_add(struct account *account, int argc, char **argv)
{
	struct add add = {.role = NULL};
	const struct cmd_option options[] = {CMD_OPTION("role", CMD_TEXT, &add.role),
		CMD_OPTION("display-name", CMD_TEXT, &add.display_name),
		CMD_OPTION("home", CMD_TEXT, &add.home),
		CMD_OPTION("quota", CMD_BYTES, &add.quota, .max = INT64_MAX),
		CMD_OPTION("group", CMD_TEXTS, &add.groups),
		CMD_OPTION("password-stdin", CMD_FLAG, &add.reads_password),
		CMD_OPTION("must-change", CMD_FLAG, &add.must_change),
		CMD_OPTION("invite", CMD_FLAG, &add.invites), ACCOUNT_OPTIONS(account),
		CMD_OPTIONS_END};
	const struct account_line line = {add_help, "one name", options, 1, 1};
	int status = weft__cmd_account_parse(account, &line, argc, argv);
	char *password = NULL;
	json_t *result = NULL;

	if (status)
		return status;
	if (account->server && add.reads_password)
		return weft__cmd_usage(account->name,
			"by --server nobody chooses another's password: --invite instead.");
	if (add.invites && add.reads_password)
		return weft__cmd_usage(account->name, "--invite or --password-stdin: one of them.");
	account->creates = true;
	if (!add.invites && !account->server)
		status = take_password(account, add.reads_password, &password);
	if (!status)
		status = weft__cmd_account_call(
			account, "addUser", add_args(&add, argv[optind], password), &result);
	if (!status && !password)
		weft__cmd_account_say_link(
			account, &(struct account_link){argv[optind], DAYS_USUAL, true}, result);
	else if (!status && account->is_json)
		weft__cmd_account_print_json(result);
	else if (!status)
		weft__cmd_account_say(account, "%s is added.", argv[optind]);
	json_decref(result);
	weft__cmd_account_forget(password);
	return status;
}

/* ---- lock, unlock ------------------------------------------------------------------------- */

/* What takes a name and nothing else. */
static int do_by_name(
	struct account *account, int argc, char **argv, const char *help, const char *op)
{
	const struct cmd_option options[] = {ACCOUNT_OPTIONS(account), CMD_OPTIONS_END};
	const struct account_line line = {help, "one name", options, 1, 1};
	int status = weft__cmd_account_parse(account, &line, argc, argv);

	if (!status)
		status = weft__cmd_account_call(account, op, args_of("user", argv[optind]), NULL);
	return status;
}

static const char lock_help[] =
	"usage: weft account lock NAME [OPTION]...\n"
	"\n"
	"Let nobody in by this account, and end its sessions; nothing else changes.\n" ACCOUNT_HELP;

int weft__cmd_account_lock(struct account *account, int argc, char **argv)
{
	int status = do_by_name(account, argc, argv, lock_help, "lockUser");

	if (!status)
		weft__cmd_account_say(account, "%s is locked.", argv[optind]);
	return status;
}

static const char unlock_help[] =
	"usage: weft account unlock NAME [OPTION]...\n"
	"\n"
	"Let somebody in again who was locked, or removed.\n" ACCOUNT_HELP;

int weft__cmd_account_unlock(struct account *account, int argc, char **argv)
{
	int status = do_by_name(account, argc, argv, unlock_help, "unlockUser");

	if (!status)
		weft__cmd_account_say(account, "%s is unlocked.", argv[optind]);
	return status;
}

/* ---- change ------------------------------------------------------------------------------- */

struct change {
	const char *name, *display_name, *role, *home;
	uint64_t quota;
	bool has_quota, must_change;
};

static const char change_help[] =
	"usage: weft account change NAME [OPTION]...\n"
	"\n"
	"  --name NEW         another name; the account stays the same\n"
	"  --display-name TEXT  how it is shown\n"
	"  --role ROLE        what she may do: \"weft account role list\"\n"
	"  --home FOLDER      the folder below the shared one that is all she sees; /: all\n"
	"  --quota BYTES      at most so much, such as 10G; 0: no bound\n"
	"  --must-change      the password is to be changed before anything else\n" ACCOUNT_HELP;

int weft__cmd_account_change(struct account *account, int argc, char **argv)
{
	struct change change = {.name = NULL};
	const struct cmd_option options[] = {CMD_OPTION("name", CMD_TEXT, &change.name),
		CMD_OPTION("display-name", CMD_TEXT, &change.display_name),
		CMD_OPTION("role", CMD_TEXT, &change.role),
		CMD_OPTION("home", CMD_TEXT, &change.home),
		CMD_OPTION("quota", CMD_BYTES, &change.quota, .max = INT64_MAX,
			.ret_is_given = &change.has_quota),
		CMD_OPTION("must-change", CMD_FLAG, &change.must_change), ACCOUNT_OPTIONS(account),
		CMD_OPTIONS_END};
	const struct account_line line = {change_help, "one name", options, 1, 1};
	int status = weft__cmd_account_parse(account, &line, argc, argv);
	json_t *args, *result = NULL;

	if (status)
		return status;
	args = args_of("user", argv[optind]);
	put_text(args, "name", change.name);
	put_text(args, "display_name", change.display_name);
	put_text(args, "role", change.role);
	put_home(args, change.home);
	put_true(args, "must_change", change.must_change);
	if (change.has_quota)
		put_bytes(args, "quota", change.quota);
	if (json_object_size(args) == 1) {
		json_decref(args);
		return weft__cmd_usage(account->name, "what is to be changed?");
	}
	status = weft__cmd_account_call(account, "changeUser", args, &result);
	if (!status && account->is_json)
		weft__cmd_account_print_json(result);
	else if (!status)
		weft__cmd_account_say(account, "%s is changed.", argv[optind]);
	json_decref(result);
	return status;
}

/* ---- find, show --------------------------------------------------------------------------- */

struct find {
	const char *role, *group, *state;
	unsigned limit;
};

static const char find_help[] =
	"usage: weft account find [PART] [OPTION]...\n"
	"\n"
	"List accounts, by name; those with PART in their name or display name.\n"
	"\n"
	"  --role ROLE        of this role only\n"
	"  --group GROUP      of this group only\n"
	"  --is STATE         active, locked or removed; several with commas between\n"
	"                     (default: those that are not removed)\n"
	"  --limit N          at most so many (default: all)\n" ACCOUNT_HELP;

static json_t *find_args(const struct find *find, const char *part, const char *after, size_t rest)
{
	json_t *args = args_of("part", part), *state;

	put_text(args, "role", find->role);
	put_text(args, "group", find->group);
	put_text(args, "after", after);
	put_bytes(args, "limit", rest < WEFT_ACCOUNT_PAGE_MAX ? rest : WEFT_ACCOUNT_PAGE_MAX);
	if (find->state) {
		state = weft__hub_arg_of_text(&(struct hub_field){.kind = HUB_WORDS}, find->state);
		json_object_set_new(args, "state", state ? state : json_null());
	}
	return args;
}

static int find_all(struct account *account, const struct find *find, const char *part, json_t *all)
{
	size_t limit = find->limit ? find->limit : SIZE_MAX;
	bool has_more = true;
	int status = CMD_DONE;

	while (!status && has_more && json_array_size(all) < limit) {
		const json_t *last = json_array_get(all, json_array_size(all) - 1);
		const char *after = json_string_value(json_object_get(last, "name"));
		json_t *page = NULL, *users;

		status = weft__cmd_account_call(account, "findUsers",
			find_args(find, part, after, limit - json_array_size(all)), &page);
		users = json_object_get(page, "users");
		has_more = json_is_true(json_object_get(page, "has_more")) &&
			   json_array_size(users) > 0;
		if (!status)
			json_array_extend(all, users);
		json_decref(page);
	}
	return status;
}

int weft__cmd_account_find(struct account *account, int argc, char **argv)
{
	struct find find = {.role = NULL};
	const struct cmd_option options[] = {CMD_OPTION("role", CMD_TEXT, &find.role),
		CMD_OPTION("group", CMD_TEXT, &find.group), CMD_OPTION("is", CMD_TEXT, &find.state),
		CMD_OPTION("limit", CMD_COUNT, &find.limit, .max = 1000000),
		ACCOUNT_OPTIONS(account), CMD_OPTIONS_END};
	const struct account_line line = {find_help, "one part of a name", options, 0, 1};
	int status = weft__cmd_account_parse(account, &line, argc, argv);
	json_t *all;

	if (status)
		return status;
	all = json_array();
	status = find_all(account, &find, optind < argc ? argv[optind] : NULL, all);
	if (!status && account->is_json)
		weft__cmd_account_print_json(all);
	else if (!status)
		weft__cmd_account_print_table(all, user_table);
	json_decref(all);
	return status;
}

static const char show_help[] = "usage: weft account show NAME [OPTION]...\n"
				"\n"
				"All about one account.\n" ACCOUNT_HELP;

/* The names of the groups, as a member of the account. */
static int add_groups(struct account *account, json_t *user, const char *name)
{
	json_t *result = NULL, *names = json_array();
	const json_t *groups;
	int status =
		weft__cmd_account_call(account, "listUserGroups", args_of("user", name), &result);

	groups = json_object_get(result, "groups");
	for (size_t i = 0; i < json_array_size(groups); i++)
		json_array_append(names, json_object_get(json_array_get(groups, i), "name"));
	json_object_set_new(user, "groups", names);
	json_decref(result);
	return status;
}

int weft__cmd_account_show(struct account *account, int argc, char **argv)
{
	const struct cmd_option options[] = {ACCOUNT_OPTIONS(account), CMD_OPTIONS_END};
	const struct account_line line = {show_help, "one name", options, 1, 1};
	int status = weft__cmd_account_parse(account, &line, argc, argv);
	json_t *user = NULL;

	if (status)
		return status;
	status = weft__cmd_account_call(account, "showUser", args_of("user", argv[optind]), &user);
	if (!status)
		status = add_groups(account, user, argv[optind]);
	if (!status && account->is_json)
		weft__cmd_account_print_json(user);
	else if (!status)
		weft__cmd_account_print_object(user, user_facts);
	json_decref(user);
	return status;
}

/* ---- link ------------------------------------------------------------------------------- */

static const char link_help[] =
	"usage: weft account link NAME [OPTION]...\n"
	"\n"
	"Print a link by which somebody sets a password, once, in a browser or by \"weft account\n"
	"passwd --link\": an invitation where there is none yet, else a reset; up to then the old\n"
	"one stays good. One made before is dead.\n"
	"\n"
	"  --days N           it is good for so long (default: 3, at most 30)\n" ACCOUNT_HELP;

int weft__cmd_account_link(struct account *account, int argc, char **argv)
{
	unsigned days = 0;
	const struct cmd_option options[] = {CMD_OPTION("days", CMD_COUNT, &days, .max = 30),
		ACCOUNT_OPTIONS(account), CMD_OPTIONS_END};
	const struct account_line line = {link_help, "one name", options, 1, 1};
	int status = weft__cmd_account_parse(account, &line, argc, argv);
	json_t *args, *result = NULL;

	if (status)
		return status;
	args = args_of("user", argv[optind]);
	if (days)
		put_bytes(args, "ttl", days * 86400ULL);
	status = weft__cmd_account_call(account, "makeLink", args, &result);
	if (!status)
		weft__cmd_account_say_link(account,
			&(struct account_link){argv[optind], days ? days : DAYS_USUAL, false},
			result);
	json_decref(result);
	return status;
}
