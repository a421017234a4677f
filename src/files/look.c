/*
 * look.c - what is at a path, for a visitor who may see it.
 *
 * Entry points: weft_files_open(), weft_files_stat().
 *
 * Never: a sign of what is hidden, or of what the visitor may not see.
 */
#include <errno.h>
#include <unistd.h>

#include "files/files.h"
#include "weft/offload.h"

struct look {
	struct weft__view view;
	bool opens;
	int fd;
	struct stat stat;
};

static int look_there(void *arg)
{
	struct look *look = arg;
	const char *path = look->view.path;

	if (weft__view_enter(&look->view) < 0)
		return -1;
	if (!look->opens)
		return weft__root_stat(&look->view.root, path, &look->stat);
	look->fd = weft__root_open(&look->view.root, path, &look->stat);
	return look->fd < 0 ? -1 : 0;
}

static int look_within_rights(struct look *look)
{
	unsigned needed;

	if (weft__view_need(&look->view, WEFT_FILES_READ | WEFT_FILES_LIST) < 0)
		return -1;
	if (look->view.is_hidden) {
		errno = ENOENT;
		return -1;
	}
	if (weft_offload_as(WEFT_OFFLOAD_FILE, look_there, look) < 0)
		return -1;
	needed = S_ISDIR(look->stat.st_mode) ? WEFT_FILES_LIST : WEFT_FILES_READ;
	if (!look->opens || weft__view_need(&look->view, needed) == 0)
		return 0;
	close(look->fd);
	return -1;
}

static int look_at(struct look *look, const struct weft_files *files,
	const struct weft_files_visitor *visitor, const char *path)
{
	int result;

	if (weft__view_make(&look->view, files, visitor, path) < 0)
		return -1;
	result = look_within_rights(look);
	weft__view_leave(&look->view);
	return result;
}

int weft_files_open(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *path, struct stat *ret_stat)
{
	struct look look = {.opens = true, .fd = -1};

	if (look_at(&look, files, visitor, path) < 0)
		return -1;
	if (ret_stat)
		*ret_stat = look.stat;
	return look.fd;
}

int weft_files_stat(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *path, struct stat *ret_stat)
{
	struct look look = {.opens = false};

	if (look_at(&look, files, visitor, path) < 0)
		return -1;
	*ret_stat = look.stat;
	return 0;
}
