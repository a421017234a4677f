/*
 * test_link.c - a link's life (weft/chat_link.h): login, messages, bounds, addresses, time, end.
 */
#include "chat/pair.h"

static struct pair pair;

/* ---- Beginning ------------------------------------------------------------------------------- */

CHECK_CASE(both_know_each_other_when_a_link_is_open)
{
	struct weft_address address;
	char text[WEFT_CHAT_LINK_FINGERPRINT_SIZE];

	pair_open(&pair, NULL);
	CHECK_STR(weft_chat_link_reason(pair.links[CLIENT]), "hello");
	CHECK_MEM(weft_chat_link_peer_key(pair.links[CLIENT]), pair.public_key, 32);
	CHECK(!weft_chat_link_peer_key(pair.links[SERVER]));
	CHECK_MEM(weft_chat_link_binding(pair.links[CLIENT]),
		weft_chat_link_binding(pair.links[SERVER]), 32);
	weft_chat_link_address(pair.links[SERVER], &address);
	CHECK(weft_address_equal(&address, &pair.world.hosts[CLIENT].address));
	CHECK_INT(weft_chat_link_key_print(pair.public_key, text), ==, 0);
	CHECK_INT(strlen(text), ==, 50);
	pair_check_works(&pair);
	pair_fini(&pair);
}

CHECK_CASE(what_a_client_says_of_itself_comes_whole)
{
	static const struct {
		const char *name, *secret;
		int code;
	} logins[] = {
		{"anna", "secret", 0},
		{"anna", NULL, 0},
		{"\xc3\xa9milie du Ch\xc3\xa2telet", "\x01\xff", 0},
		{"", "secret", EINVAL},
		{NULL, "secret", EINVAL},
		{"anna", "", EINVAL},
	};

	for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++) {
		const struct weft_chat_link_login *login;

		pair_init(&pair, NULL);
		pair.says_nothing = true;
		if (logins[i].code) {
			CHECK_ERRNO(pair_connect(&pair, logins[i].name, logins[i].secret, NULL),
				logins[i].code);
			CHECK_INT(pair_counts(&pair, CLIENT).links, ==, 0);
			pair_fini(&pair);
			continue;
		}
		CHECK(pair_connect(&pair, logins[i].name, logins[i].secret, NULL));
		world_run(&pair.world, WEFT_SECONDS(1));
		CHECK((login = weft_chat_link_login(pair.links[SERVER])));
		CHECK_STR(login->name, logins[i].name);
		CHECK_STR(login->secret, logins[i].secret ? logins[i].secret : "");
		CHECK_INT(login->kind, ==,
			logins[i].secret ? WEFT_CHAT_LINK_PASSWORD : WEFT_CHAT_LINK_GUEST);
		CHECK_INT(weft_chat_link_welcome(pair.links[SERVER], NULL), ==, 0);
		CHECK_ERRNO(weft_chat_link_welcome(pair.links[SERVER], NULL), EALREADY);
		CHECK(!weft_chat_link_login(pair.links[SERVER]));
		pair_fini(&pair);
	}
}

CHECK_CASE(the_longest_name_and_secret_fit_and_no_longer_ones)
{
	char name[WEFT_CHAT_LINK_NAME_MAX + 2], secret[WEFT_CHAT_LINK_SECRET_MAX + 2];
	const struct weft_chat_link_login *login;

	memset(name, 'n', sizeof(name));
	memset(secret, 's', sizeof(secret));
	name[sizeof(name) - 1] = secret[sizeof(secret) - 1] = 0;
	pair_init(&pair, NULL);
	pair.says_nothing = true;
	CHECK_ERRNO(pair_connect(&pair, name, "x", NULL), EMSGSIZE);
	CHECK_ERRNO(pair_connect(&pair, "x", secret, NULL), EMSGSIZE);
	name[WEFT_CHAT_LINK_NAME_MAX] = secret[WEFT_CHAT_LINK_SECRET_MAX] = 0;
	CHECK(pair_connect(&pair, name, secret, NULL));
	world_run(&pair.world, WEFT_SECONDS(1));
	CHECK((login = weft_chat_link_login(pair.links[SERVER])));
	CHECK_STR(login->name, name);
	CHECK_STR(login->secret, secret);
	pair_fini(&pair);
}

