/*
 * serve_each.c - a thread, or a process, per connection.
 *
 * Entry points: weft__serve_threads(), weft__serve_processes().
 *
 * The caller accepts. What it waits for, it waits for at once:
 *
 *	outer.epoll_fd: the listener, unless there are enough; the stop; an end (units)
 *
 * Never: wait for a peer, or for memory, here, where it would hold up all others.
 */
#include "io/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/listener.h"
#include "io/stream.h"
#include "io/supervisor.h"
#include "weft/fiber.h"
#include "weft/log.h"
#include "weft/scope.h"
#include "weft/socket.h"

#define THREADS_MAX   4096
#define PROCESSES_MAX 512

/* For a busy handler: all it says fits the socket's buffer. */
#define BUSY_TIMEOUT_NS WEFT_MILLISECONDS(100)

/* When memory, threads or descriptors are short. */
#define SHORTAGE_PAUSE_NS WEFT_MILLISECONDS(20)

struct each {
	struct weft__supervisor base;
	size_t max;
	bool is_listening; /* the listener is in the set */
};

/* ---- One connection ------------------------------------------------------------------------ */

/* On its thread, or in its process. */
static int talk(struct weft__unit *unit)
{
	struct weft_stream *peer = unit->arg;
	struct each *each = weft_container_of(unit->units, struct each, base.units);

	return weft__serve_connection(each->base.serving, peer);
}

/* The child has no use for the door: it would keep the address in use. */
static void leave_door(struct weft__units *units)
{
	struct each *each = weft_container_of(units, struct each, base.units);

	weft_close(each->base.serving->listener->fd);
	close(each->base.epoll_fd);
}

static void refuse(struct each *each, struct weft_stream *peer)
{
	weft_handler_fn *busy = each->base.serving->options->busy;
	const struct weft__serve_hooks *hooks = each->base.serving->hooks;

	weft__serve_count(&each->base.serving->counts->refused);
	/* Processes can't be reached; who comes next finds room. */
	if (hooks->on_full && !each->base.units.are_processes)
		hooks->on_full(each->base.serving->arg, false);
	if (busy)
		WEFT_WITH_TIMEOUT (BUSY_TIMEOUT_NS) {
			busy(peer, each->base.serving->arg);
			weft_stream_flush(peer);
		}
	weft_stream_free(peer);
}

/* Returns whether the next may be accepted at once. */
static bool start(struct each *each, struct weft_stream *peer)
{
	_Atomic uint64_t *accepted = &each->base.serving->counts->accepted;
	struct weft__unit *unit;

	weft__serve_count(accepted); /* before its handler can say a word */
	unit = weft__unit_start(&each->base.units, talk, peer);
	if (!unit) {
		atomic_fetch_sub(accepted, 1);
		refuse(each, peer);
		return false;
	}
	if (!unit->thread)
		weft_stream_free(peer); /* the child has it */
	return true;
}

/* ---- Accepting --------------------------------------------------------------------------------
 */

static void listen_if(struct each *each, bool is_wanted)
{
	struct weft_listener *listener = each->base.serving->listener;

	if (each->is_listening == is_wanted)
		return;
	if (is_wanted)
		weft__supervisor_watch(&each->base, listener->fd);
	else
		epoll_ctl(each->base.epoll_fd, EPOLL_CTL_DEL, listener->fd, NULL);
	each->is_listening = is_wanted;
}

/* Those that have ended, and that nobody has looked at since, don't count. */
static bool is_full(struct each *each)
{
	if (each->base.units.count >= each->max)
		weft__supervisor_reap(&each->base);
	return each->base.units.count >= each->max;
}

/* As weft__serve_accept(). A process takes a descriptor here as long as it lives: without one
 * for it too, the peer waits where it is. */
static int accept_one(struct each *each, struct weft_address *ret_peer)
{
	bool is_for_process = each->base.units.are_processes && !is_full(each);
	int spare = is_for_process ? fcntl(each->base.epoll_fd, F_DUPFD_CLOEXEC, 0) : -1;
	int fd, code;

	if (is_for_process && spare < 0)
		return -1;
	fd = weft__serve_accept(each->base.serving, ret_peer);
	code = errno;
	if (spare >= 0)
		close(spare);
	errno = code;
	return fd;
}

/* 0; or -1 with errno when no more can be accepted. *ret_is_short: not for now. */
static int accept_all(struct each *each, bool *ret_is_short)
{
	*ret_is_short = false;
	while (!is_full(each) || each->base.serving->options->busy) {
		struct weft_address address;
		int fd = accept_one(each, &address);
		struct weft_stream *peer;
		bool is_refused = false;

		if (fd < 0) {
			*ret_is_short = weft__serve_is_short(errno);
			return errno == EAGAIN || *ret_is_short ? 0 : -1;
		}
		peer = weft__listener_stream(each->base.serving->listener, fd, &address);
		if (!peer) {
			weft_close(fd);
			weft__serve_count(&each->base.serving->counts->refused);
		} else if (is_full(each)) {
			refuse(each, peer);
			is_refused = true;
		} else if (start(each, peer)) {
			continue;
		}
		/* Who was refused for want of a place may have made one free. */
		*ret_is_short = !is_refused && !is_full(each);
		if (*ret_is_short || weft__supervisor_is_stopped(&each->base))
			return 0;
	}
	return 0;
}

/* A process that crashed has not counted its own end. */
static void on_end(struct weft__supervisor *base, struct weft__unit *unit)
{
	struct weft__serve_counts *counts = base->serving->counts;

	if (!weft__unit_has_crashed(unit))
		return;
	weft__supervisor_report(base, unit);
	weft__serve_count(&counts->crashed);
	weft__serve_count(&counts->ended);
}

static int serve_until_stopped(struct each *each)
{
	while (!weft__supervisor_is_stopped(&each->base)) {
		bool is_short = false;

		weft__supervisor_reap(&each->base);
		if (accept_all(each, &is_short) < 0)
			return errno;
		listen_if(each, !is_short && (!is_full(each) || each->base.serving->options->busy));
		if (weft__supervisor_wait(
			    &each->base, is_short ? SHORTAGE_PAUSE_NS : WEFT_FOREVER) < 0)
			return errno;
	}
	return 0;
}

static int serve_each(struct weft__serving *serving, bool by_processes)
{
	struct each each = {
		.base = {.serving = serving,
			.on_end = on_end,
			.units = {.are_processes = by_processes,
				.name = "weft-serve",
				.stack_size_bytes = serving->options->stack_size_bytes,
				.on_stop = serving->hooks->on_process_stop,
				.on_stop_arg = serving->arg,
				.in_child = leave_door}},
		.max = serving->options->connections_max,
	};
	int code;

	if (each.max == 0)
		each.max = by_processes ? PROCESSES_MAX : THREADS_MAX;
	each.base.units.processes_max = each.max;
	if (weft__supervisor_init(&each.base) < 0)
		return errno;
	code = serve_until_stopped(&each);
	WEFT_SHIELDED
		weft__supervisor_end(&each.base);
	return code;
}

int weft__serve_threads(struct weft__serving *serving)
{
	return serve_each(serving, false);
}

int weft__serve_processes(struct weft__serving *serving)
{
	return serve_each(serving, true);
}
