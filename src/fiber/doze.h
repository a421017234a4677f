/*
 * doze.h - how a thread that sleeps in the kernel is cancelled by another.
 *
 *	weft__doze_begin(&timeout);
 *	if (!weft__interrupt(context))
 *		weft__doze_ppoll(..., &timeout, ...);
 *	weft__doze_end();
 *
 * A signal ends the sleep. One that comes after the look and before the sleep would be
 * lost; so its handler also sets the timeout to zero, which the kernel reads at the last
 * moment. A call without an end thus has a timeout too, of 292 years. glibc's ppoll(3) and
 * pselect(3) read it a moment earlier, to pass on a copy: they are not for here.
 *
 * A sleep may end before its time, and for nothing: whoever dozes looks again.
 */
#ifndef FIBER_DOZE_H
#define FIBER_DOZE_H

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/select.h>
#include <sys/types.h>
#include <time.h>

#include "fiber/fiber.h"
#include "fiber/sanitize.h"
#include "weft/fiber.h"

/** What the calling thread is about to sleep by; NULL: it is awake. */
extern __thread struct timespec *volatile weft__dozing;

#ifdef WEFT_TSAN
/* ThreadSanitizer keeps a signal until the next call that it knows of; one that comes just before
 * a sleep waits for its end. */
#define WEFT__DOZE_MAX_NS WEFT_MILLISECONDS(20)
#else
#define WEFT__DOZE_MAX_NS INT64_MAX
#endif

static inline void weft__doze_begin(struct timespec *timeout)
{
	weft__dozing = timeout;
	atomic_signal_fence(memory_order_seq_cst);
}

static inline void weft__doze_end(void)
{
	atomic_signal_fence(memory_order_seq_cst);
	weft__dozing = NULL;
}

/** A timeout of ns, which is INT64_MAX for ever; less than none is none. */
static inline struct timespec weft__doze_time(int64_t ns)
{
	if (ns < 0)
		ns = 0;
	if (ns > WEFT__DOZE_MAX_NS)
		ns = WEFT__DOZE_MAX_NS;
	return (struct timespec){ns / WEFT_SECONDS(1), ns % WEFT_SECONDS(1)};
}

/** The same as a moment on weft_now()'s clock. */
static inline struct timespec weft__doze_until(int64_t ns)
{
	if (WEFT__DOZE_MAX_NS != INT64_MAX && ns > weft_now() + WEFT__DOZE_MAX_NS)
		ns = weft_now() + WEFT__DOZE_MAX_NS;
	if (ns < 0)
		ns = 0;
	return (struct timespec){ns / WEFT_SECONDS(1), ns % WEFT_SECONDS(1)};
}

/** ppoll(2) and select(2) with the timeout as it is at the last moment; it is changed. */
int weft__doze_ppoll(
	struct pollfd *set, nfds_t count, struct timespec *timeout, const sigset_t *mask);
int weft__doze_select(int count, fd_set *in, fd_set *out, struct timespec *timeout);

/**
 * The mask for a ppoll(2) of the calling thread, in which the signal comes through: NULL where
 * it does anyway, else *room.
 */
const sigset_t *weft__doze_mask(sigset_t *room);

/** The calling thread is weft's own: it has the signal unblocked for good. */
void weft__doze_is_open(void);

/** Set up the signal's handler, for good. What wakes does so itself. */
void weft__doze_install(void);

/** End the sleep of a living thread, or the one that it is about to begin. */
void weft__doze_wake(pthread_t thread);

/** The signal, which every thread of weft's has unblocked. */
#define WEFT__DOZE_SIGNAL SIGURG

/**
 * Cancel a living thread, whose context that is: its waiting calls fail with ECANCELED from
 * now on, but for shielded ones.
 */
void weft__doze_cancel(pthread_t thread, struct weft__context *context);

/**
 * What the calling thread's cancelling also does, while it is in a weft_run(): it makes fd, an
 * eventfd, readable. So does one that came before; -1: no more. It may be readable for nothing.
 */
void weft__doze_relay(int fd);

struct weft__process {
	pid_t server;            /* its parent */
	int64_t grace_ns;        /* without its parent: from SIGTERM to its cancelling; < 0: none */
	int64_t kill_after_ns;   /* and from there to its killing */
	void (*stop)(void *arg); /* or NULL */
	void *arg;
};

/**
 * In the child of a fork(2): begin anew, without the scopes that the parent was in. The
 * caller unblocks the two signals.
 *
 *	SIGTERM           the first one calls stop(arg), in the handler; when the server is
 *	                  gone, the process ends itself in time: at once, if the server had
 *	                  told it to stop, which it does with SI_QUEUE (sigqueue(3))
 *	WEFT__DOZE_SIGNAL cancels the thread that has forked
 *	SIGINT, SIGHUP    are ignored: a terminal sends them to the parent, too
 */
void weft__process_begin(const struct weft__process *process);

/** Whether this is such a process. */
extern bool weft__process_is;

/** SIGTERM has come. */
extern _Atomic bool weft__process_is_stopping;

/** As WEFT__DOZE_SIGNAL does; in that process, also in a handler. */
void weft__process_cancel(void);

#endif
