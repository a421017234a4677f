/*
 * thread.c - threads with a name, a result and an overridable run (include/weft/thread.h).
 *
 *	NEW --start--> RUNNING --run() returns--> ENDED
 *	                  | fork(2), in the child: it isn't there
 *	                  v
 *	                LOST
 *
 * A record has two holders: the one who made it, and the running thread. One mutex guards
 * all records; nothing here is hot.
 *
 * Must never: join an operating system's thread that may run for long.
 */
#include "weft/thread.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fiber/doze.h"
#include "fiber/runtime.h"
#include "thread/crew.h"
#include "weft/scope.h"

/* The kernel's bound of a thread's name, NUL included: pthread_setname_np(3). */
#define KERNEL_NAME_MAX 16

enum state {
	NEW,
	RUNNING,
	ENDED,
	LOST,
};

struct weft_thread {
	struct weft_list_node node; /* RUNNING: in live; ENDED: in ended, until it is freed */
	enum state state;
	int holders;
	int result;
	bool is_daemon;
	bool is_cancelled;
	struct weft__context *context; /* RUNNING: its own, once it has begun */
	pthread_t thread;
	pid_t process; /* in which it was started */
	size_t stack_size_bytes;
	const struct weft_thread_ops *ops;
	weft_thread_fn *fn;
	void *arg;
	struct weft__wait_list joiners;
	char name[WEFT_THREAD_NAME_MAX + 1];
};

static struct {
	pthread_mutex_t mutex;
	struct weft_list live, ended;
	size_t count;                   /* of live */
	struct weft__wait_list changed; /* somebody has ended */
} threads = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static __thread struct weft_thread *own_thread;

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- Forks and the end of the process ------------------------------------------------ */

static void fork_before(void)
{
	pthread_mutex_lock(&threads.mutex);
}

static void fork_release(void)
{
	pthread_mutex_unlock(&threads.mutex);
}

/* Of a running thread that has ended, or is not here. True: nobody holds it any more. */
static bool leave(struct weft_thread *thread, enum state state)
{
	thread->state = state;
	weft_list_remove(&thread->node);
	if (state == ENDED)
		weft_list_push_back(&threads.ended, &thread->node);
	threads.count--;
	return --thread->holders == 0;
}

static void fork_in_child(void)
{
	weft__wait_list_init(&threads.changed);
	weft_list_each_safe (node, &threads.live) {
		struct weft_thread *thread = weft_container_of(node, struct weft_thread, node);

		weft__wait_list_init(&thread->joiners);
		if (thread == own_thread)
			continue;
		if (leave(thread, LOST))
			free(thread);
	}
	fork_release();
}

static bool is_awaited(const struct weft_thread *thread)
{
	return !thread->is_daemon && thread != own_thread;
}

static bool has_awaited(void)
{
	weft_list_each (node, &threads.live)
		if (is_awaited(weft_container_of(node, struct weft_thread, node)))
			return true;
	return false;
}

/* Those that ended, and were not freed, are joined: nothing of them runs beside the exit. */
static void wait_at_exit(void)
{
	struct weft_list_node *node;

	pthread_mutex_lock(&threads.mutex);
	WEFT_SHIELDED
		while (has_awaited())
			weft__wait_list_wait(
				&threads.changed, &threads.mutex, WEFT__WAIT_THREAD, &threads);
	while ((node = weft_list_pop_front(&threads.ended))) {
		struct weft_thread *thread = weft_container_of(node, struct weft_thread, node);

		weft_list_node_init(node);
		if (thread->process == getpid())
			pthread_join(thread->thread, NULL);
		thread->process = 0; /* not to be joined again */
	}
	pthread_mutex_unlock(&threads.mutex);
}

/* As in crew.c: before a fork ours come first, then the runtime's own. */
static void prepare(void)
{
	weft_list_init(&threads.live);
	weft_list_init(&threads.ended);
	weft__wait_list_init(&threads.changed);
	weft__fork_prepare();
	pthread_atfork(fork_before, fork_release, fork_in_child);
	atexit(wait_at_exit);
}

/* ---- Life ------------------------------------------------------------------------------ */

static bool is_stack_fine(size_t size_bytes)
{
	pthread_attr_t attributes;
	int code;

	if (size_bytes == 0)
		return true;
	if (pthread_attr_init(&attributes))
		return false;
	code = pthread_attr_setstacksize(&attributes, size_bytes);
	pthread_attr_destroy(&attributes);
	return code == 0;
}

struct weft_thread *weft_thread_new(
	const struct weft_thread_options *options, weft_thread_fn *fn, void *arg)
{
	static const struct weft_thread_options no_options;
	static const struct weft_thread_ops no_ops;
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	static _Atomic unsigned number;
	struct weft_thread *thread;

	if (!options)
		options = &no_options;
	if ((!fn && !(options->ops && options->ops->run)) ||
		!is_stack_fine(options->stack_size_bytes)) {
		errno = EINVAL;
		return NULL;
	}
	thread = calloc(1, sizeof *thread);
	if (!thread)
		return NULL;
	pthread_once(&once, prepare);
	thread->holders = 1;
	thread->is_daemon = options->is_daemon;
	thread->stack_size_bytes = options->stack_size_bytes;
	thread->ops = options->ops ? options->ops : &no_ops;
	thread->fn = fn;
	thread->arg = arg;
	weft__wait_list_init(&thread->joiners);
	if (options->name)
		snprintf(thread->name, sizeof thread->name, "%s", options->name);
	else
		snprintf(thread->name, sizeof thread->name, "Thread-%u",
			atomic_fetch_add(&number, 1) + 1);
	return thread;
}

int weft_thread_run(struct weft_thread *thread)
{
	return thread->fn ? thread->fn(thread->arg) : 0;
}

