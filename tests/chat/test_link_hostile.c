/*
 * test_link_hostile.c - what enemies send: strangers, those on the way, and a peer gone mad. The
 * link (weft/chat_link.h) does not notice, memory is bounded, and no answer is longer than what
 * it answers.
 */
#include "chat/link.h"
#include "chat/pair.h"

static struct pair pair;

static void inject(const void *data, size_t len, int to, struct weft_address from)
{
	struct world_flying flying = {.from = from, .to = pair.world.hosts[to].address, .len = len};

	memcpy(flying.data, data, len);
	world_send(&pair.world, &flying, 0);
	world_run(&pair.world, WEFT_MICROSECONDS(10));
}

/* Who a datagram was for; where it came from. */
static int host_of(const struct weft_address *address)
{
	return weft_address_equal(address, &pair.world.hosts[SERVER].address) ? SERVER : CLIENT;
}

/* One of each kind that goes while a link begins, works and ends. */
static unsigned record(struct world_flying *ret_kept)
{
	unsigned count;

	pair_open(&pair, NULL);
	pair_check_works(&pair);
	count = pair.kept_count < 16 ? pair.kept_count : 16;
	memcpy(ret_kept, pair.kept, count * sizeof(*ret_kept));
	return count;
}

/* ---- Those on the way ------------------------------------------------------------------------ */

CHECK_CASE(a_datagram_that_comes_again_changes_nothing)
{
	static struct world_flying kept[16];
	unsigned count = record(kept);

	CHECK_INT(count, >=, 7);
	for (int round = 0; round < 3; round++)
		for (unsigned i = 0; i < count; i++)
			inject(kept[i].data, kept[i].len, host_of(&kept[i].to), kept[i].from);
	pair_expect_nothing(&pair, SERVER);
	pair_expect_nothing(&pair, CLIENT);
	CHECK_INT(pair_counts(&pair, SERVER).replayed, >=, 3);
	pair_check_works(&pair);
	pair_fini(&pair);
}

