/*
 * test_lock.c - locks: who owns them, who gets them next, and giving up.
 * check: tsan aarch64 valgrind drivers
 */
#include "weft/lock.h"

#include "sync/mix.h"

/* ---- Alone ------------------------------------------------------------------------- */

static int misuse(void *arg)
{
	struct weft_lock lock = WEFT_LOCK_INIT;

	(void)arg;
	CHECK_ERRNO(weft_lock_release(&lock), EPERM);
	CHECK_INT(weft_lock_acquire(&lock), ==, 0);
	CHECK(weft_lock_is_mine(&lock));
	CHECK_ERRNO(weft_lock_acquire(&lock), EDEADLK);
	CHECK_ERRNO(weft_lock_try_acquire(&lock), EDEADLK);
	CHECK_INT(weft_lock_release(&lock), ==, 0);
	CHECK(!weft_lock_is_mine(&lock));
	CHECK_ERRNO(weft_lock_release(&lock), EPERM);
	return 0;
}

CHECK_CASE(misuse_is_a_defined_error_in_fibers_and_in_threads)
{
	misuse(NULL);
	run(1, misuse, NULL);
	run(2, misuse, NULL);
}

static int recursion(void *arg)
{
	struct weft_lock lock = WEFT_LOCK_RECURSIVE_INIT;

	(void)arg;
	for (int i = 0; i < 3; i++)
		CHECK_INT(weft_lock_acquire(&lock), ==, 0);
	CHECK_INT(weft_lock_try_acquire(&lock), ==, 0);
	for (int i = 0; i < 4; i++)
		CHECK_INT(weft_lock_release(&lock), ==, 0);
	CHECK_ERRNO(weft_lock_release(&lock), EPERM);
	weft_lock_init_recursive(&lock, "again");
	CHECK_INT(weft_lock_acquire(&lock), ==, 0);
	lock.depth = WEFT_LOCK_DEPTH_MAX;
	CHECK_ERRNO(weft_lock_acquire(&lock), EAGAIN);
	return 0;
}

CHECK_CASE(a_recursive_lock_is_released_as_often_as_it_was_acquired)
{
	recursion(NULL);
	run(1, recursion, NULL);
}

/* ---- Two fibers ---------------------------------------------------------------------- */

struct shared {
	struct weft_lock lock;
	int order[16], count;
};

static int others_lock(void *arg)
{
	struct shared *shared = arg;

	CHECK(!weft_lock_is_mine(&shared->lock));
	CHECK_ERRNO(weft_lock_try_acquire(&shared->lock), EBUSY);
	CHECK_ERRNO(weft_lock_release(&shared->lock), EPERM);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_lock_acquire(&shared->lock), ETIMEDOUT);
	WEFT_WITH_TIMEOUT (0)
		CHECK_ERRNO(weft_lock_acquire(&shared->lock), ETIMEDOUT);
	return 0;
}

static void *others_lock_thread(void *arg)
{
	others_lock(arg);
	return NULL;
}

static int own_and_look(void *arg)
{
	struct shared shared = {.lock = WEFT_LOCK_INIT};
	pthread_t thread;

	(void)arg;
	CHECK_INT(weft_lock_acquire(&shared.lock), ==, 0);
	CHECK_INT(weft_join(weft_spawn(others_lock, &shared), NULL, WEFT_FOREVER), ==, 0);
	CHECK_INT(pthread_create(&thread, NULL, others_lock_thread, &shared), ==, 0);
	CHECK_INT(pthread_join(thread, NULL), ==, 0);
	CHECK_INT(weft_lock_release(&shared.lock), ==, 0);
	return 0;
}

CHECK_CASE(only_the_owner_may_release_and_the_others_wait_until_their_deadline)
{
	run(1, own_and_look, NULL);
	run(2, own_and_look, NULL);
}

struct numbered {
	struct shared *shared;
	int number;
};

static int take_a_number(void *arg)
{
	struct numbered *self = arg;
	struct shared *shared = self->shared;

	if (weft_lock_acquire(&shared->lock) < 0)
		return errno;
	shared->order[shared->count++] = self->number;
	weft_yield();
	CHECK_INT(weft_lock_release(&shared->lock), ==, 0);
	return 0;
}

static int first_come(void *arg)
{
	struct shared shared = {.lock = WEFT_LOCK_INIT};
	struct numbered numbered[8];
	weft_fiber_id fibers[8];
	int results[8];

	(void)arg;
	CHECK_INT(weft_lock_acquire(&shared.lock), ==, 0);
	for (int i = 0; i < 8; i++) {
		numbered[i] = (struct numbered){&shared, i};
		fibers[i] = weft_spawn(take_a_number, &numbered[i]);
		weft_yield();
	}
	CHECK_INT(weft_cancel(fibers[0]), ==, 0);
	CHECK_INT(weft_cancel(fibers[4]), ==, 0);
	CHECK_INT(weft_cancel(fibers[7]), ==, 0);
	weft_sleep(WEFT_MILLISECONDS(1)); /* they learn of it */
	CHECK_INT(weft_lock_release(&shared.lock), ==, 0);
	/* Released is not taken again before those who waited. */
	CHECK_ERRNO(weft_lock_try_acquire(&shared.lock), EBUSY);
	CHECK_INT(weft_join_all(fibers, 8, results, WEFT_FOREVER), ==, 8);
	CHECK_INT(results[0], ==, ECANCELED);
	CHECK_INT(results[4], ==, ECANCELED);
	CHECK_INT(results[7], ==, ECANCELED);
	CHECK_INT(shared.count, ==, 5);
	for (int i = 1; i < 5; i++)
		CHECK_INT(shared.order[i], >, shared.order[i - 1]);
	CHECK_INT(weft_lock_try_acquire(&shared.lock), ==, 0);
	return 0;
}

