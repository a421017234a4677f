/*
 * weft/signal.h - wait for signals in straight-line code.
 */
#ifndef WEFT_SIGNAL_H
#define WEFT_SIGNAL_H

#include "weft/api.h"

WEFT_BEGIN

/** Signals that one weft_signal_wait() takes. */
#define WEFT_SIGNAL_WAIT_MAX 16

/**
 * Wait for one of count signals, and return its number. While the call waits the
 * signals do nothing else; before and after it they do what they did before, so a
 * second Ctrl-C during a slow stop ends the program as usual. One waiter per signal.
 * A signal that comes as the deadline does is returned, not lost.
 * Errors: EINVAL (no such signal, one that can't be caught, or more than
 * WEFT_SIGNAL_WAIT_MAX), EBUSY (a signal has a waiter, or is named twice), EMFILE,
 * ETIMEDOUT, ECANCELED. From any fiber or thread.
 */
WEFT_API int weft_signal_wait(const int *signals, size_t count);

WEFT_END

#endif
