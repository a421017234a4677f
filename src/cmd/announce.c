/*
 * announce.c - `weft announce`: tells the local network what this host offers, until Ctrl-C.
 *
 * Entry point: weft__cmd_announce().
 *
 * Never: says anything of the offer that the options don't.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "service.h"
#include "weft/discover.h"

#define NAME "announce"

struct announce {
	struct weft_announcer_options options;
	unsigned port, udp_port;
	bool is_json;

	struct weft_announcer *announcer;
	weft_fiber_id runner;
};

static const char help[] =
	"usage: weft announce NAME --port N [OPTION]...\n"
	"\n"
	"Tell every local network that something called NAME is at port N of this host, and\n"
	"answer those who ask (weft discover), until Ctrl-C.\n"
	"\n"
	"  --port N             the port of what is offered\n"
	"  --service SERVICE    what it is: http, ftp, ... (default: weft)\n"
	"  --interval SECONDS   between announcements (default: 5)\n"
	"  --expiry SECONDS     how long each counts (default: three intervals and a second)\n"
	"  --port-announce N    UDP port of announcements (default: 29474)\n"
	"  --json               print what is announced as JSON\n"
	"  --help               this text\n"
	"\n"
	"Stop it with Ctrl-C or SIGTERM: it says goodbye first. Exit status: 0 done, 1 failed,\n"
	"2 wrong usage.\n";

static int take_options(struct announce *announce, int argc, char **argv)
{
	static const struct cmd_syntax syntax = {
		.name = NAME, .help = help, .operands_max = 1, .operands = "one name at a time"};
	struct weft_announcer_options *to = &announce->options;
	const struct cmd_option options[] = {
		CMD_OPTION("port", CMD_COUNT, &announce->port, .max = UINT16_MAX),
		CMD_OPTION("service", CMD_TEXT, &to->service),
		CMD_OPTION("interval", CMD_SECONDS, &to->interval_ns),
		CMD_OPTION("expiry", CMD_SECONDS, &to->expiry_ns),
		CMD_OPTION("port-announce", CMD_COUNT, &announce->udp_port, .max = UINT16_MAX),
		CMD_OPTION("json", CMD_FLAG, &announce->is_json),
		CMD_OPTIONS_END,
	};
	int status = weft__cmd_parse(&syntax, options, argc, argv);

	if (status)
		return status;
	if (optind == argc)
		return weft__cmd_usage(NAME, "what is it called?");
	if (!announce->port)
		return weft__cmd_usage(NAME, "at which port is it? --port N says so.");
	to->name = argv[optind];
	to->port = (uint16_t)announce->port;
	to->udp_port = (uint16_t)announce->udp_port;
	return CMD_DONE;
}

static int fail_new(const struct announce *announce)
{
	switch (errno) {
	case EINVAL:
		return weft__cmd_usage(NAME,
			"a name is 1 to %d bytes of UTF-8, a service 1 to %d letters, digits, '-', "
			"'_' and '.'; an interval is 10 ms to an hour, and so is an expiry.",
			WEFT_DISCOVER_NAME_MAX, WEFT_DISCOVER_SERVICE_MAX);
	case EADDRINUSE:
		return weft__cmd_fail(NAME, "another program has UDP port %u for itself.",
			announce->udp_port ? announce->udp_port : WEFT_DISCOVER_PORT);
	default:
		return weft__cmd_fail(NAME, "can't start: %s.", strerror(errno));
	}
}

static void print_facts(const struct announce *announce)
{
	const struct weft_announcer_options *options = &announce->options;
	const char *service = options->service ? options->service : "weft";
	unsigned udp_port = announce->udp_port ? announce->udp_port : WEFT_DISCOVER_PORT;

	if (announce->is_json) {
		fputs("{\"name\": ", stdout);
		weft__cmd_print_json_text(options->name);
		printf(", \"service\": \"%s\", \"port\": %u, \"instance\": \"%016" PRIx64
		       "\", \"udp_port\": %u}\n",
			service, announce->port, weft_announcer_instance(announce->announcer),
			udp_port);
	} else {
		puts("weft " WEFT_VERSION " announces");
		printf("  %-8s ", "name");
		weft__cmd_print_visible(options->name, 0);
		printf("\n  %-8s %s, port %u\n", "service", service, announce->port);
		printf("  %-8s every local network, UDP port %u\n", "to", udp_port);
		printf("  %-8s Ctrl-C\n", "stop");
	}
	fflush(stdout);
}

static int run_announcer(void *arg)
{
	struct announce *announce = arg;

	weft_announcer_run(announce->announcer);
	return errno == ECANCELED ? CMD_DONE
				  : weft__cmd_fail(NAME, "can't go on: %s.", strerror(errno));
}

static void stop(void *arg)
{
	struct announce *announce = arg;

	weft_cancel(announce->runner);
}

/* The first fiber. */
static int announce_until_stopped(void *arg)
{
	struct announce *announce = arg;
	weft_fiber_id stopper;
	int status = CMD_FAILED;

	announce->announcer = weft_announcer_new(&announce->options);
	if (!announce->announcer)
		return fail_new(announce);
	announce->runner = weft_spawn(run_announcer, announce);
	stopper = announce->runner ? weft__cmd_on_stop(stop, announce) : 0;
	if (!stopper) {
		weft__cmd_fail(NAME, "can't start: %s.", strerror(errno));
		weft_cancel(announce->runner);
	} else {
		print_facts(announce);
	}
	if (announce->runner)
		weft_join(announce->runner, stopper ? &status : NULL, WEFT_FOREVER);
	if (stopper)
		weft__cmd_unstop(stopper);
	weft_announcer_free(announce->announcer);
	return status;
}

int weft__cmd_announce(int argc, char **argv)
{
	const struct weft_run_options one = {.workers = 1};
	struct announce announce = {0};
	int status = take_options(&announce, argc, argv);

	if (status)
		return status == CMD_HELPED ? CMD_DONE : status;
	return weft__cmd_run(NAME, &one, announce_until_stopped, &announce);
}
