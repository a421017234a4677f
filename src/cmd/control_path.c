/*
 * control_path.c - where servers have their control sockets.
 *
 *	with a state folder      STATE/control, and FOLDER/PID.sock is a link that leads there
 *	without                  FOLDER/PID.sock
 *
 * So who knows nothing finds all servers of one user in one folder; and who knows the state folder
 * finds its server without it.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"

/* Ours, and a folder: nobody else may put a name there for us to follow. */
static bool is_own_folder(const char *path)
{
	struct stat stat_of;

	return lstat(path, &stat_of) == 0 && S_ISDIR(stat_of.st_mode) &&
	       stat_of.st_uid == geteuid() && (stat_of.st_mode & 022) == 0;
}

/* "" and a path to go on with, or NULL. */
static char *find_base(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR"), *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	char *base = NULL;

	if (geteuid() == 0)
		return strdup("/run/weft");
	if (runtime && runtime[0] == '/' && is_own_folder(runtime))
		return asprintf(&base, "%s/weft", runtime) < 0 ? NULL : base;
	if (asprintf(&base, "/run/user/%u", (unsigned)geteuid()) < 0)
		return NULL;
	if (is_own_folder(base)) {
		free(base);
		return asprintf(&base, "/run/user/%u/weft", (unsigned)geteuid()) < 0 ? NULL : base;
	}
	free(base);
	base = NULL;
	errno = ENOENT;
	if (state && state[0] == '/')
		return asprintf(&base, "%s/weft/run", state) < 0 ? NULL : base;
	if (home && home[0] == '/')
		return asprintf(&base, "%s/.local/state/weft/run", home) < 0 ? NULL : base;
	return NULL;
}

static void make_all(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	mkdir(path, 0700); /* where it can't, what comes next says why */
}

char *weft__control_folder(bool creates)
{
	char *folder = find_base();

	if (!folder)
		return NULL;
	if (creates)
		make_all(folder);
	if (is_own_folder(folder))
		return folder;
	free(folder);
	errno = ENOENT;
	return NULL;
}

bool weft__control_remove_dead(const char *folder, const char *name)
{
	char *path = NULL, *end;
	long pid = strtol(name, &end, 10);
	struct stat stat_of;
	bool is_dead;

	if (pid <= 0 || strcmp(end, ".sock") != 0 || asprintf(&path, "%s/%s", folder, name) < 0)
		return false;
	/* Another process may have the number; then a link that leads nowhere is still nobody's. */
	is_dead = (kill((pid_t)pid, 0) < 0 && errno == ESRCH) ||
		  (stat(path, &stat_of) < 0 && errno == ENOENT);
	if (is_dead)
		unlink(path);
	free(path);
	return is_dead;
}

void weft__control_sweep(void)
{
	char *folder = weft__control_folder(false);
	DIR *dir = folder ? opendir(folder) : NULL;

	for (const struct dirent *entry; dir && (entry = readdir(dir));)
		weft__control_remove_dead(folder, entry->d_name);
	if (dir)
		closedir(dir);
	free(folder);
}

char *weft__control_of_state(const char *state_dir)
{
	char *path = NULL;

	return asprintf(&path, "%s/" CONTROL_NAME, state_dir) < 0 ? NULL : path;
}

char *weft__control_of_process(const char *folder, int pid)
{
	char *path = NULL;

	return asprintf(&path, "%s/%d.sock", folder, pid) < 0 ? NULL : path;
}
