/*
 * store_put.c - a file on its way into a folder: its beginning, its bytes, its end (store.h).
 *
 * Entry points: weft__put_begin(), _room(), _took(), _flush(), _end(); weft__put_commit() is
 * store_commit.c's.
 *
 *	begin	a file without a name (O_TMPFILE), on the folder's file system
 *	took	its bytes, written behind each other; the disk is told early
 *	commit	fsync of the file
 *		a new name:	linkat; it fails when somebody else was faster
 *		an old name:	linkat to a temporary name, renameat over the old one
 *		fsync of the folder; then, and only then, 0
 *
 * Why no crash shows a part of it. Before linkat the file has no name, and the kernel frees it
 * with its last descriptor, at the next mount if need be: killed or aborted, nothing is there.
 * linkat and renameat are one step each, for readers and in the file system's journal; as the
 * bytes were on the disk before them, whoever finds the name finds all bytes. The name is on the
 * disk when the folder's fsync is back, which is before anybody was told. Between linkat to the
 * temporary name and renameat a killed process leaves that name, hidden; weft__store_sweep()
 * removes it. Where a file system has no files without a name, it has a temporary one from the
 * beginning on.
 *
 * Two who replace the same file are kept apart by a lock on the folder, from the judge's last word
 * to the rename: so "only if it is still the one I know" has one winner. Programs that don't come
 * this way are not kept away.
 *
 * Never: a byte to what has the name already.
 */
#include "files/store_put.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "io/file_io.h"
#include "weft/offload.h"
#include "weft/scope.h"

/** Bytes that are written at once: few, until so many have come that it is a large file. */
#define BUFFER_SIZE       ((size_t)64 * 1024)
#define BUFFER_SIZE_LARGE ((size_t)256 * 1024)
#define LARGE             ((int64_t)1024 * 1024)

/** So often the disk is told to begin: else all of a large file waits for the fsync. */
#define WRITE_BEHIND ((int64_t)8 * 1024 * 1024)

#define MODE 0666

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- Beginning ----------------------------------------------------------------------- */

static int check_space(const struct weft__put *put)
{
	struct statvfs space;

	if (put->len <= 0 || fstatvfs(put->place.folder_fd, &space) < 0 || space.f_blocks == 0)
		return 0;
	if ((uint64_t)put->len / (space.f_frsize ? space.f_frsize : 1) > space.f_bavail)
		return fail(ENOSPC);
	return 0;
}

static int make_file(struct weft__put *put)
{
	put->fd = openat(put->place.folder_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, put->mode);
	if (put->fd >= 0)
		return 0;
	/* open(2): EISDIR of a kernel, EOPNOTSUPP of a file system that has no such files. */
	if (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOSYS || errno == EINVAL)
		return weft__put_make_temporary(put);
	return -1;
}

static int find_place(struct weft__put *put, const struct weft__put_options *options)
{
	struct stat stat;

	if (options->folder_fd < 0) {
		put->owns_folder = true;
		return weft__store_find(options->root, options->path, true, &put->place);
	}
	if (weft__store_check_name(options->root, options->path) < 0)
		return -1;
	if (fstat(options->folder_fd, &stat) < 0)
		return -1;
	put->place.folder_fd = options->folder_fd;
	put->place.dev = stat.st_dev;
	put->place.ino = stat.st_ino;
	memcpy(put->place.name, options->path, strlen(options->path) + 1);
	return 0;
}

static int begin(struct weft__put *put, const struct weft__put_options *options)
{
	struct stat existing;

	if (find_place(put, options) < 0 || weft__put_judge(put, &existing) < 0 ||
		check_space(put) < 0)
		return -1;
	return make_file(put);
}

struct weft__put *weft__put_begin_here(const struct weft__put_options *options)
{
	struct weft__put *put = calloc(1, sizeof(*put));

	if (!put)
		return NULL;
	put->root_fd = options->staging_fd ? options->staging_fd : options->root->fd;
	put->place.folder_fd = put->fd = put->temporary_fd = -1;
	put->judge = options->judge;
	put->len = options->len;
	put->mode = options->mode ? options->mode & 0777 : MODE;
	put->mtime = options->mtime;
	put->owner = options->owner;
	put->asks_owner = options->asks_owner;
	put->is_unique = options->is_unique;
	if (begin(put, options) == 0)
		return put;
	weft__put_end(put);
	return NULL;
}

struct begin_call {
	const struct weft__put_options *options;
	struct weft__put *put;
};

