/*
 * weft/files.h - a shared folder as every door sees it: one view, one upload engine.
 *
 *	files = weft_files_new("/srv/share", NULL);
 *	fd = weft_files_open(files, &visitor, "letters/june.txt", &stat);
 *	...
 *	put = weft_files_put_begin(files, &visitor, "letters/july.txt", NULL);
 *	weft_files_put_write(put, data, len);
 *	weft_files_put_commit(put, NULL);	// on the disk, under its name, when this returns 0
 *
 * Whoever asks is a visitor, with rights; no door can forget to ask for them, because every call
 * takes one. Paths are relative to the visitor's home below the shared folder, "" being that home
 * itself; slashes at their ends, doubled slashes and "." change nothing, ".." is refused. No
 * symbolic link leads out, and what is neither file nor folder is never opened. Names that begin
 * with a dot are not there, unless the options show them; those of weft's own never are. A name
 * that is made must be UTF-8 without control characters; those that are there may be any bytes, and
 * a door must mind what it sends of them.
 *
 * When a call that changes something has returned 0, the change survives a crash of the machine;
 * when it has failed, or the process is killed at any instruction, the old state is there, whole.
 *
 * No call holds up a worker: a slow disk only makes its caller wait. Calls are safe from any
 * thread; a put or upload is for one fiber at a time.
 *
 * What is removed can be kept for a while: weft/files_trash.h.
 *
 * Errors: -1 or NULL, with errno set. Common to all: EACCES (the visitor's rights, or the
 * system's), ENOENT, ENOTDIR, EXDEV (it leads outside), ELOOP, ENAMETOOLONG, EINVAL (".."), ENODEV
 * (neither file nor folder), EIO, EMFILE, ENOMEM, ETIMEDOUT and ECANCELED. Common to all that
 * change something: EPERM (a name that is hidden), EINVAL (a name that can't be), EROFS, ENOSPC,
 * EDQUOT, EBUSY (another program keeps the folder locked).
 */
#ifndef WEFT_FILES_H
#define WEFT_FILES_H

#include <sys/stat.h>
#include <time.h>

#include "weft/api.h"

WEFT_BEGIN

struct weft_files; /* opaque: src/files/files.h */
struct weft_files_carrier;
struct weft_files_put;    /* opaque: src/files/put.h */
struct weft_files_upload; /* opaque: src/files/upload.h */

/* ---- Who asks ---------------------------------------------------------------------------- */

enum weft_files_right {
	WEFT_FILES_READ = 1,    /* open files */
	WEFT_FILES_LIST = 2,    /* see names */
	WEFT_FILES_WRITE = 4,   /* put files under new names, make folders */
	WEFT_FILES_REPLACE = 8, /* put, append to and move over what is there; date it */
	WEFT_FILES_DELETE = 16, /* remove, and move away */
	WEFT_FILES_MANAGE = 32, /* say what others may; asked for by nothing in here */
	WEFT_FILES_ALL = 63,
};

/** Room for who stored a file, as it is kept with it, NUL included. */
#define WEFT_FILES_OWNER_SIZE 64

/** One person at one door; the caller's, and must live as long as what was begun with it. */
struct weft_files_visitor {
	const char *name; /* whose uploads they are, where owner is NULL; NULL: a stranger */

	/**
	 * Who that is for ever, by whatever name: kept with each file that she puts, as the
	 * attribute user.weft.owner, and with her uploads. NULL: nothing is kept.
	 */
	const char *owner;
	const char *home; /* folder below the root that is the visitor's "/"; NULL: all of it */
	unsigned rights;  /* where rights_at is NULL: enum weft_files_right */

	/**
	 * The rights at a path below the root ("": the root itself). It may wait, and may be called
	 * on another thread while the visitor's own call waits.
	 */
	unsigned (*rights_at)(void *arg, const char *path);

