/*
 * chat_udp.c - the door for datagrams: its life, its one reader, what the network says.
 *
 * One fiber reads, up to 64 datagrams by one call, and carries them out one after the other. It
 * also minds the time, so nothing else runs while nobody speaks.
 *
 * Entry points: weft__hub_chat_udp_new(), weft__hub_chat_udp_run().
 *
 * Never: lets what came by the network end the run.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chat_sealed.h"
#include "chat_udp_inside.h"
#include "weft/scope.h"

/** Room for one: what is longer is too long for a request. */
#define DATAGRAM_SIZE 2048

#define RECEIVE_BUFFER (1 << 20)
#define ERRORS_AT_ONCE 8
#define TRIES_MAX      16

/** After a failure of the machine, such as a lack of memory. */
#define PAUSE_NS WEFT_MILLISECONDS(50)

/** For those who came by links to say that they have heard the end. */
#define FAREWELL_NS WEFT_MILLISECONDS(300)
#define LISTEN_NS   WEFT_MILLISECONDS(10)

/* ---- Sending ----------------------------------------------------------------------------------
 */

static bool is_of_another(int code)
{
	return code == ECONNREFUSED || code == EHOSTUNREACH || code == ENETUNREACH;
}

void weft__chat_udp_send(
	struct hub_chat_udp *door, const struct chat_udp_way *way, const char *bytes, size_t len)
{
	const struct weft_datagram datagram = {
		.data = (void *)(uintptr_t)bytes, .len = len, .peer = way->from, .here = way->here};

	for (int tries = 0; tries < TRIES_MAX; tries++)
		if (weft_udp_send_many(door->socket, &datagram, 1) > 0 || !is_of_another(errno))
			return;
}

/* ---- Nobody there -----------------------------------------------------------------------------
 */

static void take_error(struct hub_chat_udp *door, const struct weft_udp_error *error)
{
	int64_t now = weft_now();
	struct chat_udp_member *member;

	if (error->code != ECONNREFUSED || weft_address_family(&error->peer) == AF_UNIX)
		return;
	member = weft__chat_udp_find(door, &error->peer);
	if (!member)
		return;
	/* Of the probe: or of what was sent before it, which says no more than the first did. */
	if (member->probed_ns && now - member->probed_ns < CHAT_UDP_PROBE_NS &&
		weft__chat_udp_is_probe(member, error->data, error->len))
		weft__chat_udp_out(member, "gone");
	else
		weft__chat_udp_probe(member, now, CHAT_UDP_ERROR_NS);
}

void weft__chat_udp_take_errors(struct hub_chat_udp *door)
{
	struct weft_udp_error errors[ERRORS_AT_ONCE];
	int count;

	while ((count = weft_udp_errors(door->socket, errors, ERRORS_AT_ONCE)) > 0)
		for (int i = 0; i < count; i++)
			take_error(door, &errors[i]);
}

/* ---- Reading ----------------------------------------------------------------------------------
 */

struct inbox {
	struct weft_datagram datagrams[WEFT_UDP_BATCH_MAX];
	char bytes[WEFT_UDP_BATCH_MAX][DATAGRAM_SIZE];
};

/* Until there is something, or something is due. -1 with errno; 0: it is time. */
static int receive(struct hub_chat_udp *door, struct inbox *inbox, int64_t until_ns)
{
	struct weft_timeout timeout;
	int64_t now = weft_now();
	int count;

	weft_timeout_begin(&timeout, until_ns == INT64_MAX ? WEFT_FOREVER
				     : until_ns > now      ? until_ns - now
							   : 0);
	count = weft_udp_recv_many(door->socket, inbox->datagrams, WEFT_UDP_BATCH_MAX);
	return weft_timeout_end(&timeout) && count < 0 && errno == ETIMEDOUT ? 0 : count;
}

