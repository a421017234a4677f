/*
 * sim_stream.c - simulated byte streams: TCP between hosts, Unix streams, pairs and pipes.
 *
 *	send -----> piece (event) ---latency, bandwidth, in order---> peer's `in` ---> recv
 *	close ----> end   (event) -------- behind the last piece -----> peer reads 0
 *	reset ----> reset (event) ------------------------------------> peer gets ECONNRESET
 *
 * What is on the way and what waits at the receiver together are at most
 * SIM_STREAM_BUFFER bytes; a sender beyond that waits. Between hosts that are cut off from each
 * other a piece is tried again and again, later each time, until the connection times out.
 *
 * Must never: lose or reorder a byte of a stream that is not reset.
 */
#include "fiber/driver/sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** Between tries over a partition: doubled each time, given up after that many. */
#define RETRY_NS    WEFT_MILLISECONDS(200)
#define RETRIES_MAX 9 /* 102 s in all */

/** How often a piece looks whether the one before it is there. */
#define TURN_NS WEFT_MILLISECONDS(1)

enum piece_kind {
	PIECE_BYTES,
	PIECE_END,
	PIECE_RESET,
	PIECE_ROOM, /* the receiver has read some */
	PIECE_CONNECT,
	PIECE_CONNECTED,
	PIECE_REFUSED,
};

struct sim_piece {
	struct sim_event event;
	enum piece_kind kind;
	int tries;
	uint64_t number;          /* among those of its direction */
	struct sim_address where; /* CONNECT */
	size_t len;
	char bytes[];
};

static void happen(struct sim_event *event);

static struct sim_piece *piece_new(
	enum piece_kind kind, struct sim_socket *from, struct sim_socket *to, size_t len)
{
	struct sim_piece *piece = weft__sim_event_new(sizeof(*piece) + len, happen, from, to);

	piece->kind = kind;
	piece->len = len;
	return piece;
}

static bool is_local(const struct sim_socket *socket)
{
	return socket->local.host == socket->remote.host;
}

/* Pieces of one direction get there in order. */
static void piece_send(struct sim_piece *piece)
{
	struct sim_socket *from = piece->event.from;
	int64_t bandwidth = weft__sim->options.bandwidth, now = weft__sim->now_ns;
	int64_t leaves = from->line_free_ns > now ? from->line_free_ns : now, there;

	if (bandwidth > 0 && !is_local(from))
		leaves += (int64_t)piece->len * WEFT_SECONDS(1) / bandwidth;
	from->line_free_ns = leaves;
	there = leaves + weft__sim_latency(from->local.host, from->remote.host);
	if (there <= from->last_ns)
		there = from->last_ns + 1;
	from->last_ns = there;
	piece->number = from->pieces_sent++;
	weft__sim_event_at(&piece->event, there);
}

/* ---- How it ends ------------------------------------------------------------------------- */

void weft__sim_stream_break(struct sim_socket *socket, int code)
{
	if (socket->is_reset)
		return;
	weft__sim_trace("stream %u broken: %d", socket->number, code);
	socket->is_reset = true;
	socket->code = code;
	if (socket->state == SIM_CONNECTING)
		socket->state = SIM_IDLE;
	weft_buf_clear(&socket->in);
	weft__sim_socket_wake(socket, POLLIN | POLLOUT);
}

static void unlink_peer(struct sim_socket *socket)
{
	struct sim_socket *peer = socket->peer;

	if (!peer)
		return;
	socket->peer = NULL;
	weft__sim_socket_drop(peer);
}

static void send_reset(struct sim_socket *from, struct sim_socket *to)
{
	if (to && !to->is_reset)
		piece_send(piece_new(PIECE_RESET, from, to, 0));
}

void weft__sim_stream_abort(struct sim_socket *socket)
{
	send_reset(socket, socket->peer);
	weft__sim_stream_break(socket, 0);
}

static void send_end(struct sim_socket *socket)
{
	if (socket->is_out_shut)
		return;
	socket->is_out_shut = true;
	if (socket->peer)
		piece_send(piece_new(PIECE_END, socket, socket->peer, 0));
}

static void backlog_clear(struct sim_socket *listener)
{
	struct weft_list_node *node;

	while ((node = weft_list_pop_front(&listener->backlog))) {
		struct sim_socket *socket =
			weft_container_of(node, struct sim_socket, backlog_node);

		send_reset(socket, socket->peer);
		unlink_peer(socket);
		weft__sim_socket_drop(socket);
	}
	listener->backlog_count = 0;
}

