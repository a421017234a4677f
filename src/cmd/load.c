/*
 * load.c - `weft load`: asks a server for the same thing again and again, and says how long
 * the answers took.
 *
 * Entry point: weft__cmd_load().
 *
 *	options -> weft_run( find the target -> idle ones -> open all connections
 *	                     -> start ... warm-up, begin ... end -> add up, report )
 *
 * Never: a run that ends because of an error of the server's; errors are counted.
 */
#include "load.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "service.h"
#include "weft/socket.h"

/** Connects under way at a time before the start: a server's backlog is not to overflow. */
#define DIALLING_MAX 64

/** Descriptors beside the connections. */
#define DESCRIPTORS_SPARE 64

/** Ends never: of a run with a bound on its requests alone. */
#define NO_END WEFT_SECONDS(86400 * 365)

static const char help[] =
	"usage: weft load TARGET [OPTION]...\n"
	"\n"
	"Ask a server for the same thing again and again, and say how long the answers took.\n"
	"TARGET is http://HOST:PORT/PATH, or HOST:PORT, echo://HOST:PORT or unix:/PATH, where "
	"what\n"
	"is sent must come back.\n"
	"\n"
	"  --connections N         that ask at a time (default: 50)\n"
	"  --duration SECONDS      (default: 10; with --requests alone: as long as these take)\n"
	"  --requests N            end after so many\n"
	"  --rate N                open loop: N requests a second over all connections, each "
	"timed\n"
	"                          from when it was due, also when it could only be sent later\n"
	"                          (default: closed loop: the next one when the last is answered)\n"
	"  --pipeline N            requests under way on a connection (default: 1)\n"
	"  --new-connections       a new connection for each request\n"
	"  --warmup SECONDS        before the duration; what comes then does not count\n"
	"  --timeout SECONDS       for an answer, or a connection (default: 10)\n"
	"  --size BYTES            of an echo's message, the newline at its end (default: 64)\n"
	"  --method NAME           of HTTP (default: GET)\n"
	"  --header \"NAME: VALUE\"  add a field to the request; may be given again\n"
	"  --idle N                so many more connections, left idle all the time\n"
	"  --slow N                so many more connections that send their requests slowly,\n"
	"  --slow-rate BYTES         so many bytes a second (default: 10), byte by byte,\n"
	"  --slow-read               and read the answers so, too; they are not in the figures\n"
	"  --workers N             threads (default: 1)\n"
	"  --driver NAME           how to wait for the kernel: epoll, uring, epoll-level, poll,\n"
	"                          select (default: the best)\n"
	"  --latency               print the whole distribution\n"
	"  --json                  print the figures as one line of JSON\n"
	"  --help                  this text\n"
	"\n"
	"Ctrl-C ends it early, and the figures so far are printed. Exit status: 0 done, 1 nobody\n"
	"is there or not one answer came, 2 wrong usage.\n";

/* ---- The command line ------------------------------------------------------------------------ */

static int check_options(struct load *load)
{
	if (load->is_new_each && load->pipeline > 1)
		return weft__cmd_usage(
			LOAD_NAME, "--new-connections leaves nothing to --pipeline.");
	if (load->requests > 0 && !load->has_duration)
		load->duration_ns = NO_END;
	return weft__load_target_init(load);
}

static int take_options(struct load *load, int argc, char **argv)
{
	static const struct cmd_syntax syntax = {.name = LOAD_NAME,
		.help = help,
		.operands_max = 1,
		.operands = "one target at a time"};
	const struct cmd_option options[] = {
		CMD_OPTION(
			"connections", CMD_COUNT, &load->connections, .max = LOAD_CONNECTIONS_MAX),
		CMD_OPTION("duration", CMD_SECONDS, &load->duration_ns,
			.ret_is_given = &load->has_duration),
		CMD_OPTION("requests", CMD_COUNT, &load->requests, .max = UINT32_MAX),
		CMD_OPTION("rate", CMD_COUNT, &load->rate, .max = LOAD_RATE_MAX),
		CMD_OPTION("pipeline", CMD_COUNT, &load->pipeline, .max = LOAD_PIPELINE_MAX),
		CMD_OPTION("new-connections", CMD_FLAG, &load->is_new_each),
		CMD_OPTION("warmup", CMD_SECONDS, &load->warmup_ns, .zero_ns = 1),
		CMD_OPTION("timeout", CMD_SECONDS, &load->timeout_ns),
		CMD_OPTION("size", CMD_BYTES, &load->size, .min = 1, .max = LOAD_SIZE_MAX,
			.ret_is_given = &load->has_size),
		CMD_OPTION("method", CMD_TEXT, &load->method),
		CMD_OPTION("header", CMD_TEXTS, &load->headers),
		CMD_OPTION("idle", CMD_COUNT, &load->idle, .max = LOAD_CONNECTIONS_MAX),
		CMD_OPTION("slow", CMD_COUNT, &load->slow, .max = LOAD_CONNECTIONS_MAX),
		CMD_OPTION("slow-rate", CMD_COUNT, &load->slow_rate, .max = 1000000),
		CMD_OPTION("slow-read", CMD_FLAG, &load->is_slow_read),
		CMD_OPTION("workers", CMD_COUNT, &load->run.workers, .max = WEFT_WORKERS_MAX),
		CMD_OPTION("driver", CMD_TEXT, &load->run.driver, .choices = weft__cmd_drivers()),
		CMD_OPTION("latency", CMD_FLAG, &load->is_detailed),
		CMD_OPTION("json", CMD_FLAG, &load->is_json),
		CMD_OPTIONS_END,
	};
	int status = weft__cmd_parse(&syntax, options, argc, argv);

	if (status)
		return status;
	if (optind == argc)
		return weft__cmd_usage(LOAD_NAME, "what is the target?");
	load->target.text = argv[optind];
	return check_options(load);
}

