/*
 * mix.h - the same work done at once by fibers of several workers and by plain threads.
 *
 *	mix_run(&(struct mix){.workers = 3, .fibers = 8, .threads = 2, .work = fn, .arg = x});
 *
 * work(arg, index) is run fibers + threads times, with index from 0; the threads have the
 * last ones. mix_run() returns when all have returned.
 *
 * Never: state of its own.
 */
#ifndef TESTS_SYNC_MIX_H
#define TESTS_SYNC_MIX_H

#include <pthread.h>

#include "base/prng.h"
#include "check.h"
#include "weft/fiber.h"
#include "weft/scope.h"

#define MIX_MAX 64

struct mix {
	unsigned workers, fibers, threads;
	void (*work)(void *arg, unsigned index);
	void *arg;
};

struct mix_actor {
	const struct mix *mix;
	unsigned index;
};

static inline int mix_fiber(void *arg)
{
	struct mix_actor *actor = arg;

	actor->mix->work(actor->mix->arg, actor->index);
	return 0;
}

static inline void *mix_thread(void *arg)
{
	mix_fiber(arg);
	return NULL;
}

static inline int mix_main(void *arg)
{
	const struct mix *mix = arg;
	struct mix_actor actors[MIX_MAX];
	weft_fiber_id fibers[MIX_MAX];
	pthread_t threads[MIX_MAX];

	for (unsigned i = 0; i < mix->fibers + mix->threads; i++) {
		actors[i] = (struct mix_actor){mix, i};
		if (i < mix->fibers) {
			const struct weft_spawn_options options = {.worker = 1 + i % mix->workers};

			CHECK((fibers[i] = weft_spawn_with(&options, mix_fiber, &actors[i])) != 0);
		} else {
			CHECK_INT(pthread_create(&threads[i], NULL, mix_thread, &actors[i]), ==, 0);
		}
	}
	CHECK_INT(weft_join_all(fibers, mix->fibers, NULL, WEFT_FOREVER), ==, mix->fibers);
	/* pthread_join() would hold the worker. */
	for (unsigned i = mix->fibers; i < mix->fibers + mix->threads; i++)
		while (pthread_tryjoin_np(threads[i], NULL) == EBUSY)
			weft_sleep(WEFT_MILLISECONDS(1));
	return 0;
}

static inline void mix_run(const struct mix *mix)
{
	const struct weft_run_options options = {.workers = mix->workers};

	CHECK(mix->fibers + mix->threads <= MIX_MAX);
	CHECK_INT(weft_run(&options, mix_main, (void *)(uintptr_t)mix), ==, 0);
}

/* Run fn as the first fiber on that many workers; it must return 0. */
static inline void run(unsigned workers, weft_fiber_fn *fn, void *arg)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = workers}, fn, arg), ==, 0);
}

/* Let the other fibers of this worker run until all of them wait. */
static inline void settle(void)
{
	for (int i = 0; i < 20; i++)
		weft_yield();
}

/* Now and then give way, or dawdle a little, so that all orders come up. */
static inline void jitter(struct prng *prng)
{
	switch (prng_below(prng, 8)) {
	case 0:
		weft_yield();
		break;
	case 1:
		weft_sleep(WEFT_MICROSECONDS(prng_below(prng, 50)));
		break;
	default:
		break;
	}
}

/* A timeout, short or none. */
static inline int64_t patience(struct prng *prng)
{
	return prng_below(prng, 2) ? WEFT_MICROSECONDS(prng_below(prng, 60)) : WEFT_FOREVER;
}

#endif