/* Lengths of all that goes until the client knows, as a listener sees them. */
static size_t lengths(const char *name, const char *refusal, size_t *ret_lengths)
{
	size_t count;

	pair_init(&pair, NULL);
	pair.refusal = refusal;
	CHECK(pair_connect(&pair, name, "some password", NULL));
	world_run(&pair.world, WEFT_MILLISECONDS(10));
	CHECK_INT(pair_has(&pair, CLIENT, WEFT_CHAT_LINK_OPENED), ==, refusal == NULL);
	CHECK_INT(pair_has(&pair, CLIENT, WEFT_CHAT_LINK_OVER), ==, refusal != NULL);
	count = pair.kept_count < 6 ? pair.kept_count : 6;
	for (size_t i = 0; i < count; i++)
		ret_lengths[i] = pair.kept[i].len;
	pair_fini(&pair);
	return count;
}

CHECK_CASE(a_listener_cannot_tell_by_length_who_was_refused)
{
	size_t welcome[6], other[6];

	CHECK_INT(lengths("anna", NULL, welcome), ==, 6);
	CHECK_INT(lengths("bartholomew the second", "wrong name or password, or whatever", other),
		==, 6);
	CHECK_MEM(welcome, other, sizeof(welcome));
}

CHECK_CASE(who_is_refused_is_told_why)
{
	pair_init(&pair, NULL);
	pair.refusal = "wrong name or password";
	CHECK(pair_connect(&pair, "anna", "guess", NULL));
	world_run(&pair.world, WEFT_SECONDS(10));
	for (int host = 0; host < 2; host++) {
		CHECK(pair_has(&pair, host, WEFT_CHAT_LINK_OVER));
		CHECK_INT(weft_chat_link_why(pair.links[host]), ==, WEFT_CHAT_LINK_REFUSED);
	}
	CHECK_STR(weft_chat_link_reason(pair.links[CLIENT]), "wrong name or password");
	CHECK_ERRNO(weft_chat_link_send(pair.links[CLIENT], "x", 1), ENOTCONN);
	pair_fini(&pair);
}

CHECK_CASE(a_server_with_another_key_gets_no_login)
{
	uint8_t other[32] = {9};

	pair_init(&pair, NULL);
	CHECK(pair_connect(&pair, "anna", "secret", other));
	world_run(&pair.world, WEFT_SECONDS(10));
	CHECK_INT(weft_chat_link_why(pair.links[CLIENT]), ==, WEFT_CHAT_LINK_OTHER_KEY);
	CHECK_MEM(weft_chat_link_peer_key(pair.links[CLIENT]), pair.public_key, 32);
	CHECK(!pair_has(&pair, SERVER, WEFT_CHAT_LINK_LOGIN));
	for (unsigned i = 0; i < pair.kept_count; i++)
		CHECK_INT(pair.kept[i].data[1], <=, 2);
	pair_fini(&pair);
}

static bool is_of_tomorrow(struct world *world, struct world_flying *flying)
{
	(void)world;
	if (flying->data[1] == 2)
		flying->data[2] = 2;
	return true;
}

CHECK_CASE(a_server_of_another_version_is_told_from_silence)
{
	pair_init(&pair, NULL);
	pair.world.spy = is_of_tomorrow;
	CHECK(pair_connect(&pair, "anna", "secret", NULL));
	world_run(&pair.world, WEFT_SECONDS(10));
	CHECK_INT(weft_chat_link_why(pair.links[CLIENT]), ==, WEFT_CHAT_LINK_VERSION);
	pair_fini(&pair);
}

CHECK_CASE(where_nobody_is_the_attempt_ends)
{
	pair_init(&pair, NULL);
	pair.world.loss = 1;
	CHECK(pair_connect(&pair, "anna", "secret", NULL));
	world_run(&pair.world, WEFT_SECONDS(19));
	CHECK(!pair_has(&pair, CLIENT, WEFT_CHAT_LINK_OVER));
	world_run(&pair.world, WEFT_SECONDS(2));
	CHECK_INT(weft_chat_link_why(pair.links[CLIENT]), ==, WEFT_CHAT_LINK_SILENT);
	CHECK_INT(pair.kept_count, <, 15);
	pair_fini(&pair);
}

/* ---- Messages -------------------------------------------------------------------------------- */

