/*
 * http_shout.c - a service that reads a body and answers with it in capitals, as it comes.
 *
 *	http_shout [ADDRESS]     then: curl --data-binary @FILE http://127.0.0.1:8080/
 */
#include <ctype.h>
#include <stdio.h>
#include <weft/http.h>

static int on_post(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	char data[4096];
	ssize_t len;

	(void)arg;
	if (weft_http_response_begin(response, 200, "text/plain", WEFT_HTTP_LEN_UNKNOWN) < 0)
		return -1;
	while ((len = weft_http_request_read(request, data, sizeof(data))) > 0) {
		for (ssize_t i = 0; i < len; i++)
			data[i] = (char)toupper((unsigned char)data[i]);
		if (weft_http_response_write(response, data, (size_t)len) < 0)
			return -1;
	}
	return (int)len; /* below 0 the answer is cut off: the peer sees that it is not whole */
}

int main(int argc, char **argv)
{
	static const struct weft_http_service service = {.on_post = on_post};
	const char *address = argc > 1 ? argv[1] : "127.0.0.1:8080";
	struct weft_listener *listener = weft_listener_new(address, NULL);
	struct weft_http_server *server = weft_http_server_new(
		&(struct weft_http_server_options){.service = &service, .body_max = -1});

	if (listener)
		printf("port %u\n", weft_address_port(weft_listener_address(listener)));
	fflush(stdout);
	if (!server || weft_http_server_run(server, listener) < 0)
		perror(address);
	weft_http_server_free(server);
	weft_listener_free(listener);
	return 1;
}
