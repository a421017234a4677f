/*
 * stats.c - `weft stats`: how a running server is, once; for people, as JSON, for Prometheus.
 *
 * Entry point: weft__cmd_stats().
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "service.h"

#define NAME "stats"

static const char help[] =
	"usage: weft stats [OPTION]...\n"
	"\n"
	"How a running server is: its doors and who is connected, what it answers and how fast,\n"
	"transfers under way, rooms, workers, memory.\n"
	"\n" CONTROL_HELP "  --json               print an object, as docs/control.md has it\n"
	"  --prometheus         print the counters in Prometheus's text form\n"
	"  --help               this text\n"
	"\n"
	"Exit status: 0 done, 1 failed, 2 wrong usage.\n";

/** Columns of what a line is about. */
#define LABEL 12

#define MANY 10 /* of transfers and rooms that are shown */

static double number(const json_t *json, const char *path)
{
	return weft__control_number(json, path);
}

static void print_process(const json_t *json)
{
	char uptime[CONTROL_TEXT_SIZE], resident[CONTROL_TEXT_SIZE], peak[CONTROL_TEXT_SIZE];
	const json_t *worker;
	size_t i;

	printf("weft %s, process %.0f, up %s\n", weft__control_text(json, "version"),
		number(json, "pid"), weft__control_time(number(json, "uptime"), uptime));
	printf("  %-*s", LABEL, "workers");
	json_array_foreach(json_object_get(json, "workers"), i, worker)
	{
		printf("%s%.1f %%", i ? ", " : "", 100 * number(worker, "busy"));
	}
	printf(" busy; driver %s, model %s\n", weft__control_text(json, "driver"),
		weft__control_text(json, "model"));
	printf("  %-*s%.0f\n", LABEL, "fibers", number(json, "fibers"));
	printf("  %-*s%s, %s at most\n", LABEL, "memory",
		weft__control_bytes(number(json, "memory.resident"), resident),
		weft__control_bytes(number(json, "memory.peak"), peak));
	printf("  %-*s%.0f of %.0f\n", LABEL, "descriptors", number(json, "descriptors.open"),
		number(json, "descriptors.limit"));
	if (json_is_true(json_object_get(json, "forks")))
		printf("  %-*sworkers, fibers, memory and descriptors are of this process alone, "
		       "not\n"
		       "  %-*sof those that serve visitors\n",
			LABEL, "", LABEL, "");
}

static void print_doors(const json_t *json)
{
	const json_t *door;
	size_t i;

	json_array_foreach(json_object_get(json, "doors"), i, door)
	{
		printf("  %-*s%-10s ", LABEL, i ? "" : "doors", weft__control_text(door, "door"));
		weft__cmd_print_visible(weft__control_text(door, "address"), 24);
		printf(" %.0f open, %.0f so far\n", number(door, "open"), number(door, "accepted"));
	}
}

static void print_window(const json_t *json, const char *label, const char *name)
{
	const json_t *window = weft__control_member(json, name);
	char p50[CONTROL_TEXT_SIZE], p99[CONTROL_TEXT_SIZE], most[CONTROL_TEXT_SIZE];

	printf("  %-*s%.1f a second in the last %.0f s", LABEL, label, number(window, "per_second"),
		number(window, "seconds"));
	if (number(window, "count") > 0)
		printf("; half within %s, 99 %% within %s, all within %s",
			weft__control_time(number(window, "latency.p50"), p50),
			weft__control_time(number(window, "latency.p99"), p99),
			weft__control_time(number(window, "latency.max"), most));
	putchar('\n');
}

static void print_requests(const json_t *json)
{
	char received[CONTROL_TEXT_SIZE], sent[CONTROL_TEXT_SIZE];

	print_window(json, "requests", "requests.last_10s");
	print_window(json, "", "requests.last_60s");
	printf("  %-*s%.0f in all, of which %.0f failed\n", LABEL, "",
		number(json, "requests.total"), number(json, "requests.errors"));
	printf("  %-*s%s received, %s sent\n", LABEL, "bytes",
		weft__control_bytes(number(json, "bytes.received"), received),
		weft__control_bytes(number(json, "bytes.sent"), sent));
}

