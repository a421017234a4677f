/*
 * server.c - listeners, sessions and one shared folder: starting and stopping them together.
 *
 * Entry points: weft_ftp_server_new(), _run(), _stop(), _free().
 *
 *	connection --> greeted --> commands ... silent --> parked (no fiber, no buffers)
 *	                  ^                                  |
 *	                  +---------- the next byte ---------+
 *
 * A session outlives its fiber: the stream's `session` leads from the one to the other. A stop ends
 * those that wait for a command; those that are parked end with their door.
 *
 * Never: a lock that is held while something is waited for.
 */
#include "ftp/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "io/serve.h"
#include "io/stream.h"
#include "weft/ledger.h"
#include "weft/scope.h"

/* A run under way, on the stack of its weft_ftp_server_run(). */
struct run {
	struct weft_list_node in_server;
	struct weft_listener *listener;
};

/* ---- Life ------------------------------------------------------------------------------- */

static bool can_be_meant(const struct weft_ftp_server_options *options)
{
	struct in_addr address;

	if (!options || !options->files || (!options->login && !options->allows_anonymous))
		return false;
	if ((options->needs_tls || options->needs_resumed_data) && !options->tls)
		return false;
	if (options->passive_low > options->passive_high)
		return false;
	if (options->rate_per_user < 0 || options->rate_per_client < 0)
		return false;
	if (options->public_address && inet_pton(AF_INET, options->public_address, &address) != 1)
		return false;
	return !options->greeting || !strpbrk(options->greeting, "\r\n");
}

static void fill_in(struct weft_ftp_server_options *options)
{
	if (!options->login_timeout_ns)
		options->login_timeout_ns = WEFT__FTPD_LOGIN_TIMEOUT_NS;
	if (!options->idle_timeout_ns)
		options->idle_timeout_ns = WEFT__FTPD_IDLE_TIMEOUT_NS;
	if (!options->connect_timeout_ns)
		options->connect_timeout_ns = WEFT__FTPD_CONNECT_TIMEOUT_NS;
	if (!options->data_timeout_ns)
		options->data_timeout_ns = WEFT__FTPD_DATA_TIMEOUT_NS;
	if (!options->grace_ns)
		options->grace_ns = WEFT__FTPD_GRACE_NS;
	if (!options->greeting)
		options->greeting = "weft";
}

static int make_parts(struct weft_ftp_server *server)
{
	const struct weft_rate_options failures = {
		.per_second = 1.0 / WEFT__FTPD_FAILURES_EVERY, .burst = WEFT__FTPD_FAILURES_BURST};

	if (!(server->counts = weft__ftpd_counts_new()))
		return -1;
	if (!(server->failures = weft_rate_new(&failures)))
		return -1;
	/* Also where nothing bounds them yet: a bound that comes later finds who is there. */
	if (!(server->clients = weft__ftpd_crowd_new()) ||
		!(server->users = weft__ftpd_crowd_new()))
		return -1;
	return 0;
}

struct weft_ftp_server *weft_ftp_server_new(const struct weft_ftp_server_options *options)
{
	struct weft_ftp_server *server;

	if (!can_be_meant(options)) {
		errno = EINVAL;
		return NULL;
	}
	server = calloc(1, sizeof(*server));
	if (!server)
		return NULL;
	server->options = *options;
	server->login_delay_ns = WEFT__FTPD_LOGIN_DELAY_NS;
	fill_in(&server->options);
	if (options->public_address)
		inet_pton(AF_INET, options->public_address, &server->public_address);
	atomic_init(&server->is_stopping, false);
	pthread_mutex_init(&server->lock, NULL);
	weft_list_init(&server->runs);
	weft_list_init(&server->sessions);
	if (make_parts(server) < 0) {
		int saved = errno;

		weft_ftp_server_free(server);
		errno = saved;
		return NULL;
	}
	return server;
}

