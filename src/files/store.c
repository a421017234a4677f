/*
 * store.c - places below the root, locks, and what killed processes have left (store.h).
 *
 * A temporary name is ".weft-upload-" and 16 digits. Its maker holds a flock(2) on the file as long
 * as it lives; so a name whose file can be locked is nobody's, whatever process, on whatever
 * machine that shares the file system, has made it.
 *
 * Never: a path that the kernel was not told to keep below the root.
 */
#include "files/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "files/open.h"
#include "weft/fiber.h"
#include "weft/offload.h"
#include "weft/scope.h"
#include "weft/utf8.h"

#define TEMPORARY     WEFT__STORE_FOLDER "-"
#define TEMPORARY_LEN (sizeof(TEMPORARY) - 1 + 16)

/** A lock is held for a few system calls; who waits longer waits for a stranger. */
#define LOCK_WAIT_NS  WEFT_SECONDS(2)
#define LOCK_PAUSE_NS WEFT_MILLISECONDS(1)

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- Places --------------------------------------------------------------------------------- */

bool weft__store_is_own_name(const char *name)
{
	return strncmp(name, WEFT__STORE_FOLDER, sizeof(WEFT__STORE_FOLDER) - 1) == 0 ||
	       strncmp(name, WEFT__TRASH_FOLDER, sizeof(WEFT__TRASH_FOLDER) - 1) == 0;
}

bool weft__store_is_same_mount(int a, int b)
{
	struct statx first, second;

	return statx(a, "", AT_EMPTY_PATH, STATX_MNT_ID, &first) == 0 &&
	       statx(b, "", AT_EMPTY_PATH, STATX_MNT_ID, &second) == 0 &&
	       (first.stx_mask & second.stx_mask & STATX_MNT_ID) &&
	       first.stx_mnt_id == second.stx_mnt_id &&
	       first.stx_dev_major == second.stx_dev_major &&
	       first.stx_dev_minor == second.stx_dev_minor;
}

bool weft__store_is_mount(int folder_fd, const char *name)
{
	struct statx found;

	return statx(folder_fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &found) == 0 &&
	       (found.stx_attributes & found.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT);
}

int weft__store_fail_at(int folder_fd, const char *name)
{
	int code = errno;

	return fail(code == EBUSY && weft__store_is_mount(folder_fd, name) ? EXDEV : code);
}

/* Whether a name that path begins with is not for those who come this way. */
static bool is_kept(const struct weft__root *root, const char *path)
{
	return path[0] == '.' && (!root->shows_hidden || weft__store_is_own_name(path));
}

int weft__store_check_name(const struct weft__root *root, const char *name)
{
	size_t len = strlen(name);

	if (len > NAME_MAX)
		return fail(ENAMETOOLONG);
	if (len == 0 || strchr(name, '/'))
		return fail(EINVAL);
	if (is_kept(root, name))
		return fail(EPERM);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return fail(EINVAL);
	return weft_utf8_is_valid(name, len) ? 0 : fail(EINVAL);
}

static bool is_hidden(const struct weft__root *root, const char *path)
{
	while (path && !is_kept(root, path)) {
		path = strchr(path, '/');
		path = path ? path + 1 : NULL;
	}
	return path != NULL;
}

int weft__store_find(const struct weft__root *root, const char *path, bool is_new,
	struct weft__store_place *ret_place)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t folder_len = slash ? (size_t)(slash - path) : 0;
	struct stat stat;
	char *folder;
	int fd;

	if (is_hidden(root, path))
		return fail(EPERM);
	if (strlen(name) > NAME_MAX)
		return fail(ENAMETOOLONG);
	if (!name[0])
		return fail(EINVAL);
	if (is_new && weft__store_check_name(root, name) < 0)
		return -1;
	folder = strndup(path, folder_len);
	if (!folder)
		return -1;
	fd = weft__root_open_folder(root, folder, &stat);
	free(folder);
	if (fd < 0)
		return -1;
	ret_place->folder_fd = fd;
	ret_place->dev = stat.st_dev;
	ret_place->ino = stat.st_ino;
	memcpy(ret_place->name, name, strlen(name) + 1);
	return 0;
}

int weft__store_look(const struct weft__store_place *place, struct stat *ret_stat)
{
	if (fstatat(place->folder_fd, place->name, ret_stat, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : -1;
}

struct folder_call {
	const struct weft__root *root;
	const char *path;
	int fd;
};

static int open_folder(void *arg)
{
	struct folder_call *call = arg;
	struct stat stat;

	if (is_hidden(call->root, call->path))
		return fail(EPERM);
	call->fd = weft__root_open_folder(call->root, call->path, &stat);
	return call->fd < 0 ? -1 : 0;
}

int weft__store_open_folder(const struct weft__root *root, const char *path)
{
	struct folder_call call = {root, path, -1};

	return weft_offload_as(WEFT_OFFLOAD_FILE, open_folder, &call) < 0 ? -1 : call.fd;
}

void weft__store_close_folder(int fd)
{
	close(fd); /* was not written to: nothing to wait for */
}

/* ---- Locks --------------------------------------------------------------------------- */

int weft__store_lock(int folder_fd)
{
	int64_t waited_ns = 0;

	while (flock(folder_fd, LOCK_EX | LOCK_NB) < 0) {
		/* Some network file systems lock no folder; there, others are not kept away. */
		if (errno != EWOULDBLOCK && errno != EINTR)
			return 0;
		if (waited_ns >= LOCK_WAIT_NS)
			return fail(EBUSY);
		nanosleep(&(struct timespec){0, LOCK_PAUSE_NS}, NULL);
		waited_ns += LOCK_PAUSE_NS;
	}
	return 0;
}

void weft__store_unlock(int folder_fd)
{
	int code = errno;

	flock(folder_fd, LOCK_UN);
	errno = code;
}

/* ---- Leftovers ----------------------------------------------------------------------- */

void weft__store_temporary_name(char *ret_name, size_t size)
{
	snprintf(ret_name, size, TEMPORARY "%016llx", (unsigned long long)weft_random());
}

static bool is_temporary(const char *name)
{
	size_t prefix = sizeof(TEMPORARY) - 1;

	return strncmp(name, TEMPORARY, prefix) == 0 && strlen(name) == TEMPORARY_LEN &&
	       strspn(name + prefix, "0123456789abcdef") == TEMPORARY_LEN - prefix;
}

/* Unless its maker lives. */
static void remove_leftover(int folder_fd, const char *name)
{
	int fd = openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		unlinkat(folder_fd, name, 0);
	close(fd);
}

int weft__store_sweep_folder(int folder_fd)
{
	int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!folder) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while ((entry = readdir(folder)))
		if (is_temporary(entry->d_name))
			remove_leftover(folder_fd, entry->d_name);
	closedir(folder);
	return 0;
}

static int sweep(void *arg)
{
	int root_fd = ((const struct weft__root *)arg)->fd, result;
	int fd = openat(
		root_fd, WEFT__STORE_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	result = weft__store_sweep_folder(fd);
	close(fd);
	/* Stays where others are at work in it: they make it again when it is gone. */
	unlinkat(root_fd, WEFT__STORE_FOLDER, AT_REMOVEDIR);
	return result;
}

int weft__store_sweep(const struct weft__root *root)
{
	int result = -1;

	WEFT_SHIELDED
		result = weft_offload_as(WEFT_OFFLOAD_FILE, sweep, (void *)root);
	return result;
}
