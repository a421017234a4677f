/*
 * word.h - sleeping until a 32-bit word in shared memory has changed: what everything between
 * processes waits by.
 *
 * futex(2) without FUTEX_PRIVATE_FLAG. A thread sleeps in it; a fiber gives its word to a
 * watcher thread that sleeps for all of them (futex_waitv(2)), and never blocks its worker.
 *
 * A wake can die with the process that was about to make it, or be had by one that is killed
 * before it makes use of it. So nobody sleeps longer than WEFT__WORD_LOOK_NS without a look:
 * that is the whole of the cure, and whoever waits does so in a loop.
 */
#ifndef PROCESS_WORD_H
#define PROCESS_WORD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define WEFT__WORD_LOOK_NS ((int64_t)100 * 1000 * 1000)

/** Words that the watcher can sleep on at a time; it looks at those beyond each millisecond. */
#define WEFT__WORDS_ASLEEP_MAX 127

/**
 * Wait while *word is expected, for most_ns at most and never longer than WEFT__WORD_LOOK_NS.
 * 0: look again. ETIMEDOUT, ECANCELED: the scope says so, and a wake that the caller may have
 * had meanwhile was passed on.
 */
int weft__word_wait(_Atomic uint32_t *word, uint32_t expected, int64_t most_ns);

/** Wake up to count that wait, in any process. How many there were. */
int weft__word_wake(_Atomic uint32_t *word, int count);

/**
 * A moment spent on looking again before one sleeps; round counts from 0. False: it is time to
 * sleep. A fiber lets others run meanwhile.
 */
bool weft__word_linger(unsigned round);

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
