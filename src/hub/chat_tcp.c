/*
 * chat_tcp.c - the door of lines: TCP, TLS and Unix sockets, for scripts, `nc` and `weft chat`.
 *
 * A fiber of each connection reads its lines and carries them out. Until the peer has said who it
 * is, that fiber writes the answers, too; from then on everything comes from the client's queue,
 * and the worker's deliverer writes it (chat_deliver.h). Who says nothing for a while is parked:
 * then there is no fiber, and the deliverer goes on.
 *
 * Entry points: weft__hub_chat_tcp_new(), weft__hub_chat_tcp_run().
 *
 * Never: keeps a connection for long whose peer has not said who it is.
 */
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "chat.h"
#include "chat_deliver.h"
#include "weft/list.h"
#include "weft/offload.h"
#include "weft/scope.h"
#include "weft/socket.h"
#include "weft/tls.h"
#include "weft/unix.h"

/** For somebody to say who it is; for a slow peer to take a batch; for what is said last. */
#define LOGIN_NS WEFT_SECONDS(30)
#define WRITE_NS WEFT_SECONDS(30)
#define LAST_NS  WEFT_SECONDS(5)

/** After so long without a line, the connection is parked; for ever, as far as it is concerned. */
#define PARK_AFTER_NS WEFT_SECONDS(1)
#define PARK_NS       (WEFT_SECONDS(86400) * 3650)

#define STACK_SIZE ((size_t)64 * 1024)

/** So many that come at once leave behind what they needed to come in, in pieces. */
#define PARKED_PER_TRIM 2048

/** Also whom the kernel shows as this user, since he has no number in the server's user namespace.
 */
#define UID_OF_NOBODY 65534

/** Bad lines before the peer is somebody: it may be a page that talks HTTP to this port. */
#define BAD_LINES_MAX 3

struct hub_chat_tcp {
	struct hub_chat *chat;
	struct chat_deliverers *deliverers;
	atomic_uint parked; /* ever */
};

/* One listener. A connection's handshake is still to come when its session begins: whether it is by
 * TLS is known by the listener. */
struct run {
	struct hub_chat_tcp *tcp;
	bool is_tls;
};

struct connection {
	struct chat_target target;
	struct hub_chat_tcp *tcp;
	struct weft_stream *stream;
	struct hub_chat_session *session;
	int64_t since_ns;
	unsigned bad_lines;
};

/* ---- Writing ----------------------------------------------------------------------------------
 */

static int try_write(void *arg, const char *bytes, size_t len, size_t *ret_taken)
{
	const struct connection *connection = arg;
	ssize_t taken = weft_stream_try_write(connection->stream, bytes, len);

	if (taken < 0 && errno != EAGAIN)
		return -1;
	*ret_taken = taken > 0 ? (size_t)taken : 0;
	return *ret_taken < len;
}

static int write_all(void *arg, const char *bytes, size_t len)
{
	const struct connection *connection = arg;

	if (weft_stream_write_all(connection->stream, bytes, len) < 0)
		return -1;
	return weft_stream_flush(connection->stream);
}

/* Its handler is called, as for a peer that has closed. */
static void unpark(void *arg)
{
	const struct connection *connection = arg;

	weft_shutdown(weft_stream_fd(connection->stream), SHUT_RD);
}

static const struct chat_writing writing = {
	.try_write = try_write,
	.write = write_all,
	.timeout_ns = WRITE_NS,
	.unpark = unpark,
};

/* Before there is a client: on the session's own fiber. */
static int write_first(void *arg, const char *bytes, size_t len)
{
	int result = -1;

	WEFT_WITH_TIMEOUT (WRITE_NS)
		result = write_all(arg, bytes, len);
	return result;
}

/* ---- Reading ----------------------------------------------------------------------------------
 */

static ssize_t read_line_within(
	const struct connection *connection, int64_t timeout_ns, const char **ret_line)
{
	ssize_t len = -1;

	WEFT_WITH_TIMEOUT (timeout_ns)
		len = weft_stream_readline(connection->stream, ret_line);
	return len;
}

static bool may_park(const struct connection *connection)
{
	const char *part;

	return weft_serve_may_park(connection->stream) && !connection->target.is_cut &&
	       weft_stream_peek(connection->stream, 0, &part) == 0;
}

