/*
 * test_account.c - accounts as a door uses them: made, let in, changed, found, thrown out.
 *
 * check: tsan
 */
#include "account/throttle.h"
#include "account/world.h"

/* ---- The first run -------------------------------------------------------------------------- */

CHECK_CASE(the_first_run_makes_one_administrator_whose_password_must_be_changed)
{
	char password[WEFT_ACCOUNT_SECRET_SIZE], again[WEFT_ACCOUNT_SECRET_SIZE];
	struct weft_account_call call = world_from(NULL), as;
	struct weft_account_who *who, *now;
	struct weft_account_page page;

	world_open();
	CHECK_INT(weft_accounts_first_run(world, &call, NULL, password), ==, 1);
	CHECK_INT(weft_accounts_first_run(world, &call, NULL, again), ==, 0);
	CHECK_INT(weft_account_login(world, &call, "admin", password, &who), ==, 0);
	CHECK(who->user.must_change);
	CHECK_INT(who->powers, ==, 0);
	CHECK_INT(weft_account_rights(who, ""), ==, 0);
	as = world_as(who);
	CHECK_FAULT(weft_account_find(world, &as, NULL, &page), as, WEFT_ACCOUNT_MUST_CHANGE);
	CHECK_INT(weft_account_set_password(world, &as, "admin", password, WORLD_PASSWORD), ==, 0);
	CHECK_INT(weft_account_login(world, &call, "Admin", WORLD_PASSWORD, &now), ==, 0);
	CHECK(!now->user.must_change);
	CHECK_INT(now->powers, ==, WEFT_ACCOUNT_ALL_POWERS);
	CHECK_INT(weft_account_rights(now, "any/where"), ==, WEFT_ACCOUNT_ALL_RIGHTS);
	weft_account_who_free(who);
	who = NULL;
	CHECK_FAULT(weft_account_login(world, &call, "admin", password, &who), call,
		WEFT_ACCOUNT_WRONG);
	CHECK(!who);
	weft_account_who_free(now);
	world_close();
}

/* ---- Accounts ------------------------------------------------------------------------------- */

CHECK_CASE(what_was_added_is_there_after_opening_again)
{
	struct weft_account_user user;

	world_open();
	CHECK_INT(weft_account_add(world, &local,
			  &(struct weft_account_new){.name = "Mia",
				  .display_name = "Mia Ferrante",
				  .role = "guest",
				  .home = "people/mia",
				  .quota_bytes = 1 << 20},
			  &user),
		==, 0);
	CHECK_STR(user.name, "mia");
	world_close();
	world_open();
	CHECK_INT(weft_account_get(world, &local, "MIA", &user), ==, 0);
	CHECK_STR(user.display_name, "Mia Ferrante");
	CHECK_STR(user.role, "guest");
	CHECK_STR(user.home, "people/mia");
	CHECK_INT(user.quota_bytes, ==, 1 << 20);
	CHECK_INT(user.created_s, ==, world_now);
	CHECK_INT(user.state, ==, WEFT_ACCOUNT_ACTIVE);
	CHECK(!user.has_password);
	world_close();
}

CHECK_CASE(a_name_that_is_taken_or_looks_like_one_is_refused)
{
	world_open();
	world_add("paypal", NULL);
	CHECK_FAULT(
		weft_account_add(world, &local, &(struct weft_account_new){.name = "PayPal"}, NULL),
		local, WEFT_ACCOUNT_NAME_TAKEN);
	CHECK_INT(errno, ==, EEXIST);
	CHECK_FAULT(
		weft_account_add(world, &local, &(struct weft_account_new){.name = "paypa1"}, NULL),
		local, WEFT_ACCOUNT_NAME_LOOKALIKE);
	CHECK_FAULT(
		weft_account_add(world, &local, &(struct weft_account_new){.name = "server"}, NULL),
		local, WEFT_ACCOUNT_NAME_RESERVED);
	CHECK_FAULT(weft_account_add(world, &local,
			    &(struct weft_account_new){.name = "root", .role = "member"}, NULL),
		local, WEFT_ACCOUNT_NAME_RESERVED);
	CHECK_FAULT(weft_account_add(world, &local,
			    &(struct weft_account_new){.name = "ann", .role = "emperor"}, NULL),
		local, WEFT_ACCOUNT_ROLE_UNKNOWN);
	world_close();
}

