/*
 * thread.c - operations outside fibers: they block the calling thread; and the way in,
 * weft__perform(), for both.
 *
 * A thread that must wait does so in ppoll(2); weft_close() wakes it with EBADF (doze.h).
 */
#include "fiber/driver/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fiber/doze.h"
#include "fiber/driver/fds.h"
#include "fiber/worker.h"

struct blocked {
	struct weft_list_node node;
	int fd;
	pthread_t thread;
	atomic_bool is_closed;
};

/* Threads that wait, for weft_close() to look through. Cold: threads are few. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct weft_list blocked_threads = {{&blocked_threads.head, &blocked_threads.head}};
static _Atomic unsigned blocked_count;

static void blocked_begin(struct blocked *self, int fd)
{
	*self = (struct blocked){.fd = fd, .thread = pthread_self()};
	pthread_mutex_lock(&mutex);
	weft_list_push_back(&blocked_threads, &self->node);
	atomic_fetch_add(&blocked_count, 1);
	pthread_mutex_unlock(&mutex);
}

/* Whether the descriptor was closed meanwhile. */
static bool blocked_end(struct blocked *self)
{
	pthread_mutex_lock(&mutex);
	weft_list_remove(&self->node);
	atomic_fetch_sub(&blocked_count, 1);
	pthread_mutex_unlock(&mutex);
	return self->is_closed;
}

void weft__thread_closing(int fd)
{
	if (atomic_load(&blocked_count) == 0)
		return;
	pthread_mutex_lock(&mutex);
	weft_list_each (node, &blocked_threads) {
		struct blocked *blocked = weft_container_of(node, struct blocked, node);

		if (blocked->fd != fd)
			continue;
		atomic_store(&blocked->is_closed, true);
		weft__doze_wake(blocked->thread);
	}
	pthread_mutex_unlock(&mutex);
}

void weft__thread_forked(void)
{
	mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	weft_list_init(&blocked_threads);
	atomic_store(&blocked_count, 0);
}

/* What ppoll(2) returns; *ret_code is what has interrupted the caller before it. */
static int poll_once(
	struct weft__context *context, struct blocked *self, struct pollfd *look, int *ret_code)
{
	int64_t deadline_ns = weft__context_deadline(context);
	int64_t left = deadline_ns == INT64_MAX ? INT64_MAX : deadline_ns - weft_now();
	struct timespec timeout = weft__doze_time(left);
	sigset_t room;
	const sigset_t *mask = weft__doze_mask(&room);
	int count = 0;

	weft__doze_begin(&timeout);
	*ret_code = weft__interrupt(context);
	if (!*ret_code && !atomic_load(&self->is_closed))
		count = weft__doze_ppoll(look, 1, &timeout, mask);
	weft__doze_end();
	return count;
}

/* 0 when fd is ready in that direction, else an errno value. */
static int block(struct weft__context *context, int fd, int direction)
{
	struct weft__fd *known = weft__fd_of(fd);
	struct blocked self;
	int code = 0, count = 0;

	blocked_begin(&self, fd);
	if (known && (atomic_load(&known->traits) & WEFT__FD_CLOSING))
		self.is_closed = true; /* who closes it has been here before us */
	while (count <= 0 && !self.is_closed && !code) {
		struct pollfd look = {.fd = fd, .events = (short)direction};

		count = poll_once(context, &self, &look, &code);
		if (count > 0 && look.revents & POLLNVAL)
			code = EBADF;
	}
	if (blocked_end(&self))
		code = EBADF;
	return code;
}

/* A blocking descriptor from elsewhere would not let a deadline in: wait first. */
static bool is_blocking(const struct weft__op *op)
{
	struct weft__fd *known = weft__fd_of(op->fd);
	int flags;

	if (known && (atomic_load(&known->traits) & WEFT__FD_OURS))
		return false;
	flags = fcntl(op->fd, F_GETFL);
	return flags >= 0 && !(flags & O_NONBLOCK);
}

int64_t weft__connect_attempt(struct weft__op *op)
{
	struct weft__fd *known = weft__fd_of(op->fd);
	uint32_t generation = known ? atomic_load(&known->generation) : 0;
	int64_t result;

	while ((result = weft__attempt(op)) == -EAGAIN) {
		if (weft_sleep(WEFT_MILLISECONDS(1)) < 0)
			return -errno;
		if (known && atomic_load(&known->generation) != generation)
			return -EBADF;
	}
	return result;
}

static int64_t connect_end(struct weft__context *context, int fd)
{
	int code = block(context, fd, POLLOUT);
	socklen_t len = sizeof code;

	if (!code && getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0)
		code = errno;
	return -code;
}

static int64_t connect_perform(struct weft__context *context, struct weft__op *op)
{
	int64_t result;

	/* poll(2) can't tell beforehand that a connect would wait. */
	if (is_blocking(op))
		fcntl(op->fd, F_SETFL, fcntl(op->fd, F_GETFL) | O_NONBLOCK);
	result = weft__connect_attempt(op);
	return result == -EINPROGRESS ? connect_end(context, op->fd) : result;
}

/*
 * A worker has SIGPIPE blocked; a thread of the program's own may not, and only send(2)
 * can be asked for silence. The signal is for the thread that writes, so it can be
 * taken back, unless one was pending before.
 */
static int64_t attempt_quietly(struct weft__op *op)
{
	static const struct timespec at_once;
	sigset_t broken_pipe, before, pending;
	int64_t result;

	if (op->kind != WEFT__OP_WRITE && op->kind != WEFT__OP_WRITEV &&
		op->kind != WEFT__OP_SENDFILE)
		return weft__attempt(op);
	sigemptyset(&broken_pipe);
	sigaddset(&broken_pipe, SIGPIPE);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
	result = weft__attempt(op);
	if (result == -EPIPE && !sigismember(&pending, SIGPIPE))
		sigtimedwait(&broken_pipe, NULL, &at_once);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return result;
}

int64_t weft__thread_perform(struct weft__op *op)
{
	struct weft__context *context = weft__context_self();
	int direction = weft__op_direction(op);
	bool is_impatient = weft__op_is_impatient(op);
	int code = weft__interrupt(context);
	int64_t result = 0;

	if (op->fd < 0)
		return -EBADF; /* poll(2) would pass it over, and wait */
	if (!code && op->kind == WEFT__OP_CONNECT)
		return connect_perform(context, op);
	if (!code && !is_impatient && is_blocking(op))
		code = block(context, op->fd, direction);
	while (!code) {
		result = attempt_quietly(op);
		if (result != -EAGAIN || is_impatient)
			return result;
		code = block(context, op->fd, direction);
	}
	return -code;
}

/* ---- The way in ------------------------------------------------------------------ */

static int64_t fiber_perform(struct weft__worker *worker, struct weft__op *op)
{
	struct weft__context *context = &worker->current->context;

	if (context->interrupt)
		return -context->interrupt;
	worker->ticks -= WEFT__TICKS_PER_CALL;
	if (--worker->call_budget <= 0) {
		weft_yield();
		if (context->interrupt)
			return -context->interrupt;
	}
	return worker->driver->ops->perform(worker->driver, op);
}

int64_t weft__perform(struct weft__op *op)
{
	struct weft__worker *worker = weft__worker;
	int64_t result = worker ? fiber_perform(worker, op) : weft__thread_perform(op);

	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}