static int run(struct weft_thread *thread)
{
	const struct weft_thread_ops *ops = thread->ops;
	int result = ops->begin ? ops->begin(thread) : 0;

	if (result == 0)
		result = ops->run ? ops->run(thread) : weft_thread_run(thread);
	if (ops->end)
		ops->end(thread, result);
	return result;
}

static void *thread_main(void *arg)
{
	struct weft_thread *thread = arg;
	char name[KERNEL_NAME_MAX];
	bool is_free;
	int result;

	own_thread = thread;
	weft__doze_is_open();
	pthread_mutex_lock(&threads.mutex);
	thread->context = weft__context_self();
	if (thread->is_cancelled)
		weft__doze_cancel(pthread_self(), thread->context);
	pthread_mutex_unlock(&threads.mutex);
	snprintf(name, sizeof name, "%.*s", KERNEL_NAME_MAX - 1, thread->name);
	pthread_setname_np(pthread_self(), name);
	result = run(thread);
	if (getpid() != thread->process)
		_exit(result & 0xff); /* the only thread of a child: as src/fiber/fork.c says */
	pthread_mutex_lock(&threads.mutex);
	thread->result = result;
	is_free = leave(thread, ENDED);
	if (is_free) {
		weft_list_remove(&thread->node);
		pthread_detach(pthread_self());
	}
	weft__wait_list_wake_all(&thread->joiners);
	weft__wait_list_wake_all(&threads.changed);
	pthread_mutex_unlock(&threads.mutex);
	if (is_free)
		free(thread);
	return NULL;
}

int weft_thread_start(struct weft_thread *thread)
{
	int code = EINVAL;

	pthread_mutex_lock(&threads.mutex);
	if (thread->state == NEW) {
		thread->process = getpid();
		code = weft__thread_start(
			&thread->thread, thread->stack_size_bytes, thread_main, thread);
		if (code == 0) {
			thread->state = RUNNING;
			thread->holders++;
			weft_list_push_back(&threads.live, &thread->node);
			threads.count++;
		}
	}
	pthread_mutex_unlock(&threads.mutex);
	return code ? fail(code) : 0;
}

int weft_thread_cancel(struct weft_thread *thread)
{
	int code = 0;

	pthread_mutex_lock(&threads.mutex);
	if (thread->state == NEW)
		code = EINVAL;
	else if (thread->state != RUNNING)
		code = ESRCH;
	else if (thread->context)
		weft__doze_cancel(thread->thread, thread->context);
	thread->is_cancelled = true;
	pthread_mutex_unlock(&threads.mutex);
	return code ? fail(code) : 0;
}

void weft_thread_free(struct weft_thread *thread)
{
	bool is_free, is_to_join;
	int saved = errno;

	if (!thread)
		return;
	pthread_mutex_lock(&threads.mutex);
	is_free = --thread->holders == 0;
	is_to_join = thread->state == ENDED && thread->process == getpid();
	if (thread->state == ENDED)
		weft_list_remove(&thread->node);
	pthread_mutex_unlock(&threads.mutex);
	/* Its last instructions; so nothing of it is left when its record is gone. */
	if (is_to_join)
		pthread_join(thread->thread, NULL);
	if (is_free)
		free(thread);
	errno = saved;
}

/* ---- Results --------------------------------------------------------------------------- */

/* 0, or the errno value of a result that isn't there; the mutex is held. */
static int result_of(const struct weft_thread *thread, int *ret_result)
{
	switch (thread->state) {
	case ENDED:
		if (ret_result)
			*ret_result = thread->result;
		return 0;
	case RUNNING:
		return EBUSY;
	case LOST:
		return ESRCH;
	default:
		return EINVAL;
	}
}

static int join(struct weft_thread *thread, int *ret_result)
{
	int code = 0;

	pthread_mutex_lock(&threads.mutex);
	while (!code && thread->state == RUNNING)
		code = weft__wait_list_wait(
			&thread->joiners, &threads.mutex, WEFT__WAIT_THREAD, thread);
	if (thread->state != RUNNING)
		code = result_of(thread, ret_result);
	pthread_mutex_unlock(&threads.mutex);
	return code ? fail(code) : 0;
}

int weft_thread_join(struct weft_thread *thread, int *ret_result, int64_t timeout_ns)
{
	int code = weft_interrupted();
	int result = -1;

	if (thread == own_thread)
		code = EDEADLK;
	if (code)
		return fail(code);
	WEFT_WITH_TIMEOUT (timeout_ns)
		result = join(thread, ret_result);
	return result;
}

int weft_thread_result(struct weft_thread *thread, int *ret_result)
{
	int code;

	pthread_mutex_lock(&threads.mutex);
	code = result_of(thread, ret_result);
	pthread_mutex_unlock(&threads.mutex);
	return code ? fail(code) : 0;
}

/* ---- About threads ------------------------------------------------------------------------ */

bool weft_thread_is_alive(struct weft_thread *thread)
{
	bool is_alive;

	pthread_mutex_lock(&threads.mutex);
	is_alive = thread->state == RUNNING;
	pthread_mutex_unlock(&threads.mutex);
	return is_alive;
}

const char *weft_thread_name(const struct weft_thread *thread)
{
	return thread->name;
}

bool weft_thread_is_daemon(const struct weft_thread *thread)
{
	return thread->is_daemon;
}

void *weft_thread_arg(const struct weft_thread *thread)
{
	return thread->arg;
}

struct weft_thread *weft_thread_current(void)
{
	return own_thread;
}

size_t weft_thread_count(void)
{
	size_t count;

	pthread_mutex_lock(&threads.mutex);
	count = threads.count;
	pthread_mutex_unlock(&threads.mutex);
	return count;
}
