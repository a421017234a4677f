/*
 * router.h - what a router is made of: router.c fills it, router_answer.c answers by it.
 */
#ifndef WEFT_SRC_HTTP_ROUTER_H
#define WEFT_SRC_HTTP_ROUTER_H

#include "http/pattern.h"
#include "weft/map.h"
#include "weft/vec.h"

#define WEFT__HTTP_ALL_METHODS ((2u << WEFT_HTTP_TRACE) - (1u << WEFT_HTTP_GET))

/* A route, or a mount (service). */
struct weft__http_entry {
	struct weft__http_pattern pattern;
	char *text; /* the pattern as it was given, of a route that is all text */
	struct weft__http_entry *next; /* another one of that, with other methods */
	unsigned methods;              /* 1 << method */
	weft_http_handler_fn *handler;
	const struct weft_http_service *service;
	void *arg;
	int64_t timeout_ns, body_max;
};

struct weft__http_around {
	weft_http_middleware_fn *fn;
	void *arg;
};

struct weft_http_router {
	struct weft_map *texts;   /* whole path to entry: the routes that are all text */
	struct weft_vec patterns; /* of entry *: the others, who goes first first */
	struct weft_vec mounts;   /* the same */
	struct weft_vec arounds;  /* of around, outermost first */
};

static inline struct weft__http_entry *weft__http_entry_at(
	const struct weft_vec *entries, size_t index)
{
	return *weft_vec_get(entries, struct weft__http_entry *, index);
}

#endif
