/*
 * owner.c - see owner.h.
 *
 * Entry points: weft__owner_set(), weft__gone_at(), weft__gone_credit().
 *
 * Never: a file refused for want of attributes, or somebody credited for what is another's.
 */
#include "files/owner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "files/files.h"

int weft__owner_set(int fd, const char *owner)
{
	if (fsetxattr(fd, WEFT__OWNER_ATTRIBUTE, owner, strlen(owner), 0) == 0)
		return 0;
	/* What the file's own bytes would fail by as well; else there are no such attributes. */
	return errno == EIO || errno == ENOSPC || errno == EDQUOT ? -1 : 0;
}

int weft__owner_change(int fd, const char *from, const char *to)
{
	const struct weft__owner owner = weft__owner_of(fd);

	if (!owner.is_told || strcmp(owner.text, from) != 0) {
		errno = EBUSY;
		return -1;
	}
	return fsetxattr(fd, WEFT__OWNER_ATTRIBUTE, to, strlen(to), XATTR_REPLACE);
}

/* As the call has left it, with its errno. What is too long is none of ours. */
static struct weft__owner take(ssize_t len, const char *text)
{
	struct weft__owner owner = {
		.is_told = len >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS)};

	if (len > 0 && !memchr(text, '\0', (size_t)len))
		memcpy(owner.text, text, (size_t)len);
	return owner;
}

struct weft__owner weft__owner_of(int fd)
{
	char text[WEFT_FILES_OWNER_SIZE];
	ssize_t len = fgetxattr(fd, WEFT__OWNER_ATTRIBUTE, text, sizeof(text) - 1);

	return take(len, text);
}

struct weft__owner weft__owner_at(int folder_fd, const char *name)
{
	char path[NAME_MAX + 40], text[WEFT_FILES_OWNER_SIZE];
	ssize_t len;

	/* One call instead of three; getxattrat(2) is of Linux 6.13. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", folder_fd, name);
	len = lgetxattr(path, WEFT__OWNER_ATTRIBUTE, text, sizeof(text) - 1);
	return take(len, text);
}

struct weft__gone weft__gone_at(
	int folder_fd, const char *name, const struct stat *stat, bool asks_owner)
{
	struct weft__gone gone = {.bytes = 0};

	if (!S_ISREG(stat->st_mode) || stat->st_nlink != 1)
		return gone;
	gone.bytes = stat->st_size;
	if (asks_owner)
		gone.owner = weft__owner_at(folder_fd, name);
	return gone;
}

bool weft__owner_is(const struct weft__owner *owner, const struct weft_files_visitor *visitor)
{
	if (!owner->is_told)
		return true;
	return visitor->owner && strcmp(owner->text, visitor->owner) == 0;
}

int64_t weft__gone_credit(const struct weft_files *files, const struct weft_files_visitor *visitor,
	const struct weft__gone *gone)
{
	int code = errno;

	if (!files->options.freed || weft__owner_is(&gone->owner, visitor))
		return gone->bytes;
	if (gone->bytes > 0 && gone->owner.text[0])
		files->options.freed(files->options.arg, gone->owner.text, gone->bytes);
	errno = code;
	return 0;
}
