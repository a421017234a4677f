/*
 * file_read.c - reading files: buffered, by line, whole, and at a place.
 *
 * All buffered reading goes through fill(), the one place that reads ahead.
 *
 * Never: lose bytes that were read because a later read failed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "io/file_io.h"
#include "weft/scope.h"
#include "weft/socket.h"
#include "weft/vec.h"

static int fail(int code)
{
	errno = code;
	return -1;
}

/* The scope's rule, and the rules of modes. */
static int begin(struct weft_file *file)
{
	int code = weft_interrupted();

	if (code)
		return fail(code);
	if (!file->can_read)
		return fail(EBADF);
	return file->is_dirty ? weft_file_flush(file) : 0;
}

static size_t buffered(const struct weft_file *file)
{
	return file->end - file->start;
}

/* Once, into the caller's memory or the buffer, at the position, which moves on. */
static ssize_t read_once(struct weft_file *file, void *buffer, size_t size_bytes)
{
	ssize_t count;

	if (!file->can_seek)
		return weft_read(file->fd, buffer, size_bytes);
	count = weft__file_pread(file->fd, buffer, size_bytes, file->position);
	if (count > 0)
		file->position += count;
	return count;
}

/* Read behind what is buffered, which is less than the whole buffer. */
static ssize_t fill(struct weft_file *file)
{
	ssize_t count;

	if (!file->data && !(file->data = malloc(WEFT_FILE_BUFFER_SIZE)))
		return -1;
	if (file->start == file->end) {
		file->start = file->end = 0;
	} else if (file->end == WEFT_FILE_BUFFER_SIZE) {
		memmove(file->data, file->data + file->start, buffered(file));
		file->end -= file->start;
		file->start = 0;
	}
	count = read_once(file, file->data + file->end, WEFT_FILE_BUFFER_SIZE - file->end);
	if (count > 0)
		file->end += (size_t)count;
	return count;
}

static size_t take(struct weft_file *file, void *buffer, size_t size_bytes)
{
	size_t count = buffered(file) < size_bytes ? buffered(file) : size_bytes;

	if (count > 0)
		memcpy(buffer, file->data + file->start, count);
	file->start += count;
	return count;
}

static ssize_t read_some(struct weft_file *file, char *buffer, size_t size_bytes)
{
	if (buffered(file) == 0) {
		ssize_t count;

		if (size_bytes >= WEFT_FILE_BUFFER_SIZE) {
			file->start = file->end = 0;
			return read_once(file, buffer, size_bytes);
		}
		count = fill(file);
		if (count <= 0)
			return count;
	}
	return (ssize_t)take(file, buffer, size_bytes);
}

ssize_t weft_file_read(struct weft_file *file, void *buffer, size_t size_bytes)
{
	size_t done = 0;

	if (begin(file) < 0)
		return -1;
	while (done < size_bytes) {
		ssize_t count = read_some(file, (char *)buffer + done, size_bytes - done);

		/* What was read before a failure counts; the failure comes again. */
		if (count < 0 && done == 0)
			return -1;
		if (count <= 0)
			break;
		done += (size_t)count;
		if (!file->can_seek)
			break;
	}
	return (ssize_t)done;
}

int weft_file_read_exactly(struct weft_file *file, void *buffer, size_t len)
{
	size_t done = 0;

	if (begin(file) < 0)
		return -1;
	while (done < len) {
		ssize_t count = read_some(file, (char *)buffer + done, len - done);

		if (count < 0)
			return -1;
		if (count == 0)
			return fail(done == 0 ? ENODATA : EPIPE);
		done += (size_t)count;
	}
	return 0;
}

ssize_t weft_file_readline(struct weft_file *file, const char **ret_line)
{
	size_t searched = 0, len;

	if (begin(file) < 0)
		return -1;
	for (;;) {
		const char *line = file->data + file->start, *newline = NULL;
		ssize_t count;

		if (buffered(file) > searched)
			newline = memchr(line + searched, '\n', buffered(file) - searched);
		len = newline ? (size_t)(newline - line) + 1 : buffered(file);
		if (newline)
			break;
		if (len == WEFT_FILE_LINE_MAX)
			return fail(EMSGSIZE);
		searched = len;
		count = fill(file);
		if (count < 0)
			return -1;
		if (count == 0)
			break;
	}
	if (len > 0)
		*ret_line = file->data + file->start;
	file->start += len;
	return (ssize_t)len;
}

