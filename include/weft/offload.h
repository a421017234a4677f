/*
 * weft/offload.h - run a blocking function off the worker, and park the fiber meanwhile.
 *
 *	static int checksum(void *arg) { ... reads a file by blocking calls ... }
 *
 *	result = weft_offload(checksum, &job);	// other fibers go on
 *
 * For calls into libraries that block, and for long computations. weft's own calls don't
 * need it. Outside a fiber there is nobody to hold up: fn is simply called. Under a
 * simulator it is called at once on the calling fiber, so that a run stays the same.
 *
 * Threads come from a pool that starts them as needed and ends with weft_run(). Each kind
 * of work has a limit of its own, so one kind can't starve the others: a name service
 * that doesn't answer takes no thread from files. fn runs on a thread with all signals
 * blocked, outside any fiber, with no deadline.
 *
 * Deadlines and cancellation. A C function that runs can't be stopped, and it may be using
 * the caller's stack. So a fiber that is late or cancelled while fn waits for a thread gets
 * -1 with ETIMEDOUT or ECANCELED, and fn will never be called; once fn has begun, the fiber
 * waits for its end and gets its result. (The next call that waits then fails.) Where
 * that is too long, weft_offload_owned() lets go of fn, together with its memory.
 */
#ifndef WEFT_OFFLOAD_H
#define WEFT_OFFLOAD_H

#include "weft/api.h"

WEFT_BEGIN

/** Kinds of work; each has its own threads. */
enum weft_offload_kind {
	WEFT_OFFLOAD_USER,
	WEFT_OFFLOAD_FILE, /* weft/file.h, weft/dir.h */
	WEFT_OFFLOAD_DNS,  /* weft/dns.h */
	WEFT_OFFLOAD_KINDS /* how many kinds there are */
};

/** How many of a kind run at a time, unless weft_offload_limit() says otherwise. */
#define WEFT_OFFLOAD_USER_DEFAULT 64
#define WEFT_OFFLOAD_FILE_DEFAULT 32
#define WEFT_OFFLOAD_DNS_DEFAULT  16

typedef int weft_offload_fn(void *arg);

/**
 * Run fn(arg) as WEFT_OFFLOAD_USER. Returns what fn returned, errno as fn left it.
 * Errors, fn not having been called: ETIMEDOUT, ECANCELED; EAGAIN, ENOMEM (no thread of
 * this kind, and none could be started). From any thread.
 */
WEFT_API int weft_offload(weft_offload_fn *fn, void *arg);

/** The same as work of this kind. Errors: also EINVAL (no such kind). */
WEFT_API int weft_offload_as(enum weft_offload_kind kind, weft_offload_fn *fn, void *arg);

struct weft_offload_owned {
	enum weft_offload_kind kind;
	weft_offload_fn *fn;
	void *arg;               /* not on the stack, and shared with nobody */
	void (*drop)(void *arg); /* frees arg, and what fn left in it; on any thread */
};

/**
 * Run fn(arg), without waiting for longer than the caller may. Returns 0 when fn has
 * returned: *ret_result is what, errno as fn left it, and arg is the caller's again.
 * On failure arg is not the caller's any more: drop(arg) is called once, when nobody
 * uses it, perhaps much later. Errors: ETIMEDOUT, ECANCELED (fn may be running yet),
 * EAGAIN, ENOMEM, EINVAL. A thread outside fibers calls fn itself, unless a deadline is in
 * force.
 */
WEFT_API int weft_offload_owned(const struct weft_offload_owned *work, int *ret_result);

/**
 * How many of a kind may run at a time, from 1 to 1024. Fewer take effect as threads end.
 * Errors: EINVAL. Any thread.
 */
WEFT_API int weft_offload_limit(enum weft_offload_kind kind, unsigned threads_max);

WEFT_END

#endif
