/*
 * dir.c - what is at a path, and one change of it (include/weft/dir.h).
 *
 * Each is one call on a thread, over a copy of the path, so that who is late can leave.
 *
 * Never: look at a path on a worker.
 */
#include "weft/dir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/file_io.h"

#define MODE_DEFAULT 0777

static int stat_path(struct weft__path_call *call)
{
	return stat(call->path, &call->status);
}

static int mkdir_path(struct weft__path_call *call)
{
	return mkdir(call->path, MODE_DEFAULT);
}

static int remove_path(struct weft__path_call *call)
{
	return remove(call->path);
}

static int rename_path(struct weft__path_call *call)
{
	return rename(call->path, call->other);
}

/* From the top down, each directory that is missing. */
static int mkdir_all_path(struct weft__path_call *call)
{
	char *path = call->path, *slash = path;

	if (!*path) {
		errno = ENOENT;
		return -1;
	}
	do {
		slash += strspn(slash, "/");
		slash += strcspn(slash, "/");
		if (*slash) {
			*slash = '\0';
			if (mkdir(path, MODE_DEFAULT) < 0 && errno != EEXIST && errno != EISDIR)
				return -1;
			*slash = '/';
		} else if (mkdir(path, MODE_DEFAULT) < 0 && errno != EISDIR) {
			int code = errno;

			if (code == EEXIST && stat(path, &call->status) == 0 &&
				S_ISDIR(call->status.st_mode))
				return 0;
			errno = code;
			return -1;
		}
	} while (*slash);
	return 0;
}

/* Carry out fn; ret_status may be NULL. */
static int call_path(int (*fn)(struct weft__path_call *call), const char *path, const char *other,
	struct stat *ret_status)
{
	struct weft__path_call *call = weft__path_call_new(path, other);
	int result, code;

	if (!call)
		return -1;
	call->fn = fn;
	result = weft__path_call(&call);
	code = errno;
	if (result >= 0 && ret_status)
		*ret_status = call->status;
	free(call);
	errno = code;
	return result;
}

/* The kind of what is there: 0 nothing, -1 unknown. */
static int look(const char *path, mode_t *ret_mode)
{
	struct stat status;

	if (call_path(stat_path, path, NULL, &status) == 0) {
		*ret_mode = status.st_mode;
		return 1;
	}
	return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
}

int weft_dir_exists(const char *path)
{
	mode_t mode;

	return look(path, &mode);
}

int weft_dir_is_file(const char *path)
{
	mode_t mode;
	int found = look(path, &mode);

	return found == 1 ? S_ISREG(mode) : found;
}

int weft_dir_is_dir(const char *path)
{
	mode_t mode;
	int found = look(path, &mode);

	return found == 1 ? S_ISDIR(mode) : found;
}

int64_t weft_dir_size(const char *path)
{
	struct stat status;

	return call_path(stat_path, path, NULL, &status) < 0 ? -1 : status.st_size;
}

int weft_dir_mkdir(const char *path)
{
	return call_path(mkdir_path, path, NULL, NULL);
}

int weft_dir_mkdir_all(const char *path)
{
	return call_path(mkdir_all_path, path, NULL, NULL);
}

int weft_dir_remove(const char *path)
{
	return call_path(remove_path, path, NULL, NULL);
}

int weft_dir_rename(const char *from, const char *to)
{
	return call_path(rename_path, from, to, NULL);
}
