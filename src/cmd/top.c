/*
 * top.c - `weft top`: how a running server is, again and again.
 *
 * Entry point: weft__cmd_top().
 *
 * On a terminal there is a screen (top_screen.c); elsewhere a line for each look.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service.h"
#include "top.h"
#include "weft/fiber.h"

#define NAME "top"

/** Lines after which the head line is said again. */
#define HEAD_EVERY 20

static const char help[] =
	"usage: weft top [OPTION]...\n"
	"\n"
	"How a running server is, live: requests and how long they take, bytes, workers, memory,\n"
	"doors, transfers under way. In a pipe, a line for each look.\n"
	"\n"
	"  -n, --count N        look N times (default: until q or Ctrl-C)\n"
	"  --interval SECONDS   between two looks (default: 1)\n"
	"  --plain              lines, on a terminal too\n" CONTROL_HELP
	"  --json               print the whole of docs/control.md for each look, an object a "
	"line\n"
	"  --help               this text\n"
	"\n"
	"On the screen: q ends it; t, d, r choose what is listed: transfers, doors, rooms.\n"
	"Exit status: 0 done, 1 failed, 2 wrong usage.\n";

int weft__top_ask(struct top *top, json_t **ret_json)
{
	const struct control_question question = {.target = "/api/v1/status"};

	return weft__control_ask_json(&top->control, &question, ret_json);
}

/* ---- Lines ----------------------------------------------------------------------------------- */

/* Of the newest second. */
static double newest(const json_t *json, const char *series)
{
	const json_t *list = weft__control_member(json, series);
	size_t count = json_array_size(list);

	return count ? json_number_value(json_array_get(list, count - 1)) : 0;
}

static void print_line(const json_t *json)
{
	char uptime[CONTROL_TEXT_SIZE], p99[CONTROL_TEXT_SIZE], memory[CONTROL_TEXT_SIZE];
	char received[CONTROL_TEXT_SIZE], sent[CONTROL_TEXT_SIZE];

	printf("%14s %10.0f %6.0f %9s %10s %10s %5.1f %9s %7.0f %6zu %7.0f\n",
		weft__control_time(weft__control_number(json, "uptime"), uptime),
		newest(json, "history.requests"), newest(json, "history.errors"),
		weft__control_time(newest(json, "history.p99"), p99),
		weft__control_bytes(newest(json, "history.received"), received),
		weft__control_bytes(newest(json, "history.sent"), sent),
		100 * newest(json, "history.busy"),
		weft__control_bytes(weft__control_number(json, "memory.resident"), memory),
		newest(json, "history.connections"),
		json_array_size(json_object_get(json, "transfers")) +
			(size_t)weft__control_number(json, "transfers_left_out"),
		weft__control_number(json, "fibers"));
}

static void print_look(const struct top *top, const json_t *json, unsigned number)
{
	if (top->is_json) {
		char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(12));

		puts(text ? text : "{}");
		free(text);
		return;
	}
	if (number % HEAD_EVERY == 0)
		puts("            up requests/s errors       p99 received/s     sent/s busy%    "
		     "memory "
		     "connect transf  fibers");
	print_line(json);
}

static int print_looks(struct top *top)
{
	int status = CMD_DONE;

	for (unsigned i = 0; !status && (top->count == 0 || i < top->count); i++) {
		json_t *json = NULL;

		if (i > 0)
			weft_sleep(top->interval_ns);
		status = weft__top_ask(top, &json);
		if (!status)
			print_look(top, json, i);
		json_decref(json);
		if (fflush(stdout) != 0)
			break; /* nobody reads any more */
	}
	return status;
}

int weft__cmd_top(int argc, char **argv)
{
	static const struct cmd_syntax syntax = {
		.name = NAME, .help = help, .operands = "no arguments"};
	struct top top = {.control = {.name = NAME}, .interval_ns = WEFT_SECONDS(1)};
	const struct cmd_option options[] = {
		CMD_OPTION("count", CMD_COUNT, &top.count, .letter = 'n', .max = 1000000000),
		CMD_OPTION("interval", CMD_SECONDS, &top.interval_ns),
		CMD_OPTION("plain", CMD_FLAG, &top.is_plain),
		CMD_OPTION("json", CMD_FLAG, &top.is_json),
		CONTROL_OPTIONS(&top.control),
		CMD_OPTIONS_END,
	};
	int status = weft__cmd_parse(&syntax, options, argc, argv);

	if (status)
		return status == CMD_HELPED ? CMD_DONE : status;
	status = weft__control_open(&top.control);
	if (!status)
		status = top.is_plain || top.is_json || !weft__top_has_screen()
				 ? print_looks(&top)
				 : weft__top_screen(&top);
	weft__control_close(&top.control);
	return status;
}
