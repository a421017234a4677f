/*
 * files.c - the service of static files: a folder, read-only, by GET and HEAD.
 *
 * Entry points: weft_http_files_new(), weft_http_files_free(), weft_http_files_service.
 *
 *	path -> in this worker's cache, and still true? send it
 *	     -> hidden? 404
 *	     -> open it below the root: file     -> keep and send it
 *	                                folder/  -> its index.html, else its listing
 *	                                folder   -> redirect to folder/
 *	                                nothing  -> the fallback page, or a 404
 *
 * "Send it" is one write, unless the file has other forms (variants.c) or the address a query.
 *
 * Never: shows anything that is hidden, or outside of the folder.
 */
#include "http/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fiber/doze.h"
#include "http/accept.h"
#include "http/disposition.h"
#include "http/escape.h"
#include "http/limits.h"
#include "http/listing.h"
#include "http/service.h"
#include "http/upload.h"
#include "http/variants.h"

/* What send_index() returns beside a handler's results. */
#define NO_INDEX (-2)

/* One request, on its way through this file. */
struct visit {
	struct weft_http_files *files;
	struct weft__http_cache *cache; /* NULL: none to be had */
	struct weft_http_request *request;
	struct weft_http_response *response;
	const char *path; /* relative to the root */
};

/* ---- Life ------------------------------------------------------------------------------------ */

struct weft_http_files *weft_http_files_new(
	const char *dir, const struct weft_http_files_options *options)
{
	struct weft_http_files *files = calloc(1, sizeof(*files));
	struct stat stat;
	int saved;

	if (!files)
		return NULL;
	files->root.fd = -1;
	files->policy = weft__http_policy_new(options);
	if (files->policy) {
		files->root.links = files->policy->options.links;
		files->root.fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	/* A kernel without openat2(2) is to be noticed now, not at the first request. */
	if (files->root.fd >= 0 && weft__http_stat(&files->root, "", &stat) == 0 &&
		weft__http_uploads_open(files) == 0)
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
	for (unsigned i = 0; i < WEFT_WORKERS_MAX; i++)
		weft__http_cache_free(files->caches[i]);
	weft__http_cache_free(files->process_cache);
	weft__http_uploads_free(files->uploads);
	weft__http_policy_free(files->policy);
	if (files->root.fd >= 0)
		close(files->root.fd);
	free(files);
}

/* The cache of the calling worker, or process, made on its first request; threads have none. */
static struct weft__http_cache *own_cache(struct weft_http_files *files)
{
	int worker = weft_worker_index();
	struct weft__http_cache **cache = NULL;

	if (worker >= 0 && worker < WEFT_WORKERS_MAX)
		cache = &files->caches[worker];
	else if (weft__process_is)
		cache = &files->process_cache;
	if (cache && !*cache)
		*cache = weft__http_cache_new(&files->root);
	return cache ? *cache : NULL;
}

/* ---- Sending a file -------------------------------------------------------------------------- */

/* Send the form of the file that this request is to get. key is the cache's. */
static int send_choice(struct visit *visit, struct weft__http_file *file, const char *key)
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
		weft_http_response_field(visit->response, "Vary", "Accept-Encoding");
		if (status == 503)
			weft_http_response_field(visit->response, "Retry-After", "1");
		return status;
	}
	return weft__http_file_send(form, visit->request, visit->response);
}

static int send_file(struct visit *visit, struct weft__http_file *file, const char *key)
{
	if (file->varies || visit->request->head.query.at)
		return send_choice(visit, file, key);
	return weft__http_file_send(file, visit->request, visit->response);
}

/* ---- Opening a file -------------------------------------------------------------------------- */

/* Open a path; when descriptors are short, the cache gives its own up first. */
static int open_path(struct visit *visit, const char *path, struct stat *ret_stat)
{
	int fd = weft__http_open(&visit->files->root, path, ret_stat);

	if (fd < 0 && (errno == EMFILE || errno == ENFILE) && visit->cache) {
		weft__http_cache_clear(visit->cache);
		fd = weft__http_open(&visit->files->root, path, ret_stat);
	}
	return fd;
}

