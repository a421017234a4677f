/*
 * http_users.c - a page for those who know the password, with limits and counters.
 *
 *	http_users [ADDRESS]     then: curl -u guest:sesame http://127.0.0.1:8080/
 *	                         the counters are at http://127.0.0.1:8081/
 *
 * Over a network this wants TLS: weft_listener_use_tls(), as in tls_echo_server.c.
 */
#include <stdio.h>
#include <string.h>
#include <weft/http_auth.h>
#include <weft/http_metrics.h>
#include <weft/scope.h>

/* Whoever knows the password; a real one is compared by its hash, in constant time. */
static int authorise(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct weft_http_basic basic;

	(void)arg;
	if (weft_http_request_basic(request, &basic) == 0 && strcmp(basic.password, "sesame") == 0)
		return weft_http_request_set_user(request, basic.user);
	weft_http_response_ask_basic(response, "the cave");
	return 401;
}

static int greet(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	char text[400];
	int len = snprintf(text, sizeof(text), "Welcome, %s.\n", weft_http_request_user(request));
	struct weft_http_content content = {"text/plain; charset=utf-8", text, (size_t)len};

	(void)arg;
	return weft_http_response_send(response, 200, &content);
}

static const struct weft_http_service cave = {.on_get = greet, .authorise = authorise};

static int serve_counters(void *arg)
{
	return weft_http_server_run(arg, weft_listener_new("127.0.0.1:8081", NULL));
}

static int serve(void *address)
{
	struct weft_http_metrics *metrics = weft_http_metrics_new();
	struct weft_http_server_options open = {
		.service = &cave, .metrics = metrics, .rate = 10, .connections_per_client = 20};
	struct weft_http_server_options inside = {
		.service = &weft_http_metrics_service, .arg = metrics};
	struct weft_listener *listener = weft_listener_new(address, NULL);

	if (!listener || !metrics) {
		perror(address);
		return 1;
	}
	printf("port %u\n", weft_address_port(weft_listener_address(listener)));
	fflush(stdout);
	weft_spawn(serve_counters, weft_http_server_new(&inside));
	return weft_http_server_run(weft_http_server_new(&open), listener);
}

int main(int argc, char **argv)
{
	char address[] = "127.0.0.1:8080";

	return weft_run(NULL, serve, argc > 1 ? argv[1] : address);
}
