/*
 * files.h - the shared folder, for the files of this floor.
 *
 *	files.c		its life
 *	view.c		a visitor's path: made normal, within the rights, opened below its home
 *	look.c		open, stat; list.c: lists, usage; below.c: rights; digest.c: SHA-256
 *	put.c, put.h	files put by visitors, over store.h
 *	upload.c, upload.h, upload_record.c, upload_find.c	those that are gone on with
 *	change.c	folders made; removed, moved, copied, dated
 *	carry.c, carry.h	what stands by path goes along with what is moved
 *	changes.c	what is under way, for who counts meanwhile
 *	trash.h		what was removed, for a while
 *	owner.c, owner.h, usage.c	who stored a file; how much there is, and whose
 */
#ifndef WEFT_SRC_FILES_FILES_H
#define WEFT_SRC_FILES_FILES_H

#include <stdatomic.h>

#include "files/group.h"
#include "files/open.h"
#include "weft/files.h"
#include "weft/lock.h"

/* For weft_files_counts(): in memory that forked processes share. */
struct weft__files_tally {
	_Atomic uint64_t stored, stored_bytes;
};

/** What is under way (changes.c). */
struct weft__changes {
	atomic_uint turn;          /* of what begins now: 0 or 1 */
	atomic_uint under_way[2];  /* by the turn they began in */
	_Atomic uint64_t moves;    /* names that have moved, ever */
	struct weft_lock counting; /* one at a time waits for a turn's end */
};

struct weft_files {
	struct weft__root root;
	struct weft_files_options options;
	struct weft__group group;
	struct weft__changes changes;
	bool only_views;            /* nothing is changed below the root, nor cleared up */
	atomic_uint puts;           /* under way */
	_Atomic int64_t expired_ns; /* on the wall clock: when uploads were last looked through */
	_Atomic int64_t swept_ns;   /* the same of the trash */
	struct weft_rwlock carrying;     /* carry.c */
	struct weft__files_tally *tally; /* NULL: nothing is put by it */
};

/** A file was put, and has its name. */
static inline void weft__files_count_stored(struct weft_files *files, int64_t size)
{
	atomic_fetch_add_explicit(&files->tally->stored, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(
		&files->tally->stored_bytes, (uint64_t)size, memory_order_relaxed);
}

/** The same of a folder that is open, which is then the engine's, and closed when this fails. */
struct weft_files *weft__files_new_at(int fd, const struct weft_files_options *options);

/** The same for who only looks: what killed processes have left stays, too. */
struct weft_files *weft__files_viewer_at(int fd, const struct weft_files_options *options);

/** The bound of one file at this moment; 0: none. */
static inline int64_t weft__files_max(const struct weft_files *files)
{
	return __atomic_load_n(&files->options.file_max, __ATOMIC_RELAXED);
}

/* ---- Views --------------------------------------------------------------------------- */

/**
 * What a visitor may see by one path. First made, which may ask for rights and touches no disk;
 * then entered, on a thread that may wait; left in any case.
 */
struct weft__view {
	struct weft__root root; /* the visitor's home; its fd -1 before it is entered */
	const struct weft_files *files;
	char *whole;      /* the path below the shared folder, in normal form; to be freed */
	const char *path; /* below home: the end of whole */
	size_t home_len;
	unsigned rights; /* at the path */
	bool is_hidden;  /* by a name on the way */
};

/** Errors: EINVAL (".."), ENAMETOOLONG, ENOMEM. Asks for rights, but for none in particular. */
int weft__view_make(struct weft__view *ret_view, const struct weft_files *files,
	const struct weft_files_visitor *visitor, const char *path);

/** The visitor's rights at a path below the root, in normal form. */
unsigned weft__visitor_rights(const struct weft_files_visitor *visitor, const char *whole);

/** Whether a path is in normal form already, and the visitor has no home that it would be below. */
bool weft__view_is_whole(const struct weft_files_visitor *visitor, const char *path);

/** Whether it has one of these rights: 0, or -1 with EACCES. */
int weft__view_need(const struct weft__view *view, unsigned rights);

/** Open the visitor's home. 0 or -1. On a thread that may wait. */
int weft__view_enter(struct weft__view *view);

/** The end of it. Keeps errno. */
void weft__view_leave(struct weft__view *view);

/** Whether a name of a folder is shown. */
bool weft__files_is_shown(const struct weft_files *files, const char *name);

/**
 * Whether a visitor has these rights at all folders below one, however deep: 0, or -1 with EACCES.
 * Those that are hidden count for nothing. May wait.
 */
int weft__below_has(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *path, unsigned rights);

/**
 * The same of the rights that she has at from, and whether she may write each of them where it
 * would be, were from called to.
 */
int weft__below_may_go(struct weft_files *files, const struct weft_files_visitor *visitor,
	const struct weft__view *from, const struct weft__view *to);

/** A weft_files_move() or a copy. */
typedef int weft__files_move_fn(struct weft_files *files, const struct weft_files_visitor *visitor,
	const struct weft_files_move *move, struct weft_files_moved *ret_moved);

/** Call fn with one name after the other, as move says, until nothing has it; its name is told. */
int weft__name_by_turns(weft__files_move_fn *fn, struct weft_files *files,
	const struct weft_files_visitor *visitor, const struct weft_files_move *move,
	struct weft_files_moved *ret_moved);

/* ---- Changes (changes.c) ------------------------------------------------------------------ */

/**
 * From before bytes or names change on the disk until that was settled with whoever is charged: the
 * turn that its end is told. One may be within another. The ends keep errno; _end_move() is that of
 * what gives bytes another name without charging anybody, result as it is returned, with its errno.
 */
unsigned weft__change_begin(struct weft_files *files);
void weft__change_end(struct weft_files *files, unsigned turn);
void weft__change_end_move(struct weft_files *files, unsigned turn, int result);

/** The same of one that is no move, which has moved something all the same. Before its end. */
void weft__change_moves(struct weft_files *files);

/** Wait until all that has begun by now has ended; under the lock counting. 0; -1: interrupted. */
int weft__changes_wait(struct weft_files *files);

/* ---- Quotas -------------------------------------------------------------------------- */

/** Whose uploads they are: for ever, else by name; "": a stranger's. */
const char *weft__visitor_owner(const struct weft_files_visitor *visitor);

/** 0, or -1 with EDQUOT; both do nothing where there is no quota. */
int weft__visitor_reserve(const struct weft_files_visitor *visitor, int64_t bytes);
void weft__visitor_settle(const struct weft_files_visitor *visitor, int64_t reserved, int64_t used);

#endif
