/*
 * test_rights.c - who may what in which folder; and how many bytes she may keep there.
 *
 * check: tsan
 */
#include <sys/wait.h>

#include "account/rules.h"
#include "account/world.h"
#include "weft/scope.h"

/* ---- The rule ------------------------------------------------------------------------------- */

CHECK_CASE(the_nearest_folder_decides_and_there_the_person_before_groups_before_the_role)
{
	struct weft__rule rules[] = {
		{"", 0, 1, 3},      /* role */
		{"a", 1, 1, 7},     /* role */
		{"a/b", 3, 2, 8},   /* two groups */
		{"a/b", 3, 2, 16},  /* */
		{"a/b", 3, 1, 63},  /* role */
		{"a/b/c", 5, 3, 0}, /* her own: nothing */
		{"a/b/c", 5, 2, 63},
		{"x", 1, 3, 1},
		{"x/y", 3, 1, 32},
	};
	static const struct {
		const char *path;
		unsigned rights;
	} table[] = {{"", 3}, {"z", 3}, {"a", 7}, {"a/z", 7}, {"ab", 3}, {"a/b", 24}, {"a/b/z", 24},
		{"a/bz", 7}, {"a/b/c", 0}, {"a/b/c/d/e", 0}, {"x", 1}, {"x/z", 1}, {"x/y", 32},
		{"x/y/z", 32}};
	enum { COUNT = sizeof rules / sizeof rules[0] };

	/* In any order of the grants. */
	for (size_t turn = 0; turn < COUNT; turn++) {
		struct weft__rule first = rules[0];

		for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
			CHECK_INT(weft__rules_at(rules, COUNT, table[i].path), ==, table[i].rights);
		memmove(rules, rules + 1, (COUNT - 1) * sizeof rules[0]);
		rules[COUNT - 1] = first;
	}
	CHECK_INT(weft__rules_at(NULL, 0, "a"), ==, 0);
}

static void grant(
	enum weft_account_subject to, const char *subject, const char *folder, unsigned rights)
{
	struct weft_account_grant one = {.to = to, .rights = rights};

	snprintf(one.subject, sizeof one.subject, "%s", subject);
	snprintf(one.folder, sizeof one.folder, "%s", folder);
	CHECK_INT(weft_account_grant(world, &local, &one), ==, 0);
}

static unsigned rights_of(const char *name, const char *path)
{
	struct weft_account_who *who = world_login(name);
	unsigned rights = weft_account_files_rights_at(who, path);

	weft_account_who_free(who);
	return rights;
}

CHECK_CASE(grants_of_the_database_count)
{
	struct weft_account_grants grants;

	world_open();
	world_add("mia", "member");
	world_add("gus", "guest");
	CHECK_INT(rights_of("mia", "any"), ==, 31);
	CHECK_INT(rights_of("gus", "any"), ==, WEFT_ACCOUNT_READ | WEFT_ACCOUNT_LIST);
	CHECK_INT(weft_account_group_add(world, &local, "weavers"), ==, 0);
	grant(WEFT_ACCOUNT_TO_GROUP, "weavers", "looms", 31);
	grant(WEFT_ACCOUNT_TO_ROLE, "guest", "looms", 0);
	CHECK_INT(rights_of("gus", "looms/1"), ==, 0);
	CHECK_INT(weft_account_group_join(world, &local, "weavers", "gus"), ==, 0);
	CHECK_INT(weft_account_group_join(world, &local, "weavers", "gus"), ==, 0);
	CHECK_INT(rights_of("gus", "looms/1"), ==, 31);
	grant(WEFT_ACCOUNT_TO_USER, "gus", "looms", 1);
	grant(WEFT_ACCOUNT_TO_USER, "gus", "looms", 2); /* anew */
	CHECK_INT(rights_of("gus", "looms/1"), ==, 2);
	CHECK_INT(weft_account_grants(world, &local, "looms", &grants), ==, 0);
	CHECK_INT(grants.count, ==, 3);
	CHECK_STR(grants.grants[0].subject, "gus");
	CHECK_INT(grants.grants[0].rights, ==, 2);
	CHECK_INT(weft_account_grant_remove(world, &local, &grants.grants[0]), ==, 0);
	CHECK_ERRNO(weft_account_grant_remove(world, &local, &grants.grants[0]), ENOENT);
	weft_account_grants_fini(&grants);
	CHECK_INT(rights_of("gus", "looms/1"), ==, 31);
	CHECK_INT(weft_account_group_leave(world, &local, "weavers", "gus"), ==, 0);
	CHECK_INT(rights_of("gus", "looms/1"), ==, 0);
	CHECK_INT(weft_account_group_remove(world, &local, "weavers"), ==, 0);
	world_close();
}

