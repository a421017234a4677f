/*
 * account.c - `weft account`: the people a server knows, on its database or by its API.
 *
 * Entry point: weft__cmd_account(). Its parts: account.h.
 *
 * Never: takes a password or a token from the command line, where all of the machine can read it.
 */
#include "account.h"

#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "../hub/account_api.h"

static const struct account_command commands[] = {
	{"add", "make an account", weft__cmd_account_add},
	{"remove", "remove an account", weft__cmd_account_remove},
	{"change", "change its name, role, home, quota", weft__cmd_account_change},
	{"find", "list accounts, by name, role, group, state", weft__cmd_account_find},
	{"show", "all about one account", weft__cmd_account_show},
	{"passwd", "set a password", weft__cmd_account_passwd},
	{"link", "invite, or let a password be reset: a secret for one use",
		weft__cmd_account_link},
	{"lock", "let nobody in by this account", weft__cmd_account_lock},
	{"unlock", "let her in again", weft__cmd_account_unlock},
	{"token", "keys for programs: add, list, remove", weft__cmd_account_token},
	{"session", "who is logged in where: list, end", weft__cmd_account_session},
	{"group", "groups: list, add, remove, join, leave", weft__cmd_account_group},
	{"role", "roles: list, set, remove", weft__cmd_account_role},
	{"grant", "rights in folders: list, set, remove", weft__cmd_account_grant},
	{"audit", "what was done, by whom", weft__cmd_account_audit},
	{"export", "all accounts as a table (CSV)", weft__cmd_account_export},
	{"import", "accounts from such a table", weft__cmd_account_import},
	{"recount", "set right what each uses of the shared folder", weft__cmd_account_recount},
	{"backup", "a copy of the database, while it is in use", weft__cmd_account_backup},
	{NULL, NULL, NULL},
};

static int help(const struct account *account, const struct account_command *all, const char *what)
{
	const char *first = all->name;

	printf("usage: weft %s %s [OPTION]...\n\n", account->name, what);
	for (; all->name; all++)
		printf("  %-10s %s\n", all->name, all->summary);
	printf("\nEach has --help: weft %s %s --help\n", account->name, first);
	return CMD_DONE;
}

/* For the shell's completion. */
static int offer(const struct account_command *all, int argc, char **argv)
{
	struct cmd_question question;

	if (weft__cmd_is_asked(argc, argv, &question))
		for (; all->name; all++)
			weft__cmd_offer(&question, all->name, all->summary);
	return CMD_DONE;
}

/* What others call it. NULL: it is no such word. */
static const char *other_word(const struct account_command *all, const char *word)
{
	static const struct {
		const char *word, *ours;
	} words[] = {{"list", "find"}, {"ls", "find"}, {"users", "find"}, {"delete", "remove"},
		{"del", "remove"}, {"rm", "remove"}, {"create", "add"}, {"new", "add"},
		{"edit", "change"}, {"modify", "change"}, {"disable", "lock"}, {"enable", "unlock"},
		{"log", "audit"}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (const struct account_command *one = all; one->name; one++)
			if (strcmp(words[i].word, word) == 0 &&
				strcmp(words[i].ours, one->name) == 0)
				return one->name;
	return NULL;
}

int weft__cmd_account_dispatch(struct account *account, const struct account_command *all,
	const char *what, int argc, char **argv)
{
	size_t len = strlen(account->name);
	const char *word = argc > 1 ? argv[1] : "", *near = other_word(all, word);
	size_t least = near ? 1 : CMD_FAR_OFF - 1; /* they are short */

	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return help(account, all, what);
	if (strncmp(word, CMD_COMPLETE, strlen(CMD_COMPLETE)) == 0)
		return offer(all, argc, argv);
	if (!word[0])
		return weft__cmd_usage(account->name, "what is it to do?");
	for (; all->name; all++) {
		size_t far = weft__cmd_distance(word, all->name);

		if (far == 0) {
			snprintf(account->name + len, sizeof(account->name) - len, " %s", word);
			return all->run(account, argc - 1, argv + 1);
		}
		if (far < least && 2 * far < strlen(word)) {
			least = far;
			near = all->name;
		}
	}
	return near ? weft__cmd_usage(account->name, "there is no command \"%s\"; is it \"%s\"?",
			      word, near)
		    : weft__cmd_usage(account->name, "there is no command \"%s\".", word);
}

int weft__cmd_account_parse(
	struct account *account, const struct account_line *line, int argc, char **argv)
{
	const struct cmd_syntax syntax = {.name = account->name,
		.help = line->help,
		.operands_max = line->max,
		.operands = line->operands};
	int status = weft__cmd_parse(&syntax, line->options, argc, argv);

	if (status)
		return status;
	if (argc - optind < line->min)
		return weft__cmd_usage(account->name, "%s, please.", line->operands);
	if (account->server && account->state)
		return weft__cmd_usage(account->name, "--state or --server: one of them.");
	return account->has_link ? CMD_DONE : weft__cmd_account_check(account);
}

int weft__cmd_account_check(const struct account *account)
{
	if (!account->server && (account->token_file || account->issuers || account->is_insecure))
		return weft__cmd_usage(account->name,
			"--token-file, --issuers and --insecure are of --server URL.");
	return CMD_DONE;
}

int weft__cmd_account(int argc, char **argv)
{
	struct account account = {.name = "account"};
	int status;

	weft__hub_json_wipe();
	setlocale(LC_CTYPE, "C.UTF-8"); /* how wide characters are; the rest stays as it is */
	status = weft__cmd_account_dispatch(&account, commands, "COMMAND [NAME]", argc, argv);
	weft__cmd_account_close(&account);
	return status == CMD_HELPED ? CMD_DONE : status;
}
