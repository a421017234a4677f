/*
 * server.c - listeners, connections and one service: starting and stopping them together.
 *
 * Entry points: weft_http_server_new(), _run(), _stop(), _free().
 *
 * The server knows its connections, so that a stop can end the idle ones at once: a
 * browser keeps its connections open for minutes, and nobody wants to wait for that.
 * They are kept by worker, each list with a lock of its own, taken when a connection
 * begins and ends and at a stop; never for a request.
 *
 * Never: a lock on a request's way.
 */
#include "weft/http.h"

#include <errno.h>
#include <stdlib.h>

#include "base/slab.h"
#include "http/connection.h"
#include "http/limits.h"
#include "http/metrics.h"
#include "io/serve.h"
#include "io/stream.h"

/* The connections of one worker. */
struct roster {
	pthread_mutex_t lock;
	struct weft_list connections;
	struct weft__slab slab; /* which the connections are of */
};

/* A run under way, on the stack of its weft_http_server_run(). */
struct run {
	struct weft_list_node in_server;
	struct weft_listener *listener;
};

struct weft_http_server {
	struct weft_http_server_options options; /* with the defaults filled in */
	struct weft__http_guard guard;
	atomic_bool is_stopping;
	pthread_mutex_t lock; /* of runs */
	struct weft_list runs;
	struct roster rosters[WEFT_WORKERS_MAX];
	_Atomic(struct weft__http_connection *) latest; /* in a process of one: that one */
};

struct weft_http_server *weft_http_server_new(const struct weft_http_server_options *options)
{
	struct weft_http_server *server;

	if (!options || !options->service) {
		errno = EINVAL;
		return NULL;
	}
	server = calloc(1, sizeof(*server));
	if (!server)
		return NULL;
	server->options = *options;
	if (!server->options.header_timeout_ns)
		server->options.header_timeout_ns = WEFT__HTTP_HEADER_TIMEOUT_NS;
	if (!server->options.idle_timeout_ns)
		server->options.idle_timeout_ns = WEFT__HTTP_IDLE_TIMEOUT_NS;
	if (!server->options.write_timeout_ns)
		server->options.write_timeout_ns = WEFT__HTTP_WRITE_TIMEOUT_NS;
	if (!server->options.body_timeout_ns)
		server->options.body_timeout_ns = WEFT__HTTP_BODY_TIMEOUT_NS;
	if (!server->options.body_max)
		server->options.body_max = WEFT__HTTP_BODY_MAX;
	if (!server->options.grace_ns)
		server->options.grace_ns = WEFT__HTTP_GRACE_NS;
	if (weft__http_guard_init(&server->guard, &server->options) < 0) {
		free(server);
		return NULL;
	}
	atomic_init(&server->is_stopping, false);
	pthread_mutex_init(&server->lock, NULL);
	weft_list_init(&server->runs);
	for (unsigned i = 0; i < WEFT_WORKERS_MAX; i++) {
		pthread_mutex_init(&server->rosters[i].lock, NULL);
		weft_list_init(&server->rosters[i].connections);
		weft__slab_init(&server->rosters[i].slab, sizeof(struct weft__http_connection));
	}
	return server;
}

void weft_http_server_free(struct weft_http_server *server)
{
	if (!server)
		return;
	for (unsigned i = 0; i < WEFT_WORKERS_MAX; i++) {
		pthread_mutex_destroy(&server->rosters[i].lock);
		weft__slab_fini(&server->rosters[i].slab);
	}
	pthread_mutex_destroy(&server->lock);
	weft__http_guard_fini(&server->guard);
	free(server);
}

/* Where 0 is the default, that stands there from the beginning. */
static void set_time(int64_t *limit, int64_t value, int64_t usual)
{
	__atomic_store_n(limit, value ? value : usual, __ATOMIC_RELAXED);
}

int weft_http_server_set_limits(
	struct weft_http_server *server, const struct weft_http_limits *limits)
{
	struct weft_http_server_options *options = &server->options;
	int result;

	pthread_mutex_lock(&server->lock);
	result = weft__http_guard_set(&server->guard, limits);
	if (result == 0) {
		set_time(&options->header_timeout_ns, limits->header_timeout_ns,
			WEFT__HTTP_HEADER_TIMEOUT_NS);
		set_time(&options->write_timeout_ns, limits->write_timeout_ns,
			WEFT__HTTP_WRITE_TIMEOUT_NS);
		set_time(&options->body_timeout_ns, limits->body_timeout_ns,
			WEFT__HTTP_BODY_TIMEOUT_NS);
		__atomic_store_n(&options->connections_per_client, limits->connections_per_client,
			__ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&server->lock);
	return result;
}

static struct roster *worker_roster(struct weft_http_server *server)
{
	int worker = weft_worker_index();

	return &server->rosters[worker < 0 ? 0 : worker % WEFT_WORKERS_MAX];
}

static struct weft__http_connection *connection_new(
	struct weft_http_server *server, struct roster *roster, struct weft_stream *peer)
{
	struct weft__http_connection *connection;