/* ---- Errors, in words --------------------------------------------------------------------------
 */

/* Append what is printable of text, and the rest as \xNN, as far as there is room. */
static void append_escaped(char *place, size_t size, const char *text)
{
	size_t len = strlen(place);

	for (; *text && len + 5 < size; text++) {
		bool is_plain = *text >= ' ' && *text < 0x7f && *text != '\\';

		len += (size_t)snprintf(
			place + len, size - len, is_plain ? "%c" : "\\x%02X", (unsigned char)*text);
	}
}

void weft__load_note(struct load_worker *worker, int64_t now_ns, enum load_error kind,
	const char *what, const char *text)
{
	size_t size = sizeof(worker->first_error);

	if (worker->first_error_ns != INT64_MAX)
		return;
	worker->first_error_ns = now_ns;
	snprintf(worker->first_error, size, "%s: %s", weft__load_error_names[kind], what);
	if (!text)
		return;
	strncat(worker->first_error, ": ", size - strlen(worker->first_error) - 1);
	append_escaped(worker->first_error, size, text);
}

/* ---- Before the start ---------------------------------------------------------------------------
 */

static int need_descriptors(const struct load *load)
{
	rlim_t needed = (rlim_t)load->connections + load->idle + load->slow + DESCRIPTORS_SPARE;
	struct rlimit limit;

	weft__cmd_raise_descriptor_limit();
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= needed)
		return CMD_DONE;
	return weft__cmd_fail(LOAD_NAME,
		"so many connections need %llu descriptors, and %llu are allowed (ulimit -n).",
		(unsigned long long)needed, (unsigned long long)limit.rlim_cur);
}

static int make_room(struct load *load)
{
	size_t size = load->run.workers * sizeof(load->workers[0]);

	load->workers = aligned_alloc(_Alignof(struct load_worker), size);
	if (!load->workers)
		return weft__cmd_fail(LOAD_NAME, "can't start: %s.", strerror(errno));
	memset(load->workers, 0, size);
	load->idle_fds = malloc((load->idle + 1) * sizeof(load->idle_fds[0]));
	if (!load->idle_fds)
		return weft__cmd_fail(LOAD_NAME, "can't start: %s.", strerror(errno));
	for (unsigned i = 0; i < load->idle; i++)
		load->idle_fds[i] = -1;
	for (unsigned i = 0; i < load->run.workers; i++) {
		load->workers[i].first_error_ns = INT64_MAX;
		load->workers[i].latency = weft_histogram_new();
		if (!load->workers[i].latency)
			return weft__cmd_fail(LOAD_NAME, "can't start: %s.", strerror(errno));
	}
	return CMD_DONE;
}

static void free_room(struct load *load)
{
	for (unsigned i = 0; load->workers && i < load->run.workers; i++)
		weft_histogram_free(load->workers[i].latency);
	free(load->workers);
	free(load->idle_fds);
}

static int spawn(struct load *load, struct weft_scope *scope, weft_fiber_fn *fn, unsigned index)
{
	char name[WEFT_FIBER_NAME_MAX + 1];
	struct weft_spawn_options options = {
		.name = name, .worker = 1 + index % weft_worker_count()};
	struct load_start *start = malloc(sizeof(*start));

	if (!start)
		return -1;
	snprintf(name, sizeof(name), "%s %u",
		fn == weft__load_slow   ? "slow"
		: fn == weft__load_idle ? "idle"
					: "load",
		index);
	*start = (struct load_start){.load = load, .index = index};
	if (weft_scope_spawn_with(scope, &options, fn, start))
		return 0;
	free(start);
	return -1;
}

