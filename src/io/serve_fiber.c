/*
 * serve_fiber.c - a fiber per connection, over all workers.
 *
 * Entry point: weft__serve_fibers(). Its parts:
 *
 *	server		what all workers share; written before the doors open
 *	  door		one per worker, a fiber that accepts, and starts the handlers on
 *	    |		its own worker
 *	  connection	one per handler's fiber, in its door's list
 *
 * A door, its list and its connections live on one worker, so none of them needs a
 * lock; the doors share the slots when there is a bound, and the listening socket:
 *
 * - Up to SHARED_DOORS_MAX doors accept from one socket. Whichever worker has time takes
 *   the next connection, even while another is held up. But the kernel wakes all that
 *   wait on it, and all but one in vain.
 * - More doors have a socket each (SO_REUSEPORT), over which the kernel spreads
 *   connections by their addresses, unless the listener is one that can't (Unix,
 *   inherited).
 *
 * Measured with connections of one request each, 8 at a time, CPU of the server per
 * connection, shared against own sockets: 2 workers 20 against 22 us, 4 workers 21
 * against 26 us, 6 workers 39 against 26 us, 8 workers 41 against 26 us. Both spread
 * evenly. A single accepting fiber that deals to the workers costs 25 us and more.
 *
 *	door:	accepting --(cancelled, or accept failed)--> draining --(list empty)--> ended
 *
 * A handler may park its connection (WEFT__SERVE_PARK): its fiber ends, and the connection lies
 * in the door's lot until there is something to read, which gets it a new fiber.
 *
 * While the door accepts, a connection that ends unlinks, detaches and frees itself.
 * While it drains, ended connections stay in the list, and the door joins them one by
 * one: so weft_serve() returns only when the last fiber is really gone.
 *
 * Never: take a lock or make a system call per message, or return while a handler runs.
 */
#include "io/serve.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fiber/worker.h"
#include "io/listener.h"
#include "io/lot.h"
#include "io/stream.h"
#include "weft/fiber.h"
#include "weft/list.h"
#include "weft/scope.h"
#include "weft/socket.h"

/* ---- Limits -------------------------------------------------------------------------- */

/* More doors than this do not share one listening socket. */
#define SHARED_DOORS_MAX 4

/* When the others take longer than that for a turn, so many are let in at the next. */
#define DOOR_TURN_NS WEFT_MILLISECONDS(5)
#define DOOR_BURST   64

/* Who is parked with this worker makes room before who is so with another, for so much longer. */
#define EVICT_SLACK_NS WEFT_MILLISECONDS(200)

struct server {
	struct weft__serving *serving;
	struct weft_listener *listener;
	const struct weft_serve_options *options;
	const char *name;      /* for lists of fibers */
	atomic_int error;      /* of the first door that couldn't go on */
	atomic_int slots_free; /* below zero: so many doors wait for one */
	int slots_fd;          /* semaphore that they wait on; -1: no bound */
	bool is_parted;        /* each door accepts from a socket of its own */
	bool may_park;         /* connections; a lot takes the kernel's descriptors only */
	unsigned door_count;
	struct door *doors;
};

struct door {
	struct server *server;
	weft_fiber_id fiber;
	unsigned worker;
	int fd; /* it accepts from this: the listener's, or one of its own */
	bool is_draining;
	struct weft_list connections; /* those with a fiber */
	struct weft__lot lot;         /* those without */
};

struct connection {
	struct weft_list_node in_door;
	struct door *door;
	struct weft_stream *stream;
	weft_fiber_id fiber;
	bool wants_parking;
	struct weft__parked parked;
};

/* ---- Slots: the bound on connections ---------------------------------------------------- */

/*
 * A counter, and a semaphore of the kernel's for those who find it empty: below
 * the bound no system call is made, and no worker waits for another.
 */
static bool has_bound(const struct server *server)
{
	return server->slots_fd >= 0;
}

static bool is_full(const struct server *server)
{
	return atomic_load(&server->slots_free) <= 0;
}

static int slot_take(struct server *server)
{
	uint64_t token;

	if (!has_bound(server) || atomic_fetch_sub(&server->slots_free, 1) > 0)
		return 0;
	if (weft_read(server->slots_fd, &token, sizeof(token)) < 0) {
		/* Only a stop ends the wait, so a token that comes too late harms nobody. */
		atomic_fetch_add(&server->slots_free, 1);
		return -1;
	}
	return 0;
}

static void slot_give(struct server *server)
{
	uint64_t token = 1;

	if (!has_bound(server) || atomic_fetch_add(&server->slots_free, 1) >= 0)
		return;
	while (write(server->slots_fd, &token, sizeof(token)) < 0 && errno == EINTR)
		;
}

