/*
 * files.c - the service of static files: a folder, read-only, by GET and HEAD.
 *
 * Entry points: weft_http_files_new(), weft_http_files_free(), weft_http_files_service.
 *
 *	path -> hidden? 404
 *	     -> in this worker's cache, and still true? send it
 *	     -> open it below the root: file     -> keep and send it
 *	                                folder/  -> its index.html, else its listing
 *	                                folder   -> redirect to folder/
 *
 * Never: shows a name that begins with a dot, or anything outside of the folder.
 */
#include "weft/http.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fiber/doze.h"
#include "http/cache.h"
#include "http/escape.h"
#include "http/listing.h"
#include "http/open.h"
#include "http/path.h"
#include "weft/fiber.h"

#define INDEX_NAME "index.html"

/* What send_index() returns beside a handler's results. */
#define NO_INDEX (-2)

struct weft_http_files {
	int root_fd;
	struct weft_http_files_options options;
	struct weft__http_cache *caches[WEFT_WORKERS_MAX]; /* each its worker's own */
	struct weft__http_cache *process_cache; /* of a process with one connection at a time */
};

/* One request, on its way through this file. */
struct visit {
	struct weft_http_files *files;
	struct weft__http_cache *cache; /* NULL: none to be had */
	struct weft_http_request *request;
	struct weft_http_response *response;
	const char *path; /* relative to the root */
};

struct weft_http_files *weft_http_files_new(
	const char *dir, const struct weft_http_files_options *options)
{
	struct weft_http_files *files = calloc(1, sizeof(*files));
	struct stat stat;
	int saved;

	if (!files)
		return NULL;
	if (options)
		files->options = *options;
	files->root_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* A kernel without openat2(2) is to be noticed now, not at the first request. */
	if (files->root_fd >= 0 && weft__http_stat(files->root_fd, "", &stat) == 0)
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
	if (files->root_fd >= 0)
		close(files->root_fd);
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
		*cache = weft__http_cache_new(files->root_fd);
	return cache ? *cache : NULL;
}

/* Say no, in the way of what the system said. */
static int refuse(struct visit *visit, int code)
{
	switch (code) {
	case ENOENT:
	case ENOTDIR:
	case ENAMETOOLONG:
	case ELOOP:
		return 404;
	case EACCES:
	case EPERM:
		return 403;
	case EXDEV:
		return weft_http_response_error(
			visit->response, 403, "This link leads out of the shared folder.");
	case ENODEV:
		return weft_http_response_error(
			visit->response, 403, "Only files and folders are shared.");
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case EAGAIN:
		return 503;
	default:
		return 500;
	}
}

/* Open a path; when descriptors are short, the cache gives its own up first. */
static int open_path(struct visit *visit, const char *path, struct stat *ret_stat)
{
	int fd = weft__http_open(visit->files->root_fd, path, ret_stat);

	if (fd < 0 && (errno == EMFILE || errno == ENFILE) && visit->cache) {
		weft__http_cache_clear(visit->cache);
		fd = weft__http_open(visit->files->root_fd, path, ret_stat);
	}
	return fd;
}

/* Send the file that is open at real_path, and keep it under the path that was asked for. */
static int send_new_file(
	struct visit *visit, int fd, const struct stat *stat, const char *real_path)
{
	struct weft__http_file *file = weft__http_file_new(fd, stat, real_path);
	int result;

	if (!file) {
		int code = errno;

		close(fd);
		return refuse(visit, code);
	}
	if (visit->cache)
		weft__http_cache_put(visit->cache, visit->path, real_path, file);
	result = weft__http_file_send(file, visit->request, visit->response);
	weft__http_file_release(file);
	return result;
}

/* The address needs its slash, or the relative links of the page would lead elsewhere. */
static int redirect_to_folder(struct visit *visit)
{
	struct weft_http_text query = weft_http_request_query(visit->request);
	struct weft_str location;
	int result;

	weft_str_init(&location, WEFT_STR_LEN_MAX);
	weft__http_append_path(&location, visit->path - 1, strlen(visit->path) + 1);
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

/* Send the folder's index.html. Returns NO_INDEX when it has none. */
static int send_index(struct visit *visit)
{
	struct weft_str path;
	struct stat stat;
	int fd, result;

	weft_str_init(&path, WEFT_STR_LEN_MAX);
	weft_str_appendf(&path, "%s" INDEX_NAME, visit->path);
	fd = weft_str_error(&path) ? -1 : open_path(visit, weft_str_text(&path), &stat);
	if (fd < 0) {
		result = errno == ENOENT ? NO_INDEX : refuse(visit, errno);
	} else if (!S_ISREG(stat.st_mode)) {
		close(fd);
		result = NO_INDEX;
	} else {
		result = send_new_file(visit, fd, &stat, weft_str_text(&path));
	}
	weft_str_fini(&path);
	return result;
}

static int send_folder(struct visit *visit, int fd)
{
	size_t len = strlen(visit->path);
	int result;

	if (len > 0 && visit->path[len - 1] != '/') {
		close(fd);
		return redirect_to_folder(visit);
	}
	result = send_index(visit);
	if (result != NO_INDEX) {
		close(fd);
		return result;
	}
	if (visit->files->options.no_listing) {
		close(fd);
		return 403;
	}
	return weft__http_listing_send(visit->response, visit->files->root_fd, fd, visit->path);
}

static int get(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct visit visit = {.files = arg, .request = request, .response = response};
	const char *path = weft_http_request_path(request);
	struct weft__http_file *file;
	struct stat stat;
	int fd, result;

	visit.path = path + 1;
	visit.cache = own_cache(visit.files);
	file = visit.cache ? weft__http_cache_get(visit.cache, visit.path, request->arrived_ns)
			   : NULL;
	if (file) {
		result = weft__http_file_send(file, request, response);
		weft__http_file_release(file);
		return result;
	}
	if (weft__http_path_is_hidden(path)) /* and so never kept */
		return 404;
	fd = open_path(&visit, visit.path, &stat);
	if (fd < 0)
		return refuse(&visit, errno);
	if (S_ISDIR(stat.st_mode))
		return send_folder(&visit, fd);
	return send_new_file(&visit, fd, &stat, visit.path);
}

const struct weft_http_service weft_http_files_service = {.on_get = get};
