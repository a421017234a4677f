/*
 * open.h - open a path below a folder, and nothing outside of it.
 */
#ifndef WEFT_SRC_FILES_OPEN_H
#define WEFT_SRC_FILES_OPEN_H

#include <sys/stat.h>

#include "weft/api.h"

/** Which symbolic links are followed. */
enum weft__links {
	WEFT__LINKS_INSIDE, /* those that lead to something below the root */
	WEFT__LINKS_NONE,   /* none: there is nothing where a link is */
	WEFT__LINKS_ALL,    /* all, wherever they lead */
};

/** A shared folder, and which links in it are followed. */
struct weft__root {
	int fd;
	enum weft__links links;
	bool shows_hidden; /* names that begin with a dot may be made and changed */
};

/**
 * Open path, relative to the root and "" for the root itself, for reading. Symbolic links
 * are followed as the root says. Returns a close-on-exec descriptor and what fstat(2) says
 * of it, or -1: ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP (too many links, or one where none
 * is followed), EACCES, EXDEV (it leads outside), ENODEV (neither a file nor a folder),
 * EMFILE, ENFILE, ENOMEM, EIO. A device, FIFO or socket is never opened.
 */
int weft__root_open(const struct weft__root *root, const char *path, struct stat *ret_stat);

/** The same of a folder; what else is there is ENOTDIR, and is not opened. */
int weft__root_open_folder(const struct weft__root *root, const char *path, struct stat *ret_stat);

/** The same without opening it for reading: only what fstat(2) says. Returns 0 or -1. */
int weft__root_stat(const struct weft__root *root, const char *path, struct stat *ret_stat);

#endif
