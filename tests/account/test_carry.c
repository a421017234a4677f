/*
 * test_carry.c - what is moved, copied or taken out of the trash, and the grants, homes and tokens
 * that were for its path.
 */
#include <sys/wait.h>

#include "account/world.h"
#include "weft/files_carry.h"
#include "weft/files_trash.h"

#define SEES  (WEFT_ACCOUNT_READ | WEFT_ACCOUNT_LIST)
#define WORKS (SEES | WEFT_ACCOUNT_WRITE | WEFT_ACCOUNT_REPLACE | WEFT_ACCOUNT_DELETE)

static struct weft_files *house;

/* ---- As a server has it ---------------------------------------------------------------------- */

static int asks(void *arg, const struct weft_files_carry *carry)
{
	(void)arg;
	return weft_account_files_carry_asks(world, carry->from, carry->is_copy);
}

static int begin(void *arg, const struct weft_files_carry *carry, void **ret_state)
{
	const struct weft_account_carry what = {
		carry->visitor->arg, carry->from, carry->to, carry->is_copy};

	(void)arg;
	return weft_account_files_carry_begin(world, &what, ret_state);
}

static void end(void *arg, void *state, enum weft_files_carried how)
{
	(void)arg;
	weft_account_files_carry_end(world, state, (int)how);
}

static const struct weft_files_carrier carrier = {asks, begin, end};
static struct weft_account_who *boss;
static struct weft_files_visitor as_boss;

static void put_file(const char *path)
{
	struct weft_files_put *put = weft_files_put_begin(house, &as_boss, path, NULL);

	CHECK(put != NULL);
	CHECK_INT(weft_files_put_write(put, "text", 4), ==, 0);
	CHECK_INT(weft_files_put_commit(put, NULL), ==, 0);
}

static void begin_house(void)
{
	place_make();
	world_open();
	world_add("ann", "admin");
	world_add("mia", "member");
	world_add("ben", "member");
	CHECK_INT(mkdir(place("share"), 0777), ==, 0);
	house = weft_files_new(place("share"), &(struct weft_files_options){.carrier = &carrier});
	CHECK(house != NULL);
	boss = world_login("ann");
	as_boss = (struct weft_files_visitor){.name = "ann",
		.owner = boss->owner,
		.rights_at = weft_account_files_rights_at,
		.arg = boss};
	CHECK_INT(weft_files_mkdir(house, &as_boss, "board"), ==, 0);
	CHECK_INT(weft_files_mkdir(house, &as_boss, "board/deep"), ==, 0);
	put_file("board/minutes.txt");
	CHECK_INT(weft_files_mkdir(house, &as_boss, "boards"), ==, 0);
}

static void end_house(void)
{
	weft_account_who_free(boss);
	weft_files_free(house);
	world_close();
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
	unsigned rights = weft_account_rights(who, path);

	weft_account_who_free(who);
	return rights;
}

static size_t grants_at(const char *folder)
{
	struct weft_account_grants grants;
	size_t count;

	CHECK_INT(weft_account_grants(world, &local, folder, &grants), ==, 0);
	count = grants.count;
	weft_account_grants_fini(&grants);
	return count;
}

static void set_home(const char *name, const char *home)
{
	struct weft_account_change change = WEFT_ACCOUNT_NO_CHANGE;

	change.home = home;
	CHECK_INT(weft_account_change(world, &local, name, &change, NULL), ==, 0);
}

static void check_home(const char *name, const char *home)
{
	struct weft_account_who *who = world_login(name);

	CHECK_STR(who->user.home, home);
	weft_account_who_free(who);
}

static int move(const char *from, const char *to)
{
	return weft_files_move(
		house, &as_boss, &(struct weft_files_move){.from = from, .to = to}, NULL);
}

/* ---- Moved ----------------------------------------------------------------------------------- */

CHECK_CASE(grants_and_homes_at_and_below_a_folder_go_along_with_it)
{
	const struct weft_account_audit_query query = {.action = "grant.move"};
	struct weft_account_events events;

	begin_house();
	grant(WEFT_ACCOUNT_TO_ROLE, "member", "board", 0);
	grant(WEFT_ACCOUNT_TO_USER, "ben", "board/deep", WORKS);
	grant(WEFT_ACCOUNT_TO_ROLE, "member", "boards", SEES);
	set_home("ben", "board/deep");
	set_home("mia", "boards");
	CHECK_INT(rights_of("mia", "board/minutes.txt"), ==, 0);
	CHECK_INT(move("board", "board-2025"), ==, 0);
	CHECK_INT(rights_of("mia", "board-2025/minutes.txt"), ==, 0);
	CHECK_INT(rights_of("ben", "board-2025/deep/a"), ==, WORKS);
	CHECK_INT(grants_at("board"), ==, 0);
	CHECK_INT(grants_at("board/deep"), ==, 0);
	CHECK_INT(grants_at("boards"), ==, 1);
	check_home("ben", "board-2025/deep");
	check_home("mia", "boards");
	CHECK_INT(weft_account_audit(world, &local, &query, &events), ==, 0);
	CHECK_INT(events.count, ==, 1);
	CHECK_STR(events.events[0].action, "grant.move");
	CHECK_STR(events.events[0].who, "ann");
	CHECK_STR(events.events[0].target, "board");
	CHECK_STR(events.events[0].detail, "board-2025");
	weft_account_events_fini(&events);
	end_house();
}

