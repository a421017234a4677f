/*
 * file.c - the life of a file, and its positions (include/weft/file.h).
 *
 * Reading and writing are file_read.c's and file_write.c's, replacing file_replace.c's; the
 * operations themselves are file_io.c's.
 *
 * Never: lose bytes that were written without saying so; make a call on a worker that may
 * wait for a disk.
 */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fiber/driver/fds.h"
#include "io/file_io.h"
#include "weft/scope.h"
#include "weft/socket.h"

#define MODE_DEFAULT 0666

/* ---- Modes ------------------------------------------------------------------------- */

/* The flags of "r", "wb+" and so on; -1 for what is none. */
static int flags_of(const char *mode)
{
	static const char letters[] = "rwax";
	static const int flags[] = {O_RDONLY, O_WRONLY | O_CREAT | O_TRUNC,
		O_WRONLY | O_CREAT | O_APPEND, O_WRONLY | O_CREAT | O_EXCL};
	const char *letter = *mode ? strchr(letters, *mode) : NULL;
	bool is_plus = false, is_binary = false;
	int found;

	if (!letter)
		return -1;
	for (mode++; *mode; mode++) {
		bool *mark = *mode == '+' ? &is_plus : *mode == 'b' ? &is_binary : NULL;

		if (!mark || *mark)
			return -1;
		*mark = true;
	}
	found = flags[letter - letters];
	return is_plus ? (found & ~O_ACCMODE) | O_RDWR : found;
}

/* ---- Life ---------------------------------------------------------------------------- */

/* What can't seek is waited for by its descriptor, as a socket is. */
static bool is_seekable(mode_t type)
{
	return S_ISREG(type) || S_ISBLK(type);
}

struct weft_file *weft__file_make(int fd, mode_t type)
{
	int flags = fcntl(fd, F_GETFL);
	struct weft_file *file;

	if (flags < 0)
		return NULL;
	if (S_ISDIR(type) || (!is_seekable(type) && (flags & O_ACCMODE) == O_RDWR)) {
		errno = S_ISDIR(type) ? EISDIR : ESPIPE;
		return NULL;
	}
	file = calloc(1, sizeof *file);
	if (!file)
		return NULL;
	file->fd = fd;
	file->can_read = (flags & O_ACCMODE) != O_WRONLY;
	file->can_write = (flags & O_ACCMODE) != O_RDONLY;
	file->is_append = flags & O_APPEND;
	file->can_seek = is_seekable(type);
	return file;
}

/* On a thread, with no deadline: a FIFO waits here for its other end. */
static int open_path(struct weft__path_call *call)
{
	do
		call->fd = open(call->path, call->flags | O_CLOEXEC, call->mode);
	while (call->fd < 0 && errno == EINTR);
	return call->fd < 0 ? -1 : fstat(call->fd, &call->status);
}

/* A descriptor that weft waits on is non-blocking. */
static void make_waitable(int fd, mode_t type)
{
	if (is_seekable(type))
		return;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	weft__fd_made(fd, 0);
}

struct weft_file *weft_file_open_flags(const char *path, int flags, mode_t mode)
{
	struct weft__path_call *call = weft__path_call_new(path, NULL);
	struct weft_file *file = NULL;
	int code;

	if (!call)
		return NULL;
	call->fn = open_path;
	call->flags = flags;
	call->mode = mode;
	if (weft__path_call(&call) == 0) {
		make_waitable(call->fd, call->status.st_mode);
		file = weft__file_make(call->fd, call->status.st_mode);
	}
	if (file && file->is_append && file->can_seek)
		file->position = call->status.st_size;
	code = errno;
	if (call && !file && call->fd >= 0)
		weft_close(call->fd);
	free(call);
	errno = code;
	return file;
}

struct weft_file *weft_file_open(const char *path, const char *mode)
{
	int flags = flags_of(mode);

	if (flags < 0) {
		errno = EINVAL;
		return NULL;
	}
	return weft_file_open_flags(path, flags, MODE_DEFAULT);
}

