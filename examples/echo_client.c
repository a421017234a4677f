/*
 * echo_client.c - say each line of the standard input to a server, print what it answers.
 *
 *	echo_client [ADDRESS]		127.0.0.1:7000 unless told otherwise
 *
 * An answer that takes longer than five seconds ends it: one scope bounds the writing
 * and the reading.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <weft/fiber.h>
#include <weft/scope.h>
#include <weft/stream.h>

static int ask(struct weft_stream *server, const char *line)
{
	const char *answer;
	ssize_t len = -1;

	WEFT_WITH_TIMEOUT (WEFT_SECONDS(5)) {
		if (weft_stream_printf(server, "%s", line) == 0 && weft_stream_flush(server) == 0)
			len = weft_stream_readline(server, &answer);
	}
	if (len > 0)
		fwrite(answer, 1, (size_t)len, stdout);
	if (len == 0)
		errno = ECONNRESET;
	return len > 0 ? 0 : -1;
}

static int talk(void *address)
{
	struct weft_stream *server = weft_stream_connect(address);
	char line[1024];
	int result = server ? 0 : -1;

	while (result == 0 && fgets(line, sizeof(line), stdin))
		result = ask(server, line);
	if (result < 0)
		fprintf(stderr, "echo_client: %s: %s\n", (const char *)address, strerror(errno));
	weft_stream_free(server);
	return result < 0;
}

int main(int argc, char **argv)
{
	return weft_run(NULL, talk, argc > 1 ? argv[1] : "127.0.0.1:7000");
}
