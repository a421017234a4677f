/*
 * serve_members.c - one connection after the other, on one thread (loop), several (pool) or
 * several processes (prefork).
 *
 * Entry points: weft__serve_loop(), weft__serve_pool(), weft__serve_prefork().
 *
 * Each member accepts for itself, from the one listening socket; the kernel wakes one of
 * those that wait (EPOLLEXCLUSIVE). The caller watches: it starts another in the place of a
 * process that has crashed, and tells all to leave by one descriptor.
 *
 * Never: start processes in a circle as fast as they crash.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fiber/doze.h"
#include "fiber/worker.h"
#include "io/listener.h"
#include "io/stream.h"
#include "io/supervisor.h"
#include "weft/fiber.h"
#include "weft/scope.h"
#include "weft/socket.h"

#define SIZE_MIN     8
#define SIZE_PER_CPU 4

/* A process that lives for less has crashed at once: then the next is started a little later. */
#define YOUNG_NS     WEFT_SECONDS(1)
#define PAUSE_MIN_NS WEFT_MILLISECONDS(10)
#define PAUSE_MAX_NS WEFT_SECONDS(5)

/* How often to look where epoll_pwait2(2) is missing. */
#define DOOR_LOOK_MS 50

struct place {
	atomic_bool is_busy;     /* its member has a connection */
	atomic_int error;        /* why its member couldn't go on */
	struct weft__unit *unit; /* NULL: empty */
	struct members *members;
};

struct members {
	struct weft__supervisor base;
	int leave_fd; /* eventfd, readable for good: all are to leave */
	size_t size;
	struct place *places; /* in memory that processes share */
	int64_t pause_ns, next_start_ns;
};

/* ---- A member ------------------------------------------------------------------------------ */

/* A set of its own, in which the listener wakes one member only. -1 with errno. */
static int door_open(const struct members *members)
{
	struct epoll_event leave = {.events = EPOLLIN};
	struct epoll_event peer = {.events = EPOLLIN | EPOLLEXCLUSIVE};
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC), saved;

	if (epoll_fd < 0)
		return -1;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, members->leave_fd, &leave) == 0 &&
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, members->base.serving->listener->fd, &peer) == 0)
		return epoll_fd;
	saved = errno;
	close(epoll_fd);
	errno = saved;
	return -1;
}

static bool must_leave(const struct members *members)
{
	struct pollfd look = {.fd = members->leave_fd, .events = POLLIN};

	return atomic_load(&weft__process_is_stopping) || weft_interrupted() ||
	       poll(&look, 1, 0) > 0;
}

static void door_wait(int epoll_fd)
{
	struct timespec timeout = weft__doze_time(INT64_MAX);
	struct epoll_event event;
	int count = 0;

	weft__doze_begin(&timeout);
	if (!weft_interrupted() && !atomic_load(&weft__process_is_stopping))
		count = epoll_pwait2(epoll_fd, &event, 1, &timeout, NULL);
	weft__doze_end();
	/* valgrind has none of it: then a stop is seen a little later. */
	if (count < 0 && errno == ENOSYS)
		epoll_wait(epoll_fd, &event, 1, DOOR_LOOK_MS);
}

static void talk(struct place *place, int fd, const struct weft_address *address)
{
	struct weft__serving *serving = place->members->base.serving;
	struct weft_stream *peer = weft__listener_stream(serving->listener, fd, address);

	if (!peer) {
		weft_close(fd);
		weft__serve_count(&serving->counts->refused);
		return;
	}
	atomic_store(&place->is_busy, true);
	weft__serve_count(&serving->counts->accepted);
	weft__serve_connection(serving, peer);
	atomic_store(&place->is_busy, false);
}

/* 0, or what made accepting impossible. */
static int serve_at(struct place *place, int epoll_fd)
{
	struct members *members = place->members;

	while (!must_leave(members)) {
		struct weft_address address;
		int fd = weft__serve_accept(members->base.serving, &address);

		if (fd >= 0)
			talk(place, fd, &address);
		else if (errno == EAGAIN)
			door_wait(epoll_fd);
		else if (!weft__serve_is_short(errno))
			return errno;
		else
			(void)weft_wait_descriptor();
	}
	return 0;
}

static int member_run(struct weft__unit *unit)
{
	struct place *place = unit->arg;
	struct members *members = place->members;
	int epoll_fd = door_open(members), code = errno;

	if (epoll_fd >= 0) {
		code = serve_at(place, epoll_fd);
		close(epoll_fd);
	}
	if (code == 0)
		return 0;
	atomic_store(&place->error, code);
	weft_serve_stop(members->base.serving->listener);
	return -1;
}

/* ---- The supervisor ---------------------------------------------------------------------------
 */