CHECK_CASE(they_go_along_with_the_folder_above_and_with_names_beyond_ascii)
{
	begin_house();
	CHECK_INT(weft_files_mkdir(house, &as_boss, "\xc3\xa9t\xc3\xa9"), ==, 0);
	CHECK_INT(move("board", "\xc3\xa9t\xc3\xa9/50%_b"), ==, 0);
	/* As somebody typed it: e with an accent of its own. */
	grant(WEFT_ACCOUNT_TO_ROLE, "member", "e\xcc\x81te\xcc\x81/50%_b", 0);
	set_home("ben", "\xc3\xa9t\xc3\xa9/50%_b/deep");
	CHECK_INT(move("\xc3\xa9t\xc3\xa9", "winter"), ==, 0);
	CHECK_INT(rights_of("mia", "winter/50%_b/minutes.txt"), ==, 0);
	check_home("ben", "winter/50%_b/deep");
	CHECK_INT(move("winter/50%_b", "plain"), ==, 0);
	CHECK_INT(rights_of("mia", "plain/minutes.txt"), ==, 0);
	CHECK_INT(grants_at("winter/50%_b"), ==, 0);
	end_house();
}

CHECK_CASE(a_rename_that_fails_leaves_all_as_it_was)
{
	begin_house();
	grant(WEFT_ACCOUNT_TO_ROLE, "member", "board", 0);
	grant(WEFT_ACCOUNT_TO_ROLE, "guest", "board", 0);
	grant(WEFT_ACCOUNT_TO_ROLE, "member", "boards", WORKS);
	set_home("ben", "board");
	errno = 0;
	CHECK_INT(move("board", "boards"), ==, -1);
	CHECK_INT(errno, ==, EEXIST);
	CHECK_INT(move("board", "board/deep/board"), ==, -1);
	CHECK_INT(move("board", "nowhere/board"), ==, -1);
	CHECK_INT(rights_of("mia", "boards"), ==, WORKS);
	CHECK_INT(rights_of("mia", "board"), ==, 0);
	CHECK_INT(grants_at("boards"), ==, 1);
	CHECK_INT(grants_at("nowhere/board"), ==, 0);
	CHECK_INT(grants_at("board/deep/board"), ==, 0);
	check_home("ben", "board");
	end_house();
}

CHECK_CASE(where_a_grant_is_for_the_new_path_what_both_give_is_left)
{
	begin_house();
	grant(WEFT_ACCOUNT_TO_ROLE, "member", "board", WORKS);
	grant(WEFT_ACCOUNT_TO_ROLE, "member", "boards", SEES);
	CHECK_INT(weft_files_move(house, &as_boss,
			  &(struct weft_files_move){
				  .from = "board", .to = "boards", .may_replace = true},
			  NULL),
		==, 0);
	CHECK_INT(rights_of("mia", "boards/minutes.txt"), ==, SEES);
	CHECK_INT(grants_at("board"), ==, 0);
	end_house();
}

/* A process of its own: it begins, and is gone before the end. */
static void begin_and_die(void)
{
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0) {
		void *state = NULL;
		const struct weft_account_carry what = {.from = "board", .to = "free"};

		world_open();
		_exit(weft_account_files_carry_begin(world, &what, &state) == 0 && state ? 0 : 1);
	}
	CHECK_INT(waitpid(child, &status, 0), ==, child);
	CHECK_INT(status, ==, 0);
}

CHECK_CASE(killed_in_between_it_is_closed_at_both_paths_and_can_be_moved_again)
{
	begin_house();
	grant(WEFT_ACCOUNT_TO_ROLE, "member", "board", 0);
	set_home("ben", "board");
	end_house();
	begin_and_die();
	world_open();
	CHECK_INT(rights_of("mia", "board/minutes.txt"), ==, 0);
	CHECK_INT(rights_of("mia", "free/minutes.txt"), ==, 0);
	house = weft_files_new(place("share"), &(struct weft_files_options){.carrier = &carrier});
	CHECK(house != NULL);
	boss = world_login("ann");
	as_boss.owner = boss->owner;
	as_boss.arg = boss;
	CHECK_INT(move("board", "free"), ==, 0);
	CHECK_INT(rights_of("mia", "free/minutes.txt"), ==, 0);
	CHECK_INT(grants_at("board"), ==, 0);
	check_home("ben", "free");
	end_house();
}

