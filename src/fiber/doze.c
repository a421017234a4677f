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

static struct weft__context process_context;

static void on_terminate(int number)
{
	(void)number;
	__atomic_store_n(&process_context.is_cancelled, true, __ATOMIC_RELEASE);
	wake();
}

void weft__doze_begin_process(void)
{
	struct sigaction action = {.sa_handler = on_terminate, .sa_flags = SA_RESTART | SA_ONSTACK};
	sigset_t signals;

	memset(&process_context, 0, sizeof(process_context));
	process_context.host = weft__context_self()->host;
	weft__thread_context = &process_context;
	sigaction(SIGTERM, &action, NULL);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}