/* Its length; 0: it ends; -1: so it does, or it is time to park. */
static ssize_t read_line(
	const struct connection *connection, bool *ret_parks, const char **ret_line)
{
	ssize_t len;

	if (!connection->target.client) {
		int64_t left_ns = connection->since_ns + LOGIN_NS - weft_now();

		return read_line_within(connection, left_ns > 0 ? left_ns : 0, ret_line);
	}
	len = read_line_within(connection, PARK_AFTER_NS, ret_line);
	if (len >= 0 || errno != ETIMEDOUT || weft_interrupted())
		return len;
	*ret_parks = may_park(connection);
	if (*ret_parks)
		return -1;
	weft_stack_trim();
	return weft_stream_readline(connection->stream, ret_line);
}

static bool is_blank(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \r\n", line[i]))
			return false;
	return true;
}

static int refuse(struct connection *connection, const char *tag, const char *why)
{
	if (weft__hub_chat_session_refuse(connection->session, tag, why) < 0)
		return -1;
	return !connection->target.client && ++connection->bad_lines >= BAD_LINES_MAX;
}

/* Returns as weft__hub_chat_session_do(). */
static int take_line(struct connection *connection, const char *line, size_t len)
{
	struct weft_chat_command *command, *scratch;
	const char *why;
	size_t size;
	int result = -1;

	if (is_blank(line, len))
		return 0;
	scratch = weft__chat_deliverers_scratch(connection->tcp->deliverers);
	why = weft_chat_line_read(scratch, line, len);
	/* It may wait, and most texts are short. Not on the stack, which is to stay small. */
	size = offsetof(struct weft_chat_command, text) + scratch->text_len + 1;
	command = malloc(size);
	if (command)
		memcpy(command, scratch, size);
	explicit_bzero(scratch->text, scratch->text_len); /* it may be a password */
	if (command && why)
		result = refuse(connection, command->tag, why);
	else if (command)
		result = weft__hub_chat_session_do(connection->session, command);
	if (command)
		explicit_bzero(command->text, size - offsetof(struct weft_chat_command, text));
	free(command);
	return result;
}

/* Until it is over, or (true) is to park. */
static bool talk(struct connection *connection)
{
	struct hub_chat_session *session = connection->session;
	const char *line;
	ssize_t len = 0;
	bool parks = false;
	int result = 0;

	while (result == 0 && (len = read_line(connection, &parks, &line)) > 0) {
		result = take_line(connection, line, (size_t)len);
		if (!connection->target.client && weft__hub_chat_session_client(session))
			weft__chat_target_enter(
				&connection->target, weft__hub_chat_session_client(session));
	}
	if (result == 0 && len < 0 && errno == EMSGSIZE)
		refuse(connection, "", "the line is too long");
	/* Who has said all may still read the answers. */
	if (result == 0 && len == 0 && connection->target.client)
		WEFT_WITH_TIMEOUT (LAST_NS)
			weft_room_settle(connection->target.client);
	return parks;
}

/* ---- A connection -----------------------------------------------------------------------------
 */

/* A peer whose machine has gone without a word is found out in about three minutes. */
static void keep_alive(int fd)
{
	static const struct {
		int level, option, value;
	} options[] = {{SOL_SOCKET, SO_KEEPALIVE, 1}, {IPPROTO_TCP, TCP_KEEPIDLE, 90},
		{IPPROTO_TCP, TCP_KEEPINTVL, 30}, {IPPROTO_TCP, TCP_KEEPCNT, 3}};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		weft_setsockopt(fd, options[i].level, options[i].option, &options[i].value,
			sizeof(options[i].value));
}

static void on_ready(void *arg)
{
	weft__chat_target_ready(&((struct connection *)arg)->target);
}

/* As long as there is a client there is its connection. */
static void on_probe(void *arg)
{
	const struct connection *connection = arg;

	weft__hub_chat_probe(connection->tcp->chat, weft_stream_fd(connection->stream));
}

/* Who could change the server, its files and its database anyway. */
static bool may_administer(uid_t uid)
{
	return uid != UID_OF_NOBODY && (uid == 0 || uid == geteuid());
}

static void connection_free(struct chat_target *target)
{
	free(weft_container_of(target, struct connection, target));
}

static struct hub_chat_session *begin_session(
	struct connection *connection, const struct run *run, struct weft_stream *stream)
{
	struct weft_address address; /* the stream itself would keep it for ever */
	bool is_unix = weft_getpeername(weft_stream_fd(stream), &address) == 0 &&
		       weft_address_family(&address) == AF_UNIX;
	bool is_own = is_unix || weft_address_is_loopback(&address);
	struct weft_unix_credentials other;
	char text[WEFT_ADDRESS_TEXT_MAX];
	struct hub_chat_peer peer = {.wire = &weft__hub_chat_lines,
		.door = is_unix       ? "unix"
			: run->is_tls ? "tls"
				      : "tcp",
		.is_private = is_own || run->is_tls,
		.has_no_rate = is_unix,
		.write = write_first,
		.on_ready = on_ready,
		.on_probe = is_unix ? NULL : on_probe,
		.arg = connection};

