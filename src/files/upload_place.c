/*
 * upload_place.c - the names of uploads' files, and their locks (upload.h).
 *
 * Never: bytes locked that have another name already.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "files/upload.h"
#include "weft/fiber.h"

/** So long it is known that one was published: who has lost the answer asks again. */
#define PUBLISHED_S 600

static int fail(int code)
{
	errno = code;
	return -1;
}

void weft__upload_draw_id(char ret_id[WEFT_FILES_UPLOAD_ID_SIZE])
{
	unsigned long long first = weft_random(), second = weft_random();

	snprintf(ret_id, WEFT_FILES_UPLOAD_ID_SIZE, "%016llx%016llx", first, second);
}

void weft__upload_name(char ret_name[WEFT__UPLOAD_NAME_SIZE], const char *id)
{
	snprintf(ret_name, WEFT__UPLOAD_NAME_SIZE, "u-%s", id);
}

void weft__upload_info_name(char ret_name[WEFT__UPLOAD_NAME_SIZE], const char *id)
{
	snprintf(ret_name, WEFT__UPLOAD_NAME_SIZE, "u-%s.info", id);
}

int weft__uploads_open_folder(const struct weft_files *files, bool is_made)
{
	int root_fd = files->root.fd;

	if (is_made && mkdirat(root_fd, WEFT__STORE_FOLDER, 0700) < 0 && errno != EEXIST)
		return -1;
	return openat(root_fd, WEFT__STORE_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int64_t weft__upload_expires_s(
	const struct weft_files *files, const struct weft__upload_record *record)
{
	return record->touched_s + files->options.upload_ttl_ns / WEFT_SECONDS(1);
}

int64_t weft__upload_forgotten_s(const struct weft__upload_record *record)
{
	return record->touched_s + PUBLISHED_S;
}

int weft__upload_lock(int folder_fd, const char *id)
{
	char name[WEFT__UPLOAD_NAME_SIZE];
	struct stat stat = {.st_nlink = 0};
	int fd, code = 0;

	weft__upload_name(name, id);
	fd = openat(folder_fd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		code = errno == EWOULDBLOCK ? EBUSY : errno;
	/* It may have been removed, or published, between the two. */
	else if (fstat(fd, &stat) < 0 || faccessat(folder_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		code = errno;
	else if (stat.st_nlink != 1)
		code = ENOENT;
	/* By linkat(2), and the process was killed then: nobody may write to it any more. */
	if (code == ENOENT && stat.st_nlink > 1)
		unlinkat(folder_fd, name, 0);
	if (!code)
		return fd;
	close(fd);
	return fail(code);
}

int weft__upload_open_record(int folder_fd, const char *id, struct weft__upload_record *ret_record)
{
	char name[WEFT__UPLOAD_NAME_SIZE];
	int fd, code;

	weft__upload_info_name(name, id);
	fd = openat(folder_fd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (weft__upload_record_read(fd, ret_record) == 0)
		return fd;
	code = errno == EBADMSG ? ENOENT : errno;
	close(fd);
	return fail(code);
}

int weft__upload_unlink(int folder_fd, const char *id)
{
	char name[WEFT__UPLOAD_NAME_SIZE], info[WEFT__UPLOAD_NAME_SIZE];
	int result;

	weft__upload_name(name, id);
	weft__upload_info_name(info, id);
	/* The record first: without bytes it would tell that they were published. */
	result = unlinkat(folder_fd, info, 0);
	return unlinkat(folder_fd, name, 0) < 0 ? -1 : result;
}

bool weft__upload_has_bytes(int folder_fd, const char *id)
{
	char name[WEFT__UPLOAD_NAME_SIZE];

	weft__upload_name(name, id);
	return faccessat(folder_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool weft__upload_is_whole(const struct weft__upload_record *record)
{
	return record->len >= 0 && record->offset == record->len;
}

void weft__upload_take_back(int folder_fd, const char *id)
{
	int code = errno;

	weft__upload_unlink(folder_fd, id);
	errno = code;
}
