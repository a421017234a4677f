/*
 * sqlite_backup.c - a copy of the database while it is in use.
 *
 * Entry point: weft__sqlite_backup().
 * Never: leaves half a copy under the name, or writes over a file that is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/sqlite.h"
#include "weft/offload.h"

struct copy {
	struct weft__sqlite_store *store;
	const char *path;
};

/* All pages in one step: one moment of it, and with WAL no writer waits for that. */
static int copy_pages(sqlite3 *from, sqlite3 *to)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	int code;

	if (!backup) {
		errno = weft__sqlite_errno(sqlite3_extended_errcode(to));
		return -1;
	}
	sqlite3_backup_step(backup, -1);
	code = sqlite3_backup_finish(backup);
	if (code == SQLITE_OK)
		/* One file, complete by itself, on the disk. */
		return weft__sqlite_exec(to, "PRAGMA journal_mode=DELETE");
	errno = weft__sqlite_errno(code);
	return -1;
}

static int sync_path(const char *path, int flags)
{
	int fd = open(path, flags | O_RDONLY | O_CLOEXEC), result, kept;

	if (fd < 0)
		return -1;
	result = fsync(fd);
	kept = errno;
	close(fd);
	errno = kept;
	return result;
}

static int sync_folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int result, kept;

	if (!folder)
		return -1;
	result = sync_path(folder, O_DIRECTORY);
	kept = errno;
	free(folder);
	errno = kept;
	return result;
}

static int copy_into(struct weft__sqlite_store *store, const char *path)
{
	struct weft__sqlite_connection from = {.db = NULL};
	sqlite3 *to = NULL;
	int result = -1, kept;

	if (weft__sqlite_connect(store, &from, false) < 0)
		return -1;
	if (sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ==
		SQLITE_OK)
		result = copy_pages(from.db, to);
	else
		errno = to ? weft__sqlite_errno(sqlite3_extended_errcode(to)) : ENOMEM;
	kept = errno;
	sqlite3_close(to);
	weft__sqlite_disconnect(&from);
	errno = kept;
	return result;
}

static int copy_run(void *arg)
{
	const struct copy *copy = arg;
	int fd = open(copy->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int kept;

	if (fd < 0)
		return -1;
	close(fd);
	if (copy_into(copy->store, copy->path) == 0 && sync_path(copy->path, 0) == 0 &&
		sync_folder_of(copy->path) == 0)
		return 0;
	kept = errno;
	unlink(copy->path);
	errno = kept;
	return -1;
}

int weft__sqlite_backup(struct weft__store *store, const char *path)
{
	struct copy copy = {(struct weft__sqlite_store *)store, path};

	return weft_offload_as(WEFT_OFFLOAD_FILE, copy_run, &copy);
}
