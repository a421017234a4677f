/*
 * scope_fibers.c - scopes whose fibers end before they do: struct weft_scope.
 *
 * Each fiber of a scope runs child_main(), which tells the scope how it ended; the fiber
 * that began the scope joins them, one after the other. A child is in `running` until it
 * tells, then in `ended`; only the scope's own fiber takes it off and frees it.
 *
 * Must never: return from the end of a scope while one of its fibers has code to run.
 */
#include <pthread.h>
#include <stdlib.h>

#include "fiber/worker.h"

struct child {
	struct weft_list_node node;
	struct weft__scope_fibers *fibers;
	weft_fiber_id id;
	weft_fiber_fn *fn;
	void *arg;
	int64_t deadline_ns;
	bool has_ended;
};

struct weft__scope_fibers {
	pthread_mutex_t mutex; /* held for a few instructions, never across a wait */
	struct weft_list running, ended;
	struct weft_timeout *timeout;
	weft_fiber_id owner; /* 0: a thread, which looks for itself */
	bool is_cancelled;
	bool has_failed;
	int failure, failure_errno; /* of the first to fail */
};

static struct child *child_of(struct weft_list_node *node)
{
	return weft_container_of(node, struct child, node);
}

/* ---- Cancelling ------------------------------------------------------------------------ */

/* The mutex is held. */
static void cancel_running(struct weft__scope_fibers *fibers)
{
	fibers->is_cancelled = true;
	weft_list_each (node, &fibers->running)
		weft_cancel(child_of(node)->id);
}

/* The calls that the scope's own fiber waits in fail, too. */
static void tell_owner(struct weft__scope_fibers *fibers)
{
	__atomic_store_n(&fibers->timeout->is_cancelled, true, __ATOMIC_RELEASE);
	if (fibers->owner)
		weft__post(weft__fiber_of(fibers->owner), (uint32_t)(fibers->owner >> 32),
			WEFT__SCOPES);
}

void weft_scope_cancel(struct weft_scope *scope)
{
	int saved = errno;

	if (!scope->fibers)
		return;
	pthread_mutex_lock(&scope->fibers->mutex);
	cancel_running(scope->fibers);
	pthread_mutex_unlock(&scope->fibers->mutex);
	errno = saved;
}

/* ---- The children ------------------------------------------------------------------------ */

static void child_ended(struct child *child, int result, int code)
{
	struct weft__scope_fibers *fibers = child->fibers;

	pthread_mutex_lock(&fibers->mutex);
	weft_list_remove(&child->node);
	weft_list_push_back(&fibers->ended, &child->node);
	child->has_ended = true;
	if (result < 0 && !fibers->has_failed && !(fibers->is_cancelled && code == ECANCELED)) {
		fibers->has_failed = true;
		fibers->failure = result;
		fibers->failure_errno = code;
		cancel_running(fibers);
		tell_owner(fibers);
	}
	pthread_mutex_unlock(&fibers->mutex);
}

static int child_run(struct child *child)
{
	int64_t left;
	int result = -1;

	if (child->deadline_ns == INT64_MAX)
		return child->fn(child->arg);
	left = child->deadline_ns - weft_now();
	WEFT_WITH_TIMEOUT (left > 0 ? left : 0)
		result = child->fn(child->arg);
	return result;
}

static int child_main(void *arg)
{
	struct child *child = arg;
	int result = child_run(child);

	if (!weft_self())
		return result; /* the child of a fork(), which ends here */
	child_ended(child, result, errno);
	return result;
}

/* Wait for the end of a child, its deferred calls included, and free it. */
static void reap(struct child *child)
{
	struct weft__scope_fibers *fibers = child->fibers;
	bool has_ended = false;

	WEFT_SHIELDED {
		weft_join(child->id, NULL, WEFT_FOREVER);
		/* Somebody joined or detached it behind our back: it may still run. */
		while (!has_ended) {
			pthread_mutex_lock(&fibers->mutex);
			has_ended = child->has_ended;
			pthread_mutex_unlock(&fibers->mutex);
			if (!has_ended)
				weft_sleep(WEFT_MILLISECONDS(1));
		}
	}
	pthread_mutex_lock(&fibers->mutex);
	weft_list_remove(&child->node);
	pthread_mutex_unlock(&fibers->mutex);
	free(child);
}

