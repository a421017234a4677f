/*
 * estate.c - the files that one person has stored, wherever they are: into the trash, or another's
 * (weft/files.h).
 *
 * Entry point: weft_files_settle_estate().
 *
 *	what the visitor sees, one by one -> is it hers? -> the trash
 *	                                                 -> quota -> the attribute -> on the disk
 *	her unfinished uploads, which nobody else sees --> gone for good
 *
 * Killed, it has done a part, and can be begun again: what is another's by then is passed over.
 *
 * Never: a file that its visitor may not remove, or that is not that person's at this moment.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files/files.h"
#include "files/owner.h"
#include "files/store.h"
#include "files/upload.h"
#include "files/walk.h"
#include "weft/files_trash.h"
#include "weft/offload.h"
#include "weft/scope.h"

static int fail(int code)
{
	errno = code;
	return -1;
}

struct settling {
	struct weft_files *files;
	const struct weft_files_visitor *visitor;
	const struct weft_files_estate *estate;
	struct weft_files_estate_done *done;
	bool keeps_owners; /* the file system does, as far as has been seen */
	size_t seen;
};

/* One file on its way. */
struct thing {
	const struct settling *settling;
	struct weft__view view;
	struct stat stat;
	bool is_hers, is_told;
};

/* ---- There ----------------------------------------------------------------------------------- */

static int close_keep(int fd, int result)
{
	int code = errno;

	close(fd);
	errno = code;
	return result;
}

/* Of what has the name now; a file that is there by another name as well counts for no bytes. */
static int look_at(struct thing *thing, const struct weft__store_place *place)
{
	const struct weft__owner owner = weft__owner_at(place->folder_fd, place->name);
	int is_there = weft__store_look(place, &thing->stat);

	if (is_there < 0)
		return -1;
	thing->is_told = owner.is_told;
	thing->is_hers = is_there && S_ISREG(thing->stat.st_mode) && owner.is_told &&
			 strcmp(owner.text, thing->settling->estate->owner) == 0;
	return 0;
}

static int look_there(void *arg)
{
	struct thing *thing = arg;
	struct weft__store_place place;

	if (weft__view_enter(&thing->view) < 0 ||
		weft__store_find(&thing->view.root, thing->view.path, false, &place) < 0)
		return -1;
	return close_keep(place.folder_fd, look_at(thing, &place));
}

