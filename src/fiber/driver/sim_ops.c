/*
 * sim_ops.c - the operations of fibers on simulated descriptors, and on real ones.
 */
#include "fiber/driver/sim.h"

#include <errno.h>
#include <unistd.h>

#include "fiber/runtime.h"
#include "fiber/watch.h"

/* ---- Once -------------------------------------------------------------------------------- */

static int64_t recv_parts(
	struct sim_socket *socket, struct weft__op *op, struct iovec *parts, int count)
{
	struct msghdr message = {.msg_name = op->address,
		.msg_iov = parts,
		.msg_iovlen = (size_t)count,
		.msg_namelen = op->address_len_place ? *op->address_len_place : 0};
	int flags = weft__op_is_among(op, WEFT__OPS_WITH_FLAGS) ? op->flags : 0;
	int64_t result;

	if (socket->type != SOCK_DGRAM)
		return weft__sim_stream_recv(socket, parts, count, flags);
	result = weft__sim_dgram_recv(socket, &message, flags);
	if (result >= 0 && op->address_len_place)
		*op->address_len_place = message.msg_namelen;
	return result;
}

static int64_t send_parts(
	struct sim_socket *socket, struct weft__op *op, struct iovec *parts, int count)
{
	struct msghdr message = {.msg_name = op->address,
		.msg_iov = parts,
		.msg_iovlen = (size_t)count,
		.msg_namelen = op->address_len};

	if (socket->type != SOCK_DGRAM)
		return weft__sim_stream_send(socket, parts, count);
	return weft__sim_dgram_send(socket, &message);
}

static int64_t send_file(struct sim_socket *socket, struct weft__op *op)
{
	char bytes[8192];
	size_t len = op->len < sizeof(bytes) ? op->len : sizeof(bytes);
	ssize_t count = op->offset ? pread(op->other_fd, bytes, len, *op->offset)
				   : read(op->other_fd, bytes, len);
	int64_t sent;

	if (count <= 0)
		return count < 0 ? -errno : 0;
	sent = weft__sim_stream_send(socket, &(struct iovec){bytes, (size_t)count}, 1);
	if (sent > 0 && op->offset)
		*op->offset += sent;
	else if (!op->offset && sent < count)
		lseek(op->other_fd, (sent > 0 ? sent : 0) - count, SEEK_CUR);
	return sent;
}

static int64_t poll_socket(struct sim_socket *socket, int events)
{
	int there = socket->type == SOCK_DGRAM ? weft__sim_dgram_poll(socket)
					       : weft__sim_stream_poll(socket);

	there &= events | POLLERR | POLLHUP;
	return there ? there : -EAGAIN;
}

static int64_t recv_message(struct sim_socket *socket, struct weft__op *op)
{
	struct msghdr *message = op->data;

	message->msg_flags = 0;
	message->msg_controllen = 0;
	if (socket->type == SOCK_DGRAM)
		return weft__sim_dgram_recv(socket, message, op->flags);
	return weft__sim_stream_recv(socket, message->msg_iov, (int)message->msg_iovlen, op->flags);
}

static int64_t send_message(struct sim_socket *socket, struct weft__op *op)
{
	struct msghdr *message = op->data;

	if (socket->type == SOCK_DGRAM)
		return weft__sim_dgram_send(socket, message);
	return weft__sim_stream_send(socket, message->msg_iov, (int)message->msg_iovlen);
}

/* As many as go without waiting; an error is told when it is the first one's. */
static int64_t move_many(struct sim_socket *socket, struct weft__op *op,
	int64_t (*move)(struct sim_socket *socket, struct weft__op *op))
{
	struct mmsghdr *messages = op->data;
	size_t done = 0;
	int64_t result = 0;

	while (done < op->len && result >= 0) {
		struct weft__op one = {.data = &messages[done].msg_hdr, .flags = op->flags};

		result = move(socket, &one);
		if (result >= 0)
			messages[done++].msg_len = (unsigned)result;
	}
	return done > 0 ? (int64_t)done : result;
}

