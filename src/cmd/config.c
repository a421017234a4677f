/*
 * config.c - `weft config`: what `weft serve` is told by its file and the environment.
 *
 * Entry point: weft__cmd_config(). Reading and checking are what `weft serve` does itself.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve.h"

#define CONFIG "config"

static const char help[] =
	"usage: weft config check [FILE]\n"
	"       weft config show [FILE] [--json]\n"
	"       weft config example\n"
	"\n"
	"Every option of `weft serve` is a key of its file, too, by the same name: --http "
	"HOST:PORT\n"
	"is http = HOST:PORT, and --hidden is hidden = yes. What the environment says\n"
	"(WEFT_SERVE_HTTP) goes before the file, and what the command line says before both.\n"
	"\n"
	"  check      read all as `weft serve` would, and tell what is wrong, by its line;\n"
	"             only whether another program has a port is not looked at\n"
	"  show       every key with its value, and who gave it\n"
	"  example    a file with every key, explained, to begin with\n"
	"\n"
	"  --json     show: as JSON\n"
	"  --help     this text\n"
	"\n"
	"FILE is what --config or $WEFT_SERVE_CONFIG would say to `weft serve`; without it,\n"
	"/etc/weft/weft.conf of root and of a service ($CONFIGURATION_DIRECTORY), and of others\n"
	"weft/weft.conf in $XDG_CONFIG_HOME or ~/.config.\n"
	"Exit status: 0 done, 1 failed, 2 something is wrong.\n";

__asm__(".pushsection .rodata\n"
	"weft__config_example:\n"
	".incbin \"packaging/weft.conf\"\n"
	".byte 0\n"
	".popsection\n");
extern const char weft__config_example[] __attribute__((visibility("hidden")));

static int check(const char *path, bool shows, bool is_json)
{
	char command[] = NAME, option[] = "--config";
	char *argv[] = {command, option, (char *)path, NULL};
	struct serve serve = {
		.dir = ".", .shows_settings = shows, .inspects = !shows, .is_json = is_json};
	int status = weft__serve_take_options(&serve, path ? 3 : 1, argv);

	if (!status && !shows && serve.settings.path)
		printf("%s: nothing is wrong with it.\n", serve.settings.path);
	else if (!status && !shows)
		puts("There is no file, and nothing is wrong with the environment.");
	free(serve.folder);
	free(serve.own_certificate);
	weft__settings_fini(&serve.settings);
	return status;
}

static void offer_deeds(const struct cmd_question *question)
{
	static const char *const deeds[] = {"check", "show", "example"};

	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++)
		weft__cmd_offer(question, deeds[i], NULL);
}

int weft__cmd_config(int argc, char **argv)
{
	static const struct cmd_syntax syntax = {.name = CONFIG,
		.help = help,
		.operands_max = 2,
		.operands = "one file at a time",
		.offer_words = offer_deeds};
	bool is_json = false;
	const struct cmd_option options[] = {
		CMD_OPTION("json", CMD_FLAG, &is_json),
		CMD_OPTIONS_END,
	};
	int status = weft__cmd_parse(&syntax, options, argc, argv);
	const char *deed;

	if (status)
		return status == CMD_HELPED ? CMD_DONE : status;
	deed = optind < argc ? argv[optind] : "";
	if (strcmp(deed, "example") == 0 && optind + 1 == argc) {
		fputs(weft__config_example, stdout);
		return CMD_DONE;
	}
	if (strcmp(deed, "check") == 0)
		return check(argv[optind + 1], false, false);
	if (strcmp(deed, "show") == 0)
		return check(argv[optind + 1], true, is_json);
	return weft__cmd_usage(CONFIG,
		deed[0] ? "\"%s\" is none of check, show and example." : "what is it to do%s?",
		deed);
}
