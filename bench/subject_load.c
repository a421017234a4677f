/*
 * subject_load.c - generators: `weft load` against wrk, at the same fixed-reply server.
 *
 * Entry points: bench_load_subjects.
 * Each is a program on the client's CPU and prints its own figures, which are read from its
 * output: both say them in the same words.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define ROUNDS_DEFAULT 5

/** wrk counts in whole seconds. */
#define SECOND_NS INT64_C(1000000000)

enum {
	WRK,
	WEFT,
	GENERATOR_COUNT,
};

enum measure {
	THROUGHPUT,
	P50,
	P99,
	CPU,
	MEASURE_COUNT,
};

static const char *const names[MEASURE_COUNT] = {"throughput", "p50", "p99", "client-cpu"};
static const char *const units[MEASURE_COUNT] = {"/s", "us", "us", "us"};

struct contest {
	struct program generators[GENERATOR_COUNT];
	char limit_path[PATH_MAX], weft_path[PATH_MAX];
	char url[64], connections_text[16], seconds_text[16];
	double samples[GENERATOR_COUNT][MEASURE_COUNT][BENCH_ROUNDS_MAX];
};

/* The number behind a label at the beginning of a line, in us if it has a unit of time. */
static double number_after(const char *output, const char *label)
{
	const char *at = strstr(output, label);
	char *unit;
	double number;

	if (at == NULL)
		return NAN;
	number = strtod(at + strlen(label), &unit);
	if (strncmp(unit, "ms", 2) == 0)
		return number * 1e3;
	return *unit == 's' ? number * 1e6 : number;
}

static double children_cpu(void)
{
	struct rusage usage = {0};

	getrusage(RUSAGE_CHILDREN, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static int measure_one(struct contest *contest, size_t index, unsigned round)
{
	double(*samples)[BENCH_ROUNDS_MAX] = contest->samples[index];
	char output[PROGRAM_OUTPUT_MAX];
	const char *requests;
	double cpu = children_cpu();

	if (program_output(&contest->generators[index], output) < 0)
		return -1;
	samples[THROUGHPUT][round] = number_after(output, "Requests/sec:");
	samples[P50][round] = number_after(output, " 50%");
	samples[P99][round] = number_after(output, " 99%");
	requests = strstr(output, " requests in ");
	while (requests != NULL && requests > output && requests[-1] != ' ')
		requests--;
	samples[CPU][round] =
		requests ? (children_cpu() - cpu) / (double)strtoull(requests, NULL, 10) : NAN;
	return isnan(samples[THROUGHPUT][round]) ? -1 : 0;
}

static void prepare(struct contest *contest, const struct bench *bench, unsigned connections,
	const struct server *server)
{
	int64_t seconds = (bench->window_ns + SECOND_NS - 1) / SECOND_NS;
	struct program wrk = {
		.argv = {"wrk", "--latency", "-t", "1", "-c", contest->connections_text, "-d",
			contest->seconds_text, contest->url},
		.cpus = &bench->client_cpu};
	struct program weft = {
		.argv = {contest->weft_path, "load", contest->url, "--connections",
			contest->connections_text, "--duration", contest->seconds_text},
		.cpus = &bench->client_cpu};

	snprintf(contest->weft_path, sizeof(contest->weft_path), "%s/weft", bench->build_dir);
	snprintf(contest->url, sizeof(contest->url), "http://127.0.0.1:%u/", server->port);
	snprintf(contest->connections_text, sizeof(contest->connections_text), "%u", connections);
	snprintf(contest->seconds_text, sizeof(contest->seconds_text), "%d", (int)seconds);
	contest->generators[WRK] = wrk;
	contest->generators[WEFT] = weft;
}

static void report(
	struct bench *bench, const struct contest *contest, const char *subject, unsigned rounds)
{
	size_t first = bench->report.count;

	for (int m = 0; m < MEASURE_COUNT; m++) {
		const double *weft = contest->samples[WEFT][m], *wrk = contest->samples[WRK][m];
		struct figure figure = {.unit = units[m],
			.value = bench_median(weft, rounds),
			.yardstick = bench_median(wrk, rounds),
			.ratio = bench_median_ratio(weft, wrk, rounds)};

		if (m == THROUGHPUT)
			figure.bound = (struct bound){BOUND_RATIO_MIN, 1.0};
		snprintf(figure.name, sizeof(figure.name), "%s.%s", subject, names[m]);
		report_add(&bench->report, &figure);
	}
	report_print_subject(&bench->report, first);
}

static int run(struct bench *bench, const char *subject, unsigned connections)
{
	static struct contest contest; /* large, and one at a time */
	unsigned rounds = bench->rounds ? bench->rounds : ROUNDS_DEFAULT;
	struct program limit = {.argv = {contest.limit_path}, .cpus = &bench->server_cpu};
	struct server server;
	int status = 0;

	snprintf(contest.limit_path, sizeof(contest.limit_path), "%s/limit/http_epoll",
		bench->build_dir);
	if (server_start(&server, &limit, 0) < 0)
		return -1;
	prepare(&contest, bench, connections, &server);
	for (unsigned round = 0; round < rounds && status == 0; round++)
		for (size_t turn = 0; turn < GENERATOR_COUNT && status == 0; turn++)
			status = measure_one(
				&contest, bench_turn(round, turn, GENERATOR_COUNT), round);
	if (status == 0)
		report(bench, &contest, subject, rounds);
	else
		fputs("weft-bench: a generator failed; is wrk installed?\n", stderr);
	server_stop(&server);
	return status;
}

static int run_64(struct bench *bench, const struct subject *subject)
{
	return run(bench, subject->name, 64);
}

static int run_1(struct bench *bench, const struct subject *subject)
{
	return run(bench, subject->name, 1);
}

const struct subject bench_load_subjects[] = {
	{"load-64", "weft load against wrk: requests a second from one CPU, 64 connections",
		run_64},
	{"load-1", "the same over one connection, where both must see the same latency", run_1},
	{NULL, NULL, NULL},
};
