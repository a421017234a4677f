/*
 * serve_chat.c - `weft serve --chat`: rooms where people talk, by lines over TCP, TLS and a Unix
 * socket, and by datagrams.
 *
 * Entry points: weft__serve_chat_take(), weft__serve_chat_open(), weft__serve_chat_close().
 *
 * With --state, people have accounts, and what is said is kept in its chat.db; else everybody is a
 * guest, and nothing outlives the process.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../hub/chat.h"
#include "../hub/chat_udp.h"
#include "serve.h"
#include "weft/fiber.h"
#include "weft/manager.h"
#include "weft/scope.h"

/** What was said is on the disk, and everybody has been told, when a stop begins. */
#define GRACE_NS WEFT_MILLISECONDS(100)

/** Between two looks whether the server before this one has let go of the rooms. */
#define LOOK_INTERVAL_NS WEFT_MILLISECONDS(20)

/** Ports that are tried, where any will do. */
#define PORTS_MAX 16

bool weft__serve_chat_has_door(const struct serve *serve)
{
	const struct serve_chat *chat = &serve->chat;

	return chat->plain.count + chat->by_tls.count > 0 || chat->has_web;
}

int weft__serve_chat_take(struct serve *serve)
{
	const struct serve_chat *chat = &serve->chat;

	if (weft__serve_announce_take(serve))
		return CMD_USAGE;
	if (!weft__serve_chat_has_door(serve)) {
		if ((chat->no_guests || chat->guests_make || chat->rate) && !chat->is_closed)
			return weft__cmd_usage(NAME,
				"--%s is of chat, which is off: --chat HOST:PORT or --chat-web "
				"opens it.",
				weft__settings_given(&serve->settings, "chat-"));
		return CMD_DONE;
	}
	if (chat->by_tls.count > 0 && serve->certificates.count == 0)
		return weft__cmd_usage(NAME, "--chat-tls needs --tls-cert FILE and --tls-key FILE; "
					     "docs/https-at-home.md "
					     "says where to get them.");
	if (chat->no_guests && (!serve->state || strcmp(serve->state, "none") == 0))
		return weft__cmd_usage(NAME, "nobody could come in: --chat-no-guests is of --state "
					     "DIR, where people have "
					     "accounts.");
	return weft__serve_chat_web_take(serve);
}

/* ---- The folder ------------------------------------------------------------------------------ */

/*
 * Who comes in with --auth-file has shown by HTTP alone who she is: at the other doors nobody is
 * asked, so nobody may look.
 */
static void visit(
	void *arg, const struct hub_chat_looker *looker, struct weft_files_visitor *ret_visitor)
{
	const struct serve *serve = arg;

	if (looker->who)
		weft__serve_make_visitor(looker->who, ret_visitor);
	else if (serve->accounts)
		*ret_visitor = *serve->chat.strangers;
	else if (!serve->auth || strcmp(looker->door, "web") == 0)
		ret_visitor->rights = WEFT_FILES_READ;
}

