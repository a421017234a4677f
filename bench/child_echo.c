/*
 * child_echo.c - weft's side of echo: streams and a handler, on one worker.
 *
 * Entry points: child_echo().
 * Never: a trick that a user of the public headers could not play.
 */
#include "child.h"

#include "weft/fiber.h"
#include "weft/serve.h"

static int echo(struct weft_stream *peer, void *arg)
{
	const char *data;
	ssize_t len;

	(void)arg;
	while ((len = weft_stream_peek(peer, 1, &data)) > 0) {
		if (weft_stream_write_all(peer, data, (size_t)len) < 0 ||
			weft_stream_flush(peer) < 0)
			return -1;
		weft_stream_consume(peer, (size_t)len);
	}
	return (int)len;
}

static int serve_main(void *arg)
{
	const struct weft_serve_options options = {.one_worker = true};
	struct weft_listener *listener = weft_listener_new("127.0.0.1:0", NULL);

	(void)arg;
	if (listener == NULL) {
		perror("weft-bench: listen");
		return 1;
	}
	printf("%u\n", weft_address_port(weft_listener_address(listener)));
	fflush(stdout);
	weft_serve(listener, echo, NULL, &options);
	weft_listener_free(listener);
	return 0;
}

int child_echo(const char *argument)
{
	struct weft_run_options options = {.workers = 1, .driver = argument};

	return weft_run(&options, serve_main, NULL);
}