void weft__sim_stream_close(struct sim_socket *socket)
{
	struct sim_option *linger = NULL;

	backlog_clear(socket);
	for (int i = 0; i < socket->option_count; i++)
		if (socket->options[i].level == SOL_SOCKET &&
			socket->options[i].option == SO_LINGER)
			linger = &socket->options[i];
	if (!socket->peer)
		return;
	/* As the kernel has it: unread bytes, or a linger time of zero, make it a reset. */
	if (socket->domain != AF_UNIX &&
		(weft_buf_len(&socket->in) > 0 ||
			(linger && ((struct linger *)linger->value)->l_onoff &&
				((struct linger *)linger->value)->l_linger == 0)))
		send_reset(socket, socket->peer);
	else
		send_end(socket);
	socket->is_in_shut = true;
	unlink_peer(socket);
}

int weft__sim_stream_shutdown(struct sim_socket *socket, int how)
{
	if (socket->state == SIM_LISTENING) {
		backlog_clear(socket);
		socket->state = SIM_IDLE;
		weft__sim_socket_wake(socket, POLLIN);
		return 0;
	}
	if (socket->state != SIM_CONNECTED || socket->type == 0) {
		errno = socket->type == 0 ? ENOTSOCK : ENOTCONN;
		return -1;
	}
	if (how == SHUT_RD || how == SHUT_RDWR) {
		socket->is_in_shut = true;
		weft__sim_socket_wake(socket, POLLIN);
	}
	if (how == SHUT_WR || how == SHUT_RDWR) {
		send_end(socket);
		weft__sim_socket_wake(socket, POLLOUT);
	}
	return 0;
}

/* ---- Connecting -------------------------------------------------------------------------- */

void weft__sim_stream_join(struct sim_socket *one, struct sim_socket *other)
{
	one->peer = other;
	other->peer = one;
	weft__sim_socket_use(one);
	weft__sim_socket_use(other);
	one->state = other->state = SIM_CONNECTED;
}

/* The other end, in the listener's backlog; NULL: it is full. */
static struct sim_socket *far_end_new(
	struct sim_socket *listener, struct sim_socket *socket, const struct sim_address *where)
{
	struct sim_socket *far;

	if (listener->backlog_count >= listener->backlog_max)
		return NULL;
	far = weft__sim_socket_bare(socket->domain, SOCK_STREAM);
	far->local = *where;
	far->local.port = listener->local.port;
	far->remote = socket->local;
	far->remote.shown = where->shown >> 24 == IN_LOOPBACKNET
				    ? where->shown
				    : UINT32_C(0x0a000001) + socket->local.host;
	far->option_count = listener->option_count;
	memcpy(far->options, listener->options, sizeof(far->options));
	weft__sim_stream_join(socket, far);
	socket->state = SIM_CONNECTING;
	weft_list_push_back(&listener->backlog, &far->backlog_node);
	listener->backlog_count++;
	weft__sim_socket_wake(listener, POLLIN);
	return far;
}

static struct sim_socket *listener_at(
	const struct sim_socket *socket, const struct sim_address *where)
{
	struct sim_socket *listener = weft__sim_bound_find(SOCK_STREAM, where);
	bool is_loopback = listener && listener->local.shown >> 24 == IN_LOOPBACKNET;

	if (!listener || listener->state != SIM_LISTENING)
		return NULL;
	return is_loopback && socket->local.host != where->host ? NULL : listener;
}

static int64_t connect_unix(struct sim_socket *socket, const struct sim_address *to)
{
	struct sim_socket *listener = listener_at(socket, to);

	if (!listener)
		return -ECONNREFUSED;
	socket->remote = *to;
	if (!far_end_new(listener, socket, to))
		return -EAGAIN;
	socket->state = SIM_CONNECTED;
	return 0;
}

int64_t weft__sim_stream_connect(struct sim_socket *socket, const struct sim_address *to)
{
	struct sim_piece *piece;
	int code;

	if (socket->type != SOCK_STREAM)
		return -ENOTSOCK;
	if (socket->state != SIM_IDLE)
		return socket->state == SIM_CONNECTING ? -EALREADY : -EISCONN;
	if (to->domain == AF_UNIX)
		return connect_unix(socket, to);
	code = weft__sim_bind_any(socket);
	if (code)
		return -code;
	socket->remote = *to;
	if (to->is_any)
		socket->remote.shown = INADDR_LOOPBACK;
	socket->local.shown = socket->remote.shown >> 24 == IN_LOOPBACKNET
				      ? INADDR_LOOPBACK
				      : UINT32_C(0x0a000001) + socket->local.host;
	socket->state = SIM_CONNECTING;
	socket->is_reset = false;
	socket->code = 0;
	piece = piece_new(PIECE_CONNECT, socket, NULL, 0);
	piece->where = socket->remote;
	piece_send(piece);
	return -EINPROGRESS;
}

/* A segment without bytes that gets back at once, or after the way. */
static void answer(struct sim_socket *socket, enum piece_kind kind)
{
	struct sim_piece *piece = piece_new(kind, NULL, socket, 0);

	weft__sim_event_at(&piece->event,
		weft__sim->now_ns + weft__sim_latency(socket->remote.host, socket->local.host));
}

