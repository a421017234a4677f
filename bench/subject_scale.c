/*
 * subject_scale.c - two workers against one.
 *
 * Entry points: bench_scale_subjects.
 *
 * scale is how many more requests two workers answer, of a handler that computes for some
 * 200 us: then the client needs so little that it can share their CPUs, and is not the limit.
 * scale-small is the small file, 16 requests in one write. There the client needs a CPU of its
 * own: with three or more, throughput is compared; with two, only what a request costs, which
 * two workers must not make dearer.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS_DEFAULT 5
#define WARM_UP_SHARE  5
#define CONNECTIONS    64
#define DEPTH          16
#define CPUS_FOR_SPEED 3 /* two workers, and the client */

/* What two workers have to answer of what one does, and so what a request may cost. */
#define TIMES_MIN 1.9
#define COST_MAX  (2 / TIMES_MIN)

enum {
	ONE,
	TWO,
	COUNTS,
};

struct scale {
	struct program programs[COUNTS];
	struct web web;
	cpu_set_t server_cpus, client_cpus;
	double speed[COUNTS][BENCH_ROUNDS_MAX], cost[COUNTS][BENCH_ROUNDS_MAX];
	double busy[COUNTS][BENCH_ROUNDS_MAX], client_busy[COUNTS][BENCH_ROUNDS_MAX];
};

/* ---- Measuring -------------------------------------------------------------------- */

static int measure_one(
	struct scale *scale, const struct bench *bench, unsigned index, unsigned round)
{
	struct load load = {.connections = CONNECTIONS,
		.warm_up_ns = bench->window_ns / WARM_UP_SHARE,
		.window_ns = bench->window_ns,
		.web = &scale->web};
	struct load_result result;
	struct server server;
	int status;

	scale->programs[index].cpus = &scale->server_cpus;
	if (server_start(&server, &scale->programs[index], 0) < 0)
		return -1;
	load.port = server.port;
	load.server_clock = server.cpu_clock;
	sched_setaffinity(0, sizeof(scale->client_cpus), &scale->client_cpus);
	status = web_run(&load, &result);
	sched_setaffinity(0, sizeof(bench->all_cpus), &bench->all_cpus);
	server_stop(&server);
	if (status < 0)
		return -1;
	scale->speed[index][round] = result.per_second;
	scale->cost[index][round] = result.cpu_ns / 1e3;
	scale->busy[index][round] = result.busy * 100;
	scale->client_busy[index][round] = result.client_busy * 100;
	return 0;
}

static void add(struct bench *bench, const char *name, const char *unit,
	double samples[COUNTS][BENCH_ROUNDS_MAX], struct bound bound)
{
	unsigned rounds = bench->rounds ? bench->rounds : ROUNDS_DEFAULT;
	struct figure figure = {.unit = unit, .bound = bound};

	snprintf(figure.name, sizeof(figure.name), "%s", name);
	figure.value = bench_median(samples[TWO], rounds);
	figure.yardstick = bench_median(samples[ONE], rounds);
	figure.ratio = bench_median_ratio(samples[TWO], samples[ONE], rounds);
	report_add(&bench->report, &figure);
}

static int measure_all(struct scale *scale, const struct bench *bench)
{
	unsigned rounds = bench->rounds ? bench->rounds : ROUNDS_DEFAULT;

	for (unsigned round = 0; round < rounds; round++)
		for (size_t turn = 0; turn < COUNTS; turn++)
			if (measure_one(scale, bench, (unsigned)bench_turn(round, turn, COUNTS),
				    round) < 0)
				return -1;
	return 0;
}

/* ---- The subjects ------------------------------------------------------------------- */

static int run_work(struct bench *bench, const struct subject *subject)
{
	static const char request[] = "GET /work HTTP/1.1\r\nHost: localhost\r\n\r\n";
	static struct scale scale;
	static char path[PATH_MAX + 32];
	size_t first = bench->report.count;

	snprintf(path, sizeof(path), "%s/weft-bench", bench->build_dir);
	scale = (struct scale){
		.programs = {{.argv = {path, "--child", "http", "1"}},
			{.argv = {path, "--child", "http", "2"}}},
		.web = {.request = request, .request_len = sizeof(request) - 1},
		.server_cpus = bench->all_cpus,
		.client_cpus = bench->all_cpus,
	};
	if (CPU_COUNT(&bench->all_cpus) < 2) {
		fprintf(stderr, "weft-bench: %s needs two CPUs\n", subject->name);
		return -1;
	}
	if (measure_all(&scale, bench) < 0)
		return -1;
	add(bench, "scale.throughput", "/s", scale.speed,
		(struct bound){BOUND_RATIO_MIN, TIMES_MIN});
	add(bench, "scale.cpu", "us", scale.cost, (struct bound){BOUND_NONE, 0});
	add(bench, "scale.busy", "%", scale.busy, (struct bound){BOUND_NONE, 0});
	add(bench, "scale.client-busy", "%", scale.client_busy, (struct bound){BOUND_NONE, 0});
	report_print_subject(&bench->report, first);
	return 0;
}

/* The client's CPU is the last; the server has the first two, on a small machine both. */
static void choose_cpus(struct scale *scale, const struct bench *bench)
{
	int chosen = 0;

	CPU_ZERO(&scale->server_cpus);
	for (int i = 0; i < CPU_SETSIZE && chosen < 2; i++) {
		if (CPU_ISSET(i, &bench->all_cpus)) {
			CPU_SET(i, &scale->server_cpus);
			chosen++;
		}
	}
	scale->client_cpus = bench->client_cpu;
}

static int run_small(struct bench *bench, const struct subject *subject)
{
	static const char request[] = "GET /hello.txt HTTP/1.1\r\nHost: localhost\r\n\r\n";
	static struct scale scale;
	static struct peer_room room;
	static char path[PATH_MAX + 32];
	bool has_room = CPU_COUNT(&bench->all_cpus) >= CPUS_FOR_SPEED;
	size_t first = bench->report.count;
	int status;

	(void)subject;
	if (peer_room_init(&room, bench) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/weft", bench->build_dir);
	scale = (struct scale){
		.programs = {{.argv = {path, "serve", room.docs_dir, "--http", "127.0.0.1:0",
				      "--access-log", "none", "--workers", "1"}},
			{.argv = {path, "serve", room.docs_dir, "--http", "127.0.0.1:0",
				 "--access-log", "none", "--workers", "2"}}},
		.web = {.request = request, .request_len = sizeof(request) - 1, .depth = DEPTH},
	};
	choose_cpus(&scale, bench);
	status = measure_all(&scale, bench);
	peer_room_fini(&room);
	if (status < 0)
		return -1;
	add(bench, "scale-small.throughput", "/s", scale.speed,
		(struct bound){has_room ? BOUND_RATIO_MIN : BOUND_NONE, TIMES_MIN});
	add(bench, "scale-small.cpu", "us", scale.cost, (struct bound){BOUND_RATIO_MAX, COST_MAX});
	add(bench, "scale-small.busy", "%", scale.busy, (struct bound){BOUND_NONE, 0});
	add(bench, "scale-small.client-busy", "%", scale.client_busy,
		(struct bound){BOUND_NONE, 0});
	report_print_subject(&bench->report, first);
	if (!has_room && !bench->report.is_json)
		puts("  Two workers and the client share two CPUs: compare CPU, not throughput.\n");
	return 0;
}

const struct subject bench_scale_subjects[] = {
	{"scale", "two workers against one: a handler that computes for 200 us", run_work},
	{"scale-small", "the same: the 13-byte file, 16 requests in one write", run_small},
	{NULL, NULL, NULL},
};
