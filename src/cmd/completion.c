/*
 * completion.c - `weft completion`: what a shell asks when somebody presses the tabulator.
 *
 *	bash, zsh, fish		a script for that shell, which asks by ...
 *	words WORD...		what the last WORD may become, the others standing before it
 *
 * Entry point: weft__cmd_completion(). The words are told by the commands themselves (complete.h).
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "complete.h"
#include "options.h"

#define COMPLETION "completion"

static const char help[] =
	"usage: weft completion SHELL\n"
	"\n"
	"Print what makes SHELL complete the commands and options of weft: bash, zsh or fish.\n"
	"`make install` has put it where new shells find it; to try it in this one:\n"
	"\n"
	"  source <(weft completion bash)\n"
	"  source <(weft completion zsh)\n"
	"  weft completion fish | source\n"
	"\n"
	"  --help     this text\n";

/* ---- Scripts ----------------------------------------------------------------------------------
 */

static const char bash[] =
	"# bash completion of weft; made by `weft completion bash`.\n"
	"_weft() {\n"
	"\tlocal line program=${COMP_WORDS[0]/#\\~/$HOME}\n"
	"\tCOMPREPLY=()\n"
	"\twhile IFS= read -r line; do\n"
	"\t\tCOMPREPLY+=(\"${line%%$'\\t'*}\")\n"
	"\tdone < <(\"$program\" completion words \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
	"}\n"
	"complete -o bashdefault -o default -F _weft weft\n";

static const char zsh[] =
	"#compdef weft\n"
	"# zsh completion of weft; made by `weft completion zsh`.\n"
	"_weft() {\n"
	"\tlocal line program=${words[1]/#\\~/$HOME}\n"
	"\tlocal -a found\n"
	"\twhile IFS= read -r line; do\n"
	"\t\tif [[ $line == *$'\\t'* ]]; then\n"
	"\t\t\tline=${line%%$'\\t'*}:${line#*$'\\t'}\n"
	"\t\tfi\n"
	"\t\tfound+=($line)\n"
	"\tdone < <(\"$program\" completion words \"${(@)words[2,CURRENT]}\" 2>/dev/null)\n"
	"\tif (( ${#found} )); then\n"
	"\t\t_describe weft found\n"
	"\telse\n"
	"\t\t_files\n"
	"\tfi\n"
	"}\n"
	"if [ \"${funcstack[1]}\" = _weft ]; then\n"
	"\t_weft \"$@\"\n"
	"else\n"
	"\tcompdef _weft weft\n"
	"fi\n";

static const char fish[] =
	"# fish completion of weft; made by `weft completion fish`.\n"
	"function __weft_words\n"
	"\tset -l before (commandline -opc)\n"
	"\tset -l last (commandline -ct)\n"
	"\tset -l found ($before[1] completion words $before[2..-1] \"$last\" 2>/dev/null)\n"
	"\tif test (count $found) -gt 0\n"
	"\t\tprintf '%s\\n' $found\n"
	"\telse\n"
	"\t\t__fish_complete_path \"$last\"\n"
	"\tend\n"
	"end\n"
	"complete -c weft -f -a '(__weft_words)'\n";

static const struct {
	const char *name, *text;
} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

#define SHELL_COUNT (sizeof(shells) / sizeof(shells[0]))

/* ---- Words ------------------------------------------------------------------------------------
 */

static void offer_shells(const struct cmd_question *question)
{
	for (size_t i = 0; i < SHELL_COUNT; i++)
		weft__cmd_offer(question, shells[i].name, NULL);
}

static int offer_commands(const char *prefix)
{
	const struct cmd_question question = {CMD_COMPLETE_WORDS, prefix};
	const char *name, *summary;

	for (size_t i = 0; (name = weft__cmd_at(i, &summary)); i++)
		weft__cmd_offer(&question, name, summary);
	weft__cmd_offer(&question, "help", "a summary of a command");
	return CMD_DONE;
}

static char *joined(const char *option, const char *value)
{
	char *word;

	return asprintf(&word, "%s%s", option, value) < 0 ? NULL : word;
}

/* Ask the command: the words before the last, and what is asked. Who asks for the help, too, needs
 * no file of settings. */
static int ask(int count, char **words, const char *what, const char *prefix)
{
	char *asked = joined(CMD_COMPLETE, what), *begun = joined(CMD_COMPLETE_PREFIX, prefix);
	char help_too[] = "--help";
	char **argv = calloc((size_t)count + 4, sizeof(*argv));
	int status = CMD_FAILED;

	if (asked && begun && argv) {
		memcpy(argv, words, (size_t)count * sizeof(*argv));
		argv[count] = asked;
		argv[count + 1] = begun;
		argv[count + 2] = help_too;
		status = weft__cmd_call(words[0], count + 3, argv);
	}
	free(argv);
	free(asked);
	free(begun);
	return status;
}

/* "--driver=ep", as one word: each value is told behind "--driver=". */
static int ask_joined(int count, char **words, const char *last)
{
	const char *value = strchr(last, '=') + 1;
	char *option = strndup(last, (size_t)(value - last));
	int status = option ? ask(count, words, option, value) : CMD_FAILED;

	free(option);
	return status;
}

/* count of them; the last is the one that is being typed. */
static int offer_words(int count, char **words)
{
	char *last = words[count - 1];

	/* bash takes "--driver=ep" apart: "--driver", "=", "ep". */
	if (count > 2 && strcmp(last, "=") == 0)
		return ask(count - 2, words, words[count - 2], "");
	if (count > 3 && strcmp(words[count - 2], "=") == 0)
		return ask(count - 3, words, words[count - 3], last);
	if (count == 1 || (count == 2 && strcmp(words[0], "help") == 0))
		return offer_commands(last);
	if (last[0] == '-' && strchr(last, '='))
		return ask_joined(count - 1, words, last);
	if (last[0] == '-')
		return ask(count - 1, words, CMD_COMPLETE_OPTIONS, last);
	if (count > 2 && words[count - 2][0] == '-')
		return ask(count - 2, words, words[count - 2], last);
	return ask(count - 1, words, CMD_COMPLETE_WORDS, last);
}

/* ---- The command ------------------------------------------------------------------------------
 */

int weft__cmd_completion(int argc, char **argv)
{
	static const struct cmd_syntax syntax = {.name = COMPLETION,
		.help = help,
		.operands_max = 1,
		.operands = "one shell at a time",
		.offer_words = offer_shells};
	const struct cmd_option options[] = {CMD_OPTIONS_END};
	int status;

	if (argc > 2 && strcmp(argv[1], "words") == 0)
		return offer_words(argc - 2, argv + 2);
	status = weft__cmd_parse(&syntax, options, argc, argv);
	if (status)
		return status == CMD_HELPED ? CMD_DONE : status;
	for (size_t i = 0; i < SHELL_COUNT; i++)
		if (optind < argc && strcmp(argv[optind], shells[i].name) == 0) {
			fputs(shells[i].text, stdout);
			return CMD_DONE;
		}
	return weft__cmd_usage(COMPLETION, "for which shell? bash, zsh or fish.");
}
