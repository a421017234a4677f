/*
 * bodies.h - the fibers that many tests of this folder start, and the run around them.
 *
 * Never: state of its own.
 */
#ifndef TESTS_FIBER_BODIES_H
#define TESTS_FIBER_BODIES_H

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

#endif
