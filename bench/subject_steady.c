/*
 * subject_steady.c - latency at a rate that is half of what the server could do, beside nginx.
 *
 * Entry points: bench_steady_subjects.
 *
 *	capacity of weft and of nginx, closed loop -> half of the smaller one is the rate
 *	-> each in turn at that rate, open loop: `weft load --rate`
 *
 * An open loop asks when it is time to, not when the last answer has come: so a server that
 * stops for a while is late for all who would have asked meanwhile, and that shows.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS_DEFAULT 5
#define WARM_UP_SHARE  5
#define CONNECTIONS    64
#define LONGER         6 /* times the window: a 99.9th percentile needs many answers */

enum {
	NGINX, /* the yardstick */
	WEFT,
	LIMIT,
	CONTENDERS,
};

enum measure {
	P50,
	P99,
	P999,
	MEASURES,
};

struct runner {
	const char *name;
	struct program program;
	uint16_t port;
	struct server server;
	bool is_up;
	double per_second; /* at most */
	double samples[MEASURES][BENCH_ROUNDS_MAX];
};

struct steady {
	struct runner runners[CONTENDERS];
	char weft_path[PATH_MAX], weft_again[PATH_MAX], limit_path[PATH_MAX + 32];
	char rate[24], seconds[24];
};

static const char *const names[MEASURES] = {"p50", "p99", "p99.9"};

/* ---- Measuring -------------------------------------------------------------------- */

static int start(struct runner *runner, const struct bench *bench)
{
	runner->program.cpus = &bench->server_cpu;
	runner->is_up = server_start(&runner->server, &runner->program, runner->port) == 0;
	if (!runner->is_up)
		fprintf(stderr, "weft-bench: %s did not start\n", runner->name);
	return runner->is_up ? 0 : -1;
}

static int measure_capacity(struct runner *runner, const struct bench *bench)
{
	const struct load load = {.kind = LOAD_HTTP,
		.port = runner->server.port,
		.connections = CONNECTIONS,
		.warm_up_ns = bench->window_ns / WARM_UP_SHARE,
		.window_ns = bench->window_ns,
		.server_clock = runner->server.cpu_clock};
	struct load_result result;
	int status;

	sched_setaffinity(0, sizeof(bench->client_cpu), &bench->client_cpu);
	status = load_run(&load, &result);
	sched_setaffinity(0, sizeof(bench->all_cpus), &bench->all_cpus);
	if (status == 0)
		runner->per_second = result.per_second;
	return status;
}

/* One run of the generator; its figures are in its JSON. */
static int measure_one(
	struct steady *steady, struct runner *runner, const struct bench *bench, unsigned round)
{
	char url[64], output[PROGRAM_OUTPUT_MAX], label[16];
	const struct program generator = {
		.argv = {steady->weft_again, "load", url, "--rate", steady->rate, "--connections",
			"64", "--duration", steady->seconds, "--json"},
		.cpus = &bench->client_cpu};

	snprintf(url, sizeof(url), "http://127.0.0.1:%u/hello.txt", runner->server.port);
	if (program_output(&generator, output) < 0)
		return -1;
	for (int m = 0; m < MEASURES; m++) {
		const char *at;

		snprintf(label, sizeof(label), "\"%s\":", names[m]);
		at = strstr(output, label);
		if (at == NULL)
			return -1;
		runner->samples[m][round] = strtod(at + strlen(label), NULL) / 1e3;
	}
	return 0;
}

static int measure_all(struct steady *steady, const struct bench *bench, unsigned rounds)
{
	for (unsigned round = 0; round < rounds; round++) {
		for (size_t turn = 0; turn < CONTENDERS; turn++) {
			struct runner *runner =
				&steady->runners[bench_turn(round, turn, CONTENDERS)];

			if (runner->is_up && measure_one(steady, runner, bench, round) < 0)
				return -1;
		}
	}
	return 0;
}

/* ---- The subject --------------------------------------------------------------------- */

static void prepare(struct steady *steady, const struct bench *bench, struct peer_room *room,
	struct peer *nginx)
{
	const char *const serve[] = {steady->weft_path, "serve", room->docs_dir, "--http",
		"127.0.0.1:0", "--workers", "1", "--access-log", "none", NULL};

