/*
 * word.h - sleeping until a 32-bit word in shared memory has changed: what everything between
 * processes waits by.
 *
 * futex(2) without FUTEX_PRIVATE_FLAG. A thread sleeps in it; a fiber parks, and its worker sees to
 * the word (fiber/word.h). A wake that was lost with a killed process is made up for by looks, so
 * whoever waits does so in a loop.
 */
#ifndef PROCESS_WORD_H
#define PROCESS_WORD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fiber/word.h"

/**
 * Wait while *word is expected. doubt may be NULL. 0: look again. ETIMEDOUT, ECANCELED: the scope
 * says so, and a wake that the caller may have had meanwhile was passed on.
 */
int weft__word_wait(
	_Atomic uint32_t *word, uint32_t expected, const struct weft__word_doubt *doubt);

/** Whether to do so is worth it: it is not where it has been in vain lately. */
bool weft__word_may_linger(void);

/**
 * Look again and again for some microseconds before one sleeps: whether it is over. As long as
 * there is nothing else to do for the calling thread.
 */
bool weft__word_linger(bool (*is_over)(const void *arg), const void *arg);

/** Owners as words have them: the process id in the low bits, some of its start time above. */
#define WEFT__OWNER_PID_BITS 22
#define WEFT__OWNER_MASK     0x7fffffffU

/** This process as an owner; never 0. */
uint32_t weft__owner_self(void);

/** Whether the process is gone; one that only waits to be reaped is. Costs system calls. */
bool weft__owner_is_dead(uint32_t owner);

static inline pid_t weft__owner_pid(uint32_t owner)
{
	return (pid_t)(owner & ((1U << WEFT__OWNER_PID_BITS) - 1));
}

#endif
