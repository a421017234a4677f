/*
 * serve.c - `weft serve`: shares a folder over HTTP until Ctrl-C.
 *
 * Entry point: weft__cmd_serve().
 *
 *	options -> folder, log -> weft_run( listener -> say where -> serve ... stop )
 *
 * Never: protocol work; that is the library's.
 */
#include "cmd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "service.h"
#include "weft/http.h"

#define NAME         "serve"
#define DEFAULT_HTTP "127.0.0.1:8080"

struct serve {
	/* What the command line says. */
	const char *dir;
	const char *http;       /* HOST:PORT, or "none" */
	const char *access_log; /* path, "-", "none"; NULL: "-" on a terminal */
	struct weft_run_options run;
	struct weft_http_server_options server_options;
	struct weft_http_files_options files_options;
	unsigned model;
	bool is_json;

	/* What is made of it. */
	char *folder; /* dir's absolute path */
	struct weft_http_files *files;
	struct weft_http_log *log;
	struct weft_http_server *server;
};

static const char help[] =
	"usage: weft serve [DIR] [OPTION]...\n"
	"\n"
	"Share the folder DIR (default: this one) over HTTP, read-only, until Ctrl-C.\n"
	"Hidden files stay hidden, and links that lead out of DIR are not followed.\n"
	"\n"
	"  --http HOST:PORT        listen there (default: " DEFAULT_HTTP ")\n"
	"                          0.0.0.0:8080 or [::]:8080: everybody who can reach this "
	"machine\n"
	"                          127.0.0.1:0: a free port; unix:/PATH: a Unix socket\n"
	"  --no-listing            do not list folders that have no index.html\n"
	"  --access-log PATH       append a line per request to PATH; -: standard output; none: "
	"none\n"
	"                          (default: - on a terminal, else none)\n"
	"  --workers N             threads that serve (default: one per core)\n"
	"  --driver NAME           how to wait for the kernel: epoll, uring, epoll-level, poll,\n"
	"                          select (default: the best)\n"
	"  --model NAME            what serves a connection: fiber, loop, thread, pool, fork,\n"
	"                          prefork (default: fiber)\n"
	"  --size N                pool, prefork: how many threads or processes\n"
	"  --connections N         connections at once; more wait, or get 503 from thread and\n"
	"                          fork (default: the model's own bound)\n"
	"  --header-timeout SECONDS  for a request to arrive (default: 10)\n"
	"  --idle-timeout SECONDS    between two requests (default: 60)\n"
	"  --write-timeout SECONDS   for a reader to take the next 256 KiB (default: 30)\n"
	"  --grace SECONDS         for downloads under way when it is stopped (default: 10)\n"
	"  --json                  print address, folder, workers and driver as JSON\n"
	"  --help                  this text\n"
	"\n"
	"Stop it with Ctrl-C or SIGTERM: downloads under way get the grace time; a second\n"
	"Ctrl-C ends it at once. Exit status: 0 done, 1 failed, 2 wrong usage.\n";

/* ---- The command line ------------------------------------------------------------------- */

