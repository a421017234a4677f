/*
 * own_name.c - by which name this command is to be called again: what it tells people to type.
 *
 * Entry points: weft__cmd_own_name(), weft__cmd_shell_word().
 *
 *	weft serve           found in $PATH      "weft"
 *	/usr/bin/weft serve  found there, too    "weft"
 *	build/weft serve     not installed       "build/weft"
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"

/* What no shell takes for anything else. */
static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			       "_-./+:@%,";

char *weft__cmd_shell_word(const char *text)
{
	char *word, *to;

	if (text[0] && text[strspn(text, harmless)] == '\0')
		return strdup(text);
	word = malloc(4 * strlen(text) + 3);
	if (!word)
		return NULL;
	to = word;
	*to++ = '\'';
	for (; *text; text++)
		to = *text == '\'' ? stpcpy(to, "'\\''") : (*to = *text, to + 1);
	stpcpy(to, "'");
	return word;
}

static bool is_same_file(const char *path)
{
	struct stat one, own;

	return stat(path, &one) == 0 && stat("/proc/self/exe", &own) == 0 &&
	       one.st_dev == own.st_dev && one.st_ino == own.st_ino;
}

/* Whether a shell that is told no more than the name runs this very program. */
static bool is_found_as(const char *name)
{
	const char *at = getenv("PATH");

	while (at && *at) {
		size_t len = strcspn(at, ":");
		char *path = NULL;
		bool is_there, is_ours;

		if (asprintf(&path, "%.*s/%s", (int)len, at, name) < 0)
			return false;
		is_there = len > 0 && access(path, X_OK) == 0;
		is_ours = is_there && is_same_file(path);
		free(path);
		if (is_there)
			return is_ours;
		at += len + (at[len] == ':');
	}
	return false;
}

const char *weft__cmd_own_name(void)
{
	static char *own;
	const char *called = program_invocation_name, *slash = strrchr(called, '/');

	if (slash && is_found_as(slash + 1))
		called = slash + 1;
	if (!own)
		own = called[0] ? weft__cmd_shell_word(called) : NULL;
	return own ? own : "weft";
}
