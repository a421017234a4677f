/*
 * test_login.c - letting in: what a failure costs and tells, the throttle as a whole, the flood,
 * the cost that rises.
 *
 * Costs are counted in hashes, never in time.
 *
 * check: tsan
 */
#include "account/hash.h"
#include "account/inside.h"
#include "account/world.h"
#include "weft/scope.h"
#include "weft/thread.h"

static uint64_t hashes(void)
{
	struct weft_accounts_facts facts;

	CHECK_INT(weft_accounts_facts(world, &facts), ==, 0);
	return facts.hashes_done;
}

static int try_login(struct weft_account_call *call, const char *name, const char *password)
{
	struct weft_account_who *who = NULL;
	int result = weft_account_login(world, call, name, password, &who);

	weft_account_who_free(who);
	return result;
}

CHECK_CASE(every_failure_costs_one_hash_and_says_the_same)
{
	static const char *const names[] = {"mia", "nobody-here", "invited", "removed", "\xff\xfe",
		"a/b", "", "server",
		"a name that is far too long to be one of anybody at all here"};
	char huge[4096];

	world_open();
	world_add("mia", NULL);
	world_add("removed", NULL);
	CHECK_INT(weft_account_remove(world, &local, "removed", false), ==, 0);
	CHECK_INT(weft_account_add(
			  world, &local, &(struct weft_account_new){.name = "invited"}, NULL),
		==, 0);
	memset(huge, 'x', sizeof huge - 1);
	huge[sizeof huge - 1] = '\0';
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct weft_account_call call = world_from(NULL);
		uint64_t before = hashes();

		CHECK_FAULT(
			try_login(&call, names[i], "not it, no no no"), call, WEFT_ACCOUNT_WRONG);
		CHECK_INT(errno, ==, EKEYREJECTED);
		CHECK_INT(hashes() - before, ==, 1);
		CHECK_FAULT(try_login(&call, names[i], huge), call, WEFT_ACCOUNT_WRONG);
		CHECK_INT(hashes() - before, ==, 2);
		CHECK_FAULT(try_login(&call, names[i], ""), call, WEFT_ACCOUNT_WRONG);
		CHECK_INT(hashes() - before, ==, 3);
		world_now += 3600;
	}
	world_close();
}

/* KiB times passes of one check. */
static uint64_t spent_on(struct weft__hasher *hasher, const char *hash, const char *password)
{
	uint64_t before = atomic_load(&hasher->spent);

	CHECK_INT(weft__hash_check(hasher, hash, password), ==, 0);
	return atomic_load(&hasher->spent) - before;
}

CHECK_CASE(what_is_wrong_costs_the_same_of_nobody_of_an_old_hash_and_of_a_new_one)
{
	struct weft__hasher hasher;
	char old[WEFT__HASH_SIZE], fewer[WEFT__HASH_SIZE], new[WEFT__HASH_SIZE];

	CHECK_INT(weft__hasher_init(&hasher, (struct weft__hash_cost){16, 1}, 1, 1), ==, 0);
	CHECK_INT(weft__hash_make(&hasher, "known", old), ==, 0);
	weft__hasher_raise(&hasher, (struct weft__hash_cost){64, 1});
	CHECK_INT(weft__hash_make(&hasher, "known", fewer), ==, 0);
	weft__hasher_raise(&hasher, (struct weft__hash_cost){8, 3});
	CHECK_INT(weft__hash_make(&hasher, "known", new), ==, 0);
	CHECK_INT(spent_on(&hasher, NULL, "known"), ==, 192);
	CHECK_INT(spent_on(&hasher, NULL, ""), ==, 192);
	CHECK_INT(spent_on(&hasher, new, "wrong"), ==, 192);
	CHECK_INT(spent_on(&hasher, fewer, "wrong"), ==, 64 + 3 * 42);
	CHECK_INT(spent_on(&hasher, old, "wrong"), ==, 16 + 3 * 58);
	CHECK_INT(weft__hash_check(&hasher, old, "known"), ==, 1);
	weft__hasher_fini(&hasher);
}

