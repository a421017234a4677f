/*
 * shared_sync.c - locks, semaphores, events and conditions between processes.
 *
 * Each is one word that is changed by one instruction, so a process killed anywhere leaves it
 * as it was or as it shall be. Their words:
 *
 *	lock	W owner		W: others wait; owner 0: free (owner.c)
 *	sem	W permits
 *	event	sets W is_set	a count of 30 bits, so that a set that is cleared at once is seen
 *	cond	signals		and beside it how many wait, or have died while they did
 *
 * W goes when somebody is woken, and who was asleep puts it back, for others may still be: so
 * nobody's wake depends on what a process did that was killed. Where that comes to too few
 * wakes, whoever wakes and leaves something over wakes the next.
 *
 * Must never: wait for what only a dead process could do.
 */
#include "weft/shared_sync.h"

#include <errno.h>
#include <limits.h>

#include "process/shared_sync.h"
#include "weft/scope.h"

#define OTHERS_WAIT 0x80000000U

static int fail(int code)
{
	errno = code;
	return -1;
}

static _Atomic uint32_t *word_of(const uint32_t *word)
{
	return (_Atomic uint32_t *)word;
}

/* ---- Lock ----------------------------------------------------------------------------- */

/** A lock is mostly held for moments: only then is its owner asked after. */
#define LOOK_FIRST_NS ((int64_t)2 * 1000 * 1000)

void weft_shared_lock_init(struct weft_shared_lock *lock)
{
	*lock = (struct weft_shared_lock){0};
}

/* 0 or 1: it is ours. -1: it is not, and *seen, which somebody owns, says that others wait. */
static int take(_Atomic uint32_t *word, uint32_t *seen, uint32_t self, bool is_late)
{
	uint32_t owner = *seen & ~OTHERS_WAIT;

	if (owner == 0)
		return atomic_compare_exchange_strong(word, seen, self) ? 0 : -1;
	if (is_late && weft__owner_is_dead(owner))
		return atomic_compare_exchange_strong(word, seen, self | OTHERS_WAIT) ? 1 : -1;
	if (!(*seen & OTHERS_WAIT) &&
		atomic_compare_exchange_strong(word, seen, *seen | OTHERS_WAIT))
		*seen |= OTHERS_WAIT;
	return -1;
}

static bool is_owner_dead(const void *seen)
{
	return weft__owner_is_dead(*(const uint32_t *)seen & ~OTHERS_WAIT);
}

static int wait_and_take(struct weft_shared_lock *lock, uint32_t self)
{
	_Atomic uint32_t *word = word_of(&lock->word);
	uint32_t seen = atomic_load_explicit(word, memory_order_relaxed);
	const struct weft__word_doubt doubt = {is_owner_dead, &seen, LOOK_FIRST_NS};
	int64_t look_ns = weft_now() + LOOK_FIRST_NS;

	for (;;) {
		bool is_late = weft_now() >= look_ns;
		int got = take(word, &seen, self, is_late), code;

		if (got >= 0)
			return got;
		if (!(seen & ~OTHERS_WAIT) || !(seen & OTHERS_WAIT))
			continue; /* it has changed meanwhile */
		if (is_late)
			look_ns = weft_now() + WEFT__WORD_LOOK_NS;
		code = weft__word_wait(word, seen, &doubt);
		if (code)
			return fail(code);
		self |= OTHERS_WAIT; /* for they may still be asleep */
		seen = atomic_load_explicit(word, memory_order_relaxed);
	}
}

static bool is_free(const void *word)
{
	return atomic_load_explicit((_Atomic uint32_t *)word, memory_order_relaxed) == 0;
}

int weft__shared_lock_acquire_slow(struct weft_shared_lock *lock)
{
	_Atomic uint32_t *word = word_of(&lock->word);
	uint32_t self = weft__owner_self(), seen = 0;
	int code = weft_interrupted(), got;

	if (code)
		return fail(code);
	if (weft__word_may_linger() && weft__word_linger(is_free, word) &&
		atomic_compare_exchange_strong(word, &seen, self))
		return 0;
	got = wait_and_take(lock, self);
	if (got == 1)
		errno = EOWNERDEAD;
	return got;
}

