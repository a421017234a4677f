/*
 * serve_say.c - what `weft serve` prints at its start: where to go, and what is there.
 *
 * Entry point: weft__serve_print_facts().
 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serve.h"

/* An address for people to click on, for a host that is numeric. */
static void print_url(const char *scheme, const char *host, unsigned port)
{
	const char *format = strchr(host, ':') ? "%s://[%s]:%u/" : "%s://%s:%u/";

	printf(format, scheme, host, port);
}

static bool is_wildcard(const struct weft_address *address)
{
	if (weft_address_family(address) == AF_INET)
		return address->in.sin_addr.s_addr == htonl(INADDR_ANY);
	if (weft_address_family(address) == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&address->in6.sin6_addr);
	return false;
}

static const char *scheme_of(const struct serve_door *door)
{
	static const char *const schemes[] = {[SERVE_HTTP] = "http",
		[SERVE_HTTPS] = "https",
		[SERVE_METRICS] = "http",
		[SERVE_FTP] = "ftp",
		[SERVE_FTPS] = "ftps",
		[SERVE_CHAT] = "chat",
		[SERVE_CHAT_TLS] = "chats"};

	return schemes[door->kind];
}

static const char *label_of(const struct serve_door *door)
{
	return door->kind == SERVE_METRICS ? "metrics"
	       : door->kind >= SERVE_CHAT  ? "chat"
					   : "address";
}

static const char *note_of(const struct serve_door *door)
{
	return door->kind == SERVE_HTTP && door->serve->redirects ? " (leads to HTTPS)" : "";
}

/* Of a listener on all addresses: one line for each that this machine has. */
static void print_all_urls(const struct serve_door *door)
{
	struct ifaddrs *all = NULL;
	unsigned port = weft_address_port(weft_listener_address(door->listener));
	const char *label = label_of(door);

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
		print_url(scheme_of(door), host, port);
		puts(note_of(door));
		label = "";
	}
	freeifaddrs(all);
	if (label[0])
		printf("  %-8s %s://localhost:%u/%s\n", label, scheme_of(door), port,
			note_of(door));
}

static void print_door(const struct serve_door *door)
{
	const struct weft_address *address = weft_listener_address(door->listener);
	char text[WEFT_ADDRESS_TEXT_MAX];

	if (door->is_for_admin)
		return;
	if (is_wildcard(address)) {
		print_all_urls(door);
		return;
	}
	printf("  %-8s ", label_of(door));
	if (weft_address_family(address) == AF_UNIX) {
		weft_address_print(address, text, sizeof(text));
		fputs(text, stdout);
	} else {
		weft_address_print_host(address, text, sizeof(text));
		print_url(scheme_of(door), text, weft_address_port(address));
	}
	puts(note_of(door));
}

static void print_json_address(const struct serve_door *door)
{
	char text[WEFT_ADDRESS_TEXT_MAX];

	weft_address_print(weft_listener_address(door->listener), text, sizeof(text));
	weft__cmd_print_json_text(text);
}

/* "NAME": the address of the first door of that kind, if there is one. */
static void print_json_door(const struct serve *serve, enum serve_door_kind kind, const char *name)
{
	for (unsigned i = 0; i < serve->door_count; i++)
		if (serve->doors[i].kind == kind && !serve->doors[i].is_for_admin) {
			printf("\"%s\": ", name);
			print_json_address(&serve->doors[i]);
			fputs(", ", stdout);
			return;
		}
}

/* All doors, in their order; where there is one only, it has been told. */
static void print_json_doors(const struct serve *serve)
{
	unsigned count = serve->door_count;

	/* It is the last one. */
	if (count > 0 && serve->doors[count - 1].is_for_admin)
		count--;
	if (count == 1)
		return;
	fputs("\"doors\": [", stdout);
	for (unsigned i = 0; i < count; i++) {
		fputs(i ? ", " : "", stdout);
		print_json_address(&serve->doors[i]);
	}
	fputs("], ", stdout);
}

/* Of --lan: who compares it knows that it is this machine. */
static void print_json_certificate(const struct serve *serve)
{
	char text[SERVE_FINGERPRINT_SIZE], until[16];

	if (serve->is_lan && weft__serve_fingerprint(serve, text, until))
		printf(", \"certificate\": {\"sha256\": \"%s\", \"until\": \"%s\"}", text, until);
}