CHECK_CASE(what_another_process_has_raised_the_cost_to_nobody_pays_as_well)
{
	struct weft_account_call call = world_from(NULL);
	struct weft_accounts_facts facts;
	struct weft_accounts *other;

	world_open();
	other = weft_accounts_open(&(struct weft_accounts_options){.dir = place("state")});
	CHECK(other != NULL); /* it notes what it costs there */
	CHECK_FAULT(try_login(&call, "nobody-here", "not it, no no no"), call, WEFT_ACCOUNT_WRONG);
	CHECK_INT(weft_accounts_facts(world, &facts), ==, 0);
	CHECK_INT(facts.hash_kib, ==, WEFT_ACCOUNT_HASH_KIB);
	weft_accounts_close(other);
	world_close();
}

CHECK_CASE(what_was_right_a_moment_ago_from_there_costs_no_hash)
{
	struct weft_account_call call = world_from("192.0.2.1"), other = world_from("192.0.2.2");
	uint64_t before;

	world_open();
	world_add("mia", NULL);
	CHECK_INT(try_login(&call, "mia", WORLD_PASSWORD), ==, 0);
	before = hashes();
	for (int i = 0; i < 10; i++)
		CHECK_INT(try_login(&call, "mia", WORLD_PASSWORD), ==, 0);
	CHECK_INT(hashes(), ==, before);
	CHECK_INT(try_login(&other, "mia", WORLD_PASSWORD), ==, 0);
	CHECK_INT(hashes(), ==, before + 1);
	CHECK_FAULT(try_login(&call, "mia", "silver haddock 8 tables"), call, WEFT_ACCOUNT_WRONG);
	CHECK_INT(hashes(), ==, before + 2);
	world_now += 61;
	CHECK_INT(try_login(&call, "mia", WORLD_PASSWORD), ==, 0);
	CHECK_INT(hashes(), ==, before + 3);
	CHECK_INT(weft_account_set_password(world, &local, "mia", NULL, "another good one"), ==, 0);
	CHECK_FAULT(try_login(&call, "mia", WORLD_PASSWORD), call, WEFT_ACCOUNT_WRONG);
	world_close();
}

/* ---- The throttle --------------------------------------------------------------------------- */

CHECK_CASE(by_a_name_that_she_has_no_more_nobody_is_let_in_be_it_known_a_moment_ago)
{
	struct weft_account_call call = world_from("192.0.2.7");
	struct weft_account_change change = WEFT_ACCOUNT_NO_CHANGE;
	struct weft_account_who *who;

	world_open();
	world_add("mia", "member");
	CHECK_INT(weft_account_login(world, &call, "mia", WORLD_PASSWORD, &who), ==, 0);
	weft_account_who_free(who);
	change.name = "maria";
	CHECK_INT(weft_account_change(world, &local, "mia", &change, NULL), ==, 0);
	CHECK_INT(weft_account_login(world, &call, "mia", WORLD_PASSWORD, &who), ==, -1);
	CHECK_INT(call.fault, ==, WEFT_ACCOUNT_WRONG);
	/* The name is another's, who has the same password, as from one who makes accounts. */
	world_add("mia", "member");
	CHECK_INT(weft_account_login(world, &call, "maria", WORLD_PASSWORD, &who), ==, 0);
	weft_account_who_free(who);
	CHECK_INT(weft_account_login(world, &call, "mia", WORLD_PASSWORD, &who), ==, 0);
	CHECK_STR(who->user.name, "mia");
	weft_account_who_free(who);
	world_close();
}

