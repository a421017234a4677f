/*
 * test_group.c - wait groups and barriers.
 * check: tsan aarch64 valgrind drivers
 */
#include "weft/group.h"

#include "sync/mix.h"

static int group_facts(void *arg)
{
	struct weft_group group = WEFT_GROUP_INIT;

	(void)arg;
	CHECK_INT(weft_group_wait(&group), ==, 0);
	CHECK_ERRNO(weft_group_done(&group), EINVAL);
	CHECK_INT(weft_group_add(&group, 2), ==, 0);
	CHECK_ERRNO(weft_group_add(&group, UINT32_MAX), EOVERFLOW);
	CHECK_INT(weft_group_done(&group), ==, 0);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_group_wait(&group), ETIMEDOUT);
	CHECK_INT(weft_group_done(&group), ==, 0);
	CHECK_INT(weft_group_wait(&group), ==, 0);
	weft_group_init(&group, "again");
	CHECK_ERRNO(weft_group_done(&group), EINVAL);
	return 0;
}

CHECK_CASE(a_group_counts_what_is_under_way)
{
	group_facts(NULL);
	run(1, group_facts, NULL);
}

struct party {
	struct weft_group group;
	struct weft_barrier barrier;
	unsigned rounds, parties;
	_Atomic unsigned arrived[1024], last;
	_Atomic unsigned done;
};

/* The first waits for the others; his stack is gone right after, so a late touch is seen. */
static void group_work(void *arg, unsigned index)
{
	struct party *party = arg;
	struct prng prng = {index};

	if (index == 0) {
		CHECK_INT(weft_group_wait(&party->group), ==, 0);
		CHECK_INT(party->done, ==, party->parties - 1);
		return;
	}
	jitter(&prng);
	party->done++;
	CHECK_INT(weft_group_done(&party->group), ==, 0);
}

CHECK_CASE(who_waits_goes_on_when_the_last_is_done)
{
	for (unsigned i = 0; i < check_rounds(20); i++) {
		struct party party = {.parties = 9};

		CHECK_INT(weft_group_add(&party.group, 8), ==, 0);
		mix_run(&(struct mix){2, 7, 2, group_work, &party});
	}
}

/* ---- Barrier --------------------------------------------------------------------------- */

static void barrier_work(void *arg, unsigned index)
{
	struct party *party = arg;
	struct prng prng = {index};

	for (unsigned i = 0; i < party->rounds; i++) {
		int result;

		jitter(&prng);
		party->arrived[i]++;
		result = weft_barrier_wait(&party->barrier);
		CHECK(result == 0 || result == 1);
		party->last += (unsigned)result;
		CHECK_INT(party->arrived[i], ==, party->parties);
	}
}

static void barrier_run(unsigned workers, unsigned fibers, unsigned threads)
{
	struct party party = {.rounds = 200, .parties = fibers + threads};

	CHECK_INT(weft_barrier_init(&party.barrier, party.parties, "party"), ==, 0);
	mix_run(&(struct mix){workers, fibers, threads, barrier_work, &party});
	CHECK_INT(party.last, ==, party.rounds);
}

CHECK_CASE(nobody_passes_a_barrier_before_all_have_come_and_one_is_the_last)
{
	barrier_run(1, 5, 0);
	barrier_run(3, 7, 0);
	barrier_run(1, 0, 3);
	barrier_run(2, 4, 2);
}

static int arrive(void *arg)
{
	int result = weft_barrier_wait(arg);

	return result < 0 ? errno : result;
}

static int barrier_facts(void *arg)
{
	struct weft_barrier barrier = WEFT_BARRIER_INIT(2);
	weft_fiber_id fiber;
	int result = -1;

	(void)arg;
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_barrier_wait(&barrier), ETIMEDOUT);
	fiber = weft_spawn(arrive, &barrier);
	weft_yield();
	/* Had the first counted, this one would have passed. */
	CHECK_INT(weft_cancel(fiber), ==, 0);
	CHECK_INT(weft_join(fiber, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, ECANCELED);
	fiber = weft_spawn(arrive, &barrier);
	weft_yield();
	CHECK_INT(weft_barrier_wait(&barrier), ==, 1);
	CHECK_INT(weft_join(fiber, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 0);
	CHECK_ERRNO(weft_barrier_init(&barrier, 0, NULL), EINVAL);
	CHECK_INT(weft_barrier_init(&barrier, 1, NULL), ==, 0);
	CHECK_INT(weft_barrier_wait(&barrier), ==, 1);
	return 0;
}

CHECK_CASE(who_gives_up_at_a_barrier_has_not_come)
{
	run(1, barrier_facts, NULL);
}

CHECK_MAIN()