CHECK_CASE(messages_of_every_length_come_and_longer_ones_are_refused)
{
	static char data[65537], back[65537];

	pair_open(&pair, NULL);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 31 + i / 256);
	for (size_t len = 0; len <= 65536; len = len < 1200 ? len + 1 : len * 3 / 2) {
		CHECK_INT(weft_chat_link_send(pair.links[CLIENT], data, len), ==, 0);
		world_run(&pair.world, WEFT_SECONDS(2));
		CHECK_INT(weft_chat_link_receive(pair.links[SERVER], back, sizeof(back)), ==, len);
		CHECK_MEM(back, data, len);
	}
	CHECK_INT(weft_chat_link_send(pair.links[CLIENT], data, 65536), ==, 0);
	CHECK_ERRNO(weft_chat_link_send(pair.links[CLIENT], data, 65537), EMSGSIZE);
	world_run(&pair.world, WEFT_SECONDS(2));
	CHECK_ERRNO(weft_chat_link_receive(pair.links[SERVER], back, 65535), EMSGSIZE);
	CHECK_INT(weft_chat_link_receive(pair.links[SERVER], back, 65536), ==, 65536);
	CHECK_INT(weft_chat_link_pending(pair.links[CLIENT]), ==, 0);
	CHECK(pair_has(&pair, CLIENT, WEFT_CHAT_LINK_DRAINED));
	CHECK_INT(pair_counts(&pair, SERVER).memory, ==, 0);
	CHECK_INT(pair_counts(&pair, CLIENT).resent, ==, 0);
	pair_fini(&pair);
}

CHECK_CASE(short_messages_share_a_datagram)
{
	pair_open(&pair, NULL);
	pair.kept_count = 0;
	for (int i = 0; i < 10; i++)
		CHECK_INT(weft_chat_link_send(pair.links[CLIENT], "0123456789", 10), ==, 0);
	world_run(&pair.world, WEFT_SECONDS(1));
	CHECK_INT(pair.kept_count, ==, 2); /* they, and what acknowledges them */
	CHECK_INT(pair.kept[0].len, ==, 34 + 10 * 17);
	CHECK_INT(pair.kept[1].len, ==, 34 + 12);
	pair_fini(&pair);
}

CHECK_CASE(who_reads_nothing_takes_bounded_memory_and_misses_nothing)
{
	struct weft_chat_endpoint_options options = {.queue_max = 20000};
	char data[500] = {0};
	uint32_t sent = 0, got = 0, back;

	pair_open(&pair, &options);
	for (int round = 0; round < 200; round++) {
		memcpy(data, &sent, sizeof(sent));
		while (weft_chat_link_send(pair.links[SERVER], data, sizeof(data)) == 0) {
			sent++;
			memcpy(data, &sent, sizeof(sent));
		}
		CHECK_INT(errno, ==, EAGAIN);
		world_run(&pair.world, WEFT_MILLISECONDS(100));
		CHECK_INT(pair_counts(&pair, CLIENT).memory, <=, 20000 + 255 * 600);
		CHECK_INT(pair_counts(&pair, SERVER).memory, <=, 20000 + 600);
	}
	CHECK_INT(sent, <, 400);
	pair.events[SERVER] = 0;
	for (int round = 0; round < 300 && got < sent; round++) {
		while (weft_chat_link_receive(pair.links[CLIENT], data, sizeof(data)) == 500) {
			memcpy(&back, data, sizeof(back));
			CHECK_INT(back, ==, got);
			got++;
		}
		world_run(&pair.world, WEFT_MILLISECONDS(100));
	}
	CHECK_INT(got, ==, sent);
	CHECK(pair_has(&pair, SERVER, WEFT_CHAT_LINK_WRITABLE));
	pair_fini(&pair);
}

CHECK_CASE(all_links_together_are_bounded_too)
{
	struct weft_chat_endpoint_options options = {.memory_max = 50000};
	char data[1000] = {0};

	pair_open(&pair, &options);
	for (int i = 0; i < 40; i++)
		CHECK_INT(weft_chat_link_send(pair.links[SERVER], data, sizeof(data)), ==, 0);
	while (weft_chat_link_send(pair.links[SERVER], data, sizeof(data)) == 0)
		;
	CHECK_INT(errno, ==, ENOBUFS);
	CHECK_INT(pair_counts(&pair, SERVER).memory, <=, 50000 + 100);
	world_run(&pair.world, WEFT_SECONDS(10));
	CHECK_INT(pair_counts(&pair, CLIENT).memory, <=, 50000 + 2000);
	while (weft_chat_link_receive(pair.links[CLIENT], data, sizeof(data)) >= 0)
		world_run(&pair.world, WEFT_SECONDS(1));
	pair_check_works(&pair);
	pair_fini(&pair);
}

