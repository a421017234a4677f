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
#include <math.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "weft/fiber.h"
#include "weft/http.h"
#include "weft/signal.h"

#define NAME         "serve"
#define DEFAULT_HTTP "127.0.0.1:8080"

/** Descriptors asked for at most: a connection takes one. */
#define DESCRIPTORS_MAX 1048576

/** Longest time that an option can set. */
#define SECONDS_MAX 86400

struct serve {
	/* What the command line says. */
	const char *dir;
	const char *http;       /* HOST:PORT, or "none" */
	const char *access_log; /* path, "-", "none"; NULL: "-" on a terminal */
	struct weft_run_options run;
	struct weft_http_server_options server_options;
	struct weft_http_files_options files_options;
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
	"  --connections N         connections at once; more wait (default: no bound)\n"
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

enum {
	OPTION_HTTP = 256,
	OPTION_NO_LISTING,
	OPTION_ACCESS_LOG,
	OPTION_WORKERS,
	OPTION_DRIVER,
	OPTION_CONNECTIONS,
	OPTION_HEADER_TIMEOUT,
	OPTION_IDLE_TIMEOUT,
	OPTION_WRITE_TIMEOUT,
	OPTION_GRACE,
	OPTION_JSON,
	OPTION_HELP,
};

static const struct option options[] = {
	{"http", required_argument, NULL, OPTION_HTTP},
	{"no-listing", no_argument, NULL, OPTION_NO_LISTING},
	{"access-log", required_argument, NULL, OPTION_ACCESS_LOG},
	{"workers", required_argument, NULL, OPTION_WORKERS},
	{"driver", required_argument, NULL, OPTION_DRIVER},
	{"connections", required_argument, NULL, OPTION_CONNECTIONS},
	{"header-timeout", required_argument, NULL, OPTION_HEADER_TIMEOUT},
	{"idle-timeout", required_argument, NULL, OPTION_IDLE_TIMEOUT},
	{"write-timeout", required_argument, NULL, OPTION_WRITE_TIMEOUT},
	{"grace", required_argument, NULL, OPTION_GRACE},
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

static const char *option_name(int option)
{
	for (size_t i = 0; options[i].name; i++)
		if (options[i].val == option)
			return options[i].name;
	return "?";
}

static int take_count(int option, unsigned max, unsigned *ret_count)
{
	char *end;
	unsigned long count;

	errno = 0;
	count = strtoul(optarg, &end, 10);
	if (errno || end == optarg || *end || optarg[0] == '-' || count < 1 || count > max)
		return weft__cmd_usage(NAME, "--%s takes a number from 1 to %u, not \"%s\".",
			option_name(option), max, optarg);
	*ret_count = (unsigned)count;
	return CMD_DONE;
}

/* Zero is "none" where none_ns is given, else refused: to the library 0 means its default. */
static int take_seconds(int option, int64_t none_ns, int64_t *ret_ns)
{
	char *end;
	double seconds = strtod(optarg, &end);

	if (end == optarg || *end || !isfinite(seconds) || seconds < 0 || seconds > SECONDS_MAX ||
		(seconds == 0 && none_ns == 0))
		return weft__cmd_usage(NAME, "--%s takes seconds, up to a day, not \"%s\".",
			option_name(option), optarg);
	*ret_ns = seconds > 0 ? (int64_t)(seconds * 1e9) : none_ns;
	return CMD_DONE;
}

static int take_option(struct serve *serve, int option)
{
	struct weft_http_server_options *server = &serve->server_options;

	switch (option) {
	case OPTION_HTTP:
		serve->http = optarg;
		return CMD_DONE;
	case OPTION_NO_LISTING:
		serve->files_options.no_listing = true;
		return CMD_DONE;
	case OPTION_ACCESS_LOG:
		serve->access_log = optarg;
		return CMD_DONE;
	case OPTION_WORKERS:
		return take_count(option, WEFT_WORKERS_MAX, &serve->run.workers);
	case OPTION_DRIVER:
		serve->run.driver = optarg;
		return CMD_DONE;
	case OPTION_CONNECTIONS:
		return take_count(option, WEFT_FIBERS_MAX, &server->connections_max);
	case OPTION_HEADER_TIMEOUT:
		return take_seconds(option, 0, &server->header_timeout_ns);
	case OPTION_IDLE_TIMEOUT:
		return take_seconds(option, 0, &server->idle_timeout_ns);
	case OPTION_WRITE_TIMEOUT:
		return take_seconds(option, 0, &server->write_timeout_ns);
	case OPTION_GRACE:
		return take_seconds(option, -1, &server->grace_ns);
	case OPTION_JSON:
		serve->is_json = true;
		return CMD_DONE;
	default:
		return CMD_USAGE;
	}
}

/* What getopt_long(3) does not know; before is the argument in front of the next one. */
static int refuse_option(const char *before)
{
	if (optopt >= OPTION_HTTP)
		return weft__cmd_usage(NAME, "--%s takes no value.", option_name(optopt));
	/* Of "-xy", it has looked at x only, and before is still the one in front of it. */
	if (optopt)
		return weft__cmd_usage(NAME, "there is no option -%c.", optopt);
	return weft__cmd_usage(NAME, "there is no option %s.", before);
}

/* Returns CMD_DONE to go on, else the status to end with; *ret_is_help after --help. */
static int take_options(struct serve *serve, int argc, char **argv, bool *ret_is_help)
{
	int option, status;

	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option == OPTION_HELP) {
			*ret_is_help = true;
			return CMD_DONE;
		}
		if (option == ':')
			return weft__cmd_usage(NAME, "%s wants a value.", argv[optind - 1]);
		if (option == '?')
			return refuse_option(argv[optind - 1]);
		status = take_option(serve, option);
		if (status)
			return status;
	}
	if (argc - optind > 1)
		return weft__cmd_usage(
			NAME, "one folder at a time: what is \"%s\"?", argv[optind + 1]);
	if (optind < argc)
		serve->dir = argv[optind];
	if (strcmp(serve->http, "none") == 0)
		return weft__cmd_usage(NAME, "--http none closes the only door.");
	return CMD_DONE;
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

static void print_json_text(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			printf("\\u%04x", *text);
		else
			putchar(*text);
	}
	putchar('"');
}

