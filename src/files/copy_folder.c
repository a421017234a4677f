/*
 * copy_folder.c - folders that are copied with all in them (include/weft/files.h).
 *
 * Entry point: weft_files_copy_all().
 *
 *	a hidden folder (trash.h), locked -> what is below the old one, one by one, is made there
 *	-> all of it is on the disk -> one rename to its name -> on the disk
 *
 * So a part of it is never there; and what a killed process has left is swept with the trash.
 *Nobody is told of a file before all are there, so small ones share one syncfs(2) at the end, where
 * commits do (store_commit.c). The hidden folder is opened before anything is written, so that
 * syncfs tells whether anything of it was lost: since Linux 5.8, which is asked for. Else, and for
 * large files, each is synced by itself.
 *
 * Never: a file that its visitor may not read, or at a path where she may not write.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "files/carry.h"
#include "files/store_put.h"
#include "files/trash.h"
#include "files/walk.h"
#include "weft/offload.h"
#include "weft/scope.h"

#define MODE 0777

/** A file with so many bytes is synced by itself: the last sync is not to take for ever. */
#define LARGE ((int64_t)1024 * 1024)

static int fail(int code)
{
	errno = code;
	return -1;
}

static int close_keep(int fd, int result)
{
	int code = errno;

	close(fd);
	errno = code;
	return result;
}

struct copying {
	struct weft_files *files;
	const struct weft_files_visitor *visitor;
	const struct weft_files_move *move;
	struct weft__view from, to;
	struct weft__store_place place; /* where it goes */
	struct weft_files_moved *moved;
	char id[WEFT_FILES_TRASH_ID_SIZE];
	int trash_fd, stage_fd;      /* the hidden folder; -1: not yet */
	struct weft__syncer *syncer; /* of the one sync at the end; NULL: each by itself */
	size_t count;
	int64_t reserved, used;
	/* The folder whose entries are being made: its path in the stage; to be freed. */
	char *folder;
	/* The entry on its way. */
	const struct weft__walk_entry *entry;
	int source_fd;
};

/* ---- The stage ------------------------------------------------------------------------------ */