/* ---- A connection ------------------------------------------------------------------------ */

static bool can_park(const struct connection *connection)
{
	struct server *server = connection->door->server;

	/* Where somebody waits for a slot, one that is of use is better than one that is idle. */
	return connection->stream->can_park && !connection->door->is_draining &&
	       (!has_bound(server) || server->serving->hooks->keeps_parked ||
		       atomic_load(&server->slots_free) >= 0);
}

static int connection_park(struct connection *connection)
{
	weft__stream_shrink(connection->stream);
	connection->stream->was_parked = true;
	return weft__lot_enter(&connection->door->lot, &connection->parked);
}

/* It ends without another call of its handler. */
static void connection_close(struct connection *connection)
{
	struct weft__serving *serving = connection->door->server->serving;

	if (serving->hooks->on_parked_end)
		serving->hooks->on_parked_end(connection->stream, serving->arg);
	weft__serve_close(serving, connection->stream, 0);
}

/* The last thing that a handler's fiber does, after what the handler itself deferred. */
static void connection_end(void *arg)
{
	struct connection *connection = arg;
	struct door *door = connection->door;
	bool is_parked = false;

	if (connection->wants_parking) {
		is_parked = can_park(connection) && connection_park(connection) == 0;
		if (!is_parked)
			connection_close(connection);
	}
	if (!is_parked)
		slot_give(door->server);
	if (door->is_draining)
		return; /* the door joins and frees it */
	weft_list_remove(&connection->in_door);
	weft_detach(connection->fiber);
	if (!is_parked)
		free(connection);
}

static int connection_run(void *arg)
{
	struct connection *connection = arg;
	const struct server *server = connection->door->server;
	struct weft__serving *serving = server->serving;
	bool is_deferred = weft_defer(connection_end, connection) == 0;
	int result;

	weft__fiber_serves(server->name, weft_stream_fd(connection->stream));
	result = serving->handler(connection->stream, serving->arg);

	connection->wants_parking = result == WEFT__SERVE_PARK && connection->stream->can_park;
	if (!connection->wants_parking) {
		weft__serve_finish(connection->stream);
		weft__serve_close(serving, connection->stream, result);
	}
	weft__fiber_serves(NULL, -1);
	if (!is_deferred)
		connection_end(connection);
	return result;
}

static int connection_spawn(struct connection *connection, const struct weft_address *peer)
{
	struct door *door = connection->door;
	char name[WEFT_ADDRESS_TEXT_MAX];
	struct weft_spawn_options options = {
		.name = door->server->options->name,
		.stack_size_bytes = door->server->options->stack_size_bytes,
		.worker = door->worker + 1,
	};

	if (!options.name) {
		weft_address_print(peer, name, sizeof(name));
		options.name = name;
	}
	connection->fiber = weft_spawn_with(&options, connection_run, connection);
	if (!connection->fiber)
		return -1;
	weft_list_push_back(&door->connections, &connection->in_door);
	return 0;
}

/* It has left the lot. */
static void connection_leave(struct weft__parked *parked, bool has_bytes)
{
	struct connection *connection = weft_container_of(parked, struct connection, parked);
	struct server *server = connection->door->server;

	if (has_bytes && connection_spawn(connection, weft_stream_peer(connection->stream)) == 0)
		return;
	connection_close(connection);
	slot_give(server);
	free(connection);
}

/* Start a handler for fd, which is the connection's from here on, whatever happens. */
static int connection_start(struct door *door, int fd, const struct weft_address *peer)
{
	struct connection *connection = malloc(sizeof(*connection));

	if (!connection)
		goto fail_fd;
	connection->door = door;
	connection->stream = weft__listener_stream(door->server->listener, fd, peer);
	if (!connection->stream)
		goto fail_connection;
	connection->parked.fd = fd;
	connection->stream->can_park = door->server->may_park;
	if (connection_spawn(connection, peer) < 0)
		goto fail_stream;
	return 0;

fail_stream:
	weft_stream_free(connection->stream);
	fd = -1;
fail_connection:
	free(connection);
fail_fd:
	if (fd >= 0)
		weft_close(fd);
	return -1;
}

/* ---- A door -------------------------------------------------------------------------------- */

/* On the worker of a door. */
static int evict_there(void *arg)
{
	return weft__lot_evict(&((struct door *)arg)->lot);
}

