/*
 * collect.c - `weft collect`: records what many clients send, line by line, in one file.
 *
 * Entry point: weft__cmd_collect().
 *
 *	options -> file, doors -> a fiber for each door, and one that writes -> ... stop
 *
 *	collect_door.c				where it listens
 *	collect_stream.c, collect_datagram.c	what comes in
 *	collect_frame.c, collect_line.c		bytes to messages, messages to lines
 *	collect_sink.c, collect_writer.c	lines to the one who writes
 *	collect_file.c				the file, and its rotation
 *
 * On the way out: nobody is let in; what the kernel has taken already is read; all of it is
 * written; then the file is closed.
 */
#include "collect.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service.h"
#include "weft/scope.h"
#include "weft/signal.h"

#define DEFAULT_ADDRESS     "127.0.0.1:5140"
#define LINE_MAX_DEFAULT    8192
#define LINE_MAX_MIN        64
#define LINE_MAX_MAX        (1 << 20)
#define ROTATE_SIZE_MIN     1024
#define ROTATE_KEEP_DEFAULT 7
#define ROTATE_KEEP_MAX     1000
#define CONNECTIONS_DEFAULT 1000
#define GRACE_DEFAULT_NS    WEFT_SECONDS(5)
#define SYNC_DEFAULT_NS     WEFT_SECONDS(1)
#define SYNC_INTERVAL_MAX_S 86400
#define UNIX_MODE_PRIVATE   0600

static const char help[] =
	"usage: weft collect FILE [OPTION]...\n"
	"\n"
	"Record what many clients send, line by line, at the end of FILE, until Ctrl-C:\n"
	"\n"
	"  2026-03-01T12:00:00.125009Z tcp:192.0.2.7:40112 <13>Mar  1 12:00:00 host app: hello\n"
	"\n"
	"Those with an address can be given several times; none closes that door.\n"
	"  --tcp HOST:PORT         listen there (default: " DEFAULT_ADDRESS ")\n"
	"  --udp HOST:PORT         the same for datagrams (default: " DEFAULT_ADDRESS ")\n"
	"  --unix PATH             listen on a Unix socket (default: none)\n"
	"  --unix-dgram PATH       the same for datagrams, as /dev/log (default: none)\n"
	"  --unix-mode MODE        their permissions: 600, the own user (default); 666, everybody\n"
	"  --stdin                 also lines of the standard input (default: on a terminal)\n"
	"  --framing NAME          lines; octets: counted, as RFC 6587 says; auto: by message\n"
	"                          (default: auto)\n"
	"  --line-max BYTES        longer messages are cut (default: 8K)\n"
	"  --stamp NAME            utc, local: the time of each line (default: utc)\n"
	"  --rotate-size BYTES     at this size FILE becomes FILE.1, that FILE.2, and so on\n"
	"  --rotate-keep N         so many old files (default: 7)\n"
	"  --fsync WHEN            always: before a sender is told that all is written; SECONDS:\n"
	"                          that long after a write at most; never (default: 1)\n"
	"  --connections N         at once, at each address; more wait (default: 1000)\n"
	"  --idle-timeout SECONDS  silent connections are closed (default: they stay)\n"
	"  --workers N             threads that serve (default: one per core)\n"
	"  --driver NAME           how to wait for the kernel: epoll, uring, epoll-level, poll,\n"
	"                          select (default: the best)\n"
	"  --grace SECONDS         when stopped, for what is under way to be read and written\n"
	"                          (default: 5)\n"
	"  --json                  print where it listens, and at the end counts, as JSON\n"
	"  --help                  this text\n"
	"\n"
	"SIGHUP: FILE is opened anew if it was moved away, else rotated. SIGUSR1: print counts.\n"
	"While the disk is full nothing is accepted, and nothing that was is lost. Try it:\n"
	"logger --tcp --server 127.0.0.1 --port 5140 hello\n"
	"Exit status: 0 done, 1 failed or lines were lost, 2 wrong usage.\n";

/* ---- The command line ------------------------------------------------------------------- */

