/*
 * subject_http.c - HTTP beyond the small file: logged, pipelined, large, made, posted, closed.
 *
 * Entry points: bench_http_subjects.
 * Each is a plan: what is asked, what the yardstick is, who else answers, and what is promised.
 */
#include "race.h"

#include <stdlib.h>
#include <string.h>

/* The first two contenders; the figures of all others bear their names. */
enum {
	YARDSTICK,
	WEFT,
	OTHERS_FIRST,
};

enum weft_side {
	SERVE,
	SERVE_LOGGED,
	HANDLERS,
};

enum limit_side {
	FIXED,        /* http_epoll: a reply for each read */
	COUNTED,      /* http_count: a reply for each request's length */
	COUNTED_ONCE, /* the same, and the connection ends */
	FILE_SENT,    /* http_sendfile */
};

struct plan {
	const char *subject;
	const char *target, *more_fields; /* of a GET */
	size_t body_len;                  /* then it is a POST of so many bytes */
	unsigned connections, depth;
	bool reconnects;
	enum weft_side weft;
	enum limit_side limit;
	const char *limit_body_len;
	enum peer_work peers;
	struct bound bounds[MEASURE_COUNT];
	const char *rival; /* whose CPU is a figure more */
	double rival_max;  /* as a ratio; 0: no bound */
};

static const struct plan plans[] = {
	{
		.subject = "http-log",
		.target = "/hello.txt",
		.connections = 64,
		.weft = SERVE_LOGGED,
		.limit = FIXED,
		.peers = PEER_LOGGED,
		.bounds = {[CPU] = {BOUND_RATIO_MAX, 1.2}},
		.rival = "nginx",
		.rival_max = 1.0,
	},
	{
		.subject = "http-pipeline",
		.target = "/hello.txt",
		.connections = 64,
		.depth = 16,
		.limit = COUNTED,
		.limit_body_len = "13",
		.peers = PEER_HTTP,
		.bounds = {[CPU] = {BOUND_VALUE_MAX, 0.5}}, /* two million a second a core */
		.rival = "nginx",
		.rival_max = 1.0,
	},
	{
		.subject = "http-large",
		.target = "/large.bin",
		.connections = 16,
		.limit = FILE_SENT,
		.peers = PEER_LARGE,
		.rival = "nginx",
		.rival_max = 1.0,
	},
	{
		.subject = "http-json",
		.target = "/json",
		.connections = 64,
		.weft = HANDLERS,
		.limit = COUNTED,
		.limit_body_len = "4087",
		.peers = PEER_HANDLERS,
		.rival = "libevent",
		.rival_max = 1.0,
	},
	{
		.subject = "http-upload",
		.target = "/upload",
		.body_len = 65536,
		.connections = 16,
		.weft = HANDLERS,
		.limit = COUNTED,
		.limit_body_len = "6",
		.peers = PEER_HANDLERS,
		.rival = "libevent",
		.rival_max = 1.0,
	},
	{
		.subject = "http-close",
		.target = "/hello.txt",
		.more_fields = "Connection: close\r\n",
		.connections = 64,
		.reconnects = true,
		.limit = COUNTED_ONCE,
		.limit_body_len = "13",
		.peers = PEER_HTTP,
		.bounds = {[THROUGHPUT] = {BOUND_VALUE_MIN, 20000}},
		.rival = "nginx",
		.rival_max = 1.0,
	},
};

/* ---- What is asked ---------------------------------------------------------------- */

/* The caller frees the request. Returns 0 or -1. */
static int web_init(struct web *web, const struct plan *plan)
{
	char head[512];
	int len = snprintf(head, sizeof(head),
		"%s %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: weft-bench\r\nAccept: */*\r\n%s",
		plan->body_len ? "POST" : "GET", plan->target,
		plan->more_fields ? plan->more_fields : "");
	char *request = malloc((size_t)len + plan->body_len + 64);

	if (request == NULL)
		return -1;
	memcpy(request, head, (size_t)len);
	if (plan->body_len)
		len += snprintf(request + len, 64, "Content-Length: %zu\r\n", plan->body_len);
	len += snprintf(request + len, 3, "\r\n");
	memset(request + len, 'x', plan->body_len);
	*web = (struct web){.request = request,
		.request_len = (size_t)len + plan->body_len,
		.depth = plan->depth,
		.reconnects = plan->reconnects};
	return 0;
}

/* ---- The contenders ------------------------------------------------------------------ */