CHECK_CASE(after_some_failures_one_waits_and_no_hash_is_made)
{
	struct weft_account_call call = world_from("192.0.2.1");
	struct weft_accounts_facts facts;
	uint64_t before;

	world_open();
	world_add("mia", NULL);
	for (int i = 0; i < 5; i++)
		CHECK_FAULT(try_login(&call, "mia", "not it, no no no"), call, WEFT_ACCOUNT_WRONG);
	before = hashes();
	CHECK_FAULT(try_login(&call, "mia", WORLD_PASSWORD), call, WEFT_ACCOUNT_THROTTLED);
	CHECK_INT(errno, ==, EAGAIN);
	CHECK_INT(call.wait_ns, ==, WEFT_SECONDS(1));
	CHECK_INT(hashes(), ==, before);
	world_now += 1;
	CHECK_INT(try_login(&call, "mia", WORLD_PASSWORD), ==, 0);
	CHECK_INT(weft_accounts_facts(world, &facts), ==, 0);
	CHECK_INT(facts.logins_throttled, ==, 1);
	world_close();
}

CHECK_CASE(strangers_hold_up_strangers_and_not_the_owner_where_she_was_before)
{
	struct weft_account_call home = world_from("2001:db8::1"), cafe = world_from("192.0.2.80");
	char address[32];

	world_open();
	world_add("mia", NULL);
	CHECK_INT(try_login(&home, "mia", WORLD_PASSWORD), ==, 0);
	world_now += 120; /* known again by the database, not by memory */
	for (int i = 0; i < 50; i++) {
		struct weft_account_call stranger = world_from(address);

		snprintf(address, sizeof address, "198.51.100.%d", i);
		CHECK_INT(try_login(&stranger, "mia", "not it, no no no"), ==, -1);
	}
	/* Another machine of the same customer's network. */
	home.address = "2001:db8::abcd";
	CHECK_INT(try_login(&home, "mia", WORLD_PASSWORD), ==, 0);
	CHECK_FAULT(try_login(&cafe, "mia", WORLD_PASSWORD), cafe, WEFT_ACCOUNT_THROTTLED);
	CHECK_INT(cafe.wait_ns, <=, WEFT_SECONDS(60));
	world_now += 60;
	CHECK_INT(try_login(&cafe, "mia", WORLD_PASSWORD), ==, 0);
	world_close();
}

CHECK_CASE(an_unknown_name_is_throttled_as_a_known_one)
{
	struct weft_account_call known = world_from("192.0.2.1"), unknown = world_from("192.0.2.2");

	world_open();
	world_add("mia", NULL);
	for (int i = 0; i < 20; i++) {
		int a = try_login(&known, "mia", "not it, no no no");
		int b = try_login(&unknown, "eve", "not it, no no no");

		CHECK_INT(a, ==, b);
		CHECK_INT(known.fault, ==, unknown.fault);
		CHECK_INT(known.wait_ns, ==, unknown.wait_ns);
	}
	world_close();
}

/* Attackers at the address that mia and others log in from see the same of all names. */
CHECK_CASE(at_a_shared_address_known_and_unknown_names_are_refused_alike)
{
	struct weft_account_call call = world_from("192.0.2.1");
	char text[32];

	world_open();
	world_add("mia", NULL);
	CHECK_INT(try_login(&call, "mia", WORLD_PASSWORD), ==, 0);
	world_now += 120; /* known there by the database, not by memory */
	for (int i = 0; i < 40; i++) {
		snprintf(text, sizeof text, "user-%d", i);
		CHECK_INT(try_login(&call, text, "not it, no no no"), ==, -1);
	}
	world_now += 4;
	for (int i = 0; i < 2; i++) {
		static const char *const names[] = {"mia", "eve"};
		int64_t waits[2];
		uint64_t costs[2];

		for (int k = 0; k < 2; k++) {
			uint64_t before = hashes();

			CHECK_FAULT(try_login(&call, names[k], "not it, no no no"), call,
				WEFT_ACCOUNT_THROTTLED);
			waits[k] = call.wait_ns;
			costs[k] = hashes() - before;
		}
		CHECK_INT(waits[0], ==, waits[1]);
		CHECK_INT(costs[0], ==, costs[1]);
	}
	/* Only who knows the password gets in, without a wait. */
	world_now += 1;
	CHECK_INT(try_login(&call, "mia", WORLD_PASSWORD), ==, 0);
	world_close();
}