CHECK_CASE(a_name_and_what_looks_like_it_belong_to_one_account)
{
	struct weft_account_call door = {.door = "chat"};
	struct weft_account_user user;

	world_open();
	world_add("paypal", NULL);
	CHECK_INT(weft_account_name_owner(world, &door, "PayPal", &user), ==, 1);
	CHECK_STR(user.name, "paypal");
	CHECK_INT(weft_account_name_owner(world, &door, "paypa1", &user), ==, 1);
	CHECK_STR(user.name, "paypal");
	CHECK_INT(weft_account_name_owner(world, &door, "mia", NULL), ==, 0);
	CHECK_INT(weft_account_remove(world, &local, "paypal", false), ==, 0);
	CHECK_INT(weft_account_name_owner(world, &door, "paypal", NULL), ==, 1);
	CHECK_FAULT(weft_account_name_owner(world, &door, "a/b", NULL), door,
		WEFT_ACCOUNT_NAME_BAD_CHARACTER);
	world_close();
}

CHECK_CASE(what_a_change_leaves_out_stays)
{
	struct weft_account_change change = WEFT_ACCOUNT_NO_CHANGE;
	struct weft_account_user user;

	world_open();
	world_add("mia", "member");
	change.display_name = "Mia";
	change.quota_bytes = 5;
	CHECK_INT(weft_account_change(world, &local, "mia", &change, &user), ==, 0);
	CHECK_STR(user.role, "member");
	CHECK_INT(user.quota_bytes, ==, 5);
	change = WEFT_ACCOUNT_NO_CHANGE;
	change.name = "Maria";
	change.role = "guest";
	CHECK_INT(weft_account_change(world, &local, "mia", &change, &user), ==, 0);
	CHECK_STR(user.name, "maria");
	CHECK_STR(user.display_name, "Mia");
	CHECK_STR(user.role, "guest");
	CHECK_INT(user.quota_bytes, ==, 5);
	CHECK_FAULT(
		weft_account_get(world, &local, "mia", &user), local, WEFT_ACCOUNT_NAME_UNKNOWN);
	CHECK_INT(weft_account_add(world, &local, &(struct weft_account_new){.name = "mia"}, NULL),
		==, 0);
	world_close();
}

CHECK_CASE(a_display_name_a_home_or_a_quota_that_cannot_be_is_refused)
{
	struct weft_account_change change = WEFT_ACCOUNT_NO_CHANGE;
	static const char *const homes[] = {
		"..", "a/../b", "/a", "a/", "a//b", ".", "a/./b", "a\nb"};

	world_open();
	world_add("mia", NULL);
	for (size_t i = 0; i < sizeof homes / sizeof homes[0]; i++) {
		change.home = homes[i];
		CHECK_FAULT(weft_account_change(world, &local, "mia", &change, NULL), local,
			WEFT_ACCOUNT_BAD_PATH);
	}
	change = WEFT_ACCOUNT_NO_CHANGE;
	change.display_name = "Mia\x1b[2J";
	CHECK_FAULT(weft_account_change(world, &local, "mia", &change, NULL), local,
		WEFT_ACCOUNT_BAD_TEXT);
	CHECK_FAULT(weft_account_add(world, &local,
			    &(struct weft_account_new){.name = "ann", .quota_bytes = -1}, NULL),
		local, WEFT_ACCOUNT_BAD_NUMBER);
	world_close();
}

/* ---- Finding -------------------------------------------------------------------------------- */