/* Of those that are parked with another door. Its worker does it, and is waited for. */
static bool evict_at(struct door *other)
{
	struct weft_spawn_options options = {.name = "room", .worker = other->worker + 1};
	weft_fiber_id fiber = 0;
	int is_one_gone = 0;

	if (atomic_load_explicit(&other->lot.count, memory_order_relaxed) > 0)
		fiber = weft_spawn_with(&options, evict_there, other);
	if (fiber)
		WEFT_SHIELDED
			weft_join(fiber, &is_one_gone, WEFT_FOREVER);
	return is_one_gone;
}

static bool evict_elsewhere(struct door *door)
{
	struct server *server = door->server;
	unsigned own = (unsigned)(door - server->doors);
	bool is_one_gone = false;

	for (unsigned i = 1; i < server->door_count && !is_one_gone; i++)
		is_one_gone = evict_at(&server->doors[(own + i) % server->door_count]);
	return is_one_gone;
}

/*
 * Where who is parked longest is: with this door, unless another has somebody who is here longer by
 * more than the trouble is worth. All stay for the same time, so who is to leave first has come
 * first.
 */
static struct door *find_longest(struct door *door)
{
	struct server *server = door->server;
	int64_t first_ns = atomic_load_explicit(&door->lot.first_ns, memory_order_relaxed);
	struct door *longest = door;

	if (first_ns != INT64_MAX)
		first_ns -= EVICT_SLACK_NS;
	for (unsigned i = 0; i < server->door_count; i++) {
		struct door *other = &server->doors[i];
		int64_t other_ns = atomic_load_explicit(&other->lot.first_ns, memory_order_relaxed);

		if (other != door && other_ns < first_ns) {
			first_ns = other_ns;
			longest = other;
		}
	}
	return longest;
}

static bool evict_longest(struct door *door)
{
	struct door *longest = find_longest(door);

	return (longest != door && evict_at(longest)) || weft__lot_evict(&door->lot) ||
	       evict_elsewhere(door);
}

static void make_room(struct door *door)
{
	const struct weft__serving *serving = door->server->serving;
	bool is_one_gone = !serving->hooks->keeps_parked && evict_longest(door);

	if (serving->hooks->on_full)
		serving->hooks->on_full(serving->arg, is_one_gone);
}

static int door_accept(struct door *door)
{
	struct weft_address peer;
	int fd;

	/* A slot that is kept for a socket of one's own is one that the others lack; and nobody
	 * who is parked has to make room before there is somebody to make it for. */
	if (has_bound(door->server) && (door->server->is_parted || is_full(door->server)) &&
		weft_wait_fd(door->fd, POLLIN) < 0)
		return -1;
	if (has_bound(door->server) && is_full(door->server))
		make_room(door);
	/* The slot comes first: who gets none waits in the backlog, not accepted and mute. */
	if (slot_take(door->server) < 0)
		return -1;
	fd = weft__listener_accept(door->fd, &peer);
	if (fd < 0) {
		slot_give(door->server);
		return -1;
	}
	if (connection_start(door, fd, &peer) < 0) {
		/* Memory or fibers have run out: this peer is turned away, and the next is
		 * asked in a little later. */
		slot_give(door->server);
		weft__serve_count(&door->server->serving->counts->refused);
		return weft_wait_descriptor();
	}
	weft__serve_count(&door->server->serving->counts->accepted);
	return 0;
}

static void door_cancel_all(struct door *door)
{
	weft_list_each (node, &door->connections)
		weft_cancel(weft_container_of(node, struct connection, in_door)->fiber);
}

/* Give the connections their grace time, then cancel them, and await them all. */
static void door_drain(struct door *door)
{
	int64_t deadline_ns = weft_now() + door->server->serving->grace_ns;
	bool is_over = false;
	struct weft_list_node *node;

	door->is_draining = true;
	weft__lot_fini(&door->lot); /* the silent ones have nothing to finish */
	while ((node = weft_list_first(&door->connections)) != NULL) {
		struct connection *connection = weft_container_of(node, struct connection, in_door);
		int64_t left_ns = deadline_ns - weft_now();

		if (left_ns < 0)
			left_ns = 0;
		if (weft_join(connection->fiber, NULL, is_over ? WEFT_FOREVER : left_ns) < 0 &&
			errno == ETIMEDOUT) {
			door_cancel_all(door);
			is_over = true;
			continue;
		}
		weft_list_remove(node);
		free(connection);
	}
}

static void door_close(struct door *door)
{
	if (door->fd != door->server->listener->fd)
		weft_close(door->fd);
}

