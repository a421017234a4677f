/*
 * subject_idle.c - many idle keep-alive connections: memory, and what they cost a hundred others.
 *
 * Entry points: bench_idle_subjects.
 *
 *	100 connections ask, alone -> so many more have had one answer each, and stay
 *	-> three seconds -> memory -> the 100 ask again, among them
 *
 * Memory is what the process itself has touched (RssAnon and RssShmem); what the kernel needs
 * for the sockets is everybody's. Never: a connection that was never used among the idle ones.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define ASKING        100
#define WARM_UP_SHARE 5
#define MEMORY_MAX_MB 150  /* for 100,000 */
#define SPARE         1000 /* descriptors besides */
#define SETTLE_S      3    /* who is idle is one who has been so for a while */

enum {
	WEFT,
	NGINX,
	LIMIT,
	CONTENDERS,
};

struct holder {
	const char *name;
	struct program program;
	uint16_t port;
	bool is_whole;
	double memory, growth; /* bytes: in all, and since before the idle ones */
	struct load_result alone, among;
};

static const char request[] = "GET /hello.txt HTTP/1.1\r\nHost: localhost\r\n\r\n";
static const struct web web = {.request = request, .request_len = sizeof(request) - 1};

/* ---- Measuring -------------------------------------------------------------------- */

/* Bytes that the process has touched and that are its own. */
static double memory_of(pid_t pid)
{
	char path[64], line[128];
	double kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, "RssAnon:", 8) == 0 || strncmp(line, "RssShmem:", 9) == 0)
			kib += strtod(strchr(line, ':') + 1, NULL);
	if (file != NULL)
		fclose(file);
	return kib * 1024;
}

static int measure(struct holder *holder, const struct bench *bench, const struct server *server,
	unsigned idle)
{
	const struct load load = {
		.port = server->port,
		.connections = ASKING,
		.warm_up_ns = bench->window_ns / WARM_UP_SHARE,
		.window_ns = bench->window_ns,
		.server_clock = server->cpu_clock,
		.web = &web,
	};
	struct web_crowd crowd;
	double before;
	int status = -1;

	if (web_run(&load, &holder->alone) < 0)
		return -1;
	before = memory_of(server->pid);
	if (web_hold(&crowd, server->port, &web, idle) == 0) {
		nanosleep(&(struct timespec){.tv_sec = SETTLE_S}, NULL);
		holder->memory = memory_of(server->pid);
		holder->growth = holder->memory - before;
		status = web_run(&load, &holder->among);
	}
	web_release(&crowd);
	return status;
}

static void run_holder(struct holder *holder, const struct bench *bench, unsigned idle)
{
	struct server server;

	holder->program.cpus = &bench->server_cpu;
	if (server_start(&server, &holder->program, holder->port) < 0) {
		fprintf(stderr, "weft-bench: %s did not start, and is left out\n", holder->name);
		return;
	}
	sched_setaffinity(0, sizeof(bench->client_cpu), &bench->client_cpu);
	holder->is_whole = measure(holder, bench, &server, idle) == 0;
	sched_setaffinity(0, sizeof(bench->all_cpus), &bench->all_cpus);
	server_stop(&server);
	if (!holder->is_whole)
		fprintf(stderr, "weft-bench: %s failed, and is left out\n", holder->name);
}

/* ---- Reporting --------------------------------------------------------------------- */

static void add(
	struct report *report, const char *subject, const char *measure_name, struct figure figure)
{
	snprintf(figure.name, sizeof(figure.name), "%s.%s", subject, measure_name);
	figure.ratio = figure.value / figure.yardstick;
	report_add(report, &figure);
}

static void report_all(
	struct bench *bench, const char *subject, const struct holder *holders, unsigned idle)
{
	const struct holder *weft = &holders[WEFT], *nginx = &holders[NGINX];
	const double none = NAN, mib = 1 << 20;
	struct report *report = &bench->report;
	size_t first = report->count;

