/*
 * log.c - `weft log`: what a running server has logged lately, and goes on to.
 *
 * Entry point: weft__cmd_log().
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "service.h"
#include "weft/log.h"
#include "weft/str.h"

#define NAME "log"

/** Longest line of an answer: one of the log, as JSON. */
#define LINE_MAX_LEN 65536

static const char help[] =
	"usage: weft log [OPTION]...\n"
	"\n"
	"What a running server has logged lately, from its memory: the newest 256 KiB of lines.\n"
	"Who signs in, who fails to, and what is done to accounts is there, too; weft account\n"
	"audit keeps that for good.\n"
	"\n"
	"  --follow             go on with what it logs from now on, until Ctrl-C or its end\n"
	"  --level LEVEL        error, warn, info or debug: these and what is worse\n"
	"                       (default: debug; a server logs no more than it is told to)\n"
	"  --lines N            the newest N at first (default: 200)\n"
	"  --requests           with --follow: a line for each request, too, from now "
	"on\n" CONTROL_HELP
	"  --json               print an object for each line: number, at, level, kind, line\n"
	"  --help               this text\n"
	"\n"
	"Exit status: 0 done, 1 failed, 2 wrong usage.\n";

struct log {
	struct control control;
	bool follows, has_requests, is_json, is_broken;
	const char *level;
	unsigned lines;
	struct weft_str line;
};

/* An empty line only shows that the server is there. */
static bool print_line(const struct log *log)
{
	const char *text = weft_str_text(&log->line);
	json_t *json;

	if (weft_str_len(&log->line) == 0)
		return true;
	if (log->is_json)
		return puts(text) >= 0;
	json = json_loads(text, 0, NULL);
	if (json) {
		weft__cmd_print_visible(weft__control_text(json, "line"), 0);
		putchar('\n');
	}
	json_decref(json);
	return json;
}

static int take_part(char *part, size_t len, void *arg)
{
	struct log *log = arg;

	for (size_t i = 0; i < len; i++) {
		if (part[i] != '\n') {
			weft_str_append_char(&log->line, part[i]);
			continue;
		}
		log->is_broken |= weft_str_error(&log->line) || !print_line(log);
		weft_str_reset(&log->line);
	}
	if (fflush(stdout) != 0)
		return -1;
	return log->is_broken ? -1 : 0;
}

static int ask(struct log *log)
{
	struct control_question question = {
		.on_part = take_part, .arg = log, .lasts = log->follows};
	char target[160];
	int status;

	snprintf(target, sizeof(target), "/api/v1/log?lines=%u%s%s%s%s", log->lines,
		log->level ? "&level=" : "", log->level ? log->level : "",
		log->follows ? "&follow=true" : "", log->has_requests ? "&requests=true" : "");
	question.target = target;
	status = weft__control_ask(&log->control, &question, NULL);
	if (!status && log->is_broken)
		status = weft__cmd_fail(NAME, "the server's answer can't be read.");
	return status;
}

int weft__cmd_log(int argc, char **argv)
{
	static const struct cmd_syntax syntax = {
		.name = NAME, .help = help, .operands = "no arguments"};
	static const char *const levels[] = {"error", "warn", "info", "debug", NULL};
	struct log log = {.control = {.name = NAME}, .lines = 200};
	unsigned level = WEFT_LOG_DEBUG;
	const struct cmd_option options[] = {
		CMD_OPTION("follow", CMD_FLAG, &log.follows, .letter = 'f'),
		CMD_OPTION("level", CMD_CHOICE, &level, .choices = levels),
		CMD_OPTION("lines", CMD_COUNT, &log.lines, .letter = 'n', .max = 100000),
		CMD_OPTION("requests", CMD_FLAG, &log.has_requests),
		CMD_OPTION("json", CMD_FLAG, &log.is_json),
		CONTROL_OPTIONS(&log.control),
		CMD_OPTIONS_END,
	};
	int status = weft__cmd_parse(&syntax, options, argc, argv);

	if (status)
		return status == CMD_HELPED ? CMD_DONE : status;
	if (log.has_requests && !log.follows)
		return weft__cmd_usage(NAME, "--requests is of --follow: they are not kept.");
	log.level = levels[level];
	weft_str_init(&log.line, LINE_MAX_LEN);
	status = weft__control_open(&log.control);
	if (!status)
		status = ask(&log);
	weft_str_fini(&log.line);
	weft__control_close(&log.control);
	return status;
}
