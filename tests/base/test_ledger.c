/*
 * test_ledger.c - connections of a host over all doors: counted once, bounded, given back.
 *
 * check: tsan valgrind
 */
#include <pthread.h>
#include <sys/wait.h>

#include "check.h"
#include "weft/ledger.h"

#define HOST "\xc0\x00\x02\x07"

CHECK_CASE(a_host_has_as_many_as_it_may_and_others_have_theirs)
{
	struct weft_ledger *ledger = weft_ledger_new(3);

	CHECK(ledger);
	for (int i = 0; i < 3; i++)
		CHECK(weft_ledger_enter(ledger, HOST, 4));
	CHECK(!weft_ledger_enter(ledger, HOST, 4));
	CHECK_INT(weft_ledger_count(ledger, HOST, 4), ==, 3);
	CHECK(weft_ledger_enter(ledger, "other", 5));
	weft_ledger_leave(ledger, HOST, 4);
	CHECK(weft_ledger_enter(ledger, HOST, 4));
	CHECK(!weft_ledger_enter(ledger, HOST, 4));
	weft_ledger_free(ledger);
}

CHECK_CASE(another_bound_counts_for_who_comes)
{
	struct weft_ledger *ledger = weft_ledger_new(0);

	for (int i = 0; i < 100; i++)
		CHECK(weft_ledger_enter(ledger, HOST, 4));
	weft_ledger_set(ledger, 99);
	CHECK(!weft_ledger_enter(ledger, HOST, 4));
	weft_ledger_leave(ledger, HOST, 4);
	weft_ledger_leave(ledger, HOST, 4);
	CHECK(weft_ledger_enter(ledger, HOST, 4));
	CHECK(!weft_ledger_enter(ledger, HOST, 4));
	weft_ledger_set(ledger, 0);
	CHECK(weft_ledger_enter(ledger, HOST, 4));
	weft_ledger_free(ledger);
}

CHECK_CASE(without_a_ledger_or_a_host_nobody_is_counted)
{
	struct weft_ledger *ledger = weft_ledger_new(1);

	CHECK(weft_ledger_enter(NULL, HOST, 4) && weft_ledger_enter(NULL, HOST, 4));
	CHECK(weft_ledger_enter(ledger, NULL, 0) && weft_ledger_enter(ledger, NULL, 0));
	weft_ledger_leave(NULL, HOST, 4);
	weft_ledger_leave(ledger, NULL, 0);
	CHECK_INT(weft_ledger_count(NULL, HOST, 4), ==, 0);
	weft_ledger_free(ledger);
	weft_ledger_free(NULL);
}

CHECK_CASE(an_address_is_its_host_whoever_writes_it)
{
	static const struct {
		const char *text, *bytes;
		size_t len;
	} rows[] = {
		{"192.0.2.7", HOST, 4},
		{"::ffff:192.0.2.7", HOST, 4},
		{"2001:db8:0:1::5", "\x20\x01\x0d\xb8\x00\x00\x00\x01", 8},
		{"2001:db8:0:1:ffff::5", "\x20\x01\x0d\xb8\x00\x00\x00\x01", 8},
		{"fe80::1%eth0", "\xfe\x80\x00\x00\x00\x00\x00\x00", 8},
		{"::1", "\0\0\0\0\0\0\0\0", 8},
		{"unix:/x", "", 0},
		{"", "", 0},
		{"192.0.2.7:80", "", 0},
	};
	uint8_t host[WEFT_LEDGER_HOST_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_INT(weft_ledger_host(rows[i].text, host), ==, rows[i].len);
		CHECK(memcmp(host, rows[i].bytes, rows[i].len) == 0);
	}
}

CHECK_CASE(processes_share_it_and_its_bound)
{
	struct weft_ledger *ledger = weft_ledger_new(2);
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		bool has_entered = weft_ledger_enter(ledger, HOST, 4);

		weft_ledger_set(ledger, 1);
		_exit(has_entered ? 0 : 1);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK_INT(weft_ledger_count(ledger, HOST, 4), ==, 1);
	CHECK(!weft_ledger_enter(ledger, HOST, 4));
	weft_ledger_free(ledger);
}

enum { THREADS = 4, TURNS = 20000, MAX = 3 };

static void *come_and_go(void *ledger)
{
	for (int i = 0; i < TURNS; i++)
		if (weft_ledger_enter(ledger, HOST, 4))
			weft_ledger_leave(ledger, HOST, 4);
	return NULL;
}

CHECK_CASE(threads_that_come_and_go_leave_nothing_behind)
{
	struct weft_ledger *ledger = weft_ledger_new(MAX);
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, come_and_go, ledger) == 0);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	CHECK_INT(weft_ledger_count(ledger, HOST, 4), ==, 0);
	weft_ledger_free(ledger);
}

CHECK_MAIN()
