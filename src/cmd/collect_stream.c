/*
 * collect_stream.c - what comes in over TCP and Unix streams, and from the own terminal.
 *
 *	accept -> connection: wait for bytes -> messages -> lines into the sink
 *	               at the end: all of it written -> close
 *
 * A connection is closed in order when what it sent is in the file, and reset when it can't
 * be: to the peer the one is an acknowledgement, the other is not. When the collector stops,
 * what the kernel has taken (and told the sender so) is read first, also of those who wait in
 * the backlog.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect.h"
#include "weft/scope.h"
#include "weft/socket.h"
#include "weft/sockopt.h"
#include "weft/unix.h"

/** Read from the terminal at once. */
#define STDIN_SIZE 4096

struct connection {
	struct collect_door *door;
	struct weft_stream *stream;
};

bool weft__collect_has_more(int fd)
{
	struct pollfd poller = {.fd = fd, .events = POLLIN};

	return poll(&poller, 1, 0) > 0;
}

bool weft__collect_may_drain(struct collect *collect)
{
	int64_t left = atomic_load(&collect->deadline_ns) - weft_now();
	int result = -1;

	if (left > 0)
		WEFT_WITH_TIMEOUT (left)
			result = weft_event_wait(&collect->can_write);
	return result == 0;
}

/* ---- Bytes to lines --------------------------------------------------------------------- */

static void record_all(
	struct collect_sink *sink, struct collect_frames *frames, const char *data, size_t len)
{
	while (len > 0) {
		struct collect_message message;
		size_t used = weft__collect_frames_take(frames, data, len, &message);

		if (message.text)
			weft__collect_record(sink, &message);
		data += used;
		len -= used;
	}
	weft__collect_hand_over(sink);
}

/* Whether all of it is in the file. */
static bool record_end(struct collect_sink *sink, struct collect_frames *frames)
{
	struct collect_message message;

	if (weft__collect_frames_end(frames, &message))
		weft__collect_record(sink, &message);
	atomic_fetch_add(&sink->collect->counts.dropped_bytes, frames->dropped_bytes);
	weft__collect_frames_fini(frames);
	return weft__collect_settle(sink);
}

/* ---- A connection ----------------------------------------------------------------------- */

/* "tcp:192.0.2.7:40112", "unix:4711/1000" */
static void name_source(struct collect_sink *sink, struct weft_stream *stream)
{
	const struct weft_address *peer = weft_stream_peer(stream);
	char host[WEFT_ADDRESS_TEXT_MAX];
	struct weft_unix_credentials who = {0};

	if (weft_address_family(weft_stream_local(stream)) == AF_UNIX) {
		weft_unix_peer(weft_stream_fd(stream), &who);
		snprintf(sink->origin.source, sizeof(sink->origin.source), "unix:%d/%u", who.pid,
			who.uid);
		return;
	}
	weft_address_print_host(peer, host, sizeof(host));
	snprintf(sink->origin.source, sizeof(sink->origin.source),
		strchr(host, ':') ? "tcp:[%s]:%u" : "tcp:%s:%u", host, weft_address_port(peer));
}

/* Some bytes; 0 at the end, -1 when it is to end. */
static ssize_t await(struct connection *connection, const char **ret_data)
{
	struct collect *collect = connection->door->collect;
	int64_t idle_ns = collect->idle_timeout_ns ? collect->idle_timeout_ns : WEFT_FOREVER;
	ssize_t len = -1;

	/* While the disk is full, what the peer sends stays with it. */
	if (weft_event_wait(&collect->can_write) < 0)
		return -1;
	WEFT_WITH_TIMEOUT (idle_ns)
		len = weft_stream_peek(connection->stream, 1, ret_data);
	return len;
}

/* What is there already, after the stop. */
static void drain(
	struct connection *connection, struct collect_sink *sink, struct collect_frames *frames)
{
	struct collect *collect = connection->door->collect;
	int fd = weft_stream_fd(connection->stream);
	const char *data;
	ssize_t len = 1;

	while (len > 0 && weft__collect_may_drain(collect) && weft__collect_has_more(fd)) {
		len = weft_stream_peek(connection->stream, 1, &data);
		if (len <= 0)
			break;
		record_all(sink, frames, data, (size_t)len);
		weft_stream_consume(connection->stream, (size_t)len);
	}
}

static void reset(struct weft_stream *stream)
{
	const struct weft_sockopt_value at_once = {
		.kind = WEFT_SOCKOPT_LINGER, .linger = {.on = true}};

	weft_sockopt_set(weft_stream_fd(stream), "SO_LINGER", &at_once);
}

