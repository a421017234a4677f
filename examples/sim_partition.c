/*
 * sim_partition.c - a client that tries again, tested against a network that fails.
 *
 *	sim_partition [SEED]		1 unless told otherwise
 *
 * Two hosts, a server on one. While the client talks to it the network between them is cut for
 * a while. The client's rule, "give each try two seconds, and try again", is what is tested;
 * it takes no real time, and the same seed does the same again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <weft/weft.h>

static int echo(struct weft_stream *peer, void *arg)
{
	const char *line;
	ssize_t len;

	(void)arg;
	while ((len = weft_stream_readline(peer, &line)) > 0)
		if (weft_stream_write_all(peer, line, (size_t)len) < 0 ||
			weft_stream_flush(peer) < 0)
			return -1;
	return 0;
}

static int serve(void *arg)
{
	struct weft_listener *listener;

	(void)arg;
	weft_sim_host("server");
	listener = weft_listener_new("0.0.0.0:7", NULL);
	if (!listener)
		return -1;
	weft_serve(listener, echo, NULL, NULL); /* until it is cancelled */
	weft_listener_free(listener);
	return 0;
}

static int cut_and_heal(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++) {
		weft_sleep((int64_t)(weft_random() % WEFT_SECONDS(5)));
		weft_sim_partition("server", "client");
		weft_sleep((int64_t)(weft_random() % WEFT_SECONDS(5)));
		weft_sim_heal("server", "client");
	}
	return 0;
}

/* One question and its answer, within two seconds. */
static int ask(int number)
{
	struct weft_stream *stream = NULL;
	const char *line;
	int answer = -1;

	WEFT_WITH_TIMEOUT (WEFT_SECONDS(2)) {
		stream = weft_stream_connect("server:7");
		if (stream && weft_stream_printf(stream, "%d\n", number) == 0 &&
			weft_stream_flush(stream) == 0 && weft_stream_readline(stream, &line) > 0)
			answer = (int)strtol(line, NULL, 10);
	}
	weft_stream_free(stream);
	return answer == number ? 0 : -1;
}

static int test(void *arg)
{
	weft_fiber_id server = weft_spawn(serve, NULL);
	int tries = 0;

	(void)arg;
	weft_sim_host("client");
	weft_sleep(WEFT_MILLISECONDS(1));
	weft_detach(weft_spawn(cut_and_heal, NULL));
	for (int number = 0; number < 100; number++) {
		while (tries++, ask(number) < 0)
			;
		weft_sleep(WEFT_MILLISECONDS(100));
	}
	printf("100 answers after %d tries and %.1f s\n", tries, (double)weft_now() / 1e9 - 1000);
	weft_cancel(server);
	return weft_join(server, NULL, WEFT_FOREVER);
}

int main(int argc, char **argv)
{
	struct weft_sim_options options = {
		.latency_min_ns = WEFT_MILLISECONDS(1), .latency_max_ns = WEFT_MILLISECONDS(50)};

	return weft_sim_run(argc > 1 ? strtoull(argv[1], NULL, 10) : 1, &options, test, NULL) < 0;
}
