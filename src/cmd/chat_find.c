/*
 * chat_find.c - which hub: the place that was said, or those that the local network tells of.
 *
 * Entry points: weft__cmd_chat_take_place(), weft__cmd_chat_find().
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chat.h"
#include "service.h"
#include "weft/discover.h"

/** Hubs to choose from. */
#define FOUND_MAX 64

/* ---- A place ---------------------------------------------------------------------------- */

/* Whether a port stands behind the host: not a part of an IPv6 address. */
static bool has_port(const char *place)
{
	const char *bracket = strchr(place, ']'), *colon = strrchr(place, ':');

	if (bracket)
		return bracket[1] == ':';
	return colon && strchr(place, ':') == colon;
}

/* Of a place that has one. */
static bool is_port_right(const char *place)
{
	const char *port = strrchr(place, ':') + 1;
	char *end;
	unsigned long number = strtoul(port, &end, 10);

	return *port >= '0' && *port <= '9' && !*end && number >= 1 && number <= 65535;
}

static bool is_bare_ipv6(const char *place)
{
	struct in6_addr address;

	return inet_pton(AF_INET6, place, &address) == 1;
}

int weft__cmd_chat_take_place(struct chat *chat, const char *place)
{
	static const char tls[] = "tls://", tcp[] = "tcp://";
	const char *port;
	int len;

	chat->is_tls = strncmp(place, tls, strlen(tls)) == 0;
	port = chat->is_tls ? CHAT_PORT_TLS : CHAT_PORT;
	if (chat->is_tls)
		place += strlen(tls);
	else if (strncmp(place, tcp, strlen(tcp)) == 0)
		place += strlen(tcp);
	if (!place[0] || strchr(place, '/') == place || strstr(place, "://"))
		return weft__cmd_usage(chat->command,
			"a hub is HOST, HOST:PORT, tls://HOST:PORT or unix:/PATH, not \"%s\".",
			place);
	if (strncmp(place, "unix:", 5) != 0 && has_port(place) && !is_port_right(place))
		return weft__cmd_usage(chat->command, "\"%s\" has no port that there is.", place);
	chat->is_private = chat->is_tls || strncmp(place, "unix:", 5) == 0;
	if (strncmp(place, "unix:", 5) == 0 || has_port(place))
		len = asprintf(&chat->host_port, "%s", place);
	else if (is_bare_ipv6(place))
		len = asprintf(&chat->host_port, "[%s]:%s", place, port);
	else
		len = asprintf(&chat->host_port, "%s:%s", place, port);
	if (len < 0) {
		chat->host_port = NULL;
		return weft__cmd_fail(chat->command, "%s.", strerror(ENOMEM));
	}
	return CMD_DONE;
}

/* ---- The network ------------------------------------------------------------------------ */

static bool is_by_tls(const struct weft_discovered *found)
{
	return strcmp(found->service, CHAT_SERVICE_TLS) == 0;
}

static int take_found(struct chat *chat, const struct weft_discovered *found)
{
	char host[INET_ADDRSTRLEN], place[64];

	inet_ntop(AF_INET, &found->addresses[0], host, sizeof(host));
	snprintf(place, sizeof(place), "%s%s:%u", is_by_tls(found) ? "tls://" : "", host,
		found->port);
	return weft__cmd_chat_take_place(chat, place);
}

static void print_choices(const struct weft_discovered *found, int count)
{
	char host[INET_ADDRSTRLEN];

	puts("These hubs are on the local network:");
	for (int i = 0; i < count; i++) {
		printf("  %2d  ", i + 1);
		weft__cmd_print_visible(found[i].name, 31);
		printf(" %s:%u%s\n", inet_ntop(AF_INET, &found[i].addresses[0], host, sizeof(host)),
			found[i].port, is_by_tls(&found[i]) ? " (TLS)" : "");
	}
}

static int choose(struct chat *chat, const struct weft_discovered *found, int count)
{
	char line[32];
	long number;

	print_choices(found, count);
	if (!isatty(STDIN_FILENO))
		return weft__cmd_usage(CHAT, "there are several: say which HOST.");
	fputs("Which one? ", stdout);
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return CMD_FAILED;
	number = strtol(line, NULL, 10);
	if (number < 1 || number > count)
		return weft__cmd_fail(CHAT, "there is no such number.");
	return take_found(chat, &found[number - 1]);
}

/* Only what is chat, in the order in which it came: by name. */
static int keep_hubs(struct weft_discovered *found, int count)
{
	int kept = 0;

	for (int i = 0; i < count; i++)
		if (strcmp(found[i].service, CHAT_SERVICE) == 0 || is_by_tls(&found[i]))
			found[kept++] = found[i];
	return kept;
}

int weft__cmd_chat_find(struct chat *chat)
{
	struct weft_discovered *found = calloc(WEFT_DISCOVER_INSTANCES_MAX, sizeof(*found));
	int count = found ? weft_discover(NULL, found, WEFT_DISCOVER_INSTANCES_MAX) : -1, status;

	if (count < 0) {
		status = weft__cmd_fail(
			CHAT, "can't look for hubs: %s. Say which HOST.", strerror(errno));
	} else {
		count = keep_hubs(found, count);
		count = count < FOUND_MAX ? count : FOUND_MAX;
		if (count == 0)
			status = weft__cmd_fail(
				CHAT, "no hub was found on the local network: say which HOST.");
		else if (count == 1)
			status = take_found(chat, &found[0]);
		else
			status = choose(chat, found, count);
	}
	free(found);
	return status;
}
