/*
 * load_connection.c - one connection of `weft load`, as a fiber.
 *
 * Entry point: weft__load_connection().
 *
 *	open -> wait for the start -> [ take what is due -> send -> receive ] ... -> count the rest
 *
 * When the connection is lost the oldest request fails, and the others are sent again on the
 * next one. If the server had answered on it before, and ended it between two answers, none
 * fails: that is what a server may do with an idle connection.
 *
 * Never: a wait without a deadline.
 */
#include "load_connection.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weft/socket.h"

/** Between two attempts to connect: doubled from the first to the last. */
#define PAUSE_MIN_NS WEFT_MILLISECONDS(10)
#define PAUSE_MAX_NS WEFT_SECONDS(1)

/** For the server to end a connection after its last answer; some never do. */
#define PARTING_NS WEFT_MILLISECONDS(20)

/* ---- The descriptor ------------------------------------------------------------------------ */

static void hang_up(struct load_connection *connection)
{
	if (connection->fd >= 0)
		weft_close(connection->fd);
	connection->fd = -1;
}

/* On a fresh connection everything under way is sent, the oldest first. */
static void begin(struct load_connection *connection, int fd)
{
	const struct load_target *target = &connection->load->target;

	connection->fd = fd;
	connection->worker->counts.opened++;
	connection->is_proven = false;
	connection->unsent = connection->under_way * target->request_len;
	/* A message's first byte; echoes are to differ by connection. */
	connection->to_send =
		connection->index % (target->period / target->request_len) * target->request_len;
	connection->to_come = connection->to_send;
	connection->message_left = target->request_len;
	connection->kept = 0;
	weft__load_reply_reset(&connection->reply);
}

static void rest(struct load_connection *connection)
{
	weft_sleep(connection->pause_ns);
	connection->pause_ns *= 2;
	if (connection->pause_ns > PAUSE_MAX_NS)
		connection->pause_ns = PAUSE_MAX_NS;
}

static int reopen(struct load_connection *connection)
{
	int fd = weft__load_dial(connection->load);
	int code = errno;

	connection->now_ns = weft_now();
	if (fd >= 0) {
		connection->pause_ns = PAUSE_MIN_NS;
		begin(connection, fd);
		connection->since_ns = connection->now_ns;
		return 0;
	}
	if (code == ECANCELED) {
		connection->is_interrupted = true;
		return -1;
	}
	weft__load_count_error(connection, LOAD_CONNECT, strerror(code), NULL);
	weft__load_fail_oldest(connection, LOAD_CONNECT);
	rest(connection);
	connection->now_ns = weft_now();
	return -1;
}

/* The connection is of no use any more; what for, in words. */
static void lose(struct load_connection *connection, enum load_error kind, const char *what,
	const char *text)
{
	hang_up(connection);
	weft__load_count_error(connection, kind, what, text);
	weft__load_fail_oldest(connection, kind);
}

/* The peer has ended it, in order or not. */
static void lose_to_peer(struct load_connection *connection, enum load_error kind, const char *what)
{
	bool is_between = connection->kept == 0 && weft__load_reply_is_fresh(&connection->reply) &&
			  connection->message_left == connection->load->target.request_len;

	if (connection->is_proven && is_between)
		hang_up(connection);
	else
		lose(connection, kind, what, NULL);
}

/*
 * After the last answer on it: the server is to be the one that closes first, because the
 * side that does keeps the port for a minute. An echo server must be told that we are done.
 */
static void part(struct load_connection *connection)
{
	if (!connection->load->target.is_http)
		weft_shutdown(connection->fd, SHUT_WR);
	WEFT_WITH_TIMEOUT (PARTING_NS)
		while (weft_recv(connection->fd, connection->buffer, LOAD_BUFFER_SIZE, 0) > 0)
			;
	hang_up(connection);
	connection->now_ns = weft_now();
}

/* ---- What came ------------------------------------------------------------------------------- */

static size_t advance(const struct load_target *target, size_t place, size_t len)
{
	place += len;
	return place < target->period ? place : place % target->period;
}

