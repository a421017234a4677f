/*
 * chat_deliver.c - see chat_deliver.h.
 *
 * Entry points: weft__chat_target_start(), _ready(), _stop(); deliverer_run().
 */
#include "chat_deliver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "weft/event.h"
#include "weft/list.h"
#include "weft/scope.h"

/** Clients that are written to before other fibers get a turn; batches of one of them in a row. */
#define TURN   32
#define ROUNDS 4

#define WRITER_STACK_SIZE ((size_t)32 * 1024)

struct chat_deliverer {
	struct weft_mpsc queue;
	struct weft_event wake;
	weft_fiber_id fiber;
	unsigned worker;
	char *bytes;   /* CHAT_BATCH_MAX; the deliverer's own */
	char *scratch; /* as large; of whoever runs */
};

struct chat_deliverers {
	unsigned count;
	struct chat_deliverer all[];
};

/* ---- Queueing ---------------------------------------------------------------------------------
 */

void weft__chat_target_ready(struct chat_target *target)
{
	struct chat_deliverer *deliverer = target->deliverer;

	/* Who is stopped takes for itself, and may be ready again before the queue came to it. */
	if (__atomic_exchange_n(&target->is_due, true, __ATOMIC_ACQ_REL))
		return;
	if (weft_mpsc_push(&deliverer->queue, &target->due))
		weft_event_set(&deliverer->wake);
}

/* Its session's fiber ends, and stops it. */
static void cut(struct chat_target *target)
{
	if (target->is_cut)
		return;
	target->is_cut = true;
	if (target->is_parked)
		target->writing->unpark(target->arg);
	else
		weft_cancel(target->session);
}

/* ---- Slow peers -------------------------------------------------------------------------------
 */

/* What one has not taken; its fiber's. */
struct rest {
	struct chat_target *target;
	size_t len;
	char bytes[];
};

static int write_rest(void *arg)
{
	struct rest *rest = arg;
	struct chat_target *target = rest->target;
	const struct chat_writing *writing = target->writing;
	int result = -1;

	WEFT_WITH_TIMEOUT (writing->timeout_ns)
		result = writing->write(target->arg, rest->bytes, rest->len);
	free(rest);
	if (result < 0)
		cut(target);
	if (target->is_stopped)
		return 0; /* it is joined */
	weft_detach(target->writer);
	target->writer = 0;
	/* It was not at rest, so that nobody else has queued it. */
	weft__chat_target_ready(target);
	return 0;
}

static void give_to_writer(struct chat_target *target, const char *bytes, size_t len)
{
	struct rest *rest = malloc(sizeof(*rest) + len);
	const struct weft_spawn_options options = {.name = "chat: a slow peer",
		.stack_size_bytes = WRITER_STACK_SIZE,
		.worker = target->deliverer->worker + 1};

	if (!rest) {
		cut(target);
		return;
	}
	rest->target = target;
	rest->len = len;
	memcpy(rest->bytes, bytes, len);
	target->writer = weft_spawn_with(&options, write_rest, rest);
	if (!target->writer) {
		free(rest);
		cut(target);
	}
}

/* ---- Delivering -------------------------------------------------------------------------------
 */

/* Whether it is at rest, or another is to go on with it. */
static bool deliver_batch(struct chat_target *target)
{
	char *bytes = target->deliverer->bytes;
	ssize_t len = weft_room_take(target->client, bytes, CHAT_BATCH_MAX, NULL);
	size_t taken = 0;
	int result;

	if (len <= 0) {
		if (len < 0)
			cut(target);
		return true;
	}
	result = target->writing->try_write(target->arg, bytes, (size_t)len, &taken);
	if (result < 0)
		cut(target);
	else if (result > 0)
		give_to_writer(target, bytes + taken, (size_t)len - taken);
	return result != 0;
}

static void deliver(struct chat_target *target)
{
	/* From whoever said so last, who did not queue it again: what she brought is seen. */
	(void)__atomic_exchange_n(&target->is_due, false, __ATOMIC_ACQ_REL);
	if (target->is_dropped) {
		target->free(target);
		return;
	}
	if (target->is_stopped || target->is_cut)
		return;
	if (!target->client) {
		target->is_missed = true;
		return;
	}
	for (int round = 0; round < ROUNDS; round++)
		if (deliver_batch(target))
			return;
	weft__chat_target_ready(target);
}

static int deliverer_run(void *arg)
{
	struct chat_deliverer *deliverer = arg;
	struct weft_mpsc_node *node, *next;
	unsigned turn = 0;

	do {
		weft_event_clear(&deliverer->wake);
		for (node = weft_mpsc_take_all(&deliverer->queue); node; node = next) {
			next = node->next;
			deliver(weft_container_of(node, struct chat_target, due));
			if (++turn % TURN == 0)
				weft_yield();
		}
	} while (!weft_mpsc_is_empty(&deliverer->queue) || weft_event_wait(&deliverer->wake) == 0);
	return 0;
}