	snprintf(steady->weft_path, sizeof(steady->weft_path), "%s/weft", bench->build_dir);
	snprintf(steady->weft_again, sizeof(steady->weft_again), "%s/weft", bench->build_dir);
	snprintf(steady->limit_path, sizeof(steady->limit_path), "%s/limit/http_epoll",
		bench->build_dir);
	steady->runners[WEFT].name = "weft";
	memcpy(steady->runners[WEFT].program.argv, serve, sizeof(serve));
	steady->runners[LIMIT] =
		(struct runner){.name = "limit", .program.argv = {steady->limit_path}};
	steady->runners[NGINX] = (struct runner){
		.name = nginx->name, .program = nginx->program, .port = nginx->port};
}

static void report(
	struct bench *bench, const struct steady *steady, const char *subject, unsigned rounds)
{
	size_t first = bench->report.count;

	for (int m = 0; m < MEASURES; m++) {
		const double *weft = steady->runners[WEFT].samples[m];
		const double *nginx = steady->runners[NGINX].samples[m];
		const double *limit = steady->runners[LIMIT].samples[m];
		struct figure figure = {.unit = "us",
			.value = bench_median(weft, rounds),
			.yardstick = bench_median(nginx, rounds),
			.ratio = bench_median_ratio(weft, nginx, rounds)};

		if (m == P999)
			figure.bound = (struct bound){BOUND_RATIO_MAX, 1.0};
		snprintf(figure.name, sizeof(figure.name), "%s.%s", subject, names[m]);
		report_add(&bench->report, &figure);
		figure = (struct figure){.unit = "us",
			.value = bench_median(limit, rounds),
			.yardstick = figure.yardstick,
			.ratio = bench_median_ratio(limit, nginx, rounds)};
		snprintf(figure.name, sizeof(figure.name), "%s.%s.limit", subject, names[m]);
		report_add(&bench->report, &figure);
	}
	report_print_subject(&bench->report, first);
	if (!bench->report.is_json)
		printf("  At %s a second; alone, weft answers %.0f and nginx %.0f.\n\n",
			steady->rate, steady->runners[WEFT].per_second,
			steady->runners[NGINX].per_second);
}

static int run_measures(struct steady *steady, struct bench *bench, const char *subject)
{
	unsigned rounds = bench->rounds ? bench->rounds : ROUNDS_DEFAULT;
	double rate;

	for (size_t i = 0; i < CONTENDERS; i++)
		if (start(&steady->runners[i], bench) < 0 ||
			measure_capacity(&steady->runners[i], bench) < 0)
			return -1;
	rate = steady->runners[WEFT].per_second / 2;
	if (steady->runners[NGINX].per_second / 2 < rate)
		rate = steady->runners[NGINX].per_second / 2;
	snprintf(steady->rate, sizeof(steady->rate), "%.0f", rate);
	snprintf(steady->seconds, sizeof(steady->seconds), "%.3f",
		(double)bench->window_ns * LONGER / 1e9);
	if (measure_all(steady, bench, rounds) < 0) {
		fputs("weft-bench: steady: the generator failed\n", stderr);
		return -1;
	}
	report(bench, steady, subject, rounds);
	return 0;
}

static int run(struct bench *bench, const struct subject *subject)
{
	static struct steady steady; /* large, and one at a time */
	static struct peer_room room;
	static struct peer nginx;
	int status = -1;

	if (peer_room_init(&room, bench) < 0)
		return -1;
	if (peers_find(bench, &room, PEER_HTTP, &nginx, 1) == 1) {
		prepare(&steady, bench, &room, &nginx);
		status = run_measures(&steady, bench, subject->name);
		for (size_t i = 0; i < CONTENDERS; i++)
			if (steady.runners[i].is_up)
				server_stop(&steady.runners[i].server);
	} else {
		fputs("weft-bench: steady: nginx is not installed\n", stderr);
	}
	peer_room_fini(&room);
	return status;
}

const struct subject bench_steady_subjects[] = {
	{"steady", "the 13-byte file at half of capacity, open loop: the slowest answers", run},
	{NULL, NULL, NULL},
};
