/*
 * tls_get.c - fetch a page over HTTPS, and say who answered.
 *
 *	tls_get HOST [PATH [AUTHORITIES]]	AUTHORITIES: PEM file, instead of the system's
 *
 * HOST may have a port, 443 unless told otherwise. The certificate is checked: a server that
 * can't prove to be HOST is told apart from one that is not there.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <weft/fiber.h>
#include <weft/scope.h>
#include <weft/tls.h>

static int get(struct weft_stream *server, const char *host, const char *path)
{
	const struct weft_tls_facts *facts = weft_stream_tls(server);
	char data[4096];
	ssize_t len;

	fprintf(stderr, "%s, %s, %s\n", facts->version, facts->cipher, facts->peer);
	if (weft_stream_printf(server, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
		    path, host) < 0 ||
		weft_stream_flush(server) < 0)
		return -1;
	while ((len = weft_stream_read(server, data, sizeof(data))) > 0)
		fwrite(data, 1, (size_t)len, stdout);
	return (int)len;
}

static int run(void *arg)
{
	char **argv = arg, address[300];
	const char *path = argv[2] ? argv[2] : "/";
	struct weft_tls_client_options options = {.issuers = argv[2] ? argv[3] : NULL};
	struct weft_tls_fault fault = {0};
	struct weft_tls *tls = weft_tls_client_new(&options, &fault);
	struct weft_stream *server = NULL;
	int result = -1;

	snprintf(address, sizeof(address), "%s%s", argv[1], strchr(argv[1], ':') ? "" : ":443");
	WEFT_WITH_TIMEOUT (WEFT_SECONDS(30)) {
		if (tls && (server = weft_stream_connect_tls(address, tls, &fault)))
			result = get(server, argv[1], path);
		/* A server may object to us only after the handshake. */
		if (server && result < 0)
			fault = *weft_stream_tls_fault(server);
	}
	if (result < 0)
		fprintf(stderr, "tls_get: %s: %s\n", argv[1],
			fault.kind ? fault.text : strerror(errno));
	weft_stream_free(server);
	weft_tls_free(tls);
	return result < 0;
}

int main(int argc, char **argv)
{
	return argc < 2 ? 2 : weft_run(NULL, run, argv);
}
