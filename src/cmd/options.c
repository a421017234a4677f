/*
 * options.c - the command line of a sub-command, from a table (options.h).
 *
 * Never: let a number through that is not wholly one.
 */
#include "options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "settings.h"

/** Longest time that an option can set. */
#define SECONDS_MAX 86400

/** getopt_long(3) tells long options by these numbers up, short ones by their letters. */
#define FIRST 256

/* ---- Values: each returns false with what is wrong in fault -----------------------------------
 */

__attribute__((format(printf, 2, 3))) static bool refuse_value(
	char fault[CMD_FAULT_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(fault, CMD_FAULT_MAX, format, args);
	va_end(args);
	return false;
}

static bool take_flag(const struct cmd_option *option, const char *text, char *fault)
{
	static const char *const words[] = {"no", "yes", "off", "on", "false", "true"};
	bool *flag = option->place;

	for (unsigned i = 0; text && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(text, words[i]) == 0) {
			*flag = i % 2;
			return true;
		}
	if (text)
		return refuse_value(fault, "takes yes or no, not \"%s\".", text);
	*flag = true;
	return true;
}

static bool take_text(const struct cmd_option *option, const char *text, char *fault)
{
	struct cmd_texts *texts = option->place;

	if (texts->count == CMD_TEXTS_MAX)
		return refuse_value(fault, "can be given %d times at most.", CMD_TEXTS_MAX);
	texts->items[texts->count++] = text;
	return true;
}

static bool take_count(const struct cmd_option *option, const char *text, char *fault)
{
	uint64_t min = option->min ? option->min : 1;
	unsigned long count;
	char *end;

	errno = 0;
	count = strtoul(text, &end, 10);
	if (errno || end == text || *end || text[0] == '-' || count < min || count > option->max)
		return refuse_value(fault, "takes a number from %llu to %llu, not \"%s\".",
			(unsigned long long)min, (unsigned long long)option->max, text);
	*(unsigned *)option->place = (unsigned)count;
	return true;
}

static bool take_seconds(const struct cmd_option *option, const char *text, char *fault)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !isfinite(seconds) || seconds < 0 || seconds > SECONDS_MAX ||
		(seconds == 0 && option->zero_ns == 0))
		return refuse_value(fault, "takes seconds, up to a day, not \"%s\".", text);
	*(int64_t *)option->place = seconds > 0 ? (int64_t)(seconds * 1e9) : option->zero_ns;
	return true;
}

static bool take_bytes(const struct cmd_option *option, const char *text, char *fault)
{
	static const char units[] = "KMG";
	unsigned shift = 0;
	unsigned long long bytes;
	const char *unit;
	char *end;

	errno = 0;
	bytes = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		shift = 10 * (unsigned)(unit - units + 1);
		end++;
	}
	if (errno || end == text || *end || text[0] == '-' || bytes > (UINT64_MAX >> shift) ||
		bytes << shift < option->min || bytes << shift > option->max)
		return refuse_value(fault,
			"takes a number of bytes from %llu to %llu, such as 64K, 10M or 1G, "
			"not \"%s\".",
			(unsigned long long)option->min, (unsigned long long)option->max, text);
	*(uint64_t *)option->place = bytes << shift;
	return true;
}

static bool take_choice(const struct cmd_option *option, const char *text, char *fault)
{
	char all[256] = "";
	size_t len = 0;

	for (unsigned i = 0; option->choices[i]; i++) {
		if (strcmp(option->choices[i], text) == 0) {
			*(unsigned *)option->place = i;
			return true;
		}
		if (len < sizeof(all))
			len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", i ? ", " : "",
				option->choices[i]);
	}
	return refuse_value(fault, "takes one of %s, not \"%s\".", all, text);
}

bool weft__cmd_take(const struct cmd_option *option, const char *text, char fault[CMD_FAULT_MAX])
{
	if (option->ret_is_given)
		*option->ret_is_given = true;
	switch (option->kind) {
	case CMD_FLAG:
		return take_flag(option, text, fault);
	case CMD_TEXT:
		*(const char **)option->place = text;
		return true;
	case CMD_TEXTS:
		return take_text(option, text, fault);
	case CMD_COUNT:
		return take_count(option, text, fault);
	case CMD_SECONDS:
		return take_seconds(option, text, fault);
	case CMD_BYTES:
		return take_bytes(option, text, fault);
	case CMD_CHOICE:
		return take_choice(option, text, fault);
	}
	return refuse_value(fault, "is of no kind.");
}

/* ---- The command line -------------------------------------------------------------------------
 */

/* What getopt_long(3) does not know; before is the argument in front of the next one. */
static const char *nearest(const struct option *table, const char *word)
{
	const char *best = NULL;
	size_t least = CMD_FAR_OFF;
	char name[CMD_FAULT_MAX];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	for (; table->name; table++) {
		size_t far = weft__cmd_distance(name, table->name);

		if (far < least && 2 * far < strlen(name)) {
			least = far;
			best = table->name;
		}
	}
	return best;
}

