/*
 * child_wake.c - weft's side of wake: fibers on two workers that wake each other.
 *
 * Entry points: child_wake().
 * A chain of parked fibers, by turns on the one worker and on the other: each joins the
 * one before it, so the end of each wakes the next across. Nothing else is runnable, so
 * both workers sleep in between. Two links of the chain are a round trip.
 *
 *	worker 0:  gate --> link 0          link 2          link 4 ...
 *	                      `--> link 1 --^  `--> link 3 --^
 *	worker 1:
 *
 * Each worker spawns its own links: a stack is taken where it is given back.
 */
#include "child.h"

#include <stdatomic.h>

#include "weft/fiber.h"

#define LINKS   400
#define BATCHES 20
#define SETTLE  WEFT_MILLISECONDS(2) /* until all links have parked */

static weft_fiber_id gate, links[LINKS];
static _Atomic bool is_ready; /* links[] is whole */
static int64_t opened_at, ended_at;

static int run_gate(void *arg)
{
	(void)arg;
	weft_sleep(SETTLE);
	opened_at = bench_now();
	return 0;
}

static int run_link(void *arg)
{
	size_t index = (size_t)(uintptr_t)arg;

	while (!atomic_load(&is_ready))
		weft_yield();
	if (weft_join(index ? links[index - 1] : gate, NULL, WEFT_FOREVER) < 0)
		return 1;
	if (index == LINKS - 1)
		ended_at = bench_now();
	return 0;
}

/* Spawn every second link, here. */
static int spawn_links(void *arg)
{
	const struct weft_spawn_options options = {.worker = 1 + (unsigned)weft_worker_index()};

	for (uintptr_t i = (uintptr_t)arg; i < LINKS; i += 2) {
		links[i] = weft_spawn_with(&options, run_link, (void *)i);
		if (links[i] == 0)
			return 1;
	}
	return 0;
}

/* Nanoseconds per round trip; below 0 on failure. */
static double time_chain(void)
{
	unsigned mine = (unsigned)weft_worker_index(); /* 0 or 1 */
	const struct weft_spawn_options here = {.worker = 1 + mine}, there = {.worker = 2 - mine};
	weft_fiber_id spawner;
	int status = 1;

	atomic_store(&is_ready, false);
	spawner = weft_spawn_with(&there, spawn_links, (void *)(uintptr_t)1);
	if (spawn_links(NULL) != 0 || weft_join(spawner, &status, WEFT_FOREVER) < 0 || status)
		return -1;
	gate = weft_spawn_with(&here, run_gate, NULL);
	if (gate == 0)
		return -1;
	atomic_store(&is_ready, true);
	if (weft_join(links[LINKS - 1], &status, WEFT_FOREVER) < 0 || status)
		return -1;
	return (double)(ended_at - opened_at) / (LINKS / 2);
}

static int wake_main(void *arg)
{
	double times[BATCHES];

	(void)arg;
	time_chain(); /* warm-up: stacks */
	for (int i = 0; i < BATCHES; i++) {
		times[i] = time_chain();
		if (times[i] < 0)
			return 1;
	}
	printf("%.1f\n", bench_median(times, BATCHES));
	return 0;
}

int child_wake(const char *argument)
{
	const struct weft_run_options options = {.workers = 2};

	(void)argument;
	return weft_run(&options, wake_main, NULL) ? 1 : 0;
}
