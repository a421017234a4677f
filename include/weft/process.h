/*
 * weft/process.h - processes that are started, talked to, waited for and ended.
 *
 *	const char *const words[] = {"sort", "-u", NULL};
 *	const struct weft_process_options how = {
 *		.streams = {{WEFT_PROCESS_PIPE, 0}, {WEFT_PROCESS_PIPE, 0}}};
 *	struct weft_process *sort = weft_process_new_program(&how, words);
 *	struct weft_process_end end;
 *
 *	if (!sort || weft_process_start(sort) < 0)
 *		...
 *	weft_process_communicate(sort, text, len, &sorted, NULL);	// both ways at once
 *	weft_process_join(sort, &end, WEFT_SECONDS(5));
 *	weft_process_free(sort);
 *
 * A process runs a program, or a function of this one in a copy of it (fork(2)). A program
 * is started without a copy of the parent, however big that is, and gets none of its
 * descriptors but the standard streams and what kept_fds names.
 *
 * No such process stays a zombie, whether somebody joins it or not, and no other child of the
 * program is waited for. In a program that ignores SIGCHLD, or waits for whatever child there
 * is by wait(2), how one ended may be told to others: it is WEFT_PROCESS_LOST then.
 *
 * A process begins with no signal blocked, and SIGPIPE as the system has it; what else is
 * ignored stays so. The end of the program waits for no process: daemons are killed then, the
 * others go on.
 *
 * Every call that waits parks the calling fiber, or blocks the calling thread, and obeys the
 * ambient scope (weft/scope.h). Safe from any thread and fiber, unless said otherwise. In the
 * child of a fork(2) the parent's processes can only be freed: all else fails with ECHILD.
 * Errors: -1 or NULL, with errno set.
 */
#ifndef WEFT_PROCESS_H
#define WEFT_PROCESS_H

#include <sys/resource.h>
#include <sys/types.h>

#include "weft/api.h"

WEFT_BEGIN

struct weft_buf;
struct weft_process; /* opaque: src/process/process.c */
struct weft_stream;

/** Longest name; the kernel's own tools show the first 15 bytes of a function's. */
#define WEFT_PROCESS_NAME_MAX 31

/**
 * What a process runs, in the child. The low 8 bits of the number are its exit code. When it
 * returns, the standard output and error are flushed; what it has written to other files by stdio
 * it flushes itself, and no atexit(3) handler runs. exit(3) instead runs the parent's handlers,
 * and writes a second time what the parent's files had not flushed when it was started.
 */
typedef int weft_process_fn(void *arg);

/** What a standard stream of a process is. */
enum weft_process_stream_kind {
	WEFT_PROCESS_INHERIT, /* the parent's own */
	WEFT_PROCESS_NULL,    /* /dev/null */
	WEFT_PROCESS_PIPE,    /* a pipe, whose other end is ours: weft_process_stream() */
	WEFT_PROCESS_FD,      /* fd, which stays the caller's and is open until the start */
	WEFT_PROCESS_OUTPUT,  /* standard error: wherever the standard output goes */
};

struct weft_process_redirect {
	enum weft_process_stream_kind kind;
	int fd;
};

/** A limit of the process's own: setrlimit(2). */
struct weft_process_limit {
	int resource; /* RLIMIT_NOFILE... */
	rlim_t soft, hard;
};

/** A descriptor that a process gets under a name, as listeners are. */
struct weft_process_handed {
	const char *name; /* without ':', spaces and controls; NULL: "unknown" */
	int fd;           /* 3 or more; open until the start */
};

/** Most descriptors that are handed over. */
#define WEFT_PROCESS_HANDED_MAX 64

/**
 * What runs of a function, for those who want a kind of process of their own. A NULL is the
 * default. All of it is called in the child, on a thread and not in a fiber.
 */
struct weft_process_ops {
	/** Returns the exit code. Default: weft_process_run(). */
	int (*run)(struct weft_process *process);
	/** Before run(). Not 0: run() isn't called, and this is the exit code. Default: nothing. */
	int (*begin)(struct weft_process *process);
	/** After run(), or after a begin() that failed. Default: nothing. */
	void (*end)(struct weft_process *process, int result);
};

