/*
 * trash.h - what was removed and can be had back for a while; and folders that go for good.
 *
 * On the disk, in WEFT__TRASH_FOLDER below the root:
 *
 *	t-ID		a file or folder, as it was
 *	t-ID.info	where it was, who removed it, when; who is at it holds a flock(2) on this
 *	d-ID		what goes for good: nobody can have it back. A folder in it that is not
 *			empty becomes one of these itself, so no depth is too deep, and who is
 *			killed has lost nothing of the work
 *	c-ID		a folder on its way to its name, copied; its maker holds a flock(2) on it
 *	x-ID		the same as d-ID of a copy that was given up, whose bytes were never counted
 *
 *	put:	 record, sync -> rename to t-ID -> sync	(killed before the rename: the record goes)
 *	restore: rename to its name -> sync -> the record goes
 *	gone:	 rename to d-ID -> the record goes -> sync -> piece by piece what is in it
 *
 *	trash.c		put; removed for good with all below
 *	trash_place.c	names, records, locks
 *	trash_clear.c	d-ID, piece by piece
 *	trash_find.c	lists; what has expired, and what killed processes have left
 *	trash_restore.c	restored; gone for good
 *	copy_folder.c	folders that are copied
 *
 * A record has the form of an upload's (upload.h): owner is who removed it for ever, remark her
 * name, path where it was below the root, len its bytes, offset its files, touched_s and
 * base.mtime_ns when it was removed.
 */
#ifndef WEFT_SRC_FILES_TRASH_H
#define WEFT_SRC_FILES_TRASH_H

#include "files/files.h"
#include "files/upload.h"
#include "weft/files_trash.h"
#include "weft/vec.h"

/** Room for a name in the folder. */
#define WEFT__TRASH_NAME_SIZE (WEFT_FILES_TRASH_ID_SIZE + 8)

/** Names that are removed at a start of an engine, by weft_files_expire(), and by the way. */
#define WEFT__TRASH_SWEEP_START 1000
#define WEFT__TRASH_SWEEP       10000
#define WEFT__TRASH_SWEEP_BY    200

/** How long things are kept. */
int64_t weft__trash_keep_ns(const struct weft_files *files);

/* ---- Names and places: on a thread that may wait ----------------------------------------------
 */

/** Whether text is an id: 32 digits. */
bool weft__trash_is_id(const char *text);

/** The name of kind 't', 'd', 'c' or 'x'; and of a record. */
void weft__trash_name(char ret_name[WEFT__TRASH_NAME_SIZE], char kind, const char *id);
void weft__trash_info_name(char ret_name[WEFT__TRASH_NAME_SIZE], const char *id);

/** Open the folder, made if it is to be. -1: ENOENT. */
int weft__trash_open(const struct weft_files *files, bool is_made);

/** Make a record under a new id, on the disk; its descriptor, locked. -1. */
int weft__trash_record_make(int trash_fd, const struct weft__upload_record *record,
	char ret_id[WEFT_FILES_TRASH_ID_SIZE]);

/** The same for a thing that has lost its own. */
int weft__trash_record_make_for(
	int trash_fd, const struct weft__upload_record *record, const char *id);

/** Remove a record whose thing is not there, or that can't be read, unless somebody is at it. */
void weft__trash_forget(int trash_fd, const char *id);

/** Lock one and read its record. Its descriptor; -1: ENOENT (also: its thing is not there), EBUSY.
 */
int weft__trash_lock(int trash_fd, const char *id, struct weft__upload_record *ret_record);

/** Rename without replacing. 0 or -1. */
int weft__trash_rename(int from_fd, const char *from, int to_fd, const char *to);

/** What is locked becomes d-ID, and its record goes. 0 or -1. */
int weft__trash_doom(int trash_fd, const char *id);

/* ---- Going for good ---------------------------------------------------------------------------
 */

/** Names of things of kind 'd' or 'x' that are to be cleared: char[WEFT__TRASH_NAME_SIZE]. */
struct weft__trash_clearing {
	struct weft_files *files;
	const struct weft_files_visitor *visitor; /* is credited by her own; NULL: freed() alone */
	struct weft_vec names;
	unsigned left; /* names that may still be removed */
};

void weft__trash_clearing_init(struct weft__trash_clearing *clearing, struct weft_files *files,
	const struct weft_files_visitor *visitor);
void weft__trash_clearing_fini(struct weft__trash_clearing *clearing);

/** Add one. 0 or -1: ENOMEM. */
int weft__trash_clearing_add(struct weft__trash_clearing *clearing, char kind, const char *id);

/**
 * Clear them, as far as it goes: what can't be removed now stays for the next sweep. Credits
 * owners, on the caller's fiber.
 */
void weft__trash_clear(struct weft__trash_clearing *clearing);

/* ---- Looking through --------------------------------------------------------------------------
 */

/** Whether a visitor knows of one: by the list, or by its id. May wait. */
bool weft__trash_is_seen(
	const struct weft_files_visitor *visitor, const struct weft__upload_record *record);
bool weft__trash_is_hers(
	const struct weft_files_visitor *visitor, const struct weft__upload_record *record);

/** The path of one in the visitor's home; NULL: it was not there. */
const char *weft__trash_path(
	const struct weft_files_visitor *visitor, const struct weft__upload_record *record);

/** Expire, and clear up what was left, with at most so many names removed. 0 or -1. */
int weft__trash_sweep(struct weft_files *files, unsigned names_max);

/** A little of that, if it was not done just now. */
void weft__trash_sweep_sometimes(struct weft_files *files);

/* ---- usage.c ----------------------------------------------------------------------------------
 */

/**
 * Count a folder with all in it, hidden names too, whatever the rights. Errors: EXDEV (a part of it
 * is another mount).
 */
int weft__usage_below(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *path, struct weft_files_usage *ret_usage);

#endif
