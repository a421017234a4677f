/*
 * test_throttle.c - how often a password may be tried, under a clock that the test turns.
 *
 * check: tsan
 */
#include <pthread.h>

#include "account/throttle.h"
#include "check.h"

static struct weft__throttle *throttle;
static int64_t now;

static bool is_quiet; /* the last that had to wait might be tried all the same */

static int64_t try_it(const char *name, const char *address)
{
	struct weft__attempt attempt = {name, address};

	return weft__throttle_begin(throttle, &attempt, now, &is_quiet);
}

static void start(void)
{
	throttle = weft__throttle_new(NULL);
	CHECK(throttle != NULL);
	now = WEFT_SECONDS(1000);
}

/* Failures of strangers, each from an address of its own. */
static void attack(const char *name, int count)
{
	char address[32];

	for (int i = 0; i < count; i++) {
		snprintf(address, sizeof address, "198.51.%d.%d", i / 250, i % 250);
		try_it(name, address);
	}
}

CHECK_CASE(the_wait_doubles_and_has_a_cap)
{
	int64_t waits[12];

	start();
	for (int i = 0; i < 5; i++)
		CHECK_INT(try_it("mia", "192.0.2.1"), ==, 0);
	for (int i = 0; i < 12; i++) {
		waits[i] = try_it("mia", "192.0.2.1");
		CHECK_INT(waits[i], >, 0);
		now += waits[i];
		CHECK_INT(try_it("mia", "192.0.2.1"), ==, 0);
	}
	CHECK_INT(waits[0], ==, WEFT_SECONDS(1));
	CHECK_INT(waits[1], ==, WEFT_SECONDS(2));
	CHECK_INT(waits[2], ==, WEFT_SECONDS(4));
	CHECK_INT(waits[11], <=, WEFT_SECONDS(60));
	CHECK_INT(waits[11], >=, WEFT_SECONDS(32));
	weft__throttle_free(throttle);
}

CHECK_CASE(asking_again_while_one_waits_neither_helps_nor_harms)
{
	int64_t wait;

	start();
	while ((wait = try_it("mia", "192.0.2.1")) == 0)
		;
	for (int i = 1; i <= 10; i++) {
		now += wait / 20;
		CHECK_INT(try_it("mia", "192.0.2.1"), ==, wait - i * (wait / 20));
	}
	now += wait - 10 * (wait / 20);
	CHECK_INT(try_it("mia", "192.0.2.1"), ==, 0);
	CHECK_INT(try_it("mia", "192.0.2.1"), >, 0);
	weft__throttle_free(throttle);
}

CHECK_CASE(who_waits_gets_in_whatever_strangers_do_meanwhile)
{
	int64_t wait;

	start();
	attack("mia", 1000);
	wait = try_it("mia", "192.0.2.1");
	CHECK_INT(wait, >, 0);
	CHECK_INT(wait, <=, WEFT_SECONDS(60));
	for (int i = 0; i < 60; i++) {
		now += wait / 60;
		attack("mia", 200);
	}
	now += wait;
	CHECK_INT(try_it("mia", "192.0.2.1"), ==, 0);
	weft__throttle_free(throttle);
}

/* How many quiet tries somebody has now. */
static int count_quiet(const char *name, const char *address)
{
	int count = 0;

	while (try_it(name, address) > 0 && is_quiet)
		count++;
	return count;
}

CHECK_CASE(while_only_others_fail_a_try_is_allowed_in_quiet_for_any_name)
{
	int64_t wait;

	start();
	attack("mia", 1000);
	attack("nobody-here", 1000);
	CHECK_INT(count_quiet("mia", "192.0.2.1"), ==, 5);
	CHECK_INT(count_quiet("nobody-here", "192.0.2.2"), ==, 5);
	/* They move no ticket, and being right in one of them ends the wait. */
	wait = try_it("mia", "192.0.2.3");
	CHECK(wait > 0 && is_quiet);
	now += wait / 2;
	CHECK_INT(try_it("mia", "192.0.2.3"), ==, wait - wait / 2);
	CHECK(is_quiet);
	now += wait - wait / 2;
	CHECK_INT(try_it("mia", "192.0.2.3"), ==, 0);
	CHECK(!is_quiet);
	weft__throttle_free(throttle);
}

CHECK_CASE(an_address_has_so_many_quiet_tries_and_then_one_each_second)
{
	char name[32];
	int quiet = 0;

	start();
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "user-%d", i);
		if (try_it(name, "192.0.2.1") > 0)
			quiet += is_quiet;
	}
	CHECK_INT(quiet, ==, 20);
	now += WEFT_SECONDS(3);
	CHECK_INT(count_quiet("mia", "192.0.2.1"), ==, 3);
	weft__throttle_free(throttle);
}

