/*
 * store_change.c - folders made, and what is there removed and moved (store.h).
 *
 * Each is one step of the file system, and then on the disk: mkdirat, unlinkat or renameat, and an
 * fsync of the folders whose names have changed.
 *
 * Never: more than the one name that is asked for; a folder with something in it is not removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/store.h"
#include "weft/offload.h"

#define MODE 0777

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

struct change_call {
	const struct weft__root *root;
	const char *path;
	const struct weft__store_judge *judge;
	struct weft__gone *gone; /* NULL: not asked for */
	const struct weft__store_move *move;
	struct weft__store_moved moved;
};

static int judge(const struct weft__store_judge *judge, const struct stat *existing)
{
	int code = judge && judge->fn ? judge->fn(existing, judge->arg) : 0;

	return code ? fail(code) : 0;
}

/* ---- Making ----------------------------------------------------------------------------- */

static int make_folder(void *arg)
{
	const struct change_call *call = arg;
	struct weft__store_place place;
	int result;

	if (weft__store_find(call->root, call->path, true, &place) < 0)
		return -1;
	result = mkdirat(place.folder_fd, place.name, MODE);
	if (result == 0)
		result = fsync(place.folder_fd);
	return close_keep(place.folder_fd, result);
}

int weft__store_mkdir(const struct weft__root *root, const char *path)
{
	struct change_call call = {.root = root, .path = path};

	return weft_offload_as(WEFT_OFFLOAD_FILE, make_folder, &call);
}

/* ---- Removing ---------------------------------------------------------------------------- */

/* Devices and the like are not shared, and so not removed. Links are, not what they lead to. */
static int check_kind(const struct stat *stat)
{
	if (S_ISREG(stat->st_mode) || S_ISDIR(stat->st_mode) || S_ISLNK(stat->st_mode))
		return 0;
	return fail(ENODEV);
}

static int find_there(const struct weft__store_place *place, struct stat *ret_stat)
{
	int is_there = weft__store_look(place, ret_stat);

	if (is_there <= 0)
		return is_there < 0 ? -1 : fail(ENOENT);
	return check_kind(ret_stat);
}

static int remove_locked(const struct weft__store_place *place, const struct change_call *call)
{
	struct stat stat;

	if (find_there(place, &stat) < 0 || judge(call->judge, &stat) < 0)
		return -1;
	if (call->gone)
		*call->gone = weft__gone_at(place->folder_fd, place->name, &stat, true);
	if (unlinkat(place->folder_fd, place->name, S_ISDIR(stat.st_mode) ? AT_REMOVEDIR : 0) == 0)
		return 0;
	return errno == EEXIST ? fail(ENOTEMPTY)
			       : weft__store_fail_at(place->folder_fd, place->name);
}

static int remove_it(void *arg)
{
	const struct change_call *call = arg;
	struct weft__store_place place;
	int result;

	if (weft__store_find(call->root, call->path, false, &place) < 0)
		return -1;
	result = weft__store_lock(place.folder_fd);
	if (result == 0) {
		result = remove_locked(&place, call);
		weft__store_unlock(place.folder_fd);
	}
	if (result == 0)
		result = fsync(place.folder_fd);
	return close_keep(place.folder_fd, result);
}

int weft__store_remove(const struct weft__root *root, const char *path,
	const struct weft__store_judge *judge_fn, struct weft__gone *ret_gone)
{
	struct change_call call = {.root = root, .path = path, .judge = judge_fn, .gone = ret_gone};

	return weft_offload_as(WEFT_OFFLOAD_FILE, remove_it, &call);
}

/* ---- Moving --------------------------------------------------------------------------------- */

static int rename_it(const struct weft__store_move *move, const struct weft__store_place *from,
	const struct weft__store_place *to, struct weft__store_moved *moved)
{
	unsigned flags = move->may_replace ? 0 : RENAME_NOREPLACE;
	struct stat there, source;
	int is_there = weft__store_look(to, &there);

	if (is_there < 0 || find_there(from, &source) < 0 || judge(&move->judge, &source) < 0)
		return -1;
	moved->is_new = !is_there;
	moved->is_folder = S_ISDIR(source.st_mode);
	if (is_there && !move->may_replace)
		return fail(EEXIST);
	if (is_there && check_kind(&there) < 0)
		return -1;
	if (is_there)
		moved->gone = weft__gone_at(to->folder_fd, to->name, &there, move->asks_owner);
	if (renameat2(from->folder_fd, from->name, to->folder_fd, to->name, flags) == 0)
		return 0;
	/* A file system without RENAME_NOREPLACE: nothing was there, under the lock. */
	if (flags && (errno == EINVAL || errno == ENOSYS))
		return renameat(from->folder_fd, from->name, to->folder_fd, to->name);
	if (errno == EEXIST && move->may_replace)
		return fail(ENOTEMPTY);
	weft__store_fail_at(from->folder_fd, from->name);
	return weft__store_fail_at(to->folder_fd, to->name);
}

/* Only the target's names are locked: two who move one thing are told apart by the rename. */
static int move_from(struct change_call *call, const struct weft__store_place *from)
{
	struct weft__store_place to;
	struct stat stat;
	int result;

	if (find_there(from, &stat) < 0)
		return -1;
	call->moved.has_source = true;
	if (weft__store_find(call->move->root, call->move->to, true, &to) < 0)
		return -1;
	result = weft__store_lock(to.folder_fd);
	if (result == 0) {
		result = rename_it(call->move, from, &to, &call->moved);
		weft__store_unlock(to.folder_fd);
	}
	call->moved.is_done = result == 0;
	/* The new name is on the disk before the old one is gone for good. */
	if (result == 0)
		result = fsync(to.folder_fd);
	if (result == 0)
		result = fsync(from->folder_fd);
	return close_keep(to.folder_fd, result);
}

static int move_it(void *arg)
{
	struct change_call *call = arg;
	struct weft__store_place from;

	if (weft__store_find(call->move->root, call->move->from, false, &from) < 0)
		return -1;
	return close_keep(from.folder_fd, move_from(call, &from));
}

int weft__store_move(const struct weft__store_move *move, struct weft__store_moved *ret_moved)
{
	struct change_call call = {.move = move};
	int result = weft_offload_as(WEFT_OFFLOAD_FILE, move_it, &call);

	*ret_moved = call.moved;
	return result;
}
