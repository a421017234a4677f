/*
 * subject_chat.c - rooms through the doors of lines and WebSocket: what one says and many are sent,
 * beside redis; what a member costs who only listens; many who come at once.
 *
 * Entry points: bench_chat_subjects.
 *
 * chat-fanout-N: all servers run on the server's CPU, in turns, and the same client on its own
 * (crowd.c). "kept" is weft with --state, which says OK when the message is on the disk; without it
 * nothing outlives the server, as with redis. Never: a server that drops what a member lacks.
 */
#include "crowd.h"
#include "ftp.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_DEFAULT 3
#define WINDOW_MIN_NS  ((int64_t)1000000000) /* it takes a while until all is taken */
#define MEMBERS_COUNT  10000
#define MEMBERS_ROOMS  1000
#define SETTLE_S       4 /* who is idle has been so for a while */
#define SPARE          100
#define BYTES_MAX      6144

enum kind {
	REDIS,
	WEFT,
	WEFT_KEPT,
	WEFT_WEB,
	KINDS,
};

struct contender {
	bool is_up;
	struct server server;
	struct crowd crowd;
	struct crowd_result results[BENCH_ROUNDS_MAX];
};

static char dir[PATH_MAX / 2], shared[PATH_MAX / 2 + 16], state[PATH_MAX / 2 + 16],
	weft_path[PATH_MAX + 16];

/* ---- Servers ------------------------------------------------------------------------------ */

static int begin(const struct bench *bench, unsigned members)
{
	const char *base = getenv("WEFT_BENCH_DIR");

	load_raise_fds(2 * members + SPARE);
	snprintf(weft_path, sizeof(weft_path), "%s/weft", bench->build_dir);
	snprintf(dir, sizeof(dir), "%s/weft-bench-XXXXXX", base ? base : "/var/tmp");
	if (!mkdtemp(dir)) {
		perror("weft-bench: a folder");
		return -1;
	}
	snprintf(shared, sizeof(shared), "%s/shared", dir);
	snprintf(state, sizeof(state), "%s/state", dir);
	return mkdir(shared, 0755);
}

static void end(void)
{
	char output[PROGRAM_OUTPUT_MAX];
	const struct program rm = {.argv = {"rm", "-rf", "--", dir}};

	program_output(&rm, output);
}

static int serve(struct server *server, const struct bench *bench, enum kind kind)
{
	uint16_t port = server_free_port();
	char address[32], number[8];
	const struct program web = {
		.argv = {weft_path, "serve", shared, "--http", address, "--chat-web", "--chat-rate",
			"1000000", "--workers", "1", "--state", "none", "--access-log", "none"},
		.cpus = &bench->server_cpu};
	const struct program redis = {
		.argv = {"redis-server", "--port", number, "--bind", "127.0.0.1", "--dir", dir,
			"--save", "", "--appendonly", "no", "--protected-mode", "no",
			"--maxclients", "20000", "--client-output-buffer-limit", "pubsub 0 0 0"},
		.cpus = &bench->server_cpu};
	const struct program weft = {
		.argv = {weft_path, "serve", shared, "--http", "none", "--chat", address,
			"--chat-guest-rooms", "--chat-rate", "1000000", "--workers", "1", "--state",
			kind == WEFT_KEPT ? state : "none"},
		.cpus = &bench->server_cpu};

	snprintf(number, sizeof(number), "%u", port);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	if (server_start(server,
		    kind == REDIS      ? &redis
		    : kind == WEFT_WEB ? &web
				       : &weft,
		    port) < 0) {
		fprintf(stderr, "weft-bench: %s did not start\n", kind == REDIS ? "redis" : "weft");
		return -1;
	}
	return 0;
}

/* ---- One speaks, many hear ---------------------------------------------------------------- */

static int measure(struct contender *one, int64_t window_ns, unsigned round)
{
	return crowd_speak(&one->crowd, window_ns, one->server.cpu_clock, &one->results[round]);
}

