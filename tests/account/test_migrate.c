/*
 * test_migrate.c - a database as each version of weft has left it is brought to today's form, with
 * all that is in it; tests/account/schemas/N.sql are those databases.
 *
 * A new version: a step in schema.c, its database (sqlite3 accounts.db .dump, and the two pragmas)
 * as a file there, and nothing here.
 */
#include <libgen.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "account/schema.h"
#include "account/world.h"
#include "weft/file.h"

/* The file beside this source, wherever the test runs from the root of the tree. */
static char *read_schema(int version)
{
	char path[128], *sql;

	snprintf(path, sizeof path, "tests/account/schemas/%d.sql", version);
	CHECK(weft_file_read_all(path, 1 << 20, &sql) > 0);
	return sql;
}

static void make_old(int version)
{
	char *sql = read_schema(version);
	sqlite3 *db;

	CHECK(mkdir(place("state"), 0700) == 0 || errno == EEXIST);
	CHECK_INT(sqlite3_open(place("state/accounts.db"), &db), ==, SQLITE_OK);
	CHECK_INT(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
	CHECK_INT(sqlite3_close(db), ==, SQLITE_OK);
	free(sql);
}

static void check_users(void)
{
	struct weft_account_user user;

	CHECK_INT(weft_account_get(world, &local, "ann", &user), ==, 0);
	CHECK_STR(user.role, "admin");
	CHECK_INT(user.used_bytes, ==, 12);
	CHECK_INT(user.seen_s, ==, 1750000000);
	CHECK_INT(weft_account_get(world, &local, "zo\xc3\xab", &user), ==, 0);
	CHECK_STR(user.home, "people/zo\xc3\xab");
	CHECK_STR(user.role, "steward");
	CHECK_INT(user.state, ==, WEFT_ACCOUNT_IS_LOCKED);
	CHECK(user.must_change);
	CHECK_INT(user.quota_bytes, ==, 1048576);
	CHECK_INT(weft_account_get(world, &local, "bob", &user), ==, 0);
	CHECK_INT(user.state, ==, WEFT_ACCOUNT_IS_REMOVED);
}

static void check_the_rest(void)
{
	struct weft_account_events events;
	struct weft_account_tokens tokens;
	struct weft_account_groups groups;
	struct weft_account_grants grants;
	struct weft_account_who *who;

	who = world_login("ann"); /* which writes in every table that came later */
	CHECK_INT(weft_account_rights(who, "x"), ==, 63);
	CHECK_INT(weft_account_files_reserve(who, 1), ==, 0);
	weft_account_who_free(who);
	CHECK_INT(weft_account_tokens(world, &local, "ann", &tokens), ==, 0);
	CHECK_INT(tokens.count, ==, 1);
	CHECK_STR(tokens.tokens[0].folder, "a/b");
	weft_account_tokens_fini(&tokens);
	CHECK_INT(weft_account_groups(world, &local, "zo\xc3\xab", &groups), ==, 0);
	CHECK_INT(groups.count, ==, 1);
	weft_account_groups_fini(&groups);
	CHECK_INT(weft_account_grants(world, &local, "looms", &grants), ==, 0);
	CHECK_INT(grants.count, ==, 2);
	weft_account_grants_fini(&grants);
	CHECK_INT(weft_account_audit(world, &local,
			  &(struct weft_account_audit_query){.until_s = 1700000001}, &events),
		==, 0);
	CHECK_INT(events.count, ==, 2);
	weft_account_events_fini(&events);
	/* A number that was given once is given to nobody else. */
	CHECK_INT(weft_account_remove(world, &local, "bob", true), ==, 0);
	world_add("bob", NULL);
	CHECK_INT(weft_account_get(world, &local, "bob", &(struct weft_account_user){0}), ==, 0);
}

CHECK_CASE(every_old_database_is_brought_to_todays_form)
{
	struct weft_accounts_facts facts;

	for (int version = 1; version <= WEFT__SCHEMA_VERSION; version++) {
		printf("# from %d\n", version);
		make_old(version);
		for (int round = 0; round < 2; round++) {
			world_open();
			CHECK_INT(weft_accounts_facts(world, &facts), ==, 0);
			CHECK_INT(facts.schema, ==, WEFT__SCHEMA_VERSION);
			check_users();
			if (round == 1)
				check_the_rest();
			world_close();
		}
		place_end();
		CHECK_INT(mkdir(place_dir, 0700), ==, 0);
	}
}

/* All that defines the database: as one text. */
static char *schema_of(const char *path)
{
	static const char sql[] = "SELECT group_concat(coalesce(sql, ''), ';') FROM"
				  " (SELECT sql FROM sqlite_schema ORDER BY type, name)";
	sqlite3_stmt *statement;
	sqlite3 *db;
	char *text;

	CHECK_INT(sqlite3_open(path, &db), ==, SQLITE_OK);
	CHECK_INT(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), ==, SQLITE_OK);
	CHECK_INT(sqlite3_step(statement), ==, SQLITE_ROW);
	text = strdup((const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return text;
}

CHECK_CASE(an_old_database_ends_in_the_same_form_as_a_new_one)
{
	char *today, *other;

	world_open();
	world_close();
	today = schema_of(place("state/accounts.db"));
	for (int version = 1; version < WEFT__SCHEMA_VERSION; version++) {
		place_end();
		CHECK_INT(mkdir(place_dir, 0700), ==, 0);
		make_old(version);
		world_open();
		world_close();
		other = schema_of(place("state/accounts.db"));
		CHECK_STR(other, today);
		free(other);
	}
	free(today);
}

CHECK_CASE(a_database_of_a_newer_weft_is_refused_and_not_touched)
{
	struct weft_accounts_options options = {.is_weak = true, .hash_kib = 8, .hash_passes = 1};
	sqlite3 *db;

	make_old(WEFT__SCHEMA_VERSION);
	CHECK_INT(sqlite3_open(place("state/accounts.db"), &db), ==, SQLITE_OK);
	CHECK_INT(sqlite3_exec(db, "PRAGMA user_version=1000", NULL, NULL, NULL), ==, SQLITE_OK);
	sqlite3_close(db);
	options.dir = place("state");
	CHECK_ERRNO(weft_accounts_open(&options), ENOTSUP);
}

CHECK_CASE(a_database_of_another_program_is_refused)
{
	struct weft_accounts_options options = {.is_weak = true, .hash_kib = 8, .hash_passes = 1};
	sqlite3 *db;

	CHECK_INT(mkdir(place("state"), 0700), ==, 0);
	CHECK_INT(sqlite3_open(place("state/accounts.db"), &db), ==, SQLITE_OK);
	CHECK_INT(sqlite3_exec(db, "CREATE TABLE recipes (name TEXT)", NULL, NULL, NULL), ==,
		SQLITE_OK);
	sqlite3_close(db);
	options.dir = place("state");
	CHECK_ERRNO(weft_accounts_open(&options), EBADMSG);
}

CHECK_MAIN()
