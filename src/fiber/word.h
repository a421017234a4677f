/*
 * word.h - fibers that sleep until a 32-bit word in shared memory changes: what waits between
 * processes stand on (src/process/word.h).
 *
 * A sleeper is on its worker's list first, and only that worker knows of it. The worker looks at
 * the words whenever it looks around. When it is about to sleep, and
 *
 *	nobody waits for a descriptor	it sleeps on the words itself, and on its bell, by
 *					futex_waitv(2)
 *	else, or they are too many	it gives them to a keeper, who does that on a thread, and
 *					sleeps in its driver
 *
 * A wake can die with the process that was about to make it, or be had by one that is killed
 * before it makes use of it. So no word is asleep for longer than WEFT__WORD_LOOK_NS without a
 * look at it. What the word doesn't show is told by is_over() then; so a fiber whose wait is not
 * over isn't woken for that.
 *
 * Must never: read the word of a sleeper that is off the list (its memory may be unmapped), or
 * keep to itself a wake that was meant for somebody.
 */
#ifndef FIBER_WORD_H
#define FIBER_WORD_H

#include <linux/futex.h>

#include "fiber/waiter.h"
#include "weft/list.h"

#define WEFT__WORD_LOOK_NS ((int64_t)100 * 1000 * 1000)

/** Words that one thread can sleep on at a time, beside its bell. */
#define WEFT__WORDS_ASLEEP_MAX 127

/** How a wait can be over while its word is as it was. */
struct weft__word_doubt {
	bool (*is_over)(const void *arg); /* of any thread; never waits */
	const void *arg;
	int64_t first_ns; /* when it is asked first, and then every WEFT__WORD_LOOK_NS */
};

struct weft__word_sleeper {
	struct weft_list_node node; /* not linked: it was woken */
	_Atomic uint32_t *word;
	uint32_t expected;
	bool is_kept;                         /* on a keeper's list, not its worker's */
	unsigned lane;                        /* the keeper's own */
	const struct weft__word_doubt *doubt; /* or NULL */
	int64_t may_ns, must_ns;              /* when it is looked at next */
	struct weft__waiter waiter;
};

/** What one thread sleeps on. */
struct weft__word_set {
	struct futex_waitv waits[1 + WEFT__WORDS_ASLEEP_MAX]; /* the first is the bell */
	unsigned count;
	bool is_full; /* some of the words are not in it */
	int64_t until_ns;
};

/** The kernel's clock, whatever the driver says: it is what futexes go by. */
int64_t weft__word_clock(void);

/** Wake up to count that sleep on it, in any process. How many there were. */
int weft__word_wake(_Atomic uint32_t *word, int count);

/** Park the calling fiber while *word is expected. 0, or what has interrupted it. */
int weft__word_park(
	_Atomic uint32_t *word, uint32_t expected, const struct weft__word_doubt *doubt);

/* ---- Lists, by whoever they belong to ----------------------------------------------------- */

void weft__word_set_fill(
	struct weft__word_set *set, _Atomic uint32_t *bell, const struct weft_list *sleepers);

/**
 * Sleep until one of the words isn't as expected, the bell is rung, or the time has come. The word
 * whose wake was had; NULL: none, but something may have changed.
 */
_Atomic uint32_t *weft__word_set_sleep(struct weft__word_set *set);

/** Wake those whose waits may be over. A wake that none of them can use is passed on. */
void weft__words_look(struct weft_list *sleepers, _Atomic uint32_t *woken);

/** Ring it: who sleeps by it wakes, or doesn't fall asleep. */
void weft__word_bell_ring(_Atomic uint32_t *bell);

/* ---- Of a worker ----------------------------------------------------------------------------- */

/**
 * It is about to sleep. True: by weft__words_wait(), woken by its bell, once it has looked at all
 * else; false: in its driver.
 */
bool weft__words_begin(struct weft__worker *worker, struct weft__word_set *set);
void weft__words_wait(struct weft__worker *worker, struct weft__word_set *set, int64_t deadline_ns);

/** Until when a worker that sleeps in its driver may do so. */
int64_t weft__words_until(const struct weft__worker *worker, int64_t deadline_ns);

/* ---- The keeper: src/process/word_keeper.c ------------------------------------------------------
 */

struct weft__word_keeper {
	/** Take sleepers off the worker's list, as many as it can. */
	void (*take)(struct weft_list *sleepers);
	/** One gives up. False: it was woken, or is just about to be. */
	bool (*give_back)(struct weft__word_sleeper *sleeper);
};

/** NULL: there is none. */
extern const struct weft__word_keeper *_Atomic weft__word_keeper;

#endif