CHECK_CASE(what_cannot_go_along_keeps_the_folder_where_it_is)
{
	char folder[64];

	begin_house();
	for (int i = 0; i < 32; i++) {
		snprintf(folder, sizeof folder, "board/%d", i);
		grant(WEFT_ACCOUNT_TO_USER, "mia", folder, 0);
	}
	/* At both for a while, all the same. */
	CHECK_INT(move("board", "other"), ==, 0);
	CHECK_INT(rights_of("mia", "other/31"), ==, 0);
	errno = 0;
	CHECK_INT(weft_files_copy_all(house, &as_boss,
			  &(struct weft_files_move){.from = "other", .to = "third"}, NULL),
		==, -1);
	CHECK_INT(errno, ==, E2BIG);
	CHECK_INT(access(place("share/third"), F_OK), ==, -1);
	CHECK_INT(grants_at("third/31"), ==, 0);
	end_house();
}

/* ---- Copied ---------------------------------------------------------------------------------- */

CHECK_CASE(a_copy_of_what_is_closed_is_closed_and_any_other_is_of_its_place)
{
	begin_house();
	grant(WEFT_ACCOUNT_TO_ROLE, "member", "board", 0);
	grant(WEFT_ACCOUNT_TO_USER, "ben", "board", WORKS);
	grant(WEFT_ACCOUNT_TO_USER, "ben", "boards", WORKS | WEFT_ACCOUNT_MANAGE_FOLDER);
	CHECK_INT(weft_files_copy_all(house, &as_boss,
			  &(struct weft_files_move){.from = "board", .to = "copy"}, NULL),
		==, 0);
	CHECK_INT(rights_of("mia", "copy/minutes.txt"), ==, 0);
	CHECK_INT(rights_of("ben", "copy/minutes.txt"), ==, WORKS);
	CHECK_INT(rights_of("mia", "board/minutes.txt"), ==, 0);
	CHECK_INT(weft_files_copy_all(house, &as_boss,
			  &(struct weft_files_move){.from = "boards", .to = "open"}, NULL),
		==, 0);
	CHECK_INT(grants_at("open"), ==, 0);
	grant(WEFT_ACCOUNT_TO_ROLE, "member", "boards/pay.txt", 0);
	put_file("boards/pay.txt");
	CHECK_INT(
		weft_files_copy(house, &as_boss,
			&(struct weft_files_move){.from = "boards/pay.txt", .to = "pay.txt"}, NULL),
		==, 0);
	CHECK_INT(rights_of("mia", "pay.txt"), ==, 0);
	/* Not made, it closes nothing. */
	CHECK_INT(weft_files_copy_all(house, &as_boss,
			  &(struct weft_files_move){.from = "board", .to = "open"}, NULL),
		==, -1);
	CHECK_INT(grants_at("open"), ==, 0);
	end_house();
}

/* ---- Out of the trash ------------------------------------------------------------------------ */

CHECK_CASE(out_of_the_trash_it_is_as_closed_as_it_was_wherever_it_goes)
{
	char id[WEFT_FILES_TRASH_ID_SIZE];
	struct weft_files_restore restore = {.id = id};

	begin_house();
	CHECK_INT(move("board", "boards/board"), ==, 0);
	grant(WEFT_ACCOUNT_TO_ROLE, "member", "boards/board", 0);
	CHECK_INT(weft_files_trash(house, &as_boss, "boards/board", NULL, id), ==, 0);
	CHECK_INT(weft_files_trash_restore(house, &as_boss, &restore, NULL), ==, 0);
	CHECK_INT(rights_of("mia", "boards/board/minutes.txt"), ==, 0);
	CHECK_INT(weft_files_trash(house, &as_boss, "boards/board", NULL, id), ==, 0);
	restore.to = "out";
	CHECK_INT(weft_files_trash_restore(house, &as_boss, &restore, NULL), ==, 0);
	CHECK_INT(rights_of("mia", "out/minutes.txt"), ==, 0);
	CHECK_INT(grants_at("out"), ==, 1);
	end_house();
}

CHECK_CASE(what_may_come_back_from_the_trash_keeps_its_grants_when_the_folder_above_is_moved)
{
	char id[WEFT_FILES_TRASH_ID_SIZE];

	begin_house();
	CHECK_INT(move("board", "boards/board"), ==, 0);
	grant(WEFT_ACCOUNT_TO_ROLE, "member", "boards/board", 0);
	set_home("ben", "boards/board");
	CHECK_INT(weft_files_trash(house, &as_boss, "boards/board", NULL, id), ==, 0);
	CHECK_INT(move("boards", "others"), ==, 0);
	CHECK_INT(weft_files_trash_restore(
			  house, &as_boss, &(struct weft_files_restore){.id = id}, NULL),
		==, 0);
	CHECK_INT(access(place("share/boards/board/minutes.txt"), F_OK), ==, 0);
	CHECK_INT(rights_of("mia", "boards/board/minutes.txt"), ==, 0);
	end_house();
}

CHECK_MAIN()
