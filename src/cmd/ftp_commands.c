/*
 * ftp_commands.c - the commands of `weft ftp`: which there are, what they take, help.
 *
 * Entry points: weft__cmd_ftp_run_words(), weft__cmd_ftp_command_at(),
 * weft__cmd_ftp_command_find(), weft__cmd_ftp_help(), weft__cmd_ftp_flags().
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "ftp.h"

#define HELP_RESTART   "  -n           begin anew, whatever is here in part\n"
#define HELP_RESUME    "  -c           go on behind what is there already\n"
#define HELP_PARALLEL  "  -P N         so many at a time\n"
#define HELP_VERIFY    "  --verify     compare the SHA-256 of both, where the server has HASH\n"
#define HELP_TEMPORARY "  --temporary  upload as NAME.part, and rename when it is whole\n"

static const struct ftp_command commands[] = {
	{"ls", "ls [-1] [--json] [PATH]", "list a folder, or what matches a pattern", 0, -1,
		FTP_REMOTE, weft__cmd_ftp_ls,
		"  -1      names only\n"
		"  --json  one JSON array of objects\n"
		"  -l, -a  nothing: that is how it lists\n"},
	{"cd", "cd FOLDER", "go to a folder there; .. is the one above", 1, 1, FTP_REMOTE,
		weft__cmd_ftp_cd, NULL},
	{"pwd", "pwd", "say in which folder one is there", 0, 0, FTP_NOTHING, weft__cmd_ftp_pwd,
		NULL},
	{"lcd", "lcd [FOLDER]", "go to a folder here", 0, 1, FTP_LOCAL, weft__cmd_ftp_lcd, NULL},
	{"lpwd", "lpwd", "say in which folder one is here", 0, 0, FTP_NOTHING, weft__cmd_ftp_lpwd,
		NULL},
	{"lls", "lls [FOLDER]", "list a folder here", 0, 1, FTP_LOCAL, weft__cmd_ftp_lls, NULL},
	{"get", "get [-n] FILE [LOCAL]", "bring a file here", 1, -1, FTP_REMOTE, weft__cmd_ftp_get,
		HELP_RESTART HELP_VERIFY "LOCAL is a name, a folder, or - for the standard output. "
					 "What was broken off goes\n"
					 "on where it was. Folders: mirror FOLDER.\n"},
	{"put", "put [-c] LOCAL [FILE]", "bring a file there", 1, -1, FTP_LOCAL, weft__cmd_ftp_put,
		HELP_RESUME HELP_TEMPORARY HELP_VERIFY
		"LOCAL may be - for the standard input, and FILE is its name then. Folders:\n"
		"mirror -R FOLDER.\n"},
	{"mget", "mget [-n] [-P N] NAME...", "bring files here, patterns allowed", 1, -1,
		FTP_REMOTE, weft__cmd_ftp_mget, HELP_RESTART HELP_PARALLEL HELP_VERIFY},
	{"mput", "mput [-c] [-P N] LOCAL...", "bring files there, patterns allowed", 1, -1,
		FTP_LOCAL, weft__cmd_ftp_mput,
		HELP_RESUME HELP_PARALLEL HELP_TEMPORARY HELP_VERIFY},
	{"mirror", "mirror [OPTION]... [FOLDER [LOCAL]]",
		"make LOCAL what FOLDER is; -R: the other way", 0, -1, FTP_REMOTE,
		weft__cmd_ftp_mirror,
		"  -R, --reverse  make FOLDER there what LOCAL is: mirror -R LOCAL FOLDER\n"
		"  --delete       remove what the other side has not\n"
		"  --dry-run      only say what would be done\n"
		"  -P N           so many files at a time\n"
		"  -c             -R: go on behind what is there already\n"
		"  --temporary    -R: upload as NAME.part, and rename\n"
		"  --verify       compare the SHA-256 of what was moved\n"
		"Files of the same size and time are left alone. Links are not followed.\n"},
	{"cat", "cat FILE...", "print files", 1, -1, FTP_REMOTE, weft__cmd_ftp_cat, NULL},
	{"rm", "rm [-r] NAME...", "remove files, patterns allowed; -r: folders, too", 1, -1,
		FTP_REMOTE, weft__cmd_ftp_rm, NULL},
	{"rmdir", "rmdir FOLDER...", "remove empty folders", 1, -1, FTP_REMOTE, weft__cmd_ftp_rmdir,
		NULL},
	{"mkdir", "mkdir FOLDER...", "make folders", 1, -1, FTP_REMOTE, weft__cmd_ftp_mkdir, NULL},
	{"mv", "mv FROM TO", "rename, or move", 2, 2, FTP_REMOTE, weft__cmd_ftp_mv, NULL},
	{"chmod", "chmod MODE NAME...", "set permissions, such as 644", 2, -1, FTP_REMOTE,
		weft__cmd_ftp_chmod, NULL},
	{"quote", "quote WORD...", "send a command as it is", 1, -1, FTP_NOTHING,
		weft__cmd_ftp_quote, NULL},
	{"raw", "raw WORD...", "the same as quote", 1, -1, FTP_NOTHING, weft__cmd_ftp_quote, NULL},
	{"status", "status", "say where one is connected to, and how", 0, 0, FTP_NOTHING,
		weft__cmd_ftp_status, NULL},
	{"help", "help [COMMAND]", "this list, or how a command is used", 0, 1, FTP_COMMAND,
		weft__cmd_ftp_help, NULL},
	{"quit", "quit", "end; so does Ctrl-D", 0, 0, FTP_NOTHING, weft__cmd_ftp_quit, NULL},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

const struct ftp_command *weft__cmd_ftp_command_at(size_t index)
{
	return index < COMMAND_COUNT ? &commands[index] : NULL;
}

const struct ftp_command *weft__cmd_ftp_command_find(const char *name)
{
	static const char *const others[][2] = {{"?", "help"}, {"exit", "quit"}, {"bye", "quit"},
		{"dir", "ls"}, {"delete", "rm"}, {"rename", "mv"}};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(name, others[i][0]) == 0)
			name = others[i][1];
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	return NULL;
}

/* ---- The nearest ------------------------------------------------------------------------ */

