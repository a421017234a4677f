/*
 * connect.c - streams to a host by name: its addresses race, as RFC 8305 has it.
 *
 * Entry point: weft_stream_connect().
 *
 * The families take turns, that of the best address first. The next attempt begins when
 * the last has failed, or has not ended within 250 ms; the earlier ones go on beside it. The
 * first that stands is kept. In a fiber each attempt is a fiber of the same worker; a
 * thread polls the sockets itself.
 *
 * Never: leave a socket or a fiber behind, or begin another attempt once the scope's
 * deadline has passed.
 */
#include "io/stream.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <time.h>

#include "fiber/doze.h"
#include "weft/event.h"
#include "weft/fiber.h"
#include "weft/scope.h"
#include "weft/socket.h"

/** Between the beginnings of two attempts: RFC 8305, section 8. */
#define ATTEMPT_DELAY WEFT_MILLISECONDS(250)

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- One address -------------------------------------------------------------------- */

static void close_keeping_errno(int fd)
{
	int code = errno;

	weft_close(fd);
	errno = code;
}

/* A stream has its own buffer: what it sends is meant to go now. */
static void set_nodelay(const struct weft_address *address, int fd)
{
	int on = 1;

	if (weft_address_family(address) != AF_UNIX)
		weft_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* A connected socket, or -1. */
static int connect_to(const struct weft_address *address)
{
	int fd = weft_socket(weft_address_family(address), SOCK_STREAM, 0);

	if (fd < 0)
		return -1;
	if (weft_connect(fd, &address->any, address->len) < 0) {
		close_keeping_errno(fd);
		return -1;
	}
	set_nodelay(address, fd);
	return fd;
}

/* ---- The order -------------------------------------------------------------------------- */

/* RFC 8305, section 4: the families in turns, each in the order in which it was given. */
static void interleave(const struct weft_address *addresses, int count, int *ret_order)
{
	int first = weft_address_family(&addresses[0]), next[2] = {0, 0}, turn = 0;

	for (int done = 0; done < count; turn = !turn) {
		int *i = &next[turn];

		while (*i < count && (weft_address_family(&addresses[*i]) == first) == turn)
			++*i;
		if (*i < count)
			ret_order[done++] = (*i)++;
	}
}

/* ---- In a fiber ---------------------------------------------------------------------------- */

struct race {
	struct weft_event changed; /* an attempt has ended */
	int winner;                /* descriptor, or -1 */
	int code;                  /* why the last that failed did */
	int running;
};

struct attempt {
	struct race *race;
	const struct weft_address *address;
	weft_fiber_id fiber;
};

static int attempt_fiber(void *arg)
{
	struct attempt *attempt = arg;
	struct race *race = attempt->race;
	int fd = connect_to(attempt->address);

	race->running--;
	if (fd < 0)
		race->code = errno;
	else if (race->winner < 0)
		race->winner = fd;
	else
		weft_close(fd);
	weft_event_set(&race->changed);
	return 0;
}

/* Until an attempt has ended, or another may begin (delay_ns). False: the scope is late. */
static bool race_wait(struct race *race, int64_t delay_ns)
{
	WEFT_WITH_TIMEOUT (delay_ns)
		weft_event_wait(&race->changed);
	weft_event_clear(&race->changed);
	return weft_interrupted() == 0;
}

/* A fiber for it; where there is none to be had, the caller itself. */
static void attempt_begin(struct race *race, struct attempt *attempt)
{
	const struct weft_spawn_options options = {
		.name = "connect", .worker = (unsigned)weft_worker_index() + 1};

	race->running++;
	attempt->race = race;
	attempt->fiber = weft_spawn_with(&options, attempt_fiber, attempt);
	if (!attempt->fiber)
		attempt_fiber(attempt);
}

static void attempts_end(struct attempt *attempts, int count)
{
	for (int i = 0; i < count; i++)
		if (attempts[i].fiber)
			weft_cancel(attempts[i].fiber);
	WEFT_SHIELDED
		for (int i = 0; i < count; i++)
			if (attempts[i].fiber)
				weft_join(attempts[i].fiber, NULL, WEFT_FOREVER);
}

static int race_in_fiber(const struct weft_address *addresses, const int *order, int count)
{
	struct attempt attempts[WEFT_ADDRESS_RESOLVE_MAX];
	struct race race = {.winner = -1, .code = ECONNREFUSED};
	bool is_in_time = weft_interrupted() == 0;
	int begun = 0;

	weft_event_init(&race.changed, "connect");
	while (is_in_time && race.winner < 0 && (begun < count || race.running > 0)) {
		if (begun < count) {
			attempts[begun] = (struct attempt){.address = &addresses[order[begun]]};
			attempt_begin(&race, &attempts[begun++]);
		}
		is_in_time = race_wait(&race, begun < count ? ATTEMPT_DELAY : WEFT_FOREVER);
	}
	attempts_end(attempts, begun);
	if (race.winner >= 0 && is_in_time)
		return race.winner;
	if (race.winner >= 0)
		weft_close(race.winner);
	return fail(is_in_time ? race.code : weft_interrupted());
}

/* ---- On a thread ------------------------------------------------------------------------------
 */

struct polled {
	struct pollfd sets[WEFT_ADDRESS_RESOLVE_MAX]; /* fd -1: ended */
	int begun, running;
	int winner; /* index, or -1 */
	int code;
};

/* Begin the next. False: it failed at once. */
static bool polled_begin(struct polled *polled, const struct weft_address *address)
{
	struct pollfd *set = &polled->sets[polled->begun++];
	int fd = weft_socket(weft_address_family(address), SOCK_STREAM, 0);

	*set = (struct pollfd){.fd = -1, .events = POLLOUT};
	if (fd >= 0 && (connect(fd, &address->any, address->len) == 0 || errno == EINPROGRESS)) {
		set->fd = fd;
		polled->running++;
		return true;
	}
	polled->code = errno;
	if (fd >= 0)
		weft_close(fd);
	return false;
}

static void polled_look(struct polled *polled)
{
	for (int i = 0; i < polled->begun && polled->winner < 0; i++) {
		struct pollfd *set = &polled->sets[i];
		int code = 0;
		socklen_t len = sizeof(code);

		if (set->fd < 0 || !set->revents)
			continue;
		if (getsockopt(set->fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0)
			code = errno;
		if (code == 0) {
			polled->winner = i;
			return;
		}
		polled->code = code;
		weft_close(set->fd);
		set->fd = -1;
		polled->running--;
	}
}

static void polled_wait(struct polled *polled, int64_t delay_ns)
{
	int64_t left = weft_time_left();
	struct timespec timeout;
	int count = 0;

	if (delay_ns >= 0 && (left < 0 || delay_ns < left))
		left = delay_ns;
	timeout = weft__doze_time(left < 0 ? INT64_MAX : left);
	weft__doze_begin(&timeout);
	if (!weft_interrupted())
		count = weft__doze_ppoll(polled->sets, (nfds_t)polled->begun, &timeout, NULL);
	weft__doze_end();
	if (count <= 0)
		for (int i = 0; i < polled->begun; i++)
			polled->sets[i].revents = 0; /* undefined then */
}

static int race_in_thread(const struct weft_address *addresses, const int *order, int count)
{
	struct polled polled = {.winner = -1, .code = ECONNREFUSED};
	int code, fd = -1;

	while (!(code = weft_interrupted()) && polled.winner < 0 &&
		(polled.begun < count || polled.running > 0)) {
		if (polled.begun < count && !polled_begin(&polled, &addresses[order[polled.begun]]))
			continue;
		polled_wait(&polled, polled.begun < count ? ATTEMPT_DELAY : WEFT_FOREVER);
		polled_look(&polled);
	}
	for (int i = 0; i < polled.begun; i++) {
		if (i == polled.winner && !code)
			fd = polled.sets[i].fd;
		else if (polled.sets[i].fd >= 0)
			weft_close(polled.sets[i].fd);
	}
	if (fd < 0)
		return fail(code ? code : polled.code);
	set_nodelay(&addresses[order[polled.winner]], fd);
	return fd;
}

/* ---- Streams -------------------------------------------------------------------------------- */

static int connect_first(const struct weft_address *addresses, int count)
{
	int order[WEFT_ADDRESS_RESOLVE_MAX] = {0};

	if (count > WEFT_ADDRESS_RESOLVE_MAX)
		count = WEFT_ADDRESS_RESOLVE_MAX;
	if (count == 1)
		return connect_to(&addresses[0]);
	interleave(addresses, count, order);
	return weft_self() ? race_in_fiber(addresses, order, count)
			   : race_in_thread(addresses, order, count);
}

struct weft_stream *weft__stream_connect_any(const struct weft_address *addresses, int count)
{
	int fd = connect_first(addresses, count);
	struct weft_stream *stream;

	if (fd < 0)
		return NULL;
	stream = weft__stream_new_socket(fd);
	if (!stream) {
		weft_close(fd);
		errno = ENOMEM;
	}
	return stream;
}

struct weft_stream *weft_stream_connect(const char *host_port)
{
	struct weft_address addresses[WEFT_ADDRESS_RESOLVE_MAX];
	int count = weft_address_resolve(addresses, WEFT_ADDRESS_RESOLVE_MAX, host_port);

	return count < 0 ? NULL : weft__stream_connect_any(addresses, count);
}
