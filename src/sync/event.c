/*
 * event.c - events (include/weft/event.h).
 *
 * A wait looks at the flag inside the gate: whoever is let go may free the event, so
 * the setter must have left it by then.
 *
 * Must never: touch an event after the gate is left by a set.
 */
#include "weft/event.h"

#include "sync/gate.h"

void weft_event_init(struct weft_event *event, const char *name)
{
	*event = (struct weft_event){.name = name};
}

void weft_event_set(struct weft_event *event)
{
	struct weft__node *first;

	weft__gate_enter(&event->gate);
	__atomic_store_n(&event->is_set, 1, __ATOMIC_RELEASE);
	first = weft__waitlist_pop_all(&event->waiters);
	weft__gate_leave(&event->gate);
	weft__wake_all(first);
}

void weft_event_clear(struct weft_event *event)
{
	weft__gate_enter(&event->gate);
	__atomic_store_n(&event->is_set, 0, __ATOMIC_RELAXED);
	weft__gate_leave(&event->gate);
}

bool weft_event_is_set(const struct weft_event *event)
{
	return __atomic_load_n(&event->is_set, __ATOMIC_ACQUIRE);
}

int weft_event_wait(struct weft_event *event)
{
	int code = weft__sync_begin(weft__worker);
	struct weft__place self;
	bool is_set;

	if (code)
		return weft__sync_fail(code);
	weft__gate_enter(&event->gate);
	is_set = event->is_set;
	if (!is_set) {
		weft__place_init(&self, WEFT__WAIT_EVENT, event);
		weft__waitlist_push_back(&event->waiters, &self.node);
	}
	weft__gate_leave(&event->gate);
	if (!is_set)
		code = weft__node_wait(&event->gate, &event->waiters, &self.node);
	return code ? weft__sync_fail(code) : 0;
}