CHECK_CASE(an_address_that_tries_many_names_has_to_wait_for_all)
{
	char name[32];
	int tries = 0;

	start();
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "user-%d", i);
		tries += try_it(name, "192.0.2.1") == 0;
	}
	CHECK_INT(tries, ==, 20);
	CHECK_INT(try_it("mia", "192.0.2.2"), ==, 0);
	weft__throttle_free(throttle);
}

CHECK_CASE(one_customer_of_ipv6_is_one_address)
{
	char address[64];
	int tries = 0;

	start();
	for (int i = 0; i < 100; i++) {
		char name[32];

		snprintf(name, sizeof name, "user-%d", i);
		snprintf(address, sizeof address, "2001:db8:1:2:%x::%x", i, i);
		tries += try_it(name, address) == 0;
	}
	CHECK_INT(tries, ==, 20);
	weft__throttle_address("2001:db8:1:2:3::4", address, sizeof address);
	CHECK_STR(address, "2001:db8:1:2::/64");
	weft__throttle_address("::ffff:192.0.2.7", address, sizeof address);
	CHECK_STR(address, "192.0.2.7");
	weft__throttle_address("@unix", address, sizeof address);
	CHECK_STR(address, "@unix");
	weft__throttle_free(throttle);
}

CHECK_CASE(what_was_right_is_taken_back)
{
	struct weft__attempt attempt = {"mia", "192.0.2.1"};

	start();
	for (int i = 0; i < 1000; i++) {
		CHECK_INT(weft__throttle_begin(throttle, &attempt, now, &is_quiet), ==, 0);
		weft__throttle_right(throttle, &attempt, now);
	}
	for (int i = 0; i < 1000; i++) {
		CHECK_INT(weft__throttle_begin(throttle, &attempt, now, &is_quiet), ==, 0);
		weft__throttle_undo(throttle, &attempt, now);
	}
	weft__throttle_free(throttle);
}

CHECK_CASE(being_right_on_one_account_does_not_forgive_tries_at_others)
{
	struct weft__attempt own = {"eve", "192.0.2.1"};
	char name[32];
	int tries = 0;

	start();
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof name, "user-%d", i);
		tries += try_it(name, "192.0.2.1") == 0;
		if (weft__throttle_begin(throttle, &own, now, &is_quiet) == 0 || is_quiet)
			weft__throttle_right(throttle, &own, now);
	}
	CHECK_INT(tries, ==, 20);
	weft__throttle_free(throttle);
}

CHECK_CASE(failures_are_forgotten_by_the_minute)
{
	start();
	while (try_it("mia", "192.0.2.1") == 0)
		;
	now += WEFT_SECONDS(3600);
	for (int i = 0; i < 5; i++)
		CHECK_INT(try_it("mia", "192.0.2.1"), ==, 0);
	CHECK_INT(try_it("mia", "192.0.2.1"), >, 0);
	weft__throttle_free(throttle);
}

CHECK_CASE(a_thousand_at_once_are_a_thousand)
{
	int tries = 0;

	start();
	for (int i = 0; i < 1000; i++)
		tries += try_it("mia", "192.0.2.1") == 0;
	CHECK_INT(tries, ==, 5);
	weft__throttle_free(throttle);
}

static void *hammer(void *arg)
{
	int *tries = arg;

	for (int i = 0; i < 2000; i++) {
		struct weft__attempt attempt = {"mia", "192.0.2.1"};
		bool is_quiet_here;

		*tries += weft__throttle_begin(throttle, &attempt, now, &is_quiet_here) == 0;
	}
	return NULL;
}

CHECK_CASE(from_many_threads_the_count_is_right)
{
	pthread_t threads[4];
	int tries[4] = {0}, all = 0;

	start();
	for (int i = 0; i < 4; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, hammer, &tries[i]), ==, 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		all += tries[i];
	}
	CHECK_INT(all, ==, 5);
	weft__throttle_free(throttle);
}

CHECK_CASE(the_memory_is_bounded_and_the_newest_are_known)
{
	char address[32];

	throttle = weft__throttle_new(&(struct weft__throttle_options){.places = 64});
	now = WEFT_SECONDS(1000);
	for (int i = 0; i < 10000; i++) {
		snprintf(address, sizeof address, "10.%d.%d.1", i / 250, i % 250);
		try_it("mia", address);
		now += 1;
	}
	while (try_it("zoe", "192.0.2.1") == 0)
		;
	CHECK_INT(try_it("zoe", "192.0.2.1"), >, 0);
	weft__throttle_free(throttle);
}

CHECK_MAIN()
