/*
 * store_put.c - a file on its way into a folder (store.h).
 *
 * Entry points: weft__put_begin(), _room(), _took(), _commit(), _end().
 *
 *	begin	a file without a name (O_TMPFILE), on the folder's file system
 *	took	its bytes, written behind each other; the disk is told early
 *	commit	fsync of the file
 *		a new name:	linkat; it fails when somebody else was faster
 *		an old name:	linkat to a temporary name, renameat over the old one
 *		fsync of the folder; then, and only then, 0
 *
 * Why no crash shows a part of it. Before linkat the file has no name, and the kernel frees it with
 * its last descriptor, at the next mount if need be: killed or aborted, nothing is there. linkat
 *and renameat are one step each, for readers and in the file system's journal; as the bytes were on
 *the disk before them, whoever finds the name finds all bytes. The name is on the disk when the
 * folder's fsync is back, which is before anybody was told. Between linkat to the temporary name
 * and renameat a killed process leaves that name, hidden; weft__store_sweep() removes it.
 *
 * Where a file system has no files without a name, it has a temporary one from the beginning on.
 * Temporary names are in one folder of the root, which can be swept without walking over a tree;
 * where that is on another file system than the target, they are beside the target, and swept when
 * the next one is made there.
 *
 * Two who replace the same file are kept apart by a lock on the folder, from the judge's last word
 * to the rename: so "only if it is still the one I know" has one winner. Programs that don't go
 *this way are not kept away.
 *
 * Never: touch what has the name before the new bytes are on the disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "http/store.h"
#include "io/file_io.h"
#include "weft/offload.h"
#include "weft/scope.h"

/** Bytes that are written at once; where their number is not known, it may be small. */
#define BUFFER_SIZE         ((size_t)256 * 1024)
#define BUFFER_SIZE_UNKNOWN ((size_t)64 * 1024)

/** So often the disk is told to begin: else all of a large file waits for the fsync. */
#define WRITE_BEHIND ((int64_t)8 * 1024 * 1024)

/** How often a name is tried that others take or give up at the same time. */
#define TRIES 8

#define MODE 0666

struct weft__put {
	int root_fd; /* the root's */
	bool owns_folder;
	struct weft__store_place place; /* where it goes */
	struct weft__store_judge judge;
	int fd;
	int temporary_fd;   /* the folder of its temporary name; -1: it has none */
	char temporary[40]; /* that name */
	int64_t len;        /* that will come, or -1 */
	int64_t position;   /* of the next byte that is written */
	int64_t told;       /* the disk was told up to here */
	char *buffer;       /* NULL: no bytes wait */
	size_t buffer_size, buffer_len;
	bool is_new, is_named; /* by a commit */
	struct stat stat;
};

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- What has the name now ---------------------------------------------------------------- */

/* 1: a file that may be replaced; 0: nothing is there; -1. */
static int judge(const struct weft__put *put, struct stat *ret_existing)
{
	int is_there = weft__store_look(&put->place, ret_existing), code = 0;

	if (is_there < 0)
		return -1;
	if (is_there && S_ISDIR(ret_existing->st_mode))
		return fail(EISDIR);
	if (is_there && !S_ISREG(ret_existing->st_mode))
		return fail(ENODEV);
	if (put->judge.fn)
		code = put->judge.fn(is_there ? ret_existing : NULL, put->judge.arg);
	return code ? fail(code) : is_there;
}

/* ---- Temporary names ------------------------------------------------------------------------ */

static bool is_same_mount(int a, int b)
{
	struct statx first, second;

	return statx(a, "", AT_EMPTY_PATH, STATX_MNT_ID, &first) == 0 &&
	       statx(b, "", AT_EMPTY_PATH, STATX_MNT_ID, &second) == 0 &&
	       (first.stx_mask & second.stx_mask & STATX_MNT_ID) &&
	       first.stx_mnt_id == second.stx_mnt_id &&
	       first.stx_dev_major == second.stx_dev_major &&
	       first.stx_dev_minor == second.stx_dev_minor;
}

