/*
 * timeouts.c - deadlines: one line bounds all that is inside, however deep.
 *
 *	timeouts HOST:PORT     ask a server for a line, within a second for it all
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <weft/scope.h>
#include <weft/stream.h>

/* Knows nothing of any deadline. */
static int ask(const char *host_port, char *ret_line, size_t size_bytes)
{
	struct weft_stream *stream = weft_stream_connect(host_port);
	const char *line = "";
	ssize_t len = -1;

	if (!stream)
		return -1;
	if (weft_stream_printf(stream, "hello\n") == 0 && weft_stream_flush(stream) == 0)
		len = weft_stream_readline(stream, &line);
	if (len >= 0)
		snprintf(ret_line, size_bytes, "%.*s", (int)len, line);
	/* Here the time may be up already; what must be done all the same is shielded. */
	if (len < 0 && errno == ETIMEDOUT)
		WEFT_SHIELDED {
			weft_stream_printf(stream, "too late\n");
			weft_stream_flush(stream);
			errno = ETIMEDOUT;
		}
	weft_stream_free(stream);
	return len < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	char line[256] = "";
	int result = -1;

	if (argc < 2)
		return fprintf(stderr, "usage: timeouts HOST:PORT\n"), 2;
	WEFT_WITH_TIMEOUT (WEFT_SECONDS(1))
		result = ask(argv[1], line, sizeof(line));
	if (result < 0)
		printf("%s\n", errno == ETIMEDOUT ? "no answer in time" : strerror(errno));
	else
		printf("%s", line);
	return result < 0;
}
