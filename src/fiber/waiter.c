/*
 * waiter.c - see waiter.h.
 *
 * Must never: touch a waiter after is_woken was stored; its stack frame may be gone.
 */
#include "fiber/waiter.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fiber/doze.h"
#include "fiber/runtime.h"

/* On CLOCK_MONOTONIC, absolute; returns for any reason. */
static void futex_wait(_Atomic uint32_t *word, struct timespec *until)
{
	syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, until, NULL,
		FUTEX_BITSET_MATCH_ANY);
}

int weft__waiter_wait_thread(struct weft__waiter *waiter)
{
	struct weft__context *context = weft__context_self();
	int code;

	while (!weft__waiter_is_woken(waiter)) {
		struct timespec until = weft__doze_until(weft__context_deadline(context));

		weft__doze_begin(&until);
		code = weft__interrupt(context);
		if (!code)
			futex_wait(&waiter->is_woken, &until);
		weft__doze_end();
		if (code)
			return code;
	}
	return 0;
}

void weft__waiter_wait_for_sure(struct weft__waiter *waiter)
{
	while (!weft__waiter_is_woken(waiter)) {
		if (waiter->fiber)
			weft__park(weft__worker, &waiter->wait);
		else
			futex_wait(&waiter->is_woken, NULL);
	}
}

static void wake_fiber(struct weft__waiter *waiter)
{
	struct weft__fiber *fiber = waiter->fiber;
	uint32_t generation = waiter->generation;

	atomic_store_explicit(&waiter->is_woken, 1, memory_order_release);
	weft__post(fiber, generation, WEFT__WAKE);
}

void weft__waiter_wake_elsewhere(struct weft__waiter *waiter)
{
	_Atomic uint32_t *word = &waiter->is_woken;

	if (!waiter->fiber) {
		atomic_store_explicit(word, 1, memory_order_release);
		/* The word may be gone; a futex wake on it then wakes nobody. */
		syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
		return;
	}
	if (weft__worker) {
		wake_fiber(waiter);
		return;
	}
	/* The fiber keeps the runtime alive only until it is woken. */
	pthread_mutex_lock(&weft__outside);
	wake_fiber(waiter);
	pthread_mutex_unlock(&weft__outside);
}
