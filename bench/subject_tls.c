/*
 * subject_tls.c - HTTPS: the small file and the large one, beside nginx.
 *
 * Entry points: bench_tls_subjects.
 * Both use the same OpenSSL, key (P-256) and cipher; wrk is the client, on its own CPU. What
 * counts is the server's CPU time for a request, over connections that stay.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS_DEFAULT 5
#define COST_MAX       1.05
#define SECOND_NS      INT64_C(1000000000)
#define COMMAND_MAX    (2 * PATH_MAX + 256)

enum {
	NGINX, /* the yardstick */
	WEFT,
	CONTENDERS,
};

enum measure {
	THROUGHPUT,
	CPU,
	MEASURES,
};

struct secure {
	struct program programs[CONTENDERS];
	uint16_t ports[CONTENDERS];
	struct server servers[CONTENDERS];
	const char *target;
	char url[CONTENDERS][64], seconds[16];
	double samples[CONTENDERS][MEASURES][BENCH_ROUNDS_MAX];
};

/* ---- Certificate and cipher ----------------------------------------------------------- */

/* A shell's output; %s in the format is text. Returns 0 or -1. */
static int shell(const char *format, const char *text, char ret_output[PROGRAM_OUTPUT_MAX])
{
	char command[COMMAND_MAX];
	const struct program program = {.argv = {"/bin/sh", "-c", command}};

	/* The format is one of this file's own. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(command, sizeof(command), format, text);
#pragma GCC diagnostic pop
	return program_output(&program, ret_output);
}

static int make_certificate(const struct peer_room *room)
{
	char output[PROGRAM_OUTPUT_MAX];

	return shell(
		"cd '%s' && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 "
		"-nodes -subj /CN=localhost -days 30 -keyout key.pem -out cert.pem 2>/dev/null "
		"&& chmod 644 key.pem",
		room->dir, output);
}

/* What a client of the same library as wrk's gets. */
static int find_cipher(uint16_t port, char ret_cipher[64])
{
	char output[PROGRAM_OUTPUT_MAX], port_text[8];
	int status;

	snprintf(port_text, sizeof(port_text), "%u", port);
	status = shell("openssl s_client -connect 127.0.0.1:%s </dev/null 2>/dev/null | "
		       "sed -n 's/^New, //p'",
		port_text, output);
	snprintf(ret_cipher, 64, "%.*s", (int)strcspn(output, "\n"), output);
	return status == 0 && *ret_cipher != '\0' ? 0 : -1;
}

static int compare_ciphers(const struct secure *secure, bool is_json)
{
	char ciphers[CONTENDERS][64];

	for (size_t i = 0; i < CONTENDERS; i++)
		if (find_cipher(secure->servers[i].port, ciphers[i]) < 0)
			return -1;
	if (strcmp(ciphers[NGINX], ciphers[WEFT]) != 0) {
		fprintf(stderr, "weft-bench: not the same cipher: nginx %s, weft %s\n",
			ciphers[NGINX], ciphers[WEFT]);
		return -1;
	}
	if (!is_json)
		printf("  %s\n", ciphers[WEFT]);
	return 0;
}

/* ---- Measuring -------------------------------------------------------------------------- */

static int measure_one(
	struct secure *secure, const struct bench *bench, size_t index, unsigned round)
{
	const struct program wrk = {
		.argv = {"wrk", "-t", "1", "-c", "16", "-d", secure->seconds, secure->url[index]},
		.cpus = &bench->client_cpu};
	int64_t cpu = bench_clock(secure->servers[index].cpu_clock), start = bench_now();
	char output[PROGRAM_OUTPUT_MAX], *requests;
	double count, wall;

	if (program_output(&wrk, output) < 0)
		return -1;
	wall = (double)(bench_now() - start) / 1e9;
	cpu = bench_clock(secure->servers[index].cpu_clock) - cpu;
	requests = strstr(output, " requests in ");
	if (requests == NULL || strstr(output, "Non-2xx") != NULL)
		return -1;
	while (requests > output && requests[-1] != ' ')
		requests--;
	count = strtod(requests, NULL);
	secure->samples[index][THROUGHPUT][round] = count / wall;
	secure->samples[index][CPU][round] = (double)cpu / 1e3 / count;
	return count > 0 ? 0 : -1;
}

static int measure_all(struct secure *secure, const struct bench *bench, unsigned rounds)
{
	snprintf(secure->seconds, sizeof(secure->seconds), "%d",
		(int)((bench->window_ns + SECOND_NS - 1) / SECOND_NS));
	for (size_t i = 0; i < CONTENDERS; i++)
		snprintf(secure->url[i], sizeof(secure->url[i]), "https://127.0.0.1:%u%s",
			secure->servers[i].port, secure->target);
	for (unsigned round = 0; round < rounds; round++)
		for (size_t turn = 0; turn < CONTENDERS; turn++)
			if (measure_one(secure, bench, bench_turn(round, turn, CONTENDERS), round) <
				0) {
				fputs("weft-bench: wrk failed; is it installed?\n", stderr);
				return -1;
			}
	return 0;
}

static void report(
	struct bench *bench, const struct secure *secure, const char *subject, unsigned rounds)
{
	static const char *const names[] = {"throughput", "cpu"}, *const units[] = {"/s", "us"};
	size_t first = bench->report.count;

	for (int m = 0; m < MEASURES; m++) {
		const double *weft = secure->samples[WEFT][m], *nginx = secure->samples[NGINX][m];
		struct figure figure = {.unit = units[m],
			.value = bench_median(weft, rounds),
			.yardstick = bench_median(nginx, rounds),
			.ratio = bench_median_ratio(weft, nginx, rounds)};

		if (m == CPU)
			figure.bound = (struct bound){BOUND_RATIO_MAX, COST_MAX};
		snprintf(figure.name, sizeof(figure.name), "%s.%s", subject, names[m]);
		report_add(&bench->report, &figure);
	}
	report_print_subject(&bench->report, first);
}

/* ---- The subjects ------------------------------------------------------------------------ */

static int race_both(struct bench *bench, struct secure *secure, const char *subject)
{
	unsigned rounds = bench->rounds ? bench->rounds : ROUNDS_DEFAULT;
	size_t up = 0;
	int status = -1;

	for (; up < CONTENDERS; up++) {
		secure->programs[up].cpus = &bench->server_cpu;
		if (server_start(&secure->servers[up], &secure->programs[up], secure->ports[up]) <
			0)
			break;
	}
	if (up == CONTENDERS && compare_ciphers(secure, bench->report.is_json) == 0)
		status = measure_all(secure, bench, rounds);
	if (status == 0)
		report(bench, secure, subject, rounds);
	while (up > 0)
		server_stop(&secure->servers[--up]);
	return status;
}

static int run(struct bench *bench, const char *subject, const char *target)
{
	static struct secure secure; /* large, and one at a time */
	static struct peer_room room;
	static struct peer nginx;
	static char path[PATH_MAX + 32];
	int status = -1;

	if (peer_room_init(&room, bench) < 0)
		return -1;
	if (make_certificate(&room) < 0 || peers_find(bench, &room, PEER_TLS, &nginx, 1) == 0) {
		fprintf(stderr, "weft-bench: %s: openssl or nginx is not installed\n", subject);
	} else {
		snprintf(path, sizeof(path), "%s/weft-bench", bench->build_dir);
		secure = (struct secure){.target = target,
			.programs = {[NGINX] = nginx.program,
				[WEFT] = {.argv = {path, "--child", "https", room.dir}}},
			.ports = {[NGINX] = nginx.port}};
		status = race_both(bench, &secure, subject);
	}
	peer_room_fini(&room);
	return status;
}

static int run_small(struct bench *bench, const struct subject *subject)
{
	return run(bench, subject->name, "/hello.txt");
}

static int run_large(struct bench *bench, const struct subject *subject)
{
	return run(bench, subject->name, "/large.bin");
}

const struct subject bench_tls_subjects[] = {
	{"tls-small", "the 13-byte file over TLS, beside nginx", run_small},
	{"tls-large", "the file of 1 MiB over TLS, beside nginx", run_large},
	{NULL, NULL, NULL},
};
