/*
 * spawn.c - starting fibers: weft_spawn(), and where a new fiber goes.
 *
 * Must never: touch the new fiber's stack. Its pages come when it runs, on the worker
 * that runs it.
 */
#include <sched.h>
#include <string.h>

#include "fiber/runtime.h"

static const char default_name[sizeof((struct weft__fiber *)0)->name] = "fiber";

static void name_set(struct weft__fiber *fiber, const char *name)
{
	size_t len = strnlen(name, WEFT_FIBER_NAME_MAX);

	memcpy(fiber->name, name, len);
	fiber->name[len] = '\0';
}

void weft__start_or_run(struct weft__worker *worker, struct weft__fiber *fiber)
{
	if (!fiber->is_pinned && worker->runtime->worker_count > 1) {
		atomic_store_explicit(
			&fiber->turn, weft__count(&worker->turn), memory_order_relaxed);
		if (weft__start_push(&worker->starting, fiber) == 0)
			return;
	}
	/* Thieves don't see it here, and it may as well run here. */
	weft__run_push(worker, fiber);
}

/* A sleeping worker may take it; see sleep_until_woken() on the order. */
static void offer(struct weft__runtime *runtime, struct weft__worker *self)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&runtime->sleeping, memory_order_relaxed) == 0)
		return;
	for (unsigned i = 1; i < runtime->worker_count; i++) {
		struct weft__worker *other =
			runtime->workers[(self->index + i) % runtime->worker_count];

		/* It is marked awake at once, so that one spawn wakes one worker once. */
		if (atomic_exchange(&other->is_sleeping, false)) {
			weft__worker_wake(other);
			return;
		}
	}
}

static struct weft__fiber *record_new(
	struct weft__worker *self, const struct weft_spawn_options *options, int stack_class)
{
	struct weft__fiber *fiber = weft__slot_take(self ? &self->slots : NULL);
	void *stack;

	if (!fiber)
		return NULL;
	stack = weft__stack_take(self ? &self->stacks : NULL, stack_class);
	if (!stack) {
		weft__slot_give(self ? &self->slots : NULL, fiber);
		errno = ENOMEM;
		return NULL;
	}
	fiber->sp = NULL;
	atomic_store_explicit(&fiber->started_on, NULL, memory_order_relaxed);
	fiber->context = (struct weft__context){.host = self ? self->current->context.host : 0};
	fiber->state = WEFT__READY;
	fiber->stack_class = (uint8_t)stack_class;
	fiber->stack = stack;
	fiber->joiners = NULL;
	fiber->deferred = NULL;
	fiber->door = NULL;
	fiber->spawned_ns = self && self->now_ns ? self->now_ns : weft_now();
	fiber->is_pinned = options->worker != 0;
	if (options->name)
		name_set(fiber, options->name);
	else
		memcpy(fiber->name, default_name, sizeof default_name);
	/* Nobody knows the new generation yet: no need for more than a store. */
	atomic_store_explicit(&fiber->control,
		(atomic_load_explicit(&fiber->control, memory_order_relaxed) &
			~UINT64_C(0xffffffff)) |
			WEFT__LIVE | (options->detached ? WEFT__DETACHED : 0),
		memory_order_relaxed);
	return fiber;
}

static weft_fiber_id start_inside(struct weft__worker *self, struct weft__fiber *fiber,
	const struct weft_spawn_options *options)
{
	struct weft__runtime *runtime = self->runtime;
	weft_fiber_id id = weft__fiber_id(fiber);
	struct weft__worker *home = options->worker ? runtime->workers[options->worker - 1] : self;

	atomic_store_explicit(&self->spawned,
		atomic_load_explicit(&self->spawned, memory_order_relaxed) + 1,
		memory_order_release);
	atomic_store_explicit(&fiber->worker, home, memory_order_release);
	if (home != self) {
		weft__post(fiber, weft__generation(id), WEFT__START);
		return id;
	}
	weft__start_or_run(self, fiber);
	if (runtime->worker_count > 1 && !fiber->is_pinned)
		offer(runtime, self);
	return id;
}

static weft_fiber_id start_outside(struct weft__runtime *runtime, struct weft__fiber *fiber,
	const struct weft_spawn_options *options)
{
	weft_fiber_id id = weft__fiber_id(fiber);
	unsigned home = options->worker ? options->worker - 1
					: atomic_fetch_add(&runtime->next_worker, 1) %
						  runtime->worker_count;

	atomic_fetch_add(&runtime->spawned_outside, 1);
	atomic_store(&fiber->worker, runtime->workers[home]);
	weft__post(fiber, weft__generation(id), WEFT__START);
	return id;
}

/* With weft__outside held when the caller is no worker. */
static weft_fiber_id spawn(const struct weft_spawn_options *options, weft_fiber_fn *fn, void *arg)
{
	struct weft__runtime *runtime = atomic_load_explicit(&weft__runtime, memory_order_acquire);
	struct weft__worker *self = weft__worker;
	struct weft__fiber *fiber;
	int stack_class;

	if (!runtime) {
		errno = ENOTSUP;
		return 0;
	}
	if (atomic_load_explicit(&runtime->is_ending, memory_order_relaxed)) {
		errno = ECANCELED;
		return 0;
	}
	stack_class = options->stack_size_bytes ? weft__stack_class(options->stack_size_bytes)
						: runtime->stack_class;
	if (stack_class < 0 || options->worker > runtime->worker_count || !fn) {
		errno = EINVAL;
		return 0;
	}
	fiber = record_new(self, options, stack_class);
	if (!fiber)
		return 0;
	fiber->fn = fn;
	fiber->arg = arg;
	return self ? start_inside(self, fiber, options) : start_outside(runtime, fiber, options);
}

weft_fiber_id weft_spawn_with(
	const struct weft_spawn_options *options, weft_fiber_fn *fn, void *arg)
{
	static const struct weft_spawn_options none;
	weft_fiber_id id;

	if (!options)
		options = &none;
	if (weft__worker)
		return spawn(options, fn, arg);
	pthread_mutex_lock(&weft__outside);
	id = spawn(options, fn, arg);
	pthread_mutex_unlock(&weft__outside);
	return id;
}

weft_fiber_id weft_spawn(weft_fiber_fn *fn, void *arg)
{
	return weft_spawn_with(NULL, fn, arg);
}

/* ---- About the calling fiber ------------------------------------------------------- */

weft_fiber_id weft_self(void)
{
	return weft__worker ? weft__fiber_id(weft__worker->current) : 0;
}

void weft__fiber_serves(const char *door, int fd)
{
	if (weft__worker) {
		weft__worker->current->door_fd = fd;
		weft__worker->current->door = door;
	}
}

const char *weft_name(void)
{
	return weft__worker ? weft__worker->current->name : "thread";
}

void weft_rename(const char *name)
{
	if (weft__worker)
		name_set(weft__worker->current, name);
}

int weft_worker_index(void)
{
	return weft__worker ? (int)weft__worker->index : -1;
}
