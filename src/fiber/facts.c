/*
 * facts.c - weft_fibers(): all fibers, one after the other, for a program.
 *
 * A fiber's record may be read by its own worker only. So each worker is given a fiber that looks
 * at some slots of the table, and writes down what it finds there; then others run, and the next
 * one looks at the next slots.
 *
 *	caller --- spawns on worker 1 ---> look(batch): up to BATCH fibers, or SLOTS slots
 *	       <-- joins -----------------
 *	       tells of each; again, from where that has ended; then worker 2, ...
 *
 * A worker that is held runs no look within ANSWER_NS: then the batch belongs to the look, which
 * comes too late and frees it, and the caller goes on with the next worker.
 *
 * Must never: keep a worker for longer than one batch takes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fiber/dump.h"
#include "fiber/runtime.h"
#include "weft/debug.h"

/** Fibers that are described at a time (some us each), and slots that are looked at. */
#define BATCH 64
#define SLOTS 8192

#define ANSWER_NS WEFT_SECONDS(1)

_Static_assert(sizeof(((struct weft_fiber_facts *)0)->name) == WEFT_FIBER_NAME_MAX + 1, "a name");

struct batch {
	atomic_int holders; /* the caller, and the look */
	uint32_t slot;      /* the next to look at */
	bool is_last;
	unsigned count;
	struct weft_fiber_facts facts[BATCH];
	char text[WEFT_FIBER_WAIT_SIZE]; /* what `out` writes */
};

static void batch_drop(struct batch *batch)
{
	if (atomic_fetch_sub(&batch->holders, 1) == 1)
		free(batch);
}

/* ---- On the fiber's own worker ------------------------------------------------------------ */

static size_t stack_used(const struct weft__fiber *fiber, size_t size)
{
	uintptr_t top = (uintptr_t)fiber->stack + size, sp = (uintptr_t)fiber->sp;

	return fiber->stack && sp >= (uintptr_t)fiber->stack && sp < top ? top - sp : 0;
}

/* What was written to out, which writes to from, goes to ret_text; and out begins anew. */
static void take_text(FILE *out, const char *from, char *ret_text, size_t size)
{
	long len;

	fflush(out);
	len = ftell(out);
	rewind(out);
	if (len < 0)
		len = 0;
	if ((size_t)len >= size)
		len = (long)size - 1;
	memcpy(ret_text, from, (size_t)len);
	ret_text[len] = '\0';
}

/* One that has started: it is ours for good. */
static void describe_started(const struct weft__worker *worker, const struct weft__fiber *fiber,
	struct batch *batch, FILE *out)
{
	struct weft_fiber_facts *facts = &batch->facts[batch->count];

	facts->state = fiber->state == WEFT__PARKED    ? WEFT_FIBER_WAITS
		       : fiber->state == WEFT__RUNNING ? WEFT_FIBER_RUNS
						       : WEFT_FIBER_READY;
	facts->stack_used_bytes = stack_used(fiber, facts->stack_size_bytes);
	if (fiber->door) {
		facts->door = fiber->door;
		weft__peer_describe(fiber->door_fd, out);
		take_text(out, batch->text, facts->peer, sizeof(facts->peer));
	}
	if (facts->state == WEFT_FIBER_WAITS) {
		facts->state_ns = worker->now_ns - fiber->parked_ns;
		weft__wait_name(fiber->wait, out);
		take_text(out, batch->text, facts->wait, sizeof(facts->wait));
	}
}

/* Whether it was one of ours, other than the one that looks. */
static bool describe(
	struct weft__worker *worker, struct weft__fiber *fiber, struct batch *batch, FILE *out)
{
	struct weft_fiber_facts *facts = &batch->facts[batch->count];
	uint64_t control = atomic_load(&fiber->control);
	const struct weft__worker *started_on;

	if (!(control & WEFT__LIVE) || (control & WEFT__ENDED) ||
		atomic_load(&fiber->worker) != worker || fiber == worker->current)
		return false;
	/* One that has not started may be taken by another worker at any time: what is said of it
	 * does not change when it starts. */
	started_on = atomic_load(&fiber->started_on);
	if (started_on && (started_on != worker || fiber->state == WEFT__DONE))
		return false;
	*facts = (struct weft_fiber_facts){
		.id = (control & ~UINT64_C(0xffffffff)) | (fiber->slot + 1),
		.worker = worker->index,
		.state = WEFT_FIBER_NEW,
		.age_ns = worker->now_ns - fiber->spawned_ns,
		.stack_size_bytes = weft__stack_class_size(fiber->stack_class),
		.door = ""};
	if (facts->age_ns < 0)
		facts->age_ns = 0;
	memcpy(facts->name, fiber->name, sizeof(facts->name));
	if (started_on)
		describe_started(worker, fiber, batch, out);
	return true;
}

