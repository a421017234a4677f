/*
 * sockopt_show.c - what a socket is, and its options: a table for people, or JSON.
 *
 * Entry point: weft__sockopt_show().
 *
 * Never: a text of the kernel's printed as it came.
 */
#include "sockopt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "cmd.h"
#include "service.h"
#include "weft/socket.h"
#include "weft/sockopt.h"

struct view {
	int fd;
	bool is_all;
};

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
static bool is_of_interest(const struct view *view, const struct weft_socket_facts *facts,
	const struct weft_sockopt *option)
{
	switch (view->is_all ? SOL_SOCKET : option->level) {
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

static void print_all(const struct view *view, const struct weft_socket_facts *facts)
{
	const struct weft_sockopt *option;
	int level = -1;

	print_facts(view->fd, facts);
	for (size_t i = 0; (option = weft_sockopt_at(i)) != NULL; i++) {
		if (!is_of_interest(view, facts, option))
			continue;
		if (option->level != level)
			printf("\n%s\n", weft_sockopt_level_name(option->level));
		level = option->level;
		print_option(view->fd, option);
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

static void print_json(const struct view *view, const struct weft_socket_facts *facts)
{
	const struct weft_sockopt *option;
	bool is_first = true;

	putchar('{');
	print_json_name("family", weft_socket_family_name(facts->family), facts->family);
	print_json_name("type", weft_socket_type_name(facts->type), facts->type);
	print_json_name("protocol", weft_socket_protocol_name(facts->protocol), facts->protocol);
	printf("\"fileno\": %d, \"state\": \"%s\"", view->fd, state_of(facts));
	print_json_address("name", &facts->name);
	print_json_address("peer", &facts->peer);
	printf(", \"error_pending\": %s", facts->has_error ? "true" : "false");
	print_json_bytes("unread", facts->unread_bytes);
	print_json_bytes("unsent", facts->unsent_bytes);
	fputs(", \"options\": [\n ", stdout);
	for (size_t i = 0; (option = weft_sockopt_at(i)) != NULL; i++) {
		if (!is_of_interest(view, facts, option))
			continue;
		print_json_option(view->fd, option, is_first);
		is_first = false;
	}
	fputs("]}\n", stdout);
}

int weft__sockopt_show(int fd, bool is_all, bool is_json)
{
	const struct view view = {.fd = fd, .is_all = is_all};
	struct weft_socket_facts facts;

	if (weft_socket_facts(fd, &facts) < 0)
		return weft__cmd_fail("sockopt", "can't look at the socket: %s.", strerror(errno));
	if (is_json)
		print_json(&view, &facts);
	else
		print_all(&view, &facts);
	return CMD_DONE;
}
