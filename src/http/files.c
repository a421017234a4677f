/*
 * files.c - the service of static files: a folder, read-only, by GET and HEAD.
 *
 * Entry points: weft_http_files_new(), weft_http_files_free(), weft_http_files_service.
 *
 *	query? -> more than what is there is asked: folder.c
 *	path   -> in this worker's cache (kept.c), and still true? send it
 *	       -> guest.c, where there are visitors
 *	       -> visit.c: find out what it is
 *
 * "Send it" is one write, unless the file has other forms (variants.c) or the address a query.
 *
 * Never: shows anything that is hidden, or outside of the folder.
 */
#include "http/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "files/files.h"
#include "http/folder.h"
#include "http/service.h"
#include "http/trash.h"
#include "http/tus.h"
#include "http/upload.h"
#include "http/walks.h"

/* ---- Life ------------------------------------------------------------------------------------ */

static enum weft__links links_of(enum weft_http_links links)
{
	switch (links) {
	case WEFT_HTTP_LINKS_NONE:
		return WEFT__LINKS_NONE;
	case WEFT_HTTP_LINKS_ALL:
		return WEFT__LINKS_ALL;
	default:
		return WEFT__LINKS_INSIDE;
	}
}

const char *weft_http_files_type(const struct weft_http_files *files, const char *path)
{
	return weft__http_policy_type(files->policy, path);
}

