/*
 * echo_server.c - a server in straight-line code, on all cores.
 *
 *	echo_server [ADDRESS]		127.0.0.1:7000 unless told otherwise
 */
#include <stdio.h>
#include <weft/serve.h>

static int echo(struct weft_stream *peer, void *arg)
{
	const char *line;
	ssize_t len;

	(void)arg;
	while ((len = weft_stream_readline(peer, &line)) > 0)
		if (weft_stream_write_all(peer, line, len) < 0 || weft_stream_flush(peer) < 0)
			return -1;
	return (int)len;
}

int main(int argc, char **argv)
{
	const char *address = argc > 1 ? argv[1] : "127.0.0.1:7000";
	struct weft_listener *listener = weft_listener_new(address, NULL);

	if (weft_serve(listener, echo, NULL, NULL) < 0)
		perror(address);
	weft_listener_free(listener);
	return 1;
}