	/**
	 * Bytes are about to be taken of the visitor's quota: 0, or -1 with errno EDQUOT. NULL:
	 * there is none. What was reserved is settled once, with what is used in the end, also of
	 * what fails; what is removed or replaced is settled with nothing reserved, or negative
	 * use, where it was the visitor's own (see weft_files_options.freed). Both may wait, and
	 * are called on the caller's fiber. A killed process settles nothing: weft_files_owners()
	 * is for counting anew (weft_account_charging_begin() notes that it has to be done).
	 */
	int (*reserve)(void *arg, int64_t bytes);
	void (*settle)(void *arg, int64_t reserved, int64_t used);

	/**
	 * What she uses of her quota at this moment, and how much that is, in bytes: 0; -1 with
	 * errno ENODATA where she has none. It may wait. NULL: there is none.
	 */
	int (*quota)(void *arg, int64_t *ret_used, int64_t *ret_max);
	void *arg;
};

/**
 * What the visitor may do at path, enum weft_files_right: to show it, or to say no early. 0 also
 * where path can't be.
 */
WEFT_API unsigned weft_files_rights(const struct weft_files_visitor *visitor, const char *path);

/* ---- Life -------------------------------------------------------------------------------- */

struct weft_files_options {
	bool shows_hidden;
	bool follows_links;    /* those that stay inside, at both ends within the rights */
	int64_t file_max;      /* bytes of one file; 0: no bound */
	unsigned puts_max;     /* under way at a time, else EMFILE; 0: as descriptors allow */
	int64_t upload_ttl_ns; /* resumable uploads nobody goes on with; 0: a day */
	unsigned uploads_max;  /* of one visitor, else EDQUOT; 0: 1000 */

	/**
	 * What was put into the trash goes for good after so long; 0: 30 days. Negative: there is
	 * no trash; what is in it from before stays as it is.
	 */
	int64_t trash_keep_ns;

	/**
	 * So many bytes of that owner's, who is not the visitor of this moment, are gone: removed,
	 * replaced, expired in the trash, or of an upload that has expired (then it is the name,
	 * where there was no owner). It may wait. NULL: who removes or replaces a file is credited,
	 * whosever it was; so it is where the file system has no attributes.
	 */
	void (*freed)(void *arg, const char *owner, int64_t bytes);

	/** Told of whatever gets another path (weft/files_carry.h); it lives as long as the engine.
	 * NULL: nobody. */
	const struct weft_files_carrier *carrier;
	void *arg;
};

/** What killed processes have left is removed or, if it can be resumed, found again. */
WEFT_API struct weft_files *weft_files_new(
	const char *dir, const struct weft_files_options *options);

/** All that was begun must have ended. NULL is fine. */
WEFT_API void weft_files_free(struct weft_files *files);

/** What was put by way of it: whole files that have got their names, copies too. */
struct weft_files_counts {
	uint64_t stored, stored_bytes;
};

/** Since it was made, in this process and those that were forked from it. Any thread. */
WEFT_API void weft_files_counts(
	const struct weft_files *files, struct weft_files_counts *ret_counts);

/**
 * Another file_max, as in the options. A put that is under way keeps the one of when it began, if
 * that is larger; an upload that is gone on with, the length that it was begun with. Any thread.
 */
WEFT_API void weft_files_set_file_max(struct weft_files *files, int64_t file_max);

/**
 * Remove uploads that have expired, and what has expired in the trash, this at most some 10,000
 * names at a call. Beginning an upload and using the trash do some of it as well, now and then.
 */
WEFT_API int weft_files_expire(struct weft_files *files);

/* ---- Looking ----------------------------------------------------------------------------- */

/** A descriptor to read from, the caller's to close, and what fstat(2) says. Folders (right: LIST)
 * too. ret_stat may be NULL. */
WEFT_API int weft_files_open(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *path, struct stat *ret_stat);

/** Only what fstat(2) says. Right: READ or LIST. */
WEFT_API int weft_files_stat(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *path, struct stat *ret_stat);

