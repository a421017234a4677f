/*
 * join.c - how a fiber ends, and who is told: join, join_all, detach.
 *
 * The LOCKED bit of the control word guards the list of joiners and the result; it is
 * held for a few instructions. Whoever finds the fiber ended and joins it frees its
 * record; those who waited at the end leave that to the end itself.
 *
 * Must never: wait while holding the bit.
 */
#include <sched.h>

#include "fiber/runtime.h"
#include "fiber/waiter.h"

struct weft__joiner {
	struct weft__joiner *next;
	struct weft__waiter waiter;
	int result;
};

/* Returns the control word as it is while we hold it, or 0 when the generation is over. */
static uint64_t lock(struct weft__fiber *fiber, uint32_t generation)
{
	uint64_t control = atomic_load(&fiber->control);

	for (;;) {
		if (weft__generation(control) != generation)
			return 0;
		if (control & WEFT__LOCKED) {
			sched_yield();
			control = atomic_load(&fiber->control);
		} else if (atomic_compare_exchange_weak(
				   &fiber->control, &control, control | WEFT__LOCKED)) {
			return control;
		}
	}
}

/* Unlock, and set further flags. */
static void unlock(struct weft__fiber *fiber, uint64_t flags)
{
	if (flags)
		atomic_fetch_or(&fiber->control, flags);
	atomic_fetch_and(&fiber->control, ~(uint64_t)WEFT__LOCKED);
}

void weft__conclude_slow(struct weft__worker *worker, struct weft__fiber *fiber)
{
	int result = fiber->result;
	struct weft__joiner *joiner;
	uint64_t control;

	control = lock(fiber, weft__generation(atomic_load(&fiber->control)));
	joiner = fiber->joiners;
	fiber->joiners = NULL;
	if (joiner || (control & WEFT__DETACHED))
		weft__fiber_release(worker, fiber); /* unlocks: a new generation */
	else
		unlock(fiber, WEFT__ENDED);
	while (joiner) {
		struct weft__joiner *next = joiner->next;

		joiner->result = result;
		weft__waiter_wake(&joiner->waiter);
		joiner = next;
	}
}

static int fail(int code)
{
	errno = code;
	return -1;
}

/* Take the joiner off again. False: the end has it already, and will wake it. */
static bool leave(struct weft__fiber *fiber, uint32_t generation, struct weft__joiner *joiner)
{
	uint64_t control = lock(fiber, generation);
	struct weft__joiner **place;

	if (!control)
		return false;
	for (place = &fiber->joiners; *place && *place != joiner; place = &(*place)->next)
		;
	if (!*place) {
		unlock(fiber, 0);
		return false;
	}
	*place = joiner->next;
	unlock(fiber, 0);
	return true;
}

static int wait_for_end(struct weft__fiber *fiber, uint32_t generation, struct weft__joiner *joiner)
{
	int code = weft__waiter_wait(&joiner->waiter);

	if (!code)
		return 0;
	if (leave(fiber, generation, joiner))
		return fail(code);
	weft__waiter_wait_for_sure(&joiner->waiter);
	return 0;
}

static int join(weft_fiber_id id, int *ret_result)
{
	struct weft__fiber *fiber = weft__fiber_of(id);
	struct weft__joiner self;
	uint64_t control;

	if (id && id == weft_self())
		return fail(EDEADLK);
	control = fiber ? lock(fiber, weft__generation(id)) : 0;
	if (!control)
		return fail(ESRCH);
	if (control & WEFT__DETACHED) {
		unlock(fiber, 0);
		return fail(ESRCH);
	}
	if (control & WEFT__ENDED) {
		self.result = fiber->result;
		weft__fiber_release(weft__worker, fiber); /* unlocks: a new generation */
	} else {
		weft__waiter_init(&self.waiter, WEFT__WAIT_JOIN, fiber);
		self.waiter.wait.number = weft__generation(id);
		self.next = fiber->joiners;
		fiber->joiners = &self;
		unlock(fiber, WEFT__JOINED);
		if (wait_for_end(fiber, weft__generation(id), &self) < 0)
			return -1;
	}
	if (ret_result)
		*ret_result = self.result;
	return 0;
}

int weft_join(weft_fiber_id id, int *ret_result, int64_t timeout_ns)
{
	int code = weft_interrupted();
	int result = -1;

	if (code)
		return fail(code);
	if (timeout_ns < 0)
		return join(id, ret_result);
	WEFT_WITH_TIMEOUT (timeout_ns)
		result = join(id, ret_result);
	return result;
}

static ssize_t join_each(const weft_fiber_id *ids, size_t count, int *ret_results)
{
	for (size_t i = 0; i < count; i++)
		if (weft_join(ids[i], ret_results ? &ret_results[i] : NULL, WEFT_FOREVER) < 0)
			return i > 0 ? (ssize_t)i : -1;
	return (ssize_t)count;
}

ssize_t weft_join_all(const weft_fiber_id *ids, size_t count, int *ret_results, int64_t timeout_ns)
{
	ssize_t joined = -1;

	WEFT_WITH_TIMEOUT (timeout_ns)
		joined = join_each(ids, count, ret_results);
	return joined;
}

int weft_detach(weft_fiber_id id)
{
	struct weft__fiber *fiber = weft__fiber_of(id);
	uint64_t control = fiber ? lock(fiber, weft__generation(id)) : 0;

	if (!control)
		return fail(ESRCH);
	if (control & WEFT__DETACHED) {
		unlock(fiber, 0);
		return fail(ESRCH);
	}
	if (control & WEFT__ENDED)
		weft__fiber_release(weft__worker, fiber);
	else
		unlock(fiber, WEFT__DETACHED);
	return 0;
}