static int begin_there(void *arg)
{
	struct begin_call *call = arg;

	call->put = weft__put_begin_here(call->options);
	return call->put ? 0 : -1;
}

struct weft__put *weft__put_begin(const struct weft__put_options *options)
{
	struct begin_call call = {options, NULL};

	return weft_offload_as(WEFT_OFFLOAD_FILE, begin_there, &call) < 0 ? NULL : call.put;
}

/* ---- Bytes --------------------------------------------------------------------------- */

static int tell_disk(void *arg)
{
	struct weft__put *put = arg;

	/* Only a hint: what is wrong with the disk, the fsync says. */
	sync_file_range(put->fd, put->told, put->position - put->told, SYNC_FILE_RANGE_WRITE);
	return 0;
}

typedef ssize_t write_fn(int fd, const void *data, size_t len, int64_t position);

static int write_all(struct weft__put *put, write_fn *write_some)
{
	size_t done = 0;

	while (done < put->buffer_len) {
		ssize_t len = write_some(
			put->fd, put->buffer + done, put->buffer_len - done, put->position);

		if (len < 0 && errno == EINTR)
			continue;
		if (len <= 0)
			return len < 0 ? -1 : fail(EIO);
		done += (size_t)len;
		put->position += len;
	}
	put->buffer_len = 0;
	return 0;
}

int weft__put_write_out(struct weft__put *put)
{
	return write_all(put, pwrite);
}

static int write_out(struct weft__put *put)
{
	if (write_all(put, weft__file_pwrite) < 0)
		return -1;
	if (put->position - put->told < WRITE_BEHIND)
		return 0;
	if (weft_offload_as(WEFT_OFFLOAD_FILE, tell_disk, put) < 0)
		return -1;
	put->told = put->position;
	return 0;
}

/* Of the buffer: a byte more than will come, so that only the commit writes the last of them. */
static size_t choose_size(const struct weft__put *put)
{
	if (put->len >= 0 && put->len < (int64_t)BUFFER_SIZE)
		return (size_t)put->len + 1;
	return put->position < LARGE ? BUFFER_SIZE : BUFFER_SIZE_LARGE;
}

char *weft__put_room(struct weft__put *put, size_t *ret_size)
{
	if (!put->buffer) {
		put->buffer_size = choose_size(put);
		put->buffer = malloc(put->buffer_size);
		if (!put->buffer)
			return NULL;
	}
	*ret_size = put->buffer_size - put->buffer_len;
	return put->buffer + put->buffer_len;
}

int weft__put_took(struct weft__put *put, size_t len)
{
	put->buffer_len += len;
	if (put->buffer_len < put->buffer_size)
		return 0;
	if (write_out(put) < 0)
		return -1;
	if (put->position >= LARGE && put->buffer_size < BUFFER_SIZE_LARGE) {
		free(put->buffer);
		put->buffer = NULL;
	}
	return 0;
}

int weft__put_flush(struct weft__put *put)
{
	if (put->buffer && write_out(put) < 0)
		return -1;
	free(put->buffer);
	put->buffer = NULL;
	return 0;
}

/* ---- The end ------------------------------------------------------------------------- */

const struct stat *weft__put_stat(const struct weft__put *put)
{
	return &put->stat;
}

bool weft__put_is_new(const struct weft__put *put)
{
	return put->is_new;
}

const struct weft__gone *weft__put_gone(const struct weft__put *put)
{
	return &put->gone;
}

const char *weft__put_name(const struct weft__put *put)
{
	return put->place.name;
}

static int drop(void *arg)
{
	struct weft__put *put = arg;

	weft__put_drop_temporary(put);
	if (put->fd >= 0)
		close(put->fd); /* frees the blocks of what has no name, which takes its time */
	if (put->owns_folder && put->place.folder_fd >= 0)
		close(put->place.folder_fd);
	return 0;
}

/* What has its name is closed by the commit: nothing is left that could wait. */
static bool holds_files(const struct weft__put *put)
{
	return put->fd >= 0 || put->temporary_fd >= 0 ||
	       (put->owns_folder && put->place.folder_fd >= 0);
}

void weft__put_end(struct weft__put *put)
{
	int code = errno, result = -1;

	if (!put)
		return;
	if (holds_files(put))
		WEFT_SHIELDED
			result = weft_offload_as(WEFT_OFFLOAD_FILE, drop, put);
	if (result < 0 && holds_files(put))
		drop(put); /* no thread to be had */
	free(put->buffer);
	free(put);
	errno = code;
}
