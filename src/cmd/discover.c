/*
 * discover.c - `weft discover`: prints what is announced on the local network.
 *
 * Entry point: weft__cmd_discover().
 *
 * Never: prints a name as it came; names are text from strangers.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "service.h"
#include "weft/discover.h"
#include "weft/scope.h"

#define NAME "discover"

struct discover {
	struct weft_discovery_options options;
	unsigned udp_port;
	bool is_watching, is_json;

	struct weft_discovery *discovery;
	weft_fiber_id runner;
	bool is_stopped;
};

static const char help[] =
	"usage: weft discover [OPTION]...\n"
	"\n"
	"Ask the local networks what is announced there (weft announce), and print name,\n"
	"service and address of each that answers. Nobody proves who he is.\n"
	"\n"
	"  --service SERVICE    look for this one only\n"
	"  --timeout SECONDS    wait so long for answers (default: 2)\n"
	"  --watch              go on until Ctrl-C (or --timeout), and tell who comes and goes\n"
	"  --port-announce N    UDP port of announcements (default: 29474)\n"
	"  --json               print a list as JSON; with --watch, an object on each line\n"
	"  --help               this text\n"
	"\n"
	"Exit status: 0 done, 1 failed or nobody answered, 2 wrong usage.\n";

static int take_options(struct discover *discover, int argc, char **argv)
{
	static const struct cmd_syntax syntax = {.name = NAME, .help = help};
	const struct cmd_option options[] = {
		CMD_OPTION("service", CMD_TEXT, &discover->options.service),
		CMD_OPTION("timeout", CMD_SECONDS, &discover->options.timeout_ns),
		CMD_OPTION("watch", CMD_FLAG, &discover->is_watching),
		CMD_OPTION("port-announce", CMD_COUNT, &discover->udp_port, .max = UINT16_MAX),
		CMD_OPTION("json", CMD_FLAG, &discover->is_json),
		CMD_OPTIONS_END,
	};
	int status = weft__cmd_parse(&syntax, options, argc, argv);

	discover->options.udp_port = (uint16_t)discover->udp_port;
	return status;
}

static int fail(const struct discover *discover)
{
	if (errno == EINVAL)
		return weft__cmd_usage(NAME,
			"a service is 1 to %d letters, digits, '-', '_' and '.', not \"%s\".",
			WEFT_DISCOVER_SERVICE_MAX, discover->options.service);
	if (errno == EADDRINUSE)
		return weft__cmd_fail(NAME, "another program has UDP port %u for itself.",
			discover->udp_port ? discover->udp_port : WEFT_DISCOVER_PORT);
	return weft__cmd_fail(NAME, "can't go on: %s.", strerror(errno));
}

/* ---- Printing ------------------------------------------------------------------------------- */

static void print_json(const struct weft_discovered *found)
{
	char host[INET_ADDRSTRLEN];

	fputs("\"name\": ", stdout);
	weft__cmd_print_json_text(found->name);
	printf(", \"service\": \"%s\", \"port\": %u, \"instance\": \"%016" PRIx64
	       "\", \"addresses\": [",
		found->service, found->port, found->instance);
	for (unsigned i = 0; i < found->address_count; i++)
		printf("%s\"%s\"", i ? ", " : "",
			inet_ntop(AF_INET, &found->addresses[i], host, sizeof(host)));
	fputs("]}", stdout);
}

/* The other addresses of a host stand below its first. */
static void print_line(const char *lead, const struct weft_discovered *found)
{
	char host[INET_ADDRSTRLEN];

	fputs(lead, stdout);
	weft__cmd_print_visible(found->name, 31);
	printf(" %-15s", found->service);
	for (unsigned i = 0; i < found->address_count; i++) {
		if (i)
			printf("%*s", (int)strlen(lead) + 31 + 16, "");
		printf(" %s:%u\n", inet_ntop(AF_INET, &found->addresses[i], host, sizeof(host)),
			found->port);
	}
}

