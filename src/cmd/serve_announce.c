/*
 * serve_announce.c - `weft serve --chat` tells the local networks of its rooms, so that `weft chat`
 * and `weft discover` find them without an address; with --lan, of the web and FTP, too.
 *
 * Told is a door that others can get to: of TCP or TLS, and not at the loopback alone.
 *
 * Entry points: weft__serve_announce_take(), weft__serve_announce_begin(),
 * weft__serve_announce_end().
 *
 * Never: keeps the server from serving.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve.h"
#include "weft/discover.h"

/** As `weft chat` looks for them. */
#define SERVICE     "weft-chat"
#define SERVICE_TLS "weft-chat-tls"

struct serve_announce {
	unsigned count;
	struct announced {
		struct weft_announcer *announcer;
		weft_fiber_id fiber;
	} all[SERVE_DOORS_MAX];
};

int weft__serve_announce_take(const struct serve *serve)
{
	const struct serve_chat *chat = &serve->chat;
	size_t len = chat->announced_as ? strlen(chat->announced_as) : 1;

	if (!chat->announced_as && !chat->no_announce)
		return CMD_DONE;
	if (chat->is_closed && chat->plain.count + chat->by_tls.count == 0)
		return CMD_DONE;
	if (chat->plain.count + chat->by_tls.count == 0 && !serve->is_lan)
		return weft__cmd_usage(NAME, "--announce and --no-announce are of --chat HOST:PORT "
					     "or --chat-tls.");
	if (chat->announced_as && chat->no_announce)
		return weft__cmd_usage(NAME, "one of --announce and --no-announce.");
	if (len == 0 || len > WEFT_DISCOVER_NAME_MAX)
		return weft__cmd_usage(
			NAME, "--announce takes a name of 1 to %d bytes.", WEFT_DISCOVER_NAME_MAX);
	return CMD_DONE;
}

/* What leads to another door is not told besides it. NULL: it is not told of at all. */
static const char *service_of(const struct serve_door *door)
{
	bool is_lan = door->serve->is_lan;

	switch (door->kind) {
	case SERVE_CHAT:
		return SERVICE;
	case SERVE_CHAT_TLS:
		return SERVICE_TLS;
	case SERVE_HTTPS:
		return is_lan ? "https" : NULL;
	case SERVE_HTTP:
		return is_lan && !door->serve->redirects ? "http" : NULL;
	case SERVE_FTP:
		return is_lan ? "ftp" : NULL;
	default:
		return NULL;
	}
}

/* Others can get to it, by an address that an announcement tells: of IPv4. */
static bool is_for_others(const struct serve_door *door)
{
	const struct weft_address *address = weft_listener_address(door->listener);

	if (!service_of(door) || weft_address_is_loopback(address))
		return false;
	if (weft_address_family(address) == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&address->in6.sin6_addr);
	return weft_address_family(address) == AF_INET;
}

static const char *name_of(const struct serve *serve)
{
	if (serve->chat.announced_as)
		return serve->chat.announced_as;
	return serve->own_names.first[0] && strlen(serve->own_names.first) <= WEFT_DISCOVER_NAME_MAX
		       ? serve->own_names.first
		       : "weft";
}

static int run(void *announcer)
{
	weft_announcer_run(announcer);
	if (errno != ECANCELED)
		weft__cmd_fail(NAME, "can't announce it any more: %s.", strerror(errno));
	return 0;
}

/* What doesn't work is said, and no more: who knows the address comes in as well. */
static void announce(struct serve_announce *announce, const struct serve_door *door)
{
	const struct weft_announcer_options options = {.name = name_of(door->serve),
		.service = service_of(door),
		.port = (uint16_t)weft_address_port(weft_listener_address(door->listener))};
	const struct weft_spawn_options spawned = {.name = "announcer"};
	struct announced *one = &announce->all[announce->count];

	one->announcer = weft_announcer_new(&options);
	one->fiber = one->announcer ? weft_spawn_with(&spawned, run, one->announcer) : 0;
	if (one->fiber) {
		announce->count++;
		return;
	}
	weft__cmd_fail(NAME, "can't announce it: %s.", strerror(errno));
	weft_announcer_free(one->announcer);
}

int weft__serve_announce_begin(struct serve *serve)
{
	bool is_any = false;

	for (unsigned i = 0; i < serve->door_count; i++)
		is_any = is_any || is_for_others(&serve->doors[i]);
	if (!is_any && serve->chat.announced_as)
		return weft__cmd_usage(NAME, "--announce is of rooms that others can get to: "
					     "--chat 0.0.0.0:7070.");
	if (!is_any || serve->chat.no_announce)
		return CMD_DONE;
	serve->chat.announce = calloc(1, sizeof(*serve->chat.announce));
	for (unsigned i = 0; serve->chat.announce && i < serve->door_count; i++)
		if (is_for_others(&serve->doors[i]))
			announce(serve->chat.announce, &serve->doors[i]);
	return CMD_DONE;
}

void weft__serve_announce_end(struct serve *serve)
{
	struct serve_announce *announce = serve->chat.announce;

	if (!announce)
		return;
	for (unsigned i = 0; i < announce->count; i++)
		weft_cancel(announce->all[i].fiber);
	for (unsigned i = 0; i < announce->count; i++) {
		weft_join(announce->all[i].fiber, NULL, WEFT_FOREVER);
		weft_announcer_free(announce->all[i].announcer);
	}
	free(announce);
	serve->chat.announce = NULL;
}

void weft__serve_print_announce(const struct serve *serve)
{
	if (!serve->chat.announce || serve->chat.announce->count == 0)
		return;
	if (serve->is_json) {
		fputs("\"announced\": ", stdout);
		weft__cmd_print_json_text(name_of(serve));
		fputs(", ", stdout);
	} else {
		printf("  %-8s ", "found as");
		weft__cmd_print_visible(name_of(serve), 0);
		puts(", by weft chat and weft discover on the local networks");
	}
}
