/*
 * deadlock.c - "all fibers wait, and nothing can wake them": found, told, ended.
 *
 * The worker that is the last to fall asleep, with no timer anywhere, looks whether some
 * fiber waits for the world (a descriptor, a function on a thread), or some thread of the
 * program's own lives that might wake one. If not, nothing can ever run again. It says so,
 * names the fibers and, where they wait for one another in a ring, the ring; then all
 * fibers are cancelled, so that they clean up, and weft_run() returns -1 with EDEADLK.
 *
 * A ring in a program that otherwise goes on is found by the watch thread.
 *
 * The four conditions of a deadlock are then facts: each waits for what one holder must
 * give (mutual exclusion), holds what another wants, can't be made to give it, in a ring.
 *
 * Must never: conclude it while anybody could still wake. What is read of other workers'
 * fibers is read while they sleep, and looked at again afterwards.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fiber/dump.h"
#include "fiber/watch.h"
#include "weft/debug.h"

/** Fibers of a ring that are named; a longer one is found all the same. */
#define RING_MAX 64

/** ThreadSanitizer has a thread of its own, and another after a fork: they wake nobody. */
#ifdef WEFT_TSAN
#define OTHERS_USUAL 2
#else
#define OTHERS_USUAL 0
#endif

/** Reads what belongs to other workers' fibers, which mostly sleep: it may be stale. */
#define STALE __attribute__((no_sanitize("thread")))

/* ---- Who waits for whom ------------------------------------------------------------------- */

/* Where it says what it waits for, or NULL when it does not. Another worker's: stale at once. */
STALE static const struct weft__wait *place_of(struct weft__fiber *fiber)
{
	uint64_t control = atomic_load(&fiber->control);

	if (!(control & WEFT__LIVE) || (control & WEFT__ENDED) ||
		__atomic_load_n(&fiber->state, __ATOMIC_ACQUIRE) != WEFT__PARKED)
		return NULL;
	return __atomic_load_n(&fiber->wait, __ATOMIC_ACQUIRE);
}

/*
 * What a fiber waits for. False: it does not. It lies on the fiber's stack, where anything else
 * lies when it goes on: a copy made while it did is none. (Its stack stays mapped.)
 */
__attribute__((no_sanitize("address"))) STALE static bool wait_of(
	struct weft__fiber *fiber, struct weft__wait *ret_wait)
{
	uint64_t turn = atomic_load(&fiber->turn);
	const struct weft__wait *wait = place_of(fiber);

	if (!wait)
		return false;
	ret_wait->kind = __atomic_load_n(&wait->kind, __ATOMIC_ACQUIRE);
	ret_wait->events = __atomic_load_n(&wait->events, __ATOMIC_ACQUIRE);
	ret_wait->number = __atomic_load_n(&wait->number, __ATOMIC_ACQUIRE);
	ret_wait->object = __atomic_load_n(&wait->object, __ATOMIC_ACQUIRE);
	return place_of(fiber) == wait && atomic_load(&fiber->turn) == turn;
}

static bool is_live(weft_fiber_id id)
{
	struct weft__fiber *fiber = weft__fiber_of(id);
	uint64_t control = fiber ? atomic_load(&fiber->control) : 0;

	return fiber && weft__generation(control) == (uint32_t)(id >> 32) &&
	       (control & WEFT__LIVE) && !(control & WEFT__ENDED);
}

/* The one fiber that must act for this wait to end, or NULL when it is not one alone. */
STALE static struct weft__fiber *awaited(const struct weft__wait *wait)
{
	weft_fiber_id id = 0;

	if (wait->kind == WEFT__WAIT_JOIN) {
		struct weft__fiber *fiber = (struct weft__fiber *)wait->object;

		id = (uint64_t)wait->number << 32 | (fiber->slot + 1);
	} else if (wait->object && weft__object_ops && wait->kind >= WEFT__WAIT_LOCK &&
		   wait->kind <= WEFT__WAIT_ONCE) {
		id = weft__object_ops->owner(wait->kind, wait->object);
	}
	return is_live(id) ? weft__fiber_of(id) : NULL;
}

/* The fibers that wait for one another from this one on, back to it. 0: there is no ring. */
static size_t ring_find(struct weft__fiber *first, struct weft__fiber *ret_ring[RING_MAX])
{
	struct weft__fiber *fiber = first;

	for (size_t count = 0; count < RING_MAX; count++) {
		struct weft__wait wait;

		ret_ring[count] = fiber;
		fiber = wait_of(fiber, &wait) ? awaited(&wait) : NULL;
		if (!fiber)
			return 0;
		if (fiber == first)
			return count + 1;
	}
	return 0;
}

STALE static void ring_print(struct weft__fiber *const *ring, size_t count, FILE *out)
{
	fputs("weft: these fibers wait for one another in a ring:\n", out);
	for (size_t i = 0; i < count; i++) {
		struct weft__wait wait;

		fputs("\tfiber ", out);
		weft__fiber_describe(ring[i], out);
		fputc(' ', out);
		if (wait_of(ring[i], &wait))
			weft__wait_describe(&wait, weft_now() - ring[i]->parked_ns, out);
		fputc('\n', out);
	}
}

/* A ring is told of once: by the member that is first in the table. */
static bool is_first_of(struct weft__fiber *fiber, struct weft__fiber *const *ring, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (ring[i]->slot < fiber->slot)
			return false;
	return true;
}

static void rings_print(FILE *out)
{
	struct weft__fiber *ring[RING_MAX];

	for (uint32_t slot = 0; slot < weft__slot_count(); slot++) {
		struct weft__fiber *fiber = weft__slot_at(slot);
		size_t count = ring_find(fiber, ring);

		if (count > 0 && is_first_of(fiber, ring, count))
			ring_print(ring, count, out);
	}
}

