/*
 * weft/file.h - files: buffered reading and writing, positions, and replacing one at once.
 *
 *	struct weft_file *file = weft_file_open("/etc/services", "r");
 *	const char *line;
 *	ssize_t len;
 *
 *	while ((len = weft_file_readline(file, &line)) > 0)
 *		...
 *	weft_file_close(file);
 *
 * No call here holds up a worker: where the driver can't do it (io_uring can), a thread
 * does, and the fiber is parked; small reads of what the kernel has in memory are done at
 * once. Outside a fiber the calling thread is blocked. All obey the ambient scope
 * (weft/scope.h), with the one limit that disks set: an operation on a regular file that
 * has begun is waited for, because it uses the caller's memory; opening a file is not.
 *
 * Regular files have a position, and may be read and written in turns. What can't seek
 * (FIFOs, terminals, devices) is waited for as sockets are, in one direction per file.
 * Bytes are bytes: there is no text mode.
 *
 * Threads: one call at a time for each file. Errors: -1 or NULL, with errno set; each
 * comment lists what is special beside those of the system call, ETIMEDOUT and ECANCELED.
 */
#ifndef WEFT_FILE_H
#define WEFT_FILE_H

#include <sys/uio.h>

#include "weft/api.h"

WEFT_BEGIN

struct weft_file; /* opaque: src/io/file.c */

/** Bytes of the buffer, which a file has from its first read or write on. */
#define WEFT_FILE_BUFFER_SIZE 65536

/** Longest line that weft_file_readline() lends, newline included. */
#define WEFT_FILE_LINE_MAX WEFT_FILE_BUFFER_SIZE

/* ---- Life ------------------------------------------------------------------------ */

/**
 * Open a file: "r" to read; "w" to write, made or emptied; "a" to write at its end,
 * wherever that is then; "x" to write a file that must not be there yet. A "+" adds the
 * other direction; a "b" is allowed and changes nothing. Files are made with mode 0666
 * less the umask, and closed on exec.
 * Errors: those of open(2); EINVAL (no such mode); EISDIR (a directory); ESPIPE ("+" of
 * what can't seek); ENOMEM.
 */
WEFT_API struct weft_file *weft_file_open(const char *path, const char *mode);

/** The same with the flags of open(2), O_CLOEXEC added, and the mode of a file that is made. */
WEFT_API struct weft_file *weft_file_open_flags(const char *path, int flags, mode_t mode);

/**
 * Make a file of an open descriptor, in the directions that it has. On success the file
 * owns fd; on failure fd is still the caller's. A regular file goes on from fd's position.
 */
WEFT_API struct weft_file *weft_file_new(int fd);

/**
 * Write what is buffered, close and free. NULL is fine. The file is gone even when this
 * fails, which tells that something of it may not have been written. What is buffered for
 * a regular file is written also when the scope is late or cancelled. A file of
 * weft_file_open_replace() that was not committed is dropped.
 */
WEFT_API int weft_file_close(struct weft_file *file);

/** The descriptor, still the file's. Its own position means nothing. */
WEFT_API int weft_file_fd(const struct weft_file *file);

/* ---- Reading ---------------------------------------------------------------------- */

/**
 * Read up to size_bytes. Fewer only at the end, or where the file can't seek: then what
 * there is, at least one byte. Returns the count, 0 at the end. Errors: EBADF (not open for it).
 */
WEFT_API ssize_t weft_file_read(struct weft_file *file, void *buffer, size_t size_bytes);

/** Read exactly len bytes. Returns 0. Errors: ENODATA (the end, before the first), EPIPE (after
 * it). */
WEFT_API int weft_file_read_exactly(struct weft_file *file, void *buffer, size_t len);

/**
 * Lend the next line, newline included, not NUL-terminated. *ret_line is valid until the
 * next call on this file. Returns its length, 0 at the end; a last line without newline is
 * lent as it is. Errors: EMSGSIZE (longer than WEFT_FILE_LINE_MAX; nothing is consumed).
 */
WEFT_API ssize_t weft_file_readline(struct weft_file *file, const char **ret_line);

/** All lines of a file, and the memory they lie in. The fields may be read. */
struct weft_file_lines {
	struct iovec *lines; /* newline included, not NUL-terminated */
	size_t count;
	char *data;
};

