/*
 * uring_ops.c - operations over io_uring.
 *
 * Where the call would most likely succeed it is simply made: a send(2) into a socket
 * with room costs less than a trip round the ring, and so does a recv(2) of what is known
 * to be there. What has to wait goes to the ring in the form that costs least:
 *
 *	RECV (READ on TCP)	recv, into the caller's memory or a buffer that the kernel picks
 *	ACCEPT			accept
 *	PREAD PWRITE FSYNC	read, write, fsync: the kernel waits for the disk, or its threads do
 *	all others		poll, and then the call
 *
 * What the kernel did although the fiber was interrupted is done: it is returned as a
 * success, and the next call fails.
 *
 * Must never: return while a request of the calling fiber is pending.
 */
#include <errno.h>
#include <fcntl.h>

#include "fiber/driver/thread.h"
#include "fiber/driver/uring.h"
#include "fiber/worker.h"

/** Most bytes in one request: what read(2) moves, too. */
#define TRANSFER_MAX ((size_t)0x7ffff000)

struct turn {
	struct uring *uring;
	struct weft__uring_entry *entry;
	struct weft__fd *known;
	struct weft__op *op;
	struct weft__uring_waiter *self;
	const struct weft__wait *wait;
};

/* ---- One request ------------------------------------------------------------------------- */

/* What the caller must fail with: his descriptor was closed, or he is interrupted. Or 0. */
static int64_t reason_to_stop(const struct turn *turn)
{
	if (turn->self->is_closed)
		return -EBADF;
	return -turn->self->request.fiber->context.interrupt;
}

/* The result; -EAGAIN when it was cancelled for no reason that the caller must know. */
static int64_t submit(struct turn *turn, struct io_uring_sqe *sqe)
{
	struct weft__uring_request *request = &turn->self->request;

	weft__uring_begin(turn->uring, request, sqe);
	weft__uring_await(turn->uring, request, turn->wait);
	if (request->result != -ECANCELED && request->result != -EINTR)
		return request->result;
	return reason_to_stop(turn) ? reason_to_stop(turn) : -EAGAIN;
}

static int64_t submit_poll(struct turn *turn, int events)
{
	struct io_uring_sqe *sqe = weft__uring_sqe(turn->uring);

	io_uring_prep_poll_add(sqe, turn->op->fd, (unsigned)events);
	return submit(turn, sqe);
}

/* This kernel doesn't do it, or not for this kind of file. */
static bool is_refusal(int64_t result)
{
	return result == -EINVAL || result == -EOPNOTSUPP || result == -EAGAIN;
}

static bool is_tcp(const struct turn *turn)
{
	return atomic_load_explicit(&turn->known->traits, memory_order_relaxed) & WEFT__FD_TCP;
}

/* ---- Receiving ----------------------------------------------------------------------------- */

static bool can_receive(struct turn *turn)
{
	const struct weft__op *op = turn->op;

	if (op->flags || turn->entry->has_no_receive)
		return false;
	if (op->kind != WEFT__OP_RECV && !(op->kind == WEFT__OP_READ && is_tcp(turn)))
		return false;
	return !op->buffers || weft__uring_buffers_suit(turn->uring, op);
}

/* The buffer that the kernel took is the receiver's, unless nothing is in it. */
static void keep_buffer(struct turn *turn, int64_t result)
{
	uint32_t flags = turn->self->request.flags;
	struct weft__op *op = turn->op;
	void *buffer;

	if (!(flags & IORING_CQE_F_BUFFER))
		return;
	buffer = weft__uring_buffers_take(turn->uring, flags);
	if (result > 0)
		op->data = buffer;
	else
		op->buffers->give(buffer);
}

static int64_t receive(struct turn *turn)
{
	struct io_uring_sqe *sqe = weft__uring_sqe(turn->uring);
	struct weft__op *op = turn->op;
	int64_t result;

	io_uring_prep_recv(
		sqe, op->fd, op->data, op->len < TRANSFER_MAX ? op->len : TRANSFER_MAX, 0);
	sqe->ioprio = IORING_RECVSEND_POLL_FIRST; /* a try was made, or known to be in vain */
	if (op->buffers) {
		sqe->flags |= IOSQE_BUFFER_SELECT;
		sqe->buf_group = WEFT__URING_BUFFER_GROUP;
	}
	result = submit(turn, sqe);
	if (op->buffers)
		keep_buffer(turn, result);
	if (reason_to_stop(turn))
		return result;
	/* TCP says whether more is there; of others a try shows. */
	turn->entry->may_have_input =
		!is_tcp(turn) || (turn->self->request.flags & IORING_CQE_F_SOCK_NONEMPTY);
	if (result == -ENOBUFS && op->buffers)
		weft__uring_buffers_grow(turn->uring);
	else if (!is_refusal(result))
		return result;
	else
		turn->entry->has_no_receive = true;
	return weft__attempt(op);
}

