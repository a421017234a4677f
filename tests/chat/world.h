/*
 * world.h - endpoints of links (weft/chat_link.h) and a bad network between them, without sockets,
 * out of one seed: thousands of lives in a second.
 *
 * world_run() lets time jump from datagram to deadline. What is in the air can be looked at, kept,
 * changed and sent again by a test's `spy`, which also is the network's enemy.
 */
#ifndef TESTS_CHAT_WORLD_H
#define TESTS_CHAT_WORLD_H

#include <arpa/inet.h>

#include "check.h"
#include "weft/chat_link.h"
#include "weft/heap.h"
#include "weft/list.h"

#define WORLD_HOSTS 8

struct world;

struct world_flying {
	struct weft_heap_node in_air;
	struct weft_address from, to;
	size_t len;
	uint8_t data[WEFT_CHAT_LINK_DATAGRAM_MAX];
};

struct world_host {
	struct weft_chat_endpoint *endpoint;
	struct weft_address address;
	int64_t skew_ns; /* of its clock */
	int64_t wake_at; /* of the world's: who sleeps does not see that his clock was put on */
	size_t in, out;  /* bytes */
};

struct world {
	uint64_t random;
	int64_t now;
	int64_t delay_min, delay_max;
	double loss, twice, late;
	struct weft_heap air;
	struct world_host hosts[WORLD_HOSTS];
	void (*event)(struct world *world, int host, const struct weft_chat_link_event *event);
	/* false: it is taken off the air. */
	bool (*spy)(struct world *world, struct world_flying *flying);
	void *arg;
	size_t datagrams;
	int64_t order;
	uint64_t key_random; /* of the endpoints */
};

static inline uint64_t world_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static inline bool world_chance(struct world *world, double chance)
{
	return (double)(world_random(&world->random) >> 11) * 0x1p-53 < chance;
}

static inline uint64_t world_below(struct world *world, uint64_t bound)
{
	return world_random(&world->random) % bound;
}

static inline void world_bytes(void *arg, void *ret_bytes, size_t len)
{
	struct world *world = arg;

	for (size_t i = 0; i < len; i++)
		((uint8_t *)ret_bytes)[i] = (uint8_t)world_random(&world->key_random);
}

static inline struct weft_address world_address(int host, int port)
{
	struct weft_address address = {.len = sizeof(address.in)};

	address.in.sin_family = AF_INET;
	address.in.sin_port = htons((uint16_t)port);
	address.in.sin_addr.s_addr = htonl(0x0a000001U + (uint32_t)host);
	return address;
}

static inline void world_init(struct world *world, uint64_t seed)
{
	*world = (struct world){.random = seed, .key_random = seed ^ 0x5ea1};
	world->now = WEFT_SECONDS(1000);
	world->delay_min = WEFT_MILLISECONDS(1);
	world->delay_max = WEFT_MILLISECONDS(1);
	weft_heap_init(&world->air);
}

static inline void world_fini(struct world *world)
{
	struct weft_heap_node *node;

	for (int i = 0; i < WORLD_HOSTS; i++)
		weft_chat_endpoint_free(world->hosts[i].endpoint);
	while ((node = weft_heap_pop(&world->air)))
		free(weft_container_of(node, struct world_flying, in_air));
	weft_heap_fini(&world->air);
}

static inline struct weft_chat_endpoint *world_host(
	struct world *world, int host, const struct weft_chat_endpoint_options *options)
{
	struct weft_chat_endpoint_options mine =
		options ? *options : (struct weft_chat_endpoint_options){0};

	mine.random = world_bytes;
	mine.arg = world;
	world->hosts[host].endpoint = weft_chat_endpoint_new(&mine);
	CHECK(world->hosts[host].endpoint);
	world->hosts[host].address = world_address(host, 4000 + host);
	return world->hosts[host].endpoint;
}