static int take_sync(struct collect_file_options *options, const char *text)
{
	double seconds;
	char *end;

	options->sync = COLLECT_SYNC_INTERVAL;
	if (strcmp(text, "always") == 0) {
		options->sync = COLLECT_SYNC_ALWAYS;
	} else if (strcmp(text, "never") == 0) {
		options->sync = COLLECT_SYNC_NEVER;
	} else {
		seconds = strtod(text, &end);
		if (end == text || *end || !isfinite(seconds) || seconds <= 0 ||
			seconds > SYNC_INTERVAL_MAX_S)
			return weft__cmd_usage(COLLECT_NAME,
				"--fsync takes always, never or seconds, not \"%s\".", text);
		options->sync_interval_ns = (int64_t)(seconds * 1e9);
	}
	return CMD_DONE;
}

/* As chmod(1) takes it. */
static int take_mode(struct collect *collect, const char *text)
{
	unsigned long mode;
	char *end;

	mode = strtoul(text, &end, 8);
	if (end == text || *end || text[0] == '-' || mode == 0 || mode > 0777)
		return weft__cmd_usage(COLLECT_NAME,
			"--unix-mode takes permissions such as 600 or 666, not \"%s\".", text);
	collect->unix_mode = (unsigned)mode;
	return CMD_DONE;
}

/* What was not named is where it is by default; "none" takes away what was named before. */
static void settle_addresses(struct cmd_texts *texts, const char *by_default)
{
	unsigned kept = 0;

	if (texts->count == 0 && by_default)
		texts->items[texts->count++] = by_default;
	for (unsigned i = 0; i < texts->count; i++) {
		if (strcmp(texts->items[i], "none") == 0)
			kept = 0;
		else
			texts->items[kept++] = texts->items[i];
	}
	texts->count = kept;
}

static int settle_options(struct collect *collect, const char *sync, const char *mode)
{
	int status = CMD_DONE;
	unsigned doors;

	settle_addresses(&collect->tcp, DEFAULT_ADDRESS);
	settle_addresses(&collect->udp, DEFAULT_ADDRESS);
	settle_addresses(&collect->unix_stream, NULL);
	settle_addresses(&collect->unix_datagram, NULL);
	/* In the background, reading the terminal would stop the whole program. */
	collect->is_on_terminal = isatty(STDIN_FILENO);
	if (collect->is_on_terminal && tcgetpgrp(STDIN_FILENO) == getpgrp())
		collect->reads_stdin = true;
	doors = collect->tcp.count + collect->udp.count + collect->unix_stream.count +
		collect->unix_datagram.count;
	if (doors == 0 && !collect->reads_stdin)
		return weft__cmd_usage(COLLECT_NAME, "every door is closed.");
	if (sync)
		status = take_sync(&collect->file_options, sync);
	if (!status && mode)
		status = take_mode(collect, mode);
	return status;
}

