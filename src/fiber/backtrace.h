/*
 * backtrace.h - where a fiber or a thread is, in words: src/fiber/backtrace.c.
 */
#ifndef FIBER_BACKTRACE_H
#define FIBER_BACKTRACE_H

#include <stdbool.h>
#include <stdio.h>

struct weft__worker;
struct weft__fiber;

#define WEFT__FRAMES_MAX 64

struct weft__backtrace {
	int count; /* -1: there is too little room on its stack to find out */
	void *frames[WEFT__FRAMES_MAX];
};

/** Of a fiber of the calling worker that has started and does not run. */
void weft__backtrace_of(struct weft__backtrace *trace, struct weft__fiber *fiber);

/** Of the caller. */
void weft__backtrace_here(struct weft__backtrace *trace);

/**
 * Of what another worker runs right now, by a signal to its thread. False: it didn't
 * answer in 100 ms. Callers take turns; no worker but the one that lists the fibers.
 */
bool weft__backtrace_running(struct weft__backtrace *trace, struct weft__worker *worker);

/**
 * One line per frame: function, source line where they can be known. The runtime's own
 * innermost and outermost frames are left out. Callers take turns.
 */
void weft__backtrace_print(const struct weft__backtrace *trace, FILE *out);

/** In the child of a fork, where nobody else has a turn. */
void weft__backtrace_forked(void);

#endif
