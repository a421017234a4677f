/*
 * test_link_storm.c - over thousands of seeds and the worst of networks: every message that was
 * accepted comes exactly once, in order, both ways, while clients move, datagrams are lost,
 * doubled, late, forged, replayed and cut, clocks jump, and memory stays bounded. And how long that
 * takes.
 */
#include "chat/world.h"

#define CLIENTS  3
#define MESSAGES 25
#define LEN_MAX  6000

struct side {
	struct weft_chat_link *link;
	unsigned sent, got;
	uint64_t seed; /* of what it sends */
	bool is_over;
};

struct storm {
	struct world world;
	uint8_t key[32];
	struct side clients[CLIENTS], servers[CLIENTS];
	struct world_flying kept[16]; /* seen on the air */
	unsigned kept_count, moves;
	int64_t jumped;
};

/* Mostly short, as chat is; some fill several datagrams, some have nothing. */
static size_t message_make(uint64_t seed, unsigned number, uint8_t *ret_data)
{
	uint64_t state = seed + number * UINT64_C(77777);
	uint64_t kind = world_random(&state) % 10;
	size_t len = world_random(&state) % (kind == 0 ? LEN_MAX : kind == 1 ? 1 : 90);

	for (size_t i = 0; i < len; i++)
		ret_data[i] = (uint8_t)((seed + number + i) ^ i >> 8);
	return len;
}

static void send_more(struct side *side)
{
	uint8_t data[LEN_MAX];

	while (side->link && !side->is_over && side->sent < MESSAGES) {
		size_t len = message_make(side->seed, side->sent, data);

		if (weft_chat_link_send(side->link, data, len) < 0) {
			CHECK(errno == EAGAIN || errno == ENOTCONN);
			return;
		}
		side->sent++;
	}
}

static void take(struct side *side, uint64_t seed)
{
	uint8_t data[LEN_MAX], expected[LEN_MAX];
	ssize_t len;

	while ((len = weft_chat_link_receive(side->link, data, sizeof(data))) >= 0) {
		CHECK_INT(len, ==, message_make(seed, side->got, expected));
		CHECK_MEM(data, expected, (size_t)len);
		side->got++;
	}
	CHECK(errno == EAGAIN || errno == ENOTCONN);
}

static void happened(struct world *world, int host, const struct weft_chat_link_event *event)
{
	struct storm *storm = world->arg;
	const struct weft_chat_link_login *login;
	struct side *side;
	int index;

	if (host > 0)
		index = host - 1;
	else if (event->kind == WEFT_CHAT_LINK_LOGIN) {
		login = weft_chat_link_login(event->link);
		index = login->name[0] - 'a';
		CHECK_STR(login->secret, "a secret that nobody knows");
		CHECK(!storm->servers[index].link);
		storm->servers[index].link = event->link;
		weft_chat_link_set_owner(event->link, &storm->servers[index]);
		CHECK_INT(weft_chat_link_welcome(event->link, "welcome"), ==, 0);
	} else
		index = (int)((struct side *)weft_chat_link_owner(event->link) - storm->servers);
	side = host > 0 ? &storm->clients[index] : &storm->servers[index];
	if (event->kind == WEFT_CHAT_LINK_OVER) {
		side->is_over = true;
		CHECK_INT(weft_chat_link_why(event->link), ==, WEFT_CHAT_LINK_CLOSED);
	}
	if (event->kind == WEFT_CHAT_LINK_MOVED)
		storm->moves++;
	take(side, host > 0 ? storm->servers[index].seed : storm->clients[index].seed);
	send_more(side);
}

/* Somebody on the way keeps what he sees, and sends it again: whole, changed, cut, from elsewhere.
 */
static bool enemy(struct world *world, struct world_flying *flying)
{
	struct storm *storm = world->arg;
	struct world_flying forged;

	storm->kept[storm->kept_count++ % 16] = *flying;
	if (!world_chance(world, 0.2))
		return true;
	forged = storm->kept[world_below(world, storm->kept_count < 16 ? storm->kept_count : 16)];
	switch (world_below(world, 4)) {
	case 0:
		forged.data[world_below(world, forged.len)] ^=
			(uint8_t)(1 << world_below(world, 8));
		break;
	case 1:
		forged.len = world_below(world, forged.len);
		break;
	case 2:
		forged.from = world_address(20, 666);
		break;
	}
	world_send(world, &forged, (int64_t)world_below(world, WEFT_MILLISECONDS(300)));
	return true;
}

