/*
 * ps.c - `weft ps`: every fiber of a running server, and what it waits for.
 *
 * Entry point: weft__cmd_ps().
 *
 * The server sends a fiber a line, as it finds them; here they are kept, sorted and printed.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "service.h"
#include "weft/str.h"

#define NAME "ps"

/** Longest line of an answer: a fiber with all of its texts escaped. */
#define LINE_MAX_LEN 16384

static const char help[] =
	"usage: weft ps [OPTION]... [WORD]...\n"
	"\n"
	"What every fiber of a running server does: its door and peer, its state, for how long,\n"
	"its age, how much of its stack is used, and what it waits for. With words, those that\n"
	"have each of them in name, door, peer, state or wait.\n"
	"\n"
	"  --sort KEY           by door, name, peer, state, for, age, stack, worker or wait\n"
	"                       (default: door; for, age and stack: the longest first)\n"
	"  --limit N            the first N\n" CONTROL_HELP
	"  --json               print an object, as docs/control.md has it\n"
	"  --help               this text\n"
	"\n"
	"Exit status: 0 done, 1 failed, 2 wrong usage.\n";

enum key { BY_DOOR, BY_NAME, BY_PEER, BY_STATE, BY_FOR, BY_AGE, BY_STACK, BY_WORKER, BY_WAIT };
static const char *const keys[] = {
	"door", "name", "peer", "state", "for", "age", "stack", "worker", "wait", NULL};

struct row {
	char *id, *name, *door, *peer, *state, *wait;
	unsigned worker;
	double seconds, age, stack_used, stack_size;
};

struct ps {
	struct control control;
	unsigned key, limit;
	bool is_json;
	struct row *rows;
	size_t count, room;
	json_t *end; /* what the answer says besides the fibers */
	struct weft_str line;
	bool is_broken; /* it can't be read, or there is no memory */
};

/* ---- Reading --------------------------------------------------------------------------------- */

static char *copy(const json_t *json, const char *name)
{
	return strdup(weft__control_text(json, name));
}

static bool add_row(struct ps *ps, const json_t *json)
{
	struct row *row;

	if (ps->count == ps->room) {
		size_t room = ps->room ? ps->room * 2 : 256;
		struct row *rows = reallocarray(ps->rows, room, sizeof(*rows));

		if (!rows)
			return false;
		ps->rows = rows;
		ps->room = room;
	}
	row = &ps->rows[ps->count++];
	*row = (struct row){.id = copy(json, "id"),
		.name = copy(json, "name"),
		.door = copy(json, "door"),
		.peer = copy(json, "peer"),
		.state = copy(json, "state"),
		.wait = copy(json, "wait"),
		.worker = (unsigned)weft__control_number(json, "worker"),
		.seconds = weft__control_number(json, "seconds"),
		.age = weft__control_number(json, "age"),
		.stack_used = weft__control_number(json, "stack.used"),
		.stack_size = weft__control_number(json, "stack.size")};
	return row->id && row->name && row->door && row->peer && row->state && row->wait;
}

/*
 * {"fibers":[            nothing
 * {...},                 a fiber
 * {...}                  the last
 * ],"busy":[...],...}    the rest
 */
static bool take_line(struct ps *ps)
{
	char *text = (char *)weft_str_text(&ps->line);
	size_t len = weft_str_len(&ps->line);
	json_t *json;
	bool is_taken;

	if (len == 0 || strncmp(text, "{\"fibers\"", 9) == 0)
		return true;
	if (text[0] == ']') {
		text[1] = '{'; /* "],": the comma */
		ps->end = json_loads(text + 1, 0, NULL);
		return ps->end;
	}
	if (text[len - 1] == ',')
		len--;
	json = json_loadb(text, len, 0, NULL);
	is_taken = json && add_row(ps, json);
	json_decref(json);
	return is_taken;
}

static int take_part(char *part, size_t len, void *arg)
{
	struct ps *ps = arg;

	while (len > 0) {
		const char *end = memchr(part, '\n', len);
		size_t taken = end ? (size_t)(end - part) : len;

		weft_str_append_bytes(&ps->line, part, taken);
		if (weft_str_error(&ps->line)) {
			ps->is_broken = true;
			return -1;
		}
		if (end) {
			ps->is_broken |= !take_line(ps);
			weft_str_reset(&ps->line);
			taken++;
		}
		part += taken;
		len -= taken;
	}
	return ps->is_broken ? -1 : 0;
}

static int print_part(char *part, size_t len, void *arg)
{
	(void)arg;
	return fwrite(part, 1, len, stdout) == len ? 0 : -1;
}

/* ---- Sorting --------------------------------------------------------------------------------- */

static unsigned sort_key; /* qsort(3) hands none on */

static int compare_numbers(double a, double b)
{
	return (a < b) - (a > b);
}

static int compare_by(const struct row *a, const struct row *b, unsigned key)
{
	switch (key) {
	case BY_NAME:
		return strcmp(a->name, b->name);
	case BY_PEER:
		return strcmp(a->peer, b->peer);
	case BY_STATE:
		return strcmp(a->state, b->state);
	case BY_FOR:
		return compare_numbers(a->seconds, b->seconds);
	case BY_AGE:
		return compare_numbers(a->age, b->age);
	case BY_STACK:
		return compare_numbers(a->stack_used, b->stack_used);
	case BY_WORKER:
		return compare_numbers(b->worker, a->worker);
	case BY_WAIT:
		return strcmp(a->wait, b->wait);
	default:
		return strcmp(a->door, b->door);
	}
}

