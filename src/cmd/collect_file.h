/*
 * collect_file.h - a file that is only appended to, in whole lines, and rotated.
 *
 * Rotated, FILE becomes FILE.1, that FILE.2, and so on; the oldest is replaced. A line is
 * never parted over two files. Its user is one fiber, and no other program may append (a
 * lock keeps other collectors out).
 */
#ifndef WEFT_SRC_CMD_COLLECT_FILE_H
#define WEFT_SRC_CMD_COLLECT_FILE_H

#include "weft/file.h"

enum collect_sync {
	COLLECT_SYNC_INTERVAL,
	COLLECT_SYNC_ALWAYS,
	COLLECT_SYNC_NEVER,
};

struct collect_file_options {
	const char *path;
	enum collect_sync sync;
	int64_t sync_interval_ns;
	uint64_t rotate_size; /* 0: no bound */
	unsigned rotate_keep; /* old files */
};

struct collect_file {
	struct collect_file_options options;
	struct weft_file *file; /* NULL: to be opened by the next append */
	int64_t size;
	uint64_t size_max;  /* where it is rotated; may be over rotate_size when that failed */
	bool needs_newline; /* it was found to end inside a line */
	bool is_inside;     /* a line of which the rest comes with the next append */
	bool is_dirty;      /* has what was not synced */
	uint64_t rotations; /* also where it was moved away by others */
};

/**
 * Open it, or make it; a line that a crash has left without an end is ended by the next
 * append. Errors: those of open(2), EINVAL and ESPIPE (not a regular file), EBUSY (another
 * collector has it).
 */
int weft__collect_file_open(struct collect_file *file, const struct collect_file_options *options);

/** The same path anew, after it was closed. */
int weft__collect_file_reopen(struct collect_file *file);

/** Sync as the policy says, and close. On failure, of the sync, it is closed all the same. */
int weft__collect_file_close(struct collect_file *file);

/**
 * Append len bytes of whole lines, rotating where that is due. Returns how many were
 * written: fewer with errno, and then the rest is to be appended next, or what there is of
 * its line taken back.
 */
size_t weft__collect_file_append(struct collect_file *file, const char *data, size_t len);

/** Take the last len bytes back. */
int weft__collect_file_take_back(struct collect_file *file, size_t len);

/** FILE becomes FILE.1 and so on; the next append makes a new one. Where that fails, the file
 * stays. */
int weft__collect_file_rotate(struct collect_file *file);

/** Whether the path leads to another file than the open one, or to none. */
bool weft__collect_file_was_moved(struct collect_file *file);

/** Bring it to the disk, if anything was written since. */
int weft__collect_file_sync(struct collect_file *file);

#endif