/* Put it on the air, whatever its fate. */
static inline void world_send(struct world *world, const struct world_flying *what, int64_t delay)
{
	struct world_flying *flying = malloc(sizeof(*flying));

	CHECK(flying);
	*flying = *what;
	weft_heap_node_init(&flying->in_air);
	CHECK_INT(weft_heap_push(&world->air, &flying->in_air, world->now + delay + world->order++),
		==, 0); /* two at once come in the order in which they went */
}

static inline void world_throw(struct world *world, const struct world_flying *what)
{
	int64_t spread = world->delay_max - world->delay_min;
	int copies = 1 + world_chance(world, world->twice);

	while (copies-- > 0) {
		int64_t delay = world->delay_min +
				(spread ? (int64_t)world_below(world, (uint64_t)spread) : 0);

		if (world_chance(world, world->late))
			delay *= 5;
		if (!world_chance(world, world->loss))
			world_send(world, what, delay);
	}
}

/* All that a host has to say, and what it says has happened. */
static inline void world_host_turn(struct world *world, int index)
{
	struct world_host *host = &world->hosts[index];
	struct weft_chat_link_event event;
	struct world_flying out;
	struct weft_datagram datagram = {.data = out.data};
	bool more = true;

	while (more) {
		more = false;
		while (host->endpoint && weft_chat_endpoint_output(host->endpoint, &datagram,
						 world->now + host->skew_ns)) {
			out.from = host->address;
			out.to = datagram.peer;
			out.len = datagram.len;
			CHECK_INT(out.len, <=, WEFT_CHAT_LINK_DATAGRAM_MAX);
			host->out += out.len;
			world->datagrams++;
			if (!world->spy || world->spy(world, &out))
				world_throw(world, &out);
			more = true;
		}
		while (host->endpoint && weft_chat_endpoint_event(host->endpoint, &event)) {
			if (world->event)
				world->event(world, index, &event);
			more = true;
		}
	}
	if (host->endpoint) {
		int64_t deadline = weft_chat_endpoint_deadline(host->endpoint);

		host->wake_at = deadline < INT64_MAX ? deadline - host->skew_ns : INT64_MAX;
	}
}

static inline void world_land(struct world *world, struct world_flying *flying)
{
	/* In a block of its own size, so that a sanitizer sees a read past the end. */
	uint8_t *copy = malloc(flying->len ? flying->len : 1);
	struct weft_datagram datagram = {.data = copy, .len = flying->len, .peer = flying->from};

	CHECK(copy);
	memcpy(copy, flying->data, flying->len);
	for (int i = 0; i < WORLD_HOSTS; i++) {
		struct world_host *host = &world->hosts[i];

		if (!host->endpoint || !weft_address_equal(&host->address, &flying->to))
			continue;
		host->in += flying->len;
		weft_chat_endpoint_input(host->endpoint, &datagram, world->now + host->skew_ns);
		world_host_turn(world, i);
	}
	free(copy);
	free(flying);
}

/* When the next thing is due; INT64_MAX: nothing ever. */
static inline int64_t world_due(const struct world *world)
{
	const struct weft_heap_node *node = weft_heap_min(&world->air);
	int64_t due = node ? node->key : INT64_MAX;

	for (int i = 0; i < WORLD_HOSTS; i++) {
		const struct world_host *host = &world->hosts[i];

		if (host->endpoint && host->wake_at < due)
			due = host->wake_at;
	}
	return due;
}

/* Until nothing happens any more within that time. */
static inline void world_run(struct world *world, int64_t duration)
{
	int64_t end = world->now + duration;

	for (int i = 0; i < WORLD_HOSTS; i++)
		world_host_turn(world, i);
	for (int64_t due; (due = world_due(world)) <= end;) {
		struct weft_heap_node *node = weft_heap_min(&world->air);

		if (due > world->now)
			world->now = due;
		if (node && node->key <= world->now) {
			weft_heap_pop(&world->air);
			world_land(world, weft_container_of(node, struct world_flying, in_air));
		} else
			for (int i = 0; i < WORLD_HOSTS; i++)
				world_host_turn(world, i);
	}
	world->now = end;
}

#endif
