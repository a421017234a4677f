/*
 * subject_process.c - processes started and joined: beside posix_spawn(3), fork(2) and Python.
 *
 * Entry points: bench_process_subjects.
 */
#include "timing.h"

static const struct timing timings[] = {
	{
		.subject = "process",
		.yardstick = {"limit/spawn_min"},
		.weft = {"weft-bench", "--child", "process"},
		.peer_name = "python",
		.peer = {"limit/spawn_min", "python"},
		.needs_all_cpus = true,
		.row_count = 4,
		.rows = {{"process.program", "us", {BOUND_RATIO_MAX, 1.25}},
			{"process.program-1gib", "us", {BOUND_RATIO_MAX, 1.25}},
			{"process.function", "us", {BOUND_NONE, 0}},
			{"process.function-1gib", "us", {BOUND_RATIO_MAX, 1.15}}},
	},
};

static int run_timing(struct bench *bench, const struct subject *subject)
{
	return timing_run(bench, timings, subject);
}

const struct subject bench_process_subjects[] = {
	{"process", "a program and a function started and joined, of a small and a big parent",
		run_timing},
	{NULL, NULL, NULL},
};