struct weft_http_files *weft_http_files_new(
	const char *dir, const struct weft_http_files_options *options)
{
	struct weft_http_files *files = calloc(1, sizeof(*files));
	uint8_t secret[16] = {0};
	struct stat stat;
	int saved;

	if (!files)
		return NULL;
	files->root.fd = -1;
	if (getrandom(secret, sizeof(secret), 0) == (ssize_t)sizeof(secret))
		files->policy = weft__http_policy_new(options);
	files->listings_key = weft__siphash_key(secret);
	if (files->policy) {
		files->has_guests = files->policy->options.visitor != NULL;
		/* A link could lead to where a visitor's rights are others. */
		files->root.links = files->has_guests ? WEFT__LINKS_NONE
						      : links_of(files->policy->options.links);
		files->root.fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	/* A kernel without openat2(2) is to be noticed now, not at the first request. */
	if (files->root.fd >= 0 && weft__root_stat(&files->root, "", &stat) == 0 &&
		weft__http_engine_open(files) == 0 && weft__http_uploads_open(files) == 0 &&
		(files->digests = weft__http_digests_new()) &&
		(files->walks = weft__http_walks_new()))
		return files;
	saved = errno;
	weft_http_files_free(files);
	errno = saved;
	return NULL;
}

void weft_http_files_free(struct weft_http_files *files)
{
	if (!files)
		return;
	for (unsigned i = 0; i < WEFT_WORKERS_MAX; i++) {
		weft__http_cache_free(files->caches[i]);
		weft__http_listings_free(files->listings[i]);
	}
	weft__http_cache_free(files->process_cache);
	weft__http_listings_free(files->process_listings);
	weft__http_uploads_free(files->uploads);
	weft__http_digests_free(files->digests);
	weft__http_walks_free(files->walks);
	weft__http_engine_close(files);
	weft__http_policy_free(files->policy);
	if (files->root.fd >= 0)
		close(files->root.fd);
	free(files);
}

/* ---- What is asked --------------------------------------------------------------------------- */

/* Whether the request is for more than what is there: *ret_result is for the handler to return. */
static bool is_more_asked(struct weft__http_visit *visit, int *ret_result)
{
	int result = WEFT__HTTP_NOT_ASKED;

	if (visit->request->head.query.at)
		result = weft__http_folder_ask(visit->files, visit->request, visit->response);
	if (result == WEFT__HTTP_NOT_ASKED) {
		weft__http_folder_add_digest(visit->files, visit->request, visit->response);
		return false;
	}
	if (result > 0)
		weft__http_policy_add_refusal(visit->files->policy, visit->response);
	*ret_result = result;
	return true;
}

static int get(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct weft__http_visit visit = {.files = arg, .request = request, .response = response};
	struct weft__http_file *file;
	int result;

	if (weft__http_trash_is(arg, request))
		return weft__http_trash(request, response, arg);
	if (weft__http_tus_lists(arg, request))
		return weft__http_tus_list(request, response, arg);
	if ((request->head.query.at || request->head.method == WEFT_HTTP_HEAD) &&
		is_more_asked(&visit, &result))
		return result;
	visit.path = weft_http_request_path(request) + 1;
	visit.cache = weft__http_kept_cache(visit.files);
	if (visit.files->has_guests) {
		result = weft__http_visit_as_guest(&visit);
		if (result > 0)
			weft__http_policy_add_refusal(visit.files->policy, response);
		return result;
	}
	/* What is hidden is never kept under its own path: no need to look for dots first. */
	file = visit.cache ? weft__http_cache_find(visit.cache, request, visit.path) : NULL;
	result = file ? weft__http_visit_send(&visit, file, visit.path)
		      : weft__http_visit_anew(&visit);
	weft__http_file_release(file);
	/* What is sent has told it already; what is refused is yet to be sent. */
	if (result > 0)
		weft__http_policy_add_refusal(visit.files->policy, response);
	return result;
}

/* What a POST asks for where nothing may be put: names for an archive, or something of the trash.
 */
static int post(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct weft_http_files *files = arg;
	struct weft__http_methods methods;
	int result;

	if (weft__http_trash_is(files, request))
		return weft__http_trash(request, response, arg);
	result = weft__http_folder_post(files, request, response);
	if (result == WEFT__HTTP_NOT_ASKED) {
		methods = weft__http_service_methods(response->service);
		methods.known &= ~(1u << WEFT_HTTP_POST);
		result = weft__http_refuse_method(request, response, methods);
	}
	if (result > 0)
		weft__http_policy_add_refusal(files->policy, response);
	return result;
}

/* OPTIONS: what may be done, and whose scripts may do it (the Fetch standard, section 3.2.2). */
static int tell_options(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	static const char *const fields[][2] = {
		{"Access-Control-Allow-Headers",
			"Content-Type, Depth, Destination, If-Match, If-Modified-Since, "
			"If-None-Match, "
			"If-Range, If-Unmodified-Since, Overwrite, Range, Tus-Resumable, "
			"Upload-Checksum, Upload-Defer-Length, Upload-Length, Upload-Metadata, "
			"Upload-Offset, X-HTTP-Method-Override"},
		{"Access-Control-Max-Age", "86400"},
	};
	const struct weft_http_files *files = arg;
	char allow[WEFT__HTTP_ALLOW_MAX];
	bool is_preflight = files->policy->options.cors_origin &&
			    weft_http_request_field(request, "Access-Control-Request-Method").data;

	if (files->uploads)
		weft__http_allow(weft__http_tus_methods(
					 request, response, files->policy->options.allow_change),
			allow);
	else
		weft__http_allow(weft__http_service_methods(response->service), allow);
	if (weft_http_response_field(response, "Allow", allow) < 0 ||
		weft__http_policy_add_cors(files->policy, response) < 0)
		return 500;
	if (is_preflight &&
		weft_http_response_field(response, "Access-Control-Allow-Methods",
			files->policy->options.cors_may_change ? allow : "GET, HEAD") < 0)
		return 500;
	for (size_t i = 0; is_preflight && i < sizeof(fields) / sizeof(fields[0]); i++)
		if (weft_http_response_field(response, fields[i][0], fields[i][1]) < 0)
			return 500;
	return weft_http_response_send(response, 204, NULL);
}

const struct weft_http_service weft_http_files_service = {
	.on_get = get, .on_post = post, .on_options = tell_options};