static void move_somebody(struct storm *storm)
{
	struct world *world = &storm->world;
	int host = 1 + (int)world_below(world, CLIENTS);

	world->hosts[host].address = world_address(host, 5000 + (int)world_below(world, 50000));
}

static void jump_somewhere(struct storm *storm)
{
	struct world *world = &storm->world;
	int host = (int)world_below(world, CLIENTS + 1);
	int64_t hours = (int64_t)world_below(world, 5) - 2;

	world->hosts[host].skew_ns += hours * WEFT_SECONDS(3600) +
				      (int64_t)world_below(world, WEFT_SECONDS(10)) -
				      WEFT_SECONDS(5);
}

static bool is_done(const struct storm *storm)
{
	for (int i = 0; i < CLIENTS; i++)
		if (storm->clients[i].got < MESSAGES || storm->servers[i].got < MESSAGES)
			return false;
	return true;
}

static void begin(struct storm *storm, uint64_t seed)
{
	struct weft_chat_link_connect_options connect = {
		.login = {.secret = "a secret that nobody knows", .kind = WEFT_CHAT_LINK_TOKEN}};
	struct weft_chat_endpoint_options options = {.queue_max = 8192, .message_max = LEN_MAX};
	uint8_t public_key[32];

	memset(storm, 0, sizeof(*storm));
	world_init(&storm->world, seed);
	storm->world.arg = storm;
	storm->world.event = happened;
	storm->world.loss = 0.3;
	storm->world.twice = 0.2;
	storm->world.late = 0.1;
	storm->world.delay_max = WEFT_MILLISECONDS(100);
	world_bytes(&storm->world, storm->key, sizeof(storm->key));
	CHECK_INT(weft_chat_link_key_public(storm->key, public_key), ==, 0);
	options.secret_key = storm->key;
	options.connect_ns = WEFT_SECONDS(300);
	world_host(&storm->world, 0, &options);
	options.secret_key = NULL;
	for (int i = 0; i < CLIENTS; i++) {
		char name[2] = {(char)('a' + i), 0};
		struct weft_chat_endpoint *endpoint = world_host(&storm->world, i + 1, &options);

		storm->clients[i].seed = seed * 10 + (uint64_t)i;
		storm->servers[i].seed = seed * 10 + 5 + (uint64_t)i;
		connect.login.name = name;
		connect.server_key = public_key;
		storm->clients[i].link =
			weft_chat_link_connect(endpoint, &storm->world.hosts[0].address, &connect);
		CHECK(storm->clients[i].link);
	}
}

/* What is left when all is over. */
static void finish(struct storm *storm)
{
	struct weft_chat_endpoint_counts counts;

	for (int i = 0; i < CLIENTS; i++)
		weft_chat_link_close(storm->clients[i].link, "done");
	storm->world.spy = NULL;
	storm->world.loss = 0;
	world_run(&storm->world, WEFT_SECONDS(60));
	for (int i = 0; i < CLIENTS; i++) {
		CHECK(storm->clients[i].is_over);
		CHECK(storm->servers[i].is_over);
		CHECK_STR(weft_chat_link_reason(storm->servers[i].link), "done");
		CHECK_INT(storm->clients[i].got, ==, MESSAGES);
		CHECK_INT(storm->servers[i].got, ==, MESSAGES);
		weft_chat_link_free(storm->clients[i].link);
		weft_chat_link_free(storm->servers[i].link);
	}
	for (int i = 0; i <= CLIENTS; i++) {
		weft_chat_endpoint_counts(storm->world.hosts[i].endpoint, &counts);
		CHECK_INT(counts.memory, ==, 0);
		CHECK_INT(counts.links, ==, counts.half_open);
	}
	world_fini(&storm->world);
}

static uint64_t seed_now;

static void tell_seed(void)
{
	printf("# seed %llu\n", (unsigned long long)seed_now);
}

