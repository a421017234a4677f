/*
 * pool_map.c - a call for each of many items, in chunks that are tasks (weft/process_pool.h).
 *
 *	items ---> chunks, some per worker under way ---> done ---> each(), on the caller's own
 *
 * Must never: return while a task still knows of it.
 */
#include <errno.h>
#include <string.h>

#include "process/pool.h"
#include "weft/scope.h"

/** Chunks of one map that are under way, or that wait for their turn, for each worker. */
#define CHUNKS_PER_WORKER 6

/** Where the caller doesn't say: so many chunks for each worker in all, of so many items at most.
 */
#define CHUNKS_IN_ALL 16
#define CHUNK_MAX     512

/** A chunk that has grown to this gets no more items. */
#define CHUNK_SIZE_MAX ((size_t)64 * 1024)

struct run {
	struct weft_pool *pool;
	const struct weft_pool_map *map;
	struct weft__pool_chunks chunks;
	uint32_t call;
	size_t chunk;
	size_t next;  /* item that goes to a chunk */
	size_t first; /* item that has not been delivered, where they are in order */
	size_t done;
	size_t error_index;
	int error; /* 0: none has failed */
};

/* ---- Out
 * ----------------------------------------------------------------------------------------- */

static struct weft_pool_item item_at(const struct weft_pool_map *map, size_t index)
{
	if (map->item_size == 0)
		return ((const struct weft_pool_item *)map->items)[index];
	return (struct weft_pool_item){
		(const char *)map->items + index * map->item_size, map->item_size};
}

/* How many items the next chunk has, and their bytes on the wire. */
static size_t measure(const struct run *run, size_t *ret_size)
{
	size_t count = 0, size = 0;

	while (count < run->chunk && run->next + count < run->map->count &&
		(count == 0 || size < CHUNK_SIZE_MAX)) {
		size += sizeof(uint64_t) +
			weft__pool_padded(item_at(run->map, run->next + count).len);
		count++;
	}
	*ret_size = size;
	return count;
}

static struct weft_pool_task *make_chunk(struct run *run)
{
	size_t size, count = measure(run, &size);
	struct weft_pool_task *task =
		weft__pool_task_make(run->pool, run->call, (uint32_t)count, size);
	char *at;

	if (!task)
		return NULL;
	at = task->request + sizeof(struct weft__pool_request);
	for (size_t i = 0; i < count; i++) {
		struct weft_pool_item item = item_at(run->map, run->next + i);
		uint64_t len = item.len;

		memcpy(at, &len, sizeof len);
		at += sizeof len;
		if (item.len > 0)
			memcpy(at, item.data, item.len);
		memset(at + item.len, 0, weft__pool_padded(item.len) - item.len);
		at += weft__pool_padded(item.len);
	}
	task->chunks = &run->chunks;
	task->first = run->next;
	return task;
}

/* With the mutex, which is given up meanwhile: as many as may be under way. 0 or an errno. */
static int send_chunks(struct run *run)
{
	struct weft_pool *pool = run->pool;
	size_t most = (size_t)pool->options.workers * CHUNKS_PER_WORKER;

	while (run->next < run->map->count && run->chunks.flying < most) {
		struct weft_pool_task *task;
		int code = pool->is_closed ? EPIPE : 0;

		pthread_mutex_unlock(&pool->mutex);
		if (code == 0 && item_at(run->map, run->next).len > pool->options.message_max)
			code = EMSGSIZE;
		task = code ? NULL : make_chunk(run);
		pthread_mutex_lock(&pool->mutex);
		if (!task)
			return code ? code : ENOMEM;
		run->next += task->count;
		run->chunks.flying++;
		pool->holders++;
		weft__pool_task_queue(task, false);
		weft__pool_dispatch(pool);
	}
	return 0;
}

/* ---- In -----------------------------------------------------------------------------------------
 */

void weft__pool_chunk_ended(struct weft_pool_task *task)
{
	task->holders++;
	weft_list_push_back(&task->chunks->done, &task->node);
	weft__wait_list_wake_all(&task->chunks->changed);
}

/* With the mutex: a chunk that may be delivered; NULL: there is none. */
static struct weft_pool_task *take_done(struct run *run)
{
	weft_list_each (node, &run->chunks.done) {
		struct weft_pool_task *task = weft_container_of(node, struct weft_pool_task, node);

		if (run->map->is_ordered && task->first != run->first)
			continue;
		weft_list_remove(node);
		run->chunks.flying--;
		return task;
	}
	return NULL;
}

