/*
 * stop.c - `weft stop` and `weft reload`: telling a running server, and saying what came of it.
 *
 * Entry points: weft__cmd_stop(), weft__cmd_reload().
 *
 * Never: says that a server has ended while its process lives.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "service.h"

static const char stop_help[] =
	"usage: weft stop [OPTION]...\n"
	"\n"
	"End a running server, as SIGTERM does: nobody new is let in, and downloads under way get\n"
	"the grace time. Waits until its process has ended, and says so.\n"
	"\n"
	"  --now                end it at once; what it has acknowledged is on the disk\n"
	"  --wait SECONDS       no longer than that (default: as long as it takes)\n" CONTROL_HELP
	"  --json               print an object: {\"pid\": N, \"ended\": true}\n"
	"  --help               this text\n"
	"\n"
	"Exit status: 0 it has ended, 1 failed, 2 wrong usage.\n";

static const char reload_help[] =
	"usage: weft reload [OPTION]...\n"
	"\n"
	"Have a running server take up what has changed, as SIGHUP does: certificates, users,\n"
	"limits, logs. What could not be taken up is said, and stays as it was.\n"
	"\n" CONTROL_HELP
	"  --json               print an object: {\"reloaded\": true, \"told\": [\"...\"]}\n"
	"  --help               this text\n"
	"\n"
	"Exit status: 0 all of it is taken up, 1 not, 2 wrong usage.\n";

/* ---- Its end --------------------------------------------------------------------------------- */

/* By its descriptor, so it is no other that has got the number. -1: the kernel gives none. */
static int open_process(int pid)
{
	return (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
}

/* Where there is no descriptor, by the number. */
static bool is_gone(int fd, int pid, int wait_ms)
{
	struct pollfd process = {.fd = fd, .events = POLLIN};

	if (fd >= 0)
		return poll(&process, 1, wait_ms) > 0;
	poll(NULL, 0, wait_ms);
	return kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

/* wait_ns 0: for ever. */
static bool await_end(int fd, int pid, int64_t wait_ns)
{
	int64_t until_ns = weft_now() + wait_ns;

	for (;;) {
		int64_t left_ns = until_ns - weft_now();
		int wait_ms = 100;

		if (wait_ns && left_ns < WEFT_MILLISECONDS(100))
			wait_ms = left_ns > 0 ? (int)(left_ns / WEFT_MILLISECONDS(1)) + 1 : 0;
		if (is_gone(fd, pid, wait_ms))
			return true;
		if (wait_ns && left_ns <= 0)
			return false;
	}
}

struct stop {
	struct control control;
	bool now, is_json;
	int64_t wait_ns;
};

static int say_end(const struct stop *stop, int pid, bool has_ended)
{
	if (stop->is_json)
		printf("{\"pid\": %d, \"ended\": %s}\n", pid, has_ended ? "true" : "false");
	else if (has_ended)
		printf("The server, process %d, has ended.\n", pid);
	if (has_ended)
		return CMD_DONE;
	return weft__cmd_fail("stop",
		"the server, process %d, goes on with what is under way; --now ends it at once.",
		pid);
}

static int stop_server(struct stop *stop)
{
	const struct control_question who = {.target = "/api/v1/status"};
	const struct control_question question = {
		.method = "POST", .target = stop->now ? "/api/v1/stop?now=true" : "/api/v1/stop"};
	json_t *json = NULL;
	int status = weft__control_ask_json(&stop->control, &who, &json);
	int pid = (int)weft__control_number(json, "pid"), fd;

	json_decref(json);
	if (status)
		return status;
	fd = open_process(pid); /* while it is sure to be the server's */
	status = weft__control_ask(&stop->control, &question, NULL);
	if (!status)
		status = say_end(stop, pid, await_end(fd, pid, stop->wait_ns));
	if (fd >= 0)
		close(fd);
	return status;
}

int weft__cmd_stop(int argc, char **argv)
{
	static const struct cmd_syntax syntax = {
		.name = "stop", .help = stop_help, .operands = "no arguments"};
	struct stop stop = {.control = {.name = "stop"}};
	const struct cmd_option options[] = {
		CMD_OPTION("now", CMD_FLAG, &stop.now),
		CMD_OPTION("wait", CMD_SECONDS, &stop.wait_ns),
		CMD_OPTION("json", CMD_FLAG, &stop.is_json),
		CONTROL_OPTIONS(&stop.control),
		CMD_OPTIONS_END,
	};
	int status = weft__cmd_parse(&syntax, options, argc, argv);

	if (status)
		return status == CMD_HELPED ? CMD_DONE : status;
	status = weft__control_open(&stop.control);
	if (!status)
		status = stop_server(&stop);
	weft__control_close(&stop.control);
	return status;
}

/* ---- What has changed ------------------------------------------------------------------------ */

/* What the server has told of it, a line each. */
static void say_taken(const char *text)
{
	json_t *answer = json_loads(text, 0, NULL);
	const json_t *line;
	size_t i;

	puts("What has changed is taken up.");
	json_array_foreach(json_object_get(answer, "told"), i, line)
	{
		weft__cmd_print_visible(json_string_value(line), 0);
		putchar('\n');
	}
	json_decref(answer);
}

int weft__cmd_reload(int argc, char **argv)
{
	static const struct cmd_syntax syntax = {
		.name = "reload", .help = reload_help, .operands = "no arguments"};
	const struct control_question question = {
		.method = "POST", .target = "/api/v1/reload", .lasts = true};
	struct control control = {.name = "reload"};
	bool is_json = false;
	char *text = NULL;
	const struct cmd_option options[] = {
		CMD_OPTION("json", CMD_FLAG, &is_json),
		CONTROL_OPTIONS(&control),
		CMD_OPTIONS_END,
	};
	int status = weft__cmd_parse(&syntax, options, argc, argv);

	if (status)
		return status == CMD_HELPED ? CMD_DONE : status;
	status = weft__control_open(&control);
	if (!status)
		status = weft__control_ask(&control, &question, &text);
	if (is_json && status == CMD_FAILED && control.path)
		puts("{\"reloaded\": false}");
	else if (is_json && !status)
		printf("%s", text);
	else if (!status)
		say_taken(text);
	free(text);
	weft__control_close(&control);
	return status;
}
