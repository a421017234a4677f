/*
 * trash.c - files, and folders with all below them, are put into the trash, or go for good
 * (include/weft/files_trash.h, trash.h).
 *
 * Entry points: weft_files_trash(), weft_files_remove_all(), weft_files_trash_days().
 *
 *	rights at the path -> what is there? judge -> a folder: rights below, and how much is in it
 *	-> the record, on the disk -> still the same? one rename -> both folders, on the disk
 *
 * Never: a part of a folder in one place and a part in the other.
 */
#include "files/trash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files/store.h"
#include "weft/fiber.h"
#include "weft/offload.h"

#define KEEP_NS WEFT_SECONDS(INT64_C(30) * 24 * 3600)
#define DAY_NS  WEFT_SECONDS(INT64_C(24) * 3600)

static int fail(int code)
{
	errno = code;
	return -1;
}

unsigned weft_files_trash_days(const struct weft_files *files)
{
	int64_t days;

	if (!files || files->only_views || files->options.trash_keep_ns < 0)
		return 0;
	days = (weft__trash_keep_ns(files) - 1) / DAY_NS + 1;
	return days > INT_MAX ? INT_MAX : (unsigned)days;
}

int64_t weft__trash_keep_ns(const struct weft_files *files)
{
	return files->options.trash_keep_ns ? files->options.trash_keep_ns : KEEP_NS;
}

/* ---- What is there ------------------------------------------------------------------------- */

struct trashing {
	struct weft_files *files;
	const struct weft_files_visitor *visitor;
	const struct weft_files_remove_options *options;
	struct weft__view view;
	bool is_for_good;
	struct stat seen; /* that rights were asked for */
	struct weft_files_usage usage;
	char id[WEFT_FILES_TRASH_ID_SIZE];
};

static int judge(const struct trashing *trashing, const struct stat *existing)
{
	const struct weft_files_remove_options *options = trashing->options;
	bool is_folder = S_ISDIR(existing->st_mode);
	int code = 0;

	if (!is_folder && !S_ISREG(existing->st_mode) && !S_ISLNK(existing->st_mode))
		return fail(ENODEV);
	if (is_folder ? options->only_files : options->only_folders)
		return fail(is_folder ? EISDIR : ENOTDIR);
	if (options->judge)
		code = options->judge(existing, options->arg);
	return code ? fail(code) : 0;
}

static int find_there(const struct trashing *trashing, const struct weft__store_place *place,
	struct stat *ret_stat)
{
	int is_there = weft__store_look(place, ret_stat);

	if (is_there <= 0)
		return is_there < 0 ? -1 : fail(ENOENT);
	return judge(trashing, ret_stat);
}

static int close_keep(int fd, int result)
{
	int code = errno;

	close(fd);
	errno = code;
	return result;
}

static int look_there(void *arg)
{
	struct trashing *trashing = arg;
	struct weft__store_place place;

	if (weft__view_enter(&trashing->view) < 0 ||
		weft__store_find(&trashing->view.root, trashing->view.path, false, &place) < 0)
		return -1;
	return close_keep(place.folder_fd, find_there(trashing, &place, &trashing->seen));
}

/* Rights at a folder are none at what is below it, where they are kept by path. */
static int look_below(struct trashing *trashing)
{
	const char *path = trashing->view.path;

	if (!S_ISDIR(trashing->seen.st_mode)) {
		trashing->usage =
			(struct weft_files_usage){.files = 1, .bytes = trashing->seen.st_size};
		return 0;
	}
	if (trashing->visitor->rights_at &&
		weft__below_has(trashing->files, trashing->visitor, path, WEFT_FILES_DELETE) < 0)
		return -1;
	return weft__usage_below(trashing->files, trashing->visitor, path, &trashing->usage);
}

/* ---- There ----------------------------------------------------------------------------------- */

/* Its descriptor, locked; the id is drawn. */
static int make_record(struct trashing *trashing, int trash_fd)
{
	const struct weft_files_visitor *visitor = trashing->visitor;
	int64_t now_ns = weft_wall_now();
	const char *by = visitor->name ? visitor->name : "";
	struct weft__upload_record record = {.offset = trashing->usage.files,
		.len = trashing->usage.bytes,
		.touched_s = now_ns / WEFT_SECONDS(1),
		.base = {.mtime_ns = now_ns % WEFT_SECONDS(1)},
		.owner = (char *)(uintptr_t)weft__visitor_owner(visitor),
		.path = trashing->view.whole,
		.remark = (char *)(uintptr_t)(strlen(by) > WEFT__UPLOAD_REMARK_MAX ? "" : by)};

	if (strlen(record.owner) > WEFT__UPLOAD_OWNER_MAX)
		return fail(ENAMETOOLONG);
	return weft__trash_record_make(trash_fd, &record, trashing->id);
}

