/*
 * usage.c - how much there is below a folder; and in all of it, by who stored it.
 *
 * Entry points: weft_files_usage(), weft_files_owners().
 *
 *	a thread: some folders are read; what is in them is counted
 *	the caller's fiber: then the next ones; in the end fn(owned) of each owner
 *
 * Memory is for the names of folders that are still to be read, and for owners.
 *
 * Never: into a symbolic link.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files/files.h"
#include "files/store.h"
#include "files/trash.h"
#include "files/upload.h"
#include "weft/map.h"
#include "weft/offload.h"

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- Folders ------------------------------------------------------------------------------- */

/* A folder that is still to be counted. */
struct pending {
	struct pending *next;
	char path[];
};

struct counting {
	struct weft__view view;
	struct pending *first;
	struct weft_files_usage usage;
	struct weft_map *owners; /* NULL: not asked for */
	bool keeps_owners;       /* the file system does, as far as has been seen */
	bool is_one_mount;       /* what is another is EXDEV */
};

static int push(struct counting *counting, const char *folder, const char *name)
{
	size_t size = strlen(folder) + strlen(name) + 2;
	struct pending *pending = malloc(sizeof(*pending) + size);

	if (!pending)
		return -1;
	snprintf(pending->path, size, "%s%s%s", folder, folder[0] ? "/" : "", name);
	pending->next = counting->first;
	counting->first = pending;
	return 0;
}

/* ---- Owners -------------------------------------------------------------------------------- */

struct owned {
	struct weft_files_owned told;
	char owner[WEFT__UPLOAD_OWNER_MAX + 1];
};

/* What has been counted of an owner; NULL: ENOMEM. */
static struct owned *owned_of(struct counting *counting, const char *owner)
{
	size_t len = strlen(owner);
	struct owned *owned = weft_map_get(counting->owners, owner, len);

	if (owned)
		return owned;
	owned = calloc(1, sizeof(*owned));
	if (!owned)
		return NULL;
	snprintf(owned->owner, sizeof(owned->owner), "%s", owner);
	owned->told.owner = owned->owner;
	if (weft_map_put(counting->owners, owned->owner, len, owned, NULL) == 0)
		return owned;
	free(owned);
	return NULL;
}

static int count_owner(
	struct counting *counting, int folder_fd, const char *name, const struct stat *stat)
{
	struct weft__owner owner = weft__owner_at(folder_fd, name);
	struct owned *owned;

	if (owner.is_told)
		counting->keeps_owners = true;
	owned = owned_of(counting, owner.text);
	if (!owned)
		return -1;
	owned->told.files++;
	owned->told.bytes += stat->st_size / (int64_t)(stat->st_nlink ? stat->st_nlink : 1);
	return 0;
}

static int count_upload(const struct weft__upload_found *found, void *arg)
{
	struct owned *owned = owned_of(arg, found->record->owner);

	if (!owned)
		return -1;
	owned->told.bytes += found->record->offset;
	owned->told.is_busy |= found->is_busy;
	return 0;
}

static void free_owners(struct weft_map *owners)
{
	const struct weft_map_entry *entry;
	size_t cursor = 0;
	int code = errno;

	while (owners && (entry = weft_map_next(owners, &cursor)))
		free(entry->value);
	weft_map_free(owners);
	errno = code;
}

static int tell_owners(struct weft_map *owners, weft_files_owned_fn *fn, void *arg)
{
	const struct weft_map_entry *entry;
	size_t cursor = 0;

	while ((entry = weft_map_next(owners, &cursor))) {
		const struct owned *owned = entry->value;

		if (fn(&owned->told, arg) < 0)
			return -1;
	}
	return 0;
}

/* ---- Counting ------------------------------------------------------------------------------ */

/* Of what is in the trash, which is nobody's; and copies that have no name yet, or were given up:
 * they were never counted. */
static bool is_uncounted(const char *folder, const char *name)
{
	const char *dot = strrchr(name, '.');

	if (strcmp(folder, WEFT__TRASH_FOLDER) != 0)
		return false;
	return (dot && strcmp(dot, ".info") == 0) || strncmp(name, "c-", 2) == 0 ||
	       strncmp(name, "x-", 2) == 0;
}

static int count_entry(struct counting *counting, const char *folder, DIR *dir, const char *name)
{
	struct stat stat;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || weft__store_is_own_name(name) ||
		is_uncounted(folder, name))
		return 0;
	/* It may be gone by now, or be nothing that this process may look at. */
	if (fstatat(dirfd(dir), name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT || errno == EACCES ? 0 : -1;
	if (S_ISREG(stat.st_mode)) {
		if (counting->is_one_mount && weft__store_is_mount(dirfd(dir), name))
			return fail(EXDEV);
		counting->usage.files++;
		counting->usage.bytes += stat.st_size;
		if (counting->owners && count_owner(counting, dirfd(dir), name, &stat) < 0)
			return -1;
	}
	if (!S_ISDIR(stat.st_mode))
		return 0;
	counting->usage.folders++;
	return push(counting, folder, name);
}

static int count_folder(struct counting *counting, const char *path)
{
	struct stat stat;
	int fd = weft__root_open(&counting->view.root, path, &stat), result = 0;
	DIR *dir;
	struct dirent *entry;
	int code;

	if (fd >= 0 && counting->is_one_mount &&
		!weft__store_is_same_mount(fd, counting->view.files->root.fd)) {
		close(fd);
		return fail(EXDEV);
	}
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		if (fd >= 0)
			close(fd);
		/* One that is gone by now, or was a link all the time, has nothing in it. */
		return fd < 0 && (errno == ENOENT || errno == ELOOP) ? 0 : -1;
	}
	while (result == 0) {
		errno = 0; /* readdir(3) leaves it so at the end */
		entry = readdir(dir);
		if (!entry)
			break;
		result = count_entry(counting, path, dir, entry->d_name);
	}
	code = errno;
	closedir(dir);
	errno = code;
	return result < 0 || code ? -1 : 0;
}

