/*
 * dir.h - directories by descriptor, for the files of this floor. All of it blocks: it is
 * for threads.
 */
#ifndef IO_DIR_H
#define IO_DIR_H

#include <sys/stat.h>

#include "weft/dir.h"

/** Which directory it is, so that it is known again. */
struct weft__dir_identity {
	dev_t device;
	ino_t inode;
};

/** The entries of the directory fd, which stays the caller's. 0 or -1. */
int weft__dir_read(int fd, unsigned flags, struct weft_dir_list *ret_list);

/** Open a directory below fd, not through a symbolic link. The descriptor or -1. */
int weft__dir_open(int fd, const char *name, struct weft__dir_identity *ret_identity);

/** Open the directory above fd, which must be that one: else ESTALE. The descriptor or -1. */
int weft__dir_open_above(int fd, const struct weft__dir_identity *expected);

#endif