struct weft_files_entry {
	const char *name; /* until fn returns */
	struct stat stat;
	bool is_link; /* followed: stat is of what it leads to */
};

/** Called for each on the caller's fiber; returns 0, or -1 to end the list. It may wait. */
typedef int weft_files_list_fn(const struct weft_files_entry *entry, void *arg);

/**
 * The names of a folder as they come, the first at once, in bounded memory however many there are.
 * Left out: what is hidden, links that are not followed, what is neither file nor folder. Returns
 * 0, or -1 with errno as fn left it. Errors: also what a disk says of one of them (EIO), when all
 * others have been told.
 */
WEFT_API int weft_files_list(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *path, weft_files_list_fn *fn, void *arg);

struct weft_files_usage {
	int64_t bytes; /* of files, and of their visitor's unfinished uploads to below path */
	int64_t files, folders;
};

/** Count what is below a folder. Right: LIST at path. */
WEFT_API int weft_files_usage(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *path, struct weft_files_usage *ret_usage);

/** What one owner has in the whole folder. */
struct weft_files_owned {
	const char *owner; /* "": nobody's that is known; until fn returns */
	int64_t bytes; /* of files, and of unfinished uploads; a file of n names counts in n parts
			*/
	int64_t files;
	bool is_busy; /* an upload is being gone on with at this moment */
};

/** Called for each owner on the caller's fiber; returns 0, or -1 to end. It may wait. */
typedef int weft_files_owned_fn(const struct weft_files_owned *owned, void *arg);

/**
 * Count all files and uploads, hidden ones too, by who stored them: for whoever runs the server,
 * so there is no visitor. Others may change files meanwhile: all changes by this engine that
 * were seen are settled when fn is called (settle, freed), so whoever is charged or credited from
 * the beginning of this call until what fn was told is put to use may be told wrongly, and nobody
 * else. 0, or -1 with errno as fn left it. Errors: ENOTSUP (the file system keeps no attributes:
 * nobody knows whose they are), EAGAIN (something was moved meanwhile: it may have been seen twice,
 * or not at all).
 */
WEFT_API int weft_files_owners(struct weft_files *files, weft_files_owned_fn *fn, void *arg);

/** The files of one person, and what is to become of them. */
struct weft_files_estate {
	const char *owner; /* whose they are: a visitor's owner */
	const char *heir;  /* whose they are to be, the same; NULL: they go to the trash */

	/**
	 * So many bytes pass from owner to heir, of a file that is about to be the heir's;
	 * negative: it did not come to that. 0, or -1 with errno EDQUOT, which ends it. On the
	 * caller's fiber; it may wait. NULL: there are no quotas.
	 */
	int (*pass)(void *arg, int64_t bytes);
	void *arg;
};

struct weft_files_estate_done {
	int64_t files, bytes; /* that have gone there */
	int64_t uploads;      /* unfinished ones that are gone for good */
	int64_t left;         /* files of that owner that the visitor may not remove, or that
			       * somebody is changing: they are as they were; and uploads that are
			       * being gone on with */
};

/**
 * Put all files of an owner that the visitor sees into the trash, one by one, or have another own
 * them: then they stay where they are, with the rights that hold there, and count in another quota.
 * Her unfinished uploads go for good, whatever the rights: nobody else sees them. What is in the
 * trash, and what has a hidden name, stays as it is, and hers. Right: DELETE at each. When it
 * fails, a part is done, and *ret_done says so; again, it goes on. Errors: EDQUOT (as pass said),
 * ENOTSUP (there is no trash; the file system keeps no attributes), EINVAL, those of
 * weft_files_list().
 */
WEFT_API int weft_files_settle_estate(struct weft_files *files,
	const struct weft_files_visitor *visitor, const struct weft_files_estate *estate,
	struct weft_files_estate_done *ret_done);

struct weft_files_part {
	const char *path;
	int64_t offset, len; /* len negative: to the end */
};

