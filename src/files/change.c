/*
 * change.c - what visitors change beside putting files (include/weft/files.h), over the store.
 *
 * Entry points: weft_files_mkdir(), _remove(), _move(), _copy(), _touch().
 *
 * Each asks for its rights on the caller's fiber, and then does its work on a thread: the home is
 * opened there, and the store's own calls, which find themselves outside a fiber, just do theirs.
 *
 * Never: more than the one name that is asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files/carry.h"
#include "files/put.h"
#include "weft/offload.h"

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- Making a folder -------------------------------------------------------------------- */

static int mkdir_there(void *arg)
{
	struct weft__view *view = arg;

	if (weft__view_enter(view) < 0)
		return -1;
	return weft__store_mkdir(&view->root, view->path);
}

int weft_files_mkdir(
	struct weft_files *files, const struct weft_files_visitor *visitor, const char *path)
{
	struct weft__view view;
	int result;

	if (weft__view_make(&view, files, visitor, path) < 0)
		return -1;
	result = weft__view_need(&view, WEFT_FILES_WRITE);
	if (result == 0)
		result = view.path[0] ? weft_offload_as(WEFT_OFFLOAD_FILE, mkdir_there, &view)
				      : fail(EEXIST);
	weft__view_leave(&view);
	return result;
}

/* ---- Removing --------------------------------------------------------------------------- */

struct removal {
	struct weft__view view;
	const struct weft_files_remove_options *options;
	struct weft__gone gone;
};

static int judge_removal(const struct stat *existing, void *arg)
{
	const struct removal *removal = arg;
	const struct weft_files_remove_options *options = removal->options;
	bool is_folder = S_ISDIR(existing->st_mode);

	if (is_folder ? options->only_files : options->only_folders)
		return is_folder ? EISDIR : ENOTDIR;
	return options->judge ? options->judge(existing, options->arg) : 0;
}

static int remove_there(void *arg)
{
	struct removal *removal = arg;
	const struct weft__store_judge judge = {.fn = judge_removal, .arg = removal};

	if (weft__view_enter(&removal->view) < 0)
		return -1;
	return weft__store_remove(&removal->view.root, removal->view.path, &judge, &removal->gone);
}

int weft_files_remove(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *path, const struct weft_files_remove_options *options)
{
	static const struct weft_files_remove_options none;
	struct removal removal = {.options = options ? options : &none};
	unsigned turn;
	int result;

	if (weft__view_make(&removal.view, files, visitor, path) < 0)
		return -1;
	turn = weft__change_begin(files);
	result = weft__view_need(&removal.view, WEFT_FILES_DELETE);
	if (result == 0)
		result = removal.view.path[0]
				 ? weft_offload_as(WEFT_OFFLOAD_FILE, remove_there, &removal)
				 : fail(EBUSY);
	weft__view_leave(&removal.view);
	if (result == 0)
		weft__visitor_settle(visitor, 0, -weft__gone_credit(files, visitor, &removal.gone));
	weft__change_end(files, turn);
	return result;
}

/* ---- Moving ----------------------------------------------------------------------------- */

struct moving {
	struct weft_files *files;
	struct weft__view from, to;
	const struct weft_files_move *move;
	struct weft__store_moved moved;
};

static int move_there(void *arg)
{
	struct moving *moving = arg;
	const struct weft__store_move move = {.root = &moving->from.root,
		.from = moving->from.path,
		.to = moving->to.path,
		.judge = {.fn = moving->move->judge, .arg = moving->move->arg},
		.may_replace =
			moving->move->may_replace && (moving->to.rights & WEFT_FILES_REPLACE),
		.asks_owner = moving->files->options.freed != NULL};

	if (weft__view_enter(&moving->from) < 0)
		return -1;
	return weft__store_move(&move, &moving->moved);
}

