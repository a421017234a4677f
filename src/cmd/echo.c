/*
 * echo.c - `weft echo`: sends back what it is sent, under any model; what `weft lab` measures.
 *
 * Entry point: weft__cmd_echo().
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "options.h"
#include "service.h"

#define NAME            "echo"
#define DEFAULT_ADDRESS "127.0.0.1:7000"

struct echo {
	const char *address;
	struct weft_run_options run;
	struct weft_serve_options serve;
	unsigned model;
	int64_t spin_ns;
	bool is_json;
	struct weft_listener *listener;
};

static const char help[] =
	"usage: weft echo [HOST:PORT] [OPTION]...\n"
	"\n"
	"Send back to every connection what it sends (default: at " DEFAULT_ADDRESS
	"), until Ctrl-C.\n"
	"\n"
	"  --model NAME            what serves a connection: fiber, loop, thread, pool, fork,\n"
	"                          prefork (default: fiber)\n"
	"  --driver NAME           fiber: how to wait for the kernel: epoll, uring, epoll-level,\n"
	"                          poll, select (default: the best)\n"
	"  --workers N             fiber: threads that serve (default: one per core)\n"
	"  --size N                pool, prefork: how many threads or processes\n"
	"  --connections N         at once; more wait (default: the model's own bound)\n"
	"  --spin SECONDS          use so much CPU before each answer (such as 0.001)\n"
	"  --grace SECONDS         for connections when it is stopped (default: 5)\n"
	"  --json                  print address, model, workers and driver as JSON\n"
	"  --help                  this text\n"
	"\n"
	"Exit status: 0 done, 1 failed, 2 wrong usage.\n";

static int take_options(struct echo *echo, int argc, char **argv)
{
	static const struct cmd_syntax syntax = {
		.name = NAME, .help = help, .operands_max = 1, .operands = "one address at a time"};
	const struct cmd_option options[] = {
		CMD_OPTION("model", CMD_CHOICE, &echo->model, .choices = weft__cmd_models()),
		CMD_OPTION("driver", CMD_TEXT, &echo->run.driver, .choices = weft__cmd_drivers()),
		CMD_OPTION("workers", CMD_COUNT, &echo->run.workers, .max = WEFT_WORKERS_MAX),
		CMD_OPTION("size", CMD_COUNT, &echo->serve.size, .max = CMD_MODEL_SIZE_MAX),
		CMD_OPTION("connections", CMD_COUNT, &echo->serve.connections_max,
			.max = WEFT_FIBERS_MAX),
		CMD_OPTION("spin", CMD_SECONDS, &echo->spin_ns),
		CMD_OPTION("grace", CMD_SECONDS, &echo->serve.grace_ns, .zero_ns = -1),
		CMD_OPTION("json", CMD_FLAG, &echo->is_json),
		CMD_OPTIONS_END,
	};
	int status = weft__cmd_parse(&syntax, options, argc, argv);

	if (status)
		return status;
	if (optind < argc)
		echo->address = argv[optind];
	echo->serve.model = weft_serve_model_at(echo->model);
	return weft__cmd_model_fits(NAME, echo->model, &echo->run);
}

/* ---- The handler ----------------------------------------------------------------------------- */

/* CPU time, not time: a thread that waits for a CPU computes nothing meanwhile. */
static int64_t cpu_now(void)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return WEFT_SECONDS(now.tv_sec) + now.tv_nsec;
}

static void spin(int64_t duration_ns)
{
	int64_t end_ns = cpu_now() + duration_ns;

	while (cpu_now() < end_ns)
		;
}

static int talk(struct weft_stream *peer, void *arg)
{
	const struct echo *echo = arg;
	const char *data;
	ssize_t len;

	while ((len = weft_stream_peek(peer, 1, &data)) > 0) {
		if (echo->spin_ns)
			spin(echo->spin_ns);
		if (weft_stream_write_all(peer, data, (size_t)len) < 0 ||
			weft_stream_flush(peer) < 0)
			return -1;
		weft_stream_consume(peer, (size_t)len);
	}
	return (int)len;
}

/* ---- Serving ----------------------------------------------------------------------------------
 */

static void say_where(const struct echo *echo)
{
	char text[WEFT_ADDRESS_TEXT_MAX];

	weft_address_print(weft_listener_address(echo->listener), text, sizeof(text));
	if (echo->is_json)
		printf("{\"echo\": \"%s\", \"model\": \"%s\", \"workers\": %u, \"driver\": "
		       "\"%s\"}\n",
			text, echo->serve.model, weft_worker_count(), weft_driver_name());
	else
		printf("weft " WEFT_VERSION
		       " echoes\n  address  %s\n  model    %s\n  stop     Ctrl-C\n",
			text, echo->serve.model);
	fflush(stdout);
}

static void stop(void *arg)
{
	struct echo *echo = arg;

	weft_serve_stop(echo->listener);
}

/* The first fiber. */
static int serve_until_stopped(void *arg)
{
	struct echo *echo = arg;
	weft_fiber_id stopper;
	int status = weft__cmd_listen(NAME, "", echo->address, NULL, &echo->listener);

	if (status)
		return status;
	stopper = weft__cmd_on_stop(stop, echo);
	if (!stopper) {
		status = weft__cmd_fail(NAME, "can't start: %s.", strerror(errno));
	} else {
		say_where(echo);
		if (weft_serve(echo->listener, talk, echo, &echo->serve) < 0)
			status = weft__cmd_fail(NAME, "can't go on: %s.", strerror(errno));
		weft__cmd_unstop(stopper);
	}
	weft_listener_free(echo->listener);
	return status;
}

int weft__cmd_echo(int argc, char **argv)
{
	struct echo echo = {.address = DEFAULT_ADDRESS};
	int status = take_options(&echo, argc, argv);

	if (status)
		return status == CMD_HELPED ? CMD_DONE : status;
	weft__cmd_raise_descriptor_limit();
	return weft__cmd_run(NAME, &echo.run, serve_until_stopped, &echo);
}