/* False: the listener has no room, and it is tried again. */
static bool connect_arrives(struct sim_piece *piece)
{
	struct sim_socket *socket = piece->event.from;
	struct sim_socket *listener = listener_at(socket, &piece->where);
	bool is_refused = !is_local(socket) && weft__sim_chance(weft__sim->options.refuse_chance);

	if (socket->fd < 0 || socket->state != SIM_CONNECTING)
		return true; /* nobody waits for it any more */
	if (!listener || is_refused) {
		answer(socket, PIECE_REFUSED);
		return true;
	}
	if (!far_end_new(listener, socket, &piece->where))
		return false;
	answer(socket, PIECE_CONNECTED);
	return true;
}

int64_t weft__sim_stream_accept(struct sim_socket *listener, struct weft__op *op)
{
	struct sim_socket *socket;

	if (listener->state != SIM_LISTENING)
		return -EINVAL;
	if (weft_list_is_empty(&listener->backlog))
		return -EAGAIN;
	socket = weft_container_of(listener->backlog.head.next, struct sim_socket, backlog_node);
	if (weft__sim_socket_name(socket) < 0)
		return -errno; /* it stays in the backlog */
	weft_list_remove(&socket->backlog_node);
	listener->backlog_count--;
	if (op->address)
		weft__sim_address_write(&socket->remote, op->address, op->address_len_place);
	return socket->fd;
}

/* ---- Pieces that arrive ------------------------------------------------------------------ */

static void bytes_arrive(struct sim_piece *piece)
{
	struct sim_socket *from = piece->event.from, *to = piece->event.to;

	from->on_the_way -= piece->len;
	if (to->is_reset)
		return;
	if (to->fd < 0 && to->peer == NULL) {
		/* Closed: what comes is answered by a reset. */
		if (from->peer == to)
			weft__sim_stream_break(from, ECONNRESET);
		return;
	}
	if (!is_local(from) && weft__sim_chance(weft__sim->options.reset_chance)) {
		weft__sim_stream_break(to, ECONNRESET);
		weft__sim_stream_break(from, ECONNRESET);
		return;
	}
	weft_buf_append(&to->in, piece->bytes, piece->len);
	weft__sim_socket_wake(to, POLLIN);
}

static void deliver(struct sim_piece *piece)
{
	struct sim_socket *to = piece->event.to;

	switch (piece->kind) {
	case PIECE_BYTES:
		bytes_arrive(piece);
		break;
	case PIECE_END:
		to->is_in_ended = true;
		weft__sim_socket_wake(to, POLLIN | POLLOUT);
		break;
	case PIECE_RESET:
		weft__sim_stream_break(to, ECONNRESET);
		break;
	case PIECE_ROOM:
		weft__sim_socket_wake(to, POLLOUT);
		break;
	case PIECE_CONNECTED:
		if (to->state == SIM_CONNECTING)
			to->state = SIM_CONNECTED;
		weft__sim_socket_wake(to, POLLIN | POLLOUT);
		break;
	case PIECE_REFUSED:
		if (to->state == SIM_CONNECTING) {
			to->state = SIM_IDLE;
			to->code = ECONNREFUSED;
			weft__sim_socket_wake(to, POLLIN | POLLOUT);
		}
		break;
	case PIECE_CONNECT:
		break;
	}
}

/* Later once more. False: it was given up. */
static bool try_later(struct sim_piece *piece)
{
	if (piece->tries++ == RETRIES_MAX)
		return false;
	weft__sim_event_at(&piece->event, weft__sim->now_ns + (RETRY_NS << (piece->tries - 1)));
	return true;
}

/* One that was sent before it is held up: nothing overtakes that. */
static bool waits_its_turn(struct sim_piece *piece)
{
	struct sim_socket *from = piece->event.from;

	if (!from || piece->number == from->pieces_there)
		return false;
	weft__sim_event_at(&piece->event, weft__sim->now_ns + TURN_NS);
	return true;
}

static void give_up(struct sim_piece *piece)
{
	struct sim_socket *from = piece->event.from, *to = piece->event.to;

	if (from && piece->kind == PIECE_CONNECT && from->state == SIM_CONNECTING) {
		from->state = SIM_IDLE;
		from->code = ETIMEDOUT;
		weft__sim_socket_wake(from, POLLIN | POLLOUT);
		return;
	}
	if (piece->kind == PIECE_BYTES)
		from->on_the_way -= piece->len;
	if (from)
		weft__sim_stream_break(from, ETIMEDOUT);
	else if (to)
		weft__sim_stream_break(to, ETIMEDOUT);
}