/* What its mover may not look at: a file brings nothing with it; of a folder nobody knows. */
static int check_unseen(const struct moving *moving, const struct weft_files_visitor *visitor)
{
	const struct weft_files_visitor host = {.home = visitor->home, .rights = WEFT_FILES_ALL};
	struct stat stat;

	if (weft_files_stat(moving->files, &host, moving->from.path, &stat) < 0)
		return errno == ENOENT || errno == ELOOP ? 0 : -1; /* the move will say */
	return S_ISDIR(stat.st_mode) ? fail(EACCES) : 0;
}

/*
 * Rights that are kept by path go along where they are of it or of what is below, but those of the
 * folder above stay where they are, and what is moved comes under others: so it must not bring to
 * light, at the other place, what its mover may not see here; nor put anything where she may not
 * write.
 */
static int check_light(const struct moving *moving, const struct weft_files_visitor *visitor)
{
	unsigned here = moving->from.rights;
	struct stat stat;

	if (!visitor->rights_at)
		return 0;
	if (moving->to.rights & ~here & (WEFT_FILES_READ | WEFT_FILES_LIST))
		return fail(EACCES);
	if (weft_files_stat(moving->files, visitor, moving->from.path, &stat) < 0)
		return errno == EACCES                     ? check_unseen(moving, visitor)
		       : errno == ENOENT || errno == ELOOP ? 0 /* the move will say */
							   : -1;
	return S_ISDIR(stat.st_mode)
		       ? weft__below_may_go(moving->files, visitor, &moving->from, &moving->to)
		       : 0;
}

static int move_carried(struct moving *moving, const struct weft_files_visitor *visitor)
{
	const struct weft_files_carry what = {
		.visitor = visitor, .from = moving->from.whole, .to = moving->to.whole};
	struct weft__carry carry;
	int result;

	if (weft__carry_begin(&carry, &what, moving->files) < 0)
		return -1;
	result = weft_offload_as(WEFT_OFFLOAD_FILE, move_there, moving);
	weft__carry_end(&carry, result, moving->moved.is_done);
	return result;
}

static int move_within_rights(struct moving *moving, const struct weft_files_visitor *visitor)
{
	if (weft__view_need(&moving->from, WEFT_FILES_DELETE) < 0 ||
		weft__view_need(&moving->to, WEFT_FILES_WRITE) < 0)
		return -1;
	if (!moving->from.path[0])
		return fail(EBUSY);
	if (!moving->to.path[0])
		return fail(EEXIST);
	if (check_light(moving, visitor) < 0)
		return -1;
	return move_carried(moving, visitor);
}

static int move_once(struct weft_files *files, const struct weft_files_visitor *visitor,
	const struct weft_files_move *move, struct weft_files_moved *ret_moved)
{
	struct moving moving = {.files = files, .move = move};
	unsigned turn;
	int result = -1;

	if (weft__view_make(&moving.from, files, visitor, move->from) < 0)
		return -1;
	turn = weft__change_begin(files);
	if (weft__view_make(&moving.to, files, visitor, move->to) == 0) {
		result = move_within_rights(&moving, visitor);
		weft__view_leave(&moving.to);
	}
	weft__view_leave(&moving.from);
	*ret_moved = (struct weft_files_moved){.has_source = moving.moved.has_source,
		.is_new = moving.moved.is_new,
		.is_folder = moving.moved.is_folder};
	if (result == 0)
		weft__visitor_settle(
			visitor, 0, -weft__gone_credit(files, visitor, &moving.moved.gone));
	weft__change_end_move(files, turn, result);
	return result;
}

int weft_files_move(struct weft_files *files, const struct weft_files_visitor *visitor,
	const struct weft_files_move *move, struct weft_files_moved *ret_moved)
{
	return weft__name_by_turns(move_once, files, visitor, move, ret_moved);
}

/* ---- Copying ---------------------------------------------------------------------------- */

/* Its bytes are there; what stands by path for the other goes along. */
static int commit_copy(struct weft_files_put *put, const struct weft_files_move *move,
	struct weft_files_result *ret_result)
{
	struct weft_files *files = put->files;
	struct weft_files_carry what = {.visitor = put->visitor, .is_copy = true};
	struct weft__view from = {.whole = NULL}, to = {.whole = NULL};
	struct weft__carry carry;
	int result = weft__view_make(&from, files, put->visitor, move->from);

