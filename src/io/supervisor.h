/*
 * supervisor.h - threads or processes that serve: watched, reported, and ended with grace.
 */
#ifndef IO_SUPERVISOR_H
#define IO_SUPERVISOR_H

#include "io/serve.h"
#include "io/unit.h"

struct weft__supervisor {
	struct weft__serving *serving;
	struct weft__units units;
	/** A unit has ended, and is freed after this. Also during the end. */
	void (*on_end)(struct weft__supervisor *supervisor, struct weft__unit *unit);
	int epoll_fd; /* what is waited for: the stop, an end, what else is watched */
};

/** units has its first fields. Errors: EMFILE, ENOMEM. */
int weft__supervisor_init(struct weft__supervisor *supervisor);

/**
 * Give those that run their grace, then cancel them, then kill processes; return when the
 * last has ended. Shielded.
 */
void weft__supervisor_end(struct weft__supervisor *supervisor);

/** Wait for this, too. */
int weft__supervisor_watch(struct weft__supervisor *supervisor, int fd);

/** Until something has happened, or timeout_ns is over. -1: ETIMEDOUT, ECANCELED of the caller's.
 */
int weft__supervisor_wait(struct weft__supervisor *supervisor, int64_t timeout_ns);

bool weft__supervisor_is_stopped(const struct weft__supervisor *supervisor);

/** Take note of all that have ended. */
void weft__supervisor_reap(struct weft__supervisor *supervisor);

/** To the log: a process has crashed. */
void weft__supervisor_report(
	const struct weft__supervisor *supervisor, const struct weft__unit *unit);

#endif