/** The SHA-256 of a part of a file, of what there is of it. Errors: ENOSYS (without OpenSSL). */
WEFT_API int weft_files_sha256(struct weft_files *files, const struct weft_files_visitor *visitor,
	const struct weft_files_part *part, uint8_t ret_digest[32]);

/* ---- Whole folders ------------------------------------------------------------------------- */

enum weft_files_archive_kind {
	WEFT_FILES_ZIP,
	WEFT_FILES_TAR,
};

/** Takes the next bytes of an archive. It may wait. 0, or -1 to end it. */
typedef int weft_files_write_fn(const void *data, size_t len, void *arg);

struct weft_files_archive_options {
	enum weft_files_archive_kind kind;
	const char *prefix;  /* a folder that all is in; NULL: none */
	bool no_compression; /* of zip; tar has none */

	/** Only these names of the folder, with all below them; NULL: all. name_count of them. */
	const char *const *names;
	size_t name_count;
	weft_files_write_fn *write;
	void *arg;
};

/**
 * Hand out a folder, with all that is in it and that the visitor may see and read, as a stream:
 * what is no UTF-8 in a name, or could do harm where it is unpacked, becomes '_'. Symbolic links
 * are left out, and so is what goes before its turn. A file that changes meanwhile is sent as long
 * as it was when it was opened: in tar filled up with zeros, in zip shorter. Memory is bounded, but
 * for a zip's directory, 100 bytes or so of each file. Right: LIST at path; READ of each file.
 * Errors: as write left errno; E2BIG (a zip of some 600,000 files; folders by the 100,000 in
 * one), ENOSYS (zip without zlib), EIO (a file that can't be read: what was handed out is no whole
 * archive).
 */
WEFT_API int weft_files_archive(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *path, const struct weft_files_archive_options *options);

struct weft_files_found {
	const char *path; /* below the folder; until fn returns */
	struct stat stat;
};

/** Called for each on the caller's fiber; returns 0, or -1 to end the search. It may wait. */
typedef int weft_files_found_fn(const struct weft_files_found *found, void *arg);

struct weft_files_search_options {
	const char *pattern; /* in names; with '*' or '?', of whole names; in any case of letters */
	unsigned depth_max;  /* folders below each other; 0: 64 */
	int64_t names_max;   /* that are looked at; 0: 1,000,000 */
	int64_t time_ns;     /* that it takes at most; 0: 10 s */
	weft_files_found_fn *fn;
	void *arg;
};

/**
 * The files and folders below a folder whose names fit a pattern, as they are found. Links are not
 * followed. Returns 0: these are all; 1: a bound was reached before; -1 with errno as fn left it.
 * Right: LIST. Errors: EINVAL (an empty pattern, one of over 255 bytes, or that is no UTF-8),
 * E2BIG.
 */
WEFT_API int weft_files_search(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *path, const struct weft_files_search_options *options);

/* ---- Putting files ----------------------------------------------------------------------- */

/**
 * Asked, beside the rights, right before a change (and before it is begun), by what has the name
 * then (NULL: nothing): 0, or the errno value to fail with. It may be called several times and on
 * another thread, and must not wait.
 */
typedef int weft_files_judge_fn(const struct stat *existing, void *arg);

struct weft_files_put_options {
	int64_t len;           /* bytes that will come; 0: nobody knows */
	bool is_exact;         /* no fewer and no more than len: else EPIPE, EFBIG */
	const uint8_t *sha256; /* 32 bytes that the file must have, else EBADMSG; NULL: any */
	bool may_replace;      /* a file of that name (right: REPLACE) */
	bool is_unique;        /* where something has the name, "name (2).ext" or the like: the
				  first of these that is free at its commit; nothing is replaced */
	bool appends;          /* to what is there (right: REPLACE), or new */
	bool keeps_before;     /* what is there up to offset stays before what comes, no more */
	int64_t offset;
	mode_t mode;           /* of a new file; 0: 0666 less the umask */
	struct timespec mtime; /* tv_sec 0: now */
	weft_files_judge_fn *judge;
	void *arg;
};

