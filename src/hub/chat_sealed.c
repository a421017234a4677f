/*
 * chat_sealed.c - the endpoint of all links of a door, and the fiber that sends for them.
 *
 * Entry points: weft__chat_sealed_new(), weft__chat_sealed_input(), sender_run().
 *
 * Never: waits under the lock; or takes from the rooms what a link has no room for, beyond one
 * message.
 */
#include "chat_sealed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "weft/scope.h"
#include "weft/socket.h"
#include "weft/udp.h"

#define BATCH 32

/** Who waits for memory is looked at again. */
#define SHORT_NS WEFT_MILLISECONDS(50)

/** A call fails once with each error of the network's, and those of all that went before. */
#define TRIES_MAX 16

struct chat_sealed_batch {
	unsigned count;
	struct weft_datagram datagrams[BATCH];
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	_Alignas(struct cmsghdr) uint8_t controls[BATCH][WEFT_UDP_HERE_SIZE];
	char bytes[BATCH][WEFT_CHAT_LINK_DATAGRAM_MAX];
};

struct chat_sealed_rest {
	size_t len;
	char bytes[];
};

/* ---- Members that have something --------------------------------------------------------------
 */

void weft__chat_sealed_wake(struct chat_sealed *sealed)
{
	weft_event_set(&sealed->wake);
}

void weft__chat_sealed_ready(void *arg)
{
	struct chat_sealed_member *member = arg;
	struct chat_sealed *sealed = member->sealed;

	if (__atomic_exchange_n(&member->is_due, true, __ATOMIC_ACQ_REL))
		return;
	__atomic_add_fetch(&member->references, 1, __ATOMIC_RELAXED);
	if (weft_mpsc_push(&sealed->due, &member->due))
		weft__chat_sealed_wake(sealed);
}

