/*
 * group.c - wait groups and barriers (include/weft/group.h).
 *
 * Must never: touch a group after its gate is left by the last done(); who waited may
 * have freed it.
 */
#include "weft/group.h"

#include "sync/gate.h"

/* ---- Wait group ------------------------------------------------------------------- */

void weft_group_init(struct weft_group *group, const char *name)
{
	*group = (struct weft_group){.name = name};
}

int weft_group_add(struct weft_group *group, uint32_t count)
{
	bool fits;

	weft__gate_enter(&group->gate);
	fits = count <= UINT32_MAX - group->count;
	if (fits)
		group->count += count;
	weft__gate_leave(&group->gate);
	return fits ? 0 : weft__sync_fail(EOVERFLOW);
}

int weft_group_done(struct weft_group *group)
{
	struct weft__node *first = NULL;
	bool was_any;

	weft__gate_enter(&group->gate);
	was_any = group->count > 0;
	if (was_any && --group->count == 0)
		first = weft__waitlist_pop_all(&group->waiters);
	weft__gate_leave(&group->gate);
	weft__wake_all(first);
	return was_any ? 0 : weft__sync_fail(EINVAL);
}

int weft_group_wait(struct weft_group *group)
{
	int code = weft__sync_begin(weft__worker);
	struct weft__place self;
	bool is_busy;

	if (code)
		return weft__sync_fail(code);
	weft__gate_enter(&group->gate);
	is_busy = group->count > 0;
	if (is_busy) {
		weft__place_init(&self, WEFT__WAIT_GROUP, group);
		weft__waitlist_push_back(&group->waiters, &self.node);
	}
	weft__gate_leave(&group->gate);
	if (is_busy)
		code = weft__node_wait(&group->gate, &group->waiters, &self.node);
	return code ? weft__sync_fail(code) : 0;
}

/* ---- Barrier -------------------------------------------------------------------------- */

int weft_barrier_init(struct weft_barrier *barrier, uint32_t parties, const char *name)
{
	if (parties == 0)
		return weft__sync_fail(EINVAL);
	*barrier = (struct weft_barrier){.parties = parties, .name = name};
	return 0;
}

/* Withdraw, unless the last has come meanwhile. Returns the errno of the wait, or 0. */
static int wait_for_others(struct weft_barrier *barrier, struct weft__place *self)
{
	int code = weft__waiter_wait(&self->waiter);
	bool is_off;

	if (!code)
		return 0;
	weft__gate_enter(&barrier->gate);
	is_off = self->node.is_queued;
	if (is_off) {
		weft__waitlist_remove(&barrier->waiters, &self->node);
		barrier->arrived--; /* in the same step: nobody may count us */
	}
	weft__gate_leave(&barrier->gate);
	if (is_off)
		return code;
	weft__waiter_wait_for_sure(&self->waiter);
	return 0;
}

int weft_barrier_wait(struct weft_barrier *barrier)
{
	int code = weft__sync_begin(weft__worker);
	struct weft__node *first = NULL;
	struct weft__place self;
	bool is_last;

	if (code)
		return weft__sync_fail(code);
	weft__gate_enter(&barrier->gate);
	is_last = ++barrier->arrived >= barrier->parties;
	if (is_last) {
		barrier->arrived = 0;
		first = weft__waitlist_pop_all(&barrier->waiters);
	} else {
		weft__place_init(&self, WEFT__WAIT_BARRIER, barrier);
		weft__waitlist_push_back(&barrier->waiters, &self.node);
	}
	weft__gate_leave(&barrier->gate);
	weft__wake_all(first);
	if (is_last)
		return 1;
	code = wait_for_others(barrier, &self);
	return code ? weft__sync_fail(code) : 0;
}