static void print_list(
	const struct discover *discover, const struct weft_discovered *found, int count)
{
	if (discover->is_json)
		putchar('[');
	else if (count)
		printf("%-31s %-15s %s\n", "NAME", "SERVICE", "ADDRESS");
	for (int i = 0; i < count; i++) {
		if (discover->is_json) {
			fputs(i ? ",\n {" : "{", stdout);
			print_json(&found[i]);
		} else {
			print_line("", &found[i]);
		}
	}
	if (discover->is_json)
		puts("]");
}

static void print_event(const struct discover *discover, const struct weft_discovery_event *event)
{
	static const char *const kinds[] = {
		[WEFT_DISCOVERY_CAME] = "came",
		[WEFT_DISCOVERY_CHANGED] = "changed",
		[WEFT_DISCOVERY_LEFT] = "left",
		[WEFT_DISCOVERY_EXPIRED] = "expired",
	};
	char lead[16];

	if (discover->is_json) {
		printf("{\"event\": \"%s\", ", kinds[event->kind]);
		print_json(&event->found);
		putchar('\n');
	} else {
		snprintf(lead, sizeof(lead), "%-8s", kinds[event->kind]);
		print_line(lead, &event->found);
	}
	fflush(stdout);
}

/* ---- Asking --------------------------------------------------------------------------------- */

static int discover_once(const struct discover *discover)
{
	int64_t timeout_ns = discover->options.timeout_ns;
	struct weft_discovered *found = calloc(WEFT_DISCOVER_INSTANCES_MAX, sizeof(*found));
	int status = CMD_DONE, count = -1;

	if (found)
		count = weft_discover(&discover->options, found, WEFT_DISCOVER_INSTANCES_MAX);
	if (count < 0)
		status = fail(discover);
	else
		print_list(discover, found, count);
	if (count == 0)
		status = weft__cmd_fail(NAME, "nobody answered within %.3g s.",
			timeout_ns ? (double)timeout_ns / 1e9 : 2.0);
	free(found);
	return status;
}

static int run_watch(void *arg)
{
	struct discover *discover = arg;
	int64_t timeout_ns = discover->options.timeout_ns;
	struct weft_discovery_event event;

	WEFT_WITH_TIMEOUT (timeout_ns ? timeout_ns : WEFT_FOREVER)
		while (weft_discovery_next(discover->discovery, &event) == 0) {
			print_event(discover, &event);
			if (ferror(stdout))
				return CMD_FAILED; /* who read it has gone */
		}
	return errno == ECANCELED || errno == ETIMEDOUT ? CMD_DONE : fail(discover);
}

static void stop(void *arg)
{
	struct discover *discover = arg;

	discover->is_stopped = true;
	if (discover->runner)
		weft_cancel(discover->runner);
}

/* The first fiber. */
static int watch_until_stopped(void *arg)
{
	struct discover *discover = arg;
	int status = CMD_DONE;
	weft_fiber_id stopper;

	discover->discovery = weft_discovery_new(&discover->options);
	if (!discover->discovery)
		return fail(discover);
	/* First: whoever reads our first event may send a signal at once. */
	stopper = weft__cmd_on_stop(stop, discover);
	if (stopper && !discover->is_stopped)
		discover->runner = weft_spawn(run_watch, discover);
	if (discover->runner)
		weft_join(discover->runner, &status, WEFT_FOREVER);
	else if (!discover->is_stopped)
		status = weft__cmd_fail(NAME, "can't start: %s.", strerror(errno));
	if (stopper)
		weft__cmd_unstop(stopper);
	weft_discovery_free(discover->discovery);
	return status;
}

int weft__cmd_discover(int argc, char **argv)
{
	const struct weft_run_options one = {.workers = 1};
	struct discover discover = {0};
	int status = take_options(&discover, argc, argv);

	if (status)
		return status == CMD_HELPED ? CMD_DONE : status;
	if (!discover.is_watching)
		return discover_once(&discover);
	return weft__cmd_run(NAME, &one, watch_until_stopped, &discover);
}