static int open_all(
	struct contender *all, const struct bench *bench, unsigned members, unsigned kinds)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct contender *one = &all[kind];
		struct crowd_options options = {.words = kind == REDIS      ? CROWD_REDIS
							 : kind == WEFT_WEB ? CROWD_WEB
									    : CROWD_LINES,
			.members = members};

		one->crowd.epoll_fd = -1;
		if (!(kinds & 1U << kind))
			continue;
		if (kind == REDIS && (bench->without_peers || !ftp_has_program("redis-server")))
			continue;
		if (serve(&one->server, bench, kind) < 0)
			return -1;
		one->is_up = true;
		options.port = one->server.port;
		if (crowd_open(&one->crowd, &options) < 0) {
			fprintf(stderr, "weft-bench: only %u of %u came in (%s)\n", one->crowd.in,
				one->crowd.count, kind == REDIS ? "redis" : "weft");
			return -1;
		}
	}
	return 0;
}

static void close_all(struct contender *all)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		crowd_close(&all[kind].crowd);
		if (all[kind].is_up)
			server_stop(&all[kind].server);
	}
}

static double result_at(const struct contender *one, unsigned round, unsigned measure)
{
	const struct crowd_result *result = &one->results[round];
	const double values[] = {result->cpu_ns, result->per_second, result->said, result->busy};

	return values[measure];
}

static void report(struct bench *bench, const char *subject, const struct contender *all,
	enum kind kind, unsigned rounds)
{
	static const char *const names[] = {"cpu", "delivered", "said", "busy"};
	static const char *const units[] = {"ns", "/s", "/s", ""};
	double values[BENCH_ROUNDS_MAX], yardsticks[BENCH_ROUNDS_MAX];

	for (unsigned measure = 0; measure < 4; measure++) {
		struct figure figure = {.unit = units[measure], .yardstick = NAN, .ratio = NAN};

		for (unsigned round = 0; round < rounds; round++) {
			values[round] = result_at(&all[kind], round, measure);
			yardsticks[round] = result_at(&all[REDIS], round, measure);
		}
		snprintf(figure.name, sizeof(figure.name), "%s.%s%s", subject, names[measure],
			kind == WEFT_KEPT ? "-kept" : "");
		figure.value = bench_median(values, rounds);
		if (all[REDIS].is_up) {
			figure.yardstick = bench_median(yardsticks, rounds);
			figure.ratio = bench_median_ratio(values, yardsticks, rounds);
		}
		if (measure == 0 && kind != WEFT_WEB)
			figure.bound = (struct bound){BOUND_VALUE_MAX, 100};
		report_add(&bench->report, &figure);
	}
}

static int run_fanout(struct bench *bench, const struct subject *subject)
{
	static struct contender all[KINDS];
	unsigned members = (unsigned)strtoul(strrchr(subject->name, '-') + 1, NULL, 10);
	bool is_web = strncmp(subject->name, "chat-ws", 7) == 0;
	unsigned kinds =
		is_web ? 1U << REDIS | 1U << WEFT_WEB : 1U << REDIS | 1U << WEFT | 1U << WEFT_KEPT;
	unsigned rounds = bench->rounds ? bench->rounds : ROUNDS_DEFAULT;
	int64_t window_ns = bench->window_ns > WINDOW_MIN_NS ? bench->window_ns : WINDOW_MIN_NS;
	size_t first = bench->report.count;
	int result;

	memset(all, 0, sizeof(all));
	if (begin(bench, members) < 0)
		return -1;
	if (!bench->without_peers && !ftp_has_program("redis-server"))
		fprintf(stderr,
			"weft-bench: %s: there is no redis-server in PATH to stand beside\n",
			subject->name);
	sched_setaffinity(0, sizeof(bench->client_cpu), &bench->client_cpu);
	result = open_all(all, bench, members, kinds);
	for (unsigned round = 0; result == 0 && round < rounds; round++)
		for (size_t i = 0; result == 0 && i < KINDS; i++) {
			struct contender *one = &all[bench_turn(round, i, KINDS)];

			if (one->is_up)
				result = measure(one, window_ns, round);
		}
	if (result == 0) {
		for (enum kind kind = WEFT; kind < KINDS; kind++)
			if (kinds & 1U << kind)
				report(bench, subject->name, all, kind, rounds);
		report_print_subject(&bench->report, first);
	} else {
		fprintf(stderr, "weft-bench: %s: no figure\n", subject->name);
	}
	close_all(all);
	sched_setaffinity(0, sizeof(bench->all_cpus), &bench->all_cpus);
	end();
	return result;
}

