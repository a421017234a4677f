/*
 * readiness.h - what the drivers share that are told when a descriptor is ready.
 *
 * Such a driver tries the call first and parks the fiber only on EAGAIN. It supplies
 * arm() and tells weft__readiness_event() what has become ready; queues, fairness and
 * closing are here.
 */
#ifndef FIBER_DRIVER_READINESS_H
#define FIBER_DRIVER_READINESS_H

#include "fiber/driver/driver.h"
#include "weft/list.h"

struct weft__fd_entry;

/** First member of a readiness driver. */
struct weft__readiness {
	struct weft__driver driver;
	/** Make the kernel tell of this descriptor, once and for all; 0 or an errno value. */
	int (*arm)(struct weft__readiness *readiness, int fd, uint32_t generation);
	struct weft__fd_entry **chunks; /* by descriptor; made as they come up */
};

int weft__readiness_init(struct weft__readiness *readiness);
void weft__readiness_fini(struct weft__readiness *readiness);

/** The kernel says: events (POLLIN, POLLOUT, POLLHUP, POLLERR…) on fd, armed under generation. */
void weft__readiness_event(
	struct weft__readiness *readiness, int fd, uint32_t generation, int events);

/** perform, forget, watch and unwatch of struct weft__driver_ops. */
int64_t weft__readiness_perform(struct weft__driver *driver, struct weft__op *op);
void weft__readiness_forget(struct weft__driver *driver, int fd);
int weft__readiness_watch(struct weft__driver *driver, struct weft__watch *watch);
void weft__readiness_unwatch(struct weft__driver *driver, struct weft__watch *watch);

#endif