/**
 * Read the rest of the file, at most len_max bytes, as lines. Give it back with
 * weft_file_lines_fini(). Errors: EFBIG (it is longer), ENOMEM.
 */
WEFT_API int weft_file_readlines(
	struct weft_file *file, size_t len_max, struct weft_file_lines *ret_lines);
WEFT_API void weft_file_lines_fini(struct weft_file_lines *lines);

/**
 * Read a whole file of at most len_max bytes. Returns its length; *ret_data, of one NUL
 * more, is for the caller to free(3). Errors: those of weft_file_open(); EFBIG (it is longer).
 */
WEFT_API ssize_t weft_file_read_all(const char *path, size_t len_max, char **ret_data);

/* ---- Writing ---------------------------------------------------------------------- */

/**
 * Write all of it, to the buffer or (what is large) to the file. Returns 0. Errors: EBADF
 * (not open for it), ENOSPC, EDQUOT, EFBIG...; what was buffered before and can't be
 * written stays buffered; of data itself a part may have been written when it is larger
 * than the buffer.
 */
WEFT_API int weft_file_write(struct weft_file *file, const void *data, size_t len);

/** printf(3) into the file. Returns 0. Errors: EMSGSIZE (over WEFT_FILE_BUFFER_SIZE; nothing is
 * written). */
__attribute__((format(printf, 2, 3))) WEFT_API int weft_file_printf(
	struct weft_file *file, const char *format, ...);

/** Hand what is buffered to the system. Returns 0. */
WEFT_API int weft_file_flush(struct weft_file *file);

/** Flush, then wait until it is on the disk: fsync(2), fdatasync(2). Returns 0. */
WEFT_API int weft_file_sync(struct weft_file *file);
WEFT_API int weft_file_datasync(struct weft_file *file);

/* ---- Positions --------------------------------------------------------------------- */

/** Move to offset from SEEK_SET, SEEK_CUR or SEEK_END. Returns the new position. Errors: ESPIPE,
 * EINVAL. */
WEFT_API int64_t weft_file_seek(struct weft_file *file, int64_t offset, int whence);

/** Where the next read or write is. Errors: ESPIPE. */
WEFT_API int64_t weft_file_tell(const struct weft_file *file);

/** Bytes it has, what is buffered included. Errors: ESPIPE. */
WEFT_API int64_t weft_file_size(struct weft_file *file);

/** Flush, then make it size_bytes long: ftruncate(2). The position stays. Returns 0. */
WEFT_API int weft_file_truncate(struct weft_file *file, int64_t size_bytes);

/**
 * Read or write at a place, past the buffer, without moving the position. Reading counts as
 * weft_file_read() does; writing is all or -1. What is buffered for writing is flushed first.
 * A file opened with "a" is written at its end all the same (pwrite(2), BUGS).
 */
WEFT_API ssize_t weft_file_pread(
	struct weft_file *file, void *buffer, size_t size_bytes, int64_t position);
WEFT_API int weft_file_pwrite(
	struct weft_file *file, const void *data, size_t len, int64_t position);

/* ---- Replacing ---------------------------------------------------------------------- */

/**
 * Make path a file with these bytes, at once: whoever opens it, also after a crash, finds
 * the old content or the new, whole. Written beside it under a name of its own, brought to
 * the disk, renamed, and the directory brought to the disk. It keeps the permissions of the
 * file that was there (0666 less the umask without one), not its owner or its links; a
 * symbolic link is replaced itself. Returns 0; on failure the old content is there, but for
 * a failure of the very last step: then the new. Errors: EISDIR, EEXIST (what is there is a
 * device, a pipe or a socket, and stays), EINVAL (the path ends in no name).
 */
WEFT_API int weft_file_replace(const char *path, const void *data, size_t len);

/**
 * The same in parts: a file to write, which weft_file_commit() puts in place of path, and
 * weft_file_close() without it drops.
 */
WEFT_API struct weft_file *weft_file_open_replace(const char *path);

/** Put it in place; weft_file_close() is to be called in any case. Errors: EINVAL (not of
 * open_replace, or done). */
WEFT_API int weft_file_commit(struct weft_file *file);

WEFT_END

#endif
