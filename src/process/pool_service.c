/*
 * pool_service.c - the thread of a pool: it starts workers, and hears of them (pool.h).
 *
 *	        socket says something --> replies --> whoever waits
 *	epoll --+ socket has room     --> the rest of a request
 *	        | worker has ended    --> its tasks to others; another worker
 *	        + event               --> closed, terminated, a worker that is to leave
 *
 * Must never: start a process with the mutex held, or sleep while there is one to be started
 * and no reason to wait.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process/pool.h"
#include "weft/fiber.h"

/** When no worker lives, so many vain starts let the tasks fail. */
#define FAILURES_MAX 6

/** After the first vain start; it doubles. */
#define RETRY_NS     WEFT_MILLISECONDS(10)
#define RETRY_NS_MAX WEFT_SECONDS(1)

/** What a reply has beside the results: its head, and an outcome for each item. */
#define REPLY_SLACK ((size_t)2 << 20)

#define EVENTS 64

/* ---- Starting -----------------------------------------------------------------------------------
 */

static int child_main(void *arg)
{
	return weft__pool_worker_main(arg);
}

static struct weft_process *new_process(struct weft_pool *pool, struct weft__pool_birth *birth)
{
	struct weft_process_options options = {.name = "weft-worker"};

	if (pool->options.process)
		options = *pool->options.process;
	options.is_daemon = true;
	return weft_process_new(&options, child_main, birth);
}

/* With the mutex: it is one of the pool's now. 0 or an errno. */
static int adopt(struct weft_pool *pool, struct weft__pool_worker *worker, int fd)
{
	uint64_t index = (uint64_t)(worker - pool->workers);
	struct epoll_event heard = {.events = EPOLLIN, .data.u64 = index << 1};
	struct epoll_event ended = {.events = EPOLLIN, .data.u64 = index << 1 | 1};

	if (epoll_ctl(pool->epoll_fd, EPOLL_CTL_ADD, fd, &heard) < 0)
		return errno;
	if (epoll_ctl(pool->epoll_fd, EPOLL_CTL_ADD, weft_process_fd(worker->process), &ended) < 0)
		return errno; /* closing fd takes it off the set again */
	weft__wire_init(&worker->wire, fd, pool->options.message_max + REPLY_SLACK);
	worker->next_number = 0;
	worker->served = 0;
	worker->is_leaving = worker->wants_room = false;
	pool->facts.replaced += worker->has_started;
	worker->has_started = true;
	pool->living++;
	return 0;
}

static void reset_slot(struct weft__pool_slot *slot)
{
	atomic_store(&slot->is_ready, 0);
	atomic_store(&slot->item, 0);
	for (int i = 0; i < WEFT__POOL_CLAIMS; i++)
		atomic_store(&slot->claims[i], 0);
}

int weft__pool_start_worker(struct weft_pool *pool, struct weft__pool_worker *worker)
{
	struct weft__pool_birth birth = {.pool = pool, .worker = worker};
	struct weft_process *process;
	int fds[2], code = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return errno;
	reset_slot(worker->slot);
	birth.fd = fds[1];
	birth.parent_fd = fds[0];
	process = new_process(pool, &birth);
	if (!process || weft_process_start(process) < 0)
		code = errno;
	close(fds[1]);
	if (code == 0) {
		pthread_mutex_lock(&pool->mutex);
		worker->process = process;
		code = adopt(pool, worker, fds[0]);
		if (code) {
			worker->process = NULL;
			weft_process_kill(process);
		}
		pthread_mutex_unlock(&pool->mutex);
	}
	if (code) {
		weft_process_free(process);
		close(fds[0]);
	}
	return code;
}

/* With the mutex: a start that came to nothing; those of one moment count once. */
static void note_failure(struct weft_pool *pool, int code)
{
	int64_t now_ns = weft_now(), wait_ns = RETRY_NS;

	if (now_ns < pool->retry_at_ns)
		return;
	for (int i = 0; i < pool->failures && wait_ns < RETRY_NS_MAX; i++)
		wait_ns *= 2;
	pool->retry_at_ns = now_ns + wait_ns;
	pool->start_error = code;
	pool->failures++;
}

/* With the mutex: whether a place without a worker is to have one. */
static bool wants_worker(const struct weft_pool *pool, const struct weft__pool_worker *worker)
{
	return !worker->process && !pool->is_terminated &&
	       (!pool->is_closed || pool->waiting_count > 0);
}

/* With the mutex, which is given up meanwhile. */
static void start_missing(struct weft_pool *pool)
{
	for (unsigned i = 0; i < pool->options.workers; i++) {
		struct weft__pool_worker *worker = &pool->workers[i];
		int code;

		if (!wants_worker(pool, worker) || weft_now() < pool->retry_at_ns)
			continue;
		pthread_mutex_unlock(&pool->mutex);
		code = weft__pool_start_worker(pool, worker);
		pthread_mutex_lock(&pool->mutex);
		if (code)
			note_failure(pool, code);
	}
}

static struct weft_pool_task *first_waiting(struct weft_pool *pool)
{
	struct weft_list_node *node = weft_list_first(&pool->waiting);

	return node ? weft_container_of(node, struct weft_pool_task, node) : NULL;
}

static void fail_waiting(struct weft_pool *pool, int error)
{
	struct weft_pool_task *task;

	while ((task = first_waiting(pool))) {
		weft__pool_task_withdraw(task);
		weft__pool_task_end(task, error);
	}
}

/* ---- Hearing
 * ---------------------------------------------------------------------------------------- */

/* With the mutex: its end will be told by its descriptor. */
static void give_up(struct weft_pool *pool, struct weft__pool_worker *worker)
{
	worker->is_leaving = true;
	epoll_ctl(pool->epoll_fd, EPOLL_CTL_DEL, worker->wire.fd, NULL);
	weft_process_kill(worker->process);
}