static const char *type_of(void *arg, const char *path)
{
	const struct serve *serve = arg;

	return weft_http_files_type(serve->files, path);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static int fail_open(const struct serve *serve)
{
	if (errno == ENOSYS)
		return weft__cmd_fail(
			NAME, "--chat: this weft was built without SQLite, libsodium or utf8proc.");
	if (errno == EBUSY && serve->is_whole)
		return weft__cmd_fail(NAME,
			"another weft serve has the rooms in %s open. End that one (weft stop); or "
			"share this folder beside it, by the web alone at a port that is free "
			"(--http 127.0.0.1:0), or as a hub with another state (--state DIR).",
			weft__serve_state_dir(serve));
	if (errno == EBUSY)
		return weft__cmd_fail(NAME,
			"can't open the rooms in %s: another server has them open. One at a time "
			"can; "
			"one that is to take its place gets its listeners handed over (fd:NAME).",
			weft__serve_state_dir(serve));
	if (errno == EBADMSG && serve->accounts)
		return weft__cmd_fail(NAME,
			"the rooms in %s are damaged, or chat.db is none of weft's. Restore a "
			"backup (\"Keep a copy\" in docs/running-a-hub.md).",
			weft__serve_state_dir(serve));
	return weft__cmd_fail(NAME, "can't open the rooms%s%s: %s.", serve->accounts ? " in " : "",
		serve->accounts ? weft__serve_state_dir(serve) : "", strerror(errno));
}

/* Without libsodium there are no sealed datagrams, and no key. */
static int open_key(struct serve *serve, const char *dir)
{
	struct serve_chat *chat = &serve->chat;
	uint8_t public_key[WEFT_CHAT_LINK_KEY_SIZE];

	_Static_assert(sizeof(chat->key) == WEFT_CHAT_LINK_KEY_SIZE, "a key");
	_Static_assert(sizeof(chat->fingerprint) >= WEFT_CHAT_LINK_FINGERPRINT_SIZE, "its text");
	if (chat->plain.count == 0)
		return CMD_DONE;
	if (weft__hub_chat_key(dir, chat->key) == 0 &&
		weft_chat_link_key_public(chat->key, public_key) == 0 &&
		weft_chat_link_key_print(public_key, chat->fingerprint) == 0)
		return CMD_DONE;
	if (errno == ENOSYS)
		return CMD_DONE;
	if (errno == EPERM)
		return weft__cmd_fail(NAME,
			"%s/" HUB_CHAT_KEY_FILE ": others can read this key. If nobody has, say: "
			"chmod 600; else remove it, and people are asked about a new one.",
			dir);
	if (errno == EINVAL)
		return weft__cmd_fail(NAME,
			"%s/" HUB_CHAT_KEY_FILE ": this is no key, which is 32 bytes. Put back the "
			"one that was there, or remove it.",
			dir);
	return weft__cmd_fail(
		NAME, "can't keep chat's key in %s: %s.", dir ? dir : "memory", strerror(errno));
}

void weft__serve_chat_print(const struct serve *serve)
{
	if (!serve->chat.fingerprint[0])
		return;
	if (serve->is_json)
		printf(", \"chat-key\": \"%s\"", serve->chat.fingerprint);
	else
		printf("  %-8s %s, of sealed chat\n", "key", serve->chat.fingerprint);
}

static bool has_handed(const struct cmd_texts *texts)
{
	for (unsigned i = 0; i < texts->count; i++)
		if (weft__cmd_is_handed(texts->items[i]))
			return true;
	return false;
}

/* Whether it may be that another server gives way to this one: they have a listener in common. */
static bool is_handed_over(const struct serve *serve)
{
	return has_handed(&serve->http) || has_handed(&serve->https) ||
	       has_handed(&serve->chat.plain) || has_handed(&serve->chat.by_tls) ||
	       has_handed(&serve->ftp.plain) || has_handed(&serve->ftp.implicit);
}

/*
 * Rooms are one process's at a time. The server before this one ends when somebody is told that
 * this one is ready; so that is told now, and who comes meanwhile waits in the listeners' backlog.
 */
static struct hub_chat *take_over(const struct hub_chat_options *options)
{
	struct hub_chat *chat;

	weft__cmd_fail(NAME, "another server has the rooms in %s open; waiting for its end.",
		options->dir);
	weft_manager_tell("READY=1\nSTATUS=waiting for the end of the server before this one");
	do {
		if (weft_sleep(LOOK_INTERVAL_NS) < 0)
			return NULL;
		chat = weft__hub_chat_new(options);
	} while (!chat && errno == EBUSY);
	if (chat)
		weft_manager_tell("STATUS=serving");
	return chat;
}

int weft__serve_chat_open(struct serve *serve)
{
	struct serve_chat *chat = &serve->chat;
	struct hub_chat_options options = {.no_guests = chat->no_guests,
		.guests_may_make_rooms = chat->guests_make,
		.takes_plain_secrets = serve->allows_plain_auth,
		.rate = chat->rate,
		.ledger = serve->ledger};
	int status;

	if (!weft__serve_chat_has_door(serve))
		return CMD_DONE;
	if (chat->by_tls.count > 0) {
		status = weft__serve_make_tls(serve, "chat by TLS", NULL, &chat->tls);
		if (status)
			return status;
	}
	options.folder = (struct hub_chat_folder){
		.files = serve->engine, .type_of = type_of, .visit = visit, .arg = serve};
	if (serve->accounts) {
		options.accounts = weft__serve_accounts_of(serve);
		options.dir = weft__serve_state_dir(serve);
		chat->strangers = weft__serve_strangers(serve);
	}
	chat->chat = weft__hub_chat_new(&options);
	if (!chat->chat && errno == EBUSY && is_handed_over(serve))
		chat->chat = take_over(&options);
	if (!chat->chat)
		return fail_open(serve);
	status = open_key(serve, options.dir);
	if (status)
		return status;
	chat->door = weft__hub_chat_tcp_new(chat->chat);
	if (!chat->door)
		return weft__cmd_fail(NAME, "can't start chat: %s.", strerror(errno));
	chat->console = weft__serve_console_begin(weft__hub_chat_rooms(chat->chat));
	return weft__serve_chat_web_start(serve);
}

/* Where the kernel chose a port for TCP that another has by UDP, it may choose once more. */
static int listen_again(struct serve_door *door)
{
	weft_listener_free(door->listener);
	door->listener = NULL;
	return weft__cmd_listen(
		NAME, "chat", door->text, &door->serve->listener_options, &door->listener);
}

int weft__serve_chat_bind(struct serve_door *door)
{
	const struct serve_chat *chat = &door->serve->chat;
	const struct hub_chat_udp_options options = {.rooms = weft__hub_chat_rooms(chat->chat),
		.who = weft__hub_chat_udp_who,
		.stay = weft__hub_chat_udp_stay,
		.unstay = weft__hub_chat_udp_unstay,
		.arg = chat->chat,
		.secret_key = chat->fingerprint[0] ? chat->key : NULL,
		.chat = chat->chat,
		.ledger = door->serve->ledger};
	char text[WEFT_ADDRESS_TEXT_MAX];

	weft_address_print(weft_listener_address(door->listener), text, sizeof(text));
	door->datagrams = weft__hub_chat_udp_new(text, &options);
	return door->datagrams ? 0 : -1;
}

int weft__serve_chat_listen(struct serve_door *door)
{
	size_t len = strlen(door->text);
	bool is_free = len >= 2 && strcmp(door->text + len - 2, ":0") == 0;
	char text[WEFT_ADDRESS_TEXT_MAX];

	for (int tries = 1;; tries++) {
		if (weft__cmd_is_handed(door->text) ||
			weft_address_family(weft_listener_address(door->listener)) == AF_UNIX)
			return CMD_DONE;
		if (weft__serve_chat_bind(door) == 0)
			return CMD_DONE;
		if (errno != EADDRINUSE || !is_free || tries == PORTS_MAX) {
			int code = errno;

			weft_address_print(
				weft_listener_address(door->listener), text, sizeof(text));
			return weft__cmd_fail(
				NAME, "can't take datagrams at %s: %s.", text, strerror(code));
		}
		if (listen_again(door))
			return CMD_FAILED;
	}
}

void weft__serve_chat_unlisten(struct serve_door *door)
{
	weft__hub_chat_udp_free(door->datagrams);
}

static int run_datagrams(void *datagrams)
{
	int result = weft__hub_chat_udp_run(datagrams);

	/* The lines go on without them. */
	if (result < 0)
		weft__cmd_fail(NAME, "can't take datagrams any more: %s.", strerror(errno));
	return result;
}

/* By lines, and by datagrams beside them. */
int weft__serve_chat_run(struct serve_door *door)
{
	const struct weft_serve_options options = {.grace_ns = GRACE_NS,
		.connections_max = door->serve->server_options.connections_max};
	weft_fiber_id datagrams = 0;
	int result;

	if (door->datagrams) {
		datagrams = weft_spawn_with(&(struct weft_spawn_options){.name = "chat: reader"},
			run_datagrams, door->datagrams);
		if (!datagrams)
			return -1;
	}
	result = weft__hub_chat_tcp_run(
		door->serve->chat.door, door->listener, door->kind == SERVE_CHAT_TLS, &options);
	if (datagrams) {
		int kept = errno;

		weft__hub_chat_udp_stop(door->datagrams);
		WEFT_SHIELDED
			weft_join(datagrams, NULL, WEFT_FOREVER);
		errno = kept;
	}
	return result;
}

void weft__serve_chat_stop(struct serve *serve)
{
	if (!serve->chat.chat)
		return;
	weft__hub_chat_shut(serve->chat.chat, "the server stops");
	for (unsigned i = 0; i < serve->door_count; i++)
		if (serve->doors[i].kind >= SERVE_CHAT)
			weft_serve_stop(serve->doors[i].listener);
}

void weft__serve_chat_close(struct serve *serve)
{
	weft__serve_console_end(serve->chat.console);
	weft__serve_chat_web_stop(serve);
	weft__hub_chat_tcp_free(serve->chat.door);
	weft__hub_chat_free(serve->chat.chat);
	weft_tls_free(serve->chat.tls);
	explicit_bzero(serve->chat.key, sizeof(serve->chat.key));
}
