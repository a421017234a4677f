/*
 * serve_say.c - what `weft serve` prints at its start: where to go, and what is there.
 *
 * Entry point: weft__serve_print_facts().
 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "serve.h"

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

void weft__serve_print_facts(const struct serve *serve, const struct weft_address *address)
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