static void happen(struct sim_event *event)
{
	struct sim_piece *piece = (struct sim_piece *)event;
	const struct sim_socket *end = event->from ? event->from : event->to;
	bool is_cut = weft__sim_is_cut(end->local.host, end->remote.host), is_done = true;

	if (waits_its_turn(piece))
		return;
	weft__sim_trace("piece %d of %u, %zu bytes%s", piece->kind, end->number, piece->len,
		is_cut ? ", cut off" : "");
	if (is_cut)
		is_done = false;
	else if (piece->kind == PIECE_CONNECT)
		is_done = connect_arrives(piece);
	else
		deliver(piece);
	if (!is_done && try_later(piece))
		return;
	if (event->from)
		event->from->pieces_there++;
	if (!is_done)
		give_up(piece);
	weft__sim_event_done(event);
}

/* ---- Reading and writing ----------------------------------------------------------------- */

static size_t total(const struct iovec *parts, int count)
{
	size_t len = 0;

	for (int i = 0; i < count; i++)
		len += parts[i].iov_len;
	return len;
}

static size_t maybe_less(size_t len)
{
	if (len > 1 && weft__sim_chance(weft__sim->options.partial_chance))
		return (size_t)weft__sim_between(1, (int64_t)len);
	return len;
}

int64_t weft__sim_stream_recv(
	struct sim_socket *socket, const struct iovec *parts, int count, int flags)
{
	size_t wanted = total(parts, count), done = 0;
	int code = socket->code;

	if (socket->state == SIM_IDLE || socket->state == SIM_LISTENING)
		return socket->code ? -socket->code : -ENOTCONN;
	if (socket->is_reset) {
		socket->code = 0;
		return code ? -code : 0;
	}
	if (wanted == 0)
		return 0;
	if (socket->is_in_shut && weft_buf_len(&socket->in) == 0)
		return socket->type == 0 ? -EBADF : 0;
	if (weft_buf_len(&socket->in) == 0)
		return socket->is_in_ended ? 0 : -EAGAIN;
	if (wanted > weft_buf_len(&socket->in))
		wanted = weft_buf_len(&socket->in);
	wanted = maybe_less(wanted);
	for (int i = 0; i < count && done < wanted; i++) {
		size_t len = parts[i].iov_len < wanted - done ? parts[i].iov_len : wanted - done;

		memcpy(parts[i].iov_base, weft_buf_data(&socket->in) + done, len);
		done += len;
	}
	if (flags & MSG_PEEK)
		return (int64_t)done;
	weft_buf_consume(&socket->in, done);
	if (socket->peer)
		answer(socket->peer, PIECE_ROOM);
	return (int64_t)done;
}

int64_t weft__sim_stream_send(struct sim_socket *socket, const struct iovec *parts, int count)
{
	size_t len = total(parts, count), room, done = 0;
	struct sim_piece *piece;
	int code = socket->code;

	if (socket->is_reset) {
		socket->code = 0;
		return code ? -code : -EPIPE;
	}
	if (socket->state != SIM_CONNECTED)
		return socket->state == SIM_CONNECTING ? -EAGAIN : -ENOTCONN;
	if (socket->is_out_shut)
		return socket->type == 0 ? -EBADF : -EPIPE;
	if (!socket->peer ||
		(socket->peer->fd < 0 && socket->domain == AF_UNIX && !socket->peer->peer))
		return -EPIPE;
	if (len == 0)
		return 0;
	room = SIM_STREAM_BUFFER - socket->on_the_way - weft_buf_len(&socket->peer->in);
	if (room == 0)
		return -EAGAIN;
	len = maybe_less(len < room ? len : room);
	piece = piece_new(PIECE_BYTES, socket, socket->peer, len);
	for (int i = 0; i < count && done < len; i++) {
		size_t some = parts[i].iov_len < len - done ? parts[i].iov_len : len - done;

		memcpy(piece->bytes + done, parts[i].iov_base, some);
		done += some;
	}
	socket->on_the_way += len;
	piece_send(piece);
	return (int64_t)len;
}

int weft__sim_stream_poll(const struct sim_socket *socket)
{
	int events = 0;

	if (socket->state == SIM_LISTENING)
		return weft_list_is_empty(&socket->backlog) ? 0 : POLLIN;
	if (socket->state == SIM_CONNECTING)
		return 0;
	if (socket->state == SIM_IDLE || socket->is_reset)
		return POLLIN | POLLOUT | POLLHUP | (socket->code ? POLLERR : 0);
	if (weft_buf_len(&socket->in) > 0 || socket->is_in_ended || socket->is_in_shut)
		events |= POLLIN;
	if (socket->is_out_shut || !socket->peer ||
		socket->on_the_way + weft_buf_len(&socket->peer->in) < SIM_STREAM_BUFFER)
		events |= POLLOUT;
	if (socket->is_in_ended && socket->is_out_shut)
		events |= POLLHUP;
	return events;
}
