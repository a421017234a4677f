/*
 * subject_rooms.c - rooms by direct calls: what one says and many take; what many say; memory.
 *
 * Entry points: bench_rooms_subjects.
 */
#include "timing.h"

#define FAN_OUT_ROWS(name)                                                                  \
	{                                                                                   \
		{name ".cpu", "ns", {BOUND_VALUE_MAX, 100}}, {name, "/s", {BOUND_NONE, 0}}, \
			{name ".said", "/s", {BOUND_NONE, 0}},                              \
	}

static const struct timing timings[] = {
	{
		.subject = "rooms-200",
		.yardstick = {"limit/fan_out", "200"},
		.weft = {"weft-bench", "--child", "rooms", "200"},
		.rounds = 3,
		.needs_all_cpus = true,
		.row_count = 3,
		.rows = FAN_OUT_ROWS("rooms-200"),
	},
	{
		.subject = "rooms-5000",
		.yardstick = {"limit/fan_out", "5000"},
		.weft = {"weft-bench", "--child", "rooms", "5000"},
		.rounds = 3,
		.needs_all_cpus = true,
		.row_count = 3,
		.rows = FAN_OUT_ROWS("rooms-5000"),
	},
	{
		.subject = "rooms-said",
		.yardstick = {"weft-bench", "--child", "rooms-posts", "1"},
		.weft = {"weft-bench", "--child", "rooms-posts", "200"},
		.rounds = 3,
		.needs_all_cpus = true,
		.row_count = 1,
		.rows = {{"rooms-said", "/s", {BOUND_RATIO_MIN, 5}}},
	},
	{
		.subject = "rooms-memory",
		.yardstick = {"weft-bench", "--child", "rooms-memory", "1"},
		.weft = {"weft-bench", "--child", "rooms-memory", "1000"},
		.rounds = 1,
		.row_count = 1,
		.rows = {{"rooms-memory", "bytes", {BOUND_VALUE_MAX, 2048}}},
	},
};

static int run_timing(struct bench *bench, const struct subject *subject)
{
	return timing_run(bench, timings, subject);
}

const struct subject bench_rooms_subjects[] = {
	{"rooms-200", "one says, 200 take: CPU of rooms, rules and disk per delivery", run_timing},
	{"rooms-5000", "the same with 5000", run_timing},
	{"rooms-said", "200 say and wait for the disk, beside one", run_timing},
	{"rooms-memory", "a client's, of 10 in each of 1000 rooms, and of all in one", run_timing},
	{NULL, NULL, NULL},
};
