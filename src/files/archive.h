/*
 * archive.h - a folder as a stream of zip or tar, for the files of this floor.
 *
 *	archive.c	which files, their bytes, deflated or not
 *	archive_name.c	names that do no harm where they are unpacked
 *	archive_zip.c	the records of zip; archive_tar.c: those of tar
 */
#ifndef WEFT_SRC_FILES_ARCHIVE_H
#define WEFT_SRC_FILES_ARCHIVE_H

#include "weft/files.h"
#include "weft/str.h"

/** What is said of a file or folder, whatever the format. */
struct weft__member {
	const char *name; /* UTF-8, relative, without a slash at its end */
	int64_t len;      /* 0 of a folder */
	int64_t mtime_s;
	mode_t mode;
	bool is_folder;
};

/* ---- Names ------------------------------------------------------------------------------- */

/**
 * Append a path as it may stand in an archive: what is no UTF-8, steers a terminal, or is a
 * backslash becomes '_'; for Windows, also what no name there can have. A part that was changed
 * tells of it by a few letters, so that two that were different stay so.
 */
void weft__archive_append_name(struct weft_str *name, const char *path, bool is_for_windows);

/* ---- tar: POSIX.1-2001 (pax) ------------------------------------------------------------- */

#define WEFT__TAR_BLOCK 512

/** The records before a member's bytes. 0; -1: ENOMEM. */
int weft__tar_append_head(struct weft_str *text, const struct weft__member *member);

/** So many zeros behind so many bytes. */
size_t weft__tar_padding(int64_t len);

/** The end of all: two empty blocks. */
void weft__tar_append_end(struct weft_str *text);

/* ---- zip: APPNOTE 6.3.10 ------------------------------------------------------------------ */

struct weft__zip_member {
	struct weft__member member;
	bool is_streamed; /* its sums come behind it, in a descriptor */
	bool is_large;    /* by its announced length: zip64 */
	bool is_deflated;
	uint32_t crc;
	int64_t packed_len, offset; /* offset: of its first record */
};

/** Whether a file of so many bytes needs zip64, however badly it is packed. */
bool weft__zip_is_large(int64_t len);

void weft__zip_append_local(struct weft_str *text, const struct weft__zip_member *zipped);
void weft__zip_append_descriptor(struct weft_str *text, const struct weft__zip_member *zipped);
void weft__zip_append_central(struct weft_str *text, const struct weft__zip_member *zipped);

/** The end of all: so many entries in a directory of so many bytes, at offset. */
void weft__zip_append_end(struct weft_str *text, uint64_t count, int64_t offset, int64_t len);

#endif
