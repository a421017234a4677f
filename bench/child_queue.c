/*
 * child_queue.c - weft's side of queue, shared and trip: the same work as limit/ipc_min.c.
 *
 * Entry points: child_queue(), child_shared(), child_trip().
 */
#include "child.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weft/fiber.h"
#include "weft/queue.h"
#include "weft/shared.h"

#define MESSAGES     2000000
#define MESSAGE_SIZE 64
#define TRIPS        20000
#define BLOCKS       500
#define BLOCK_SIZE   (1 << 20)

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void put_all(struct weft_queue *queue, int count)
{
	char message[MESSAGE_SIZE] = "";

	for (int i = 0; i < count; i++)
		if (weft_queue_put(queue, message, sizeof message) < 0)
			fail("put");
}

static void get_all(struct weft_queue *queue, int count)
{
	char message[MESSAGE_SIZE];

	for (int i = 0; i < count; i++)
		if (weft_queue_get(queue, message, sizeof message, NULL) != 1)
			fail("get");
}

static double rate(int pairs)
{
	struct weft_queue *queue = weft_queue_new(NULL, NULL);
	int64_t start;

	if (!queue)
		fail("queue");
	start = bench_now();
	for (int i = 0; i < 2 * pairs; i++) {
		pid_t pid = fork();

		if (pid < 0)
			fail("fork");
		if (pid > 0)
			continue;
		if (i % 2)
			put_all(queue, MESSAGES / pairs);
		else
			get_all(queue, MESSAGES / pairs);
		_exit(0);
	}
	for (int i = 0; i < 2 * pairs; i++)
		wait(NULL);
	start = bench_now() - start;
	weft_queue_free(queue);
	return MESSAGES * 1e9 / (double)start;
}

int child_queue(const char *argument)
{
	double one = rate(1), four = rate(4);

	(void)argument;
	printf("%.1f %.1f\n", one, four);
	return 0;
}

/* ---- There and back ---------------------------------------------------------------------- */

static uint64_t filled(const unsigned char *block)
{
	uint64_t sum = 0, word;

	for (size_t i = 0; i < BLOCK_SIZE; i += 4096) {
		memcpy(&word, block + i, sizeof word);
		sum += word;
	}
	return sum;
}

/* The number of a block there, and one back; the block itself stays where it is. */
static double pass(unsigned char *block, int count)
{
	struct weft_queue *there = weft_queue_new(NULL, NULL), *back = weft_queue_new(NULL, NULL);
	int64_t start;
	char number = 0;

	if (!there || !back)
		fail("queue");
	if (fork() == 0) {
		for (int i = 0; i < count; i++) {
			if (weft_queue_get(there, &number, 1, NULL) != 1)
				fail("get");
			if (block && filled(block) == 1)
				fail("block");
			if (weft_queue_put(back, &number, 1) < 0)
				fail("put");
		}
		_exit(0);
	}
	start = bench_now();
	for (int i = 0; i < count; i++)
		if (weft_queue_put(there, &number, 1) < 0 ||
			weft_queue_get(back, &number, 1, NULL) != 1)
			fail("pass");
	start = bench_now() - start;
	wait(NULL);
	weft_queue_free(there);
	weft_queue_free(back);
	return (double)start / count;
}

int child_shared(const char *argument)
{
	struct weft_segment *segment = weft_segment_new(NULL, BLOCK_SIZE, NULL);
	double trip, block;

	(void)argument;
	if (!segment)
		fail("segment");
	trip = pass(NULL, TRIPS);
	block = pass(weft_segment_data(segment), BLOCKS);
	printf("%.1f %.1f\n", trip, block);
	weft_segment_free(segment);
	return 0;
}

/* ---- Threads and fibers -------------------------------------------------------------------- */

struct trip {
	struct weft_queue *there, *back;
	int64_t took_ns;
};

static void hand(struct weft_queue *to)
{
	if (weft_queue_put(to, "", 1) < 0)
		fail("put");
}

static void take(struct weft_queue *from)
{
	char byte;

	if (weft_queue_get(from, &byte, 1, NULL) != 1)
		fail("get");
}

static int trip_answer(void *arg)
{
	struct trip *trip = arg;

	for (int i = 0; i < TRIPS; i++) {
		take(trip->there);
		hand(trip->back);
	}
	return 0;
}

static int trip_ask(void *arg)
{
	struct trip *trip = arg;

	trip->took_ns = bench_now();
	for (int i = 0; i < TRIPS; i++) {
		hand(trip->there);
		take(trip->back);
	}
	trip->took_ns = bench_now() - trip->took_ns;
	return 0;
}

static int in_fiber(weft_fiber_fn *fn, void *arg)
{
	return weft_run(&(struct weft_run_options){.workers = 1}, fn, arg);
}

static double trip_time(bool is_fiber)
{
	struct trip trip = {weft_queue_new(NULL, NULL), weft_queue_new(NULL, NULL), 0};

	if (!trip.there || !trip.back)
		fail("queue");
	if (fork() == 0)
		_exit(is_fiber ? in_fiber(trip_answer, &trip) : trip_answer(&trip));
	if ((is_fiber ? in_fiber(trip_ask, &trip) : trip_ask(&trip)) != 0)
		fail("trip");
	wait(NULL);
	weft_queue_free(trip.there);
	weft_queue_free(trip.back);
	return (double)trip.took_ns / TRIPS;
}

int child_trip(const char *argument)
{
	double thread = trip_time(false), fiber = trip_time(true);

	(void)argument;
	printf("%.1f %.1f %.1f %.1f\n", thread, thread, fiber, fiber);
	return 0;
}
