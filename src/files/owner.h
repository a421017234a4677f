/*
 * owner.h - who stored a file: a word that is kept with it, so that its quota is credited when it
 * goes, whoever removes it.
 *
 * It is the extended attribute user.weft.owner of the file itself: so it goes with a rename, and
 * with the copies of a backup that keeps such attributes. It is set before the file's sync, and by
 * nobody but this floor. Where the file system has no such attributes nobody knows whose a file is:
 * then who removes it is credited.
 */
#ifndef WEFT_SRC_FILES_OWNER_H
#define WEFT_SRC_FILES_OWNER_H

#include "weft/files.h"

#define WEFT__OWNER_ATTRIBUTE "user.weft.owner"

/** Whose a file is, as far as it is known. */
struct weft__owner {
	bool is_told; /* the file system has such attributes, and so this counts */
	char text[WEFT_FILES_OWNER_SIZE]; /* "": nobody's */
};

/** Bytes that are gone with a name: the file that was removed or replaced. */
struct weft__gone {
	int64_t bytes; /* 0: none, or the file has other names */
	struct weft__owner owner;
};

/** Keep it with an open file. 0; -1: the disk has failed, or is full. */
int weft__owner_set(int fd, const char *owner);

/** The file of an open descriptor is another's: 0; -1: EBUSY (it is not from's), what the disk
 * says.
 */
int weft__owner_change(int fd, const char *from, const char *to);

/** Of an open file, or what has that name, which is not followed. On a thread that may wait. */
struct weft__owner weft__owner_of(int fd);
struct weft__owner weft__owner_at(int folder_fd, const char *name);

/**
 * What goes when the file of that name does, which is still there: its bytes, and, if asked for,
 * whose.
 */
struct weft__gone weft__gone_at(
	int folder_fd, const char *name, const struct stat *stat, bool asks_owner);

struct weft_files;

/**
 * Credit the owner of what is gone, another than the visitor, by the options. Returns the bytes
 * that the visitor herself is to be credited by. May wait.
 */
int64_t weft__gone_credit(const struct weft_files *files, const struct weft_files_visitor *visitor,
	const struct weft__gone *gone);

/** Whether what has that owner is already reckoned as the visitor's. */
bool weft__owner_is(const struct weft__owner *owner, const struct weft_files_visitor *visitor);

#endif
