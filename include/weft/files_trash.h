/*
 * weft/files_trash.h - what was removed from a shared folder (weft/files.h), and can be had back.
 *
 *	weft_files_trash(files, &visitor, "letters", NULL, id);
 *	...
 *	weft_files_trash_restore(files, &visitor, &(struct weft_files_restore){.id = id}, NULL);
 *
 * What is promised there holds here: rights, quotas, crashes, threads, errors.
 */
#ifndef WEFT_FILES_TRASH_H
#define WEFT_FILES_TRASH_H

#include "weft/files.h"

WEFT_BEGIN

/** Room for the id of what is in the trash, NUL included. Nobody guesses it. */
#define WEFT_FILES_TRASH_ID_SIZE 33

/** Most that weft_files_trash_list() tells of. */
#define WEFT_FILES_TRASH_LIST_MAX 10000

/** For how many days, rounded up, the trash keeps things; 0: there is none. NULL is fine. */
WEFT_API unsigned weft_files_trash_days(const struct weft_files *files);

/**
 * Put a file, a link, or a folder with all below it into the trash, in one step: killed at any
 * moment, it is whole in one place or in the other. Its bytes stay their owners', of whose quotas
 * they are, until it goes for good: after a time (see trash_keep_ns), or by
 * weft_files_trash_remove(). options and errors as of weft_files_remove_all(); also ENOTSUP (there
 * is no trash). ret_id may be NULL.
 */
WEFT_API int weft_files_trash(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *path, const struct weft_files_remove_options *options,
	char ret_id[WEFT_FILES_TRASH_ID_SIZE]);

/** One thing in the trash; until fn returns. */
struct weft_files_trashed {
	char id[WEFT_FILES_TRASH_ID_SIZE];
	const char *path;             /* where it was, in the visitor's home */
	const char *name;             /* the end of it */
	const char *by;               /* the name of who removed it; "": a stranger */
	int64_t removed_s, expires_s; /* since 1970 */
	int64_t bytes, files;         /* all that is in it */
	bool is_folder;
	bool is_mine; /* the visitor has removed it herself */
};

/** Called for each on the caller's fiber; returns 0, or -1 to end the list. It may wait. */
typedef int weft_files_trash_fn(const struct weft_files_trashed *trashed, void *arg);

/**
 * What the visitor has removed below her home, unless she is a stranger; and what others have,
 * where she may MANAGE. The last removed first. Returns 0; 1: there is more than
 * WEFT_FILES_TRASH_LIST_MAX; -1 with errno as fn left it.
 */
WEFT_API int weft_files_trash_list(struct weft_files *files,
	const struct weft_files_visitor *visitor, weft_files_trash_fn *fn, void *arg);

struct weft_files_restore {
	const char *id;
	const char *to; /* a path; NULL: where it was */
	bool is_unique; /* where something is there, "name (2).ext" or the like */
};

/**
 * Take something out of the trash: what weft_files_trash_list() tells of, and, for strangers,
 * what strangers have removed, by its id. Folders that are gone are made again; killed then, they
 * may be left empty. Right: WRITE at its path, and at those of such folders. *ret_path, the path
 * it has then, is to be freed; NULL: not asked for. Errors: ENOENT (nothing of hers has this id),
 * EEXIST, EBUSY (somebody is at it), EACCES (also: to show what she may not see where it was),
 * EXDEV, ENOTDIR (a file is where a folder was).
 */
WEFT_API int weft_files_trash_restore(struct weft_files *files,
	const struct weft_files_visitor *visitor, const struct weft_files_restore *restore,
	char **ret_path);

/**
 * It goes for good; when this has returned 0, nobody can have it back, and its owners are credited
 * as it goes (see weft_files_remove_all()). Right: DELETE where it was. Errors: ENOENT, EBUSY.
 */
WEFT_API int weft_files_trash_remove(
	struct weft_files *files, const struct weft_files_visitor *visitor, const char *id);

/** The same of all that the visitor has removed herself; for a stranger, of what strangers have,
 * where she may MANAGE. */
WEFT_API int weft_files_trash_empty(
	struct weft_files *files, const struct weft_files_visitor *visitor);

WEFT_END

#endif
