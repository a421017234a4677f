/*
 * test_migrate.c - a database as each version of weft has left it is brought to today's form, with
 * all that is in it; tests/room/schemas/N.sql are those databases.
 *
 * A new version: a step in schema.c, its database (sqlite3 chat.db .dump, and the two pragmas) as a
 * file there, and nothing here.
 */
#include <sqlite3.h>
#include <sys/stat.h>

#include "room/schema.h"
#include "room/world.h"
#include "weft/file.h"

static void make_old(int version)
{
	char path[128], *sql;
	sqlite3 *db;

	snprintf(path, sizeof path, "tests/room/schemas/%d.sql", version);
	CHECK(weft_file_read_all(path, 1 << 20, &sql) > 0);
	CHECK(mkdir(place("state"), 0700) == 0 || errno == EEXIST);
	CHECK_INT(sqlite3_open(place("state/chat.db"), &db), ==, SQLITE_OK);
	CHECK_INT(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
	CHECK_INT(sqlite3_close(db), ==, SQLITE_OK);
	free(sql);
}

static int hear(const struct weft_room_event *event, void *arg)
{
	char *text = arg;
	size_t len = strlen(text);

	return world_write(event, text + len, 1024 - len) > 0 ? 0 : -1;
}

static void check_all(struct weft_room_client *mia, struct weft_room_client *bob)
{
	char text[1024] = "";
	struct weft_room_facts facts;
	struct weft_room_search search = {.text = "first"};
	uint64_t seq = 0;

	CHECK_TAKES(bob, "entered @bob+mia bob 2\n");
	CHECK_INT(weft_room_history(bob, "lobby", NULL, hear, text), ==, 0);
	CHECK_STR(text, "message lobby 1 mia: the first\nmessage lobby 2 gus: \n"
			"deleted lobby 3 server: 2\ntopic lobby 4 server: looms\n"
			"notice lobby 5 server: gus is banned\n");
	text[0] = '\0';
	CHECK_INT(weft_room_search(bob, &search, hear, text), ==, 0);
	CHECK_STR(text, "message lobby 1 mia: the first\n");
	CHECK_INT(weft_room_join(bob, "cellar", NULL, &facts), ==, 0);
	CHECK_STR(facts.name, "Cellar");
	CHECK_STR(facts.topic, "wine");
	CHECK(facts.is_private && !facts.may_moderate);
	CHECK_INT(weft_room_join(mia, "cellar", NULL, &facts), ==, 0);
	CHECK(facts.may_moderate);
	CHECK_INT(weft_room_join(bob, "lobby", NULL, &facts), ==, 0);
	CHECK_INT(facts.read, ==, 3);
	CHECK_INT(facts.slow_ns, ==, 1);
	CHECK_INT(weft_room_join(mia, "lobby", NULL, NULL), ==, 0);
	CHECK_INT(
		weft_room_say(mia, "lobby",
			&(struct weft_room_post){.id = "one", .text = "the first", .len = 9}, &seq),
		==, 0);
	CHECK_INT(seq, ==, 1);
}

CHECK_CASE(every_old_database_is_brought_to_todays_form)
{
	struct weft_room_client *mia, *bob, *gus;

	for (int version = 1; version <= WEFT__ROOM_SCHEMA_VERSION; version++) {
		printf("# from %d\n", version);
		make_old(version);
		for (int round = 0; round < 2; round++) {
			world_open();
			mia = world_enter(world_account(1, "mia"));
			bob = world_enter(world_account(2, "bob"));
			gus = world_enter(world_guest("gustav", "192.0.2.7"));
			check_all(mia, bob);
			CHECK_FAULT(
				weft_room_join(gus, "lobby", NULL, NULL), gus, WEFT_ROOM_BANNED);
			weft_room_exit(gus);
			weft_room_exit(bob);
			weft_room_exit(mia);
			world_close();
		}
		place_end();
		CHECK_INT(mkdir(place_dir, 0700), ==, 0);
	}
}

CHECK_CASE(a_database_of_a_newer_weft_is_refused)
{
	struct weft_rooms_options options = {.dir = place("state")};
	sqlite3 *db;

	make_old(WEFT__ROOM_SCHEMA_VERSION);
	CHECK_INT(sqlite3_open(place("state/chat.db"), &db), ==, SQLITE_OK);
	CHECK_INT(sqlite3_exec(db, "PRAGMA user_version=1000", NULL, NULL, NULL), ==, SQLITE_OK);
	sqlite3_close(db);
	CHECK_ERRNO(weft_rooms_open(&options), ENOTSUP);
}

CHECK_MAIN()
