/*
 * view.c - what a visitor sees by a path (files.h).
 *
 * Entry points: weft__view_make(), weft__view_enter(); weft_files_rights().
 *
 *	the visitor's home + the path -> one path below the shared folder, in normal form:
 *	it alone is what rights are asked for, and what the kernel is given
 *
 * The kernel walks it in two steps, first to the home, and from there on below the home and nowhere
 * else: so no link leads from one home to another.
 *
 * Links. A visitor whose rights differ from folder to folder follows none, whatever the options
 * say: a link could lead to where the rights are others.
 *
 * Never: a path used that rights were not asked for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files/files.h"
#include "files/store.h"

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- Paths --------------------------------------------------------------------------- */

/* Append the names of path to whole, which has a slash before each but the first. -1: EINVAL. */
static int append_names(char *whole, size_t *len, const char *path)
{
	while (*path) {
		size_t name_len = strcspn(path, "/");

		if (name_len == 2 && path[0] == '.' && path[1] == '.')
			return fail(EINVAL);
		if (name_len > 0 && !(name_len == 1 && path[0] == '.')) {
			if (*len > 0)
				whole[(*len)++] = '/';
			memcpy(whole + *len, path, name_len);
			*len += name_len;
		}
		path += name_len;
		path += *path == '/';
	}
	whole[*len] = '\0';
	return 0;
}

/* Both in normal form; *ret_home_len is the length of the home. To be freed; NULL. */
static char *join(const char *home, const char *path, size_t *ret_home_len)
{
	size_t size = strlen(home) + strlen(path) + 2, len = 0;
	char *whole;

	if (size > PATH_MAX) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	whole = malloc(size);
	if (!whole)
		return NULL;
	if (append_names(whole, &len, home) == 0) {
		*ret_home_len = len;
		if (append_names(whole, &len, path) == 0)
			return whole;
	}
	free(whole);
	errno = EINVAL;
	return NULL;
}

bool weft__files_is_shown(const struct weft_files *files, const char *name)
{
	return name[0] != '.' || (files->options.shows_hidden && !weft__store_is_own_name(name));
}

/* Whether a name on the way is not shown. */
static bool is_hidden(const struct weft_files *files, const char *path)
{
	while (path) {
		if (!weft__files_is_shown(files, path))
			return true;
		path = strchr(path, '/');
		path = path ? path + 1 : NULL;
	}
	return false;
}

/* ---- Rights -------------------------------------------------------------------------- */

unsigned weft__visitor_rights(const struct weft_files_visitor *visitor, const char *whole)
{
	return visitor->rights_at ? visitor->rights_at(visitor->arg, whole) : visitor->rights;
}

bool weft__view_is_whole(const struct weft_files_visitor *visitor, const char *path)
{
	const char *name = path;

	if (visitor->home && *visitor->home)
		return false;
	for (;;) {
		size_t len = strcspn(name, "/");

		if (len == 0 || strncmp(name, "..", len) == 0) /* "." as well */
			return false;
		name += len;
		if (!*name)
			return name - path < PATH_MAX;
		name++;
	}
}

unsigned weft_files_rights(const struct weft_files_visitor *visitor, const char *path)
{
	size_t home_len;
	unsigned rights;
	char *whole;

	if (weft__view_is_whole(visitor, path + (*path == '/')))
		return weft__visitor_rights(visitor, path + (*path == '/'));
	whole = join(visitor->home ? visitor->home : "", path, &home_len);
	rights = whole ? weft__visitor_rights(visitor, whole) : 0;
	free(whole);
	return rights;
}

int weft__view_need(const struct weft__view *view, unsigned rights)
{
	return view->rights & rights ? 0 : fail(EACCES);
}

/* ---- Views --------------------------------------------------------------------------- */

int weft__view_make(struct weft__view *ret_view, const struct weft_files *files,
	const struct weft_files_visitor *visitor, const char *path)
{
	struct weft__view view = {.files = files, .root = files->root};

	view.root.fd = -1;
	view.whole = join(visitor->home ? visitor->home : "", path, &view.home_len);
	if (!view.whole)
		return -1;
	view.path = view.whole + view.home_len;
	view.path += *view.path == '/';
	/* A home is not the visitor's choice: it may be hidden. */
	view.is_hidden = is_hidden(files, view.path) ||
			 (view.home_len > 0 && weft__store_is_own_name(view.whole));
	if (visitor->rights_at)
		view.root.links = WEFT__LINKS_NONE;
	view.rights = weft__visitor_rights(visitor, view.whole);
	*ret_view = view;
	return 0;
}

int weft__view_enter(struct weft__view *view)
{
	struct stat stat;
	char *home;

	if (view->home_len == 0) {
		view->root.fd = view->files->root.fd;
		return 0;
	}
	home = strndup(view->whole, view->home_len);
	if (!home)
		return -1;
	view->root.fd = weft__root_open_folder(&view->files->root, home, &stat);
	free(home);
	return view->root.fd < 0 ? -1 : 0;
}

void weft__view_leave(struct weft__view *view)
{
	int code = errno;

	if (view->root.fd >= 0 && view->root.fd != view->files->root.fd)
		close(view->root.fd); /* was not written to: nothing to wait for */
	view->root.fd = -1;
	free(view->whole);
	view->whole = NULL;
	errno = code;
}

/* ---- Quotas -------------------------------------------------------------------------- */

const char *weft__visitor_owner(const struct weft_files_visitor *visitor)
{
	if (visitor->owner)
		return visitor->owner;
	return visitor->name ? visitor->name : "";
}

int weft__visitor_reserve(const struct weft_files_visitor *visitor, int64_t bytes)
{
	return visitor->reserve && bytes > 0 ? visitor->reserve(visitor->arg, bytes) : 0;
}

void weft__visitor_settle(const struct weft_files_visitor *visitor, int64_t reserved, int64_t used)
{
	int code = errno;

	if (visitor->settle && (reserved != 0 || used != 0))
		visitor->settle(visitor->arg, reserved, used);
	errno = code;
}
