/*
 * test_simulated.c - accounts in a simulation: its clock counts, and nobody waits for a thread.
 */
#include "account/world.h"
#include "weft/sim.h"

static void open_plainly(void)
{
	world = weft_accounts_open(&(struct weft_accounts_options){
		.dir = place("state"), .is_weak = true, .hash_kib = 8, .hash_passes = 1});
	CHECK(world != NULL);
}

static int try_login(struct weft_account_call *call, const char *password)
{
	struct weft_account_who *who = NULL;
	int result = weft_account_login(world, call, "mia", password, &who);

	weft_account_who_free(who);
	return result;
}

static int wait_and_get_in(void *arg)
{
	struct weft_account_call call = world_from("192.0.2.1");
	int64_t *ret_waited = arg, began;
	int waits = 0;

	open_plainly();
	world_add("mia", NULL);
	began = weft_now();
	for (int tries = 0; tries < 12; tries++) {
		while (try_login(&call, "not it, no no no") < 0 &&
			call.fault == WEFT_ACCOUNT_THROTTLED) {
			CHECK_INT(weft_sleep(call.wait_ns), ==, 0);
			waits++;
		}
		CHECK_INT(call.fault, ==, WEFT_ACCOUNT_WRONG);
	}
	CHECK_INT(waits, ==, 7);
	CHECK_FAULT(try_login(&call, WORLD_PASSWORD), call, WEFT_ACCOUNT_THROTTLED);
	CHECK_INT(weft_sleep(call.wait_ns), ==, 0);
	CHECK_INT(try_login(&call, WORLD_PASSWORD), ==, 0);
	*ret_waited = weft_now() - began;
	world_close();
	return 0;
}

CHECK_CASE(who_waits_as_long_as_she_is_told_gets_in_and_each_run_is_the_same)
{
	int64_t waited[2];

	for (int i = 0; i < 2; i++) {
		CHECK_INT(weft_sim_run(7, NULL, wait_and_get_in, &waited[i]), ==, 0);
		place_end();
		CHECK_INT(mkdir(place_dir, 0700), ==, 0);
	}
	CHECK_INT(waited[0], >=, WEFT_SECONDS(1 + 2 + 4 + 8));
	CHECK_INT(waited[0], ==, waited[1]);
}

static int outlive(void *arg)
{
	struct weft_account_call call = world_from("192.0.2.1");
	char secret[WEFT_ACCOUNT_SECRET_SIZE];
	struct weft_account_who *who;

	(void)arg;
	open_plainly();
	world_add("mia", NULL);
	CHECK_INT(weft_account_login(world, &call, "mia", WORLD_PASSWORD, &who), ==, 0);
	CHECK_INT(weft_account_session_begin(world, &call, who, NULL, secret), ==, 0);
	weft_account_who_free(who);
	for (int day = 0; day < 29; day++) {
		CHECK_INT(weft_sleep(WEFT_SECONDS(24 * 3600)), ==, 0);
		CHECK_INT(weft_account_session_check(world, &call, secret, &who), ==, 0);
		weft_account_who_free(who);
	}
	CHECK_INT(weft_sleep(WEFT_SECONDS(24 * 3600)), ==, 0);
	CHECK_FAULT(
		weft_account_session_check(world, &call, secret, &who), call, WEFT_ACCOUNT_EXPIRED);
	world_close();
	return 0;
}

CHECK_CASE(a_session_that_is_used_lives_for_thirty_days)
{
	CHECK_INT(weft_sim_run(7, NULL, outlive, NULL), ==, 0);
}

CHECK_MAIN()
