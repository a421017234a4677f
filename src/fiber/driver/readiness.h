/*
 * readiness.h - what the drivers share that are told when a descriptor is ready.
 *
 * Such a driver tries the call first and parks the fiber only on EAGAIN. It supplies
 * interest() and tells weft__readiness_event() what has become ready; queues, fairness
 * and closing are here.
 *
 * Edge-triggered: the kernel is asked once for a descriptor's whole life, in both
 * directions, and tells of each change. Level-triggered: it tells again and again while
 * a direction is ready, so it is asked for those alone in which somebody waits. Told of one
 * in which nobody does any more, it is asked to stop; so a conversation, in which
 * somebody soon waits again, costs no change of the interest for each turn.
 */
#ifndef FIBER_DRIVER_READINESS_H
#define FIBER_DRIVER_READINESS_H

#include "fiber/driver/driver.h"
#include "weft/list.h"

struct weft__fd_entry;

struct weft__interest {
	int fd;
	uint32_t generation; /* to be told with the events */
	int before, after;
};

/** First member of a readiness driver. */
struct weft__readiness {
	struct weft__driver driver;
	/**
	 * Make the kernel tell of these events (POLLIN, POLLOUT; 0: none any more) of the
	 * descriptor; before: what it was asked for so far, if it still is the same one (a
	 * descriptor that isn't weft's may be another by now). 0 or an errno value.
	 */
	int (*interest)(struct weft__readiness *readiness, struct weft__interest *interest);
	bool is_level;
	int wake_fd;                    /* an eventfd: readable when the driver is to wake */
	struct weft__fd_entry **chunks; /* by descriptor; made as they come up */
	size_t waiting;                 /* in all the entries' lists */
};

/**
 * Fill in what all of them share: ops and worker, a wake_fd, no descriptors. 0, or -1 with
 * errno and nothing to undo.
 */
int weft__readiness_init(struct weft__readiness *readiness, const struct weft__driver_ops *ops,
	struct weft__worker *worker);
void weft__readiness_fini(struct weft__readiness *readiness);

/** now, now_coarse, wake and is_idle of struct weft__driver_ops. */
int64_t weft__readiness_now(struct weft__driver *driver);
int64_t weft__readiness_now_coarse(struct weft__driver *driver);
void weft__readiness_wake(struct weft__driver *driver);
bool weft__readiness_is_idle(struct weft__driver *driver);

/** How long a wait() may last, in ns: -1 for ever, 0 not at all. */
int64_t weft__readiness_timeout(struct weft__driver *driver, int64_t deadline_ns);

/** Level-triggered drivers: wake_fd was readable. */
void weft__readiness_woken(struct weft__readiness *readiness);

/** The kernel says: events (POLLIN, POLLOUT, POLLHUP, POLLERR…) on fd, armed under generation. */
void weft__readiness_event(
	struct weft__readiness *readiness, int fd, uint32_t generation, int events);

/** perform, forget, watch and unwatch of struct weft__driver_ops. */
int64_t weft__readiness_perform(struct weft__driver *driver, struct weft__op *op);
void weft__readiness_forget(struct weft__driver *driver, int fd);
int weft__readiness_watch(struct weft__driver *driver, struct weft__watch *watch);
void weft__readiness_unwatch(struct weft__driver *driver, struct weft__watch *watch);

#endif