	/* Memory beside nginx's; the others beside weft itself without the idle ones. */
	add(report, subject, "memory",
		(struct figure){.unit = "MiB",
			.value = weft->memory / mib,
			.yardstick = nginx->is_whole ? nginx->memory / mib : none,
			.bound = {BOUND_VALUE_MAX, MEMORY_MAX_MB * 1e6 / mib * idle / 1e5}});
	add(report, subject, "each",
		(struct figure){.unit = "B",
			.value = weft->growth / idle,
			.yardstick = nginx->is_whole ? nginx->growth / idle : none});
	add(report, subject, "p99",
		(struct figure){.unit = "us",
			.value = weft->among.p99_ns / 1e3,
			.yardstick = weft->alone.p99_ns / 1e3});
	add(report, subject, "cpu",
		(struct figure){.unit = "us",
			.value = weft->among.cpu_ns / 1e3,
			.yardstick = weft->alone.cpu_ns / 1e3});
	report_print_subject(report, first);
}

static void print_table(const struct holder *holders, unsigned idle)
{
	printf("  %-10s%12s%12s%14s%14s%14s%14s\n", "server", "MiB", "B each", "p99 us alone",
		"among them", "CPU us alone", "among them");
	for (size_t i = 0; i < CONTENDERS; i++) {
		const struct holder *holder = &holders[i];

		if (holder->is_whole)
			printf("  %-10s%12.1f%12.0f%14.0f%14.0f%14.2f%14.2f\n", holder->name,
				holder->memory / (1 << 20), holder->growth / idle,
				holder->alone.p99_ns / 1e3, holder->among.p99_ns / 1e3,
				holder->alone.cpu_ns / 1e3, holder->among.cpu_ns / 1e3);
	}
	putchar('\n');
}

/* ---- The subjects ------------------------------------------------------------------------ */

/* As many as both sides may have descriptors for; a server keeps some for its files. */
static unsigned fit(unsigned idle)
{
	struct rlimit limit;

	load_raise_fds(idle + idle / 4 + SPARE);
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= idle + idle / 4 + SPARE)
		return idle;
	idle = ((unsigned)limit.rlim_cur - SPARE) / 5 * 4;
	fprintf(stderr,
		"weft-bench: %u idle connections only: nobody here may have more descriptors\n",
		idle);
	return idle;
}

static int run(struct bench *bench, const char *subject, unsigned idle)
{
	static char weft_path[PATH_MAX + 32], limit_path[PATH_MAX + 32], len_text[16];
	static struct peer_room room;
	static struct peer nginx;
	struct holder holders[CONTENDERS] = {
		[WEFT] = {.name = "weft",
			.program.argv = {weft_path, "serve", room.docs_dir, "--http", "127.0.0.1:0",
				"--workers", "1", "--access-log", "none", "--idle-timeout", "600"}},
		[LIMIT] = {.name = "limit", .program.argv = {limit_path, len_text, "13"}},
	};

	if (peer_room_init(&room, bench) < 0)
		return -1;
	snprintf(weft_path, sizeof(weft_path), "%s/weft", bench->build_dir);
	snprintf(limit_path, sizeof(limit_path), "%s/limit/http_count", bench->build_dir);
	snprintf(len_text, sizeof(len_text), "%zu", web.request_len);
	idle = fit(idle);
	/* The first of the peers for the small file is nginx. */
	if (!bench->without_peers && peers_find(bench, &room, PEER_HTTP, &nginx, 1) == 1) {
		holders[NGINX].name = nginx.name;
		holders[NGINX].program = nginx.program;
		holders[NGINX].port = nginx.port;
	}
	for (size_t i = 0; i < CONTENDERS; i++)
		if (holders[i].name != NULL)
			run_holder(&holders[i], bench, idle);
	if (holders[WEFT].is_whole)
		report_all(bench, subject, holders, idle);
	if (!bench->report.is_json)
		print_table(holders, idle);
	peer_room_fini(&room);
	return holders[WEFT].is_whole ? 0 : -1;
}

static int run_10k(struct bench *bench, const struct subject *subject)
{
	return run(bench, subject->name, 10 * 1000);
}

static int run_100k(struct bench *bench, const struct subject *subject)
{
	return run(bench, subject->name, 100 * 1000);
}

const struct subject bench_idle_subjects[] = {
	{"idle-10k", "10,000 idle keep-alive connections, and 100 that ask among them", run_10k},
	{"idle-100k", "100,000 of them", run_100k},
	{NULL, NULL, NULL},
};
