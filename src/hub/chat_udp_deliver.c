/*
 * chat_udp_deliver.c - what members are to be sent, many datagrams by one call.
 *
 *	on_ready --> queue --> weft_room_take() of each --> up to 64 datagrams --> sendmmsg(2)
 *
 * There is one of these fibers on each worker, and members are dealt to them; all send from the
 * door's one socket.
 *
 * Entry points: weft__chat_udp_ready(), weft__chat_udp_deliverers_start().
 *
 * Never: waits with a member's lock, or puts one out that has more to be sent.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chat_udp_inside.h"
#include "weft/scope.h"
#include "weft/socket.h"

/** Any one event fits into what is left of the bytes of a batch, unless that is sent first. */
#define EVENT_MAX 65536
#define BYTES_MAX (EVENT_MAX + EVENT_MAX / 2)

/** Batches before other fibers get a turn. */
#define TURN 4

/** A call fails once with each error of the network's, and those of all that went before. */
#define TRIES_MAX 16

struct batch {
	unsigned count;
	size_t used; /* bytes */
	struct mmsghdr messages[WEFT_UDP_BATCH_MAX];
	struct iovec parts[WEFT_UDP_BATCH_MAX];
	struct sockaddr_in6 addresses[WEFT_UDP_BATCH_MAX]; /* or of IPv4, which is shorter */
	_Alignas(struct cmsghdr) uint8_t controls[WEFT_UDP_BATCH_MAX][WEFT_UDP_HERE_SIZE];
	uint32_t ends[WEFT_UDP_BATCH_MAX];
	char bytes[BYTES_MAX];
};

struct chat_udp_deliverer {
	struct hub_chat_udp *door;
	struct weft_mpsc queue;
	struct weft_event wake;
	weft_fiber_id fiber;
	struct batch *batch;
	unsigned turn;
	bool must_hear; /* the network has said something */
};

/* ---- Queueing ---------------------------------------------------------------------------------
 */

void weft__chat_udp_ready(void *arg)
{
	struct chat_udp_member *member = arg;
	struct chat_udp_deliverer *deliverer = member->deliverer;

	/* Its client is ready once until it was taken: but a member is, too, when it has settled.
	 * Then it is in the queue twice, so that one has to be first. */
	if (__atomic_exchange_n(&member->is_due, true, __ATOMIC_ACQ_REL))
		return;
	__atomic_add_fetch(&member->references, 1, __ATOMIC_RELAXED);
	if (weft_mpsc_push(&deliverer->queue, &member->due))
		weft_event_set(&deliverer->wake);
}

/* ---- Batches ----------------------------------------------------------------------------------
 */

/* 0: the datagram numbered first is not sent, and is passed over. */
static unsigned send_some(struct chat_udp_deliverer *deliverer, unsigned first)
{
	struct batch *batch = deliverer->batch;
	int fd = weft_udp_fd(deliverer->door->socket);

	for (int tries = 0; tries < TRIES_MAX; tries++) {
		int sent = weft_sendmmsg(fd, batch->messages + first, batch->count - first, 0);

		if (sent > 0)
			return (unsigned)sent;
		/* Of an earlier one: this one is good. */
		if (errno != ECONNREFUSED && errno != EHOSTUNREACH && errno != ENETUNREACH)
			return 0;
		deliverer->must_hear = true;
	}
	return 0;
}

static void flush(struct chat_udp_deliverer *deliverer)
{
	struct batch *batch = deliverer->batch;

	for (unsigned done = 0, sent; done < batch->count; done += sent ? sent : 1)
		sent = send_some(deliverer, done);
	batch->count = 0;
	if (++deliverer->turn % TURN == 0)
		weft_yield();
}

