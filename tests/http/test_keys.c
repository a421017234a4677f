/*
 * test_keys.c - src/http/keys.c: what a middleware leaves with a request; and that it can tell what
 * becomes of the answer.
 */
#include <stdlib.h>

#include "http/site.h"
#include "weft/http_route.h"

struct session {
	const char *user;
};

WEFT_HTTP_KEY(session, struct session);
const struct weft_http_key session_key = {"session"};

WEFT_HTTP_KEY(count, int);
const struct weft_http_key count_key = {"count"};

static int told; /* the status that the middleware foresaw */

/* The first part of the path is what the handler returns. */
static int answer(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const struct session *session = session_get(request);
	const char *what = weft_http_request_path(request) + 1;
	struct weft_http_content content = {"text/plain", session->user, strlen(session->user)};
	char byte[100];

	(void)arg;
	CHECK_INT(*count_get(request), ==, 7);
	if (strcmp(what, "user") == 0)
		return weft_http_response_send(response, 202, &content);
	if (strcmp(what, "body") == 0) {
		while (weft_http_request_read(request, byte, sizeof(byte)) > 0)
			;
		return -1;
	}
	errno = EIO;
	return (int)strtol(what, NULL, 10);
}

static int wrap(struct weft_http_request *request, struct weft_http_response *response,
	struct weft_http_next *next, void *arg)
{
	struct session session = {"anna"};
	int count = 7, result;

	(void)arg;
	CHECK(!session_get(request) && !count_get(request));
	CHECK_INT(session_set(request, &session), ==, 0);
	CHECK_INT(count_set(request, &count), ==, 0);
	result = weft_http_next(next);
	told = weft_http_response_outcome(response, result);
	session_set(request, NULL);
	return result;
}

static int page(struct weft_http_request *request, struct weft_http_response *response,
	const char *why, int status, void *arg)
{
	(void)why;
	(void)status;
	(void)response;
	(void)arg;
	CHECK(!session_get(request));
	CHECK(count_get(request));
	return 0;
}

CHECK_CASE(a_middleware_foresees_the_status_that_the_peer_gets)
{
	static const struct {
		const char *path;
		int status;
	} ways[] = {{"/user", 202}, {"/404", 404}, {"/599", 599}, {"/0", 500}, {"/-1", 500},
		{"/200", 500}, {"/600", 500}, {"/body", 413}};
	const struct weft_http_route route = {
		.pattern = "/{way}", .methods = "*", .handler = answer};
	struct weft_http_router *router = weft_http_router_new();
	const struct weft_http_service service = {
		.on_error = page, .parent = &weft_http_router_service, .parent_arg = router};

	CHECK_INT(weft_http_router_add(router, &route), ==, 0);
	CHECK_INT(weft_http_router_use(router, wrap, NULL), ==, 0);
	site.workers = 1;
	site.options.body_max = 4;
	site_open(&service);
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		char request[200], status[40];

		snprintf(request, sizeof(request),
			"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: "
			"close\r\n\r\n"
			"12345",
			ways[i].path);
		snprintf(status, sizeof(status), "HTTP/1.1 %d ", ways[i].status);
		CHECK_MEM(ask(request), status, 13);
		CHECK_INT(told, ==, ways[i].status);
	}
	site_close();
	weft_http_router_free(router);
}

static int fill(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	static const struct weft_http_key keys[WEFT_HTTP_KEYS_MAX + 1] = {{"a key"}};
	char values[WEFT_HTTP_KEYS_MAX + 1];

	(void)arg;
	for (unsigned i = 0; i < WEFT_HTTP_KEYS_MAX; i++) {
		CHECK(!weft_http_request_get(request, &keys[i]));
		CHECK_INT(weft_http_request_set(request, &keys[i], &values[i]), ==, 0);
	}
	CHECK_ERRNO(weft_http_request_set(request, &keys[WEFT_HTTP_KEYS_MAX], values), ENOSPC);
	CHECK_INT(weft_http_request_set(request, &keys[3], &values[0]), ==, 0);
	CHECK(weft_http_request_get(request, &keys[2]) == &values[2]);
	CHECK(weft_http_request_get(request, &keys[3]) == &values[0]);
	return weft_http_response_send(response, 200, NULL);
}

CHECK_CASE(a_request_carries_so_many_and_the_next_one_on_its_connection_none)
{
	static const struct weft_http_service service = {.on_get = fill};
	const char *answers;

	site_open(&service);
	answers = ask("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"
		      "GET / HTTP/1.0\r\n\r\n");
	CHECK(has(answers, "200 OK") && !has(answers, "500"));
	site_close();
}

CHECK_MAIN()
