/*
 * store_commit.c - files that have come get their names (store.h; store_put.c says why so).
 *
 * Entry points: weft__commit_run(), of many callers at once; weft__put_commit(), of one.
 *
 *	prepare        of each: the last bytes, the judge, the permissions, the date, the owner
 *	sync_files     fsync of each, or one syncfs for all
 *	name_it        of each: linkat, or under the folder's lock renameat
 *	sync_folders   fsync of each folder once, or one syncfs for all
 *	take_back      where something has failed, the new names of that caller
 *
 * Why one syncfs(2) instead of many fsync(2). On a file system with a journal each fsync is a
 * commit of it, and a flush of the disk's cache, which is what takes the time; syncfs is one for
 * all. But it also waits for what others have written to the file system. So when it was slow,
 * each caller's bytes are synced on their own for a while (weft__put_sync()), in parallel. It is
 * used where it is known to end with a flush: FUSE, as one that isn't, returns at once.
 *
 * And it tells of an error once, to whoever asks first: the kernel may have failed to write what
 * came early of a file, and an earlier batch, or another process, has heard of it. So after it each
 * file is asked for its own errors, which it keeps from its opening on.
 *
 * Never: touch what has the name before the new bytes are on the disk.
 */
#include "files/store_put.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
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

/* The first name that nothing has. 0 or -1, as weft__store_look(). */
static int find_free(struct weft__put *put, struct stat *ret_existing)
{
	int is_there;

	if (put->number == 0)
		memcpy(put->like, put->place.name, sizeof(put->like));
	while ((is_there = weft__store_look(&put->place, ret_existing)) > 0)
		if (weft__name_next(put->like, &put->number, put->place.name) < 0)
			return -1;
	return is_there;
}

int weft__put_judge(struct weft__put *put, struct stat *ret_existing)
{
	int is_there = put->is_unique ? find_free(put, ret_existing)
				      : weft__store_look(&put->place, ret_existing);
	int code = 0;

	if (is_there < 0)
		return -1;
	if (is_there && S_ISDIR(ret_existing->st_mode))
		return fail(EISDIR);
	if (is_there && !S_ISREG(ret_existing->st_mode))
		return fail(ENODEV);
	if (put->is_unique && put->judge.on_name)
		code = put->judge.on_name(put->place.name, put->judge.arg);
	if (!code && put->judge.fn)
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

	if (put->mtime.tv_sec != 0)
		times[1] = put->mtime;
	if (put->mtime.tv_sec != 0 || clock_gettime(CLOCK_REALTIME, &times[1]) == 0)
		futimens(put->fd, times);
}

/* ---- Bringing bytes to the disk ------------------------------------------------------ */

static int prepare(struct weft__put *put)
{
	struct stat existing;
	int is_there;

	if (put->is_synced)
		return 0;
	is_there =
		put->buffer && weft__put_write_out(put) < 0 ? -1 : weft__put_judge(put, &existing);
	if (is_there < 0)
		return -1;
	/* Not the set-user-ID bits: they were meant for the old bytes. */
	if (is_there && fchmod(put->fd, existing.st_mode & 0777) < 0)
		return -1;
	date(put);
	return put->owner ? weft__owner_set(put->fd, put->owner) : 0;
}

static int sync_file(struct weft__put *put)
{
	if (!put->is_synced && fsync(put->fd) < 0) {
		put->lost_code = errno;
		return -1;
	}
	put->is_synced = true;
	return fstat(put->fd, &put->stat);
}

static int sync_alone(void *arg)
{
	struct weft__put *put = arg;

	return prepare(put) < 0 ? -1 : sync_file(put);
}

int weft__put_sync(struct weft__put *put)
{
	return weft_offload_as(WEFT_OFFLOAD_FILE, sync_alone, put);
}

/* It has its own name now. What keeps the other one may have to go back to it. */
static void leave_temporary(struct weft__put *put)
{
	if (!put->keeps_temporary)
		put->temporary[0] = '\0';
}

