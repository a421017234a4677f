/*
 * wake.c - what any thread may ask of a fiber: wake, cancel, start; done at its home.
 *
 * The asker sets flags in the fiber's control word, if it still is of the generation
 * meant, and, if it was not queued, puts its record into its home's inbox. The home
 * takes the flags out and acts, alone with the fiber's plain fields. A record that is
 * queued is not given to another fiber before it has been taken out (FREEING).
 *
 * A fiber that has not started can be taken by a thief T while its record is in the
 * inbox of its old home H. H takes the flags out first and looks at fiber->worker after;
 * T writes fiber->worker first and looks at the control word when it starts the fiber.
 * All four are sequentially consistent, so either H sees T, and passes the flags on, or T
 * sees that the fiber is cancelled. Plain fields are H's only once it runs there, which
 * started_on says.
 *
 * Must never: touch a fiber's plain fields away from its home.
 */
#include "fiber/runtime.h"
#include "fiber/word.h"

/* The bell first: a worker that is not seen to sleep by it will see that it was rung. */
void weft__worker_wake(struct weft__worker *worker)
{
	atomic_fetch_add(&worker->bell, 1);
	if (atomic_load(&worker->is_by_bell))
		weft__word_bell_ring(&worker->bell);
	else
		worker->driver->ops->wake(worker->driver);
}

void weft__worker_poke(struct weft__worker *worker)
{
	atomic_thread_fence(memory_order_seq_cst); /* see sleep_until_woken() */
	if (atomic_load(&worker->is_sleeping))
		weft__worker_wake(worker);
}

/* The record is marked as queued, and nobody else enqueues it. */
static void enqueue(struct weft__fiber *fiber)
{
	struct weft__worker *home = atomic_load(&fiber->worker);

	if (weft_mpsc_push(&home->inbox, &fiber->inbox))
		weft__worker_poke(home);
}

static bool post(struct weft__fiber *fiber, uint32_t generation, uint64_t flags)
{
	uint64_t control = atomic_load(&fiber->control);

	do
		if (weft__generation(control) != generation)
			return false;
	while (!atomic_compare_exchange_weak(
		&fiber->control, &control, control | flags | WEFT__QUEUED));
	if (!(control & WEFT__QUEUED))
		enqueue(fiber);
	return true;
}

bool weft__post(struct weft__fiber *fiber, uint32_t generation, unsigned flag)
{
	uint64_t control = atomic_load(&fiber->control);

	if (flag != WEFT__CANCEL)
		return post(fiber, generation, flag);
	if (weft__generation(control) != generation || (control & WEFT__ENDED))
		return false;
	return post(fiber, generation, WEFT__CANCEL | WEFT__CANCELLED);
}

static void deliver(struct weft__worker *worker, struct weft__fiber *fiber)
{
	const uint64_t asked = WEFT__WAKE | WEFT__CANCEL | WEFT__START | WEFT__SCOPES;
	uint64_t control =
		atomic_fetch_and(&fiber->control, ~(asked | WEFT__QUEUED | WEFT__FREEING));

	weft__count(&worker->counts.wakes);
	if (control & WEFT__FREEING) {
		weft__slot_give(&worker->slots, fiber);
		return;
	}
	/* Out of the inbox, an ended fiber's record may be joined and given to another fiber
	 * at any moment: a cancel that came too late must not reach that one. */
	if (control & WEFT__ENDED)
		return;
	if (atomic_load(&fiber->worker) != worker) {
		post(fiber, weft__generation(control), control & asked);
		return;
	}
	if (control & WEFT__START)
		weft__start_or_run(worker, fiber);
	if (atomic_load_explicit(&fiber->started_on, memory_order_relaxed) != worker)
		return; /* it will see when it starts */
	if (control & WEFT__CANCEL)
		weft__context_cancel(worker, fiber);
	if (control & WEFT__SCOPES)
		weft__context_look(worker, fiber);
	if (control & WEFT__WAKE)
		weft__ready(worker, fiber);
}

void weft__inbox_drain(struct weft__worker *worker)
{
	struct weft_mpsc_node *node;

	if (weft_mpsc_is_empty(&worker->inbox))
		return;
	node = weft_mpsc_take_all(&worker->inbox);
	while (node) {
		struct weft_mpsc_node *next = node->next;

		deliver(worker, weft_container_of(node, struct weft__fiber, inbox));
		node = next;
	}
}

void weft__fiber_release(struct weft__worker *worker, struct weft__fiber *fiber)
{
	uint64_t control = atomic_load(&fiber->control), next;

	do {
		next = weft__next_generation(control);
		if (control & WEFT__QUEUED)
			next |= WEFT__QUEUED | WEFT__FREEING;
	} while (!atomic_compare_exchange_weak(&fiber->control, &control, next));
	if (!(control & WEFT__QUEUED))
		weft__slot_give(worker ? &worker->slots : NULL, fiber);
}

int weft_cancel(weft_fiber_id id)
{
	struct weft__fiber *fiber = weft__fiber_of(id);
	bool is_inside = weft__worker != NULL, was_alive = false;

	if (!is_inside)
		pthread_mutex_lock(&weft__outside);
	if (fiber && atomic_load(&weft__runtime))
		was_alive = weft__post(fiber, weft__generation(id), WEFT__CANCEL);
	if (!is_inside)
		pthread_mutex_unlock(&weft__outside);
	/* Who cancels itself sees it at once, and not when its worker next looks at its inbox. */
	if (was_alive && is_inside && fiber == weft__worker->current)
		weft__context_cancel(weft__worker, fiber);
	if (was_alive)
		return 0;
	errno = ESRCH;
	return -1;
}
