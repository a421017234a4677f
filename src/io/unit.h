/*
 * unit.h - threads or processes that run one function each, and whose end is told by a
 * descriptor.
 *
 * Not thread-safe: of one supervisor.
 */
#ifndef IO_UNIT_H
#define IO_UNIT_H

#include <signal.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "weft/api.h"
#include "weft/list.h"
#include "weft/process.h"

struct weft_thread;
struct weft__ended_list;

struct weft__unit {
	struct weft_list_node node; /* in running, or in the hands of who reaped it */
	struct weft__units *units;
	int (*fn)(struct weft__unit *unit);
	void *arg;
	struct weft_thread *thread;   /* NULL: a process */
	struct weft_process *process; /* NULL: a thread */
	int64_t started_ns;
	_Atomic unsigned char *place; /* of a process, in the memory that it shares */
	bool has_returned;            /* reaped: fn has; else its process crashed */
	struct weft_process_end end;  /* reaped, of a process */
};

struct weft__units {
	bool are_processes;
	size_t processes_max; /* at once */
	const char *name;
	size_t stack_size_bytes;
	void (*on_stop)(void *arg); /* processes: in the handler of SIGTERM */
	void *on_stop_arg;
	sigset_t mask;                               /* processes: what is blocked in them */
	void (*in_child)(struct weft__units *units); /* processes: what the child has no use for */
	int epoll_fd;                                /* readable when one has ended */
	int ended_fd;
	size_t count; /* running */
	struct weft_list running;
	struct weft__ended_list *ended; /* threads; processes that were gone at once */
	int64_t grace_ns; /* processes whose server has died: from then to their cancelling */
	_Atomic unsigned char *places; /* processes: a byte for each, shared with them */
	size_t place_count, place_next;
};

/** From a process's cancelling to its killing. */
#define WEFT__KILL_AFTER_NS WEFT_SECONDS(5)

/** The fields above epoll_fd are set. Errors: EMFILE, ENOMEM. */
int weft__units_init(struct weft__units *units);

/** All have ended and are reaped. */
void weft__units_fini(struct weft__units *units);

/**
 * Start one that runs fn(unit); a child ends with what that returns, as its exit status: 0,
 * or 1 if it is not. NULL with EAGAIN, ENOMEM, EMFILE.
 */
struct weft__unit *weft__unit_start(
	struct weft__units *units, int (*fn)(struct weft__unit *unit), void *arg);

/** One that has ended, off the list and with its end; NULL: none has. weft__unit_free() is next. */
struct weft__unit *weft__units_reap(struct weft__units *units);
void weft__unit_free(struct weft__unit *unit);

/** Processes: SIGTERM, once to each. */
void weft__units_stop(struct weft__units *units);
/** Their waiting calls fail with ECANCELED. */
void weft__units_cancel(struct weft__units *units);
/** Processes: SIGKILL. */
void weft__units_kill(struct weft__units *units);

/** Reaped: whether its process was killed by a signal or exited by itself, not by fn's return. */
bool weft__unit_has_crashed(const struct weft__unit *unit);

#endif
