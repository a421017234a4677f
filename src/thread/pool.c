/*
 * pool.c - thread pools and their tasks (include/weft/thread_pool.h), over crew.h.
 *
 *	QUEUED --taken--> RUNNING --> DONE
 *	   | cancel, free, fork(2) in the child --> CANCELLED
 *
 * A task has two holders until it is done: the one who submitted it, and the crew. Each
 * task holds the pool, whose mutex guards it, so the pool's memory stays until the last of
 * them is freed.
 *
 * Must never: call fn, or free, with the mutex held.
 */
#include "weft/thread_pool.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "thread/pool.h"
#include "weft/scope.h"

#define IDLE_NS WEFT_SECONDS(10)

enum state {
	QUEUED, /* or running */
	DONE,
	CANCELLED,
};

struct weft_task {
	struct weft__job job;
	struct weft_thread_pool *pool;
	weft_task_fn *fn;
	void *arg;
	int holders;
	enum state state;
	int result, code; /* what fn returned, and its errno */
	struct weft__wait_list waiters;
};

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- Pools ----------------------------------------------------------------------------- */

static unsigned usable_cores(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof set, &set) < 0 ? 1 : (unsigned)CPU_COUNT(&set);
}

static unsigned threads_max(const struct weft_thread_pool_options *options)
{
	unsigned cores;

	if (options->threads_max)
		return options->threads_max;
	cores = usable_cores();
	return options->threads_min > cores ? options->threads_min : cores;
}

struct weft_thread_pool *weft_thread_pool_new(const struct weft_thread_pool_options *options)
{
	static const struct weft_thread_pool_options none;
	struct weft_thread_pool *pool;
	unsigned most;
	int code;

	if (!options)
		options = &none;
	most = threads_max(options);
	if (options->threads_min > most || most > WEFT_THREAD_POOL_THREADS_MAX) {
		errno = EINVAL;
		return NULL;
	}
	pool = calloc(1, sizeof *pool);
	if (!pool)
		return NULL;
	atomic_init(&pool->holders, 1);
	strncpy(pool->name, options->name ? options->name : "weft pool", sizeof pool->name - 1);
	pool->crew.name = pool->name;
	pool->crew.threads_min = options->threads_min;
	pool->crew.threads_max = most;
	pool->crew.queue_max =
		options->queue_max ? options->queue_max : WEFT_THREAD_POOL_QUEUE_DEFAULT;
	pool->crew.idle_ns = options->idle_ns > 0 ? options->idle_ns : IDLE_NS;
	pool->crew.stack_size_bytes = options->stack_size_bytes;
	code = weft__crew_init(&pool->crew);
	if (code) {
		free(pool);
		errno = code;
		return NULL;
	}
	return pool;
}

static void pool_drop(struct weft_thread_pool *pool)
{
	if (atomic_fetch_sub(&pool->holders, 1) > 1)
		return;
	weft__crew_fini(&pool->crew);
	free(pool);
}

void weft_thread_pool_close(struct weft_thread_pool *pool)
{
	weft__crew_lock(&pool->crew);
	weft__crew_close(&pool->crew);
	weft__crew_unlock(&pool->crew);
}

static int pool_join(struct weft_thread_pool *pool)
{
	int code = EINVAL;

	weft__crew_lock(&pool->crew);
	if (pool->crew.is_closed)
		code = weft__crew_wait_empty(&pool->crew);
	weft__crew_unlock(&pool->crew);
	return code ? fail(code) : 0;
}

int weft_thread_pool_join(struct weft_thread_pool *pool, int64_t timeout_ns)
{
	int code = weft_interrupted();
	int result = -1;

	if (weft__crew_is_member(&pool->crew))
		code = EDEADLK;
	if (code)
		return fail(code);
	WEFT_WITH_TIMEOUT (timeout_ns)
		result = pool_join(pool);
	return result;
}

unsigned weft_thread_pool_threads(struct weft_thread_pool *pool)
{
	unsigned count;

	weft__crew_lock(&pool->crew);
	count = pool->crew.threads;
	weft__crew_unlock(&pool->crew);
	return count;
}

size_t weft_thread_pool_queued(struct weft_thread_pool *pool)
{
	size_t len;

	weft__crew_lock(&pool->crew);
	len = pool->crew.queue_len;
	weft__crew_unlock(&pool->crew);
	return len;
}

/* ---- Tasks ------------------------------------------------------------------------------ */

static struct weft_task *task_of(struct weft__job *job)
{
	return weft_container_of(job, struct weft_task, job);
}

/* Without the mutex: the pool may go with it. */
static void task_delete(struct weft_task *task)
{
	struct weft_thread_pool *pool = task->pool;

	free(task);
	pool_drop(pool);
}

/* It will not run (any more); the mutex is held. True: nobody holds it. */
static bool task_end(struct weft_task *task, enum state state)
{
	task->state = state;
	weft__wait_list_wake_all(&task->waiters);
	return --task->holders == 0;
}

static int task_run(struct weft__job *job)
{
	struct weft_task *task = task_of(job);

	errno = 0;
	task->result = task->fn(task->arg);
	task->code = errno;
	return task->result;
}