/* With the mutex: a message that could not be received. Whether one may go on. */
static bool hear_error(struct weft__pool_worker *worker, int code)
{
	if (code == EMSGSIZE)
		return weft__pool_reply_lost(worker, ENOBUFS);
	if (code == ENOMEM && weft__wire_drop(&worker->wire))
		return weft__pool_reply_lost(worker, ENOMEM);
	return false;
}

/* With the mutex: all that it has said. False: it says no more, or nothing that can be used. */
static bool hear(struct weft_pool *pool, struct weft__pool_worker *worker)
{
	struct weft_pipe_message message;
	int result;

	for (;;) {
		result = weft__wire_recv(&worker->wire, &message, weft__wire_at_once);
		if (result == -EAGAIN)
			return true;
		if (result == 1 && message.fd_count == 0 && weft__pool_replied(worker, &message)) {
			pool->failures = 0;
			continue;
		}
		for (unsigned i = 0; result == 1 && i < message.fd_count; i++)
			close(message.fds[i]);
		worker->wire.is_bad |= result == 1; /* nothing of it counts any more */
		if (result >= 0 || !hear_error(worker, -result))
			return false;
	}
}

/* With the mutex. */
static void bury(struct weft_pool *pool, struct weft__pool_worker *worker)
{
	struct weft_process_end end;

	if (weft_process_result(worker->process, &end) < 0)
		return; /* not yet */
	/* What it had said before counts; after that nothing can come. */
	hear(pool, worker);
	if (!atomic_load(&worker->slot->is_ready) && !pool->is_terminated)
		note_failure(pool, EOWNERDEAD);
	close(worker->wire.fd);
	weft__wire_fini(&worker->wire);
	weft_process_free(worker->process);
	worker->process = NULL;
	pool->living--;
	weft__pool_worker_lost(worker, &end, pool->is_terminated ? ECANCELED : EOWNERDEAD);
}

/* With the mutex. */
static void handle(struct weft_pool *pool, const struct epoll_event *event)
{
	struct weft__pool_worker *worker = &pool->workers[event->data.u64 >> 1];

	if (!worker->process)
		return;
	if (event->data.u64 & 1) {
		bury(pool, worker);
		return;
	}
	if (event->events & EPOLLOUT && weft__wire_flush(&worker->wire, weft__wire_at_once) == 0) {
		struct epoll_event heard = {.events = EPOLLIN, .data = event->data};

		worker->wants_room = false;
		epoll_ctl(pool->epoll_fd, EPOLL_CTL_MOD, worker->wire.fd, &heard);
	}
	if (event->events & ~(uint32_t)EPOLLOUT && !hear(pool, worker))
		give_up(pool, worker);
}

/* With the mutex. */
static void handle_all(struct weft_pool *pool, const struct epoll_event *events, int count)
{
	uint64_t ignored;
	ssize_t got;

	for (int i = 0; i < count; i++)
		if (events[i].data.u64 != UINT64_MAX)
			handle(pool, &events[i]);
		else
			got = read(pool->event_fd, &ignored, sizeof ignored);
	(void)got;
}

/* ---- The thread
 * --------------------------------------------------------------------------------------- */

/* With the mutex: those that have done enough go when they have done what they have. */
static void dismiss(struct weft_pool *pool)
{
	bool is_over = pool->is_closed && pool->waiting_count == 0 && pool->given_count == 0;

	for (unsigned i = 0; i < pool->options.workers; i++) {
		struct weft__pool_worker *worker = &pool->workers[i];

		if (!worker->process)
			continue;
		if (pool->is_terminated)
			weft_process_kill(worker->process);
		else if ((is_over || worker->is_leaving) && weft__wire_unsent(&worker->wire) == 0)
			shutdown(worker->wire.fd, SHUT_WR);
	}
}

/* With the mutex: what follows from how things are now. Whether all is over. */
static bool settle(struct weft_pool *pool)
{
	if (pool->is_terminated)
		fail_waiting(pool, ECANCELED);
	start_missing(pool);
	if (pool->living == 0 && pool->failures >= FAILURES_MAX)
		fail_waiting(pool, pool->start_error);
	weft__pool_dispatch(pool);
	dismiss(pool);
	return pool->is_closed && pool->living == 0 && pool->waiting_count == 0;
}

/* Until the next start may be tried: milliseconds, -1 for ever. */
static int timeout_ms(struct weft_pool *pool)
{
	int64_t left_ns = pool->retry_at_ns - weft_now();
	bool is_wanted = false;

	for (unsigned i = 0; i < pool->options.workers && !is_wanted; i++)
		is_wanted = wants_worker(pool, &pool->workers[i]);
	if (!is_wanted)
		return -1;
	return left_ns > 0 ? (int)(left_ns / WEFT_MILLISECONDS(1)) + 1 : 0;
}

void *weft__pool_service_main(void *arg)
{
	struct weft_pool *pool = arg;
	struct epoll_event events[EVENTS];
	int count = 0;

	pthread_setname_np(pthread_self(), "weft pool");
	pthread_mutex_lock(&pool->mutex);
	for (;;) {
		int wait_ms;

		handle_all(pool, events, count);
		if (settle(pool))
			break;
		wait_ms = timeout_ms(pool);
		pthread_mutex_unlock(&pool->mutex);
		count = epoll_wait(pool->epoll_fd, events, EVENTS, wait_ms);
		pthread_mutex_lock(&pool->mutex);
		if (count < 0)
			count = 0;
	}
	pool->has_ended = true;
	weft__wait_list_wake_all(&pool->ended);
	weft__pool_unlock_and_drop(pool);
	return NULL;
}
