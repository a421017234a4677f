/*
 * weft/poller.h - which of many descriptors are ready: for an event loop of one's own.
 *
 *	struct weft_poller *poller = weft_poller_new(NULL);
 *	weft_poller_register(poller, fd, WEFT_POLLER_IN, connection);
 *	while ((count = weft_poller_wait(poller, events, 64, WEFT_FOREVER)) >= 0)
 *		for (ssize_t i = 0; i < count; i++)
 *			serve(events[i].user);
 *
 * One interface over select(2), poll(2), epoll(7) and io_uring(7). A registration is
 * level-triggered: it tells again and again while a descriptor is ready. WEFT_POLLER_EDGE
 * makes it tell once for each change (epoll and uring), WEFT_POLLER_ONESHOT once, until it
 * is modified (all). In a fiber weft_poller_wait() parks the fiber, elsewhere it blocks the
 * thread; it obeys the ambient scope (weft/scope.h). Programs of fibers need none of this.
 *
 * A descriptor that is closed should be unregistered first. Where it was not: select and
 * poll tell WEFT_POLLER_CLOSED, once, and drop it; epoll drops it silently; uring keeps
 * the file open until it is unregistered.
 * Threads: one at a time.
 */
#ifndef WEFT_POLLER_H
#define WEFT_POLLER_H

#include "weft/api.h"

WEFT_BEGIN

struct weft_poller; /* opaque: src/io/poller.c */

enum weft_poller_flags {
	WEFT_POLLER_IN = 1 << 0,     /* something can be read, or accepted; or the end has come */
	WEFT_POLLER_OUT = 1 << 1,    /* something can be written; or a connect is over */
	WEFT_POLLER_PRI = 1 << 2,    /* urgent data (epoll, poll, uring) */
	WEFT_POLLER_ERR = 1 << 3,    /* told unasked */
	WEFT_POLLER_HUP = 1 << 4,    /* told unasked; select shows it as IN */
	WEFT_POLLER_CLOSED = 1 << 5, /* told unasked: it is no descriptor any more */
	WEFT_POLLER_EDGE = 1 << 6,
	WEFT_POLLER_ONESHOT = 1 << 7,
};

struct weft_poller_event {
	int fd;
	unsigned events; /* of enum weft_poller_flags */
	void *user;      /* as registered */
};

/**
 * name: "select", "poll", "epoll", "uring"; NULL: "epoll". End it with weft_poller_free().
 * Errors: EINVAL (no such name), ENOSYS (uring: not built in, or the kernel forbids it),
 * EMFILE, ENOMEM.
 */
WEFT_API struct weft_poller *weft_poller_new(const char *name);

/** The descriptors stay open. NULL is fine. */
WEFT_API void weft_poller_free(struct weft_poller *poller);

/** "epoll" and so on; lives as long as the process. */
WEFT_API const char *weft_poller_name(const struct weft_poller *poller);

/**
 * Watch fd for IN, OUT, PRI, with EDGE and ONESHOT as wished; user comes back with each
 * event. Errors: EEXIST (registered already), EINVAL (no event, or an unknown one), ENOTSUP
 * (EDGE with select and poll, PRI with select), EBADF, EPERM (epoll: a file, which is always
 * ready), EMFILE (select: 1024 or above), ENOMEM.
 */
WEFT_API int weft_poller_register(struct weft_poller *poller, int fd, unsigned events, void *user);

/** Watch for other events, or after a one-shot for the same once more. Errors: ENOENT, as above. */
WEFT_API int weft_poller_modify(struct weft_poller *poller, int fd, unsigned events, void *user);

/** Errors: ENOENT. */
WEFT_API int weft_poller_unregister(struct weft_poller *poller, int fd);

/**
 * Wait at most timeout_ns (0: not at all) until there is an event. Returns how many were
 * written, at most max, at least 1 unless the time was up. Errors: EINVAL (max is 0),
 * ETIMEDOUT and ECANCELED (of the scope), ENOMEM.
 */
WEFT_API ssize_t weft_poller_wait(struct weft_poller *poller, struct weft_poller_event *ret_events,
	size_t max, int64_t timeout_ns);

WEFT_END

#endif
