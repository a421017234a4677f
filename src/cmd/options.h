/*
 * options.h - the command line of a sub-command, from a table.
 *
 *	static const struct cmd_syntax syntax = {.name = "echo", .help = help};
 *	struct cmd_option options[] = {
 *		CMD_OPTION("json", CMD_FLAG, &echo.is_json),
 *		CMD_OPTION("workers", CMD_COUNT, &run.workers, .max = WEFT_WORKERS_MAX),
 *		CMD_OPTIONS_END,
 *	};
 *	int status = weft__cmd_parse(&syntax, options, argc, argv);
 *
 * Every sub-command has --help, which is told from syntax. Complaints are printed here.
 */
#ifndef WEFT_SRC_CMD_OPTIONS_H
#define WEFT_SRC_CMD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd.h"
#include "complete.h"

enum cmd_option_kind {
	CMD_FLAG,    /* bool: no value, or yes or no */
	CMD_TEXT,    /* const char *: as it stands */
	CMD_TEXTS,   /* struct cmd_texts: each as it stands; the option may be given again */
	CMD_COUNT,   /* unsigned: from min (0 means 1) to max */
	CMD_SECONDS, /* int64_t: nanoseconds, from fractions of a second to a day */
	CMD_BYTES,   /* uint64_t: a number, or one with K, M, G (times 1024) */
	CMD_CHOICE,  /* unsigned: which of choices */
};

/** Times that one option of kind CMD_TEXTS can be given. */
#define CMD_TEXTS_MAX 32

struct cmd_texts {
	const char *items[CMD_TEXTS_MAX + 1]; /* NULL behind the last */
	unsigned count;
};

struct cmd_option {
	const char *name; /* without its dashes */
	char letter;      /* of a short form, "-c"; 0: it has none */
	enum cmd_option_kind kind;
	void *place;
	uint64_t min, max;          /* COUNT, BYTES */
	int64_t zero_ns;            /* SECONDS: what 0 becomes; 0: it is refused */
	const char *const *choices; /* CHOICE, and what of TEXT is usual: NULL at the end */
	bool *ret_is_given;         /* may be NULL */
	bool is_of_line;            /* has no sense in a file: help, --json */
	const char *standard;       /* what holds where nothing is given; NULL: nothing does */
};

/** A line of the table; the last arguments are ".field = value". */
#define CMD_OPTION(text, is, where, ...)                                    \
	{                                                                   \
		.name = (text), .kind = (is), .place = (where), __VA_ARGS__ \
	}
#define CMD_OPTIONS_END      \
	{                    \
		.name = NULL \
	}

/** Options of one command, --help included. */
#define CMD_OPTIONS_MAX 128

/** Longest of what is said of a value, with its NUL. */
#define CMD_FAULT_MAX 512

struct cmd_syntax {
	const char *name;     /* of the sub-command */
	const char *help;     /* the whole text */
	int operands_max;     /* arguments that are no options */
	const char *operands; /* what there is too much of: "one folder at a time" */
	/** Tell which words can stand there, for the shell's completion; NULL: files, or any. */
	void (*offer_words)(const struct cmd_question *question);
};

/** What weft__cmd_parse() returns when the help was asked for, and told: all is done. */
#define CMD_HELPED (-1)

/**
 * Read argv into the places; then optind is at the first operand, of argc. Returns CMD_DONE
 * to go on, CMD_HELPED or CMD_USAGE.
 */
int weft__cmd_parse(
	const struct cmd_syntax *syntax, const struct cmd_option *options, int argc, char **argv);

/**
 * The same where files and the environment have spoken first (settings.h); then a flag may be
 * taken back, "--hidden=no". settings: NULL where there are none.
 */
struct cmd_settings;
int weft__cmd_parse_over(const struct cmd_syntax *syntax, const struct cmd_option *options,
	struct cmd_settings *settings, int argc, char **argv);

/** The value that the last option of that name has in argv, "": it has none; NULL: not there. */
const char *weft__cmd_look_for(
	const struct cmd_option *options, const char *name, int argc, char **argv);

/**
 * One value into its place, of which it remains a part. text: of a FLAG, yes, no or NULL (yes).
 * false: it can't be, and fault says why, as what follows the option's name.
 */
bool weft__cmd_take(const struct cmd_option *option, const char *text, char fault[CMD_FAULT_MAX]);

#endif