/* ---- Floods --------------------------------------------------------------------------------- */

struct flood {
	int in, busy, other;
	int64_t wait_ns;
	char busy_name[32];
};

static int flood_one(void *arg)
{
	struct flood *flood = arg;
	struct weft_account_call call = world_from(NULL);

	if (try_login(&call, "nobody-here", "not it, no no no") == 0)
		flood->other++;
	else if (call.fault == WEFT_ACCOUNT_WRONG)
		flood->in++;
	else if (call.fault == WEFT_ACCOUNT_BUSY) {
		flood->busy++;
		flood->wait_ns = call.wait_ns;
	} else if (call.fault != WEFT_ACCOUNT_THROTTLED)
		flood->other++;
	return 0;
}

/* 60 logins at once, for different names: one hash at a time, and two that wait. */
static int flood_name(void *arg)
{
	struct flood *flood = arg;
	static int number;
	struct weft_account_call call = world_from(NULL);
	char name[32];

	snprintf(name, sizeof name, "user-%d", number++);
	if (try_login(&call, name, "not it, no no no") == 0)
		flood->other++;
	else if (call.fault == WEFT_ACCOUNT_WRONG)
		flood->in++;
	else if (call.fault == WEFT_ACCOUNT_BUSY) {
		flood->busy++;
		flood->wait_ns = call.wait_ns;
		memcpy(flood->busy_name, name, sizeof name);
	} else
		flood->other++;
	return 0;
}

/* Who was told to come again has not failed: the throttle lets her try as often as anybody. */
static void check_uncounted(const char *name)
{
	struct weft_account_call call = world_from(NULL);

	for (int i = 0; i < 5; i++)
		CHECK_FAULT(try_login(&call, name, "not it, no no no"), call, WEFT_ACCOUNT_WRONG);
	CHECK_FAULT(try_login(&call, name, "not it, no no no"), call, WEFT_ACCOUNT_THROTTLED);
}

static int flood_all(void *arg)
{
	struct weft_scope scope;

	world = world_open_with((struct weft_accounts_options){
		.hash_threads = 1, .hash_queue = 2, .hash_kib = 8192, .hash_passes = 1});
	weft_scope_begin(&scope, WEFT_FOREVER);
	for (int i = 0; i < 60; i++)
		CHECK(weft_scope_spawn(&scope, flood_name, arg) != 0);
	CHECK_INT(weft_scope_end(&scope), ==, 0);
	check_uncounted(((struct flood *)arg)->busy_name);
	world_close();
	return 0;
}

CHECK_CASE(a_flood_is_told_to_come_again)
{
	const struct weft_run_options one = {.workers = 1};
	struct flood flood = {0};

	CHECK_INT(weft_run(&one, flood_all, &flood), ==, 0);
	CHECK_INT(flood.other, ==, 0);
	CHECK_INT(flood.in + flood.busy, ==, 60);
	CHECK_INT(flood.in, >=, 2);
	CHECK_INT(flood.busy, >=, 1);
	CHECK_INT(flood.wait_ns, >=, WEFT_SECONDS(1));
}

static int login_late(void *arg)
{
	struct weft_account_call call = world_from(NULL);

	(void)arg;
	world = world_open_with((struct weft_accounts_options){
		.hash_threads = 1, .hash_kib = 65536, .hash_passes = 1});
	world_add("mia", NULL);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(2))
		CHECK_ERRNO(try_login(&call, "mia", WORLD_PASSWORD), ETIMEDOUT);
	/* The hash that was left behind ends by itself, and the next one is made. */
	CHECK_INT(try_login(&call, "mia", WORLD_PASSWORD), ==, 0);
	world_close();
	return 0;
}

CHECK_CASE(who_is_late_leaves_the_hash_behind)
{
	CHECK_INT(weft_run(NULL, login_late, NULL), ==, 0);
}