/* ---- Addresses ------------------------------------------------------------------------------- */

CHECK_CASE(a_client_that_moves_is_followed)
{
	struct weft_address address;

	pair_open(&pair, NULL);
	for (int i = 0; i < 5; i++) {
		pair.events[SERVER] = 0;
		pair.world.hosts[CLIENT].address = world_address(CLIENT, 9000 + i);
		CHECK_INT(weft_chat_link_send(pair.links[CLIENT], "moved", 5), ==, 0);
		world_run(&pair.world, WEFT_SECONDS(1));
		pair_expect(&pair, SERVER, "moved");
		CHECK(pair_has(&pair, SERVER, WEFT_CHAT_LINK_MOVED));
		weft_chat_link_address(pair.links[SERVER], &address);
		CHECK_INT(weft_address_port(&address), ==, 9000 + i);
		pair_check_works(&pair);
	}
	pair_fini(&pair);
}

CHECK_CASE(one_that_moved_while_it_was_silent_is_found_again)
{
	pair_open(&pair, NULL);
	pair.world.hosts[CLIENT].address = world_address(CLIENT, 9000);
	CHECK_INT(weft_chat_link_send(pair.links[SERVER], "where are you?", 14), ==, 0);
	world_run(&pair.world, WEFT_SECONDS(25)); /* its heartbeat tells */
	pair_expect(&pair, CLIENT, "where are you?");
	pair_fini(&pair);
}

/* The client's datagrams do not come; somebody else sends them on, from his own address. */
static size_t to_thief;

static bool steal(struct world *world, struct world_flying *flying)
{
	struct weft_address thief = world_address(5, 666);

	(void)world;
	if (weft_address_equal(&flying->to, &thief))
		to_thief += flying->len;
	if (weft_address_port(&flying->from) == 4000 + CLIENT)
		flying->from = thief;
	return true;
}

CHECK_CASE(who_sends_on_what_he_saw_gets_little_and_not_for_long)
{
	char data[1000] = {0};
	struct weft_address address;
	size_t stolen;

	pair_open(&pair, NULL);
	for (int i = 0; i < 100; i++)
		CHECK_INT(weft_chat_link_send(pair.links[SERVER], data, sizeof(data)), ==, 0);
	pair.world.spy = steal;
	to_thief = 0;
	CHECK_INT(weft_chat_link_send(pair.links[CLIENT], "x", 1), ==, 0);
	world_run(&pair.world, WEFT_MILLISECONDS(1)); /* its one datagram is stolen */
	pair.world.spy = steal;
	world_run(&pair.world, WEFT_MILLISECONDS(900));
	stolen = pair.world.hosts[SERVER].in;
	CHECK_INT(to_thief, >, 0);
	CHECK_INT(to_thief, <=, 3 * stolen);
	pair.world.spy = NULL;
	world_run(&pair.world, WEFT_SECONDS(10));
	weft_chat_link_address(pair.links[SERVER], &address);
	CHECK(weft_address_equal(&address, &pair.world.hosts[CLIENT].address));
	for (int i = 0; i < 100; i++)
		CHECK_INT(weft_chat_link_receive(pair.links[CLIENT], data, sizeof(data)), ==, 1000);
	pair_fini(&pair);
}

/* ---- Time ------------------------------------------------------------------------------------ */

CHECK_CASE(a_silent_peer_is_over_at_last_on_both_sides)
{
	pair_open(&pair, NULL);
	pair.world.loss = 1;
	world_run(&pair.world, WEFT_SECONDS(80));
	CHECK(!pair_has(&pair, SERVER, WEFT_CHAT_LINK_OVER));
	world_run(&pair.world, WEFT_SECONDS(20));
	for (int host = 0; host < 2; host++) {
		CHECK(pair_has(&pair, host, WEFT_CHAT_LINK_OVER));
		CHECK_INT(weft_chat_link_why(pair.links[host]), ==, WEFT_CHAT_LINK_SILENT);
	}
	pair_fini(&pair);
}

CHECK_CASE(a_link_lives_as_long_as_both_do_with_few_datagrams)
{
	pair_open(&pair, NULL);
	pair.kept_count = 0;
	world_run(&pair.world, WEFT_SECONDS(3600));
	CHECK_INT(pair.kept_count, <=, 2 * 3600 / 15 + 2);
	pair_check_works(&pair);
	pair_fini(&pair);
}

