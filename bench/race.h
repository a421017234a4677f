/*
 * race.h - subjects whose contenders are servers, measured from outside by one client.
 *
 * All contenders run at once, each with one worker on the server's CPU; the client has
 * the other CPU and turns to one of them at a time, so the idle ones cost nothing.
 */
#ifndef RACE_H
#define RACE_H

#include "bench.h"

enum measure {
	THROUGHPUT,
	P50,
	P99,
	CPU,
	BUSY,
	MEASURE_COUNT,
};

struct contender {
	const char *name;
	struct program program;
	uint16_t port; /* 0: the server prints it */
	struct server server;
	bool is_up;
	double samples[MEASURE_COUNT][BENCH_ROUNDS_MAX];
};

/* The first contender is the yardstick. */
struct race {
	enum load_kind kind;
	const struct web *web; /* instead: web_run() is the client */
	unsigned connections, idle;
	unsigned rounds;
	char limit_path[PATH_MAX + 32], weft_path[PATH_MAX + 32];
	size_t count;
	struct contender contenders[BENCH_CONTENDERS_MAX];
};

/** Set kind or web, connections and idle before. The yardstick is added, and runs as limit/NAME. */
void race_init(struct race *race, const struct bench *bench, const char *limit);

/** Name and words stay the caller's; the words end with NULL. */
struct contender *race_add(struct race *race, const char *name, const char *const *words);

/** Start all and measure them, round after round. Returns whether the first `needed` ran. */
bool race_run(struct race *race, const struct bench *bench, size_t needed);

/** Whether the contender was measured to the end. */
bool race_has(const struct race *race, size_t index);

/** One measure of a contender over another's, whose place is NAN if it is down. */
void race_figure(const struct race *race, size_t index, size_t rival, enum measure measure,
	struct figure *ret_figure);

/**
 * Report all measures of a contender as SUBJECT.MEASURE.NAME, or, where bounds are given
 * (one per measure), as SUBJECT.MEASURE: it is the one that the subject is about.
 */
void race_report(const struct race *race, struct report *report, const char *subject, size_t index,
	const struct bound *bounds);

/**
 * Report the CPU of the second contender, weft, over that of the one with this name, if it was
 * measured: SUBJECT.cpu-to-NAME. ratio_max 0: no bound.
 */
void race_report_rival(const struct race *race, struct report *report, const char *subject,
	const char *rival, double ratio_max);

/** The table of all contenders, for people. */
void race_print(const struct race *race);

/** Stop the servers. */
void race_fini(struct race *race);

#endif
