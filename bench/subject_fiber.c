/*
 * subject_fiber.c - what fibers cost: switch, yield, spawn, wake, and a million parked.
 *
 * Entry points: bench_fiber_subjects.
 * Each contender is a program that times itself and prints its figures on one line;
 * weft's is weft-bench --child NAME. A subject's rows say what is printed.
 */
#include "bench.h"

#include <string.h>

#define ROUNDS_DEFAULT   7
#define ROUNDS_OF_PARK   3
#define ROUNDS_OF_GROWTH 5
#define PARKED           "1000000"
#define PARKED_FEW       "1000"

struct row {
	const char *name, *unit;
	struct bound bound;
};

struct timing {
	const char *subject;
	/* Program and arguments below build/; the yardstick may be weft itself. */
	const char *yardstick[4], *weft[4];
	unsigned rounds;
	bool needs_all_cpus;
	size_t row_count;
	struct row rows[BENCH_MEASURES_MAX];
};

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

struct timed {
	char path[PATH_MAX + 32];
	struct program program;
	double samples[BENCH_MEASURES_MAX][BENCH_ROUNDS_MAX];
};

static void timed_init(struct timed *timed, const struct bench *bench, const char *const words[4],
	const struct timing *timing)
{
	memset(timed, 0, sizeof(*timed));
	snprintf(timed->path, sizeof(timed->path), "%s/%s", bench->build_dir, words[0]);
	timed->program.argv[0] = timed->path;
	for (int i = 1; i < 4; i++)
		timed->program.argv[i] = words[i];
	timed->program.cpus = timing->needs_all_cpus ? &bench->all_cpus : &bench->server_cpu;
}

static int time_once(struct timed *timed, const struct timing *timing, unsigned round)
{
	double numbers[BENCH_MEASURES_MAX];

	if (program_time(&timed->program, numbers, timing->row_count) < 0) {
		fprintf(stderr, "weft-bench: %s: no figure from %s\n", timing->subject,
			timed->path);
		return -1;
	}
	for (size_t i = 0; i < timing->row_count; i++)
		timed->samples[i][round] = numbers[i];
	return 0;
}

/* Round 0 is run twice: the first time fetches the memory that the machine hands out slowly. */
static int time_rounds(struct timed timed[2], const struct timing *timing, unsigned rounds)
{
	for (unsigned turn = 0; turn <= rounds; turn++) {
		unsigned round = turn ? turn - 1 : 0;

		for (size_t i = 0; i < 2; i++)
			if (time_once(&timed[bench_turn(turn, i, 2)], timing, round) < 0)
				return -1;
	}
	return 0;
}

static const struct timing *find_timing(const char *subject)
{
	const struct timing *timing = timings;

	while (strcmp(timing->subject, subject) != 0)
		timing++;
	return timing;
}

static int run_timing(struct bench *bench, const struct subject *subject)
{
	static struct timed timed[2]; /* yardstick, weft */
	const struct timing *timing = find_timing(subject->name);
	unsigned rounds = bench->rounds    ? bench->rounds
			  : timing->rounds ? timing->rounds
					   : ROUNDS_DEFAULT;
	size_t first = bench->report.count;

	timed_init(&timed[0], bench, timing->yardstick, timing);
	timed_init(&timed[1], bench, timing->weft, timing);
	if (time_rounds(timed, timing, rounds) < 0)
		return -1;
	for (size_t i = 0; i < timing->row_count; i++) {
		const struct row *row = &timing->rows[i];
		double *values = timed[1].samples[i], *yardsticks = timed[0].samples[i];
		struct figure figure = {.unit = row->unit, .bound = row->bound};

		figure.ratio = bench_median_ratio(values, yardsticks, rounds);
		figure.value = bench_median(values, rounds);
		figure.yardstick = bench_median(yardsticks, rounds);
		snprintf(figure.name, sizeof(figure.name), "%s", row->name);
		report_add(&bench->report, &figure);
	}
	report_print_subject(&bench->report, first);
	return 0;
}

const struct subject bench_fiber_subjects[] = {
	{"switch", "one hop from stack to stack", run_timing},
	{"yield", "weft_yield(): a hop through the run queue", run_timing},
	{"spawn", "start and end of a detached fiber with a pooled stack", run_timing},
	{"spawn-join", "the same, joined", run_timing},
	{"wake", "round trip between fibers on two workers, both asleep in between", run_timing},
	{"wake-one-cpu", "the same with both workers on one CPU: what the runtime adds",
		run_timing},
	{"park", "a million parked fibers: resident memory and spawn cost of each", run_timing},
	{"park-few", "a thousand parked fibers: the same", run_timing},
	{"park-growth", "a fiber among a million against one among a thousand", run_timing},
	{NULL, NULL, NULL},
};