static struct child *first_of(struct weft__scope_fibers *fibers, struct weft_list *list)
{
	struct child *child = NULL;

	pthread_mutex_lock(&fibers->mutex);
	if (!weft_list_is_empty(list))
		child = child_of(list->head.next);
	pthread_mutex_unlock(&fibers->mutex);
	return child;
}

/* ---- Life ---------------------------------------------------------------------------------- */

void weft_scope_begin(struct weft_scope *scope, int64_t timeout_ns)
{
	scope->fibers = NULL;
	weft_timeout_begin(&scope->timeout, timeout_ns);
}

static int fibers_new(struct weft_scope *scope)
{
	struct weft__scope_fibers *fibers = calloc(1, sizeof(*fibers));

	if (!fibers)
		return -1;
	pthread_mutex_init(&fibers->mutex, NULL);
	weft_list_init(&fibers->running);
	weft_list_init(&fibers->ended);
	fibers->timeout = &scope->timeout;
	fibers->owner = weft_self();
	scope->fibers = fibers;
	return 0;
}

/* The child can't end, and nobody can cancel it, before its id is known. */
static weft_fiber_id child_spawn(struct child *child, const struct weft_spawn_options *options)
{
	struct weft__scope_fibers *fibers = child->fibers;
	weft_fiber_id id = 0;

	pthread_mutex_lock(&fibers->mutex);
	if (fibers->is_cancelled)
		errno = ECANCELED;
	else
		id = weft_spawn_with(options, child_main, child);
	child->id = id;
	if (id)
		weft_list_push_back(&fibers->running, &child->node);
	pthread_mutex_unlock(&fibers->mutex);
	return id;
}

weft_fiber_id weft_scope_spawn_with(struct weft_scope *scope,
	const struct weft_spawn_options *options, weft_fiber_fn *fn, void *arg)
{
	struct child *child;
	weft_fiber_id id;

	if (options->detached) {
		errno = EINVAL;
		return 0;
	}
	if (!scope->fibers && fibers_new(scope) < 0)
		return 0;
	/* A scope that starts fibers for ever frees those that have ended as it goes. */
	for (int i = 0; i < 2 && (child = first_of(scope->fibers, &scope->fibers->ended)); i++)
		reap(child);
	child = calloc(1, sizeof(*child));
	if (!child)
		return 0;
	child->fibers = scope->fibers;
	child->fn = fn;
	child->arg = arg;
	child->deadline_ns = weft__context_deadline(weft__context_self());
	id = child_spawn(child, options);
	if (!id)
		free(child);
	return id;
}

weft_fiber_id weft_scope_spawn(struct weft_scope *scope, weft_fiber_fn *fn, void *arg)
{
	static const struct weft_spawn_options none;

	return weft_scope_spawn_with(scope, &none, fn, arg);
}

/* Wait for all children. What interrupted the wait, or 0. */
static int wait_for_all(struct weft_scope *scope)
{
	struct weft__scope_fibers *fibers = scope->fibers;
	struct child *child;
	int code = 0;

	while ((child = first_of(fibers, &fibers->running))) {
		if (!code && weft_join(child->id, NULL, WEFT_FOREVER) < 0 && errno != ESRCH) {
			code = errno;
			weft_scope_cancel(scope);
		}
		reap(child);
	}
	while ((child = first_of(fibers, &fibers->ended)))
		reap(child);
	return code;
}

int weft_scope_end(struct weft_scope *scope)
{
	struct weft__scope_fibers *fibers = scope->fibers;
	int saved = errno, code = 0, result = 0;

	if (fibers) {
		code = wait_for_all(scope);
		if (fibers->has_failed) {
			code = fibers->failure_errno;
			result = fibers->failure;
		}
		pthread_mutex_destroy(&fibers->mutex);
		free(fibers);
	}
	if (weft_timeout_end(&scope->timeout) && !code)
		code = ETIMEDOUT;
	if (code && result == 0)
		result = -1;
	errno = code ? code : saved;
	return result;
}