static const struct ftp_command *nearest(const char *name)
{
	const struct ftp_command *best = NULL;
	size_t best_distance = 3;

	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		size_t len = strlen(name), away = weft__cmd_distance(name, commands[i].name);

		if (len > 0 && strncmp(name, commands[i].name, len) == 0)
			away = 1;
		if (away < best_distance && away < strlen(commands[i].name)) {
			best = &commands[i];
			best_distance = away;
		}
	}
	return best;
}

/* ---- Help --------------------------------------------------------------------------------- */

static int help_on(const char *name)
{
	const struct ftp_command *command = weft__cmd_ftp_command_find(name);

	if (!command)
		return weft__cmd_fail(FTP, "there is no command \"%s\".", name);
	printf("usage: %s\n%c%s.\n", command->usage, command->summary[0] - 'a' + 'A',
		command->summary + 1);
	if (command->more)
		printf("%s", command->more);
	return CMD_DONE;
}

int weft__cmd_ftp_help(struct ftp *ftp, int argc, char **argv)
{
	(void)ftp;
	if (argc > 1)
		return help_on(argv[1]);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		printf("  %-36s %s\n", commands[i].usage, commands[i].summary);
	printf("  %-36s %s\n", "!COMMAND", "run a command here");
	puts("\nQuote names with blanks in them: get 'a file'. Several commands: cd x; get y.\n"
	     "In scripts, a '-' before a command lets it fail: -rm old. Ctrl-C breaks a command "
	     "off.");
	return CMD_DONE;
}

int weft__cmd_ftp_misuse(const char *name)
{
	const struct ftp_command *command = weft__cmd_ftp_command_find(name);

	fprintf(stderr, "usage: %s\n", command->usage);
	return CMD_USAGE;
}

