/*
 * run.c - weft_run(): workers up, the first fiber, everything down again.
 *
 *	weft_run ---> worker 0 on this thread, workers 1.. on threads of their own
 *	  first fiber: fn(arg); then cancels all others until none is left; cleans up; halts
 *	  workers: leave their loops; threads are joined; drivers go
 *
 * Must never: free a worker's memory. Other threads may still look at it.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fiber/backtrace.h"
#include "fiber/driver/fds.h"
#include "fiber/driver/thread.h"
#include "fiber/runtime.h"
#include "fiber/switch.h"
#include "fiber/watch.h"

/** Stack of the first fiber: people put more onto main's. */
#define MAIN_STACK_SIZE ((size_t)1024 * 1024)

struct weft__runtime *_Atomic weft__runtime;
pthread_mutex_t weft__outside = PTHREAD_MUTEX_INITIALIZER;
void (*_Atomic weft__run_ended)(void);

/** The only one; weft__runtime points to it while it is under way. */
static struct weft__runtime the_runtime;
static atomic_bool is_claimed;

struct first {
	weft_fiber_fn *fn;
	void *arg;
	int result;
};

/* ---- Counting and ending ----------------------------------------------------------- */

/* The ended first: who is counted there was counted as started before. */
size_t weft__runtime_fibers(struct weft__runtime *runtime)
{
	uint64_t spawned = 0, ended = 0;

	for (unsigned i = 0; i < runtime->worker_count; i++)
		ended += atomic_load_explicit(&runtime->workers[i]->ended, memory_order_acquire);
	for (unsigned i = 0; i < runtime->worker_count; i++)
		spawned +=
			atomic_load_explicit(&runtime->workers[i]->spawned, memory_order_acquire);
	return spawned + atomic_load(&runtime->spawned_outside) - ended;
}

void weft__runtime_fiber_ended(struct weft__runtime *runtime)
{
	weft__post(runtime->main_fiber, weft__generation(runtime->main_id), WEFT__WAKE);
}

static void cancel_all_but(struct weft__fiber *spared)
{
	for (uint32_t slot = 0; slot < weft__slot_count(); slot++) {
		struct weft__fiber *fiber = weft__slot_at(slot);
		uint64_t control = atomic_load(&fiber->control);

		if ((control & WEFT__LIVE) && !(control & (WEFT__ENDED | WEFT__CANCELLED)) &&
			fiber != spared)
			weft__post(fiber, weft__generation(control), WEFT__CANCEL);
	}
}

void weft__runtime_cancel_all(void)
{
	cancel_all_but(NULL);
}

/*
 * A fiber being spawned while we look is found by a later look: sleep, from 1 ms to
 * 50 ms, until nobody is left. Each end wakes us earlier.
 */
static void end_others(struct weft__runtime *runtime)
{
	static const struct weft__wait wait = {.kind = WEFT__WAIT_LAST_FIBER};
	int64_t pause = WEFT_MILLISECONDS(1);

	atomic_store(&runtime->is_ending, true);
	while (weft__runtime_fibers(runtime) > 1) {
		struct weft_timeout timer;

		cancel_all_but(runtime->main_fiber);
		weft_timeout_begin(&timer, pause);
		while (!timer.has_expired && weft__runtime_fibers(runtime) > 1)
			weft__park(weft__worker, &wait);
		weft_timeout_end(&timer);
		if (pause < WEFT_MILLISECONDS(50))
			pause *= 2;
	}
}

static int first_fiber(void *arg)
{
	struct first *first = arg;
	struct weft__runtime *runtime = &the_runtime;

	first->result = first->fn(first->arg);
	if (!weft__worker)
		return first->result; /* a fork()'s child: ends in weft__fiber_main() */
	WEFT_SHIELDED
		end_others(runtime);
	/* Before the halt: what this fiber deferred may wait, and the loops must still turn. */
	weft__fiber_clean(runtime->main_fiber);
	if (!weft__worker)
		return first->result;
	atomic_store(&runtime->is_halted, true);
	for (unsigned i = 0; i < runtime->worker_count; i++)
		weft__worker_wake(runtime->workers[i]);
	return 0;
}

static void forget_unjoined(void)
{
	for (uint32_t slot = 0; slot < weft__slot_count(); slot++) {
		struct weft__fiber *fiber = weft__slot_at(slot);

		if (atomic_load(&fiber->control) & WEFT__ENDED)
			weft__fiber_release(NULL, fiber);
	}
}

/* ---- Workers --------------------------------------------------------------------------- */

static struct weft__worker *worker_new(struct weft__runtime *runtime, unsigned index)
{
	struct weft__worker *worker = runtime->workers[index];

	if (!worker)
		worker = aligned_alloc(64, (sizeof *worker + 63) / 64 * 64);
	if (!worker)
		return NULL;
	memset(worker, 0, sizeof *worker);
	runtime->workers[index] = worker;
	worker->runtime = runtime;
	worker->index = index;
	worker->current = &worker->base;
	weft_heap_node_init(&worker->base.alarm);
	weft_mpsc_init(&worker->inbox);
	weft_heap_init(&worker->timers);
	if (weft__start_init(&worker->starting) < 0)
		return NULL;
	weft_list_init(&worker->words);
	worker->driver = runtime->driver_ops->create(worker);
	worker->is_choosing = runtime->driver_ops->choose != NULL;
	if (!worker->driver) {
		weft__start_fini(&worker->starting);
		return NULL;
	}
	return worker;
}

