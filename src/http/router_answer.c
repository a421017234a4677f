/*
 * router_answer.c - who answers a request, and with what around it (weft/http_route.h).
 *
 *	middleware -> middleware -> ... -> the route of this path and method
 *	                                   else the longest mount that fits
 *	                                   else 405 with Allow, or 404
 *
 * Never: changes the router.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/escape.h"
#include "http/response.h"
#include "http/router.h"
#include "http/service.h"
#include "weft/scope.h"

struct weft_http_next {
	struct weft_http_router *router;
	struct weft_http_request *request;
	struct weft_http_response *response;
	size_t index; /* of the middleware that is called next */
	bool is_used;
};

/* What the names of the entry that answers stand for; on the stack of who calls it. */
struct weft__http_match {
	const struct weft__http_match *outer;
	const struct weft__http_pattern *pattern;
	char *values[WEFT_HTTP_ROUTE_SEGMENTS_MAX]; /* by segment */
	char *memory;
	char small[WEFT__HTTP_PATH_SMALL];
};

/* ---- What names stand for ----------------------------------------------------------------------
 */

/* Copy the path, and end each value with a NUL. False: no memory. */
static bool match_init(struct weft__http_match *match, const char *path,
	const struct weft__http_pattern *pattern, const struct weft__http_values *values)
{
	size_t size = strlen(path) + 1;

	match->pattern = pattern;
	match->memory = match->small;
	if (!pattern->is_text) {
		if (size > sizeof(match->small))
			match->memory = malloc(size);
		if (!match->memory)
			return false;
		memcpy(match->memory, path, size);
		for (unsigned i = 0; i < pattern->count; i++) {
			/* NOLINTNEXTLINE(clang-analyzer-core.*): so many were set by the match */
			match->values[i] = match->memory + values->values[i].at;
			match->values[i][values->values[i].len] = '\0';
		}
	}
	return true;
}

static void match_fini(struct weft__http_match *match)
{
	if (match->memory != match->small)
		free(match->memory);
}

const char *weft_http_request_param(const struct weft_http_request *request, const char *name)
{
	for (const struct weft__http_match *match = request->match; match; match = match->outer)
		for (unsigned i = 0; i < match->pattern->count; i++) {
			const struct weft__http_segment *segment = &match->pattern->segments[i];

			if (segment->kind != WEFT__HTTP_SEGMENT_TEXT &&
				strcmp(segment->text, name) == 0)
				return match->values[i];
		}
	return NULL;
}

struct weft_http_text weft_http_request_prefix(const struct weft_http_request *request)
{
	return (struct weft_http_text){request->path, request->prefix_len};
}

/* ---- Finding ------------------------------------------------------------------------------------
 */

/* HEAD is answered by who answers GET. */
static bool answers(const struct weft__http_entry *entry, enum weft_http_method method)
{
	unsigned methods = entry->methods;

	if (methods & 1u << WEFT_HTTP_GET)
		methods |= 1u << WEFT_HTTP_HEAD;
	return methods & 1u << method;
}

static const struct weft__http_entry *find_text(const struct weft_http_router *router,
	const char *path, enum weft_http_method method, struct weft__http_methods *methods)
{
	const struct weft__http_entry *entry = NULL;

	if (weft_map_count(router->texts) > 0) /* else a hash for nothing */
		entry = weft_map_get(router->texts, path, strlen(path));
	for (; entry; entry = entry->next) {
		if (answers(entry, method))
			return entry;
		methods->known |= entry->methods;
	}
	return NULL;
}

/* The route that answers; NULL: none, and *methods are those of the routes that fit. */
static const struct weft__http_entry *find_route(const struct weft_http_router *router,
	const char *path, enum weft_http_method method, struct weft__http_values *ret_values,
	struct weft__http_methods *methods)
{
	const struct weft__http_entry *text = find_text(router, path, method, methods);

	if (text)
		return text;
	for (size_t i = 0; i < weft_vec_len(&router->patterns); i++) {
		const struct weft__http_entry *entry = weft__http_entry_at(&router->patterns, i);

		if (!weft__http_pattern_fits(&entry->pattern, path, ret_values))
			continue;
		if (answers(entry, method))
			return entry;
		methods->known |= entry->methods;
	}
	return NULL;
}

static const struct weft__http_entry *find_mount(const struct weft_http_router *router,
	const char *path, struct weft__http_values *ret_values, size_t *ret_len)
{
	for (size_t i = 0; i < weft_vec_len(&router->mounts); i++) {
		const struct weft__http_entry *entry = weft__http_entry_at(&router->mounts, i);
		ssize_t len = weft__http_pattern_fits_prefix(&entry->pattern, path, ret_values);

		if (len < 0)
			continue;
		*ret_len = (size_t)len;
		return entry;
	}
	return NULL;
}

/* ---- Answering
 * ------------------------------------------------------------------------------------- */

static int call_route(const struct weft__http_entry *entry, struct weft_http_request *request,
	struct weft_http_response *response)
{
	struct weft_timeout timeout;
	bool is_late;
	int result;

	if (entry->body_max)
		weft_http_request_set_body_max(request, entry->body_max);
	if (entry->timeout_ns == 0)
		return entry->handler(request, response, entry->arg);
	weft_timeout_begin(&timeout, entry->timeout_ns);
	result = entry->handler(request, response, entry->arg);
	is_late = weft_timeout_end(&timeout);
	if (is_late && result < 0 && response->status == 0)
		return weft_http_response_error(response, 503, "The answer took too long.");
	return result;
}

