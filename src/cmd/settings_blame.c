/*
 * settings_blame.c - a complaint of an option names file, line and key, where the file has given it
 * (settings.h): who has typed no option has no use for its name.
 *
 *	--http takes HOST:PORT, not "x".    /etc/weft/weft.conf:3: http takes HOST:PORT, not "x".
 *
 * Entry points: weft__settings_blame(), weft__settings_place().
 *
 * Never: names a line for what the environment or the command line has said.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings.h"

static __thread struct {
	const struct cmd_settings *settings; /* NULL: nothing is to be placed */
	const char *name;                    /* whose a complaint without one is; NULL: nobody's */
} blamed;

const struct cmd_settings *weft__settings_blame(const struct cmd_settings *settings)
{
	const struct cmd_settings *before = blamed.settings;

	blamed.settings = settings;
	return before;
}

void weft__settings_blame_key(const char *name)
{
	blamed.name = name;
}

void weft__settings_overrule(struct cmd_settings *settings, const char *name)
{
	for (size_t i = 0; i < CMD_OPTIONS_MAX; i++)
		if (settings->given[i].name && strcmp(settings->given[i].name, name) == 0)
			settings->given[i].from = CMD_BY_LINE;
}

static const struct cmd_given *find(
	const struct cmd_settings *settings, const char *name, size_t len)
{
	for (size_t i = 0; i < CMD_OPTIONS_MAX; i++) {
		const struct cmd_given *given = &settings->given[i];

		if (given->name && strlen(given->name) == len &&
			strncmp(given->name, name, len) == 0)
			return given->from == CMD_BY_FILE ? given : NULL;
	}
	return NULL;
}

/* Of several values, the one that the complaint quotes; else the last. */
static const struct cmd_kept *find_value(
	const struct cmd_settings *settings, const struct cmd_given *given, const char *complaint)
{
	const struct cmd_kept *last = NULL;

	for (size_t i = settings->text_count; i-- > 0;) {
		const struct cmd_kept *kept = &settings->texts[i];

		if (kept->line == 0 || strcmp(kept->name, given->name) != 0)
			continue;
		if (strstr(complaint, kept->text))
			return kept;
		last = last ? last : kept;
	}
	return last;
}

char *weft__settings_place(const char *complaint)
{
	const struct cmd_settings *settings = blamed.settings;
	bool is_option = strncmp(complaint, "--", 2) == 0;
	const char *name = is_option ? complaint + 2 : blamed.name,
		   *between = is_option ? "" : ": ";
	size_t len = !name       ? 0
		     : is_option ? strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")
				 : strlen(name);
	const struct cmd_given *given =
		settings && settings->path && name ? find(settings, name, len) : NULL;
	const struct cmd_kept *kept = given ? find_value(settings, given, complaint) : NULL;
	char *placed = NULL;

	if (!kept ||
		asprintf(&placed, "%s:%u: %.*s%s%s%s", settings->path, kept->line, (int)len, name,
			between, is_option ? name + len : complaint,
			strstr(kept->text, " #") ? " (A remark has a line of its own.)" : "") < 0)
		return NULL;
	return placed;
}