/* ---- Members ------------------------------------------------------------------------------ */

static void add(struct bench *bench, const struct figure *figure)
{
	struct figure whole = *figure;

	whole.yardstick = whole.ratio = NAN;
	report_add(&bench->report, &whole);
}

/* All come in, into so many rooms; *ret_memory: what each has added after a while. */
static int come_in(struct bench *bench, const char *subject, unsigned rooms, double *ret_memory)
{
	struct crowd_options options = {
		.words = CROWD_LINES, .members = MEMBERS_COUNT, .rooms = rooms};
	struct crowd crowd;
	struct server server;
	double before;
	int64_t cpu, begun;
	struct figure figure = {.unit = "s"};
	const char *what = rooms ? "enter" : "storm";
	int result;

	if (serve(&server, bench, WEFT) < 0)
		return -1;
	options.port = server.port;
	before = family_pss(server.pid);
	cpu = bench_clock(server.cpu_clock);
	begun = bench_now();
	result = crowd_open(&crowd, &options);
	figure.value = (double)(bench_now() - begun) / 1e9;
	if (result == 0) {
		snprintf(figure.name, sizeof(figure.name), "%s.%s", subject, what);
		add(bench, &figure);
		nanosleep(&(struct timespec){.tv_sec = SETTLE_S}, NULL);
		figure.value = (double)(bench_clock(server.cpu_clock) - cpu) / 1e9;
		snprintf(figure.name, sizeof(figure.name), "%s.%s-cpu", subject, what);
		add(bench, &figure);
		*ret_memory = (family_pss(server.pid) - before) / MEMBERS_COUNT;
	} else {
		fprintf(stderr, "weft-bench: %s: only %u of %u came in\n", subject, crowd.in,
			crowd.count);
	}
	crowd_close(&crowd);
	server_stop(&server);
	return result;
}

static int run_members(struct bench *bench, const struct subject *subject)
{
	size_t first = bench->report.count;
	double spread = 0, together = 0;
	int result;

	if (begin(bench, MEMBERS_COUNT) < 0)
		return -1;
	sched_setaffinity(0, sizeof(bench->client_cpu), &bench->client_cpu);
	result = come_in(bench, subject->name, MEMBERS_ROOMS, &spread);
	if (result == 0)
		result = come_in(bench, subject->name, 0, &together);
	sched_setaffinity(0, sizeof(bench->all_cpus), &bench->all_cpus);
	end();
	if (result < 0)
		return -1;
	add(bench, &(struct figure){.name = "chat-members.memory",
			   .unit = "bytes",
			   .value = spread,
			   .bound = {BOUND_VALUE_MAX, BYTES_MAX}});
	add(bench, &(struct figure){.name = "chat-members.memory-in-one",
			   .unit = "bytes",
			   .value = together,
			   .bound = {BOUND_VALUE_MAX, BYTES_MAX}});
	report_print_subject(&bench->report, first);
	return 0;
}

const struct subject bench_chat_subjects[] = {
	{"chat-fanout-200",
		"one speaks, 200 hear by lines over TCP: CPU per delivery, beside redis",
		run_fanout},
	{"chat-fanout-5000", "the same with 5000", run_fanout},
	{"chat-ws-200", "the same by JSON over WebSocket", run_fanout},
	{"chat-ws-5000", "the same with 5000", run_fanout},
	{"chat-members", "10,000 who listen, in 1000 rooms; and all coming into one at once",
		run_members},
	{NULL, NULL, NULL},
};
