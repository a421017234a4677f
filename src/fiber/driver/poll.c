/*
 * poll.c - the driver over poll(2), level-triggered.
 *
 *	set:     [ wake_fd | fd 9 | fd 5 | fd 12 | ... ]	those in which somebody waits
 *	places:  by descriptor, where in set it is; 0: it isn't
 *
 * The kernel walks the whole set at every call, however few are ready.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "fiber/driver/readiness.h"
#include "fiber/worker.h"

struct poll {
	struct weft__readiness readiness;
	struct pollfd *set;
	uint32_t *generations; /* beside set */
	size_t count, capacity;
	uint32_t *places;
	size_t places_count;
};

static int grow_set(struct poll *poll)
{
	size_t capacity = poll->capacity ? poll->capacity * 2 : 64;
	struct pollfd *set = reallocarray(poll->set, capacity, sizeof *set);
	uint32_t *generations;

	if (!set)
		return ENOMEM;
	poll->set = set;
	generations = reallocarray(poll->generations, capacity, sizeof *generations);
	if (!generations)
		return ENOMEM;
	poll->generations = generations;
	poll->capacity = capacity;
	return 0;
}

static int grow_places(struct poll *poll, int fd)
{
	size_t count = poll->places_count ? poll->places_count : 64;
	uint32_t *places;

	while (count <= (size_t)fd)
		count *= 2;
	places = reallocarray(poll->places, count, sizeof *places);
	if (!places)
		return ENOMEM;
	for (size_t i = poll->places_count; i < count; i++)
		places[i] = 0;
	poll->places = places;
	poll->places_count = count;
	return 0;
}

/* The last one takes its place. */
static void take_out(struct poll *poll, int fd)
{
	uint32_t place = (size_t)fd < poll->places_count ? poll->places[fd] : 0;

	if (place == 0)
		return;
	poll->count--;
	poll->set[place] = poll->set[poll->count];
	poll->generations[place] = poll->generations[poll->count];
	poll->places[poll->set[place].fd] = place;
	poll->places[fd] = 0;
}

static int poll_interest(struct weft__readiness *readiness, struct weft__interest *interest)
{
	struct poll *poll = (struct poll *)readiness;
	int fd = interest->fd, code = 0;
	uint32_t place;

	if (!interest->after) {
		take_out(poll, fd);
		return 0;
	}
	if ((size_t)fd >= poll->places_count)
		code = grow_places(poll, fd);
	if (!code && poll->places[fd] == 0 && poll->count == poll->capacity)
		code = grow_set(poll);
	if (code)
		return code;
	place = poll->places[fd];
	if (place == 0)
		place = poll->places[fd] = (uint32_t)poll->count++;
	poll->set[place] = (struct pollfd){.fd = fd, .events = (short)interest->after};
	poll->generations[place] = interest->generation;
	return 0;
}

/* From the last to the first: one that is taken out is replaced by one that was looked at. */
static void poll_wait_for(struct weft__driver *driver, int64_t deadline_ns)
{
	struct poll *poll = (struct poll *)driver;
	int64_t ns = weft__readiness_timeout(driver, deadline_ns);
	struct timespec timeout = {ns / WEFT_SECONDS(1), ns % WEFT_SECONDS(1)};
	int count = ppoll(poll->set, poll->count, ns < 0 ? NULL : &timeout, NULL);

	for (size_t i = poll->count; count > 0 && i-- > 1;) {
		int events = poll->set[i].revents;

		if (!events)
			continue;
		count--;
		poll->set[i].revents = 0;
		weft__readiness_event(
			&poll->readiness, poll->set[i].fd, poll->generations[i], events);
	}
	if (poll->set[0].revents) {
		poll->set[0].revents = 0;
		weft__readiness_woken(&poll->readiness);
	}
}

static void poll_destroy(struct weft__driver *driver)
{
	struct poll *poll = (struct poll *)driver;

	weft__readiness_fini(&poll->readiness);
	free(poll->set);
	free(poll->generations);
	free(poll->places);
	free(poll);
}

static struct weft__driver *poll_create(struct weft__worker *worker)
{
	struct poll *poll = calloc(1, sizeof *poll);
	int saved;

	if (!poll)
		return NULL;
	if (weft__readiness_init(&poll->readiness, &weft__driver_poll, worker) < 0) {
		saved = errno;
		free(poll);
		errno = saved;
		return NULL;
	}
	poll->readiness.is_level = true;
	poll->readiness.interest = poll_interest;
	if (grow_set(poll) != 0) {
		poll_destroy(&poll->readiness.driver);
		errno = ENOMEM;
		return NULL;
	}
	poll->set[0] = (struct pollfd){.fd = poll->readiness.wake_fd, .events = POLLIN};
	poll->count = 1;
	return &poll->readiness.driver;
}

const struct weft__driver_ops weft__driver_poll = {
	.name = "poll",
	.create = poll_create,
	.destroy = poll_destroy,
	.now = weft__readiness_now,
	.now_coarse = weft__readiness_now_coarse,
	.wait = poll_wait_for,
	.wake = weft__readiness_wake,
	.is_idle = weft__readiness_is_idle,
	.perform = weft__readiness_perform,
	.forget = weft__readiness_forget,
	.watch = weft__readiness_watch,
	.unwatch = weft__readiness_unwatch,
};
