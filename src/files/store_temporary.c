/*
 * store_temporary.c - names of files that are on their way into a folder (store_put.h).
 *
 * They are in one folder of the root, which can be swept without walking over a tree; where that is
 * on another file system than the target, they are beside the target, and swept when the next one
 * is made there. Each is kept from who sweeps by a lock on its file.
 *
 * Never: a name that somebody else may have made.
 */
#include "files/store_put.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

/** How often a name is tried that others take or give up at the same time. */
#define TRIES 8

/* The root's folder of temporary names, or the target's, swept. -1. */
static int open_temporary_folder(const struct weft__put *put)
{
	int fd = -1;

	if (weft__store_is_same_mount(put->root_fd, put->place.folder_fd) &&
		(mkdirat(put->root_fd, WEFT__STORE_FOLDER, 0700) == 0 || errno == EEXIST))
		fd = openat(put->root_fd, WEFT__STORE_FOLDER,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	fd = openat(put->place.folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		weft__store_sweep_folder(fd);
	return fd;
}

void weft__put_drop_temporary(struct weft__put *put)
{
	int code = errno;

	if (put->temporary_fd < 0)
		return;
	if (put->temporary[0] && !put->keeps_temporary)
		unlinkat(put->temporary_fd, put->temporary, 0);
	close(put->temporary_fd);
	put->temporary_fd = -1;
	put->temporary[0] = '\0';
	errno = code;
}

/* Its file is ours as long as we live; who sweeps may have been between its making and this. */
static bool keep_temporary(int fd)
{
	struct stat stat;

	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return true; /* no locks here; then nobody sweeps, either */
	return fstat(fd, &stat) == 0 && stat.st_nlink > 0;
}

int weft__put_make_temporary(struct weft__put *put)
{
	for (int i = 0; i < TRIES; i++) {
		put->temporary_fd = open_temporary_folder(put);
		if (put->temporary_fd < 0)
			return -1;
		weft__store_temporary_name(put->temporary, sizeof(put->temporary));
		put->fd = openat(put->temporary_fd, put->temporary,
			O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, put->mode);
		if (put->fd >= 0 && keep_temporary(put->fd))
			return 0;
		if (put->fd >= 0) {
			close(put->fd);
			put->fd = -1;
			errno = EEXIST;
		} else {
			put->temporary[0] = '\0'; /* another's */
		}
		weft__put_drop_temporary(put);
		if (errno != EEXIST && errno != ENOENT)
			return -1;
	}
	return -1;
}

int weft__put_link(const struct weft__put *put, int folder_fd, const char *name)
{
	char path[40];

	/* Linux 6.10 lets everybody do it; before, it is for those who may read all folders. */
	if (linkat(put->fd, "", folder_fd, name, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno != ENOENT && errno != EPERM)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", put->fd);
	return linkat(AT_FDCWD, path, folder_fd, name, AT_SYMLINK_FOLLOW);
}

int weft__put_name_temporarily(struct weft__put *put)
{
	if (put->temporary_fd >= 0)
		return 0;
	while (flock(put->fd, LOCK_EX) < 0 && errno == EINTR)
		;
	for (int i = 0; i < TRIES; i++) {
		put->temporary_fd = open_temporary_folder(put);
		if (put->temporary_fd < 0)
			return -1;
		weft__store_temporary_name(put->temporary, sizeof(put->temporary));
		if (weft__put_link(put, put->temporary_fd, put->temporary) == 0)
			return 0;
		put->temporary[0] = '\0';
		weft__put_drop_temporary(put);
		/* The folder was swept away after it was opened; or it is full of such names. */
		if (errno != ENOENT && errno != EEXIST)
			return -1;
	}
	return -1;
}
