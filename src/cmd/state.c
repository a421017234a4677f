/*
 * state.c - where `weft serve` and `weft account` keep what lasts, unless they are told.
 *
 * Entry points: weft__cmd_state_dir(), weft__cmd_accounts_are_lost().
 *
 *	a service   $STATE_DIRECTORY, which systemd has made (StateDirectory=)
 *	root        /var/lib/weft
 *	else        $XDG_STATE_HOME/weft, or ~/.local/state/weft (XDG Base Directory)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account.h"

char *weft__cmd_state_default(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	const char *service = getenv("STATE_DIRECTORY");
	char *dir = NULL;
	int len = -1;

	if (service && service[0] == '/') /* of several, the first */
		return strndup(service, strcspn(service, ":"));
	if (geteuid() == 0)
		return strdup("/var/lib/weft");
	if (state && state[0] == '/') /* others are to be ignored, says XDG */
		len = asprintf(&dir, "%s/weft", state);
	else if (home && home[0] == '/')
		len = asprintf(&dir, "%s/.local/state/weft", home);
	return len < 0 ? NULL : dir;
}

/* What is above it; the folder itself is made by who knows what it has to be like. */
static void make_parents(char *dir)
{
	for (char *slash = strchr(dir + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(dir, 0700); /* if it can't, the folder below will say so */
		*slash = '/';
	}
}

char *weft__cmd_state_dir(const char *name, const char *text, bool creates)
{
	bool is_default = !text || strcmp(text, "default") == 0;
	char *dir = is_default ? weft__cmd_state_default() : strdup(text);

	if (dir && !dir[0]) {
		weft__cmd_fail(name, "--state wants a folder.");
		free(dir);
		return NULL;
	}
	if (!dir)
		weft__cmd_fail(name,
			"there is no usual state folder without $HOME or $XDG_STATE_HOME: say "
			"--state DIR.");
	else if (is_default && creates)
		make_parents(dir);
	return dir;
}

int weft__cmd_accounts_are_lost(const char *name, const char *dir)
{
	if (errno == ENODATA)
		return weft__cmd_fail(name,
			"the accounts in %s are lost: accounts.db is empty or gone, and without it "
			"strangers could read everything. Put a backup in its place (\"Keep a "
			"copy\" in docs/running-a-hub.md). To begin anew instead, with no account "
			"and no rights of before: remove %s/accounts-were-here.",
			dir, dir);
	return weft__cmd_fail(name,
		"the accounts in %s are damaged, or accounts.db is none of weft's. Restore a "
		"backup (\"Keep a copy\" in docs/running-a-hub.md).",
		dir);
}
