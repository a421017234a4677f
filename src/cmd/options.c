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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Longest time that an option can set. */
#define SECONDS_MAX 86400

/** getopt_long(3) tells long options by these numbers up, short ones by their letters. */
#define FIRST 256

/** Options of one command, --help included. */
#define OPTIONS_MAX 128

static int take_text(const struct cmd_syntax *syntax, const struct cmd_option *option)
{
	struct cmd_texts *texts = option->place;

	if (texts->count == CMD_TEXTS_MAX)
		return weft__cmd_usage(syntax->name, "--%s can be given %d times at most.",
			option->name, CMD_TEXTS_MAX);
	texts->items[texts->count++] = optarg;
	return CMD_DONE;
}

static int take_count(const struct cmd_syntax *syntax, const struct cmd_option *option)
{
	uint64_t min = option->min ? option->min : 1;
	unsigned long count;
	char *end;

	errno = 0;
	count = strtoul(optarg, &end, 10);
	if (errno || end == optarg || *end || optarg[0] == '-' || count < min ||
		count > option->max)
		return weft__cmd_usage(syntax->name,
			"--%s takes a number from %llu to %llu, not \"%s\".", option->name,
			(unsigned long long)min, (unsigned long long)option->max, optarg);
	*(unsigned *)option->place = (unsigned)count;
	return CMD_DONE;
}

static int take_seconds(const struct cmd_syntax *syntax, const struct cmd_option *option)
{
	char *end;
	double seconds = strtod(optarg, &end);

	if (end == optarg || *end || !isfinite(seconds) || seconds < 0 || seconds > SECONDS_MAX ||
		(seconds == 0 && option->zero_ns == 0))
		return weft__cmd_usage(syntax->name, "--%s takes seconds, up to a day, not \"%s\".",
			option->name, optarg);
	*(int64_t *)option->place = seconds > 0 ? (int64_t)(seconds * 1e9) : option->zero_ns;
	return CMD_DONE;
}

static int take_bytes(const struct cmd_syntax *syntax, const struct cmd_option *option)
{
	static const char units[] = "KMG";
	unsigned shift = 0;
	unsigned long long bytes;
	const char *unit;
	char *end;

	errno = 0;
	bytes = strtoull(optarg, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		shift = 10 * (unsigned)(unit - units + 1);
		end++;
	}
	if (errno || end == optarg || *end || optarg[0] == '-' || bytes > (UINT64_MAX >> shift) ||
		bytes << shift < option->min || bytes << shift > option->max)
		return weft__cmd_usage(syntax->name,
			"--%s takes a number of bytes from %llu to %llu, such as 64K, 10M or 1G, "
			"not \"%s\".",
			option->name, (unsigned long long)option->min,
			(unsigned long long)option->max, optarg);
	*(uint64_t *)option->place = bytes << shift;
	return CMD_DONE;
}

static int take_choice(const struct cmd_syntax *syntax, const struct cmd_option *option)
{
	char all[256] = "";
	size_t len = 0;

	for (unsigned i = 0; option->choices[i]; i++) {
		if (strcmp(option->choices[i], optarg) == 0) {
			*(unsigned *)option->place = i;
			return CMD_DONE;
		}
		if (len < sizeof(all))
			len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", i ? ", " : "",
				option->choices[i]);
	}
	return weft__cmd_usage(
		syntax->name, "--%s takes one of %s, not \"%s\".", option->name, all, optarg);
}

static int take(const struct cmd_syntax *syntax, const struct cmd_option *option)
{
	if (option->ret_is_given)
		*option->ret_is_given = true;
	switch (option->kind) {
	case CMD_FLAG:
		*(bool *)option->place = true;
		return CMD_DONE;
	case CMD_TEXT:
		*(const char **)option->place = optarg;
		return CMD_DONE;
	case CMD_TEXTS:
		return take_text(syntax, option);
	case CMD_COUNT:
		return take_count(syntax, option);
	case CMD_SECONDS:
		return take_seconds(syntax, option);
	case CMD_BYTES:
		return take_bytes(syntax, option);
	case CMD_CHOICE:
		return take_choice(syntax, option);
	}
	return CMD_USAGE;
}

/* What getopt_long(3) does not know; before is the argument in front of the next one. */
static int refuse(const struct cmd_syntax *syntax, const struct option *table, const char *before)
{
	if (optopt >= FIRST)
		return weft__cmd_usage(
			syntax->name, "--%s takes no value.", table[optopt - FIRST].name);
	/* Of "-xy", it has looked at x only, and before is still the one in front of it. */
	if (optopt)
		return weft__cmd_usage(syntax->name, "there is no option -%c.", optopt);
	return weft__cmd_usage(syntax->name, "there is no option %s.", before);
}

/* The options in getopt's form: a table with --help behind the others, and the letters. */
struct table {
	struct option long_ones[OPTIONS_MAX + 1];
	char letters[2 * OPTIONS_MAX + 2];
	int help; /* its number */
};

static void translate(const struct cmd_option *options, struct table *table)
{
	char *letter = table->letters;
	int count = 0;

	*letter++ = ':';
	for (; options[count].name; count++) {
		bool is_flag = options[count].kind == CMD_FLAG;

		assert(count < OPTIONS_MAX - 1);
		table->long_ones[count] = (struct option){options[count].name,
			is_flag ? no_argument : required_argument, NULL, FIRST + count};
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

int weft__cmd_parse(
	const struct cmd_syntax *syntax, const struct cmd_option *options, int argc, char **argv)
{
	struct table table = {0};
	int option, status;

	translate(options, &table);
	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, table.letters, table.long_ones, NULL)) != -1) {
		if (option == table.help) {
			fputs(syntax->help, stdout);
			return CMD_HELPED;
		}
		if (option == ':')
			return weft__cmd_usage(syntax->name, "%s wants a value.", argv[optind - 1]);
		if (option == '?')
			return refuse(syntax, table.long_ones, argv[optind - 1]);
		status = take(syntax, option_of(options, option));
		if (status)
			return status;
	}
	if (argc - optind > syntax->operands_max)
		return weft__cmd_usage(syntax->name, "%s: what is \"%s\"?",
			syntax->operands ? syntax->operands : "no argument is expected",
			argv[optind + syntax->operands_max]);
	return CMD_DONE;
}
