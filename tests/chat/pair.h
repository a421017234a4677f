/*
 * pair.h - a server and a client with a link between them, in a world (world.h) that is kind until
 * a test says otherwise; what happened is noted, and what went is kept.
 */
#ifndef TESTS_CHAT_PAIR_H
#define TESTS_CHAT_PAIR_H

#include "chat/world.h"

#define PAIR_KEPT 600

enum { SERVER, CLIENT };

struct pair {
	struct world world;
	uint8_t secret[32], public_key[32];
	struct weft_chat_link *links[2];
	unsigned events[2];  /* bits of 1 << kind */
	const char *refusal; /* NULL: everybody is welcome */
	bool says_nothing;   /* neither */
	struct world_flying kept[PAIR_KEPT];
	unsigned kept_count;
};

static inline void pair_event(
	struct world *world, int host, const struct weft_chat_link_event *event)
{
	struct pair *pair = world->arg;

	pair->events[host] |= 1U << event->kind;
	if (event->kind != WEFT_CHAT_LINK_LOGIN)
		return;
	pair->links[SERVER] = event->link;
	if (pair->says_nothing)
		return;
	if (pair->refusal)
		CHECK_INT(weft_chat_link_refuse(event->link, pair->refusal), ==, 0);
	else
		CHECK_INT(weft_chat_link_welcome(event->link, "hello"), ==, 0);
}

static inline bool pair_keep(struct world *world, struct world_flying *flying)
{
	struct pair *pair = world->arg;

	if (pair->kept_count < PAIR_KEPT)
		pair->kept[pair->kept_count++] = *flying;
	return true;
}

static inline bool pair_has(const struct pair *pair, int host, enum weft_chat_link_kind kind)
{
	return pair->events[host] >> kind & 1;
}

static inline struct weft_chat_link *pair_connect(
	struct pair *pair, const char *name, const char *secret, const uint8_t *key)
{
	struct weft_chat_link_connect_options options = {
		.login = {.name = name,
			.secret = secret,
			.kind = secret ? WEFT_CHAT_LINK_PASSWORD : WEFT_CHAT_LINK_GUEST},
		.server_key = key};

	pair->links[CLIENT] = weft_chat_link_connect(
		pair->world.hosts[CLIENT].endpoint, &pair->world.hosts[SERVER].address, &options);
	return pair->links[CLIENT];
}

static inline void pair_server(struct pair *pair, const struct weft_chat_endpoint_options *options)
{
	struct weft_chat_endpoint_options mine =
		options ? *options : (struct weft_chat_endpoint_options){0};

	mine.secret_key = pair->secret;
	world_host(&pair->world, SERVER, &mine);
}

/* Two endpoints; nothing between them yet. */
static inline void pair_init(struct pair *pair, const struct weft_chat_endpoint_options *options)
{
	memset(pair, 0, sizeof(*pair));
	world_init(&pair->world, 1);
	pair->world.arg = pair;
	pair->world.event = pair_event;
	pair->world.spy = pair_keep;
	for (int i = 0; i < 32; i++)
		pair->secret[i] = (uint8_t)(i + 1);
	CHECK_INT(weft_chat_link_key_public(pair->secret, pair->public_key), ==, 0);
	pair_server(pair, options);
	world_host(&pair->world, CLIENT, options);
}

/* And a link, open. */
static inline void pair_open(struct pair *pair, const struct weft_chat_endpoint_options *options)
{
	pair_init(pair, options);
	CHECK(pair_connect(pair, "anna", "a password", pair->public_key));
	world_run(&pair->world, WEFT_SECONDS(1));
	CHECK(pair_has(pair, CLIENT, WEFT_CHAT_LINK_OPENED));
	CHECK(pair->links[SERVER]);
}

static inline void pair_fini(struct pair *pair)
{
	world_fini(&pair->world);
}

/* The next message at a host is this one. */
static inline void pair_expect(struct pair *pair, int host, const char *text)
{
	char data[4096];
	ssize_t len = weft_chat_link_receive(pair->links[host], data, sizeof(data) - 1);

	CHECK_INT(len, >=, 0);
	data[len] = 0;
	CHECK_STR(data, text);
}

static inline void pair_expect_nothing(struct pair *pair, int host)
{
	char data[1];

	CHECK_ERRNO(weft_chat_link_receive(pair->links[host], data, 1), EAGAIN);
}

/* The link works, both ways. */
static inline void pair_check_works(struct pair *pair)
{
	for (int host = 0; host < 2; host++)
		CHECK_INT(weft_chat_link_send(pair->links[host], "works", 5), ==, 0);
	world_run(&pair->world, WEFT_SECONDS(20));
	for (int host = 0; host < 2; host++)
		pair_expect(pair, host, "works");
}

static inline struct weft_chat_endpoint_counts pair_counts(const struct pair *pair, int host)
{
	struct weft_chat_endpoint_counts counts;

	weft_chat_endpoint_counts(pair->world.hosts[host].endpoint, &counts);
	return counts;
}

#endif
