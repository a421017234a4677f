/*
 * weft/supervisor.h - keeps named processes running: started in order, started again, replaced.
 *
 *	const char *const store[] = {"store", "--quiet", NULL};
 *	const char *const web[] = {"weft", "serve", "--http", "fd:web", NULL};
 *	struct weft_supervisor *all = weft_supervisor_new(NULL);
 *
 *	weft_supervisor_hand(all, "web", weft_listener_fd(listener));
 *	weft_supervisor_add(all, &(struct weft_supervisor_child){.name = "store", .argv = store});
 *	weft_supervisor_add(all, &(struct weft_supervisor_child){.name = "web", .argv = web,
 *		.tells_ready = true, .after = (const char *const[]){"store", NULL}});
 *	weft_supervisor_run(all);		// until weft_supervisor_stop(), from wherever
 *	weft_supervisor_free(all);
 *
 * A child is a program or a function, in a process group of its own; what is left of the group
 * when it ends is killed. Its standard input is empty; what it prints goes to the log line by
 * line. It is started again as its policy says, after a pause that doubles from time to time.
 *
 *	WAITING --those before it are ready--> STARTING --READY=1--> READY
 *	                                          ^   \               |
 *	                                    pause |    `--it ends-----+--> ENDED, GIVEN_UP
 *	                                      BACKING_OFF <-----------'
 *
 * Children may be added and removed while it runs. One that runs once (.restart =
 * WEFT_SUPERVISOR_NEVER) is awaited by weft_supervisor_join(), which tells how it ended:
 *
 *	weft_supervisor_add(all, &(struct weft_supervisor_child){.name = "backup",
 *		.argv = backup, .restart = WEFT_SUPERVISOR_NEVER});
 *	weft_supervisor_join(all, "backup", &end);
 *	weft_supervisor_remove(all, "backup", NULL);		// its name is free again
 *
 * weft_supervisor_replace() puts a new process, of another program if need be, in the place of
 * the old one, when it is ready: with a listener that was handed to both no connection is refused.
 *
 * When the supervisor's own process is killed its children go on, but for those that are
 * daemons (weft_process_options.is_daemon): these are killed, though not what they started.
 *
 * All calls are safe from any thread and fiber. Calls that wait obey the ambient scope.
 * Errors: -1 or NULL, with errno set.
 */
#ifndef WEFT_SUPERVISOR_H
#define WEFT_SUPERVISOR_H

#include "weft/process.h"

WEFT_BEGIN

struct weft_logger;
struct weft_supervisor; /* opaque: src/process/supervisor.c */

/** Longest line of a child's; more goes into the log in pieces of that many bytes. */
#define WEFT_SUPERVISOR_LINE_MAX 2048

/** Most ends that give_up_count counts. */
#define WEFT_SUPERVISOR_GIVE_UP_MAX 64

struct weft_supervisor_options {
	struct weft_logger *logger; /* NULL: the default one */
	bool stays; /* it runs on when no child is left, for those that are added later */
};

/** When a child that has ended is started again. */
enum weft_supervisor_restart {
	WEFT_SUPERVISOR_ALWAYS,
	WEFT_SUPERVISOR_ON_FAILURE, /* not after exit code 0 */
	WEFT_SUPERVISOR_NEVER,
};

/** A child. All zero but the name, and argv or fn: a program that always runs. */
struct weft_supervisor_child {
	const char *name;        /* of WEFT_PROCESS_NAME_MAX bytes at most */
	const char *const *argv; /* the program; NULL: fn(arg) */
	weft_process_fn *fn;
	void *arg;
	/**
	 * Directory, environment, limits, nice, is_daemon...; NULL: as the parent. name,
	 * handed, ops and the process group are the supervisor's own. Streams that are
	 * WEFT_PROCESS_INHERIT are the log's (and nothing to read); WEFT_PROCESS_PIPE is EINVAL.
	 */
	const struct weft_process_options *process;
	/** Names of children added before: it is started when these are ready, or have ended with
	 * exit code 0, and they are stopped when it has ended. NULL at the end; NULL: none. */
	const char *const *after;

	enum weft_supervisor_restart restart;
	int64_t pause_ns, pause_max_ns; /* 0: 100 ms; 30 s, or pause_ns if that is longer. One that
					   ran for pause_max_ns begins anew with the shortest */
	unsigned give_up_count;         /* so many ends within give_up_ns: no more; 0: never */
	int64_t give_up_ns;             /* 0: 1 minute */
	bool is_vital; /* when it is given up, all are stopped, and weft_supervisor_run() fails */

	/** It says READY=1 to NOTIFY_SOCKET (weft/manager.h); else it is ready once it runs. */
	bool tells_ready;
	int64_t ready_ns; /* it is killed, and has failed, when it needs longer; 0: 1 minute */

	int stop_signal;  /* to its group; 0: SIGTERM */
	int64_t grace_ns; /* from there to SIGKILL; 0: 10 s, < 0: none */

	unsigned lines_per_s; /* into the log; what is more is counted and dropped; 0: 1000 */
};