static void take_echo(struct load_connection *connection, size_t len)
{
	const struct load_target *target = &connection->load->target;
	size_t message_len = target->request_len;
	size_t owed = (connection->under_way - 1) * message_len + connection->message_left -
		      connection->unsent;

	if (len > owed) {
		lose(connection, LOAD_MISMATCH, "more came back than was sent", NULL);
		return;
	}
	if (memcmp(connection->buffer, target->data + connection->to_come, len) != 0) {
		lose(connection, LOAD_MISMATCH, "what came back is not what was sent", NULL);
		return;
	}
	connection->to_come = advance(target, connection->to_come, len);
	while (len >= connection->message_left) {
		len -= connection->message_left;
		connection->message_left = message_len;
		weft__load_complete(connection);
	}
	connection->message_left -= len;
	if (connection->load->is_new_each && connection->under_way == 0)
		part(connection);
}

/* An answer is whole. Whether the connection goes on. */
static bool end_reply(struct load_connection *connection)
{
	int status = connection->reply.status;
	bool is_last = connection->reply.is_closing || connection->load->is_new_each;
	char text[8];

	if (status < 200 || status > 399) {
		snprintf(text, sizeof(text), "%d", status);
		weft__load_count_error(connection, LOAD_STATUS, "answered", text);
	}
	weft__load_complete(connection);
	weft__load_reply_reset(&connection->reply);
	if (is_last)
		part(connection);
	return !is_last;
}

/* What was not used stands at `at`: only an unfinished head is kept. */
static void keep(struct load_connection *connection, size_t at, size_t len)
{
	connection->kept = len - at;
	if (connection->kept > 0)
		memmove(connection->buffer, connection->buffer + at, connection->kept);
	if (connection->kept == LOAD_BUFFER_SIZE)
		lose(connection, LOAD_PROTOCOL, "the answer's head is too long", NULL);
}

static void take_http(struct load_connection *connection, size_t len)
{
	size_t at = 0;

	len += connection->kept;
	connection->kept = 0;
	while (at < len && connection->under_way > 0) {
		size_t used = 0;

		switch (weft__load_reply_take(
			&connection->reply, connection->buffer + at, len - at, &used)) {
		case LOAD_REPLY_BAD:
			connection->buffer[len < LOAD_BUFFER_SIZE ? len : len - 1] = '\0';
			lose(connection, LOAD_PROTOCOL, connection->reply.fault,
				connection->buffer + at);
			return;
		case LOAD_REPLY_MORE:
			keep(connection, at + used, len);
			return;
		case LOAD_REPLY_DONE:
			at += used;
			if (!end_reply(connection))
				return;
		}
	}
	if (at < len) {
		connection->buffer[len < LOAD_BUFFER_SIZE ? len : len - 1] = '\0';
		lose(connection, LOAD_PROTOCOL, "more came than was asked for",
			connection->buffer + at);
	}
}

/* The server has ended its direction; for some answers that is their end. */
static void take_end(struct load_connection *connection)
{
	if (connection->reply.part == LOAD_REPLY_UNTIL_CLOSE)
		end_reply(connection);
	else
		lose_to_peer(connection, LOAD_READ, "the server closed the connection");
}

/* ---- Moving bytes ---------------------------------------------------------------------------- */

/* Send what goes without waiting: else a server that first wants to be read from would block. */
static int send_some(struct load_connection *connection)
{
	const struct load_target *target = &connection->load->target;
	ssize_t len = weft_send(connection->fd, target->data + connection->to_send,
		connection->unsent, MSG_DONTWAIT);

	if (len < 0 && errno == EAGAIN)
		return 0;
	if (len < 0 && errno == ECANCELED) {
		connection->is_interrupted = true;
		return -1;
	}
	if (len < 0) {
		lose_to_peer(connection, LOAD_WRITE, strerror(errno));
		return -1;
	}
	connection->unsent -= (size_t)len;
	connection->to_send = advance(target, connection->to_send, (size_t)len);
	if (weft__load_does_count(connection, connection->now_ns))
		connection->worker->counts.bytes_out += (size_t)len;
	return 0;
}

