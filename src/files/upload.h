/*
 * upload.h - uploads that are gone on with, for the files of this floor.
 *
 * On the disk, in WEFT__STORE_FOLDER below the root, each is two files:
 *
 *	u-ID		its bytes; whoever goes on with it holds a flock(2) on it
 *	u-ID.info	where it goes, whose it is, and up to where its bytes are on the disk;
 *			without bytes, for a while, that all of them were published
 *
 *	upload_place.c		the names of its files, and the lock
 *	upload.c		begin, go on, write, sync, rewind
 *	upload_end.c		commit, close, remove; a put becomes one
 *	upload_record.c		the .info file
 *	upload_find.c		looking through all of them: by path, by age
 *
 * Its order of syncs is what makes an offset true: first the bytes, then the record that tells how
 * many they are, and then it may be acknowledged. Who opens it believes the record, and cuts off
 * what is behind.
 */
#ifndef WEFT_SRC_FILES_UPLOAD_H
#define WEFT_SRC_FILES_UPLOAD_H

#include "files/put.h"

/** Room for the names of its two files. */
#define WEFT__UPLOAD_NAME_SIZE (WEFT_FILES_UPLOAD_ID_SIZE + 8)

/** Bytes of a remark. */
#define WEFT__UPLOAD_REMARK_MAX 4096

/** Bytes of an owner's name. */
#define WEFT__UPLOAD_OWNER_MAX 1024

/** Published uploads that are known for a while yet, at most: each takes a block of the disk. The
 * older half of them is forgotten then. */
#define WEFT__UPLOADS_REMEMBERED_MAX 1000

/** What had the name when it began; as the put's. */
struct weft__upload_base {
	uint64_t is_there, ino;
	int64_t size, mtime_s, mtime_ns;
};

/** What an .info file says. */
struct weft__upload_record {
	uint64_t serial; /* counts up with every change of it */
	int64_t offset;  /* bytes that are on the disk */
	int64_t len;     /* -1: not known */
	int64_t touched_s;
	struct weft__upload_base base;
	char *owner, *path, *remark; /* never NULL; to be freed, once read */
};

struct weft_files_upload {
	struct weft_files_put *put; /* kept: bytes that were there when it was opened */
	char id[WEFT_FILES_UPLOAD_ID_SIZE];
	int info_fd;
	struct weft__upload_record record;
};

/** Why what was written last can't be kept; 0: it can. */
static inline int weft__upload_code(const struct weft_files_upload *upload)
{
	return upload->put->code ? upload->put->code : upload->put->inner->lost_code;
}

/* ---- Records ---------------------------------------------------------------------------- */

/** Write all of a new one, and bring it to the disk. 0 or -1. All here: on a thread. */
int weft__upload_record_make(int fd, struct weft__upload_record *record);

/** The part that changes, likewise; counts the serial up. */
int weft__upload_record_update(int fd, struct weft__upload_record *record);

/** Read one. 0; -1: EBADMSG (it was not written to its end). */
int weft__upload_record_read(int fd, struct weft__upload_record *ret_record);

/** Its memory. */
void weft__upload_record_fini(struct weft__upload_record *record);

/* ---- Names and places ---------------------------------------------------------------------- */

/** The name of its bytes; and of its record. */
void weft__upload_name(char ret_name[WEFT__UPLOAD_NAME_SIZE], const char *id);
void weft__upload_info_name(char ret_name[WEFT__UPLOAD_NAME_SIZE], const char *id);

/** The folder of all uploads, made if it is to be. -1: ENOENT. */
int weft__uploads_open_folder(const struct weft_files *files, bool is_made);

/** Open one's bytes, locked. -1: ENOENT, EBUSY. */
int weft__upload_lock(int folder_fd, const char *id);

/** Open one's record and read it. The descriptor or -1. */
int weft__upload_open_record(int folder_fd, const char *id, struct weft__upload_record *ret_record);

/** Whether its bytes are there; else, with a record, it was published. */
bool weft__upload_has_bytes(int folder_fd, const char *id);

/** Whether a record is of all bytes that were to come: so it can be that of one published. */
bool weft__upload_is_whole(const struct weft__upload_record *record);

/** Remove both its files. 0 or -1. */
int weft__upload_unlink(int folder_fd, const char *id);

/** The same of one that was not made whole. Keeps errno. */
void weft__upload_take_back(int folder_fd, const char *id);

/** When it expires, or when it is forgotten that it was published. */
int64_t weft__upload_forgotten_s(const struct weft__upload_record *record);
int64_t weft__upload_expires_s(
	const struct weft_files *files, const struct weft__upload_record *record);

/** Make the two files of a new one for bytes that are open and locked; they get their name. */
int weft__upload_make(struct weft_files_upload *upload, int folder_fd);

/** A new id. */
void weft__upload_draw_id(char ret_id[WEFT_FILES_UPLOAD_ID_SIZE]);

/** The memory of one, and its put, settled with used. Keeps errno. */
void weft__upload_end(struct weft_files_upload *upload, int64_t used);

/* ---- Looking through all ------------------------------------------------------------------ */

/** How many a visitor has: 0, or -1 with EDQUOT when they are uploads_max. On a thread. */
int weft__uploads_check_count(
	const struct weft_files *files, int folder_fd, const struct weft_files_visitor *visitor);

/** Add the bytes of the visitor's that go to below the view's path. */
int weft__uploads_count(
	const struct weft__view *view, const struct weft_files_visitor *visitor, int64_t *bytes);

/** One that is not finished. */
struct weft__upload_found {
	const char *id;
	const struct weft__upload_record *record;
	bool is_busy; /* somebody goes on with it at this moment */
};

/** Call fn of each, on another thread: 0, or -1 to end. 0, or -1 with errno as fn left it. */
typedef int weft__upload_found_fn(const struct weft__upload_found *found, void *arg);
int weft__uploads_each(const struct weft_files *files, weft__upload_found_fn *fn, void *arg);

/** Expire what has. 0 or -1. */
int weft__uploads_expire(struct weft_files *files);

/** Expire what has, if that was not done just now. */
void weft__uploads_expire_sometimes(struct weft_files *files);

/**
 * Whether an upload is the visitor's, and she may still write where it goes: a token of hers may be
 * for another folder. Asks for rights: on the caller's fiber.
 */
bool weft__upload_is_seen(
	const struct weft_files_visitor *visitor, const struct weft__upload_record *record);

#endif
