/*
 * tls_echo_server.c - the echo server, encrypted: the handler is the same.
 *
 *	tls_echo_server CERTIFICATE KEY [ADDRESS]	PEM files; 127.0.0.1:7443 unless told
 *
 * A pair to try it with, and a client:
 *	openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem \
 *		-subj /CN=localhost -addext subjectAltName=DNS:localhost
 *	openssl s_client -connect 127.0.0.1:7443 -servername localhost -CAfile cert.pem
 */
#include <stdio.h>
#include <weft/fiber.h>
#include <weft/serve.h>
#include <weft/tls.h>

static int echo(struct weft_stream *peer, void *arg)
{
	const char *line;
	ssize_t len;

	(void)arg;
	while ((len = weft_stream_readline(peer, &line)) > 0)
		if (weft_stream_write_all(peer, line, len) < 0 || weft_stream_flush(peer) < 0)
			return -1;
	if (len < 0)
		fprintf(stderr, "tls_echo_server: %s\n", weft_stream_tls_fault(peer)->text);
	return (int)len;
}

static int serve(void *arg)
{
	char **argv = arg;
	const char *address = argv[3] ? argv[3] : "127.0.0.1:7443";
	struct weft_tls_server_options options = {.certificate = argv[1], .key = argv[2]};
	struct weft_tls_fault fault;
	struct weft_tls *tls = weft_tls_server_new(&options, &fault);
	struct weft_listener *listener = tls ? weft_listener_new(address, NULL) : NULL;

	if (!tls)
		fprintf(stderr, "tls_echo_server: %s\n", fault.text);
	else if (!listener || weft_listener_use_tls(listener, tls) < 0 ||
		 weft_serve(listener, echo, NULL, NULL) < 0)
		perror(address);
	weft_listener_free(listener);
	weft_tls_free(tls);
	return 1;
}

int main(int argc, char **argv)
{
	return argc < 3 ? 2 : weft_run(NULL, serve, argv);
}
