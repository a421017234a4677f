/*
 * subject_queue.c - messages between processes: beside a pipe, a socketpair, POSIX mq and Python.
 *
 * Entry points: bench_queue_subjects.
 */
#include "timing.h"

#define WEFT_QUEUE                               \
	{                                        \
		"weft-bench", "--child", "queue" \
	}

static const struct timing timings[] = {
	{
		.subject = "queue",
		.yardstick = {"limit/ipc_min", "pipe"},
		.weft = WEFT_QUEUE,
		.peer_name = "python",
		.peer = {"limit/ipc_min", "python"},
		.needs_all_cpus = true,
		.row_count = 2,
		.rows = {{"queue.one-to-one", "/s", {BOUND_VALUE_MIN, 5000000}},
			{"queue.four-to-four", "/s", {BOUND_RATIO_MIN, 1}}},
	},
	{
		.subject = "queue-socketpair",
		.yardstick = {"limit/ipc_min", "socketpair"},
		.weft = WEFT_QUEUE,
		.needs_all_cpus = true,
		.row_count = 2,
		.rows = {{"queue-socketpair.one-to-one", "/s", {BOUND_RATIO_MIN, 1}},
			{"queue-socketpair.four-to-four", "/s", {BOUND_RATIO_MIN, 1}}},
	},
	{
		.subject = "queue-mq",
		.yardstick = {"limit/ipc_min", "mq"},
		.weft = WEFT_QUEUE,
		.needs_all_cpus = true,
		.row_count = 2,
		.rows = {{"queue-mq.one-to-one", "/s", {BOUND_RATIO_MIN, 1}},
			{"queue-mq.four-to-four", "/s", {BOUND_RATIO_MIN, 1}}},
	},
	{
		.subject = "shared",
		.yardstick = {"limit/ipc_min", "pass"},
		.weft = {"weft-bench", "--child", "shared"},
		.needs_all_cpus = true,
		.row_count = 2,
		.rows = {{"shared.round-trip", "ns", {BOUND_NONE, 0}},
			{"shared.1mib", "ns", {BOUND_RATIO_MAX, 1}}},
	},
	{
		.subject = "trip",
		.yardstick = {"limit/ipc_min", "trip"},
		.weft = {"weft-bench", "--child", "trip"},
		.needs_all_cpus = true,
		.row_count = 4,
		.rows = {{"trip.thread-futex", "ns", {BOUND_NONE, 0}},
			{"trip.thread-pipe", "ns", {BOUND_RATIO_MAX, 1}},
			{"trip.fiber-futex", "ns", {BOUND_NONE, 0}},
			{"trip.fiber-pipe", "ns", {BOUND_RATIO_MAX, 1}}},
	},
	{
		.subject = "trip-one-cpu",
		.yardstick = {"limit/ipc_min", "trip"},
		.weft = {"weft-bench", "--child", "trip"},
		.row_count = 4,
		.rows = {{"trip-one-cpu.thread-futex", "ns", {BOUND_NONE, 0}},
			{"trip-one-cpu.thread-pipe", "ns", {BOUND_NONE, 0}},
			{"trip-one-cpu.fiber-futex", "ns", {BOUND_NONE, 0}},
			{"trip-one-cpu.fiber-pipe", "ns", {BOUND_NONE, 0}}},
	},
};

static int run_timing(struct bench *bench, const struct subject *subject)
{
	return timing_run(bench, timings, subject);
}

const struct subject bench_queue_subjects[] = {
	{"queue", "64 bytes from process to process, beside a pipe and Python", run_timing},
	{"queue-socketpair", "the same beside a Unix socketpair", run_timing},
	{"queue-mq", "the same beside a POSIX message queue", run_timing},
	{"shared", "there and back between two processes, and 1 MiB handed over", run_timing},
	{"trip", "there and back by queues, beside a bare futex and a pipe", run_timing},
	{"trip-one-cpu", "the same where both have one processor", run_timing},
	{NULL, NULL, NULL},
};
