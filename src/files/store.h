/*
 * store.h - files put, folders made, and both moved and removed below a root folder, for good.
 *
 * Nothing here knows of a protocol. When a call has returned 0, what it did survives a crash of the
 * machine; when it has not, or the process is killed at any place, the old state is there, whole,
 * and nothing else (store_put.c argues why). No call holds up a worker.
 *
 *	put = weft__put_begin(&options);
 *	while (...) {
 *		room = weft__put_room(put, &size);
 *		...at most size bytes go there...
 *		weft__put_took(put, len);
 *	}
 *	result = weft__put_commit(&put, 1);
 *	weft__put_end(put);			// also of what was not committed: nothing stays
 *
 * Paths are relative to the root, without "..", and are walked by the kernel below it and nowhere
 * else (files/open.h). Names that begin with a dot are not there for anybody, unless the root shows
 * them, and those of our own in no case: EPERM.
 *
 * Errors common to all: ENOENT, ENOTDIR (the folder that it is to be in), EACCES, EPERM, EROFS,
 * EXDEV (it leads outside), ELOOP, ENAMETOOLONG, EINVAL (a name with a control character in it, or
 * that is not UTF-8),
 * EIO, ENOSPC, EDQUOT, EMFILE, ENOMEM, EBUSY (another program keeps the folder locked), ETIMEDOUT
 * and ECANCELED.
 */
#ifndef WEFT_SRC_FILES_STORE_H
#define WEFT_SRC_FILES_STORE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "files/open.h"
#include "files/owner.h"

/** Where files are that have a name already, and not yet their own; below the root. */
#define WEFT__STORE_FOLDER ".weft-upload"

/** Where what was removed is for a while; below the root. */
#define WEFT__TRASH_FOLDER ".weft-trash"

/** Whether a name, or the first of a path, is weft's own, and so there for nobody. */
bool weft__store_is_own_name(const char *name);

/**
 * Whether to go on, by what has the name now (NULL: nothing): 0, or the errno value to fail with.
 * It may be asked several times, on another thread while the caller waits, the last time right
 * before the change, when nobody else who goes this way can change it.
 */
typedef int weft__store_judge_fn(const struct stat *existing, void *arg);

struct weft__store_judge {
	weft__store_judge_fn *fn; /* NULL: go on */
	void *arg;
	/** Before fn, the name that it gets by is_unique: 0, or why not. NULL: any will do. */
	int (*on_name)(const char *name, void *arg);
};

/* ---- Beginning and ending ------------------------------------------------------------ */

/** Remove what processes that are gone have left. 0, also when there is nothing; or -1. */
int weft__store_sweep(const struct weft__root *root);

/** A folder, to put files in; the caller's to close. */
int weft__store_open_folder(const struct weft__root *root, const char *path);
void weft__store_close_folder(int fd);

/* ---- Putting files ------------------------------------------------------------------- */

struct weft__put; /* opaque: store_put.h */

struct weft__put_options {
	const struct weft__root *root;
	int staging_fd; /* the folder that WEFT__STORE_FOLDER is in; 0: the root */
	int folder_fd;  /* of weft__store_open_folder(), which stays open; -1: path has a folder */
	const char *path;      /* in the root; with folder_fd, a name in there */
	int64_t len;           /* bytes that will come; -1: nobody knows */
	mode_t mode;           /* of a new file, less the umask; 0: 0666 */
	struct timespec mtime; /* tv_sec 0: now */
	const char *owner;     /* is kept with it, and lives as long as the put; NULL: none */
	bool asks_owner;       /* whose the file is that it replaces */
	bool is_unique;        /* where something has the name, the next that is free */
	struct weft__store_judge judge;
};

/**
 * Begin to put a file. Only a regular file is ever replaced, and it keeps its permissions. NULL:
 * what judge said; EISDIR (a folder is there), ENODEV (something else is), ENOSPC (len bytes are
 * not free).
 */
struct weft__put *weft__put_begin(const struct weft__put_options *options);

/** Where the next bytes go, at least one; NULL with ENOMEM. */
char *weft__put_room(struct weft__put *put, size_t *ret_size);

/** So many bytes are there. 0 or -1: EFBIG, and those above. */
int weft__put_took(struct weft__put *put, size_t len);

/**
 * Bytes of another open file become the next ones of this: by reflink where the file system can.
 * Returns how many there were, up to len. Before any others are taken.
 */
