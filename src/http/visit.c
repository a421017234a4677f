/*
 * visit.c - what a GET of a path in a shared folder is answered with.
 *
 * Entry points: weft__http_visit_send(), weft__http_visit_anew().
 *
 *	hidden? 404
 *	open it below the root: file     -> keep and send it
 *	                        folder/  -> its index.html, else on_folder(), else its listing
 *	                        folder   -> redirect to folder/
 *	                        nothing  -> the fallback page, or a 404
 *
 * Never: shows anything that is hidden, outside of the folder, or not for this visitor.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/accept.h"
#include "http/disposition.h"
#include "http/escape.h"
#include "http/files.h"
#include "http/request.h"
#include "http/variants.h"

/* What send_index() returns beside a handler's results. */
#define NO_INDEX WEFT_HTTP_FILES_LIST

/* ---- Sending a file -------------------------------------------------------------------------- */

/* Send the form of the file that this request is to get. key is the cache's. */
static int send_choice(
	struct weft__http_visit *visit, struct weft__http_file *file, const char *key)
{
	const struct weft__http_file *form = file;
	size_t bytes_before = file->forms_bytes;
	int status;

	/* The fallback page has no name to be saved by: the address is not its own. */
	if (visit->request->head.query.at && !file->is_download &&
		key != visit->files->policy->fallback_key &&
		weft__http_asks_download(visit->request) &&
		weft__http_add_disposition(visit->response, visit->path) < 0)
		return 503;
	if (!file->varies)
		return weft__http_file_send(file, visit->request, visit->response);
	status = weft__http_variants_choose(file, visit->request, &form);
	if (visit->cache && file->forms_bytes != bytes_before)
		weft__http_cache_recount(visit->cache, key, file);
	if (status < 0 && visit->cache) /* whoever comes next finds the new sibling */
		weft__http_cache_forget(visit->cache, key);
	if (status > 0) {
		if (!visit->files->has_guests) /* theirs is added with the refusal */
			weft_http_response_field(visit->response, "Vary", "Accept-Encoding");
		if (status == 503)
			weft_http_response_field(visit->response, "Retry-After", "1");
		return status;
	}
	return weft__http_file_send(form, visit->request, visit->response);
}

int weft__http_visit_send(
	struct weft__http_visit *visit, struct weft__http_file *file, const char *key)
{
	if (file->varies || visit->request->head.query.at)
		return send_choice(visit, file, key);
	return weft__http_file_send(file, visit->request, visit->response);
}

/* ---- Saying no ------------------------------------------------------------------------------- */

/* A page has no ending in its address; what has one is a part of a page. */
static bool looks_like_page(const struct weft__http_visit *visit)
{
	const char *slash = strrchr(visit->path, '/');
	struct weft_http_text accept = weft_http_request_field(visit->request, "Accept");
	bool is_named;

	return !strchr(slash ? slash : visit->path, '.') &&
	       !weft__http_accept_wants_json(visit->request, "json") &&
	       (!accept.data || weft__http_accept_quality(
					accept.data, accept.len, "text", "html", &is_named) > 0);
}

/* What the system said, as a status: of a name too long for any file, that there is none. */
static int status_of(int code)
{
	return code == ENAMETOOLONG ? 404 : weft_http_status_of_errno(code);
}

/* There is nothing at this address. */
static int refuse_nothing(struct weft__http_visit *visit, bool is_hidden)
{
	const struct weft__http_policy *policy = visit->files->policy;
	struct weft__http_file *page = NULL;
	int result;

	if (!is_hidden && policy->fallback_key && looks_like_page(visit)) {
		page = weft__http_kept_page(visit, policy->fallback_key + 1, policy->fallback_key);
		if (!page)
			return status_of(errno);
		result = weft__http_visit_send(visit, page, policy->fallback_key);
		weft__http_file_release(page);
		return result;
	}
	if (policy->not_found_key &&
		!weft__http_accept_wants_json(visit->request, "problem+json") &&
		!weft__http_accept_wants_json(visit->request, "json"))
		page = weft__http_kept_page(
			visit, policy->not_found_key + 1, policy->not_found_key);
	if (!page)
		return 404;
	weft__http_policy_add_refusal(policy, visit->response);
	result = weft__http_file_send_as(page, 404, visit->response);
	weft__http_file_release(page);
	return result;
}

/* Say no, in the way of what the system said. */
static int refuse(struct weft__http_visit *visit, int code)
{
	int status = status_of(code);
	const char *why = NULL;

	if (status == 404)
		return refuse_nothing(visit, false);
	if (code == EXDEV)
		why = "This link leads out of the shared folder.";
	else if (code == ENODEV)
		why = "Only files and folders are shared.";
	else
		return status;
	weft__http_policy_add_refusal(visit->files->policy, visit->response);
	return weft_http_response_error(visit->response, status, why);
}

/* ---- Visits ---------------------------------------------------------------------------------- */

