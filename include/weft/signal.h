/*
 * weft/signal.h - wait for signals in straight-line code.
 *
 *	const int signals[] = {SIGINT, SIGTERM, SIGHUP};
 *	struct weft_signals *caught = weft_signals_new(signals, 3);
 *
 *	while ((number = weft_signals_next(caught)) == SIGHUP)
 *		reload();
 *	weft_signals_free(caught);
 *
 * While somebody catches a signal it does nothing else; before and after it does what it
 * did before. Several may catch the same signal, and each is told of it. The child of a
 * fork(2) catches nothing: there signals do what they did before, and the parent's catchers
 * don't hear of them.
 */
#ifndef WEFT_SIGNAL_H
#define WEFT_SIGNAL_H

#include "weft/api.h"

WEFT_BEGIN

/** Signals that one weft_signal_wait() or weft_signals_new() takes. */
#define WEFT_SIGNAL_WAIT_MAX 16

/** How many may catch the same signal at a time. */
#define WEFT_SIGNAL_CATCHERS_MAX 16

/**
 * Wait for one of count signals, and return its number: they are caught for this call
 * alone, so a second Ctrl-C during a slow stop ends the program as usual.
 * A signal that comes as the deadline does is returned, not lost.
 * Errors: EINVAL (no such signal, one that can't be caught, or more than
 * WEFT_SIGNAL_WAIT_MAX), EBUSY (a signal has WEFT_SIGNAL_CATCHERS_MAX, or is named twice),
 * EMFILE, ETIMEDOUT, ECANCELED. From any fiber or thread.
 */
WEFT_API int weft_signal_wait(const int *signals, size_t count);

struct weft_signals; /* opaque: src/io/signal.c */

/**
 * Catch count signals from now on, until weft_signals_free(); none that comes between two
 * waits is missed (but some of very many may be: 4096 are kept). Errors: as
 * weft_signal_wait(), ENOMEM.
 */
WEFT_API struct weft_signals *weft_signals_new(const int *signals, size_t count);

/**
 * Wait for the next, and return its number. Several fibers and threads may wait, and
 * each signal goes to one of them. Errors: ETIMEDOUT, ECANCELED; ENOTSUP in a child of
 * fork(2).
 */
WEFT_API int weft_signals_next(struct weft_signals *signals);

/** What weft_signals_next() reads from: readable when it need not wait. For weft_wait_fd() and
 * weft_select(). */
WEFT_API int weft_signals_fd(const struct weft_signals *signals);

/** Give the signals back. Nobody may wait here any more. NULL is fine. Keeps errno. */
WEFT_API void weft_signals_free(struct weft_signals *signals);

/* ---- Held back ----------------------------------------------------------------------------- */

/**
 * Hold count signals back from the calling thread, and from threads and workers that are started
 * from now on: in main(), before anything else, from the whole program. Each that comes meanwhile
 * waits, once, and none of those above hears of it; what unblock() lets through comes before it
 * returns. Processes of weft/process.h begin with none held back. pthread_sigmask(3).
 * Errors: EINVAL (no such signal, SIGKILL, SIGSTOP, or SIGURG, by which threads are cancelled).
 */
WEFT_API int weft_signal_block(const int *signals, size_t count);
WEFT_API int weft_signal_unblock(const int *signals, size_t count);

/** Whether one is held back from the calling thread, and waits. */
WEFT_API bool weft_signal_is_pending(int number);

WEFT_END

#endif
