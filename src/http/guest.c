/*
 * guest.c - the engine of a shared folder (weft/files.h), and whose request it is for it.
 *
 * Entry points: weft__http_engine_open(), weft__http_guest(), weft__http_guest_has(),
 * weft__http_visit_as_guest().
 *
 * Never: a request that changes something and has no visitor.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "files/files.h"
#include "http/files.h"
#include "http/request.h"
#include "weft/files_trash.h"

static bool needs_engine(const struct weft_http_files_options *options)
{
	return options->allow_upload || options->allow_change || options->visitor;
}

/* One to change files, or one to look at them. 0 or -1. */
static int open_own(struct weft_http_files *files)
{
	const struct weft_http_files_options *options = &files->policy->options;
	const struct weft_files_options of_engine = {
		.follows_links = !options->visitor && options->links != WEFT_HTTP_LINKS_NONE,
		.trash_keep_ns = options->trash_keep_ns};
	const struct weft_files_options of_viewer = {
		.follows_links = of_engine.follows_links, .shows_hidden = options->shows_hidden};
	int fd = fcntl(files->root.fd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return -1;
	if (!needs_engine(options)) {
		files->viewer = weft__files_viewer_at(fd, &of_viewer);
		return files->viewer ? 0 : -1;
	}
	files->viewer = files->engine = weft__files_new_at(fd, &of_engine);
	files->owns_engine = true;
	return files->engine ? 0 : -1;
}

int weft__http_engine_open(struct weft_http_files *files)
{
	files->viewer = files->engine = files->policy->options.engine;
	return files->engine ? 0 : open_own(files);
}

void weft__http_engine_close(struct weft_http_files *files)
{
	if (files->viewer != files->engine)
		weft_files_free(files->viewer);
	if (files->owns_engine)
		weft_files_free(files->engine);
}

struct weft_files *weft_http_files_engine(const struct weft_http_files *files)
{
	return files->engine;
}

int weft__http_guest(const struct weft_http_files *files, struct weft_http_request *request,
	struct weft_files_visitor *ret_visitor)
{
	const struct weft_http_files_options *options = &files->policy->options;

	*ret_visitor = (struct weft_files_visitor){.rights = WEFT_FILES_ALL};
	return options->visitor ? options->visitor(request, ret_visitor, options->visitor_arg) : 0;
}

/* ---- What it may read --------------------------------------------------------------------- */

bool weft__http_guest_has(const struct weft__http_visit *visit, unsigned right, const char *path)
{
	return !visit->guest || (weft__visitor_rights(visit->guest, path) & right);
}

unsigned weft__http_guest_rights(const struct weft__http_visit *visit)
{
	size_t len = strlen(visit->path);
	unsigned rights = 0;
	char *path;

	if (!visit->guest)
		return WEFT_FILES_ALL;
	path = strndup(visit->path, len > 0 ? len - 1 : 0);
	if (path)
		rights = weft__visitor_rights(visit->guest, path);
	free(path);
	return rights;
}

unsigned weft__http_door_rights(const struct weft_http_files *files, unsigned rights)
{
	const struct weft_http_files_options *options = &files->policy->options;
	unsigned allowed = WEFT_FILES_READ | WEFT_FILES_LIST;

	/* Other content for a file is taken from who says which (If-Match), wherever any is. */
	if (options->allow_upload)
		allowed |= WEFT_FILES_WRITE | WEFT_FILES_REPLACE;
	if (options->allow_change)
		allowed |= WEFT_FILES_DELETE | WEFT_FILES_MANAGE;
	return rights & allowed;
}

bool weft__http_has_trash(const struct weft_http_files *files)
{
	return files->policy->options.allow_change && weft_files_trash_days(files->engine) > 0;
}

bool weft__http_guest_reads_kept(const struct weft__http_visit *visit)
{
	size_t len = strlen(visit->path);
	struct weft_str path;
	bool may_read;

	if (len > 0 && visit->path[len - 1] != '/')
		return weft__http_guest_has(visit, WEFT_FILES_READ, visit->path);
	weft_str_init(&path, WEFT_STR_LEN_MAX);
	weft_str_appendf(&path, "%s%s", visit->path, visit->files->policy->options.index_names[0]);
	may_read = !weft_str_error(&path) &&
		   weft__http_guest_has(visit, WEFT_FILES_READ, weft_str_text(&path));
	weft_str_fini(&path);
	return may_read;
}

/* ---- Visits ------------------------------------------------------------------------------- */

/* A guest's path is below its home. Its head is not looked for: others ask with the same one. */
static int visit_at_home(struct weft__http_visit *visit, const struct weft__view *view)
{
	size_t len = strlen(visit->path);
	bool is_folder = len == 0 || visit->path[len - 1] == '/';
	struct weft__http_file *file = NULL;
	struct weft_str path;
	int result = 503;

	weft_str_init(&path, WEFT_STR_LEN_MAX);
	weft_str_appendf(&path, "/%s%s", view->whole, is_folder && view->whole[0] ? "/" : "");
	if (!weft_str_error(&path)) {
		visit->path = weft_str_text(&path) + 1;
		visit->home_len = view->home_len + (view->home_len > 0);
		if (visit->cache)
			file = weft__http_cache_get(
				visit->cache, visit->path, visit->request->arrived_ns);
		if (!file)
			result = weft__http_visit_anew(visit);
		else
			result = weft__http_guest_reads_kept(visit)
					 ? weft__http_visit_send(visit, file, visit->path)
					 : 403;
	}
	weft__http_file_release(file);
	weft_str_fini(&path);
	return result;
}

/*
 * Of a file below no home, which needs no memory: the way of most strangers. What the path leads to
 * is the same for all who have no home, so its head is looked for, too.
 */
static int visit_file(struct weft__http_visit *visit)
{
	unsigned rights = weft__visitor_rights(visit->guest, visit->path);
	struct weft__http_file *file = NULL;
	int result = 403;

	if (!(rights & (WEFT_FILES_READ | WEFT_FILES_LIST)))
		return 403;
	if (visit->cache)
		file = weft__http_cache_find(visit->cache, visit->request, visit->path);
	if (!file)
		return weft__http_visit_anew(visit);
	if (rights & WEFT_FILES_READ)
		result = weft__http_visit_send(visit, file, visit->path);
	weft__http_file_release(file);
	return result;
}

/* With a home, or of a folder. */
static int visit_view(struct weft__http_visit *visit)
{
	struct weft__view view;
	int result = 403;

	if (weft__view_make(&view, visit->files->engine, visit->guest, visit->path) < 0)
		return errno == ENOMEM ? 503 : 404;
	if (view.rights & (WEFT_FILES_READ | WEFT_FILES_LIST))
		result = visit_at_home(visit, &view);
	weft__view_leave(&view);
	return result;
}

int weft__http_visit_as_guest(struct weft__http_visit *visit)
{
	struct weft_files_visitor guest;
	int result = weft__http_guest(visit->files, visit->request, &guest);

	if (result != 0)
		return result;
	visit->guest = &guest;
	result = weft__view_is_whole(&guest, visit->path) ? visit_file(visit) : visit_view(visit);
	visit->guest = NULL;
	return result;
}
