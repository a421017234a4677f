/*
 * process.h - a process that was made here: its record, and the steps of its life.
 *
 *	NEW --start--> RUNNING --its descriptor says so, and it is reaped--> ENDED
 *	                  | fork(2), in the child: it is the parent's
 *	                  v
 *	               FOREIGN
 *
 * A record has two holders: the one who made it, and, while it runs, the nursery, whose
 * mutex guards all records.
 */
#ifndef PROCESS_PROCESS_H
#define PROCESS_PROCESS_H

#include <pthread.h>
#include <sys/types.h>

#include "weft/list.h"
#include "weft/process.h"

enum weft__process_state {
	WEFT__PROCESS_NEW,
	WEFT__PROCESS_STARTING,
	WEFT__PROCESS_RUNNING,
	WEFT__PROCESS_ENDED,
	WEFT__PROCESS_FOREIGN,
};

struct weft_process {
	struct weft_list_node node; /* RUNNING: among the living */
	enum weft__process_state state;
	int holders;
	unsigned joiners; /* RUNNING: who wait, and will reap it */
	pid_t pid, parent;
	int pid_fd; /* -1; stays open until the record is freed */
	struct weft_process_end end;

	/* What was asked for; all of it the record's own. */
	char name[WEFT_PROCESS_NAME_MAX + 1];
	struct weft_process_options options;
	weft_process_fn *fn;
	void *arg;
	void (*kept_begin)(void *arg); /* of one that is kept; else NULL */
	char **argv;                   /* NULL: a function */
	char **paths;                  /* of a program: where it may be, in order */
	char *listen_pid; /* in the environment: its own number goes there, in the child; NULL */

	int ours[3];     /* our ends of pipes; -1 */
	bool has_talked; /* both ways at once: of its ends, some may have been closed */
	size_t told;     /* of an input: what it was written before its writer was interrupted */
	struct weft_stream *streams[3];
	void (*free_stream)(struct weft_stream *stream); /* of src/io, which is above */
	/* In the child of a fork: close its descriptor, and let it have none. */
	void (*disown_stream)(struct weft_stream *stream);
};

int weft__process_fail(int code);

/** Frees it. Keeps errno. */
void weft__process_destroy(struct weft_process *process);

/* ---- Those that are kept ------------------------------------------------------------- */

/**
 * A function's process whose keeper reaps it when its descriptor says so (weft_process_result()),
 * and never leaves that to the nursery. It is forked on the thread that starts it, which needs no
 * nursery then; and its siblings, who are many, cost it nothing. begin(arg) is called in the
 * child with all signals blocked, which it unblocks; SIGPIPE is left as it is. NULL: ENOMEM.
 */
struct weft_process *weft__process_new_kept(
	const char *name, void (*begin)(void *arg), weft_process_fn *fn, void *arg);

/** As weft_process_signal(), by SI_QUEUE (sigqueue(3)): it is known to come from here. */
int weft__process_queue_signal(struct weft_process *process, int number);

/* ---- Starting: start.c, program.c ----------------------------------------------------- */

/** What a child's streams are, as descriptors that are open in the parent. */
struct weft__process_plumbing {
	int theirs[3]; /* -1: inherited */
	int ours[3];
	bool is_made[3]; /* theirs is ours to close */
};

/**
 * Start it on the calling thread, which it takes a while of. 0, or an errno; pid, pid_fd and
 * ours are set. Signals are blocked meanwhile.
 */
int weft__process_launch(struct weft_process *process);

/**
 * In the child, by system calls alone (it may share the parent's memory): become what the
 * options say. 0 or an errno.
 */
int weft__process_settle(
	const struct weft_process *process, const struct weft__process_plumbing *plumbing);

/* ---- Handing over: hand.c --------------------------------------------------------------- */

/** Copy what is handed over, and for a program say so in its environment. 0 or an errno. */
int weft__process_hand_prepare(
	struct weft_process *process, const struct weft_process_options *from);

/** In the child that is to be a program, by system calls alone. 0 or an errno. */
int weft__process_hand_over(struct weft_process *process);

/** Run the program: *ret_pid_fd may be -1 all the same. 0 or an errno. */
int weft__process_run_program(struct weft_process *process,
	const struct weft__process_plumbing *plumbing, pid_t *ret_pid, int *ret_pid_fd);

/** In the child of a fork: run the function, and never return. */
void weft__process_run_function(struct weft_process *process) __attribute__((noreturn));

/* ---- The nursery: nursery.c ---------------------------------------------------------- */

/** The fork handlers, without the thread. */
void weft__nursery_prepare(void);

/**
 * The thread that reaps who is joined by nobody, and starts processes for fibers (whose
 * workers have better to do) and daemons (whose parent, to the kernel, is a thread).
 * 0 or an errno.
 */
int weft__nursery_open(void);

void weft__nursery_lock(void);
void weft__nursery_unlock(void);

/** Run launch() there, and wait for it. 0 or an errno; ETIMEDOUT and ECANCELED: it was not begun.
 */
int weft__nursery_launch(struct weft_process *process);

/** With the lock: it runs, or has a joiner less: reap it when it ends. 0 or an errno. */
int weft__nursery_watch(struct weft_process *process);

/** With the lock: its joiner will. */
void weft__nursery_unwatch(struct weft_process *process);

/** With the lock: the living, for who looks through them. */
extern struct weft_list weft__nursery_living;

/** With the lock: how many are being started, and have perhaps ended, but are not there yet. */
extern unsigned weft__nursery_starting;

/** With the lock: reap it if it has ended. Whether it has. */
bool weft__process_reap(struct weft_process *process);

/** With the lock: a holder less; frees it with the last. */
void weft__process_release(struct weft_process *process);

#endif
