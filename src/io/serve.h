/*
 * io/serve.h - what the models of serving share.
 *
 *	serve.c           the choice; what happens to a connection
 *	serve_fiber.c     a fiber per connection
 *	serve_each.c      a thread or process per connection
 *	serve_members.c   one connection after the other, on one or several threads or processes
 *	unit.c            a thread or a process
 */
#ifndef IO_SERVE_H
#define IO_SERVE_H

#include <limits.h>
#include <stdatomic.h>

#include "weft/serve.h"

/** As struct weft_serve_counts; in memory that processes share. */
struct weft__serve_counts {
	_Atomic uint64_t accepted, ended, failed, crashed, refused, replaced;
};

/** One call of weft_serve(). */
struct weft__serving {
	struct weft_listener *listener;
	weft_handler_fn *handler;
	void *arg;
	const struct weft_serve_options *options;
	int64_t grace_ns;
	struct weft__serve_counts *counts;
	const struct weft__serve_hooks *hooks;
};

/** What a protocol of weft's own can ask for beside weft_serve_options. */
struct weft__serve_hooks {
	void (*on_process_stop)(void *arg); /* in a process's signal handler, with arg; or NULL */
	int64_t park_timeout_ns;            /* 0: nobody parks; nor under the simulator */
	/**
	 * Fibers, threads: the bound is reached, and somebody waits; is_one_gone: one who was
	 * parked was closed for him. On any worker, or the thread that accepts; never waits. Or
	 * NULL.
	 */
	void (*on_full)(void *arg, bool is_one_gone);
	bool keeps_parked; /* nobody who is parked is closed for somebody who comes */
	/** Who was parked, or wanted to be, is closed and not handled again; or NULL. */
	void (*on_parked_end)(struct weft_stream *peer, void *arg);
};

/**
 * What a handler returns whose peer may be silent for long, if its stream can park: it is called
 * again, on a new fiber, when there is something to read, and the connection is closed without a
 * call when there is nothing for park_timeout_ns. Nothing may be left unsent. In the later calls
 * the stream's was_parked is set.
 */
#define WEFT__SERVE_PARK WEFT_SERVE_PARK

/** weft_serve(), with these hooks. */
int weft__serve(struct weft_listener *listener, weft_handler_fn *handler, void *arg,
	const struct weft_serve_options *options, const struct weft__serve_hooks *hooks);

/** The models. 0 after a stop, else an errno value. */
int weft__serve_fibers(struct weft__serving *serving);
int weft__serve_threads(struct weft__serving *serving);
int weft__serve_processes(struct weft__serving *serving);
int weft__serve_loop(struct weft__serving *serving);
int weft__serve_pool(struct weft__serving *serving);
int weft__serve_prefork(struct weft__serving *serving);

/** Let the handler talk, flush, close. What it returned. Counts the end. */
int weft__serve_connection(struct weft__serving *serving, struct weft_stream *peer);

/** The parts after the handler: flush, which waits; close, and count. */
void weft__serve_finish(struct weft_stream *peer);
void weft__serve_close(struct weft__serving *serving, struct weft_stream *peer, int result);

/**
 * Accept without waiting, as it were by weft_accept(). Its descriptor; -1: nobody is there
 * (EAGAIN), or as accept(2).
 */
int weft__serve_accept(struct weft__serving *serving, struct weft_address *ret_peer);

/** Whether an accept that failed may go better later, and what is to be done is to wait. */
bool weft__serve_is_short(int code);

/** Whether descriptors are a simulator's, which the kernel knows nothing of. */
bool weft__serve_is_simulated(void);

static inline void weft__serve_count(_Atomic uint64_t *count)
{
	atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
}

#endif
