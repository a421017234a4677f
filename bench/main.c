/*
 * main.c - weft-bench: options, and the list of subjects.
 *
 * Entry points: main().
 * Never: a measurement of its own; those are in subject_*.c.
 */
#include "bench.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WINDOW_MS_DEFAULT 500
#define WINDOW_MS_MAX     60000

enum option_code {
	OPTION_CHILD = 256,
	OPTION_WINDOW,
	OPTION_NO_PEERS,
};

struct request {
	bool list;
	const char *only, *child, *child_argument;
};

static const char usage[] =
	"Usage: weft-bench [OPTION]...\n"
	"Measure weft against the smallest C programs that do the same work.\n"
	"\n"
	"  -l, --list         list the subjects\n"
	"  -o, --only NAME    measure this subject, or all whose names begin with NAME-\n"
	"  -j, --json         print [{name, value, unit, yardstick, ratio}, ...]\n"
	"  -r, --rounds N     measure each contender N times (odd is best)\n"
	"      --no-peers     measure only weft and its yardsticks\n"
	"      --window MS    watch a server so long in each round (default 500)\n"
	"  -h, --help         print this\n";

static const struct option long_options[] = {
	{"list", no_argument, NULL, 'l'},
	{"only", required_argument, NULL, 'o'},
	{"json", no_argument, NULL, 'j'},
	{"rounds", required_argument, NULL, 'r'},
	{"window", required_argument, NULL, OPTION_WINDOW},
	{"no-peers", no_argument, NULL, OPTION_NO_PEERS},
	{"help", no_argument, NULL, 'h'},
	/* Not in the usage: how weft-bench runs itself as a contender. */
	{"child", required_argument, NULL, OPTION_CHILD},
	{NULL, 0, NULL, 0},
};

static const struct subject *const subject_lists[] = {
	bench_fiber_subjects,
	bench_sync_subjects,
	bench_queue_subjects,
	bench_pool_subjects,
	bench_process_subjects,
	bench_chat_link_subjects,
	bench_net_subjects,
	bench_http_subjects,
	bench_parse_subjects,
	bench_ws_subjects,
	bench_tls_subjects,
	bench_idle_subjects,
	bench_scale_subjects,
	bench_steady_subjects,
	bench_udp_subjects,
	bench_files_subjects,
	bench_rooms_subjects,
	bench_chat_subjects,
	bench_ftp_subjects,
	bench_login_subjects,
	bench_driver_subjects,
	bench_load_subjects,
};

/* A whole number from 1 to max; ends the program on anything else. */
static unsigned parse_number(const char *option, const char *text, unsigned long max)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || number < 1 || number > max) {
		fprintf(stderr, "weft-bench: --%s takes a number from 1 to %lu, not \"%s\"\n",
			option, max, text);
		exit(2);
	}
	return (unsigned)number;
}

static void parse_options(int argc, char **argv, struct bench *bench, struct request *request)
{
	int code;

	while ((code = getopt_long(argc, argv, "lo:jr:h", long_options, NULL)) != -1) {
		switch (code) {
		case 'l':
			request->list = true;
			break;
		case 'o':
			request->only = optarg;
			break;
		case 'j':
			bench->report.is_json = true;
			break;
		case 'r':
			bench->rounds = parse_number("rounds", optarg, BENCH_ROUNDS_MAX);
			break;
		case OPTION_WINDOW:
			bench->window_ns =
				(int64_t)parse_number("window", optarg, WINDOW_MS_MAX) * 1000000;
			break;
		case OPTION_NO_PEERS:
			bench->without_peers = true;
			break;
		case OPTION_CHILD:
			request->child = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			fputs("Try weft-bench --help.\n", stderr);
			exit(2);
		}
	}
	if (optind < argc && request->child == NULL) {
		fprintf(stderr, "weft-bench: what is \"%s\"? Try weft-bench --help.\n",
			argv[optind]);
		exit(2);
	}
	request->child_argument = argv[optind];
}

/* The server gets the first CPU, the client the last; on a single CPU they share it. */
static void choose_cpus(struct bench *bench)
{
	int first = -1, last = 0;

	sched_getaffinity(0, sizeof(bench->all_cpus), &bench->all_cpus);
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &bench->all_cpus))
			continue;
		first = first < 0 ? i : first;
		last = i;
	}
	CPU_ZERO(&bench->server_cpu);
	CPU_ZERO(&bench->client_cpu);
	CPU_SET(first < 0 ? 0 : first, &bench->server_cpu);
	CPU_SET(last, &bench->client_cpu);
	if (first == last)
		fputs("weft-bench: one CPU only: server and client share it\n", stderr);
}

static int find_build_dir(struct bench *bench)
{
	ssize_t len = readlink("/proc/self/exe", bench->build_dir, sizeof(bench->build_dir) - 1);
	char *slash;

	if (len < 0)
		return -1;
	bench->build_dir[len] = '\0';
	slash = strrchr(bench->build_dir, '/');
	if (slash == NULL)
		return -1;
	*slash = '\0';
	return 0;
}

static bool is_chosen(const struct subject *subject, const char *only)
{
	size_t len = only != NULL ? strlen(only) : 0;

	return only == NULL || (strncmp(subject->name, only, len) == 0 &&
				       (subject->name[len] == '\0' || subject->name[len] == '-'));
}

static void list_subjects(void)
{
	for (size_t i = 0; i < sizeof(subject_lists) / sizeof(*subject_lists); i++)
		for (const struct subject *s = subject_lists[i]; s->name != NULL; s++)
			printf("%-14s %s\n", s->name, s->about);
}

/* Exit status: 0 all measured, 1 something was not, 2 nothing has this name. */
static int run_subjects(struct bench *bench, const char *only)
{
	unsigned chosen = 0, failed = 0;

	for (size_t i = 0; i < sizeof(subject_lists) / sizeof(*subject_lists); i++) {
		for (const struct subject *s = subject_lists[i]; s->name != NULL; s++) {
			if (!is_chosen(s, only))
				continue;
			chosen++;
			if (!bench->report.is_json)
				printf("%s: %s\n", s->name, s->about);
			failed += s->run(bench, s) < 0;
		}
	}
	if (chosen == 0) {
		fprintf(stderr, "weft-bench: no subject \"%s\"; see --list\n", only);
		return 2;
	}
	report_print_json(&bench->report);
	return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
	static struct bench bench;
	struct request request = {0};

	bench.window_ns = (int64_t)WINDOW_MS_DEFAULT * 1000000;
	parse_options(argc, argv, &bench, &request);
	if (request.list) {
		list_subjects();
		return 0;
	}
	if (request.child != NULL)
		return child_run(request.child, request.child_argument);
	if (find_build_dir(&bench) < 0) {
		perror("weft-bench: /proc/self/exe");
		return 1;
	}
	choose_cpus(&bench);
	return run_subjects(&bench, request.only);
}
