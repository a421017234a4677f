/*
 * chat_key.c - the server's key for sealed datagrams, in its state folder.
 *
 * Entry point: weft__hub_chat_key(). It is called once, before anybody is served, and by who has
 * the rooms of that folder open: so nobody else makes a key there meanwhile.
 *
 * Never: takes a key that others can read; or makes another one where there is a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chat.h"

static void close_keeping(int fd)
{
	int kept = errno;

	close(fd);
	errno = kept;
}

static int read_key(const char *path, uint8_t ret_secret[WEFT_CHAT_LINK_KEY_SIZE])
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;
	int result = -1;

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) < 0)
		goto done;
	errno = EINVAL;
	if (!S_ISREG(status.st_mode) || status.st_size != WEFT_CHAT_LINK_KEY_SIZE)
		goto done;
	errno = EPERM;
	if (status.st_mode & (S_IRWXG | S_IRWXO))
		goto done;
	errno = EIO;
	if (read(fd, ret_secret, WEFT_CHAT_LINK_KEY_SIZE) == WEFT_CHAT_LINK_KEY_SIZE)
		result = 0;
done:
	close_keeping(fd);
	return result;
}

static int sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), result;

	if (fd < 0)
		return -1;
	result = fsync(fd);
	close_keeping(fd);
	return result;
}

/* It has its name when all of it is on the disk. */
static int write_key(const char *dir, const char *path, const uint8_t *secret)
{
	char fresh[PATH_MAX];
	int fd, result = -1;

	if ((size_t)snprintf(fresh, sizeof(fresh), "%s.new", path) >= sizeof(fresh)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	unlink(fresh); /* of who was killed */
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	errno = EIO;
	if (write(fd, secret, WEFT_CHAT_LINK_KEY_SIZE) == WEFT_CHAT_LINK_KEY_SIZE && fsync(fd) == 0)
		result = 0;
	close_keeping(fd);
	if (result < 0 || rename(fresh, path) < 0) {
		int kept = errno;

		unlink(fresh);
		errno = kept;
		return -1;
	}
	return sync_dir(dir);
}

int weft__hub_chat_key(const char *dir, uint8_t ret_secret[WEFT_CHAT_LINK_KEY_SIZE])
{
	char path[PATH_MAX];

	if (!dir)
		return weft_chat_link_key_new(ret_secret);
	if ((size_t)snprintf(path, sizeof(path), "%s/" HUB_CHAT_KEY_FILE, dir) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (read_key(path, ret_secret) == 0)
		return 0;
	if (errno != ENOENT || weft_chat_link_key_new(ret_secret) < 0)
		return -1;
	return write_key(dir, path, ret_secret);
}