static int take_options(struct serve *serve, int argc, char **argv)
{
	static const struct cmd_syntax syntax = {
		.name = NAME, .help = help, .operands_max = 1, .operands = "one folder at a time"};
	struct weft_http_server_options *server = &serve->server_options;
	const struct cmd_option options[] = {
		CMD_OPTION("http", CMD_TEXT, &serve->http),
		CMD_OPTION("no-listing", CMD_FLAG, &serve->files_options.no_listing),
		CMD_OPTION("access-log", CMD_TEXT, &serve->access_log),
		CMD_OPTION("workers", CMD_COUNT, &serve->run.workers, .max = WEFT_WORKERS_MAX),
		CMD_OPTION("driver", CMD_TEXT, &serve->run.driver),
		CMD_OPTION("model", CMD_CHOICE, &serve->model, .choices = weft__cmd_models()),
		CMD_OPTION("size", CMD_COUNT, &server->size, .max = CMD_MODEL_SIZE_MAX),
		CMD_OPTION(
			"connections", CMD_COUNT, &server->connections_max, .max = WEFT_FIBERS_MAX),
		/* To the library 0 means its default. */
		CMD_OPTION("header-timeout", CMD_SECONDS, &server->header_timeout_ns),
		CMD_OPTION("idle-timeout", CMD_SECONDS, &server->idle_timeout_ns),
		CMD_OPTION("write-timeout", CMD_SECONDS, &server->write_timeout_ns),
		CMD_OPTION("grace", CMD_SECONDS, &server->grace_ns, .zero_ns = -1),
		CMD_OPTION("json", CMD_FLAG, &serve->is_json),
		CMD_OPTIONS_END,
	};
	int status = weft__cmd_parse(&syntax, options, argc, argv);

	if (status)
		return status;
	if (optind < argc)
		serve->dir = argv[optind];
	if (strcmp(serve->http, "none") == 0)
		return weft__cmd_usage(NAME, "--http none closes the only door.");
	server->model = weft_serve_model_at(serve->model);
	return weft__cmd_model_fits(NAME, serve->model, &serve->run);
}

/* ---- Saying where ------------------------------------------------------------------------- */

/* An address for people to click on, for a host that is numeric. */
static void print_url(const char *host, unsigned port)
{
	const char *format = strchr(host, ':') ? "http://[%s]:%u/" : "http://%s:%u/";

	printf(format, host, port);
}

static bool is_wildcard(const struct weft_address *address)
{
	if (weft_address_family(address) == AF_INET)
		return address->in.sin_addr.s_addr == htonl(INADDR_ANY);
	if (weft_address_family(address) == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&address->in6.sin6_addr);
	return false;
}

/* Of a listener on all addresses: one line for each that this machine has. */
static void print_all_urls(const struct weft_address *address)
{
	struct ifaddrs *all = NULL;
	unsigned port = weft_address_port(address);
	const char *label = "address";

	if (getifaddrs(&all) < 0)
		all = NULL;
	for (struct ifaddrs *one = all; one; one = one->ifa_next) {
		char host[INET6_ADDRSTRLEN];

		/* IPv4 only: the others are long, change daily, or need a zone. */
		if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET ||
			!(one->ifa_flags & IFF_UP) ||
			!inet_ntop(AF_INET, &((struct sockaddr_in *)one->ifa_addr)->sin_addr, host,
				sizeof(host)))
			continue;
		printf("  %-8s ", label);
		print_url(host, port);
		putchar('\n');
		label = "";
	}
	freeifaddrs(all);
	if (label[0])
		printf("  %-8s http://localhost:%u/\n", label, port);
}

static void print_address(const struct weft_address *address)
{
	char text[WEFT_ADDRESS_TEXT_MAX];

	if (is_wildcard(address)) {
		print_all_urls(address);
		return;
	}
	printf("  %-8s ", "address");
	if (weft_address_family(address) == AF_UNIX) {
		weft_address_print(address, text, sizeof(text));
		puts(text);
		return;
	}
	weft_address_print_host(address, text, sizeof(text));
	print_url(text, weft_address_port(address));
	putchar('\n');
}

static void print_json(const struct serve *serve, const struct weft_address *address)
{
	char text[WEFT_ADDRESS_TEXT_MAX];

	weft_address_print(address, text, sizeof(text));
	printf("{\"http\": \"%s\", \"folder\": ", text);
	weft__cmd_print_json_text(serve->folder);
	printf(", \"workers\": %u, \"driver\": \"%s\", \"model\": \"%s\"}\n", weft_worker_count(),
		weft_driver_name(), serve->server_options.model);
	fflush(stdout);
}

