/*
 * subject_udp.c - datagrams in batches: echoed, and sent to all.
 *
 * Entry points: bench_udp_subjects.
 */
#include "timing.h"

static const struct timing timings[] = {
	{
		.subject = "udp",
		.yardstick = {"limit/udp_mmsg"},
		.weft = {"weft-bench", "--child", "udp"},
		.needs_all_cpus = true,
		.row_count = 4,
		.rows = {{"udp.echo", "/s", {BOUND_RATIO_MIN, 0.9}},
			{"udp.echo.cpu", "ns", {BOUND_NONE, 0}},
			{"udp.broadcast", "/s", {BOUND_RATIO_MIN, 0.9}},
			{"udp.broadcast.cpu", "ns", {BOUND_NONE, 0}}},
	},
};

static int run_timing(struct bench *bench, const struct subject *subject)
{
	return timing_run(bench, timings, subject);
}

const struct subject bench_udp_subjects[] = {
	{"udp", "64-byte datagrams, 32 in a batch, echoed and broadcast", run_timing},
	{NULL, NULL, NULL},
};