/* ---- Accepting --------------------------------------------------------------------------------
 */

/*
 * Of the errors of accept(2), weft__attempt() knows which are only this connection's. One
 * that came in at the last moment is the caller's all the same: none is lost.
 */
static int64_t accept_one(struct turn *turn)
{
	struct io_uring_sqe *sqe = weft__uring_sqe(turn->uring);
	struct weft__op *op = turn->op;
	int64_t result;

	io_uring_prep_accept(
		sqe, op->fd, op->address, op->address_len_place, SOCK_NONBLOCK | SOCK_CLOEXEC);
	result = submit(turn, sqe);
	if (reason_to_stop(turn))
		return result;
	turn->entry->may_have_input = true; /* they come in swarms */
	if (result >= 0)
		return result;
	if (is_refusal(result))
		turn->entry->has_no_accept = true;
	return weft__attempt(op);
}

/* ---- In line --------------------------------------------------------------------------------- */

/* Where the length is spread over iovecs it is not worth adding up. */
static bool is_short(const struct weft__op *op, int64_t result)
{
	const unsigned kinds = 1u << WEFT__OP_READ | 1u << WEFT__OP_RECV;

	return result > 0 && (size_t)result < op->len && op->flags == 0 &&
	       weft__op_is_among(op, kinds);
}

/* The call itself. What it says of the input that is left saves the next vain one. */
static int64_t try(struct turn *turn)
{
	int64_t result = weft__attempt(turn->op);

	if (!(turn->wait->events & POLLIN))
		return result;
	/* After a short count TCP has no more. */
	if (result == -EAGAIN || (is_tcp(turn) && is_short(turn->op, result)))
		turn->entry->may_have_input = false;
	return result;
}

/* It is our turn: -EAGAIN when there was nothing for us after all. */
static int64_t take_turn(struct turn *turn)
{
	int64_t result = -EAGAIN;

	if ((turn->wait->events & POLLIN) && turn->entry->may_have_input)
		result = try(turn);
	if (result != -EAGAIN)
		return result;
	if (turn->op->kind == WEFT__OP_ACCEPT && !turn->entry->has_no_accept)
		return accept_one(turn);
	if (can_receive(turn))
		return receive(turn);
	result = submit_poll(turn, turn->wait->events);
	return result < 0 ? result : weft__attempt(turn->op);
}

static int64_t wait_in_line(struct turn *turn, enum weft__uring_line line)
{
	struct weft_list *queue = &turn->entry->lines[line];
	struct weft__uring_waiter *self = turn->self;
	int64_t result = weft__uring_line_join(turn->uring, turn->entry, turn->known, line, self);

	if (result)
		return result;
	do {
		result = -EAGAIN;
		if (weft_list_first(queue) == &self->node)
			result = take_turn(turn);
		else
			weft__park(turn->uring->driver.worker, turn->wait);
		if (result == -EAGAIN && reason_to_stop(turn))
			result = reason_to_stop(turn);
	} while (result == -EAGAIN);
	weft__uring_line_leave(turn->uring, turn->entry, line, self);
	return result;
}

/* A call that may succeed, and that nobody has been waiting for. */
static bool may_try(struct turn *turn, enum weft__uring_line line)
{
	if (weft__op_is_impatient(turn->op))
		return true;
	return weft_list_is_empty(&turn->entry->lines[line]) &&
	       (line == WEFT__URING_LINE_OUT || turn->entry->may_have_input);
}

static int64_t transfer(struct turn *turn)
{
	enum weft__uring_line line =
		turn->wait->events & POLLIN ? WEFT__URING_LINE_IN : WEFT__URING_LINE_OUT;
	struct weft__op *op = turn->op;
	int64_t result;

	if (may_try(turn, line)) {
		result = try(turn);
		if (result != -EAGAIN || weft__op_is_impatient(op))
			return result;
	}
	return wait_in_line(turn, line);
}

/* ---- Alone ----------------------------------------------------------------------------------- */

