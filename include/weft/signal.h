/*
 * weft/signal.h - wait for signals in straight-line code.
 */
#ifndef WEFT_SIGNAL_H
#define WEFT_SIGNAL_H

#include "weft/api.h"

WEFT_BEGIN

/**
 * Wait for one of count signals, and return its number. While the call waits the
 * signals do nothing else; before and after it they do what they did before, so a
 * second Ctrl-C during a slow stop ends the program as usual. One waiter per signal.
 * Errors: EINVAL, EBUSY (a signal has a waiter), EMFILE, ETIMEDOUT, ECANCELED.
 */
WEFT_API int weft_signal_wait(const int *signals, size_t count);

WEFT_END

#endif
