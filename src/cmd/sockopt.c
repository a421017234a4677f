/*
 * sockopt.c - `weft sockopt`: makes a socket, and shows what it is and all of its options.
 *
 * Entry point: weft__cmd_sockopt().
 *
 *	options -> socket -> --set -> connect or bind -> --set that had to wait -> show
 *
 * Never: knows an option by itself; the table is the library's.
 */
#include "weft/sockopt.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "options.h"
#include "service.h"
#include "weft/scope.h"
#include "weft/socket.h"

#define NAME "sockopt"

/** Seconds to connect in, when --timeout says nothing. */
#define CONNECT_TIMEOUT_S 10

struct sockopt {
	const char *host_port;
	struct cmd_texts set; /* NAME=VALUE */
	int64_t timeout_ns;
	bool is_udp, is_listening, is_all, is_json;

	int fd; /* -1: none */
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

static int open_at(struct sockopt *sockopt, const struct weft_address *address)
{
	char text[WEFT_ADDRESS_TEXT_MAX];
	int status;

	sockopt->fd = weft_socket(
		weft_address_family(address), sockopt->is_udp ? SOCK_DGRAM : SOCK_STREAM, 0);
	if (sockopt->fd < 0)
		return weft__cmd_fail(NAME, "can't make a socket: %s.", strerror(errno));
	status = apply_settings(sockopt, false);
	if (status)
		return status;
	if (attach(sockopt, address) == 0)
		return apply_settings(sockopt, true);
	weft_address_print(address, text, sizeof(text));
	return weft__cmd_fail(NAME, "can't %s %s: %s.",
		sockopt->is_listening ? "listen on" : "connect to", text, strerror(errno));
}

static int open_socket(struct sockopt *sockopt)
{
	struct weft_address address;

	if (weft_address_resolve(&address, 1, sockopt->host_port) < 0) {
		if (errno == EINVAL || errno == ENAMETOOLONG)
			return weft__cmd_usage(NAME,
				"an address is HOST:PORT, such as 127.0.0.1:8080, or unix:/PATH, "
				"not \"%s\".",
				sockopt->host_port);
		return weft__cmd_fail_resolve(NAME, "", sockopt->host_port);
	}
	return open_at(sockopt, &address);
}

/* ---- Why an option can't be read ------------------------------------------------------------- */

/* Whether some other kind of socket has the option. */
static bool is_known_elsewhere(const struct weft_sockopt *option)
{
	static const int kinds[][3] = {{AF_INET, SOCK_STREAM, 0}, {AF_INET, SOCK_DGRAM, 0},
		{AF_INET6, SOCK_STREAM, 0}, {AF_INET6, SOCK_DGRAM, 0}, {AF_UNIX, SOCK_STREAM, 0},
		{AF_INET6, SOCK_RAW, IPPROTO_ICMPV6}};
	bool is_known = false;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && !is_known; i++) {
		int fd = weft_socket(kinds[i][0], kinds[i][1], kinds[i][2]);
		struct weft_sockopt_value value;

		if (fd < 0)
			continue; /* a raw one is not for everybody */
		is_known = weft_sockopt_get(fd, option->name, &value) == 0 ||
			   (errno != ENOPROTOOPT && errno != EOPNOTSUPP);
		weft_close(fd);
	}
	return is_known;
}

/* NULL when it was read. */
static const char *read_option(
	int fd, const struct weft_sockopt *option, struct weft_sockopt_value *ret_value)
{
	if (option->is_write_only)
		return "can only be set";
	if (weft_sockopt_get(fd, option->name, ret_value) == 0)
		return NULL;
	switch (errno) {
	case ENOTCONN:
		return "needs a connection";
	case ENOPROTOOPT:
	case EOPNOTSUPP:
		if (strstr(option->summary, "(raw)"))
			return "raw sockets only";
		return is_known_elsewhere(option) ? "not of this socket" : "not in this kernel";
	case ENODATA:
	case EINVAL:
		return "has no value now";
	default:
		return strerror(errno);
	}
}

/* Options of other protocols say nothing of this socket, even where the kernel tells them. */
static bool is_of_interest(const struct sockopt *sockopt, const struct weft_socket_facts *facts,
	const struct weft_sockopt *option)
{
	switch (sockopt->is_all ? SOL_SOCKET : option->level) {
	case IPPROTO_IP:
		return facts->family == AF_INET;
	case IPPROTO_IPV6:
		return facts->family == AF_INET6;
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		return facts->family != AF_UNIX && facts->protocol == option->level;
	default:
		return true;
	}
}

