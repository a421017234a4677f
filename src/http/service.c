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
	case WEFT_HTTP_CONNECT:
		return service->on_connect;
	case WEFT_HTTP_TRACE:
		return service->on_trace;
	case WEFT_HTTP_OTHER:
		return service->on_other;
	default:
		return NULL;
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

struct weft__http_methods weft__http_service_methods(const struct weft_http_service *service)
{
	const struct weft_http_service *other =
		weft__http_service_find(service, &(void *){NULL}, has_other);
	struct weft__http_methods methods = {.others = other ? other->other_methods : NULL};

	for (int method = WEFT_HTTP_GET; method <= WEFT_HTTP_TRACE; method++) {
		void *arg = NULL;

		if (weft__http_service_handler(service, (enum weft_http_method)method, &arg))
			methods.known |= 1u << method;
	}
	return methods;
}

void weft__http_allow(struct weft__http_methods methods, char ret_allow[WEFT__HTTP_ALLOW_MAX])
{
	unsigned known = methods.known | 1u << WEFT_HTTP_OPTIONS; /* which is always answered */
	size_t len = 0;

	ret_allow[0] = '\0';
	for (int method = WEFT_HTTP_GET; method <= WEFT_HTTP_TRACE; method++)
		if (known & 1u << method)
			len += (size_t)snprintf(ret_allow + len, WEFT__HTTP_ALLOW_MAX - len, "%s%s",
				len ? ", " : "",
				weft__http_method_name((enum weft_http_method)method));
	if (methods.others && len + strlen(methods.others) + 2 < WEFT__HTTP_ALLOW_MAX)
		snprintf(ret_allow + len, WEFT__HTTP_ALLOW_MAX - len, ", %s", methods.others);
}

int weft__http_refuse_method(struct weft_http_request *request, struct weft_http_response *response,
	struct weft__http_methods methods)
{
	char allow[WEFT__HTTP_ALLOW_MAX];

	if (weft_http_request_method(request) == WEFT_HTTP_OTHER)
		return 501;
	weft__http_allow(methods, allow);
	if (weft_http_response_field(response, "Allow", allow) < 0)
		return 500;
	if (weft_http_request_method(request) == WEFT_HTTP_OPTIONS)
		return weft_http_response_send(response, 204, NULL);
	return 405;
}
