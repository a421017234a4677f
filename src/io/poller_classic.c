/*
 * poller_classic.c - pollers over select(2) and poll(2), which are handed all descriptors at
 * every wait.
 *
 * Must never: put a descriptor of FD_SETSIZE or above into a set.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/select.h>
#include <time.h>

#include "fiber/doze.h"
#include "io/poller.h"

static int begin(struct weft_poller *poller)
{
	(void)poller;
	return 0;
}

static void end(struct weft_poller *poller)
{
	(void)poller;
}

/* ---- poll ------------------------------------------------------------------------------ */

static int poll_set(
	struct weft_poller *poller, struct weft__registration *registration, bool is_new)
{
	(void)poller;
	return is_new && fcntl(registration->fd, F_GETFD) < 0 ? errno : 0;
}

static int poll_wait(struct weft_poller *poller, struct timespec *timeout)
{
	struct pollfd *sets = calloc(poller->count + 1, sizeof(*sets));
	nfds_t count = 0;
	int ready;

	if (!sets)
		return ENOMEM;
	for (size_t fd = 0; fd < poller->capacity; fd++) {
		struct weft__registration *registration = weft__poller_find(poller, (int)fd);

		if (registration && weft__poller_asked(registration))
			sets[count++] = (struct pollfd){
				.fd = (int)fd, .events = (short)weft__poller_asked(registration)};
	}
	ready = weft__doze_ppoll(sets, count, timeout, NULL);
	for (nfds_t i = 0; ready > 0 && i < count; i++)
		if (!weft__poller_tell(
			    poller, weft__poller_find(poller, sets[i].fd), sets[i].revents))
			break;
	free(sets);
	return ready < 0 && errno != EINTR ? errno : 0;
}

const struct weft__poller_ops weft__poller_poll = {
	.name = "poll",
	.size = sizeof(struct weft_poller),
	.begin = begin,
	.end = end,
	.set = poll_set,
	.wait = poll_wait,
	.not_supported = WEFT_POLLER_EDGE,
};

/* ---- select ------------------------------------------------------------------------------ */

static int select_set(
	struct weft_poller *poller, struct weft__registration *registration, bool is_new)
{
	if (is_new && registration->fd >= FD_SETSIZE)
		return EMFILE;
	return poll_set(poller, registration, is_new);
}

/* One of them is no descriptor any more, and select(2) doesn't say which. */
static void tell_closed(struct weft_poller *poller)
{
	for (size_t fd = 0; fd < poller->capacity; fd++) {
		struct weft__registration *registration = weft__poller_find(poller, (int)fd);

		if (registration && fcntl((int)fd, F_GETFD) < 0 &&
			!weft__poller_tell(poller, registration, POLLNVAL))
			return;
	}
}

static int fill(struct weft_poller *poller, fd_set *in, fd_set *out)
{
	int highest = -1;

	FD_ZERO(in);
	FD_ZERO(out);
	for (size_t fd = 0; fd < poller->capacity; fd++) {
		struct weft__registration *registration = weft__poller_find(poller, (int)fd);
		int asked = registration ? weft__poller_asked(registration) : 0;

		if (asked & POLLIN)
			FD_SET(fd, in);
		if (asked & POLLOUT)
			FD_SET(fd, out);
		if (asked)
			highest = (int)fd;
	}
	return highest;
}

static int select_wait(struct weft_poller *poller, struct timespec *timeout)
{
	fd_set in, out;
	int highest = fill(poller, &in, &out), ready;

	ready = weft__doze_select(highest + 1, &in, &out, timeout);
	if (ready < 0 && errno == EBADF) {
		tell_closed(poller);
		return 0;
	}
	for (int fd = 0; ready > 0 && fd <= highest; fd++) {
		int events = (FD_ISSET(fd, &in) ? POLLIN : 0) | (FD_ISSET(fd, &out) ? POLLOUT : 0);

		if (events && !weft__poller_tell(poller, weft__poller_find(poller, fd), events))
			break;
	}
	return ready < 0 && errno != EINTR ? errno : 0;
}

const struct weft__poller_ops weft__poller_select = {
	.name = "select",
	.size = sizeof(struct weft_poller),
	.begin = begin,
	.end = end,
	.set = select_set,
	.wait = select_wait,
	.not_supported = WEFT_POLLER_EDGE | WEFT_POLLER_PRI,
};