/* The other forms of what is open at path; NULL where there can be none. */
static struct weft__http_variants *find_variants(struct visit *visit, const char *path,
	const struct stat *stat, struct weft__http_facts *facts)
{
	struct weft_http_files *files = visit->files;
	const struct weft_http_files_options *options = &files->policy->options;
	struct weft__http_variants_source source = {.root = &files->root,
		.path = path,
		.stat = stat,
		.takes_siblings = !options->no_precompressed,
		.jobs = &files->jobs};

	/* What is not kept would be compressed for each request; and only a worker has others. */
	source.may_compress = !options->no_compression && visit->cache &&
			      weft_worker_index() >= 0 &&
			      stat->st_size >= WEFT__HTTP_COMPRESS_MIN &&
			      stat->st_size <= WEFT__HTTP_COMPRESS_MAX;
	source.jobs_max = (weft_worker_count() + 1) / 2;
	if (!weft__http_type_compresses(facts->type) ||
		(!source.takes_siblings && !source.may_compress))
		return NULL;
	return weft__http_variants_new(&source, facts);
}

/*
 * Make a file of what is open at path, and keep it under that key, unless that is NULL. Owns fd.
 * Returns a reference, or NULL.
 */
static struct weft__http_file *make_file(struct visit *visit,
	const struct weft__http_source *opened, const char *path, const char *key)
{
	struct weft__http_source source = *opened;
	struct weft__http_facts facts;
	struct weft__http_variants *variants = NULL;
	struct weft__http_file *file = NULL;
	int saved;

	if (weft__http_policy_describe(visit->files->policy, path, &facts) == 0) {
		variants = find_variants(visit, path, &source.stat, &facts);
		source.facts = &facts;
		file = weft__http_file_new(&source);
	}
	saved = errno;
	if (!variants)
		weft__http_facts_fini(&facts);
	if (file) {
		file->variants = variants;
		file->forms_bytes = weft__http_variants_bytes(variants);
		if (visit->cache && key)
			weft__http_cache_put(visit->cache, key, path, file);
		return file;
	}
	weft__http_variants_free(variants);
	close(source.fd);
	errno = saved;
	return NULL;
}

/* A page of the options, below the folder. Returns a reference, or NULL with errno set. */
static struct weft__http_file *get_page(struct visit *visit, const char *path, const char *key)
{
	struct weft__http_source opened = {.fd = -1};
	struct weft__http_file *file = NULL;

	if (visit->cache)
		file = weft__http_cache_get(visit->cache, key, visit->request->arrived_ns);
	if (file)
		return file;
	opened.fd = open_path(visit, path, &opened.stat);
	if (opened.fd < 0)
		return NULL;
	if (S_ISREG(opened.stat.st_mode))
		return make_file(visit, &opened, path, key);
	close(opened.fd);
	errno = ENOENT;
	return NULL;
}

/* ---- Saying no ------------------------------------------------------------------------------- */

/* A page has no ending in its address; what has one is a part of a page. */
static bool looks_like_page(const struct visit *visit)
{
	const char *slash = strrchr(visit->path, '/');
	struct weft_http_text accept = weft_http_request_field(visit->request, "Accept");
	bool is_named;

	return !strchr(slash ? slash : visit->path, '.') &&
	       !weft__http_accept_wants_json(visit->request, "json") &&
	       (!accept.data || weft__http_accept_quality(
					accept.data, accept.len, "text", "html", &is_named) > 0);
}

/* What the system said, as a status. */
static int status_of(int code)
{
	switch (code) {
	case ENOENT:
	case ENOTDIR:
	case ENAMETOOLONG:
	case ELOOP:
		return 404;
	case EACCES:
	case EPERM:
	case EXDEV:
	case ENODEV:
		return 403;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case EAGAIN:
		return 503;
	default:
		return 500;
	}
}

/* There is nothing at this address. */
static int refuse_nothing(struct visit *visit, bool is_hidden)
{
	const struct weft__http_policy *policy = visit->files->policy;
	struct weft__http_file *page = NULL;
	int result;

	if (!is_hidden && policy->fallback_key && looks_like_page(visit)) {
		page = get_page(visit, policy->fallback_key + 1, policy->fallback_key);
		if (!page)
			return status_of(errno);
		result = send_file(visit, page, policy->fallback_key);
		weft__http_file_release(page);
		return result;
	}
	if (policy->not_found_key &&
		!weft__http_accept_wants_json(visit->request, "problem+json") &&
		!weft__http_accept_wants_json(visit->request, "json"))
		page = get_page(visit, policy->not_found_key + 1, policy->not_found_key);
	if (!page)
		return 404;
	weft__http_policy_add_cors(policy, visit->response);
	result = weft__http_file_send_as(page, 404, visit->response);
	weft__http_file_release(page);
	return result;
}

/* Say no, in the way of what the system said. */
static int refuse(struct visit *visit, int code)
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
	weft__http_policy_add_cors(visit->files->policy, visit->response);
	return weft_http_response_error(visit->response, status, why);
}

/* ---- Visits ---------------------------------------------------------------------------------- */

