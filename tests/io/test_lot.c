/*
 * test_lot.c - tests src/io/lot.c and the parking of serve_fiber.c: connections without fibers.
 *
 * check: tsan drivers
 */
#include "check.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "io/serve.h"
#include "io/stream.h"
#include "weft/debug.h"
#include "weft/fiber.h"
#include "weft/scope.h"
#include "weft/serve.h"
#include "weft/stream.h"

#define PEERS 100

/* ---- A server that parks after every line, and its peers ---------------------------------- */

#define HANDLER "a handler"

struct world {
	struct weft_listener *listener;
	char address[WEFT_ADDRESS_TEXT_MAX];
	struct weft_serve_options options;
	struct weft__serve_hooks hooks;
	size_t fibers_before;
	atomic_int calls, ended_parked;
	void (*visit)(struct world *world);
};

/* Sends back one line, then has nothing to do until the next. */
static int shout(struct weft_stream *peer, void *arg)
{
	struct world *world = arg;
	const char *line;
	ssize_t len = weft_stream_readline(peer, &line);

	atomic_fetch_add(&world->calls, 1);
	if (len <= 0)
		return (int)len;
	if (weft_stream_write_all(peer, line, (size_t)len) < 0 || weft_stream_flush(peer) < 0)
		return -1;
	return peer->can_park ? WEFT__SERVE_PARK : 0;
}

static void on_parked_end(struct weft_stream *peer, void *arg)
{
	struct world *world = arg;

	/* Of two doors one may make room in vain, at the cost of who is about to be parked. */
	CHECK(peer->was_parked || weft_worker_count() > 1);
	atomic_fetch_add(&world->ended_parked, 1);
}

static int serve(void *arg)
{
	struct world *world = arg;

	return weft__serve(world->listener, shout, world, &world->options, &world->hooks);
}