/* So many folders, and then there is a look at the caller's deadline. */
#define FOLDERS_AT_ONCE 64

static int count_some(void *arg)
{
	struct counting *counting = arg;

	for (int i = 0; counting->first && i < FOLDERS_AT_ONCE; i++) {
		struct pending *pending = counting->first;
		int result;

		counting->first = pending->next;
		result = count_folder(counting, pending->path);
		free(pending);
		if (result < 0)
			return -1;
	}
	return 0;
}

static int begin_count(void *arg)
{
	struct counting *counting = arg;
	struct stat stat;

	if (weft__view_enter(&counting->view) < 0)
		return -1;
	counting->view.root.links = WEFT__LINKS_NONE;
	if (weft__root_stat(&counting->view.root, counting->view.path, &stat) < 0)
		return -1;
	if (!S_ISDIR(stat.st_mode))
		return fail(ENOTDIR);
	return push(counting, "", counting->view.path);
}

static int count_pending(struct counting *counting)
{
	int result = 0;

	while (result == 0 && counting->first)
		result = weft_offload_as(WEFT_OFFLOAD_FILE, count_some, counting);
	return result;
}

static int count_folders(struct counting *counting)
{
	int result = weft_offload_as(WEFT_OFFLOAD_FILE, begin_count, counting);

	return result == 0 ? count_pending(counting) : -1;
}

static void end_count(struct counting *counting)
{
	while (counting->first) {
		struct pending *pending = counting->first;

		counting->first = pending->next;
		free(pending);
	}
	weft__view_leave(&counting->view);
}

/* ---- Usage --------------------------------------------------------------------------------- */

static int count_all(struct counting *counting, const struct weft_files_visitor *visitor)
{
	int result;

	if (weft__view_need(&counting->view, WEFT_FILES_LIST) < 0)
		return -1;
	if (counting->view.is_hidden)
		return fail(ENOENT);
	result = count_folders(counting);
	if (result == 0)
		result = weft__uploads_count(&counting->view, visitor, &counting->usage.bytes);
	return result;
}

int weft_files_usage(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *path, struct weft_files_usage *ret_usage)
{
	struct counting counting = {.first = NULL};
	int result;

	if (weft__view_make(&counting.view, files, visitor, path) < 0)
		return -1;
	result = count_all(&counting, visitor);
	end_count(&counting);
	if (result == 0)
		*ret_usage = counting.usage;
	return result;
}

int weft__usage_below(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *path, struct weft_files_usage *ret_usage)
{
	struct counting counting = {.is_one_mount = true};
	int result;

	if (weft__view_make(&counting.view, files, visitor, path) < 0)
		return -1;
	result = count_folders(&counting);
	end_count(&counting);
	if (result == 0)
		*ret_usage = counting.usage;
	return result;
}

/* ---- Whose it is --------------------------------------------------------------------------- */

/* What is in the trash is its owners' as well, as long as it is there. */
static int count_owners(struct counting *counting)
{
	if (count_folders(counting) < 0 || push(counting, "", WEFT__TRASH_FOLDER) < 0 ||
		count_pending(counting) < 0)
		return -1;
	/* Of an empty folder nothing has to be known. */
	if (counting->usage.files > 0 && !counting->keeps_owners)
		return fail(ENOTSUP);
	return weft__uploads_each(counting->view.files, count_upload, counting);
}

/* And all that was under way is charged. */
static int count_settled(struct counting *counting, struct weft_files *files)
{
	uint64_t moves = atomic_load(&files->changes.moves);
	int result;

	if (count_owners(counting) < 0 || weft_lock_acquire(&files->changes.counting) < 0)
		return -1;
	result = weft__changes_wait(files);
	weft_lock_release(&files->changes.counting);
	if (result == 0 && atomic_load(&files->changes.moves) != moves)
		result = fail(EAGAIN);
	return result;
}

int weft_files_owners(struct weft_files *files, weft_files_owned_fn *fn, void *arg)
{
	static const struct weft_files_visitor anybody = {.rights = WEFT_FILES_ALL};
	struct counting counting = {.owners = weft_map_new(NULL)};
	int result = -1;

	if (!counting.owners)
		return -1;
	if (weft__view_make(&counting.view, files, &anybody, "") == 0) {
		result = count_settled(&counting, files);
		end_count(&counting);
	}
	if (result == 0)
		result = tell_owners(counting.owners, fn, arg);
	free_owners(counting.owners);
	return result;
}
