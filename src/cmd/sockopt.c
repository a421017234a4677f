/*
 * sockopt.c - `weft sockopt`: makes a socket, and shows what it is and all of its options.
 *
 * Entry point: weft__cmd_sockopt(). Showing is sockopt_show.c's.
 *
 *	options -> socket -> --set -> connect or bind -> --set that had to wait -> show
 *
 * Never: knows an option by itself; the table is the library's.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "options.h"
#include "service.h"
#include "sockopt.h"
#include "weft/scope.h"
#include "weft/socket.h"
#include "weft/sockopt.h"

#define NAME "sockopt"

/** Seconds to connect in, when --timeout says nothing. */
#define CONNECT_TIMEOUT_S 10

struct sockopt {
	const char *host_port;
	struct cmd_texts set; /* NAME=VALUE */
	int64_t timeout_ns;
	bool is_udp, is_listening, is_all, is_json;

	int fd;   /* -1: none */
	int code; /* why it is neither connected nor bound */
	bool was_set[CMD_TEXTS_MAX];
};

static const char help[] =
	"usage: weft sockopt HOST:PORT [OPTION]...\n"
	"\n"
	"Connect to HOST:PORT, and print what the socket is (family, type, names) and every\n"
	"option of it: name, value, and what that is. unix:/PATH is a Unix socket.\n"
	"\n"
	"  --listen           bind to the address and listen there, instead of connecting\n"
	"  --udp              datagrams: a UDP socket (with --listen: bound), or a Unix one\n"
	"  --set NAME=VALUE   set an option first, such as TCP_NODELAY=on, SO_LINGER=5,\n"
	"                     SO_RCVTIMEO=1.5, TCP_CONGESTION=cubic; may be given several times\n"
	"  --all              show the options of other protocols, too\n"
	"  --timeout SECONDS  to connect in (default: 10)\n"
	"  --json             print all of it as JSON\n"
	"  --help             this text\n"
	"\n"
	"What can't be read says why in brackets: perhaps this kernel has no such option.\n"
	"Exit status: 0 done, 1 failed, 2 wrong usage.\n";

/* ---- The command line ------------------------------------------------------------------ */

static int take_options(struct sockopt *sockopt, int argc, char **argv)
{
	static const struct cmd_syntax syntax = {
		.name = NAME, .help = help, .operands_max = 1, .operands = "one address at a time"};
	const struct cmd_option options[] = {
		CMD_OPTION("listen", CMD_FLAG, &sockopt->is_listening),
		CMD_OPTION("udp", CMD_FLAG, &sockopt->is_udp),
		CMD_OPTION("set", CMD_TEXTS, &sockopt->set),
		CMD_OPTION("all", CMD_FLAG, &sockopt->is_all),
		CMD_OPTION("timeout", CMD_SECONDS, &sockopt->timeout_ns),
		CMD_OPTION("json", CMD_FLAG, &sockopt->is_json),
		CMD_OPTIONS_END,
	};
	int status = weft__cmd_parse(&syntax, options, argc, argv);

	if (status)
		return status;
	if (optind == argc)
		return weft__cmd_usage(NAME, "which address? It takes HOST:PORT or unix:/PATH.");
	sockopt->host_port = argv[optind];
	return CMD_DONE;
}

/* The option and the value of "NAME=VALUE"; NULL after a complaint. */
static const struct weft_sockopt *read_setting(
	const char *setting, struct weft_sockopt_value *ret_value)
{
	const char *equals = strchr(setting, '=');
	const struct weft_sockopt *option;
	char name[64];

	if (!equals || (size_t)(equals - setting) >= sizeof(name)) {
		weft__cmd_usage(NAME, "--set takes NAME=VALUE, not \"%s\".", setting);
		return NULL;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(equals - setting), setting);
	option = weft_sockopt_find(name);
	if (!option)
		weft__cmd_usage(NAME, "there is no option \"%s\".", name);
	else if (option->is_read_only)
		weft__cmd_usage(NAME, "%s can only be read.", name);
	else if (weft_sockopt_parse(option, equals + 1, ret_value) < 0)
		weft__cmd_usage(NAME, "\"%s\" is no value of %s.", equals + 1, name);
	else
		return option;
	return NULL;
}

