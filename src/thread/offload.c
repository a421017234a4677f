/*
 * offload.c - blocking functions on threads, for fibers that wait (include/weft/offload.h).
 *
 * Each kind of work is a crew of its own (crew.h), with a queue that needs no bound: its
 * entries lie on the stacks of fibers that wait, but for those of weft_offload_owned().
 *
 * Must never: let a fiber go while a function may still use its stack; leave a thread
 * behind weft_run() that has nothing to do.
 */
#include "weft/offload.h"

#include <errno.h>
#include <stdlib.h>

#include "fiber/runtime.h"
#include "thread/crew.h"
#include "weft/scope.h"

#define IDLE_NS     WEFT_SECONDS(10)
#define THREADS_MAX 1024

static struct weft__crew crews[WEFT_OFFLOAD_KINDS] = {
	[WEFT_OFFLOAD_USER] = {.name = "weft user", .threads_max = WEFT_OFFLOAD_USER_DEFAULT},
	[WEFT_OFFLOAD_FILE] = {.name = "weft file", .threads_max = WEFT_OFFLOAD_FILE_DEFAULT},
	[WEFT_OFFLOAD_DNS] = {.name = "weft dns", .threads_max = WEFT_OFFLOAD_DNS_DEFAULT},
};

/* The first word of each is its job. */
struct call {
	struct weft__job job;
	weft_offload_fn *fn;
	void *arg;
	int result, code; /* what fn returned, and its errno */
	bool is_done;
	bool is_left; /* owned: nobody waits for it any more */
	struct weft__wait_list waiter;
	void (*drop)(void *arg); /* owned */
};

/* ---- The crews ------------------------------------------------------------------------ */

static void dismiss_all(void)
{
	for (int kind = 0; kind < WEFT_OFFLOAD_KINDS; kind++)
		weft__crew_dismiss(&crews[kind]);
}

static void crews_init(void)
{
	for (int kind = 0; kind < WEFT_OFFLOAD_KINDS; kind++) {
		crews[kind].queue_max = SIZE_MAX;
		crews[kind].idle_ns = IDLE_NS;
		weft__crew_init(&crews[kind]);
	}
	atomic_store(&weft__run_ended, dismiss_all);
	atexit(dismiss_all);
}

/* NULL with EINVAL when there is no such kind. */
static struct weft__crew *crew_of(enum weft_offload_kind kind)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, crews_init);
	if ((unsigned)kind < WEFT_OFFLOAD_KINDS)
		return &crews[kind];
	errno = EINVAL;
	return NULL;
}

int weft_offload_limit(enum weft_offload_kind kind, unsigned threads_max)
{
	struct weft__crew *crew = crew_of(kind);

	if (!crew || threads_max < 1 || threads_max > THREADS_MAX) {
		errno = EINVAL;
		return -1;
	}
	weft__crew_lock(crew);
	crew->threads_max = threads_max;
	pthread_cond_broadcast(&crew->work);
	weft__crew_unlock(crew);
	return 0;
}

/* ---- One call -------------------------------------------------------------------------- */

static struct call *call_of(struct weft__job *job)
{
	return weft_container_of(job, struct call, job);
}

static int call_run(struct weft__job *job)
{
	struct call *call = call_of(job);

	errno = 0;
	call->result = call->fn(call->arg);
	call->code = errno;
	return call->result;
}

static bool call_done(struct weft__job *job, int result)
{
	struct call *call = call_of(job);

	(void)result;
	if (call->is_left)
		return true;
	call->is_done = true;
	weft__wait_list_wake_all(&call->waiter);
	return false;
}

/* Only of owned ones. */
static void call_drop(struct weft__job *job)
{
	struct call *call = call_of(job);

	call->drop(call->arg);
	free(call);
}

static const struct weft__job_ops call_ops = {
	.run = call_run, .done = call_done, .after = call_drop};

static void call_init(struct call *call, weft_offload_fn *fn, void *arg)
{
	*call = (struct call){.job = {.ops = &call_ops}, .fn = fn, .arg = arg};
	weft__wait_list_init(&call->waiter);
}

/*
 * Queue it and wait for its end; the crew's mutex is held. 0 when it was done, else an
 * errno value: then it will not begin, or (owned) is left to itself (*ret_is_left).
 */
static int call_await(struct weft__crew *crew, struct call *call, bool *ret_is_left)
{
	int code = weft_interrupted();

	if (!code)
		code = weft__crew_push(crew, &call->job, true);
	if (code)
		return code;
	while (!call->is_done && !code)
		code = weft__wait_list_wait(
			&call->waiter, &crew->mutex, WEFT__WAIT_OFFLOAD, (void *)call->fn);
	if (call->is_done)
		return 0;
	if (weft__crew_remove(crew, &call->job))
		return code;
	if (call->drop) {
		call->is_left = *ret_is_left = true;
		return code;
	}
	WEFT_SHIELDED
		while (!call->is_done)
			weft__wait_list_wait(
				&call->waiter, &crew->mutex, WEFT__WAIT_OFFLOAD, (void *)call->fn);
	return 0;
}

/* Whether the caller may call the function itself: it holds up nobody, or it must. */
static bool is_alone(void)
{
	return !weft__worker || weft__worker->driver->ops->net;
}

static int fail(int code)
{
	errno = code;
	return -1;
}

int weft_offload_as(enum weft_offload_kind kind, weft_offload_fn *fn, void *arg)
{
	struct weft__crew *crew = crew_of(kind);
	struct call call;
	bool is_left = false;
	int code;

	if (!crew)
		return -1;
	if (is_alone()) {
		code = weft_interrupted();
		return code ? fail(code) : fn(arg);
	}
	call_init(&call, fn, arg);
	weft__crew_lock(crew);
	code = call_await(crew, &call, &is_left);
	weft__crew_unlock(crew);
	if (code)
		return fail(code);
	errno = call.code;
	return call.result;
}

int weft_offload(weft_offload_fn *fn, void *arg)
{
	return weft_offload_as(WEFT_OFFLOAD_USER, fn, arg);
}

static int owned_alone(const struct weft_offload_owned *work, int *ret_result)
{
	*ret_result = work->fn(work->arg);
	return 0;
}

static int owned_await(const struct weft_offload_owned *work, struct call *call, int *ret_result)
{
	struct weft__crew *crew = crew_of(work->kind);
	bool is_left = false;
	int code = crew ? 0 : EINVAL;

	if (crew) {
		weft__crew_lock(crew);
		code = call_await(crew, call, &is_left);
		weft__crew_unlock(crew);
	}
	if (!code) {
		*ret_result = call->result;
		code = call->code;
		free(call);
		errno = code;
		return 0;
	}
	if (!is_left)
		call_drop(&call->job);
	return fail(code);
}

int weft_offload_owned(const struct weft_offload_owned *work, int *ret_result)
{
	bool is_bounded = weft_time_left() != WEFT_FOREVER;
	int code = weft_interrupted();
	struct call *call;

	/* A thread with a deadline has somebody to wait for, too. */
	if (!code && is_alone() && (weft__worker || !is_bounded))
		return owned_alone(work, ret_result);
	call = code ? NULL : malloc(sizeof *call);
	if (!call) {
		code = code ? code : ENOMEM;
		work->drop(work->arg);
		return fail(code);
	}
	call_init(call, work->fn, work->arg);
	call->drop = work->drop;
	return owned_await(work, call, ret_result);
}
