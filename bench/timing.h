/*
 * timing.h - subjects whose contenders are programs that time themselves.
 *
 * Each prints its figures on one line; a subject's rows say what they are.
 */
#ifndef TIMING_H
#define TIMING_H

#include "bench.h"

#define TIMING_WORDS 4

struct row {
	const char *name, *unit;
	struct bound bound;
};

struct timing {
	const char *subject;
	/* Program and arguments below build/; the yardstick may be weft itself. */
	const char *yardstick[TIMING_WORDS], *weft[TIMING_WORDS];
	/* The same work by another, when it could be built; its name comes first. */
	const char *peer_name, *peer[TIMING_WORDS];
	unsigned rounds;
	bool needs_all_cpus;
	size_t row_count;
	struct row rows[BENCH_MEASURES_MAX];
};

/** Measure the one with the subject's name and report it. Returns 0 or -1. */
int timing_run(struct bench *bench, const struct timing *timings, const struct subject *subject);

#endif