/* A name that nothing has. Fails with EEXIST when something has it. */
static int name_new(struct weft__put *put)
{
	const struct weft__store_place *place = &put->place;

	if (put->temporary_fd < 0)
		return weft__put_link(put, place->folder_fd, place->name);
	if (renameat2(put->temporary_fd, put->temporary, place->folder_fd, place->name,
		    RENAME_NOREPLACE) == 0) {
		leave_temporary(put);
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
	put->gone =
		weft__gone_at(put->place.folder_fd, put->place.name, &existing, put->asks_owner);
	if (weft__put_name_temporarily(put) < 0 ||
		renameat(put->temporary_fd, put->temporary, put->place.folder_fd, put->place.name) <
			0)
		return weft__store_fail_at(put->place.folder_fd, put->place.name);
	leave_temporary(put);
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
	put->gone = (struct weft__gone){.bytes = 0};
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

/* A new name goes. Bytes that have been acknowledged go back to where they were. */
static void drop_name(const struct weft__put *put)
{
	const struct weft__store_place *place = &put->place;

	/* Not rename(2) first: where it is there by linkat, that would do nothing. */
	if (put->keeps_temporary &&
		linkat(place->folder_fd, place->name, put->temporary_fd, put->temporary, 0) < 0 &&
		errno != EEXIST) {
		renameat(place->folder_fd, place->name, put->temporary_fd, put->temporary);
		return;
	}
	unlinkat(place->folder_fd, place->name, 0);
}

/* Take a new name back, if it is still this file's. Returns whether one was. */
static bool unname(struct weft__put *put)
{
	struct stat there;

	if (!put->is_named || !put->is_new)
		return false;
	if (weft__store_look(&put->place, &there) > 0 && there.st_ino == put->stat.st_ino &&
		there.st_dev == put->stat.st_dev)
		drop_name(put);
	put->is_named = false;
	return true;
}

static void take_back(struct weft__commit *commit)
{
	for (size_t i = 0; i < commit->count; i++)
		if (unname(commit->puts[i])) {
			if (commit->puts[i]->keeps_temporary)
				fsync(commit->puts[i]->temporary_fd);
			fsync(commit->puts[i]->place.folder_fd);
		}
}

/* ---- Sharing syncs ------------------------------------------------------------------- */

/** From so many on, one for the file system costs less than one of each. */
#define SHARED_MIN 4

/** A sync of the file system that takes so long waits for others' bytes; and for how long
 * it is left then, as a multiple. */
#define SLOW_NS    WEFT_SECONDS(1)
#define SLOW_TIMES 4

static int64_t clock_ns(void)
{
	struct timespec time;

	/* The kernel's: a simulator's clock says nothing of a disk. */
	clock_gettime(CLOCK_MONOTONIC, &time);
	return WEFT_SECONDS(time.tv_sec) + time.tv_nsec;
}

bool weft__syncer_is_shared(const struct weft__syncer *syncer)
{
	return syncer->fd >= 0 &&
	       clock_ns() >= __atomic_load_n(&syncer->slow_until_ns, __ATOMIC_RELAXED);
}

int weft__syncer_sync(struct weft__syncer *syncer, int fd)
{
	int64_t begun_ns = clock_ns(), took_ns;

	if (syncfs(fd) < 0)
		return -1;
	took_ns = clock_ns() - begun_ns;
	if (took_ns > SLOW_NS)
		__atomic_store_n(&syncer->slow_until_ns, clock_ns() + SLOW_TIMES * took_ns,
			__ATOMIC_RELAXED);
	return 0;
}

/* One for all. Returns whether it was done: if not, each by itself is told whose bytes are lost. */
static bool sync_shared(struct weft__syncer *syncer, size_t count)
{
	return count >= SHARED_MIN && weft__syncer_is_shared(syncer) &&
	       weft__syncer_sync(syncer, syncer->fd) == 0;
}

/* ---- Committing ---------------------------------------------------------------------- */

typedef int step_fn(struct weft__put *put);

/* Each put of those that go well. */
#define EACH_PUT(commit, i, commits)                                                 \
	for (struct weft__commit *commit = (commits); commit; commit = commit->next) \
		for (size_t i = 0; !commit->code && i < commit->count; i++)

static void fail_commit(struct weft__commit *commit, size_t failed)
{
	commit->code = errno;
	commit->failed = failed;
}

static void do_each(struct weft__commit *commits, step_fn *step)
{
	EACH_PUT (commit, i, commits)
		if (step(commit->puts[i]) < 0)
			fail_commit(commit, i);
}

/* All of the file system was synced; whether this one's bytes had all gone well before that. */
static int believe_sync(struct weft__put *put)
{
	if (put->is_synced)
		return 0;
	if (sync_file_range(put->fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE) < 0) {
		put->lost_code = errno;
		return -1;
	}
	put->is_synced = true;
	return 0;
}

static void sync_files(struct weft__commit *commits, struct weft__syncer *syncer)
{
	size_t count = 0;

	EACH_PUT (commit, i, commits)
		count += !commit->puts[i]->is_synced && commit->puts[i]->place.dev == syncer->dev;
	if (sync_shared(syncer, count))
		EACH_PUT (commit, i, commits)
			if (commit->puts[i]->place.dev == syncer->dev &&
				believe_sync(commit->puts[i]) < 0)
				fail_commit(commit, i);
	do_each(commits, sync_file);
}

static bool is_same_folder(const struct weft__put *a, const struct weft__put *b)
{
	return a->place.ino == b->place.ino && a->place.dev == b->place.dev;
}

/* All puts into one folder have this result. */
static void note_folder(struct weft__commit *commits, const struct weft__put *one, int code)
{
	EACH_PUT (commit, i, commits) {
		struct weft__put *put = commit->puts[i];

		if (put->is_folder_synced || !is_same_folder(put, one))
			continue;
		put->is_folder_synced = true;
		errno = code;
		if (code)
			fail_commit(commit, i);
	}
}

/* How many folders have new names in them; it is not counted beyond SHARED_MIN. */
static size_t count_folders(struct weft__commit *commits, dev_t dev)
{
	const struct weft__put *seen[SHARED_MIN];
	size_t count = 0, at;

	EACH_PUT (commit, i, commits) {
		const struct weft__put *put = commit->puts[i];

		for (at = 0; at < count && !is_same_folder(seen[at], put); at++)
			;
		if (at == count && put->place.dev == dev && count < SHARED_MIN)
			seen[count++] = put;
	}
	return count;
}

static void sync_folders(struct weft__commit *commits, struct weft__syncer *syncer)
{
	bool is_shared = sync_shared(syncer, count_folders(commits, syncer->dev));

	EACH_PUT (commit, i, commits) {
		struct weft__put *put = commit->puts[i];

		if (is_shared && put->place.dev == syncer->dev)
			put->is_folder_synced = true;
		else if (!put->is_folder_synced)
			note_folder(commits, put, fsync(put->place.folder_fd) < 0 ? errno : 0);
	}
}

/* Its descriptors go here, where that may wait, and not one by one. */
static int close_done(struct weft__put *put)
{
	weft__put_drop_temporary(put);
	close(put->fd);
	put->fd = -1;
	if (put->owns_folder)
		close(put->place.folder_fd);
	put->place.folder_fd = -1;
	return 0;
}

void weft__commit_run(struct weft__commit *commits, struct weft__syncer *syncer)
{
	do_each(commits, prepare);
	sync_files(commits, syncer);
	do_each(commits, name_it);
	sync_folders(commits, syncer);
	for (struct weft__commit *commit = commits; commit; commit = commit->next)
		if (commit->code)
			take_back(commit);
	do_each(commits, close_done);
}

static int run_one(void *arg)
{
	struct weft__syncer none = {.fd = -1};

	weft__commit_run(arg, &none);
	return 0;
}

int weft__put_commit(struct weft__put **puts, size_t count, size_t *ret_failed)
{
	struct weft__commit commit = {.puts = puts, .count = count};

	if (weft_offload_as(WEFT_OFFLOAD_FILE, run_one, &commit) < 0)
		fail_commit(&commit, 0);
	*ret_failed = commit.failed;
	return commit.code ? fail(commit.code) : 0;
}
