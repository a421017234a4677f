/*
 * walk.c - all that a visitor sees below a folder (walk.h).
 *
 * One folder is read at a time; those in it wait for their turn, the last found first. So memory is
 * for the names of folders, and not for those of files, and nothing recurses.
 *
 * Never: into a symbolic link.
 */
#include "files/walk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A folder that is still to be read. */
struct pending {
	struct pending *next;
	unsigned depth;
	size_t size;
	char path[];
};

struct walking {
	const struct weft__walk *walk;
	const struct pending *folder; /* that is being read */
	struct pending *first;
	size_t pending_size;
	bool is_ended; /* by fn, or for want of memory */
};

static struct pending *join(const struct pending *folder, const char *name)
{
	size_t folder_len = folder ? strlen(folder->path) : 0;
	size_t size = folder_len + strlen(name) + 2;
	struct pending *joined = malloc(sizeof(*joined) + size);

	if (!joined)
		return NULL;
	joined->next = NULL;
	joined->depth = folder ? folder->depth + 1 : 0;
	joined->size = sizeof(*joined) + size;
	snprintf(joined->path, size, "%s%s%s", folder_len ? folder->path : "",
		folder_len ? "/" : "", name);
	return joined;
}

static int push(struct walking *walking, struct pending *pending)
{
	if (walking->pending_size + pending->size > WEFT__WALK_PENDING_MAX) {
		free(pending);
		errno = E2BIG;
		return -1;
	}
	walking->pending_size += pending->size;
	pending->next = walking->first;
	walking->first = pending;
	return 0;
}

static struct pending *pop(struct walking *walking)
{
	struct pending *pending = walking->first;

	if (pending) {
		walking->first = pending->next;
		walking->pending_size -= pending->size;
	}
	return pending;
}

static int see(const struct weft_files_entry *seen, void *arg)
{
	struct walking *walking = arg;
	struct pending *joined = join(walking->folder, seen->name);
	struct weft__walk_entry entry;
	int result = -1;

	if (joined) {
		entry = (struct weft__walk_entry){.path = joined->path,
			.name = joined->path + strlen(joined->path) - strlen(seen->name),
			.depth = joined->depth,
			.stat = seen->stat,
			.is_link = seen->is_link};
		result = walking->walk->fn(&entry, walking->walk->arg);
	}
	if (result == 0 && S_ISDIR(seen->stat.st_mode) && !seen->is_link)
		result = push(walking, joined);
	else
		free(joined);
	walking->is_ended = result < 0;
	return result < 0 ? -1 : 0;
}

/* Whether a folder that can't be read is only left out. */
static bool may_leave_out(int code)
{
	return code == ENOENT || code == EACCES || code == ENOTDIR || code == ELOOP ||
	       code == ENODEV || code == EXDEV || code == ENAMETOOLONG;
}

static int walk_folder(struct walking *walking)
{
	const struct weft__walk *walk = walking->walk;
	const char *base = walk->path, *below = walking->folder->path;
	char *path = NULL;
	int result;

	if (asprintf(&path, "%s%s%s", base, base[0] && below[0] ? "/" : "", below) < 0)
		return -1;
	result = weft_files_list(walk->files, walk->visitor, path, see, walking);
	free(path);
	if (result < 0 && !walking->is_ended && below[0] && may_leave_out(errno))
		result = 0;
	return result;
}

int weft__walk(const struct weft__walk *walk)
{
	struct walking walking = {.walk = walk};
	struct pending *folder = join(NULL, "");
	int result = folder ? 0 : -1, code;

	while (folder && result == 0) {
		walking.folder = folder;
		result = walk_folder(&walking);
		code = errno;
		free(folder);
		errno = code;
		folder = result == 0 ? pop(&walking) : NULL;
	}
	code = errno;
	while ((folder = pop(&walking)))
		free(folder);
	errno = code;
	return result;
}