static bool task_done(struct weft__job *job, int result)
{
	(void)result;
	return task_end(task_of(job), DONE);
}

static void task_after(struct weft__job *job)
{
	task_delete(task_of(job));
}

/* In a child all threads but one are gone, and with them who waited for the task. */
static void task_lost(struct weft__job *job)
{
	struct weft_task *task = task_of(job);

	weft__wait_list_init(&task->waiters);
	/* One that nobody holds stays: its pool may be freed only without the mutex. */
	task_end(task, CANCELLED);
}

static const struct weft__job_ops task_ops = {
	.run = task_run, .done = task_done, .after = task_after, .lost = task_lost};

static struct weft_task *submit(
	struct weft_thread_pool *pool, weft_task_fn *fn, void *arg, bool may_wait)
{
	struct weft_task *task;
	int code = !fn ? EINVAL : may_wait ? weft_interrupted() : 0;

	if (code) {
		errno = code;
		return NULL;
	}
	task = calloc(1, sizeof *task);
	if (!task)
		return NULL;
	task->job.ops = &task_ops;
	task->pool = pool;
	task->fn = fn;
	task->arg = arg;
	task->holders = 2;
	weft__wait_list_init(&task->waiters);
	weft__crew_lock(&pool->crew);
	code = weft__crew_push(&pool->crew, &task->job, may_wait);
	if (!code)
		atomic_fetch_add(&pool->holders, 1);
	weft__crew_unlock(&pool->crew);
	if (!code)
		return task;
	free(task);
	errno = code;
	return NULL;
}

struct weft_task *weft_thread_pool_submit(
	struct weft_thread_pool *pool, weft_task_fn *fn, void *arg)
{
	return submit(pool, fn, arg, true);
}

struct weft_task *weft_thread_pool_try_submit(
	struct weft_thread_pool *pool, weft_task_fn *fn, void *arg)
{
	return submit(pool, fn, arg, false);
}

static int task_wait(struct weft_task *task, int *ret_result)
{
	struct weft__crew *crew = &task->pool->crew;
	int code = 0;

	weft__crew_lock(crew);
	while (!code && task->state == QUEUED)
		code = weft__wait_list_wait(&task->waiters, &crew->mutex, WEFT__WAIT_THREAD, task);
	if (task->state == CANCELLED)
		code = ENOENT;
	else if (task->state == DONE)
		code = 0;
	if (!code && ret_result)
		*ret_result = task->result;
	weft__crew_unlock(crew);
	if (code)
		return fail(code);
	errno = task->code;
	return 0;
}

int weft_task_wait(struct weft_task *task, int *ret_result, int64_t timeout_ns)
{
	int code = weft_interrupted();
	int result = -1;

	if (code)
		return fail(code);
	WEFT_WITH_TIMEOUT (timeout_ns)
		result = task_wait(task, ret_result);
	return result;
}

int weft_task_cancel(struct weft_task *task)
{
	struct weft__crew *crew = &task->pool->crew;
	int code = 0;

	weft__crew_lock(crew);
	if (task->state != QUEUED)
		code = EALREADY;
	else if (!weft__crew_remove(crew, &task->job))
		code = EBUSY;
	else
		task_end(task, CANCELLED); /* the caller holds it yet */
	weft__crew_unlock(crew);
	return code ? fail(code) : 0;
}

bool weft_task_is_done(struct weft_task *task)
{
	bool is_done;

	weft__crew_lock(&task->pool->crew);
	is_done = task->state != QUEUED;
	weft__crew_unlock(&task->pool->crew);
	return is_done;
}

void weft_task_free(struct weft_task *task)
{
	int saved = errno;
	bool is_free;

	if (!task)
		return;
	weft__crew_lock(&task->pool->crew);
	is_free = --task->holders == 0;
	weft__crew_unlock(&task->pool->crew);
	if (is_free)
		task_delete(task);
	errno = saved;
}

/* ---- The end of a pool --------------------------------------------------------------------- */

/* All that has not begun; what nobody holds is freed. */
static void cancel_queued(struct weft__crew *crew)
{
	while (!weft_list_is_empty(&crew->queue)) {
		struct weft__job *job =
			weft_container_of(weft_list_first(&crew->queue), struct weft__job, node);
		struct weft_task *task = task_of(job);

		weft__crew_remove(crew, job);
		if (job->ops != &task_ops) {
			job->ops->done(job, -1); /* of a map, which waits for it itself */
			continue;
		}
		if (!task_end(task, CANCELLED))
			continue;
		weft__crew_unlock(crew);
		task_delete(task);
		weft__crew_lock(crew);
	}
}

int weft_thread_pool_free(struct weft_thread_pool *pool)
{
	int saved = errno;

	if (!pool)
		return 0;
	if (weft__crew_is_member(&pool->crew))
		return fail(EDEADLK);
	weft__crew_lock(&pool->crew);
	weft__crew_close(&pool->crew);
	cancel_queued(&pool->crew);
	WEFT_SHIELDED
		weft__crew_wait_empty(&pool->crew);
	weft__crew_unlock(&pool->crew);
	pool_drop(pool);
	errno = saved;
	return 0;
}