/* What was looked at is what goes: rights below another folder are others. */
static bool is_same(const struct stat *a, const struct stat *b)
{
	if ((a->st_mode & S_IFMT) != (b->st_mode & S_IFMT))
		return false;
	return !S_ISDIR(a->st_mode) || (a->st_ino == b->st_ino && a->st_dev == b->st_dev);
}

static int rename_it(
	const struct trashing *trashing, const struct weft__store_place *place, int trash_fd)
{
	char name[WEFT__TRASH_NAME_SIZE];
	struct stat stat;

	if (find_there(trashing, place, &stat) < 0)
		return -1;
	if (!is_same(&stat, &trashing->seen))
		return fail(EBUSY);
	weft__trash_name(name, trashing->is_for_good ? 'd' : 't', trashing->id);
	if (weft__trash_rename(place->folder_fd, place->name, trash_fd, name) == 0)
		return 0;
	return weft__store_fail_at(place->folder_fd, place->name);
}

static int rename_locked(
	const struct trashing *trashing, const struct weft__store_place *place, int trash_fd)
{
	int result = weft__store_lock(place->folder_fd);

	if (result < 0)
		return -1;
	result = rename_it(trashing, place, trash_fd);
	weft__store_unlock(place->folder_fd);
	return result;
}

/* Between the two folders, which are open. */
static int move_between(
	struct trashing *trashing, const struct weft__store_place *place, int trash_fd)
{
	char name[WEFT__TRASH_NAME_SIZE];
	int info_fd = -1, result, code;

	if (!weft__store_is_same_mount(place->folder_fd, trash_fd))
		return fail(EXDEV);
	if (trashing->is_for_good)
		weft__upload_draw_id(trashing->id);
	else
		info_fd = make_record(trashing, trash_fd);
	if (!trashing->is_for_good && info_fd < 0)
		return -1;
	result = rename_locked(trashing, place, trash_fd);
	if (result < 0 && !trashing->is_for_good) {
		code = errno;
		weft__trash_info_name(name, trashing->id);
		unlinkat(trash_fd, name, 0);
		errno = code;
	}
	/* The new name is on the disk before the old one is gone for good. */
	if (result == 0)
		result = fsync(trash_fd);
	if (result == 0)
		result = fsync(place->folder_fd);
	return info_fd < 0 ? result : close_keep(info_fd, result);
}

static int move_there(void *arg)
{
	struct trashing *trashing = arg;
	struct weft__store_place place;
	int trash_fd, result;

	if (weft__store_find(&trashing->view.root, trashing->view.path, false, &place) < 0)
		return -1;
	trash_fd = weft__trash_open(trashing->files, true);
	if (trash_fd < 0)
		return close_keep(place.folder_fd, -1);
	result = close_keep(trash_fd, move_between(trashing, &place, trash_fd));
	return close_keep(place.folder_fd, result);
}

/* ---- The whole ----------------------------------------------------------------------------- */

static int move_out(struct trashing *trashing)
{
	if (weft__view_need(&trashing->view, WEFT_FILES_DELETE) < 0)
		return -1;
	if (!trashing->view.path[0])
		return fail(EBUSY);
	if (weft_offload_as(WEFT_OFFLOAD_FILE, look_there, trashing) < 0 ||
		look_below(trashing) < 0)
		return -1;
	return weft_offload_as(WEFT_OFFLOAD_FILE, move_there, trashing);
}

static int remove_by(struct trashing *trashing, const char *path)
{
	static const struct weft_files_remove_options none;
	int result;

	if (!trashing->options)
		trashing->options = &none;
	if (weft__view_make(&trashing->view, trashing->files, trashing->visitor, path) < 0)
		return -1;
	result = move_out(trashing);
	weft__view_leave(&trashing->view);
	return result;
}

int weft_files_trash(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *path, const struct weft_files_remove_options *options,
	char ret_id[WEFT_FILES_TRASH_ID_SIZE])
{
	struct trashing trashing = {.files = files, .visitor = visitor, .options = options};
	unsigned turn;
	int result;

	if (weft_files_trash_days(files) == 0)
		return fail(ENOTSUP);
	weft__trash_sweep_sometimes(files);
	turn = weft__change_begin(files);
	result = remove_by(&trashing, path);
	weft__change_end_move(files, turn, result);
	if (result < 0)
		return -1;
	if (ret_id)
		memcpy(ret_id, trashing.id, sizeof(trashing.id));
	return 0;
}

int weft_files_remove_all(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *path, const struct weft_files_remove_options *options)
{
	struct trashing trashing = {
		.files = files, .visitor = visitor, .options = options, .is_for_good = true};
	struct weft__trash_clearing clearing;
	unsigned turn = weft__change_begin(files);
	int result = remove_by(&trashing, path);

	weft__change_end_move(files, turn, result);
	if (result < 0)
		return -1;
	weft__trash_clearing_init(&clearing, files, visitor);
	if (weft__trash_clearing_add(&clearing, 'd', trashing.id) == 0)
		weft__trash_clear(&clearing);
	weft__trash_clearing_fini(&clearing);
	return 0;
}
