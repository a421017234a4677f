/*
 * trash_restore.c - what is in the trash is taken out again, or goes for good (trash.h).
 *
 * Entry points: weft_files_trash_restore(), weft_files_trash_remove(), weft_files_trash_empty().
 *
 *	a thread: the record is locked and read
 *	the caller's fiber: hers? rights where it goes, at each name below, too; what would come
 *		to light by it
 *	a thread: one rename; and where a folder is gone, that is made again, and the rename is
 *		tried once more
 *
 * Never: anything over what is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files/carry.h"
#include "files/store.h"
#include "files/trash.h"
#include "files/walk.h"
#include "weft/offload.h"
#include "weft/scope.h"

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- One of hers ---------------------------------------------------------------------------- */

/* One that is locked. */
struct item {
	struct weft_files *files;
	const struct weft_files_visitor *visitor;
	const char *id;
	int trash_fd, info_fd;
	struct weft__upload_record record;
};

static int open_there(void *arg)
{
	struct item *item = arg;
	int code;

	item->trash_fd = weft__trash_open(item->files, false);
	if (item->trash_fd < 0)
		return -1;
	item->info_fd = weft__trash_lock(item->trash_fd, item->id, &item->record);
	if (item->info_fd >= 0)
		return 0;
	code = errno == EBADMSG ? ENOENT : errno;
	close(item->trash_fd);
	return fail(code);
}

static void close_item(struct item *item)
{
	int code = errno;

	close(item->info_fd);
	close(item->trash_fd);
	weft__upload_record_fini(&item->record);
	errno = code;
}

/* By its id a stranger's is whoever's that knows it; who has a name has a list. */
static bool is_known(const struct item *item)
{
	const struct weft_files_visitor *visitor = item->visitor;
	bool are_strangers = !item->record.owner[0] && !weft__visitor_owner(visitor)[0];

	return weft__trash_path(visitor, &item->record) &&
	       (are_strangers || weft__trash_is_seen(visitor, &item->record));
}

static int open_item(struct item *item, struct weft_files *files,
	const struct weft_files_visitor *visitor, const char *id)
{
	*item = (struct item){.files = files, .visitor = visitor, .id = id};
	if (!weft__trash_is_id(id))
		return fail(ENOENT);
	if (weft_offload_as(WEFT_OFFLOAD_FILE, open_there, item) < 0)
		return -1;
	if (is_known(item))
		return 0;
	close_item(item);
	return fail(ENOENT);
}

/* ---- Folders that are gone --------------------------------------------------------------------
 */

static int look_there(void *arg)
{
	struct weft__view *view = arg;
	struct stat stat;

	if (weft__view_enter(view) < 0)
		return -1;
	return weft__root_stat(&view->root, view->path, &stat);
}

/* 1: it was made; 0: it was there; -1. */
static int make_folder(const struct item *item, const char *path)
{
	struct weft__view view;
	int result;

	if (weft__view_make(&view, item->files, item->visitor, path) < 0)
		return -1;
	result = weft_offload_as(WEFT_OFFLOAD_FILE, look_there, &view);
	weft__view_leave(&view);
	if (result == 0 || errno != ENOENT)
		return result;
	if (weft_files_mkdir(item->files, item->visitor, path) == 0)
		return 1;
	return errno == EEXIST ? 0 : -1;
}

/* Those that this has made go again, the last first, where nobody has put something into them. */
static void take_back_folders(const struct item *item, char *path, size_t made)
{
	const struct weft_files_visitor host = {
		.home = item->visitor->home, .rights = WEFT_FILES_ALL};
	const struct weft_files_remove_options options = {.only_folders = true};
	int code = errno;

	for (; made > 0; made--) {
		char *slash = strrchr(path, '/');

		if (!slash)
			break;
		*slash = '\0';
		WEFT_SHIELDED
			weft_files_remove(item->files, &host, path, &options);
	}
	errno = code;
}

/* The folders above path; *ret_made is how many were made, which are the last of them. */
static int make_folders(const struct item *item, char *path, size_t *ret_made)
{
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		int made;

		*slash = '\0';
		made = make_folder(item, path);
		*slash = '/';
		if (made < 0)
			return -1;
		*ret_made = made ? *ret_made + 1 : 0;
	}
	return 0;
}

/* ---- Rights at what is below -------------------------------------------------------------------
 */

/* Of each name in a folder: where it was, and where it goes. */
struct light {
	const struct item *item;
	const char *to;  /* NULL: nowhere */
	unsigned rights; /* needed at where it was */
};

static int need_at(const struct light *light, const char *folder, const char *name, unsigned rights)
{
	char *path = NULL;
	unsigned found;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return fail(ENOMEM);
	found = weft__visitor_rights(light->item->visitor, path);
	free(path);
	return (found & rights) == rights ? 0 : fail(EACCES);
}

