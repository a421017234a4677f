/*
 * sqlite_mark.c - that there was a database in a folder: a small file beside it, so that one that
 * is lost is not taken for one that was never made. That would let in whoever the old one kept
 * out.
 *
 *	first start   no mark --> the database is made, and on the disk --> the mark (killed
 *	              before: no mark, and the next start is the first again)
 *	later         mark, database   go on
 *	              mark, and nothing or an empty file: ENODATA, and all stays as it is
 *	a state of an older weft: a database without a mark gets one
 *
 * Entry points: weft__sqlite_check_mark(), weft__sqlite_make_mark().
 * Never: a mark before there is a database; or a file removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite.h"

static const char text[] =
	"weft's accounts are in this folder. While this file is here, weft does not start\n"
	"without them: put a backup in their place. Remove this file to begin anew instead.\n";

static char *path_of(const struct weft__store_options *options)
{
	char *path;

	if (asprintf(&path, "%s/%s", options->dir, options->schema->mark) >= 0)
		return path;
	errno = ENOMEM;
	return NULL;
}

/* 1 where something has the name, 0 where not, -1. */
static int is_there(const char *path, struct stat *ret_stat)
{
	if (lstat(path, ret_stat) == 0)
		return 1;
	return errno == ENOENT ? 0 : -1;
}

int weft__sqlite_check_mark(
	struct weft__sqlite_store *store, const struct weft__store_options *options)
{
	struct stat stat;
	char *path;
	int result, kept;

	if (!options->schema->mark)
		return 0;
	path = path_of(options);
	if (!path)
		return -1;
	result = is_there(path, &stat);
	kept = errno;
	free(path);
	errno = kept;
	if (result <= 0)
		return result;
	store->is_marked = true;
	result = is_there(store->path, &stat);
	if (result < 0)
		return -1;
	if (result == 1 && (!S_ISREG(stat.st_mode) || stat.st_size > 0))
		return 0;
	errno = ENODATA;
	return -1;
}

void weft__sqlite_make_mark(const struct weft__store_options *options)
{
	char *path = path_of(options);
	int fd = -1;

	if (path)
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	/* That it is there is what counts; on a disk that is full it has no text. */
	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		errno = 0;
	if (fd >= 0)
		close(fd);
	free(path);
}