/* Send the file that is open at path, and keep it under that key. */
static int send_new_file(struct weft__http_visit *visit, const struct weft__http_source *opened,
	const char *path, const char *key)
{
	struct weft__http_file *file = weft__http_kept_make(visit, opened, path, key);
	int result;

	if (!file)
		return refuse(visit, errno);
	result = weft__http_visit_send(visit, file, visit->path);
	weft__http_file_release(file);
	return result;
}

/*
 * The address needs its slash, or the relative links of the page would lead elsewhere. Where it
 * leads is relative as well: it is right wherever the folder is mounted, and on no other host.
 */
static int redirect_to_folder(struct weft__http_visit *visit)
{
	struct weft_http_text query = weft_http_request_query(visit->request);
	const char *slash = strrchr(visit->path, '/');
	const char *name = slash ? slash + 1 : visit->path;
	struct weft_str location;
	int result;

	weft__http_policy_add_refusal(visit->files->policy, visit->response);
	weft_str_init(&location, WEFT_STR_LEN_MAX);
	weft_str_append(&location, "./");
	weft_http_escape_path(&location, name, strlen(name));
	weft_str_append_char(&location, '/');
	if (query.data) {
		weft_str_append_char(&location, '?');
		weft_str_append_bytes(&location, query.data, query.len);
	}
	result = weft_str_error(&location) ? 503
					   : weft_http_response_redirect(visit->response, 301,
						     weft_str_text(&location));
	weft_str_fini(&location);
	return result;
}

/* Send the folder's index of that name. Returns NO_INDEX when it has none. */
static int send_index(struct weft__http_visit *visit, const char *name, bool is_first)
{
	struct weft__http_source opened = {.fd = -1};
	struct weft_str path;
	int result;

	weft_str_init(&path, WEFT_STR_LEN_MAX);
	weft_str_appendf(&path, "%s%s", visit->path, name);
	if (!weft_str_error(&path))
		opened.fd = weft__http_kept_open(visit, weft_str_text(&path), &opened.stat);
	if (opened.fd < 0) {
		result = errno == ENOENT ? NO_INDEX : refuse(visit, errno);
	} else if (!S_ISREG(opened.stat.st_mode)) {
		close(opened.fd);
		result = NO_INDEX;
	} else if (!weft__http_guest_has(visit, WEFT_FILES_READ, weft_str_text(&path))) {
		close(opened.fd);
		result = 403;
	} else {
		/* One of a later name is not kept for the folder: one of an earlier may come. */
		result = send_new_file(
			visit, &opened, weft_str_text(&path), is_first ? visit->path : NULL);
	}
	weft_str_fini(&path);
	return result;
}

static int send_listing(struct weft__http_visit *visit, int fd)
{
	unsigned rights = weft__http_guest_rights(visit);
	const struct weft__http_listing_source source = {&visit->files->root, fd, visit->path,
		visit->files->policy->options.shows_hidden,
		rights & WEFT_FILES_WRITE ? visit->files->uploads : NULL, visit->files->policy,
		visit->home_len, weft__http_door_rights(visit->files, rights),
		weft__http_has_trash(visit->files)};
	bool is_for_once;
	struct weft__http_listings *listings = weft__http_kept_listings(visit->files, &is_for_once);
	int result;

	if (!listings || !(rights & WEFT_FILES_LIST)) {
		close(fd);
		if (is_for_once)
			weft__http_listings_free(listings);
		return listings ? 403 : 503;
	}
	result = weft__http_listing_send(listings, visit->response, &source);
	if (is_for_once)
		weft__http_listings_free(listings);
	return result;
}

static int send_folder(struct weft__http_visit *visit, int fd)
{
	const struct weft_http_files_options *options = &visit->files->policy->options;
	size_t len = strlen(visit->path);
	int result = NO_INDEX;

	if (len > 0 && visit->path[len - 1] != '/') {
		close(fd);
		return redirect_to_folder(visit);
	}
	for (const char *const *name = options->index_names; *name && result == NO_INDEX; name++)
		result = send_index(visit, *name, name == options->index_names);
	if (result != NO_INDEX) {
		close(fd);
		return result;
	}
	if (options->on_folder)
		result =
			options->on_folder(visit->request, visit->response, options->on_folder_arg);
	if (result != WEFT_HTTP_FILES_LIST || options->no_listing) {
		close(fd);
		return result != WEFT_HTTP_FILES_LIST ? result : 403;
	}
	return send_listing(visit, fd);
}

int weft__http_visit_anew(struct weft__http_visit *visit)
{
	struct weft__http_source opened;

	if (weft__http_policy_hides(visit->files->policy, visit->path + visit->home_len - 1))
		return refuse_nothing(visit, true);
	opened = (struct weft__http_source){.fd = -1};
	opened.fd = weft__http_kept_open(visit, visit->path, &opened.stat);
	if (opened.fd < 0)
		return refuse(visit, errno);
	if (S_ISDIR(opened.stat.st_mode))
		return send_folder(visit, opened.fd);
	if (!weft__http_guest_has(visit, WEFT_FILES_READ, visit->path)) {
		close(opened.fd);
		return 403;
	}
	return send_new_file(visit, &opened, visit->path, visit->path);
}