/* ---- Options of commands --------------------------------------------------------------------- */

static int take_parallel(struct ftp_flags *flags)
{
	char *end;
	unsigned long count = strtoul(optarg, &end, 10);

	if (*end || end == optarg || count < 1 || count > FTP_PARALLEL_MAX) {
		fprintf(stderr, "-P takes a number from 1 to %d.\n", FTP_PARALLEL_MAX);
		return CMD_USAGE;
	}
	flags->parallel = (unsigned)count;
	return CMD_DONE;
}

static int take_flag(struct ftp_flags *flags, int letter)
{
	switch (letter) {
	case '1':
		flags->is_short = true;
		return CMD_DONE;
	case 'c':
		flags->resumes = true;
		return CMD_DONE;
	case 'd':
		flags->deletes = true;
		return CMD_DONE;
	case 'j':
		flags->is_json = true;
		return CMD_DONE;
	case 'n':
		flags->restarts = true;
		return CMD_DONE;
	case 'y':
		flags->is_dry = true;
		return CMD_DONE;
	case 'a':
	case 'l':
		return CMD_DONE; /* typed by habit: that is how it lists */
	case 'v':
		flags->verifies = true;
		return CMD_DONE;
	case 't':
		flags->uses_temporary = true;
		return CMD_DONE;
	case 'r':
		flags->is_recursive = true;
		return CMD_DONE;
	case 'R':
		flags->is_reverse = true;
		return CMD_DONE;
	case 'P':
		return take_parallel(flags);
	default:
		return CMD_USAGE;
	}
}

int weft__cmd_ftp_flags(
	struct ftp *ftp, const char *letters, int argc, char **argv, struct ftp_flags *ret_flags)
{
	static const struct option table[] = {{"delete", no_argument, NULL, 'd'},
		{"dry-run", no_argument, NULL, 'y'}, {"json", no_argument, NULL, 'j'},
		{"reverse", no_argument, NULL, 'R'}, {"parallel", required_argument, NULL, 'P'},
		{"continue", no_argument, NULL, 'c'}, {"verify", no_argument, NULL, 'v'},
		{"temporary", no_argument, NULL, 't'}, {NULL, 0, NULL, 0}};
	int letter, status;

	*ret_flags = (struct ftp_flags){.parallel = ftp->parallel,
		.verifies = ftp->verifies,
		.uses_temporary = ftp->uses_temporary};
	opterr = 0;
	optind = 0; /* from the beginning, of another argv: getopt(3) */
	while ((letter = getopt_long(argc, argv, letters, table, NULL)) != -1) {
		status = letter == '?' || !strchr(letters, letter) ? CMD_USAGE
								   : take_flag(ret_flags, letter);
		if (status)
			return weft__cmd_ftp_misuse(argv[0]);
	}
	ret_flags->first = optind;
	return CMD_DONE;
}

/* ---- Running ------------------------------------------------------------------------------ */

static int fail_unknown(const char *name)
{
	const struct ftp_command *near = nearest(name);

	if (near)
		fprintf(stderr, "There is no command \"%s\". Is it %s? (%s)\n",
			weft__cmd_ftp_visible(name), near->name, near->summary);
	else
		fprintf(stderr, "There is no command \"%s\"; help lists those there are.\n",
			weft__cmd_ftp_visible(name));
	return CMD_USAGE;
}

int weft__cmd_ftp_run_words(struct ftp *ftp, struct ftp_words *words)
{
	const struct ftp_command *command;

	if (words->count == 0)
		return CMD_DONE;
	command = weft__cmd_ftp_command_find(words->words[0]);
	if (!command)
		return fail_unknown(words->words[0]);
	if (words->count - 1 < command->words_min ||
		(command->words_max >= 0 && words->count - 1 > command->words_max))
		return weft__cmd_ftp_misuse(command->name);
	return command->run(ftp, words->count, words->words);
}
