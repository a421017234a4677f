/*
 * files.h - what the service of static files keeps, for the parts it is made of.
 */
#ifndef WEFT_SRC_HTTP_FILES_H
#define WEFT_SRC_HTTP_FILES_H

#include <stdatomic.h>

#include "http/cache.h"
#include "http/policy.h"
#include "weft/fiber.h"

struct weft_http_files {
	struct weft__http_root root;
	struct weft__http_policy *policy;
	struct weft__http_uploads *uploads;                /* NULL: it is read-only */
	atomic_uint jobs;                                  /* files that are being compressed */
	struct weft__http_cache *caches[WEFT_WORKERS_MAX]; /* each its worker's own */
	struct weft__http_cache *process_cache; /* of a process with one connection at a time */
};

#endif
