/*
 * segment_name.c - segments by name: who makes it, who finds it, which are stale, who removes it.
 *
 * Whoever is attached holds flock(LOCK_SH) on it, and who makes it LOCK_EX. So who gets LOCK_EX on
 * one that was there knows that nobody holds it, nor will: it is stale, whatever is in it. It is
 * unlinked and never used again, so no process's memory is cut short.
 *
 *	open(O_EXCL), LOCK_EX, fill, LOCK_SH -- still of that name? --> made
 *	     | EEXIST                                  | no: another took it for stale meanwhile
 *	     v                                         v
 *	open, LOCK_EX  --> stale: unlink, and begin anew
 *	     | held
 *	     v
 *	LOCK_SH -- held by its maker: wait -- still of that name? --> attached
 *
 * The kernel changes LOCK_EX to LOCK_SH by way of none: hence the second look at the name.
 *
 * Must never: unlink a name whose file it doesn't hold alone.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "process/segment.h"
#include "weft/fiber.h"

/** Beginnings anew before we give up: each is another process's step forward. Some are quick. */
#define TRIES_MAX       1000
#define TRIES_QUICK_MAX 10

#define AGAIN (-1)

int weft__segment_path(const char *name, char *ret_path, size_t size)
{
	size_t len = strlen(name);

	if (len > WEFT_SEGMENT_NAME_MAX)
		return ENAMETOOLONG;
	if (len == 0 || strchr(name, '/'))
		return EINVAL;
	snprintf(ret_path, size, WEFT__SEGMENT_DIR "/" WEFT__SEGMENT_PREFIX "%s", name);
	return 0;
}

/* Whether the path still leads to the open file. */
static bool is_at(int fd, const char *path)
{
	struct stat here, there;

	return fstat(fd, &here) == 0 && lstat(path, &there) == 0 && here.st_ino == there.st_ino &&
	       here.st_dev == there.st_dev;
}

void weft__segment_find_name(struct weft_segment *segment)
{
	const size_t prefix_len = strlen(WEFT__SEGMENT_DIR "/" WEFT__SEGMENT_PREFIX);
	char link[40];
	ssize_t len;

	snprintf(link, sizeof link, "/proc/self/fd/%d", segment->fd);
	len = readlink(link, segment->path, sizeof segment->path);
	if (len <= (ssize_t)prefix_len || len >= (ssize_t)sizeof segment->path)
		len = 0;
	segment->path[len] = '\0';
	if (strncmp(segment->path, WEFT__SEGMENT_DIR "/" WEFT__SEGMENT_PREFIX, prefix_len) != 0 ||
		!is_at(segment->fd, segment->path))
		segment->path[0] = '\0';
}

/* ---- Making -------------------------------------------------------------------------------- */