/* The folder is locked: what has the name keeps it. */
static int give_at(const struct thing *thing, const struct weft__store_place *place)
{
	struct stat stat;
	int fd = openat(place->folder_fd, place->name,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int result;

	if (fd < 0)
		return -1;
	result = fstat(fd, &stat);
	if (result == 0 &&
		(stat.st_ino != thing->stat.st_ino || stat.st_dev != thing->stat.st_dev ||
			stat.st_size != thing->stat.st_size))
		result = fail(EBUSY);
	if (result == 0)
		result = weft__owner_change(
			fd, thing->settling->estate->owner, thing->settling->estate->heir);
	if (result == 0)
		result = fsync(fd);
	return close_keep(fd, result);
}

static int give_there(void *arg)
{
	const struct thing *thing = arg;
	struct weft__store_place place;
	int result;

	if (weft__store_find(&thing->view.root, thing->view.path, false, &place) < 0)
		return -1;
	result = weft__store_lock(place.folder_fd);
	if (result == 0) {
		result = give_at(thing, &place);
		weft__store_unlock(place.folder_fd);
	}
	return close_keep(place.folder_fd, result);
}

/* ---- One file -------------------------------------------------------------------------------- */

static int64_t bytes_of(const struct thing *thing)
{
	return thing->stat.st_nlink == 1 ? thing->stat.st_size : 0;
}

static int pass(const struct thing *thing, int64_t bytes)
{
	const struct weft_files_estate *estate = thing->settling->estate;

	return bytes != 0 && estate->pass ? estate->pass(estate->arg, bytes) : 0;
}

static int give_charged(struct thing *thing)
{
	int code;

	if (pass(thing, bytes_of(thing)) < 0)
		return -1;
	if (weft_offload_as(WEFT_OFFLOAD_FILE, give_there, thing) == 0)
		return 0;
	code = errno;
	WEFT_SHIELDED
		pass(thing, -bytes_of(thing));
	return fail(code);
}

static int give(struct thing *thing)
{
	struct weft_files *files = thing->settling->files;
	unsigned turn = weft__change_begin(files);
	int result = give_charged(thing);

	weft__change_end(files, turn);
	return result;
}

/* A judge of weft_files_trash(): 0, or EBUSY: it is another by now. */
static int is_still(const struct stat *stat, void *arg)
{
	const struct thing *thing = arg;

	return stat && stat->st_ino == thing->stat.st_ino && stat->st_dev == thing->stat.st_dev
		       ? 0
		       : EBUSY;
}

static int put_away(struct thing *thing, const char *path)
{
	const struct weft_files_remove_options options = {
		.only_files = true, .judge = is_still, .arg = thing};
	const struct settling *settling = thing->settling;

	if (settling->estate->heir)
		return give(thing);
	return weft_files_trash(settling->files, settling->visitor, path, &options, NULL);
}

/* Whether all of it ends by that. */
static bool ends_all(int code)
{
	return code == ECANCELED || code == ETIMEDOUT || code == EDQUOT || code == ENOTSUP ||
	       code == ENOSPC || code == EROFS || code == ENOMEM;
}

static int take_hers(struct settling *settling, struct thing *thing, const char *path)
{
	int result = weft__view_need(&thing->view, WEFT_FILES_DELETE);

	if (result == 0)
		result = put_away(thing, path);
	if (result == 0) {
		settling->done->files++;
		settling->done->bytes += bytes_of(thing);
		return 0;
	}
	if (ends_all(errno))
		return -1;
	settling->done->left += errno != ENOENT;
	return 0;
}

static int take_entry(const struct weft__walk_entry *entry, void *arg)
{
	struct settling *settling = arg;
	struct thing thing = {.settling = settling};
	int result;

	if (entry->is_link || !S_ISREG(entry->stat.st_mode))
		return 0;
	if (weft__view_make(&thing.view, settling->files, settling->visitor, entry->path) < 0)
		return -1;
	result = weft_offload_as(WEFT_OFFLOAD_FILE, look_there, &thing);
	if (result < 0 && !ends_all(errno))
		result = 0; /* gone, or not to be looked at: not known to be hers */
	settling->seen++;
	settling->keeps_owners |= thing.is_told;
	if (result == 0 && thing.is_hers)
		result = take_hers(settling, &thing, entry->path);
	weft__view_leave(&thing.view);
	return result;
}

/* ---- Uploads --------------------------------------------------------------------------------- */

struct ending {
	struct settling *settling;
	int folder_fd;
	int64_t freed;
};

/* Nobody but her could see it, or go on with it. */
static int end_upload(const struct weft__upload_found *found, void *arg)
{
	struct ending *ending = arg;
	struct weft_files_estate_done *done = ending->settling->done;
	int fd;

	if (strcmp(found->record->owner, ending->settling->estate->owner) != 0)
		return 0;
	fd = weft__upload_lock(ending->folder_fd, found->id);
	if (fd < 0) {
		done->left += errno == EBUSY;
		return 0;
	}
	if (weft__upload_unlink(ending->folder_fd, found->id) == 0) {
		done->uploads++;
		ending->freed += found->record->offset;
	} else {
		done->left++;
	}
	return close_keep(fd, 0);
}

static int open_uploads(void *arg)
{
	struct ending *ending = arg;

	ending->folder_fd = weft__uploads_open_folder(ending->settling->files, false);
	return ending->folder_fd >= 0 || errno == ENOENT ? 0 : -1;
}

/* What has come of them goes for good, and counts no more. */
static int end_uploads(struct settling *settling)
{
	struct ending ending = {.settling = settling, .folder_fd = -1};
	const struct weft_files_options *options = &settling->files->options;
	unsigned turn = weft__change_begin(settling->files);
	int result = weft_offload_as(WEFT_OFFLOAD_FILE, open_uploads, &ending);

	if (result == 0 && ending.folder_fd >= 0)
		result = weft__uploads_each(settling->files, end_upload, &ending);
	if (ending.folder_fd >= 0)
		close_keep(ending.folder_fd, 0);
	if (ending.freed > 0 && options->freed)
		options->freed(options->arg, settling->estate->owner, ending.freed);
	weft__change_end(settling->files, turn);
	return result;
}

/* ---- All of them ----------------------------------------------------------------------------- */

int weft_files_settle_estate(struct weft_files *files, const struct weft_files_visitor *visitor,
	const struct weft_files_estate *estate, struct weft_files_estate_done *ret_done)
{
	struct settling settling = {
		.files = files, .visitor = visitor, .estate = estate, .done = ret_done};
	const struct weft__walk walk = {files, visitor, "", take_entry, &settling};

	*ret_done = (struct weft_files_estate_done){.files = 0};
	if (!estate->owner || !*estate->owner ||
		(estate->heir && (!*estate->heir || strlen(estate->heir) >= WEFT_FILES_OWNER_SIZE)))
		return fail(EINVAL);
	if (!estate->heir && weft_files_trash_days(files) == 0)
		return fail(ENOTSUP);
	if (weft__walk(&walk) < 0 || end_uploads(&settling) < 0)
		return -1;
	/* Of an empty folder nothing has to be known. */
	return settling.seen > 0 && !settling.keeps_owners ? fail(ENOTSUP) : 0;
}
