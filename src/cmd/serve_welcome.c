/*
 * serve_welcome.c - what the whole hub prints for people at its start: where all of it is, who may
 * come in, and how to end it.
 *
 * Entry points: weft__serve_welcome(), weft__serve_page_url().
 *
 *	label       value
 *	            another value of the same
 *
 * Never: a line of more than 80 columns, as long as paths and names are short.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "serve.h"

/** Columns of the label, and of a command that is explained behind it. */
#define LABEL_WIDTH   11
#define COMMAND_WIDTH 34

/** The ports where `weft chat` looks, unless it is told. */
#define CHAT_PORT     7070
#define CHAT_PORT_TLS 7071

/** Longest address or command. */
#define LINE_SIZE SERVE_URL_SIZE

/* ---- Lines -------------------------------------------------------------------------------- */

/* label "": the line belongs to the one above. */
__attribute__((format(printf, 2, 3))) static void line(const char *label, const char *format, ...)
{
	va_list args;

	printf("  %-*s ", LABEL_WIDTH, label);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

/* A command, and what it is for. */
static void line_for(const char *label, const char *command, const char *what)
{
	if (what[0])
		line(label, "%-*s %s", COMMAND_WIDTH, command, what);
	else
		line(label, "%s", command);
}

/* Of the file system, which may hold anything. */
static void line_of_path(const char *label, const char *path)
{
	printf("  %-*s ", LABEL_WIDTH, label);
	weft__cmd_print_visible(path, 0);
	putchar('\n');
}

/* ---- Doors -------------------------------------------------------------------------------- */

static unsigned port_of(const struct serve_door *door)
{
	return weft_address_port(weft_listener_address(door->listener));
}

static bool is_for_all(const struct weft_address *address)
{
	if (weft_address_family(address) == AF_INET)
		return address->in.sin_addr.s_addr == htonl(INADDR_ANY);
	return weft_address_family(address) == AF_INET6 &&
	       IN6_IS_ADDR_UNSPECIFIED(&address->in6.sin6_addr);
}

/* As an address has it; of a door on all addresses, one that others get to. */
static void host_of(const struct serve_door *door, char ret_host[WEFT_ADDRESS_TEXT_MAX])
{
	const struct weft_address *address = weft_listener_address(door->listener);
	char host[WEFT_ADDRESS_TEXT_MAX];

	if (is_for_all(address)) {
		if (!weft__serve_own_address(ret_host))
			snprintf(ret_host, WEFT_ADDRESS_TEXT_MAX, "localhost");
		return;
	}
	weft_address_print_host(address, host, sizeof(host));
	if (weft_address_family(address) == AF_UNIX)
		weft_address_print(address, ret_host, WEFT_ADDRESS_TEXT_MAX);
	else
		snprintf(ret_host, WEFT_ADDRESS_TEXT_MAX, strchr(host, ':') ? "[%s]" : "%s", host);
}

/* The next one of that kind behind a door; NULL: there is none. */
static const struct serve_door *next_door(
	const struct serve *serve, enum serve_door_kind kind, const struct serve_door *behind)
{
	for (unsigned i = behind ? (unsigned)(behind - serve->doors) + 1 : 0; i < serve->door_count;
		i++)
		if (serve->doors[i].kind == kind && !serve->doors[i].is_for_admin)
			return &serve->doors[i];
	return NULL;
}

static const struct serve_door *find_door(const struct serve *serve, enum serve_door_kind kind)
{
	return next_door(serve, kind, NULL);
}

static bool is_unix(const struct serve_door *door)
{
	return weft_address_family(weft_listener_address(door->listener)) == AF_UNIX;
}

/* "(port 8080 is another program's)", where it had to go on to the next; else "". */
static const char *say_taken(const struct serve_door *door, char ret_text[LINE_SIZE])
{
	unsigned wanted =
		weft__serve_is_default(door->text) ? weft__serve_default_port(door->text) : 0;

	ret_text[0] = '\0';
	if (wanted && wanted != port_of(door))
		snprintf(ret_text, LINE_SIZE, "(another program has port %u)", wanted);
	return ret_text;
}

static void print_url(const struct serve_door *door, const char *scheme, const char *path,
	char ret_url[LINE_SIZE])
{
	char host[WEFT_ADDRESS_TEXT_MAX];

	host_of(door, host);
	if (is_unix(door))
		snprintf(ret_url, LINE_SIZE, "%s", host);
	else
		snprintf(ret_url, LINE_SIZE, "%s://%s:%u/%s", scheme, host, port_of(door), path);
}

static void say_url(
	const struct serve_door *door, const char *label, const char *scheme, const char *note)
{
	char url[LINE_SIZE], taken[LINE_SIZE];

	print_url(door, scheme, "", url);
	say_taken(door, taken);
	line_for(label, url, taken[0] ? taken : note);
}

/* The door of the web that people are to come by. */
static const struct serve_door *find_web(const struct serve *serve)
{
	const struct serve_door *door = find_door(serve, SERVE_HTTPS);

	return door ? door : find_door(serve, SERVE_HTTP);
}

static const char *scheme_of_web(const struct serve_door *door)
{
	return door->kind == SERVE_HTTPS ? "https" : "http";
}

bool weft__serve_page_url(const struct serve *serve, char ret_url[SERVE_URL_SIZE])
{
	const struct serve_door *door = find_web(serve);

	if (!serve->page || !door || is_unix(door))
		return false;
	print_url(door, scheme_of_web(door), "", ret_url);
	ret_url[strlen(ret_url) - 1] = '\0';
	return true;
}

/* From this machine alone. */
static bool is_for_us(const struct serve_door *door)
{
	return is_unix(door) || weft_address_is_loopback(weft_listener_address(door->listener));
}

/* "weft chat HOST:PORT", without what it knows by itself. Others call theirs by its usual name. */
static void say_chat_command(const struct serve_door *door, unsigned usual, const char *label)
{
	const char *scheme = door->kind == SERVE_CHAT_TLS ? "tls://" : "";
	const char *note = door->kind != SERVE_CHAT_TLS   ? "in a terminal"
			   : door->serve->own_certificate ? "with an account; --insecure"
							  : "with an account";
	const char *name = is_for_us(door) ? weft__cmd_own_name() : "weft";
	char host[WEFT_ADDRESS_TEXT_MAX], command[LINE_SIZE], taken[LINE_SIZE], port[8] = "";

	host_of(door, host);
	if (port_of(door) != usual && !is_unix(door))
		snprintf(port, sizeof(port), ":%u", port_of(door));
	snprintf(command, sizeof(command), "%s chat %s%s%s", name, scheme, host, port);
	line_for(label, command, note);
	if (say_taken(door, taken)[0])
		line_for("", "", taken);
}

static void say_chat(const struct serve *serve)
{
	const struct serve_door *door = find_door(serve, SERVE_CHAT);
	const struct serve_door *by_tls = find_door(serve, SERVE_CHAT_TLS);
	const struct serve_door *web = find_web(serve);
	char host[WEFT_ADDRESS_TEXT_MAX], command[LINE_SIZE];
	const char *label = "chat";

	for (const struct serve_door *one = door; one; one = next_door(serve, SERVE_CHAT, one)) {
		say_chat_command(one, CHAT_PORT, label);
		label = "";
	}
	for (const struct serve_door *one = by_tls; one;
		one = next_door(serve, SERVE_CHAT_TLS, one)) {
		say_chat_command(one, CHAT_PORT_TLS, label);
		label = "";
	}
	while (door && !door->datagrams)
		door = next_door(serve, SERVE_CHAT, door);
	if (door) {
		host_of(door, host);
		snprintf(command, sizeof(command), "nc -u %s %u", host, port_of(door));
		line_for("", command, "by hand: L NAME, C NAME TEXT");
	}
	if (serve->chat.web && web) {
		print_url(web, scheme_of_web(web), serve->page ? ".weft/chat" : ".chat/", command);
		line_for(label, command, "in the browser");
	}
	if (serve->chat.fingerprint[0])
		line("", "key %s", serve->chat.fingerprint);
}

/* Of 32 bytes, in two lines that fit. */
static void say_certificate(const struct serve *serve)
{
	char text[SERVE_FINGERPRINT_SIZE], until[16];

	if (!find_door(serve, SERVE_HTTPS) || !weft__serve_fingerprint(serve, text, until))
		return;
	line("certificate",
		serve->own_certificate ? "self-made: browsers ask about it. Good until %s; SHA-256:"
				       : "good until %s; SHA-256:",
		until);
	line("", "%.47s", text);
	line("", "%s", text + 48);
}

/* ---- People ------------------------------------------------------------------------------- */

unsigned weft__serve_rights_of_strangers(const struct serve *serve)
{
	const struct weft_http_files_options *files = &serve->files_options;
	unsigned rights = WEFT_FILES_READ;

	if (serve->accounts)
		return weft_files_rights(weft__serve_strangers(serve), "");
	if (serve->auth)
		return 0;
	if (!files->no_listing)
		rights |= WEFT_FILES_LIST;
	if (files->allow_upload)
		rights |= WEFT_FILES_WRITE;
	if (files->allow_overwrite)
		rights |= WEFT_FILES_REPLACE;
	if (files->allow_change)
		rights |= WEFT_FILES_DELETE | WEFT_FILES_WRITE;
	return rights;
}

static void say_strangers(const struct serve *serve)
{
	unsigned rights = weft__serve_rights_of_strangers(serve);
	bool may_change = rights & (WEFT_FILES_WRITE | WEFT_FILES_REPLACE | WEFT_FILES_DELETE);
	bool may_look = rights & (WEFT_FILES_READ | WEFT_FILES_LIST);

	line("strangers", "%s",
		may_change ? "may CHANGE files in this folder, as it was granted to them"
		: may_look ? "read and list files; they change nothing"
			   : "see nothing of the folder");
	if (serve->chat.chat && !serve->chat.no_guests)
		line("", "talk in the open rooms, as guests with a ~ before the name");
}

/* " --state DIR", where `weft account` would look elsewhere. */
static void print_state(const struct serve *serve)
{
	const char *dir = weft__serve_state_dir(serve);
	char *usual = weft__cmd_state_default(), *word = NULL;

	if (dir && (getenv("STATE_DIRECTORY") || !usual || strcmp(dir, usual) != 0))
		word = weft__cmd_shell_word(dir);
	if (word) {
		fputs(" --state ", stdout);
		weft__cmd_print_visible(word, 0);
	}
	free(word);
	free(usual);
}

static void say_first_run(const struct serve *serve)
{
	const char *password = weft__serve_first_password(serve);

	if (!weft__serve_is_first_run(serve))
		return;
	putchar('\n');
	if (password) {
		line("first run", "name      admin");
		line("", "password  %s", password);
		line("", "It is told this once; choose another one on the page, or by");
	} else {
		line("first run", "There is an administrator, admin. Give her a password, here:");
	}
	printf("  %-*s %s account passwd admin", LABEL_WIDTH, "", weft__cmd_own_name());
	print_state(serve);
	putchar('\n');
}

/* ---- All ---------------------------------------------------------------------------------- */

static void say_web(const struct serve *serve)
{
	const struct serve_door *web = find_web(serve), *plain = find_door(serve, SERVE_HTTP);

	if (!web)
		return;
	say_url(web, "web", scheme_of_web(web), "");
	if (plain && plain != web)
		say_url(plain, "", "http", serve->redirects ? "leads there" : "");
}

static void say_doors(const struct serve *serve)
{
	const struct serve_door *metrics = find_door(serve, SERVE_METRICS);
	const char *label = "FTP";

	say_web(serve);
	for (const struct serve_door *one = find_door(serve, SERVE_FTP); one;
		one = next_door(serve, SERVE_FTP, one)) {
		say_url(one, label, "ftp", serve->ftp.tls ? "passwords by TLS only" : "");
		label = "";
	}
	for (const struct serve_door *one = find_door(serve, SERVE_FTPS); one;
		one = next_door(serve, SERVE_FTPS, one)) {
		say_url(one, label, "ftps", "");
		label = "";
	}
	say_chat(serve);
	if (metrics)
		say_url(metrics, "metrics", "http", "");
	say_certificate(serve);
}

/* Who has named some doors for others has not opened the rest. */
static bool is_for_others(const struct serve *serve)
{
	for (unsigned i = 0; i < serve->door_count; i++)
		if (!is_for_us(&serve->doors[i]))
			return true;
	return false;
}

static void say_others(const struct serve *serve)
{
	if (!serve->is_lan && is_for_others(serve)) {
		line("others", "get to what has another address than 127.0.0.1; all: --lan");
		return;
	}
	if (!serve->is_lan) {
		line("others", "on other machines can't get here; %s serve --lan lets them",
			weft__cmd_own_name());
		return;
	}
	line("others", "on the local network get here, by the addresses above");
	if (serve->chat.announce)
		line("", "and find it by weft discover and weft chat");
}

void weft__serve_welcome(const struct serve *serve)
{
	const char *state = weft__serve_state_dir(serve);
	const struct serve_door *web = find_web(serve);
	char url[LINE_SIZE], how[SERVE_STOP_SIZE];

	puts("weft " WEFT_VERSION " serves\n");
	if (serve->is_lan && web) {
		print_url(web, scheme_of_web(web), "", url);
		weft__serve_print_code(url);
	}
	say_doors(serve);
	putchar('\n');
	line_of_path("folder", serve->folder);
	if (state)
		line_of_path("state", state);
	else
		line("state", "none: there are no accounts, and rooms forget");
	say_first_run(serve);
	putchar('\n');
	say_strangers(serve);
	say_others(serve);
	line("workers", "%u (driver %s)", weft_worker_count(), weft_driver_name());
	weft__serve_print_confined(serve, LABEL_WIDTH);
	line("stop", "%s", weft__serve_how_to_stop(serve, how));
	putchar('\n');
	fflush(stdout);
}
