/*
 * unix_path.c - binding Unix sockets to paths (unix_path.h).
 *
 * A socket's path outlives it, when its process was killed. The next one may take the path
 * only where no living socket has it:
 *
 *	sock_diag(7)        nobody of this network namespace is bound there, not even between
 *	                    bind(2) and listen(2); by the file's inode, not by its name
 *	connect(2) refused  nobody of any namespace listens there, or reads datagrams. Asked
 *	                    last: a server would see that connection.
 *
 * Then it is moved away, looked at once more (a stranger may have replaced it meanwhile, and
 * gets it back), and removed. Of those who come here at once each has the folder locked in
 * turn: else one could move away what another has just made, and a third bind in between.
 *
 * Never: remove what is no socket, or a socket that can't be asked.
 */
#include "io/unix_path.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "fiber/driver/driver.h"
#include "weft/fiber.h"
#include "weft/socket.h"

#define MODE_DEFAULT 0600

/* More than the kernel puts into one message. */
#define ANSWER_SIZE 32768

/* Whoever may read a folder may lock it, and keep it locked. */
#define LOCK_TRIES    500
#define LOCK_PAUSE_NS WEFT_MILLISECONDS(2)

static int fail(int code)
{
	errno = code;
	return -1;
}

/* In the file system: a simulated socket's path is a name and nothing else. */
static bool has_path(const struct weft_address *address)
{
	struct weft__driver *driver;

	if (weft__net(&driver) != &weft__net_kernel)
		return false;
	return weft_address_family(address) == AF_UNIX && address->len > sizeof(sa_family_t) &&
	       address->un.sun_path[0] != '\0';
}

static bool is_same(const struct stat *one, const struct stat *other)
{
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

/* ---- Is anybody there? ------------------------------------------------------------------- */

/* Whether connecting is refused, which never waits: a full queue is somebody's. */
static bool is_refused(int type, const struct weft_address *address)
{
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool is_none;

	if (fd < 0)
		return false;
	is_none = connect(fd, &address->any, address->len) < 0 && errno == ECONNREFUSED;
	close(fd);
	return is_none;
}

static bool has_inode(const struct nlmsghdr *header, const struct stat *status)
{
	const struct unix_diag_msg *message = NLMSG_DATA(header);
	const struct rtattr *attribute = (const void *)(message + 1);
	int left = (int)NLMSG_PAYLOAD(header, sizeof(*message));

	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		struct unix_diag_vfs vfs;

		if (attribute->rta_type != UNIX_DIAG_VFS ||
			RTA_PAYLOAD(attribute) < (int)sizeof(vfs))
			continue;
		memcpy(&vfs, RTA_DATA(attribute), sizeof(vfs));
		/* The device is told in the kernel's own form: the number alone decides. */
		if (vfs.udiag_vfs_ino == (uint32_t)status->st_ino)
			return true;
	}
	return false;
}

enum answer {
	ANSWER_MORE,
	ANSWER_NONE, /* the list has ended */
	ANSWER_FOUND,
};

static enum answer read_answer(const char *data, size_t len, const struct stat *status)
{
	const struct nlmsghdr *header = (const void *)data;

	for (; NLMSG_OK(header, len); header = NLMSG_NEXT(header, len)) {
		if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR)
			return ANSWER_NONE;
		if (has_inode(header, status))
			return ANSWER_FOUND;
	}
	return ANSWER_MORE;
}

/* Whether a living socket of this namespace is bound to the file. A kernel without
 * sock_diag knows of none. */
static bool is_bound(const struct stat *status)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req request;
	} ask = {
		.header = {.nlmsg_len = sizeof(ask),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.request = {.sdiag_family = AF_UNIX,
			.udiag_states = ~0U,
			.udiag_show = UDIAG_SHOW_VFS},
	};
	enum answer answer = ANSWER_MORE;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	char *data;

	if (fd < 0)
		return false;
	data = malloc(ANSWER_SIZE);
	if (!data)
		answer = ANSWER_FOUND; /* for all we know */
	else if (send(fd, &ask, sizeof(ask), 0) < 0)
		answer = ANSWER_NONE;
	while (answer == ANSWER_MORE) {
		ssize_t len = recv(fd, data, ANSWER_SIZE, 0);

		answer = len < 0 ? ANSWER_NONE : read_answer(data, (size_t)len, status);
	}
	free(data);
	close(fd);
	return answer == ANSWER_FOUND;
}

