/*
 * test_discover.c - announcing and discovering: the two ends find each other on one host, and
 * withstand their enemies. Several hosts: tests/system/test_discover.py.
 *
 * Each case has a network of its own where the kernel gives it one, so nothing here is heard on
 * the machine's.
 */
#include "weft/discover.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "io/both.h"
#include "io/discover.h"
#include "weft/scope.h"
#include "weft/socket.h"

/* check: tsan drivers waits */

static const struct weft__discover_message kitchen = {.kind = WEFT__DISCOVER_ANNOUNCEMENT,
	.instance = 77,
	.port = 8080,
	.expiry_ms = 600 * 1000, /* in no case but the one that is about it */
	.name = "Kitchen",
	.service = "http"};

/* ---- A network of one's own --------------------------------------------------------------------
 */

/* From here on this process has a loopback and nothing else; where that is not allowed, it stays
 * where it is. */
static void leave_the_network(void)
{
	struct ifreq request = {.ifr_flags = IFF_UP | IFF_RUNNING};
	int fd;

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return;
	memcpy(request.ifr_name, "lo", 3);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK_INT(ioctl(fd, SIOCSIFFLAGS, &request), ==, 0);
	close(fd);
}

/* A port that nobody has, and that the kernel gives to nobody who asks for any: else one of the
 * other sockets that a discovery opens may be given it first. */
static uint16_t free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	uint16_t port = (uint16_t)(10000 + getpid() % 20000);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	for (address.sin_port = htons(port);
		bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0;
		address.sin_port = htons(++port))
		CHECK_INT(errno, ==, EADDRINUSE);
	close(fd);
	return port;
}

static uint16_t udp_port;