/**
 * Begin to put a file. Whatever is there stays as it is, whole, for everybody, up to the commit;
 * also when it is appended to. A file that is replaced hands its permissions on.
 * Errors: EEXIST (it is there and may not be replaced), EISDIR (a folder is), what judge said,
 * ENOSPC (len bytes are not free), EFBIG (over file_max), EINVAL (offset is behind what is there),
 * EMFILE (puts_max).
 */
WEFT_API struct weft_files_put *weft_files_put_begin(struct weft_files *files,
	const struct weft_files_visitor *visitor, const char *path,
	const struct weft_files_put_options *options);

/** Errors: ENOSPC, EDQUOT, EFBIG (over len or file_max). */
WEFT_API int weft_files_put_write(struct weft_files_put *put, const void *data, size_t len);

/** Memory to put the next bytes in, without a copy; then weft_files_put_took(). NULL: ENOMEM. */
WEFT_API char *weft_files_put_room(struct weft_files_put *put, size_t *ret_size);
WEFT_API int weft_files_put_took(struct weft_files_put *put, size_t len);

/** Its memory is not needed for a while: a file of a form whose others are to come. */
WEFT_API int weft_files_put_flush(struct weft_files_put *put);

/** Bytes that the file has so far, those that are kept before included. */
WEFT_API int64_t weft_files_put_len(const struct weft_files_put *put);

/** Room for a name in a folder, NUL included. */
#define WEFT_FILES_NAME_SIZE 256

struct weft_files_result {
	struct stat stat;
	bool is_new;                     /* nothing had the name */
	char name[WEFT_FILES_NAME_SIZE]; /* that it has got */
};

/**
 * Sync, name, sync the folder; commits at the same time share their syncs. Of several writers to
 * one name the first to commit wins, whole; the others, whose file is not the one any more that
 * they have begun with, get EBUSY, or EEXIST where they may not replace it.
 * Errors: EBADMSG (the digest), EPIPE (fewer bytes than len), what judge said. The put is over in
 * any case. ret_result may be NULL.
 */
WEFT_API int weft_files_put_commit(
	struct weft_files_put *put, struct weft_files_result *ret_result);

/**
 * The same of several: when one fails, *ret_failed, no new name is there (but what has replaced
 * another file stays). All are over in any case. ret_results: of each; or NULL.
 */
WEFT_API int weft_files_put_commit_all(struct weft_files_put **puts, size_t count,
	struct weft_files_result *ret_results, size_t *ret_failed);

/** Nothing of it stays. NULL is fine. Keeps errno. */
WEFT_API void weft_files_put_abort(struct weft_files_put *put);

/**
 * A name in folder that nothing has, for what is put without one (STOU, drops): like, "a.txt", or
 * "a-k3f7q2.txt"; NULL: some letters. It is not kept: put it without may_replace.
 */
WEFT_API int weft_files_unique_name(struct weft_files *files,
	const struct weft_files_visitor *visitor, const char *folder, const char *like,
	char ret_name[WEFT_FILES_NAME_SIZE]);

/* ---- Uploads that are gone on with --------------------------------------------------------- */

/** Room for an upload's id, NUL included. Nobody guesses it. */
#define WEFT_FILES_UPLOAD_ID_SIZE 33

struct weft_files_upload_facts {
	char id[WEFT_FILES_UPLOAD_ID_SIZE];
	int64_t len;        /* -1: not known yet */
	int64_t offset;     /* bytes that have come; those up to the last sync are on the disk */
	int64_t expires_s;  /* since 1970 */
	const char *path;   /* where it goes, in its visitor's home; until the upload is closed */
	const char *owner;  /* the visitor's, else its name; "": a stranger */
	const char *remark; /* what it was begun with; "" */
};