	pthread_mutex_lock(&roster->lock);
	connection = weft__slab_take(&roster->slab);
	if (connection) {
		weft__http_connection_init(
			connection, peer, &server->options, &server->is_stopping);
		connection->guard = server->guard.is_on ? &server->guard : NULL;
		weft_list_push_back(&roster->connections, &connection->in_server);
	}
	pthread_mutex_unlock(&roster->lock);
	return connection;
}

static void connection_free(struct roster *roster, struct weft__http_connection *connection)
{
	weft__http_connection_fini(connection);
	pthread_mutex_lock(&roster->lock);
	weft_list_remove(&connection->in_server);
	weft__slab_give(&roster->slab, connection);
	pthread_mutex_unlock(&roster->lock);
}

/* The handler of each connection's fiber. */
static int serve_connection(struct weft_stream *peer, void *arg)
{
	struct weft_http_server *server = arg;
	struct roster *roster = worker_roster(server);
	struct weft__http_connection *connection = connection_new(server, roster, peer);
	bool parks;

	if (!connection)
		return -1;
	atomic_store(&server->latest, connection);
	parks = weft__http_connection_run(connection);
	atomic_store(&server->latest, NULL);
	connection_free(roster, connection);
	return parks ? WEFT__SERVE_PARK : 0;
}

/* The same where connections and requests are looked at first. */
static int serve_guarded(struct weft_stream *peer, void *arg)
{
	struct weft_http_server *server = arg;
	int result;

	if (!peer->was_parked && !weft__http_guard_enter(&server->guard, peer))
		return 0;
	result = serve_connection(peer, arg);
	if (result != WEFT__SERVE_PARK)
		weft__http_guard_leave(&server->guard, peer);
	return result;
}

static void leave_parked(struct weft_stream *peer, void *arg)
{
	struct weft_http_server *server = arg;

	if (server->guard.is_on)
		weft__http_guard_leave(&server->guard, peer);
}

/* Whom no thread or process is left for. */
static int say_busy(struct weft_stream *peer, void *arg)
{
	static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
				     "Content-Length: 0\r\n"
				     "Retry-After: 1\r\n"
				     "Connection: close\r\n"
				     "\r\n";

	(void)arg;
	return weft_stream_write_all(peer, answer, sizeof(answer) - 1);
}

/* The one that is here longest of those that wait for a request, among the first of a roster. */
static bool evict_from(struct roster *roster)
{
	unsigned looked_at = 0;
	bool is_one_gone = false;

	pthread_mutex_lock(&roster->lock);
	weft_list_each (node, &roster->connections) {
		is_one_gone = weft__http_connection_evict(
			weft_container_of(node, struct weft__http_connection, in_server));
		if (is_one_gone || ++looked_at == WEFT__HTTP_EVICTION_LOOK_MAX)
			break;
	}
	pthread_mutex_unlock(&roster->lock);
	return is_one_gone;
}

/* Slow and silent peers must not keep out the others. */
static void on_full(void *arg, bool is_one_gone)
{
	struct weft_http_server *server = arg;
	int worker = weft_worker_index();
	unsigned first = worker > 0 ? (unsigned)worker : 0;

	for (unsigned i = 0; !is_one_gone && i < WEFT_WORKERS_MAX; i++)
		is_one_gone = evict_from(&server->rosters[(first + i) % WEFT_WORKERS_MAX]);
	if (is_one_gone)
		weft__http_metrics_event(server->options.metrics, WEFT__HTTP_CLOSED_FOR_ROOM);
}

/* In a signal's handler, in a process that has one connection at a time: as _stop() does. */
static void on_process_stop(void *arg)
{
	struct weft_http_server *server = arg;
	struct weft__http_connection *connection = atomic_load(&server->latest);

	atomic_store(&server->is_stopping, true);
	if (connection)
		weft__http_connection_stop(connection);
}

int weft_http_server_run(struct weft_http_server *server, struct weft_listener *listener)
{
	struct weft_serve_options options = {
		.name = "http",
		.connections_max = server->options.connections_max,
		.grace_ns = server->options.grace_ns,
		.model = server->options.model,
		.size = server->options.size,
		.driver = server->options.driver,
		.workers = server->options.workers,
		.busy = say_busy,
	};
	const struct weft__serve_hooks hooks = {
		.on_process_stop = on_process_stop,
		.park_timeout_ns = weft__http_park_timeout_ns(&server->options),
		.on_full = on_full,
		.on_parked_end = leave_parked,
	};
	struct run run = {.listener = listener};
	int result, saved;

	if (!listener)
		return -1; /* as weft_serve(): no stop may find it among the runs */
	pthread_mutex_lock(&server->lock);
	weft_list_push_back(&server->runs, &run.in_server);
	/* A stop that came before found no run to end. */
	if (atomic_load(&server->is_stopping))
		weft_serve_stop(listener);
	pthread_mutex_unlock(&server->lock);

	result = weft__serve(listener, server->guard.is_on ? serve_guarded : serve_connection,
		server, &options, &hooks);

	saved = errno;
	pthread_mutex_lock(&server->lock);
	weft_list_remove(&run.in_server);
	pthread_mutex_unlock(&server->lock);
	errno = saved;
	return result;
}

void weft_http_server_stop(struct weft_http_server *server)
{
	atomic_store(&server->is_stopping, true);
	pthread_mutex_lock(&server->lock);
	weft_list_each (node, &server->runs)
		weft_serve_stop(weft_container_of(node, struct run, in_server)->listener);
	pthread_mutex_unlock(&server->lock);
	for (unsigned i = 0; i < WEFT_WORKERS_MAX; i++) {
		struct roster *roster = &server->rosters[i];

		pthread_mutex_lock(&roster->lock);
		weft_list_each (node, &roster->connections)
			weft__http_connection_stop(
				weft_container_of(node, struct weft__http_connection, in_server));
		pthread_mutex_unlock(&roster->lock);
	}
}