/* A case in a network of its own, in a thread and in a fiber. */
#define NETWORK_CASE(ident)         NETWORK_CASE_(ident, CHECK_CASE)
#define NETWORK_CASE_IN_TIME(ident) NETWORK_CASE_(ident, CHECK_CASE_IN_TIME)
#define NETWORK_CASE_(ident, CASE)                                             \
	static void network_##ident(void);                                     \
	static int network_fiber_##ident(void *arg)                            \
	{                                                                      \
		(void)arg;                                                     \
		network_##ident();                                             \
		return 0;                                                      \
	}                                                                      \
	CASE(ident##_in_a_thread)                                              \
	{                                                                      \
		leave_the_network();                                           \
		udp_port = free_port();                                        \
		network_##ident();                                             \
	}                                                                      \
	CASE(ident##_in_a_fiber)                                               \
	{                                                                      \
		leave_the_network();                                           \
		udp_port = free_port();                                        \
		CHECK_INT(weft_run(NULL, network_fiber_##ident, NULL), ==, 0); \
	}                                                                      \
	static void network_##ident(void)

/* An announcer on a thread of its own. It runs until the case's process ends. */
static struct weft_announcer *announce(const struct weft_announcer_options *options);

static void *run_announcer(void *announcer)
{
	weft_announcer_run(announcer);
	return NULL;
}

static struct weft_announcer *announce(const struct weft_announcer_options *options)
{
	struct weft_announcer_options here = *options;
	struct weft_announcer *announcer;

	here.udp_port = udp_port;
	announcer = weft_announcer_new(&here);
	CHECK(announcer != NULL);
	pthread_detach(peer_start(run_announcer, announcer));
	return announcer;
}

static struct weft_discovery *watch(const char *service)
{
	const struct weft_discovery_options options = {.service = service, .udp_port = udp_port};
	struct weft_discovery *discovery = weft_discovery_new(&options);

	CHECK(discovery != NULL);
	return discovery;
}

/* The next event, which must be of that kind and of that name. */
static struct weft_discovered expect(
	struct weft_discovery *discovery, enum weft_discovery_kind kind, const char *name)
{
	struct weft_discovery_event event;

	CHECK_INT(weft_discovery_next(discovery, &event), ==, 0);
	CHECK_STR(event.found.name, name);
	CHECK_INT(event.kind, ==, kind);
	return event.found;
}

/* A socket at 127.0.0.last, to speak for others with. */
static int mouth(unsigned last)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + last)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1;

	CHECK_INT(bind(fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
	CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)), ==, 0);
	return fd;
}

static void say(int fd, const void *data, size_t len)
{
	const struct sockaddr_in all = {.sin_family = AF_INET,
		.sin_port = htons(udp_port),
		.sin_addr.s_addr = inet_addr("127.255.255.255")};

	CHECK_INT(sendto(fd, data, len, 0, (const struct sockaddr *)&all, sizeof(all)), ==, len);
}

static void say_message(int fd, const struct weft__discover_message *message)
{
	unsigned char datagram[WEFT__DISCOVER_DATAGRAM_MAX];

	say(fd, datagram, weft__discover_write(message, datagram));
}

/* ---- Finding
 * -------------------------------------------------------------------------------------- */

NETWORK_CASE(what_is_announced_is_found_sorted_with_its_address)
{
	const struct weft_announcer_options kitchen_options = {
		.name = "Kitchen", .service = "http", .port = 8080};
	const struct weft_announcer_options attic_options = {.name = "Attic", .port = 21};
	const struct weft_discovery_options options = {.udp_port = udp_port};
	struct weft_announcer *announcer = announce(&kitchen_options);
	struct weft_discovered found[4];

	announce(&attic_options);
	/* Who answers later than it gathers is not found: their threads may be that late. */
	while (weft_discover(&options, found, 4) != 2)
		;
	CHECK_STR(found[0].name, "Attic");
	CHECK_STR(found[0].service, "weft");
	CHECK_STR(found[1].name, "Kitchen");
	CHECK_STR(found[1].service, "http");
	CHECK_INT(found[1].port, ==, 8080);
	CHECK_INT(found[1].address_count, >=, 1);
	CHECK(found[1].instance == weft_announcer_instance(announcer));
	while (weft_announcer_counters(announcer).answered == 0)
		weft_sleep(WEFT_MILLISECONDS(1));      /* it counts after it has answered */
	while (weft_discover(&options, found, 1) != 1) /* of more */
		;
}

NETWORK_CASE(only_the_service_asked_for_is_found)
{
	const struct weft_announcer_options web = {.name = "Web", .service = "http", .port = 80};
	const struct weft_announcer_options files = {.name = "Files", .service = "ftp", .port = 21};
	struct weft_announcer *other = announce(&web);
	struct weft_discovery *discovery;
	struct weft_discovered found[2];

	announce(&files);
	discovery = watch("ftp");
	expect(discovery, WEFT_DISCOVERY_CAME, "Files");
	while (weft_announcer_counters(other).passed == 0)
		weft_sleep(WEFT_MILLISECONDS(1));
	CHECK_INT(weft_discovery_list(discovery, found, 2), ==, 1);
	CHECK_STR(found[0].name, "Files");
	weft_discovery_free(discovery);
}

NETWORK_CASE(a_round_is_heard_without_a_question)
{
	const struct weft_announcer_options options = {
		.name = "Clock", .port = 1, .interval_ns = WEFT_MILLISECONDS(20)};
	struct weft_announcer *announcer = announce(&options);
	int fd = weft_socket(AF_INET, SOCK_DGRAM, 0), on = 1;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(udp_port)};
	unsigned char datagram[256];
	struct weft__discover_message message;

	CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), ==, 0);
	CHECK_INT(weft_bind(fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
	for (int i = 0; i < 3; i++) {
		ssize_t len = weft_recv(fd, datagram, sizeof(datagram), 0);

		CHECK(weft__discover_parse(datagram, (size_t)len, &message) == NULL);
		CHECK_STR(message.name, "Clock");
		CHECK_INT(message.expiry_ms, ==, 1060);
	}
	CHECK_INT(weft_announcer_counters(announcer).answered, ==, 0);
}

NETWORK_CASE(an_instance_with_two_addresses_is_one_and_one_of_the_same_name_another)
{
	struct weft__discover_message twin = kitchen, elsewhere = kitchen;
	int first = mouth(1), second = mouth(2), third = mouth(3);
	struct weft_discovery *discovery = watch(NULL);
	struct weft_discovered found;

	twin.instance = 78;
	elsewhere.port = 9;
	say_message(second, &kitchen);
	expect(discovery, WEFT_DISCOVERY_CAME, "Kitchen");
	say_message(second, &kitchen);  /* nothing new */
	say_message(third, &elsewhere); /* another's claim to be 77 */
	say_message(first, &kitchen);
	found = expect(discovery, WEFT_DISCOVERY_CHANGED, "Kitchen");
	CHECK_INT(found.address_count, ==, 2);
	CHECK_INT(ntohl(found.addresses[0].s_addr), ==, INADDR_LOOPBACK);
	CHECK_INT(ntohl(found.addresses[1].s_addr), ==, INADDR_LOOPBACK + 1);
	CHECK_INT(found.port, ==, 8080);
	say_message(first, &twin);
	found = expect(discovery, WEFT_DISCOVERY_CAME, "Kitchen");
	CHECK_INT(found.instance, ==, 78);
	CHECK_INT(found.address_count, ==, 1);
	weft_discovery_free(discovery);
}

NETWORK_CASE(who_changes_his_port_is_told_of)
{
	struct weft__discover_message moved = kitchen;
	struct weft_discovery *discovery = watch(NULL);
	int fd = mouth(1);

	moved.port = 9090;
	say_message(fd, &kitchen);
	expect(discovery, WEFT_DISCOVERY_CAME, "Kitchen");
	say_message(fd, &moved);
	CHECK_INT(expect(discovery, WEFT_DISCOVERY_CHANGED, "Kitchen").port, ==, 9090);
	weft_discovery_free(discovery);
}

/* ---- Going --------------------------------------------------------------------------------------
 */

NETWORK_CASE(a_goodbye_is_believed_from_its_own_address_only)
{
	const struct weft__discover_message goodbye = {
		.kind = WEFT__DISCOVER_GOODBYE, .instance = 77};
	struct weft__discover_message attic = kitchen;
	struct weft_discovery *discovery = watch(NULL);
	int own = mouth(1), other = mouth(2);

	memcpy(attic.name, "Attic", 6);
	attic.instance = 78;
	say_message(own, &kitchen);
	expect(discovery, WEFT_DISCOVERY_CAME, "Kitchen");
	say_message(other, &goodbye);
	say_message(other, &attic);
	expect(discovery, WEFT_DISCOVERY_CAME, "Attic");
	say_message(own, &goodbye);
	expect(discovery, WEFT_DISCOVERY_LEFT, "Kitchen");
	weft_discovery_free(discovery);
}

/* Hears what is said to all. */
static int ear(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(udp_port)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1;

	CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), ==, 0);
	CHECK_INT(bind(fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
	return fd;
}

/* Where the first question comes from, which has been asked. */
static struct sockaddr_in asker(int fd)
{
	struct weft__discover_message message = {.kind = WEFT__DISCOVER_GOODBYE};
	unsigned char datagram[WEFT__DISCOVER_DATAGRAM_MAX];
	struct sockaddr_in from;

	while (message.kind != WEFT__DISCOVER_QUESTION) {
		socklen_t len = sizeof(from);
		ssize_t got =
			recvfrom(fd, datagram, sizeof(datagram), 0, (struct sockaddr *)&from, &len);

		CHECK_INT(got, >, 0);
		CHECK(weft__discover_parse(datagram, (size_t)got, &message) == NULL);
	}
	return from;
}

NETWORK_CASE(an_answer_that_is_taken_after_the_goodbye_brings_nobody_back)
{
	struct weft__discover_message round = kitchen, goodbye = {.kind = WEFT__DISCOVER_GOODBYE};
	struct weft_discovery *discovery = watch(NULL);
	unsigned char answer[WEFT__DISCOVER_DATAGRAM_MAX];
	int fd = mouth(1), questions = ear();
	struct sockaddr_in to;

	say_message(fd, &round);
	expect(discovery, WEFT_DISCOVERY_CAME, "Kitchen");
	to = asker(questions);
	for (int i = 0; i < 20; i++) {
		size_t len = weft__discover_write(&round, answer);
		char name[sizeof(round.name)];

		CHECK_INT(sendto(fd, answer, len, 0, (struct sockaddr *)&to, sizeof(to)), ==, len);
		goodbye.instance = round.instance++;
		say_message(fd, &goodbye);
		memcpy(name, round.name, sizeof(name));
		expect(discovery, WEFT_DISCOVERY_LEFT, name);
		snprintf(round.name, sizeof(round.name), "Kitchen %d", i);
		say_message(fd, &round);
		expect(discovery, WEFT_DISCOVERY_CAME, round.name);
	}
	/* Who begins again is told to all, and then answers are believed again. */
	goodbye.instance = round.instance;
	say_message(fd, &goodbye);
	expect(discovery, WEFT_DISCOVERY_LEFT, round.name);
	say_message(fd, &round);
	expect(discovery, WEFT_DISCOVERY_CAME, round.name);
	weft_discovery_free(discovery);
	close(questions);
	close(fd);
}

NETWORK_CASE_IN_TIME(who_is_not_heard_of_any_more_expires_address_by_address)
{
	struct weft__discover_message brief = kitchen, long_lived = kitchen;
	struct weft_discovery *discovery = watch(NULL);
	struct weft_discovered found;
	int first = mouth(1), second = mouth(2);

	long_lived.expiry_ms = 2000 * (uint32_t)check_stretch;
	brief.expiry_ms = 100 * (uint32_t)check_stretch;
	say_message(first, &long_lived);
	expect(discovery, WEFT_DISCOVERY_CAME, "Kitchen");
	say_message(second, &brief);
	expect(discovery, WEFT_DISCOVERY_CHANGED, "Kitchen");
	found = expect(discovery, WEFT_DISCOVERY_CHANGED, "Kitchen");
	CHECK_INT(found.address_count, ==, 1);
	CHECK_INT(ntohl(found.addresses[0].s_addr), ==, INADDR_LOOPBACK);
	expect(discovery, WEFT_DISCOVERY_EXPIRED, "Kitchen");
	CHECK_INT(weft_discovery_list(discovery, &found, 1), ==, 0);
	weft_discovery_free(discovery);
}

static int announce_in_fiber(void *announcer)
{
	CHECK_ERRNO(weft_announcer_run(announcer), ECANCELED);
	return 0;
}

static int cancel_says_goodbye(void *arg)
{
	const struct weft_announcer_options options = {
		.name = "Kitchen", .port = 1, .udp_port = udp_port};
	struct weft_announcer *announcer = weft_announcer_new(&options);
	weft_fiber_id fiber = weft_spawn(announce_in_fiber, announcer);
	struct weft_discovery *discovery = watch(NULL);

	(void)arg;
	expect(discovery, WEFT_DISCOVERY_CAME, "Kitchen");
	CHECK_INT(weft_cancel(fiber), ==, 0);
	CHECK_INT(weft_join(fiber, NULL, WEFT_FOREVER), ==, 0);
	expect(discovery, WEFT_DISCOVERY_LEFT, "Kitchen");
	weft_discovery_free(discovery);
	weft_announcer_free(announcer);
	return 0;
}

CHECK_CASE(an_announcer_that_is_cancelled_says_goodbye)
{
	leave_the_network();
	udp_port = free_port();
	CHECK_INT(weft_run(NULL, cancel_says_goodbye, NULL), ==, 0);
}

NETWORK_CASE_IN_TIME(an_announcer_whose_time_is_up_says_goodbye)
{
	const struct weft_announcer_options options = {
		.name = "Kitchen", .port = 1, .udp_port = udp_port};
	struct weft_announcer *announcer = weft_announcer_new(&options);
	struct weft_discovery *discovery = watch(NULL);

	WEFT_WITH_TIMEOUT (check_stretch *WEFT_MILLISECONDS(500))
		CHECK_ERRNO(weft_announcer_run(announcer), ETIMEDOUT);
	expect(discovery, WEFT_DISCOVERY_CAME, "Kitchen");
	expect(discovery, WEFT_DISCOVERY_LEFT, "Kitchen");
	weft_discovery_free(discovery);
	weft_announcer_free(announcer);
}

/* ---- Enemies ----------------------------------------------------------------------------------
 */

NETWORK_CASE(hostile_datagrams_harm_neither_end)
{
	const struct weft_announcer_options options = {.name = "Kitchen", .port = 1};
	struct weft_announcer *announcer = announce(&options);
	struct weft_discovery *discovery;
	unsigned char datagram[WEFT__DISCOVER_DATAGRAM_MAX];
	static unsigned char giant[60000];
	size_t len = weft__discover_write(&kitchen, datagram);
	int fd = mouth(1), size = 1 << 20;

	CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), ==, 0);
	discovery = watch(NULL);
	for (size_t cut = 0; cut < len; cut++)
		say(fd, datagram, cut);
	memcpy(giant, datagram, len);
	say(fd, giant, sizeof(giant));
	datagram[0] = 'X';
	say(fd, datagram, len);
	expect(discovery, WEFT_DISCOVERY_CAME, "Kitchen");
	while (weft_announcer_counters(announcer).malformed < len + 2)
		weft_sleep(WEFT_MILLISECONDS(1));
	weft_discovery_free(discovery);
}

