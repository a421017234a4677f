/*
 * cache.h - the open files of one worker, by path, least recently used first out.
 */
#ifndef WEFT_SRC_HTTP_CACHE_H
#define WEFT_SRC_HTTP_CACHE_H

#include "http/file.h"
#include "files/open.h"

struct weft__http_cache; /* opaque: cache.c; for one worker only */

/** Errors: ENOMEM, those of getrandom(2). root stays the caller's and must stay open. */
struct weft__http_cache *weft__http_cache_new(const struct weft__root *root);

/** NULL is fine. */
void weft__http_cache_free(struct weft__http_cache *cache);

/**
 * The file of a path, with a reference for the caller, if it is kept and was still what
 * the path names at arrived_ns (on weft_now()) or later; else NULL.
 */
struct weft__http_file *weft__http_cache_get(
	struct weft__http_cache *cache, const char *path, int64_t arrived_ns);

/**
 * The same for the path of a request, as it is asked for; a head that is repeated costs no search.
 */
struct weft__http_file *weft__http_cache_find(
	struct weft__http_cache *cache, struct weft_http_request *request, const char *path);

/** Keep the file under key; real_path is where it was found. Where that fails it is not kept. */
void weft__http_cache_put(struct weft__http_cache *cache, const char *key, const char *real_path,
	struct weft__http_file *file);

/** The file under key has got other forms, which take memory: other files may have to go. */
void weft__http_cache_recount(
	struct weft__http_cache *cache, const char *key, const struct weft__http_file *file);

/** Let go of what is under key. */
void weft__http_cache_forget(struct weft__http_cache *cache, const char *key);

/** Let go of all files: descriptors are short. */
void weft__http_cache_clear(struct weft__http_cache *cache);

#endif
