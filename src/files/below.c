/*
 * below.c - whether a visitor's rights hold for all that is below a folder (files.h).
 *
 * Entry points: weft__below_has(), weft__below_may_go().
 *
 * Folders that are still to be looked into lie in a list, so no depth is too deep. Somebody may
 * make more meanwhile: they are that one's, who had the right to.
 *
 * Never: rights at a folder taken for those at another.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/files.h"

/* A folder that is still to be looked into. */
struct pending {
	struct pending *next;
	char path[];
};

struct search {
	const struct weft_files_visitor *visitor;
	unsigned rights;
	const char *to;  /* below the shared folder: where all of it goes; NULL: it stays */
	size_t from_len; /* of the path that becomes that one */
	struct pending *first;
	const char *folder; /* that is looked into */
};

static int push(struct search *search, const char *folder, const char *name)
{
	size_t size = strlen(folder) + strlen(name) + 2;
	struct pending *pending = malloc(sizeof(*pending) + size);

	if (!pending)
		return -1;
	snprintf(pending->path, size, "%s%s%s", folder, folder[0] ? "/" : "", name);
	pending->next = search->first;
	search->first = pending;
	return 0;
}

static void pop(struct search *search)
{
	struct pending *pending = search->first;

	search->first = pending->next;
	free(pending);
}

/* The right to write where it goes. */
static bool may_go(const struct search *search, const char *path)
{
	char *to = NULL;
	unsigned rights;

	if (!search->to)
		return true;
	if (asprintf(&to, "%s%s", search->to, path + search->from_len) < 0)
		return false;
	rights = weft__visitor_rights(search->visitor, to);
	free(to);
	return rights & WEFT_FILES_WRITE;
}

static int check_entry(const struct weft_files_entry *entry, void *arg)
{
	struct search *search = arg;
	bool is_allowed;

	if (push(search, search->folder, entry->name) < 0)
		return -1;
	/* Of a file as well: what is granted by path may be granted for one. */
	is_allowed = (weft_files_rights(search->visitor, search->first->path) & search->rights) ==
			     search->rights &&
		     may_go(search, search->first->path);
	if (!S_ISDIR(entry->stat.st_mode) || entry->is_link)
		pop(search);
	if (is_allowed)
		return 0;
	errno = EACCES;
	return -1;
}

static int check_next(struct search *search, struct weft_files *files)
{
	struct pending *pending = search->first;
	int result;

	search->first = pending->next;
	search->folder = pending->path;
	result = weft_files_list(files, search->visitor, pending->path, check_entry, search);
	/* It may have gone by now. */
	if (result < 0 && (errno == ENOENT || errno == ENOTDIR))
		result = 0;
	free(pending);
	return result;
}

static int look_below(struct search *search, struct weft_files *files, const char *path)
{
	int result = push(search, "", path);

	while (result == 0 && search->first)
		result = check_next(search, files);
	while (search->first)
		pop(search);
	return result;
}

int weft__below_has(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *path, unsigned rights)
{
	struct search search = {.visitor = visitor, .rights = rights};

	return look_below(&search, files, path);
}

int weft__below_may_go(struct weft_files *files, const struct weft_files_visitor *visitor,
	const struct weft__view *from, const struct weft__view *to)
{
	struct search search = {.visitor = visitor,
		.rights = from->rights,
		.to = to->whole,
		.from_len = strlen(from->path)};

	return look_below(&search, files, from->path);
}
