/*
 * pipeline.c - lines of the standard input through workers: channels and select.
 *
 *	pipeline [WORKERS]		four unless told otherwise
 *
 *	reader --lines--> workers --counts--> adder
 *
 * Each worker counts the letters of the lines it gets. A channel that is closed ends who
 * reads it, so the end of the input runs down the pipeline. While nothing comes for a
 * second, the adder says how far it is.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/chan.h>
#include <weft/fiber.h>
#include <weft/group.h>
#include <weft/stream.h>

struct line {
	char text[256];
};

struct pipeline {
	struct weft_chan *lines, *counts;
	struct weft_group working;
	unsigned workers;
};

static int count_letters(void *arg)
{
	struct pipeline *pipeline = arg;
	struct line line;

	while (weft_chan_recv(pipeline->lines, &line) > 0) {
		long letters = 0;

		for (const char *c = line.text; *c; c++)
			letters += isalpha((unsigned char)*c) != 0;
		if (weft_chan_send(pipeline->counts, &letters) < 0)
			break;
	}
	return weft_group_done(&pipeline->working);
}

static int read_lines(void *arg)
{
	struct pipeline *pipeline = arg;
	struct weft_stream *input = weft_stream_new(0);
	const char *text;
	ssize_t len;

	while (input && (len = weft_stream_readline(input, &text)) > 0) {
		struct line line = {{0}};
		size_t kept = (size_t)len < sizeof(line.text) ? (size_t)len : sizeof(line.text) - 1;

		memcpy(line.text, text, kept);
		weft_chan_send(pipeline->lines, &line);
	}
	weft_stream_free(input);
	weft_chan_close(pipeline->lines);
	weft_group_wait(&pipeline->working);
	return weft_chan_close(pipeline->counts);
}

static void add(struct pipeline *pipeline)
{
	long letters, total = 0, lines = 0;

	for (;;) {
		struct weft_select_case cases[] = {WEFT_SELECT_RECV(pipeline->counts, &letters),
			WEFT_SELECT_TIMER(WEFT_SECONDS(1))};
		ssize_t chosen = weft_select(cases, 2);

		if (chosen < 0 || (chosen == 0 && cases[0].result == 0))
			break;
		if (chosen == 1) {
			fprintf(stderr, "%ld lines so far\n", lines);
			continue;
		}
		total += letters;
		lines++;
	}
	printf("%ld letters in %ld lines\n", total, lines);
}

static int run(void *arg)
{
	struct pipeline *pipeline = arg;
	const struct weft_spawn_options detached = {.detached = true};

	pipeline->lines = weft_chan_new(sizeof(struct line), 64, "lines");
	pipeline->counts = weft_chan_new(sizeof(long), 64, "counts");
	if (!pipeline->lines || !pipeline->counts)
		return 1;
	for (unsigned i = 0; i < pipeline->workers; i++) {
		weft_group_add(&pipeline->working, 1);
		if (!weft_spawn_with(&detached, count_letters, pipeline))
			weft_group_done(&pipeline->working);
	}
	if (!weft_spawn_with(&detached, read_lines, pipeline))
		return 1;
	add(pipeline);
	weft_chan_free(pipeline->lines);
	weft_chan_free(pipeline->counts);
	return 0;
}

int main(int argc, char **argv)
{
	struct pipeline pipeline = {
		.working = WEFT_GROUP_INIT,
		.workers = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 4,
	};

	return weft_run(NULL, run, &pipeline);
}