static void print_transfer(const json_t *transfer, const char *label)
{
	double bytes = number(transfer, "bytes"), total = number(transfer, "total");
	double seconds = number(transfer, "seconds");
	char done[CONTROL_TEXT_SIZE], rate[CONTROL_TEXT_SIZE];

	printf("  %-*s%-5s %-4s ", LABEL, label, weft__control_text(transfer, "door"),
		weft__control_text(transfer, "direction"));
	weft__cmd_print_visible(weft__control_text(transfer, "peer"), 21);
	putchar(' ');
	weft__cmd_print_visible(weft__control_text(transfer, "what"), 24);
	printf(" %s", weft__control_bytes(bytes, done));
	if (total > 0)
		printf(" (%.0f %%)", 100 * bytes / total);
	printf(", %s/s\n", weft__control_bytes(seconds > 0 ? bytes / seconds : 0, rate));
}

static void print_transfers(const json_t *json)
{
	const json_t *list = json_object_get(json, "transfers"), *transfer;
	size_t i, more = (size_t)number(json, "transfers_left_out");

	json_array_foreach(list, i, transfer)
	{
		if (i == MANY)
			break;
		print_transfer(transfer, i ? "" : "transfers");
	}
	if (json_array_size(list) > MANY)
		more += json_array_size(list) - MANY;
	if (more > 0)
		printf("  %-*sand %zu more\n", LABEL, "", more);
}

static void print_chat(const json_t *json)
{
	const json_t *room;
	size_t i;

	if (!json_object_get(json, "chat"))
		return;
	printf("  %-*s%.0f connections, %.0f rooms, %.0f messages\n", LABEL, "chat",
		number(json, "chat.clients"), number(json, "chat.rooms"),
		number(json, "chat.messages"));
	json_array_foreach(json_object_get(json, "rooms"), i, room)
	{
		if (i == MANY)
			break;
		printf("  %-*s", LABEL, "");
		weft__cmd_print_visible(weft__control_text(room, "name"), 20);
		printf(" %.0f here, %.0f messages\n", number(room, "here"),
			number(room, "messages"));
	}
}

static int print_for_people(struct control *control)
{
	const struct control_question question = {.target = "/api/v1/status"};
	char stored[CONTROL_TEXT_SIZE];
	json_t *json = NULL;
	int status = weft__control_ask_json(control, &question, &json);

	if (status)
		return status;
	print_process(json);
	print_doors(json);
	print_requests(json);
	print_transfers(json);
	printf("  %-*s%.0f stored, %s\n", LABEL, "files", number(json, "files.stored"),
		weft__control_bytes(number(json, "files.stored_bytes"), stored));
	print_chat(json);
	json_decref(json);
	return CMD_DONE;
}

static int print_part(char *part, size_t len, void *arg)
{
	(void)arg;
	return fwrite(part, 1, len, stdout) == len ? 0 : -1;
}

int weft__cmd_stats(int argc, char **argv)
{
	static const struct cmd_syntax syntax = {
		.name = NAME, .help = help, .operands = "no arguments"};
	struct control control = {.name = NAME};
	struct control_question question = {.target = "/metrics", .on_part = print_part};
	bool is_json = false, is_prometheus = false;
	const struct cmd_option options[] = {
		CMD_OPTION("json", CMD_FLAG, &is_json),
		CMD_OPTION("prometheus", CMD_FLAG, &is_prometheus),
		CONTROL_OPTIONS(&control),
		CMD_OPTIONS_END,
	};
	int status = weft__cmd_parse(&syntax, options, argc, argv);

	if (status)
		return status == CMD_HELPED ? CMD_DONE : status;
	if (is_json && is_prometheus)
		return weft__cmd_usage(NAME, "--json or --prometheus: one of them.");
	if (is_json)
		question.target = "/api/v1/status";
	status = weft__control_open(&control);
	if (!status)
		status = is_json || is_prometheus ? weft__control_ask(&control, &question, NULL)
						  : print_for_people(&control);
	if (!status && is_json)
		putchar('\n');
	weft__control_close(&control);
	return status;
}
