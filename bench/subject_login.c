/*
 * subject_login.c - log-ins by the HTTP API, beside libsodium's bare hash of the same cost.
 *
 * Entry points: bench_login_subjects.
 *
 *	weft serve, which chooses what a password costs -> people in its database
 *	-> each round: bare hashes; POST /api/v1/sessions over LANES connections
 *
 * Each log-in checks the password, begins a session and notes it in the audit log. Who has logged
 * in is known again for a minute without a hash, so each is somebody else; and one address may ask
 * so often only, so each round comes from another.
 */
#include "bench.h"
#include "login.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS_DEFAULT 5
#define LANES          4
#define ANSWER_MAX     8192

struct figures {
	double rate[BENCH_ROUNDS_MAX], cpu[BENCH_ROUNDS_MAX]; /* each second; ms for each */
};

struct logins {
	char dir[PATH_MAX / 2], state[PATH_MAX / 2 + 16];
	char kib[16], passes[16];  /* of a hash, as the server has it */
	unsigned each_round, next; /* log-ins; whose turn it is */
	struct server server;
	struct figures weft, bare;
};

static struct logins logins;

/* ---- The client ---------------------------------------------------------------------- */

static int connect_from(unsigned round, uint16_t port)
{
	struct sockaddr_in from = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + round)};
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0 &&
		connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* The next person's log-in. */
static int ask(int fd)
{
	char body[128], request[512];
	int len = snprintf(body, sizeof(body),
		"{\"name\":\"" LOGIN_NAME_FORMAT "\",\"password\":\"" LOGIN_PASSWORD "\"}",
		logins.next++);

	len = snprintf(request, sizeof(request),
		"POST /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\n"
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		len, body);
	return send(fd, request, (size_t)len, MSG_NOSIGNAL) == len ? 0 : -1;
}

/* A whole answer, which has to be 201. */
static int take_answer(int fd)
{
	char answer[ANSWER_MAX + 1];
	size_t have = 0, whole = 0;

	while (whole == 0 || have < whole) {
		ssize_t len = recv(fd, answer + have, ANSWER_MAX - have, 0);
		const char *end, *field;

		if (len <= 0)
			return -1;
		have += (size_t)len;
		answer[have] = '\0';
		end = strstr(answer, "\r\n\r\n");
		field = strcasestr(answer, "\r\ncontent-length:");
		if (end && field)
			whole = (size_t)(end + 4 - answer) +
				strtoul(field + strlen("\r\ncontent-length:"), NULL, 10);
	}
	if (strncmp(answer, "HTTP/1.1 201", 12) == 0)
		return 0;
	fprintf(stderr, "weft-bench: login: %.*s\n", (int)strcspn(answer, "\r"), answer);
	return -1;
}

/* So many as a round has. */
static int log_in(struct pollfd lanes[LANES])
{
	unsigned asked = LANES, answered = 0;

	for (unsigned i = 0; i < LANES; i++)
		if (ask(lanes[i].fd) < 0)
			return -1;
	while (answered < logins.each_round) {
		if (poll(lanes, LANES, -1) < 0)
			return -1;
		for (unsigned i = 0; i < LANES; i++) {
			if (!lanes[i].revents)
				continue;
			if (take_answer(lanes[i].fd) < 0)
				return -1;
			answered++;
			if (asked++ < logins.each_round && ask(lanes[i].fd) < 0)
				return -1;
		}
	}
	return 0;
}

/* ---- Rounds ---------------------------------------------------------------------------- */

static int run_weft(unsigned round)
{
	int64_t begun = bench_now(), cpu = bench_clock(logins.server.cpu_clock);
	struct pollfd lanes[LANES];
	int result = 0;

	for (unsigned i = 0; i < LANES; i++) {
		lanes[i] = (struct pollfd){
			.fd = connect_from(round, logins.server.port), .events = POLLIN};
		if (lanes[i].fd < 0)
			result = -1;
	}
	if (result == 0)
		result = log_in(lanes);
	for (unsigned i = 0; i < LANES; i++)
		if (lanes[i].fd >= 0)
			close(lanes[i].fd);
	cpu = bench_clock(logins.server.cpu_clock) - cpu;
	logins.weft.rate[round] = logins.each_round * 1e9 / (double)(bench_now() - begun);
	logins.weft.cpu[round] = (double)cpu / 1e6 / logins.each_round;
	return result;
}

static int run_bare(const struct bench *bench, unsigned round)
{
	char path[PATH_MAX + 32], window[24];
	const struct program program = {
		.argv = {path, logins.kib, logins.passes, window}, .cpus = &bench->server_cpu};
	double numbers[2];

	snprintf(path, sizeof(path), "%s/limit/password_hash", bench->build_dir);
	snprintf(window, sizeof(window), "%lld", (long long)bench->window_ns / 1000000);
	if (program_time(&program, numbers, 2) < 0)
		return -1;
	logins.bare.rate[round] = numbers[0];
	logins.bare.cpu[round] = numbers[1];
	return 0;
}