static void worker_end(struct weft__worker *worker)
{
	worker->driver->ops->destroy(worker->driver);
	worker->driver = NULL;
	weft__slots_fini(&worker->slots);
	weft__stack_pool_fini(&worker->stacks);
	weft__start_fini(&worker->starting);
	weft_heap_fini(&worker->timers);
}

static void sigpipe_block(sigset_t *ret_before)
{
	sigset_t sigpipe;

	sigemptyset(&sigpipe);
	sigaddset(&sigpipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &sigpipe, ret_before);
}

/* A broken pipe met meanwhile was reported as EPIPE: its signal must not come late. */
static void sigpipe_restore(const sigset_t *before)
{
	const struct timespec at_once = {0};
	sigset_t sigpipe;

	sigemptyset(&sigpipe);
	sigaddset(&sigpipe, SIGPIPE);
	if (!sigismember(before, SIGPIPE))
		while (sigtimedwait(&sigpipe, NULL, &at_once) == SIGPIPE)
			;
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

static void *worker_thread(void *arg)
{
	struct weft__worker *worker = arg;
	void *signal_stack = NULL;
	sigset_t before;

	sigpipe_block(&before);
	weft__overflow_thread_begin(&signal_stack);
	weft__sanitize_thread_begin(&worker->base.sanitize);
	worker->errno_place = &errno;
	worker->thread = pthread_self();
	atomic_store(&worker->has_begun, true);
	pthread_setname_np(pthread_self(), "weft-worker");
	weft__worker = worker;
	weft__bystanders_add(1);
	weft__worker_loop(worker);
	weft__bystanders_add(-1);
	weft__worker = NULL;
	weft__overflow_thread_end(signal_stack);
	sigpipe_restore(&before);
	return NULL;
}

/* ---- weft_run ------------------------------------------------------------------------------ */

static unsigned usable_cores(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) < 0)
		return 1;
	return (unsigned)CPU_COUNT(&set) < WEFT_WORKERS_MAX ? (unsigned)CPU_COUNT(&set)
							    : WEFT_WORKERS_MAX;
}

static int runtime_init(struct weft__runtime *runtime, const struct weft_run_options *options)
{
	const char *driver = options->driver ? options->driver : getenv("WEFT_DRIVER");
	size_t stack =
		options->stack_size_bytes ? options->stack_size_bytes : WEFT_STACK_SIZE_DEFAULT;

	runtime->driver_ops = weft__driver_find(driver);
	runtime->stack_class = weft__stack_class(stack);
	runtime->worker_count = 0;
	if (!runtime->driver_ops || runtime->stack_class < 0 ||
		options->workers > WEFT_WORKERS_MAX) {
		errno = EINVAL;
		return -1;
	}
	atomic_store(&runtime->sleeping, 0);
	atomic_store(&runtime->stranded, 0);
	atomic_store(&runtime->is_deadlocked, false);
	atomic_store(&runtime->spawned_outside, 0);
	atomic_store(&runtime->is_ending, false);
	atomic_store(&runtime->is_halted, false);
	return 0;
}

static void workers_end(struct weft__runtime *runtime)
{
	for (unsigned i = 0; i < runtime->worker_count; i++)
		weft__inbox_drain(runtime->workers[i]); /* records to be freed may be there */
	while (runtime->worker_count > 0)
		worker_end(runtime->workers[--runtime->worker_count]);
}

static int workers_new(struct weft__runtime *runtime, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (!worker_new(runtime, i))
			return -1;
		runtime->worker_count++;
	}
	return 0;
}

/* On the calling thread, which is worker 0. */
static int first_spawn(struct weft__runtime *runtime, struct first *first)
{
	struct weft_spawn_options options = {
		.name = "main", .worker = 1, .stack_size_bytes = MAIN_STACK_SIZE};

	if (weft__stack_class_size(runtime->stack_class) > MAIN_STACK_SIZE)
		options.stack_size_bytes = 0;
	runtime->main_id = weft_spawn_with(&options, first_fiber, first);
	if (!runtime->main_id)
		return -1;
	runtime->main_fiber = weft__fiber_of(runtime->main_id);
	return 0;
}

/* How many threads could be started for workers 1 to worker_count - 1. */
static unsigned threads_start(struct weft__runtime *runtime)
{
	unsigned i;
	int code = 0;

	for (i = 1; i < runtime->worker_count; i++) {
		code = pthread_create(
			&runtime->threads[i], NULL, worker_thread, runtime->workers[i]);
		if (code)
			break;
	}
	errno = code;
	return i;
}