int weft_shared_lock_acquire(struct weft_shared_lock *lock)
{
	return weft__shared_lock_acquire(lock);
}

int weft_shared_lock_try_acquire(struct weft_shared_lock *lock)
{
	_Atomic uint32_t *word = word_of(&lock->word);
	uint32_t self = weft__owner_self(), seen = 0;

	for (;;) {
		uint32_t wanted = self | (seen & OTHERS_WAIT);

		if (atomic_compare_exchange_strong(word, &seen, wanted))
			break;
		if (!(seen & ~OTHERS_WAIT))
			continue;
		if (!weft__owner_is_dead(seen & ~OTHERS_WAIT))
			return fail(EBUSY);
	}
	if (!(seen & ~OTHERS_WAIT))
		return 0;
	errno = EOWNERDEAD;
	return 1;
}

int weft_shared_lock_release(struct weft_shared_lock *lock)
{
	_Atomic uint32_t *word = word_of(&lock->word);
	uint32_t seen = atomic_load_explicit(word, memory_order_relaxed);

	if ((seen & ~OTHERS_WAIT) != weft__owner_self())
		return fail(EPERM);
	weft__shared_lock_release(lock);
	return 0;
}

pid_t weft_shared_lock_owner(const struct weft_shared_lock *lock)
{
	return weft__owner_pid(atomic_load(word_of(&lock->word)));
}

/* ---- Semaphore -------------------------------------------------------------------------- */

int weft_shared_sem_init(struct weft_shared_sem *sem, uint32_t permits)
{
	if (permits > WEFT_SHARED_SEM_MAX)
		return fail(EINVAL);
	*sem = (struct weft_shared_sem){.word = permits};
	return 0;
}

/* Whether there was a permit. *seen is what the word was, or is. */
static bool take_permit(_Atomic uint32_t *word, uint32_t *seen, uint32_t flag)
{
	*seen = atomic_load(word);
	while (*seen & ~OTHERS_WAIT)
		if (atomic_compare_exchange_weak(word, seen, (*seen - 1) | flag))
			return true;
	return false;
}

int weft_shared_sem_try_acquire(struct weft_shared_sem *sem)
{
	uint32_t seen;

	return take_permit(word_of(&sem->word), &seen, 0) ? 0 : fail(EAGAIN);
}

static bool has_permit(const void *word)
{
	return atomic_load_explicit((_Atomic uint32_t *)word, memory_order_relaxed) & ~OTHERS_WAIT;
}

int weft_shared_sem_acquire(struct weft_shared_sem *sem)
{
	_Atomic uint32_t *word = word_of(&sem->word);
	uint32_t seen, flag = 0;
	int code = weft_interrupted();

	if (code)
		return fail(code);
	if (take_permit(word, &seen, 0))
		return 0;
	if (weft__word_may_linger() && weft__word_linger(has_permit, word) &&
		take_permit(word, &seen, 0))
		return 0;
	while (!take_permit(word, &seen, flag)) {
		if (!(seen & OTHERS_WAIT) &&
			!atomic_compare_exchange_strong(word, &seen, OTHERS_WAIT))
			continue;
		code = weft__word_wait(word, OTHERS_WAIT, NULL);
		if (code)
			return fail(code);
		flag = OTHERS_WAIT;
	}
	if (flag && (seen & ~OTHERS_WAIT) > 1)
		weft__word_wake(word, 1);
	return 0;
}

int weft_shared_sem_release(struct weft_shared_sem *sem, uint32_t count)
{
	_Atomic uint32_t *word = word_of(&sem->word);
	uint32_t seen = atomic_load_explicit(word, memory_order_relaxed), permits;

	do {
		permits = seen & ~OTHERS_WAIT;
		if (count > WEFT_SHARED_SEM_MAX - permits)
			return fail(EOVERFLOW);
	} while (!atomic_compare_exchange_weak(word, &seen, permits + count));
	if (seen & OTHERS_WAIT)
		weft__word_wake(word, count > INT_MAX ? INT_MAX : (int)count);
	return 0;
}