ssize_t weft_file_pread(struct weft_file *file, void *buffer, size_t size_bytes, int64_t position)
{
	size_t done = 0;

	if (!file->can_seek)
		return fail(ESPIPE);
	if (position < 0)
		return fail(EINVAL);
	if (begin(file) < 0)
		return -1;
	while (done < size_bytes) {
		ssize_t count = weft__file_pread(file->fd, (char *)buffer + done, size_bytes - done,
			position + (int64_t)done);

		if (count < 0 && done == 0)
			return -1;
		if (count <= 0)
			break;
		done += (size_t)count;
	}
	return (ssize_t)done;
}

/* ---- The whole --------------------------------------------------------------------------- */

static size_t first_guess(struct weft_file *file, size_t len_max)
{
	int64_t left = file->can_seek ? weft_file_size(file) - weft_file_tell(file) : 0;

	if (left <= 0)
		left = 4096; /* no size known: /proc, FIFOs */
	return (uint64_t)left < len_max ? (size_t)left : len_max;
}

/* The rest of the file, at most len_max bytes, into bytes. */
static int read_rest(struct weft_file *file, size_t len_max, struct weft_vec *bytes)
{
	size_t capacity;

	if (len_max >= SIZE_MAX / 2)
		len_max = SIZE_MAX / 2 - 1;
	capacity = first_guess(file, len_max) + 1; /* by the byte more the end is seen */
	for (;;) {
		ssize_t count;

		if (weft_vec_reserve(bytes, capacity) < 0)
			return -1;
		count = weft_file_read(
			file, (char *)bytes->items + bytes->len, capacity - bytes->len);
		if (count < 0)
			return -1;
		bytes->len += (size_t)count;
		if (bytes->len > len_max)
			return fail(EFBIG);
		if (count == 0)
			return 0;
		if (bytes->len == capacity)
			capacity = capacity < len_max / 2 ? capacity * 2 : len_max + 1;
	}
}

ssize_t weft_file_read_all(const char *path, size_t len_max, char **ret_data)
{
	struct weft_file *file = weft_file_open(path, "r");
	struct weft_vec bytes;
	ssize_t result = -1;
	int code;

	if (!file)
		return -1;
	weft_vec_init(&bytes, 1);
	if (read_rest(file, len_max, &bytes) == 0 && weft_vec_push(&bytes, "") == 0) {
		*ret_data = bytes.items; /* malloc's: weft/vec.h */
		result = (ssize_t)bytes.len - 1;
		bytes.items = NULL;
	}
	code = errno;
	weft_vec_fini(&bytes);
	weft_file_close(file);
	errno = code;
	return result;
}

static int split_lines(char *data, size_t len, struct weft_vec *lines)
{
	while (len > 0) {
		char *newline = memchr(data, '\n', len);
		struct iovec line = {data, newline ? (size_t)(newline - data) + 1 : len};

		if (weft_vec_push(lines, &line) < 0)
			return -1;
		data += line.iov_len;
		len -= line.iov_len;
	}
	return 0;
}

int weft_file_readlines(struct weft_file *file, size_t len_max, struct weft_file_lines *ret_lines)
{
	struct weft_vec bytes, lines;
	int code;

	weft_vec_init(&bytes, 1);
	weft_vec_init(&lines, sizeof(struct iovec));
	if (read_rest(file, len_max, &bytes) == 0 &&
		split_lines(bytes.items, bytes.len, &lines) == 0) {
		*ret_lines = (struct weft_file_lines){lines.items, lines.len, bytes.items};
		return 0;
	}
	code = errno;
	weft_vec_fini(&bytes);
	weft_vec_fini(&lines);
	errno = code;
	return -1;
}

void weft_file_lines_fini(struct weft_file_lines *lines)
{
	free(lines->lines);
	free(lines->data);
	*lines = (struct weft_file_lines){0};
}