static void take_all(struct hub_chat_udp *door, const struct inbox *inbox, int count)
{
	for (int i = 0; i < count; i++) {
		const struct weft_datagram *datagram = &inbox->datagrams[i];
		const struct chat_udp_way way = {datagram->peer, datagram->here};

		/* Of one that is longer the rest is not there; what is here is too long already. */
		size_t len = datagram->len < DATAGRAM_SIZE ? datagram->len : DATAGRAM_SIZE;

		weft__chat_udp_take(door, &way, datagram->data, len);
	}
	weft__chat_udp_late(door, weft_now());
	weft__chat_udp_silent(door, weft_now());
}

static int64_t next_time(struct hub_chat_udp *door)
{
	int64_t late = weft__chat_udp_late_at(door), silent = weft__chat_udp_silent_at(door);

	return late < silent ? late : silent;
}

/* Returns whether to go on. */
static bool turn(struct hub_chat_udp *door, struct inbox *inbox, int64_t *until_ns)
{
	int count = receive(door, inbox, *until_ns), code = errno;

	if (count < 0 && (code == ECANCELED || code == ETIMEDOUT))
		return false;
	if (door->sealed && count > 0)
		weft__chat_sealed_input(door->sealed, inbox->datagrams, count);
	if (weft_lock_acquire(&door->lock) < 0)
		return false;
	if (count < 0)
		weft__chat_udp_take_errors(door);
	take_all(door, inbox, count);
	*until_ns = next_time(door);
	weft_lock_release(&door->lock);
	/* What one datagram of another's has met is no reason to wait; a lack of memory is. */
	if (count >= 0 || is_of_another(code))
		return true;
	door->is_failed = code == EBADF;
	return !door->is_failed && weft_sleep(PAUSE_NS) == 0;
}

static void put_all_out(struct hub_chat_udp *door)
{
	const struct weft_map_entry *entry;
	size_t cursor = 0;

	weft__chat_udp_late_drop(door);
	while ((entry = weft_map_next(door->members, &cursor)))
		weft__chat_udp_out(entry->value, NULL);
}

static void say_goodbye(struct hub_chat_udp *door)
{
	static const char text[] = "SERVER: you are out: the server ends";
	const struct weft_map_entry *entry;
	size_t cursor = 0;

	while ((entry = weft_map_next(door->members, &cursor))) {
		const struct chat_udp_member *member = entry->value;

		weft__chat_udp_send(door, &member->way, text, sizeof(text) - 1);
	}
}

/* Shielded: nobody reads but this. */
static void end_links(struct hub_chat_udp *door, struct inbox *inbox)
{
	int64_t until_ns = weft_now() + FAREWELL_NS;

	if (!door->sealed)
		return;
	weft__chat_sealed_shut(door->sealed);
	while (weft_now() < until_ns && !weft__chat_sealed_is_empty(door->sealed)) {
		int count = receive(door, inbox, weft_now() + LISTEN_NS);

		if (count > 0)
			weft__chat_sealed_input(door->sealed, inbox->datagrams, count);
		else if (count < 0)
			weft_sleep(LISTEN_NS);
	}
	weft__chat_sealed_stop(door->sealed);
}

int weft__hub_chat_udp_run(struct hub_chat_udp *door)
{
	struct inbox *inbox = malloc(sizeof(*inbox));
	int64_t until_ns = INT64_MAX;
	int result = -1;

	if (!inbox || weft__chat_udp_deliverers_start(door) < 0)
		goto done;
	for (int i = 0; i < WEFT_UDP_BATCH_MAX; i++)
		inbox->datagrams[i] = (struct weft_datagram){
			.data = inbox->bytes[i], .size_bytes = DATAGRAM_SIZE};
	if (door->sealed && weft__chat_sealed_start(door->sealed) < 0)
		goto done;
	__atomic_store_n(&door->reader, weft_self(), __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&door->is_stopped, __ATOMIC_SEQ_CST) &&
		turn(door, inbox, &until_ns))
		continue;
	result = door->is_failed ? -1 : 0;