CHECK_CASE(fibers_of_a_worker_get_it_in_the_order_of_asking_and_cancelling_leaves_no_gap)
{
	run(1, first_come, NULL);
}

/* ---- Greed ------------------------------------------------------------------------- */

struct greed {
	struct weft_lock lock;
	_Atomic bool is_served;
	int rounds;
};

static void *want_once(void *arg)
{
	struct greed *greed = arg;

	CHECK_INT(weft_lock_acquire(&greed->lock), ==, 0);
	greed->is_served = true;
	CHECK_INT(weft_lock_release(&greed->lock), ==, 0);
	return NULL;
}

/* The lock is free for some nanoseconds in each millisecond: who wakes finds it taken. */
static int hold_all_the_time(void *arg)
{
	struct greed greed = {.lock = WEFT_LOCK_INIT};
	pthread_t thread;

	(void)arg;
	CHECK_INT(weft_lock_acquire(&greed.lock), ==, 0);
	CHECK_INT(pthread_create(&thread, NULL, want_once, &greed), ==, 0);
	while (!greed.is_served) {
		weft_sleep(WEFT_MILLISECONDS(1));
		CHECK_INT(weft_lock_release(&greed.lock), ==, 0);
		CHECK_INT(weft_lock_acquire(&greed.lock), ==, 0);
		CHECK_INT(++greed.rounds, <, 50000); /* as long as nobody's turn takes */
	}
	CHECK_INT(weft_lock_release(&greed.lock), ==, 0);
	CHECK_INT(pthread_join(thread, NULL), ==, 0);
	return 0;
}

CHECK_CASE(a_thread_gets_the_lock_from_a_fiber_that_takes_it_again_at_once)
{
	run(1, hold_all_the_time, NULL);
}

/* ---- Many ---------------------------------------------------------------------------- */

struct crowd {
	struct weft_lock lock;
	unsigned rounds;
	bool with_timeouts;
	int inside;    /* guarded by the lock */
	uint64_t done; /* the same */
	_Atomic uint64_t acquired, given_up;
};

static void crowd_work(void *arg, unsigned index)
{
	struct crowd *crowd = arg;
	struct prng prng = {index};

	for (unsigned i = 0; i < crowd->rounds; i++) {
		int64_t timeout = WEFT_MICROSECONDS(prng_below(&prng, 100));
		int result = -1;

		WEFT_WITH_TIMEOUT (crowd->with_timeouts ? timeout : WEFT_FOREVER)
			result = weft_lock_acquire(&crowd->lock);
		if (result < 0) {
			CHECK_INT(errno, ==, ETIMEDOUT);
			CHECK(!weft_lock_is_mine(&crowd->lock));
			crowd->given_up++;
			continue;
		}
		CHECK_INT(++crowd->inside, ==, 1);
		crowd->done++;
		jitter(&prng);
		CHECK_INT(--crowd->inside, ==, 0);
		CHECK_INT(weft_lock_release(&crowd->lock), ==, 0);
		crowd->acquired++;
		jitter(&prng);
	}
}

static void crowd_run(unsigned workers, unsigned fibers, unsigned threads, bool with_timeouts)
{
	struct crowd crowd = {
		.rounds = check_rounds(150),
		.with_timeouts = with_timeouts,
	};

	weft_lock_init(&crowd.lock, "crowd");
	mix_run(&(struct mix){workers, fibers, threads, crowd_work, &crowd});
	CHECK_INT(crowd.done, ==, crowd.acquired);
	CHECK_INT(crowd.acquired + crowd.given_up, ==, (fibers + threads) * crowd.rounds);
	if (!with_timeouts)
		CHECK_INT(crowd.given_up, ==, 0);
	CHECK(!crowd.lock.waiters.first && !crowd.lock.owner && !crowd.lock.is_offered);
}

CHECK_CASE(one_at_a_time_is_inside_and_everybody_gets_through)
{
	crowd_run(1, 12, 0, false);
	crowd_run(3, 12, 0, false);
	crowd_run(1, 0, 4, false);
	crowd_run(3, 9, 3, false);
}

CHECK_CASE(whoever_gives_up_leaves_the_lock_to_the_others)
{
	crowd_run(1, 12, 0, true);
	crowd_run(3, 9, 3, true);
}

static int acquire_till_cancelled(void *arg)
{
	struct crowd *crowd = arg;

	while (weft_lock_acquire(&crowd->lock) == 0) {
		CHECK_INT(++crowd->inside, ==, 1);
		WEFT_SHIELDED
			weft_yield();
		CHECK_INT(--crowd->inside, ==, 0);
		CHECK_INT(weft_lock_release(&crowd->lock), ==, 0);
	}
	CHECK_INT(errno, ==, ECANCELED);
	return 0;
}

static int cancel_each(void *arg)
{
	struct crowd crowd = {.rounds = 0};
	weft_fiber_id fibers[24];

	(void)arg;
	for (int i = 0; i < 24; i++)
		fibers[i] = weft_spawn(acquire_till_cancelled, &crowd);
	for (int i = 0; i < 24; i++) {
		weft_sleep(WEFT_MICROSECONDS(200));
		CHECK_INT(weft_cancel(fibers[i]), ==, 0);
	}
	CHECK_INT(weft_join_all(fibers, 24, NULL, WEFT_FOREVER), ==, 24);
	CHECK_INT(weft_lock_try_acquire(&crowd.lock), ==, 0);
	return 0;
}

CHECK_CASE(cancelling_one_after_the_other_never_strands_the_rest)
{
	for (unsigned i = 0; i < check_rounds(3); i++) {
		run(1, cancel_each, NULL);
		run(3, cancel_each, NULL);
	}
}

CHECK_MAIN()
