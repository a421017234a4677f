/*
 * dir_walk.c - everything below a directory, one step at a time, without recursion.
 *
 *	levels:	[ root: list, next ] [ a: list, next ] [ b: list, next ]  <- fd is b's
 *	path:	"root/a/b/name"
 *
 * Only the deepest directory is open. Back up is "..", and the directory found there must
 * be the one the walk came from: a tree that is moved about can't lead the walk elsewhere.
 *
 * Never: follow a symbolic link, or look at the file system on a worker.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/dir.h"
#include "weft/offload.h"
#include "weft/scope.h"
#include "weft/stack.h"

struct level {
	struct weft__dir_identity identity;
	struct weft_dir_list list;
	size_t next;     /* entry that comes next */
	size_t path_len; /* of the walk's path up to this directory */
};

struct weft_dir_walk {
	int fd; /* of the deepest level; -1: the walk is over */
	unsigned flags;
	struct weft_stack levels;
	struct weft_vec path; /* with its NUL */
	bool is_to_enter;     /* the last step was a directory */
	bool is_new;          /* the root was not entered yet */
};

static void cut_path(struct weft_dir_walk *walk, size_t len)
{
	weft_vec_truncate(&walk->path, len);
	((char *)walk->path.items)[len] = '\0'; /* there is room: what was cut, or its NUL */
}

/* Put "/name" behind the first len bytes of the path. */
static int set_name(struct weft_dir_walk *walk, size_t len, const char *name)
{
	size_t name_len = strlen(name);
	bool has_slash = len > 0 && *weft_vec_get(&walk->path, char, len - 1) == '/';
	char *bytes;

	if (weft_vec_reserve(&walk->path, len + name_len + 2) < 0)
		return -1;
	bytes = walk->path.items;
	if (!has_slash)
		bytes[len++] = '/';
	memcpy(bytes + len, name, name_len + 1);
	walk->path.len = len + name_len;
	return 0;
}

/* ---- Steps, on a thread ----------------------------------------------------------------- */

static struct level *deepest(struct weft_dir_walk *walk)
{
	return weft_stack_top(&walk->levels);
}

/* The name that was told last, in the deepest directory. */
static const char *last_name(struct weft_dir_walk *walk)
{
	struct level *level = deepest(walk);

	return level->list.entries[level->next - 1].name;
}

static int enter(void *arg)
{
	struct weft_dir_walk *walk = arg;
	struct level level = {.path_len = walk->path.len};
	int fd;

	if (walk->is_new)
		fd = open(walk->path.items, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	else
		fd = weft__dir_open(walk->fd, last_name(walk), &level.identity);
	if (fd >= 0 && walk->is_new) {
		struct stat status;

		fstat(fd, &status);
		level.identity = (struct weft__dir_identity){status.st_dev, status.st_ino};
	}
	if (fd < 0 || weft__dir_read(fd, walk->flags, &level.list) < 0 ||
		weft_stack_push(&walk->levels, &level) < 0) {
		int code = errno;

		if (fd >= 0)
			close(fd);
		weft_dir_list_fini(&level.list);
		errno = code;
		return -1;
	}
	if (walk->fd >= 0)
		close(walk->fd);
	walk->fd = fd;
	return 0;
}

/* Back up; the walk is over when that fails. */
static int leave(void *arg)
{
	struct weft_dir_walk *walk = arg;
	struct level level;
	int fd = -1, code;

	weft_stack_pop(&walk->levels, &level);
	weft_dir_list_fini(&level.list);
	if (deepest(walk))
		fd = weft__dir_open_above(walk->fd, &deepest(walk)->identity);
	code = errno;
	close(walk->fd);
	walk->fd = fd;
	errno = code;
	return fd < 0 && deepest(walk) ? -1 : 0;
}

/* ---- The walk ------------------------------------------------------------------------------ */

struct weft_dir_walk *weft_dir_walk_new(const char *path, unsigned flags)
{
	struct weft_dir_walk *walk = calloc(1, sizeof *walk);
	size_t len = strlen(path);
	int code;

	if (!walk)
		return NULL;
	walk->fd = -1;
	walk->flags = flags;
	walk->is_new = true;
	weft_stack_init(&walk->levels, sizeof(struct level), SIZE_MAX);
	weft_vec_init(&walk->path, 1);
	if (weft_vec_reserve(&walk->path, len + 1) < 0)
		goto fail;
	memcpy(walk->path.items, path, len + 1);
	walk->path.len = len;
	if (weft_offload_as(WEFT_OFFLOAD_FILE, enter, walk) < 0)
		goto fail;
	walk->is_new = false;
	return walk;
fail:
	code = errno;
	weft_dir_walk_free(walk);
	errno = code;
	return NULL;
}

/* Back up to a directory that has entries left. 1, 0 at the end, or -1. */
static int back_up(struct weft_dir_walk *walk)
{
	while (deepest(walk) && deepest(walk)->next == deepest(walk)->list.count) {
		if (weft_offload_as(WEFT_OFFLOAD_FILE, leave, walk) < 0)
			return -1;
		if (deepest(walk))
			cut_path(walk, deepest(walk)->path_len);
	}
	return walk->fd >= 0 ? 1 : 0;
}

int weft_dir_walk_next(struct weft_dir_walk *walk, struct weft_dir_step *ret_step)
{
	int code = weft_interrupted();
	struct level *level;
	int result;

	if (code) {
		errno = code;
		return -1;
	}
	if (walk->fd < 0)
		return 0;
	if (walk->is_to_enter) {
		if (weft_offload_as(WEFT_OFFLOAD_FILE, enter, walk) < 0) {
			/* Late: it is entered by the next call. */
			walk->is_to_enter = errno == ETIMEDOUT || errno == ECANCELED;
			return -1;
		}
		walk->is_to_enter = false;
	}
	result = back_up(walk);
	if (result <= 0)
		return result;
	level = deepest(walk);
	if (set_name(walk, level->path_len, level->list.entries[level->next].name) < 0)
		return -1;
	ret_step->entry = level->list.entries[level->next++];
	ret_step->path = walk->path.items;
	ret_step->depth = weft_stack_len(&walk->levels) - 1;
	walk->is_to_enter = ret_step->entry.type == WEFT_DIR_DIR;
	return 1;
}

void weft_dir_walk_skip(struct weft_dir_walk *walk)
{
	walk->is_to_enter = false;
}

const char *weft_dir_walk_path(const struct weft_dir_walk *walk)
{
	return walk->path.items;
}

void weft_dir_walk_free(struct weft_dir_walk *walk)
{
	int code = errno;
	struct level level;

	if (!walk)
		return;
	while (weft_stack_pop(&walk->levels, &level))
		weft_dir_list_fini(&level.list);
	weft_stack_fini(&walk->levels);
	weft_vec_fini(&walk->path);
	if (walk->fd >= 0)
		close(walk->fd);
	free(walk);
	errno = code;
}
