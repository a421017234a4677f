/*
 * lock.c - locks (include/weft/lock.h).
 *
 * A released lock goes straight to the first waiter when that costs nothing: when it is a
 * fiber of the same worker. A waiter of another thread takes microseconds to wake, all of
 * which the lock would lie idle; so it is only offered the lock (woken, is_offered),
 * and others may own it meanwhile. If it wakes in vain it goes back to the front and
 * is owed the lock: the next release hands it over. At most one offer is under way.
 *
 *	        pop, wake                 is free: own it
 *	QUEUED ------------> OFFERED ---------------------> (done)
 *	  ^                     | is not: to the front, is_owed
 *	  +---------------------+
 *	  | pop by a release that hands over
 *	  +------------------> GRANTED: owned already when it wakes
 *
 * Must never: leave a lock free with waiters and no offer under way.
 */
#include "weft/lock.h"

#include <string.h>

#include "sync/gate.h"
#include "sync/order.h"

static void init(struct weft_lock *lock, bool is_recursive, const char *name)
{
	*lock = (struct weft_lock){.is_recursive = is_recursive, .name = name};
	if (weft__order_is_on)
		weft__order_forget(lock);
}

void weft_lock_init(struct weft_lock *lock, const char *name)
{
	init(lock, false, name);
}

void weft_lock_init_recursive(struct weft_lock *lock, const char *name)
{
	init(lock, true, name);
}

/* ---- Inside the gate ---------------------------------------------------------------- */

/* Others look at the owner without the gate (is_mine, diagnostics). */
static inline void own(struct weft_lock *lock, uint64_t caller, uint32_t depth)
{
	__atomic_store_n(&lock->owner, caller, __ATOMIC_RELAXED);
	lock->depth = depth;
}

static struct weft__lock_place *place_of(struct weft__node *node)
{
	return weft_container_of(node, struct weft__lock_place, place.node);
}

static void grant(struct weft_lock *lock, struct weft__lock_place *place)
{
	own(lock, place->caller, place->depth);
	place->is_granted = true;
}

static bool is_same_worker(const struct weft__waiter *waiter)
{
	return waiter->fiber && weft__worker &&
	       atomic_load_explicit(&waiter->fiber->worker, memory_order_relaxed) == weft__worker;
}

/* The owner has let go, and somebody waits. Returns whom to wake, or NULL. */
static struct weft__waiter *pass_on(struct weft_lock *lock)
{
	struct weft__lock_place *first = place_of(weft__waitlist_first(&lock->waiters));

	if (first->is_owed || is_same_worker(&first->place.waiter)) {
		grant(lock, first);
	} else {
		own(lock, 0, 0);
		if (lock->is_offered)
			return NULL;
		lock->is_offered = true;
	}
	weft__waitlist_remove(&lock->waiters, &first->place.node);
	return &first->place.waiter;
}

/* ---- Acquire ----------------------------------------------------------------------------- */

static void place_init(
	struct weft__lock_place *place, struct weft_lock *lock, uint64_t caller, uint32_t depth)
{
	*place = (struct weft__lock_place){.caller = caller, .depth = depth, .lock = lock};
	weft__place_init(&place->place, WEFT__WAIT_LOCK, lock);
}

/*
 * The place is off the list, and awake: it was granted the lock, or was offered it. False:
 * it must wait once more. With code it doesn't: somebody else owns the lock, who will look
 * for waiters when releasing it.
 */
static bool take_offer(struct weft_lock *lock, struct weft__lock_place *place, int code)
{
	if (place->is_granted)
		return true;
	lock->is_offered = false;
	if (!lock->owner) {
		grant(lock, place);
		return true;
	}
	if (!code) {
		place->is_owed = true;
		weft__waiter_init(&place->place.waiter, WEFT__WAIT_LOCK, lock);
		weft__waitlist_push_front(&lock->waiters, &place->place.node);
	}
	return false;
}

static int wait_for_lock(struct weft_lock *lock, struct weft__lock_place *place)
{
	bool is_mine = false;
	int code = 0;

	while (!is_mine && !code) {
		code = weft__node_wait(&lock->gate, &lock->waiters, &place->place.node);
		if (code)
			return code;
		code = weft__interrupt(weft__context_self());
		weft__gate_enter(&lock->gate);
		is_mine = take_offer(lock, place, code);
		weft__gate_leave(&lock->gate);
	}
	return is_mine ? 0 : code;
}

void weft__lock_settle(struct weft_lock *lock, struct weft__lock_place *place)
{
	bool is_mine = false;

	while (!is_mine) {
		weft__waiter_wait_for_sure(&place->place.waiter);
		weft__gate_enter(&lock->gate);
		is_mine = take_offer(lock, place, 0);
		weft__gate_leave(&lock->gate);
	}
}