enum weft_supervisor_state {
	WEFT_SUPERVISOR_WAITING, /* for those before it, or weft_supervisor_run() */
	WEFT_SUPERVISOR_STARTING,
	WEFT_SUPERVISOR_READY,
	WEFT_SUPERVISOR_BACKING_OFF, /* ended, and about to be started again */
	WEFT_SUPERVISOR_STOPPING,
	WEFT_SUPERVISOR_ENDED, /* and is not started again */
	WEFT_SUPERVISOR_GIVEN_UP,
};

struct weft_supervisor_status {
	enum weft_supervisor_state state;
	pid_t pid;                   /* 0: it doesn't run */
	unsigned starts;             /* so often it was started */
	struct weft_process_end end; /* how it ended last; how is 0: it never did */
	uint64_t lines_dropped;
	char text[128]; /* its last STATUS= */
};

/* ---- Life --------------------------------------------------------------------------- */

/** options may be NULL. Errors: ENOMEM, EMFILE, ENFILE. */
WEFT_API struct weft_supervisor *weft_supervisor_new(const struct weft_supervisor_options *options);

/**
 * Hand a descriptor to all programs and functions that are started from now on, by a name
 * without ':' and spaces; theirs by weft_manager_take(). A copy is kept: the caller may close
 * hers. Errors: EBADF, EMFILE, ENOMEM, EEXIST (the name), EINVAL; ENOSPC (more than
 * WEFT_PROCESS_HANDED_MAX).
 */
WEFT_API int weft_supervisor_hand(struct weft_supervisor *supervisor, const char *name, int fd);

/**
 * Another child; all of it is copied but arg. While it runs, too. Errors: EEXIST (also when the one
 * of that name is still being removed), ENOENT (one of after), EINVAL (no name, neither argv nor
 * fn, or both; numbers that can't be meant), ENOMEM.
 */
WEFT_API int weft_supervisor_add(
	struct weft_supervisor *supervisor, const struct weft_supervisor_child *child);

/**
 * Stop a child as weft_supervisor_stop() would, wait until it has ended, and forget it: its name
 * is free from then on. While it runs, too, and also of one that is about to be started again or
 * replaced. ret_end, which may be NULL, is how it ended last (how is 0: it never did). Errors:
 * ENOENT; EBUSY (another child comes after it: that one first); ETIMEDOUT, ECANCELED of the
 * caller's: it is removed all the same, when it has ended.
 */
WEFT_API int weft_supervisor_remove(
	struct weft_supervisor *supervisor, const char *name, struct weft_process_end *ret_end);

/**
 * Run them, once, until it is stopped, or until none is left that will be started again
 * (weft_supervisor_options.stays: until it is stopped). All have ended when this returns. Returns 0
 * after a stop, and when all have ended of their own. Errors: ECHILD (a child was given up, or
 * could never be started), EINVAL (it ran before); ETIMEDOUT, ECANCELED of the caller's, which is a
 * stop.
 */
WEFT_API int weft_supervisor_run(struct weft_supervisor *supervisor);

/** Stop them, in the order opposite to the start. Does not wait; in a signal handler, too. */
WEFT_API void weft_supervisor_stop(struct weft_supervisor *supervisor);

/** Nobody may be in a call on it. NULL is fine. Keeps errno. */
WEFT_API void weft_supervisor_free(struct weft_supervisor *supervisor);

/* ---- Its children --------------------------------------------------------------------- */

/** Errors: ENOENT. */
WEFT_API int weft_supervisor_status(struct weft_supervisor *supervisor, const char *name,
	struct weft_supervisor_status *ret_status);

/** Wait until it is ready. Errors: ENOENT, ECHILD (it won't be), ETIMEDOUT, ECANCELED. */
WEFT_API int weft_supervisor_await(struct weft_supervisor *supervisor, const char *name);

/**
 * Wait until it has ended and won't be started again: for a child that runs once
 * (WEFT_SUPERVISOR_NEVER), or until it succeeds (WEFT_SUPERVISOR_ON_FAILURE). ret_end, which may
 * be NULL, is how it ended; it stays in the list. Errors: ENOENT; ECHILD (it never ran), or why it
 * could not be started: of weft_process_start(); ETIMEDOUT, ECANCELED.
 */
WEFT_API int weft_supervisor_join(
	struct weft_supervisor *supervisor, const char *name, struct weft_process_end *ret_end);

/**
 * Start a new process of a child, of the program argv (NULL: as before); when it is ready, stop
 * the old one, and wait for its end. What comes later is of the new program, too. If the new one
 * does not get ready the old one goes on as if nothing had been. Errors: ENOENT; EBUSY (it is
 * being replaced); EINVAL (argv of a function); ECHILD (the new one has ended), ETIME (it was not
 * ready in time), ESHUTDOWN (all is stopping, or doesn't run; it is being removed); of
 * weft_process_start(); ETIMEDOUT, ECANCELED of the caller's: the new one is stopped.
 */
WEFT_API int weft_supervisor_replace(
	struct weft_supervisor *supervisor, const char *name, const char *const argv[]);

/** Send a signal to a child's process alone, SIGHUP say. Errors: ENOENT, ESRCH, EINVAL, EPERM. */
WEFT_API int weft_supervisor_signal(
	struct weft_supervisor *supervisor, const char *name, int number);

WEFT_END

#endif
