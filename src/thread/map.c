/*
 * map.c - one function over an array, on all threads of a pool.
 *
 * As many helpers as threads are queued; each takes the next item until none is left.
 * The caller's wait is for the helpers, so nothing of a map is used when it returns.
 *
 * Must never: begin an item after the caller was told to give up.
 */
#include <errno.h>
#include <stdlib.h>

#include "thread/pool.h"
#include "weft/scope.h"

struct map {
	struct weft_thread_pool *pool;
	weft_task_fn *fn;
	char *items;
	size_t count, item_size;
	_Atomic size_t next; /* the first item that nobody has taken */
	size_t failed;       /* the first, by its place, that failed; count: none has */
	int code;            /* why */
	size_t helpers_left; /* queued or running */
	struct weft__wait_list waiter;
};

struct helper {
	struct weft__job job;
	struct map *map;
};

static void item_failed(struct map *map, size_t index, int code)
{
	weft__crew_lock(&map->pool->crew);
	if (index < map->failed) {
		map->failed = index;
		map->code = code;
	}
	weft__crew_unlock(&map->pool->crew);
}

static int helper_run(struct weft__job *job)
{
	struct map *map = weft_container_of(job, struct helper, job)->map;
	size_t index;

	while ((index = atomic_fetch_add(&map->next, 1)) < map->count) {
		errno = 0;
		if (map->fn(map->items + index * map->item_size) < 0)
			item_failed(map, index, errno ? errno : EIO);
	}
	return 0;
}

static bool helper_done(struct weft__job *job, int result)
{
	struct map *map = weft_container_of(job, struct helper, job)->map;

	(void)result;
	if (--map->helpers_left == 0)
		weft__wait_list_wake_all(&map->waiter);
	return false;
}

static const struct weft__job_ops helper_ops = {.run = helper_run, .done = helper_done};

/* Queue helpers: the first must get a place, the others may. 0 or an errno value. */
static int call_helpers(struct map *map, struct helper *helpers, size_t count)
{
	struct weft__crew *crew = &map->pool->crew;

	for (size_t i = 0; i < count; i++) {
		int code;

		helpers[i] = (struct helper){.job = {.ops = &helper_ops}, .map = map};
		code = weft__crew_push(crew, &helpers[i].job, i == 0);
		if (code)
			return i == 0 ? code : 0;
		map->helpers_left++;
	}
	return 0;
}

/* No further item is begun, no further helper needed. */
static void give_up(struct map *map, struct helper *helpers, size_t count)
{
	atomic_store(&map->next, map->count);
	for (size_t i = 0; i < count; i++)
		if (helpers[i].map && weft__crew_remove(&map->pool->crew, &helpers[i].job))
			map->helpers_left--;
}

static int map_wait(struct map *map, struct helper *helpers, size_t count)
{
	pthread_mutex_t *mutex = &map->pool->crew.mutex;
	int code = 0;

	while (!code && map->helpers_left > 0)
		code = weft__wait_list_wait(&map->waiter, mutex, WEFT__WAIT_THREAD, map->pool);
	if (map->helpers_left == 0)
		return map->failed < map->count ? map->code : 0;
	give_up(map, helpers, count);
	WEFT_SHIELDED
		while (map->helpers_left > 0)
			weft__wait_list_wait(&map->waiter, mutex, WEFT__WAIT_THREAD, map->pool);
	return code;
}

int weft_thread_pool_map(struct weft_thread_pool *pool, weft_task_fn *fn, void *items, size_t count,
	size_t item_size)
{
	struct map map = {.pool = pool,
		.fn = fn,
		.items = items,
		.count = count,
		.item_size = item_size,
		.failed = count};
	size_t most = pool->crew.threads_max < count ? pool->crew.threads_max : count;
	struct helper *helpers = NULL;
	int code = !fn ? EINVAL : weft_interrupted();

	if (!code && weft__crew_is_member(&pool->crew))
		code = EDEADLK;
	if (!code && most > 0) {
		helpers = calloc(most, sizeof *helpers);
		code = helpers ? 0 : ENOMEM;
	}
	if (helpers) {
		weft__wait_list_init(&map.waiter);
		weft__crew_lock(&pool->crew);
		code = call_helpers(&map, helpers, most);
		if (!code)
			code = map_wait(&map, helpers, most);
		weft__crew_unlock(&pool->crew);
		free(helpers);
	}
	if (!code)
		return 0;
	errno = code;
	return -1;
}
