/*
 * poller.h - what the mechanisms below weft/poller.h offer: one table of functions each.
 */
#ifndef IO_POLLER_H
#define IO_POLLER_H

#include <poll.h>

#include "weft/poller.h"

struct weft__registration {
	int fd; /* -1: none */
	unsigned events;
	void *user;
	bool is_spent; /* a one-shot that has told */
	uint32_t serial;
};

struct weft__poller_ops {
	const char *name;
	size_t size; /* of the mechanism's own struct, whose first member is struct weft_poller */
	/** 0 or an errno value. */
	int (*begin)(struct weft_poller *poller);
	void (*end)(struct weft_poller *poller);
	/** The registration is new, was changed, or (events 0) is to go. 0 or an errno value. */
	int (*set)(
		struct weft_poller *poller, struct weft__registration *registration, bool is_new);
	/** weft__poller_tell() what is there within timeout_ns (-1: for ever). 0 or an errno value.
	 */
	/** The timeout is of fiber/doze.h: never NULL, and zero once the thread is cancelled. */
	int (*wait)(struct weft_poller *poller, struct timespec *timeout);
	/** A descriptor that is readable when there is something; -1: none, watch them all. */
	int (*fd)(const struct weft_poller *poller);
	unsigned not_supported;
};

struct weft_poller {
	const struct weft__poller_ops *ops;
	struct weft__registration *registrations; /* by descriptor */
	size_t capacity, count;
	struct weft_poller_event *told; /* where a wait puts what it finds */
	size_t told_count, told_max;
	uint32_t serial;
};

/** Of a descriptor; NULL: not registered. */
struct weft__registration *weft__poller_find(const struct weft_poller *poller, int fd);

/** POLLIN... as there are now; true while there is room for more. */
bool weft__poller_tell(
	struct weft_poller *poller, struct weft__registration *registration, int events);

/** What the kernel is to be asked for: POLLIN... */
int weft__poller_asked(const struct weft__registration *registration);

extern const struct weft__poller_ops weft__poller_select, weft__poller_poll, weft__poller_epoll;
extern const struct weft__poller_ops weft__poller_uring; /* with WEFT_HAS_URING */

#endif