/* As weft__attempt(). */
static int64_t try_once(struct sim_socket *socket, struct weft__op *op)
{
	struct iovec part = {op->data, op->len};

	switch (op->kind) {
	case WEFT__OP_ACCEPT:
		return weft__sim_stream_accept(socket, op);
	case WEFT__OP_READ:
	case WEFT__OP_RECV:
	case WEFT__OP_RECVFROM:
		return recv_parts(socket, op, &part, 1);
	case WEFT__OP_READV:
		return recv_parts(socket, op, op->data, (int)op->len);
	case WEFT__OP_RECVMSG:
		return recv_message(socket, op);
	case WEFT__OP_RECVMMSG:
		return move_many(socket, op, recv_message);
	case WEFT__OP_WRITE:
	case WEFT__OP_SEND:
	case WEFT__OP_SENDTO:
		return send_parts(socket, op, &part, 1);
	case WEFT__OP_WRITEV:
		return send_parts(socket, op, op->data, (int)op->len);
	case WEFT__OP_SENDMSG:
		return send_message(socket, op);
	case WEFT__OP_SENDMMSG:
		return move_many(socket, op, send_message);
	case WEFT__OP_SENDFILE:
		return send_file(socket, op);
	case WEFT__OP_POLL:
	case WEFT__OP_POLL_NOW:
		return poll_socket(socket, op->flags);
	default:
		return -EINVAL;
	}
}

static int64_t try_with_buffer(struct sim_socket *socket, struct weft__op *op)
{
	int64_t result;

	if (!op->buffers)
		return try_once(socket, op);
	op->data = op->buffers->take();
	if (!op->data)
		return -ENOMEM;
	result = try_once(socket, op);
	if (result <= 0) {
		op->buffers->give(op->data);
		op->data = NULL;
	}
	return result;
}

/* ---- Until it is done ------------------------------------------------------------------- */

/* Wait until something has happened to the descriptor. 0, or -errno. */
static int64_t wait_for(struct sim *sim, struct weft_list *list, int fd, int events)
{
	struct weft__worker *worker = sim->driver.worker;
	const struct weft__wait wait = {.kind = WEFT__WAIT_FD, .number = fd, .events = events};
	struct weft__watch self = {.fiber = worker->current, .fd = fd, .events = events};

	weft_list_push_back(list, &self.node);
	weft__park(worker, &wait);
	if (self.is_closed)
		return -EBADF;
	weft_list_remove(&self.node);
	return -worker->current->context.interrupt;
}

static int64_t connect_to(struct sim *sim, struct sim_socket *socket, struct weft__op *op)
{
	struct sim_address to;
	int64_t result = -weft__sim_address_read(op->address, op->address_len, &to);

	while (!result) {
		if (socket->type == SOCK_DGRAM) {
			socket->remote = to;
			socket->state = to.domain == AF_UNSPEC ? SIM_IDLE : SIM_CONNECTED;
			return -weft__sim_bind_any(socket);
		}
		result = weft__sim_stream_connect(socket, &to);
		if (result != -EAGAIN)
			break;
		result = weft_sleep(WEFT_MILLISECONDS(1)) < 0 ? -errno : 0;
	}
	if (result != -EINPROGRESS && result != -EALREADY)
		return result;
	do
		result = wait_for(sim, &socket->watchers, op->fd, POLLOUT);
	while (!result && socket->state == SIM_CONNECTING);
	if (!result) {
		result = -socket->code;
		socket->code = 0;
	}
	return result;
}

/* A real descriptor: only tried when it is ready, so that it never blocks. */
static int64_t perform_foreign(struct sim *sim, struct weft__op *op)
{
	int direction = weft__op_direction(op);
	struct weft__op look = {.kind = WEFT__OP_POLL_NOW, .fd = op->fd, .flags = direction};
	int64_t result = 0;

	while (!result) {
		if (weft__attempt(&look) != -EAGAIN || weft__op_is_impatient(op)) {
			result = weft__attempt(op);
			if (result != -EAGAIN || weft__op_is_impatient(op))
				return result;
		}
		result = wait_for(sim, &sim->foreign, op->fd, direction);
	}
	return result;
}

int64_t weft__sim_perform(struct weft__driver *driver, struct weft__op *op)
{
	struct sim *sim = (struct sim *)driver;
	struct sim_socket *socket;
	int64_t result;

	if (op->fd < SIM_FD_FIRST)
		return perform_foreign(sim, op);
	socket = weft__sim_socket_of(op->fd);
	if (!socket)
		return -EBADF;
	result = -weft__sim_fault_of(op, socket);
	if (result)
		return result;
	if (op->kind == WEFT__OP_CONNECT) {
		result = connect_to(sim, socket, op);
		weft__sim_trace("connect %u: %lld", socket->number, (long long)result);
		return result;
	}
	while ((result = try_with_buffer(socket, op)) == -EAGAIN && !weft__op_is_impatient(op)) {
		result = wait_for(sim, &socket->watchers, op->fd, weft__op_direction(op));
		if (result)
			return result;
	}
	weft__sim_trace("op %d on %u: %lld", op->kind, socket->number,
		(long long)(op->kind == WEFT__OP_ACCEPT && result > 0 ? 0 : result));
	return result;
}
