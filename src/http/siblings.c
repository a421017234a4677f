/*
 * siblings.c - see siblings.h.
 *
 * Entry points: weft__http_sibling_open(), weft__http_sibling_look().
 *
 * Never: takes a file only for its name. "notes.txt.gz" may be last year's notes: so it must
 * not be older than "notes.txt", and end in its length.
 */
#include "http/siblings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/** Bytes of a gzip file beside its data: RFC 1952. */
#define GZIP_FRAME_LEN 18

/* A path with a coding's suffix; NULL: memory is short. */
static char *path_of(const char *path, enum weft__http_coding coding)
{
	char *sibling;

	return asprintf(&sibling, "%s%s", path, weft__http_coding_suffix(coding)) < 0 ? NULL
										      : sibling;
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* RFC 1952, section 2.3.1: the last four bytes are the length of the content, modulo 2^32. */
static bool is_gzip_of(int fd, const struct stat *sibling, const struct stat *file)
{
	uint8_t begin[2], end[4];
	uint32_t len;

	if (sibling->st_size < GZIP_FRAME_LEN ||
		pread(fd, begin, sizeof(begin), 0) != (ssize_t)sizeof(begin) ||
		pread(fd, end, sizeof(end), sibling->st_size - (off_t)sizeof(end)) !=
			(ssize_t)sizeof(end))
		return false;
	len = end[0] | (uint32_t)end[1] << 8 | (uint32_t)end[2] << 16 | (uint32_t)end[3] << 24;
	return begin[0] == 0x1f && begin[1] == 0x8b && len == (uint32_t)file->st_size;
}

static bool is_sibling(
	int fd, const struct stat *sibling, const struct stat *file, enum weft__http_coding coding)
{
	return S_ISREG(sibling->st_mode) && sibling->st_size > 0 &&
	       !is_before(&sibling->st_mtim, &file->st_mtim) &&
	       weft__http_file_is_settled(sibling) &&
	       (coding != WEFT__HTTP_GZIP || is_gzip_of(fd, sibling, file));
}

int weft__http_sibling_open(const struct weft__root *root, const char *path,
	const struct stat *file, enum weft__http_coding coding, struct stat *ret_stat)
{
	char *sibling = path_of(path, coding);
	int fd = sibling ? weft__root_open(root, sibling, ret_stat) : -1;

	free(sibling);
	if (fd >= 0 && !is_sibling(fd, ret_stat, file, coding)) {
		close(fd);
		return -1;
	}
	return fd;
}

struct weft__http_sibling_mark weft__http_sibling_look(
	const struct weft__root *root, const char *path, enum weft__http_coding coding)
{
	struct weft__http_sibling_mark mark = {0};
	char *sibling = path_of(path, coding);
	struct stat stat;

	/* What has just changed may change again: it counts from the next look on. */
	if (sibling && weft__root_stat(root, sibling, &stat) == 0 && S_ISREG(stat.st_mode) &&
		weft__http_file_is_settled(&stat)) {
		mark.inode = stat.st_ino;
		mark.size = stat.st_size;
		mark.modified = stat.st_mtim;
	}
	free(sibling);
	return mark;
}

bool weft__http_sibling_marks_equal(
	const struct weft__http_sibling_mark *a, const struct weft__http_sibling_mark *b)
{
	return a->inode == b->inode && a->size == b->size &&
	       a->modified.tv_sec == b->modified.tv_sec &&
	       a->modified.tv_nsec == b->modified.tv_nsec;
}

void weft__http_sibling_tag(char ret_tag[WEFT__HTTP_TAG_SIZE], const struct stat *file,
	enum weft__http_coding coding, const struct stat *sibling)
{
	char more[64];

	snprintf(more, sizeof(more), "-%s-%llx-%llx", weft__http_coding_name(coding),
		(unsigned long long)sibling->st_mtim.tv_sec * 1000000000 +
			(unsigned long long)sibling->st_mtim.tv_nsec,
		(unsigned long long)sibling->st_size);
	weft__http_file_tag(ret_tag, file, more);
}