static int64_t poll_alone(struct turn *turn, int events)
{
	int64_t result = weft__uring_line_join(
		turn->uring, turn->entry, turn->known, WEFT__URING_LINE_NONE, turn->self);

	if (result)
		return result;
	do
		result = submit_poll(turn, events);
	while (result == -EAGAIN);
	weft__uring_line_leave(turn->uring, turn->entry, WEFT__URING_LINE_NONE, turn->self);
	return result;
}

static int64_t poll_for(struct turn *turn)
{
	int64_t result = weft__attempt(turn->op);

	if (result != -EAGAIN || turn->op->kind == WEFT__OP_POLL_NOW)
		return result;
	return poll_alone(turn, turn->op->flags);
}

/* connect(2) is called once: a second call would only say that it is under way. */
static int64_t connect_to(struct turn *turn)
{
	int64_t result;
	int code = 0;
	socklen_t len = sizeof code;

	result = weft__connect_attempt(turn->op);
	if (result != -EINPROGRESS && result != -EALREADY)
		return result;
	result = poll_alone(turn, POLLOUT);
	if (result < 0)
		return result;
	return getsockopt(turn->op->fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0 ? -errno : -code;
}

/* ---- On files ----------------------------------------------------------------------------------
 */

static void prepare_on_file(struct io_uring_sqe *sqe, const struct weft__op *op)
{
	unsigned len = (unsigned)(op->len < TRANSFER_MAX ? op->len : TRANSFER_MAX);
	uint64_t position = op->position < 0 ? UINT64_MAX : (uint64_t)op->position;

	if (op->kind == WEFT__OP_PREAD)
		io_uring_prep_read(sqe, op->fd, op->data, len, position);
	else if (op->kind == WEFT__OP_PWRITE)
		io_uring_prep_write(sqe, op->fd, op->data, len, position);
	else
		io_uring_prep_fsync(sqe, op->fd, op->flags ? IORING_FSYNC_DATASYNC : 0);
}

/* -EAGAIN is what a pipe or a terminal says that was opened not to block. */
static int64_t on_file(struct turn *turn)
{
	int events = turn->op->kind == WEFT__OP_PREAD ? POLLIN : POLLOUT;
	int64_t result = weft__uring_line_join(
		turn->uring, turn->entry, turn->known, WEFT__URING_LINE_NONE, turn->self);
	struct io_uring_sqe *sqe;

	if (result)
		return result;
	for (;;) {
		sqe = weft__uring_sqe(turn->uring);
		prepare_on_file(sqe, turn->op);
		result = submit(turn, sqe);
		if (result != -EAGAIN)
			break;
		result = submit_poll(turn, events);
		if (result < 0 && result != -EAGAIN)
			break;
	}
	weft__uring_line_leave(turn->uring, turn->entry, WEFT__URING_LINE_NONE, turn->self);
	return result;
}

/* ---- Which
 * ---------------------------------------------------------------------------------------- */

/*
 * A descriptor made elsewhere may be blocking, and may have been closed and opened anew
 * behind our back: it is looked at before each call that has no MSG_DONTWAIT.
 */
static void make_nonblocking(const struct weft__op *op)
{
	int flags;

	if (weft__op_is_among(op, WEFT__OPS_WITH_FLAGS))
		return;
	flags = fcntl(op->fd, F_GETFL);
	if (flags >= 0 && !(flags & O_NONBLOCK))
		fcntl(op->fd, F_SETFL, flags | O_NONBLOCK);
}

int64_t weft__uring_perform(struct weft__driver *driver, struct weft__op *op)
{
	const struct weft__wait wait = {
		.kind = WEFT__WAIT_FD, .number = op->fd, .events = weft__op_direction(op)};
	struct weft__uring_waiter self = {.is_closed = false};
	struct turn turn = {
		.uring = (struct uring *)driver, .op = op, .self = &self, .wait = &wait};
	int code;

	turn.entry = weft__uring_entry_open(turn.uring, op->fd, &turn.known, &code);
	if (!turn.entry)
		return code;
	self.request.fiber = driver->worker->current;
	if (weft__op_is_among(op, WEFT__OPS_ON_FILES))
		return on_file(&turn);
	if (!(atomic_load_explicit(&turn.known->traits, memory_order_relaxed) & WEFT__FD_OURS)) {
		make_nonblocking(op);
		turn.entry->may_have_input = true; /* it may be another file by now */
	}
	if (op->kind == WEFT__OP_POLL || op->kind == WEFT__OP_POLL_NOW)
		return poll_for(&turn);
	if (op->kind == WEFT__OP_CONNECT)
		return connect_to(&turn);
	return transfer(&turn);
}
