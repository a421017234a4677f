/*
 * test_sem.c - semaphores: permits are neither lost nor made up.
 * check: tsan aarch64 valgrind drivers
 */
#include "weft/sem.h"

#include "sync/mix.h"

static int facts(void *arg)
{
	struct weft_sem sem = WEFT_SEM_INIT(2);

	(void)arg;
	CHECK_INT(weft_sem_acquire(&sem), ==, 0);
	CHECK_INT(weft_sem_try_acquire(&sem), ==, 0);
	CHECK_ERRNO(weft_sem_try_acquire(&sem), EAGAIN);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_sem_acquire(&sem), ETIMEDOUT);
	CHECK_INT(weft_sem_release(&sem, 3), ==, 0);
	CHECK_INT(weft_sem_count(&sem), ==, 3);
	CHECK_ERRNO(weft_sem_release(&sem, WEFT_SEM_MAX), EOVERFLOW);
	CHECK_INT(weft_sem_release(&sem, 0), ==, 0);
	CHECK_INT(weft_sem_count(&sem), ==, 3);
	CHECK_ERRNO(weft_sem_init(&sem, UINT32_MAX, NULL), EINVAL);
	CHECK_INT(weft_sem_init(&sem, WEFT_SEM_MAX, "full"), ==, 0);
	CHECK_ERRNO(weft_sem_release(&sem, 1), EOVERFLOW);
	return 0;
}

CHECK_CASE(permits_are_counted_and_bounded)
{
	facts(NULL);
	run(1, facts, NULL);
}

struct taker {
	struct weft_sem *sem;
	int *order, *count, number;
};

static int take(void *arg)
{
	struct taker *self = arg;

	if (weft_sem_acquire(self->sem) < 0)
		return errno;
	self->order[(*self->count)++] = self->number;
	return 0;
}

static int release_many(void *arg)
{
	struct weft_sem sem = WEFT_SEM_INIT(0);
	struct taker takers[5];
	weft_fiber_id fibers[5];
	int order[5], count = 0;

	(void)arg;
	for (int i = 0; i < 5; i++) {
		takers[i] = (struct taker){&sem, order, &count, i};
		fibers[i] = weft_spawn(take, &takers[i]);
		weft_yield();
	}
	CHECK_INT(weft_sem_release(&sem, 3), ==, 0);
	CHECK_ERRNO(weft_sem_try_acquire(&sem), EAGAIN); /* they are the waiters' already */
	settle();
	CHECK_INT(count, ==, 3);
	CHECK_INT(weft_sem_release(&sem, 3), ==, 0);
	CHECK_INT(weft_sem_count(&sem), ==, 1);
	CHECK_INT(weft_join_all(fibers, 5, NULL, WEFT_FOREVER), ==, 5);
	for (int i = 0; i < 5; i++)
		CHECK_INT(order[i], ==, i);
	return 0;
}

CHECK_CASE(released_permits_go_to_those_who_waited_longest)
{
	run(1, release_many, NULL);
}

/* The deadline and the permit at one moment: the permit is taken, or it is still there. */
static int permit_and_deadline(void *arg)
{
	struct weft_sem sem = WEFT_SEM_INIT(0);
	int order[1], count = 0, result = -1;
	struct taker taker = {&sem, order, &count, 0};

	(void)arg;
	for (int i = 0; i < 100; i++) {
		weft_fiber_id fiber = weft_spawn(take, &taker);

		count = 0;
		weft_yield();
		CHECK_INT(weft_cancel(fiber), ==, 0);
		CHECK_INT(weft_sem_release(&sem, 1), ==, 0);
		CHECK_INT(weft_join(fiber, &result, WEFT_FOREVER), ==, 0);
		CHECK_INT(result, ==, count ? 0 : ECANCELED);
		CHECK_INT(weft_sem_count(&sem), ==, count ? 0 : 1);
		if (!count)
			CHECK_INT(weft_sem_acquire(&sem), ==, 0);
	}
	return 0;
}

CHECK_CASE(a_permit_given_to_a_fiber_cancelled_meanwhile_is_taken_or_still_there)
{
	run(1, permit_and_deadline, NULL);
}

struct pool {
	struct weft_sem sem;
	unsigned rounds;
	_Atomic int inside;
	_Atomic unsigned through, late;
};

enum { PERMITS = 3 };

static void pool_work(void *arg, unsigned index)
{
	struct pool *pool = arg;
	struct prng prng = {index};

	for (unsigned i = 0; i < pool->rounds; i++) {
		int result = -1;

		WEFT_WITH_TIMEOUT (patience(&prng))
			result = weft_sem_acquire(&pool->sem);
		if (result < 0) {
			CHECK_INT(errno, ==, ETIMEDOUT);
			pool->late++;
			continue;
		}
		CHECK_INT(++pool->inside, <=, PERMITS);
		jitter(&prng);
		--pool->inside;
		CHECK_INT(weft_sem_release(&pool->sem, 1), ==, 0);
		pool->through++;
	}
}

static void pool_run(unsigned workers, unsigned fibers, unsigned threads)
{
	struct pool pool = {.rounds = check_rounds(150), .sem = WEFT_SEM_INIT(PERMITS)};

	mix_run(&(struct mix){workers, fibers, threads, pool_work, &pool});
	CHECK_INT(pool.through + pool.late, ==, pool.rounds * (fibers + threads));
	CHECK_INT(weft_sem_count(&pool.sem), ==, PERMITS);
	CHECK(!pool.sem.waiters.first);
}

CHECK_CASE(permits_are_conserved_among_the_impatient)
{
	pool_run(1, 12, 0);
	pool_run(3, 12, 0);
	pool_run(1, 0, 6);
	pool_run(3, 9, 3);
}

CHECK_MAIN()
