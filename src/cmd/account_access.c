/*
 * account_access.c - `weft account` token, session, group, role, grant: each with commands of its
 * own.
 *
 * Nearly all are alike: operands become the arguments of an operation, and its answer a table or
 * "Done." So they are lines of tables (struct deed), which run_deed() carries out.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "account.h"

#define DAYS_MAX 3650

static const char all_help[] =
	"usage: weft account token list NAME\n"
	"       weft account token add NAME --label TEXT [--rights RIGHTS] [--powers POWERS]\n"
	"                          [--folder FOLDER] [--days N] [--password-stdin]\n"
	"       weft account token remove NAME ID | --all\n"
	"       weft account session list NAME\n"
	"       weft account session end NAME ID | --all\n"
	"       weft account group list [NAME]\n"
	"       weft account group add|remove GROUP\n"
	"       weft account group join|leave GROUP NAME\n"
	"       weft account role list\n"
	"       weft account role set ROLE POWERS\n"
	"       weft account role remove ROLE\n"
	"       weft account grant list [FOLDER]\n"
	"       weft account grant set WHOM FOLDER RIGHTS\n"
	"       weft account grant remove WHOM FOLDER\n"
	"\n"
	"A token lets a program in, as its owner, with no more than the RIGHTS and POWERS it is\n"
	"given (default: all rights, no powers). It is printed once. By --server its owner's\n"
	"password is asked for, or read from the standard input; and there needs to be no token.\n"
	"WHOM is user:NAME, group:GROUP or role:ROLE; role:stranger is who has not logged in.\n"
	"FOLDER is below the shared one, / is that itself; the nearest one upwards that has a\n"
	"grant decides.\n"
	"RIGHTS are of read, list, write, replace, delete, manage, with commas between; all; "
	"none.\n"
	"POWERS are of accounts, audit, backup, moderate, operate, in the same way.\n" ACCOUNT_HELP;

/* ---- What they share ---------------------------------------------------------------------- */

/* "read,list", "all" or "none" as a list of words; the service knows which there are. */
static void put_words(
	json_t *args, const char *name, const char *text, const struct hub_words *words)
{
	json_t *list = NULL;

	if (!text)
		return;
	if (strcmp(text, "all") == 0)
		list = weft__hub_words_list(words, ~0U);
	else if (strcmp(text, "none") == 0)
		list = json_array();
	else
		list = weft__hub_arg_of_text(&(struct hub_field){.kind = HUB_WORDS}, text);
	json_object_set_new(args, name, list ? list : json_null());
}

/* A number from the command line; what is none is refused as no number. */
static void put_id(json_t *args, const char *text)
{
	json_t *id = weft__hub_arg_of_text(&(struct hub_field){.kind = HUB_NUMBER}, text);

	json_object_set_new(args, "id", id ? id : json_null());
}

static void put_folder(json_t *args, const char *text)
{
	json_t *folder = weft__cmd_account_folder(text);

	json_object_set_new(args, "folder", folder ? folder : json_null());
}

/* "group:choir" as its two parts; what has no colon is a user's name. */
static void put_whom(json_t *args, const char *whom)
{
	const char *colon = strchr(whom, ':');

	json_object_set_new(args, "subject", json_string(colon ? colon + 1 : whom));
	json_object_set_new(args, "to",
		colon ? json_stringn(whom, (size_t)(colon - whom)) : json_string("user"));
}

/* ---- Deeds -------------------------------------------------------------------------------- */

#define TAKES_MAX 3

struct deed {
	const char *name, *summary;
	account_fn *run;      /* NULL: what follows says it all */
	const char *operands; /* what they are */
	const char *takes[TAKES_MAX];
	const char *op;       /* with all of them */
	const char *op_many;  /* without the last; NULL: it has to be there */
	bool has_all;         /* without the last only by --all */
	const char *question; /* of the first; with has_all, of --all */
	const char *member;   /* of the answer, a list; NULL: "Done." */
	const struct account_column *columns;
};

