/*
 * weft/dir.h - directories: list, walk, make, remove; and what is at a path.
 *
 *	struct weft_dir_list list;
 *
 *	if (weft_dir_list("/etc", 0, &list) == 0)
 *		for (size_t i = 0; i < list.count; i++)
 *			puts(list.entries[i].name);
 *	weft_dir_list_fini(&list);
 *
 * No call here holds up a worker: a thread asks the file system, and the fiber is parked.
 * Outside a fiber the calling thread is blocked. All obey the ambient scope
 * (weft/scope.h): a caller who is late or cancelled leaves a call on a path to itself,
 * which may then still take effect; the steps of a walk or of weft_dir_remove_tree() are
 * waited for.
 *
 * Safe from any thread; one call at a time for each walk. Errors: -1 or NULL, with errno
 * set, those of the system calls named, ENOMEM, ENAMETOOLONG, ETIMEDOUT and ECANCELED;
 * EAGAIN when no thread can be had.
 */
#ifndef WEFT_DIR_H
#define WEFT_DIR_H

#include "weft/api.h"

WEFT_BEGIN

enum weft_dir_type {
	WEFT_DIR_UNKNOWN, /* it was gone when it was looked at */
	WEFT_DIR_FILE,
	WEFT_DIR_DIR,
	WEFT_DIR_LINK, /* a symbolic one; never followed */
	WEFT_DIR_FIFO,
	WEFT_DIR_SOCKET,
	WEFT_DIR_DEVICE,
};

enum weft_dir_flags {
	WEFT_DIR_UNSORTED =
		1 << 0,         /* in the directory's own order; else by the bytes of the names */
	WEFT_DIR_STAT = 1 << 1, /* the fields that need a look at each entry, too */
};

/** Entries of one directory that are listed at most; beyond: EOVERFLOW. */
#define WEFT_DIR_ENTRIES_MAX (1024 * 1024)

struct weft_dir_entry {
	const char *name;
	enum weft_dir_type type;
	uint64_t inode;
	/* With WEFT_DIR_STAT; 0 for what is gone by then. */
	mode_t mode;
	int64_t size_bytes;
	int64_t modified_ns; /* since 1970, UTC; from 1677 to 2262 */
};

struct weft_dir_list {
	struct weft_dir_entry *entries;
	size_t count;
	char *names; /* that the entries point into */
};

/* ---- Listing ------------------------------------------------------------------------- */

/** All entries but "." and "..", hidden ones too; flags: enum weft_dir_flags. readdir(3),
 * fstatat(2). */
WEFT_API int weft_dir_list(const char *path, unsigned flags, struct weft_dir_list *ret_list);

/** Free it; it is empty then. Keeps errno. */
WEFT_API void weft_dir_list_fini(struct weft_dir_list *list);

/* ---- Walking -------------------------------------------------------------------------- */

struct weft_dir_walk; /* opaque: src/io/dir_walk.c */

struct weft_dir_step {
	const char *path; /* from the walk's path on; longer than PATH_MAX where the tree is deep */
	struct weft_dir_entry entry;
	size_t depth; /* 0: in the walk's own directory */
};

/**
 * Walk over everything below a directory, each directory before what is in it. No
 * recursion and no bound of depth: memory is for the names of the directories on the way
 * down, and of the descriptors a few are used, however deep. Symbolic links are told, not followed.
 * flags: enum weft_dir_flags. End it with weft_dir_walk_free().
 */
WEFT_API struct weft_dir_walk *weft_dir_walk_new(const char *path, unsigned flags);

/**
 * The next step: 1 with *ret_step, valid until the next call; 0 at the end; -1 when a
 * directory can't be entered or listed: weft_dir_walk_path() is which, and the next call
 * goes on behind it. Errors: ESTALE (the tree was moved about meanwhile: the walk is
 * over), EOVERFLOW.
 */
WEFT_API int weft_dir_walk_next(struct weft_dir_walk *walk, struct weft_dir_step *ret_step);

/** Don't enter the directory that the last step told. */
WEFT_API void weft_dir_walk_skip(struct weft_dir_walk *walk);

/** The path of the last step or failure. */
WEFT_API const char *weft_dir_walk_path(const struct weft_dir_walk *walk);

/** NULL is fine. Keeps errno. */
WEFT_API void weft_dir_walk_free(struct weft_dir_walk *walk);

/* ---- What is there ---------------------------------------------------------------------- */

/**
 * Whether something, a regular file, or a directory is at path, symbolic links followed:
 * 1, 0, or -1 when that can't be told (EACCES, ELOOP...). stat(2).
 */
WEFT_API int weft_dir_exists(const char *path);
WEFT_API int weft_dir_is_file(const char *path);
WEFT_API int weft_dir_is_dir(const char *path);

/** Size in bytes of what is at path. stat(2). */
WEFT_API int64_t weft_dir_size(const char *path);

/* ---- Changing ------------------------------------------------------------------------------ */

/** Make a directory, with mode 0777 less the umask. mkdir(2). */
WEFT_API int weft_dir_mkdir(const char *path);

/** The same with those above it that are missing; fine when it is there. Errors: ENOTDIR, EEXIST (a
 * file). */
WEFT_API int weft_dir_mkdir_all(const char *path);

/** Remove a file or an empty directory. remove(3). Errors: ENOTEMPTY. */
WEFT_API int weft_dir_remove(const char *path);

/**
 * Remove path and all below it, never following a symbolic link out of it, however the tree
 * is moved about meanwhile. Stops at the first thing that can't be removed.
 * Errors: ESTALE (it was moved about), and then, or late, part of it may be gone.
 */
WEFT_API int weft_dir_remove_tree(const char *path);

/** rename(2): what is at to is replaced at once. Brought to the disk when the system likes. */
WEFT_API int weft_dir_rename(const char *from, const char *to);

WEFT_END

#endif