#define COMPOSED   "caf\xc3\xa9"
#define DECOMPOSED "cafe\xcc\x81"

CHECK_CASE(a_grant_is_for_the_folder_that_reads_so_however_its_letters_are_composed)
{
	struct weft_account_grant grant = {.to = WEFT_ACCOUNT_TO_USER,
		.subject = "mia",
		.folder = DECOMPOSED "/" COMPOSED,
		.rights = 0};
	struct weft_account_token token = {
		.label = "t", .rights = WEFT_ACCOUNT_ALL_RIGHTS, .folder = DECOMPOSED};
	char secret[WEFT_ACCOUNT_SECRET_SIZE];
	struct weft_account_call call = world_from(NULL);
	struct weft_account_grants grants;
	struct weft_account_who *who;

	world_open();
	world_add("mia", NULL);
	CHECK_INT(weft_account_grant(world, &local, &grant), ==, 0);
	grant.rights = WEFT_ACCOUNT_READ;
	memcpy(grant.folder, COMPOSED "/" DECOMPOSED, sizeof(COMPOSED "/" DECOMPOSED));
	CHECK_INT(weft_account_grant(world, &local, &grant), ==, 0); /* the same one */
	CHECK_INT(weft_account_grants(world, &local, DECOMPOSED "/" DECOMPOSED, &grants), ==, 0);
	CHECK_INT(grants.count, ==, 1);
	CHECK_STR(grants.grants[0].folder, COMPOSED "/" COMPOSED);
	weft_account_grants_fini(&grants);
	who = world_login("mia");
	CHECK_INT(weft_account_rights(who, COMPOSED "/" COMPOSED), ==, WEFT_ACCOUNT_READ);
	CHECK_INT(weft_account_rights(who, DECOMPOSED "/" DECOMPOSED "/a"), ==, WEFT_ACCOUNT_READ);
	/* What is no UTF-8 further down leads past no grant. */
	CHECK_INT(weft_account_rights(who, DECOMPOSED "/" COMPOSED "/\xff\xfe"), ==,
		WEFT_ACCOUNT_READ);
	CHECK_INT(weft_account_rights(who, "cafe/" COMPOSED), ==, 31);
	CHECK_INT(weft_account_rights(who, COMPOSED), ==, 31);
	weft_account_who_free(who);
	CHECK_INT(weft_account_token_add(world, &local, "mia", &token, secret), ==, 0);
	CHECK_INT(weft_account_token_check(world, &call, secret, &who), ==, 0);
	CHECK_INT(weft_account_rights(who, COMPOSED "/a"), ==, 31);
	CHECK_INT(weft_account_rights(who, "cafe"), ==, 0);
	weft_account_who_free(who);
	CHECK_INT(weft_account_grant_remove(world, &local, &grant), ==, 0);
	CHECK_ERRNO(weft_account_grant_remove(world, &local, &grant), ENOENT);
	world_close();
}