/* Round 0 is run twice: the first time fetches the machine's memory. */
static int run_rounds(const struct bench *bench, unsigned rounds)
{
	for (unsigned turn = 0; turn <= rounds; turn++) {
		unsigned round = turn ? turn - 1 : 0;

		if (run_weft(round) < 0 || run_bare(bench, round) < 0)
			return -1;
	}
	return 0;
}

/* ---- The subjects ------------------------------------------------------------------------ */

/* As many people as will log in; and the cost of a hash. */
static int add_people(const struct bench *bench, unsigned count)
{
	char path[PATH_MAX + 32], argument[PATH_MAX];
	const struct program program = {.argv = {path, "--child", "accounts", argument}};
	double numbers[2];

	snprintf(path, sizeof(path), "%s/weft-bench", bench->build_dir);
	snprintf(argument, sizeof(argument), "%u:%s", count, logins.state);
	if (program_time(&program, numbers, 2) < 0)
		return -1;
	snprintf(logins.kib, sizeof(logins.kib), "%.0f", numbers[0]);
	snprintf(logins.passes, sizeof(logins.passes), "%.0f", numbers[1]);
	return 0;
}

static int serve(const struct bench *bench, const char *cost)
{
	char path[PATH_MAX + 32];
	const struct program program = {.argv = {path, "serve", logins.dir, "--http", "127.0.0.1:0",
						"--state", logins.state, "--hash-cost", cost,
						"--workers", "1", "--access-log", "none"},
		.cpus = &bench->server_cpu};

	snprintf(path, sizeof(path), "%s/weft", bench->build_dir);
	return server_start(&logins.server, &program, 0);
}

static void report(struct bench *bench, const char *subject, unsigned rounds)
{
	const struct {
		const char *name, *unit;
		const double *values, *yardsticks;
		struct bound bound;
	} rows[] = {
		{"rate", "/s", logins.weft.rate, logins.bare.rate, {BOUND_NONE, 0}},
		{"cpu", "ms", logins.weft.cpu, logins.bare.cpu, {BOUND_RATIO_MAX, 1.1}},
	};
	size_t first = bench->report.count;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct figure figure = {.unit = rows[i].unit,
			.value = bench_median(rows[i].values, rounds),
			.yardstick = bench_median(rows[i].yardsticks, rounds),
			.ratio = bench_median_ratio(rows[i].values, rows[i].yardsticks, rounds),
			.bound = rows[i].bound};

		snprintf(figure.name, sizeof(figure.name), "%s.%s", subject, rows[i].name);
		report_add(&bench->report, &figure);
	}
	if (!bench->report.is_json)
		printf("  argon2id, %s KiB, %s passes\n", logins.kib, logins.passes);
	report_print_subject(&bench->report, first);
}

static int measure(struct bench *bench, const char *subject, const char *cost)
{
	unsigned rounds = bench->rounds ? bench->rounds : ROUNDS_DEFAULT;
	int result = -1;

	if (serve(bench, cost) < 0)
		return -1;
	logins.next = 0;
	sched_setaffinity(0, sizeof(bench->client_cpu), &bench->client_cpu);
	if (add_people(bench, (rounds + 1) * logins.each_round) == 0)
		result = run_rounds(bench, rounds);
	sched_setaffinity(0, sizeof(bench->all_cpus), &bench->all_cpus);
	server_stop(&logins.server);
	if (result == 0)
		report(bench, subject, rounds);
	return result;
}

static int run(struct bench *bench, const char *subject, const char *cost)
{
	const char *base = getenv("WEFT_BENCH_DIR");
	char path[PATH_MAX + 32], output[PROGRAM_OUTPUT_MAX];
	const struct program rm = {.argv = {"rm", "-rf", "--", logins.dir}};
	int result;

	snprintf(path, sizeof(path), "%s/limit/password_hash", bench->build_dir);
	if (access(path, X_OK) < 0) {
		fprintf(stderr, "weft-bench: %s is skipped: it was built without libsodium\n",
			subject);
		return 0;
	}
	snprintf(logins.dir, sizeof(logins.dir), "%s/weft-bench-XXXXXX", base ? base : "/var/tmp");
	if (!mkdtemp(logins.dir)) {
		perror("weft-bench: a folder");
		return -1;
	}
	snprintf(logins.state, sizeof(logins.state), "%s/.state", logins.dir);
	result = measure(bench, subject, cost);
	if (result < 0)
		fprintf(stderr, "weft-bench: %s: no figure\n", subject);
	program_output(&rm, output);
	return result;
}

static int run_least(struct bench *bench, const struct subject *subject)
{
	logins.each_round = 24;
	return run(bench, subject->name, "least");
}

static int run_tuned(struct bench *bench, const struct subject *subject)
{
	logins.each_round = 8;
	return run(bench, subject->name, "tuned");
}

const struct subject bench_login_subjects[] = {
	{"login-least", "log-ins by the HTTP API, a password at the least cost, beside libsodium's",
		run_least},
	{"login-tuned", "the same at the default cost, which is tuned to this machine", run_tuned},
	{NULL, NULL, NULL},
};