int weft_ftp_server_set_limits(struct weft_ftp_server *server, const struct weft_ftp_limits *limits)
{
	struct weft_ftp_server_options *options = &server->options;

	if (limits->download_rate < 0 || limits->upload_rate < 0 || limits->rate_per_client < 0 ||
		limits->rate_per_user < 0) {
		errno = EINVAL;
		return -1;
	}
	__atomic_store_n(
		&options->connections_per_client, limits->connections_per_client, __ATOMIC_RELAXED);
	__atomic_store_n(&options->sessions_per_user, limits->sessions_per_user, __ATOMIC_RELAXED);
	__atomic_store_n(&options->download_rate, limits->download_rate, __ATOMIC_RELAXED);
	__atomic_store_n(&options->upload_rate, limits->upload_rate, __ATOMIC_RELAXED);
	__atomic_store_n(&options->rate_per_client, limits->rate_per_client, __ATOMIC_RELAXED);
	__atomic_store_n(&options->rate_per_user, limits->rate_per_user, __ATOMIC_RELAXED);
	return 0;
}

void weft_ftp_server_free(struct weft_ftp_server *server)
{
	if (!server)
		return;
	weft__ftpd_counts_free(server->counts);
	weft_rate_free(server->failures);
	weft__ftpd_crowd_free(server->clients);
	weft__ftpd_crowd_free(server->users);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

/* ---- Sessions --------------------------------------------------------------------------- */

/*
 * Fibers are as many as are wanted, and whoever is logged in may be parked: so nobody of those is
 * closed to make room, and who comes is told that there is none.
 */
static bool bounds_itself(const struct weft_ftp_server *server)
{
	const char *model = server->options.model;

	return server->options.connections_max > 0 && (!model || strcmp(model, "fiber") == 0);
}

static bool refuse(struct weft_ftp_server *server, struct weft_stream *peer, const char *reply)
{
	atomic_fetch_add(&server->counts->refused, 1);
	if (!peer->layer) /* a handshake is more than it gets */
		weft__ftpd_farewell(peer, reply);
	return false;
}

static bool take_room(struct weft_ftp_server *server, struct weft_stream *peer)
{
	if (!bounds_itself(server) ||
		atomic_fetch_add(&server->open, 1) < server->options.connections_max)
		return true;
	atomic_fetch_sub(&server->open, 1);
	return refuse(server, peer, "421 Too many connections; try again later.\r\n");
}

static void give_room(struct weft_ftp_server *server)
{
	if (bounds_itself(server))
		atomic_fetch_sub(&server->open, 1);
}

/* One more of its client; or it is told that there are too many. */
static bool enter(struct weft_ftp_server *server, struct weft_stream *peer)
{
	struct in6_addr client;
	size_t len = server->clients ? weft__ftpd_client_of(peer, &client) : 0;
	unsigned max = weft__ftpd_count_max(&server->options.connections_per_client);

	if (!take_room(server, peer))
		return false;
	if (len == 0)
		return true;
	if (weft__ftpd_crowd_enter(server->clients, &client, len, max ? max : UINT_MAX)) {
		if (weft_ledger_enter(server->options.ledger, &client, len))
			return true;
		weft__ftpd_crowd_leave(server->clients, &client, len);
	}
	give_room(server);
	return refuse(server, peer, "421 Too many connections from your address.\r\n");
}

static void leave(struct weft_ftp_server *server, struct weft_stream *peer)
{
	struct in6_addr client;
	size_t len = server->clients ? weft__ftpd_client_of(peer, &client) : 0;

	if (len > 0) {
		weft_ledger_leave(server->options.ledger, &client, len);
		weft__ftpd_crowd_leave(server->clients, &client, len);
	}
	give_room(server);
}

static struct weft__ftpd_session *begin_session(
	struct weft_ftp_server *server, struct weft_stream *peer)
{
	struct weft__ftpd_session *session;

	if (!enter(server, peer))
		return NULL;
	session = weft__ftpd_session_new(server, peer);
	if (!session) {
		leave(server, peer);
		return NULL;
	}
	pthread_mutex_lock(&server->lock);
	weft_list_push_back(&server->sessions, &session->in_server);
	pthread_mutex_unlock(&server->lock);
	peer->session = session;
	return session;
}

static void end_session(struct weft__ftpd_session *session)
{
	struct weft_ftp_server *server = session->server;

	session->control->session = NULL;
	pthread_mutex_lock(&server->lock);
	weft_list_remove(&session->in_server);
	pthread_mutex_unlock(&server->lock);
	leave(server, session->control);
	weft__ftpd_session_free(session);
}

/* The handler of each connection's fiber; of one that was parked, once more. */
static int serve_session(struct weft_stream *peer, void *arg)
{
	struct weft_ftp_server *server = arg;
	struct weft__ftpd_session *session = peer->session;
	bool parks;

	if (!session && !(session = begin_session(server, peer)))
		return -1;
	atomic_store(&server->latest, session);
	parks = weft__ftpd_session_run(session);
	atomic_store(&server->latest, NULL);
	if (parks)
		return WEFT__SERVE_PARK;
	end_session(session);
	return 0;
}

/* It was parked, and its time is up, or the server's. */
static void end_parked(struct weft_stream *peer, void *arg)
{
	struct weft_ftp_server *server = arg;

	if (!peer->session)
		return;
	weft__ftpd_farewell(peer, atomic_load(&server->is_stopping)
					  ? "421 The server is stopping.\r\n"
					  : "421 Nothing came for too long.\r\n");
	end_session(peer->session);
}

/* Whom no thread or process is left for. */
static int say_busy(struct weft_stream *peer, void *arg)
{
	static const char answer[] = "421 Too many connections; try again later.\r\n";

	atomic_fetch_add(&((struct weft_ftp_server *)arg)->counts->refused, 1);
	return weft_stream_write_all(peer, answer, sizeof(answer) - 1);
}

/* In a signal's handler, in a process that has one connection at a time: as _stop() does. */
static void on_process_stop(void *arg)
{
	struct weft_ftp_server *server = arg;
	struct weft__ftpd_session *session = atomic_load(&server->latest);

	atomic_store(&server->is_stopping, true);
	if (session)
		weft__ftpd_session_stop(session);
}

/* ---- Running ---------------------------------------------------------------------------- */

int weft_ftp_server_run(struct weft_ftp_server *server, struct weft_listener *listener)
{
	int64_t park_ns = server->options.idle_timeout_ns - WEFT__FTPD_PARK_AFTER_NS;
	struct weft_serve_options options = {
		.name = "ftp",
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
		/* For a moment it is not worth the trouble. */
		.park_timeout_ns = park_ns > WEFT__FTPD_PARK_AFTER_NS ? park_ns : 0,
		.keeps_parked = bounds_itself(server),
		.on_parked_end = end_parked,
	};
	struct run run = {.listener = listener};
	int result, saved;

	if (bounds_itself(server))
		options.connections_max += WEFT__FTPD_CONNECTIONS_SPARE;
	if (!listener)
		return -1; /* as weft_serve(): no stop may find it among the runs */
	pthread_mutex_lock(&server->lock);
	weft_list_push_back(&server->runs, &run.in_server);
	/* A stop that came before found no run to end. */
	if (atomic_load(&server->is_stopping))
		weft_serve_stop(listener);
	pthread_mutex_unlock(&server->lock);

	result = weft__serve(listener, serve_session, server, &options, &hooks);

	saved = errno;
	pthread_mutex_lock(&server->lock);
	weft_list_remove(&run.in_server);
	pthread_mutex_unlock(&server->lock);
	errno = saved;
	return result;
}

void weft_ftp_server_stop(struct weft_ftp_server *server)
{
	atomic_store(&server->is_stopping, true);
	pthread_mutex_lock(&server->lock);
	weft_list_each (node, &server->runs)
		weft_serve_stop(weft_container_of(node, struct run, in_server)->listener);
	weft_list_each (node, &server->sessions)
		weft__ftpd_session_stop(
			weft_container_of(node, struct weft__ftpd_session, in_server));
	pthread_mutex_unlock(&server->lock);
}
