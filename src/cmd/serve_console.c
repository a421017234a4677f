/*
 * serve_console.c - the administrator's console: what is typed where `weft serve --chat` runs is
 * said by SERVER in every room; or is a command.
 *
 *	hello all		SERVER: hello all
 *	/who			who is here, and by which door
 *	/kick name [why]	out; she may come again
 *	/help
 *
 * Entry points: weft__serve_console_begin(), weft__serve_console_end().
 *
 * Never: reads what is no terminal, or one that other programs have the use of now.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serve.h"
#include "weft/chat.h"
#include "weft/room.h"
#include "weft/scope.h"
#include "weft/socket.h"

/** A line that is typed, which the terminal bounds, too. */
#define LINE_SIZE 4096

/** While the terminal is another program's. */
#define AWAY_NS WEFT_SECONDS(1)

struct serve_console {
	struct weft_room_client *client;
	weft_fiber_id fiber;
	char line[LINE_SIZE];
};

/* ---- Who speaks -------------------------------------------------------------------------------
 */

/* It is in no room, and is told nothing. */
static size_t write_nothing(const struct weft_room_event *event, char *ret_bytes, size_t size)
{
	(void)event;
	(void)ret_bytes;
	(void)size;
	return 0;
}

static const struct weft_room_form silent = {.name = "console", .write = write_nothing};

static void ignore(void *arg)
{
	(void)arg;
}

/* ---- Commands ---------------------------------------------------------------------------------
 */

static void print_fault(const struct serve_console *console)
{
	enum weft_room_fault fault = weft_room_client_fault(console->client);

	if (errno == ESHUTDOWN)
		puts("The rooms are closed.");
	else
		printf("No: %s.\n", weft_room_fault_text(fault));
}

static int print_present(const struct weft_room_present *present, void *arg)
{
	char name[8 * WEFT_ROOM_PERSON_MAX];
	size_t len =
		weft_chat_plain_escape(present->name, strlen(present->name), name, sizeof(name));

	++*(unsigned *)arg;
	if (strcmp(present->door, "console") != 0)
		printf("  %s%.*s  %s  %s\n", present->account || present->is_server ? "" : "~",
			(int)len, name, present->door,
			present->address[0] ? present->address : "-");
	return 0;
}

static void list(struct serve_console *console)
{
	unsigned count = 0;

	if (weft_room_who(console->client, print_present, &count) < 0)
		print_fault(console);
	else if (count <= 1)
		puts("Nobody is here.");
}

static void kick(struct serve_console *console, char *rest)
{
	char *name = strsep(&rest, " ");
	const struct weft_room_change change = {.action = WEFT_ROOM_KICK,
		.target = name && name[0] == '~' ? name + 1 : name,
		.text = rest ? rest : ""};

	if (!name || !name[0])
		puts("/kick NAME [WHY]");
	else if (weft_room_change(console->client, &change) < 0)
		print_fault(console);
	else
		printf("%s is out.\n", name);
}

static void help(void)
{
	puts("What is typed here is said by SERVER in every room.\n"
	     "  /who               who is here, and by which door\n"
	     "  /kick NAME [WHY]   out; she may come again\n"
	     "  /help              this");
}

/* The words' ends are written into the line. */
static void command(struct serve_console *console, char *line)
{
	char *rest = line;
	const char *word = strsep(&rest, " ");

	if (strcmp(word, "/who") == 0)
		list(console);
	else if (strcmp(word, "/kick") == 0)
		kick(console, rest);
	else if (strcmp(word, "/help") == 0)
		help();
	else
		puts("There is no such command; /help lists them.");
}

static void take_line(struct serve_console *console, char *line)
{
	size_t len = strcspn(line, "\r\n");

	line[len] = '\0';
	if (len == 0)
		return;
	if (line[0] == '/')
		command(console, line);
	else if (weft_room_announce(console->client, line) < 0)
		print_fault(console);
	fflush(stdout);
}

/* ---- The terminal -----------------------------------------------------------------------------
 */

/* A line, or less of one that is very long. 0: it is over, or another's; -1: cancelled. */
static ssize_t read_line(struct serve_console *console)
{
	ssize_t len;

	if (weft_wait_fd(STDIN_FILENO, POLLIN) < 0)
		return -1;
	/* A terminal gives a whole line, once there is one: this does not wait. */
	if (tcgetpgrp(STDIN_FILENO) != getpgrp())
		return 0;
	len = read(STDIN_FILENO, console->line, sizeof(console->line) - 1);
	return len < 0 ? 0 : len;
}

static int run(void *arg)
{
	struct serve_console *console = arg;

	for (;;) {
		ssize_t len = read_line(console);

		if (len < 0)
			break;
		/* Ctrl-D, or the shell's: it may come back. */
		if (len == 0 && weft_sleep(AWAY_NS) < 0)
			break;
		console->line[len] = '\0';
		if (len > 0)
			take_line(console, console->line);
	}
	return 0;
}

struct serve_console *weft__serve_console_begin(struct weft_rooms *rooms)
{
	const struct weft_room_person server = {.name = "SERVER", .is_server = true};
	const struct weft_room_client_options options = {.on_ready = ignore, .door = "console"};
	struct sigaction no_stop = {.sa_handler = SIG_IGN};
	struct serve_console *console;

	if (!isatty(STDIN_FILENO))
		return NULL;
	console = calloc(1, sizeof(*console));
	if (!console)
		return NULL;
	console->client = weft_room_enter(rooms, &server, &silent, &options);
	/* Between the look and the reading the terminal may become another's: then it fails. */
	sigaction(SIGTTIN, &no_stop, NULL);
	if (console->client)
		console->fiber = weft_spawn_with(
			&(struct weft_spawn_options){.name = "console"}, run, console);
	if (!console->fiber) {
		weft__serve_console_end(console);
		return NULL;
	}
	return console;
}

void weft__serve_console_end(struct serve_console *console)
{
	if (!console)
		return;
	if (console->fiber) {
		weft_cancel(console->fiber);
		weft_join(console->fiber, NULL, WEFT_FOREVER);
	}
	weft_room_exit(console->client);
	free(console);
}
