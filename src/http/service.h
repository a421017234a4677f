/*
 * service.h - which of a service's functions, or of its parents', answers.
 */
#ifndef WEFT_SRC_HTTP_SERVICE_H
#define WEFT_SRC_HTTP_SERVICE_H

#include "weft/http.h"

/** Room for the methods that a service can have, as Allow lists them. */
#define WEFT__HTTP_ALLOW_MAX 128

/**
 * The first of the service and its parents that has something; *arg becomes what it is called
 * with. NULL: none has.
 */
const struct weft_http_service *weft__http_service_find(const struct weft_http_service *service,
	void **arg, bool (*has)(const struct weft_http_service *service));

/** Who answers that method, and with what arg. NULL: nobody. */
weft_http_handler_fn *weft__http_service_handler(
	const struct weft_http_service *service, enum weft_http_method method, void **arg);

/** Whether the service, or a parent, has an authorise(). */
bool weft__http_service_authorises(const struct weft_http_service *service);

/**
 * Ask it, if there is one. arg is the service's. Returns as authorise() does; what it answered
 * itself shows in the response's status.
 */
int weft__http_service_authorise(const struct weft_http_service *service, void *arg,
	struct weft_http_request *request, struct weft_http_response *response);

/** What can be asked for. */
struct weft__http_methods {
	unsigned known;     /* bit 1 << method */
	const char *others; /* "MKCOL, MOVE"; NULL: none */
};

struct weft__http_methods weft__http_service_methods(const struct weft_http_service *service);

/** "GET, HEAD, OPTIONS": RFC 9110, section 10.2.1. OPTIONS is always there. */
void weft__http_allow(struct weft__http_methods methods, char ret_allow[WEFT__HTTP_ALLOW_MAX]);

/** Answer a method that nobody serves: 501; 405, or for OPTIONS 204, with the Allow of these. */
int weft__http_refuse_method(struct weft_http_request *request, struct weft_http_response *response,
	struct weft__http_methods methods);

#endif