static void print_json(const struct serve *serve, const struct weft_address *address)
{
	char text[WEFT_ADDRESS_TEXT_MAX];

	weft_address_print(address, text, sizeof(text));
	printf("{\"http\": \"%s\", \"folder\": ", text);
	print_json_text(serve->folder);
	printf(", \"workers\": %u, \"driver\": \"%s\"}\n", weft_worker_count(), weft_driver_name());
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
	printf("  %-8s %u (driver %s)\n", "workers", weft_worker_count(), weft_driver_name());
	printf("  %-8s Ctrl-C\n", "stop");
	fflush(stdout);
}

/* ---- Serving -------------------------------------------------------------------------------- */

static int fail_resolve(const char *http)
{
	switch (errno) {
	case EINVAL:
	case ENAMETOOLONG:
		return weft__cmd_usage(NAME,
			"--http takes HOST:PORT, such as " DEFAULT_HTTP ", not \"%s\".", http);
	case ENOENT:
	case ENODEV:
		return weft__cmd_usage(
			NAME, "there is no host, interface or port called \"%s\".", http);
	default:
		return weft__cmd_fail(NAME, "can't look up \"%s\": %s.", http, strerror(errno));
	}
}

static int fail_listen(const char *address)
{
	switch (errno) {
	case EADDRINUSE:
		if (strncmp(address, "unix:/", 6) == 0)
			return weft__cmd_fail(NAME,
				"there is something at %s already. If no program listens there, "
				"remove it.",
				address + 5);
		return weft__cmd_fail(NAME,
			"%s is in use by another program. Choose another with --http HOST:PORT.",
			address);
	case EADDRNOTAVAIL:
		return weft__cmd_fail(NAME, "%s is not an address of this machine.", address);
	case EACCES:
		return weft__cmd_fail(NAME,
			"listening on %s is not allowed. Ports below 1024 need a privilege.",
			address);
	default:
		return weft__cmd_fail(NAME, "can't listen on %s: %s.", address, strerror(errno));
	}
}

