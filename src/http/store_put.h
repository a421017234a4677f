/*
 * store_put.h - a file on its way into a folder, between the files that see to it.
 *
 *	store_put.c        its beginning, its bytes, its end
 *	store_temporary.c  names that are not its own yet
 *	store_commit.c     its own name
 */
#ifndef WEFT_SRC_HTTP_STORE_PUT_H
#define WEFT_SRC_HTTP_STORE_PUT_H

#include "http/store.h"

struct weft__put {
	int root_fd; /* the root's */
	bool owns_folder;
	struct weft__store_place place; /* where it goes */
	struct weft__store_judge judge;
	int fd;
	int temporary_fd;   /* the folder of its temporary name; -1: it has none */
	char temporary[40]; /* that name */
	int64_t len;        /* that will come, or -1 */
	int64_t position;   /* of the next byte that is written */
	int64_t told;       /* the disk was told up to here */
	char *buffer;       /* NULL: no bytes wait */
	size_t buffer_size, buffer_len;
	bool is_new, is_named; /* by a commit */
	struct stat stat;
};

/** What has the name now: 1: a file that may be replaced; 0: nothing; -1: what the judge said. */
int weft__put_judge(const struct weft__put *put, struct stat *ret_existing);

/** A file with a temporary name, for want of one without. 0 or -1. */
int weft__put_make_temporary(struct weft__put *put);

/** A file without a name gets a temporary one, to be renamed. 0 or -1. */
int weft__put_name_temporarily(struct weft__put *put);

/** Its temporary name goes, if it has one. Keeps errno. */
void weft__put_drop_temporary(struct weft__put *put);

/** A file without a name gets this one. 0; -1: EEXIST, and those of linkat(2). */
int weft__put_link(const struct weft__put *put, int folder_fd, const char *name);

#endif
