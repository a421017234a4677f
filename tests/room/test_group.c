/*
 * test_group.c - what comes while the writer is busy, and is written in one transaction: it is
 * judged, written and told as if each had come alone.
 *
 * Under one worker the writer, a fiber, sees nothing of what is pushed until its pusher waits: so
 * what a case does without waiting is one group, always.
 */
#include "room/world.h"

#define GROUP_CASE(ident)                                              \
	static void group_##ident(void);                               \
	static int fiber_##ident(void *arg)                            \
	{                                                              \
		(void)arg;                                             \
		group_##ident();                                       \
		return 0;                                              \
	}                                                              \
	CHECK_CASE(ident)                                              \
	{                                                              \
		const struct weft_run_options one = {.workers = 1};    \
		CHECK_INT(weft_run(&one, fiber_##ident, NULL), ==, 0); \
	}                                                              \
	static void group_##ident(void)

static const struct weft_room_join_options makes = {.makes = true};

GROUP_CASE(what_was_said_beside_a_room_that_is_removed_is_told_elsewhere)
{
	struct weft_room_client *root, *mia;
	const struct weft_room_change remove = {.action = WEFT_ROOM_REMOVE, .room = "den"};

	world_open();
	root = world_enter((struct weft_room_person){.name = "server", .is_server = true});
	mia = world_in_lobby(world_account(1, "mia"));
	CHECK_INT(weft_room_join(mia, "den", &makes, NULL), ==, 0);
	CHECK_TAKES(mia, "entered den mia 1\n");
	CHECK_INT(world_post(mia, "lobby", NULL, "one"), ==, 0);
	CHECK_INT(world_post(mia, "den", NULL, "two"), ==, 0);
	CHECK_INT(weft_room_change(root, &remove), ==, 0);
	CHECK(strstr(world_taken(mia), "message lobby 1 mia: one\n"));
	world_say(mia, "lobby", "three");
	CHECK_TAKES(mia, "message lobby 2 mia: three\n");
	weft_room_exit(mia);
	weft_room_exit(root);
	world_close();
}

GROUP_CASE(an_id_that_has_another_text_starts_no_slow_mode)
{
	const struct weft_room_change slow = {
		.action = WEFT_ROOM_SET_SLOW, .room = "lobby", .for_ns = WEFT_SECONDS(3600)};
	struct weft_room_client *root, *mia;

	world_open();
	root = world_enter((struct weft_room_person){.name = "server", .is_server = true});
	mia = world_in_lobby(world_account(1, "mia"));
	CHECK_INT(world_post(mia, "lobby", "m1", "one"), ==, 0);
	CHECK_INT(weft_room_change(root, &slow), ==, 0);
	CHECK_INT(world_post(mia, "lobby", "m1", "two"), ==, 0);
	CHECK_INT(weft_room_settle(mia), ==, 0);
	CHECK(strstr(world_taken(mia), "refused lobby bad-id m1\n"));
	world_say(mia, "lobby", "three");
	weft_room_exit(mia);
	weft_room_exit(root);
	world_close();
}

/* ---- Rooms that come into being together ---------------------------------------------------- */

struct asker {
	struct weft_room_client *client;
	struct weft_room_other other;
	char room[WEFT_ROOM_NAME_SIZE];
};

static int ask_for_pair(void *arg)
{
	struct asker *asker = arg;

	return weft_room_direct(asker->client, &asker->other, asker->room);
}

GROUP_CASE(two_who_ask_for_each_other_at_once_have_one_room)
{
	struct asker mia = {.other = {2, "bob"}}, bob = {.other = {1, "mia"}};
	weft_fiber_id fibers[2];
	int results[2];

	world_open();
	mia.client = world_enter(world_account(1, "mia"));
	bob.client = world_enter(world_account(2, "bob"));
	fibers[0] = weft_spawn(ask_for_pair, &mia);
	fibers[1] = weft_spawn(ask_for_pair, &bob);
	for (int i = 0; i < 2; i++) {
		CHECK_INT(weft_join(fibers[i], &results[i], WEFT_FOREVER), ==, 0);
		CHECK_INT(results[i], ==, 0);
	}
	CHECK_STR(mia.room, bob.room);
	weft_room_exit(bob.client);
	weft_room_exit(mia.client);
	world_close();
}

static int make_room(void *arg)
{
	struct asker *asker = arg;

	return weft_room_join(asker->client, asker->room, &makes, NULL);
}

GROUP_CASE(rooms_that_are_made_at_once_are_no_more_than_the_bound)
{
	struct asker mia = {.room = "one"}, bob = {.room = "two"};
	weft_fiber_id fibers[2];
	int results[2];

	world_open_with((struct weft_rooms_options){.rooms_max = 2});
	mia.client = world_enter(world_account(1, "mia"));
	bob.client = world_enter(world_account(2, "bob"));
	fibers[0] = weft_spawn(make_room, &mia);
	fibers[1] = weft_spawn(make_room, &bob);
	for (int i = 0; i < 2; i++)
		CHECK_INT(weft_join(fibers[i], &results[i], WEFT_FOREVER), ==, 0);
	CHECK_INT(results[0], ==, 0);
	CHECK_INT(results[1], ==, -1);
	CHECK_INT(weft_room_client_fault(bob.client), ==, WEFT_ROOM_FULL);
	weft_room_exit(bob.client);
	weft_room_exit(mia.client);
	world_close();
}

CHECK_MAIN()