uint32_t weft_shared_sem_count(const struct weft_shared_sem *sem)
{
	return atomic_load(word_of(&sem->word)) & ~OTHERS_WAIT;
}

/* ---- Event ------------------------------------------------------------------------------- */

enum event_bits {
	EVENT_IS_SET = 1,
	EVENT_OTHERS_WAIT = 2,
	EVENT_ONE_SET = 4, /* and above: how often it was set */
};

void weft_shared_event_init(struct weft_shared_event *event)
{
	*event = (struct weft_shared_event){0};
}

void weft_shared_event_set(struct weft_shared_event *event)
{
	_Atomic uint32_t *word = word_of(&event->word);
	uint32_t seen = atomic_load_explicit(word, memory_order_relaxed), wanted;

	do {
		if (seen & EVENT_IS_SET)
			return;
		wanted = ((seen & ~(uint32_t)EVENT_OTHERS_WAIT) + EVENT_ONE_SET) | EVENT_IS_SET;
	} while (!atomic_compare_exchange_weak(word, &seen, wanted));
	if (seen & EVENT_OTHERS_WAIT)
		weft__word_wake(word, INT_MAX);
}

void weft_shared_event_clear(struct weft_shared_event *event)
{
	atomic_fetch_and(word_of(&event->word), ~(uint32_t)EVENT_IS_SET);
}

bool weft_shared_event_is_set(const struct weft_shared_event *event)
{
	return atomic_load(word_of(&event->word)) & EVENT_IS_SET;
}

static bool is_set_since(uint32_t seen, uint32_t first)
{
	return (seen & EVENT_IS_SET) || seen / EVENT_ONE_SET != first / EVENT_ONE_SET;
}

struct event_look {
	_Atomic uint32_t *word;
	uint32_t first;
};

static bool has_been_set(const void *arg)
{
	const struct event_look *look = arg;

	return is_set_since(atomic_load(look->word), look->first);
}

int weft_shared_event_wait(struct weft_shared_event *event)
{
	_Atomic uint32_t *word = word_of(&event->word);
	uint32_t seen = atomic_load(word), first = seen;
	int code = weft_interrupted();

	if (code)
		return fail(code);
	if (!(seen & EVENT_IS_SET) && weft__word_may_linger() &&
		weft__word_linger(has_been_set, &(struct event_look){word, seen}))
		return 0;
	while (!is_set_since(seen, first)) {
		uint32_t wanted = seen | EVENT_OTHERS_WAIT;

		if (seen != wanted && !atomic_compare_exchange_strong(word, &seen, wanted))
			continue;
		code = weft__word_wait(word, wanted, NULL);
		if (code)
			return fail(code);
		seen = atomic_load(word);
	}
	return 0;
}

/* ---- Condition ----------------------------------------------------------------------------- */

void weft_shared_cond_init(struct weft_shared_cond *cond)
{
	*cond = (struct weft_shared_cond){0};
}

int weft_shared_cond_wait(struct weft_shared_cond *cond, struct weft_shared_lock *lock)
{
	_Atomic uint32_t *word = word_of(&cond->word), *waiting = word_of(&cond->waiting);
	uint32_t seen = atomic_load(word);
	int code, got;

	atomic_fetch_add(waiting, 1);
	if (weft_shared_lock_release(lock) < 0) {
		atomic_fetch_sub(waiting, 1);
		return -1;
	}
	code = weft__word_wait(word, seen, NULL);
	atomic_fetch_sub(waiting, 1);
	WEFT_SHIELDED
		got = weft__shared_lock_acquire(lock);
	if (got == 1)
		return 1;
	return code ? fail(code) : 0;
}

static void signal_some(struct weft_shared_cond *cond, int count)
{
	if (atomic_load(word_of(&cond->waiting)) == 0)
		return;
	atomic_fetch_add(word_of(&cond->word), 1);
	weft__word_wake(word_of(&cond->word), count);
}

void weft_shared_cond_signal(struct weft_shared_cond *cond)
{
	signal_some(cond, 1);
}

void weft_shared_cond_broadcast(struct weft_shared_cond *cond)
{
	signal_some(cond, INT_MAX);
}
