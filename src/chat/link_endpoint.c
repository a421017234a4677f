/*
 * link_endpoint.c - an endpoint: its clock and timers, datagrams in and out, events.
 *
 * Entry points: weft_chat_endpoint_*().
 * Never: a system call, or waiting; time and datagrams are given.
 */
#include "chat/link.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "weft/fiber.h"

#define OPENS_PER_SECOND 20 /* handshakes of one host; a class behind one router begins at once */
#define OPENS_BURST      100
#define GONES_PER_SECOND 10
#define GONES_BURST      20
#define HOSTS_MAX        16384

/* ---- Life ------------------------------------------------------------------------------------ */

static int64_t time_or(int64_t value, int64_t usual)
{
	return value ? value : usual;
}

static bool fill_in(struct weft_chat_endpoint_options *options)
{
	options->links_max = options->links_max ? options->links_max : 100000;
	options->half_open_max = options->half_open_max ? options->half_open_max : 1024;
	options->memory_max = options->memory_max ? options->memory_max : (size_t)256 << 20;
	options->queue_max = options->queue_max ? options->queue_max : (size_t)256 << 10;
	options->message_max = options->message_max ? options->message_max : (size_t)64 << 10;
	options->heartbeat_ns = time_or(options->heartbeat_ns, WEFT_SECONDS(15));
	options->expiry_ns = time_or(options->expiry_ns, WEFT_SECONDS(90));
	options->connect_ns = time_or(options->connect_ns, WEFT_SECONDS(20));
	options->linger_ns = time_or(options->linger_ns, WEFT_SECONDS(5));
	return options->message_max <= WEFT_CHAT_LINK_MESSAGE_MAX && options->heartbeat_ns > 0 &&
	       options->expiry_ns >= WEFT_SECONDS(1) &&
	       options->expiry_ns <= WEFT_SECONDS(UINT16_MAX) && options->connect_ns > 0 &&
	       options->linger_ns > 0;
}

static int begin_server(struct weft_chat_endpoint *endpoint, const uint8_t *secret)
{
	static const uint8_t purpose[] = "weft chat link gone";

	if (!secret)
		return 0;
	endpoint->is_server = true;
	memcpy(endpoint->secret, secret, WEFT__NOISE_KEY);
	if (weft_chat_link_key_public(secret, endpoint->public_key) < 0)
		return -1;
	weft__endpoint_random(endpoint, endpoint->cookie_key, sizeof(endpoint->cookie_key));
	/* Out of the key that is kept: who began anew still knows the tokens it gave before. */
	crypto_generichash(endpoint->gone_key, sizeof(endpoint->gone_key), purpose,
		sizeof(purpose) - 1, secret, WEFT__NOISE_KEY);
	endpoint->opens = weft_rate_new(&(struct weft_rate_options){
		.per_second = OPENS_PER_SECOND, .burst = OPENS_BURST, .keys_max = HOSTS_MAX});
	endpoint->gones = weft_rate_new(&(struct weft_rate_options){
		.per_second = GONES_PER_SECOND, .burst = GONES_BURST, .keys_max = HOSTS_MAX});
	return endpoint->opens && endpoint->gones ? 0 : -1;
}

static int begin(
	struct weft_chat_endpoint *endpoint, const struct weft_chat_endpoint_options *options)
{
	uint8_t seed[WEFT_MAP_SEED_SIZE];
	struct weft_map_options map = {.seed = seed};

	if (options)
		endpoint->options = *options;
	if (!fill_in(&endpoint->options)) {
		errno = EINVAL;
		return -1;
	}
	endpoint->now = WEFT_SECONDS(1); /* so that 0 is never a time */
	weft_heap_init(&endpoint->timers);
	weft_list_init(&endpoint->busy);
	weft_list_init(&endpoint->told);
	weft_list_init(&endpoint->half);
	weft__endpoint_random(endpoint, seed, sizeof(seed));
	endpoint->by_id = weft_map_new(&map);
	endpoint->by_open = weft_map_new(&map);
	endpoint->by_peer = weft_map_new(&map);
	if (!endpoint->by_id || !endpoint->by_open || !endpoint->by_peer)
		return -1;
	if (begin_server(endpoint, endpoint->options.secret_key) < 0)
		return -1;
	endpoint->options.secret_key = NULL; /* the caller's, who may wipe it now */
	return 0;
}

struct weft_chat_endpoint *weft_chat_endpoint_new(const struct weft_chat_endpoint_options *options)
{
	struct weft_chat_endpoint *endpoint;