/* ---- Taking its place ----------------------------------------------------------------------- */

/* Remove the socket at path if it is the one that status is of. */
static int remove_stale(const char *path, const struct stat *status)
{
	char aside[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 16];
	unsigned number = 0;
	struct stat moved;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) < 0)
		number = 0; /* which has to be free, then */
	snprintf(aside, sizeof(aside), "%s.%08x", path, number);
	if (renameat2(AT_FDCWD, path, AT_FDCWD, aside, RENAME_NOREPLACE) < 0)
		return errno == ENOENT ? 0 : fail(EADDRINUSE); /* ENOENT: another has removed it */
	if (lstat(aside, &moved) == 0 && is_same(&moved, status))
		return unlink(aside);
	(void)renameat2(AT_FDCWD, aside, AT_FDCWD, path, RENAME_NOREPLACE);
	return fail(EADDRINUSE);
}

/* A descriptor that has the folder of the path locked; -1: it can't be had in time. */
static int lock_folder(const char *path)
{
	char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
	int fd, tries = LOCK_TRIES;

	snprintf(folder, sizeof(folder), "%s", path);
	fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	while (flock(fd, LOCK_EX | LOCK_NB) < 0)
		if (--tries == 0 || weft_sleep(LOCK_PAUSE_NS) < 0) {
			close(fd);
			return -1;
		}
	return fd;
}

static int replace_locked(int fd, int type, const struct weft_address *address)
{
	const char *path = address->un.sun_path;
	/* While it is open no other file gets its inode's number. */
	int path_fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;
	int result = -1;

	if (path_fd < 0)
		return errno == ENOENT ? weft_bind(fd, &address->any, address->len)
				       : fail(EADDRINUSE);
	if (fstat(path_fd, &status) < 0 || !S_ISSOCK(status.st_mode) || is_bound(&status) ||
		!is_refused(type, address))
		errno = EADDRINUSE;
	else if (remove_stale(path, &status) == 0)
		result = weft_bind(fd, &address->any, address->len);
	close(path_fd);
	return result;
}

/* bind(2) has found the path taken. */
static int replace_stale(int fd, int type, const struct weft_address *address)
{
	int folder_fd = lock_folder(address->un.sun_path), result;

	if (folder_fd < 0)
		return fail(EADDRINUSE);
	result = replace_locked(fd, type, address);
	close(folder_fd);
	return result;
}

int weft__unix_bind(int fd, int type, const struct weft_address *address, unsigned mode,
	struct weft__unix_path *ret_path)
{
	const char *path = address->un.sun_path;

	ret_path->is_ours = false;
	if (mode == 0)
		mode = MODE_DEFAULT;
	/* What bind(2) makes has the socket's own mode, less the umask: at no time too much. */
	if (has_path(address) && fchmod(fd, mode) < 0)
		return -1;
	if (weft_bind(fd, &address->any, address->len) < 0 &&
		(errno != EADDRINUSE || !has_path(address) || replace_stale(fd, type, address) < 0))
		return -1;
	if (!has_path(address))
		return 0;
	if (lstat(path, &ret_path->status) < 0)
		return -1;
	ret_path->is_ours = true;
	return chmod(path, mode);
}

void weft__unix_path_remove(const struct weft__unix_path *path, const struct weft_address *address)
{
	int saved_errno = errno;
	struct stat status;

	if (path->is_ours && lstat(address->un.sun_path, &status) == 0 &&
		is_same(&status, &path->status))
		unlink(address->un.sun_path);
	errno = saved_errno;
}
