/*
 * test_session.c - sessions, tokens and links: random, hashed at rest, expiring, revocable, listed.
 *
 * check: tsan
 */
#include "account/world.h"
#include "weft/file.h"

static int check_session(struct weft_account_call *call, const char *secret)
{
	struct weft_account_who *who = NULL;
	int result = weft_account_session_check(world, call, secret, &who);

	weft_account_who_free(who);
	return result;
}

static int check_token(struct weft_account_call *call, const char *secret)
{
	struct weft_account_who *who = NULL;
	int result = weft_account_token_check(world, call, secret, &who);

	weft_account_who_free(who);
	return result;
}

/* ---- Sessions ------------------------------------------------------------------------------- */

static void begin(const char *name, char secret[WEFT_ACCOUNT_SECRET_SIZE])
{
	struct weft_account_call call = world_from("192.0.2.1");
	struct weft_account_who *who = world_login(name);

	CHECK_INT(weft_account_session_begin(world, &call, who, "Firefox", secret), ==, 0);
	weft_account_who_free(who);
}

CHECK_CASE(a_session_ends_when_it_was_idle_or_is_old)
{
	struct weft_account_call call = world_from("192.0.2.1");
	char secret[WEFT_ACCOUNT_SECRET_SIZE];

	world = world_open_with((struct weft_accounts_options){
		.who_fresh_ns = 1, .session_idle_s = 1000, .session_age_s = 5000});
	world_add("mia", NULL);
	begin("mia", secret);
	world_now += 999;
	CHECK_INT(check_session(&call, secret), ==, 0);
	world_now += 999;
	CHECK_INT(check_session(&call, secret), ==, 0);
	world_now += 1000;
	CHECK_FAULT(check_session(&call, secret), call, WEFT_ACCOUNT_EXPIRED);
	CHECK_INT(errno, ==, EKEYEXPIRED);
	begin("mia", secret);
	for (int i = 0; i < 5; i++) {
		CHECK_INT(check_session(&call, secret), ==, 0);
		world_now += 999;
	}
	CHECK_INT(check_session(&call, secret), ==, 0);
	world_now += 5; /* not idle, but old */
	CHECK_FAULT(check_session(&call, secret), call, WEFT_ACCOUNT_EXPIRED);
	world_close();
}

CHECK_CASE(logging_out_ends_it_at_once)
{
	struct weft_account_call call = world_from("192.0.2.1");
	char secret[WEFT_ACCOUNT_SECRET_SIZE], other[WEFT_ACCOUNT_SECRET_SIZE];

	/* Answers from memory are good for a second of a clock that stands. */
	world = world_open_with((struct weft_accounts_options){0});
	world_add("mia", NULL);
	begin("mia", secret);
	begin("mia", other);
	CHECK(strcmp(secret, other) != 0);
	CHECK_INT(check_session(&call, secret), ==, 0);
	CHECK_INT(check_session(&call, secret), ==, 0);
	CHECK_INT(weft_account_session_end(world, &call, secret), ==, 0);
	CHECK_FAULT(check_session(&call, secret), call, WEFT_ACCOUNT_REVOKED);
	CHECK_INT(weft_account_session_end(world, &call, secret), ==, 0);
	CHECK_INT(check_session(&call, other), ==, 0);
	world_close();
}

CHECK_CASE(what_is_no_session_is_refused)
{
	static const char *const texts[] = {"", "x", "weft_s_",
		"weft_t_AAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"weft_s_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"weft_s_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' OR 1=1 --"};
	struct weft_account_call call = world_from("192.0.2.1");
	char secret[WEFT_ACCOUNT_SECRET_SIZE];

	world_open();
	world_add("mia", NULL);
	begin("mia", secret);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		CHECK_FAULT(check_session(&call, texts[i]), call, WEFT_ACCOUNT_REVOKED);
	CHECK_FAULT(check_token(&call, secret), call, WEFT_ACCOUNT_REVOKED);
	secret[40] ^= 1;
	CHECK_FAULT(check_session(&call, secret), call, WEFT_ACCOUNT_REVOKED);
	world_close();
}

