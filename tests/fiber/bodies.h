/*
 * bodies.h - the fibers that many tests of this folder start, and the run around them.
 *
 * Never: state of its own.
 */
#ifndef TESTS_FIBER_BODIES_H
#define TESTS_FIBER_BODIES_H

#include <time.h>

#include "check.h"
#include "weft/fiber.h"

/* Run fn as the first fiber on that many workers; it must return 0. */
static inline void run(unsigned workers, weft_fiber_fn *fn, void *arg)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = workers}, fn, arg), ==, 0);
}

static inline int return_number(void *arg)
{
	return (int)(intptr_t)arg;
}

/* Sleep so many milliseconds; the result is 0 or the errno. */
static inline int sleep_ms(void *arg)
{
	return weft_sleep(WEFT_MILLISECONDS((intptr_t)arg)) < 0 ? errno : 0;
}

/*
 * The time, as a scope of a second or more may see it: weft/scope.h says that the cheaper
 * clock can be behind by more than weft makes up for.
 */
static inline int64_t earliest_now(void)
{
	int64_t now = weft_now(), cheap;
	struct timespec coarse;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &coarse);
	cheap = WEFT_SECONDS(coarse.tv_sec) + coarse.tv_nsec + WEFT_MILLISECONDS(12);
	return cheap < now ? cheap : now;
}

#endif
