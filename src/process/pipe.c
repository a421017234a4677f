/*
 * pipe.c - one end of a pipe of messages (include/weft/pipe.h), over pipe_wire.h.
 *
 * Must never: hold both locks at a time; who sends and who receives may wait for each other.
 */
#include "weft/pipe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fiber/driver/driver.h"
#include "process/pipe_wire.h"
#include "weft/lock.h"
#include "weft/scope.h"
#include "weft/socket.h"

struct weft_pipe {
	struct weft__wire wire;
	struct weft_lock sending, receiving;
	bool may_send, may_receive;
};

static int fail(int code)
{
	errno = code;
	return -1;
}

static int64_t perform(struct weft__op *op)
{
	int64_t result = weft__perform(op);

	return result < 0 ? -errno : result;
}

static const struct weft__wire_how waiting = {perform, 0}, impatient = {perform, MSG_DONTWAIT};

/* ---- Life --------------------------------------------------------------------------- */

static struct weft_pipe *make(int fd, const struct weft_pipe_options *options)
{
	struct weft_pipe *pipe = calloc(1, sizeof *pipe);
	size_t most = options ? options->message_max : 0;

	if (!pipe)
		return NULL;
	weft__wire_init(&pipe->wire, fd, most ? most : WEFT_PIPE_MESSAGE_DEFAULT);
	weft_lock_init(&pipe->sending, "pipe: sending");
	weft_lock_init(&pipe->receiving, "pipe: receiving");
	pipe->may_send = pipe->may_receive = true;
	return pipe;
}

