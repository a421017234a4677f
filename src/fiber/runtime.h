/*
 * runtime.h - one weft_run(): its workers, and how it ends.
 */
#ifndef FIBER_RUNTIME_H
#define FIBER_RUNTIME_H

#include <pthread.h>
#include <stdatomic.h>

#include "fiber/worker.h"

struct weft__runtime {
	const struct weft__driver_ops *driver_ops;
	unsigned worker_count;
	int stack_class;                                /* default */
	struct weft__worker *workers[WEFT_WORKERS_MAX]; /* never freed: stale looks are safe */
	pthread_t threads[WEFT_WORKERS_MAX];            /* of workers 1.. */
	_Atomic unsigned sleeping;                      /* workers in the driver, or about to be */
	_Atomic unsigned stranded;                      /* of those, the ones without a timer */
	atomic_bool is_deadlocked;                      /* it was found and told */
	_Atomic uint64_t spawned_outside;               /* fibers started by other threads */
	_Atomic unsigned next_worker;                   /* where the next of those goes */
	atomic_bool is_ending;                          /* the first fiber has returned */
	atomic_bool is_halted;                          /* no fiber lives: workers end */
	struct weft__fiber *main_fiber;
	weft_fiber_id main_id;
};

/**
 * The one under way, or NULL. Workers may use it as they like; other threads hold
 * weft__outside while they do, which keeps it from ending under them.
 */
extern struct weft__runtime *_Atomic weft__runtime;
extern pthread_mutex_t weft__outside;

/**
 * The run under way, or NULL, which stays until weft__runtime_leave(): threads outside
 * keep it from ending.
 */
struct weft__runtime *weft__runtime_enter(void);
void weft__runtime_leave(void);

/** Cancel every fiber, the first one too. */
void weft__runtime_cancel_all(void);

/** A fiber has ended while the run is ending: the first fiber waits for the last of them. */
void weft__runtime_fiber_ended(struct weft__runtime *runtime);

/** Fibers started and not ended. */
size_t weft__runtime_fibers(struct weft__runtime *runtime);

/** Crash handler on this thread's own signal stack: src/fiber/overflow.c. */
int weft__overflow_install(void);
void weft__overflow_uninstall(void);
int weft__overflow_thread_begin(void **ret_stack);
void weft__overflow_thread_end(void *stack);

/**
 * Called by weft_run() when no fiber is left, on its thread: src/thread sets it, and ends
 * its threads there. NULL: nothing to do.
 */
extern void (*_Atomic weft__run_ended)(void);

/** Somebody wants this worker's fibers listed: src/fiber/dump.c */
void weft__dump_answer(struct weft__worker *worker);

/** The fibers and descriptors that this run leaves behind: src/fiber/leaks.c */
void weft__leaks_report(const struct weft__runtime *runtime);

/** Make fork() safe: src/fiber/fork.c. Once per process. */
void weft__fork_prepare(void);

/** In the child of a fork: nobody waits for a descriptor here. src/fiber/close.c */
void weft__close_forked(void);

/** A worker's driver and queues in the child of a fork are dropped. */
void weft__runtime_forked(void);

#endif