	if (sodium_init() < 0) {
		errno = EIO;
		return NULL;
	}
	endpoint = calloc(1, sizeof(*endpoint));
	if (!endpoint)
		return NULL;
	if (begin(endpoint, options) == 0)
		return endpoint;
	weft_chat_endpoint_free(endpoint);
	return NULL;
}

void weft_chat_endpoint_free(struct weft_chat_endpoint *endpoint)
{
	const struct weft_map_entry *entry;
	int kept = errno;
	size_t cursor = 0;

	if (!endpoint)
		return;
	while (endpoint->by_id && (entry = weft_map_next(endpoint->by_id, &cursor)))
		weft__link_destroy(entry->value);
	weft_map_free(endpoint->by_id);
	weft_map_free(endpoint->by_open);
	weft_map_free(endpoint->by_peer);
	weft_rate_free(endpoint->opens);
	weft_rate_free(endpoint->gones);
	weft_heap_fini(&endpoint->timers);
	sodium_memzero(endpoint, sizeof(*endpoint));
	free(endpoint);
	errno = kept;
}

void weft__endpoint_random(struct weft_chat_endpoint *endpoint, void *ret_bytes, size_t len)
{
	uint8_t *bytes = ret_bytes;

	if (endpoint->options.random) {
		endpoint->options.random(endpoint->options.arg, ret_bytes, len);
		return;
	}
	for (size_t i = 0; i < len; i += sizeof(uint64_t)) {
		uint64_t random = weft_random();
		size_t some = len - i < sizeof(random) ? len - i : sizeof(random);

		memcpy(bytes + i, &random, some);
	}
}

/* ---- Time ------------------------------------------------------------------------------------ */

/*
 * Our clock goes as the caller's does, but never back; and where that has passed what was due by
 * far, it makes a small step: a process that was stopped, or a clock that was put forward, must
 * not let all links expire before anything of what waits in the socket was looked at.
 */
static void advance(struct weft_chat_endpoint *endpoint, int64_t now_ns)
{
	const struct weft_heap_node *due = weft_heap_min(&endpoint->timers);
	uint64_t step = 0;

	if (endpoint->has_clock && now_ns > endpoint->real)
		step = (uint64_t)now_ns - (uint64_t)endpoint->real;
	if (step > WEFT__LINK_STEP_NS && due) {
		int64_t left = due->key > endpoint->now ? due->key - endpoint->now : 0;

		if (step > (uint64_t)left + WEFT__LINK_STEP_NS)
			step = WEFT__LINK_STEP_NS;
	}
	if (step > INT64_MAX / 4)
		step = INT64_MAX / 4;
	endpoint->has_clock = true;
	endpoint->real = now_ns;
	endpoint->now += endpoint->now < INT64_MAX / 2 ? (int64_t)step : 0;
}

static void schedule(struct weft_chat_link *link)
{
	struct weft_chat_endpoint *endpoint = link->endpoint;
	int64_t at = weft__link_deadline(link);

	if (weft_heap_is_linked(&link->timer)) {
		/* One that is looked at too early is reckoned again then. */
		if (link->timer.key <= at && link->timer.key > endpoint->now)
			return;
		weft_heap_remove(&endpoint->timers, &link->timer);
	}
	if (at < INT64_MAX && weft_heap_push(&endpoint->timers, &link->timer, at) < 0)
		weft__link_end(link, WEFT_CHAT_LINK_SILENT, NULL, 0);
}

static void fire(struct weft_chat_endpoint *endpoint)
{
	struct weft_heap_node *node;

	while ((node = weft_heap_min(&endpoint->timers)) && node->key <= endpoint->now) {
		struct weft_chat_link *link = weft_container_of(node, struct weft_chat_link, timer);

		weft_heap_pop(&endpoint->timers);
		weft__link_timer(link);
		weft__link_touch(link);
	}
}

int64_t weft_chat_endpoint_deadline(const struct weft_chat_endpoint *endpoint)
{
	const struct weft_heap_node *due = weft_heap_min(&endpoint->timers);
	int64_t left;

	if (endpoint->reply_count > 0 || !weft_list_is_empty(&endpoint->busy))
		return endpoint->real;
	if (!due)
		return INT64_MAX;
	left = due->key > endpoint->now ? due->key - endpoint->now : 0;
	return endpoint->real > INT64_MAX - left ? INT64_MAX : endpoint->real + left;
}

void weft__link_touch(struct weft_chat_link *link)
{
	if (!weft_list_is_linked(&link->in_busy))
		weft_list_push_back(&link->endpoint->busy, &link->in_busy);
}

/* ---- In -------------------------------------------------------------------------------------- */