static void put_operand(json_t *args, const char *name, const char *text)
{
	if (strcmp(name, "id") == 0)
		put_id(args, text);
	else if (strcmp(name, "whom") == 0)
		put_whom(args, text);
	else if (strcmp(name, "rights") == 0)
		put_words(args, name, text, &weft__hub_rights);
	else if (strcmp(name, "powers") == 0)
		put_words(args, name, text, &weft__hub_powers);
	else if (strcmp(name, "folder") == 0)
		put_folder(args, text);
	else
		json_object_set_new(args, name, json_string(text));
}

#define TAKES(...) .takes = {__VA_ARGS__}
#define DEED(word, says, of, ...)                                                \
	{                                                                        \
		.name = (word), .summary = (says), .operands = (of), __VA_ARGS__ \
	}

static int count_takes(const struct deed *deed)
{
	int count = 0;

	while (count < TAKES_MAX && deed->takes[count])
		count++;
	return count;
}

static int parse_deed(
	struct account *account, const struct deed *deed, bool *is_all, int argc, char **argv)
{
	const struct cmd_option options[] = {
		ACCOUNT_OPTIONS(account), CMD_OPTION("all", CMD_FLAG, is_all), CMD_OPTIONS_END};
	const int max = count_takes(deed), min = deed->op_many ? max - 1 : max;
	const struct account_line line = {all_help, deed->operands, options, min, max};
	int status = weft__cmd_account_parse(account, &line, argc, argv);

	if (status)
		return status;
	if (deed->has_all && *is_all == (argc - optind == max))
		return weft__cmd_usage(account->name, "an ID, or --all.");
	if (!deed->has_all && *is_all)
		return weft__cmd_usage(account->name, "there is no option --all here.");
	return CMD_DONE;
}

static int do_deed(struct account *account, const struct deed *deed, int count, char **operands)
{
	const char *op = count == count_takes(deed) ? deed->op : deed->op_many;
	json_t *args = json_object(), *result = NULL;
	int status;

	for (int i = 0; i < count; i++)
		put_operand(args, deed->takes[i], operands[i]);
	status = weft__cmd_account_call(account, op, args, &result);
	if (!status && !deed->member)
		weft__cmd_account_say(account, "Done.");
	else if (!status && account->is_json)
		weft__cmd_account_print_json(json_object_get(result, deed->member));
	else if (!status)
		weft__cmd_account_print_table(json_object_get(result, deed->member), deed->columns);
	json_decref(result);
	return status;
}

/* An account_fn: argv[0] is the deed's name in account->deeds. */
static int run_deed(struct account *account, int argc, char **argv)
{
	const struct deed *deed = account->deeds;
	bool is_all = false;
	int status;

	while (strcmp(deed->name, argv[0]) != 0)
		deed++;
	status = parse_deed(account, deed, &is_all, argc, argv);
	if (status)
		return status;
	if (deed->question && (is_all || !deed->has_all) &&
		!weft__cmd_account_is_meant(account, deed->question, argv[optind]))
		return weft__cmd_fail(account->name, "nothing was done.");
	return do_deed(account, deed, argc - optind, argv + optind);
}

#define DEEDS_MAX 8

static int dispatch(
	struct account *account, const struct deed *deeds, const char *what, int argc, char **argv)
{
	struct account_command commands[DEEDS_MAX] = {{NULL, NULL, NULL}};

	for (size_t i = 0; deeds[i].name; i++)
		commands[i] = (struct account_command){
			deeds[i].name, deeds[i].summary, deeds[i].run ? deeds[i].run : run_deed};
	account->deeds = deeds;
	return weft__cmd_account_dispatch(account, commands, what, argc, argv);
}

/* ---- token -------------------------------------------------------------------------------- */

