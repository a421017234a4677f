/*
 * test_cond.c - conditions: signals that are not lost, and locks that are held afterwards.
 * check: tsan aarch64 valgrind drivers
 */
#include "sync/mix.h"
#include "weft/lock.h"

struct desk {
	struct weft_lock lock;
	struct weft_cond cond;
	int tokens, woken, result;
};

static int wait_for_token(void *arg)
{
	struct desk *desk = arg;
	int result = 0;

	CHECK_INT(weft_lock_acquire(&desk->lock), ==, 0);
	while (result == 0 && desk->tokens == 0)
		result = weft_cond_wait(&desk->cond, &desk->lock) < 0 ? errno : 0;
	CHECK(weft_lock_is_mine(&desk->lock));
	if (!result)
		desk->tokens--;
	desk->woken++;
	CHECK_INT(weft_lock_release(&desk->lock), ==, 0);
	return result;
}

static void give(struct desk *desk, int count, void (*tell)(struct weft_cond *cond))
{
	CHECK_INT(weft_lock_acquire(&desk->lock), ==, 0);
	desk->tokens += count;
	tell(&desk->cond);
	CHECK_INT(weft_lock_release(&desk->lock), ==, 0);
}

static int signal_and_broadcast(void *arg)
{
	struct desk desk = {.lock = WEFT_LOCK_INIT, .cond = WEFT_COND_INIT};
	weft_fiber_id fibers[6];

	(void)arg;
	for (int i = 0; i < 6; i++)
		fibers[i] = weft_spawn(wait_for_token, &desk);
	weft_sleep(WEFT_MILLISECONDS(1));
	give(&desk, 1, weft_cond_signal);
	while (desk.woken < 1)
		weft_sleep(WEFT_MICROSECONDS(50));
	CHECK_INT(desk.woken, ==, 1);
	give(&desk, 5, weft_cond_broadcast);
	CHECK_INT(weft_join_all(fibers, 6, NULL, WEFT_FOREVER), ==, 6);
	CHECK_INT(desk.tokens, ==, 0);
	weft_cond_signal(&desk.cond); /* nobody waits: nothing is kept */
	weft_cond_broadcast(&desk.cond);
	return 0;
}

CHECK_CASE(a_signal_lets_one_go_on_and_a_broadcast_all)
{
	run(1, signal_and_broadcast, NULL);
}

static int without_lock(void *arg)
{
	struct desk desk = {.lock = WEFT_LOCK_INIT, .cond = WEFT_COND_INIT};

	(void)arg;
	CHECK_ERRNO(weft_cond_wait(&desk.cond, &desk.lock), EPERM);
	CHECK_INT(weft_lock_acquire(&desk.lock), ==, 0);
	WEFT_WITH_TIMEOUT (0)
		CHECK_ERRNO(weft_cond_wait(&desk.cond, &desk.lock), ETIMEDOUT);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(2))
		CHECK_ERRNO(weft_cond_wait(&desk.cond, &desk.lock), ETIMEDOUT);
	CHECK_INT(weft_lock_release(&desk.lock), ==, 0);
	return 0;
}

CHECK_CASE(waiting_needs_the_lock_and_a_late_wait_still_holds_it)
{
	without_lock(NULL);
	run(1, without_lock, NULL);
}

static int three_times(void *arg)
{
	struct desk *desk = arg;

	for (int i = 0; i < 3; i++)
		CHECK_INT(weft_lock_acquire(&desk->lock), ==, 0);
	desk->result = weft_cond_wait(&desk->cond, &desk->lock);
	for (int i = 0; i < 3; i++)
		CHECK_INT(weft_lock_release(&desk->lock), ==, 0);
	CHECK(!weft_lock_is_mine(&desk->lock));
	return 0;
}

