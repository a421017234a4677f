/*
 * serve_whole.c - the whole hub: what `weft serve` is unless the web is named, and with --lan.
 *
 *	neither --http nor --https       all doors on the loopback, accounts, the page
 *	--ftp, --chat, --state, ...      the same: what is named is where it is said
 *	--lan                            the same for the local network, by TLS
 *	--http, --https                  a server of the web: no more than what is named
 *	--auth-file, --allow-..., ...    the same: of a server without accounts
 *
 * "none" takes a part away: it says no more than that. A default port that another program has is
 * no reason to fail: the next one that is free is taken, and told. Who names a port gets that one.
 *
 * Entry points: weft__serve_is_told(), weft__serve_take_whole(), weft__serve_open_default().
 *
 * Never: changes anything that was told.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve.h"

/** Ports that are tried, from a door's own on. */
#define PORTS_MAX 20

/* ---- What was told ------------------------------------------------------------------------ */

/*
 * What makes it a server of the web, whose parts are named one by one: the web's own address, and
 * what can't be together with accounts.
 */
static const char *const tells[] = {"http", "https", "auth-file", "allow-upload", "allow-overwrite",
	"allow-change", "cors-change", "upload-max", "spa", "model", "size", NULL};

/* That there is no HTTPS changes nothing of the whole; without the web, doors are named. */
static bool is_closing(const struct cmd_option *option)
{
	const struct cmd_texts *texts = option->place;

	return option->kind == CMD_TEXTS && texts->count == 1 &&
	       strcmp(texts->items[0], "none") == 0 && strcmp(option->name, "https") == 0;
}

static bool is_telling(const struct cmd_option *option)
{
	if (option->kind == CMD_FLAG && !*(bool *)option->place)
		return false;
	for (unsigned i = 0; tells[i]; i++)
		if (strcmp(tells[i], option->name) == 0)
			return !is_closing(option);
	return false;
}

bool weft__serve_is_told(const struct serve *serve, const struct cmd_option *options)
{
	for (unsigned i = 0; options[i].name; i++)
		if (serve->settings.given[i].from != CMD_BY_DEFAULT && is_telling(&options[i]))
			return true;
	return false;
}

/* ---- What is added ------------------------------------------------------------------------ */

/* By enum serve_door_kind. Which of them are there is told by the address of the text. */
static const char *const at_home[] = {[SERVE_HTTP] = "127.0.0.1:8080",
	[SERVE_HTTPS] = "127.0.0.1:8443",
	[SERVE_FTP] = "127.0.0.1:2121",
	[SERVE_CHAT] = "127.0.0.1:7070"};

/* For others: of IPv6 and IPv4. */
static const char *const on_lan[] = {[SERVE_HTTP] = "[::]:8080",
	[SERVE_HTTPS] = "[::]:8443",
	[SERVE_FTP] = "[::]:2121",
	[SERVE_CHAT] = "[::]:7070",
	[SERVE_CHAT_TLS] = "[::]:7071"};

/** What stands for them where there is no IPv6. */
#define ANY_IPV4 "0.0.0.0"

static void add_door(struct cmd_texts *texts, const char *text)
{
	if (texts->count == 0)
		*texts = (struct cmd_texts){.items = {text}, .count = 1};
}

static bool is_closed(const struct cmd_texts *texts)
{
	return texts->count == 1 && strcmp(texts->items[0], "none") == 0;
}

static bool has_accounts_built_in(void)
{
#if defined(WEFT_HAS_SQLITE) && defined(WEFT_HAS_SODIUM)
	return true;
#else
	return false;
#endif
}

/* A driver that is not there is told before anything is written. */
static int do_nothing(void *arg)
{
	(void)arg;
	return CMD_DONE;
}

/* Passwords go by TLS alone, and who comes by HTTP is led there. */
static int take_lan(struct serve *serve)
{
	add_door(&serve->https, on_lan[SERVE_HTTPS]);
	if (serve->chat.has_web)
		add_door(&serve->chat.by_tls, on_lan[SERVE_CHAT_TLS]);
	if (is_closed(&serve->http) && is_closed(&serve->https))
		serve->has_page = serve->chat.has_web = false;
	serve->redirects = !is_closed(&serve->http) && !is_closed(&serve->https);
	return weft__serve_take_certificate(serve);
}

int weft__serve_take_whole(struct serve *serve)
{
	const struct weft_run_options one = {.workers = 1, .driver = serve->run.driver};
	const char *const *addresses = serve->is_lan ? on_lan : at_home;
	int status = CMD_DONE;

	add_door(&serve->http, addresses[SERVE_HTTP]);
	add_door(&serve->ftp.plain, addresses[SERVE_FTP]);
	serve->ftp.options.allows_anonymous = true;
	serve->has_page = true;
	if (has_accounts_built_in()) {
		add_door(&serve->chat.plain, addresses[SERVE_CHAT]);
		/* "none" is of chat as a whole. */
		serve->chat.has_web = !is_closed(&serve->chat.plain);
		if (!serve->state && !serve->auth_file)
			serve->state = "default";
	}
	if (serve->is_lan)
		status = take_lan(serve);
	if (status)
		return status;
	if (serve->shows_settings || serve->is_again || serve->inspects ||
		(!serve->run.driver && !getenv("WEFT_DRIVER")))
		return CMD_DONE;
	return weft__cmd_run(NAME, &one, do_nothing, NULL);
}

/* ---- Listening ---------------------------------------------------------------------------- */

bool weft__serve_is_default(const char *text)
{
	bool is = false;

	for (unsigned i = 0; i < sizeof(at_home) / sizeof(at_home[0]); i++)
		is |= text == at_home[i];
	for (unsigned i = 0; i < sizeof(on_lan) / sizeof(on_lan[0]); i++)
		is |= text == on_lan[i];
	return is;
}

unsigned weft__serve_default_port(const char *text)
{
	unsigned port = 0;

	sscanf(strrchr(text, ':') + 1, "%u", &port);
	return port;
}

/* 0, or -1 with errno. */
static int listen_at(struct serve_door *door, const char *address)
{
	int code;

	door->listener = weft_listener_new(address, &door->serve->listener_options);
	if (!door->listener)
		return -1;
	if (door->kind != SERVE_CHAT || weft__serve_chat_bind(door) == 0)
		return 0;
	code = errno;
	weft_listener_free(door->listener);
	door->listener = NULL;
	errno = code;
	return -1;
}

int weft__serve_open_default(struct serve_door *door, const char *option)
{
	unsigned port = weft__serve_default_port(door->text);
	int host_len = (int)(strrchr(door->text, ':') - door->text);
	char address[WEFT_ADDRESS_TEXT_MAX];
	bool has_ipv6 = true;

	for (unsigned i = 0; i < PORTS_MAX; i++) {
		snprintf(address, sizeof(address), "%.*s:%u", host_len, door->text, port + i);
		if (!has_ipv6)
			snprintf(address, sizeof(address), ANY_IPV4 ":%u", port + i);
		if (listen_at(door, address) == 0)
			return CMD_DONE;
		if (has_ipv6 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
			has_ipv6 = false;
			i--;
		} else if (errno != EADDRINUSE)
			return weft__cmd_fail_listen(NAME, option, address);
	}
	return weft__cmd_fail(NAME,
		"other programs have all ports from %u to %u: choose one with --%s HOST:PORT.",
		port, port + PORTS_MAX - 1, option);
}
