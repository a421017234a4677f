/*
 * attempt.c - an operation as its system call, made once, without waiting.
 *
 * Must never: park, or let EINTR or SIGPIPE out.
 */
#include <errno.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fiber/worker.h"

/** Most bytes that one sendfile(2) may move: a turn must not last too long. */
#define SENDFILE_MAX ((size_t)1024 * 1024)

/*
 * accept(2) passes on network errors that were pending on the new connection: the
 * connection is lost, the listener is well. They say "try the next one".
 */
static bool is_lost_connection(int code)
{
	return code == ECONNABORTED || code == ENETDOWN || code == EPROTO || code == ENOPROTOOPT ||
	       code == EHOSTDOWN || code == ENONET || code == EHOSTUNREACH || code == ENETUNREACH;
}

static int64_t accept_once(struct weft__op *op)
{
	int fd;

	do
		fd = accept4(
			op->fd, op->address, op->address_len_place, SOCK_NONBLOCK | SOCK_CLOEXEC);
	while (fd < 0 && is_lost_connection(errno));
	return fd;
}

static int64_t poll_once(struct weft__op *op)
{
	struct pollfd set = {.fd = op->fd, .events = (short)op->flags};
	int count = poll(&set, 1, 0);

	if (count == 0)
		errno = EAGAIN;
	else if (count > 0 && set.revents & POLLNVAL)
		errno = EBADF;
	else if (count > 0)
		return set.revents;
	return -1;
}

static int64_t call(struct weft__op *op)
{
	int flags = op->flags | MSG_DONTWAIT;

	switch (op->kind) {
	case WEFT__OP_ACCEPT:
		return accept_once(op);
	case WEFT__OP_CONNECT:
		return connect(op->fd, op->address, op->address_len);
	case WEFT__OP_READ:
		return read(op->fd, op->data, op->len);
	case WEFT__OP_READV:
		return readv(op->fd, op->data, (int)op->len);
	case WEFT__OP_RECV:
		return recv(op->fd, op->data, op->len, flags);
	case WEFT__OP_RECVFROM:
		return recvfrom(
			op->fd, op->data, op->len, flags, op->address, op->address_len_place);
	case WEFT__OP_RECVMSG:
		return recvmsg(op->fd, op->data, flags);
	case WEFT__OP_RECVMMSG:
		return recvmmsg(op->fd, op->data, (unsigned)op->len, flags, NULL);
	case WEFT__OP_WRITE:
		return write(op->fd, op->data, op->len);
	case WEFT__OP_WRITEV:
		return writev(op->fd, op->data, (int)op->len);
	case WEFT__OP_SEND:
		return send(op->fd, op->data, op->len, flags | MSG_NOSIGNAL);
	case WEFT__OP_SENDTO:
		return sendto(op->fd, op->data, op->len, flags | MSG_NOSIGNAL, op->address,
			op->address_len);
	case WEFT__OP_SENDMSG:
		return sendmsg(op->fd, op->data, flags | MSG_NOSIGNAL);
	case WEFT__OP_SENDMMSG:
		return sendmmsg(op->fd, op->data, (unsigned)op->len, flags | MSG_NOSIGNAL);
	case WEFT__OP_SENDFILE:
		return sendfile(op->fd, op->other_fd, op->offset,
			op->len < SENDFILE_MAX ? op->len : SENDFILE_MAX);
	case WEFT__OP_POLL:
	case WEFT__OP_POLL_NOW:
		return poll_once(op);
	case WEFT__OP_PREAD:
		return op->position < 0 ? read(op->fd, op->data, op->len)
					: pread(op->fd, op->data, op->len, op->position);
	case WEFT__OP_PWRITE:
		return op->position < 0 ? write(op->fd, op->data, op->len)
					: pwrite(op->fd, op->data, op->len, op->position);
	case WEFT__OP_FSYNC:
		return op->flags ? fdatasync(op->fd) : fsync(op->fd);
	case WEFT__OP_KIND_COUNT:
		break;
	}
	errno = EINVAL;
	return -1;
}

static int64_t attempt(struct weft__op *op)
{
	struct weft__worker *worker = weft__worker;
	int64_t result;

	if (worker)
		weft__count(&worker->counts.calls[op->kind]);
	do
		result = call(op);
	while (result < 0 && errno == EINTR);
	return result < 0 ? -errno : result;
}

int64_t weft__attempt(struct weft__op *op)
{
	int64_t result;

	if (!op->buffers)
		return attempt(op);
	op->data = op->buffers->take();
	if (!op->data)
		return -ENOMEM;
	result = attempt(op);
	if (result <= 0) {
		op->buffers->give(op->data);
		op->data = NULL;
	}
	return result;
}
