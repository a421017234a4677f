/*
 * service.c - see service.h.
 */
#include "http/service.h"

#include <stdio.h>
#include <string.h>

#include "http/parse.h"

const struct weft_http_service *weft__http_service_find(const struct weft_http_service *service,
	void **arg, bool (*has)(const struct weft_http_service *service))
{
	while (service && !has(service)) {
		*arg = service->parent_arg;
		service = service->parent;
	}
	return service;
}

static weft_http_handler_fn *own_handler(
	const struct weft_http_service *service, enum weft_http_method method)
{
	switch (method) {
	case WEFT_HTTP_GET:
		return service->on_get;
	case WEFT_HTTP_HEAD:
		return service->on_head ? service->on_head : service->on_get;
	case WEFT_HTTP_POST:
		return service->on_post;
	case WEFT_HTTP_PUT:
		return service->on_put;
	case WEFT_HTTP_DELETE:
		return service->on_delete;
	case WEFT_HTTP_PATCH:
		return service->on_patch;
	case WEFT_HTTP_OPTIONS:
		return service->on_options;
	case WEFT_HTTP_OTHER:
		return service->on_other;
	default:
		return NULL; /* CONNECT is for proxies, and TRACE shows what it should not */
	}
}

weft_http_handler_fn *weft__http_service_handler(
	const struct weft_http_service *service, enum weft_http_method method, void **arg)
{
	weft_http_handler_fn *handler = NULL;

	while (service && !(handler = own_handler(service, method))) {
		*arg = service->parent_arg;
		service = service->parent;
	}
	return handler;
}

static bool has_authorise(const struct weft_http_service *service)
{
	return service->authorise;
}

bool weft__http_service_authorises(const struct weft_http_service *service)
{
	return weft__http_service_find(service, &(void *){NULL}, has_authorise);
}

int weft__http_service_authorise(const struct weft_http_service *service, void *arg,
	struct weft_http_request *request, struct weft_http_response *response)
{
	service = weft__http_service_find(service, &arg, has_authorise);
	return service ? service->authorise(request, response, arg) : 0;
}

static bool has_other(const struct weft_http_service *service)
{
	return service->on_other;
}

void weft__http_service_allow(
	const struct weft_http_service *service, char ret_allow[WEFT__HTTP_ALLOW_MAX])
{
	const struct weft_http_service *other =
		weft__http_service_find(service, &(void *){NULL}, has_other);
	size_t len = 0;

	ret_allow[0] = '\0';
	for (int method = WEFT_HTTP_GET; method <= WEFT_HTTP_TRACE; method++) {
		void *arg = NULL;

		/* OPTIONS itself is always answered. */
		if (method != WEFT_HTTP_OPTIONS &&
			!weft__http_service_handler(service, (enum weft_http_method)method, &arg))
			continue;
		len += (size_t)snprintf(ret_allow + len, WEFT__HTTP_ALLOW_MAX - len, "%s%s",
			len ? ", " : "", weft__http_method_name((enum weft_http_method)method));
	}
	if (other && other->other_methods &&
		len + strlen(other->other_methods) + 2 < WEFT__HTTP_ALLOW_MAX)
		snprintf(ret_allow + len, WEFT__HTTP_ALLOW_MAX - len, "%s%s", len ? ", " : "",
			other->other_methods);
}