CHECK_CASE(pages_go_on_behind_the_last_name)
{
	struct weft_account_page page;
	char name[32], last[WEFT_ACCOUNT_NAME_MAX + 1] = "";
	size_t seen = 0, pages = 0;

	world_open();
	for (int i = 0; i < 25; i++) {
		snprintf(name, sizeof name, "user-%02d", i);
		CHECK_INT(weft_account_add(
				  world, &local, &(struct weft_account_new){.name = name}, NULL),
			==, 0);
	}
	do {
		CHECK_INT(weft_account_find(world, &local,
				  &(struct weft_account_query){.after = last, .limit = 10}, &page),
			==, 0);
		CHECK(page.count > 0);
		CHECK(strcmp(page.users[0].name, last) > 0);
		memcpy(last, page.users[page.count - 1].name, sizeof last);
		seen += page.count;
		pages++;
		CHECK(page.has_more == (pages < 3));
		weft_account_page_fini(&page);
	} while (pages < 3);
	CHECK_INT(seen, ==, 25);
	world_close();
}

static size_t count_found(struct weft_account_query query)
{
	struct weft_account_page page;
	size_t count;

	CHECK_INT(weft_account_find(world, &local, &query, &page), ==, 0);
	count = page.count;
	weft_account_page_fini(&page);
	return count;
}

CHECK_CASE(accounts_are_found_by_part_role_group_and_state)
{
	struct weft_account_change change = WEFT_ACCOUNT_NO_CHANGE;

	world_open();
	world_add("mia", "guest");
	world_add("zoe", "member");
	world_add("a_b", "member");
	world_add("axb", "member");
	change.display_name = "Zo\xc3\xab \xc3\x84rger 50%";
	CHECK_INT(weft_account_change(world, &local, "zoe", &change, NULL), ==, 0);
	CHECK_INT(count_found((struct weft_account_query){0}), ==, 4);
	CHECK_INT(count_found((struct weft_account_query){.part = "IA"}), ==, 1);
	CHECK_INT(count_found((struct weft_account_query){.part = "zo\xc3\xab \xc3\xa4rg"}), ==, 1);
	CHECK_INT(count_found((struct weft_account_query){.part = "50%"}), ==, 1);
	CHECK_INT(count_found((struct weft_account_query){.part = "%"}), ==, 1);
	CHECK_INT(count_found((struct weft_account_query){.part = "a_b"}), ==, 1);
	CHECK_INT(count_found((struct weft_account_query){.role = "Guest"}), ==, 1);
	CHECK_INT(count_found((struct weft_account_query){.role = "no such"}), ==, 0);
	CHECK_INT(weft_account_group_add(world, &local, "Weavers"), ==, 0);
	CHECK_INT(weft_account_group_join(world, &local, "weavers", "mia"), ==, 0);
	CHECK_INT(count_found((struct weft_account_query){.group = "weavers"}), ==, 1);
	CHECK_INT(weft_account_lock(world, &local, "mia"), ==, 0);
	CHECK_INT(
		count_found((struct weft_account_query){.states = WEFT_ACCOUNT_IS_LOCKED}), ==, 1);
	CHECK_INT(weft_account_remove(world, &local, "zoe", false), ==, 0);
	CHECK_INT(count_found((struct weft_account_query){0}), ==, 3);
	CHECK_INT(
		count_found((struct weft_account_query){.states = WEFT_ACCOUNT_IS_REMOVED}), ==, 1);
	world_close();
}

/* ---- States --------------------------------------------------------------------------------- */

