/*
 * pool.c - pools of processes: their life, also over forks (include/weft/process_pool.h).
 *
 * Must never: wait, start a process or free memory of a size that others choose with the mutex
 * held, but for what has ended.
 */
#include "process/pool.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "process/process.h"
#include "thread/crew.h"
#include "weft/scope.h"

/* ---- Forks -------------------------------------------------------------------------- */

/* All pools of this process. Its mutex is taken before theirs. */
static pthread_mutex_t all_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct weft_list all = {{&all.head, &all.head}};

static struct weft_pool *pool_of(struct weft_list_node *node)
{
	return weft_container_of(node, struct weft_pool, node);
}

static void fork_prepare(void)
{
	pthread_mutex_lock(&all_mutex);
	weft_list_each (node, &all)
		pthread_mutex_lock(&pool_of(node)->mutex);
}

static void fork_done(void)
{
	weft_list_each (node, &all)
		pthread_mutex_unlock(&pool_of(node)->mutex);
	pthread_mutex_unlock(&all_mutex);
}

static void close_fds(struct weft_pool *pool)
{
	for (unsigned i = 0; i < pool->options.workers; i++) {
		struct weft__pool_worker *worker = &pool->workers[i];

		if (!worker->process)
			continue;
		close(worker->wire.fd);
		worker->wire.fd = -1;
	}
	close(pool->epoll_fd);
	close(pool->event_fd);
	pool->epoll_fd = pool->event_fd = -1;
}

unsigned weft__pool_forks;

/* What is shared with the parent is let go of: the parent's pool is left alone. */
static void fork_in_child(void)
{
	weft__pool_forks++;
	weft_list_each_safe (node, &all) {
		struct weft_pool *pool = pool_of(node);

		close_fds(pool);
		pool->is_foreign = true;
		weft__wait_list_init(&pool->room);
		weft__wait_list_init(&pool->ended);
		weft_list_remove(node);
		pthread_mutex_unlock(&pool->mutex);
	}
	pthread_mutex_unlock(&all_mutex);
}

/* After those of the nursery and the runtime, so that ours are taken before theirs. */
static void install(void)
{
	pthread_atfork(fork_prepare, fork_done, fork_in_child);
}

/* ---- Life
 * ---------------------------------------------------------------------------------------- */

static size_t slots_size(const struct weft_pool *pool)
{
	return pool->options.workers * sizeof *pool->slots;
}

static void destroy(struct weft_pool *pool)
{
	pthread_mutex_lock(&all_mutex);
	if (!pool->is_foreign)
		weft_list_remove(&pool->node);
	pthread_mutex_unlock(&all_mutex);
	for (unsigned i = 0; i < pool->options.workers; i++) {
		weft__wire_fini(&pool->workers[i].wire);
		weft_process_free(pool->workers[i].process);
	}
	if (pool->epoll_fd >= 0)
		close(pool->epoll_fd);
	if (pool->event_fd >= 0)
		close(pool->event_fd);
	munmap(pool->slots, slots_size(pool));
	free(pool->workers);
	pthread_mutex_destroy(&pool->mutex);
	free(pool);
}

void weft__pool_unlock_and_drop(struct weft_pool *pool)
{
	bool is_last = --pool->holders == 0;

	pthread_mutex_unlock(&pool->mutex);
	if (is_last)
		destroy(pool);
}

void weft__pool_notify(struct weft_pool *pool)
{
	const uint64_t one = 1;
	ssize_t written = write(pool->event_fd, &one, sizeof one);

	(void)written; /* full: it has been told often enough */
}

static bool is_sound(const struct weft_pool_options *options)
{
	if (options->call_count == 0 || options->call_count > WEFT_POOL_CALLS_MAX ||
		options->workers > WEFT_POOL_WORKERS_MAX)
		return false;
	for (size_t i = 0; i < options->call_count; i++)
		if (!options->calls[i].name || !options->calls[i].fn)
			return false;
	return !options->process || !options->process->ops;
}

