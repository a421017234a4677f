/*
 * doze.c - see doze.h.
 *
 * Must never: do in a handler what is not safe there; it touches its own thread's timeout
 * and one flag.
 */
#include "fiber/doze.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "fiber/worker.h"

extern __thread struct weft__context *weft__thread_context;

__thread struct timespec *volatile weft__dozing;

static struct sigaction before; /* of a program that has the signal for itself, too */

static void wake(void)
{
	struct timespec *timeout = weft__dozing;

	if (timeout)
		*timeout = (struct timespec){0};
}

static void on_signal(int number, siginfo_t *info, void *ucontext)
{
	wake();
	if (before.sa_flags & SA_SIGINFO)
		before.sa_sigaction(number, info, ucontext);
	else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
		before.sa_handler(number);
}

static void install(void)
{
	struct sigaction action = {
		.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};

	sigaction(WEFT__DOZE_SIGNAL, NULL, &before);
	sigaction(WEFT__DOZE_SIGNAL, &action, NULL);
}

void weft__doze_cancel(pthread_t thread, struct weft__context *context)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, install);
	__atomic_store_n(&context->is_cancelled, true, __ATOMIC_RELEASE);
	pthread_kill(thread, WEFT__DOZE_SIGNAL);
}

/* ---- Processes --------------------------------------------------------------------------- */

static struct {
	struct weft__context context;
	void (*on_stop)(void *arg);
	void *arg;
} process;

_Atomic bool weft__process_is_stopping;

static void on_stop(int number)
{
	(void)number;
	if (!atomic_exchange(&weft__process_is_stopping, true) && process.on_stop)
		process.on_stop(process.arg);
	wake();
}

void weft__process_cancel(void)
{
	__atomic_store_n(&process.context.is_cancelled, true, __ATOMIC_RELEASE);
	wake();
}

static void on_cancel(int number)
{
	(void)number;
	weft__process_cancel();
}

void weft__process_begin(void (*stop)(void *arg), void *arg)
{
	struct sigaction stopping = {.sa_handler = on_stop, .sa_flags = SA_RESTART | SA_ONSTACK};
	struct sigaction cancelling = {
		.sa_handler = on_cancel, .sa_flags = SA_RESTART | SA_ONSTACK};
	struct sigaction ignoring = {.sa_handler = SIG_IGN};

	memset(&process, 0, sizeof(process));
	process.context.host = weft__context_self()->host;
	process.on_stop = stop;
	process.arg = arg;
	weft__thread_context = &process.context;
	atomic_store(&weft__process_is_stopping, false);
	sigaction(SIGTERM, &stopping, NULL);
	sigaction(WEFT__DOZE_SIGNAL, &cancelling, NULL);
	sigaction(SIGINT, &ignoring, NULL);
	sigaction(SIGHUP, &ignoring, NULL);
}