done:
	WEFT_SHIELDED {
		if (inbox)
			end_links(door, inbox);
		/* Those whose client is over are told by their deliverer, and are out by it. */
		weft__chat_udp_deliverers_stop(door);
		say_goodbye(door);
		put_all_out(door);
		weft__chat_udp_deliverers_end(door);
	}
	free(inbox);
	return result;
}

void weft__hub_chat_udp_stop(struct hub_chat_udp *door)
{
	weft_fiber_id reader;

	__atomic_store_n(&door->is_stopped, 1, __ATOMIC_SEQ_CST);
	reader = __atomic_load_n(&door->reader, __ATOMIC_SEQ_CST);
	if (reader)
		weft_cancel(reader);
}

/* ---- Life -------------------------------------------------------------------------------------
 */

static int make_rates(struct hub_chat_udp *door)
{
	if (door->options.has_no_rate)
		return 0;
	door->hosts = weft_rate_new(&(struct weft_rate_options){
		.per_second = CHAT_UDP_HOST_RATE, .burst = CHAT_UDP_HOST_RATE * 5});
	door->unproven =
		weft_rate_new(&(struct weft_rate_options){.per_second = CHAT_UDP_UNPROVEN_RATE,
			.burst = CHAT_UDP_UNPROVEN_RATE,
			.keys_max = 1});
	door->barred = weft_rate_new(&(struct weft_rate_options){
		.per_second = 1.0 / CHAT_UDP_BARRED_S, .burst = 1, .keys_max = 4096});
	return door->hosts && door->unproven && door->barred ? 0 : -1;
}

struct hub_chat_udp *weft__hub_chat_udp_new(
	const char *address, const struct hub_chat_udp_options *options)
{
	const struct weft_udp_options udp = {
		.keeps_errors = true, .tells_here = true, .receive_buffer_size = RECEIVE_BUFFER};
	struct hub_chat_udp *door = calloc(1, sizeof(*door));

	if (!door)
		return NULL;
	door->options = *options;
	weft_lock_init(&door->lock, "chat: datagrams");
	weft_list_init(&door->heard);
	weft_list_init(&door->asked);
	weft_list_init(&door->late);
	for (size_t i = 0; i < sizeof(door->secret); i += sizeof(uint64_t)) {
		uint64_t random = weft_random();

		memcpy(door->secret + i, &random, sizeof(random));
	}
	door->gone = calloc(CHAT_UDP_GONE_MAX, sizeof(door->gone[0]));
	door->networks = weft__chat_udp_networks_new();
	door->members = weft_map_new(NULL);
	if (!door->gone || !door->networks || !door->members || make_rates(door) < 0)
		goto failed;
	door->socket = weft_udp_new(address, &udp);
	if (!door->socket)
		goto failed;
	if (options->secret_key)
		door->sealed = weft__chat_sealed_new(
			options->chat, options->secret_key, weft_udp_fd(door->socket));
	if (options->secret_key && !door->sealed && errno != ENOSYS)
		goto failed;
	door->options.secret_key = NULL; /* the caller's */
	return door;
failed:
	weft__hub_chat_udp_free(door);
	return NULL;
}

const struct weft_address *weft__hub_chat_udp_address(const struct hub_chat_udp *door)
{
	return weft_udp_local(door->socket);
}

void weft__hub_chat_udp_free(struct hub_chat_udp *door)
{
	int kept = errno;

	if (!door)
		return;
	weft__chat_sealed_free(door->sealed);
	weft_udp_free(door->socket);
	weft_map_free(door->members);
	weft__chat_udp_networks_free(door->networks);
	weft_rate_free(door->hosts);
	weft_rate_free(door->unproven);
	weft_rate_free(door->barred);
	free(door->gone);
	explicit_bzero(door, sizeof(*door));
	free(door);
	errno = kept;
}
