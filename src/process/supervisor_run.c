/*
 * supervisor_run.c - running a supervisor: one turn after the other, and sleep in between.
 *
 *	turn:  take what the set tells (ends, output, notes, wishes) --> step each ward --> sleep
 *
 * The mutex is held in a turn, but while a process is being started; never while asleep.
 */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "fiber/driver/driver.h"
#include "process/process.h"
#include "process/supervisor.h"
#include "weft/fiber.h"
#include "weft/scope.h"

/** Events that are taken before the clock is looked at. */
#define EVENTS_PER_TURN 64

static void take_event(struct weft_supervisor *supervisor, const struct weft__actor_source *source)
{
	uint64_t ignored;

	if (!source) {
		ssize_t len = read(supervisor->wake_fd, &ignored, sizeof ignored);

		(void)len;
	} else if (source->kind == WEFT__ACTOR_OUTPUT) {
		weft__actor_read_output(source->actor);
	} else if (source->kind == WEFT__ACTOR_NOTE) {
		weft__actor_read_note(source->actor);
	} else {
		weft__ward_on_end(source->actor->ward, source->actor);
	}
}

/* One by one: what comes of an event may be that the next is of nobody any more. */
static void take_events(struct weft_supervisor *supervisor)
{
	struct epoll_event event;

	for (int i = 0; i < EVENTS_PER_TURN; i++) {
		if (epoll_wait(supervisor->epoll_fd, &event, 1, 0) < 1)
			return;
		take_event(supervisor, event.data.ptr);
	}
}

/* What a ward does may be what another has waited for. */
static void step_all(struct weft_supervisor *supervisor)
{
	weft_list_each (node, &supervisor->wards)
		weft__ward_step(weft_container_of(node, struct weft__ward, node));
}

static void remove_leaving(struct weft_supervisor *supervisor)
{
	weft_list_each_safe (node, &supervisor->wards) {
		struct weft__ward *ward = weft_container_of(node, struct weft__ward, node);

		if (ward->is_leaving && !weft__ward_has_actors(ward))
			weft__ward_remove(ward);
	}
}

struct outlook {
	int64_t due_ns;
	bool has_actors, can_go_on;
};

static struct outlook look_out(struct weft_supervisor *supervisor)
{
	struct outlook outlook = {.due_ns = INT64_MAX};

	weft_list_each (node, &supervisor->wards) {
		struct weft__ward *ward = weft_container_of(node, struct weft__ward, node);
		int64_t due_ns = weft__ward_due_ns(ward);

		if (due_ns < outlook.due_ns)
			outlook.due_ns = due_ns;
		outlook.has_actors = outlook.has_actors || weft__ward_has_actors(ward);
		outlook.can_go_on = outlook.can_go_on || ward->replacement ||
				    ward->state == WEFT_SUPERVISOR_BACKING_OFF;
	}
	return outlook;
}

/* False: it is over. */
static bool turn(struct weft_supervisor *supervisor, int64_t *ret_due_ns)
{
	struct outlook outlook;

	pthread_mutex_lock(&supervisor->mutex);
	take_events(supervisor);
	step_all(supervisor);
	step_all(supervisor); /* who was waited for may stand behind who waits */
	remove_leaving(supervisor);
	outlook = look_out(supervisor);
	supervisor->is_over =
		!outlook.has_actors && (atomic_load(&supervisor->is_stopping) ||
					       (!outlook.can_go_on && !supervisor->stays));
	if (supervisor->is_over)
		weft__wait_list_wake_all(&supervisor->changed);
	pthread_mutex_unlock(&supervisor->mutex);
	*ret_due_ns = outlook.due_ns;
	return !supervisor->is_over;
}

static int64_t left_until(const struct weft_supervisor *supervisor, int64_t due_ns)
{
	int64_t left_ns;

	if (due_ns == INT64_MAX)
		return WEFT_FOREVER;
	left_ns = due_ns - supervisor->now();
	return left_ns > 0 ? left_ns : 0;
}

static void wait_until(struct weft_supervisor *supervisor, int64_t due_ns)
{
	struct weft__op op = {.kind = WEFT__OP_POLL, .fd = supervisor->epoll_fd, .flags = POLLIN};
	struct weft_timeout timeout;

	weft_timeout_begin(&timeout, left_until(supervisor, due_ns));
	weft__perform(&op);
	weft_timeout_end(&timeout);
}

/* Whether some were never started, or not again. */
static bool has_failed(struct weft_supervisor *supervisor)
{
	bool has_failed = false;

	pthread_mutex_lock(&supervisor->mutex); /* others may remove them now */
	weft_list_each (node, &supervisor->wards) {
		struct weft__ward *ward = weft_container_of(node, struct weft__ward, node);

		if (ward->state == WEFT_SUPERVISOR_GIVEN_UP || ward->starts == 0)
			has_failed = true;
	}
	pthread_mutex_unlock(&supervisor->mutex);
	return has_failed;
}

/* Only the caller's own interruption lets it end sooner: that is a stop, and the rest is shielded.
 */
static int run(struct weft_supervisor *supervisor)
{
	int interrupted = 0;
	bool goes_on = true;

	while (goes_on) {
		int64_t due_ns = 0;

		WEFT_SHIELDED {
			goes_on = turn(supervisor, &due_ns);
			if (goes_on && interrupted)
				wait_until(supervisor, due_ns);
		}
		if (!goes_on || interrupted)
			continue;
		wait_until(supervisor, due_ns);
		interrupted = weft_interrupted();
		if (interrupted)
			atomic_store(&supervisor->is_stopping, true);
	}
	if (interrupted)
		return interrupted;
	if (supervisor->has_failed)
		return ECHILD;
	return !atomic_load(&supervisor->is_stopping) && has_failed(supervisor) ? ECHILD : 0;
}

int weft_supervisor_run(struct weft_supervisor *supervisor)
{
	bool is_first;
	int code;

	pthread_mutex_lock(&supervisor->mutex);
	is_first = !supervisor->has_run;
	supervisor->has_run = true;
	pthread_mutex_unlock(&supervisor->mutex);
	code = is_first ? run(supervisor) : EINVAL;
	return code ? weft__process_fail(code) : 0;
}
