/*
 * test_tell.c - what a door tells a client itself: in order with the rooms' events, and in bounds.
 */
#include "world.h"

CHECK_CASE(what_a_door_tells_comes_whole_and_in_order_with_what_is_for_the_client_alone)
{
	struct weft_room_client *mia;

	world_open();
	mia = world_enter(world_account(1, "mia"));
	CHECK_INT(weft_room_tell(mia, "one\n", 4), ==, 0);
	CHECK_INT(weft_room_join(mia, "lobby", NULL, NULL), ==, 0);
	CHECK_INT(weft_room_tell(mia, "two\n", 4), ==, 0);
	CHECK_TAKES(mia, "one\nentered lobby mia 1\ntwo\n");
	CHECK_TAKES(mia, "");
	weft_room_exit(mia);
	world_close();
}

CHECK_CASE(a_client_that_is_over_is_told_nothing_more)
{
	struct weft_room_client *mia;

	world_open();
	mia = world_enter(world_account(1, "mia"));
	weft_rooms_shut(world, "closed");
	CHECK_INT(weft_room_tell(mia, "one\n", 4), ==, -1);
	CHECK_INT(errno, ==, ESHUTDOWN);
	weft_room_exit(mia);
	weft_rooms_close(world);
}

enum { PIECE = 300, PIECES = 100 };

static int tell_all(void *arg)
{
	char piece[PIECE];

	for (int i = 0; i < PIECES; i++) {
		memset(piece, 'a' + i % 26, sizeof piece);
		CHECK_INT(weft_room_tell(arg, piece, sizeof piece), ==, 0);
	}
	return 0;
}

static int read_slowly(void *arg)
{
	struct weft_room_client *mia;
	char bytes[4096], expected[PIECE];
	weft_fiber_id teller;
	int pieces = 0;

	(void)arg;
	world_open_with((struct weft_rooms_options){.queue_max = 4096});
	mia = world_enter(world_account(1, "mia"));
	CHECK_INT(weft_room_tell(mia, bytes, 2049), ==, -1);
	CHECK_INT(errno, ==, EMSGSIZE);
	teller = weft_spawn(tell_all, mia);
	while (pieces < PIECES) {
		ssize_t len = weft_room_receive(mia, bytes, sizeof bytes);

		CHECK_INT(len, >, 0);
		CHECK_INT(len, <=, 2048); /* the rest waits */
		CHECK_INT(len % PIECE, ==, 0);
		for (ssize_t at = 0; at < len; at += PIECE, pieces++) {
			memset(expected, 'a' + pieces % 26, sizeof expected);
			CHECK_MEM(bytes + at, expected, PIECE);
		}
	}
	CHECK_INT(weft_join(teller, NULL, WEFT_FOREVER), ==, 0);
	weft_room_exit(mia);
	world_close();
	return 0;
}

CHECK_CASE(who_tells_more_than_is_taken_waits)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, read_slowly, NULL), ==, 0);
}

static int tell_in_vain(void *arg)
{
	char piece[PIECE] = "";
	int result = 0;

	while (result == 0)
		result = weft_room_tell(arg, piece, sizeof piece);
	return errno;
}

static int cancel_a_teller(void *arg)
{
	struct weft_room_client *mia;
	weft_fiber_id teller;
	int code;

	(void)arg;
	world_open_with((struct weft_rooms_options){.queue_max = 4096});
	mia = world_enter(world_account(1, "mia"));
	teller = weft_spawn(tell_in_vain, mia);
	weft_yield();
	CHECK_INT(weft_cancel(teller), ==, 0);
	CHECK_INT(weft_join(teller, &code, WEFT_FOREVER), ==, 0);
	CHECK_INT(code, ==, ECANCELED);
	teller = weft_spawn(tell_in_vain, mia);
	weft_yield();
	weft_rooms_shut(world, "closed");
	CHECK_INT(weft_join(teller, &code, WEFT_FOREVER), ==, 0);
	CHECK_INT(code, ==, ESHUTDOWN);
	weft_room_exit(mia);
	weft_rooms_close(world);
	return 0;
}

CHECK_CASE(who_waits_to_tell_is_cancelled_and_learns_of_the_end)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 1}, cancel_a_teller, NULL), ==, 0);
}

/* check: tsan */
static int direct_with(struct weft_room_client *client, int64_t account)
{
	char name[WEFT_ROOM_PERSON_MAX + 1], room[WEFT_ROOM_NAME_SIZE];
	const struct weft_room_other other = {account, name};

	/* As long as can be. */
	snprintf(name, sizeof name, "x%0*lld", WEFT_ROOM_PERSON_MAX - 1, (long long)account);
	return weft_room_direct(client, &other, room);
}

CHECK_CASE(who_is_in_many_rooms_of_two_comes_in_and_is_told_so)
{
	struct weft_room_client *mia;

	world_open_with((struct weft_rooms_options){.queue_max = 1024});
	mia = world_enter(world_account(1, "mia"));
	for (int64_t account = 100; account < 112; account++) {
		CHECK_INT(direct_with(mia, account), ==, 0);
		world_taken(mia);
	}
	weft_room_exit(mia);
	/* Before her door takes anything, as one does that says who she is first. */
	mia = world_enter(world_account(1, "mia"));
	WEFT_WITH_TIMEOUT (WEFT_SECONDS(30))
		CHECK_INT(weft_room_tell(mia, "OK mia\n", 7), ==, 0);
	CHECK(strstr(world_taken(mia), "OK mia\n"));
	weft_room_exit(mia);
	world_close();
}

CHECK_MAIN()
