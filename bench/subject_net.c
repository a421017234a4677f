/*
 * subject_net.c - servers: echo over 64 and 512 connections, and an HTTP GET of a small file.
 *
 * Entry points: bench_net_subjects.
 */
#include "race.h"

#include <string.h>

/* The first two contenders; the figures of all others bear their names. */
enum {
	YARDSTICK,
	WEFT,
	OTHERS_FIRST,
};

static const struct bound echo_bounds[MEASURE_COUNT] = {
	[THROUGHPUT] = {BOUND_RATIO_MIN, 0.95},
	[P99] = {BOUND_RATIO_MAX, 1.2},
};
static const struct bound http_bounds[MEASURE_COUNT] = {
	[CPU] = {BOUND_RATIO_MAX, 1.1},
};

/* ---- The contenders -------------------------------------------------------------- */

static void add_weft(struct race *race, const struct bench *bench, const struct peer_room *room)
{
	const char *const echo[] = {race->weft_path, "--child", "echo", NULL};
	const char *const http[] = {race->weft_path, "serve", room->docs_dir, "--http",
		"127.0.0.1:0", "--workers", "1", "--access-log", "none", NULL};

	snprintf(race->weft_path, sizeof(race->weft_path), "%s/%s", bench->build_dir,
		race->kind == LOAD_ECHO ? "weft-bench" : "weft");
	race_add(race, "weft", race->kind == LOAD_ECHO ? echo : http);
}

/* What weft's streams cost is the difference to the same server on descriptors. */
static void add_weft_fd(struct race *race)
{
	const char *const words[] = {race->weft_path, "--child", "echo-fd", NULL};

	race_add(race, "weft-fd", words);
}

static void add_peers(struct race *race, const struct bench *bench, const struct peer_room *room)
{
	static struct peer peers[BENCH_CONTENDERS_MAX];
	size_t count = peers_find(bench, room, race->kind == LOAD_ECHO ? PEER_ECHO : PEER_HTTP,
		peers, BENCH_CONTENDERS_MAX - race->count);

	for (size_t i = 0; i < count; i++)
		race_add(race, peers[i].name, peers[i].program.argv)->port = peers[i].port;
}

/* ---- Reporting --------------------------------------------------------------------- */

static void report_race(struct bench *bench, const struct race *race, const char *subject)
{
	size_t first = bench->report.count;

	if (race_has(race, WEFT)) {
		race_report(race, &bench->report, subject, WEFT,
			race->kind == LOAD_ECHO ? echo_bounds : http_bounds);
		/* The nginx that keeps files open has no bound: weft keeps some itself. */
		race_report_rival(race, &bench->report, subject, "nginx", 1.0);
		race_report_rival(race, &bench->report, subject, "nginx-cached", 0);
		report_print_subject(&bench->report, first);
	}
	if (!bench->report.is_json)
		race_print(race);
	for (size_t i = OTHERS_FIRST; i < race->count; i++)
		if (race_has(race, i))
			race_report(race, &bench->report, subject, i, NULL);
}

/* ---- The subjects -------------------------------------------------------------------- */

static int run(struct bench *bench, const char *subject, enum load_kind kind, unsigned connections)
{
	static struct race race; /* large, and one at a time */
	static struct peer_room room;
	bool is_whole;

	race = (struct race){.kind = kind, .connections = connections};
	if (peer_room_init(&room, bench) < 0)
		return -1;
	race_init(&race, bench, kind == LOAD_ECHO ? "echo_epoll" : "http_epoll");
	add_weft(&race, bench, &room);
	if (kind == LOAD_ECHO)
		add_weft_fd(&race);
	if (!bench->without_peers)
		add_peers(&race, bench, &room);
	is_whole = race_run(&race, bench, OTHERS_FIRST);
	report_race(bench, &race, subject);
	race_fini(&race);
	peer_room_fini(&room);
	return is_whole ? 0 : -1;
}

static int run_echo_64(struct bench *bench, const struct subject *subject)
{
	return run(bench, subject->name, LOAD_ECHO, 64);
}

static int run_echo_512(struct bench *bench, const struct subject *subject)
{
	return run(bench, subject->name, LOAD_ECHO, 512);
}

static int run_http(struct bench *bench, const struct subject *subject)
{
	return run(bench, subject->name, LOAD_HTTP, 64);
}

const struct subject bench_net_subjects[] = {
	{"echo-64", "64-byte ping-pong over 64 connections, one worker", run_echo_64},
	{"echo-512", "64-byte ping-pong over 512 connections, one worker", run_echo_512},
	{"http", "GET of a 13-byte file over 64 keep-alive connections, one worker", run_http},
	{NULL, NULL, NULL},
};
