/*
 * once.c - a step that is done once (include/weft/event.h).
 *
 * After a failure the turn is handed to the first waiter, who calls fn himself; after
 * success all waiters go on.
 *
 * Must never: call fn inside the gate.
 */
#include "sync/gate.h"
#include "weft/event.h"

enum state {
	STATE_NEW,
	STATE_RUNNING,
	STATE_DONE,
};

struct waiting {
	struct weft__place place;
	uint64_t caller;
	bool has_turn;
};

static struct waiting *waiting_of(struct weft__node *node)
{
	return weft_container_of(node, struct waiting, place.node);
}

/* Others look at it without the gate. */
static void set_state(struct weft_once *once, enum state state)
{
	__atomic_store_n(&once->state, state, __ATOMIC_RELEASE);
}

static void finish(struct weft_once *once, bool is_done)
{
	struct weft__node *wake;

	weft__gate_enter(&once->gate);
	once->runner = 0;
	if (is_done) {
		wake = weft__waitlist_pop_all(&once->waiters);
		set_state(once, STATE_DONE);
	} else {
		wake = weft__waitlist_pop(&once->waiters);
		if (wake) {
			wake->next = NULL;
			waiting_of(wake)->has_turn = true;
			once->runner = waiting_of(wake)->caller;
		} else {
			set_state(once, STATE_NEW);
		}
	}
	weft__gate_leave(&once->gate);
	weft__wake_all(wake);
}

/* 0: it was done by somebody else, or self->has_turn. Else an errno. */
static int wait_for_turn(struct weft_once *once, struct waiting *self)
{
	int code = weft_interrupted();
	bool is_queued = false;

	weft__gate_enter(&once->gate);
	if (once->state == STATE_NEW) {
		set_state(once, STATE_RUNNING);
		once->runner = self->caller;
		self->has_turn = true;
		code = 0;
	} else if (once->state == STATE_DONE) {
		code = 0;
	} else if (once->runner == self->caller) {
		code = EDEADLK;
	} else if (!code) {
		weft__place_init(&self->place, WEFT__WAIT_ONCE, once);
		weft__waitlist_push_back(&once->waiters, &self->place.node);
		is_queued = true;
	}
	weft__gate_leave(&once->gate);
	return is_queued ? weft__node_wait(&once->gate, &once->waiters, &self->place.node) : code;
}

int weft_once_do(struct weft_once *once, int (*fn)(void *arg), void *arg)
{
	struct waiting self = {.has_turn = false};
	int code, saved;

	if (__atomic_load_n(&once->state, __ATOMIC_ACQUIRE) == STATE_DONE)
		return 0;
	self.caller = weft__caller(weft__worker);
	code = wait_for_turn(once, &self);
	if (code)
		return weft__sync_fail(code);
	if (!self.has_turn)
		return 0;
	code = fn(arg);
	saved = errno;
	finish(once, code == 0);
	errno = saved;
	return code == 0 ? 0 : -1;
}
