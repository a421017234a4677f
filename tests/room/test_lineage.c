/*
 * test_lineage.c - a database that was put back from a backup is told from the one that was here
 * last: its rooms have another epoch then, so that who remembers a number gets all anew; and one
 * that was only closed, or whose process was killed, is the same.
 */
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "room/world.h"
#include "weft/file.h"

/* ---- Copies --------------------------------------------------------------------------------- */

/* While it is open, as docs/running-a-hub.md says it is done. */
static void back_up(const char *name)
{
	char sql[256];
	sqlite3 *db;

	snprintf(sql, sizeof sql, "VACUUM INTO '%s'", place(name));
	CHECK_INT(sqlite3_open(place("state/chat.db"), &db), ==, SQLITE_OK);
	CHECK_INT(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
	CHECK_INT(sqlite3_close(db), ==, SQLITE_OK);
}

static void put_back(const char *name, bool removes_all)
{
	char *bytes;
	FILE *file;
	ssize_t len = weft_file_read_all(place(name), 1 << 24, &bytes);

	CHECK(len > 0);
	unlink(place("state/chat.db-wal"));
	unlink(place("state/chat.db-shm"));
	if (removes_all) {
		CHECK_INT(unlink(place("state/chat.db")), ==, 0);
		CHECK_INT(unlink(place("state/chat.db-last")), ==, 0);
		CHECK_INT(unlink(place("state/chat.db-lock")), ==, 0);
	}
	file = fopen(place("state/chat.db"), "w"); /* where it is there, in its place: cp(1) */
	CHECK(file != NULL);
	CHECK_INT(fwrite(bytes, 1, (size_t)len, file), ==, len);
	CHECK_INT(fclose(file), ==, 0);
	CHECK_INT(chmod(place("state/chat.db"), 0600), ==, 0);
	free(bytes);
}

/* ---- Talking -------------------------------------------------------------------------------- */

/* mia says so many, and goes. *ret_at: what she remembers. */
static void say_some(unsigned count, struct weft_room_join_options *ret_at)
{
	struct weft_room_client *mia = world_in_lobby(world_account(1, "mia"));
	struct weft_room_facts facts;

	for (unsigned i = 0; i < count; i++)
		world_say(mia, "lobby", "so");
	CHECK_INT(weft_room_join(mia, "lobby", NULL, &facts), ==, 0);
	weft_room_exit(mia);
	*ret_at = (struct weft_room_join_options){
		.resumes = true, .epoch = facts.epoch, .after = facts.last};
}

/* What she is sent who goes on there, and whether it is the log that she knows. */
static bool goes_on(const struct weft_room_join_options *at, unsigned *ret_messages)
{
	struct weft_room_client *bob = world_enter(world_account(2, "bob"));
	struct weft_room_facts facts;
	const char *text;

	CHECK_INT(weft_room_join(bob, "lobby", at, &facts), ==, 0);
	*ret_messages = 0;
	for (text = world_taken(bob); (text = strstr(text, "message lobby")); text++)
		++*ret_messages;
	weft_room_exit(bob);
	return facts.epoch == at->epoch;
}

static void check_begins_anew(const struct weft_room_join_options *at, unsigned messages)
{
	unsigned heard;

	world_open();
	CHECK(!goes_on(at, &heard));
	CHECK_INT(heard, ==, messages);
	world_close();
	world_open(); /* and it is the one that is here now */
	say_some(0, &(struct weft_room_join_options){.after = 0});
	world_close();
}

BOTH_CASE(rooms_that_were_closed_go_on)
{
	struct weft_room_join_options at;
	unsigned heard;

	world_open();
	say_some(3, &at);
	world_close();
	for (int round = 0; round < 2; round++) {
		world_open();
		CHECK(goes_on(&at, &heard));
		CHECK_INT(heard, ==, 0);
		world_close();
	}
}

BOTH_CASE(a_backup_of_this_run_is_told_from_what_was_here_last)
{
	struct weft_room_join_options at, then;

	for (int removes_all = 0; removes_all < 2; removes_all++) {
		world_open();
		say_some(2, &then);
		back_up("copy");
		say_some(2, &at);
		world_close();
		put_back("copy", removes_all);
		/* Who was there later, and who had just what the backup has. */
		check_begins_anew(removes_all ? &then : &at, removes_all ? 4 : 2);
		CHECK_INT(unlink(place("copy")), ==, 0);
	}
}

BOTH_CASE(an_older_backup_is_told_although_it_has_more)
{
	struct weft_room_join_options at, then;

	world_open();
	say_some(1, &then);
	back_up("old");
	say_some(9, &then);
	back_up("young");
	world_close();
	put_back("old", false);
	check_begins_anew(&then, 1);
	world_open();
	say_some(2, &at);
	world_close();
	put_back("young", false);
	check_begins_anew(&at, 10);
	world_open();
	CHECK(!goes_on(&then, &(unsigned){0}));
	world_close();
}

BOTH_CASE(what_was_said_in_rooms_that_are_gone_counts)
{
	const struct weft_room_change make = {.action = WEFT_ROOM_MAKE, .room = "attic"};
	const struct weft_room_change removal = {.action = WEFT_ROOM_REMOVE, .room = "attic"};
	struct weft_room_person who = world_account(1, "mia");
	struct weft_room_client *mia;
	struct weft_room_join_options at;

	world_open();
	who.moderates = true;
	mia = world_enter(who);
	CHECK_INT(weft_room_change(mia, &make), ==, 0);
	CHECK_INT(weft_room_join(mia, "attic", NULL, NULL), ==, 0);
	for (int i = 0; i < 9; i++)
		world_say(mia, "attic", "so");
	back_up("copy");
	CHECK_INT(weft_room_change(mia, &removal), ==, 0);
	weft_room_exit(mia);
	say_some(2, &at);
	world_close();
	put_back("copy", false);
	check_begins_anew(&at, 0);
}

/* ---- Kills ---------------------------------------------------------------------------------- */

struct shared {
	struct weft_room_join_options at;
	_Atomic int is_there;
};

static void kill_after(unsigned count, struct shared *shared)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		world_open();
		say_some(count, &shared->at);
		if (count == 2)
			back_up("copy");
		if (count == 2)
			say_some(2, &shared->at);
		raise(SIGKILL);
		_exit(1);
	}
	CHECK_INT(waitpid(pid, &status, 0), ==, pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

CHECK_CASE(rooms_of_who_was_killed_go_on_and_their_backup_does_not)
{
	struct shared *shared = mmap(
		NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned heard;

	CHECK(shared != MAP_FAILED);
	place_make();
	for (int round = 0; round < 3; round++) {
		kill_after(5, shared);
		world_open();
		CHECK(goes_on(&shared->at, &heard));
		CHECK_INT(heard, ==, 0);
		world_close();
	}
	kill_after(2, shared);
	put_back("copy", false);
	check_begins_anew(&shared->at, 17);
}

CHECK_MAIN()
