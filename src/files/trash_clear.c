/*
 * trash_clear.c - what goes for good, piece by piece (trash.h).
 *
 * Entry point: weft__trash_clear().
 *
 *	a thread: some names of a folder are removed; a folder among them that is not empty moves up
 *		to be one of those that are to be cleared itself
 *	the caller's fiber: owners are credited; then the next ones
 *
 * So nothing recurses, and a kill in between leaves what the next sweep finds.
 *
 * Never: into another mount, or through a link.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "files/store.h"
#include "files/trash.h"
#include "weft/offload.h"

/** Names that are removed before owners are credited, and the caller's deadline is looked at. */
#define AT_ONCE 64

/** Folders that wait for their turn in memory; those beyond wait for the next sweep. */
#define NAMES_MAX 100000

/* A piece of the work, on a thread. */
struct piece {
	struct weft__trash_clearing *clearing;
	int trash_fd;
	unsigned left; /* names */
	char kind;     /* of what is being cleared */
	size_t gone_count;
	struct weft__gone gone[AT_ONCE];
};

void weft__trash_clearing_init(struct weft__trash_clearing *clearing, struct weft_files *files,
	const struct weft_files_visitor *visitor)
{
	*clearing =
		(struct weft__trash_clearing){.files = files, .visitor = visitor, .left = UINT_MAX};
	weft_vec_init(&clearing->names, WEFT__TRASH_NAME_SIZE);
}

void weft__trash_clearing_fini(struct weft__trash_clearing *clearing)
{
	int code = errno;

	weft_vec_fini(&clearing->names);
	errno = code;
}

static int add_name(struct weft__trash_clearing *clearing, const char *name)
{
	char *slot = weft_vec_len(&clearing->names) < NAMES_MAX
			     ? weft_vec_push_slot(&clearing->names)
			     : NULL;

	if (!slot)
		return -1;
	strncpy(slot, name, WEFT__TRASH_NAME_SIZE - 1);
	slot[WEFT__TRASH_NAME_SIZE - 1] = '\0';
	return 0;
}

int weft__trash_clearing_add(struct weft__trash_clearing *clearing, char kind, const char *id)
{
	char name[WEFT__TRASH_NAME_SIZE];

	weft__trash_name(name, kind, id);
	return add_name(clearing, name);
}

/* ---- Names ---------------------------------------------------------------------------------- */

static int remove_file(struct piece *piece, int fd, const char *name, const struct stat *stat)
{
	struct weft__gone gone = weft__gone_at(fd, name, stat, true);

	if (unlinkat(fd, name, 0) < 0)
		return -1;
	if (gone.bytes > 0 && piece->kind == 'd')
		piece->gone[piece->gone_count++] = gone;
	return 0;
}

/* Whoever wanted it read-only, wanted it to go later. */
static void make_writable(int fd, const char *name, const struct stat *stat)
{
	/* A folder: no link. Where it can't be, clearing it says why. */
	if ((stat->st_mode & 0700) != 0700 && fchmodat(fd, name, 0700, 0) < 0)
		return;
}

/* One that is not empty is to be cleared by itself. */
static int remove_folder(struct piece *piece, int fd, const char *name, const struct stat *stat)
{
	char id[WEFT_FILES_TRASH_ID_SIZE], up[WEFT__TRASH_NAME_SIZE];

	if (unlinkat(fd, name, AT_REMOVEDIR) == 0)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return -1;
	make_writable(fd, name, stat); /* its ".." changes */
	weft__upload_draw_id(id);
	weft__trash_name(up, piece->kind, id);
	if (weft__trash_rename(fd, name, piece->trash_fd, up) < 0)
		return -1;
	add_name(piece->clearing, up);
	return 0;
}