/* ---- For people --------------------------------------------------------------------------------
 */

static void print_name(const char *label, const char *name, int number)
{
	if (name)
		printf("%-9s %s\n", label, name);
	else
		printf("%-9s %d\n", label, number);
}

static void print_address(const char *label, const struct weft_address *address)
{
	char text[WEFT_ADDRESS_TEXT_MAX];

	weft_address_print(address, text, sizeof(text));
	printf("%-9s ", label);
	weft__cmd_print_visible(text, 0);
	putchar('\n');
}

static const char *state_of(const struct weft_socket_facts *facts)
{
	return facts->is_listening ? "listening" : facts->is_connected ? "connected" : "bound";
}

static void print_bytes(const char *label, int64_t bytes)
{
	if (bytes < 0)
		printf("%-9s -\n", label);
	else
		printf("%-9s %lld bytes\n", label, (long long)bytes);
}

static void print_facts(int fd, const struct weft_socket_facts *facts)
{
	print_name("family", weft_socket_family_name(facts->family), facts->family);
	print_name("type", weft_socket_type_name(facts->type), facts->type);
	print_name("protocol", weft_socket_protocol_name(facts->protocol), facts->protocol);
	printf("%-9s %d\n", "fileno", fd);
	printf("%-9s %s\n", "state", state_of(facts));
	print_address("name", &facts->name);
	print_address("peer", &facts->peer);
	printf("%-9s %s\n", "error", facts->has_error ? "pending" : "none");
	print_bytes("unread", facts->unread_bytes);
	print_bytes("unsent", facts->unsent_bytes);
}

static void print_group(const struct weft_sockopt *option, const struct weft_sockopt_group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		const char *name = weft_sockopt_field_name(option, i);

		printf("    %-34s %llu\n", name ? name : "", (unsigned long long)group->numbers[i]);
	}
}

static void print_option(int fd, const struct weft_sockopt *option)
{
	struct weft_sockopt_value value;
	const char *why = read_option(fd, option, &value);
	char text[WEFT_SOCKOPT_PRINT_MAX] = "";

	if (why)
		snprintf(text, sizeof(text), "(%s)", why);
	else if (value.kind != WEFT_SOCKOPT_GROUP)
		weft_sockopt_print(&value, text, sizeof(text));
	printf("  %-26s ", option->name);
	weft__cmd_print_visible(text, 20);
	printf(" %s\n", option->summary);
	if (!why && value.kind == WEFT_SOCKOPT_GROUP)
		print_group(option, &value.group);
}

static void print_all(const struct sockopt *sockopt, const struct weft_socket_facts *facts)
{
	const struct weft_sockopt *option;
	int level = -1;

	print_facts(sockopt->fd, facts);
	for (size_t i = 0; (option = weft_sockopt_at(i)) != NULL; i++) {
		if (!is_of_interest(sockopt, facts, option))
			continue;
		if (option->level != level)
			printf("\n%s\n", weft_sockopt_level_name(option->level));
		level = option->level;
		print_option(sockopt->fd, option);
	}
}

/* ---- For programs -----------------------------------------------------------------------------
 */

static void print_json_address(const char *key, const struct weft_address *address)
{
	char text[WEFT_ADDRESS_TEXT_MAX];

	printf(", \"%s\": ", key);
	weft_address_print(address, text, sizeof(text));
	if (address->len)
		weft__cmd_print_json_text(text);
	else
		fputs("null", stdout);
}

static void print_json_bytes(const char *key, int64_t bytes)
{
	if (bytes < 0)
		printf(", \"%s\": null", key);
	else
		printf(", \"%s\": %lld", key, (long long)bytes);
}

static void print_json_name(const char *key, const char *name, int number)
{
	if (name)
		printf("\"%s\": \"%s\", ", key, name);
	else
		printf("\"%s\": %d, ", key, number);
}

