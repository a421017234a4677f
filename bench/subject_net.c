/*
 * subject_net.c - servers: echo over 64 and 512 connections, and an HTTP GET of a small file.
 *
 * Entry points: bench_net_subjects.
 * All contenders run at once, each with one worker on the server's CPU; the client has
 * the other CPU and turns to one of them at a time, so the idle ones cost nothing.
 */
#include "bench.h"

#include <string.h>

#define ROUNDS_DEFAULT 5
#define WARM_UP_SHARE  5  /* of the window, as a divisor */
#define BUSY_MIN       90 /* per cent */

enum measure {
	THROUGHPUT,
	P50,
	P99,
	CPU,
	BUSY,
	MEASURE_COUNT,
};

/* The first two contenders; the figures of all others bear their names. */
enum {
	YARDSTICK,
	WEFT,
	OTHERS_FIRST,
};

struct contender {
	const char *name;
	struct program program;
	uint16_t port;
	struct server server;
	bool is_up;
	double samples[MEASURE_COUNT][BENCH_ROUNDS_MAX];
};

struct race {
	enum load_kind kind;
	unsigned connections, rounds;
	struct peer_room room;
	struct peer peers[BENCH_CONTENDERS_MAX];
	char yardstick_path[PATH_MAX + 32], weft_path[PATH_MAX + 32];
	size_t count;
	struct contender contenders[BENCH_CONTENDERS_MAX];
};

static const struct bound net_bounds[MEASURE_COUNT] = {
	[THROUGHPUT] = {BOUND_RATIO_MIN, 0.95},
	[P99] = {BOUND_RATIO_MAX, 1.2},
};
static const struct bound http_bounds[MEASURE_COUNT] = {
	[CPU] = {BOUND_RATIO_MAX, 1.15},
};

/* ---- The contenders -------------------------------------------------------------- */

static struct contender *race_add(struct race *race, const char *name)
{
	struct contender *contender = &race->contenders[race->count++];

	contender->name = name;
	return contender;
}

static void add_yardstick(struct race *race, const struct bench *bench)
{
	struct contender *contender = race_add(race, "limit");

	snprintf(race->yardstick_path, sizeof(race->yardstick_path), "%s/limit/%s",
		bench->build_dir, race->kind == LOAD_ECHO ? "echo_epoll" : "http_epoll");
	contender->program.argv[0] = race->yardstick_path;
}

static void add_weft(struct race *race, const struct bench *bench)
{
	struct contender *contender = race_add(race, "weft");
	const char *const echo[] = {race->weft_path, "--child", "echo", NULL};
	const char *const http[] = {race->weft_path, "serve", race->room.docs_dir, "--http",
		"127.0.0.1:0", "--workers", "1", "--access-log", "none", NULL};

	snprintf(race->weft_path, sizeof(race->weft_path), "%s/%s", bench->build_dir,
		race->kind == LOAD_ECHO ? "weft-bench" : "weft");
	if (race->kind == LOAD_ECHO)
		memcpy(contender->program.argv, echo, sizeof(echo));
	else
		memcpy(contender->program.argv, http, sizeof(http));
}

/* What weft's streams cost is the difference to the same server on descriptors. */
static void add_weft_fd(struct race *race)
{
	const char *const argv[] = {race->weft_path, "--child", "echo-fd", NULL};
	struct contender *contender = race_add(race, "weft-fd");

	memcpy(contender->program.argv, argv, sizeof(argv));
}

