/*
 * subject_pool.c - tasks for worker processes beside Python's pool; messages over a pipe beside a
 * bare socketpair.
 *
 * Entry points: bench_pool_subjects.
 */
#include "timing.h"

static const struct timing timings[] = {
	{
		.subject = "pool",
		.yardstick = {"limit/pool_min"},
		.weft = {"weft-bench", "--child", "pool"},
		.peer_name = "python",
		.peer = {"limit/pool_min", "python"},
		.needs_all_cpus = true,
		.row_count = 2,
		.rows = {{"pool.tasks", "/s", {BOUND_NONE, 0}},
			{"pool.map-items", "/s", {BOUND_NONE, 0}}},
	},
	{
		.subject = "pipe",
		.yardstick = {"limit/ipc_min", "socketpair"},
		.weft = {"weft-bench", "--child", "pipe"},
		.needs_all_cpus = true,
		.row_count = 1,
		.rows = {{"pipe.one-to-one", "/s", {BOUND_NONE, 0}}},
	},
};

static int run_timing(struct bench *bench, const struct subject *subject)
{
	return timing_run(bench, timings, subject);
}

const struct subject bench_pool_subjects[] = {
	{"pool", "tasks for two worker processes, beside Python's pool", run_timing},
	{"pipe", "64 bytes from process to process in messages, beside a socketpair", run_timing},
	{NULL, NULL, NULL},
};
