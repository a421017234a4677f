/*
 * router.c - routers: their life, and what is added to them (weft/http_route.h).
 *
 * Routes whose patterns are all text go into a map; the others, and the mounts, into lists in the
 * order in which they go before each other.
 *
 * Never: changes while it serves, so it needs no lock.
 */
#include "http/router.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/parse.h"

/* ---- Life ---------------------------------------------------------------------------------- */

struct weft_http_router *weft_http_router_new(void)
{
	struct weft_http_router *router = calloc(1, sizeof(*router));

	if (!router)
		return NULL;
	router->texts = weft_map_new(NULL);
	weft_vec_init(&router->patterns, sizeof(struct weft__http_entry *));
	weft_vec_init(&router->mounts, sizeof(struct weft__http_entry *));
	weft_vec_init(&router->arounds, sizeof(struct weft__http_around));
	if (router->texts)
		return router;
	weft_http_router_free(router);
	errno = ENOMEM;
	return NULL;
}

static void entry_free(struct weft__http_entry *entry)
{
	while (entry) {
		struct weft__http_entry *next = entry->next;

		weft__http_pattern_fini(&entry->pattern);
		free(entry->text);
		free(entry);
		entry = next;
	}
}

static void entries_free(struct weft_vec *entries)
{
	for (size_t i = 0; i < weft_vec_len(entries); i++)
		entry_free(weft__http_entry_at(entries, i));
	weft_vec_fini(entries);
}

void weft_http_router_free(struct weft_http_router *router)
{
	const struct weft_map_entry *text;
	size_t cursor = 0;

	if (!router)
		return;
	while (router->texts && (text = weft_map_next(router->texts, &cursor)) != NULL)
		entry_free(text->value);
	weft_map_free(router->texts);
	entries_free(&router->patterns);
	entries_free(&router->mounts);
	weft_vec_fini(&router->arounds);
	free(router);
}

/* ---- Adding ---------------------------------------------------------------------------------- */

/* "GET POST" as a set; 0: it can't be read. */
static unsigned methods_of(const char *text)
{
	unsigned methods = 0;

	if (!text)
		text = "GET";
	if (strcmp(text, "*") == 0)
		return WEFT__HTTP_ALL_METHODS;
	while (*text) {
		size_t len = strcspn(text, " ");
		enum weft_http_method method = weft__http_method_find(text, len);

		if (method == WEFT_HTTP_OTHER)
			return 0;
		methods |= 1u << method;
		text += len + strspn(text + len, " ");
	}
	return methods;
}

static int add_text(
	struct weft_http_router *router, struct weft__http_entry *entry, const char *text)
{
	size_t len = strlen(text);
	struct weft__http_entry *first = weft_map_get(router->texts, text, len);

	for (const struct weft__http_entry *other = first; other; other = other->next)
		if (other->methods & entry->methods) {
			errno = EEXIST;
			return -1;
		}
	if (!first) {
		entry->text = strdup(text); /* the map keeps no copy */
		return entry->text ? weft_map_put(router->texts, entry->text, len, entry, NULL)
				   : -1;
	}
	entry->next = first->next;
	first->next = entry;
	return 0;
}

/* Into the place that is its own; behind those of the same shape. */
static int add_sorted(struct weft_vec *entries, struct weft__http_entry *entry)
{
	size_t at = weft_vec_len(entries);

	for (size_t i = 0; i < weft_vec_len(entries); i++) {
		const struct weft__http_entry *other = weft__http_entry_at(entries, i);
		int order = weft__http_pattern_compare(&entry->pattern, &other->pattern);

		if (order == 0 && (entry->methods & other->methods)) {
			errno = EEXIST;
			return -1;
		}
		if (order < 0 && at > i)
			at = i;
	}
	return weft_vec_insert(entries, at, &entry);
}

static int add(struct weft_http_router *router, struct weft__http_entry *entry, const char *pattern)
{
	struct weft__http_entry *kept;
	int result, saved;

	if ((entry->service ? weft__http_pattern_parse_prefix(&entry->pattern, pattern)
			    : weft__http_pattern_parse(&entry->pattern, pattern)) < 0)
		return -1;
	kept = malloc(sizeof(*kept));
	if (!kept) {
		weft__http_pattern_fini(&entry->pattern);
		return -1;
	}
	*kept = *entry;
	if (kept->service)
		result = add_sorted(&router->mounts, kept);
	else if (kept->pattern.is_text)
		result = add_text(router, kept, pattern);
	else
		result = add_sorted(&router->patterns, kept);
	saved = errno;
	if (result < 0)
		entry_free(kept);
	errno = saved;
	return result;
}

int weft_http_router_add(struct weft_http_router *router, const struct weft_http_route *route)
{
	struct weft__http_entry entry = {
		.methods = methods_of(route->methods),
		.handler = route->handler,
		.arg = route->arg,
		.timeout_ns = route->timeout_ns,
		.body_max = route->body_max,
	};

	if (!entry.methods || !entry.handler || entry.timeout_ns < 0) {
		errno = EINVAL;
		return -1;
	}
	return add(router, &entry, route->pattern);
}

int weft_http_router_mount(struct weft_http_router *router, const char *prefix,
	const struct weft_http_service *service, void *arg)
{
	struct weft__http_entry entry = {
		.methods = WEFT__HTTP_ALL_METHODS, .service = service, .arg = arg};

	if (!service) {
		errno = EINVAL;
		return -1;
	}
	return add(router, &entry, prefix);
}

int weft_http_router_use(
	struct weft_http_router *router, weft_http_middleware_fn *middleware, void *arg)
{
	struct weft__http_around around = {middleware, arg};

	if (!middleware) {
		errno = EINVAL;
		return -1;
	}
	return weft_vec_push(&router->arounds, &around);
}
