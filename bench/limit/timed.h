/*
 * timed.h - the clocks of the yardsticks that time themselves.
 *
 * Each of them prints its figures on one line, separated by spaces, and ends.
 * Never: anything of weft.
 */
#ifndef LIMIT_TIMED_H
#define LIMIT_TIMED_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

/** CLOCK_MONOTONIC in nanoseconds. */
static inline int64_t limit_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/**
 * CPU time of this process in nanoseconds. Loops that never wait are timed by it: what
 * other processes take of the machine meanwhile is not in the figure.
 */
static inline int64_t limit_cpu(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/** The same with that of its children that were waited for. */
static inline int64_t limit_cpu_of_all(void)
{
	const int who[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
	struct rusage usage;
	int64_t sum = 0;

	for (int i = 0; i < 2; i++) {
		getrusage(who[i], &usage);
		sum += (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000 +
		       (int64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
	}
	return sum;
}

#endif