static int recursive_wait(void *arg)
{
	struct desk desk = {.lock = WEFT_LOCK_RECURSIVE_INIT, .cond = WEFT_COND_INIT};
	weft_fiber_id fiber = weft_spawn(three_times, &desk);

	(void)arg;
	weft_yield();
	give(&desk, 0, weft_cond_signal);
	CHECK_INT(weft_join(fiber, NULL, WEFT_FOREVER), ==, 0);
	CHECK_INT(desk.result, ==, 0);
	return 0;
}

CHECK_CASE(a_wait_gives_up_all_of_a_recursive_lock_and_gets_all_of_it_back)
{
	run(1, recursive_wait, NULL);
}

/* Signalled first, cancelled after, while the lock is still the signaller's. */
static int signal_then_cancel(void *arg)
{
	struct desk desk = {.lock = WEFT_LOCK_INIT, .cond = WEFT_COND_INIT};
	weft_fiber_id first = weft_spawn(wait_for_token, &desk);
	weft_fiber_id second = weft_spawn(wait_for_token, &desk);
	int result = -1;

	(void)arg;
	settle();
	CHECK_INT(weft_lock_acquire(&desk.lock), ==, 0);
	desk.tokens = 1;
	weft_cond_signal(&desk.cond);
	CHECK_INT(weft_cancel(first), ==, 0);
	weft_sleep(WEFT_MILLISECONDS(1));
	CHECK_INT(weft_lock_release(&desk.lock), ==, 0);
	CHECK_INT(weft_join(first, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, 0);
	CHECK_INT(weft_cancel(second), ==, 0);
	CHECK_INT(weft_join(second, &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, ECANCELED);
	CHECK_INT(desk.tokens, ==, 0);
	return 0;
}

CHECK_CASE(who_was_signalled_takes_what_is_there_though_it_was_cancelled_meanwhile)
{
	run(1, signal_then_cancel, NULL);
}

/* ---- Many -------------------------------------------------------------------------- */

/* A queue of one place by a lock and two conditions: each item arrives once. */
struct box {
	struct weft_lock lock;
	struct weft_cond filled, emptied;
	bool is_full;
	uint64_t put, taken;
	unsigned rounds;
	_Atomic unsigned senders_left;
};

/* Wait for a signal, sometimes with little patience. */
static void wait_some(struct weft_cond *cond, struct box *box, struct prng *prng)
{
	WEFT_WITH_TIMEOUT (patience(prng))
		if (weft_cond_wait(cond, &box->lock) < 0)
			CHECK_INT(errno, ==, ETIMEDOUT);
	CHECK(weft_lock_is_mine(&box->lock));
}

static void box_work(void *arg, unsigned index)
{
	struct box *box = arg;
	struct prng prng = {index};
	bool is_sender = index % 2;

	for (unsigned i = 0; i < box->rounds; i++) {
		CHECK_INT(weft_lock_acquire(&box->lock), ==, 0);
		while (box->is_full == is_sender)
			wait_some(is_sender ? &box->emptied : &box->filled, box, &prng);
		box->is_full = is_sender;
		*(is_sender ? &box->put : &box->taken) += 1;
		weft_cond_signal(is_sender ? &box->filled : &box->emptied);
		CHECK_INT(weft_lock_release(&box->lock), ==, 0);
		jitter(&prng);
	}
}

static void box_run(unsigned workers, unsigned fibers, unsigned threads)
{
	struct box box = {.rounds = check_rounds(100)};

	weft_lock_init(&box.lock, "box");
	weft_cond_init(&box.filled, "filled");
	weft_cond_init(&box.emptied, "emptied");
	mix_run(&(struct mix){workers, fibers, threads, box_work, &box});
	CHECK_INT(box.put, ==, box.rounds * (fibers + threads) / 2);
	CHECK_INT(box.taken, ==, box.put);
	CHECK(!box.filled.waiters.first && !box.emptied.waiters.first && !box.lock.owner);
}

CHECK_CASE(with_little_patience_no_signal_is_lost)
{
	box_run(1, 8, 0);
	box_run(3, 8, 0);
	box_run(1, 0, 4);
	box_run(3, 8, 4);
}

CHECK_MAIN()
