/*
 * list.c - the names in a folder, a block at a time.
 *
 * Entry point: weft_files_list().
 *
 *	a thread: getdents64 into a block, a look at each name
 *	the caller's fiber: fn(entry) of each; then the next block
 *
 * The first block is small, so that the first names are there at once.
 *
 * Never: more than one block in memory, however many names there are.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "files/files.h"
#include "weft/offload.h"

#define FIRST_BLOCK 1024
#define BLOCK       8192

/** The shortest entry of getdents64(2): the head, a name of one byte, its end, padded. */
#define ENTRY_MIN 24

/* One name of a block, and what is known of it. */
struct seen {
	const char *name;
	struct stat stat;
	bool is_link;
};

struct listing {
	struct weft__view view;
	int fd;
	size_t size; /* of the next block */
	long len;    /* of this one; 0: the end */
	int code;    /* why a name can't be told, though it is there; 0: all can */
	size_t count;
	struct seen seen[BLOCK / ENTRY_MIN];
	char block[BLOCK] __attribute__((aligned(8)));
};

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- On a thread ------------------------------------------------------------------------ */

/* What a link leads to, if it is followed. */
static bool follow(const struct listing *listing, const char *name, struct stat *ret_stat)
{
	const char *folder = listing->view.path;
	char *path = NULL;
	int result = -1;

	if (listing->view.root.links == WEFT__LINKS_NONE)
		return false;
	if (asprintf(&path, "%s%s%s", folder, folder[0] ? "/" : "", name) >= 0)
		result = weft__root_stat(&listing->view.root, path, ret_stat);
	free(path);
	return result == 0;
}

/* Whether a name is told, and what of it. */
static bool see(struct listing *listing, struct seen *seen)
{
	if (!weft__files_is_shown(listing->view.files, seen->name))
		return false;
	if (fstatat(listing->fd, seen->name, &seen->stat, AT_SYMLINK_NOFOLLOW) < 0) {
		/* Gone by now, or not for this process; else the disk has failed. */
		if (errno != ENOENT && errno != EACCES)
			listing->code = errno;
		return false;
	}
	seen->is_link = S_ISLNK(seen->stat.st_mode);
	if (seen->is_link)
		return follow(listing, seen->name, &seen->stat);
	return S_ISREG(seen->stat.st_mode) || S_ISDIR(seen->stat.st_mode);
}

static int read_block(void *arg)
{
	struct listing *listing = arg;

	listing->count = 0;
	listing->len = syscall(SYS_getdents64, listing->fd, listing->block, listing->size);
	listing->size = BLOCK;
	for (long at = 0; at < listing->len;) {
		const struct dirent64 *entry = (const void *)(listing->block + at);
		struct seen *seen = &listing->seen[listing->count];

		seen->name = entry->d_name;
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			listing->count += see(listing, seen);
		at += entry->d_reclen;
	}
	return listing->len < 0 ? -1 : 0;
}

static int begin_list(void *arg)
{
	struct listing *listing = arg;
	struct stat stat;

	if (weft__view_enter(&listing->view) < 0)
		return -1;
	listing->fd = weft__root_open(&listing->view.root, listing->view.path, &stat);
	if (listing->fd < 0)
		return -1;
	return S_ISDIR(stat.st_mode) ? read_block(listing) : fail(ENOTDIR);
}

/* ---- Lists ------------------------------------------------------------------------------- */

static int tell_block(const struct listing *listing, weft_files_list_fn *fn, void *arg)
{
	for (size_t i = 0; i < listing->count; i++) {
		const struct seen *seen = &listing->seen[i];
		const struct weft_files_entry entry = {
			.name = seen->name, .stat = seen->stat, .is_link = seen->is_link};

		if (fn(&entry, arg) < 0)
			return -1;
	}
	return 0;
}

static int list(struct listing *listing, weft_files_list_fn *fn, void *arg)
{
	int result;

	if (weft__view_need(&listing->view, WEFT_FILES_LIST) < 0)
		return -1;
	if (listing->view.is_hidden)
		return fail(ENOENT);
	result = weft_offload_as(WEFT_OFFLOAD_FILE, begin_list, listing);
	while (result == 0 && listing->len > 0) {
		result = tell_block(listing, fn, arg);
		if (result == 0)
			result = weft_offload_as(WEFT_OFFLOAD_FILE, read_block, listing);
	}
	return result == 0 && listing->code ? fail(listing->code) : result;
}

int weft_files_list(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *path, weft_files_list_fn *fn, void *arg)
{
	struct listing *listing = calloc(1, sizeof(*listing));
	int result = -1, code;

	if (!listing)
		return -1;
	listing->fd = -1;
	listing->size = FIRST_BLOCK;
	if (weft__view_make(&listing->view, files, visitor, path) == 0) {
		result = list(listing, fn, arg);
		weft__view_leave(&listing->view);
	}
	code = errno;
	if (listing->fd >= 0)
		close(listing->fd);
	free(listing);
	errno = code;
	return result;
}
