/*
 * test_reset.c - conversations that are reset at random: what arrived is right, and all end.
 * check: tsan drivers
 *
 * Each connection has two ends, on workers of their own, and each end a writer and a
 * reader. At a random point a writer or a reader may reset the connection (SO_LINGER 0 and
 * close), under whatever the other three are doing. Bytes tell their place, so that each
 * one that arrived is known to be right.
 */
#include <netinet/in.h>
#include <stdatomic.h>

#include "base/prng.h"
#include "both.h"
#include "descriptors.h"
#include "weft/address.h"
#include "weft/scope.h"
#include "weft/socket.h"

#define CONNECTIONS 24
#define TOTAL_MAX   (300 * 1024)
#define PIECE_MAX   (24 * 1024)

/* One side. Its two fibers share a worker, so the fields need no lock. */
struct end {
	int fd;            /* -1: closed */
	uint64_t seed;     /* of the bytes that it sends */
	size_t total;      /* to be sent, unless something happens */
	size_t sent_reset; /* bytes after which the writer resets; SIZE_MAX: never */
	size_t read_reset; /* the same of the reader */
	size_t sent, received;
	bool has_reset, saw_reset;
	struct end *peer;
};

static unsigned char byte_at(uint64_t seed, size_t place)
{
	return (unsigned char)((place + seed) * 131 >> 3);
}

static void reset(struct end *end)
{
	struct linger at_once = {.l_onoff = 1};
	int fd = end->fd;

	end->has_reset = true;
	end->fd = -1;
	CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), ==, 0);
	CHECK_INT(weft_close(fd), ==, 0);
}

/* What a call may fail with, once its own end or the other one has reset. */
static void check_failure(struct end *end, bool is_write)
{
	int code = errno;

	if (end->has_reset) {
		CHECK_INT(code, ==, EBADF);
		return;
	}
	CHECK(code == ECONNRESET || (is_write && code == EPIPE));
	end->saw_reset = true;
}

static int write_some(void *arg)
{
	struct end *end = arg;
	struct prng prng = {end->seed ^ 1};
	unsigned char *piece = malloc(PIECE_MAX);

	CHECK(piece != NULL);
	while (end->fd >= 0 && end->sent < end->total) {
		size_t len = 1 + prng_below(&prng, PIECE_MAX);
		ssize_t count;

		if (end->sent >= end->sent_reset) {
			reset(end);
			break;
		}
		if (len > end->total - end->sent)
			len = end->total - end->sent;
		for (size_t i = 0; i < len; i++)
			piece[i] = byte_at(end->seed, end->sent + i);
		count = weft_send(end->fd, piece, len, 0);
		if (count < 0) {
			check_failure(end, true);
			break;
		}
		end->sent += (size_t)count;
		if (prng_below(&prng, 4) == 0)
			weft_yield();
	}
	if (end->fd >= 0 && end->sent == end->total)
		weft_shutdown(end->fd, SHUT_WR); /* refused when the other end has gone */
	free(piece);
	return 0;
}

static int read_all(void *arg)
{
	struct end *end = arg;
	struct prng prng = {end->seed ^ 2};
	unsigned char *piece = malloc(PIECE_MAX);

	CHECK(piece != NULL);
	while (end->fd >= 0) {
		ssize_t count = weft_recv(end->fd, piece, 1 + prng_below(&prng, PIECE_MAX), 0);

		if (count < 0)
			check_failure(end, false);
		if (count <= 0)
			break;
		for (size_t i = 0; i < (size_t)count; i++)
			CHECK_INT(piece[i], ==, byte_at(end->peer->seed, end->received + i));
		end->received += (size_t)count;
		if (end->received >= end->read_reset && end->fd >= 0)
			reset(end);
		if (prng_below(&prng, 8) == 0)
			weft_sleep(WEFT_MICROSECONDS(prng_below(&prng, 50)));
	}
	free(piece);
	return 0;
}

/* The reader is a fiber of its own beside the writer. Nothing may take for ever. */
static int hold_an_end(void *arg)
{
	struct end *end = arg;
	struct weft_spawn_options here = {.worker = 1 + (unsigned)weft_worker_index()};
	weft_fiber_id reader = weft_spawn_with(&here, read_all, end);

	WEFT_WITH_TIMEOUT (WEFT_SECONDS(30)) {
		write_some(end);
		CHECK_INT(weft_join(reader, NULL, WEFT_FOREVER), ==, 0);
	}
	if (end->fd >= 0)
		CHECK_INT(weft_close(end->fd), ==, 0);
	return 0;
}