NETWORK_CASE(one_address_does_not_fill_a_discovery)
{
	struct weft__discover_message message = kitchen;
	struct weft_discovery *discovery = watch(NULL);
	struct weft_discovered found;
	int fd = mouth(1);

	for (int i = 0; i < WEFT_DISCOVER_INSTANCES_PER_ADDRESS_MAX; i++) {
		message.instance = 1000 + (uint64_t)i;
		say_message(fd, &message);
		found = expect(discovery, WEFT_DISCOVERY_CAME, "Kitchen");
	}
	message.instance = 5000;
	say_message(fd, &message);
	memcpy(message.name, "Attic", 6);
	message.instance = 5001;
	say_message(mouth(2), &message);
	found = expect(discovery, WEFT_DISCOVERY_CAME, "Attic");
	CHECK_INT(found.instance, ==, 5001);
	weft_discovery_free(discovery);
}

NETWORK_CASE(many_questions_of_one_source_get_few_answers)
{
	const struct weft_announcer_options options = {.name = "Kitchen", .port = 1};
	const struct weft__discover_message question = {.kind = WEFT__DISCOVER_QUESTION};
	struct weft_announcer *announcer = announce(&options);
	struct weft_announcer_counters counters;
	int64_t began_ns = weft_now();
	int fd = mouth(1);

	for (int i = 0; i < 100; i++)
		say_message(fd, &question);
	do {
		weft_sleep(WEFT_MILLISECONDS(1));
		counters = weft_announcer_counters(announcer);
	} while (counters.answered + counters.limited < 100);
	CHECK_INT(counters.answered, >=, 1);
	CHECK_INT(counters.answered, <=, 1 + (weft_now() - began_ns) / WEFT_MILLISECONDS(50));
}