void weft_chat_endpoint_input(
	struct weft_chat_endpoint *endpoint, const struct weft_datagram *datagram, int64_t now_ns)
{
	const uint8_t *data = datagram->data;
	struct weft__link_address from;
	size_t len = datagram->len;

	advance(endpoint, now_ns);
	endpoint->counts.received++;
	endpoint->counts.received_bytes += len;
	weft__link_address_from(&from, &datagram->peer);
	endpoint->here = datagram->here;
	if (len < WEFT__LINK_GONE_LEN || len > WEFT_CHAT_LINK_DATAGRAM_MAX ||
		data[0] != WEFT_CHAT_LINK_FIRST) {
		endpoint->counts.forged++;
		return;
	}
	if (data[1] == WEFT__LINK_SEALED)
		weft__sealed_input(endpoint, data, len, &from);
	else
		weft__handshake_input(endpoint, data, len, &from);
}

/* ---- Out ------------------------------------------------------------------------------------- */

struct weft__link_reply *weft__endpoint_reply(
	struct weft_chat_endpoint *endpoint, const struct weft__link_address *to)
{
	struct weft__link_reply *reply;

	if (endpoint->reply_count == WEFT__LINK_REPLIES)
		return NULL;
	reply = &endpoint->replies[(endpoint->reply_first + endpoint->reply_count++) %
				   WEFT__LINK_REPLIES];
	reply->to = *to;
	reply->here = endpoint->here;
	reply->data[0] = WEFT_CHAT_LINK_FIRST;
	return reply;
}

static void put_out(struct weft_chat_endpoint *endpoint, struct weft_datagram *datagram,
	const struct weft__link_address *to, const struct weft_udp_here *here)
{
	size_t len = datagram->len;

	datagram->here = *here;
	weft__link_address_to(to, &datagram->peer);
	endpoint->counts.sent++;
	endpoint->counts.sent_bytes += len;
}

/* The next datagram of whichever link has one; they take turns. */
static bool build_next(struct weft_chat_endpoint *endpoint, struct weft_datagram *datagram)
{
	struct weft_list_node *node;

	while ((node = weft_list_pop_front(&endpoint->busy))) {
		struct weft_chat_link *link =
			weft_container_of(node, struct weft_chat_link, in_busy);
		size_t len = weft__link_build(link, datagram->data);

		if (len > 0) {
			datagram->len = len;
			put_out(endpoint, datagram, &link->path.address, &link->path.here);
			weft__link_touch(link);
			return true;
		}
		if (link->state != WEFT__OVER)
			schedule(link);
		if (link->state == WEFT__OVER && link->is_orphan)
			weft__link_destroy(link);
	}
	return false;
}

bool weft_chat_endpoint_output(
	struct weft_chat_endpoint *endpoint, struct weft_datagram *datagram, int64_t now_ns)
{
	advance(endpoint, now_ns);
	fire(endpoint);
	if (endpoint->reply_count > 0) {
		const struct weft__link_reply *reply = &endpoint->replies[endpoint->reply_first];

		endpoint->reply_first = (endpoint->reply_first + 1) % WEFT__LINK_REPLIES;
		endpoint->reply_count--;
		memcpy(datagram->data, reply->data, reply->len);
		datagram->len = reply->len;
		put_out(endpoint, datagram, &reply->to, &reply->here);
		return true;
	}
	return build_next(endpoint, datagram);
}

/* ---- Events ---------------------------------------------------------------------------------- */

void weft__link_tell(struct weft_chat_link *link, enum weft_chat_link_kind kind)
{
	if (link->is_orphan)
		return;
	link->events |= (uint8_t)(1U << kind);
	if (!weft_list_is_linked(&link->in_told))
		weft_list_push_back(&link->endpoint->told, &link->in_told);
}

bool weft_chat_endpoint_event(
	struct weft_chat_endpoint *endpoint, struct weft_chat_link_event *ret_event)
{
	struct weft_list_node *node = weft_list_pop_front(&endpoint->told);
	struct weft_chat_link *link;
	unsigned kind;

	if (!node)
		return false;
	link = weft_container_of(node, struct weft_chat_link, in_told);
	/* In the order of their numbers: OVER is the last. */
	kind = (unsigned)__builtin_ctz(link->events);
	link->events &= (uint8_t)(link->events - 1);
	if (link->events)
		weft_list_push_back(&endpoint->told, &link->in_told);
	ret_event->kind = (enum weft_chat_link_kind)kind;
	ret_event->link = link;
	return true;
}

void weft_chat_endpoint_counts(
	const struct weft_chat_endpoint *endpoint, struct weft_chat_endpoint_counts *ret_counts)
{
	*ret_counts = endpoint->counts;
}
