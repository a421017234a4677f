/*
 * test_freed.c - whoever is let go by the last call on an object may free it at once, as with
 * POSIX's mutexes and semaphores: that call is done with it, whatever else it still does.
 *
 * Two share an object in each round; the one who finds himself the last scribbles over it, frees
 * it, and goes on to the next. Whoever still were inside would hang, or be seen by a sanitizer.
 *
 * check: tsan aarch64 valgrind drivers
 */
#include <stdatomic.h>

#include "sync/mix.h"
#include "weft/event.h"
#include "weft/group.h"
#include "weft/lock.h"
#include "weft/sem.h"

#define ROUNDS 300

struct thing {
	struct weft_lock lock;
	struct weft_rwlock rwlock;
	struct weft_cond cond;
	struct weft_sem sem;
	struct weft_event event;
	struct weft_group group;
	int holders; /* guarded by a lock */
};

struct shared {
	bool (*meet)(struct thing *thing, bool is_first);
	struct thing *things[ROUNDS];
	_Atomic unsigned freed;
};

/* ---- How they meet. True: the caller is the last, and knows it ------------------------------ */

static bool by_lock(struct thing *thing, bool is_first)
{
	bool is_last;

	(void)is_first;
	CHECK_INT(weft_lock_acquire(&thing->lock), ==, 0);
	is_last = --thing->holders == 0;
	CHECK_INT(weft_lock_release(&thing->lock), ==, 0);
	return is_last;
}

static bool by_trying_the_lock(struct thing *thing, bool is_first)
{
	bool is_last;

	(void)is_first;
	while (weft_lock_try_acquire(&thing->lock) < 0)
		weft_yield();
	is_last = --thing->holders == 0;
	CHECK_INT(weft_lock_release(&thing->lock), ==, 0);
	return is_last;
}

static bool by_rwlock(struct thing *thing, bool is_first)
{
	bool is_last;

	(void)is_first;
	CHECK_INT(weft_rwlock_acquire_write(&thing->rwlock), ==, 0);
	is_last = --thing->holders == 0;
	CHECK_INT(weft_rwlock_release(&thing->rwlock), ==, 0);
	return is_last;
}

static bool by_cond(struct thing *thing, bool is_first)
{
	CHECK_INT(weft_lock_acquire(&thing->lock), ==, 0);
	if (is_first) {
		thing->holders--;
		weft_cond_signal(&thing->cond);
	}
	while (thing->holders == 2)
		CHECK_INT(weft_cond_wait(&thing->cond, &thing->lock), ==, 0);
	CHECK_INT(weft_lock_release(&thing->lock), ==, 0);
	return !is_first;
}

static bool by_sem(struct thing *thing, bool is_first)
{
	CHECK_INT(
		is_first ? weft_sem_release(&thing->sem, 1) : weft_sem_acquire(&thing->sem), ==, 0);
	return !is_first;
}

static bool by_trying_the_sem(struct thing *thing, bool is_first)
{
	if (is_first)
		CHECK_INT(weft_sem_release(&thing->sem, 1), ==, 0);
	else
		while (weft_sem_try_acquire(&thing->sem) < 0)
			weft_yield();
	return !is_first;
}

static bool by_event(struct thing *thing, bool is_first)
{
	if (is_first)
		weft_event_set(&thing->event);
	else
		CHECK_INT(weft_event_wait(&thing->event), ==, 0);
	return !is_first;
}

static bool by_group(struct thing *thing, bool is_first)
{
	CHECK_INT(
		is_first ? weft_group_done(&thing->group) : weft_group_wait(&thing->group), ==, 0);
	return !is_first;
}

/* ---- The rounds ------------------------------------------------------------------------------ */

static void work(void *arg, unsigned index)
{
	struct shared *shared = arg;
	struct prng prng = {index};

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct thing *thing = shared->things[i];

		jitter(&prng);
		if (!shared->meet(thing, i % 2 == index))
			continue;
		memset(thing, 0xff, sizeof(*thing));
		free(thing);
		shared->freed++;
	}
}

static void share(struct mix mix, bool (*meet)(struct thing *thing, bool is_first))
{
	struct shared shared = {.meet = meet};

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct thing *thing = calloc(1, sizeof(*thing));

		CHECK(thing != NULL);
		thing->holders = 2;
		CHECK_INT(weft_group_add(&thing->group, 1), ==, 0);
		shared.things[i] = thing;
	}
	mix.work = work;
	mix.arg = &shared;
	mix_run(&mix);
	CHECK_INT(shared.freed, ==, ROUNDS);
}

static void share_anyhow(bool (*meet)(struct thing *thing, bool is_first))
{
	for (unsigned i = 0; i < check_rounds(3); i++) {
		share((struct mix){.workers = 1, .fibers = 2}, meet);
		share((struct mix){.workers = 2, .fibers = 2}, meet);
		share((struct mix){.workers = 1, .fibers = 1, .threads = 1}, meet);
		share((struct mix){.workers = 1, .threads = 2}, meet);
	}
}

CHECK_CASE(the_last_owner_of_a_lock_frees_it)
{
	share_anyhow(by_lock);
	share_anyhow(by_trying_the_lock);
	share_anyhow(by_rwlock);
}

CHECK_CASE(who_saw_what_a_condition_told_of_frees_it_and_its_lock)
{
	share_anyhow(by_cond);
}

CHECK_CASE(who_got_the_last_permit_frees_the_semaphore)
{
	share_anyhow(by_sem);
	share_anyhow(by_trying_the_sem);
}

CHECK_CASE(who_waited_for_an_event_or_a_group_frees_it)
{
	share_anyhow(by_event);
	share_anyhow(by_group);
}

CHECK_MAIN()
