/*
 * store_commit.c - files that have come get their names (store.h; store_put.c says why so).
 *
 * Entry point: weft__put_commit().
 *
 *	bring_to_disk	the judge, the old one's permissions, fsync: of each
 *	name_it		linkat, or under the folder's lock renameat: of each
 *	sync_folders	fsync; when something fails, new names are taken back
 *
 * Never: touch what has the name before the new bytes are on the disk.
 */
#include "http/store_put.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "weft/offload.h"

/** How often a name is tried that others take or give up at the same time. */
#define TRIES 8

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- What has the name now ----------------------------------------------------------- */

int weft__put_judge(const struct weft__put *put, struct stat *ret_existing)
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

/* ---- Naming -------------------------------------------------------------------------- */

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
	int is_there = weft__put_judge(put, &existing);

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
		return weft__put_link(put, place->folder_fd, place->name);
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
	int is_there = weft__put_judge(put, &existing);

	if (is_there <= 0) /* it went meanwhile: begin again, if it may be new */
		return is_there < 0 ? -1 : fail(ENOENT);
	if (weft__put_name_temporarily(put) < 0 ||
		renameat(put->temporary_fd, put->temporary, put->place.folder_fd, put->place.name) <
			0)
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
	int is_there = weft__put_judge(put, &existing);

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

/* ---- Committing ---------------------------------------------------------------------- */

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
