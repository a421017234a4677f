/*
 * clock.c - time and randomness, as the caller's driver has them.
 *
 * Entry points: weft_now(), weft_wall_now(), weft_random().
 * Must never: wait.
 */
#include <sys/random.h>
#include <time.h>

#include "fiber/worker.h"

static int64_t clock_read(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return WEFT_SECONDS(now.tv_sec) + now.tv_nsec;
}

int64_t weft_now(void)
{
	if (weft__worker)
		return weft__worker->driver->ops->now(weft__worker->driver);
	return clock_read(CLOCK_MONOTONIC);
}

int64_t weft_wall_now(void)
{
	if (weft__worker && weft__worker->driver->ops->wall)
		return weft__worker->driver->ops->wall(weft__worker->driver);
	return clock_read(CLOCK_REALTIME);
}

uint64_t weft_random(void)
{
	uint64_t bits;

	if (weft__worker && weft__worker->driver->ops->random)
		return weft__worker->driver->ops->random(weft__worker->driver);
	/* Up to 256 bytes come whole; it can only fail before the kernel has gathered any. */
	while (getrandom(&bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
		;
	return bits;
}
