/*
 * below.c - whether a visitor's rights hold for all that is below a folder (files.h).
 *
 * Entry point: weft__below_has().
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

static int check_entry(const struct weft_files_entry *entry, void *arg)
{
	struct search *search = arg;
	unsigned rights;

	if (push(search, search->folder, entry->name) < 0)
		return -1;
	/* Of a file as well: what is granted by path may be granted for one. */
	rights = weft_files_rights(search->visitor, search->first->path);
	if (!S_ISDIR(entry->stat.st_mode) || entry->is_link)
		pop(search);
	if ((rights & search->rights) == search->rights)
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

int weft__below_has(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *path, unsigned rights)
{
	struct search search = {.visitor = visitor, .rights = rights};
	int result = push(&search, "", path);

	while (result == 0 && search.first)
		result = check_next(&search, files);
	while (search.first)
		pop(&search);
	return result;
}
