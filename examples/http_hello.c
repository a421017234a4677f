/*
 * http_hello.c - an HTTP server that greets: one function, and the rest by default.
 *
 *	http_hello [ADDRESS]		127.0.0.1:8080 unless told otherwise
 */
#include <stdio.h>
#include <weft/fiber.h>
#include <weft/http.h>

static int greet(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "Hello, %s.\n", weft_http_request_peer(request));
	struct weft_http_content content = {"text/plain", text, (size_t)len};

	(void)arg;
	return weft_http_response_send(response, 200, &content);
}

static const struct weft_http_service service = {.on_get = greet};

static int serve(void *address)
{
	struct weft_http_server_options options = {.service = &service};
	struct weft_http_server *server = weft_http_server_new(&options);
	struct weft_listener *listener = weft_listener_new(address, NULL);

	if (!server || !listener || weft_http_server_run(server, listener) < 0)
		perror(address);
	weft_listener_free(listener);
	weft_http_server_free(server);
	return 1;
}

int main(int argc, char **argv)
{
	char address[] = "127.0.0.1:8080";

	return weft_run(NULL, serve, argc > 1 ? argv[1] : address);
}
