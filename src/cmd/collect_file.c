/*
 * collect_file.c - a file that is only appended to, in whole lines, and rotated
 * (collect_file.h).
 *
 * Each append is one weft_file_pwrite(), which writes all or fails. When it fails, how far
 * it came is asked of the file's size: nobody else appends to it.
 *
 * Never: part a line over two files, or forget how much of a line is in the file.
 */
#include "collect_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weft/dir.h"
#include "weft/offload.h"

/** As other logs: whoever writes it, and a group of readers. */
#define FILE_MODE 0640

/* ---- Opening ---------------------------------------------------------------------------- */

static int fail(int code)
{
	errno = code;
	return -1;
}

/* On a thread: locks of a network's file system may take their time. */
static int check_kind(void *arg)
{
	int fd = *(int *)arg;
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -1;
	if (!S_ISREG(status.st_mode))
		return fail(EINVAL);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	/* A file system without locks is as good as one where nobody else has it. */
	return errno == EWOULDBLOCK ? fail(EBUSY) : 0;
}

/* A crash may have left a line without its end: what comes next is to be a line of its own. */
static int look_at_end(struct collect_file *file)
{
	char last = '\n';

	file->size = weft_file_size(file->file);
	if (file->size < 0)
		return -1;
	if (file->size > 0 && weft_file_pread(file->file, &last, 1, file->size - 1) < 0)
		return -1;
	file->needs_newline = last != '\n';
	return 0;
}

/* A name is on the disk when its directory is. */
static int sync_folder(void *arg)
{
	char folder[PATH_MAX];
	int fd, result;

	snprintf(folder, sizeof(folder), "%s", (const char *)arg);
	fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	result = fsync(fd);
	close(fd);
	return result;
}

int weft__collect_file_reopen(struct collect_file *file)
{
	int code, fd;

	/* Not to wait where it is a FIFO: what it is, is looked at when it is open. */
	file->file = weft_file_open_flags(
		file->options.path, O_RDWR | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK, FILE_MODE);
	if (!file->file)
		return -1;
	fd = weft_file_fd(file->file);
	if (weft_offload_as(WEFT_OFFLOAD_FILE, check_kind, &fd) < 0 || look_at_end(file) < 0) {
		code = errno;
		weft_file_close(file->file);
		file->file = NULL;
		return fail(code);
	}
	file->size_max = file->options.rotate_size ? file->options.rotate_size : UINT64_MAX;
	file->is_dirty = false;
	file->is_inside = false;
	/* Where this can't be had, the lines themselves can. */
	if (file->size == 0 && file->options.sync != COLLECT_SYNC_NEVER)
		weft_offload_as(
			WEFT_OFFLOAD_FILE, sync_folder, (void *)(uintptr_t)file->options.path);
	return 0;
}

int weft__collect_file_open(struct collect_file *file, const struct collect_file_options *options)
{
	*file = (struct collect_file){.options = *options};
	return weft__collect_file_reopen(file);
}

int weft__collect_file_close(struct collect_file *file)
{
	int result, code;

	if (!file->file)
		return 0;
	result = weft__collect_file_sync(file);
	code = errno;
	weft_file_close(file->file);
	file->file = NULL;
	file->is_dirty = false;
	file->rotations++;
	errno = code;
	return result;
}

int weft__collect_file_sync(struct collect_file *file)
{
	if (!file->is_dirty || file->options.sync == COLLECT_SYNC_NEVER)
		return 0;
	if (weft_file_datasync(file->file) < 0)
		return -1;
	file->is_dirty = false;
	return 0;
}

/* ---- Rotating --------------------------------------------------------------------------- */

struct look {
	int fd;
	const char *path;
};

/* 1: the path leads elsewhere. On a thread: the disk may be slow. */
static int look(void *arg)
{
	const struct look *look = arg;
	struct stat open_one, named;

	if (fstat(look->fd, &open_one) < 0)
		return 0;
	return stat(look->path, &named) < 0 || named.st_dev != open_one.st_dev ||
	       named.st_ino != open_one.st_ino;
}

bool weft__collect_file_was_moved(struct collect_file *file)
{
	struct look where = {.path = file->options.path};

	if (!file->file)
		return false;
	where.fd = weft_file_fd(file->file);
	return weft_offload_as(WEFT_OFFLOAD_FILE, look, &where) > 0;
}

