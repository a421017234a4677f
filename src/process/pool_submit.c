/*
 * pool_submit.c - what a pool is asked to do, and what came of it (include/weft/process_pool.h).
 *
 * Must never: take or free memory of a size that others choose with the mutex held, but for what
 * has ended.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "process/pool.h"
#include "weft/scope.h"

/* ---- Submitting
 * ---------------------------------------------------------------------------------- */

/* With the mutex: 0 when there is room, or an errno. */
static int wait_for_room(struct weft_pool *pool, bool may_wait)
{
	int code = may_wait ? weft_interrupted() : 0;

	while (code == 0) {
		if (pool->is_foreign)
			return ECHILD;
		if (pool->is_closed)
			return EPIPE;
		if (pool->waiting_count < pool->options.queue_max)
			return 0;
		code = may_wait ? weft__wait_list_wait(
					  &pool->room, &pool->mutex, WEFT__WAIT_THREAD, pool)
				: EAGAIN;
	}
	return code;
}

static void put_item(struct weft_pool_task *task, const void *data, size_t len)
{
	char *at = task->request + sizeof(struct weft__pool_request);
	uint64_t announced = len;

	memcpy(at, &announced, sizeof announced);
	at += sizeof announced;
	if (len > 0)
		memcpy(at, data, len);
	memset(at + len, 0, weft__pool_padded(len) - len);
}

/* Two hold it: the caller, and the pool. */
static int enqueue(struct weft_pool *pool, struct weft_pool_task *task, bool may_wait)
{
	int code;

	pthread_mutex_lock(&pool->mutex);
	code = wait_for_room(pool, may_wait);
	if (code == 0) {
		task->holders++;
		pool->holders++;
		weft__pool_task_queue(task, false);
		weft__pool_dispatch(pool);
	}
	pthread_mutex_unlock(&pool->mutex);
	return code;
}

static struct weft_pool_task *submit(
	struct weft_pool *pool, const char *call, const struct weft_pool_item *item, bool may_wait)
{
	int index = weft__pool_find_call(pool, call);
	struct weft_pool_task *task = NULL;
	int code = index < 0 ? ENOENT : item->len > pool->options.message_max ? EMSGSIZE : 0;

	if (code == 0) {
		task = weft__pool_task_make(
			pool, (uint32_t)index, 1, sizeof(uint64_t) + weft__pool_padded(item->len));
		code = task ? 0 : ENOMEM;
	}
	if (code == 0) {
		put_item(task, item->data, item->len);
		code = enqueue(pool, task, may_wait);
	}
	if (code == 0)
		return task;
	if (task)
		weft__pool_task_destroy(task);
	errno = code;
	return NULL;
}

struct weft_pool_task *weft_pool_submit(
	struct weft_pool *pool, const char *call, const void *data, size_t len)
{
	return submit(pool, call, &(struct weft_pool_item){data, len}, true);
}

struct weft_pool_task *weft_pool_try_submit(
	struct weft_pool *pool, const char *call, const void *data, size_t len)
{
	return submit(pool, call, &(struct weft_pool_item){data, len}, false);
}

/* ---- Tasks
 * ------------------------------------------------------------------------------------------ */

static int wait_for(struct weft_pool_task *task)
{
	struct weft_pool *pool = task->pool;
	int code = 0;

	pthread_mutex_lock(&pool->mutex);
	if (pool->is_foreign)
		code = ECHILD;
	while (code == 0 && task->state != WEFT__POOL_TASK_ENDED)
		code = weft__wait_list_wait(&task->waiters, &pool->mutex, WEFT__WAIT_THREAD, task);
	pthread_mutex_unlock(&pool->mutex);
	return code;
}

int weft_pool_task_wait(struct weft_pool_task *task, int64_t timeout_ns)
{
	int code = weft_interrupted();

	if (code)
		return weft__pool_fail(code);
	/* Its own bound is none where there is nothing to wait for. */
	WEFT_WITH_TIMEOUT (timeout_ns)
		code = wait_for(task);
	return code ? weft__pool_fail(code) : 0;
}