static int use_one_by_one(void *arg)
{
	struct flood flood = {0};

	(void)arg;
	world = world_open_with((struct weft_accounts_options){0});
	for (int i = 0; i < 7; i++)
		flood_one(&flood);
	CHECK_INT(flood.in, ==, 5);
	CHECK_INT(flood.other, ==, 0);
	world_close();
	return 0;
}

CHECK_CASE(from_this_machine_it_is_throttled_too)
{
	CHECK_INT(weft_run(NULL, use_one_by_one, NULL), ==, 0);
}

/* ---- The cost ------------------------------------------------------------------------------- */

CHECK_CASE(a_raised_cost_is_paid_by_the_next_login_and_then_once)
{
	struct weft_account_call call = world_from(NULL);
	uint64_t before;

	world_open();
	world_add("mia", NULL);
	world_close();
	world = world_open_with((struct weft_accounts_options){.hash_kib = 16, .hash_passes = 2});
	CHECK_INT(try_login(&call, "mia", WORLD_PASSWORD), ==, 0);
	CHECK_INT(hashes(), ==, 2); /* checked, and made anew */
	world_now += 100;
	before = hashes();
	CHECK_INT(try_login(&call, "mia", WORLD_PASSWORD), ==, 0);
	CHECK_INT(hashes() - before, ==, 1);
	world_close();
	/* A cheaper configuration takes nothing back. */
	world_open();
	CHECK_INT(try_login(&call, "mia", WORLD_PASSWORD), ==, 0);
	CHECK_INT(hashes(), ==, 1);
	world_close();
}

CHECK_CASE(a_cost_below_the_least_is_refused_but_for_tests)
{
	CHECK_ERRNO(weft_accounts_open(&(struct weft_accounts_options){
			    .dir = place("state"), .hash_kib = 1024}),
		EINVAL);
	CHECK_ERRNO(weft_accounts_open(&(struct weft_accounts_options){
			    .dir = place("state"), .hash_passes = 1}),
		EINVAL);
	CHECK_ERRNO(weft_accounts_open(&(struct weft_accounts_options){.dir = NULL}), EINVAL);
}

CHECK_CASE(the_cost_of_a_database_never_falls)
{
	struct weft_accounts_options options = {.hash_kib = 20000, .hash_passes = 3};
	struct weft_accounts_facts facts;

	options.dir = place("state");
	world = weft_accounts_open(&options);
	CHECK(world != NULL);
	world_close();
	world = weft_accounts_open(&(struct weft_accounts_options){.dir = place("state")});
	CHECK(world != NULL);
	CHECK_INT(weft_accounts_facts(world, &facts), ==, 0);
	CHECK_INT(facts.hash_kib, ==, 20000);
	CHECK_INT(facts.hash_passes, ==, 3);
	world_close();
}

CHECK_CASE(tuning_never_goes_below_the_least)
{
	struct weft__hash_cost cost = weft__hash_tune((struct weft__hash_cost){64, 1}, 1, NULL);

	CHECK_INT(cost.kib, ==, 64);
	CHECK_INT(cost.passes, ==, 1);
	cost = weft__hash_tune((struct weft__hash_cost){64, 1}, WEFT_MILLISECONDS(3), NULL);
	CHECK_INT(cost.kib, >=, 64);
	CHECK_INT(cost.kib, <=, 65536);
}