static int compare(const void *a, const void *b)
{
	int order = compare_by(a, b, sort_key);

	if (order == 0)
		order = compare_by(a, b, BY_NAME);
	return order ? order : compare_by(a, b, BY_AGE);
}

/* ---- Printing -------------------------------------------------------------------------------- */

static void print_row(const struct row *row)
{
	char text[CONTROL_TEXT_SIZE];

	printf("%-9s %3u  %-5s  %12s ", row->id, row->worker, row->state,
		strcmp(row->state, "waits") == 0 ? weft__control_time(row->seconds, text) : "");
	printf("%12s ", weft__control_time(row->age, text));
	printf("%9s  ", weft__control_bytes(row->stack_used, text));
	weft__cmd_print_visible(row->door[0] ? row->door : "-", 8);
	putchar(' ');
	weft__cmd_print_visible(row->peer[0] ? row->peer : "-", 21);
	putchar(' ');
	weft__cmd_print_visible(row->name, 22);
	putchar(' ');
	weft__cmd_print_visible(row->wait, 0);
	putchar('\n');
}

static void print_end(const struct ps *ps, size_t printed)
{
	const json_t *held;
	size_t i;
	char text[CONTROL_TEXT_SIZE];

	json_array_foreach(json_object_get(ps->end, "busy"), i, held)
	{
		const char *fiber = weft__control_text(held, "fiber");

		printf("worker %.0f did not answer: ", weft__control_number(held, "worker"));
		weft__cmd_print_visible(fiber[0] ? fiber : "no fiber", 0);
		printf(" has kept it for %s\n",
			weft__control_time(weft__control_number(held, "seconds"), text));
	}
	printf("%zu of %.0f fibers%s\n", printed, weft__control_number(ps->end, "count"),
		json_is_true(json_object_get(ps->end, "forks"))
			? "; those of the processes that serve visitors are not seen"
			: "");
}

static int print_rows(struct ps *ps)
{
	size_t printed = ps->limit && ps->limit < ps->count ? ps->limit : ps->count;

	if (ps->is_broken || !ps->end)
		return weft__cmd_fail(NAME, "the server's answer can't be read.");
	sort_key = ps->key;
	if (ps->count > 0)
		qsort(ps->rows, ps->count, sizeof(*ps->rows), compare);
	puts("id        wrk  state           for          age     stack  door     peer            "
	     "      name                   waits");
	for (size_t i = 0; i < printed; i++)
		print_row(&ps->rows[i]);
	print_end(ps, printed);
	return CMD_DONE;
}

/* ---- The command ----------------------------------------------------------------------------- */

static char *make_target(int count, char **words, unsigned limit)
{
	struct weft_str find, target;
	char *found;

	weft_str_init(&find, 4096);
	weft_str_append(&find, "");
	for (int i = 0; i < count; i++)
		weft_str_appendf(&find, "%s%s", i ? " " : "", words[i]);
	found = weft__control_target("/api/v1/fibers", "find", weft_str_text(&find));
	if (weft_str_error(&find)) {
		free(found);
		found = NULL;
	}
	weft_str_fini(&find);
	if (!limit || !found)
		return found;
	weft_str_init(&target, 16384);
	weft_str_appendf(&target, "%s&limit=%u", found, limit);
	free(found);
	return weft_str_take(&target);
}

static int ask(struct ps *ps, int count, char **words)
{
	struct control_question question = {
		.on_part = ps->is_json ? print_part : take_part, .arg = ps};
	/* Which are the first is known when all are sorted: only as it is, it is the server's. */
	char *target = make_target(count, words, ps->is_json ? ps->limit : 0);
	int status;

	if (!target)
		return weft__cmd_usage(NAME, "these are too many words.");
	question.target = target;
	status = weft__control_ask(&ps->control, &question, NULL);
	free(target);
	return status || ps->is_json ? status : print_rows(ps);
}

static void ps_fini(struct ps *ps)
{
	for (size_t i = 0; i < ps->count; i++) {
		struct row *row = &ps->rows[i];

		free(row->id);
		free(row->name);
		free(row->door);
		free(row->peer);
		free(row->state);
		free(row->wait);
	}
	free(ps->rows);
	json_decref(ps->end);
	weft_str_fini(&ps->line);
	weft__control_close(&ps->control);
}

int weft__cmd_ps(int argc, char **argv)
{
	static const struct cmd_syntax syntax = {.name = NAME,
		.help = help,
		.operands_max = 64,
		.operands = "so many words at a time"};
	struct ps ps = {.control = {.name = NAME}};
	const struct cmd_option options[] = {
		CMD_OPTION("sort", CMD_CHOICE, &ps.key, .choices = keys),
		CMD_OPTION("limit", CMD_COUNT, &ps.limit, .max = 100000000),
		CMD_OPTION("json", CMD_FLAG, &ps.is_json),
		CONTROL_OPTIONS(&ps.control),
		CMD_OPTIONS_END,
	};
	int status = weft__cmd_parse(&syntax, options, argc, argv);

	if (status)
		return status == CMD_HELPED ? CMD_DONE : status;
	weft_str_init(&ps.line, LINE_MAX_LEN);
	status = weft__control_open(&ps.control);
	if (!status)
		status = ask(&ps, argc - optind, argv + optind);
	ps_fini(&ps);
	return status;
}