/* ---- A round of connections ------------------------------------------------------------- */

static size_t somewhere(struct prng *prng, size_t total)
{
	return prng_below(prng, 5) ? SIZE_MAX : prng_below(prng, total + 1);
}

/* So that writers have to wait, and are reset while they do. */
static void make_narrow(int fd)
{
	const int size = 8 * 1024;

	CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), ==, 0);
	CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), ==, 0);
}

static void connect_ends(
	struct end ends[2], struct prng *prng, int listener, const struct weft_address *address)
{
	for (int i = 0; i < 2; i++) {
		size_t total = prng_below(prng, TOTAL_MAX) >> prng_below(prng, 12);

		ends[i] = (struct end){.seed = prng_next(prng),
			.total = total,
			.sent_reset = somewhere(prng, total),
			.read_reset = somewhere(prng, total),
			.peer = &ends[!i]};
	}
	ends[0].fd = weft_socket(AF_INET, SOCK_STREAM, 0);
	make_narrow(ends[0].fd);
	CHECK_INT(weft_connect(ends[0].fd, &address->any, address->len), ==, 0);
	ends[1].fd = weft_accept(listener, NULL, NULL);
	CHECK_INT(ends[1].fd, >=, 0);
}

/* Without a reset all bytes arrive; with one nobody received what was not sent. */
static void check_ends(const struct end ends[2])
{
	bool was_reset = ends[0].has_reset || ends[1].has_reset;

	for (int i = 0; i < 2; i++) {
		const struct end *end = &ends[i];

		CHECK_INT(end->received, <=, end->peer->sent);
		CHECK(!end->saw_reset || end->peer->has_reset);
		if (was_reset)
			continue;
		CHECK_INT(end->sent, ==, end->total);
		CHECK_INT(end->received, ==, end->peer->total);
	}
}

static unsigned resets;

static int converse(void *arg)
{
	unsigned workers = (unsigned)(uintptr_t)arg;
	static struct end ends[CONNECTIONS][2];
	struct weft_address address;
	int before = descriptors(), listener = weft_socket(AF_INET, SOCK_STREAM, 0);
	weft_fiber_id fibers[2 * CONNECTIONS];
	struct prng prng = {workers};

	make_narrow(listener); /* its connections take after it */
	CHECK_INT(weft_address_parse(&address, "127.0.0.1:0"), ==, 0);
	CHECK_INT(weft_bind(listener, &address.any, address.len), ==, 0);
	CHECK_INT(weft_listen(listener, CONNECTIONS), ==, 0);
	CHECK_INT(weft_getsockname(listener, &address), ==, 0);
	for (unsigned round = 0; round < check_rounds(10); round++) {
		for (unsigned i = 0; i < CONNECTIONS; i++)
			connect_ends(ends[i], &prng, listener, &address);
		for (unsigned i = 0; i < 2 * CONNECTIONS; i++) {
			struct weft_spawn_options options = {.worker = 1 + (i + i / 2) % workers};

			fibers[i] = weft_spawn_with(&options, hold_an_end, &ends[i / 2][i % 2]);
			CHECK(fibers[i] != 0);
		}
		CHECK_INT(weft_join_all(fibers, 2 * CONNECTIONS, NULL, WEFT_FOREVER), ==,
			2 * CONNECTIONS);
		for (unsigned i = 0; i < CONNECTIONS; i++) {
			check_ends(ends[i]);
			resets += ends[i][0].has_reset || ends[i][1].has_reset;
		}
		CHECK_INT(descriptors(), ==, before + 1);
	}
	weft_close(listener);
	CHECK_INT(descriptors(), ==, before);
	return 0;
}

static void run_on(unsigned workers)
{
	const struct weft_run_options options = {.workers = workers};

	CHECK_INT(weft_run(&options, converse, (void *)(uintptr_t)workers), ==, 0);
	CHECK_INT(resets, >, 0);
}

CHECK_CASE(peers_that_reset_at_any_point_corrupt_nothing_and_hold_up_nobody)
{
	run_on(1);
}

CHECK_CASE(peers_on_several_workers_that_reset_corrupt_nothing_either)
{
	run_on(3);
}

CHECK_MAIN()
