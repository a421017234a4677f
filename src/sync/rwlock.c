/*
 * rwlock.c - read-write locks (include/weft/lock.h).
 *
 * Readers and writers take turns when both want it: a waiting writer holds up the readers
 * who come after it, and the end of a writing lets in all readers who wait by then, also
 * those behind other writers. What is released is handed over at once.
 *
 * Must never: let somebody wait whom the present state would let in.
 */
#include <stddef.h>

#include "sync/gate.h"
#include "weft/lock.h"

struct waiting {
	struct weft__place place;
	uint64_t caller;
	bool is_writer;
};

void weft_rwlock_init(struct weft_rwlock *lock, const char *name)
{
	*lock = (struct weft_rwlock){.name = name};
}

/* ---- Inside the gate -------------------------------------------------------------- */

static struct waiting *waiting_of(struct weft__node *node)
{
	return weft_container_of(node, struct waiting, place.node);
}

static void let_in(struct weft_rwlock *lock, struct waiting *waiting, struct weft__wakes *wakes)
{
	weft__waitlist_remove(&lock->waiters, &waiting->place.node);
	if (waiting->is_writer) {
		lock->writer = waiting->caller;
		lock->waiting_writers--;
	} else {
		lock->readers++;
	}
	weft__wakes_add(wakes, &waiting->place.node);
}

static void let_readers_in(struct weft_rwlock *lock, struct weft__wakes *wakes)
{
	struct weft__node *node = weft__waitlist_first(&lock->waiters);

	while (node && lock->readers < UINT32_MAX) {
		struct weft__node *next = node->next;

		if (!waiting_of(node)->is_writer)
			let_in(lock, waiting_of(node), wakes);
		node = next;
	}
}

static void let_writer_in(struct weft_rwlock *lock, struct weft__wakes *wakes)
{
	struct weft__node *node = weft__waitlist_first(&lock->waiters);

	while (node && !waiting_of(node)->is_writer)
		node = node->next;
	if (node)
		let_in(lock, waiting_of(node), wakes);
}

static int try_read(struct weft_rwlock *lock, uint64_t caller)
{
	if (lock->writer == caller)
		return EDEADLK;
	if (lock->writer || lock->waiting_writers)
		return EBUSY;
	if (lock->readers == UINT32_MAX)
		return EAGAIN;
	lock->readers++;
	return 0;
}

static int try_write(struct weft_rwlock *lock, uint64_t caller)
{
	if (lock->writer == caller)
		return EDEADLK;
	if (lock->writer || lock->readers)
		return EBUSY;
	lock->writer = caller;
	return 0;
}

static int try_either(struct weft_rwlock *lock, uint64_t caller, bool is_writer)
{
	return is_writer ? try_write(lock, caller) : try_read(lock, caller);
}

/* ---- Acquire --------------------------------------------------------------------------- */

/* A writer gave up: the readers whom only writers who wait held up may go in. */
static void writer_left(struct weft_rwlock *lock)
{
	struct weft__wakes wakes = {0};

	weft__gate_enter(&lock->gate);
	if (--lock->waiting_writers == 0 && !lock->writer)
		let_readers_in(lock, &wakes);
	weft__gate_leave(&lock->gate);
	weft__wake_all(wakes.first);
}

static int acquire(struct weft_rwlock *lock, bool is_writer)
{
	struct weft__worker *worker = weft__worker;
	int code = weft__sync_begin(worker);
	struct waiting self;

	if (code)
		return weft__sync_fail(code);
	self.caller = weft__caller(worker);
	self.is_writer = is_writer;
	weft__gate_enter(&lock->gate);
	code = try_either(lock, self.caller, is_writer);
	if (code == EBUSY) {
		weft__place_init(&self.place, WEFT__WAIT_RWLOCK, lock);
		weft__waitlist_push_back(&lock->waiters, &self.place.node);
		lock->waiting_writers += is_writer;
	}
	weft__gate_leave(&lock->gate);
	if (code == EBUSY) {
		code = weft__node_wait(&lock->gate, &lock->waiters, &self.place.node);
		if (code && is_writer)
			writer_left(lock);
	}
	return code ? weft__sync_fail(code) : 0;
}

static int try_acquire(struct weft_rwlock *lock, bool is_writer)
{
	uint64_t caller = weft__caller(weft__worker);
	int code;

	weft__gate_enter(&lock->gate);
	code = try_either(lock, caller, is_writer);
	weft__gate_leave(&lock->gate);
	return code ? weft__sync_fail(code) : 0;
}

int weft_rwlock_acquire_read(struct weft_rwlock *lock)
{
	return acquire(lock, false);
}

int weft_rwlock_acquire_write(struct weft_rwlock *lock)
{
	return acquire(lock, true);
}

int weft_rwlock_try_acquire_read(struct weft_rwlock *lock)
{
	return try_acquire(lock, false);
}

int weft_rwlock_try_acquire_write(struct weft_rwlock *lock)
{
	return try_acquire(lock, true);
}

/* ---- Release --------------------------------------------------------------------------- */

int weft_rwlock_release(struct weft_rwlock *lock)
{
	uint64_t caller = weft__caller(weft__worker);
	struct weft__wakes wakes = {0};
	int code = 0;

	weft__gate_enter(&lock->gate);
	if (lock->writer == caller) {
		lock->writer = 0;
		let_readers_in(lock, &wakes);
		if (!lock->readers)
			let_writer_in(lock, &wakes);
	} else if (lock->readers) {
		if (--lock->readers == 0)
			let_writer_in(lock, &wakes);
	} else {
		code = EPERM;
	}
	weft__gate_leave(&lock->gate);
	weft__wake_all(wakes.first);
	return code ? weft__sync_fail(code) : 0;
}