CHECK_CASE(who_opens_accounts_need_not_wait_for_their_tuning)
{
	struct weft_accounts_options options = {.tunes = true};
	struct weft_accounts_facts facts, again;
	struct weft_account_call call = {.is_local = true};
	char password[WEFT_ACCOUNT_SECRET_SIZE];

	options.dir = place("state");
	world = weft_accounts_open(&options);
	CHECK(world != NULL);
	CHECK_INT(weft_accounts_first_run(world, &call, NULL, password), ==, 1);
	world_close(); /* in the middle of it, most likely */
	world = weft_accounts_open(&options);
	CHECK(world != NULL);
	CHECK_INT(weft_thread_join(world->tuner, NULL, WEFT_FOREVER), ==, 0);
	CHECK_INT(weft_accounts_facts(world, &facts), ==, 0);
	CHECK_INT(facts.hash_kib, >=, WEFT_ACCOUNT_HASH_KIB);
	world_close();
	/* What came of it is kept. */
	world = weft_accounts_open(&(struct weft_accounts_options){.dir = place("state")});
	CHECK(world != NULL);
	CHECK_INT(weft_accounts_facts(world, &again), ==, 0);
	CHECK_INT(again.hash_kib, ==, facts.hash_kib);
	CHECK_INT(again.hash_passes, ==, facts.hash_passes);
	world_close();
}

/* ---- Changing ------------------------------------------------------------------------------- */

CHECK_CASE(a_new_password_ends_all_sessions_and_needs_the_old_one)
{
	char sessions[3][WEFT_ACCOUNT_SECRET_SIZE];
	struct weft_account_call call = world_from("192.0.2.1"), as;
	struct weft_account_who *who, *other;

	world_open();
	world_add("mia", NULL);
	world_add("ann", "admin");
	who = world_login("mia");
	for (int i = 0; i < 3; i++)
		CHECK_INT(weft_account_session_begin(world, &call, who, "", sessions[i]), ==, 0);
	as = world_as(who);
	CHECK_FAULT(weft_account_set_password(world, &as, "mia", "not it", "a new one, good"), as,
		WEFT_ACCOUNT_WRONG);
	CHECK_FAULT(weft_account_set_password(world, &as, "mia", NULL, "a new one, good"), as,
		WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_FAULT(weft_account_set_password(world, &as, "mia", WORLD_PASSWORD, "password1"), as,
		WEFT_ACCOUNT_PASSWORD_COMMON);
	CHECK_FAULT(weft_account_set_password(world, &as, "mia", WORLD_PASSWORD, WORLD_PASSWORD),
		as, WEFT_ACCOUNT_PASSWORD_SAME);
	CHECK_FAULT(weft_account_set_password(world, &as, "ann", WORLD_PASSWORD, "a new one, good"),
		as, WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_INT(weft_account_session_check(world, &call, sessions[2], &other), ==, 0);
	weft_account_who_free(other);
	CHECK_INT(weft_account_set_password(world, &as, "mia", WORLD_PASSWORD, "a new one, good"),
		==, 0);
	for (int i = 0; i < 3; i++)
		CHECK_FAULT(weft_account_session_check(world, &call, sessions[i], &other), call,
			WEFT_ACCOUNT_REVOKED);
	CHECK_ERRNO(weft_account_who_refresh(who, &other), EKEYREJECTED);
	CHECK_FAULT(try_login(&call, "mia", WORLD_PASSWORD), call, WEFT_ACCOUNT_WRONG);
	CHECK_INT(try_login(&call, "mia", "a new one, good"), ==, 0);
	weft_account_who_free(who);
	/* Nor does an administrator choose it. */
	who = world_login("ann");
	as = world_as(who);
	CHECK_FAULT(weft_account_set_password(world, &as, "mia", NULL, "ann's own choice"), as,
		WEFT_ACCOUNT_NOT_ALLOWED);
	weft_account_who_free(who);
	world_close();
}

CHECK_CASE(an_old_password_is_not_guessed_by_changing_it)
{
	struct weft_account_who *who;
	struct weft_account_call as;
	int tries = 0;

	world_open();
	world_add("mia", NULL);
	who = world_login("mia");
	as = world_as(who);
	for (int i = 0; i < 20; i++) {
		CHECK_INT(weft_account_set_password(world, &as, "mia", "not it", "a new one, good"),
			==, -1);
		tries += as.fault == WEFT_ACCOUNT_WRONG;
	}
	CHECK_INT(tries, ==, 5);
	weft_account_who_free(who);
	world_close();
}

CHECK_MAIN()