static void print_facts(const struct serve *serve, const struct weft_address *address)
{
	if (serve->is_json) {
		print_json(serve, address);
		return;
	}
	puts("weft " WEFT_VERSION " serves");
	print_address(address);
	printf("  %-8s %s\n", "folder", serve->folder);
	if (serve->model == 0)
		printf("  %-8s %u (driver %s)\n", "workers", weft_worker_count(),
			weft_driver_name());
	else
		printf("  %-8s %s\n", "model", serve->server_options.model);
	printf("  %-8s Ctrl-C\n", "stop");
	fflush(stdout);
}

/* ---- Serving -------------------------------------------------------------------------------- */

static void stop(void *arg)
{
	struct serve *serve = arg;

	if (!serve->is_json && isatty(STDOUT_FILENO))
		puts("\nStopping; downloads under way are finished first. Ctrl-C ends them.");
	fflush(stdout);
	weft_http_server_stop(serve->server);
}

/* The first fiber. */
static int serve_until_stopped(void *arg)
{
	struct serve *serve = arg;
	struct weft_listener *listener;
	weft_fiber_id stopper;
	int status = weft__cmd_listen(NAME, "http", serve->http, &listener);

	if (status)
		return status;
	stopper = weft__cmd_on_stop(stop, serve);
	if (!stopper) {
		status = weft__cmd_fail(NAME, "can't start: %s.", strerror(errno));
	} else {
		print_facts(serve, weft_listener_address(listener));
		if (weft_http_server_run(serve->server, listener) < 0)
			status = weft__cmd_fail(NAME, "can't go on: %s.", strerror(errno));
		weft__cmd_unstop(stopper);
	}
	weft_listener_free(listener);
	return status;
}

/* ---- Setting up ---------------------------------------------------------------------------------
 */

static int open_folder(struct serve *serve)
{
	serve->files = weft_http_files_new(serve->dir, &serve->files_options);
	if (serve->files)
		serve->folder = realpath(serve->dir, NULL);
	if (serve->folder)
		return CMD_DONE;
	switch (errno) {
	case ENOENT:
		return weft__cmd_fail(NAME, "there is no folder \"%s\".", serve->dir);
	case ENOTDIR:
		return weft__cmd_fail(NAME, "%s is not a folder.", serve->dir);
	case ENOSYS:
		return weft__cmd_fail(NAME, "this kernel has no openat2(2); Linux 5.6 has it.");
	default:
		return weft__cmd_fail(NAME, "can't open %s: %s.", serve->dir, strerror(errno));
	}
}

static int open_log(struct serve *serve)
{
	const char *path = serve->access_log;

	if (!path)
		path = isatty(STDOUT_FILENO) && !serve->is_json ? "-" : "none";
	if (strcmp(path, "none") == 0)
		return CMD_DONE;
	serve->log = weft_http_log_new(path);
	if (!serve->log)
		return weft__cmd_fail(
			NAME, "can't open the access log \"%s\": %s.", path, strerror(errno));
	return CMD_DONE;
}

static int make_server(struct serve *serve)
{
	serve->server_options.service = &weft_http_files_service;
	serve->server_options.arg = serve->files;
	serve->server_options.access_log = serve->log;
	serve->server = weft_http_server_new(&serve->server_options);
	return serve->server ? CMD_DONE : weft__cmd_fail(NAME, "can't start: %s.", strerror(errno));
}

int weft__cmd_serve(int argc, char **argv)
{
	struct serve serve = {.dir = ".", .http = DEFAULT_HTTP};
	int status = take_options(&serve, argc, argv);

	if (status)
		return status == CMD_HELPED ? CMD_DONE : status;
	weft__cmd_raise_descriptor_limit();
	status = open_folder(&serve);
	if (!status)
		status = open_log(&serve);
	if (!status)
		status = make_server(&serve);
	if (!status)
		status = weft__cmd_run(NAME, &serve.run, serve_until_stopped, &serve);
	weft_http_server_free(serve.server);
	weft_http_log_free(serve.log);
	weft_http_files_free(serve.files);
	free(serve.folder);
	return status;
}