struct weft_file *weft_file_new(int fd)
{
	struct weft_file *file;
	struct stat status;
	int64_t position = 0;

	if (weft__file_stat(fd, &status) < 0)
		return NULL;
	if (is_seekable(status.st_mode)) {
		position = weft__file_seek(fd, 0, SEEK_CUR);
		if (position < 0)
			return NULL;
	}
	file = weft__file_make(fd, status.st_mode);
	if (file)
		file->position = position;
	return file;
}

/* What is buffered for a disk takes a bounded time; a FIFO's reader may never read. */
static int last_flush(struct weft_file *file)
{
	int result = -1;

	if (!file->is_dirty)
		return 0;
	if (!file->can_seek)
		return weft_file_flush(file);
	WEFT_SHIELDED
		result = weft_file_flush(file);
	return result;
}

int weft_file_close(struct weft_file *file)
{
	int result = 0, code;

	if (!file)
		return 0;
	code = errno;
	if (file->replacement)
		weft__replacement_drop(file->replacement);
	else if (last_flush(file) < 0)
		result = -1;
	if (result < 0)
		code = errno;
	if ((file->can_seek && file->was_written ? weft__file_close : weft_close)(file->fd) < 0 &&
		result == 0) {
		result = -1;
		code = errno;
	}
	free(file->data);
	free(file);
	errno = code;
	return result;
}

int weft_file_fd(const struct weft_file *file)
{
	return file->fd;
}

/* ---- Positions -------------------------------------------------------------------------- */

static int fail(int code)
{
	errno = code;
	return -1;
}

int weft__file_settle(struct weft_file *file)
{
	if (file->is_dirty)
		return weft_file_flush(file);
	if (file->can_seek)
		file->position -= (int64_t)(file->end - file->start);
	file->start = file->end = 0;
	return 0;
}

int64_t weft_file_tell(const struct weft_file *file)
{
	if (!file->can_seek)
		return fail(ESPIPE);
	if (file->is_dirty)
		return file->position + (int64_t)file->end;
	return file->position - (int64_t)(file->end - file->start);
}

/* Within what was read ahead a move costs nothing. */
static bool seek_in_buffer(struct weft_file *file, int64_t target)
{
	int64_t first = file->position - (int64_t)file->end;

	if (file->is_dirty || target < first || target > file->position)
		return false;
	file->start = (size_t)(target - first);
	return true;
}

int64_t weft_file_seek(struct weft_file *file, int64_t offset, int whence)
{
	int64_t base, target;

	if (!file->can_seek)
		return fail(ESPIPE);
	if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END)
		return fail(EINVAL);
	base = whence == SEEK_SET   ? 0
	       : whence == SEEK_CUR ? weft_file_tell(file)
				    : weft_file_size(file);
	if (base < 0)
		return -1;
	if (__builtin_add_overflow(base, offset, &target) || target < 0)
		return fail(EINVAL);
	if (!seek_in_buffer(file, target)) {
		if (weft__file_settle(file) < 0)
			return -1;
		file->position = target;
	}
	return target;
}

int64_t weft_file_size(struct weft_file *file)
{
	struct stat status;
	int64_t end;

	if (!file->can_seek)
		return fail(ESPIPE);
	if (file->is_dirty && file->is_append && weft_file_flush(file) < 0)
		return -1;
	if (weft__file_stat(file->fd, &status) < 0)
		return -1;
	if (S_ISBLK(status.st_mode))
		return weft__file_seek(file->fd, 0, SEEK_END);
	end = file->is_dirty ? file->position + (int64_t)file->end : 0;
	return end > status.st_size ? end : status.st_size;
}

int weft_file_truncate(struct weft_file *file, int64_t size_bytes)
{
	if (!file->can_seek)
		return fail(ESPIPE);
	if (!file->can_write)
		return fail(EBADF);
	if (size_bytes < 0)
		return fail(EINVAL);
	if (weft__file_settle(file) < 0)
		return -1;
	file->was_written = true;
	return weft__file_truncate(file->fd, size_bytes);
}