/* A datagram with its newline, which not everybody is used to. */
static void add(struct chat_udp_deliverer *deliverer, const struct chat_udp_member *member,
	char *bytes, size_t len)
{
	struct batch *batch = deliverer->batch;
	unsigned i;

	if (batch->count == WEFT_UDP_BATCH_MAX)
		flush(deliverer);
	i = batch->count++;
	memcpy(&batch->addresses[i], &member->way.from.any, sizeof(batch->addresses[i]));
	batch->parts[i] = (struct iovec){bytes, member->ends_lines ? len : len - 1};
	batch->messages[i].msg_hdr.msg_namelen = member->way.from.len;
	batch->messages[i].msg_hdr.msg_controllen =
		weft_udp_here_write(&member->way.here, batch->controls[i]);
	batch->messages[i].msg_hdr.msg_control =
		batch->messages[i].msg_hdr.msg_controllen ? batch->controls[i] : NULL;
}

/* One event. Returns whether its receiver is out by it. */
static bool add_event(struct chat_udp_deliverer *deliverer, const struct chat_udp_member *member,
	char *bytes, size_t len)
{
	bool is_out = len > 0 && bytes[0] == CHAT_UDP_OUT;
	char *end = bytes + len, *at = bytes + is_out;

	while (end - at > WEFT_CHAT_DATAGRAM_MAX) {
		char *next = memchr(at, CHAT_UDP_BREAK, (size_t)(end - at));

		if (!next)
			break;
		add(deliverer, member, at, (size_t)(next - at));
		at = next + 1;
	}
	if (at < end)
		add(deliverer, member, at, (size_t)(end - at));
	return is_out;
}

/* ---- Delivering -------------------------------------------------------------------------------
 */

/* The events in *ends, in the batch's bytes. -1: it is over; 0: there is none. */
static ssize_t take(
	struct batch *batch, struct chat_udp_member *member, struct weft_room_ends *ends)
{
	ssize_t len = 0;

	pthread_mutex_lock(&member->lock);
	if (member->client)
		len = weft_room_take(
			member->client, batch->bytes + batch->used, BYTES_MAX - batch->used, ends);
	pthread_mutex_unlock(&member->lock);
	return len;
}

/* Returns whether the member is out. */
static bool deliver(struct chat_udp_deliverer *deliverer, struct chat_udp_member *member)
{
	struct batch *batch = deliverer->batch;
	bool is_out = false;

	for (;;) {
		struct weft_room_ends ends = {.ends = batch->ends};
		uint32_t start = 0;
		char *bytes;
		ssize_t len;

		if (batch->count == WEFT_UDP_BATCH_MAX || batch->used > BYTES_MAX - EVENT_MAX)
			flush(deliverer);
		if (batch->count == 0)
			batch->used = 0;
		bytes = batch->bytes + batch->used;
		ends.count = WEFT_UDP_BATCH_MAX - batch->count;
		len = take(batch, member, &ends);
		if (len <= 0)
			return len < 0;
		batch->used += (size_t)len;
		for (size_t i = 0; i < ends.count; start = batch->ends[i++])
			is_out |=
				add_event(deliverer, member, bytes + start, batch->ends[i] - start);
		/* Its last datagram waits in the batch: put_out() sends that one. */
		if (is_out)
			return true;
	}
}

/* Told, and out: at once for the reader, so that nobody who has heard it speaks into nothing, or
 * is told before it that she is not in. */
static void put_out(struct chat_udp_deliverer *deliverer, struct chat_udp_member *member)
{
	struct hub_chat_udp *door = deliverer->door;

	weft_lock_acquire(&door->lock);
	flush(deliverer);
	/* Unless the reader was first. */
	if (weft_map_get(door->members, &member->key, sizeof(member->key)) == member)
		weft__chat_udp_out(member, NULL);
	weft_lock_release(&door->lock);
}

static void hear(struct chat_udp_deliverer *deliverer)
{
	struct hub_chat_udp *door = deliverer->door;

	deliverer->must_hear = false;
	weft_lock_acquire(&door->lock);
	weft__chat_udp_take_errors(door);
	weft_lock_release(&door->lock);
}