static void add_peers(struct race *race, const struct bench *bench)
{
	size_t count =
		peers_find(bench, &race->room, race->kind == LOAD_ECHO ? PEER_ECHO : PEER_HTTP,
			race->peers, BENCH_CONTENDERS_MAX - race->count);

	for (size_t i = 0; i < count; i++) {
		struct contender *contender = race_add(race, race->peers[i].name);

		contender->program = race->peers[i].program;
		contender->port = race->peers[i].port;
	}
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

static void stop_all(struct race *race)
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
		.warm_up_ns = bench->window_ns / WARM_UP_SHARE,
		.window_ns = bench->window_ns,
		.server_clock = contender->server.cpu_clock,
	};
	struct load_result result;

	if (load_run(&load, &result) < 0) {
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

/* A contender that fails once is out: a median over other rounds would not compare. */
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

/* ---- Reporting --------------------------------------------------------------------- */

static double median_of(const struct race *race, size_t index, enum measure measure)
{
	return bench_median(race->contenders[index].samples[measure], race->rounds);
}

static void report_side_by_side(const struct race *race)
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

/* One measure of a contender over another's; rival may be down. */
static void fill_figure(struct figure *figure, const struct race *race,
	const struct contender *contender, const struct contender *rival, enum measure measure)
{
	figure->value = bench_median(contender->samples[measure], race->rounds);
	figure->yardstick = figure->ratio = NAN;
	if (rival->is_up) {
		figure->yardstick = bench_median(rival->samples[measure], race->rounds);
		figure->ratio = bench_median_ratio(
			contender->samples[measure], rival->samples[measure], race->rounds);
	}
}

static void report_contender(
	struct report *report, const struct race *race, const char *subject, size_t index)
{
	static const char *const names[] = {"throughput", "p50", "p99", "cpu", "busy"};
	static const char *const units[] = {"/s", "us", "us", "us", "%"};
	const struct bound *bounds = race->kind == LOAD_ECHO ? net_bounds : http_bounds;
	const struct contender *contender = &race->contenders[index];

	for (int m = 0; m < MEASURE_COUNT; m++) {
		struct figure figure = {.unit = units[m]};

		fill_figure(&figure, race, contender, &race->contenders[YARDSTICK], m);
		snprintf(figure.name, sizeof(figure.name), "%s.%s%s%s", subject, names[m],
			index == WEFT ? "" : ".", index == WEFT ? "" : contender->name);
		if (index == WEFT)
			figure.bound = bounds[m];
		report_add(report, &figure);
	}
}

/*
 * "Less than nginx's from the same run": the rival is the yardstick of a figure more. The
 * nginx that keeps files open has one too, without a bound, because weft keeps some itself.
 */
static void report_rival(
	struct report *report, const struct race *race, const char *subject, const char *rival)
{
	struct figure figure = {.unit = "us"};
	const struct contender *other = NULL;

	for (size_t i = OTHERS_FIRST; i < race->count; i++)
		if (race->contenders[i].is_up && strcmp(race->contenders[i].name, rival) == 0)
			other = &race->contenders[i];
	if (other == NULL)
		return;
	fill_figure(&figure, race, &race->contenders[WEFT], other, CPU);
	snprintf(figure.name, sizeof(figure.name), "%s.cpu-to-%s", subject, rival);
	if (strcmp(rival, "nginx") == 0)
		figure.bound = (struct bound){BOUND_RATIO_MAX, 1.0};
	report_add(report, &figure);
}

static void report_race(struct bench *bench, const struct race *race, const char *subject)
{
	size_t first = bench->report.count;

	if (race->contenders[WEFT].is_up) {
		report_contender(&bench->report, race, subject, WEFT);
		report_rival(&bench->report, race, subject, "nginx");
		report_rival(&bench->report, race, subject, "nginx-cached");
		report_print_subject(&bench->report, first);
	}
	if (!bench->report.is_json)
		report_side_by_side(race);
	for (size_t i = OTHERS_FIRST; i < race->count; i++)
		if (race->contenders[i].is_up)
			report_contender(&bench->report, race, subject, i);
}

/* ---- The subjects -------------------------------------------------------------------- */

static int run_race(
	struct bench *bench, const char *subject, enum load_kind kind, unsigned connections)
{
	static struct race race; /* large, and one at a time */
	cpu_set_t *client_cpu = &bench->client_cpu;
	int status;

	race = (struct race){.kind = kind,
		.connections = connections,
		.rounds = bench->rounds ? bench->rounds : ROUNDS_DEFAULT};
	if (peer_room_init(&race.room, bench) < 0)
		return -1;
	add_yardstick(&race, bench);
	add_weft(&race, bench);
	if (kind == LOAD_ECHO)
		add_weft_fd(&race);
	if (!bench->without_peers)
		add_peers(&race, bench);
	start_all(&race, bench);
	sched_setaffinity(0, sizeof(*client_cpu), client_cpu);
	measure_all(&race, bench);
	sched_setaffinity(0, sizeof(bench->all_cpus), &bench->all_cpus);
	status = race.contenders[WEFT].is_up && race.contenders[YARDSTICK].is_up ? 0 : -1;
	report_race(bench, &race, subject);
	stop_all(&race);
	peer_room_fini(&race.room);
	return status;
}

static int run_echo_64(struct bench *bench, const struct subject *subject)
{
	return run_race(bench, subject->name, LOAD_ECHO, 64);
}

static int run_echo_512(struct bench *bench, const struct subject *subject)
{
	return run_race(bench, subject->name, LOAD_ECHO, 512);
}

static int run_http(struct bench *bench, const struct subject *subject)
{
	return run_race(bench, subject->name, LOAD_HTTP, 64);
}

const struct subject bench_net_subjects[] = {
	{"echo-64", "64-byte ping-pong over 64 connections, one worker", run_echo_64},
	{"echo-512", "64-byte ping-pong over 512 connections, one worker", run_echo_512},
	{"http", "GET of a 13-byte file over 64 keep-alive connections, one worker", run_http},
	{NULL, NULL, NULL},
};
