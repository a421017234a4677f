/*
 * serve_reload.c - SIGHUP: `weft serve` takes up what has changed, and goes on.
 *
 * Entry point: weft__serve_on_hangup().
 *
 * A terminal that is closed sends the same signal to what runs in it, and means an end. So: who
 * was started from a terminal, and has it no more, stops.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "serve.h"
#include "weft/offload.h"
#include "weft/signal.h"

/* A new certificate that can't be read is no reason to end: the old one may hold for weeks. */
static void reload_tls(struct serve *serve)
{
	struct weft_tls_fault fault;

	if (!serve->tls || weft_tls_reload(serve->tls, &fault) == 0)
		return;
	weft__cmd_fail(NAME, "the old certificates stay: %s",
		fault.kind != WEFT_TLS_NO_FAULT ? fault.text : strerror(errno));
}

/* Off the worker: it reads files. */
static int reload(void *arg)
{
	struct serve *serve = arg;

	reload_tls(serve);
	if (serve->auth)
		weft__serve_reload_auth(serve);
	if (serve->log && weft_http_log_reopen(serve->log) < 0)
		weft__cmd_fail(NAME, "the log goes on in the old file: %s.", strerror(errno));
	return 0;
}

static bool is_hung_up(int fd)
{
	struct pollfd look = {.fd = fd, .events = POLLIN};

	return poll(&look, 1, 0) > 0 && (look.revents & (POLLHUP | POLLERR));
}

/* The terminal among the standard streams; -1: there is none. */
static int find_terminal(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (isatty(fd))
			return fd;
	return -1;
}

static int take_hangups(void *arg)
{
	static const int hangup[] = {SIGHUP};
	struct serve *serve = arg;
	int terminal = find_terminal();
	struct weft_signals *caught = weft_signals_new(hangup, 1);

	if (!caught)
		return weft__cmd_fail(NAME, "can't wait for SIGHUP: %s.", strerror(errno));
	while (weft_signals_next(caught) == SIGHUP) {
		if (terminal >= 0 && is_hung_up(terminal)) {
			weft__serve_stop(serve);
			break;
		}
		weft_offload(reload, serve);
	}
	weft_signals_free(caught);
	return CMD_DONE;
}

weft_fiber_id weft__serve_on_hangup(struct serve *serve)
{
	/* On this worker, so that a yield gets it as far as its wait. */
	struct weft_spawn_options options = {
		.name = "reloader", .worker = 1 + (unsigned)weft_worker_index()};
	weft_fiber_id fiber = weft_spawn_with(&options, take_hangups, serve);

	weft_yield();
	return fiber;
}
