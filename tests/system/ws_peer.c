/*
 * ws_peer.c - one side of a WebSocket, for tests with a peer that others wrote.
 *
 *	ws_peer serve MODEL [deflate]	sends every message back, until SIGTERM
 *	ws_peer connect URL [deflate]	sends every message back, until it is over
 *
 * By TLS with WEFT_PEM in the environment: a server's certificate and key, or whom a client trusts.
 * A server prints its address; a client, and each connection of a server, how it ended:
 * the number of messages, the code of the close that came and of the one sent, 0 or errno.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weft/fiber.h"
#include "weft/signal.h"
#include "weft/tls.h"
#include "weft/websocket.h"

/* More than any of the tests' messages. */
#define MESSAGE_MAX ((size_t)64 << 20)

static struct weft_http_server *server;
static struct weft_tls *tls; /* NULL: none */
static const char *const everybody[] = {"*", NULL}, *const protocols[] = {"echo", "echo.v1", NULL};
static struct weft_ws_options options = {
	.message_max = MESSAGE_MAX, .origins = everybody, .protocols = protocols};

static void echo(struct weft_ws *ws)
{
	struct weft_ws_message message;
	unsigned count = 0;
	int result;

	while ((result = weft_ws_receive(ws, &message)) > 0) {
		if (weft_ws_send(ws, message.type, message.data, message.len) < 0)
			break;
		count++;
	}
	printf("%u messages, code %u, sent %u, errno %d\n", count, weft_ws_close_code(ws),
		weft_ws_close_sent(ws), result == 0 ? 0 : errno);
	fflush(stdout);
	weft_ws_free(ws);
}

static int on_get(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct weft_ws *ws = weft_ws_accept(request, response, &options);

	(void)arg;
	if (ws)
		echo(ws);
	return 0;
}

static int stop_on_signal(void *arg)
{
	static const int signals[] = {SIGTERM};

	(void)arg;
	if (weft_signal_wait(signals, 1) > 0)
		weft_http_server_stop(server);
	return 0;
}

static int serve(void *arg)
{
	static const struct weft_http_service service = {.on_get = on_get};
	const struct weft_http_server_options server_options = {
		.service = &service, .model = arg, .grace_ns = WEFT_SECONDS(20)};
	struct weft_listener *listener = weft_listener_new("127.0.0.1:0", NULL);
	char address[WEFT_ADDRESS_TEXT_MAX];
	weft_fiber_id stopper;
	int result;

	if (tls && weft_listener_use_tls(listener, tls) < 0)
		return 1;
	server = weft_http_server_new(&server_options);
	stopper = weft_spawn(stop_on_signal, NULL);
	if (!listener || !server || !stopper)
		return 1;
	weft_yield();
	weft_address_print(weft_listener_address(listener), address, sizeof(address));
	puts(address);
	fflush(stdout);
	result = weft_http_server_run(server, listener);
	weft_cancel(stopper);
	weft_join(stopper, NULL, WEFT_FOREVER);
	weft_listener_free(listener);
	weft_http_server_free(server);
	return result < 0;
}

static int connect_to(void *url)
{
	struct weft_ws *ws;
	int status;

	options.ret_status = &status;
	ws = weft_ws_connect(url, &options);
	if (!ws) {
		printf("not connected, status %d, errno %d\n", status, errno);
		return 1;
	}
	printf("connected, protocol \"%s\", %s\n", weft_ws_protocol(ws),
		weft_ws_is_deflating(ws) ? "compressing" : "plain");
	fflush(stdout);
	echo(ws);
	return 0;
}

static struct weft_tls *make_tls(bool is_server, const char *pem)
{
	const struct weft_tls_server_options server_options = {.certificate = pem};
	const struct weft_tls_client_options client_options = {.issuers = pem};

	return is_server ? weft_tls_server_new(&server_options, NULL)
			 : weft_tls_client_new(&client_options, NULL);
}

int main(int argc, char **argv)
{
	struct weft_run_options run = {.workers = 2};
	bool is_server = argc > 2 && strcmp(argv[1], "serve") == 0;

	if (argc < 3)
		return 2;
	options.deflates = argc > 3;
	if (getenv("WEFT_PEM") && !(options.tls = tls = make_tls(is_server, getenv("WEFT_PEM"))))
		return 2;
	if (is_server && strcmp(argv[2], "fiber") != 0)
		run.workers = 1;
	return weft_run(&run, is_server ? serve : connect_to, argv[2]);
}