/* What everybody may who gets here. */
static void print_json_strangers(const struct serve *serve)
{
	static const struct {
		unsigned right;
		const char *name;
	} rights[] = {{WEFT_FILES_READ, "read"}, {WEFT_FILES_LIST, "list"},
		{WEFT_FILES_WRITE, "write"}, {WEFT_FILES_REPLACE, "replace"},
		{WEFT_FILES_DELETE, "delete"}};
	unsigned all = weft__serve_rights_of_strangers(serve);
	bool is_first = true;

	fputs(", \"strangers\": [", stdout);
	for (unsigned i = 0; i < sizeof(rights) / sizeof(rights[0]); i++)
		if (all & rights[i].right) {
			printf("%s\"%s\"", is_first ? "" : ", ", rights[i].name);
			is_first = false;
		}
	putchar(']');
}

static void print_json(const struct serve *serve)
{
	putchar('{');
	print_json_door(serve, SERVE_HTTP, "http");
	print_json_door(serve, SERVE_HTTPS, "https");
	print_json_door(serve, SERVE_METRICS, "metrics");
	print_json_door(serve, SERVE_FTP, "ftp");
	print_json_door(serve, SERVE_FTPS, "ftps");
	print_json_door(serve, SERVE_CHAT, "chat");
	print_json_door(serve, SERVE_CHAT_TLS, "chat-tls");
	print_json_doors(serve);
	weft__serve_print_chat_web(serve);
	weft__serve_print_announce(serve);
	fputs("\"folder\": ", stdout);
	weft__cmd_print_json_text(serve->folder);
	weft__serve_print_accounts(serve);
	print_json_strangers(serve);
	weft__serve_chat_print(serve);
	print_json_certificate(serve);
	weft__serve_print_confined(serve, 0);
	printf(", \"workers\": %u, \"driver\": \"%s\", \"model\": \"%s\"}\n", weft_worker_count(),
		weft_driver_name(), serve->server_options.model);
	fflush(stdout);
}

const char *weft__serve_how_to_stop(const struct serve *serve, char ret_text[SERVE_STOP_SIZE])
{
	bool has_control =
		serve->control && !(serve->control_at && strcmp(serve->control_at, "none") == 0);
	bool has_manager = getenv("NOTIFY_SOCKET") || getenv("INVOCATION_ID");

	const char *own = weft__cmd_own_name();

	/* What a manager has told a terminal's programs is of the terminal. */
	if (isatty(STDIN_FILENO) || isatty(STDOUT_FILENO) || isatty(STDERR_FILENO))
		snprintf(ret_text, SERVE_STOP_SIZE, "Ctrl-C");
	else if (has_manager)
		snprintf(ret_text, SERVE_STOP_SIZE, "systemctl stop weft");
	else
		snprintf(ret_text, SERVE_STOP_SIZE, "kill %d", (int)getpid());
	if (has_control)
		snprintf(ret_text + strlen(ret_text), SERVE_STOP_SIZE - strlen(ret_text),
			", or %s stop; %s top looks at it", own, own);
	return ret_text;
}

/* Who expects the whole hub reads here why it is not, and how to have the rest. */
static void print_off(const struct serve *serve)
{
	const struct {
		bool is_off;
		const char *text;
	} parts[] = {{serve->http.count + serve->https.count == 0, "web (--http ADDR)"},
		{serve->ftp.plain.count + serve->ftp.implicit.count == 0, "FTP (--ftp ADDR)"},
		{!weft__serve_chat_has_door(serve), "chat (--chat ADDR)"},
		{!serve->accounts && !serve->auth, "accounts (--state default)"}};
	const char *separator = "";

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!parts[i].is_off)
			continue;
		if (!separator[0])
			printf("  %-8s ", "off");
		printf("%s%s", separator, parts[i].text);
		separator = ", ";
	}
	if (separator[0])
		putchar('\n');
}

void weft__serve_print_facts(const struct serve *serve)
{
	char how[SERVE_STOP_SIZE];

	if (serve->is_json) {
		print_json(serve);
		return;
	}
	if (serve->is_whole) {
		weft__serve_welcome(serve);
		return;
	}
	puts("weft " WEFT_VERSION " serves");
	for (unsigned i = 0; i < serve->door_count; i++)
		print_door(&serve->doors[i]);
	weft__serve_print_chat_web(serve);
	weft__serve_chat_print(serve);
	weft__serve_print_announce(serve);
	printf("  %-8s %s\n", "folder", serve->folder);
	if (serve->auth)
		printf("  %-8s those in %s\n", "to", serve->auth_file);
	weft__serve_print_accounts(serve);
	if (serve->model == 0)
		printf("  %-8s %u (driver %s)\n", "workers", weft_worker_count(),
			weft_driver_name());
	else
		printf("  %-8s %s\n", "model", serve->server_options.model);
	weft__serve_print_confined(serve, 8);
	print_off(serve);
	printf("  %-8s %s\n", "stop", weft__serve_how_to_stop(serve, how));
	fflush(stdout);
}