static int deliver_item(struct run *run, const struct weft_pool_result *result)
{
	if (result->error && (!run->error || result->index < run->error_index)) {
		run->error = result->error;
		run->error_index = result->index;
	}
	if (!run->map->each || run->map->each(result, run->map->arg) == 0)
		return 0;
	return errno ? errno : EIO;
}

/* 0, or the errno of an each() that wants no more. */
static int deliver(struct run *run, const struct weft_pool_task *task)
{
	const char *at = task->reply;
	int code = 0;

	for (uint32_t i = 0; i < task->count && code == 0; i++) {
		struct weft__pool_outcome outcome = {.error = task->error};
		struct weft_pool_result result = {
			.index = task->first + i, .done = ++run->done, .count = run->map->count};

		if (at) {
			memcpy(&outcome, at, sizeof outcome);
			at += sizeof outcome;
			result.data = at;
			result.len = (size_t)outcome.len;
			at += weft__pool_padded(result.len);
		}
		result.error = outcome.error;
		errno = 0;
		code = deliver_item(run, &result);
	}
	run->first += task->count;
	return code;
}

/* ---- The map
 * -------------------------------------------------------------------------------------- */

/* With the mutex: the item that a worker is at goes on there, for nobody. */
static void abandon(struct weft_list *list, const struct run *run)
{
	weft_list_each_safe (node, list) {
		struct weft_pool_task *task = weft_container_of(node, struct weft_pool_task, node);

		if (task->chunks != &run->chunks)
			continue;
		task->chunks = NULL;
		task->is_killed = true; /* it is not to be repeated */
		if (weft__pool_task_withdraw(task))
			weft__pool_task_end(task, ECANCELED);
		else
			weft__pool_task_cut(task);
	}
}

static void finish(struct run *run)
{
	struct weft_pool *pool = run->pool;
	struct weft_list_node *node;

	pthread_mutex_lock(&pool->mutex);
	abandon(&pool->waiting, run);
	for (unsigned i = 0; i < pool->options.workers; i++)
		abandon(&pool->workers[i].given, run);
	weft__pool_dispatch(pool);
	if (pool->is_closed && !pool->is_foreign)
		weft__pool_notify(pool);
	pthread_mutex_unlock(&pool->mutex);
	/* Nobody else knows of those that are done. */
	while ((node = weft_list_pop_front(&run->chunks.done)))
		weft_pool_task_free(weft_container_of(node, struct weft_pool_task, node));
}

/* With the mutex: wait for what comes next, and deliver it. 0 or an errno. */
static int step(struct run *run)
{
	struct weft_pool *pool = run->pool;
	struct weft_pool_task *task = take_done(run);
	int code;

	if (!task)
		return weft__wait_list_wait(
			&run->chunks.changed, &pool->mutex, WEFT__WAIT_THREAD, pool);
	pthread_mutex_unlock(&pool->mutex);
	code = deliver(run, task);
	weft_pool_task_free(task);
	pthread_mutex_lock(&pool->mutex);
	return code;
}

static int run_all(struct run *run)
{
	int code = weft_interrupted();

	pthread_mutex_lock(&run->pool->mutex);
	if (run->pool->is_foreign)
		code = ECHILD;
	while (code == 0 && run->done < run->map->count) {
		code = send_chunks(run);
		if (code == 0)
			code = step(run);
	}
	pthread_mutex_unlock(&run->pool->mutex);
	return code;
}

static size_t chunk_size(const struct weft_pool *pool, const struct weft_pool_map *map)
{
	size_t chunk = map->chunk ? map->chunk
				  : map->count / ((size_t)pool->options.workers * CHUNKS_IN_ALL);

	if (chunk > CHUNK_MAX && !map->chunk)
		chunk = CHUNK_MAX;
	if (chunk > UINT32_MAX)
		chunk = UINT32_MAX;
	if (pool->options.tasks_max && chunk > pool->options.tasks_max)
		chunk = pool->options.tasks_max;
	return chunk ? chunk : 1;
}

int weft_pool_map(struct weft_pool *pool, const struct weft_pool_map *map)
{
	struct run run = {.pool = pool, .map = map, .chunk = chunk_size(pool, map)};
	int call = map->call ? weft__pool_find_call(pool, map->call) : -1;
	int code = call < 0 ? ENOENT : map->count > 0 && !map->items ? EINVAL : 0;

	if (code)
		return weft__pool_fail(code);
	run.call = (uint32_t)call;
	weft_list_init(&run.chunks.done);
	weft__wait_list_init(&run.chunks.changed);
	code = run_all(&run);
	finish(&run);
	if (code == 0)
		code = run.error;
	return code ? weft__pool_fail(code) : 0;
}