static char request_len_text[24], large_path[PATH_MAX + 32], log_path[PATH_MAX + 32];

static void add_limit(struct race *race, const struct bench *bench, const struct plan *plan,
	const struct peer_room *room)
{
	static const char *const names[] = {[FIXED] = "http_epoll",
		[COUNTED] = "http_count",
		[COUNTED_ONCE] = "http_count",
		[FILE_SENT] = "http_sendfile"};
	const char **argv;

	race_init(race, bench, names[plan->limit]);
	argv = race->contenders[YARDSTICK].program.argv;
	if (plan->limit == FILE_SENT) {
		snprintf(large_path, sizeof(large_path), "%s/large.bin", room->docs_dir);
		argv[1] = large_path;
	} else if (plan->limit != FIXED) {
		snprintf(request_len_text, sizeof(request_len_text), "%zu", race->web->request_len);
		argv[1] = request_len_text;
		argv[2] = plan->limit_body_len;
		argv[3] = plan->limit == COUNTED_ONCE ? "close" : NULL;
	}
}

static void add_weft(struct race *race, const struct bench *bench, const struct plan *plan,
	const struct peer_room *room)
{
	const char *const handlers[] = {race->weft_path, "--child", "http", NULL};
	const char *const serve[] = {race->weft_path, "serve", room->docs_dir, "--http",
		"127.0.0.1:0", "--workers", "1", "--access-log", log_path, NULL};

	snprintf(race->weft_path, sizeof(race->weft_path), "%s/%s", bench->build_dir,
		plan->weft == HANDLERS ? "weft-bench" : "weft");
	snprintf(log_path, sizeof(log_path), "%s/weft.log", room->dir);
	if (plan->weft == SERVE)
		snprintf(log_path, sizeof(log_path), "none");
	race_add(race, "weft", plan->weft == HANDLERS ? handlers : serve);
}

static void add_peers(struct race *race, const struct bench *bench, const struct plan *plan,
	const struct peer_room *room)
{
	static struct peer peers[BENCH_CONTENDERS_MAX];
	size_t count =
		peers_find(bench, room, plan->peers, peers, BENCH_CONTENDERS_MAX - race->count);

	for (size_t i = 0; i < count; i++)
		race_add(race, peers[i].name, peers[i].program.argv)->port = peers[i].port;
}

/* ---- The run --------------------------------------------------------------------------- */

static void report(struct bench *bench, const struct race *race, const struct plan *plan)
{
	size_t first = bench->report.count;

	if (race_has(race, WEFT)) {
		race_report(race, &bench->report, plan->subject, WEFT, plan->bounds);
		race_report_rival(
			race, &bench->report, plan->subject, plan->rival, plan->rival_max);
		report_print_subject(&bench->report, first);
	}
	if (!bench->report.is_json)
		race_print(race);
	for (size_t i = OTHERS_FIRST; i < race->count; i++)
		if (race_has(race, i))
			race_report(race, &bench->report, plan->subject, i, NULL);
}

static int run_plan(struct bench *bench, const struct subject *subject)
{
	static struct race race; /* large, and one at a time */
	static struct peer_room room;
	const struct plan *plan = plans;
	struct web web;
	bool is_whole;

	while (strcmp(plan->subject, subject->name) != 0)
		plan++;
	if (peer_room_init(&room, bench) < 0)
		return -1;
	if (web_init(&web, plan) < 0) {
		peer_room_fini(&room);
		return -1;
	}
	race = (struct race){.web = &web, .connections = plan->connections};
	add_limit(&race, bench, plan, &room);
	add_weft(&race, bench, plan, &room);
	if (!bench->without_peers)
		add_peers(&race, bench, plan, &room);
	is_whole = race_run(&race, bench, OTHERS_FIRST);
	report(bench, &race, plan);
	race_fini(&race);
	peer_room_fini(&room);
	free((char *)web.request);
	return is_whole ? 0 : -1;
}

const struct subject bench_http_subjects[] = {
	{"http-log", "the 13-byte file, with a line for each in an access log", run_plan},
	{"http-pipeline", "the 13-byte file, 16 requests in one write", run_plan},
	{"http-large", "GET of a file of 1 MiB over 16 connections", run_plan},
	{"http-json", "4 KiB of JSON, made by a handler for each request", run_plan},
	{"http-upload", "64 KiB posted to a handler that reads them", run_plan},
	{"http-close", "the 13-byte file, each over a connection of its own", run_plan},
	{NULL, NULL, NULL},
};