static int take_options(struct collect *collect, int argc, char **argv)
{
	static const struct cmd_syntax syntax = {.name = COLLECT_NAME,
		.help = help,
		.operands_max = 1,
		.operands = "one file at a time"};
	static const char *const framings[] = {"auto", "lines", "octets", NULL};
	static const char *const stamps[] = {"utc", "local", NULL};
	struct collect_file_options *file = &collect->file_options;
	const char *sync = NULL, *mode = NULL;
	const struct cmd_option options[] = {
		CMD_OPTION("tcp", CMD_TEXTS, &collect->tcp),
		CMD_OPTION("udp", CMD_TEXTS, &collect->udp),
		CMD_OPTION("unix", CMD_TEXTS, &collect->unix_stream),
		CMD_OPTION("unix-dgram", CMD_TEXTS, &collect->unix_datagram),
		CMD_OPTION("unix-mode", CMD_TEXT, &mode),
		CMD_OPTION("stdin", CMD_FLAG, &collect->reads_stdin),
		CMD_OPTION("framing", CMD_CHOICE, &collect->framing, .choices = framings),
		CMD_OPTION("line-max", CMD_BYTES, &collect->line_max, .min = LINE_MAX_MIN,
			.max = LINE_MAX_MAX),
		CMD_OPTION("stamp", CMD_CHOICE, &collect->stamp, .choices = stamps),
		CMD_OPTION("rotate-size", CMD_BYTES, &file->rotate_size, .min = ROTATE_SIZE_MIN,
			.max = INT64_MAX / 2),
		CMD_OPTION("rotate-keep", CMD_COUNT, &file->rotate_keep, .max = ROTATE_KEEP_MAX),
		CMD_OPTION("fsync", CMD_TEXT, &sync),
		CMD_OPTION(
			"connections", CMD_COUNT, &collect->connections_max, .max = WEFT_SEM_MAX),
		CMD_OPTION("idle-timeout", CMD_SECONDS, &collect->idle_timeout_ns),
		CMD_OPTION("workers", CMD_COUNT, &collect->run.workers, .max = WEFT_WORKERS_MAX),
		CMD_OPTION(
			"driver", CMD_TEXT, &collect->run.driver, .choices = weft__cmd_drivers()),
		CMD_OPTION("grace", CMD_SECONDS, &collect->grace_ns, .zero_ns = 1),
		CMD_OPTION("json", CMD_FLAG, &collect->is_json),
		CMD_OPTIONS_END,
	};
	int status = weft__cmd_parse(&syntax, options, argc, argv);

	if (status)
		return status;
	if (optind == argc)
		return weft__cmd_usage(COLLECT_NAME, "which file is it to write?");
	file->path = argv[optind];
	return settle_options(collect, sync, mode);
}

/* ---- Signals ---------------------------------------------------------------------------- */

static void stop(void *arg)
{
	struct collect *collect = arg;
	int number = SIGTERM;

	atomic_store(&collect->deadline_ns, weft_now() + collect->grace_ns);
	weft_chan_try_send(collect->signals, &number);
	weft_event_set(&collect->stopping);
}

struct signals {
	struct collect *collect;
	struct weft_signals *caught;
};

/* The same signal says that a file was moved away, and that the terminal was closed. */
static bool has_lost_terminal(const struct collect *collect)
{
	return collect->is_on_terminal && tcgetpgrp(STDIN_FILENO) < 0;
}

static int obey_signals(void *arg)
{
	struct signals *signals = arg;
	int number;

	while ((number = weft_signals_next(signals->caught)) > 0) {
		if (number == SIGUSR1)
			weft__collect_print_counts(signals->collect);
		else if (has_lost_terminal(signals->collect))
			stop(signals->collect);
		else
			weft_chan_try_send(signals->collect->signals, &number);
	}
	return 0;
}

/* ---- Running ---------------------------------------------------------------------------- */

static int start_door(struct collect_door *door, struct weft_scope *scope)
{
	struct weft_spawn_options options = {.name = door->text};
	weft_fiber_fn *fn = door->listener ? weft__collect_streams
			    : door->udp    ? weft__collect_udp
					   : weft__collect_unix_datagrams;

	return weft_scope_spawn_with(scope, &options, fn, door) ? 0 : -1;
}

static int start_all(struct collect *collect, struct weft_scope *scope, struct signals *signals)
{
	for (unsigned i = 0; i < collect->door_count; i++)
		if (start_door(&collect->doors[i], scope) < 0)
			return -1;
	if (collect->udp.count > 0 && !weft_scope_spawn(scope, weft__collect_watch_drops, collect))
		return -1;
	if (collect->reads_stdin && !weft_scope_spawn(scope, weft__collect_stdin, collect))
		return -1;
	return weft_scope_spawn(scope, obey_signals, signals) ? 0 : -1;
}

/* Until the stop; then what is there is taken. */
static int take_all(struct collect *collect, struct weft_signals *caught)
{
	struct signals signals = {collect, caught};
	struct weft_scope sources;
	int code = 0, result;

	weft_scope_begin(&sources, WEFT_FOREVER);
	if (start_all(collect, &sources, &signals) < 0 || weft_event_wait(&collect->stopping) < 0)
		code = errno;
	if (!atomic_load(&collect->deadline_ns))
		atomic_store(&collect->deadline_ns, weft_now() + collect->grace_ns);
	weft_scope_cancel(&sources);
	result = weft_scope_end(&sources);
	if (result < 0)
		code = errno;
	weft__collect_tell_drops(collect);
	return code ? weft__cmd_fail(COLLECT_NAME, "can't go on: %s.", strerror(code)) : CMD_DONE;
}

