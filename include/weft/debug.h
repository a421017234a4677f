/*
 * weft/debug.h - what every fiber is doing, and how busy the workers are.
 *
 * Nothing is ever silently stuck: weft_dump() lists the fibers and where each waits. It
 * costs nothing until it is called. When nothing can ever run again, weft_run() says so by
 * itself (weft/fiber.h); a fiber that keeps its worker too long is told of when
 * weft_run_options.watchdog_ns says how long that is, and what is left behind at the end
 * with .report_leaks. In gdb, `source PREFIX/share/weft/weft-gdb.py` has `weft fibers` and
 * `weft bt NAME`.
 */
#ifndef WEFT_DEBUG_H
#define WEFT_DEBUG_H

#include "weft/api.h"

WEFT_BEGIN

/**
 * Write a list of all live fibers to fd, for a person: the name, its state and since
 * when, what it waits for (a descriptor and its peer, a lock and its owner, a channel, a
 * fiber, time), and its backtrace, with functions and lines where libdw (elfutils) is
 * installed and the program has debugging information.
 *
 *	fiber "client" #17 on worker 1: waits 2.013 s to read descriptor 9
 *			(TCP 10.0.0.1:80 with 10.0.0.2:4711)
 *		weft_stream_readline	src/io/stream_read.c:173
 *		talk			chat.c:51
 *
 * A worker that does not answer within 200 ms is listed by what it is doing right now.
 * Blocks the calling thread meanwhile. From any fiber or thread, not from a signal handler.
 * Returns 0. Errors: ENOTSUP (no weft_run() under way), EBUSY (another fiber or thread is
 * listing), ENOMEM, those of write(2).
 */
WEFT_API int weft_dump(int fd);

/* ---- One fiber after the other ------------------------------------------------ */

enum weft_fiber_state {
	WEFT_FIBER_WAITS,
	WEFT_FIBER_READY, /* it can run, and waits for its turn */
	WEFT_FIBER_NEW,   /* it has not started */
	WEFT_FIBER_RUNS,
	WEFT_FIBER_HOLDS, /* its worker, which did not answer: others of this worker are not told
			   * of; only name, id, worker and state_ns (since its last switch) */
};

/** "waits", "ready", "new", "runs", "holds". */
WEFT_API const char *weft_fiber_state_name(enum weft_fiber_state state);

/** Of the text about a wait, and of a peer, with the NUL; longer ones are cut. */
#define WEFT_FIBER_WAIT_SIZE 256
#define WEFT_FIBER_PEER_SIZE 112

struct weft_fiber_facts {
	uint64_t id; /* weft_fiber_id */
	char name[32];
	unsigned worker;
	enum weft_fiber_state state;
	int64_t state_ns;                          /* WAITS: for so long; else 0 */
	int64_t age_ns;                            /* since it was spawned */
	size_t stack_used_bytes, stack_size_bytes; /* used: now; 0: not known */
	const char *door;                          /* the listener's name whose connection it
						    * serves; "": none. While the listener lives */
	char peer[WEFT_FIBER_PEER_SIZE];           /* who is connected there, "10.0.0.2:4711" */
	char wait[WEFT_FIBER_WAIT_SIZE];           /* what WAITS waits for; else "" */
};

/** Below 0: enough. It may wait. */
typedef int weft_fibers_fn(const struct weft_fiber_facts *facts, void *arg);

/**
 * Tell fn, on the calling fiber or thread, of all live fibers, in no particular order. The
 * workers look a few at a time, and run other fibers between, so however many there are, nobody
 * stands still for long; who starts or ends meanwhile is told of or not. A worker that does not
 * answer within a second is told of by the fiber that holds it. Several may list at a time.
 * Returns 0; -1: what fn returned was below 0 (errno is fn's), or with ENOTSUP (no weft_run()
 * under way), ENOMEM, ECANCELED, EAGAIN.
 */
WEFT_API int weft_fibers(weft_fibers_fn *fn, void *arg);

/* ---- More ---------------------------------------------------------------------- */

/**
 * From now on, during each weft_run(), the one under way included, a signal (SIGUSR1, say)
 * makes weft_dump() write to the standard error. Outside a run the signal does what it did
 * before. 0: none, as it is at first. From any fiber or thread, not from a signal handler.
 * Errors: EINVAL (no such signal, or one that can't be caught); while a run is under way also
 * EAGAIN, EMFILE and ENOMEM, and then all is as it was.
 */
WEFT_API int weft_dump_on_signal(int signal);

/**
 * From now on, look at the order in which locks (weft/lock.h) are acquired: where one is
 * acquired while another is held that somewhere else is acquired the other way round, in
 * two steps or more, both places are told of on the standard error, once. So a deadlock
 * is found that has not happened yet. Off at first; turn it on before the first lock is
 * acquired, in tests for instance: it makes locks much slower.
 */
WEFT_API void weft_lock_order_check(bool on);

/** How often the workers of a run have done what, since it began. */
struct weft_counters {
	uint64_t spawned, ended; /* fibers; by a worker: spawned there, ended there */
	uint64_t started;        /* fibers, which stay where they have: started less ended live */
	uint64_t switches;       /* fibers that were gone on with */
	uint64_t parks;          /* fibers that had to wait */
	uint64_t wakes;          /* requests from other threads: wake, cancel, start */
	uint64_t steals;         /* fibers taken from another worker before they started */
	uint64_t looks;          /* at the kernel for events, with and without waiting */
	uint64_t sleeps;         /* of those, the ones with nothing else to do */
	uint64_t reads, writes;  /* system calls that move bytes, and ... */
	uint64_t accepts, connects, polls;
	int64_t cpu_ns; /* of processors that the workers' threads have used */
};

/**
 * The counters of one worker, or the sum over all for -1. Any thread. They are read while
 * the workers go on, so they may not add up by a few. Errors: ENOTSUP (no weft_run()
 * under way), EINVAL (no such worker).
 */
WEFT_API int weft_counters(int worker, struct weft_counters *ret_counters);

WEFT_END

#endif
