/*
 * subject_sync.c - what it costs to lock, and to hand items from fiber to fiber.
 *
 * Entry points: bench_sync_subjects.
 */
#include "timing.h"

static const struct timing timings[] = {
	{
		.subject = "lock",
		.yardstick = {"limit/sync_min", "lock"},
		.weft = {"weft-bench", "--child", "lock"},
		.peer_name = "go",
		.peer = {"peers/go_sync", "lock"},
		.row_count = 2,
		.rows = {{"lock", "ns", {BOUND_VALUE_MAX, 5}},
			{"lock.one-worker", "ns", {BOUND_VALUE_MAX, 5}}},
	},
	{
		.subject = "chan",
		.yardstick = {"limit/sync_min", "chan"},
		.weft = {"weft-bench", "--child", "chan"},
		.peer_name = "go",
		.peer = {"peers/go_sync", "chan"},
		.row_count = 3,
		.rows = {{"chan.unbuffered", "ns", {BOUND_VALUE_MAX, 25}},
			{"chan.buffered", "ns", {BOUND_VALUE_MAX, 10}},
			{"chan.select", "ns", {BOUND_NONE, 0}}},
	},
	{
		.subject = "chan-across",
		.yardstick = {"limit/sync_min", "chan-across"},
		.weft = {"weft-bench", "--child", "chan-across"},
		.peer_name = "go",
		.peer = {"peers/go_sync", "chan-across"},
		.needs_all_cpus = true,
		.row_count = 2,
		.rows = {{"chan-across.unbuffered", "ns", {BOUND_NONE, 0}},
			{"chan-across.buffered", "ns", {BOUND_NONE, 0}}},
	},
};

static int run_timing(struct bench *bench, const struct subject *subject)
{
	return timing_run(bench, timings, subject);
}

const struct subject bench_sync_subjects[] = {
	{"lock", "lock and unlock of a lock that nobody else wants", run_timing},
	{"chan", "an item from fiber to fiber on one worker", run_timing},
	{"chan-across", "the same between two workers", run_timing},
	{NULL, NULL, NULL},
};