/* The whole of a connection; of one that comes after the stop, what is there. */
static void serve(struct connection *connection, bool is_stopped)
{
	struct collect *collect = connection->door->collect;
	struct collect_frames frames;
	struct collect_sink sink;
	const char *data;
	ssize_t len;

	weft__collect_sink_init(&sink, collect);
	name_source(&sink, connection->stream);
	weft__collect_frames_init(&frames, collect->framing, (size_t)collect->line_max);
	while (!is_stopped && (len = await(connection, &data)) != 0) {
		if (len < 0) {
			is_stopped = weft_interrupted() == ECANCELED;
			break;
		}
		record_all(&sink, &frames, data, (size_t)len);
		weft_stream_consume(connection->stream, (size_t)len);
	}
	WEFT_SHIELDED {
		if (is_stopped)
			drain(connection, &sink, &frames);
		if (!record_end(&sink, &frames))
			reset(connection->stream);
	}
	weft_stream_free(connection->stream);
}

static int connection_run(void *arg)
{
	struct connection *connection = arg;

	serve(connection, false);
	weft_sem_release(&connection->door->connections, 1);
	free(connection);
	return 0;
}

/* ---- Accepting -------------------------------------------------------------------------- */

static int begin_connection(
	struct collect_door *door, struct weft_scope *scope, struct weft_stream *stream)
{
	struct connection *connection = malloc(sizeof(*connection));
	char name[WEFT_ADDRESS_TEXT_MAX];
	struct weft_spawn_options options = {.name = name};

	weft_address_print(weft_stream_peer(stream), name, sizeof(name));
	if (weft_address_family(weft_stream_local(stream)) != AF_UNIX)
		weft_sockopt_set_int(weft_stream_fd(stream), "SO_KEEPALIVE", 1);
	if (connection) {
		*connection = (struct connection){.door = door, .stream = stream};
		if (weft_scope_spawn_with(scope, &options, connection_run, connection)) {
			atomic_fetch_add(&door->collect->counts.connections, 1);
			return 0;
		}
	}
	free(connection);
	return -1;
}

/* The next connection. -1: no more. */
static int accept_one(struct collect_door *door, struct weft_scope *scope)
{
	struct weft_stream *stream;

	if (weft_sem_acquire(&door->connections) < 0)
		return -1;
	if (weft_event_wait(&door->collect->can_write) < 0)
		return -1;
	stream = weft_listener_accept(door->listener);
	if (!stream)
		return -1;
	if (begin_connection(door, scope, stream) == 0)
		return 0;
	/* Memory is short: this peer is turned away, and the next is asked in a little later. */
	reset(stream);
	weft_stream_free(stream);
	weft_sem_release(&door->connections, 1);
	return weft_wait_descriptor();
}

/* Who is not let in yet, and whose bytes the kernel has taken all the same. */
static void drain_backlog(struct collect_door *door)
{
	while (weft__collect_may_drain(door->collect) &&
		weft__collect_has_more(weft_listener_fd(door->listener))) {
		struct connection connection = {
			.door = door, .stream = weft_listener_accept(door->listener)};

		if (!connection.stream)
			return;
		atomic_fetch_add(&door->collect->counts.connections, 1);
		serve(&connection, true);
	}
}

int weft__collect_streams(void *arg)
{
	struct collect_door *door = arg;
	struct weft_scope connections;
	int code;

	weft_scope_begin(&connections, WEFT_FOREVER);
	while (accept_one(door, &connections) == 0)
		;
	code = errno;
	weft_scope_cancel(&connections);
	WEFT_SHIELDED
		drain_backlog(door);
	/* Before the others are waited for: nobody is to come who would not be listened to. */
	weft_listener_free(door->listener);
	door->listener = NULL;
	weft_scope_end(&connections);
	errno = code;
	return code == ECANCELED ? 0 : -1;
}

/* ---- The own terminal ------------------------------------------------------------------- */

/*
 * A file description of our own where that can be had: waiting makes it non-blocking, and
 * the terminal's is shared with the shell that started us.
 */
static struct weft_file *open_stdin(void)
{
	struct weft_file *file =
		weft_file_open_flags("/proc/self/fd/0", O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);
	int fd;

	if (file)
		return file;
	fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return NULL;
	file = weft_file_new(fd);
	if (!file)
		close(fd);
	return file;
}

int weft__collect_stdin(void *arg)
{
	struct collect *collect = arg;
	struct collect_frames frames;
	struct collect_sink sink;
	char data[STDIN_SIZE];
	struct weft_file *file = open_stdin();
	ssize_t len = 1;

	if (!file) {
		weft__cmd_fail(COLLECT_NAME, "can't read the standard input: %s.", strerror(errno));
		return 0;
	}
	weft__collect_sink_init(&sink, collect);
	snprintf(sink.origin.source, sizeof(sink.origin.source), "stdin");
	weft__collect_frames_init(&frames, COLLECT_LINES, (size_t)collect->line_max);
	while (weft_event_wait(&collect->can_write) == 0 &&
		(len = weft_file_read(file, data, sizeof(data))) > 0)
		record_all(&sink, &frames, data, (size_t)len);
	WEFT_SHIELDED {
		while (len != 0 && weft__collect_may_drain(collect) &&
			weft__collect_has_more(weft_file_fd(file)) &&
			(len = weft_file_read(file, data, sizeof(data))) > 0)
			record_all(&sink, &frames, data, (size_t)len);
		record_end(&sink, &frames);
		weft_file_close(file);
	}
	return 0;
}
