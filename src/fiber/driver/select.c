/*
 * select.c - the driver over select(2), level-triggered.
 *
 * Descriptors from FD_SETSIZE (1024) on don't fit into its sets: an operation on one that
 * would have to wait fails with EMFILE. The sets are walked by the kernel and by us, up to
 * the highest descriptor in them, at every call.
 *
 * Must never: touch a bit beyond the sets.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>

#include "fiber/driver/readiness.h"
#include "fiber/worker.h"

struct select {
	struct weft__readiness readiness;
	fd_set in, out; /* those in which somebody waits, and the wake_fd */
	int highest;    /* none above is in the sets */
	uint32_t generations[FD_SETSIZE];
};

static int select_interest(struct weft__readiness *readiness, struct weft__interest *interest)
{
	struct select *select = (struct select *)readiness;
	int fd = interest->fd;

	if (fd >= FD_SETSIZE)
		return interest->after ? EMFILE : 0;
	FD_CLR(fd, &select->in);
	FD_CLR(fd, &select->out);
	if (interest->after & POLLIN)
		FD_SET(fd, &select->in);
	if (interest->after & POLLOUT)
		FD_SET(fd, &select->out);
	select->generations[fd] = interest->generation;
	if (interest->after && fd > select->highest)
		select->highest = fd;
	while (select->highest > 0 && !FD_ISSET(select->highest, &select->in) &&
		!FD_ISSET(select->highest, &select->out))
		select->highest--;
	return 0;
}

/* One of them was closed behind our back, and select(2) doesn't say which. */
static void tell_closed(struct select *select)
{
	for (int fd = select->highest; fd >= 0; fd--)
		if ((FD_ISSET(fd, &select->in) || FD_ISSET(fd, &select->out)) &&
			fcntl(fd, F_GETFD) < 0)
			weft__readiness_event(
				&select->readiness, fd, select->generations[fd], POLLNVAL);
}

static void select_wait_for(struct weft__driver *driver, int64_t deadline_ns)
{
	struct select *select = (struct select *)driver;
	int64_t ns = weft__readiness_timeout(driver, deadline_ns);
	struct timespec timeout = {ns / WEFT_SECONDS(1), ns % WEFT_SECONDS(1)};
	fd_set in = select->in, out = select->out;
	int highest = select->highest;
	int count = pselect(highest + 1, &in, &out, NULL, ns < 0 ? NULL : &timeout, NULL);

	if (count < 0 && errno == EBADF)
		tell_closed(select);
	for (int fd = highest; count > 0 && fd >= 0; fd--) {
		int events = (FD_ISSET(fd, &in) ? POLLIN : 0) | (FD_ISSET(fd, &out) ? POLLOUT : 0);

		if (events && fd == select->readiness.wake_fd)
			weft__readiness_woken(&select->readiness);
		else if (events)
			weft__readiness_event(
				&select->readiness, fd, select->generations[fd], events);
	}
}

static void select_destroy(struct weft__driver *driver)
{
	struct select *select = (struct select *)driver;

	weft__readiness_fini(&select->readiness);
	free(select);
}

static struct weft__driver *select_create(struct weft__worker *worker)
{
	struct select *select = calloc(1, sizeof *select);
	int saved;

	if (!select)
		return NULL;
	if (weft__readiness_init(&select->readiness, &weft__driver_select, worker) < 0) {
		saved = errno;
		free(select);
		errno = saved;
		return NULL;
	}
	select->readiness.is_level = true;
	select->readiness.interest = select_interest;
	if (select->readiness.wake_fd >= FD_SETSIZE) {
		select_destroy(&select->readiness.driver);
		errno = EMFILE;
		return NULL;
	}
	FD_SET(select->readiness.wake_fd, &select->in);
	select->highest = select->readiness.wake_fd;
	return &select->readiness.driver;
}

const struct weft__driver_ops weft__driver_select = {
	.name = "select",
	.create = select_create,
	.destroy = select_destroy,
	.now = weft__readiness_now,
	.now_coarse = weft__readiness_now_coarse,
	.wait = select_wait_for,
	.wake = weft__readiness_wake,
	.is_idle = weft__readiness_is_idle,
	.perform = weft__readiness_perform,
	.forget = weft__readiness_forget,
	.watch = weft__readiness_watch,
	.unwatch = weft__readiness_unwatch,
};