/* Inside the gate: the lock is somebody's. 0: the caller's, once more; else why not. */
static int again(struct weft_lock *lock, uint64_t caller)
{
	if (lock->owner != caller)
		return EBUSY;
	if (!lock->is_recursive)
		return EDEADLK;
	if (lock->depth == WEFT_LOCK_DEPTH_MAX)
		return EAGAIN;
	lock->depth++;
	return 0;
}

/* Inside the gate, which is left. */
static __attribute__((noinline)) int acquire_inside(struct weft_lock *lock)
{
	uint64_t caller = weft__caller(weft__worker);
	struct weft__lock_place place;
	int code = 0;

	if (lock->owner)
		code = again(lock, caller);
	else
		own(lock, caller, 1);
	if (code == EBUSY) {
		place_init(&place, lock, caller, 1);
		weft__waitlist_push_back(&lock->waiters, &place.place.node);
	}
	weft__gate_leave(&lock->gate);
	if (code == EBUSY)
		code = wait_for_lock(lock, &place);
	return code ? weft__sync_fail(code) : 0;
}

/* In an order that is looked at. */
static int acquire_in_order(struct weft_lock *lock)
{
	int result;

	weft__order_acquiring(lock);
	weft__gate_enter(&lock->gate);
	result = acquire_inside(lock);
	if (result == 0)
		weft__order_acquired(lock);
	return result;
}

static __attribute__((noinline)) int acquire_slow(struct weft_lock *lock)
{
	int code = weft__sync_begin(weft__worker);

	if (code)
		return weft__sync_fail(code);
	if (weft__order_is_on)
		return acquire_in_order(lock);
	weft__gate_enter(&lock->gate);
	return acquire_inside(lock);
}

int weft_lock_acquire(struct weft_lock *lock)
{
	struct weft__worker *worker = weft__worker;

	if (WEFT__UNLIKELY(weft__order_is_on) || !weft__enter_quickly(&lock->gate, worker))
		return acquire_slow(lock);
	if (WEFT__UNLIKELY(lock->owner))
		return acquire_inside(lock);
	own(lock, weft__fiber_id(worker->current), 1);
	weft__gate_leave(&lock->gate);
	return 0;
}

int weft_lock_try_acquire(struct weft_lock *lock)
{
	uint64_t caller = weft__caller(weft__worker);
	int code = 0;

	weft__gate_enter(&lock->gate);
	if (lock->owner)
		code = again(lock, caller);
	else
		own(lock, caller, 1);
	weft__gate_leave(&lock->gate);
	/* What is only tried can't deadlock, but what is acquired while it is held can. */
	if (!code && weft__order_is_on)
		weft__order_acquired(lock);
	return code ? weft__sync_fail(code) : 0;
}

bool weft_lock_is_mine(const struct weft_lock *lock)
{
	return __atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == weft__caller(weft__worker);
}

/* ---- Release ----------------------------------------------------------------------------- */

/* Inside the gate, which is left. */
static __attribute__((noinline)) int release_inside(struct weft_lock *lock)
{
	bool is_mine = weft_lock_is_mine(lock);
	struct weft__waiter *waiter = NULL;

	if (is_mine && --lock->depth == 0) {
		if (lock->waiters.first)
			waiter = pass_on(lock);
		else
			own(lock, 0, 0);
	}
	weft__gate_leave(&lock->gate);
	if (waiter)
		weft__waiter_wake(waiter);
	return is_mine ? 0 : weft__sync_fail(EPERM);
}

static __attribute__((noinline)) int release_slow(struct weft_lock *lock)
{
	if (weft__order_is_on)
		weft__order_released(lock);
	weft__gate_enter(&lock->gate);
	return release_inside(lock);
}

int weft_lock_release(struct weft_lock *lock)
{
	struct weft__worker *worker = weft__worker;

	if (WEFT__UNLIKELY(weft__order_is_on || !worker || !weft__gate_try_enter(&lock->gate)))
		return release_slow(lock);
	if (WEFT__UNLIKELY(lock->owner != weft__fiber_id(worker->current) || lock->depth != 1 ||
			   lock->waiters.first))
		return release_inside(lock);
	own(lock, 0, 0);
	weft__gate_leave(&lock->gate);
	return 0;
}

uint32_t weft__lock_release_all(struct weft_lock *lock)
{
	uint32_t depth;

	weft__gate_enter(&lock->gate);
	depth = lock->depth;
	lock->depth = 1;
	weft__gate_leave(&lock->gate);
	weft_lock_release(lock);
	return depth;
}

void weft__lock_queue(struct weft_lock *lock, struct weft__lock_place *place)
{
	bool is_free;

	weft__gate_enter(&lock->gate);
	place->place.waiter.wait.kind = WEFT__WAIT_LOCK;
	place->place.waiter.wait.object = lock;
	is_free = !lock->owner;
	if (is_free)
		grant(lock, place);
	else
		weft__waitlist_push_back(&lock->waiters, &place->place.node);
	weft__gate_leave(&lock->gate);
	if (is_free)
		weft__waiter_wake(&place->place.waiter);
}