struct weft_files_upload_options {
	int64_t len;        /* bytes that will come in all; negative: nobody knows */
	const char *remark; /* for the door that begins it: up to 4096 bytes of text; NULL */
	bool may_replace;   /* refused now, where it may not: see weft_files_put_begin() */
	bool is_unique;     /* not refused, whatever is there: so is its commit to be */
	weft_files_judge_fn *judge;
	void *arg;
};

/** Begin one that any door, any process and any later day (see upload_ttl_ns) can go on with. */
WEFT_API struct weft_files_upload *weft_files_upload_create(struct weft_files *files,
	const struct weft_files_visitor *visitor, const char *path,
	const struct weft_files_upload_options *options);

/**
 * A put whose bytes have stopped coming becomes an upload: what has come is on the disk and can be
 * gone on with, also behind the file that it appends to. The put is over in any case. ret_id may be
 * NULL.
 */
WEFT_API int weft_files_put_keep(
	struct weft_files_put *put, char ret_id[WEFT_FILES_UPLOAD_ID_SIZE]);

/**
 * Go on with one; it is its visitor's only. Errors: ENOENT (also: expired, or another's), EBUSY
 * (somebody goes on with it at this moment).
 */
WEFT_API struct weft_files_upload *weft_files_upload_open(
	struct weft_files *files, const struct weft_files_visitor *visitor, const char *id);

/**
 * How one stands, without going on with it, also while somebody does, and for ten minutes after it
 * was published: only for weft_files_upload_facts(); all else fails with EBADF. Errors: ENOENT.
 */
WEFT_API struct weft_files_upload *weft_files_upload_peek(
	struct weft_files *files, const struct weft_files_visitor *visitor, const char *id);

/** The latest of the visitor's, not a stranger's, that goes to path: REST, APPE, SIZE. The same
 * errors. */
WEFT_API struct weft_files_upload *weft_files_upload_find(
	struct weft_files *files, const struct weft_files_visitor *visitor, const char *path);

/** How it stands. */
WEFT_API struct weft_files_upload_facts weft_files_upload_facts(
	const struct weft_files_upload *upload);

/** Called for each on the caller's fiber, facts until it returns; returns 0, or -1 to end. */
typedef int weft_files_upload_fn(
	const struct weft_files_upload_facts *facts, bool is_busy, void *arg);

/**
 * Those of the visitor's that are not finished and that she may still write where they go, of up to
 * 1000, in no order; a stranger's are not told.
 * is_busy: somebody goes on with it at this moment. 0, or -1 with errno as fn left it.
 */
WEFT_API int weft_files_uploads(struct weft_files *files, const struct weft_files_visitor *visitor,
	weft_files_upload_fn *fn, void *arg);

/** All bytes that will come, once they are known. Errors: EINVAL (it was known, or is too few). */
WEFT_API int weft_files_upload_set_len(struct weft_files_upload *upload, int64_t len);

/** Errors: EFBIG (over len or file_max), EDQUOT, ENOSPC. */
WEFT_API int weft_files_upload_write(
	struct weft_files_upload *upload, const void *data, size_t len);

/** What was written is on the disk: the offset may be acknowledged. */
WEFT_API int weft_files_upload_sync(struct weft_files_upload *upload);

/** Back to an offset, and what was after it is gone: a chunk whose checksum was wrong. */
WEFT_API int weft_files_upload_rewind(struct weft_files_upload *upload, int64_t offset);

/**
 * All is there: publish it, as weft_files_put_commit() does; len, appends, keeps_before and offset
 * of the options are not looked at; NULL: none. Done, it is closed and gone. After a failure it is
 * there as before, to be closed or removed. Errors: also EPIPE (fewer bytes than its len).
 */
WEFT_API int weft_files_upload_commit(struct weft_files_upload *upload,
	const struct weft_files_put_options *options, struct weft_files_result *ret_result);