	if (is_unix)
		peer.is_administrator = weft_unix_peer(weft_stream_fd(stream), &other) == 0 &&
					may_administer(other.uid);
	if (!is_unix) {
		weft_address_print_host(&address, text, sizeof(text));
		peer.address = text;
		keep_alive(weft_stream_fd(stream));
		weft_stream_bound_unsent(stream, CHAT_UNSENT_MAX);
	}
	return weft__hub_chat_session_new(run->tcp->chat, &peer);
}

static const char crowded[] = "over too many of your address have not said who they are\n";
static const char full[] = "over too many of your address are here\n";

static struct connection *begin(const struct run *run, struct weft_stream *stream)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection)
		return NULL;
	connection->tcp = run->tcp;
	connection->stream = stream;
	connection->since_ns = weft_now();
	connection->target.free = connection_free;
	weft__chat_target_start(&connection->target, run->tcp->deliverers, &writing, connection);
	connection->session = begin_session(connection, run, stream);
	if (connection->session)
		return connection;
	/* A handshake would have to be waited for. */
	if (errno == EUSERS && !run->is_tls)
		weft_stream_try_write(stream, crowded, sizeof(crowded) - 1);
	else if (errno == EDQUOT && !run->is_tls)
		weft_stream_try_write(stream, full, sizeof(full) - 1);
	weft__chat_target_drop(&connection->target);
	return NULL;
}

static void end(struct connection *connection, int64_t last_ns)
{
	WEFT_SHIELDED
		weft__chat_target_stop(&connection->target, last_ns);
	weft__hub_chat_session_free(connection->session);
	weft__chat_target_drop(&connection->target);
}

static int trim(void *arg)
{
	(void)arg;
	return malloc_trim(0);
}

/* Many have come: the C library gives back on its own only what lies at its heaps' ends. */
static void give_back(struct hub_chat_tcp *tcp)
{
	if (atomic_fetch_add(&tcp->parked, 1) % PARKED_PER_TRIM == PARKED_PER_TRIM - 1)
		weft_offload(trim, NULL);
}

static int handle(struct weft_stream *stream, void *arg)
{
	struct connection *connection = weft_serve_kept(stream);
	bool parks;

	if (connection)
		weft__chat_target_unpark(&connection->target);
	else
		connection = begin(arg, stream);
	if (!connection)
		return -1;
	parks = !connection->target.is_cut && talk(connection);
	if (parks)
		give_back(connection->tcp);
	if (parks && !connection->target.is_cut) {
		/* From here on nothing waits. */
		weft_serve_keep(stream, connection);
		weft__chat_target_park(&connection->target);
		return WEFT_SERVE_PARK;
	}
	weft_serve_keep(stream, NULL);
	end(connection, LAST_NS);
	return 0;
}

/* The server stops: everybody was told so before. */
static void end_parked(struct weft_stream *stream, void *arg)
{
	(void)arg;
	if (weft_serve_kept(stream))
		end(weft_serve_kept(stream), 0);
}

/* ---- The door ---------------------------------------------------------------------------------
 */

struct hub_chat_tcp *weft__hub_chat_tcp_new(struct hub_chat *chat)
{
	struct hub_chat_tcp *tcp = calloc(1, sizeof(*tcp));

	if (!tcp)
		return NULL;
	tcp->chat = chat;
	tcp->deliverers = weft__chat_deliverers_new();
	if (tcp->deliverers)
		return tcp;
	free(tcp);
	return NULL;
}

int weft__hub_chat_tcp_run(struct hub_chat_tcp *tcp, struct weft_listener *listener, bool is_tls,
	const struct weft_serve_options *options)
{
	struct weft_serve_options own = *options;
	struct run run = {tcp, is_tls};

	own.model = NULL;
	own.park_timeout_ns = PARK_NS;
	own.on_parked_end = end_parked;
	own.name = "chat: lines";
	own.stack_size_bytes = STACK_SIZE;
	return weft_serve(listener, handle, &run, &own);
}

void weft__hub_chat_tcp_free(struct hub_chat_tcp *tcp)
{
	if (!tcp)
		return;
	weft__chat_deliverers_free(tcp->deliverers);
	free(tcp);
}
