/*
 * file_io.h - operations on files that never hold up a worker: src/io/file_io.c.
 *
 * Each is carried out by the driver where it can, else on a thread for files; outside
 * a fiber by the calling thread. Results are those of the system call: -1 with errno.
 */
#ifndef IO_FILE_IO_H
#define IO_FILE_IO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/** pread(2) and pwrite(2); position -1: the descriptor's own. */
ssize_t weft__file_pread(int fd, void *buffer, size_t size_bytes, int64_t position);
ssize_t weft__file_pwrite(int fd, const void *data, size_t len, int64_t position);
int weft__file_sync(int fd, bool is_data_only);

/** fstat(2), ftruncate(2), lseek(2). */
int weft__file_stat(int fd, struct stat *ret_status);
int weft__file_truncate(int fd, int64_t size_bytes);
int64_t weft__file_seek(int fd, int64_t offset, int whence);

/** close(2) of a file that was written to, which may wait for a server. Not interrupted. */
int weft__file_close(int fd);

/* ---- Calls by path --------------------------------------------------------------------- */

/**
 * One call with all that it uses in one piece of memory, so that a caller who is late can
 * leave it behind. fn works on it; drop (NULL: nothing) frees what fn has left in it when
 * nobody takes it.
 */
struct weft__path_call {
	int (*fn)(struct weft__path_call *call);
	void (*drop)(struct weft__path_call *call);
	int flags;
	mode_t mode;
	int fd; /* -1, or the result */
	struct stat status;
	void *result;
	const char *other; /* a second path, or NULL */
	char path[];
};

/** ENOMEM, or ENAMETOOLONG. other may be NULL. End it with free(). */
struct weft__path_call *weft__path_call_new(const char *path, const char *other);

/**
 * Carry it out. What fn returned, errno as it left it; -1 with errno and *call NULL when
 * the caller must not touch it any more (it may be going on).
 */
int weft__path_call(struct weft__path_call **call);

#endif
