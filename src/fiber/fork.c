/*
 * fork.c - fork(2) in a program with fibers.
 *
 * The parent goes on as if nothing had happened. In the child only the fiber (or
 * thread) that forked exists, and goes on as a plain thread: calls that wait block it,
 * its deadlines hold, nothing else runs. When its function (or the deferred call that
 * forked) returns, the child ends by _exit() with the result. The child may call
 * weft_run() anew. The parent's epoll descriptors are closed in the child, so neither
 * disturbs the other.
 *
 * Must never: let the child touch what it shares with the parent (an epoll set is the
 * same set in both).
 */
#include <pthread.h>

#include "fiber/runtime.h"

extern __thread struct weft__context *weft__thread_context;

static void before(void)
{
	pthread_mutex_lock(&weft__outside);
	weft__stack_lock();
	weft__table_lock();
}

static void release(void)
{
	weft__table_unlock();
	weft__stack_unlock();
	pthread_mutex_unlock(&weft__outside);
}

static void in_child(void)
{
	release();
	if (weft__worker) {
		weft__thread_context = &weft__worker->current->context;
		weft__worker = NULL;
	}
	weft__runtime_forked();
}

static void install(void)
{
	pthread_atfork(before, release, in_child);
}

void weft__fork_prepare(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, install);
}