/* The one option that begins with the letter: other programs have it as that. */
static const char *only_one(const struct option *table, int letter)
{
	const char *only = NULL;

	if (letter == 'h')
		return "help";
	for (; table->name; table++)
		if (table->name[0] == letter) {
			if (only)
				return NULL;
			only = table->name;
		}
	return only;
}

static int refuse(const struct cmd_syntax *syntax, const struct option *table, const char *before)
{
	const char *near;

	if (optopt >= FIRST)
		return weft__cmd_usage(
			syntax->name, "--%s takes no value.", table[optopt - FIRST].name);
	/* Of "-xy", it has looked at x only, and before is still the one in front of it. */
	near = optopt ? only_one(table, optopt) : nearest(table, before);
	if (optopt && near)
		return weft__cmd_usage(
			syntax->name, "there is no option -%c; is it --%s?", optopt, near);
	if (optopt)
		return weft__cmd_usage(syntax->name, "there is no option -%c.", optopt);
	if (near)
		return weft__cmd_usage(
			syntax->name, "there is no option %s; is it --%s?", before, near);
	return weft__cmd_usage(syntax->name, "there is no option %s.", before);
}

/* The options in getopt's form: a table with --help behind the others, and the letters. */
struct table {
	struct option long_ones[CMD_OPTIONS_MAX + 1];
	char letters[2 * CMD_OPTIONS_MAX + 2];
	int help; /* its number */
};

static void translate(const struct cmd_option *options, bool flags_take_words, struct table *table)
{
	char *letter = table->letters;
	int count = 0;

	*letter++ = ':';
	for (; options[count].name; count++) {
		bool is_flag = options[count].kind == CMD_FLAG;

		assert(count < CMD_OPTIONS_MAX - 1);
		table->long_ones[count] = (struct option){options[count].name,
			!is_flag ? required_argument
				 : (flags_take_words ? optional_argument : no_argument),
			NULL, FIRST + count};
		if (!options[count].letter)
			continue;
		*letter++ = options[count].letter;
		if (!is_flag)
			*letter++ = ':';
	}
	/* Else one is missing that the help speaks of. */
	assert(!options[count].name);
	table->help = FIRST + count;
	table->long_ones[count] = (struct option){"help", no_argument, NULL, table->help};
}

/* The option that getopt_long(3) has found, by its number or its letter. */
static const struct cmd_option *option_of(const struct cmd_option *options, int found)
{
	if (found >= FIRST)
		return &options[found - FIRST];
	while (options->letter != found)
		options++;
	return options;
}

static int take_option(const struct cmd_syntax *syntax, const struct cmd_option *options,
	const struct cmd_option *option, struct cmd_settings *settings)
{
	const struct cmd_given given = {.from = CMD_BY_LINE, .text = optarg};
	char fault[CMD_FAULT_MAX];
	bool is_taken =
		settings ? weft__settings_take(settings, options, option - options, &given, fault)
			 : weft__cmd_take(option, optarg, fault);

	return is_taken ? CMD_DONE : weft__cmd_usage(syntax->name, "--%s %s", option->name, fault);
}

const char *weft__cmd_look_for(
	const struct cmd_option *options, const char *name, int argc, char **argv)
{
	struct table table = {0};
	const char *found = NULL;
	int option;

	translate(options, true, &table);
	opterr = 0;
	optind = 0; /* from the beginning, says getopt_long(3) */
	while ((option = getopt_long(argc, argv, table.letters, table.long_ones, NULL)) != -1)
		if (option >= FIRST && strcmp(table.long_ones[option - FIRST].name, name) == 0)
			found = optarg ? optarg : "";
	return found;
}

int weft__cmd_parse(
	const struct cmd_syntax *syntax, const struct cmd_option *options, int argc, char **argv)
{
	return weft__cmd_parse_over(syntax, options, NULL, argc, argv);
}

int weft__cmd_parse_over(const struct cmd_syntax *syntax, const struct cmd_option *options,
	struct cmd_settings *settings, int argc, char **argv)
{
	struct table table = {0};
	struct cmd_question question;
	int option, status;

	if (weft__cmd_is_asked(argc, argv, &question)) {
		weft__cmd_offer_all(&question, syntax, options);
		return CMD_HELPED;
	}
	translate(options, settings, &table);
	opterr = 0;
	optind = 0;
	while ((option = getopt_long(argc, argv, table.letters, table.long_ones, NULL)) != -1) {
		if (option == table.help) {
			fputs(syntax->help, stdout);
			return CMD_HELPED;
		}
		if (option == ':')
			return weft__cmd_usage(syntax->name, "%s wants a value.", argv[optind - 1]);
		if (option == '?')
			return refuse(syntax, table.long_ones, argv[optind - 1]);
		status = take_option(syntax, options, option_of(options, option), settings);
		if (status)
			return status;
	}
	if (argc - optind > syntax->operands_max)
		return weft__cmd_usage(syntax->name, "%s: what is \"%s\"?",
			syntax->operands ? syntax->operands : "no argument is expected",
			argv[optind + syntax->operands_max]);
	return CMD_DONE;
}
