/*
 * open.h - open a path below a folder, and nothing outside of it.
 */
#ifndef WEFT_SRC_HTTP_OPEN_H
#define WEFT_SRC_HTTP_OPEN_H

#include <sys/stat.h>

#include "weft/http.h"

/** A shared folder, and which links in it are followed. */
struct weft__http_root {
	int fd;
	enum weft_http_links links;
};

/**
 * Open path, relative to the root and "" for the root itself, for reading. Symbolic links
 * are followed as the root says. Returns a close-on-exec descriptor and what fstat(2) says
 * of it, or -1: ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP (too many links, or one where none
 * is followed), EACCES, EXDEV (it leads outside), ENODEV (neither a file nor a folder),
 * EMFILE, ENFILE, ENOMEM, EIO. A device, FIFO or socket is never opened.
 */
int weft__http_open(const struct weft__http_root *root, const char *path, struct stat *ret_stat);

/** The same without opening it for reading: only what fstat(2) says. Returns 0 or -1. */
int weft__http_stat(const struct weft__http_root *root, const char *path, struct stat *ret_stat);

#endif