/* Ends the server at the first signal. The second one does what signals do: it kills. */
static int stop_on_signal(void *arg)
{
	static const int signals[] = {SIGINT, SIGTERM};
	struct serve *serve = arg;

	if (weft_signal_wait(signals, sizeof(signals) / sizeof(signals[0])) < 0)
		return -1;
	if (!serve->is_json && isatty(STDOUT_FILENO))
		puts("\nStopping; downloads under way are finished first. Ctrl-C ends them.");
	fflush(stdout);
	weft_http_server_stop(serve->server);
	return 0;
}

/*
 * Returns when signals are waited for: whoever reads our first line may send one at once.
 * The fiber is on this worker, so that a yield gets it as far as its wait.
 */
static weft_fiber_id start_stopper(struct serve *serve)
{
	struct weft_spawn_options spawn_options = {
		.name = "stopper", .worker = 1 + (unsigned)weft_worker_index()};
	weft_fiber_id stopper = weft_spawn_with(&spawn_options, stop_on_signal, serve);

	weft_yield();
	return stopper;
}

/* The first fiber. */
static int serve_until_stopped(void *arg)
{
	struct serve *serve = arg;
	struct weft_address address;
	struct weft_listener *listener;
	char text[WEFT_ADDRESS_TEXT_MAX];
	weft_fiber_id stopper;
	int status = CMD_DONE;

	if (weft_address_resolve(&address, 1, serve->http) < 0)
		return fail_resolve(serve->http);
	weft_address_print(&address, text, sizeof(text));
	listener = weft_listener_new(text, NULL);
	if (!listener)
		return fail_listen(text);
	stopper = start_stopper(serve);
	if (!stopper) {
		status = weft__cmd_fail(NAME, "can't start: %s.", strerror(errno));
	} else {
		print_facts(serve, weft_listener_address(listener));
		if (weft_http_server_run(serve->server, listener) < 0)
			status = weft__cmd_fail(NAME, "can't go on: %s.", strerror(errno));
		weft_cancel(stopper);
		weft_join(stopper, NULL, WEFT_FOREVER);
	}
	weft_listener_free(listener);
	return status;
}

/* ---- Setting up ---------------------------------------------------------------------------------
 */

/* A connection is a descriptor, and the usual limit of 1024 is for programs that use select(2). */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (limit.rlim_cur < limit.rlim_max && limit.rlim_cur < DESCRIPTORS_MAX) {
		limit.rlim_cur =
			limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

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

static int run(struct serve *serve)
{
	const char *driver = serve->run.driver;
	int status = weft_run(&serve->run, serve_until_stopped, serve);

	if (status >= 0)
		return status;
	if (errno == EINVAL && driver)
		return weft__cmd_usage(NAME, "there is no driver \"%s\".", driver);
	driver = getenv("WEFT_DRIVER");
	if (errno == EINVAL && driver)
		return weft__cmd_usage(
			NAME, "there is no driver \"%s\", which WEFT_DRIVER names.", driver);
	return weft__cmd_fail(NAME, "can't start the workers: %s.", strerror(errno));
}

int weft__cmd_serve(int argc, char **argv)
{
	struct serve serve = {.dir = ".", .http = DEFAULT_HTTP};
	bool is_help = false;
	int status = take_options(&serve, argc, argv, &is_help);

	if (is_help) {
		fputs(help, stdout);
		return CMD_DONE;
	}
	if (status)
		return status;
	raise_descriptor_limit();
	status = open_folder(&serve);
	if (!status)
		status = open_log(&serve);
	if (!status)
		status = make_server(&serve);
	if (!status)
		status = run(&serve);
	weft_http_server_free(serve.server);
	weft_http_log_free(serve.log);
	weft_http_files_free(serve.files);
	free(serve.folder);
	return status;
}