	if (result == 0)
		result = weft__view_make(&to, files, put->visitor, move->to);
	what.from = from.whole;
	what.to = to.whole;
	if (result == 0)
		result = weft__carry_begin(&carry, &what, files);
	if (result < 0) {
		weft_files_put_abort(put);
	} else {
		result = weft_files_put_commit(put, ret_result);
		weft__carry_end(&carry, result, result == 0);
	}
	if (to.whole)
		weft__view_leave(&to);
	if (from.whole)
		weft__view_leave(&from);
	return result;
}

struct copy_source {
	int fd;
	int64_t size;
};

static int copy_to(struct weft_files_put *put, const struct weft_files_move *move,
	const struct copy_source *source, struct weft_files_moved *moved)
{
	struct weft_files_result result;
	int64_t copied = weft__put_copy(put->inner, source->fd, source->size);

	if (copied < 0) {
		weft_files_put_abort(put);
		return -1;
	}
	put->len = copied;
	if (commit_copy(put, move, &result) < 0)
		return -1;
	moved->is_new = result.is_new;
	return 0;
}

static int copy_from(struct weft_files *files, const struct weft_files_visitor *visitor,
	const struct weft_files_move *move, int fd, struct weft_files_moved *moved)
{
	struct weft_files_put_options options = {.may_replace = move->may_replace};
	struct weft_files_put *put;
	struct stat stat;
	int code;

	if (fstat(fd, &stat) < 0)
		return -1;
	moved->is_folder = S_ISDIR(stat.st_mode);
	if (moved->is_folder)
		return fail(EISDIR);
	code = move->judge ? move->judge(&stat, move->arg) : 0;
	if (code)
		return fail(code);
	options.len = stat.st_size;
	options.mode = stat.st_mode & 0777;
	put = weft_files_put_begin(files, visitor, move->to, &options);
	return put ? copy_to(put, move, &(struct copy_source){fd, stat.st_size}, moved) : -1;
}

static int copy_once(struct weft_files *files, const struct weft_files_visitor *visitor,
	const struct weft_files_move *move, struct weft_files_moved *ret_moved)
{
	int fd = weft_files_open(files, visitor, move->from, NULL), result, code;

	*ret_moved = (struct weft_files_moved){.has_source = fd >= 0};
	if (fd < 0)
		return -1;
	result = copy_from(files, visitor, move, fd, ret_moved);
	code = errno;
	close(fd);
	errno = code;
	return result;
}

int weft_files_copy(struct weft_files *files, const struct weft_files_visitor *visitor,
	const struct weft_files_move *move, struct weft_files_moved *ret_moved)
{
	return weft__name_by_turns(copy_once, files, visitor, move, ret_moved);
}

/* ---- Dating ----------------------------------------------------------------------------- */

struct dating {
	struct weft__view view;
	struct timespec mtime;
};

static int touch_there(void *arg)
{
	struct dating *dating = arg;
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, dating->mtime};
	struct stat stat;
	int fd, result, code;

	if (weft__view_enter(&dating->view) < 0)
		return -1;
	fd = weft__root_open(&dating->view.root, dating->view.path, &stat);
	if (fd < 0)
		return -1;
	result = futimens(fd, times);
	if (result == 0)
		result = fsync(fd);
	code = errno;
	close(fd);
	errno = code;
	return result;
}

int weft_files_touch(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *path, struct timespec mtime)
{
	struct dating dating = {.mtime = mtime};
	int result;

	if (weft__view_make(&dating.view, files, visitor, path) < 0)
		return -1;
	result = weft__view_need(&dating.view, WEFT_FILES_REPLACE);
	if (result == 0 && dating.view.is_hidden)
		result = fail(EPERM);
	if (result == 0)
		result = weft_offload_as(WEFT_OFFLOAD_FILE, touch_there, &dating);
	weft__view_leave(&dating.view);
	return result;
}