/* Wait for bytes; with something unsent, for room too, and then -1 with EAGAIN may be all. */
static ssize_t receive(struct load_connection *connection)
{
	char *room = connection->buffer + connection->kept;
	size_t size = LOAD_BUFFER_SIZE - connection->kept;

	if (connection->unsent == 0)
		return weft_recv(connection->fd, room, size, 0);
	if (weft_wait_fd(connection->fd, POLLIN | POLLOUT) < 0)
		return -1;
	return weft_recv(connection->fd, room, size, MSG_DONTWAIT);
}

/* When to stop waiting: the server has had its time, or another request is due. */
static int64_t patience_ns(const struct load_connection *connection)
{
	const struct load *load = connection->load;
	int64_t until_ns = connection->since_ns + load->timeout_ns;

	if (connection->interval_ns && !connection->has_none && connection->due_ns < until_ns &&
		connection->under_way < load->pipeline)
		until_ns = connection->due_ns;
	return until_ns > connection->now_ns ? until_ns - connection->now_ns : 0;
}

static void take_failure(struct load_connection *connection, int code)
{
	switch (code) {
	case EAGAIN:
		break;
	case ECANCELED:
		connection->is_interrupted = true;
		break;
	case ETIMEDOUT:
		if (connection->now_ns - connection->since_ns >= connection->load->timeout_ns)
			lose(connection, LOAD_TIMEOUT, "no answer in time", NULL);
		break;
	default:
		lose_to_peer(connection, LOAD_READ, strerror(code));
	}
}

static void receive_some(struct load_connection *connection)
{
	ssize_t len = -1;
	int code = 0;

	WEFT_WITH_TIMEOUT (patience_ns(connection)) {
		len = receive(connection);
		code = errno;
	}
	connection->now_ns = weft_now();
	if (len < 0) {
		take_failure(connection, code);
		return;
	}
	if (weft__load_does_count(connection, connection->now_ns))
		connection->worker->counts.bytes_in += (size_t)len;
	if (len == 0)
		take_end(connection);
	else if (connection->load->target.is_http)
		take_http(connection, (size_t)len);
	else
		take_echo(connection, (size_t)len);
}

/* ---- The fiber ---------------------------------------------------------------------------------
 */

static void converse(struct load_connection *connection)
{
	while (weft__load_await_request(connection)) {
		if (connection->fd < 0 && reopen(connection) < 0)
			continue;
		if (connection->unsent > 0 && send_some(connection) < 0)
			continue;
		receive_some(connection);
	}
	weft__load_count_unfinished(connection);
}

/* Before the start: who can't connect tries again afterwards, and then it counts. */
static void open_first(struct load_connection *connection)
{
	struct load *load = connection->load;
	int fd = connection->index == 0 ? load->first_fd : weft__load_dial_in_turn(load);

	if (connection->index == 0)
		load->first_fd = -1;
	if (fd < 0)
		return;
	atomic_fetch_add_explicit(&load->open_at_start, 1, memory_order_relaxed);
	begin(connection, fd);
}

static struct load_connection *connection_new(const struct load_start *start)
{
	struct load *load = start->load;
	struct load_connection *connection =
		calloc(1, sizeof(*connection) + load->pipeline * sizeof(connection->begun_ns[0]));

	if (!connection)
		return NULL;
	connection->buffer = malloc(LOAD_BUFFER_SIZE);
	if (!connection->buffer) {
		free(connection);
		return NULL;
	}
	connection->load = load;
	connection->worker = &load->workers[weft_worker_index()];
	connection->index = start->index;
	connection->fd = -1;
	connection->pause_ns = PAUSE_MIN_NS;
	connection->reply.is_to_head = strcmp(load->method, "HEAD") == 0;
	return connection;
}

int weft__load_connection(void *arg)
{
	struct load_start *start = arg;
	struct load *load = start->load;
	struct load_connection *connection = connection_new(start);

	free(start);
	if (connection)
		open_first(connection);
	weft__load_opened(load);
	if (connection && weft_event_wait(&load->start) == 0) {
		weft__load_pace(connection);
		converse(connection);
	}
	if (connection) {
		hang_up(connection);
		free(connection->buffer);
		free(connection);
	}
	if (atomic_fetch_sub(&load->running, 1) == 1)
		weft_event_set(&load->over);
	return 0;
}