int64_t weft__put_copy(struct weft__put *put, int from_fd, int64_t len);

/** All bytes are there, and its memory can go, long before the commit. 0 or -1. */
int weft__put_flush(struct weft__put *put);

/**
 * Give all of them their names: when one fails, none of them is new (but one that has replaced
 * another stays). Those into the same folder should have one folder_fd. *ret_failed is which.
 * After a failure there is only weft__put_end(). Errors: also EEXIST (two of one name).
 */
int weft__put_commit(struct weft__put **puts, size_t count, size_t *ret_failed);

/** After the commit: what fstat(2) says of it, and whether the name is new. */
const struct stat *weft__put_stat(const struct weft__put *put);
bool weft__put_is_new(const struct weft__put *put);

/** After the commit: the file that it has replaced. */
const struct weft__gone *weft__put_gone(const struct weft__put *put);

/** Its name in the folder. */
const char *weft__put_name(const struct weft__put *put);

/** The end of it. NULL is fine. Keeps errno. */
void weft__put_end(struct weft__put *put);

/* ---- Changing ------------------------------------------------------------------------- */

/** Make a folder. Errors: EEXIST. */
int weft__store_mkdir(const struct weft__root *root, const char *path);

/**
 * Remove a file, a link, or an empty folder; *ret_gone is told, and whose it was; NULL: it isn't
 * asked for. Errors: ENOTEMPTY, ENODEV, what judge said.
 */
int weft__store_remove(const struct weft__root *root, const char *path,
	const struct weft__store_judge *judge, struct weft__gone *ret_gone);

struct weft__store_move {
	const struct weft__root *root;
	const char *from, *to;
	struct weft__store_judge judge; /* of what is at from */
	bool may_replace;               /* a file by a file, an empty folder by a folder */
	bool asks_owner;                /* whose the file is that it replaces */
};

struct weft__store_moved {
	bool has_source; /* also of a failure: something is at from */
	bool is_folder, is_new;
	bool is_done; /* also of a failure: it has the name, but maybe not on the disk */
	struct weft__gone gone; /* the file that it has replaced */
};

/**
 * Rename. Errors: EEXIST (something is at to); EISDIR, ENOTDIR, ENOTEMPTY (what is there can't be
 * replaced); EINVAL (a folder into itself).
 */
int weft__store_move(const struct weft__store_move *move, struct weft__store_moved *ret_moved);

/* ---- Between the files of the store ----------------------------------------------------- */

/** A place in a folder. On the thread that may wait. */
struct weft__store_place {
	int folder_fd;
	dev_t dev; /* of the folder */
	ino_t ino;
	char name[NAME_MAX + 1];
};

/** Open the folder that path is in, and part its name off; is_new: it is to be made there. */
int weft__store_find(const struct weft__root *root, const char *path, bool is_new,
	struct weft__store_place *ret_place);

/** Whether name can be one of a file that is made: 0, or -1. */
int weft__store_check_name(const struct weft__root *root, const char *name);

/** What has that name, links not followed. 1; 0: nothing; -1. */
int weft__store_look(const struct weft__store_place *place, struct stat *ret_stat);

/**
 * Keep others who go this way, in any process, from changing names in the folder, up to
 * weft__store_unlock().
 */
int weft__store_lock(int folder_fd);
void weft__store_unlock(int folder_fd);

/** Whether two descriptors are of one mount, so that renames between them can be. */
bool weft__store_is_same_mount(int a, int b);

/** Whether something is mounted there, a file on a file, say. Since Linux 5.8; before: false. */
bool weft__store_is_mount(int folder_fd, const char *name);

/**
 * The -1 of a change of that name, by its errno: EBUSY of what is mounted there is EXDEV, for
 * nobody else is at it.
 */
int weft__store_fail_at(int folder_fd, const char *name);

/**
 * The next name to try where one is taken: "a.txt", "a (2).txt", "a (3).txt"; *number is 0 at
 * first. -1: EEXIST (a thousand were tried), ENAMETOOLONG.
 */
int weft__name_next(const char *like, unsigned *number, char ret_name[WEFT_FILES_NAME_SIZE]);

/** A name for a file that has none of its own yet, of size bytes. */
void weft__store_temporary_name(char *ret_name, size_t size);

/** Remove the temporary names in a folder whose makers are gone. */
int weft__store_sweep_folder(int folder_fd);

#endif