/* -1: none is to be had. */
static int member_start(struct members *members, struct place *place)
{
	place->members = members;
	atomic_store(&place->is_busy, false);
	place->unit = weft__unit_start(&members->base.units, member_run, place);
	return place->unit ? 0 : -1;
}

/* The places that crashed members have left. */
static void refill(struct members *members)
{
	for (size_t i = 0; i < members->size; i++) {
		struct place *place = &members->places[i];

		if (place->unit)
			continue;
		if (weft_now() < members->next_start_ns)
			return;
		if (member_start(members, place) < 0) {
			members->next_start_ns = weft_now() + PAUSE_MAX_NS;
			return;
		}
		weft__serve_count(&members->base.serving->counts->replaced);
	}
}

static void pause_after(struct members *members, const struct weft__unit *unit)
{
	int64_t now = weft_now();

	if (now - unit->started_ns >= YOUNG_NS)
		members->pause_ns = 0;
	else if (members->pause_ns < PAUSE_MIN_NS)
		members->pause_ns = PAUSE_MIN_NS;
	else if (members->pause_ns < PAUSE_MAX_NS)
		members->pause_ns *= 2;
	members->next_start_ns = now + members->pause_ns;
}

static void on_end(struct weft__supervisor *base, struct weft__unit *unit)
{
	struct members *members = weft_container_of(base, struct members, base);
	struct weft__serve_counts *counts = base->serving->counts;
	struct place *place = unit->arg;

	place->unit = NULL;
	pause_after(members, unit);
	if (!weft__unit_has_crashed(unit))
		return; /* it was asked to end, by SIGTERM say */
	weft__supervisor_report(base, unit);
	if (atomic_exchange(&place->is_busy, false)) {
		weft__serve_count(&counts->crashed);
		weft__serve_count(&counts->ended);
	}
}

static int64_t time_to_start(const struct members *members)
{
	int64_t left_ns = members->next_start_ns - weft_now();

	if (members->base.units.count == members->size)
		return WEFT_FOREVER;
	return left_ns > 0 ? left_ns : 0;
}

static int serve_until_stopped(struct members *members)
{
	while (!weft__supervisor_is_stopped(&members->base)) {
		weft__supervisor_reap(&members->base);
		refill(members);
		if (weft__supervisor_wait(&members->base, time_to_start(members)) < 0)
			return errno;
	}
	for (size_t i = 0; i < members->size; i++)
		if (atomic_load(&members->places[i].error))
			return atomic_load(&members->places[i].error);
	return 0;
}

static int start_all(struct members *members)
{
	for (size_t i = 0; i < members->size; i++)
		if (member_start(members, &members->places[i]) < 0)
			return errno;
	return 0;
}

static void leave_all(struct members *members)
{
	const uint64_t one = 1;

	while (write(members->leave_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	weft__supervisor_end(&members->base);
}

static size_t size_of_pool(const struct weft__serving *serving)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t size = serving->options->size;

	if (size == 0)
		size = cpus > SIZE_MIN / SIZE_PER_CPU ? (size_t)cpus * SIZE_PER_CPU : SIZE_MIN;
	if (serving->options->connections_max && size > serving->options->connections_max)
		size = serving->options->connections_max;
	return size;
}

static int members_serve(struct members *members)
{
	int code;

	if (weft__supervisor_init(&members->base) < 0)
		return errno;
	code = start_all(members);
	if (code == 0)
		code = serve_until_stopped(members);
	WEFT_SHIELDED
		leave_all(members);
	return code;
}

static int serve_by(struct weft__serving *serving, size_t size, bool by_processes)
{
	struct members members = {
		.base = {.serving = serving,
			.on_end = on_end,
			.units = {.are_processes = by_processes,
				.processes_max = size,
				.name = "weft-serve",
				.stack_size_bytes = serving->options->stack_size_bytes,
				.on_stop = serving->hooks->on_process_stop,
				.on_stop_arg = serving->arg}},
		.size = size,
		.leave_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
	size_t bytes = size * sizeof(*members.places);
	int code;

	if (members.leave_fd < 0)
		return errno;
	members.places =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (members.places != MAP_FAILED) {
		code = members_serve(&members);
		munmap(members.places, bytes);
	} else {
		code = errno;
	}
	close(members.leave_fd);
	return code;
}

int weft__serve_loop(struct weft__serving *serving)
{
	return serve_by(serving, 1, false);
}

int weft__serve_pool(struct weft__serving *serving)
{
	return serve_by(serving, size_of_pool(serving), false);
}

int weft__serve_prefork(struct weft__serving *serving)
{
	return serve_by(serving, size_of_pool(serving), true);
}
