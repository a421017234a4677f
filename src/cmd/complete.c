/*
 * complete.c - see complete.h.
 *
 * An option's summary is what the help says behind it.
 */
#include "complete.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "options.h"

/** Longest summary: a line of the help. */
#define SUMMARY_MAX 128

static const char *behind(const char *word, const char *begin)
{
	size_t len = strlen(begin);

	return strncmp(word, begin, len) == 0 ? word + len : NULL;
}

bool weft__cmd_is_asked(int argc, char **argv, struct cmd_question *ret_question)
{
	for (int i = 1; i + 1 < argc; i++) {
		ret_question->what = behind(argv[i], CMD_COMPLETE);
		ret_question->prefix = behind(argv[i + 1], CMD_COMPLETE_PREFIX);
		if (ret_question->what && ret_question->prefix)
			return ret_question->what[0];
	}
	return false;
}

void weft__cmd_offer(const struct cmd_question *question, const char *word, const char *summary)
{
	if (strncmp(word, question->prefix, strlen(question->prefix)) != 0)
		return;
	if (question->what[strlen(question->what) - 1] == '=')
		fputs(question->what, stdout);
	fputs(word, stdout);
	if (summary && summary[0])
		printf("\t%s", summary);
	putchar('\n');
}

/* Whether the option is among those that a line of the help begins with. */
static bool is_told(const char *line, size_t len, const char *name)
{
	size_t name_len = strlen(name);

	for (size_t i = 0; i + 2 + name_len <= len; i++)
		if (strncmp(line + i, "--", 2) == 0 && strncmp(line + i + 2, name, name_len) == 0 &&
			!isalnum((unsigned char)line[i + 2 + name_len]) &&
			line[i + 2 + name_len] != '-')
			return true;
	return false;
}

/* Where the summary begins in a line: behind two blanks; its end: there is none. */
static const char *behind_gap(const char *line, const char *end)
{
	for (const char *at = line; at + 1 < end; at++)
		if (at[0] == ' ' && at[1] == ' ') {
			while (at < end && *at == ' ')
				at++;
			return at;
		}
	return end;
}

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " ");
}

static void copy_line(const char *from, char ret_summary[SUMMARY_MAX])
{
	size_t len = strcspn(from, "\n");

	if (len >= SUMMARY_MAX)
		len = SUMMARY_MAX - 1;
	memcpy(ret_summary, from, len);
	ret_summary[len] = '\0';
}

/* What the help says of an option, as far as it stands in one line. "": nothing. */
static void find_summary(const char *help, const char *name, char ret_summary[SUMMARY_MAX])
{
	const char *line = help, *end;

	ret_summary[0] = '\0';
	for (; *line; line = *end ? end + 1 : end) {
		const char *begin = skip_blanks(line), *gap;

		end = line + strcspn(line, "\n");
		if (begin == line || *begin != '-')
			continue;
		gap = behind_gap(begin, end);
		if (!is_told(begin, (size_t)(gap - begin), name))
			continue;
		/* Of one with a long name it stands below. */
		if (gap == end && *end)
			gap = skip_blanks(end + 1);
		copy_line(gap, ret_summary);
		return;
	}
}

static void offer_options(const struct cmd_question *question, const struct cmd_syntax *syntax,
	const struct cmd_option *options)
{
	char summary[SUMMARY_MAX], word[128];

	for (; options->name; options++) {
		find_summary(syntax->help, options->name, summary);
		snprintf(word, sizeof(word), "--%s", options->name);
		weft__cmd_offer(question, word, summary);
	}
	weft__cmd_offer(question, "--help", "a summary");
}

static bool is_called(const struct cmd_option *option, const char *as)
{
	size_t len = strlen(option->name);

	if (strncmp(as, "--", 2) == 0)
		return strncmp(as + 2, option->name, len) == 0 &&
		       (!as[2 + len] || strcmp(as + 2 + len, "=") == 0);
	return as[0] == '-' && option->letter && as[1] == option->letter && !as[2];
}

void weft__cmd_offer_all(const struct cmd_question *question, const struct cmd_syntax *syntax,
	const struct cmd_option *options)
{
	const struct cmd_option *option = options;

	if (strcmp(question->what, CMD_COMPLETE_OPTIONS) == 0) {
		offer_options(question, syntax, options);
		return;
	}
	while (option->name && !is_called(option, question->what))
		option++;
	if (option->name && option->choices)
		for (const char *const *choice = option->choices; *choice; choice++)
			weft__cmd_offer(question, *choice, NULL);
	else if ((!option->name || option->kind == CMD_FLAG) && syntax->offer_words)
		syntax->offer_words(question);
}