/* With a fiber that writes, which ends when all that was taken is written. */
static int take_and_write(struct collect *collect, struct weft_signals *caught)
{
	struct weft_spawn_options options = {.name = "writer"};
	weft_fiber_id writer = weft_spawn_with(&options, weft__collect_write, collect);
	int status, written = CMD_FAILED;

	if (!writer)
		return weft__cmd_fail(COLLECT_NAME, "can't start: %s.", strerror(errno));
	status = take_all(collect, caught);
	weft_chan_close(collect->full);
	weft_join(writer, &written, WEFT_FOREVER);
	if (collect->is_json || isatty(STDOUT_FILENO))
		weft__collect_print_counts(collect);
	return status ? status : written;
}

static int catch_and_run(struct collect *collect)
{
	static const int signals[] = {SIGHUP, SIGUSR1};
	struct weft_signals *caught = weft_signals_new(signals, 2);
	weft_fiber_id stopper = caught ? weft__cmd_on_stop(stop, collect) : 0;
	int status;

	if (stopper) {
		weft__collect_print_facts(collect);
		status = take_and_write(collect, caught);
		weft__cmd_unstop(stopper);
	} else {
		status = weft__cmd_fail(COLLECT_NAME, "can't start: %s.", strerror(errno));
	}
	weft_signals_free(caught);
	return status;
}

static int fail_file(const char *path)
{
	switch (errno) {
	case EBUSY:
		return weft__cmd_fail(COLLECT_NAME, "another collector writes to %s.", path);
	case EINVAL:
	case ESPIPE:
		return weft__cmd_fail(COLLECT_NAME, "%s is not a regular file.", path);
	default:
		return weft__cmd_fail(COLLECT_NAME, "can't open %s: %s.", path, strerror(errno));
	}
}

/* The first fiber. */
static int collect_until_stopped(void *arg)
{
	struct collect *collect = arg;
	int status;

	if (weft__collect_file_open(&collect->file, &collect->file_options) < 0)
		return fail_file(collect->file_options.path);
	status = weft__collect_doors_open(collect);
	if (!status)
		status = catch_and_run(collect);
	weft__collect_doors_close(collect);
	weft__collect_file_close(&collect->file);
	return status;
}

/* A file that may not grow is EFBIG, as any other trouble with it, and not the end. */
static void ignore_size_limit(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	sigaction(SIGXFSZ, &ignore, NULL);
}

int weft__cmd_collect(int argc, char **argv)
{
	struct collect *collect = calloc(1, sizeof(*collect));
	int status;

	if (!collect)
		return weft__cmd_fail(COLLECT_NAME, "can't start: %s.", strerror(errno));
	collect->line_max = LINE_MAX_DEFAULT;
	collect->connections_max = CONNECTIONS_DEFAULT;
	collect->grace_ns = GRACE_DEFAULT_NS;
	collect->file_options.sync_interval_ns = SYNC_DEFAULT_NS;
	collect->file_options.rotate_keep = ROTATE_KEEP_DEFAULT;
	status = take_options(collect, argc, argv);
	if (status) {
		free(collect);
		return status == CMD_HELPED ? CMD_DONE : status;
	}
	weft__cmd_raise_descriptor_limit();
	ignore_size_limit();
	weft_event_init(&collect->stopping, "stop");
	weft_event_init(&collect->can_write, "disk");
	weft_event_set(&collect->can_write);
	collect->signals = weft_chan_new(sizeof(int), 1, "signals");
	if (!collect->signals || weft__collect_blocks_new(collect) < 0)
		status = weft__cmd_fail(COLLECT_NAME, "can't start: %s.", strerror(errno));
	else
		status = weft__cmd_run(COLLECT_NAME, &collect->run, collect_until_stopped, collect);
	weft__collect_blocks_free(collect);
	weft_chan_free(collect->signals);
	free(collect);
	return status;
}
