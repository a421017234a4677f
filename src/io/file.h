/*
 * file.h - what a file is, for the files of this floor.
 *
 * One buffer serves reading and writing in turns, as with stdio:
 *
 *	reading	[ consumed | to be read ..... | free ]	position: of the byte after end
 *		           ^ start            ^ end
 *	writing	[ to be written ............. | free ]	position: of the first byte
 *		^ start == 0                  ^ end	is_dirty
 */
#ifndef IO_FILE_H
#define IO_FILE_H

#include <stdbool.h>

#include "weft/file.h"

struct weft__replacement;

struct weft_file {
	int fd;
	bool can_read, can_write;
	bool is_append;
	bool can_seek;
	bool is_dirty;
	bool was_written;
	char *data; /* NULL, or WEFT_FILE_BUFFER_SIZE bytes */
	size_t start, end;
	int64_t position;
	struct weft__replacement *replacement; /* of weft_file_open_replace() */
};

/** A file around fd, whose kind is known; NULL with ENOMEM, ESPIPE, EISDIR: fd is the caller's. */
struct weft_file *weft__file_make(int fd, mode_t type);

/** Write what is buffered for writing, and drop what was read ahead. 0 or -1. */
int weft__file_settle(struct weft_file *file);

/** Drop a file that is to be replaced, unless that was done: its temporary name goes. */
void weft__replacement_drop(struct weft__replacement *replacement);

#endif