CHECK_CASE(a_changed_bit_or_a_missing_byte_is_noticed_in_every_kind)
{
	static struct world_flying kept[16];
	unsigned count = record(kept);

	for (unsigned i = 0; i < count; i++) {
		struct world_flying *one = &kept[i];
		int to = host_of(&one->to);

		for (size_t bit = 0; bit < one->len * 8; bit += i % 7 + 1) {
			one->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			inject(one->data, one->len, to, one->from);
			one->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		for (size_t len = 0; len < one->len; len += i % 5 + 1)
			inject(one->data, len, to, one->from);
	}
	CHECK_INT(pair_counts(&pair, SERVER).messages_in, ==, 1);
	CHECK_INT(pair_counts(&pair, CLIENT).messages_in, ==, 1);
	CHECK_INT(pair_counts(&pair, SERVER).forged, >, 300);
	pair_check_works(&pair);
	CHECK_INT(pair_counts(&pair, SERVER).messages_in, ==, 2);
	pair_fini(&pair);
}

CHECK_CASE(nothing_that_was_sealed_is_seen_in_the_clear)
{
	static const char *const words[] = {"anna", "a password", "works", "hello"};

	pair_open(&pair, NULL);
	pair_check_works(&pair);
	for (unsigned i = 0; i < pair.kept_count; i++)
		for (size_t word = 0; word < 4; word++)
			CHECK(!memmem(pair.kept[i].data, pair.kept[i].len, words[word],
				strlen(words[word])));
	pair_fini(&pair);
}

/* ---- Strangers ------------------------------------------------------------------------------- */

CHECK_CASE(no_stranger_gets_more_than_he_sends_or_any_memory)
{
	uint8_t data[WEFT_CHAT_LINK_DATAGRAM_MAX];
	struct weft_address stranger = world_address(6, 666);

	pair_init(&pair, NULL);
	pair.world.hosts[6].address = stranger;
	for (unsigned i = 0; i < 5000; i++) {
		size_t len = world_below(&pair.world, sizeof(data) + 1);
		size_t out = pair.world.hosts[SERVER].out;

		world_bytes(&pair.world, data, len);
		if (len > 1 && i % 8) {
			data[0] = WEFT_CHAT_LINK_FIRST;
			data[1] = (uint8_t)world_below(&pair.world, 8);
		}
		if (len > 2 && i % 2)
			data[2] = WEFT__LINK_VERSION;
		inject(data, len, SERVER, stranger);
		CHECK_INT(pair.world.hosts[SERVER].out - out, <=, len);
	}
	CHECK_INT(pair.world.hosts[SERVER].out, >, 0);
	CHECK_INT(pair_counts(&pair, SERVER).links, ==, 0);
	CHECK_INT(pair_counts(&pair, SERVER).memory, ==, 0);
	pair_fini(&pair);
}

static bool no_open(struct world *world, struct world_flying *flying)
{
	pair_keep(world, flying);
	return flying->data[1] != WEFT__LINK_OPENS;
}

/* A client's OPEN, which was kept back. */
static struct world_flying take_open(void)
{
	pair_init(&pair, NULL);
	pair.world.spy = no_open;
	CHECK(pair_connect(&pair, "anna", "secret", NULL));
	world_run(&pair.world, WEFT_MILLISECONDS(100));
	CHECK_INT(pair.kept[2].data[1], ==, WEFT__LINK_OPENS);
	return pair.kept[2];
}

CHECK_CASE(a_cookie_is_good_for_its_address_and_its_time_only)
{
	struct world_flying open = take_open();

	inject(open.data, open.len, SERVER, world_address(6, 666));
	inject(open.data, open.len, SERVER, world_address(CLIENT, 4002));
	CHECK_INT(pair_counts(&pair, SERVER).links, ==, 0);
	world_run(&pair.world, WEFT_SECONDS(21));
	inject(open.data, open.len, SERVER, open.from);
	CHECK_INT(pair_counts(&pair, SERVER).links, ==, 0);
	pair_fini(&pair);
}

CHECK_CASE(who_begins_and_says_no_name_is_forgotten)
{
	struct world_flying open = take_open();

	weft_chat_link_free(pair.links[CLIENT]);
	for (int i = 0; i < 5; i++)
		inject(open.data, open.len, SERVER, open.from);
	CHECK_INT(pair_counts(&pair, SERVER).links, ==, 1); /* the same one, answered again */
	CHECK_INT(pair_counts(&pair, SERVER).half_open, ==, 1);
	world_run(&pair.world, WEFT_SECONDS(16));
	CHECK_INT(pair_counts(&pair, SERVER).links, ==, 0);
	CHECK_INT(pair_counts(&pair, SERVER).half_open, ==, 0);
	CHECK(!pair_has(&pair, SERVER, WEFT_CHAT_LINK_LOGIN));
	pair_fini(&pair);
}

static bool no_login(struct world *world, struct world_flying *flying)
{
	(void)world;
	return flying->data[1] != WEFT__LINK_SEALED || flying->len < 200;
}

CHECK_CASE(many_who_say_no_name_keep_nobody_out)
{
	struct weft_chat_endpoint_options options = {.half_open_max = 10};

	pair_init(&pair, &options);
	pair.world.spy = no_login;
	for (int i = 0; i < 50; i++)
		CHECK(pair_connect(&pair, "nobody", NULL, NULL));
	world_run(&pair.world, WEFT_MILLISECONDS(100));
	CHECK_INT(pair_counts(&pair, SERVER).half_open, ==, 10);
	CHECK_INT(pair_counts(&pair, SERVER).links, ==, 10);
	CHECK_INT(pair_counts(&pair, SERVER).refused, >=, 40);
	pair.world.spy = NULL;
	CHECK(pair_connect(&pair, "anna", "secret", NULL));
	world_run(&pair.world, WEFT_MILLISECONDS(100));
	CHECK(pair_has(&pair, CLIENT, WEFT_CHAT_LINK_OPENED));
	pair_fini(&pair);
}

CHECK_CASE(one_host_can_have_only_so_many_handshakes_a_second)
{
	pair_init(&pair, NULL);
	pair.world.spy = no_login;
	for (int i = 0; i < 300; i++)
		CHECK(pair_connect(&pair, "nobody", NULL, NULL));
	world_run(&pair.world, WEFT_MILLISECONDS(100));
	CHECK_INT(pair_counts(&pair, SERVER).links, <=, 105);
	pair_fini(&pair);
}

/* As a socket for both families names a peer of IPv4. */
static struct weft_address mapped(uint8_t host)
{
	struct weft_address address = {.len = sizeof(address.in6)};

	address.in6.sin6_family = AF_INET6;
	address.in6.sin6_port = htons(666);
	memcpy(&address.in6.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0", 15);
	address.in6.sin6_addr.s6_addr[15] = host;
	return address;
}

CHECK_CASE(hosts_of_ipv4_are_told_from_each_other_on_any_socket)
{
	uint8_t data[64] = {WEFT_CHAT_LINK_FIRST, WEFT__LINK_SEALED};

	pair_init(&pair, NULL);
	for (int host = 0; host < 50; host++)
		inject(data, sizeof(data), SERVER, mapped((uint8_t)host));
	CHECK_INT(pair.world.hosts[SERVER].out, ==, 50 * WEFT__LINK_GONE_LEN);
	for (int i = 0; i < 50; i++)
		inject(data, sizeof(data), SERVER, mapped(7));
	CHECK_INT(pair.world.hosts[SERVER].out, <=, 71 * WEFT__LINK_GONE_LEN);
	pair_fini(&pair);
}

/* ---- A peer gone mad ------------------------------------------------------------------------- */

struct frames {
	const char *name;
	const char *bytes;
	size_t len;
	bool is_fine;
};

#define FRAMES(bytes) bytes, sizeof(bytes) - 1

/* The client has sent parts 0 (its login) and 1; the server too. Both await number 2. */
static const struct frames table[] = {
	{"nothing", FRAMES(""), true},
	{"padding", FRAMES("\0\xff\xff"), true},
	{"an unknown frame", FRAMES("\x07"), false},
	{"half a part's head", FRAMES("\x02\0\0\0\x02\0"), false},
	{"a part longer than the datagram", FRAMES("\x02\0\0\0\x02\0\x05zzzz"), false},
	{"a part of the past", FRAMES("\x02\0\0\0\0\0\x01z"), true},
	{"a part of long ago", FRAMES("\x02\xff\xff\xff\xf0\0\x01z"), true},
	{"a part far ahead", FRAMES("\x02\0\0\x02\0\0\x01z"), true},
	{"a part early", FRAMES("\x02\0\0\0\x09\0\x01z"), true},
	{"half an ACK", FRAMES("\x03\0\0\0\x02\0\0\0\0\0\xff"), false},
	{"an ACK with bits missing", FRAMES("\x03\0\0\0\x02\0\0\0\0\0\xff\x04zzz"), false},
	{"an ACK with too many bits",
		FRAMES("\x03\0\0\0\x02\0\0\0\0\0\xff\x21zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"), false},
	{"an ACK of what was not sent", FRAMES("\x03\0\0\0\x03\0\0\0\0\0\xff\0"), false},
	{"an ACK of a datagram that was not sent", FRAMES("\x03\0\0\0\x02\0\0\0\x7f\0\xff\0"),
		false},
	{"one of a datagram before all", FRAMES("\x03\0\0\0\x02\xff\xff\xff\xff\0\xff\0"), false},
	{"an ACK of the past", FRAMES("\x03\0\0\0\0\0\0\0\0\0\xff\0"), true},
	{"an ACK of long ago", FRAMES("\x03\x90\0\0\0\0\0\0\0\0\xff\0"), true},
	{"bits of what was not sent", FRAMES("\x03\0\0\0\x02\0\0\0\0\0\xff\x02\xff\xff"), true},
	{"half a PING", FRAMES("\x04zzz"), false},
	{"half a PONG", FRAMES("\x05zzz"), false},
	{"a PONG that nobody awaits", FRAMES("\x05zzzzzzzz"), true},
	{"half a CLOSE", FRAMES("\x06\0"), false},
	{"a CLOSE longer than the datagram", FRAMES("\x06\0\x05zzzz"), false},
	{"a CLOSE of a third kind", FRAMES("\x06\x02\0"), false},
	{"a CLOSE with a NUL", FRAMES("\x06\0\x03z\0z"), false},
	{"a CLOSE with too long a reason",
		FRAMES("\x06\0\x81zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
		       "zzz"
		       "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"),
		false},
};

/* Sealed as the link that it is from would. */
static void inject_sealed(int from, const void *frames, size_t len)
{
	struct weft_chat_link *link = pair.links[from];
	uint8_t data[WEFT_CHAT_LINK_DATAGRAM_MAX] = {WEFT_CHAT_LINK_FIRST, WEFT__LINK_SEALED};

	memcpy(data + 2, link->peer_id, WEFT__LINK_ID);
	weft__put(data + 2 + WEFT__LINK_ID, link->counter, 8);
	weft__noise_seal(link->send_key, link->counter++,
		(struct weft__bytes){data, WEFT__LINK_HEAD}, (struct weft__bytes){frames, len},
		data + WEFT__LINK_HEAD);
	inject(data, len + WEFT__LINK_SEALED_MIN, !from, pair.world.hosts[from].address);
}

CHECK_CASE(a_mad_peer_is_told_off_and_never_believed)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (int from = 0; from < 2; from++) {
			printf("# %s\n", table[i].name);
			pair_open(&pair, NULL);
			pair_check_works(&pair);
			inject_sealed(from, table[i].bytes, table[i].len);
			CHECK_INT(
				pair_has(&pair, !from, WEFT_CHAT_LINK_OVER), ==, !table[i].is_fine);
			if (table[i].is_fine)
				pair_check_works(&pair);
			else {
				CHECK_INT(weft_chat_link_why(pair.links[!from]), ==,
					WEFT_CHAT_LINK_BROKEN);
				world_run(&pair.world, WEFT_SECONDS(1));
				CHECK_INT(weft_chat_link_why(pair.links[from]), ==,
					WEFT_CHAT_LINK_CLOSED);
			}
			pair_fini(&pair);
		}
}

/* Not mad, but rare: all had come, and waited there for room. */
CHECK_CASE(parts_that_were_selected_before_count_when_they_are_taken)
{
	char data[1000] = {0};

	pair_open(&pair, &(struct weft_chat_endpoint_options){.queue_max = 3500});
	pair.world.loss = 1;
	while (weft_chat_link_send(pair.links[CLIENT], data, sizeof(data)) == 0)
		;
	CHECK_INT(weft_chat_link_pending(pair.links[CLIENT]), ==, 3);
	world_run(&pair.world, WEFT_MILLISECONDS(1));
	inject_sealed(SERVER, "\x03\0\0\0\x01\0\0\0\0\0\0\x01\x03", 13);
	inject_sealed(SERVER, "\x03\0\0\0\x02\0\0\0\0\0\0\0", 12);
	CHECK(!pair_has(&pair, CLIENT, WEFT_CHAT_LINK_WRITABLE));
	pair.events[CLIENT] = 0;
	inject_sealed(SERVER, "\x03\0\0\0\x04\0\0\0\0\0\xff\0", 12);
	CHECK_INT(weft_chat_link_pending(pair.links[CLIENT]), ==, 0);
	CHECK(pair_has(&pair, CLIENT, WEFT_CHAT_LINK_DRAINED));
	CHECK(pair_has(&pair, CLIENT, WEFT_CHAT_LINK_WRITABLE));
	pair_fini(&pair);
}

CHECK_CASE(a_message_without_end_is_cut_off)
{
	uint8_t frames[7 + 1000] = {WEFT__FRAME_PART};

	pair_open(&pair, NULL);
	for (unsigned number = 1; !pair_has(&pair, SERVER, WEFT_CHAT_LINK_OVER); number++) {
		CHECK_INT(number, <, 70);
		weft__put(frames + 1, number, 4);
		weft__put(frames + 5, 1000, 2);
		inject_sealed(CLIENT, frames, sizeof(frames));
		CHECK_INT(pair_counts(&pair, SERVER).memory, <, 200000);
	}
	CHECK_INT(weft_chat_link_why(pair.links[SERVER]), ==, WEFT_CHAT_LINK_BROKEN);
	CHECK_INT(pair_counts(&pair, SERVER).memory, ==, 0);
	pair_fini(&pair);
}

static const struct frames logins[] = {
	{"no login", FRAMES(""), false},
	{"half a head", FRAMES("\x01\x01"), false},
	{"no name", FRAMES("\x01\0\0\x01s"), false},
	{"a name with a NUL", FRAMES("\x01\x03\0\x01n\0ns"), false},
	{"a secret with a NUL", FRAMES("\x01\x01\0\x02ns\0"), false},
	{"a kind of secret that is none", FRAMES("\x04\x01\0\x01ns"), false},
	{"a guest with a secret", FRAMES("\0\x01\0\x01ns"), false},
	{"a password without one", FRAMES("\x01\x01\0\0n"), false},
	{"a secret longer than the message", FRAMES("\x01\x01\0\x05ns"), false},
	{"a name longer than the message", FRAMES("\x01\xff\0\x01ns"), false},
	{"a login", FRAMES("\x01\x01\0\x01ns"), true},
	{"one with padding", FRAMES("\x01\x01\0\x01ns\0\0\0\0"), true},
};

static bool only_handshake(struct world *world, struct world_flying *flying)
{
	(void)world;
	return flying->data[1] != WEFT__LINK_SEALED;
}

CHECK_CASE(a_mad_login_is_none)
{
	for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++) {
		uint8_t frames[64] = {WEFT__FRAME_LAST};

		pair_init(&pair, NULL);
		pair.says_nothing = true;
		pair.world.spy = only_handshake;
		CHECK(pair_connect(&pair, "anna", "secret", NULL));
		world_run(&pair.world, WEFT_MILLISECONDS(100));
		CHECK_INT(pair_counts(&pair, SERVER).half_open, ==, 1);
		weft__put(frames + 5, logins[i].len, 2);
		memcpy(frames + 7, logins[i].bytes, logins[i].len);
		inject_sealed(CLIENT, frames, 7 + logins[i].len);
		CHECK_INT(pair_has(&pair, SERVER, WEFT_CHAT_LINK_LOGIN), ==, logins[i].is_fine);
		CHECK_INT(pair_counts(&pair, SERVER).links, ==, logins[i].is_fine);
		CHECK_INT(pair_counts(&pair, SERVER).half_open, ==, 0);
		pair_fini(&pair);
	}
}

CHECK_MAIN()