int weft_pipe_pair(const struct weft_pipe_options *options, struct weft_pipe *ret_ends[2])
{
	struct weft_pipe *ends[2];
	int fds[2];

	if (weft_socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		return -1;
	ends[0] = make(fds[0], options);
	ends[1] = make(fds[1], options);
	if (ends[0] && ends[1]) {
		ret_ends[0] = ends[0];
		ret_ends[1] = ends[1];
		return 0;
	}
	free(ends[0]);
	free(ends[1]);
	weft_close(fds[0]);
	weft_close(fds[1]);
	return fail(ENOMEM);
}

int weft_pipe_one_way(const struct weft_pipe_options *options, struct weft_pipe **ret_reader,
	struct weft_pipe **ret_writer)
{
	struct weft_pipe *ends[2];

	if (weft_pipe_pair(options, ends) < 0)
		return -1;
	weft_shutdown(ends[0]->wire.fd, SHUT_WR);
	ends[0]->may_send = false;
	ends[1]->may_receive = false;
	*ret_reader = ends[0];
	*ret_writer = ends[1];
	return 0;
}

struct weft_pipe *weft_pipe_new(int fd, const struct weft_pipe_options *options)
{
	int domain = 0, type = 0;
	socklen_t len = sizeof domain;

	if (weft_getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 ||
		weft_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		return NULL;
	if (domain == AF_UNIX && type == SOCK_STREAM)
		return make(fd, options);
	errno = EPROTOTYPE;
	return NULL;
}

void weft_pipe_free(struct weft_pipe *pipe)
{
	int saved = errno;

	if (!pipe)
		return;
	/* A child of fork(2) lets go of its parent's end: the parent sends the rest, once. */
	if (weft__wire_has_own_rest(&pipe->wire))
		WEFT_SHIELDED
			weft__wire_flush(&pipe->wire, impatient);
	weft__wire_fini(&pipe->wire);
	weft_close(pipe->wire.fd);
	free(pipe);
	errno = saved;
}

int weft_pipe_fd(const struct weft_pipe *pipe)
{
	return pipe->wire.fd;
}

/* ---- Sending ----------------------------------------------------------------------------------
 */

/* As one of those who send: 0, or an errno. message NULL: what is left. */
static int send_as(
	struct weft_pipe *pipe, const struct weft_pipe_message *message, bool is_impatient)
{
	struct weft__wire_how how = is_impatient ? impatient : waiting;
	int code = 0;

	if (!pipe->may_send)
		return EPIPE;
	if (is_impatient && weft_lock_try_acquire(&pipe->sending) < 0)
		return EAGAIN;
	if (!is_impatient && weft_lock_acquire(&pipe->sending) < 0)
		return errno;
	code = message ? weft__wire_send(&pipe->wire, message, how)
		       : weft__wire_flush(&pipe->wire, how);
	weft_lock_release(&pipe->sending);
	return code;
}

int weft_pipe_send_message(struct weft_pipe *pipe, const struct weft_pipe_message *message)
{
	int code = send_as(pipe, message, false);

	return code ? fail(code) : 0;
}

int weft_pipe_send(struct weft_pipe *pipe, const void *data, size_t len)
{
	const struct weft_pipe_message message = {.data = data, .len = len};

	return weft_pipe_send_message(pipe, &message);
}

int weft_pipe_try_send(struct weft_pipe *pipe, const void *data, size_t len)
{
	const struct weft_pipe_message message = {.data = data, .len = len};
	int code = send_as(pipe, &message, true);

	return code ? fail(code) : 0;
}

int weft_pipe_flush(struct weft_pipe *pipe)
{
	int code = send_as(pipe, NULL, false);

	return code ? fail(code) : 0;
}

size_t weft_pipe_unsent(const struct weft_pipe *pipe)
{
	return weft__wire_unsent(&pipe->wire);
}

int weft_pipe_shutdown(struct weft_pipe *pipe)
{
	return weft_pipe_flush(pipe) < 0 ? -1 : weft_shutdown(pipe->wire.fd, SHUT_WR);
}

/* ---- Receiving ---------------------------------------------------------------------------------
 */

/* 0 when the caller is the one who receives, or an errno. */
static int receive_begin(struct weft_pipe *pipe, bool is_impatient)
{
	if (!pipe->may_receive)
		return EBADF;
	if (is_impatient)
		return weft_lock_try_acquire(&pipe->receiving) < 0 ? EAGAIN : 0;
	return weft_lock_acquire(&pipe->receiving) < 0 ? errno : 0;
}

static int result_of(int result)
{
	return result < 0 ? fail(-result) : result;
}

static int lend(struct weft_pipe *pipe, struct weft_pipe_message *ret_message, bool is_impatient)
{
	int result = -receive_begin(pipe, is_impatient);

	if (result == 0) {
		result = weft__wire_recv(
			&pipe->wire, ret_message, is_impatient ? impatient : waiting);
		weft_lock_release(&pipe->receiving);
	}
	return result_of(result);
}

static int copy_next(struct weft_pipe *pipe, void *buffer, size_t size_bytes, size_t *ret_len,
	struct weft__wire_how how)
{
	struct weft_pipe_message message;
	int result = weft__wire_recv(&pipe->wire, &message, how);

	*ret_len = result > 0 ? message.len : 0;
	if (result <= 0)
		return result;
	for (unsigned i = 0; i < message.fd_count; i++)
		close(message.fds[i]);
	if (message.len > size_bytes) {
		weft__wire_unrecv(&pipe->wire);
		return -EMSGSIZE;
	}
	if (message.len > 0)
		memcpy(buffer, message.data, message.len);
	return 1;
}

static int copy(
	struct weft_pipe *pipe, void *buffer, size_t size_bytes, size_t *ret_len, bool is_impatient)
{
	int result = -receive_begin(pipe, is_impatient);

	if (result == 0) {
		result = copy_next(
			pipe, buffer, size_bytes, ret_len, is_impatient ? impatient : waiting);
		weft_lock_release(&pipe->receiving);
	}
	return result_of(result);
}

int weft_pipe_recv(struct weft_pipe *pipe, void *buffer, size_t size_bytes, size_t *ret_len)
{
	return copy(pipe, buffer, size_bytes, ret_len, false);
}

int weft_pipe_try_recv(struct weft_pipe *pipe, void *buffer, size_t size_bytes, size_t *ret_len)
{
	return copy(pipe, buffer, size_bytes, ret_len, true);
}

int weft_pipe_recv_message(struct weft_pipe *pipe, struct weft_pipe_message *ret_message)
{
	return lend(pipe, ret_message, false);
}

int weft_pipe_try_recv_message(struct weft_pipe *pipe, struct weft_pipe_message *ret_message)
{
	return lend(pipe, ret_message, true);
}
