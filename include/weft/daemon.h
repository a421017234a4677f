/*
 * weft/daemon.h - a program that goes on without its terminal.
 *
 *	int main(void)
 *	{
 *		if (weft_daemonize(&(struct weft_daemon_options){.pid_path = "/run/box.pid"}) < 0)
 *			...
 *		open what it serves;
 *		weft_daemon_ready();	// only now the shell's prompt comes back
 *		...
 *	}
 *
 * As daemon(7) asks of one: two forks, a session of its own, no terminal, no standard streams of
 * the shell's. What else is open stays so, and so do handlers and the mask of signals. Whoever
 * started it learns whether it works: the first process stays until the daemon is ready, and its
 * exit status says so.
 */
#ifndef WEFT_DAEMON_H
#define WEFT_DAEMON_H

#include "weft/api.h"

WEFT_BEGIN

struct weft_daemon_options {
	const char *directory; /* to work in; NULL: "/" */
	const char *pid_path;  /* gets its number, and is locked while it runs, and not while its
				  children do; NULL: none */
	const char *log_path;  /* gets the standard output and error, appended; NULL: /dev/null */
	mode_t mask;           /* umask(2); 0: 022 */
	int64_t ready_ns;      /* how long it may take to be ready; 0: one minute */
};

/**
 * Become a daemon. options may be NULL. Returns 0 in the daemon; its first process ends with
 * status 0 when it is ready, or else 1, with a sentence on the standard error. Call it before
 * there are threads, and outside weft_run().
 * Errors, all of them in the first process, with nothing changed: EBUSY (there are threads),
 * EEXIST (another one holds pid_path), of open(2), chdir(2), fork(2), pipe(2).
 */
WEFT_API int weft_daemonize(const struct weft_daemon_options *options);

/** It works. Errors: EINVAL (no daemon, or it was said before). */
WEFT_API int weft_daemon_ready(void);

/** It does not: the first process prints the sentence, and ends with 1. The caller goes on, to end.
 */
WEFT_API int weft_daemon_failed(const char *sentence);

WEFT_END

#endif