CHECK_CASE(a_process_that_was_stopped_finds_its_links_alive)
{
	pair_open(&pair, NULL);
	for (int host = 0; host < 2; host++) {
		pair.world.hosts[host].skew_ns += WEFT_SECONDS(1000000);
		pair_check_works(&pair);
		pair.world.hosts[host].skew_ns -= WEFT_SECONDS(2000000);
		pair_check_works(&pair);
	}
	pair_fini(&pair);
}

/* ---- Ending ---------------------------------------------------------------------------------- */

CHECK_CASE(what_was_sent_before_a_close_comes_before_it)
{
	for (int host = 0; host < 2; host++) {
		pair_open(&pair, NULL);
		for (int i = 0; i < 50; i++)
			CHECK_INT(weft_chat_link_send(pair.links[host], "last words", 10), ==, 0);
		weft_chat_link_close(pair.links[host], "good night");
		CHECK_ERRNO(weft_chat_link_send(pair.links[host], "more", 4), ENOTCONN);
		world_run(&pair.world, WEFT_SECONDS(1));
		for (int i = 0; i < 50; i++)
			pair_expect(&pair, !host, "last words");
		CHECK_ERRNO(weft_chat_link_receive(pair.links[!host], NULL, 0), ENOTCONN);
		CHECK_STR(weft_chat_link_reason(pair.links[!host]), "good night");
		for (int i = 0; i < 2; i++)
			CHECK_INT(weft_chat_link_why(pair.links[i]), ==, WEFT_CHAT_LINK_CLOSED);
		pair_fini(&pair);
	}
}

CHECK_CASE(a_link_that_is_freed_tells_the_other_side)
{
	for (int host = 0; host < 2; host++) {
		pair_open(&pair, NULL);
		weft_chat_link_free(pair.links[host]);
		world_run(&pair.world, WEFT_SECONDS(1));
		CHECK_INT(weft_chat_link_why(pair.links[!host]), ==, WEFT_CHAT_LINK_CLOSED);
		CHECK_INT(pair_counts(&pair, host).links, ==, 0);
		weft_chat_link_free(pair.links[!host]);
		CHECK_INT(pair_counts(&pair, !host).links, ==, 0);
		pair_fini(&pair);
	}
}

CHECK_CASE(a_close_that_nobody_answers_ends_too)
{
	pair_open(&pair, NULL);
	pair.world.loss = 1;
	CHECK_INT(weft_chat_link_send(pair.links[CLIENT], "lost", 4), ==, 0);
	weft_chat_link_close(pair.links[CLIENT], NULL);
	world_run(&pair.world, WEFT_SECONDS(8));
	CHECK_INT(weft_chat_link_why(pair.links[CLIENT]), ==, WEFT_CHAT_LINK_CLOSED);
	pair_fini(&pair);
}

CHECK_CASE(a_server_that_began_anew_is_noticed_at_once)
{
	pair_open(&pair, NULL);
	weft_chat_endpoint_free(pair.world.hosts[SERVER].endpoint);
	pair_server(&pair, NULL);
	CHECK_INT(weft_chat_link_send(pair.links[CLIENT], "still there?", 12), ==, 0);
	world_run(&pair.world, WEFT_MILLISECONDS(10));
	CHECK_INT(weft_chat_link_why(pair.links[CLIENT]), ==, WEFT_CHAT_LINK_GONE);
	CHECK(pair_connect(&pair, "anna", "a password", pair.public_key));
	world_run(&pair.world, WEFT_SECONDS(1));
	pair_check_works(&pair);
	pair_fini(&pair);
}

CHECK_CASE(one_with_another_key_cannot_end_a_link)
{
	pair_open(&pair, NULL);
	weft_chat_endpoint_free(pair.world.hosts[SERVER].endpoint);
	pair.secret[0] ^= 1;
	pair_server(&pair, NULL);
	CHECK_INT(weft_chat_link_send(pair.links[CLIENT], "still there?", 12), ==, 0);
	world_run(&pair.world, WEFT_SECONDS(10));
	CHECK(!pair_has(&pair, CLIENT, WEFT_CHAT_LINK_OVER));
	CHECK_INT(pair_counts(&pair, CLIENT).forged, >, 0);
	pair_fini(&pair);
}

CHECK_MAIN()