static int run_workers(struct weft__runtime *runtime, struct first *first, int64_t watchdog_ns)
{
	struct weft__worker *self = runtime->workers[0];
	unsigned started;
	int code = 0;

	weft__sanitize_thread_begin(&self->base.sanitize);
	self->errno_place = &errno;
	self->thread = pthread_self();
	atomic_store(&self->has_begun, true);
	weft__worker = self;
	atomic_store(&weft__runtime, runtime);
	started = threads_start(runtime);
	if (started < runtime->worker_count || weft__watch_begin(runtime, watchdog_ns) < 0 ||
		first_spawn(runtime, first) < 0) {
		code = errno;
		atomic_store(&runtime->is_halted, true);
	}
	weft__worker_loop(self);
	/* No thread outside holds on to the runtime, and its threads, from here on. */
	pthread_mutex_lock(&weft__outside);
	atomic_store(&weft__runtime, NULL);
	pthread_mutex_unlock(&weft__outside);
	weft__watch_end();
	for (unsigned i = 1; i < started; i++) {
		weft__worker_wake(runtime->workers[i]);
		pthread_join(runtime->threads[i], NULL);
	}
	weft__worker = NULL;
	errno = code;
	return code ? -1 : 0;
}

/* Only one at a time, and not from inside. */
static int claim(void)
{
	if (weft__worker)
		errno = EDEADLK;
	else if (atomic_exchange(&is_claimed, true))
		errno = EBUSY;
	else
		return 0;
	return -1;
}

int weft_run(const struct weft_run_options *options, weft_fiber_fn *fn, void *arg)
{
	static const struct weft_run_options none;
	struct first first = {fn, arg, -1};
	void *signal_stack = NULL;
	void (*ended)(void);
	sigset_t before;
	int result = -1, saved;

	if (!fn) {
		errno = EINVAL;
		return -1;
	}
	if (claim() < 0)
		return -1;
	if (!options)
		options = &none;
	weft__fork_prepare();
	weft__switch_init();
	weft__fd_run_begins();
	if (runtime_init(&the_runtime, options) < 0)
		goto end;
	if (workers_new(&the_runtime, options->workers ? options->workers : usable_cores()) < 0)
		goto end;
	sigpipe_block(&before);
	weft__overflow_install();
	weft__overflow_thread_begin(&signal_stack);
	if (run_workers(&the_runtime, &first, options->watchdog_ns) == 0)
		result = first.result;
	if (atomic_load(&the_runtime.is_deadlocked)) {
		result = -1;
		errno = EDEADLK;
	}
	saved = errno;
	weft__overflow_thread_end(signal_stack);
	weft__overflow_uninstall();
	sigpipe_restore(&before);
	errno = saved;
end:
	saved = errno;
	if (options->report_leaks)
		weft__leaks_report(&the_runtime);
	workers_end(&the_runtime);
	forget_unjoined();
	ended = atomic_load(&weft__run_ended);
	if (ended)
		ended();
	atomic_store(&is_claimed, false);
	errno = saved;
	return result;
}

/*
 * The parent's fibers don't exist here: nobody may wake, join or cancel them, a later
 * weft_run() of this process least of all. Their ids go stale; the records stay unused.
 */
static void abandon_fibers(void)
{
	for (uint32_t slot = 0; slot < weft__slot_count(); slot++) {
		struct weft__fiber *fiber = weft__slot_at(slot);
		uint64_t control = atomic_load(&fiber->control);
		uint32_t generation = weft__generation(control) + 1;

		if ((uint32_t)control)
			atomic_store(
				&fiber->control, (uint64_t)(generation ? generation : 1) << 32);
	}
}

void weft__runtime_forked(void)
{
	struct weft__runtime *runtime = &the_runtime;

	abandon_fibers();
	weft__thread_forked();
	weft__watch_forked();
	weft__backtrace_forked();
	weft__bystanders_forked();
	weft__close_forked();
	for (unsigned i = 0; i < runtime->worker_count; i++)
		runtime->workers[i]->driver->ops->destroy(runtime->workers[i]->driver);
	runtime->worker_count = 0;
	atomic_store(&weft__runtime, NULL);
	atomic_store(&is_claimed, false);
}

/* ---- About it ------------------------------------------------------------------------------- */

/* The pointer is good while the caller is inside, or holds weft__outside. */
struct weft__runtime *weft__runtime_enter(void)
{
	if (!weft__worker)
		pthread_mutex_lock(&weft__outside);
	return atomic_load(&weft__runtime);
}

void weft__runtime_leave(void)
{
	if (!weft__worker)
		pthread_mutex_unlock(&weft__outside);
}

unsigned weft_worker_count(void)
{
	struct weft__runtime *runtime = weft__runtime_enter();
	unsigned count = runtime ? runtime->worker_count : 0;

	weft__runtime_leave();
	return count;
}

const char *weft_driver_name(void)
{
	struct weft__runtime *runtime = weft__runtime_enter();
	const char *name = runtime ? runtime->driver_ops->name : NULL;

	weft__runtime_leave();
	return name;
}

size_t weft_fiber_count(void)
{
	struct weft__runtime *runtime = weft__runtime_enter();
	size_t count = runtime ? weft__runtime_fibers(runtime) : 0;

	weft__runtime_leave();
	return count;
}
