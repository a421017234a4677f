/*
 * child_ws.c - weft's side of WebSocket echo, on one worker.
 *
 * Entry points: child_ws(). tests/judge has others' clients try it, too.
 * Never: a trick that a user of the public headers could not play.
 */
#include "child.h"

#include <string.h>

#include "weft/fiber.h"
#include "weft/websocket.h"

static int echo(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const struct weft_ws_options *options = arg;
	struct weft_ws *ws = weft_ws_accept(request, response, options);
	struct weft_ws_message message;

	if (ws == NULL)
		return 0; /* refused, and answered */
	while (weft_ws_receive(ws, &message) > 0)
		if (weft_ws_send(ws, message.type, message.data, message.len) < 0)
			break;
	weft_ws_free(ws);
	return 0;
}

static int serve_main(void *arg)
{
	static const struct weft_http_service service = {.on_get = echo};
	const struct weft_http_server_options options = {.service = &service, .arg = arg};
	struct weft_http_server *server = weft_http_server_new(&options);
	struct weft_listener *listener = weft_listener_new("127.0.0.1:0", NULL);
	int status;

	if (server == NULL || listener == NULL) {
		perror("weft-bench: ws");
		return 1;
	}
	printf("%u\n", weft_address_port(weft_listener_address(listener)));
	fflush(stdout);
	status = weft_http_server_run(server, listener);
	weft_listener_free(listener);
	weft_http_server_free(server);
	return status < 0;
}

int child_ws(const char *argument)
{
	static const char *const everybody[] = {"*", NULL}, *const protocols[] = {"echo", NULL};
	const struct weft_run_options options = {.workers = 1};
	struct weft_ws_options ws = {
		.message_max = (size_t)16 << 20, .origins = everybody, .protocols = protocols};

	ws.deflates = argument != NULL && strcmp(argument, "deflate") == 0;
	return weft_run(&options, serve_main, &ws);
}