/* 0, EBUSY or ECHILD. */
static int look(struct weft_pool_task *task)
{
	struct weft_pool *pool = task->pool;
	int code = 0;

	pthread_mutex_lock(&pool->mutex);
	if (pool->is_foreign)
		code = ECHILD;
	else if (task->state != WEFT__POOL_TASK_ENDED)
		code = EBUSY;
	pthread_mutex_unlock(&pool->mutex);
	return code;
}

ssize_t weft_pool_task_result(struct weft_pool_task *task, const void **ret_data)
{
	struct weft__pool_outcome outcome;
	int code = look(task);

	if (code == 0)
		code = task->error;
	if (code)
		return weft__pool_fail(code);
	memcpy(&outcome, task->reply, sizeof outcome);
	if (ret_data)
		*ret_data = task->reply + sizeof outcome;
	return (ssize_t)outcome.len;
}

int weft_pool_task_death(struct weft_pool_task *task, struct weft_process_end *ret_end)
{
	int code = look(task);

	if (code == 0 && !task->has_death)
		code = ENODATA;
	if (code)
		return weft__pool_fail(code);
	*ret_end = task->death;
	return 0;
}

/* With the mutex: 0, EALREADY, EBUSY. */
static int cancel(struct weft_pool_task *task)
{
	struct weft_pool *pool = task->pool;

	if (pool->is_foreign)
		return ECHILD;
	if (task->state == WEFT__POOL_TASK_ENDED)
		return EALREADY;
	if (!weft__pool_task_withdraw(task))
		return EBUSY;
	weft__pool_task_end(task, ECANCELED);
	weft__pool_dispatch(pool);
	if (pool->is_closed)
		weft__pool_notify(pool); /* it may have waited for that one */
	return 0;
}

int weft_pool_task_cancel(struct weft_pool_task *task)
{
	struct weft_pool *pool = task->pool;
	int code;

	pthread_mutex_lock(&pool->mutex);
	code = cancel(task);
	pthread_mutex_unlock(&pool->mutex);
	return code ? weft__pool_fail(code) : 0;
}

/* With the mutex, of one that has begun: what is behind it must not die with it. */
static int kill_begun(struct weft_pool_task *task)
{
	struct weft__pool_worker *worker = task->worker;
	struct weft_list_node *node;

	while ((node = weft_list_last(&worker->given)) != &task->node) {
		struct weft_pool_task *behind =
			weft_container_of(node, struct weft_pool_task, node);

		if (!weft__pool_task_withdraw(behind))
			return EALREADY; /* it has begun: ours is done, and its reply on the way */
		weft__pool_task_queue(behind, true);
	}
	task->is_killed = true;
	worker->is_leaving = true; /* nothing more for it */
	weft_process_kill(worker->process);
	return 0;
}

int weft_pool_task_kill(struct weft_pool_task *task)
{
	struct weft_pool *pool = task->pool;
	int code;

	pthread_mutex_lock(&pool->mutex);
	code = cancel(task);
	if (code == EBUSY) {
		code = kill_begun(task);
		weft__pool_dispatch(pool);
	}
	pthread_mutex_unlock(&pool->mutex);
	return code ? weft__pool_fail(code) : 0;
}

void weft_pool_task_free(struct weft_pool_task *task)
{
	struct weft_pool *pool;
	int saved = errno;

	if (!task)
		return;
	pool = task->pool;
	pthread_mutex_lock(&pool->mutex);
	if (weft__pool_task_release(task)) {
		weft__pool_task_destroy(task);
		weft__pool_unlock_and_drop(pool);
	} else {
		pthread_mutex_unlock(&pool->mutex);
	}
	errno = saved;
}

int weft_pool_apply(struct weft_pool *pool, const char *call, const void *data, size_t len,
	struct weft_buf *ret_result)
{
	struct weft_pool_task *task = weft_pool_submit(pool, call, data, len);
	const void *result;
	ssize_t result_len = -1;
	int saved;

	if (!task)
		return -1;
	if (weft_pool_task_wait(task, WEFT_FOREVER) == 0) {
		result_len = weft_pool_task_result(task, &result);
	} else {
		saved = errno;
		weft_pool_task_kill(task);
		errno = saved;
	}
	if (result_len >= 0 && ret_result &&
		weft_buf_append(ret_result, result, (size_t)result_len) < 0)
		result_len = -1;
	weft_pool_task_free(task);
	return result_len < 0 ? -1 : 0;
}
