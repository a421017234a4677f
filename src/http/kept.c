/*
 * kept.c - what is kept of a shared folder's files: a cache and listings of each worker's own, and
 * how a file gets into it.
 *
 * Entry points: weft__http_kept_cache(), weft__http_kept_listings(), weft__http_kept_make().
 *
 * Never: a file that one worker keeps, in the hands of another.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fiber/doze.h"
#include "http/files.h"
#include "http/limits.h"
#include "http/request.h"
#include "http/variants.h"

/* ---- Of each worker -------------------------------------------------------------------------- */

/* So many files are compressed at a time, all in all. */
static unsigned jobs_max(void)
{
	return (weft_worker_count() + 1) / 2;
}

struct weft__http_cache *weft__http_kept_cache(struct weft_http_files *files)
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

struct weft__http_listings *weft__http_kept_listings(
	struct weft_http_files *files, bool *ret_is_for_once)
{
	struct weft__http_listings_options options = {
		.key = &files->listings_key, .jobs = &files->jobs, .jobs_max = jobs_max()};
	int worker = weft_worker_index();
	struct weft__http_listings *once = NULL, **listings = &once;

	if (worker >= 0 && worker < WEFT_WORKERS_MAX)
		listings = &files->listings[worker];
	else if (weft__process_is)
		listings = &files->process_listings;
	*ret_is_for_once = listings == &once;
	options.may_compress = worker >= 0 && !files->policy->options.no_compression;
	if (!*listings)
		*listings = weft__http_listings_new(&options);
	return *listings;
}

/* ---- Files ----------------------------------------------------------------------------------- */

int weft__http_kept_open(struct weft__http_visit *visit, const char *path, struct stat *ret_stat)
{
	int fd = weft__root_open(&visit->files->root, path, ret_stat);

	if (fd < 0 && (errno == EMFILE || errno == ENFILE) && visit->cache) {
		weft__http_cache_clear(visit->cache);
		fd = weft__root_open(&visit->files->root, path, ret_stat);
	}
	return fd;
}

/* The other forms of what is open at path; NULL where there can be none. */
static struct weft__http_variants *find_variants(struct weft__http_visit *visit, const char *path,
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
	source.jobs_max = jobs_max();
	if (!weft__http_type_compresses(facts->type) ||
		(!source.takes_siblings && !source.may_compress))
		return NULL;
	return weft__http_variants_new(&source, facts);
}

struct weft__http_file *weft__http_kept_make(struct weft__http_visit *visit,
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

struct weft__http_file *weft__http_kept_page(
	struct weft__http_visit *visit, const char *path, const char *key)
{
	struct weft__http_source opened = {.fd = -1};
	struct weft__http_file *file = NULL;

	if (visit->cache)
		file = weft__http_cache_get(visit->cache, key, visit->request->arrived_ns);
	if (file)
		return file;
	opened.fd = weft__http_kept_open(visit, path, &opened.stat);
	if (opened.fd < 0)
		return NULL;
	if (S_ISREG(opened.stat.st_mode))
		return weft__http_kept_make(visit, &opened, path, key);
	close(opened.fd);
	errno = ENOENT;
	return NULL;
}