/** All zero: as the parent, and not a daemon. Everything but ops is copied. */
struct weft_process_options {
	const char *name;      /* cut; NULL: "Process-1", "Process-2"... */
	bool is_daemon;        /* is killed when the parent ends, even by SIGKILL */
	bool new_session;      /* no terminal, and a process group of its own: setsid(2) */
	bool new_group;        /* a process group of its own: a terminal's Ctrl-C spares it */
	bool ends_group;       /* of that: when it ends, whoever is left in its group is killed */
	int nice;              /* is added to the parent's: nice(2) */
	const char *directory; /* to work in; NULL: the parent's */
	const char *const *environment; /* "NAME=value"..., NULL at the end; NULL: the parent's */
	struct weft_process_redirect streams[3]; /* standard input, output, error */
	const int *kept_fds; /* of a program: stay open there at their numbers, 3 or more */
	size_t kept_fd_count;
	/**
	 * Handed over by name, for weft_manager_take() (weft/manager.h). A program has them from
	 * number 3 on in this order, and the environment says so, as sd_listen_fds(3) wants it.
	 */
	const struct weft_process_handed *handed;
	size_t handed_count;
	const struct weft_process_limit *limits;
	size_t limit_count;
	const struct weft_process_ops *ops; /* of a function; kept, not copied; NULL: defaults */
};

enum weft_process_how {
	WEFT_PROCESS_EXITED = 1, /* code is its exit code, 0 to 255 */
	WEFT_PROCESS_KILLED,     /* code is the signal */
	WEFT_PROCESS_LOST,       /* it has ended; how was told to another part of the program */
};

/** How one ended, and what it has cost, with those that it has waited for. */
struct weft_process_end {
	enum weft_process_how how;
	int code;
	bool has_core; /* KILLED: it left a core dump */
	int64_t user_ns, system_ns;
	size_t memory_peak_bytes;
};

/* ---- Life --------------------------------------------------------------------------- */

/**
 * A process that will run fn(arg), or what options->ops says, in a copy of this process. It
 * doesn't run yet. fn may be NULL when run() is overridden; options may be NULL. End it with
 * weft_process_free(). Errors: ENOMEM; EINVAL (neither fn nor run(); a redirect that is none; a
 * name or number that can't be handed over).
 */
WEFT_API struct weft_process *weft_process_new(
	const struct weft_process_options *options, weft_process_fn *fn, void *arg);

/**
 * A process that will run a program, which is looked for in the parent's PATH unless argv[0]
 * has a slash. argv ends with NULL. Errors: ENOMEM; EINVAL (no argv[0]; options with ops).
 */
WEFT_API struct weft_process *weft_process_new_program(
	const struct weft_process_options *options, const char *const argv[]);

/**
 * Start it, once. The parent's standard output and error are flushed before a function is.
 * When a program's start returns 0, it runs: a program that can't be executed is told here.
 * Errors: EINVAL (it was started before); ENOENT, EACCES, ENOEXEC, E2BIG, ELOOP... (execve(2),
 * or the directory: chdir(2)); EPERM, EACCES (nice, limits); EBADF (a stream); EAGAIN, ENOMEM,
 * EMFILE, ENFILE; ETIMEDOUT, ECANCELED. Nothing runs then, and it can be tried again.
 */
WEFT_API int weft_process_start(struct weft_process *process);

/**
 * Wait until it has ended, at most timeout_ns (WEFT_FOREVER: no bound of its own); ret_end
 * may be NULL. It may be joined by several at a time, and again later. What it has started
 * itself may run on. Errors: EINVAL (not started), ECHILD, ETIMEDOUT, ECANCELED: it runs on.
 */
WEFT_API int weft_process_join(
	struct weft_process *process, struct weft_process_end *ret_end, int64_t timeout_ns);

/** Most processes that weft_process_join_any() looks at. */
#define WEFT_PROCESS_JOIN_MAX 1024

/** Wait until any of count has ended; returns the index of one that has. Errors: as join. */
WEFT_API ssize_t weft_process_join_any(
	struct weft_process *const *processes, size_t count, int64_t timeout_ns);

/**
 * Let go of it; NULL is fine. One that still runs goes on, and our ends of its pipes are
 * closed. Nobody else may be in a call on it. Keeps errno.
 */
WEFT_API void weft_process_free(struct weft_process *process);

/* ---- About processes ------------------------------------------------------------------ */

/** Whether it was started and has not ended. Keeps errno. */
WEFT_API bool weft_process_is_alive(struct weft_process *process);

/** How it ended, without waiting. Errors: EINVAL (not started), EBUSY (it runs), ECHILD. */
WEFT_API int weft_process_result(struct weft_process *process, struct weft_process_end *ret_end);