static int look(void *arg)
{
	struct batch *batch = arg;
	uint32_t end = weft__slot_count();
	FILE *out = fmemopen(batch->text, sizeof(batch->text), "w");
	int saved = errno;

	if (!out) {
		batch_drop(batch);
		return -1;
	}
	if (end - batch->slot > SLOTS)
		end = batch->slot + SLOTS;
	else
		batch->is_last = true;
	while (batch->slot < end && batch->count < BATCH)
		batch->count += describe(weft__worker, weft__slot_at(batch->slot++), batch, out);
	batch->is_last = batch->is_last && batch->slot == end;
	fclose(out);
	errno = saved;
	batch_drop(batch);
	return 0;
}

/* ---- The caller ------------------------------------------------------------------------------ */

/* What it is busy with, as far as it can be seen from outside. */
__attribute__((no_sanitize("thread"))) static void describe_held(
	unsigned index, struct weft_fiber_facts *facts)
{
	struct weft__runtime *runtime = weft__runtime_enter();
	struct weft__worker *worker =
		runtime && index < runtime->worker_count ? runtime->workers[index] : NULL;
	struct weft__fiber *fiber =
		worker ? __atomic_load_n(&worker->current, __ATOMIC_RELAXED) : NULL;

	*facts = (struct weft_fiber_facts){.worker = index, .state = WEFT_FIBER_HOLDS, .door = ""};
	if (worker)
		facts->state_ns = weft_now() - __atomic_load_n(&worker->now_ns, __ATOMIC_RELAXED);
	if (fiber && fiber != &worker->base) {
		facts->id = weft__fiber_id(fiber);
		memcpy(facts->name, fiber->name, sizeof(facts->name));
		facts->name[sizeof(facts->name) - 1] = '\0';
	}
	weft__runtime_leave();
}

static int tell(const struct batch *batch, weft_fibers_fn *fn, void *arg)
{
	for (unsigned i = 0; i < batch->count; i++)
		if (fn(&batch->facts[i], arg) < 0)
			return -1;
	return 0;
}

static int tell_held(unsigned worker, weft_fibers_fn *fn, void *arg)
{
	struct weft_fiber_facts *facts = malloc(sizeof(*facts));
	int result, saved;

	if (!facts)
		return -1;
	describe_held(worker, facts);
	result = fn(facts, arg) < 0 ? -1 : 0;
	saved = errno;
	free(facts);
	errno = saved;
	return result;
}

/* The next slots, of one worker. 1: there are more; 0; -1. */
static int list_some(unsigned worker, uint32_t *slot, weft_fibers_fn *fn, void *arg)
{
	const struct weft_spawn_options options = {.name = "lister", .worker = worker + 1};
	struct batch *batch = calloc(1, sizeof(*batch));
	weft_fiber_id fiber;
	int result = -1, looked = 0, saved;

	if (!batch)
		return -1;
	atomic_init(&batch->holders, 2);
	batch->slot = *slot;
	fiber = weft_spawn_with(&options, look, batch);
	if (!fiber) {
		saved = errno;
		free(batch);
		errno = saved;
		return -1;
	}
	if (weft_join(fiber, &looked, ANSWER_NS) < 0) {
		saved = errno;
		weft_detach(fiber);
		batch_drop(batch); /* it may be read no more: the look comes when it comes */
		errno = saved;
		return saved == ETIMEDOUT ? tell_held(worker, fn, arg) : -1;
	}
	if (looked == 0 && tell(batch, fn, arg) == 0) {
		*slot = batch->slot;
		result = !batch->is_last;
	}
	saved = errno;
	batch_drop(batch);
	errno = saved;
	return result;
}

int weft_fibers(weft_fibers_fn *fn, void *arg)
{
	unsigned count = weft_worker_count();

	if (count == 0) {
		errno = ENOTSUP;
		return -1;
	}
	for (unsigned worker = 0; worker < count; worker++) {
		uint32_t slot = 0;
		int result;

		do {
			result = list_some(worker, &slot, fn, arg);
		} while (result > 0);
		if (result < 0)
			return -1;
	}
	return 0;
}

const char *weft_fiber_state_name(enum weft_fiber_state state)
{
	static const char *const names[] = {[WEFT_FIBER_WAITS] = "waits",
		[WEFT_FIBER_READY] = "ready",
		[WEFT_FIBER_NEW] = "new",
		[WEFT_FIBER_RUNS] = "runs",
		[WEFT_FIBER_HOLDS] = "holds"};

	return state <= WEFT_FIBER_HOLDS ? names[state] : "";
}