static unsigned usable_cores(void)
{
	cpu_set_t set;
	unsigned cores = sched_getaffinity(0, sizeof set, &set) < 0 ? 1 : (unsigned)CPU_COUNT(&set);

	return cores < WEFT_POOL_WORKERS_MAX ? cores : WEFT_POOL_WORKERS_MAX;
}

static void copy_options(struct weft_pool *pool, const struct weft_pool_options *options)
{
	pool->options = *options;
	memcpy(pool->calls, options->calls, options->call_count * sizeof *options->calls);
	pool->options.calls = pool->calls;
	if (!options->workers)
		pool->options.workers = usable_cores();
	if (!options->queue_max)
		pool->options.queue_max = WEFT_POOL_QUEUE_DEFAULT;
	if (!options->message_max)
		pool->options.message_max = WEFT_POOL_MESSAGE_DEFAULT;
}

/* 0 or an errno. */
static int open_fds(struct weft_pool *pool)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = UINT64_MAX};
	int code;

	pool->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (pool->epoll_fd < 0)
		return errno;
	pool->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pool->event_fd >= 0 &&
		epoll_ctl(pool->epoll_fd, EPOLL_CTL_ADD, pool->event_fd, &event) == 0)
		return 0;
	code = errno;
	if (pool->event_fd >= 0)
		close(pool->event_fd);
	close(pool->epoll_fd);
	return code;
}

static int init_workers(struct weft_pool *pool)
{
	pool->workers = calloc(pool->options.workers, sizeof *pool->workers);
	if (!pool->workers)
		return ENOMEM;
	pool->slots = mmap(
		NULL, slots_size(pool), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (pool->slots == MAP_FAILED) {
		free(pool->workers);
		return ENOMEM;
	}
	for (unsigned i = 0; i < pool->options.workers; i++) {
		weft__wire_init(&pool->workers[i].wire, -1, 0);
		weft_list_init(&pool->workers[i].given);
		pool->workers[i].slot = &pool->slots[i];
	}
	return 0;
}

/* One that has no worker and no thread yet. NULL with errno. */
static struct weft_pool *make(const struct weft_pool_options *options)
{
	struct weft_pool *pool = calloc(1, sizeof *pool);
	int code = ENOMEM;

	if (!pool)
		return NULL;
	pool->holders = 1;
	copy_options(pool, options);
	pthread_mutex_init(&pool->mutex, NULL);
	weft_list_init(&pool->waiting);
	weft__wait_list_init(&pool->room);
	weft__wait_list_init(&pool->ended);
	code = init_workers(pool);
	if (code)
		goto free_pool;
	code = open_fds(pool);
	if (code)
		goto free_workers;
	pthread_mutex_lock(&all_mutex);
	weft_list_push_back(&all, &pool->node);
	pthread_mutex_unlock(&all_mutex);
	return pool;

free_workers:
	munmap(pool->slots, slots_size(pool));
	free(pool->workers);
free_pool:
	pthread_mutex_destroy(&pool->mutex);
	free(pool);
	errno = code;
	return NULL;
}

/* As many as there may be: 0 when there is one at least, or an errno. */
static int start_workers(struct weft_pool *pool)
{
	int code = 0;

	for (unsigned i = 0; i < pool->options.workers && code == 0; i++)
		code = weft__pool_start_worker(pool, &pool->workers[i]);
	if (code == ETIMEDOUT || code == ECANCELED)
		return code;
	return pool->living > 0 ? 0 : code;
}

static int start_thread(struct weft_pool *pool)
{
	pthread_t thread;
	int code;

	pool->holders++;
	code = weft__thread_start(&thread, 0, weft__pool_service_main, pool);
	if (code)
		pool->holders--;
	else
		pthread_detach(thread);
	return code;
}

/* It has no thread. */
static void discard(struct weft_pool *pool)
{
	for (unsigned i = 0; i < pool->options.workers; i++) {
		struct weft__pool_worker *worker = &pool->workers[i];

		if (!worker->process)
			continue;
		weft_process_kill(worker->process);
		WEFT_SHIELDED
			weft_process_join(worker->process, NULL, WEFT_FOREVER);
		close(worker->wire.fd);
	}
	pthread_mutex_lock(&pool->mutex);
	weft__pool_unlock_and_drop(pool);
}

struct weft_pool *weft_pool_new(const struct weft_pool_options *options)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int code = options && is_sound(options) ? weft__nursery_open() : EINVAL;
	struct weft_pool *pool = NULL;

	if (code == 0) {
		pthread_once(&once, install);
		pool = make(options);
		if (!pool)
			return NULL;
		code = start_workers(pool);
	}
	if (code == 0)
		code = start_thread(pool);
	if (code == 0)
		return pool;
	if (pool)
		discard(pool);
	errno = code;
	return NULL;
}