/* The bare prefix: what its pages link to would be beside it. */
static int redirect_below(struct weft_http_request *request, struct weft_http_response *response)
{
	struct weft_http_text query = weft_http_request_query(request);
	struct weft_str location;
	int result = 503;

	weft_str_init(&location, WEFT_STR_LEN_MAX);
	weft_http_escape_path(&location, request->path, strlen(request->path));
	weft_str_append_char(&location, '/');
	if (query.data) {
		weft_str_append_char(&location, '?');
		weft_str_append_bytes(&location, query.data, query.len);
	}
	if (!weft_str_error(&location))
		result = weft_http_response_redirect(response, 308, weft_str_text(&location));
	weft_str_fini(&location);
	return result;
}

/* As the server does with its service; returns as a handler does. */
static int call_service(const struct weft__http_entry *mount, struct weft_http_request *request,
	struct weft_http_response *response)
{
	enum weft_http_method method = weft_http_request_method(request);
	void *arg = mount->arg;
	weft_http_handler_fn *handler;
	int result = weft__http_service_authorise(mount->service, mount->arg, request, response);

	if (result || response->status)
		return result;
	handler = weft__http_service_handler(mount->service, method, &arg);
	if (!handler)
		return weft__http_refuse_method(
			request, response, weft__http_service_methods(mount->service));
	return handler(request, response, arg);
}

static int call_mount(const struct weft__http_entry *mount, struct weft_http_request *request,
	struct weft_http_response *response, size_t prefix_len)
{
	const struct weft__http_outer outer = {
		.service = response->service, .arg = response->arg, .outer = response->outer};
	int result;

	if (weft_http_request_path(request)[prefix_len] == '\0')
		return redirect_below(request, response);
	request->prefix_len += (uint32_t)prefix_len;
	response->service = mount->service;
	response->arg = mount->arg;
	response->outer = &outer;
	result = call_service(mount, request, response);
	/* Now, while the error pages are its own, if it has any. */
	if (result >= 400 && result <= 599 && response->status == 0)
		result = weft_http_response_error(response, result, NULL);
	response->service = outer.service;
	response->arg = outer.arg;
	response->outer = outer.outer;
	request->prefix_len -= (uint32_t)prefix_len;
	return result;
}

/* Who answers: an entry; NULL: nobody, and *methods are what there is. */
static const struct weft__http_entry *find(const struct weft_http_router *router,
	struct weft_http_request *request, struct weft__http_values *ret_values,
	size_t *ret_prefix_len, struct weft__http_methods *methods)
{
	const char *path = weft_http_request_path(request);
	enum weft_http_method method = weft_http_request_method(request);
	const struct weft__http_entry *entry =
		find_route(router, path, method, ret_values, methods);
	void *arg = NULL;

	if (entry)
		return entry;
	entry = find_mount(router, path, ret_values, ret_prefix_len);
	/* Of a path that has routes, a mount answers what they don't, and it can. */
	if (!entry || !methods->known)
		return entry;
	if (method != WEFT_HTTP_OPTIONS && weft__http_service_handler(entry->service, method, &arg))
		return entry;
	methods->known |= weft__http_service_methods(entry->service).known;
	methods->others = weft__http_service_methods(entry->service).others;
	return NULL;
}

static int answer(const struct weft_http_router *router, struct weft_http_request *request,
	struct weft_http_response *response)
{
	const struct weft__http_match *outer = request->match;
	struct weft__http_match match; /* hundreds of bytes each, which what is found fills in */
	struct weft__http_values values;
	size_t prefix_len = 0;
	struct weft__http_methods methods = {0};
	const struct weft__http_entry *entry =
		find(router, request, &values, &prefix_len, &methods);
	int result;

	if (!entry && !methods.known)
		return 404;
	if (methods.known & 1u << WEFT_HTTP_GET)
		methods.known |= 1u << WEFT_HTTP_HEAD;
	if (!entry)
		return weft__http_refuse_method(request, response, methods);
	match.outer = outer;
	if (!match_init(&match, weft_http_request_path(request), &entry->pattern, &values))
		return 503;
	request->match = &match;
	result = entry->service ? call_mount(entry, request, response, prefix_len)
				: call_route(entry, request, response);
	request->match = outer;
	match_fini(&match);
	return result;
}

int weft_http_next(struct weft_http_next *next)
{
	struct weft_http_next inner = *next;
	const struct weft__http_around *around;

	if (next->is_used) {
		errno = EALREADY;
		return -1;
	}
	next->is_used = true;
	if (next->index == weft_vec_len(&next->router->arounds))
		return answer(next->router, next->request, next->response);
	around = weft_vec_at(&next->router->arounds, next->index);
	inner.index++;
	return around->fn(next->request, next->response, &inner, around->arg);
}

static int route(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct weft_http_next next = {.router = arg, .request = request, .response = response};

	return weft_http_next(&next);
}

const struct weft_http_service weft_http_router_service = {
	.on_get = route,
	.on_head = route,
	.on_post = route,
	.on_put = route,
	.on_delete = route,
	.on_patch = route,
	.on_options = route,
	.on_connect = route,
	.on_trace = route,
	.on_other = route,
};