static void deliver_queue(struct chat_udp_deliverer *deliverer)
{
	struct weft_mpsc_node *node = weft_mpsc_take_all(&deliverer->queue), *next;

	for (; node; node = next) {
		struct chat_udp_member *member =
			weft_container_of(node, struct chat_udp_member, due);

		next = node->next;
		/* As in chat_deliver.c: what whoever did not queue it again has brought is seen. */
		(void)__atomic_exchange_n(&member->is_due, false, __ATOMIC_ACQ_REL);
		if (deliver(deliverer, member))
			put_out(deliverer, member);
		weft__chat_udp_drop(member);
	}
	flush(deliverer);
	if (deliverer->must_hear)
		hear(deliverer);
}

static int deliverer_run(void *arg)
{
	struct chat_udp_deliverer *deliverer = arg;
	bool goes_on = true;

	/* It ends when it is cancelled and has nothing to do, so that the last words are sent. */
	while (goes_on) {
		weft_event_clear(&deliverer->wake);
		WEFT_SHIELDED
			deliver_queue(deliverer);
		if (weft_mpsc_is_empty(&deliverer->queue))
			goes_on = weft_event_wait(&deliverer->wake) == 0;
	}
	return 0;
}

/* ---- Life -------------------------------------------------------------------------------------
 */

static void batch_init(struct batch *batch)
{
	batch->count = 0;
	batch->used = 0;
	memset(batch->messages, 0, sizeof(batch->messages));
	for (unsigned i = 0; i < WEFT_UDP_BATCH_MAX; i++)
		batch->messages[i].msg_hdr = (struct msghdr){.msg_name = &batch->addresses[i],
			.msg_iov = &batch->parts[i],
			.msg_iovlen = 1};
}

static int start(struct chat_udp_deliverer *deliverer, unsigned worker)
{
	const struct weft_spawn_options options = {.name = "chat: datagrams", .worker = worker + 1};

	deliverer->batch = malloc(sizeof(*deliverer->batch));
	if (!deliverer->batch)
		return -1;
	batch_init(deliverer->batch);
	deliverer->fiber = weft_spawn_with(&options, deliverer_run, deliverer);
	return deliverer->fiber ? 0 : -1;
}

int weft__chat_udp_deliverers_start(struct hub_chat_udp *door)
{
	unsigned count = weft_worker_count();

	door->deliverers = calloc(count, sizeof(door->deliverers[0]));
	if (!door->deliverers)
		return -1;
	door->deliverer_count = count;
	for (unsigned i = 0; i < count; i++) {
		door->deliverers[i].door = door;
		weft_mpsc_init(&door->deliverers[i].queue);
		weft_event_init(&door->deliverers[i].wake, "chat: something to send");
	}
	for (unsigned i = 0; i < count; i++)
		if (start(&door->deliverers[i], i) < 0)
			return -1;
	return 0;
}

void weft__chat_udp_deliverers_stop(struct hub_chat_udp *door)
{
	for (unsigned i = 0; i < door->deliverer_count; i++) {
		if (!door->deliverers[i].fiber)
			continue;
		weft_cancel(door->deliverers[i].fiber);
		weft_join(door->deliverers[i].fiber, NULL, WEFT_FOREVER);
	}
}

void weft__chat_udp_deliverers_end(struct hub_chat_udp *door)
{
	for (unsigned i = 0; i < door->deliverer_count; i++) {
		struct weft_mpsc_node *node = weft_mpsc_take_all(&door->deliverers[i].queue), *next;

		for (; node; node = next) {
			next = node->next;
			weft__chat_udp_drop(weft_container_of(node, struct chat_udp_member, due));
		}
		free(door->deliverers[i].batch);
	}
	free(door->deliverers);
	door->deliverers = NULL;
	door->deliverer_count = 0;
}

struct chat_udp_deliverer *weft__chat_udp_deliverer_of(struct hub_chat_udp *door, uint64_t number)
{
	return &door->deliverers[number % door->deliverer_count];
}
