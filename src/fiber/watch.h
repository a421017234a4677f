/*
 * watch.h - a thread beside the workers, which sees what they can't: src/fiber/watch.c.
 */
#ifndef FIBER_WATCH_H
#define FIBER_WATCH_H

#include "fiber/runtime.h"

/** Start it if there is anything to watch for; from weft_run(). 0, or -1 with errno. */
int weft__watch_begin(struct weft__runtime *runtime, int64_t watchdog_ns);

/** End it. Fine when it was not started. */
void weft__watch_end(void);

/** In the child of a fork(): it is not here. */
void weft__watch_forked(void);

/** Tell of fibers that have waited for one another in a ring for longer than that. */
void weft__rings_watch(int64_t older_than_ns);

/**
 * Nothing can ever run again: tell, and cancel all fibers. False: that was done before, and
 * they wait on.
 */
bool weft__deadlock_found(struct weft__runtime *runtime);

/**
 * The calling worker is about to sleep, all others do already, and none has a timer: if no
 * fiber waits for anything outside, report it on the standard error, and cancel all of them.
 */
void weft__deadlock_check(struct weft__worker *worker);

/**
 * So many more threads (or fewer, below 0) wake nobody by themselves: a thread of weft's own
 * that works, or waits for work that somebody else must bring. Where all fibers wait, any
 * other thread is a hope. From any thread.
 */
void weft__bystanders_add(int count);

/** In the child of a fork(): there are none. */
void weft__bystanders_forked(void);

#endif
