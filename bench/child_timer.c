/*
 * child_timer.c - weft's side of timers and of deadline scopes.
 *
 * Entry points: child_timer(), child_scope().
 * A fiber's alarm is set when it gives way: so each round yields once inside, and what a
 * yield costs without a scope is taken off again. The alarm stays where it is while no
 * deadline comes before it; "sooner" has each come before the last, which moves it each time.
 */
#include "child.h"

#include <stdlib.h>
#include <unistd.h>

#include "weft/fiber.h"
#include "weft/scope.h"

#define ROUNDS      (1000 * 1000)
#define EARLIEST    WEFT_SECONDS(4000)
#define SPREAD      WEFT_SECONDS(3600)
#define LONG        WEFT_SECONDS(30)
#define SHORT       WEFT_MILLISECONDS(500)
#define PENDING_MAX (100 * 1000 * 1000)

/* ---- Many pending ---------------------------------------------------------------------- */

/* The others' deadlines, and, unless each is to be before the last, the one that is timed. */
static int64_t random_timeout(void)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005 + 1442695040888963407;
	return EARLIEST + (int64_t)((state >> 20) % (uint64_t)SPREAD);
}

/* Never ends: the process does. */
static int hold_timers(void *arg)
{
	struct weft_timeout timeout;

	(void)arg;
	weft_timeout_begin(&timeout, random_timeout());
	return weft_sleep(WEFT_FOREVER);
}

static double time_yields(void)
{
	int64_t start = bench_cpu(), sum = 0;

	for (int i = 0; i < ROUNDS; i++) {
		sum += random_timeout();
		weft_yield();
	}
	__asm__ volatile("" : : "r"(sum));
	return (double)(bench_cpu() - start) / ROUNDS;
}

static double time_timers(int64_t sooner_ns)
{
	int64_t start = bench_cpu();
	struct weft_timeout timeout;

	for (int i = 0; i < ROUNDS; i++) {
		int64_t timeout_ns = random_timeout();

		if (sooner_ns)
			timeout_ns = WEFT_SECONDS(1) + (ROUNDS - i) * sooner_ns;
		weft_timeout_begin(&timeout, timeout_ns);
		weft_yield();
		weft_timeout_end(&timeout);
	}
	return (double)(bench_cpu() - start) / ROUNDS;
}

static int timer_main(void *arg)
{
	const struct weft_spawn_options options = {.detached = true};
	unsigned long pending = *(unsigned long *)arg;
	double yields;

	for (unsigned long i = 0; i < pending; i++)
		if (weft_spawn_with(&options, hold_timers, NULL) == 0)
			return 1;
	weft_yield();
	time_yields();
	time_timers(0);
	yields = time_yields();
	printf("%.4f %.4f\n", time_timers(0) - yields, time_timers(WEFT_MICROSECONDS(3)) - yields);
	fflush(stdout);
	_exit(0);
}

int child_timer(const char *argument)
{
	struct weft_run_options options = {.workers = 1};
	unsigned long pending = argument ? strtoul(argument, NULL, 10) : 0;

	if (pending > PENDING_MAX)
		return 2;
	return weft_run(&options, timer_main, &pending);
}

/* ---- Scopes ---------------------------------------------------------------------------- */

static double time_scopes(int64_t timeout_ns)
{
	int64_t start = bench_cpu();
	struct weft_timeout timeout;

	for (int i = 0; i < ROUNDS; i++) {
		weft_timeout_begin(&timeout, timeout_ns);
		weft_timeout_end(&timeout);
	}
	return (double)(bench_cpu() - start) / ROUNDS;
}

static int scope_main(void *arg)
{
	double yields;

	(void)arg;
	time_yields();
	yields = time_yields();
	time_scopes(LONG);
	printf("%.4f %.4f %.4f\n", time_scopes(LONG), time_scopes(SHORT), time_timers(0) - yields);
	return 0;
}

int child_scope(const char *argument)
{
	struct weft_run_options options = {.workers = 1};

	(void)argument;
	return weft_run(&options, scope_main, NULL);
}