static int check_light_of(const struct weft__walk_entry *entry, void *arg)
{
	const struct light *light = arg;

	if (need_at(light, light->item->record.path, entry->path, light->rights) < 0)
		return -1;
	return light->to ? need_at(light, light->to, entry->path, WEFT_FILES_WRITE) : 0;
}

static int open_thing(void *arg)
{
	const struct item *item = arg;
	char name[WEFT__TRASH_NAME_SIZE];

	weft__trash_name(name, 't', item->id);
	return openat(item->trash_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int check_below(struct light *light)
{
	static const struct weft_files_visitor anybody = {.rights = WEFT_FILES_ALL};
	const struct item *item = light->item;
	struct weft__walk walk = {
		.visitor = &anybody, .path = "", .fn = check_light_of, .arg = light};
	int fd, result;

	if (!item->visitor->rights_at)
		return 0;
	fd = weft_offload_as(WEFT_OFFLOAD_FILE, open_thing, (void *)(uintptr_t)item);
	if (fd < 0)
		return errno == ENOTDIR || errno == ELOOP ? 0 : -1;
	walk.files = weft__files_viewer_at(fd, &item->files->options);
	if (!walk.files)
		return -1;
	result = weft__walk(&walk);
	weft_files_free(walk.files);
	return result;
}

/* As a move does: it comes under the rights of where it goes. */
static int check_light(const struct item *item, const struct weft__view *to)
{
	struct light light = {.item = item, .to = to->whole};

	if (!item->visitor->rights_at)
		return 0;
	if (strcmp(to->whole, item->record.path) != 0) {
		light.rights = weft__visitor_rights(item->visitor, item->record.path);
		if (to->rights & ~light.rights & (WEFT_FILES_READ | WEFT_FILES_LIST))
			return fail(EACCES);
	}
	return check_below(&light);
}

/* ---- Restoring ---------------------------------------------------------------------------------
 */

struct restoring {
	struct item item;
	struct weft__view to;
	bool is_done; /* it has its name, maybe not on the disk */
};

struct turn {
	struct restoring *restoring;
	char **ret_path;
};

static int restore_to(struct restoring *restoring, const struct weft__store_place *place)
{
	const struct item *item = &restoring->item;
	char from[WEFT__TRASH_NAME_SIZE], info[WEFT__TRASH_NAME_SIZE];
	int result = weft__store_lock(place->folder_fd);

	if (result < 0)
		return -1;
	weft__trash_name(from, 't', item->id);
	result = weft__trash_rename(item->trash_fd, from, place->folder_fd, place->name);
	weft__store_unlock(place->folder_fd);
	restoring->is_done = result == 0;
	if (result < 0 || fsync(place->folder_fd) < 0)
		return -1;
	weft__trash_info_name(info, item->id);
	unlinkat(item->trash_fd, info, 0);
	return fsync(item->trash_fd);
}

static int restore_there(void *arg)
{
	struct restoring *restoring = arg;
	struct weft__store_place place;
	int result, code;

	if (restoring->to.root.fd < 0 && weft__view_enter(&restoring->to) < 0)
		return -1;
	if (weft__store_find(&restoring->to.root, restoring->to.path, true, &place) < 0)
		return -1;
	result = restore_to(restoring, &place);
	code = errno;
	close(place.folder_fd);
	errno = code;
	return result;
}

static int restore_with_folders(struct restoring *restoring)
{
	char *path = strdup(restoring->to.path);
	size_t made = 0;
	int result = path ? make_folders(&restoring->item, path, &made) : -1;

	if (result == 0)
		result = weft_offload_as(WEFT_OFFLOAD_FILE, restore_there, restoring);
	if (result < 0 && path)
		take_back_folders(&restoring->item, path, made);
	free(path);
	return result;
}

/* Elsewhere than it was, what stood for it there goes along, and stays: another may be there. */
static int restore_carried(struct restoring *restoring)
{
	const struct item *item = &restoring->item;
	const struct weft_files_carry what = {.visitor = item->visitor,
		.from = item->record.path,
		.to = restoring->to.whole,
		.is_copy = true};
	struct weft__carry carry;
	int result;

	if (weft__carry_begin(&carry, &what, item->files) < 0)
		return -1;
	result = weft_offload_as(WEFT_OFFLOAD_FILE, restore_there, restoring);
	if (result < 0 && errno == ENOENT)
		result = restore_with_folders(restoring);
	weft__carry_end(&carry, result, restoring->is_done);
	return result;
}

static int restore_within_rights(struct restoring *restoring)
{
	if (weft__view_need(&restoring->to, WEFT_FILES_WRITE) < 0)
		return -1;
	if (!restoring->to.path[0])
		return fail(EBUSY); /* not EEXIST: no other name would do */
	if (check_light(&restoring->item, &restoring->to) < 0)
		return -1;
	return restore_carried(restoring);
}

/* By one name; in *ret_path is where it is now, in the visitor's home. */
static int restore_as(struct restoring *restoring, const char *to, char **ret_path)
{
	const struct item *item = &restoring->item;
	int result;

	if (weft__view_make(&restoring->to, item->files, item->visitor, to) < 0)
		return -1;
	result = restore_within_rights(restoring);
	if (result == 0 && ret_path)
		*ret_path = strdup(restoring->to.path); /* NULL: it is done all the same */
	weft__view_leave(&restoring->to);
	return result;
}

/* A weft__files_move_fn: rights are asked for at each name that is tried. */
static int restore_by_turn(struct weft_files *files, const struct weft_files_visitor *visitor,
	const struct weft_files_move *move, struct weft_files_moved *ret_moved)
{
	struct turn *turn = move->arg;

	(void)files;
	(void)visitor;
	*ret_moved = (struct weft_files_moved){.has_source = true};
	return restore_as(turn->restoring, move->to, turn->ret_path);
}

int weft_files_trash_restore(struct weft_files *files, const struct weft_files_visitor *visitor,
	const struct weft_files_restore *restore, char **ret_path)
{
	struct restoring restoring = {.is_done = false};
	struct turn turn = {&restoring, ret_path};
	struct weft_files_move move = {
		.to = restore->to, .is_unique = restore->is_unique, .arg = &turn};
	unsigned change;
	int result;

	if (open_item(&restoring.item, files, visitor, restore->id) < 0)
		return -1;
	if (!move.to)
		move.to = weft__trash_path(visitor, &restoring.item.record);
	change = weft__change_begin(files);
	result = weft__name_by_turns(restore_by_turn, files, visitor, &move, NULL);
	weft__change_end_move(files, change, result);
	close_item(&restoring.item);
	return result;
}

/* ---- For good
 * ------------------------------------------------------------------------------------ */

static int doom_there(void *arg)
{
	const struct item *item = arg;

	return weft__trash_doom(item->trash_fd, item->id);
}

/* It is nobody's any more, and to be cleared. */
static int doom(struct item *item, struct weft__trash_clearing *clearing)
{
	struct light light = {.item = item, .rights = WEFT_FILES_DELETE};
	int result;

	if (!(weft__visitor_rights(item->visitor, item->record.path) & WEFT_FILES_DELETE))
		return fail(EACCES);
	/* Somebody else may have put it here, who may more below it. */
	if (check_below(&light) < 0)
		return -1;
	result = weft_offload_as(WEFT_OFFLOAD_FILE, doom_there, item);
	if (result == 0)
		weft__trash_clearing_add(clearing, 'd', item->id); /* else the next sweep's */
	return result;
}

int weft_files_trash_remove(
	struct weft_files *files, const struct weft_files_visitor *visitor, const char *id)
{
	struct weft__trash_clearing clearing;
	struct item item;
	unsigned turn;
	int result;

	if (open_item(&item, files, visitor, id) < 0)
		return -1;
	weft__trash_clearing_init(&clearing, files, visitor);
	turn = weft__change_begin(files);
	result = doom(&item, &clearing);
	weft__change_end_move(files, turn, result);
	close_item(&item);
	if (result == 0)
		weft__trash_clear(&clearing);
	weft__trash_clearing_fini(&clearing);
	return result;
}

/* So many at a time: a list is of so many. */
struct emptying {
	struct weft_vec ids;
	bool is_stranger;
};

static int note_own(const struct weft_files_trashed *trashed, void *arg)
{
	struct emptying *emptying = arg;

	/* A stranger's list is of what she may manage. */
	bool is_own = trashed->is_mine || (emptying->is_stranger && !trashed->by[0]);

	return is_own ? weft_vec_push(&emptying->ids, trashed->id) : 0;
}

/* Of those that are not there any more, or that somebody is at, nothing is said. */
static int remove_noted(struct weft_files *files, const struct weft_files_visitor *visitor,
	const struct emptying *emptying, size_t *ret_removed)
{
	int code = 0;

	for (size_t i = 0; i < weft_vec_len(&emptying->ids); i++) {
		if (weft_files_trash_remove(files, visitor, weft_vec_at(&emptying->ids, i)) == 0)
			++*ret_removed;
		else if (errno != ENOENT && errno != EBUSY && !code)
			code = errno;
		if (code == ECANCELED || code == ETIMEDOUT)
			break;
	}
	return code ? fail(code) : 0;
}

int weft_files_trash_empty(struct weft_files *files, const struct weft_files_visitor *visitor)
{
	size_t removed = 1;
	int more = 1, code;

	while (more > 0 && removed > 0) {
		struct emptying emptying = {.is_stranger = !weft__visitor_owner(visitor)[0]};

		removed = 0;
		weft_vec_init(&emptying.ids, WEFT_FILES_TRASH_ID_SIZE);
		more = weft_files_trash_list(files, visitor, note_own, &emptying);
		if (more >= 0 && remove_noted(files, visitor, &emptying, &removed) < 0)
			more = -1;
		code = errno;
		weft_vec_fini(&emptying.ids);
		errno = code;
	}
	return more < 0 ? -1 : 0;
}