/* Who sweeps may have been between its making and its lock. */
static int lock_stage(struct copying *copying, const char *name)
{
	struct stat locked, there;

	copying->stage_fd =
		openat(copying->trash_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (copying->stage_fd < 0)
		return -1;
	while (flock(copying->stage_fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return -1;
	if (fstat(copying->stage_fd, &locked) < 0 ||
		fstatat(copying->trash_fd, name, &there, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	return locked.st_ino == there.st_ino ? 0 : fail(EBUSY);
}

static int make_stage(struct copying *copying)
{
	char name[WEFT__TRASH_NAME_SIZE];

	weft__upload_draw_id(copying->id);
	weft__trash_name(name, 'c', copying->id);
	if (mkdirat(copying->trash_fd, name, MODE) < 0)
		return -1;
	return lock_stage(copying, name);
}

/* Before Linux 5.8 syncfs(2) says nothing of bytes that could not be written. */
static bool syncfs_tells(void)
{
	struct utsname kernel;
	unsigned major = 0, minor = 0;

	return uname(&kernel) == 0 && sscanf(kernel.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 5 || (major == 5 && minor >= 8));
}

static void choose_sync(struct copying *copying)
{
	struct weft__syncer *syncer = &copying->files->group.lanes[0].syncer;

	if (weft__syncer_is_shared(syncer) && copying->place.dev == syncer->dev && syncfs_tells())
		copying->syncer = syncer;
}

/* What is in the way: 0, or -1. */
static int judge_place(const struct copying *copying)
{
	struct stat there;
	int is_there = weft__store_look(&copying->place, &there);

	if (is_there <= 0)
		return is_there;
	if (!copying->move->may_replace || !(copying->to.rights & WEFT_FILES_REPLACE))
		return fail(EEXIST);
	return S_ISDIR(there.st_mode) ? 0 : fail(ENOTDIR);
}

static int begin_there(void *arg)
{
	struct copying *copying = arg;
	struct stat stat;

	if (weft__view_enter(&copying->from) < 0 ||
		weft__root_stat(&copying->from.root, copying->from.path, &stat) < 0)
		return -1;
	copying->moved->has_source = true;
	if (weft__view_enter(&copying->to) < 0 ||
		weft__store_find(&copying->to.root, copying->to.path, true, &copying->place) < 0)
		return -1;
	if (judge_place(copying) < 0)
		return -1;
	copying->trash_fd = weft__trash_open(copying->files, true);
	if (copying->trash_fd < 0)
		return -1;
	if (!weft__store_is_same_mount(copying->trash_fd, copying->place.folder_fd))
		return fail(EXDEV);
	choose_sync(copying);
	return make_stage(copying);
}

/* ---- What is in it ----------------------------------------------------------------------------
 */

static int sync_folder(struct copying *copying)
{
	int fd;

	if (copying->syncer)
		return 0;
	fd = openat(copying->stage_fd, copying->folder[0] ? copying->folder : ".",
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -1 : close_keep(fd, fsync(fd));
}

/* Entries come folder by folder: when the next one's come, those of the last are all made. */
static int enter_folder(struct copying *copying)
{
	const struct weft__walk_entry *entry = copying->entry;
	size_t len = strlen(entry->path) - strlen(entry->name);
	char *folder;

	if (len > 0)
		len--; /* the slash */
	if (copying->folder && strlen(copying->folder) == len &&
		memcmp(copying->folder, entry->path, len) == 0)
		return 0;
	if (copying->folder && sync_folder(copying) < 0)
		return -1;
	folder = strndup(entry->path, len);
	if (!folder)
		return -1;
	free(copying->folder);
	copying->folder = folder;
	return 0;
}

static int make_folder(void *arg)
{
	struct copying *copying = arg;

	if (enter_folder(copying) < 0)
		return -1;
	return mkdirat(copying->stage_fd, copying->entry->path, MODE);
}

static int make_file(void *arg)
{
	struct copying *copying = arg;

	if (enter_folder(copying) < 0)
		return -1;
	return openat(copying->stage_fd, copying->entry->path,
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		copying->entry->stat.st_mode & 0777);
}

struct ending {
	int fd;
	const char *owner;
	bool is_left; /* to the sync of all */
};

static int end_file(void *arg)
{
	const struct ending *ending = arg;

	if (ending->owner && weft__owner_set(ending->fd, ending->owner) < 0)
		return -1;
	return ending->is_left ? 0 : fsync(ending->fd);
}

static int copy_bytes(struct copying *copying, int fd, int64_t size)
{
	struct weft__put put = {.fd = fd};
	struct ending ending = {fd, copying->visitor->owner, copying->syncer && size < LARGE};
	int64_t copied = weft__put_copy(&put, copying->source_fd, size);

	if (copied < 0)
		return -1;
	copying->used += copied;
	return weft_offload_as(WEFT_OFFLOAD_FILE, end_file, &ending);
}

static int copy_file(struct copying *copying, const struct stat *stat)
{
	int64_t file_max = copying->files->options.file_max;
	int fd;

	if (file_max > 0 && stat->st_size > file_max)
		return fail(EFBIG);
	if (weft__visitor_reserve(copying->visitor, stat->st_size) < 0)
		return -1;
	copying->reserved += stat->st_size;
	fd = weft_offload_as(WEFT_OFFLOAD_FILE, make_file, copying);
	if (fd < 0)
		return -1;
	return close_keep(fd, copy_bytes(copying, fd, stat->st_size));
}

/* Of a file as it is when it is opened; gone by then, it is left out. */
static int take_file(struct copying *copying)
{
	char *path = NULL;
	struct stat stat;
	int result;

	if (asprintf(&path, "%s/%s", copying->from.path, copying->entry->path) < 0)
		return fail(ENOMEM);
	copying->source_fd = weft_files_open(copying->files, copying->visitor, path, &stat);
	free(path);
	if (copying->source_fd < 0)
		return errno == ENOENT ? 0 : -1;
	result = S_ISREG(stat.st_mode) ? copy_file(copying, &stat) : fail(EBUSY);
	return close_keep(copying->source_fd, result);
}

/* The right to write where it goes. */
static int check_place(const struct copying *copying)
{
	unsigned rights;
	char *path = NULL;

	if (!copying->visitor->rights_at)
		return 0;
	if (asprintf(&path, "%s/%s", copying->to.whole, copying->entry->path) < 0)
		return fail(ENOMEM);
	rights = weft__visitor_rights(copying->visitor, path);
	free(path);
	return rights & WEFT_FILES_WRITE ? 0 : fail(EACCES);
}

static int take_entry(const struct weft__walk_entry *entry, void *arg)
{
	struct copying *copying = arg;

	if (entry->is_link)
		return 0;
	if (copying->count++ == WEFT_FILES_COPY_MAX)
		return fail(E2BIG);
	copying->entry = entry;
	if (check_place(copying) < 0)
		return -1;
	return S_ISDIR(entry->stat.st_mode)
		       ? weft_offload_as(WEFT_OFFLOAD_FILE, make_folder, copying)
		       : take_file(copying);
}

/* ---- Its name ----------------------------------------------------------------------------------
 */

static int rename_it(struct copying *copying)
{
	char name[WEFT__TRASH_NAME_SIZE];
	const struct weft__store_place *place = &copying->place;
	struct stat there;
	int is_there;

	if (judge_place(copying) < 0)
		return -1;
	is_there = weft__store_look(place, &there);
	if (is_there < 0)
		return -1;
	copying->moved->is_new = !is_there;
	weft__trash_name(name, 'c', copying->id);
	if (!is_there)
		return weft__trash_rename(copying->trash_fd, name, place->folder_fd, place->name);
	if (renameat(copying->trash_fd, name, place->folder_fd, place->name) == 0)
		return 0;
	return errno == EEXIST ? fail(ENOTEMPTY) : -1;
}

static int sync_all(struct copying *copying)
{
	if (copying->syncer)
		return weft__syncer_sync(copying->syncer, copying->stage_fd);
	return copying->folder && sync_folder(copying) < 0 ? -1 : fsync(copying->stage_fd);
}

/* What stands by path is at the path: so is the folder to be, which was opened long ago. */
static int check_folder(const struct copying *copying)
{
	const char *slash = strrchr(copying->to.whole, '/');
	struct stat stat;
	char *folder;
	int result;

	if (!copying->files->options.carrier)
		return 0;
	folder = strndup(copying->to.whole, slash ? (size_t)(slash - copying->to.whole) : 0);
	if (!folder)
		return -1;
	result = weft__root_stat(&copying->files->root, folder, &stat);
	free(folder);
	if (result < 0)
		return -1;
	return stat.st_ino == copying->place.ino && stat.st_dev == copying->place.dev ? 0
										      : fail(EBUSY);
}

static int end_there(void *arg)
{
	struct copying *copying = arg;
	int result;

	if (sync_all(copying) < 0)
		return -1;
	if (check_folder(copying) < 0)
		return -1;
	result = weft__store_lock(copying->place.folder_fd);
	if (result < 0)
		return -1;
	result = rename_it(copying);
	weft__store_unlock(copying->place.folder_fd);
	if (result < 0)
		return -1;
	copying->id[0] = '\0'; /* it has its name, whatever comes */
	return fsync(copying->place.folder_fd);
}

static int give_up_there(void *arg)
{
	const struct copying *copying = arg;
	char name[WEFT__TRASH_NAME_SIZE], doomed[WEFT__TRASH_NAME_SIZE];

	weft__trash_name(name, 'c', copying->id);
	weft__trash_name(doomed, 'x', copying->id);
	return weft__trash_rename(copying->trash_fd, name, copying->trash_fd, doomed);
}

/* What has been made of it goes; what can't go now, with the next sweep. */
static void give_up(struct copying *copying)
{
	struct weft__trash_clearing clearing;
	int code = errno;

	weft__trash_clearing_init(&clearing, copying->files, NULL);
	WEFT_SHIELDED {
		if (weft_offload_as(WEFT_OFFLOAD_FILE, give_up_there, copying) == 0 &&
			weft__trash_clearing_add(&clearing, 'x', copying->id) == 0)
			weft__trash_clear(&clearing);
	}
	weft__trash_clearing_fini(&clearing);
	errno = code;
}

static void close_all(struct copying *copying)
{
	int code = errno;

	if (copying->stage_fd >= 0)
		close(copying->stage_fd); /* its lock */
	if (copying->trash_fd >= 0)
		close(copying->trash_fd);
	if (copying->place.folder_fd >= 0)
		close(copying->place.folder_fd);
	free(copying->folder);
	errno = code;
}

/* ---- The whole ---------------------------------------------------------------------------------
 */

static bool is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && (path[len] == '/' || !path[len] || len == 0);
}

static int check_whole(struct copying *copying)
{
	if (weft__view_need(&copying->from, WEFT_FILES_LIST) < 0 ||
		weft__view_need(&copying->to, WEFT_FILES_WRITE) < 0)
		return -1;
	if (copying->from.is_hidden)
		return fail(ENOENT);
	if (!copying->to.path[0])
		return fail(EEXIST);
	/* Onto itself, there is another name to be had for it. */
	if (strcmp(copying->to.whole, copying->from.whole) == 0)
		return fail(EEXIST);
	return is_below(copying->to.whole, copying->from.whole) ? fail(EINVAL) : 0;
}

static int end_carried(struct copying *copying)
{
	const struct weft_files_carry what = {.visitor = copying->visitor,
		.from = copying->from.whole,
		.to = copying->to.whole,
		.is_copy = true};
	struct weft__carry carry;
	int result;

	if (weft__carry_begin(&carry, &what, copying->files) < 0)
		return -1;
	result = weft_offload_as(WEFT_OFFLOAD_FILE, end_there, copying);
	weft__carry_end(&carry, result, !copying->id[0]);
	return result;
}

static int copy_within(struct copying *copying)
{
	const struct weft__walk walk = {.files = copying->files,
		.visitor = copying->visitor,
		.path = copying->from.path,
		.fn = take_entry,
		.arg = copying};
	int result;

	if (check_whole(copying) < 0)
		return -1;
	result = weft_offload_as(WEFT_OFFLOAD_FILE, begin_there, copying);
	if (result == 0)
		result = weft__walk(&walk);
	if (result == 0)
		result = end_carried(copying);
	if (copying->stage_fd >= 0 && copying->id[0])
		give_up(copying);
	/* With its name it is the visitor's, also where its folder was not synced. */
	weft__visitor_settle(copying->visitor, copying->reserved,
		copying->stage_fd >= 0 && !copying->id[0] ? copying->used : 0);
	close_all(copying);
	return result;
}

static int copy_folder_once(struct weft_files *files, const struct weft_files_visitor *visitor,
	const struct weft_files_move *move, struct weft_files_moved *ret_moved)
{
	struct copying copying = {.files = files,
		.visitor = visitor,
		.move = move,
		.moved = ret_moved,
		.trash_fd = -1,
		.stage_fd = -1,
		.place = {.folder_fd = -1}};
	unsigned turn;
	int result = -1;

	*ret_moved = (struct weft_files_moved){.is_folder = true};
	if (weft__view_make(&copying.from, files, visitor, move->from) < 0)
		return -1;
	turn = weft__change_begin(files);
	if (weft__view_make(&copying.to, files, visitor, move->to) == 0) {
		result = copy_within(&copying);
		weft__view_leave(&copying.to);
	}
	weft__change_end(files, turn);
	weft__view_leave(&copying.from);
	return result;
}

int weft_files_copy_all(struct weft_files *files, const struct weft_files_visitor *visitor,
	const struct weft_files_move *move, struct weft_files_moved *ret_moved)
{
	struct stat stat;
	int code;

	if (weft_files_stat(files, visitor, move->from, &stat) < 0) {
		if (ret_moved)
			*ret_moved = (struct weft_files_moved){.has_source = false};
		return -1;
	}
	if (!S_ISDIR(stat.st_mode))
		return weft_files_copy(files, visitor, move, ret_moved);
	code = move->judge ? move->judge(&stat, move->arg) : 0;
	if (code)
		return fail(code);
	return weft__name_by_turns(copy_folder_once, files, visitor, move, ret_moved);
}