static int make(struct weft_segment *segment, const struct weft__segment_wish *wish)
{
	int code;

	if (fchmod(segment->fd, wish->options.mode) < 0)
		return errno;
	if (flock(segment->fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? AGAIN : errno;
	if (!is_at(segment->fd, segment->path))
		return AGAIN;
	code = weft__segment_fill(segment, wish);
	if (code) {
		if (is_at(segment->fd, segment->path))
			unlink(segment->path); /* it is ours alone */
		return code;
	}
	if (flock(segment->fd, LOCK_SH | LOCK_NB) < 0 && errno != EWOULDBLOCK)
		return errno;
	return is_at(segment->fd, segment->path) ? 0 : AGAIN;
}

/* ---- Attaching ---------------------------------------------------------------------------------
 */

/* Whether its maker died over it. */
static bool is_unfinished(int fd)
{
	static const struct weft__segment_head none;
	struct weft__segment_head head;
	ssize_t len = pread(fd, &head, sizeof head, 0);

	if (len == 0)
		return true;
	return len == (ssize_t)sizeof head && head.state == 0 &&
	       (memcmp(&head, &none, sizeof head) == 0 ||
		       memcmp(head.magic, WEFT__SEGMENT_MAGIC, sizeof head.magic) == 0);
}

/* It is held by somebody: its maker, whom one waits for, or others like us. */
static int attach(struct weft_segment *segment, const struct weft__segment_wish *wish)
{
	int code;

	while (flock(segment->fd, LOCK_SH | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return errno;
		if (weft_sleep(WEFT_MILLISECONDS(1)) < 0)
			return errno;
	}
	if (!is_at(segment->fd, segment->path))
		return AGAIN;
	if (wish->options.must_be_new)
		return EEXIST;
	code = weft__segment_enter(segment, wish);
	/* Who holds it beside us has only found the same: one of us will find it unheld. */
	return code == EPROTO && is_unfinished(segment->fd) ? AGAIN : code;
}

static int find(struct weft_segment *segment, const struct weft__segment_wish *wish)
{
	struct stat status;

	if (fstat(segment->fd, &status) < 0)
		return errno;
	if (!weft__segment_is_trusted(&status))
		return EACCES;
	if (flock(segment->fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? attach(segment, wish) : errno;
	/* Another user's may be opened, and not removed. */
	if (is_at(segment->fd, segment->path) && unlink(segment->path) < 0 && errno != ENOENT)
		return errno == EPERM ? EACCES : errno;
	return AGAIN;
}

/* One try. AGAIN: something has changed meanwhile. */
static int open_once(struct weft_segment *segment, const struct weft__segment_wish *wish)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

	segment->fd = open(segment->path, flags);
	if (segment->fd >= 0)
		return find(segment, wish);
	if (errno != ENOENT)
		return errno == ELOOP ? EACCES : errno;
	if (wish->options.must_exist)
		return ENOENT;
	if (wish->size == 0)
		return EINVAL;
	segment->fd = open(segment->path, flags | O_CREAT | O_EXCL, 0600);
	if (segment->fd >= 0)
		return make(segment, wish);
	return errno == EEXIST ? AGAIN : errno;
}

int weft__segment_open(struct weft_segment *segment, const struct weft__segment_wish *wish)
{
	for (int tries = 0; tries < TRIES_MAX; tries++) {
		int code = weft_sleep(tries < TRIES_QUICK_MAX ? 0 : WEFT_MILLISECONDS(1)) < 0
				   ? errno
				   : open_once(segment, wish);

		if (code != AGAIN)
			return code;
		if (segment->map)
			munmap(segment->map, WEFT__SEGMENT_HEAD_SIZE + segment->size);
		if (segment->fd >= 0)
			close(segment->fd);
		segment->map = NULL;
		segment->fd = -1;
		segment->is_new = false;
	}
	return EBUSY;
}

/* ---- Leaving ------------------------------------------------------------------------------------
 */

/* Whether nobody held the file of that name, which is gone now. */
static bool remove_unheld(const char *path)
{
	struct stat status;
	bool is_gone = false;
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return false;
	if (fstat(fd, &status) == 0 && weft__segment_is_trusted(&status) &&
		flock(fd, LOCK_EX | LOCK_NB) == 0 && is_at(fd, path))
		is_gone = unlink(path) == 0;
	close(fd);
	return is_gone;
}

/* A new look, by a descriptor of its own: a child of ours may share the one that we had. */
void weft__segment_leave(const struct weft_segment *segment)
{
	int saved_errno = errno;

	remove_unheld(segment->path);
	errno = saved_errno;
}

int weft_segment_unlink(const char *name)
{
	struct weft_segment segment;
	int code = weft__segment_path(name, segment.path, sizeof segment.path);

	if (code) {
		errno = code;
		return -1;
	}
	return unlink(segment.path);
}

size_t weft_segment_sweep(void)
{
	DIR *folder = opendir(WEFT__SEGMENT_DIR);
	struct dirent *entry;
	size_t count = 0;

	while (folder && (entry = readdir(folder))) {
		char path[sizeof(WEFT__SEGMENT_DIR) + sizeof entry->d_name];
		size_t prefix_len = strlen(WEFT__SEGMENT_PREFIX);

		if (strncmp(entry->d_name, WEFT__SEGMENT_PREFIX, prefix_len) != 0)
			continue;
		snprintf(path, sizeof path, WEFT__SEGMENT_DIR "/%s", entry->d_name);
		count += remove_unheld(path);
	}
	if (folder)
		closedir(folder);
	return count;
}
