/*
 * dir_remove.c - a directory removed with all that is in it.
 *
 *	unlink what is here ---> a directory: go down into it, and begin anew there
 *	nothing left here -----> back up, remove the directory that we came from
 *
 * Only the deepest directory is open; names on the way down are kept on a stack. A step is
 * what one thread does at a time, and is bounded, so that who is cancelled is heard.
 *
 * Never: follow a symbolic link; go up into another directory than the one come from.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/dir.h"
#include "weft/offload.h"
#include "weft/scope.h"
#include "weft/stack.h"

/** Entries that one step removes at most. */
#define STEP_MAX 256

struct level {
	struct weft__dir_identity identity;
	char *name; /* in the level above */
};

struct removal {
	const char *path;
	int fd; /* of the deepest level */
	struct weft_stack levels;
};

static struct level *deepest(struct removal *removal)
{
	return weft_stack_top(&removal->levels);
}

/* Open it and go on in there. */
static int descend(struct removal *removal, const char *name)
{
	struct level level = {.name = strdup(name)};
	int fd, code;

	if (!level.name)
		return -1;
	fd = weft__dir_open(removal->fd, name, &level.identity);
	if (fd < 0 || weft_stack_push(&removal->levels, &level) < 0) {
		code = errno;
		if (fd >= 0)
			close(fd);
		free(level.name);
		errno = code;
		return -1;
	}
	if (removal->fd >= 0)
		close(removal->fd);
	removal->fd = fd;
	return 0;
}

/* An empty directory was left: go up, and remove it from there. 1 when that was the last. */
static int ascend(struct removal *removal)
{
	struct level level;
	int fd, result;

	weft_stack_pop(&removal->levels, &level);
	if (!deepest(removal)) {
		free(level.name);
		return rmdir(removal->path) < 0 ? -1 : 1;
	}
	fd = weft__dir_open_above(removal->fd, &deepest(removal)->identity);
	result = fd < 0 ? -1 : unlinkat(fd, level.name, AT_REMOVEDIR);
	free(level.name);
	if (fd < 0)
		return -1;
	close(removal->fd);
	removal->fd = fd;
	return result;
}

/* What one entry is is seen by the attempt; most are no directories. */
static int remove_entry(struct removal *removal, const char *name)
{
	int code;

	if (unlinkat(removal->fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	code = errno; /* EISDIR, or by POSIX EPERM */
	if ((code == EISDIR || code == EPERM) && descend(removal, name) == 0)
		return 1;
	if (errno == ENOTDIR || errno == ELOOP)
		errno = code; /* it is no directory: what unlink said is the reason */
	return -1;
}

/* 0: nothing is left here; 1: there is more to do, here or further down; -1. */
static int remove_here(struct removal *removal)
{
	int fd = openat(removal->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), code;
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	int removed = 0, result = 0;
	struct dirent *found;

	if (!folder) {
		code = errno;
		if (fd >= 0)
			close(fd);
		errno = code;
		return -1;
	}
	while (result == 0 && removed < STEP_MAX && (errno = 0, found = readdir(folder))) {
		if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0)
			continue;
		result = remove_entry(removal, found->d_name);
		removed++;
	}
	if (result == 0 && errno)
		result = -1;
	code = errno;
	closedir(folder);
	errno = code;
	return result == 0 && removed > 0 ? 1 : result;
}

/* 1 when all is done, 0 when there is more, -1. */
static int step(void *arg)
{
	struct removal *removal = arg;
	int result;

	if (!deepest(removal)) {
		if (unlink(removal->path) == 0)
			return 1;
		if (errno != EISDIR && errno != EPERM)
			return -1;
		return descend(removal, removal->path);
	}
	result = remove_here(removal);
	if (result != 0)
		return result < 0 ? -1 : 0;
	return ascend(removal);
}

int weft_dir_remove_tree(const char *path)
{
	struct removal removal = {.path = path, .fd = AT_FDCWD};
	struct level level;
	int result, code;

	if (strlen(path) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	weft_stack_init(&removal.levels, sizeof(struct level), SIZE_MAX);
	while ((result = weft_offload_as(WEFT_OFFLOAD_FILE, step, &removal)) == 0)
		;
	code = errno;
	while (weft_stack_pop(&removal.levels, &level))
		free(level.name);
	weft_stack_fini(&removal.levels);
	if (removal.fd >= 0)
		close(removal.fd);
	errno = code;
	return result < 0 ? -1 : 0;
}