static void storms(
	unsigned rounds, bool (*spy)(struct world *, struct world_flying *), bool is_wild)
{
	static struct storm storm;

	check_on_failure = tell_seed;
	for (seed_now = 1; seed_now <= rounds; seed_now++) {
		begin(&storm, seed_now);
		storm.world.spy = spy;
		for (int step = 0; step < 2400 && !is_done(&storm); step++) {
			world_run(&storm.world, WEFT_MILLISECONDS(500));
			if (is_wild && step % 4 == 3)
				move_somebody(&storm);
			if (is_wild && step % 7 == 6)
				jump_somewhere(&storm);
		}
		CHECK(is_done(&storm));
		finish(&storm);
	}
	check_on_failure = NULL;
}

CHECK_CASE(every_message_comes_once_and_in_order_over_a_bad_network)
{
	storms(check_rounds(100), NULL, false);
}

CHECK_CASE(so_it_does_while_clients_move_and_clocks_jump)
{
	storms(check_rounds(100), NULL, true);
}

CHECK_CASE(so_it_does_with_an_enemy_on_the_way)
{
	storms(check_rounds(100), enemy, true);
}

/* ---- How long it takes ----------------------------------------------------------------------- */

#define PACE_COUNT 100
#define PACE_SEEDS 20

struct pace {
	struct world world;
	struct weft_chat_link *client;
	unsigned sent, answered;
	bool by_turns, is_open;
};

static void pace_send(struct pace *pace)
{
	static const char text[60] = "what people say to each other";

	while (pace->sent < (pace->by_turns ? pace->answered + 1 : PACE_COUNT) &&
		pace->sent < PACE_COUNT) {
		CHECK_INT(weft_chat_link_send(pace->client, text, sizeof(text)), ==, 0);
		pace->sent++;
	}
}

/* The server says each message again. */
static void pace_event(struct world *world, int host, const struct weft_chat_link_event *event)
{
	struct pace *pace = world->arg;
	char data[64];

	if (event->kind == WEFT_CHAT_LINK_LOGIN)
		CHECK_INT(weft_chat_link_welcome(event->link, NULL), ==, 0);
	pace->is_open |= event->kind == WEFT_CHAT_LINK_OPENED;
	CHECK(event->kind != WEFT_CHAT_LINK_OVER);
	while (weft_chat_link_receive(event->link, data, sizeof(data)) >= 0)
		if (host > 0)
			pace->answered++;
		else
			CHECK_INT(weft_chat_link_send(event->link, data, 60), ==, 0);
	if (host > 0 && pace->sent > 0)
		pace_send(pace);
}

static int64_t pace_until(struct pace *pace, bool (*holds)(const struct pace *))
{
	int64_t began = pace->world.now;

	while (!holds(pace) && pace->world.now - began < WEFT_SECONDS(600))
		world_run(&pace->world, WEFT_MILLISECONDS(10));
	CHECK(holds(pace));
	return pace->world.now - began;
}

static bool pace_is_open(const struct pace *pace)
{
	return pace->is_open;
}

static bool pace_is_done(const struct pace *pace)
{
	return pace->answered == PACE_COUNT;
}

struct pace_took {
	int64_t login, messages, most;
	size_t datagrams;
};

/* Virtual time, the mean over seeds: 100 ms there and back, so much lost each way. */
static struct pace_took pace_take(double loss, bool by_turns)
{
	struct weft_chat_endpoint_options options = {.connect_ns = WEFT_SECONDS(300)};
	const struct weft_chat_link_connect_options connect = {.login = {.name = "anna"}};
	static const uint8_t key[32] = {1};
	struct pace_took took = {0};

	for (uint64_t seed = 1; seed <= PACE_SEEDS; seed++) {
		struct pace pace = {.by_turns = by_turns};
		int64_t messages;

		world_init(&pace.world, seed);
		pace.world.arg = &pace;
		pace.world.event = pace_event;
		pace.world.loss = loss;
		pace.world.delay_min = pace.world.delay_max = WEFT_MILLISECONDS(50);
		options.secret_key = key;
		world_host(&pace.world, 0, &options);
		options.secret_key = NULL;
		pace.client = weft_chat_link_connect(world_host(&pace.world, 1, &options),
			&pace.world.hosts[0].address, &connect);
		took.login += pace_until(&pace, pace_is_open) / PACE_SEEDS;
		pace_send(&pace);
		messages = pace_until(&pace, pace_is_done);
		took.messages += messages / PACE_SEEDS;
		took.most = messages > took.most ? messages : took.most;
		took.datagrams += pace.world.datagrams;
		world_fini(&pace.world);
	}
	took.datagrams /= PACE_SEEDS;
	return took;
}