CHECK_CASE(sessions_are_listed_and_revoked_by_their_owner)
{
	char secrets[3][WEFT_ACCOUNT_SECRET_SIZE];
	struct weft_account_call call = world_from("192.0.2.1"), as;
	struct weft_account_sessions sessions;
	struct weft_account_who *who;

	world_open();
	world_add("mia", NULL);
	world_add("eve", NULL);
	for (int i = 0; i < 3; i++)
		begin("mia", secrets[i]);
	who = world_login("mia");
	as = world_as(who);
	CHECK_INT(weft_account_sessions(world, &as, "mia", &sessions), ==, 0);
	CHECK_INT(sessions.count, ==, 3);
	CHECK(sessions.sessions[0].id > sessions.sessions[2].id);
	CHECK_STR(sessions.sessions[0].label, "Firefox");
	CHECK_STR(sessions.sessions[0].address, "192.0.2.1");
	CHECK_INT(weft_account_session_revoke(world, &as, "mia", sessions.sessions[2].id), ==, 0);
	CHECK_ERRNO(
		weft_account_session_revoke(world, &as, "mia", sessions.sessions[2].id), ENOENT);
	weft_account_sessions_fini(&sessions);
	CHECK_FAULT(check_session(&call, secrets[0]), call, WEFT_ACCOUNT_REVOKED);
	CHECK_INT(check_session(&call, secrets[1]), ==, 0);
	weft_account_who_free(who);
	who = world_login("eve");
	as = world_as(who);
	CHECK_FAULT(
		weft_account_sessions(world, &as, "mia", &sessions), as, WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_FAULT(
		weft_account_session_revoke(world, &as, "mia", 0), as, WEFT_ACCOUNT_NOT_ALLOWED);
	weft_account_who_free(who);
	CHECK_INT(weft_account_session_revoke(world, &local, "mia", 0), ==, 0);
	CHECK_FAULT(check_session(&call, secrets[1]), call, WEFT_ACCOUNT_REVOKED);
	world_close();
}

CHECK_CASE(somebody_has_a_hundred_sessions_at_most)
{
	struct weft_account_call call = world_from("192.0.2.1");
	char secret[WEFT_ACCOUNT_SECRET_SIZE];
	struct weft_account_sessions sessions;
	struct weft_account_who *who;

	world_open();
	world_add("mia", NULL);
	who = world_login("mia");
	for (int i = 0; i < 105; i++)
		CHECK_INT(weft_account_session_begin(world, &call, who, NULL, secret), ==, 0);
	CHECK_INT(weft_account_sessions(world, &local, "mia", &sessions), ==, 0);
	CHECK_INT(sessions.count, ==, 100);
	weft_account_sessions_fini(&sessions);
	CHECK_INT(check_session(&call, secret), ==, 0);
	weft_account_who_free(who);
	world_close();
}

/* ---- Two processes
 * ------------------------------------------------------------------------------- */

CHECK_CASE(what_another_process_revokes_is_over_within_the_time_it_is_fresh)
{
	struct weft_account_call call = world_from("192.0.2.1");
	char secret[WEFT_ACCOUNT_SECRET_SIZE];
	struct weft_accounts *server;

	world = world_open_with((struct weft_accounts_options){0});
	world_add("mia", NULL);
	begin("mia", secret);
	CHECK_INT(check_session(&call, secret), ==, 0);
	server = world;
	world = world_open_with((struct weft_accounts_options){0}); /* the command, beside it */
	CHECK_INT(weft_account_lock(world, &local, "mia"), ==, 0);
	world_close();
	world = server;
	CHECK_INT(check_session(&call, secret), ==, 0);
	world_now += 1;
	CHECK_INT(check_session(&call, secret), ==, -1);
	world_close();
}

/* ---- Tokens --------------------------------------------------------------------------------- */

CHECK_CASE(a_token_gives_its_scope_of_what_its_owner_may_and_no_more)
{
	char secret[WEFT_ACCOUNT_SECRET_SIZE], other[WEFT_ACCOUNT_SECRET_SIZE];
	struct weft_account_call call = world_from("192.0.2.1"), as;
	struct weft_account_change change = WEFT_ACCOUNT_NO_CHANGE;
	struct weft_account_who *who;
	struct weft_account_page page;

	world_open();
	world_add("ann", "admin");
	who = world_login("ann");
	as = world_as(who);
	CHECK_INT(weft_account_token_add(world, &as, "ann",
			  &(struct weft_account_token){
				  .label = "backup", .rights = WEFT_ACCOUNT_READ, .folder = "a/b"},
			  secret),
		==, 0);
	weft_account_who_free(who);
	CHECK_INT(weft_account_token_check(world, &call, secret, &who), ==, 0);
	CHECK(who->token != 0);
	CHECK_INT(who->powers, ==, 0);
	CHECK_INT(weft_account_rights(who, "a/b"), ==, WEFT_ACCOUNT_READ);
	CHECK_INT(weft_account_rights(who, "a/b/c"), ==, WEFT_ACCOUNT_READ);
	CHECK_INT(weft_account_rights(who, "a/bc"), ==, 0);
	CHECK_INT(weft_account_rights(who, "a"), ==, 0);
	as = world_as(who);
	CHECK_FAULT(weft_account_find(world, &as, NULL, &page), as, WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_FAULT(weft_account_token_add(
			    world, &as, "ann", &(struct weft_account_token){.rights = 63}, other),
		as, WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_FAULT(weft_account_set_password(world, &as, "ann", WORLD_PASSWORD, "a new one, good"),
		as, WEFT_ACCOUNT_NOT_ALLOWED);
	change.display_name = "Ann";
	CHECK_FAULT(weft_account_change(world, &as, "ann", &change, NULL), as,
		WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_FAULT(
		weft_account_session_begin(world, &as, who, NULL, other), as, WEFT_ACCOUNT_REVOKED);
	weft_account_who_free(who);
	world_close();
}

CHECK_CASE(a_token_that_manages_can)
{
	char secret[WEFT_ACCOUNT_SECRET_SIZE];
	struct weft_account_call call = world_from("192.0.2.1"), as;
	struct weft_account_who *who, *again;
	struct weft_account_events events;
	struct weft_account_page page;

	world_open();
	world_add("ann", "admin");
	CHECK_INT(weft_account_token_add(world, &local, "ann",
			  &(struct weft_account_token){.powers = WEFT_ACCOUNT_MANAGES}, secret),
		==, 0);
	CHECK_INT(weft_account_token_check(world, &call, secret, &who), ==, 0);
	as = world_as(who);
	CHECK_INT(weft_account_find(world, &as, NULL, &page), ==, 0);
	weft_account_page_fini(&page);
	CHECK_FAULT(weft_account_audit(world, &as, NULL, &events), as, WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_INT(weft_account_who_refresh(who, &again), ==, 0);
	CHECK_INT(again->powers, ==, WEFT_ACCOUNT_MANAGES);
	weft_account_who_free(again);
	weft_account_who_free(who);
	world_close();
}

CHECK_CASE(tokens_expire_are_listed_and_revoked_and_outlive_a_password)
{
	char secret[WEFT_ACCOUNT_SECRET_SIZE], other[WEFT_ACCOUNT_SECRET_SIZE];
	struct weft_account_call call = world_from("192.0.2.1");
	struct weft_account_tokens tokens;
	struct weft_account_who *who, *again;

	world_open();
	world_add("mia", NULL);
	CHECK_FAULT(weft_account_token_add(world, &local, "mia",
			    &(struct weft_account_token){.expires_s = world_now}, secret),
		local, WEFT_ACCOUNT_BAD_NUMBER);
	CHECK_FAULT(weft_account_token_add(world, &local, "mia",
			    &(struct weft_account_token){.rights = 64}, secret),
		local, WEFT_ACCOUNT_BAD_NUMBER);
	CHECK_INT(weft_account_token_add(world, &local, "mia",
			  &(struct weft_account_token){
				  .label = "a", .rights = 3, .expires_s = world_now + 100},
			  secret),
		==, 0);
	CHECK_INT(weft_account_token_add(world, &local, "mia",
			  &(struct weft_account_token){.label = "b", .rights = 3}, other),
		==, 0);
	CHECK_INT(weft_account_token_check(world, &call, secret, &who), ==, 0);
	CHECK_INT(weft_account_set_password(world, &local, "mia", NULL, "a new one, good"), ==, 0);
	CHECK_INT(check_token(&call, secret), ==, 0);
	world_now += 100;
	CHECK_FAULT(check_token(&call, secret), call, WEFT_ACCOUNT_EXPIRED);
	CHECK_ERRNO(weft_account_who_refresh(who, &again), EKEYEXPIRED);
	weft_account_who_free(who);
	CHECK_INT(weft_account_tokens(world, &local, "mia", &tokens), ==, 0);
	CHECK_INT(tokens.count, ==, 2);
	CHECK_STR(tokens.tokens[0].label, "b");
	CHECK_INT(weft_account_token_remove(world, &local, "mia", tokens.tokens[0].id), ==, 0);
	weft_account_tokens_fini(&tokens);
	CHECK_FAULT(check_token(&call, other), call, WEFT_ACCOUNT_REVOKED);
	CHECK_INT(weft_account_token_remove(world, &local, "mia", 0), ==, 0);
	world_close();
}

/* ---- Links ---------------------------------------------------------------------------------- */

CHECK_CASE(an_invitation_sets_the_first_password_once)
{
	char secret[WEFT_ACCOUNT_SECRET_SIZE];
	struct weft_account_call call = world_from("192.0.2.1");
	struct weft_account_link link;
	struct weft_account_who *who;

	world_open();
	CHECK_INT(weft_account_add(world, &local, &(struct weft_account_new){.name = "mia"}, NULL),
		==, 0);
	CHECK_INT(weft_account_link_add(world, &local, "mia", 0, secret), ==, 0);
	CHECK_INT(weft_account_link_look(world, &call, secret, &link), ==, 0);
	CHECK_STR(link.user.name, "mia");
	CHECK(link.is_invitation);
	CHECK_INT(link.expires_s, ==, world_now + 3 * 24 * 3600);
	CHECK_FAULT(weft_account_link_use(world, &call, secret, "short"), call,
		WEFT_ACCOUNT_PASSWORD_TOO_SHORT);
	CHECK_INT(weft_account_link_use(world, &call, secret, WORLD_PASSWORD), ==, 0);
	CHECK_FAULT(weft_account_link_use(world, &call, secret, "another good one"), call,
		WEFT_ACCOUNT_REVOKED);
	who = world_login("mia");
	CHECK(!who->user.must_change);
	weft_account_who_free(who);
	world_close();
}

CHECK_CASE(a_reset_ends_sessions_and_only_the_newest_link_is_good)
{
	char first[WEFT_ACCOUNT_SECRET_SIZE], second[WEFT_ACCOUNT_SECRET_SIZE],
		session[WEFT_ACCOUNT_SECRET_SIZE];
	struct weft_account_call call = world_from("192.0.2.1");
	struct weft_account_link link;

	world_open();
	world_add("mia", NULL);
	begin("mia", session);
	CHECK_INT(weft_account_link_add(world, &local, "mia", 3600, first), ==, 0);
	CHECK_INT(weft_account_link_add(world, &local, "mia", 3600, second), ==, 0);
	CHECK_FAULT(weft_account_link_look(world, &call, first, &link), call, WEFT_ACCOUNT_REVOKED);
	weft_account_who_free(world_login("mia")); /* the old one is good until it is used */
	CHECK_INT(weft_account_link_use(world, &call, second, "another good one"), ==, 0);
	CHECK_FAULT(check_session(&call, session), call, WEFT_ACCOUNT_REVOKED);
	CHECK_INT(weft_account_link_add(world, &local, "mia", 3600, first), ==, 0);
	world_now += 3600;
	CHECK_FAULT(weft_account_link_use(world, &call, first, "another good one"), call,
		WEFT_ACCOUNT_EXPIRED);
	CHECK_FAULT(weft_account_link_add(world, &local, "mia", (int64_t)31 * 24 * 3600, first),
		local, WEFT_ACCOUNT_BAD_NUMBER);
	world_close();
}

/* ---- At rest
 * ------------------------------------------------------------------------------------- */

static bool holds(const char *path, const char *text)
{
	char *data;
	ssize_t len = weft_file_read_all(place(path), 64 << 20, &data);
	bool found;

	CHECK(len >= 0);
	found = memmem(data, (size_t)len, text, strlen(text)) != NULL;
	free(data);
	return found;
}

CHECK_CASE(no_secret_can_be_read_in_the_files)
{
	char secrets[3][WEFT_ACCOUNT_SECRET_SIZE];

	world_open();
	world_add("mia", NULL);
	begin("mia", secrets[0]);
	CHECK_INT(weft_account_token_add(world, &local, "mia",
			  &(struct weft_account_token){.rights = 1}, secrets[1]),
		==, 0);
	CHECK_INT(weft_account_link_add(world, &local, "mia", 0, secrets[2]), ==, 0);
	CHECK(holds("state/accounts.db-wal", "mia"));
	for (int i = 0; i < 3; i++) {
		CHECK(!holds("state/accounts.db-wal", secrets[i] + 7));
		CHECK(!holds("state/accounts.db", secrets[i] + 7));
	}
	CHECK(!holds("state/accounts.db-wal", WORLD_PASSWORD));
	world_close();
	for (int i = 0; i < 3; i++)
		CHECK(!holds("state/accounts.db", secrets[i] + 7));
}

CHECK_MAIN()