static int spawn_many(
	struct load *load, struct weft_scope *scope, weft_fiber_fn *fn, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (spawn(load, scope, fn, i) < 0)
			return -1;
	return 0;
}

/* Until all have connected, or could not. -1: we were stopped meanwhile. */
static int wait_until_opened(struct load *load)
{
	/* Those that take too long join in later. */
	WEFT_WITH_TIMEOUT (load->timeout_ns)
		weft_event_wait(&load->opened);
	return load->is_stopped ? -1 : 0;
}

/* The crowd is there first: who asks has to get by it, as in a server that is never empty. */
static int open_connections(struct load *load, struct weft_scope *scope)
{
	unsigned idlers = load->idle < DIALLING_MAX ? load->idle : DIALLING_MAX;

	load->opening = idlers + load->slow;
	if (spawn_many(load, scope, weft__load_idle, idlers) < 0 ||
		spawn_many(load, scope, weft__load_slow, load->slow) < 0)
		return -1;
	if (load->opening > 0 && wait_until_opened(load) < 0)
		return 0;
	/* In this order: a crowd that is late may still be counted down meanwhile. */
	atomic_fetch_add(&load->opening, load->connections);
	weft_event_clear(&load->opened);
	load->running = load->connections;
	if (spawn_many(load, scope, weft__load_connection, load->connections) < 0)
		return -1;
	wait_until_opened(load);
	return 0;
}

/* ---- The run ------------------------------------------------------------------------------------
 */

static int64_t cpu_now(void)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return WEFT_SECONDS(now.tv_sec) + now.tv_nsec;
}

static void stop(void *arg)
{
	struct load *load = arg;

	load->is_stopped = true;
	weft_event_set(&load->opened);
	weft_event_set(&load->over);
}

/* Until the moment, unless it is over before. */
static void wait_until(struct load *load, int64_t moment_ns)
{
	int64_t left_ns = moment_ns - weft_now();

	if (left_ns > 0)
		WEFT_WITH_TIMEOUT (left_ns)
			weft_event_wait(&load->over);
}

static void measure(struct load *load)
{
	int64_t now_ns = weft_now(), cpu_ns, end_ns;

	load->start_ns = now_ns;
	load->begin_ns = now_ns + load->warmup_ns;
	end_ns = load->begin_ns + load->duration_ns;
	load->end_ns = end_ns;
	weft_event_set(&load->start);
	wait_until(load, load->begin_ns);
	cpu_ns = cpu_now();
	wait_until(load, end_ns);
	load->cpu_ns = cpu_now() - cpu_ns;
	now_ns = weft_now();
	if (now_ns < end_ns)
		load->end_ns = now_ns;
}

static int run_connections(struct load *load)
{
	struct weft_scope scope;
	int result, code;

	weft_scope_begin(&scope, WEFT_FOREVER);
	result = open_connections(load, &scope);
	code = errno;
	if (result == 0)
		measure(load);
	weft_scope_cancel(&scope);
	weft_scope_end(&scope);
	return result == 0 ? CMD_DONE
			   : weft__cmd_fail(LOAD_NAME, "can't start: %s.", strerror(code));
}

/* The first fiber. */
static int load_until_end(void *arg)
{
	struct load *load = arg;
	weft_fiber_id stopper;
	int status = weft__load_target_find(load);

	if (status)
		return status;
	stopper = weft__cmd_on_stop(stop, load);
	if (!stopper) {
		status = weft__cmd_fail(LOAD_NAME, "can't start: %s.", strerror(errno));
	} else {
		weft__load_report_start(load);
		status = run_connections(load);
		weft__load_idle_close(load);
		if (!status)
			status = weft__load_report(load);
	}
	if (stopper)
		weft__cmd_unstop(stopper);
	if (load->first_fd >= 0)
		weft_close(load->first_fd);
	return status;
}

int weft__cmd_load(int argc, char **argv)
{
	struct load load = {
		.run = {.workers = 1},
		.connections = 50,
		.pipeline = 1,
		.slow_rate = 10,
		.duration_ns = WEFT_SECONDS(10),
		.timeout_ns = WEFT_SECONDS(10),
		.size = 64,
		.method = "GET",
		.first_fd = -1,
		.dialling = WEFT_SEM_INIT(DIALLING_MAX),
	};
	int status = take_options(&load, argc, argv);

	if (!status)
		status = need_descriptors(&load);
	if (!status)
		status = make_room(&load);
	if (!status) {
		/* The kernel would wake us up to 50 us late, to save wake-ups (prctl(2)). */
		prctl(PR_SET_TIMERSLACK, 1);
		status = weft__cmd_run(LOAD_NAME, &load.run, load_until_end, &load);
	}
	free_room(&load);
	weft__load_target_fini(&load);
	return status == CMD_HELPED ? CMD_DONE : status;
}