/* ---- Being asked for what can't be
 * --------------------------------------------------------------- */

CHECK_CASE(what_can_not_be_announced_is_refused)
{
	static const struct weft_announcer_options table[] = {
		{.name = NULL, .port = 1},
		{.name = "", .port = 1},
		{.name = "0123456789012345678901234567890123456789012345678901234567890123",
			.port = 1},
		{.name = "\xff", .port = 1},
		{.name = "a", .port = 0},
		{.name = "a", .port = 1, .service = ""},
		{.name = "a", .port = 1, .service = "a b"},
		{.name = "a", .port = 1, .service = "01234567890123456789012345678901"},
		{.name = "a", .port = 1, .interval_ns = 1},
		{.name = "a", .port = 1, .interval_ns = -1},
		{.name = "a", .port = 1, .interval_ns = WEFT_SECONDS(3601)},
		{.name = "a", .port = 1, .expiry_ns = WEFT_SECONDS(3601)},
		{.name = "a", .port = 1, .expiry_ns = 1},
	};
	const struct weft_discovery_options options = {.service = "a b"};
	struct weft_discovered found;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		CHECK_ERRNO(weft_announcer_new(&table[i]), EINVAL);
	CHECK_ERRNO(weft_discovery_new(&options), EINVAL);
	CHECK_ERRNO(weft_discover(&options, &found, 1), EINVAL);
	weft_announcer_free(NULL);
	weft_discovery_free(NULL);
}

NETWORK_CASE(its_own_time_is_an_end_and_the_scope_s_a_failure)
{
	const struct weft_discovery_options options = {
		.udp_port = udp_port, .timeout_ns = WEFT_MILLISECONDS(20)};
	struct weft_discovery *discovery = watch(NULL);
	struct weft_discovery_event event;
	struct weft_discovered found;

	CHECK_INT(weft_discover(&options, &found, 1), ==, 0);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(10)) {
		CHECK_ERRNO(weft_discover(NULL, &found, 1), ETIMEDOUT);
		CHECK_ERRNO(weft_discovery_next(discovery, &event), ETIMEDOUT);
	}
	weft_discovery_free(discovery);
}

NETWORK_CASE(a_port_that_somebody_has_for_himself_is_told_of)
{
	const struct weft_announcer_options options = {
		.name = "Kitchen", .port = 1, .udp_port = udp_port};
	const struct weft_discovery_options watching = {.udp_port = udp_port};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(udp_port)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	CHECK_INT(bind(fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
	CHECK_ERRNO(weft_announcer_new(&options), EADDRINUSE);
	CHECK_ERRNO(weft_discovery_new(&watching), EADDRINUSE);
}

CHECK_MAIN()
