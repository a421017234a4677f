/*
 * file_replace.c - a file's content replaced at once.
 *
 *	open_replace	DIR/.weft-0123456789abcdef made, with the old one's permissions
 *	commit		written, fsync, renamed over DIR/NAME, fsync of DIR
 *	close		the temporary name goes, unless it was committed
 *
 * The directory is held open throughout, so a DIR that is moved meanwhile stays the one.
 *
 * Never: touch what is at the path before the new content is on the disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/file.h"
#include "io/file_io.h"
#include "weft/fiber.h"
#include "weft/offload.h"
#include "weft/scope.h"

#define MODE_DEFAULT 0666

/** Names that are tried before EEXIST is believed. */
#define TRIES_MAX 16

struct weft__replacement {
	int dir_fd;
	char temporary[32];
	char name[NAME_MAX + 1];
};

/* ---- Making ----------------------------------------------------------------------------- */

/* Part path at its last '/'. False: no name is there. */
static bool split(char *path, const char **ret_dir, char *ret_name)
{
	char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t len = strlen(name);

	if (len == 0 || len > NAME_MAX || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	memcpy(ret_name, name, len + 1);
	*ret_dir = !slash ? "." : slash == path ? "/" : path;
	if (slash && slash != path)
		*slash = '\0';
	return true;
}

static int make_temporary(struct weft__path_call *call, struct weft__replacement *replacement)
{
	struct stat old;

	/* A device or a pipe is somebody's, and no content of it could be had again. */
	if (fstatat(replacement->dir_fd, replacement->name, &old, AT_SYMLINK_NOFOLLOW) == 0 &&
		!S_ISREG(old.st_mode) && !S_ISLNK(old.st_mode)) {
		errno = S_ISDIR(old.st_mode) ? EISDIR : EEXIST;
		return -1;
	}
	if (fstatat(replacement->dir_fd, replacement->name, &old, 0) < 0 || !S_ISREG(old.st_mode))
		old.st_mode = 0;
	for (int i = 0; i < TRIES_MAX && call->fd < 0; i++) {
		snprintf(replacement->temporary, sizeof replacement->temporary, ".weft-%016llx",
			(unsigned long long)weft_random());
		call->fd = openat(replacement->dir_fd, replacement->temporary,
			O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, call->mode);
		if (call->fd < 0 && errno != EEXIST)
			return -1;
	}
	if (call->fd < 0)
		return -1;
	if (old.st_mode && fchmod(call->fd, old.st_mode & 07777) < 0) {
		unlinkat(replacement->dir_fd, replacement->temporary, 0);
		return -1;
	}
	return 0;
}

static int make_path(struct weft__path_call *call)
{
	struct weft__replacement *replacement = call->result;
	const char *dir;

	if (!split(call->path, &dir, replacement->name)) {
		errno = EINVAL;
		return -1;
	}
	replacement->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (replacement->dir_fd < 0)
		return -1;
	return make_temporary(call, replacement);
}

static void free_replacement(struct weft__replacement *replacement)
{
	if (replacement->dir_fd >= 0)
		close(replacement->dir_fd);
	free(replacement);
}

/* Of a call whose caller has gone: what it has made goes, too. */
static void drop_path(struct weft__path_call *call)
{
	struct weft__replacement *replacement = call->result;

	if (call->fd >= 0)
		unlinkat(replacement->dir_fd, replacement->temporary, 0);
	free_replacement(replacement);
}

struct weft_file *weft_file_open_replace(const char *path)
{
	struct weft__path_call *call = weft__path_call_new(path, NULL);
	struct weft__replacement *replacement = call ? calloc(1, sizeof *replacement) : NULL;
	struct weft_file *file = NULL;
	int code;

	if (!replacement)
		goto out;
	replacement->dir_fd = -1;
	call->fn = make_path;
	call->drop = drop_path;
	call->mode = MODE_DEFAULT;
	call->result = replacement;
	if (weft__path_call(&call) == 0)
		file = weft__file_make(call->fd, S_IFREG);
	if (file) {
		file->replacement = replacement;
		file->was_written = true;
	} else if (call) {
		code = errno;
		if (call->fd >= 0) {
			unlinkat(replacement->dir_fd, replacement->temporary, 0);
			close(call->fd);
		}
		free_replacement(replacement);
		errno = code;
	}
out:
	code = errno;
	free(call);
	errno = code;
	return file;
}

/* ---- Putting in place --------------------------------------------------------------------- */

static int rename_it(void *arg)
{
	struct weft__replacement *replacement = arg;

	return renameat(replacement->dir_fd, replacement->temporary, replacement->dir_fd,
		replacement->name);
}

static int unlink_it(void *arg)
{
	struct weft__replacement *replacement = arg;

	return unlinkat(replacement->dir_fd, replacement->temporary, 0);
}

void weft__replacement_drop(struct weft__replacement *replacement)
{
	int code = errno, result = -1;

	WEFT_SHIELDED
		result = weft_offload_as(WEFT_OFFLOAD_FILE, unlink_it, replacement);
	if (result < 0 && (errno == EAGAIN || errno == ENOMEM))
		unlink_it(replacement); /* no thread to be had */
	free_replacement(replacement);
	errno = code;
}

int weft_file_commit(struct weft_file *file)
{
	struct weft__replacement *replacement = file->replacement;
	int result, code;

	if (!replacement) {
		errno = EINVAL;
		return -1;
	}
	if (weft_file_sync(file) < 0)
		return -1;
	if (weft_offload_as(WEFT_OFFLOAD_FILE, rename_it, replacement) < 0)
		return -1;
	file->replacement = NULL;
	result = weft__file_sync(replacement->dir_fd, false);
	code = errno;
	free_replacement(replacement);
	errno = code;
	return result;
}

int weft_file_replace(const char *path, const void *data, size_t len)
{
	struct weft_file *file = weft_file_open_replace(path);
	int result = -1, code;

	if (!file)
		return -1;
	if (weft_file_write(file, data, len) == 0)
		result = weft_file_commit(file);
	code = errno;
	if (weft_file_close(file) < 0 && result == 0) {
		result = -1;
		code = errno;
	}
	errno = code;
	return result;
}
