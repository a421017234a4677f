/*
 * shared_sync.h - the lock between processes, as fast as the queue wants it.
 */
#ifndef PROCESS_SHARED_SYNC_H
#define PROCESS_SHARED_SYNC_H

#include "process/word.h"
#include "weft/shared_sync.h"

int weft__shared_lock_acquire_slow(struct weft_shared_lock *lock);

static inline int weft__shared_lock_acquire(struct weft_shared_lock *lock)
{
	uint32_t free = 0;

	if (__builtin_expect(atomic_compare_exchange_strong(
				     (_Atomic uint32_t *)&lock->word, &free, weft__owner_self()),
		    1))
		return 0;
	return weft__shared_lock_acquire_slow(lock);
}

/** By its owner. A full barrier, also to what the caller looks at next. */
static inline void weft__shared_lock_release(struct weft_shared_lock *lock)
{
	_Atomic uint32_t *word = (_Atomic uint32_t *)&lock->word;

	if (__builtin_expect(atomic_exchange(word, 0) >> 31, 0))
		weft__word_wake(word, 1);
}

#endif