static void print_json_group(
	const struct weft_sockopt *option, const struct weft_sockopt_group *group)
{
	bool is_list = !weft_sockopt_field_name(option, 0);

	putchar(is_list ? '[' : '{');
	for (size_t i = 0; i < group->count; i++) {
		if (i)
			fputs(", ", stdout);
		if (!is_list)
			printf("\"%s\": ", weft_sockopt_field_name(option, i));
		printf("%llu", (unsigned long long)group->numbers[i]);
	}
	putchar(is_list ? ']' : '}');
}

static void print_json_value(
	const struct weft_sockopt *option, const struct weft_sockopt_value *value)
{
	char text[WEFT_SOCKOPT_PRINT_MAX];

	weft_sockopt_print(value, text, sizeof(text));
	switch (value->kind) {
	case WEFT_SOCKOPT_BOOL:
		fputs(value->on ? "true" : "false", stdout);
		break;
	case WEFT_SOCKOPT_LINGER:
		printf("{\"on\": %s, \"seconds\": %d}", value->linger.on ? "true" : "false",
			value->linger.seconds);
		break;
	case WEFT_SOCKOPT_DURATION:
		printf("%.*s", (int)strcspn(text, " "), text);
		break;
	case WEFT_SOCKOPT_INT:
	case WEFT_SOCKOPT_UNSIGNED:
		fputs(text, stdout);
		break;
	case WEFT_SOCKOPT_TEXT:
	case WEFT_SOCKOPT_HOST:
	case WEFT_SOCKOPT_BYTES:
		weft__cmd_print_json_text(text);
		break;
	case WEFT_SOCKOPT_GROUP:
		print_json_group(option, &value->group);
		break;
	}
}

static void print_json_option(int fd, const struct weft_sockopt *option, bool is_first)
{
	struct weft_sockopt_value value;
	const char *why = read_option(fd, option, &value);

	printf("%s{\"name\": \"%s\", \"level\": \"%s\", \"level_number\": %d, \"number\": %d, "
	       "\"value\": ",
		is_first ? "" : ",\n ", option->name, weft_sockopt_level_name(option->level),
		option->level, option->option);
	if (why)
		fputs("null", stdout);
	else
		print_json_value(option, &value);
	if (why)
		printf(", \"missing\": \"%s\"", why);
	printf(", \"read_only\": %s, \"summary\": ", option->is_read_only ? "true" : "false");
	weft__cmd_print_json_text(option->summary);
	putchar('}');
}

static void print_json(const struct sockopt *sockopt, const struct weft_socket_facts *facts)
{
	const struct weft_sockopt *option;
	bool is_first = true;

	putchar('{');
	print_json_name("family", weft_socket_family_name(facts->family), facts->family);
	print_json_name("type", weft_socket_type_name(facts->type), facts->type);
	print_json_name("protocol", weft_socket_protocol_name(facts->protocol), facts->protocol);
	printf("\"fileno\": %d, \"state\": \"%s\"", sockopt->fd, state_of(facts));
	print_json_address("name", &facts->name);
	print_json_address("peer", &facts->peer);
	printf(", \"error_pending\": %s", facts->has_error ? "true" : "false");
	print_json_bytes("unread", facts->unread_bytes);
	print_json_bytes("unsent", facts->unsent_bytes);
	fputs(", \"options\": [\n ", stdout);
	for (size_t i = 0; (option = weft_sockopt_at(i)) != NULL; i++) {
		if (!is_of_interest(sockopt, facts, option))
			continue;
		print_json_option(sockopt->fd, option, is_first);
		is_first = false;
	}
	fputs("]}\n", stdout);
}

int weft__cmd_sockopt(int argc, char **argv)
{
	struct sockopt sockopt = {.fd = -1, .timeout_ns = WEFT_SECONDS(CONNECT_TIMEOUT_S)};
	struct weft_socket_facts facts;
	int status = take_options(&sockopt, argc, argv);

	if (status)
		return status == CMD_HELPED ? CMD_DONE : status;
	status = check_settings(&sockopt);
	if (!status)
		status = open_socket(&sockopt);
	if (!status && weft_socket_facts(sockopt.fd, &facts) < 0)
		status = weft__cmd_fail(NAME, "can't look at the socket: %s.", strerror(errno));
	if (!status && sockopt.is_json)
		print_json(&sockopt, &facts);
	else if (!status)
		print_all(&sockopt, &facts);
	if (sockopt.fd >= 0)
		weft_close(sockopt.fd);
	return status;
}