/** Room for any text of weft_process_end_text(). */
#define WEFT_PROCESS_END_TEXT_SIZE 64

/** In words: "exited with 3", "killed by signal 11 (SEGV), core dumped". Returns text. */
WEFT_API char *weft_process_end_text(
	const struct weft_process_end *end, char text[WEFT_PROCESS_END_TEXT_SIZE]);

/** Its number, and its parent's; 0 before it was started. */
WEFT_API pid_t weft_process_pid(const struct weft_process *process);
WEFT_API pid_t weft_process_parent_pid(const struct weft_process *process);

/** The name, valid as long as the process; and whether it is a daemon. */
WEFT_API const char *weft_process_name(const struct weft_process *process);
WEFT_API bool weft_process_is_daemon(const struct weft_process *process);

/** Its own descriptor (pidfd_open(2)), readable when it has ended; -1 before it was started. */
WEFT_API int weft_process_fd(const struct weft_process *process);

/** In a child that runs a function: the process that it is. Else NULL. */
WEFT_API struct weft_process *weft_process_current(void);

/** What weft_process_new() was given, and the default of run(): for an overridden run(). */
WEFT_API void *weft_process_arg(const struct weft_process *process);
WEFT_API int weft_process_run(struct weft_process *process);

/** Processes that this one has started and that have not ended. */
WEFT_API size_t weft_process_count(void);

/* ---- Signals ---------------------------------------------------------------------------- */

/**
 * Send it a signal; never to another process that has got its number since. Errors: EINVAL
 * (no signal, or not started), ESRCH (it has ended), EPERM, ECHILD.
 */
WEFT_API int weft_process_signal(struct weft_process *process, int number);

/**
 * The same to all of its process group, as long as it has not ended. Errors: EINVAL, too, when it
 * has no group of its own.
 */
WEFT_API int weft_process_signal_group(struct weft_process *process, int number);

/** SIGTERM, which asks it to end, and SIGKILL, which ends it. */
WEFT_API int weft_process_terminate(struct weft_process *process);
WEFT_API int weft_process_kill(struct weft_process *process);

/**
 * SIGTERM, and SIGKILL when it has not ended grace_ns later, or when the caller's deadline
 * or cancelling comes; then wait for its end, which is soon. Returns 0 with the end, also of
 * one that had ended before. Errors: EINVAL (not started), ECHILD, EPERM (nothing was sent).
 */
WEFT_API int weft_process_stop(
	struct weft_process *process, struct weft_process_end *ret_end, int64_t grace_ns);

/* ---- Talking: one call at a time for each of a process's streams ----------------------------- */

/**
 * Our end of its standard stream 0, 1 or 2: a stream of the process's own, made by the first
 * call. Errors: EINVAL (not started), EBADF (no pipe, or taken, or closed), ENOMEM.
 */
WEFT_API struct weft_stream *weft_process_stream(struct weft_process *process, int which);

/** That end's descriptor, the caller's from now on. Errors: EINVAL, EBADF (as above, or streamed).
 */
WEFT_API int weft_process_take_fd(struct weft_process *process, int which);

/** Close our end: of stream 0, the process reads its end. Errors: EBADF. */
WEFT_API int weft_process_close_stream(struct weft_process *process, int which);

/**
 * Write len bytes to its standard input and close that, and read its output and errors to
 * their ends, all at a time: so none waits for the other for ever. Streams that are no pipes
 * count as ended; what a process does not read of its input is dropped. output and errors
 * are appended to (weft/buf.h), and may be NULL: that is dropped, too. It is not joined.
 * Returns 0. Errors: ENOBUFS (a buffer is full), ENOMEM; EBADF (a stream was taken or made);
 * ETIMEDOUT, ECANCELED: some of it was read, and our ends stay open. Called again with the same
 * input, it goes on there: what was written is not written twice.
 */
WEFT_API int weft_process_communicate(struct weft_process *process, const void *input, size_t len,
	struct weft_buf *output, struct weft_buf *errors);

/* ---- Orphans ------------------------------------------------------------------------------- */

/**
 * Be the parent of processes that lose theirs, among what this one has started and what
 * those have (PR_SET_CHILD_SUBREAPER, prctl(2)), and reap them when they end; or no longer.
 * Meanwhile weft reaps every child that it has not started itself: the program's own waits
 * for such ones fail with ECHILD. Errors: of starting a thread.
 */
WEFT_API int weft_process_adopt_orphans(bool on);

WEFT_END

#endif