/** Stop for now, what was written synced if it can be. NULL is fine. Keeps errno. */
WEFT_API void weft_files_upload_close(struct weft_files_upload *upload);

/** Give it up: nothing stays, and it is closed in any case. */
WEFT_API int weft_files_upload_remove(struct weft_files_upload *upload);

/* ---- Changing ------------------------------------------------------------------------------ */

/** Make a folder, with mode 0777 less the umask. Errors: EEXIST. */
WEFT_API int weft_files_mkdir(
	struct weft_files *files, const struct weft_files_visitor *visitor, const char *path);

struct weft_files_remove_options {
	bool only_files;   /* else EISDIR (DELE) */
	bool only_folders; /* else ENOTDIR (RMD) */
	weft_files_judge_fn *judge;
	void *arg;
};

/** A file, a link, or an empty folder; options may be NULL. Errors: ENOTEMPTY, what judge said;
 * EBUSY (the visitor's home itself). */
WEFT_API int weft_files_remove(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *path, const struct weft_files_remove_options *options);

/**
 * A folder with all that is in it, hidden names too; or a file, as weft_files_remove(). Its name is
 * gone at once, and with it the whole; then the bytes go, piece by piece: who is late or cancelled
 * by then leaves the rest to weft_files_expire(), and so does who is killed. Right: DELETE, also at
 * all that is below. Errors: EXDEV (it is on another file system than the shared folder, or a part
 * of it is), EBUSY (also: somebody has changed it meanwhile), what judge said.
 */
WEFT_API int weft_files_remove_all(struct weft_files *files,
	const struct weft_files_visitor *visitor, const char *path,
	const struct weft_files_remove_options *options);

struct weft_files_move {
	const char *from, *to;
	bool may_replace;           /* a file by a file, an empty folder by a folder */
	weft_files_judge_fn *judge; /* of what is at from */
	void *arg;
	bool is_unique; /* where something is at to, "name (2).ext" or the like; nothing is replaced
			 */
};

struct weft_files_moved {
	bool has_source; /* also of a failure: something is at from */
	bool is_new;     /* nothing had the name */
	bool is_folder;
	char name[WEFT_FILES_NAME_SIZE]; /* that it has now: of to, or another, by is_unique */
};

/**
 * Rename. What stands by path for it and for what is below goes along, by the options' carrier; it
 * comes under the rights of the folder that it gets into. What would come to light by that for its
 * mover, or is below a folder where her rights are fewer, is EACCES. ret_moved may be NULL. Errors:
 * EEXIST; EISDIR, ENOTDIR, ENOTEMPTY (what is there can't be replaced); EINVAL (a folder into
 * itself); what the carrier said. */
WEFT_API int weft_files_move(struct weft_files *files, const struct weft_files_visitor *visitor,
	const struct weft_files_move *move, struct weft_files_moved *ret_moved);

/** A file, by reflink where the file system can; as weft_files_put_commit(). Errors: EISDIR. */
WEFT_API int weft_files_copy(struct weft_files *files, const struct weft_files_visitor *visitor,
	const struct weft_files_move *move, struct weft_files_moved *ret_moved);

/** Most files and folders that one copy makes. */
#define WEFT_FILES_COPY_MAX 100000

/**
 * The same, and of a folder with all in it that the visitor may see: it gets its name when all of
 * it is on the disk, so a part of it is never there. Left out: what is hidden, and links. It is as
 * new, and the visitor's; rights: READ and LIST of all that is shown, WRITE where each goes.
 * Errors: EACCES, E2BIG, EINVAL (into itself), EXDEV (to another file system than the shared
 * folder's).
 */
WEFT_API int weft_files_copy_all(struct weft_files *files, const struct weft_files_visitor *visitor,
	const struct weft_files_move *move, struct weft_files_moved *ret_moved);

/** When it was last modified (MFMT). Right: REPLACE. */
WEFT_API int weft_files_touch(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *path, struct timespec mtime);

WEFT_END

#endif
