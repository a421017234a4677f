/*
 * test_dns.c - names of hosts and services, within what every machine knows without a network.
 *
 * check: tsan valgrind drivers
 */
#include "weft/dns.h"

#include "both.h"
#include "weft/offload.h"
#include "weft/scope.h"

static void check_text(const struct weft_address *address, const char *text)
{
	char got[WEFT_ADDRESS_TEXT_MAX];

	weft_address_print(address, got, sizeof got);
	CHECK_STR(got, text);
}

BOTH_CASE(numbers_are_read_and_never_asked_for)
{
	const struct weft_dns_query with_port = {.host = "::1", .service = "443"};
	struct weft_address found[4];

	/* In a scope that is late already every question would fail. */
	WEFT_WITH_TIMEOUT (0) {
		CHECK_INT(weft_dns_lookup("127.0.0.1", AF_UNSPEC, found, 4), ==, 1);
		check_text(&found[0], "127.0.0.1:0");
		CHECK_INT(weft_dns_lookup("::1", AF_INET6, found, 4), ==, 1);
		check_text(&found[0], "[::1]:0");
		CHECK_INT(weft_dns_resolve(&with_port, found, 4), ==, 1);
		check_text(&found[0], "[::1]:443");
		CHECK_ERRNO(weft_dns_lookup("127.0.0.1", AF_INET6, found, 4), ENOENT);
		CHECK_ERRNO(weft_dns_lookup("::1", AF_INET, found, 4), ENOENT);
		CHECK_INT(weft_dns_service_port("8080", "tcp"), ==, 8080);
		CHECK_INT(weft_dns_service_port("0", NULL), ==, 0);
		CHECK_ERRNO(weft_dns_lookup("localhost", AF_UNSPEC, found, 4), ETIMEDOUT);
		CHECK_ERRNO(weft_dns_service_port("http", "tcp"), ETIMEDOUT);
	}
}

BOTH_CASE(localhost_is_this_machine_in_the_family_that_is_asked_for)
{
	static const char *const names[] = {
		"localhost", "LOCALHOST", "localhost.", "a.b.localhost", "x.localhost."};
	struct weft_address found[8];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		int count = weft_dns_lookup(names[i], AF_INET, found, 8);

		CHECK_INT(count, ==, 1);
		check_text(&found[0], "127.0.0.1:0");
		count = weft_dns_lookup(names[i], AF_UNSPEC, found, 8);
		CHECK_INT(count, >=, 1);
		while (count-- > 0)
			CHECK(weft_address_is_loopback(&found[count]));
		CHECK_INT(weft_dns_lookup(names[i], AF_UNSPEC, found, 1), ==, 1);
	}
}

/* Whatever the network here says of it, or doesn't. */
BOTH_CASE(a_name_that_only_ends_like_localhost_is_not)
{
	struct weft_address found[2];
	int count = -1;

	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(200))
		count = weft_dns_lookup("notlocalhost", AF_INET, found, 2);
	CHECK(count < 0 || !weft_address_is_loopback(&found[0]));
}

BOTH_CASE(what_is_no_question_is_refused)
{
	char longest[WEFT_DNS_NAME_MAX + 2];
	const struct weft_dns_query wrong[] = {
		{.host = NULL},
		{.host = ""},
		{.host = longest},
		{.host = "localhost", .service = ""},
		{.host = "localhost", .service = "65536"},
		{.host = "localhost", .service = longest},
		{.host = "localhost", .family = AF_UNIX},
	};
	struct weft_address found[2], unix_address;
	char name[8];

	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		CHECK_ERRNO(weft_dns_resolve(&wrong[i], found, 2), EINVAL);
	CHECK_ERRNO(weft_dns_lookup("localhost", AF_INET, found, 0), EINVAL);
	CHECK_ERRNO(weft_dns_service_port("", "tcp"), EINVAL);
	CHECK_ERRNO(weft_dns_service_port("99999", "tcp"), EINVAL);
	CHECK_ERRNO(weft_dns_service_port("no-such-service", "tcp"), ENOENT);
	CHECK_ERRNO(weft_dns_service_port("http", "a protocol that is far too long"), EINVAL);
	CHECK_INT(weft_address_parse(&unix_address, "unix:/x"), ==, 0);
	CHECK_ERRNO(weft_dns_reverse(&unix_address, name, sizeof name), EINVAL);
}

BOTH_CASE(services_are_known_both_ways)
{
	char name[32];
	int port = weft_dns_service_port("http", "tcp");

	if (port < 0) {
		CHECK_INT(errno, ==, ENOENT); /* a machine without /etc/services */
		return;
	}
	CHECK_INT(port, ==, 80);
	CHECK_INT(weft_dns_service_name(80, "tcp", name, sizeof name), ==, 4);
	CHECK_STR(name, "http");
	CHECK_ERRNO(weft_dns_service_name(80, "tcp", name, 4), EMSGSIZE);
	CHECK_ERRNO(weft_dns_service_name(1, "no such", name, sizeof name), ENOENT);
}

BOTH_CASE(an_address_without_a_name_says_so_or_has_one)
{
	struct weft_address address;
	char name[WEFT_DNS_NAME_MAX + 1];
	ssize_t len = -1;

	CHECK_INT(weft_address_parse(&address, "127.0.0.1:0"), ==, 0);
	WEFT_WITH_TIMEOUT (WEFT_SECONDS(20))
		len = weft_dns_reverse(&address, name, sizeof name);
	if (len < 0)
		CHECK(errno == ENOENT || errno == EAGAIN || errno == ETIMEDOUT);
	else
		CHECK_INT(len, ==, strlen(name));
}

/* ---- A name service that doesn't answer ---------------------------------------------- */

static int ends[2];

static int stall(void *arg)
{
	char byte;

	(void)arg;
	return (int)read(ends[0], &byte, 1);
}

static int stall_fiber(void *arg)
{
	return weft_offload_as(WEFT_OFFLOAD_DNS, stall, arg);
}

static int full_service(void *arg)
{
	struct weft_address found[2];
	weft_fiber_id fiber;
	int number = 0;

	(void)arg;
	CHECK_INT(pipe(ends), ==, 0);
	CHECK_INT(weft_offload_limit(WEFT_OFFLOAD_DNS, 1), ==, 0);
	CHECK((fiber = weft_spawn(stall_fiber, NULL)) != 0);
	weft_yield();
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
		CHECK_ERRNO(weft_dns_lookup("localhost", AF_INET, found, 2), ETIMEDOUT);
	CHECK_INT(weft_dns_lookup("127.0.0.1", AF_INET, found, 2), ==, 1);
	CHECK_INT(write(ends[1], "x", 1), ==, 1);
	CHECK_INT(weft_join(fiber, &number, WEFT_FOREVER), ==, 0);
	CHECK_INT(weft_dns_lookup("localhost", AF_INET, found, 2), ==, 1);
	return 0;
}

CHECK_CASE(a_name_service_that_does_not_answer_holds_up_questions_until_their_deadline)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 1}, full_service, NULL), ==, 0);
}

CHECK_MAIN()
