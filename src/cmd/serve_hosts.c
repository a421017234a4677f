/*
 * serve_hosts.c - the names that `weft serve` goes by: those of --host and --http, and this
 * machine's own; and the proxies it trusts.
 *
 * Entry points: weft__serve_take_hosts(), weft__serve_own_address().
 *
 * Why a server of files looks at names at all: src/http/hosts.c.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "serve.h"

static const char complaint[] = "This server does not go by the name in the address. If it should, "
				"start weft serve with --host and that name.";

static void add(struct serve *serve, const char *name)
{
	unsigned count = 0;

	while (serve->hosts[count])
		count++;
	if (count < SERVE_HOSTS_MAX)
		serve->hosts[count] = name;
}

/* Whether the network can have given it: what is none is not worth an end. */
static bool is_host_name(const char *name)
{
	for (size_t i = 0; name[i]; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '-' &&
			(name[i] != '.' || i == 0 || name[i - 1] == '.' || !name[i + 1]))
			return false;
	return name[0];
}

/* "box", or "box.example.org", and "box.local". */
static void add_own_names(struct serve *serve)
{
	struct serve_own_names *own = &serve->own_names;

	if (gethostname(own->whole, sizeof(own->whole)) < 0 ||
		!memchr(own->whole, '\0', sizeof(own->whole)) || !is_host_name(own->whole))
		return;
	snprintf(own->first, sizeof(own->first), "%.*s", (int)strcspn(own->whole, "."), own->whole);
	snprintf(own->local, sizeof(own->local), "%s.local", own->first);
	add(serve, own->whole);
	add(serve, own->first);
	add(serve, own->local);
}

/* The host of --http HOST:PORT, where it is a name. */
static void add_door(struct serve *serve, unsigned door)
{
	const char *text = serve->http.items[door], *colon = strrchr(text, ':');
	char *name = serve->door_names[door];

	if (!colon || strncmp(text, "unix:", 5) == 0 || weft__cmd_is_handed(text) ||
		colon - text >= SERVE_HOST_SIZE)
		return;
	memcpy(name, text, (size_t)(colon - text));
	name[colon - text] = '\0';
	if (is_host_name(name))
		add(serve, name);
}

/* Whether any door is such that a name counts there. */
static bool has_use(const struct serve *serve)
{
	for (unsigned i = 0; i < serve->http.count && !serve->redirects; i++)
		if (strncmp(serve->http.items[i], "unix:", 5) != 0)
			return true;
	return serve->metrics_at && strncmp(serve->metrics_at, "unix:", 5) != 0;
}

static int take_proxies(struct serve *serve)
{
	if (serve->server_options.proxies_say_forwarded && serve->proxies.count == 0)
		return weft__cmd_usage(NAME, "--forwarded is of --trust-proxy.");
	if (serve->proxies.count > 0)
		serve->server_options.proxies = serve->proxies.items;
	return CMD_DONE;
}

int weft__serve_take_hosts(struct serve *serve)
{
	const struct cmd_texts *given = &serve->host_names;
	char fault[WEFT_HTTP_SERVER_FAULT_MAX];
	bool is_any = false;
	int status = take_proxies(serve);

	if (status)
		return status;
	if (given->count > 0 && !has_use(serve))
		return weft__cmd_usage(NAME,
			"--host is for HTTP without TLS: by HTTPS and Unix sockets any name is "
			"served.");
	for (unsigned i = 0; i < given->count; i++) {
		is_any |= strcmp(given->items[i], "*") == 0;
		add(serve, given->items[i]);
	}
	for (unsigned i = 0; i < serve->http.count; i++)
		add_door(serve, i);
	add_own_names(serve);
	if (is_any && given->count > 1)
		return weft__cmd_usage(NAME, "--host '*' leaves nothing for another --host.");
	if (!is_any) {
		serve->server_options.hosts = serve->hosts;
		serve->server_options.host_complaint = complaint;
	}
	if (!weft_http_server_options_check(&serve->server_options, fault))
		return weft__cmd_usage(NAME, "%s", fault);
	return CMD_DONE;
}

/* ---- By which address ------------------------------------------------------------------------ */

/* That of the way to everywhere: nothing is sent for it. */
static bool find_way_out(struct in_addr *ret_address)
{
	/* One that is for documents (RFC 5737), and no more than a direction. */
	struct sockaddr_in far = {.sin_family = AF_INET, .sin_port = htons(9)}, own;
	socklen_t len = sizeof(own);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_found;

	inet_pton(AF_INET, "192.0.2.1", &far.sin_addr);
	is_found = fd >= 0 && connect(fd, (const void *)&far, sizeof(far)) == 0 &&
		   getsockname(fd, (void *)&own, &len) == 0;
	if (fd >= 0)
		close(fd);
	if (is_found)
		*ret_address = own.sin_addr;
	return is_found;
}

bool weft__serve_own_address(char ret_host[16])
{
	struct ifaddrs *all = NULL;
	struct in_addr address;
	bool is_found = find_way_out(&address);

	if (!is_found && getifaddrs(&all) < 0)
		return false;
	for (struct ifaddrs *one = all; one && !is_found; one = one->ifa_next)
		if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET &&
			(one->ifa_flags & IFF_UP) && !(one->ifa_flags & IFF_LOOPBACK)) {
			address =
				((const struct sockaddr_in *)(const void *)one->ifa_addr)->sin_addr;
			is_found = true;
		}
	freeifaddrs(all);
	return is_found && inet_ntop(AF_INET, &address, ret_host, 16);
}