/* By HTTP a token is made by the person herself, with her password: no token makes another. */
static int log_in(struct account *account, const char *name, bool reads)
{
	char *password = NULL;
	int status;

	if (!account->server)
		return reads ? weft__cmd_usage(account->name, "--password-stdin is of --server.")
			     : CMD_DONE;
	status = weft__cmd_account_open(account);
	if (!status)
		status = reads ? weft__cmd_account_read_line(account, "the password", &password)
			       : weft__cmd_account_prompt(account, "Password: ", false, &password);
	if (!status)
		status = weft__cmd_account_log_in(account, name, password);
	weft__cmd_account_forget(password);
	return status;
}

static int token_add(struct account *account, int argc, char **argv)
{
	const char *label = NULL, *rights = "all", *powers = "none", *folder = NULL;
	bool reads = false;
	unsigned days = 0;
	const struct cmd_option options[] = {CMD_OPTION("label", CMD_TEXT, &label),
		CMD_OPTION("rights", CMD_TEXT, &rights), CMD_OPTION("powers", CMD_TEXT, &powers),
		CMD_OPTION("folder", CMD_TEXT, &folder),
		CMD_OPTION("days", CMD_COUNT, &days, .max = DAYS_MAX),
		CMD_OPTION("password-stdin", CMD_FLAG, &reads), ACCOUNT_OPTIONS(account),
		CMD_OPTIONS_END};
	const struct account_line line = {all_help, "one name", options, 1, 1};
	int status = weft__cmd_account_parse(account, &line, argc, argv);
	json_t *args, *result = NULL;

	if (status)
		return status;
	if (!label)
		return weft__cmd_usage(account->name, "what is it for? --label TEXT says so.");
	status = log_in(account, argv[optind], reads);
	if (status)
		return status;
	args = json_object();
	json_object_set_new(args, "user", json_string(argv[optind]));
	json_object_set_new(args, "label", json_string(label));
	put_words(args, "rights", rights, &weft__hub_rights);
	put_words(args, "powers", powers, &weft__hub_powers);
	if (folder)
		put_folder(args, folder);
	if (days)
		json_object_set_new(
			args, "expires", json_integer(time(NULL) + days * (json_int_t)86400));
	status = weft__cmd_account_call(account, "addToken", args, &result);
	if (!status && account->is_json)
		weft__cmd_account_print_json(result);
	else if (!status)
		puts(json_string_value(json_object_get(result, "secret")));
	json_decref(result);
	return status;
}

int weft__cmd_account_token(struct account *account, int argc, char **argv)
{
	static const struct account_column columns[] = {{"ID", "id", ACCOUNT_NUMBER},
		{"LABEL", "label", ACCOUNT_TEXT}, {"RIGHTS", "rights", ACCOUNT_WORDS},
		{"POWERS", "powers", ACCOUNT_WORDS}, {"FOLDER", "folder", ACCOUNT_TEXT},
		{"EXPIRES", "expires", ACCOUNT_TIME}, {"LAST USED", "seen", ACCOUNT_TIME},
		{NULL, NULL, ACCOUNT_TEXT}};
	static const struct deed deeds[] = {
		DEED("list", "the tokens of somebody, without their secrets", "one name",
			TAKES("user"), .op = "listTokens", .member = "tokens", .columns = columns),
		DEED("add", "make one, and print its secret", NULL, .run = token_add),
		DEED("remove", "let it in no more", "a name, and an ID or --all",
			TAKES("user", "id"), .op = "removeToken", .op_many = "removeTokens",
			.has_all = true, .question = "Remove all tokens of %s?"),
		DEED(NULL, NULL, NULL, TAKES(NULL))};

	return dispatch(account, deeds, "COMMAND NAME", argc, argv);
}

/* ---- session ------------------------------------------------------------------------------ */

