/*
 * every_model.c - one handler under every model: only the name changes.
 *
 *	every_model [MODEL]     fiber, loop, thread, pool, fork, prefork
 *
 * Ask it with: nc 127.0.0.1 PORT
 */
#include <stdio.h>
#include <unistd.h>
#include <weft/fiber.h>
#include <weft/scope.h>
#include <weft/serve.h>
#include <weft/thread.h>

static int greet(struct weft_stream *peer, void *model)
{
	char name[256] = "nobody";
	const char *line;
	ssize_t len = 0;

	WEFT_WITH_TIMEOUT (WEFT_SECONDS(30)) {
		weft_stream_printf(peer, "Who is there? ");
		weft_stream_flush(peer);
		len = weft_stream_readline(peer, &line);
		if (len > 1)
			snprintf(name, sizeof(name), "%.*s", (int)len - 1, line);
	}
	weft_stream_printf(peer, "Hello %s, from %s: process %d, %s.\n", name, (char *)model,
		(int)getpid(),
		weft_self()             ? "a fiber"
		: weft_thread_current() ? weft_thread_name(weft_thread_current())
					: "its only thread");
	return len < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct weft_serve_options options = {.model = argc > 1 ? argv[1] : "fiber"};
	struct weft_listener *listener = weft_listener_new("127.0.0.1:0", NULL);

	if (listener)
		printf("port %u\n", weft_address_port(weft_listener_address(listener)));
	fflush(stdout);
	if (weft_serve(listener, greet, argc > 1 ? argv[1] : "fiber", &options) < 0)
		perror("weft_serve");
	weft_listener_free(listener);
	return 1;
}