static double seconds(int64_t ns)
{
	return (double)ns / 1e9;
}

CHECK_CASE(a_hundred_messages_take_few_round_trips_more_where_many_are_lost)
{
	static const struct {
		double loss;
		bool by_turns;
		double login_s, messages_s;
		size_t datagrams;
	} paths[] = {
		{0, false, 0.4, 0.2, 40},
		{0.1, false, 0.7, 0.5, 50},
		{0.3, false, 2.5, 2.5, 80},
		{0, true, 0.4, 10.5, 220},
		{0.1, true, 0.7, 15, 320},
		{0.3, true, 2.5, 35, 520},
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct pace_took took = pace_take(paths[i].loss, paths[i].by_turns);

		printf("# %.0f %% lost, %s: login %.2f s, messages %.2f s (at most %.2f), "
		       "%zu datagrams\n",
			paths[i].loss * 100, paths[i].by_turns ? "by turns" : "at once",
			seconds(took.login), seconds(took.messages), seconds(took.most),
			took.datagrams);
		CHECK(seconds(took.login) < paths[i].login_s);
		CHECK(seconds(took.messages) < paths[i].messages_s);
		CHECK(took.datagrams < paths[i].datagrams);
	}
}

/* ---- How much at a time -----------------------------------------------------------------------
 */

#define BULK_LEN ((size_t)1024 * 1024)

struct bulk {
	struct world world;
	struct weft_chat_link *client;
	int64_t at;
	unsigned now, most; /* datagrams of the client at one time */
	bool is_there;
};

static void bulk_event(struct world *world, int host, const struct weft_chat_link_event *event)
{
	static char data[BULK_LEN];
	struct bulk *bulk = world->arg;

	if (event->kind == WEFT_CHAT_LINK_LOGIN)
		CHECK_INT(weft_chat_link_welcome(event->link, NULL), ==, 0);
	if (event->kind == WEFT_CHAT_LINK_OPENED)
		CHECK_INT(weft_chat_link_send(bulk->client, data, sizeof(data)), ==, 0);
	if (host == 0 && weft_chat_link_receive(event->link, data, sizeof(data)) >= 0)
		bulk->is_there = true;
}

static bool bulk_spy(struct world *world, struct world_flying *flying)
{
	struct bulk *bulk = world->arg;

	if (!weft_address_equal(&flying->from, &world->hosts[1].address))
		return true;
	bulk->now = world->now == bulk->at ? bulk->now + 1 : 1;
	bulk->at = world->now;
	bulk->most = bulk->now > bulk->most ? bulk->now : bulk->most;
	return true;
}

CHECK_CASE(a_wide_path_is_filled_but_not_by_hundreds_of_datagrams_at_once)
{
	static const uint8_t key[32] = {1};
	struct weft_chat_endpoint_options options = {
		.secret_key = key, .message_max = BULK_LEN, .queue_max = 2 * BULK_LEN};
	const struct weft_chat_link_connect_options connect = {.login = {.name = "anna"}};
	struct bulk bulk = {.at = -1};
	int64_t began;

	world_init(&bulk.world, 1);
	bulk.world.arg = &bulk;
	bulk.world.event = bulk_event;
	bulk.world.spy = bulk_spy;
	bulk.world.delay_min = bulk.world.delay_max = WEFT_MILLISECONDS(50);
	began = bulk.world.now;
	world_host(&bulk.world, 0, &options);
	options.secret_key = NULL;
	bulk.client = weft_chat_link_connect(
		world_host(&bulk.world, 1, &options), &bulk.world.hosts[0].address, &connect);
	while (!bulk.is_there && bulk.world.now - began < WEFT_SECONDS(60))
		world_run(&bulk.world, WEFT_MILLISECONDS(10));
	printf("# 1 MiB: %.2f s, at most %u datagrams at once, %zu in all\n",
		seconds(bulk.world.now - began), bulk.most, bulk.world.datagrams);
	CHECK(seconds(bulk.world.now - began) < 2);
	CHECK_INT(bulk.most, <=, 14);
	world_fini(&bulk.world);
}

CHECK_MAIN()