/* Let the others run. How many may then be let in before they run again. */
static unsigned door_give_way(void)
{
	int64_t look_ns = weft__worker->now_ns;

	weft_yield();
	return weft__worker->now_ns - look_ns > DOOR_TURN_NS ? DOOR_BURST : 1;
}

static int door_run(void *arg)
{
	struct door *door = arg;
	unsigned left = 1;
	int none = 0;

	weft__fiber_serves(door->server->name, door->fd);
	/*
	 * The new handler goes first: its request is often there already, and what it keeps
	 * this worker busy with is a chance for the other doors to take the next. But where
	 * the others take their time, the backlog would wait that long for each that is in it.
	 */
	while (door_accept(door) == 0)
		if (--left == 0)
			left = door_give_way();
	if (errno != ECANCELED) {
		atomic_compare_exchange_strong(&door->server->error, &none, errno);
		weft_serve_stop(door->server->listener);
	}
	weft__fiber_serves(NULL, -1);
	/* At once: the kernel is to send nobody here who would wait in vain. */
	door_close(door);
	WEFT_SHIELDED
		door_drain(door);
	return 0;
}

/* ---- The server ---------------------------------------------------------------------------- */

/* Give each door but the first a socket of its own; all of them or none. */
static bool doors_part(struct server *server)
{
	for (unsigned i = 1; i < server->door_count; i++) {
		server->doors[i].fd = weft__listener_sibling(server->listener);
		if (server->doors[i].fd >= 0)
			continue;
		server->doors[i].fd = server->listener->fd;
		while (--i > 0) {
			weft_close(server->doors[i].fd);
			server->doors[i].fd = server->listener->fd;
		}
		return false;
	}
	return true;
}

static void doors_init(struct server *server)
{
	unsigned here = (unsigned)weft_worker_index();

	for (unsigned i = 0; i < server->door_count; i++) {
		struct door *door = &server->doors[i];

		door->server = server;
		door->worker = server->options->one_worker ? here : i;
		door->fd = server->listener->fd;
		weft_list_init(&door->connections);
		weft__lot_init(
			&door->lot, server->serving->hooks->park_timeout_ns, connection_leave);
	}
	server->is_parted = server->door_count > SHARED_DOORS_MAX && doors_part(server);
}

static int server_init(struct server *server)
{
	const struct weft_serve_options *options = server->options;

	server->name = server->listener->name ? server->listener->name
		       : options->name        ? options->name
					      : "";
	server->may_park =
		server->serving->hooks->park_timeout_ns > 0 && !weft__serve_is_simulated();
	server->slots_fd = -1;
	atomic_init(&server->slots_free, (int)options->connections_max);
	if (options->connections_max > 0) {
		server->slots_fd = eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK);
		if (server->slots_fd < 0)
			return -1;
	}
	server->door_count = options->one_worker ? 1 : weft_worker_count();
	server->doors = calloc(server->door_count, sizeof(*server->doors));
	if (!server->doors) {
		if (server->slots_fd >= 0)
			weft_close(server->slots_fd);
		return -1;
	}
	doors_init(server);
	return 0;
}

static void server_fini(struct server *server)
{
	if (server->slots_fd >= 0)
		weft_close(server->slots_fd);
	free(server->doors);
}

/* Start the doors. Those that could not be opened are shut; server_stop() ends the others. */
static int server_start(struct server *server)
{
	int result = 0;

	for (unsigned i = 0; i < server->door_count; i++) {
		struct door *door = &server->doors[i];
		struct weft_spawn_options options = {.name = "accept", .worker = door->worker + 1};

		door->fiber = weft_spawn_with(&options, door_run, door);
		if (door->fiber == 0) {
			door_close(door);
			result = -1;
		}
	}
	return result;
}

/* All doors are told before any is awaited: their grace times run side by side. */
static void server_stop(struct server *server)
{
	for (unsigned i = 0; i < server->door_count; i++)
		if (server->doors[i].fiber)
			weft_cancel(server->doors[i].fiber);
	for (unsigned i = 0; i < server->door_count; i++)
		if (server->doors[i].fiber)
			weft_join(server->doors[i].fiber, NULL, WEFT_FOREVER);
}

int weft__serve_fibers(struct weft__serving *serving)
{
	struct server server = {
		.serving = serving, .listener = serving->listener, .options = serving->options};
	int code = 0;

	if (server_init(&server) < 0)
		return errno;
	if (server_start(&server) < 0 || weft_wait_fd(serving->listener->stop_fd, POLLIN) < 0)
		code = errno;
	WEFT_SHIELDED
		server_stop(&server);
	if (code == 0)
		code = atomic_load(&server.error);
	server_fini(&server);
	return code;
}
