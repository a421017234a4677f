/*
 * child_fiber.c - weft's side of yield, spawn, spawn-join and park.
 *
 * Entry points: child_yield(), child_spawn(), child_spawn_join(), child_park().
 * One worker. The loops mirror those of limit/queue_calls.c and limit/park_pages.c.
 */
#include "child.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weft/fiber.h"

#define YIELDS      (10 * 1000 * 1000)
#define YIELDERS    64
#define SPAWNS      (4 * 1000 * 1000)
#define BURST       64
#define PARKED_MAX  (8 * 1000 * 1000)
#define WARM_UP_PER 10 /* the share of a loop that is run before the clock starts */

static int run_on(unsigned workers, weft_fiber_fn *fn, void *arg)
{
	struct weft_run_options options = {.workers = workers};
	int status = weft_run(&options, fn, arg);

	if (status != 0)
		perror("weft-bench: child");
	return status ? 1 : 0;
}

/* ---- Yield ----------------------------------------------------------------------- */

static int yield_often(void *arg)
{
	int count = *(const int *)arg;

	for (int i = 0; i < count; i++)
		weft_yield();
	return 0;
}

/* Nanoseconds per yield, among that many fibers; below 0 on failure. */
static double time_yields(unsigned fibers, int count)
{
	weft_fiber_id ids[YIELDERS];
	int each = count / (int)fibers;
	int64_t start = bench_cpu();

	for (unsigned i = 0; i < fibers; i++)
		ids[i] = weft_spawn(yield_often, &each);
	if (weft_join_all(ids, fibers, NULL, WEFT_FOREVER) != (ssize_t)fibers)
		return -1;
	return (double)(bench_cpu() - start) / (double)count;
}

static int yield_main(void *arg)
{
	double two, many;

	(void)arg;
	time_yields(YIELDERS, YIELDS / WARM_UP_PER);
	two = time_yields(2, YIELDS);
	many = time_yields(YIELDERS, YIELDS);
	printf("%.4f %.4f\n", two, many);
	return two < 0 || many < 0;
}

int child_yield(const char *argument)
{
	(void)argument;
	return run_on(1, yield_main, NULL);
}

/* ---- Spawn ------------------------------------------------------------------------ */

static int end_at_once(void *arg)
{
	(void)arg;
	return 0;
}

/* A burst is spawned, then all of it runs: stacks come from the pool and go back. */
static int spawn_detached(int count)
{
	const struct weft_spawn_options options = {.detached = true};

	for (int i = 0; i < count; i += BURST) {
		for (int j = 0; j < BURST; j++)
			if (weft_spawn_with(&options, end_at_once, NULL) == 0)
				return -1;
		weft_yield();
	}
	return 0;
}

static int spawn_joined(int count)
{
	weft_fiber_id ids[BURST];

	for (int i = 0; i < count; i += BURST) {
		for (int j = 0; j < BURST; j++)
			ids[j] = weft_spawn(end_at_once, NULL);
		if (weft_join_all(ids, BURST, NULL, WEFT_FOREVER) != BURST)
			return -1;
	}
	return 0;
}

static int spawn_main(void *arg)
{
	int (*spawn)(int count) = *(int (**)(int))arg;
	int64_t start;

	if (spawn(SPAWNS / WARM_UP_PER) < 0)
		return 1;
	start = bench_cpu();
	if (spawn(SPAWNS) < 0)
		return 1;
	printf("%.4f\n", (double)(bench_cpu() - start) / SPAWNS);
	return 0;
}

int child_spawn(const char *argument)
{
	int (*spawn)(int count) = spawn_detached;

	(void)argument;
	return run_on(1, spawn_main, &spawn);
}

int child_spawn_join(const char *argument)
{
	int (*spawn)(int count) = spawn_joined;

	(void)argument;
	return run_on(1, spawn_main, &spawn);
}

/* ---- Park --------------------------------------------------------------------------- */

static int sleep_long(void *arg)
{
	(void)arg;
	return weft_sleep(WEFT_SECONDS(3600));
}

/* All fibers wait for the end of one that sleeps, and outlives the measurement. */
static int wait_forever(void *arg)
{
	return weft_join(*(const weft_fiber_id *)arg, NULL, WEFT_FOREVER);
}

struct memory {
	double resident, tables; /* bytes */
};

static struct memory memory_now(void)
{
	struct memory memory = {0};
	char line[256];
	FILE *file = fopen("/proc/self/status", "re");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, "VmRSS:", 6) == 0)
			memory.resident = strtod(line + 6, NULL) * 1024;
		if (strncmp(line, "VmPTE:", 6) == 0)
			memory.tables = strtod(line + 6, NULL) * 1024;
	}
	if (file != NULL)
		fclose(file);
	return memory;
}

static int park_main(void *arg)
{
	const struct weft_spawn_options options = {.detached = true};
	unsigned count = *(const unsigned *)arg;
	weft_fiber_id sleeper = weft_spawn(sleep_long, NULL);
	struct memory before, after;
	int64_t start, end;

	weft_yield();
	before = memory_now();
	start = bench_cpu();
	for (unsigned i = 0; i < count; i++) {
		if (weft_spawn_with(&options, wait_forever, &sleeper) == 0)
			return 1;
		if (i % BURST == BURST - 1)
			weft_yield();
	}
	weft_yield();
	end = bench_cpu();
	after = memory_now();
	printf("%.1f %.1f %.1f\n", (after.resident - before.resident) / count,
		(after.tables - before.tables) / count, (double)(end - start) / count);
	fflush(stdout);
	/* Their orderly end is not what is measured, and would take longer than all the rest. */
	_exit(weft_fiber_count() == (size_t)count + 2 ? 0 : 1);
}

int child_park(const char *argument)
{
	unsigned long count = argument ? strtoul(argument, NULL, 10) : 0;
	unsigned parked = (unsigned)count;

	if (count < 1 || count > PARKED_MAX)
		return 2;
	return run_on(1, park_main, &parked);
}
