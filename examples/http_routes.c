/*
 * http_routes.c - routes, a folder mounted beside them, and middleware that times every answer.
 *
 *	http_routes [ADDRESS [FOLDER]]     then: curl http://127.0.0.1:8080/hello/you
 */
#include <stdio.h>
#include <weft/fiber.h>
#include <weft/http_files.h>
#include <weft/http_route.h>

static int hello(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	(void)arg;
	if (weft_http_response_begin(response, 200, "text/plain", WEFT_HTTP_LEN_UNKNOWN) < 0)
		return -1;
	return weft_http_response_printf(
		response, "Hello, %s.\n", weft_http_request_param(request, "name"));
}

static int time_it(struct weft_http_request *request, struct weft_http_response *response,
	struct weft_http_next *next, void *arg)
{
	int64_t begin_ns = weft_now();
	int result = weft_http_next(next);

	(void)arg;
	fprintf(stderr, "%s: %d, %lld us\n", weft_http_request_path(request),
		result > 0 ? result : weft_http_response_status(response),
		(long long)(weft_now() - begin_ns) / 1000);
	return result;
}

int main(int argc, char **argv)
{
	const char *address = argc > 1 ? argv[1] : "127.0.0.1:8080";
	struct weft_http_route route = {.pattern = "/hello/{name}", .handler = hello};
	struct weft_listener *listener = weft_listener_new(address, NULL);
	struct weft_http_files *files = weft_http_files_new(argc > 2 ? argv[2] : ".", NULL);
	struct weft_http_router *router = weft_http_router_new();
	struct weft_http_server *server = weft_http_server_new(&(struct weft_http_server_options){
		.service = &weft_http_router_service, .arg = router});

	if (!listener || !files || !router || !server ||
		weft_http_router_use(router, time_it, NULL) < 0 ||
		weft_http_router_add(router, &route) < 0 ||
		weft_http_router_mount(router, "/files", &weft_http_files_service, files) < 0) {
		perror(address);
		return 1;
	}
	printf("port %u\n", weft_address_port(weft_listener_address(listener)));
	fflush(stdout);
	return weft_http_server_run(server, listener) < 0;
}
