/*
 * main.c - the `weft` command: finds the sub-command and runs it.
 *
 * Entry point: main(). Exit status: 0 done, 1 failed, 2 wrong usage.
 * Never: does any work itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "settings.h"
#include "weft/utf8.h"

static const struct {
	const char *name;
	const char *summary;
	weft__cmd_fn *run;
} commands[] = {
	{"lab", "measure the concurrency models against each other", weft__cmd_lab},
	{"load", "measure a server: requests a second, and how long they take", weft__cmd_load},
	{"collect", "record what many clients send, line by line, in one file", weft__cmd_collect},
	{"echo", "send back what is sent, under any model", weft__cmd_echo},
	{"serve", "share a folder over the web and FTP", weft__cmd_serve},
	{"ps", "what every fiber of a running server does", weft__cmd_ps},
	{"top", "how a running server is, live", weft__cmd_top},
	{"stats", "how a running server is, once", weft__cmd_stats},
	{"stop", "end a running server", weft__cmd_stop},
	{"reload", "have a running server take up what has changed", weft__cmd_reload},
	{"log", "what a running server has logged lately", weft__cmd_log},
	{"config", "what `weft serve` is told by its file: check it, show it", weft__cmd_config},
	{"account", "the people a server knows: accounts, passwords, rights", weft__cmd_account},
	{"get", "fetch a URL", weft__cmd_get},
	{"ftp", "move files to and from an FTP server, by hand or by script", weft__cmd_ftp},
	{"chat", "talk in a hub's rooms, on a terminal or in a pipe", weft__cmd_chat},
	{"admin", "ask a hub that runs, or tell it something, as who runs it", weft__cmd_admin},
	{"announce", "tell the local network what this host offers", weft__cmd_announce},
	{"discover", "ask the local network what is announced there", weft__cmd_discover},
	{"sockopt", "make a socket, and show all of its options", weft__cmd_sockopt},
	{"completion", "what makes a shell complete these commands", weft__cmd_completion},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

/* Who wants to know what is said on stderr: a server, for its log. */
static struct {
	pthread_mutex_t lock;
	void (*said)(const char *line, void *arg);
	void *arg;
} listener = {.lock = PTHREAD_MUTEX_INITIALIZER};

void weft__cmd_listen_to(void (*said)(const char *line, void *arg), void *arg)
{
	pthread_mutex_lock(&listener.lock);
	listener.said = said;
	listener.arg = arg;
	pthread_mutex_unlock(&listener.lock);
}

__attribute__((format(printf, 2, 0))) static void complain(
	const char *name, const char *format, va_list args)
{
	char *line = NULL, *placed;

	if (vasprintf(&line, format, args) < 0)
		line = NULL; /* memory is short: what is said then quotes nothing */
	placed = line ? weft__settings_place(line) : NULL;
	if (placed) {
		free(line);
		line = placed;
	}
	fprintf(stderr, name[0] ? "weft %s: " : "weft%s: ", name);
	/* Names and arguments come from outside: none of them is to make a line, or a colour. */
	for (const char *at = line ? line : format; *at;) {
		uint32_t character = 0;
		size_t size = weft_utf8_read(at, strlen(at), &character);
		bool is_shown = size > 0 && !weft_utf8_is_dangerous(character);

		for (size = size ? size : 1; size > 0; size--, at++)
			fprintf(stderr, is_shown ? "%c" : "\\x%02X", (unsigned char)*at);
	}
	fputc('\n', stderr);
	pthread_mutex_lock(&listener.lock);
	if (listener.said)
		listener.said(line ? line : format, listener.arg);
	pthread_mutex_unlock(&listener.lock);
	free(line);
}

int weft__cmd_fail(const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(name, format, args);
	va_end(args);
	return CMD_FAILED;
}

int weft__cmd_usage(const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(name, format, args);
	va_end(args);
	fprintf(stderr, "Try: weft %s%s--help\n", name, name[0] ? " " : "");
	return CMD_USAGE;
}

static int help(void)
{
	puts("weft " WEFT_VERSION
	     ": network services as plain, blocking code, at event-loop speed.\n"
	     "\n"
	     "usage: weft COMMAND [OPTION]...\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].summary);
	puts("  help       this text; `weft help COMMAND` for one of a command\n"
	     "  --version  the version\n"
	     "\n"
	     "Every command has --help. To share this folder now: weft serve");
	return CMD_DONE;
}

const char *weft__cmd_at(size_t index, const char **ret_summary)
{
	if (index >= COMMAND_COUNT)
		return NULL;
	*ret_summary = commands[index].summary;
	return commands[index].name;
}

/* What may have been meant; NULL: nothing like it is there. */
static const char *nearest(const char *name)
{
	const char *best = NULL;
	size_t least = CMD_FAR_OFF - 1; /* they are short */

	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		size_t far = weft__cmd_distance(name, commands[i].name);

		if (far < least && 2 * far < strlen(name)) {
			least = far;
			best = commands[i].name;
		}
	}
	return best;
}

int weft__cmd_call(const char *name, int argc, char **argv)
{
	const char *near;

	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i].name, name) == 0)
			return commands[i].run(argc, argv);
	near = nearest(name);
	return near ? weft__cmd_usage("", "there is no command \"%s\"; is it \"%s\"?", name, near)
		    : weft__cmd_usage("", "there is no command \"%s\".", name);
}

static int help_on(char *name)
{
	char option[] = "--help";
	char *argv[] = {name, option, NULL};

	return weft__cmd_call(name, 2, argv);
}

/*
 * Whoever started us may have closed these. Then the next file or connection would get
 * their numbers, and what we print would go there.
 */
static int open_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return -1;
	return 0;
}

/* Whoever read it has gone, as head(1) does: that is no failure of ours. */
static bool has_no_reader(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO};

	return poll(&out, 1, 0) > 0 && (out.revents & (POLLERR | POLLHUP)) != 0;
}

/* What was printed is in stdio's buffer: done is who has got it out. */
static int finish(int status)
{
	int code = fflush(stdout) < 0 ? errno : 0;

	if ((code == 0 && !ferror(stdout)) || status != CMD_DONE || has_no_reader())
		return status;
	if (code == 0) /* it was before, and stdio keeps no reason: a byte more has the same one */
		code = write(STDOUT_FILENO, "\n", 1) < 0 ? errno : 0;
	return code ? weft__cmd_fail("", "can't write to the standard output: %s.", strerror(code))
		    : weft__cmd_fail("", "can't write to the standard output.");
}

static int dispatch(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (!name[0])
		return weft__cmd_usage("", "what is it to do?");
	if (strcmp(name, "--version") == 0 || strcmp(name, "version") == 0) {
		puts("weft " WEFT_VERSION);
		return CMD_DONE;
	}
	if (strcmp(name, "help") == 0 && argc > 2)
		return help_on(argv[2]);
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
		return help();
	return weft__cmd_call(name, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	if (open_standard_streams() < 0)
		return CMD_FAILED; /* there is nowhere to say why */
	return finish(dispatch(argc, argv));
}