CHECK_CASE(a_lock_throws_out_and_only_who_knows_the_password_is_told)
{
	struct weft_account_call call = world_from(NULL);
	char session[WEFT_ACCOUNT_SECRET_SIZE], token[WEFT_ACCOUNT_SECRET_SIZE];
	struct weft_account_who *who, *other;
	struct weft_account_call as;

	world_open();
	world_add("mia", NULL);
	who = world_login("mia");
	as = world_as(who);
	CHECK_INT(weft_account_session_begin(world, &call, who, "here", session), ==, 0);
	CHECK_INT(weft_account_token_add(world, &as, "mia",
			  &(struct weft_account_token){.label = "t", .rights = 63}, token),
		==, 0);
	CHECK_INT(weft_account_session_check(world, &call, session, &other), ==, 0);
	weft_account_who_free(other);
	CHECK_INT(weft_account_lock(world, &local, "mia"), ==, 0);
	CHECK_FAULT(weft_account_login(world, &call, "mia", WORLD_PASSWORD, &other), call,
		WEFT_ACCOUNT_LOCKED);
	CHECK_FAULT(weft_account_login(world, &call, "mia", "not it, no no", &other), call,
		WEFT_ACCOUNT_WRONG);
	CHECK_FAULT(weft_account_session_check(world, &call, session, &other), call,
		WEFT_ACCOUNT_REVOKED);
	CHECK_FAULT(
		weft_account_token_check(world, &call, token, &other), call, WEFT_ACCOUNT_LOCKED);
	CHECK_ERRNO(weft_account_who_refresh(who, &other), EPERM);
	CHECK_INT(weft_account_unlock(world, &local, "mia"), ==, 0);
	CHECK_INT(weft_account_login(world, &call, "mia", WORLD_PASSWORD, &other), ==, 0);
	weft_account_who_free(other);
	CHECK_INT(weft_account_token_check(world, &call, token, &other), ==, 0);
	weft_account_who_free(other);
	weft_account_who_free(who);
	world_close();
}

CHECK_CASE(a_removed_name_stays_taken_until_it_is_purged)
{
	struct weft_account_call call = world_from(NULL);
	struct weft_account_who *who;

	world_open();
	world_add("mia", NULL);
	CHECK_INT(weft_account_remove(world, &local, "mia", false), ==, 0);
	CHECK_FAULT(weft_account_login(world, &call, "mia", WORLD_PASSWORD, &who), call,
		WEFT_ACCOUNT_WRONG);
	CHECK_FAULT(
		weft_account_add(world, &local, &(struct weft_account_new){.name = "mia"}, NULL),
		local, WEFT_ACCOUNT_NAME_TAKEN);
	CHECK_INT(weft_account_remove(world, &local, "mia", true), ==, 0);
	world_add("mia", NULL);
	weft_account_who_free(world_login("mia"));
	world_close();
}

CHECK_CASE(the_last_administrator_stays)
{
	struct weft_account_change change = WEFT_ACCOUNT_NO_CHANGE;
	struct weft_account_who *who;
	struct weft_account_call as;

	world_open();
	world_add("ann", "admin");
	change.role = "member";
	CHECK_FAULT(
		weft_account_remove(world, &local, "ann", true), local, WEFT_ACCOUNT_LAST_ADMIN);
	CHECK_FAULT(weft_account_lock(world, &local, "ann"), local, WEFT_ACCOUNT_LAST_ADMIN);
	CHECK_FAULT(weft_account_change(world, &local, "ann", &change, NULL), local,
		WEFT_ACCOUNT_LAST_ADMIN);
	CHECK_INT(errno, ==, EBUSY);
	world_add("bob", "admin");
	who = world_login("ann");
	as = world_as(who);
	CHECK_FAULT(weft_account_lock(world, &as, "ann"), as, WEFT_ACCOUNT_ONESELF);
	CHECK_FAULT(weft_account_remove(world, &as, "ann", false), as, WEFT_ACCOUNT_ONESELF);
	CHECK_INT(errno, ==, EBUSY);
	CHECK_INT(weft_account_lock(world, &as, "bob"), ==, 0);
	weft_account_who_free(who);
	world_close();
}

/* ---- Who may -------------------------------------------------------------------------------- */