/* The root's folder of temporary names, or the target's, swept. -1. */
static int open_temporary_folder(const struct weft__put *put)
{
	int fd = -1;

	if (is_same_mount(put->root_fd, put->place.folder_fd) &&
		(mkdirat(put->root_fd, WEFT__STORE_FOLDER, 0700) == 0 || errno == EEXIST))
		fd = openat(put->root_fd, WEFT__STORE_FOLDER,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	fd = openat(put->place.folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		weft__store_sweep_folder(fd);
	return fd;
}

static void drop_temporary(struct weft__put *put)
{
	int code = errno;

	if (put->temporary_fd < 0)
		return;
	if (put->temporary[0])
		unlinkat(put->temporary_fd, put->temporary, 0);
	close(put->temporary_fd);
	put->temporary_fd = -1;
	put->temporary[0] = '\0';
	errno = code;
}

/* Its file is ours as long as we live; who sweeps may have been between its making and this. */
static bool keep_temporary(int fd)
{
	struct stat stat;

	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return true; /* no locks here; then nobody sweeps, either */
	return fstat(fd, &stat) == 0 && stat.st_nlink > 0;
}

/* A file with a temporary name, for want of one without. */
static int make_temporary(struct weft__put *put)
{
	for (int i = 0; i < TRIES; i++) {
		put->temporary_fd = open_temporary_folder(put);
		if (put->temporary_fd < 0)
			return -1;
		weft__store_temporary_name(put->temporary, sizeof(put->temporary));
		put->fd = openat(put->temporary_fd, put->temporary,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE);
		if (put->fd >= 0 && keep_temporary(put->fd))
			return 0;
		if (put->fd >= 0) {
			close(put->fd);
			put->fd = -1;
			errno = EEXIST;
		} else {
			put->temporary[0] = '\0'; /* another's */
		}
		drop_temporary(put);
		if (errno != EEXIST && errno != ENOENT)
			return -1;
	}
	return -1;
}

/* The name of a file that has none. */
static int link_nameless(const struct weft__put *put, int folder_fd, const char *name)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", put->fd);
	if (linkat(AT_FDCWD, path, folder_fd, name, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	/* Without /proc; Linux 6.10 lets everybody do it. */
	if (errno == ENOENT && linkat(put->fd, "", folder_fd, name, AT_EMPTY_PATH) == 0)
		return 0;
	return -1;
}

/* A file without a name gets a temporary one, to be renamed. */
static int name_temporarily(struct weft__put *put)
{
	if (put->temporary_fd >= 0)
		return 0;
	while (flock(put->fd, LOCK_EX) < 0 && errno == EINTR)
		;
	for (int i = 0; i < TRIES; i++) {
		put->temporary_fd = open_temporary_folder(put);
		if (put->temporary_fd < 0)
			return -1;
		weft__store_temporary_name(put->temporary, sizeof(put->temporary));
		if (link_nameless(put, put->temporary_fd, put->temporary) == 0)
			return 0;
		put->temporary[0] = '\0';
		drop_temporary(put);
		/* The folder was swept away after it was opened; or it is full of such names. */
		if (errno != ENOENT && errno != EEXIST)
			return -1;
	}
	return -1;
}

/* ---- Beginning --------------------------------------------------------------------------------
 */

struct begin_call {
	const struct weft__put_options *options;
	struct weft__put *put;
};

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
	put->fd = openat(put->place.folder_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, MODE);
	if (put->fd >= 0)
		return 0;
	/* open(2): EISDIR of a kernel, EOPNOTSUPP of a file system that has no such files. */
	if (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOSYS || errno == EINVAL)
		return make_temporary(put);
	return -1;
}

static int find_place(struct weft__put *put, const struct weft__put_options *options)
{
	if (options->folder_fd < 0) {
		put->owns_folder = true;
		return weft__store_find(options->root, options->path, true, &put->place);
	}
	if (weft__store_check_name(options->path) < 0)
		return -1;
	put->place.folder_fd = options->folder_fd;
	memcpy(put->place.name, options->path, strlen(options->path) + 1);
	return 0;
}

static int begin(void *arg)
{
	struct begin_call *call = arg;
	struct weft__put *put = call->put;
	struct stat existing;

	if (find_place(put, call->options) < 0 || judge(put, &existing) < 0 || check_space(put) < 0)
		return -1;
	return make_file(put);
}

struct weft__put *weft__put_begin(const struct weft__put_options *options)
{
	struct weft__put *put = calloc(1, sizeof(*put));
	struct begin_call call = {options, put};

	if (!put)
		return NULL;
	put->root_fd = options->root->fd;
	put->place.folder_fd = put->fd = put->temporary_fd = -1;
	put->judge = options->judge;
	put->len = options->len;
	if (weft_offload_as(WEFT_OFFLOAD_FILE, begin, &call) == 0)
		return put;
	weft__put_end(put);
	return NULL;
}

/* ---- Bytes
 * --------------------------------------------------------------------------------------- */

static int tell_disk(void *arg)
{
	struct weft__put *put = arg;

	/* Only a hint: what is wrong with the disk, the fsync says. */
	sync_file_range(put->fd, put->told, put->position - put->told, SYNC_FILE_RANGE_WRITE);
	return 0;
}

static int write_out(struct weft__put *put)
{
	size_t done = 0;

	while (done < put->buffer_len) {
		ssize_t len = weft__file_pwrite(
			put->fd, put->buffer + done, put->buffer_len - done, put->position);

		if (len < 0 && errno == EINTR)
			continue;
		if (len <= 0)
			return len < 0 ? -1 : fail(EIO);
		done += (size_t)len;
		put->position += len;
	}
	put->buffer_len = 0;
	if (put->position - put->told < WRITE_BEHIND)
		return 0;
	if (weft_offload_as(WEFT_OFFLOAD_FILE, tell_disk, put) < 0)
		return -1;
	put->told = put->position;
	return 0;
}

char *weft__put_room(struct weft__put *put, size_t *ret_size)
{
	if (!put->buffer) {
		int64_t len = put->len >= 0 ? put->len : (int64_t)BUFFER_SIZE_UNKNOWN;

		put->buffer_size = len < (int64_t)BUFFER_SIZE ? (size_t)len + 1 : BUFFER_SIZE;
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
	return put->buffer_len == put->buffer_size ? write_out(put) : 0;
}

int weft__put_flush(struct weft__put *put)
{
	if (put->buffer && write_out(put) < 0)
		return -1;
	free(put->buffer);
	put->buffer = NULL;
	return 0;
}

/* ---- Naming
 * ---------------------------------------------------------------------------------------- */

/*
 * The time of its content to the nanosecond, where the kernel's own has the steps of a clock tick:
 * two contents that follow each other at once under one name differ by it.
 */
static void date(const struct weft__put *put)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};

	if (clock_gettime(CLOCK_REALTIME, &times[1]) == 0)
		futimens(put->fd, times);
}

static int bring_to_disk(struct weft__put *put)
{
	struct stat existing;
	int is_there = judge(put, &existing);

	if (is_there < 0)
		return -1;
	/* Not the set-user-ID bits: they were meant for the old bytes. */
	if (is_there && fchmod(put->fd, existing.st_mode & 0777) < 0)
		return -1;
	date(put);
	return fsync(put->fd) < 0 ? -1 : fstat(put->fd, &put->stat);
}

/* A name that nothing has. Fails with EEXIST when something has it. */
static int name_new(struct weft__put *put)
{
	const struct weft__store_place *place = &put->place;

	if (put->temporary_fd < 0)
		return link_nameless(put, place->folder_fd, place->name);
	if (renameat2(put->temporary_fd, put->temporary, place->folder_fd, place->name,
		    RENAME_NOREPLACE) == 0) {
		put->temporary[0] = '\0';
		return 0;
	}
	/* A file system that knows no such rename; the temporary name goes with the put. */
	if (errno == EINVAL || errno == ENOSYS)
		return linkat(put->temporary_fd, put->temporary, place->folder_fd, place->name, 0);
	return -1;
}

static int replace(struct weft__put *put)
{
	struct stat existing;
	int is_there = judge(put, &existing);

	if (is_there <= 0) /* it went meanwhile: begin again, if it may be new */
		return is_there < 0 ? -1 : fail(ENOENT);
	if (name_temporarily(put) < 0 || renameat(put->temporary_fd, put->temporary,
						 put->place.folder_fd, put->place.name) < 0)
		return -1;
	put->temporary[0] = '\0';
	return 0;
}

static int replace_locked(struct weft__put *put)
{
	int result;

	if (weft__store_lock(put->place.folder_fd) < 0)
		return -1;
	result = replace(put);
	weft__store_unlock(put->place.folder_fd);
	return result;
}

/* By whatever has the name now. */
static int name_once(struct weft__put *put)
{
	struct stat existing;
	int is_there = judge(put, &existing);

	if (is_there < 0)
		return -1;
	put->is_new = !is_there;
	return is_there ? replace_locked(put) : name_new(put);
}

static int name_it(struct weft__put *put)
{
	struct stat gone;

	for (int i = 0; i < TRIES; i++) {
		put->is_named = name_once(put) == 0;
		if (put->is_named)
			return 0;
		/* It came or went between two looks; but a folder that is gone stays so. */
		if (errno != (put->is_new ? EEXIST : ENOENT) ||
			fstat(put->place.folder_fd, &gone) < 0 || gone.st_nlink == 0)
			return -1;
	}
	return -1;
}

/* Take a new name back, if it is still this file's. */
static void unname(struct weft__put *put)
{
	struct stat there;

	if (!put->is_named || !put->is_new)
		return;
	if (weft__store_look(&put->place, &there) > 0 && there.st_ino == put->stat.st_ino &&
		there.st_dev == put->stat.st_dev)
		unlinkat(put->place.folder_fd, put->place.name, 0);
	put->is_named = false;
	fsync(put->place.folder_fd);
}

/* ---- Committing
 * --------------------------------------------------------------------------------------- */

struct commit_call {
	struct weft__put **puts;
	size_t count, at;
};

static int sync_folders(struct commit_call *call)
{
	for (size_t i = 0; i < call->count; i++) {
		call->at = i;
		if ((i == 0 ||
			    call->puts[i]->place.folder_fd != call->puts[i - 1]->place.folder_fd) &&
			fsync(call->puts[i]->place.folder_fd) < 0)
			return -1;
	}
	return 0;
}

static int name_all(struct commit_call *call)
{
	for (size_t i = 0; i < call->count; i++) {
		call->at = i;
		if (bring_to_disk(call->puts[i]) < 0)
			return -1;
	}
	for (size_t i = 0; i < call->count; i++) {
		call->at = i;
		if (name_it(call->puts[i]) < 0)
			return -1;
	}
	return sync_folders(call);
}

static int commit(void *arg)
{
	struct commit_call *call = arg;
	int code;

	if (name_all(call) == 0)
		return 0;
	code = errno;
	for (size_t i = 0; i < call->count; i++)
		unname(call->puts[i]);
	errno = code;
	return -1;
}

int weft__put_commit(struct weft__put **puts, size_t count, size_t *ret_failed)
{
	struct commit_call call = {puts, count, 0};
	int result = 0;

	for (; call.at < count && result == 0; call.at++)
		result = weft__put_flush(puts[call.at]);
	if (result == 0)
		result = weft_offload_as(WEFT_OFFLOAD_FILE, commit, &call);
	else
		call.at--;
	*ret_failed = call.at;
	return result;
}

/* ---- The end
 * ---------------------------------------------------------------------------------------------- */

const struct stat *weft__put_stat(const struct weft__put *put)
{
	return &put->stat;
}

bool weft__put_is_new(const struct weft__put *put)
{
	return put->is_new;
}

const char *weft__put_name(const struct weft__put *put)
{
	return put->place.name;
}

static int drop(void *arg)
{
	struct weft__put *put = arg;

	drop_temporary(put);
	if (put->fd >= 0)
		close(put->fd); /* frees the blocks of what has no name, which takes its time */
	if (put->owns_folder && put->place.folder_fd >= 0)
		close(put->place.folder_fd);
	return 0;
}

void weft__put_end(struct weft__put *put)
{
	int code = errno, result = -1;

	if (!put)
		return;
	WEFT_SHIELDED
		result = weft_offload_as(WEFT_OFFLOAD_FILE, drop, put);
	if (result < 0)
		drop(put); /* no thread to be had */
	free(put->buffer);
	free(put);
	errno = code;
}
