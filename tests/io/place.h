/*
 * place.h - a folder of its own for a test case, gone when the case has passed.
 *
 * Never: a path outside that folder, or contents that the next case sees.
 */
#ifndef TESTS_IO_PLACE_H
#define TESTS_IO_PLACE_H

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>

#include "check.h"

static char place_dir[64];

static inline int place_remove(
	const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	return remove(path);
}

static inline void place_end(void)
{
	nftw(place_dir, place_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* The next case in this process makes one of its own. */
static inline void place_forget(void)
{
	place_end();
	place_dir[0] = '\0';
}

static inline void place_make(void)
{
	const char *base = getenv("TMPDIR");

	if (place_dir[0])
		return;
	snprintf(place_dir, sizeof place_dir, "%.40s/weft-XXXXXX", base ? base : "/tmp");
	CHECK(mkdtemp(place_dir) != NULL);
	atexit(place_end);
	check_between = place_forget;
}

/* The path of name in this case's folder; eight may be in use at a time. */
static inline const char *place(const char *name)
{
	static char paths[8][PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % 8];

	place_make();
	snprintf(path, PATH_MAX, "%s/%s", place_dir, name);
	return path;
}

/* By the system's own calls, so that a fault of ours can't hide behind itself. */
static inline void place_write(const char *name, const char *text)
{
	int fd = open(place(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CHECK(fd >= 0);
	CHECK_INT(write(fd, text, strlen(text)), ==, strlen(text));
	close(fd);
}

static inline const char *place_read(const char *name)
{
	static char text[4096];
	int fd = open(place(name), O_RDONLY | O_CLOEXEC);
	ssize_t len;

	CHECK(fd >= 0);
	len = read(fd, text, sizeof text - 1);
	CHECK_INT(len, >=, 0);
	text[len] = '\0';
	close(fd);
	return text;
}

#endif