int weft__cmd_account_session(struct account *account, int argc, char **argv)
{
	static const struct account_column columns[] = {{"ID", "id", ACCOUNT_NUMBER},
		{"LABEL", "label", ACCOUNT_TEXT}, {"FROM", "address", ACCOUNT_TEXT},
		{"SINCE", "created", ACCOUNT_TIME}, {"LAST SEEN", "seen", ACCOUNT_TIME},
		{"EXPIRES", "expires", ACCOUNT_TIME}, {NULL, NULL, ACCOUNT_TEXT}};
	static const struct deed deeds[] = {
		DEED("list", "where somebody is logged in", "one name", TAKES("user"),
			.op = "listUserSessions", .member = "sessions", .columns = columns),
		DEED("end", "log her out there", "a name, and an ID or --all", TAKES("user", "id"),
			.op = "endUserSession", .op_many = "endUserSessions", .has_all = true),
		DEED(NULL, NULL, NULL, TAKES(NULL))};

	return dispatch(account, deeds, "COMMAND NAME", argc, argv);
}

/* ---- group -------------------------------------------------------------------------------- */

int weft__cmd_account_group(struct account *account, int argc, char **argv)
{
	static const struct account_column columns[] = {{"GROUP", "name", ACCOUNT_TEXT},
		{"MEMBERS", "members", ACCOUNT_NUMBER}, {NULL, NULL, ACCOUNT_TEXT}};
	static const struct deed deeds[] = {
		DEED("list", "all groups, or those of somebody", "one name", TAKES("user"),
			.op = "listUserGroups", .op_many = "listGroups", .member = "groups",
			.columns = columns),
		DEED("add", "make a group", "one group", TAKES("group"), .op = "addGroup"),
		DEED("remove", "remove it", "one group", TAKES("group"), .op = "removeGroup",
			.question = "Remove the group %s, and its rights?"),
		DEED("join", "put somebody into it", "a group and a name", TAKES("group", "user"),
			.op = "joinGroup"),
		DEED("leave", "take her out", "a group and a name", TAKES("group", "user"),
			.op = "leaveGroup"),
		DEED(NULL, NULL, NULL, TAKES(NULL))};

	return dispatch(account, deeds, "COMMAND GROUP", argc, argv);
}

/* ---- role --------------------------------------------------------------------------------- */

int weft__cmd_account_role(struct account *account, int argc, char **argv)
{
	static const struct account_column columns[] = {{"ROLE", "name", ACCOUNT_TEXT},
		{"POWERS", "powers", ACCOUNT_WORDS}, {NULL, NULL, ACCOUNT_TEXT}};
	static const struct deed deeds[] = {
		DEED("list", "all roles, and what they may do", "no argument", .op = "listRoles",
			.member = "roles", .columns = columns),
		DEED("set", "make a role, or give it other powers", "a role and its powers",
			TAKES("role", "powers"), .op = "putRole"),
		DEED("remove", "remove one that nobody has", "one role", TAKES("role"),
			.op = "removeRole", .question = "Remove the role %s, and its rights?"),
		DEED(NULL, NULL, NULL, TAKES(NULL))};

	return dispatch(account, deeds, "COMMAND ROLE", argc, argv);
}

/* ---- grant -------------------------------------------------------------------------------- */

int weft__cmd_account_grant(struct account *account, int argc, char **argv)
{
	static const struct account_column columns[] = {{"FOLDER", "folder", ACCOUNT_TEXT},
		{"TO", "to", ACCOUNT_TEXT}, {"WHOM", "subject", ACCOUNT_TEXT},
		{"RIGHTS", "rights", ACCOUNT_WORDS}, {NULL, NULL, ACCOUNT_TEXT}};
	static const struct deed deeds[] = {
		DEED("list", "all grants, or those of a folder", "one folder", TAKES("folder"),
			.op = "listGrants", .op_many = "listGrants", .member = "grants",
			.columns = columns),
		DEED("set", "say what somebody may in a folder and below",
			"whom, a folder and rights", TAKES("whom", "folder", "rights"),
			.op = "putGrant"),
		DEED("remove", "let the folders above decide again", "whom and a folder",
			TAKES("whom", "folder"), .op = "removeGrant"),
		DEED(NULL, NULL, NULL, TAKES(NULL))};

	return dispatch(account, deeds, "COMMAND WHOM FOLDER", argc, argv);
}
