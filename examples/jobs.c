/*
 * jobs.c - work handed from process to process, by the name of a queue. Try, in three terminals:
 *
 *	./jobs print work	and once more, to have two of them
 *	./jobs print add one two three
 *	./jobs print close
 *
 * Kill a worker as you like: the others go on with the rest.
 *
 * Never: keeps jobs when nobody is attached any more.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weft/queue.h>
#include <weft/scope.h>

#define JOB_MAX 1000

static int work(struct weft_queue *queue)
{
	char job[JOB_MAX];
	size_t len;
	int got;

	printf("worker %d waits\n", (int)getpid());
	fflush(stdout);
	while ((got = weft_queue_get(queue, job, sizeof job, &len)) == 1) {
		printf("%.*s\n", (int)len, job);
		fflush(stdout);
	}
	return got;
}

static int add(struct weft_queue *queue, char **jobs)
{
	for (; *jobs; jobs++)
		WEFT_WITH_TIMEOUT (WEFT_SECONDS(5)) /* while the workers are behind */
			if (weft_queue_put(queue, *jobs, strlen(*jobs)) < 0)
				return -1;
	return 0;
}

int main(int argc, char **argv)
{
	const char *command = argc > 2 ? argv[2] : "";
	const struct weft_queue_options options = {
		.message_bytes_max = JOB_MAX, .must_exist = strcmp(command, "work") != 0};
	struct weft_queue *queue;
	int result = 0;

	if (!*command) {
		fputs("usage: jobs NAME work | add JOB... | close\n", stderr);
		return 2;
	}
	queue = weft_queue_new(argv[1], &options);
	if (!queue && errno == ENOENT)
		fputs("jobs: nobody works; start ./jobs NAME work\n", stderr);
	else if (!queue)
		perror("jobs");
	if (!queue)
		return 1;
	if (strcmp(command, "work") == 0)
		result = work(queue);
	else if (strcmp(command, "add") == 0)
		result = add(queue, argv + 3);
	else
		weft_queue_close(queue);
	if (result < 0)
		perror("jobs");
	weft_queue_free(queue);
	return result < 0;
}
