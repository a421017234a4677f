/*
 * files.h - what the service of static files keeps, for the parts it is made of.
 */
#ifndef WEFT_SRC_HTTP_FILES_H
#define WEFT_SRC_HTTP_FILES_H

#include <stdatomic.h>

#include "http/cache.h"
#include "http/listings.h"
#include "http/policy.h"
#include "weft/fiber.h"
#include "weft/files.h"

struct weft_http_files {
	struct weft__root root;
	struct weft__http_policy *policy;
	struct weft_files *engine; /* NULL: it is read-only, and for everybody */
	bool owns_engine;
	struct weft_files *viewer;          /* the engine, or one that only looks */
	struct weft__http_digests *digests; /* folder.h */
	struct weft__http_walks *walks;     /* archives and searches, under way: walks.h */
	bool has_guests;                    /* requests have visitors, with rights and homes */
	struct weft__http_uploads *uploads; /* NULL: it is read-only */
	atomic_uint jobs;                   /* files that are being compressed */
	struct weft__http_cache *caches[WEFT_WORKERS_MAX]; /* each its worker's own */
	struct weft__http_cache *process_cache; /* of a process with one connection at a time */
	struct weft__siphash_key listings_key;
	struct weft__http_listings *listings[WEFT_WORKERS_MAX]; /* as the caches */
	struct weft__http_listings *process_listings;
};

/** A GET, on its way. */
struct weft__http_visit {
	struct weft_http_files *files;
	struct weft__http_cache *cache; /* NULL: none to be had */
	struct weft_http_request *request;
	struct weft_http_response *response;
	const char *path;                       /* relative to the root */
	const struct weft_files_visitor *guest; /* NULL: everybody may all */
	size_t home_len; /* so much of path is the guest's home, slash included */
};

/* ---- What is kept: kept.c --------------------------------------------------------------- */

/** The cache of the calling worker, or process, made on its first request; threads have none. */
struct weft__http_cache *weft__http_kept_cache(struct weft_http_files *files);

/** The same of listings. *ret_is_for_once: it is for one request, to be freed. */
struct weft__http_listings *weft__http_kept_listings(
	struct weft_http_files *files, bool *ret_is_for_once);

/** Open a path; when descriptors are short, the cache gives its own up first. */
int weft__http_kept_open(struct weft__http_visit *visit, const char *path, struct stat *ret_stat);

/**
 * Make a file of what is open at path, and keep it under that key, unless that is NULL. Owns fd.
 * Returns a reference, or NULL.
 */
struct weft__http_file *weft__http_kept_make(struct weft__http_visit *visit,
	const struct weft__http_source *opened, const char *path, const char *key);

/** A page of the options, below the folder. Returns a reference, or NULL with errno set. */
struct weft__http_file *weft__http_kept_page(
	struct weft__http_visit *visit, const char *path, const char *key);

/* ---- What is answered: visit.c ---------------------------------------------------------- */

/** Send the form of a file that this request is to get. key is the cache's. */
int weft__http_visit_send(
	struct weft__http_visit *visit, struct weft__http_file *file, const char *key);

/** What is not kept: find out what it is, and answer so. */
int weft__http_visit_anew(struct weft__http_visit *visit);

/* ---- Whose request it is: guest.c ------------------------------------------------------- */

/** Its visitor: 0, or a status for the handler to return. There is an engine. */
int weft__http_guest(const struct weft_http_files *files, struct weft_http_request *request,
	struct weft_files_visitor *ret_visitor);

/** Whether the guest, if there is one, has that right at a path below the root. */
bool weft__http_guest_has(const struct weft__http_visit *visit, unsigned right, const char *path);

/** All its rights at the folder whose path ends with its slash. */
unsigned weft__http_guest_rights(const struct weft__http_visit *visit);

/** Those of them that this door lets anybody use. */
unsigned weft__http_door_rights(const struct weft_http_files *files, unsigned rights);

/** Whether what is removed by this door can be kept in the trash. */
bool weft__http_has_trash(const struct weft_http_files *files);

/** Whether it may read what is kept under the path: the file, or the folder's first index. */
bool weft__http_guest_reads_kept(const struct weft__http_visit *visit);

/** A visit of who is told by the options. Returns as a handler does. */
int weft__http_visit_as_guest(struct weft__http_visit *visit);

/** Make the engine of what the options allow, if they need one. 0 or -1. */
int weft__http_engine_open(struct weft_http_files *files);
void weft__http_engine_close(struct weft_http_files *files);

#endif
