/*
 * ws_echo.c - a WebSocket server that sends every message back.
 *
 *	ws_echo [ADDRESS]     then, on any page of that address: new WebSocket("ws://ADDRESS/")
 */
#include <stdio.h>
#include <weft/websocket.h>

static int echo(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const struct weft_ws_options *options = arg;
	struct weft_ws *ws = weft_ws_accept(request, response, options);
	struct weft_ws_message message;

	if (!ws)
		return 0; /* refused, and answered */
	while (weft_ws_receive(ws, &message) > 0)
		if (weft_ws_send(ws, message.type, message.data, message.len) < 0)
			break;
	weft_ws_free(ws);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct weft_http_service service = {.on_get = echo};
	static const char *const everybody[] = {"*", NULL};
	struct weft_ws_options options = {
		.deflates = true, .message_max = (size_t)64 << 20, .origins = everybody};
	const char *address = argc > 1 ? argv[1] : "127.0.0.1:8080";
	struct weft_listener *listener = weft_listener_new(address, NULL);
	struct weft_http_server *server = weft_http_server_new(
		&(struct weft_http_server_options){.service = &service, .arg = &options});

	if (listener)
		printf("port %u\n", weft_address_port(weft_listener_address(listener)));
	fflush(stdout);
	if (!server || weft_http_server_run(server, listener) < 0)
		perror(address);
	weft_http_server_free(server);
	weft_listener_free(listener);
	return 1;
}