static int rename_numbered(const char *path, unsigned from)
{
	char source[PATH_MAX], target[PATH_MAX];

	if (from == 0)
		snprintf(source, sizeof(source), "%s", path);
	else
		snprintf(source, sizeof(source), "%s.%u", path, from);
	if (snprintf(target, sizeof(target), "%s.%u", path, from + 1) >= (int)sizeof(target))
		return fail(ENAMETOOLONG);
	return weft_dir_rename(source, target);
}

int weft__collect_file_rotate(struct collect_file *file)
{
	unsigned oldest = 0;

	if (weft__collect_file_sync(file) < 0)
		return -1;
	/* Up to the first gap: what is behind it need not move. */
	while (oldest + 1 < file->options.rotate_keep) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s.%u", file->options.path, oldest + 1);
		if (!weft_dir_exists(path))
			break;
		oldest++;
	}
	for (unsigned number = oldest + 1; number-- > 0;)
		if (rename_numbered(file->options.path, number) < 0)
			return -1;
	return weft__collect_file_close(file);
}

/* As much of the whole lines as still fits; at least one line. */
static size_t fitting(const struct collect_file *file, const char *data, size_t len)
{
	uint64_t room =
		(uint64_t)file->size < file->size_max ? file->size_max - (uint64_t)file->size : 0;
	const char *last;

	if (len <= room)
		return len;
	last = room > 0 ? memrchr(data, '\n', room) : NULL;
	if (last)
		return (size_t)(last + 1 - data);
	if (!file->is_inside && file->size > 0)
		return 0;
	/* A line that was begun here is ended here; one that fits nowhere has a file of its own. */
	last = memchr(data, '\n', len);
	return last ? (size_t)(last + 1 - data) : len;
}

/* ---- Appending -------------------------------------------------------------------------- */

/* All of it or, with errno, some. */
static size_t append_some(struct collect_file *file, const char *data, size_t len)
{
	size_t written = len;
	int code = 0;

	if (weft_file_pwrite(file->file, data, len, file->size) < 0) {
		int64_t size;

		code = errno;
		size = weft_file_size(file->file) - file->size;
		written = size > 0 && size <= (int64_t)len ? (size_t)size : 0;
	}
	file->size += (int64_t)written;
	if (written > 0) {
		file->is_dirty = true;
		file->is_inside = data[written - 1] != '\n';
	}
	errno = code;
	return written;
}

/*
 * What others may have done to the file since: removed it, and then nobody would ever see what is
 * written, so it is made anew; or cut it (logrotate's copytruncate).
 */
static void look_again(struct collect_file *file)
{
	struct stat now;

	if (!file->file || file->is_inside || fstat(weft_file_fd(file->file), &now) < 0)
		return;
	if (now.st_nlink == 0)
		weft__collect_file_close(file);
	else if (now.st_size < file->size)
		file->size = now.st_size;
}

static int make_ready(struct collect_file *file)
{
	if (!file->file && weft__collect_file_reopen(file) < 0)
		return -1;
	if (!file->needs_newline)
		return 0;
	if (append_some(file, "\n", 1) < 1)
		return -1;
	file->needs_newline = false;
	return 0;
}

size_t weft__collect_file_append(struct collect_file *file, const char *data, size_t len)
{
	size_t done = 0;

	look_again(file);
	while (done < len) {
		size_t some, written;

		if (make_ready(file) < 0)
			return done;
		some = fitting(file, data + done, len - done);
		if (some == 0) {
			/* It can't be renamed: rather a file too long than none. Tried again
			 * when as much again has come. */
			if (weft__collect_file_rotate(file) < 0)
				file->size_max += file->options.rotate_size;
			continue;
		}
		written = append_some(file, data + done, some);
		done += written;
		if (written < some)
			return done;
	}
	return done;
}

int weft__collect_file_take_back(struct collect_file *file, size_t len)
{
	if (!file->file || len == 0)
		return 0;
	if (weft_file_truncate(file->file, file->size - (int64_t)len) < 0)
		return -1;
	file->size -= (int64_t)len;
	file->is_inside = false;
	return 0;
}
