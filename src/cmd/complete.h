/*
 * complete.h - what can be typed at a place of a command line: told by whoever reads it.
 *
 * `weft completion words` calls a sub-command as if it was typed so far, with two options more:
 * --complete=WHAT --complete-prefix=PREFIX. Its parser (weft__cmd_parse()) then tells of its own
 * table what fits, a line each, and returns CMD_HELPED, as for the help. So nothing has to be said
 * twice.
 */
#ifndef WEFT_SRC_CMD_COMPLETE_H
#define WEFT_SRC_CMD_COMPLETE_H

#include <stdbool.h>

/** What is asked stands behind them in argv, one next to the other. Nobody types them. */
#define CMD_COMPLETE        "--complete="
#define CMD_COMPLETE_PREFIX "--complete-prefix="

/** What is asked for: these, or an option ("--driver", "-d"), whose value is; "--driver=": the
 * value is told behind that. */
#define CMD_COMPLETE_OPTIONS "options"
#define CMD_COMPLETE_WORDS   "words" /* that are no options */

struct cmd_question {
	const char *what, *prefix; /* of argv */
};

struct cmd_syntax;
struct cmd_option;

/** Whether argv asks. */
bool weft__cmd_is_asked(int argc, char **argv, struct cmd_question *ret_question);

/** Tell a word, if it begins with the prefix. summary may be NULL. */
void weft__cmd_offer(const struct cmd_question *question, const char *word, const char *summary);

/** Tell what a table of options has to say. */
void weft__cmd_offer_all(const struct cmd_question *question, const struct cmd_syntax *syntax,
	const struct cmd_option *options);

#endif