/* ---- In a program that goes on ----------------------------------------------------------- */

/* One ring, and since when its first fiber waits: told of once. */
STALE void weft__rings_watch(int64_t older_than_ns)
{
	static struct weft__fiber *told;
	static int64_t told_since_ns;
	struct weft__fiber *ring[RING_MAX];
	char *text = NULL;
	size_t len, count;
	FILE *out;

	for (uint32_t slot = 0; slot < weft__slot_count(); slot++) {
		struct weft__fiber *fiber = weft__slot_at(slot);
		struct weft__wait wait;

		if (fiber->parked_ns > weft_now() - older_than_ns || !wait_of(fiber, &wait) ||
			!awaited(&wait))
			continue;
		count = ring_find(fiber, ring);
		if (count == 0 || (told == fiber && told_since_ns == fiber->parked_ns))
			continue;
		if (!is_first_of(fiber, ring, count))
			continue;
		told = fiber;
		told_since_ns = fiber->parked_ns;
		out = open_memstream(&text, &len);
		if (!out)
			return;
		ring_print(ring, count, out);
		if (fclose(out) == 0 && write(STDERR_FILENO, text, len) < 0)
			errno = 0; /* nobody reads it */
		free(text);
		return;
	}
}

/* ---- When nothing runs any more ---------------------------------------------------------- */

/* The world may end this wait. */
STALE static bool is_of_world(const struct weft__wait *wait)
{
	switch (wait->kind) {
	case WEFT__WAIT_SLEEP:
	case WEFT__WAIT_FD:
	case WEFT__WAIT_DESCRIPTOR:
	case WEFT__WAIT_LAST_FIBER:
	case WEFT__WAIT_OFFLOAD:
	case WEFT__WAIT_THREAD:
	case WEFT__WAIT_WORD:
		return true;
	case WEFT__WAIT_SELECT:
		return wait->events != 0;
	default:
		return false;
	}
}

/* Whether some fiber can go on, or waits for the world. The last one found is asked first. */
STALE static bool has_hope(void)
{
	static _Atomic uint32_t hint;
	uint32_t count = weft__slot_count(), start = atomic_load(&hint);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t slot = (start + i) % count;
		struct weft__fiber *fiber = weft__slot_at(slot);
		uint64_t control = atomic_load(&fiber->control);
		bool is_alive = (control & WEFT__LIVE) && !(control & WEFT__ENDED);
		struct weft__wait wait;

		if (is_alive && (!wait_of(fiber, &wait) || is_of_world(&wait))) {
			atomic_store(&hint, slot);
			return true;
		}
	}
	return false;
}

static bool is_asleep(struct weft__worker *worker)
{
	return atomic_load(&worker->is_sleeping) && weft_mpsc_is_empty(&worker->inbox) &&
	       weft__start_is_empty(&worker->starting) && !atomic_load(&worker->has_stale) &&
	       !atomic_load(&worker->dump);
}

static bool are_all_asleep(struct weft__runtime *runtime)
{
	for (unsigned i = 0; i < runtime->worker_count; i++)
		if (!is_asleep(runtime->workers[i]))
			return false;
	return atomic_load(&runtime->stranded) == runtime->worker_count;
}

/* ---- Threads ---------------------------------------------------------------------------- */

/** Threads that wake nobody by themselves; all but the one of worker 0. */
static _Atomic int bystanders;

/** All fibers were seen waiting, but some thread of the process was no bystander. */
static atomic_bool is_suspected;

void weft__bystanders_add(int count)
{
	struct weft__runtime *runtime;

	atomic_fetch_add(&bystanders, count);
	if (count <= 0 || !atomic_exchange(&is_suspected, false))
		return;
	/* It may have been this thread: have a worker fall asleep, and look, once more. */
	runtime = weft__runtime_enter();
	if (runtime)
		weft__worker_wake(runtime->workers[0]);
	weft__runtime_leave();
}

void weft__bystanders_forked(void)
{
	atomic_store(&bystanders, 0);
}

/*
 * Whether the process has threads that may do anything at any time. Their number is the
 * count of links of a folder: a list of them stops short where one ends meanwhile.
 */
static bool has_other_threads(void)
{
	struct stat tasks;

	/* Bystanders first: a thread that begins to be one meanwhile is taken for another. */
	int known = 1 + OTHERS_USUAL + atomic_load(&bystanders);

	return stat("/proc/self/task", &tasks) < 0 || (int)tasks.st_nlink - 2 > known;
}

static void report(void)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return;
	fputs("weft: deadlock: all fibers wait, and nothing can wake them\n", out);
	rings_print(out);
	if (fclose(out) == 0 && write(STDERR_FILENO, text, len) < 0)
		errno = 0; /* nobody reads it */
	free(text);
	weft_dump(STDERR_FILENO);
}

bool weft__deadlock_found(struct weft__runtime *runtime)
{
	if (atomic_exchange(&runtime->is_deadlocked, true))
		return false;
	report();
	weft__runtime_cancel_all();
	return true;
}

void weft__deadlock_check(struct weft__worker *worker)
{
	struct weft__runtime *runtime = worker->runtime;

	/* A driver that stands in for the world knows itself whether anything is to come. */
	if (runtime->driver_ops->net || !are_all_asleep(runtime) || has_hope())
		return;
	atomic_store(&is_suspected, true);
	if (has_other_threads())
		return;
	atomic_store(&is_suspected, false);
	if (are_all_asleep(runtime))
		weft__deadlock_found(runtime);
}