void weft__chat_sealed_drop(struct chat_sealed_member *member)
{
	if (__atomic_sub_fetch(&member->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	free(member->rest);
	free(member);
}

/* ---- To links ---------------------------------------------------------------------------------
 */

/* After a failure to send: whether there will be room, of the link's own (WRITABLE tells) or of
 * all. */
static bool is_full(struct chat_sealed *sealed)
{
	sealed->is_short |= errno == ENOBUFS || errno == ENOMEM;
	return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM;
}

/* false: it has no room, and there will be some, or the link ends. */
static bool send_rest(struct chat_sealed_member *member)
{
	struct chat_sealed_rest *rest = member->rest;

	if (!rest)
		return true;
	if (weft_chat_link_send(member->link, rest->bytes, rest->len) < 0 &&
		is_full(member->sealed))
		return false;
	member->rest = NULL;
	free(rest);
	return true;
}

static bool keep_rest(struct chat_sealed_member *member, const char *bytes, size_t len)
{
	member->rest = malloc(sizeof(*member->rest) + len);
	if (!member->rest)
		return false;
	member->rest->len = len;
	memcpy(member->rest->bytes, bytes, len);
	return true;
}

/* Whether more can be sent. */
static bool send_message(struct chat_sealed_member *member, const char *bytes, size_t len)
{
	if (weft_chat_link_send(member->link, bytes, len) == 0)
		return true;
	if (is_full(member->sealed) && keep_rest(member, bytes, len))
		return false;
	if (errno == ENOTCONN)
		return true; /* nobody takes it any more; what she has said is still carried out */
	/* It can't be told what it has missed: it begins anew, and joins where it was. */
	weft_chat_link_close(member->link, errno == EMSGSIZE ? "the client takes too short messages"
							     : "the server has too much to do");
	weft__chat_sealed_cut(member);
	return false;
}

bool weft__chat_sealed_deliver(struct chat_sealed_member *member)
{
	char *bytes = member->sealed->bytes;
	ssize_t len;

	/* One that is still in the queue of those who have something may have ended since. */
	if (!member->link)
		return true;
	if (!send_rest(member))
		return false;
	while (member->client) {
		len = weft_room_take(member->client, bytes, CHAT_SEALED_BATCH_MAX, NULL);
		if (len < 0 && errno == EMSGSIZE)
			len = weft_room_take(member->client, bytes, CHAT_SEALED_MESSAGE_MAX, NULL);
		if (len < 0)
			weft__chat_sealed_cut(member);
		if (len <= 0)
			break;
		if (!send_message(member, bytes, (size_t)len))
			return false;
	}
	return true;
}

/* Under the lock. */
static void deliver_due(struct chat_sealed *sealed)
{
	struct weft_mpsc_node *node = weft_mpsc_take_all(&sealed->due), *next;

	for (; node; node = next) {
		struct chat_sealed_member *member =
			weft_container_of(node, struct chat_sealed_member, due);

		next = node->next;
		(void)__atomic_exchange_n(&member->is_due, false, __ATOMIC_ACQ_REL);
		weft__chat_sealed_deliver(member);
		weft__chat_sealed_drop(member);
	}
}

/* Under the lock: those whom memory was missing for. */
static void try_again(struct chat_sealed *sealed)
{
	if (!sealed->is_short)
		return;
	sealed->is_short = false;
	weft_list_each (node, &sealed->members) {
		struct chat_sealed_member *member =
			weft_container_of(node, struct chat_sealed_member, node);

		if (member->is_owed)
			weft__chat_sealed_run(member);
		if (member->rest)
			weft__chat_sealed_deliver(member);
	}
}

/* ---- Events -----------------------------------------------------------------------------------
 */

static void over(struct chat_sealed_member *member)
{
	/* What was said before a close is carried out before the end. */
	if (weft_chat_link_why(member->link) == WEFT_CHAT_LINK_CLOSED)
		weft__chat_sealed_run(member);
	else
		weft__chat_sealed_cut(member);
}

/* Under the lock. Whether there were any. */
static bool take_events(struct chat_sealed *sealed)
{
	struct weft_chat_link_event event;
	bool had_any = false;

	for (; weft_chat_endpoint_event(sealed->endpoint, &event); had_any = true) {
		struct chat_sealed_member *member = weft_chat_link_owner(event.link);

		if (event.kind == WEFT_CHAT_LINK_LOGIN)
			weft__chat_sealed_arrive(sealed, event.link);
		else if (!member)
			continue;
		else if (event.kind == WEFT_CHAT_LINK_READABLE)
			weft__chat_sealed_run(member);
		else if (event.kind == WEFT_CHAT_LINK_WRITABLE)
			weft__chat_sealed_deliver(member);
		else if (event.kind == WEFT_CHAT_LINK_OVER)
			over(member);
	}
	return had_any;
}

void weft__chat_sealed_input(
	struct chat_sealed *sealed, const struct weft_datagram *datagrams, int count)
{
	int64_t now = weft_now();
	int taken = 0;

	for (int i = 0; i < count; i++) {
		const struct weft_datagram *datagram = &datagrams[i];
		const uint8_t *bytes = datagram->data;

		if (datagram->len == 0 || datagram->len > WEFT_CHAT_LINK_DATAGRAM_MAX ||
			bytes[0] != WEFT_CHAT_LINK_FIRST)
			continue;
		if (taken++ == 0)
			WEFT_SHIELDED
				weft_lock_acquire(&sealed->lock);
		weft_chat_endpoint_input(sealed->endpoint, datagram, now);
	}
	if (taken == 0)
		return;
	weft_lock_release(&sealed->lock);
	weft__chat_sealed_wake(sealed);
}

/* ---- Sending ----------------------------------------------------------------------------------
 */

/* Where to, and from which of this host's addresses: the one that was asked. */
static void set_ends(struct msghdr *message, struct weft_datagram *datagram, uint8_t *control)
{
	message->msg_name = &datagram->peer.any;
	message->msg_namelen = datagram->peer.len;
	message->msg_controllen = weft_udp_here_write(&datagram->here, control);
	message->msg_control = message->msg_controllen ? control : NULL;
}

/* Under the lock: what is to go now; and until when there is nothing. */
static int64_t collect(struct chat_sealed *sealed)
{
	struct chat_sealed_batch *batch = sealed->batch;
	int64_t now = weft_now(), deadline;

	batch->count = 0;
	while (batch->count < BATCH) {
		struct weft_datagram *datagram = &batch->datagrams[batch->count];

		datagram->data = batch->bytes[batch->count];
		if (!weft_chat_endpoint_output(sealed->endpoint, datagram, now))
			break;
		batch->parts[batch->count] = (struct iovec){datagram->data, datagram->len};
		set_ends(&batch->messages[batch->count].msg_hdr, datagram,
			batch->controls[batch->count]);
		batch->count++;
	}
	deadline = weft_chat_endpoint_deadline(sealed->endpoint);
	if (batch->count == BATCH)
		return 0;
	if (deadline == INT64_MAX)
		return WEFT_FOREVER;
	return deadline > now ? deadline - now : 0;
}

/* One that does not get out is as good as lost. */
static void send_out(struct chat_sealed *sealed)
{
	struct chat_sealed_batch *batch = sealed->batch;
	unsigned done = 0, tries = 0;

	while (done < batch->count) {
		int sent =
			weft_sendmmsg(sealed->fd, batch->messages + done, batch->count - done, 0);
		bool is_of_another = sent < 0 && (errno == ECONNREFUSED || errno == EHOSTUNREACH ||
							 errno == ENETUNREACH);

		if (is_of_another && ++tries < TRIES_MAX)
			continue;
		done += sent > 0 ? (unsigned)sent : 1;
		tries = 0;
	}
}

/* How long to sleep. */
static int64_t turn(struct chat_sealed *sealed)
{
	int64_t wait_ns;

	weft_lock_acquire(&sealed->lock);
	try_again(sealed);
	take_events(sealed);
	deliver_due(sealed);
	wait_ns = collect(sealed);
	/* A timer may have ended some. What is done about that may be for the network, too. */
	if (take_events(sealed))
		wait_ns = 0;
	if (sealed->is_short && (wait_ns < 0 || wait_ns > SHORT_NS))
		wait_ns = SHORT_NS;
	weft_lock_release(&sealed->lock);
	send_out(sealed);
	return wait_ns;
}

static int sender_run(void *arg)
{
	struct chat_sealed *sealed = arg;

	for (;;) {
		int64_t wait_ns = 0;
		int result = 0;

		weft_event_clear(&sealed->wake);
		WEFT_SHIELDED
			wait_ns = turn(sealed);
		if (!weft_mpsc_is_empty(&sealed->due))
			wait_ns = 0;
		if (wait_ns == 0)
			weft_yield();
		WEFT_WITH_TIMEOUT (wait_ns)
			result = weft_event_wait(&sealed->wake);
		if (result < 0 && errno == ECANCELED)
			return 0;
	}
}

/* ---- Life -------------------------------------------------------------------------------------
 */

struct chat_sealed *weft__chat_sealed_new(struct hub_chat *chat, const uint8_t *secret_key, int fd)
{
	const struct weft_chat_endpoint_options options = {.secret_key = secret_key,
		.queue_max = CHAT_SEALED_QUEUE_MAX,
		.message_max = CHAT_SEALED_LINE_MAX};
	struct chat_sealed *sealed = calloc(1, sizeof(*sealed));

	if (!sealed)
		return NULL;
	sealed->chat = chat;
	sealed->fd = fd;
	weft_lock_init(&sealed->lock, "chat: links");
	weft_list_init(&sealed->members);
	weft_mpsc_init(&sealed->due);
	weft_event_init(&sealed->wake, "chat: links have something");
	sealed->batch = calloc(1, sizeof(*sealed->batch));
	if (sealed->batch)
		sealed->endpoint = weft_chat_endpoint_new(&options);
	if (!sealed->batch || !sealed->endpoint) {
		weft__chat_sealed_free(sealed);
		return NULL;
	}
	for (unsigned i = 0; i < BATCH; i++) {
		struct chat_sealed_batch *batch = sealed->batch;

		batch->datagrams[i].size_bytes = WEFT_CHAT_LINK_DATAGRAM_MAX;
		batch->messages[i].msg_hdr.msg_iov = &batch->parts[i];
		batch->messages[i].msg_hdr.msg_iovlen = 1;
	}
	return sealed;
}

int weft__chat_sealed_start(struct chat_sealed *sealed)
{
	const struct weft_spawn_options options = {.name = "chat: links"};

	sealed->sender = weft_spawn_with(&options, sender_run, sealed);
	return sealed->sender ? 0 : -1;
}

void weft__chat_sealed_shut(struct chat_sealed *sealed)
{
	weft_lock_acquire(&sealed->lock);
	sealed->is_stopped = true;
	weft_list_each (node, &sealed->members)
		weft__chat_sealed_cut(weft_container_of(node, struct chat_sealed_member, node));
	weft__chat_sealed_wake(sealed);
	weft_lock_release(&sealed->lock);
}

bool weft__chat_sealed_is_empty(struct chat_sealed *sealed)
{
	struct weft_chat_endpoint_counts counts;
	bool is_empty;

	weft_lock_acquire(&sealed->lock);
	weft_chat_endpoint_counts(sealed->endpoint, &counts);
	is_empty = weft_list_is_empty(&sealed->members) && counts.links == 0;
	weft_lock_release(&sealed->lock);
	return is_empty;
}

static bool has_members(struct chat_sealed *sealed)
{
	bool has;

	weft_lock_acquire(&sealed->lock);
	has = !weft_list_is_empty(&sealed->members);
	weft_lock_release(&sealed->lock);
	return has || __atomic_load_n(&sealed->fibers, __ATOMIC_ACQUIRE) > 0;
}

void weft__chat_sealed_stop(struct chat_sealed *sealed)
{
	/* They were cancelled: what they wait for now is the disk at most. */
	while (sealed->sender && has_members(sealed))
		weft_sleep(WEFT_MILLISECONDS(1));
	if (!sealed->sender)
		return;
	weft_cancel(sealed->sender);
	weft_join(sealed->sender, NULL, WEFT_FOREVER);
	turn(sealed);
	sealed->sender = 0;
}

void weft__chat_sealed_free(struct chat_sealed *sealed)
{
	struct weft_mpsc_node *node, *next;

	if (!sealed)
		return;
	for (node = weft_mpsc_take_all(&sealed->due); node; node = next) {
		next = node->next;
		weft__chat_sealed_drop(weft_container_of(node, struct chat_sealed_member, due));
	}
	weft_chat_endpoint_free(sealed->endpoint);
	free(sealed->batch);
	free(sealed);
}
