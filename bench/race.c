/*
 * race.c - see race.h.
 *
 * Never: a contender that failed once among the figures (a median over other rounds
 * would not compare).
 */
#include "race.h"

#include <string.h>

#define ROUNDS_DEFAULT 5
#define WARM_UP_SHARE  5  /* of the window, as a divisor */
#define BUSY_MIN       90 /* per cent */
#define YARDSTICK      0
#define WEFT           1

/* ---- The contenders -------------------------------------------------------------- */

void race_init(struct race *race, const struct bench *bench, const char *limit)
{
	const char *const words[] = {race->limit_path, NULL};

	race->rounds = bench->rounds ? bench->rounds : ROUNDS_DEFAULT;
	snprintf(
		race->limit_path, sizeof(race->limit_path), "%s/limit/%s", bench->build_dir, limit);
	race_add(race, "limit", words);
}

struct contender *race_add(struct race *race, const char *name, const char *const *words)
{
	struct contender *contender = &race->contenders[race->count++];

	contender->name = name;
	for (size_t i = 0; i + 1 < BENCH_ARGS_MAX && words[i]; i++)
		contender->program.argv[i] = words[i];
	return contender;
}

static void start_all(struct race *race, const struct bench *bench)
{
	for (size_t i = 0; i < race->count; i++) {
		struct contender *contender = &race->contenders[i];

		contender->program.cpus = &bench->server_cpu;
		contender->is_up =
			server_start(&contender->server, &contender->program, contender->port) == 0;
		if (!contender->is_up)
			fprintf(stderr, "weft-bench: %s did not start, and is left out\n",
				contender->name);
	}
}

void race_fini(struct race *race)
{
	for (size_t i = 0; i < race->count; i++)
		if (race->contenders[i].is_up)
			server_stop(&race->contenders[i].server);
}

/* ---- Measuring -------------------------------------------------------------------- */

static int measure_one(struct race *race, const struct bench *bench, size_t index, unsigned round)
{
	struct contender *contender = &race->contenders[index];
	struct load load = {
		.kind = race->kind,
		.port = contender->server.port,
		.connections = race->connections,
		.idle = race->idle,
		.warm_up_ns = bench->window_ns / WARM_UP_SHARE,
		.window_ns = bench->window_ns,
		.server_clock = contender->server.cpu_clock,
		.web = race->web,
	};
	struct load_result result = {0};

	if ((race->web ? web_run : load_run)(&load, &result) < 0) {
		fprintf(stderr, "weft-bench: %s failed under load\n", contender->name);
		return -1;
	}
	contender->samples[THROUGHPUT][round] = result.per_second;
	contender->samples[P50][round] = result.p50_ns / 1000;
	contender->samples[P99][round] = result.p99_ns / 1000;
	contender->samples[CPU][round] = result.cpu_ns / 1000;
	contender->samples[BUSY][round] = result.busy * 100;
	return 0;
}

static void measure_all(struct race *race, const struct bench *bench)
{
	for (unsigned round = 0; round < race->rounds; round++) {
		for (size_t turn = 0; turn < race->count; turn++) {
			size_t index = bench_turn(round, turn, race->count);
			struct contender *contender = &race->contenders[index];

			if (contender->is_up && measure_one(race, bench, index, round) < 0) {
				server_stop(&contender->server);
				contender->is_up = false;
			}
		}
	}
}

bool race_run(struct race *race, const struct bench *bench, size_t needed)
{
	bool is_whole = true;

	load_raise_fds(race->connections + race->idle);
	start_all(race, bench);
	sched_setaffinity(0, sizeof(bench->client_cpu), &bench->client_cpu);
	measure_all(race, bench);
	sched_setaffinity(0, sizeof(bench->all_cpus), &bench->all_cpus);
	for (size_t i = 0; i < needed; i++)
		is_whole = is_whole && race->contenders[i].is_up;
	return is_whole;
}

bool race_has(const struct race *race, size_t index)
{
	return race->contenders[index].is_up;
}

/* ---- Reporting --------------------------------------------------------------------- */

static double median_of(const struct race *race, size_t index, enum measure measure)
{
	return bench_median(race->contenders[index].samples[measure], race->rounds);
}

void race_print(const struct race *race)
{
	printf("  %-14s%14s%10s%10s%16s%8s\n", "server", "replies/s", "p50 us", "p99 us",
		"CPU us/reply", "busy");
	for (size_t i = 0; i < race->count; i++)
		if (race->contenders[i].is_up)
			printf("  %-14s%14.0f%10.1f%10.1f%16.2f%7.0f%%\n", race->contenders[i].name,
				median_of(race, i, THROUGHPUT), median_of(race, i, P50),
				median_of(race, i, P99), median_of(race, i, CPU),
				median_of(race, i, BUSY));
	if (race->contenders[YARDSTICK].is_up && median_of(race, YARDSTICK, BUSY) < BUSY_MIN)
		printf("  The yardstick was busy for under %d %%: the client, or something else on "
		       "this\n  machine, was the limit. Compare CPU, not replies or latency.\n",
			BUSY_MIN);
	putchar('\n');
}

void race_figure(const struct race *race, size_t index, size_t rival, enum measure measure,
	struct figure *ret_figure)
{
	const double *values = race->contenders[index].samples[measure];
	const double *yardsticks = race->contenders[rival].samples[measure];

	ret_figure->value = bench_median(values, race->rounds);
	ret_figure->yardstick = ret_figure->ratio = NAN;
	if (race->contenders[rival].is_up) {
		ret_figure->yardstick = bench_median(yardsticks, race->rounds);
		ret_figure->ratio = bench_median_ratio(values, yardsticks, race->rounds);
	}
}

void race_report(const struct race *race, struct report *report, const char *subject, size_t index,
	const struct bound *bounds)
{
	static const char *const names[] = {"throughput", "p50", "p99", "cpu", "busy"};
	static const char *const units[] = {"/s", "us", "us", "us", "%"};

	for (int m = 0; m < MEASURE_COUNT; m++) {
		struct figure figure = {.unit = units[m]};
		const char *name = bounds ? "" : race->contenders[index].name;

		race_figure(race, index, YARDSTICK, m, &figure);
		snprintf(figure.name, sizeof(figure.name), "%s.%s%s%s", subject, names[m],
			bounds ? "" : ".", name);
		if (bounds)
			figure.bound = bounds[m];
		report_add(report, &figure);
	}
}

void race_report_rival(const struct race *race, struct report *report, const char *subject,
	const char *rival, double ratio_max)
{
	struct figure figure = {.unit = "us"};
	size_t index = WEFT + 1;

	while (index < race->count && strcmp(race->contenders[index].name, rival) != 0)
		index++;
	if (index == race->count || !race_has(race, index))
		return;
	race_figure(race, WEFT, index, CPU, &figure);
	snprintf(figure.name, sizeof(figure.name), "%s.cpu-to-%s", subject, rival);
	if (ratio_max > 0)
		figure.bound = (struct bound){BOUND_RATIO_MAX, ratio_max};
	report_add(report, &figure);
}
