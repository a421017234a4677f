/*
 * weft/http_route.h - which handler answers which address: routes, mounts, middleware.
 *
 *	static int show(struct weft_http_request *request,
 *		struct weft_http_response *response, void *arg)
 *	{
 *		const char *id = weft_http_request_param(request, "id");
 *		...
 *	}
 *
 *	struct weft_http_router *router = weft_http_router_new();
 *	weft_http_router_add(router, &(struct weft_http_route){
 *		.methods = "GET", .pattern = "/users/{id}", .handler = show});
 *	weft_http_router_mount(router, "/files", &weft_http_files_service, files);
 *	... {.service = &weft_http_router_service, .arg = router} ...
 *
 * A pattern is a path of segments: text, which is compared with the decoded path byte by byte;
 * {name}, one segment that is not empty; and, as the last, {name...}, the rest of the path, which
 * may be empty. Of several patterns that fit, the one with text where the others have a {name}
 * answers, from left to right, and {name...} last; what it has no method for, the next one
 * answers. Where no method fits 405 with Allow is sent, where no pattern does 404; OPTIONS gets
 * its Allow. GET answers HEAD.
 *
 * A router is filled by one thread before it serves, and then used by any. Errors: -1 or NULL,
 * with errno set.
 */
#ifndef WEFT_HTTP_ROUTE_H
#define WEFT_HTTP_ROUTE_H

#include "weft/http.h"

WEFT_BEGIN

struct weft_http_router; /* opaque: src/http/router.c */
struct weft_http_next;   /* opaque: src/http/router_answer.c */

/** Most segments of a pattern. */
#define WEFT_HTTP_ROUTE_SEGMENTS_MAX 16

struct weft_http_route {
	const char *methods; /* "GET", "GET POST", "*": all that weft knows; NULL: "GET" */
	const char *pattern; /* copied */
	weft_http_handler_fn *handler;
	void *arg;          /* the handler's */
	int64_t timeout_ns; /* for the handler, which then gets ETIMEDOUT; 503 if it has not
			       answered */
	int64_t body_max;   /* longest body, in bytes; 0: the server's; negative: no bound */
};

/** Make a router without routes. Errors: ENOMEM. */
WEFT_API struct weft_http_router *weft_http_router_new(void);

/** Free it when no server uses it. NULL is fine. */
WEFT_API void weft_http_router_free(struct weft_http_router *router);

/**
 * Add a route. Errors: EINVAL (pattern or methods can't be read, no handler), EEXIST (a route of
 * the same shape has one of the methods), ENOMEM.
 */
WEFT_API int weft_http_router_add(
	struct weft_http_router *router, const struct weft_http_route *route);

/**
 * Answer what lies at prefix ("/files", a pattern without {name...}) or below it by a service,
 * which sees the rest of the path: "/". GET of the bare prefix is sent on to prefix and '/'. The
 * service's authorise and on_error hold for what it answers (where it has no on_error, that of
 * what it is mounted in); its on_log is not used. Routes that fit go before, so a folder may be
 * mounted at "/" beside them. Another router may be mounted. Errors: as weft_http_router_add().
 */
WEFT_API int weft_http_router_mount(struct weft_http_router *router, const char *prefix,
	const struct weft_http_service *service, void *arg);

/**
 * What is called around all that a router answers, its errors included. It returns as a handler
 * does, mostly what weft_http_next() has returned, which goes on to the next one and at last to the
 * handler; or answers itself, and doesn't call that. Bounds, fields for every answer and times are
 * set before the call; what became of it is known after it: weft_http_response_outcome() of what
 * that returned, when the answer is on its way or the page of an error is still to come. What a
 * handler is to get from it, the request carries: weft_http_request_set().
 */
typedef int weft_http_middleware_fn(struct weft_http_request *request,
	struct weft_http_response *response, struct weft_http_next *next, void *arg);

/** Add one inside those that were added before. Errors: EINVAL (no function), ENOMEM. */
WEFT_API int weft_http_router_use(
	struct weft_http_router *router, weft_http_middleware_fn *middleware, void *arg);

/** Go on, once. Returns as a handler does. Errors: EALREADY. */
WEFT_API int weft_http_next(struct weft_http_next *next);

/**
 * What {name} stands for in the route or mount that answers, decoded; NULL when there is no such
 * name. Valid as the request is.
 */
WEFT_API const char *weft_http_request_param(
	const struct weft_http_request *request, const char *name);

/** What the mounts before the path stand for ("/files"), decoded; "" without: path links need it.
 */
WEFT_API struct weft_http_text weft_http_request_prefix(const struct weft_http_request *request);

/**
 * Answers by the router that is its arg. For error pages and a log of one's own, a service inherits
 * from it: {.on_error = page, .parent = &weft_http_router_service, .parent_arg = router}.
 */
WEFT_API extern const struct weft_http_service weft_http_router_service;

WEFT_END

#endif
