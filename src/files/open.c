/*
 * open.c - opens what is below the shared folder, by openat2(2) with RESOLVE_BENEATH.
 *
 * Entry points: weft__root_open(), weft__root_open_folder(), weft__root_stat().
 *
 * The kernel walks the path and refuses to leave the root, whatever links and renames
 * do meanwhile. It refuses absolute links as well, even those that lead back inside;
 * they are resolved by name and the result is opened below the root again, so that
 * the last word is still the kernel's.
 *
 * A path is first opened with O_PATH, which has no effect on what is there, and only
 * a file or a folder is then opened for reading: opening a device can do things, and
 * a FIFO's writer would believe that it is being read.
 *
 * Where all links are to be followed, whoever asks sees to it that the path has no ".." in it.
 *
 * Never: opens a path without RESOLVE_BENEATH, but with O_PATH or for WEFT__LINKS_ALL.
 */
#include "files/open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* openat2(2) says EAGAIN when a rename got in its way; it is asked so often again. */
#define RACE_TRIES 8

static uint64_t resolve_flags(enum weft__links links)
{
	switch (links) {
	case WEFT__LINKS_ALL:
		return RESOLVE_NO_MAGICLINKS;
	case WEFT__LINKS_NONE:
		return RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
	default:
		return RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
	}
}

static int open_by_kernel(const struct weft__root *root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.resolve = resolve_flags(root->links),
	};
	long fd = -1;

	for (int i = 0; i < RACE_TRIES; i++) {
		fd = syscall(SYS_openat2, root->fd, path[0] ? path : ".", &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return (int)fd;
}

/* The absolute path of what fd is open on. */
static int path_of(int fd, char *ret_path, size_t size_bytes)
{
	char link[64];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, ret_path, size_bytes - 1);
	if (len < 0)
		return -1;
	ret_path[len] = '\0';
	return 0;
}

/* Two paths at once: too much for a fiber's stack. */
struct paths {
	char root[PATH_MAX];
	char real[PATH_MAX];
};

/* Where names lead, as a path from the root on; NULL with EXDEV when that is outside of it. */
static const char *resolve_by_name(int root_fd, const char *path, struct paths *paths)
{
	size_t root_len;
	int fd = openat(root_fd, path, O_PATH | O_CLOEXEC);
	int result;

	if (fd < 0)
		return NULL;
	result = path_of(fd, paths->real, sizeof(paths->real));
	close(fd);
	if (result < 0 || path_of(root_fd, paths->root, sizeof(paths->root)) < 0)
		return NULL;
	root_len = strcmp(paths->root, "/") == 0 ? 0 : strlen(paths->root);
	if (strncmp(paths->real, paths->root, root_len) != 0 ||
		(paths->real[root_len] != '/' && paths->real[root_len] != '\0')) {
		errno = EXDEV;
		return NULL;
	}
	return paths->real[root_len] ? paths->real + root_len + 1 : "";
}

static int open_absolute_link(const struct weft__root *root, const char *path, int flags)
{
	struct paths *paths = malloc(sizeof(*paths));
	const char *inside;
	int fd = -1, saved;

	if (!paths)
		return -1;
	inside = resolve_by_name(root->fd, path, paths);
	if (inside)
		fd = open_by_kernel(root, inside, flags);
	saved = errno;
	free(paths);
	errno = saved;
	return fd;
}

static int open_inside(const struct weft__root *root, const char *path, int flags)
{
	int fd = open_by_kernel(root, path, flags);

	if (fd < 0 && errno == EXDEV && root->links == WEFT__LINKS_INSIDE)
		fd = open_absolute_link(root, path, flags);
	return fd;
}

static int fail_close(int fd, int code)
{
	close(fd);
	errno = code;
	return -1;
}

static bool is_served(const struct stat *stat)
{
	return S_ISREG(stat->st_mode) || S_ISDIR(stat->st_mode);
}

int weft__root_stat(const struct weft__root *root, const char *path, struct stat *ret_stat)
{
	struct stat found;
	int fd = open_inside(root, path, O_PATH);

	if (fd < 0)
		return -1;
	if (fstat(fd, &found) < 0)
		return fail_close(fd, errno);
	close(fd);
	if (!is_served(&found)) {
		errno = ENODEV;
		return -1;
	}
	*ret_stat = found;
	return 0;
}

int weft__root_open(const struct weft__root *root, const char *path, struct stat *ret_stat)
{
	struct stat found;
	int fd;

	if (weft__root_stat(root, path, &found) < 0)
		return -1;
	/* O_NONBLOCK: whatever took the file's place in between, this does not wait for it. */
	fd = open_inside(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -1;
	if (fstat(fd, &found) < 0)
		return fail_close(fd, errno);
	if (!is_served(&found))
		return fail_close(fd, ENODEV);
	*ret_stat = found;
	return fd;
}

int weft__root_open_folder(const struct weft__root *root, const char *path, struct stat *ret_stat)
{
	/* O_DIRECTORY: the kernel opens nothing else, so there is no need to look first. */
	int fd = open_inside(root, path, O_RDONLY | O_DIRECTORY);

	if (fd >= 0 && fstat(fd, ret_stat) < 0)
		return fail_close(fd, errno);
	return fd;
}
