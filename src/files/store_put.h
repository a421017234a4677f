/*
 * store_put.h - a file on its way into a folder, between the files that see to it.
 *
 *	store_put.c        its beginning, its bytes, its end
 *	store_temporary.c  names that are not its own yet
 *	store_copy.c       bytes that another file has already
 *	store_commit.c     its own name; many at once
 */
#ifndef WEFT_SRC_FILES_STORE_PUT_H
#define WEFT_SRC_FILES_STORE_PUT_H

#include "files/store.h"

struct weft__put {
	int root_fd; /* the root's */
	bool owns_folder;
	struct weft__store_place place; /* where it goes */
	bool is_unique;                 /* the place's name is the first that is free, after like */
	unsigned number;                /* of the name; 0: it is like itself */
	char like[NAME_MAX + 1];
	struct weft__store_judge judge;
	int fd;
	int temporary_fd;   /* the folder of its temporary name; -1: it has none */
	char temporary[48]; /* that name */
	int lost_code;      /* a sync has failed: bytes may be gone, though the next one succeeds */
	bool keeps_temporary; /* also when it ends without a name of its own */
	int64_t len;          /* that will come, or -1 */
	int64_t position;     /* of the next byte that is written */
	int64_t told;         /* the disk was told up to here */
	char *buffer;         /* NULL: no bytes wait */
	size_t buffer_size, buffer_len;
	mode_t mode;
	struct timespec mtime;
	const char *owner; /* NULL: none */
	bool asks_owner;
	struct weft__gone gone; /* by a commit: the file that it has replaced */
	bool is_synced;         /* by a commit: its bytes are on the disk */
	bool is_new, is_named;  /* by a commit */
	bool is_folder_synced;
	struct stat stat;
};

/** One caller's puts, which get their names together or not at all. */
struct weft__commit {
	struct weft__put **puts;
	size_t count;
	int code; /* 0: all went well; else why puts[failed] did not */
	size_t failed;
	struct weft__commit *next;
};

/** How commits share their syncs. */
struct weft__syncer {
	int fd;                /* on the file system; -1: nothing is shared */
	dev_t dev;             /* which that is */
	int64_t slow_until_ns; /* others keep it busy: up to then, each syncs its own; atomic */
};

/**
 * Carry out a list of commits. On a thread that may wait. Each has its result in it, and what went
 * well is closed.
 */
void weft__commit_run(struct weft__commit *commits, struct weft__syncer *syncer);

/** Whether commits share syncs now; else they had better bring their bytes to the disk before. */
bool weft__syncer_is_shared(const struct weft__syncer *syncer);

/**
 * Bring all of the file system to the disk by a descriptor on it, on a thread that may wait: one
 * that was opened before the bytes were written hears of each that was lost. 0 or -1.
 */
int weft__syncer_sync(struct weft__syncer *syncer, int fd);

/** Bring one put's bytes to the disk before its commit, which need not do it then. 0 or -1. */
int weft__put_sync(struct weft__put *put);

/** weft__put_begin() on a thread that may wait. */
struct weft__put *weft__put_begin_here(const struct weft__put_options *options);

/** Write what is in the buffer, on a thread that may wait. 0 or -1. */
int weft__put_write_out(struct weft__put *put);

/** What has the name now: 1: a file that may be replaced; 0: nothing; -1: what the judge said. */
int weft__put_judge(struct weft__put *put, struct stat *ret_existing);

/** A file with a temporary name, for want of one without. 0 or -1. */
int weft__put_make_temporary(struct weft__put *put);

/** A file without a name gets a temporary one, to be renamed. 0 or -1. */
int weft__put_name_temporarily(struct weft__put *put);

/** Its temporary name goes, if it has one. Keeps errno. */
void weft__put_drop_temporary(struct weft__put *put);

/** A file without a name gets this one. 0; -1: EEXIST, and those of linkat(2). */
int weft__put_link(const struct weft__put *put, int folder_fd, const char *name);

#endif
