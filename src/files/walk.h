/*
 * walk.h - all that a visitor sees below a folder, one by one: for archives and searches.
 */
#ifndef WEFT_SRC_FILES_WALK_H
#define WEFT_SRC_FILES_WALK_H

#include "weft/files.h"

/** Bytes of the names of folders that are still to be looked into. */
#define WEFT__WALK_PENDING_MAX ((size_t)32 * 1024 * 1024)

struct weft__walk_entry {
	const char *path; /* below the folder that is walked; until fn returns */
	const char *name; /* the end of it */
	unsigned depth;   /* 1: in that folder */
	struct stat stat;
	bool is_link;
};

/** Returns 0 to go on; 1: not into this folder; -1 to end. It may wait. */
typedef int weft__walk_fn(const struct weft__walk_entry *entry, void *arg);

struct weft__walk {
	struct weft_files *files;
	const struct weft_files_visitor *visitor;
	const char *path; /* of the folder, in the visitor's home */
	weft__walk_fn *fn;
	void *arg;
};

/**
 * Call fn of each file and folder below: a folder before what is in it, links not followed. What
 * may not be seen, or is gone by now, is left out; but not the folder itself. 0; -1: errno as fn
 * left it, those of weft_files_list(), E2BIG (too many folders at a time).
 */
int weft__walk(const struct weft__walk *walk);

#endif
