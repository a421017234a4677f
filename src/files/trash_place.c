/*
 * trash_place.c - the names of what is in the trash, its records and its locks (trash.h).
 *
 * Never: a record without its lock, or one whose thing somebody else may be moving.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "files/store.h"
#include "files/trash.h"

/** How often an id is drawn that somebody sweeps away at the same time. */
#define TRIES 8

static int fail(int code)
{
	errno = code;
	return -1;
}

static int close_fail(int fd, int code)
{
	close(fd);
	return fail(code);
}

bool weft__trash_is_id(const char *text)
{
	size_t len = WEFT_FILES_TRASH_ID_SIZE - 1;

	return strspn(text, "0123456789abcdef") == len && !text[len];
}

void weft__trash_name(char ret_name[WEFT__TRASH_NAME_SIZE], char kind, const char *id)
{
	snprintf(ret_name, WEFT__TRASH_NAME_SIZE, "%c-%s", kind, id);
}

void weft__trash_info_name(char ret_name[WEFT__TRASH_NAME_SIZE], const char *id)
{
	snprintf(ret_name, WEFT__TRASH_NAME_SIZE, "t-%s.info", id);
}

int weft__trash_open(const struct weft_files *files, bool is_made)
{
	int root_fd = files->root.fd;

	if (is_made && mkdirat(root_fd, WEFT__TRASH_FOLDER, 0700) < 0 && errno != EEXIST)
		return -1;
	return openat(root_fd, WEFT__TRASH_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int weft__trash_rename(int from_fd, const char *from, int to_fd, const char *to)
{
	struct stat stat;

	if (renameat2(from_fd, from, to_fd, to, RENAME_NOREPLACE) == 0)
		return 0;
	/* A file system without RENAME_NOREPLACE; both folders are locked, or their names are our
	 * own. */
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (fstatat(to_fd, to, &stat, AT_SYMLINK_NOFOLLOW) == 0)
		return fail(EEXIST);
	return errno == ENOENT ? renameat(from_fd, from, to_fd, to) : -1;
}

/* ---- Records ----------------------------------------------------------------------------------
 */

/* Who sweeps may have been between the making of a record and its lock. */
static int lock_new(int fd)
{
	struct stat stat;

	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return -1;
	if (fstat(fd, &stat) < 0)
		return -1;
	return stat.st_nlink > 0 ? 0 : fail(EAGAIN);
}

int weft__trash_record_make_for(
	int trash_fd, const struct weft__upload_record *record, const char *id)
{
	struct weft__upload_record written = *record;
	char name[WEFT__TRASH_NAME_SIZE];
	int fd, code;

	weft__trash_info_name(name, id);
	fd = openat(trash_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	/* Its name is on the disk before its thing has one here. */
	if (lock_new(fd) == 0 && weft__upload_record_make(fd, &written) == 0 &&
		fsync(trash_fd) == 0)
		return fd;
	code = errno;
	unlinkat(trash_fd, name, 0);
	return close_fail(fd, code);
}

int weft__trash_record_make(int trash_fd, const struct weft__upload_record *record,
	char ret_id[WEFT_FILES_TRASH_ID_SIZE])
{
	int fd = -1;

	for (int i = 0; i < TRIES && fd < 0; i++) {
		weft__upload_draw_id(ret_id);
		fd = weft__trash_record_make_for(trash_fd, record, ret_id);
		if (fd < 0 && errno != EEXIST && errno != EAGAIN)
			return -1;
	}
	return fd;
}

void weft__trash_forget(int trash_fd, const char *id)
{
	char name[WEFT__TRASH_NAME_SIZE], info[WEFT__TRASH_NAME_SIZE];
	struct weft__upload_record record;
	struct stat stat;
	int fd;

	weft__trash_name(name, 't', id);
	weft__trash_info_name(info, id);
	fd = openat(trash_fd, info, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		bool is_there =
			fstatat(trash_fd, name, &stat, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;

		if (is_there && weft__upload_record_read(fd, &record) == 0)
			weft__upload_record_fini(&record);
		else if (!is_there || errno == EBADMSG)
			unlinkat(trash_fd, info, 0);
	}
	close(fd);
}

int weft__trash_lock(int trash_fd, const char *id, struct weft__upload_record *ret_record)
{
	char name[WEFT__TRASH_NAME_SIZE], info[WEFT__TRASH_NAME_SIZE];
	struct stat stat;
	int fd, code;

	if (!weft__trash_is_id(id))
		return fail(ENOENT);
	weft__trash_name(name, 't', id);
	weft__trash_info_name(info, id);
	fd = openat(trash_fd, info, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return close_fail(fd, errno == EWOULDBLOCK ? EBUSY : errno);
	if (fstat(fd, &stat) < 0)
		return close_fail(fd, errno);
	if (stat.st_nlink == 0)
		return close_fail(fd, ENOENT);
	if (fstatat(trash_fd, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return close_fail(fd, errno);
	if (weft__upload_record_read(fd, ret_record) == 0)
		return fd;
	code = errno;
	return close_fail(fd, code);
}

int weft__trash_doom(int trash_fd, const char *id)
{
	char name[WEFT__TRASH_NAME_SIZE], doomed[WEFT__TRASH_NAME_SIZE];

	weft__trash_name(name, 't', id);
	weft__trash_name(doomed, 'd', id);
	if (weft__trash_rename(trash_fd, name, trash_fd, doomed) < 0)
		return -1;
	weft__trash_info_name(name, id);
	unlinkat(trash_fd, name, 0);
	return fsync(trash_fd);
}