static int check_settings(const struct sockopt *sockopt)
{
	struct weft_sockopt_value value;

	for (unsigned i = 0; i < sockopt->set.count; i++)
		if (!read_setting(sockopt->set.items[i], &value))
			return CMD_USAGE;
	return CMD_DONE;
}

/* ---- The socket --------------------------------------------------------------------------- */

/* Those that need a connection are left for later, when there will be one. */
static int apply_settings(struct sockopt *sockopt, bool is_later)
{
	for (unsigned i = 0; i < sockopt->set.count; i++) {
		struct weft_sockopt_value value;
		const struct weft_sockopt *option = read_setting(sockopt->set.items[i], &value);

		if (!option)
			return CMD_USAGE;
		if (sockopt->was_set[i])
			continue;
		if (weft_sockopt_set(sockopt->fd, option->name, &value) == 0)
			sockopt->was_set[i] = true;
		else if (is_later || errno != ENOTCONN)
			return weft__cmd_fail(NAME, "can't set %s: %s.", option->name,
				errno == ENOPROTOOPT || errno == EOPNOTSUPP
					? "the kernel, or this kind of socket, has no such option"
					: strerror(errno));
	}
	return CMD_DONE;
}

/* 0, or -1 with errno. */
static int attach(struct sockopt *sockopt, const struct weft_address *address)
{
	int code = -1;

	if (sockopt->is_listening) {
		code = weft_bind(sockopt->fd, &address->any, address->len);
		return code == 0 && !sockopt->is_udp ? weft_listen(sockopt->fd, SOMAXCONN) : code;
	}
	WEFT_WITH_TIMEOUT (sockopt->timeout_ns)
		code = weft_connect(sockopt->fd, &address->any, address->len);
	return code;
}

/* A new socket at that address. Where it can't be attached there, code says why. */
static int open_at(struct sockopt *sockopt, const struct weft_address *address)
{
	int status;

	if (sockopt->fd >= 0)
		weft_close(sockopt->fd);
	memset(sockopt->was_set, 0, sizeof(sockopt->was_set));
	sockopt->fd = weft_socket(
		weft_address_family(address), sockopt->is_udp ? SOCK_DGRAM : SOCK_STREAM, 0);
	if (sockopt->fd < 0) {
		sockopt->code = errno; /* this machine may have no such family */
		return CMD_DONE;
	}
	status = apply_settings(sockopt, false);
	if (status)
		return status;
	sockopt->code = attach(sockopt, address) < 0 ? errno : 0;
	return sockopt->code ? CMD_DONE : apply_settings(sockopt, true);
}

static int open_socket(struct sockopt *sockopt)
{
	struct weft_address addresses[WEFT_ADDRESS_RESOLVE_MAX];
	char text[WEFT_ADDRESS_TEXT_MAX] = "";
	int count = weft_address_resolve(addresses, WEFT_ADDRESS_RESOLVE_MAX, sockopt->host_port);

	if (count < 0 && (errno == EINVAL || errno == ENAMETOOLONG))
		return weft__cmd_usage(NAME,
			"an address is HOST:PORT, such as 127.0.0.1:8080, or unix:/PATH, not "
			"\"%s\".",
			sockopt->host_port);
	if (count < 0)
		return weft__cmd_fail_resolve(NAME, "", sockopt->host_port);
	for (int i = 0; i < count; i++) {
		int status = open_at(sockopt, &addresses[i]);

		if (status || !sockopt->code)
			return status;
		weft_address_print(&addresses[i], text, sizeof(text));
	}
	return weft__cmd_fail(NAME, "can't %s %s: %s.",
		sockopt->is_listening ? "listen on" : "connect to", text, strerror(sockopt->code));
}

int weft__cmd_sockopt(int argc, char **argv)
{
	struct sockopt sockopt = {.fd = -1, .timeout_ns = WEFT_SECONDS(CONNECT_TIMEOUT_S)};
	int status = take_options(&sockopt, argc, argv);

	if (status)
		return status == CMD_HELPED ? CMD_DONE : status;
	status = check_settings(&sockopt);
	if (!status)
		status = open_socket(&sockopt);
	if (!status)
		status = weft__sockopt_show(sockopt.fd, sockopt.is_all, sockopt.is_json);
	if (sockopt.fd >= 0)
		weft_close(sockopt.fd);
	return status;
}