CHECK_CASE(a_member_may_nothing_to_others_and_learns_nothing_of_them)
{
	struct weft_account_change change = WEFT_ACCOUNT_NO_CHANGE;
	char secret[WEFT_ACCOUNT_SECRET_SIZE];
	struct weft_account_user user;
	struct weft_account_page page;
	struct weft_account_events events;
	struct weft_account_who *who;
	struct weft_account_call as;

	world_open();
	world_add("ann", "admin");
	world_add("mia", "member");
	who = world_login("mia");
	as = world_as(who);
	change.display_name = "Mia";
	CHECK_INT(weft_account_change(world, &as, "mia", &change, NULL), ==, 0);
	CHECK_INT(weft_account_get(world, &as, "mia", &user), ==, 0);
	CHECK_FAULT(weft_account_change(world, &as, "ann", &change, NULL), as,
		WEFT_ACCOUNT_NOT_ALLOWED);
	change.role = "admin";
	CHECK_FAULT(weft_account_change(world, &as, "mia", &change, NULL), as,
		WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_FAULT(weft_account_get(world, &as, "ann", &user), as, WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_FAULT(
		weft_account_get(world, &as, "nobody-at-all", &user), as, WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_FAULT(weft_account_find(world, &as, NULL, &page), as, WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_FAULT(weft_account_audit(world, &as, NULL, &events), as, WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_FAULT(weft_account_lock(world, &as, "ann"), as, WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_FAULT(weft_account_remove(world, &as, "mia", true), as, WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_FAULT(
		weft_account_link_add(world, &as, "mia", 0, secret), as, WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_FAULT(weft_account_token_add(
			    world, &as, "ann", &(struct weft_account_token){.rights = 1}, secret),
		as, WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_FAULT(weft_account_role_put(
			    world, &as, &(struct weft_account_role){.name = "boss", .powers = 1}),
		as, WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_FAULT(weft_account_grant(world, &as,
			    &(struct weft_account_grant){
				    .to = WEFT_ACCOUNT_TO_USER, .subject = "mia", .rights = 63}),
		as, WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_FAULT(weft_accounts_backup(world, &as, place("copy")), as, WEFT_ACCOUNT_NOT_ALLOWED);
	weft_account_who_free(who);
	world_close();
}

CHECK_CASE(who_manages_gives_and_takes_nothing_beyond_her_own_powers)
{
	static const struct weft_account_grant grants[] = {
		{.to = WEFT_ACCOUNT_TO_USER, .subject = "ann"},
		{.to = WEFT_ACCOUNT_TO_GROUP, .subject = "board"},
		{.to = WEFT_ACCOUNT_TO_ROLE, .subject = "admin"},
	};
	struct weft_account_change change = WEFT_ACCOUNT_NO_CHANGE;
	char secret[WEFT_ACCOUNT_SECRET_SIZE];
	struct weft_account_who *who;
	struct weft_account_call as;

	world_open();
	world_add("ann", "admin");
	CHECK_INT(weft_account_group_add(world, &local, "board"), ==, 0);
	CHECK_INT(weft_account_group_join(world, &local, "board", "ann"), ==, 0);
	CHECK_INT(weft_account_role_put(world, &local,
			  &(struct weft_account_role){
				  .name = "steward", .powers = WEFT_ACCOUNT_MANAGES}),
		==, 0);
	world_add("mia", "steward");
	world_add("zoe", "member");
	who = world_login("mia");
	as = world_as(who);
	CHECK_FAULT(weft_account_add(world, &as,
			    &(struct weft_account_new){.name = "eve", .role = "admin"}, NULL),
		as, WEFT_ACCOUNT_NOT_ALLOWED);
	change.role = "admin";
	CHECK_FAULT(weft_account_change(world, &as, "zoe", &change, NULL), as,
		WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_FAULT(weft_account_change(world, &as, "mia", &change, NULL), as,
		WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_FAULT(weft_account_lock(world, &as, "ann"), as, WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_FAULT(
		weft_account_link_add(world, &as, "ann", 0, secret), as, WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_FAULT(weft_account_role_put(world, &as,
			    &(struct weft_account_role){.name = "steward", .powers = 31}),
		as, WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_FAULT(weft_account_add(world, &as,
			    &(struct weft_account_new){.name = "eve", .password = WORLD_PASSWORD},
			    NULL),
		as, WEFT_ACCOUNT_NOT_ALLOWED);
	for (size_t i = 0; i < sizeof(grants) / sizeof(grants[0]); i++) {
		CHECK_FAULT(
			weft_account_grant(world, &as, &grants[i]), as, WEFT_ACCOUNT_NOT_ALLOWED);
		CHECK_FAULT(weft_account_grant_remove(world, &as, &grants[i]), as,
			WEFT_ACCOUNT_NOT_ALLOWED);
	}
	CHECK_INT(weft_account_grant(world, &as,
			  &(struct weft_account_grant){
				  .to = WEFT_ACCOUNT_TO_USER, .subject = "zoe", .rights = 3}),
		==, 0);
	CHECK_INT(weft_account_link_add(world, &as, "zoe", 0, secret), ==, 0);
	CHECK_INT(weft_account_lock(world, &as, "zoe"), ==, 0);
	weft_account_who_free(who);
	world_close();
}

CHECK_CASE(a_demotion_counts_at_once_whatever_picture_the_caller_brings)
{
	struct weft_account_change change = WEFT_ACCOUNT_NO_CHANGE;
	struct weft_account_who *who;
	struct weft_account_call as;

	world_open();
	world_add("ann", "admin");
	world_add("bob", "admin");
	who = world_login("bob");
	change.role = "member";
	CHECK_INT(weft_account_change(world, &local, "bob", &change, NULL), ==, 0);
	CHECK_INT(who->powers, ==, WEFT_ACCOUNT_ALL_POWERS); /* the old picture */
	as = world_as(who);
	CHECK_FAULT(weft_account_lock(world, &as, "ann"), as, WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_INT(weft_account_lock(world, &local, "bob"), ==, 0);
	CHECK_FAULT(weft_account_change(world, &as, "bob",
			    &(struct weft_account_change){.display_name = "x",
				    .quota_bytes = -1,
				    .used_bytes = -1,
				    .must_change = -1},
			    NULL),
		as, WEFT_ACCOUNT_REVOKED);
	weft_account_who_free(who);
	world_close();
}

BOTH_CASE(letting_in_and_knowing_again_is_the_same)
{
	struct weft_account_who *who, *other;
	char session[WEFT_ACCOUNT_SECRET_SIZE];
	struct weft_account_call call = world_from("192.0.2.1");

	world_open();
	world_add("mia", NULL);
	who = world_login("mia");
	CHECK_INT(weft_account_session_begin(world, &call, who, NULL, session), ==, 0);
	CHECK_INT(weft_account_session_check(world, &call, session, &other), ==, 0);
	CHECK_INT(weft_account_rights(other, "x"), ==, 31);
	weft_account_who_free(other);
	weft_account_who_free(who);
	world_close();
}

/* ---- Addresses ------------------------------------------------------------------------------ */

CHECK_CASE(of_ipv6_the_first_half_of_an_address_counts_on_whatever_link)
{
	static const char *const rows[][2] = {
		{"192.0.2.7", "192.0.2.7"},
		{"::ffff:192.0.2.7", "192.0.2.7"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"fe80::1%eth0", "fe80::/64"},
		{"fe80::a:b:c:d%wlan-in-the-attic", "fe80::/64"},
		{"-", "-"},
	};
	char text[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		weft__throttle_address(rows[i][0], text, sizeof(text));
		CHECK_STR(text, rows[i][1]);
	}
}

CHECK_MAIN()
