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
#include "fiber/sanitize.h"

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

#ifdef WEFT_ASAN

/*
 * Before gcc 14, AddressSanitizer leaves its locks over a fork(2) as they are: a child that was
 * made while another thread allocated hangs in its first malloc(3). These are its own, and there
 * when it is linked in as a static library (NULL: it is not).
 */
#define OF_ASAN(name, symbol) __attribute__((weak)) void name(void) __asm__(symbol)

OF_ASAN(weft__asan_lock_threads, "_ZN6__lsan18LockThreadRegistryEv");
OF_ASAN(weft__asan_unlock_threads, "_ZN6__lsan20UnlockThreadRegistryEv");
OF_ASAN(weft__asan_lock_heap, "_ZN6__lsan13LockAllocatorEv");
OF_ASAN(weft__asan_unlock_heap, "_ZN6__lsan15UnlockAllocatorEv");
OF_ASAN(weft__asan_lock_stacks, "_ZN11__sanitizer17StackDepotLockAllEv");
OF_ASAN(weft__asan_unlock_stacks, "_ZN11__sanitizer19StackDepotUnlockAllEv");

static void hold_asan(void)
{
	weft__asan_lock_threads();
	weft__asan_lock_heap();
	weft__asan_lock_stacks();
}

static void let_asan_go(void)
{
	weft__asan_unlock_stacks();
	weft__asan_unlock_heap();
	weft__asan_unlock_threads();
}

/* Before all others: so it is held after what they do to prepare, and let go of before they go on.
 */
__attribute__((constructor(101))) static void install_for_asan(void)
{
	if (weft__asan_lock_threads && weft__asan_unlock_threads && weft__asan_lock_heap &&
		weft__asan_unlock_heap && weft__asan_lock_stacks && weft__asan_unlock_stacks)
		pthread_atfork(hold_asan, let_asan_go, let_asan_go);
}

#endif

static void install(void)
{
	pthread_atfork(before, release, in_child);
}

void weft__fork_prepare(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, install);
}