static int run_world(void *arg)
{
	struct world *world = arg;
	weft_fiber_id server;
	int result = -1;

	world->listener = weft_listener_new("127.0.0.1:0", NULL);
	CHECK(world->listener != NULL);
	weft_address_print(
		weft_listener_address(world->listener), world->address, sizeof(world->address));
	server = weft_spawn(serve, world);
	CHECK(server != 0);
	world->fibers_before = weft_fiber_count();
	world->visit(world);
	weft_serve_stop(world->listener);
	CHECK_INT(weft_join(server, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 0);
	CHECK_INT(weft_fiber_count(), ==, 1);
	weft_listener_free(world->listener);
	return 0;
}

static void run_with(unsigned workers, void (*visit)(struct world *world), unsigned connections_max,
	int64_t timeout_ns)
{
	struct weft_run_options options = {.workers = workers};
	struct world world = {.visit = visit,
		.options = {.name = HANDLER, .connections_max = connections_max},
		.hooks = {.park_timeout_ns = timeout_ns, .on_parked_end = on_parked_end}};

	CHECK_INT(weft_run(&options, run_world, &world), ==, 0);
}

static void run(void (*visit)(struct world *world), unsigned connections_max, int64_t timeout_ns)
{
	run_with(1, visit, connections_max, timeout_ns);
}

static struct weft_stream *meet(struct world *world)
{
	struct weft_stream *stream = weft_stream_connect(world->address);

	CHECK(stream != NULL);
	return stream;
}

static void talk(struct weft_stream *stream)
{
	const char *line;

	CHECK_INT(weft_stream_write_all(stream, "hello\n", 6), ==, 0);
	CHECK_INT(weft_stream_flush(stream), ==, 0);
	CHECK_INT(weft_stream_readline(stream, &line), ==, 6);
}

/* Until all the server has of its connections is parked: its door and its attendant are left. */
static void await_parked(struct world *world)
{
	while (weft_fiber_count() > world->fibers_before + 2)
		weft_yield();
}

static struct weft_serve_counts counts(struct world *world)
{
	struct weft_serve_counts counts;

	weft_serve_counts(world->listener, &counts);
	return counts;
}

/* ---- What it keeps ------------------------------------------------------------------------- */

static void visit_many(struct world *world)
{
	static struct weft_stream *streams[PEERS];

	for (int i = 0; i < PEERS; i++) {
		streams[i] = meet(world);
		talk(streams[i]);
	}
	await_parked(world);
	for (int round = 0; round < 3; round++)
		for (int i = PEERS; i-- > 0;)
			talk(streams[i]);
	await_parked(world);
	CHECK_INT(counts(world).ended, ==, 0);
	for (int i = 0; i < PEERS; i++)
		weft_stream_free(streams[i]);
	while (counts(world).ended < PEERS)
		weft_yield();
	CHECK_INT(counts(world).accepted, ==, PEERS);
}

CHECK_CASE(parked_connections_hold_no_fiber_and_answer_on)
{
	run(visit_many, 0, WEFT_SECONDS(60));
}

static void visit_gone(struct world *world)
{
	struct weft_stream *stream = meet(world);

	talk(stream);
	await_parked(world);
	weft_stream_free(stream);
	while (counts(world).ended < 1)
		weft_yield();
	CHECK_INT(atomic_load(&world->calls), ==, 2); /* the end was for the handler to read */
	CHECK_INT(atomic_load(&world->ended_parked), ==, 0);
}

CHECK_CASE(the_end_of_a_parked_peer_is_noticed)
{
	run(visit_gone, 0, WEFT_SECONDS(60));
}

static void visit_silent(struct world *world)
{
	struct weft_stream *stream = meet(world);
	char byte;

	talk(stream);
	CHECK_INT(weft_stream_read(stream, &byte, 1), ==, 0);
	CHECK_INT(atomic_load(&world->calls), ==, 1);
	CHECK_INT(atomic_load(&world->ended_parked), ==, 1);
	weft_stream_free(stream);
}

CHECK_CASE(who_is_silent_too_long_is_closed_without_a_call)
{
	run(visit_silent, 0, WEFT_MILLISECONDS(20));
}

static void visit_stopped(struct world *world)
{
	struct weft_stream *stream = meet(world);
	char byte;

	talk(stream);
	await_parked(world);
	weft_serve_stop(world->listener);
	CHECK_INT(weft_stream_read(stream, &byte, 1), ==, 0);
	CHECK_INT(atomic_load(&world->calls), ==, 1);
	CHECK_INT(atomic_load(&world->ended_parked), ==, 1);
	weft_stream_free(stream);
}

CHECK_CASE(a_stop_closes_what_is_parked)
{
	run(visit_stopped, 0, WEFT_SECONDS(60));
}

/* ---- Where room is short --------------------------------------------------------------------- */

static void visit_full(struct world *world)
{
	struct weft_stream *first = meet(world), *second, *third;
	char byte;

	talk(first);
	await_parked(world);
	second = meet(world);
	talk(second);
	await_parked(world);
	third = meet(world);
	talk(third); /* and got the place of who was parked longest */
	CHECK_INT(weft_stream_read(first, &byte, 1), ==, 0);
	talk(second);
	weft_stream_free(first);
	weft_stream_free(second);
	weft_stream_free(third);
}

CHECK_CASE(who_is_parked_longest_makes_room_for_the_next)
{
	run(visit_full, 2, WEFT_SECONDS(60));
}

/* Until no handler is left, on any worker: whoever is not parked yet would be closed first. */
static void await_all_parked(void)
{
	static char text[65536];
	ssize_t len;

	do {
		int fd = memfd_create("dump", MFD_CLOEXEC);

		CHECK(fd >= 0);
		CHECK_INT(weft_dump(fd), ==, 0);
		len = pread(fd, text, sizeof(text) - 1, 0);
		CHECK_INT(len, >, 0);
		text[len] = '\0';
		close(fd);
		weft_yield();
		/* One that did not answer in time has not said whom it has. */
	} while (strstr(text, HANDLER) || strstr(text, "has been busy"));
}

/* Whichever worker has let in whom. */
static void visit_full_of_two(struct world *world)
{
	struct weft_stream *first = meet(world), *others[7], *last;
	char byte;

	talk(first);
	await_all_parked();
	weft_sleep(WEFT_MILLISECONDS(250)); /* or more: it is the longest by far */
	for (int i = 0; i < 7; i++) {
		others[i] = meet(world);
		talk(others[i]);
	}
	await_all_parked();
	last = meet(world);
	talk(last);
	CHECK_INT(weft_stream_read(first, &byte, 1), ==, 0);
	weft_stream_free(first);
	weft_stream_free(last);
	for (int i = 0; i < 7; i++)
		weft_stream_free(others[i]);
}

CHECK_CASE(who_is_parked_longest_makes_room_with_whichever_worker)
{
	for (int i = 0; i < 3; i++)
		run_with(2, visit_full_of_two, 8, WEFT_SECONDS(60));
}

static void visit_unasked(struct world *world)
{
	struct weft_stream *first = meet(world), *second = meet(world);

	talk(first);
	talk(second);
	await_parked(world);
	for (int i = 0; i < 1000; i++)
		weft_yield();
	CHECK_INT(counts(world).ended, ==, 0);
	talk(first);
	talk(second);
	weft_stream_free(first);
	weft_stream_free(second);
}

CHECK_CASE(nobody_makes_room_for_nobody)
{
	run(visit_unasked, 2, WEFT_SECONDS(60));
}

static void visit_unparked(struct world *world)
{
	struct weft_stream *stream = meet(world);
	char byte;

	talk(stream);
	CHECK_INT(weft_stream_read(stream, &byte, 1), ==, 0);
	weft_stream_free(stream);
}

CHECK_CASE(without_a_time_nobody_is_parked)
{
	run(visit_unparked, 0, 0);
}

CHECK_MAIN()
