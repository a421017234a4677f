/*
 * file_write.c - writing files: buffered, printed, and at a place.
 *
 * Never: forget bytes that could not be written, before the file is closed.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/file.h"
#include "io/file_io.h"
#include "weft/scope.h"
#include "weft/socket.h"

static int fail(int code)
{
	errno = code;
	return -1;
}

/* The scope's rule, and the rules of modes; what was read ahead is dropped. */
static int begin(struct weft_file *file)
{
	int code = weft_interrupted();

	if (code)
		return fail(code);
	if (!file->can_write)
		return fail(EBADF);
	if (!file->data && !(file->data = malloc(WEFT_FILE_BUFFER_SIZE)))
		return -1;
	return file->is_dirty ? 0 : weft__file_settle(file);
}

static ssize_t write_once(struct weft_file *file, const void *data, size_t len)
{
	ssize_t count;

	if (!file->can_seek)
		return weft_write(file->fd, data, len);
	count = weft__file_pwrite(file->fd, data, len, file->is_append ? -1 : file->position);
	file->was_written = true;
	if (count == 0 && len > 0)
		return fail(ENOSPC); /* the kernel moves nothing and gives no reason: full */
	if (count > 0)
		file->position += count;
	return count;
}

/* How much of data was written; -1 only when none was. */
static ssize_t write_most(struct weft_file *file, const char *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t count = write_once(file, data + done, len - done);

		if (count < 0)
			return done > 0 ? (ssize_t)done : -1;
		done += (size_t)count;
	}
	return (ssize_t)done;
}

/* With O_APPEND the kernel chooses the place; where it is now needs no disk (lseek(2)). */
static void find_end(struct weft_file *file)
{
	off_t position = -1;

	if (file->is_append && file->can_seek)
		position = lseek(file->fd, 0, SEEK_CUR);
	if (position >= 0)
		file->position = position;
}

int weft_file_flush(struct weft_file *file)
{
	size_t len = file->end;
	ssize_t done;
	int code;

	if (!file->is_dirty) {
		code = weft_interrupted();
		return code ? fail(code) : 0;
	}
	done = write_most(file, file->data, len);
	if (done == (ssize_t)len) {
		file->end = 0;
		file->is_dirty = false;
		find_end(file);
		return 0;
	}
	code = errno;
	if (done > 0) {
		memmove(file->data, file->data + done, len - (size_t)done);
		file->end = len - (size_t)done;
	}
	return fail(code);
}

int weft_file_write(struct weft_file *file, const void *data, size_t len)
{
	if (begin(file) < 0)
		return -1;
	if (len == 0)
		return 0;
	if (file->is_dirty && len > WEFT_FILE_BUFFER_SIZE - file->end && weft_file_flush(file) < 0)
		return -1;
	if (len >= WEFT_FILE_BUFFER_SIZE) {
		if (write_most(file, data, len) < (ssize_t)len)
			return -1;
		find_end(file);
		return 0;
	}
	memcpy(file->data + file->end, data, len);
	file->end += len;
	file->is_dirty = true;
	return 0;
}

int weft_file_printf(struct weft_file *file, const char *format, ...)
{
	va_list args;
	int len;

	if (begin(file) < 0)
		return -1;
	for (;;) {
		size_t room = WEFT_FILE_BUFFER_SIZE - file->end;

		va_start(args, format);
		len = vsnprintf(file->data + file->end, room, format, args);
		va_end(args);
		if (len < 0)
			return -1;
		if ((size_t)len < room)
			break;
		if (!file->is_dirty)
			return fail(EMSGSIZE);
		if (weft_file_flush(file) < 0)
			return -1;
	}
	file->end += (size_t)len;
	file->is_dirty |= len > 0;
	return 0;
}

int weft_file_pwrite(struct weft_file *file, const void *data, size_t len, int64_t position)
{
	size_t done = 0;

	if (!file->can_seek)
		return fail(ESPIPE);
	if (position < 0)
		return fail(EINVAL);
	if (begin(file) < 0 || weft__file_settle(file) < 0)
		return -1;
	file->was_written = true;
	while (done < len) {
		ssize_t count = weft__file_pwrite(
			file->fd, (const char *)data + done, len - done, position + (int64_t)done);

		if (count <= 0)
			return count < 0 ? -1 : fail(ENOSPC);
		done += (size_t)count;
	}
	return 0;
}

static int sync_file(struct weft_file *file, bool is_data_only)
{
	if (weft_file_flush(file) < 0)
		return -1;
	return weft__file_sync(file->fd, is_data_only);
}

int weft_file_sync(struct weft_file *file)
{
	return sync_file(file, false);
}

int weft_file_datasync(struct weft_file *file)
{
	return sync_file(file, true);
}
