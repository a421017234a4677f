/*
 * subject_fiber.c - what fibers cost: switch, yield, spawn, wake, timers, and a million parked.
 *
 * Entry points: bench_fiber_subjects.
 * Each contender is a program that times itself and prints its figures on one line;
 * weft's is weft-bench --child NAME. A subject's rows say what is printed.
 */
#include "timing.h"

#define ROUNDS_OF_PARK   3
#define ROUNDS_OF_GROWTH 5
#define PARKED           "1000000"
#define PARKED_FEW       "1000"
#define TIMERS           "1000000"

static const struct timing timings[] = {
	{
		.subject = "switch",
		.yardstick = {"limit/switch_min"},
		.weft = {"weft-bench", "--child", "switch"},
		.row_count = 1,
		.rows = {{"switch", "ns", {BOUND_VALUE_MAX, 3}}},
	},
	{
		.subject = "yield",
		.yardstick = {"limit/queue_calls", "yield"},
		.weft = {"weft-bench", "--child", "yield"},
		.row_count = 2,
		.rows = {{"yield", "ns", {BOUND_VALUE_MAX, 8}}, /* between two fibers */
			{"yield.64-fibers", "ns", {BOUND_NONE, 0}}},
	},
	{
		.subject = "spawn",
		.yardstick = {"limit/queue_calls", "spawn"},
		.weft = {"weft-bench", "--child", "spawn"},
		.row_count = 1,
		.rows = {{"spawn", "ns", {BOUND_VALUE_MAX, 30}}},
	},
	{
		.subject = "spawn-join",
		.yardstick = {"limit/queue_calls", "spawn"},
		.weft = {"weft-bench", "--child", "spawn-join"},
		.row_count = 1,
		.rows = {{"spawn-join", "ns", {BOUND_NONE, 0}}},
	},
	{
		.subject = "wake",
		.yardstick = {"limit/wake_eventfd"},
		.weft = {"weft-bench", "--child", "wake"},
		.needs_all_cpus = true,
		.row_count = 1,
		.rows = {{"wake", "ns", {BOUND_NONE, 0}}},
	},
	{
		.subject = "wake-one-cpu",
		.yardstick = {"limit/wake_eventfd"},
		.weft = {"weft-bench", "--child", "wake"},
		.row_count = 1,
		.rows = {{"wake-one-cpu", "ns", {BOUND_NONE, 0}}},
	},
	{
		.subject = "timer",
		.yardstick = {"limit/timer_min", "pending", TIMERS},
		.weft = {"weft-bench", "--child", "timer", TIMERS},
		.row_count = 2,
		.rows = {{"timer", "ns", {BOUND_VALUE_MAX, 50}},
			{"timer.each-sooner", "ns", {BOUND_NONE, 0}}},
	},
	{
		.subject = "scope",
		.yardstick = {"limit/timer_min", "scope"},
		.weft = {"weft-bench", "--child", "scope"},
		.row_count = 3,
		.rows = {{"scope", "ns", {BOUND_NONE, 0}}, /* of a second or more */
			{"scope.below-1s", "ns", {BOUND_NONE, 0}},
			{"scope.waited", "ns", {BOUND_NONE, 0}}},
	},
	{
		.subject = "park",
		.yardstick = {"limit/park_pages", PARKED},
		.weft = {"weft-bench", "--child", "park", PARKED},
		.rounds = ROUNDS_OF_PARK,
		.row_count = 3,
		.rows = {{"park.memory", "B", {BOUND_VALUE_MAX, 4608}},
			{"park.page-tables", "B", {BOUND_NONE, 0}},
			{"park.spawn", "ns", {BOUND_NONE, 0}}},
	},
	{
		.subject = "park-few",
		.yardstick = {"limit/park_pages", PARKED_FEW},
		.weft = {"weft-bench", "--child", "park", PARKED_FEW},
		.row_count = 3,
		.rows = {{"park-few.memory", "B", {BOUND_NONE, 0}},
			{"park-few.page-tables", "B", {BOUND_NONE, 0}},
			{"park-few.spawn", "ns", {BOUND_NONE, 0}}},
	},
	{
		.subject = "park-growth",
		.yardstick = {"weft-bench", "--child", "park", PARKED_FEW},
		.weft = {"weft-bench", "--child", "park", PARKED},
		.rounds = ROUNDS_OF_GROWTH,
		.row_count = 3,
		.rows = {{"park-growth.memory", "B", {BOUND_NONE, 0}},
			{"park-growth.page-tables", "B", {BOUND_NONE, 0}},
			{"park-growth.spawn", "ns", {BOUND_RATIO_MAX, 1.0}}},
	},
};

static int run_timing(struct bench *bench, const struct subject *subject)
{
	return timing_run(bench, timings, subject);
}

const struct subject bench_fiber_subjects[] = {
	{"switch", "one hop from stack to stack", run_timing},
	{"yield", "weft_yield(): a hop through the run queue", run_timing},
	{"spawn", "start and end of a detached fiber with a pooled stack", run_timing},
	{"spawn-join", "the same, joined", run_timing},
	{"wake", "round trip between fibers on two workers, both asleep in between", run_timing},
	{"wake-one-cpu", "the same with both workers on one CPU: what the runtime adds",
		run_timing},
	{"timer",
		"a deadline set and taken back in a wait, while a million other fibers have theirs",
		run_timing},
	{"scope", "a deadline scope around nothing, and around a wait", run_timing},
	{"park", "a million parked fibers: resident memory and spawn cost of each", run_timing},
	{"park-few", "a thousand parked fibers: the same", run_timing},
	{"park-growth", "a fiber among a million against one among a thousand", run_timing},
	{NULL, NULL, NULL},
};
