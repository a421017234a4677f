/*
 * subject_parse.c - weft's HTTP parser alone.
 *
 * Entry points: bench_parse_subjects.
 */
#include "timing.h"

static const struct timing timings[] = {
	{
		.subject = "parse",
		.yardstick = {"limit/parse_lines"},
		.weft = {"inside/parse_head"},
		.row_count = 2,
		.rows = {{"parse.speed", "GB/s", {BOUND_VALUE_MIN, 2}},
			{"parse.head", "ns", {BOUND_NONE, 0}}},
	},
};

static int run_timing(struct bench *bench, const struct subject *subject)
{
	return timing_run(bench, timings, subject);
}

const struct subject bench_parse_subjects[] = {
	{"parse", "the HTTP parser alone, on a browser's request", run_timing},
	{NULL, NULL, NULL},
};