static int remove_name(struct piece *piece, int fd, const char *name)
{
	struct stat stat;

	if (fstatat(fd, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	return S_ISDIR(stat.st_mode) ? remove_folder(piece, fd, name, &stat)
				     : remove_file(piece, fd, name, &stat);
}

/* ---- Folders -------------------------------------------------------------------------------- */

static DIR *open_folder(int trash_fd, const char *name)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	int fd = (int)syscall(SYS_openat2, trash_fd, name, &how, sizeof(how)), code;
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);

	if (folder || fd < 0)
		return folder;
	code = errno;
	close(fd);
	errno = code;
	return NULL;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* 1: all of it is gone; 0: there is more, for the next piece; -1: it can't be now. */
static int clear_folder(struct piece *piece, const char *name, DIR *folder)
{
	unsigned removed = 0;
	struct dirent *entry = NULL;
	bool has_failed = false;

	while (piece->left > 0 && (entry = readdir(folder))) {
		if (is_dots(entry->d_name))
			continue;
		piece->left--;
		if (remove_name(piece, dirfd(folder), entry->d_name) == 0)
			removed++;
		else
			has_failed = true;
	}
	/* Read from its beginning next time: where nothing went, nothing would then. */
	if (piece->left == 0)
		return removed > 0 ? 0 : -1;
	if (unlinkat(piece->trash_fd, name, AT_REMOVEDIR) == 0)
		return 1;
	return removed > 0 && !has_failed ? 0 : -1;
}

static int clear_name(struct piece *piece, const char *name)
{
	struct stat stat;
	DIR *folder;
	int result;

	if (fstatat(piece->trash_fd, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 1 : -1;
	if (!S_ISDIR(stat.st_mode)) {
		piece->left--;
		return remove_file(piece, piece->trash_fd, name, &stat) == 0 ? 1 : -1;
	}
	make_writable(piece->trash_fd, name, &stat);
	folder = open_folder(piece->trash_fd, name);
	if (!folder)
		return -1;
	result = clear_folder(piece, name, folder);
	closedir(folder);
	return result;
}

static int clear_piece(void *arg)
{
	struct piece *piece = arg;
	struct weft_vec *names = &piece->clearing->names;

	piece->trash_fd = weft__trash_open(piece->clearing->files, false);
	if (piece->trash_fd < 0)
		return -1;
	while (piece->left > 0 && weft_vec_len(names) > 0) {
		size_t last = weft_vec_len(names) - 1;
		char name[WEFT__TRASH_NAME_SIZE];

		memcpy(name, weft_vec_at(names, last), sizeof(name));
		piece->kind = name[0];
		/* What it has in it is added behind it. */
		if (clear_name(piece, name) != 0)
			weft_vec_remove(names, last);
		else if (piece->left > 0)
			piece->left--; /* it is looked at again */
	}
	close(piece->trash_fd);
	return 0;
}

/* ---- The whole ------------------------------------------------------------------------------ */

static void credit(const struct piece *piece)
{
	const struct weft__trash_clearing *clearing = piece->clearing;
	const struct weft_files *files = clearing->files;
	int64_t own = 0;

	for (size_t i = 0; i < piece->gone_count; i++) {
		const struct weft__gone *gone = &piece->gone[i];

		if (clearing->visitor)
			own += weft__gone_credit(files, clearing->visitor, gone);
		else if (files->options.freed && gone->owner.is_told && gone->owner.text[0])
			files->options.freed(files->options.arg, gone->owner.text, gone->bytes);
	}
	if (clearing->visitor)
		weft__visitor_settle(clearing->visitor, 0, -own);
}

void weft__trash_clear(struct weft__trash_clearing *clearing)
{
	struct piece *piece = malloc(sizeof(*piece));
	struct weft_files *files = clearing->files;
	unsigned turn = weft__change_begin(files);
	int code = errno, result = 0;

	/* Folders that have something in them come up to others. */
	if (weft_vec_len(&clearing->names) > 0)
		weft__change_moves(files);

	while (piece && result == 0 && clearing->left > 0 && weft_vec_len(&clearing->names) > 0) {
		unsigned most = clearing->left < AT_ONCE ? clearing->left : AT_ONCE;

		piece->clearing = clearing;
		piece->left = most;
		piece->gone_count = 0;
		result = weft_offload_as(WEFT_OFFLOAD_FILE, clear_piece, piece);
		clearing->left -= most - piece->left;
		credit(piece);
	}
	free(piece);
	weft__change_end(files, turn);
	errno = code;
}