CHECK_CASE(who_manages_a_folder_grants_there_what_she_has_there)
{
	struct weft_account_grant one = {
		.to = WEFT_ACCOUNT_TO_ROLE, .subject = "guest", .folder = "looms/1", .rights = 7};
	char secret[WEFT_ACCOUNT_SECRET_SIZE];
	struct weft_account_grants grants;
	struct weft_account_who *who;
	struct weft_account_call as;

	world_open();
	world_add("mia", "member");
	who = world_login("mia");
	as = world_as(who);
	CHECK_FAULT(weft_account_grant(world, &as, &one), as, WEFT_ACCOUNT_NOT_ALLOWED);
	grant(WEFT_ACCOUNT_TO_USER, "mia", "looms", WEFT_ACCOUNT_MANAGE_FOLDER | 7);
	CHECK_INT(weft_account_grant(world, &as, &one), ==, 0);
	one.rights = 8;
	CHECK_FAULT(weft_account_grant(world, &as, &one), as, WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_INT(weft_account_grants(world, &as, "looms/1", &grants), ==, 0);
	CHECK_INT(grants.count, ==, 1);
	weft_account_grants_fini(&grants);
	CHECK_INT(weft_account_grant_remove(world, &as, &one), ==, 0);
	CHECK_FAULT(weft_account_grants(world, &as, NULL, &grants), as, WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_FAULT(weft_account_grants(world, &as, "", &grants), as, WEFT_ACCOUNT_NOT_ALLOWED);
	one.rights = 7;
	snprintf(one.folder, sizeof one.folder, "%s", "loom");
	CHECK_FAULT(weft_account_grant(world, &as, &one), as, WEFT_ACCOUNT_NOT_ALLOWED);
	/* Nor by a token, whatever its scope. */
	CHECK_INT(weft_account_token_add(
			  world, &as, "mia", &(struct weft_account_token){.rights = 63}, secret),
		==, 0);
	weft_account_who_free(who);
	as = world_as(NULL);
	CHECK_INT(weft_account_token_check(world, &as, secret, &who), ==, 0);
	as = world_as(who);
	snprintf(one.folder, sizeof one.folder, "%s", "looms/1");
	CHECK_FAULT(weft_account_grant(world, &as, &one), as, WEFT_ACCOUNT_NOT_ALLOWED);
	weft_account_who_free(who);
	world_close();
}

CHECK_CASE(who_manages_a_folder_takes_no_bound_away_that_lets_somebody_do_more_than_she_may)
{
	struct weft_account_grant grant = {.to = WEFT_ACCOUNT_TO_USER,
		.subject = "mia",
		.folder = "f",
		.rights = WEFT_ACCOUNT_READ | WEFT_ACCOUNT_MANAGE_FOLDER};
	struct weft_account_call as;
	struct weft_account_who *who;

	world_open();
	world_add("mia", NULL);
	world_add("ben", NULL);
	CHECK_INT(weft_account_grant(world, &local, &grant), ==, 0);
	who = world_login("mia");
	as = world_as(who);
	/* By her role she might write there, as elsewhere. */
	CHECK_FAULT(weft_account_grant_remove(world, &as, &grant), as, WEFT_ACCOUNT_NOT_ALLOWED);
	grant = (struct weft_account_grant){
		.to = WEFT_ACCOUNT_TO_USER, .subject = "ben", .folder = "f", .rights = 0};
	CHECK_INT(weft_account_grant(world, &local, &grant), ==, 0);
	CHECK_FAULT(weft_account_grant_remove(world, &as, &grant), as, WEFT_ACCOUNT_NOT_ALLOWED);
	grant = (struct weft_account_grant){
		.to = WEFT_ACCOUNT_TO_ROLE, .subject = "member", .folder = "f", .rights = 0};
	CHECK_INT(weft_account_grant(world, &local, &grant), ==, 0);
	/* Now ben falls back to nothing. */
	memcpy(grant.subject, "ben", 4);
	grant.to = WEFT_ACCOUNT_TO_USER;
	CHECK_INT(weft_account_grant_remove(world, &as, &grant), ==, 0);
	memcpy(grant.subject, "member", 7);
	grant.to = WEFT_ACCOUNT_TO_ROLE;
	CHECK_FAULT(weft_account_grant_remove(world, &as, &grant), as, WEFT_ACCOUNT_NOT_ALLOWED);
	weft_account_who_free(who);
	world_close();
}

CHECK_CASE(an_odd_path_gives_no_right)
{
	static const char *const paths[] = {"a/../b", "..", ".", "/", "/a", "a/", "a//b", "./a"};
	struct weft_account_who *who;

	world_open();
	world_add("ann", "admin");
	who = world_login("ann");
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
		CHECK_INT(weft_account_rights(who, paths[i]), ==, 0);
	CHECK_INT(weft_account_rights(who, "a/..b/.c"), ==, 63);
	weft_account_who_free(who);
	world_close();
}

CHECK_CASE(a_stranger_may_nothing_until_it_is_granted)
{
	struct weft_account_who *who, *again;

	world_open();
	CHECK_INT(weft_account_stranger(world, &who), ==, 0);
	CHECK_INT(who->user.id, ==, 0);
	CHECK_INT(weft_account_rights(who, ""), ==, 0);
	grant(WEFT_ACCOUNT_TO_ROLE, "stranger", "public", 3);
	CHECK_INT(weft_account_who_refresh(who, &again), ==, 0);
	CHECK_INT(weft_account_rights(again, "public/x"), ==, 3);
	CHECK_INT(weft_account_rights(again, "x"), ==, 0);
	CHECK_INT(weft_account_rights(who, "public/x"), ==, 0); /* the old picture */
	weft_account_who_free(again);
	weft_account_who_free(who);
	CHECK_FAULT(weft_account_add(world, &local,
			    &(struct weft_account_new){.name = "eve", .role = "stranger"}, NULL),
		local, WEFT_ACCOUNT_ROLE_UNKNOWN);
	world_close();
}

CHECK_CASE(roles_come_and_go_but_for_those_in_use)
{
	struct weft_account_roles roles;

	world_open();
	CHECK_INT(weft_account_role_put(world, &local,
			  &(struct weft_account_role){
				  .name = "Steward", .powers = WEFT_ACCOUNT_MODERATES}),
		==, 0);
	CHECK_INT(weft_account_roles(world, &local, &roles), ==, 0);
	CHECK_INT(roles.count, ==, 5);
	CHECK_STR(roles.roles[3].name, "steward");
	weft_account_roles_fini(&roles);
	world_add("mia", "steward");
	CHECK_FAULT(weft_account_role_remove(world, &local, "steward"), local,
		WEFT_ACCOUNT_ROLE_IN_USE);
	CHECK_FAULT(
		weft_account_role_remove(world, &local, "guest"), local, WEFT_ACCOUNT_ROLE_IN_USE);
	CHECK_FAULT(
		weft_account_role_put(world, &local, &(struct weft_account_role){.name = "admin"}),
		local, WEFT_ACCOUNT_ROLE_IN_USE);
	CHECK_FAULT(weft_account_role_put(world, &local,
			    &(struct weft_account_role){.name = "boss", .powers = 32}),
		local, WEFT_ACCOUNT_BAD_NUMBER);
	CHECK_INT(weft_account_remove(world, &local, "mia", true), ==, 0);
	CHECK_INT(weft_account_role_remove(world, &local, "steward"), ==, 0);
	CHECK_FAULT(weft_account_role_remove(world, &local, "steward"), local,
		WEFT_ACCOUNT_ROLE_UNKNOWN);
	world_close();
}

CHECK_CASE(one_subject_has_a_bounded_number_of_grants)
{
	struct weft_account_grant one = {.to = WEFT_ACCOUNT_TO_USER, .subject = "mia", .rights = 1};

	world_open();
	world_add("mia", NULL);
	for (int i = 0; i < 32; i++) {
		snprintf(one.folder, sizeof one.folder, "%d", i);
		CHECK_INT(weft_account_grant(world, &local, &one), ==, 0);
	}
	CHECK_INT(weft_account_grant(world, &local, &one), ==, 0); /* one that is there, anew */
	snprintf(one.folder, sizeof one.folder, "more");
	CHECK_FAULT(weft_account_grant(world, &local, &one), local, WEFT_ACCOUNT_TOO_MANY);
	world_close();
}

/* ---- Quotas --------------------------------------------------------------------------------- */

static struct weft_account_who *with_quota(const char *name, int64_t quota)
{
	CHECK_INT(weft_account_add(world, &local,
			  &(struct weft_account_new){
				  .name = name, .quota_bytes = quota, .password = WORLD_PASSWORD},
			  NULL),
		==, 0);
	return world_login(name);
}

static int64_t used_by(const char *name)
{
	struct weft_account_user user;

	CHECK_INT(weft_account_get(world, &local, name, &user), ==, 0);
	return user.used_bytes;
}

BOTH_CASE(what_is_reserved_and_used_stays_within_the_quota)
{
	struct weft_account_who *who;

	world_open();
	who = with_quota("mia", 100);
	CHECK_INT(weft_account_files_reserve(who, 60), ==, 0);
	CHECK_ERRNO(weft_account_files_reserve(who, 41), EDQUOT);
	CHECK_INT(weft_account_files_reserve(who, 40), ==, 0);
	weft_account_files_settle(who, 60, 50);
	CHECK_INT(used_by("mia"), ==, 50);
	CHECK_ERRNO(weft_account_files_reserve(who, 11), EDQUOT);
	CHECK_INT(weft_account_files_reserve(who, 10), ==, 0);
	weft_account_files_settle(who, 40, 0); /* it failed */
	weft_account_files_settle(who, 10, 10);
	CHECK_INT(used_by("mia"), ==, 60);
	weft_account_files_settle(who, 0, -30); /* removed */
	CHECK_INT(used_by("mia"), ==, 30);
	CHECK_INT(weft_account_files_reserve(who, 70), ==, 0);
	CHECK_ERRNO(weft_account_files_reserve(who, 1), EDQUOT);
	CHECK_ERRNO(weft_account_files_reserve(who, -1), EINVAL);
	weft_account_files_settle(who, 70, -1000); /* never below nothing */
	CHECK_INT(used_by("mia"), ==, 0);
	weft_account_who_free(who);
	world_close();
}

CHECK_CASE(without_a_quota_only_what_is_used_is_counted)
{
	struct weft_account_who *who;

	world_open();
	who = with_quota("mia", 0);
	CHECK_INT(weft_account_files_reserve(who, INT64_MAX), ==, 0);
	weft_account_files_settle(who, INT64_MAX, 5);
	CHECK_INT(used_by("mia"), ==, 5);
	weft_account_who_free(who);
	world_close();
}

CHECK_CASE(what_is_freed_is_credited_to_the_account_that_a_file_tells_and_to_no_other)
{
	struct weft_account_who *who;
	char other[WEFT_ACCOUNT_OWNER_SIZE + 8];

	world_open();
	who = with_quota("mia", 100);
	weft_account_files_settle(who, 0, 80);
	CHECK_INT(who->owner[0], ==, '#'); /* no name begins so */
	weft_account_files_freed(world, who->owner, 30);
	CHECK_INT(used_by("mia"), ==, 50);
	/* The same number in a database that was begun anew; and what is no owner at all. */
	snprintf(other, sizeof other, "#%lld.%lld", (long long)who->user.id,
		(long long)who->user.created_s + 1);
	weft_account_files_freed(world, other, 30);
	snprintf(other, sizeof other, "#%lld.0", (long long)who->user.id);
	weft_account_files_freed(world, other, 30);
	snprintf(other, sizeof other, "%s ", who->owner);
	weft_account_files_freed(world, other, 30);
	snprintf(other, sizeof other, "%.*s", (int)strcspn(who->owner, "."), who->owner);
	weft_account_files_freed(world, other, 30);
	weft_account_files_freed(world, "mia", 30);
	weft_account_files_freed(world, "", 30);
	weft_account_files_freed(world, "#99999999999999999999.1", 30);
	weft_account_files_freed(world, who->owner, -30);
	CHECK_INT(used_by("mia"), ==, 50);
	weft_account_files_freed(world, who->owner, 60); /* never below nothing */
	CHECK_INT(used_by("mia"), ==, 0);
	weft_account_who_free(who);
	world_close();
}

CHECK_CASE(a_recount_sets_right_who_stores_nothing_at_the_moment)
{
	struct weft_account_who *mia, *ben, *zoe;
	struct weft_account_call as_mia;
	struct weft_account_uses uses;

	world_open();
	mia = with_quota("mia", 100);
	ben = with_quota("ben", 100);
	zoe = with_quota("zoe", 0);
	as_mia = world_as(mia);
	CHECK_FAULT(weft_account_uses(world, &as_mia, &uses), as_mia, WEFT_ACCOUNT_NOT_ALLOWED);
	weft_account_files_settle(mia, 0, 10);
	CHECK_INT(weft_account_uses(world, &local, &uses), ==, 0);
	CHECK_INT(uses.count, ==, 3);
	weft_account_uses_add(&uses, mia->owner, 30, false);
	weft_account_uses_add(&uses, mia->owner, 3, false);
	weft_account_uses_add(&uses, ben->owner, 20, false);
	weft_account_uses_add(&uses, zoe->owner, 50, false);
	weft_account_uses_add(&uses, "", 5, false);
	weft_account_uses_add(&uses, "#1.1", 2, false);
	CHECK_INT(uses.others, ==, 7);
	CHECK_INT(weft_account_files_reserve(ben, 1), ==, 0);
	weft_account_files_settle(zoe, 0, 7); /* while it was counted */
	CHECK_FAULT(weft_account_recount(world, &as_mia, &uses), as_mia, WEFT_ACCOUNT_NOT_ALLOWED);
	CHECK_INT(weft_account_recount(world, &local, &uses), ==, 0);
	CHECK(!uses.uses[0].is_busy && uses.uses[1].is_busy && uses.uses[2].is_busy);
	CHECK_INT(used_by("mia"), ==, 33);
	CHECK_INT(used_by("ben"), ==, 0);
	CHECK_INT(used_by("zoe"), ==, 7);
	weft_account_uses_fini(&uses);
	weft_account_who_free(mia);
	weft_account_who_free(ben);
	weft_account_who_free(zoe);
	world_close();
}

CHECK_CASE(a_recount_leaves_what_was_changed_and_changed_back_and_not_what_is_reserved_here)
{
	struct weft_account_who *mia, *ben, *zoe;
	struct weft_account_uses uses;

	world_open();
	mia = with_quota("mia", 100);
	ben = with_quota("ben", 100);
	zoe = with_quota("zoe", 100);
	CHECK_INT(weft_account_uses(world, &local, &uses), ==, 0);
	uses.is_settled = true;
	weft_account_uses_add(&uses, mia->owner, 30, false);
	weft_account_uses_add(&uses, ben->owner, 20, false);
	weft_account_files_settle(mia, 0, 7);
	weft_account_files_settle(mia, 0, -7);
	weft_account_files_settle(zoe, 0, 7); /* found to be what it was said to be */
	CHECK_INT(weft_account_files_reserve(ben, 40), ==, 0);
	CHECK_INT(weft_account_recount(world, &local, &uses), ==, 0);
	CHECK(uses.uses[0].is_busy && !uses.uses[1].is_busy && uses.uses[2].is_busy);
	CHECK_INT(used_by("mia"), ==, 0);
	CHECK_INT(used_by("ben"), ==, 20);
	CHECK_INT(used_by("zoe"), ==, 7);
	weft_account_files_settle(ben, 40, 35);
	CHECK_INT(used_by("ben"), ==, 55);
	weft_account_uses_fini(&uses);
	weft_account_who_free(mia);
	weft_account_who_free(ben);
	weft_account_who_free(zoe);
	world_close();
}

/* ---- Who was killed ------------------------------------------------------------------------- */

static void check_charging(const char *folder, bool is_unsure)
{
	bool found = !is_unsure;

	CHECK_INT(weft_account_charging_begin(world, folder, &found), ==, 0);
	CHECK(found == is_unsure);
}

/* Charges for both folders until it is killed; or ends. */
static pid_t charge_elsewhere(int *ret_fd)
{
	int tells[2];
	char byte;
	pid_t pid;

	CHECK_INT(pipe(tells), ==, 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		world_open();
		check_charging("/srv/a", false);
		check_charging("/srv/b", false);
		CHECK_INT(write(tells[1], "x", 1), ==, 1);
		pause();
	}
	CHECK_INT(read(tells[0], &byte, 1), ==, 1);
	close(tells[0]);
	*ret_fd = tells[1];
	return pid;
}

CHECK_CASE(who_was_killed_while_charging_is_told_until_all_was_counted)
{
	pid_t pid;
	int fd;

	place_make();
	pid = charge_elsewhere(&fd);
	world_open();
	check_charging("/srv/a", false); /* she lives */
	CHECK_INT(weft_account_charging_end(world), ==, 0);
	world_close();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(fd);
	for (int round = 0; round < 2; round++) { /* however often it is begun */
		world_open();
		check_charging("/srv/a", true);
		check_charging("/srv/c", false);
		CHECK_INT(weft_account_charging_end(world), ==, 0);
		world_close();
	}
	world_open();
	check_charging("/srv/a", true);
	CHECK_INT(weft_account_charging_sure(world, "/srv/a"), ==, 0);
	CHECK_INT(weft_account_charging_end(world), ==, 0);
	world_close();
	world_open();
	check_charging("/srv/a", false);
	check_charging("/srv/b", true);
	world_close(); /* without an end: as if it were killed */
	world_open();
	check_charging("/srv/a", true);
	world_close();
}

/* Once it is told to, takes 80 bytes of her quota, tells so, and is killed. */
static void reserve_and_wait(int told, int tells)
{
	struct weft_account_who *who;
	char byte;

	CHECK_INT(read(told, &byte, 1), ==, 1);
	world_open();
	who = world_login("mia");
	CHECK_INT(weft_account_files_reserve(who, 80), ==, 0);
	CHECK_INT(write(tells, "x", 1), ==, 1);
	pause();
}

CHECK_CASE(what_a_killed_process_had_reserved_is_free_again)
{
	struct weft_account_who *who;
	int up[2], down[2];
	char byte;
	pid_t pid;

	place_make();
	CHECK_INT(pipe(up), ==, 0);
	CHECK_INT(pipe(down), ==, 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		reserve_and_wait(down[0], up[1]);
	world_open();
	who = with_quota("mia", 100);
	CHECK_INT(write(down[1], "x", 1), ==, 1);
	CHECK_INT(read(up[0], &byte, 1), ==, 1);
	CHECK_ERRNO(weft_account_files_reserve(who, 30), EDQUOT);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CHECK_INT(weft_account_files_reserve(who, 30), ==, 0);
	CHECK_INT(weft_account_files_reserve(who, 70), ==, 0);
	CHECK_ERRNO(weft_account_files_reserve(who, 1), EDQUOT);
	weft_account_who_free(who);
	world_close();
}

static int settle_cancelled(void *arg)
{
	struct weft_account_who *who = arg;

	WEFT_WITH_TIMEOUT (0) {
		CHECK_ERRNO(weft_account_files_reserve(who, 1), ETIMEDOUT);
		weft_account_files_settle(who, 60, 25);
	}
	return 0;
}

CHECK_CASE(settling_is_done_whatever_the_deadline_says)
{
	struct weft_account_who *who;

	world_open();
	who = with_quota("mia", 100);
	CHECK_INT(weft_account_files_reserve(who, 60), ==, 0);
	CHECK_INT(weft_run(NULL, settle_cancelled, who), ==, 0);
	CHECK_INT(used_by("mia"), ==, 25);
	CHECK_INT(weft_account_files_reserve(who, 75), ==, 0);
	weft_account_who_free(who);
	world_close();
}

/* Ten bytes reserved, of which five are used in the end. */
static int put_one(void *arg)
{
	struct weft_account_who *who = arg;

	CHECK_INT(weft_account_files_reserve(who, 10), ==, 0);
	weft_account_files_settle(who, 10, 5);
	return 0;
}

static int put_many(void *arg)
{
	struct weft_scope scope;

	weft_scope_begin(&scope, WEFT_FOREVER);
	for (int i = 0; i < 100; i++)
		CHECK(weft_scope_spawn(&scope, put_one, arg) != 0);
	CHECK_INT(weft_scope_end(&scope), ==, 0);
	return 0;
}

CHECK_CASE(many_at_once_are_counted_each_once)
{
	struct weft_account_who *who;

	world_open();
	who = with_quota("mia", 1000);
	CHECK_INT(weft_run(NULL, put_many, who), ==, 0);
	CHECK_INT(used_by("mia"), ==, 500);
	CHECK_INT(weft_account_files_reserve(who, 500), ==, 0);
	CHECK_ERRNO(weft_account_files_reserve(who, 1), EDQUOT);
	weft_account_who_free(who);
	world_close();
}

static int reserve_late(void *arg)
{
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_account_files_reserve(arg, 100), ETIMEDOUT);
	return 0;
}

static int reserve_behind_another(void *arg)
{
	struct weft_scope scope;

	/* As if another wrote at this moment. */
	CHECK_INT(weft_lock_acquire(&world->quota.flush), ==, 0);
	weft_scope_begin(&scope, WEFT_FOREVER);
	CHECK(weft_scope_spawn(&scope, reserve_late, arg) != 0);
	CHECK_INT(weft_scope_end(&scope), ==, 0);
	CHECK_INT(weft_lock_release(&world->quota.flush), ==, 0);
	/* What was given up takes nothing. */
	CHECK_INT(weft_account_files_reserve(arg, 100), ==, 0);
	return 0;
}

CHECK_CASE(who_gives_up_while_waiting_has_reserved_nothing)
{
	struct weft_account_who *who;

	world_open();
	who = with_quota("mia", 100);
	CHECK_INT(weft_run(NULL, reserve_behind_another, who), ==, 0);
	weft_account_who_free(who);
	world_close();
}

CHECK_MAIN()
