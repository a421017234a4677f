/*
 * open.h - open a path below a folder, and nothing outside of it.
 */
#ifndef WEFT_SRC_HTTP_OPEN_H
#define WEFT_SRC_HTTP_OPEN_H

#include <sys/stat.h>

#include "weft/api.h"

/**
 * Open path, relative to root_fd and "" for root_fd itself, for reading. Symbolic
 * links are followed as long as they stay below the root. Returns a close-on-exec
 * descriptor and what fstat(2) says of it, or -1: ENOENT, ENOTDIR, ENAMETOOLONG,
 * ELOOP, EACCES, EXDEV (it leads outside), ENODEV (neither a file nor a folder),
 * EMFILE, ENFILE, ENOMEM, EIO. A device, FIFO or socket is never opened.
 */
int weft__http_open(int root_fd, const char *path, struct stat *ret_stat);

/** The same without opening it for reading: only what fstat(2) says. Returns 0 or -1. */
int weft__http_stat(int root_fd, const char *path, struct stat *ret_stat);

#endif