/* Send the file that is open at path, and keep it under that key. */
static int send_new_file(struct visit *visit, const struct weft__http_source *opened,
	const char *path, const char *key)
{
	struct weft__http_file *file = make_file(visit, opened, path, key);
	int result;

	if (!file)
		return refuse(visit, errno);
	result = send_file(visit, file, visit->path);
	weft__http_file_release(file);
	return result;
}

/*
 * The address needs its slash, or the relative links of the page would lead elsewhere. Where it
 * leads is relative as well: it is right wherever the folder is mounted, and on no other host.
 */
static int redirect_to_folder(struct visit *visit)
{
	struct weft_http_text query = weft_http_request_query(visit->request);
	const char *slash = strrchr(visit->path, '/');
	const char *name = slash ? slash + 1 : visit->path;
	struct weft_str location;
	int result;

	weft__http_policy_add_cors(visit->files->policy, visit->response);
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
static int send_index(struct visit *visit, const char *name, bool is_first)
{
	struct weft__http_source opened = {.fd = -1};
	struct weft_str path;
	int result;

	weft_str_init(&path, WEFT_STR_LEN_MAX);
	weft_str_appendf(&path, "%s%s", visit->path, name);
	if (!weft_str_error(&path))
		opened.fd = open_path(visit, weft_str_text(&path), &opened.stat);
	if (opened.fd < 0) {
		result = errno == ENOENT ? NO_INDEX : refuse(visit, errno);
	} else if (!S_ISREG(opened.stat.st_mode)) {
		close(opened.fd);
		result = NO_INDEX;
	} else {
		/* One of a later name is not kept for the folder: one of an earlier may come. */
		result = send_new_file(
			visit, &opened, weft_str_text(&path), is_first ? visit->path : NULL);
	}
	weft_str_fini(&path);
	return result;
}

static int send_folder(struct visit *visit, int fd)
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
	if (options->no_listing) {
		close(fd);
		return 403;
	}
	weft__http_policy_add_cors(visit->files->policy, visit->response);
	return weft__http_listing_send(visit->response,
		&(struct weft__http_listing_source){&visit->files->root, fd, visit->path,
			options->shows_hidden, visit->files->uploads});
}

/* What is not kept: find out what it is. */
static int visit_anew(struct visit *visit)
{
	struct weft__http_source opened;

	if (weft__http_policy_hides(visit->files->policy, visit->path - 1))
		return refuse_nothing(visit, true);
	opened = (struct weft__http_source){.fd = -1};
	opened.fd = open_path(visit, visit->path, &opened.stat);
	if (opened.fd < 0)
		return refuse(visit, errno);
	if (S_ISDIR(opened.stat.st_mode))
		return send_folder(visit, opened.fd);
	return send_new_file(visit, &opened, visit->path, visit->path);
}

static int get(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct visit visit = {.files = arg, .request = request, .response = response};
	struct weft__http_file *file;
	int result;

	visit.path = weft_http_request_path(request) + 1;
	visit.cache = own_cache(visit.files);
	/* What is hidden is never kept under its own path: no need to look for dots first. */
	file = visit.cache ? weft__http_cache_get(visit.cache, visit.path, request->arrived_ns)
			   : NULL;
	result = file ? send_file(&visit, file, visit.path) : visit_anew(&visit);
	weft__http_file_release(file);
	/* What is sent has told it already; what is refused is yet to be sent. */
	if (result > 0)
		weft__http_policy_add_cors(visit.files->policy, response);
	return result;
}

/* OPTIONS: what may be done, and whose scripts may do it (the Fetch standard, section 3.2.2). */
static int tell_options(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	static const char *const fields[][2] = {
		{"Access-Control-Allow-Methods", "GET, HEAD"},
		{"Access-Control-Allow-Headers",
			"Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Range, "
			"If-Unmodified-Since, Range"},
		{"Access-Control-Max-Age", "86400"},
	};
	const struct weft_http_files *files = arg;
	char allow[WEFT__HTTP_ALLOW_MAX];
	bool is_preflight = files->policy->options.cors_origin &&
			    weft_http_request_field(request, "Access-Control-Request-Method").data;

	weft__http_allow(weft__http_service_methods(response->service), allow);
	if (weft_http_response_field(response, "Allow", allow) < 0 ||
		weft__http_policy_add_cors(files->policy, response) < 0)
		return 500;
	for (size_t i = 0; is_preflight && i < sizeof(fields) / sizeof(fields[0]); i++)
		if (weft_http_response_field(response, fields[i][0], fields[i][1]) < 0)
			return 500;
	return weft_http_response_send(response, 204, NULL);
}

const struct weft_http_service weft_http_files_service = {
	.on_get = get, .on_options = tell_options};