static void close_locked(struct weft_pool *pool)
{
	pool->is_closed = true;
	weft__wait_list_wake_all(&pool->room);
	if (!pool->is_foreign)
		weft__pool_notify(pool);
}

void weft_pool_close(struct weft_pool *pool)
{
	pthread_mutex_lock(&pool->mutex);
	close_locked(pool);
	pthread_mutex_unlock(&pool->mutex);
}

void weft_pool_terminate(struct weft_pool *pool)
{
	pthread_mutex_lock(&pool->mutex);
	pool->is_terminated = true;
	close_locked(pool);
	pthread_mutex_unlock(&pool->mutex);
}

static int join(struct weft_pool *pool)
{
	int code = 0;

	pthread_mutex_lock(&pool->mutex);
	if (pool->is_foreign)
		code = ECHILD;
	else if (!pool->is_closed)
		code = EINVAL;
	while (code == 0 && !pool->has_ended)
		code = weft__wait_list_wait(&pool->ended, &pool->mutex, WEFT__WAIT_THREAD, pool);
	pthread_mutex_unlock(&pool->mutex);
	return code;
}

int weft_pool_join(struct weft_pool *pool, int64_t timeout_ns)
{
	int code = 0;

	WEFT_WITH_TIMEOUT (timeout_ns)
		code = join(pool);
	return code ? weft__pool_fail(code) : 0;
}

void weft_pool_free(struct weft_pool *pool)
{
	int saved = errno;

	if (!pool)
		return;
	if (!pool->is_foreign) {
		weft_pool_terminate(pool);
		WEFT_SHIELDED
			join(pool);
	}
	pthread_mutex_lock(&pool->mutex);
	if (pool->is_foreign && !pool->has_ended)
		pool->holders--; /* its thread's, which is not in this process */
	weft__pool_unlock_and_drop(pool);
	errno = saved;
}

int weft_pool_facts(struct weft_pool *pool, struct weft_pool_facts *ret_facts)
{
	pthread_mutex_lock(&pool->mutex);
	*ret_facts = pool->facts;
	ret_facts->workers = pool->living;
	ret_facts->waiting = pool->waiting_count;
	ret_facts->given = pool->given_count;
	pthread_mutex_unlock(&pool->mutex);
	return pool->is_foreign ? weft__pool_fail(ECHILD) : 0;
}

size_t weft_pool_pids(struct weft_pool *pool, pid_t *ret_pids, size_t count)
{
	size_t living = 0;

	pthread_mutex_lock(&pool->mutex);
	for (unsigned i = 0; i < pool->options.workers && !pool->is_foreign; i++) {
		if (!pool->workers[i].process)
			continue;
		if (living < count)
			ret_pids[living] = weft_process_pid(pool->workers[i].process);
		living++;
	}
	pthread_mutex_unlock(&pool->mutex);
	return living;
}