/* ---- Targets ----------------------------------------------------------------------------------
 */

void weft__chat_target_start(struct chat_target *target, struct chat_deliverers *all,
	const struct chat_writing *writing, void *arg)
{
	target->deliverer = &all->all[weft_worker_index()];
	target->writing = writing;
	target->arg = arg;
	target->session = weft_self();
}

void weft__chat_target_enter(struct chat_target *target, struct weft_room_client *client)
{
	target->client = client;
	if (target->is_missed)
		weft__chat_target_ready(target);
	target->is_missed = false;
}

void weft__chat_target_park(struct chat_target *target)
{
	target->session = 0;
	target->is_parked = true;
}

void weft__chat_target_unpark(struct chat_target *target)
{
	target->session = weft_self();
	target->is_parked = false;
}

/* What it has been sent, and has not taken yet. */
static void write_last(struct chat_target *target, bool waits)
{
	char *bytes = malloc(CHAT_BATCH_MAX);
	size_t taken;
	ssize_t len;

	while (bytes && !target->is_cut &&
		(len = weft_room_take(target->client, bytes, CHAT_BATCH_MAX, NULL)) > 0) {
		int result =
			waits ? target->writing->write(target->arg, bytes, (size_t)len)
			      : target->writing->try_write(target->arg, bytes, (size_t)len, &taken);

		target->is_cut = result != 0;
	}
	free(bytes);
}

void weft__chat_target_stop(struct chat_target *target, int64_t timeout_ns)
{
	target->is_stopped = true;
	if (target->writer) {
		if (weft_join(target->writer, NULL, timeout_ns) < 0 && errno == ETIMEDOUT) {
			weft_cancel(target->writer);
			weft_join(target->writer, NULL, WEFT_FOREVER);
			target->is_cut = true;
		}
		target->writer = 0;
	}
	if (target->client && timeout_ns == 0)
		write_last(target, false);
	else if (target->client)
		WEFT_WITH_TIMEOUT (timeout_ns)
			write_last(target, true);
}

void weft__chat_target_drop(struct chat_target *target)
{
	target->is_dropped = true;
	if (!__atomic_load_n(&target->is_due, __ATOMIC_ACQUIRE))
		target->free(target);
}

/* ---- Deliverers -------------------------------------------------------------------------------
 */

static int deliverer_start(struct chat_deliverer *deliverer, unsigned worker)
{
	const struct weft_spawn_options options = {
		.name = "chat: deliveries", .worker = worker + 1};

	weft_mpsc_init(&deliverer->queue);
	weft_event_init(&deliverer->wake, "chat: something to deliver");
	deliverer->worker = worker;
	deliverer->bytes = malloc(CHAT_BATCH_MAX);
	deliverer->scratch = malloc(CHAT_BATCH_MAX);
	if (!deliverer->bytes || !deliverer->scratch)
		return -1;
	deliverer->fiber = weft_spawn_with(&options, deliverer_run, deliverer);
	return deliverer->fiber ? 0 : -1;
}

struct chat_deliverers *weft__chat_deliverers_new(void)
{
	unsigned count = weft_worker_count();
	struct chat_deliverers *all = calloc(1, sizeof(*all) + count * sizeof(all->all[0]));

	if (!all)
		return NULL;
	for (; all->count < count; all->count++)
		if (deliverer_start(&all->all[all->count], all->count) < 0) {
			int kept = errno;

			all->count++;
			weft__chat_deliverers_free(all);
			errno = kept;
			return NULL;
		}
	return all;
}

void *weft__chat_deliverers_scratch(struct chat_deliverers *all)
{
	return all->all[weft_worker_index()].scratch;
}

void weft__chat_deliverers_free(struct chat_deliverers *all)
{
	if (!all)
		return;
	for (unsigned i = 0; i < all->count; i++) {
		struct chat_deliverer *deliverer = &all->all[i];
		struct weft_mpsc_node *node, *next;

		if (deliverer->fiber) {
			weft_cancel(deliverer->fiber);
			WEFT_SHIELDED
				weft_join(deliverer->fiber, NULL, WEFT_FOREVER);
		}
		/* Those that were dropped while they were queued. */
		for (node = weft_mpsc_take_all(&deliverer->queue); node; node = next) {
			struct chat_target *target =
				weft_container_of(node, struct chat_target, due);

			next = node->next;
			target->free(target);
		}
		free(deliverer->bytes);
		free(deliverer->scratch);
	}
	free(all);
}
