/*
 * test_crowd.c - many at once: fibers and threads that talk, come and go; who never takes; crowds
 * whose coming is counted; memory that is given back.
 *
 * check: tsan
 */
#include "room/world.h"
#include "weft/sim.h"
#include "weft/thread.h"

/* ---- All at once ---------------------------------------------------------------------------- */

#define TALKERS 6
#define ROUNDS  60

struct talker {
	int64_t number;
	uint64_t said, answered, last;
};

static void read_lines(struct talker *talker, char *text)
{
	unsigned long long seq;

	for (char *line = strtok_r(text, "\n", &text); line; line = strtok_r(NULL, "\n", &text)) {
		if (strncmp(line, "accepted", 8) == 0 || strncmp(line, "refused", 7) == 0)
			talker->answered++;
		if (sscanf(line, "message lobby %llu", &seq) == 1) {
			CHECK_INT(seq, >, talker->last);
			talker->last = seq;
		}
	}
}

/* In, says some, takes until all is answered, out; again and again. */
static int talk(void *arg)
{
	struct talker *talker = arg;
	char name[16], *text = malloc(1 << 17);
	struct weft_room_person person = {.account = talker->number, .name = name};
	ssize_t len;

	snprintf(name, sizeof name, "t%lld", (long long)talker->number);
	for (int round = 0; round < ROUNDS / 6; round++) {
		struct weft_room_client *client =
			weft_room_enter(world, &person, &world_form, NULL);

		CHECK(client != NULL);
		talker->said = talker->answered = talker->last = 0;
		CHECK_INT(weft_room_join(client, "lobby",
				  &(struct weft_room_join_options){.history = 5}, NULL),
			==, 0);
		for (int i = 0; i < 6; i++)
			if (world_post(client, "lobby", NULL, "hello") == 0)
				talker->said++;
		while (talker->answered < talker->said) {
			len = weft_room_receive(client, text, 1 << 16);
			CHECK_INT(len, >, 0);
			text[len] = '\0';
			read_lines(talker, text);
		}
		if (round % 3 == 0)
			CHECK_INT(weft_room_leave(client, "lobby", "bye"), ==, 0);
		weft_room_exit(client);
	}
	free(text);
	return 0;
}

static int moderate(void *arg)
{
	const struct weft_room_person house = {.name = "server", .is_server = true};
	struct weft_room_client *client = weft_room_enter(world, &house, &world_form, NULL);
	struct weft_rooms_counts counts;
	char target[16];

	(void)arg;
	CHECK(client != NULL);
	for (int round = 0; round < ROUNDS; round++) {
		struct weft_room_change mute = {
			.room = "lobby", .target = target, .for_ns = WEFT_MILLISECONDS(1)};

		snprintf(target, sizeof target, "t%d", round % TALKERS + 1);
		mute.action = round % 2 ? WEFT_ROOM_MUTE : WEFT_ROOM_SET_READ_ONLY;
		weft_room_change(client, &mute);
		weft_rooms_counts(world, &counts);
		CHECK_INT(counts.clients, <=, TALKERS + 1);
		weft_sleep(0);
	}
	weft_room_exit(client);
	return 0;
}

static int all_at_once(void *arg)
{
	struct talker talkers[TALKERS] = {{.number = 0}};
	weft_fiber_id fibers[TALKERS / 2 + 1];
	struct weft_thread *threads[TALKERS / 2];
	size_t half = TALKERS / 2;

	(void)arg;
	world = weft_rooms_open(&(struct weft_rooms_options){.tail_max = 2000});
	CHECK(world != NULL);
	for (size_t i = 0; i < TALKERS; i++)
		talkers[i].number = (int64_t)i + 1;
	for (size_t i = 0; i < half; i++) {
		fibers[i] = weft_spawn(talk, &talkers[i]);
		threads[i] = weft_thread_new(NULL, talk, &talkers[half + i]);
		CHECK_INT(weft_thread_start(threads[i]), ==, 0);
	}
	fibers[half] = weft_spawn(moderate, NULL);
	CHECK_INT(weft_join_all(fibers, half + 1, NULL, WEFT_FOREVER), ==, half + 1);
	for (size_t i = 0; i < half; i++) {
		CHECK_INT(weft_thread_join(threads[i], NULL, WEFT_FOREVER), ==, 0);
		weft_thread_free(threads[i]);
	}
	world_close();
	return 0;
}

CHECK_CASE(fibers_and_threads_talk_come_and_go_at_once)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, all_at_once, NULL), ==, 0);
}

/* ---- Who never takes ------------------------------------------------------------------------ */

static void open_without_folder(struct weft_rooms_options options)
{
	world = weft_rooms_open(&options);
	CHECK(world != NULL);
}

BOTH_CASE(who_never_takes_holds_up_nobody_and_little_memory)
{
	struct weft_room_client *mia, *bob;
	struct weft_rooms_counts counts;
	char text[512] = "";

	memset(text, 'x', sizeof text - 1);
	open_without_folder((struct weft_rooms_options){.tail_max = 64 << 10});
	mia = world_in_lobby(world_account(1, "mia"));
	bob = world_in_lobby(world_account(2, "bob"));
	for (int i = 0; i < 500; i++)
		world_say(mia, "lobby", text);
	weft_rooms_counts(world, &counts);
	CHECK_INT(counts.tail_bytes, <=, 96 << 10);
	CHECK_INT(counts.accepted, ==, 500);
	world_taken(bob);
	weft_rooms_counts(world, &counts);
	CHECK_INT(counts.gaps, ==, 1);
	weft_room_exit(bob);
	weft_room_exit(mia);
	world_close();
}

BOTH_CASE(who_does_not_take_its_own_answers_is_over)
{
	struct weft_room_client *mia;
	struct weft_rooms_counts counts = {.posted = 0};

	open_without_folder((struct weft_rooms_options){.queue_max = 1000, .posts_max = 4});
	mia = world_in_lobby(world_account(1, "mia"));
	while (world_post(mia, "lobby", "0123456789", "hello") == 0)
		;
	CHECK_INT(errno, ==, ESHUTDOWN);
	weft_rooms_counts(world, &counts);
	CHECK_INT(counts.posted, <, 1000);
	CHECK_TAKES(mia, "over   too slow\n");
	weft_room_exit(mia);
	world_close();
}

BOTH_CASE(older_messages_are_not_held_against_who_joins)
{
	struct weft_room_client *mia, *bob;
	struct weft_room_join_options options = {.history = 100};
	char text[256] = "";
	const char *taken;

	memset(text, 'x', sizeof text - 1);
	open_without_folder((struct weft_rooms_options){.queue_max = 2000});
	mia = world_in_lobby(world_account(1, "mia"));
	for (int i = 0; i < 20; i++) {
		world_say(mia, "lobby", text);
		world_taken(mia);
	}
	bob = world_enter(world_account(2, "bob"));
	CHECK_INT(weft_room_join(bob, "lobby", &options, NULL), ==, 0);
	for (int i = 0; i < 5; i++)
		CHECK_INT(world_post(bob, "lobby", NULL, "hi"), ==, 0);
	world_say(mia, "lobby", "end");
	taken = world_taken(bob);
	CHECK(strstr(taken, "message lobby 20 mia"));
	CHECK(!strstr(taken, "message lobby 10 mia"));
	CHECK(strstr(taken, "accepted lobby 25"));
	CHECK(strstr(taken, "message lobby 26 mia: end"));
	/* Who resumes is told what is too much. */
	weft_room_exit(bob);
	weft_room_exit(mia);
	bob = world_enter(world_account(2, "bob"));
	options = (struct weft_room_join_options){.resumes = true, .after = 3};
	CHECK_INT(weft_room_join(bob, "lobby", &options, NULL), ==, 0);
	CHECK(strstr(world_taken(bob), "entered lobby bob 1\ngap lobby 1..1"));
	weft_room_exit(bob);
	world_close();
}

static void note_ready(void *arg)
{
	__atomic_fetch_add((unsigned *)arg, 1, __ATOMIC_RELAXED);
}

BOTH_CASE(on_ready_is_called_once_until_all_is_taken)
{
	unsigned calls = 0;
	struct weft_room_person who = world_account(1, "mia");
	struct weft_room_client *bob, *mia;

	open_without_folder((struct weft_rooms_options){.lobby = NULL});
	mia = weft_room_enter(world, &who, &world_form,
		&(struct weft_room_client_options){.on_ready = note_ready, .arg = &calls});
	bob = world_in_lobby(world_account(2, "bob"));
	CHECK_INT(weft_room_join(mia, "lobby", NULL, NULL), ==, 0);
	for (int i = 0; i < 5; i++)
		world_say(bob, "lobby", "x");
	CHECK_INT(calls, ==, 1);
	world_taken(mia);
	CHECK_INT(calls, ==, 1);
	world_say(bob, "lobby", "x");
	CHECK_INT(calls, ==, 2);
	weft_room_exit(mia);
	world_say(bob, "lobby", "x");
	CHECK_INT(calls, ==, 2);
	weft_room_exit(bob);
	world_close();
}

/* ---- Crowds --------------------------------------------------------------------------------- */

#define CROWD 60

static int crowd(void *arg)
{
	struct weft_room_client *first, *clients[CROWD];
	struct weft_rooms_counts counts;
	char name[16], expected[64];

	(void)arg;
	open_without_folder((struct weft_rooms_options){.presence_max = 10});
	first = world_in_lobby(world_account(1000, "first"));
	for (int i = 0; i < CROWD; i++) {
		snprintf(name, sizeof name, "c%d", i);
		clients[i] = world_in_lobby(world_account(i + 1, name));
	}
	CHECK_TAKES(first,
		"joined lobby c0 2\njoined lobby c1 3\njoined lobby c2 4\njoined lobby c3 5\n"
		"joined lobby c4 6\njoined lobby c5 7\njoined lobby c6 8\njoined lobby c7 9\n"
		"joined lobby c8 10\n");
	/* And then once in a second. */
	CHECK_INT(weft_sleep(WEFT_SECONDS(2)), ==, 0);
	snprintf(expected, sizeof expected, "count lobby  %d\n", CROWD + 1);
	CHECK_TAKES(first, expected);
	for (int i = 0; i < CROWD; i++)
		weft_room_exit(clients[i]);
	CHECK_INT(weft_sleep(WEFT_SECONDS(2)), ==, 0);
	/* All who were there took what there was: a while later it is gone. */
	CHECK(strstr(world_taken(first), "left lobby c59"));
	weft_rooms_counts(world, &counts);
	CHECK_INT(counts.tail_bytes, >, 0);
	CHECK_INT(weft_sleep(WEFT_SECONDS(60)), ==, 0);
	weft_rooms_counts(world, &counts);
	CHECK_INT(counts.tail_bytes, ==, 0);
	CHECK_INT(counts.people, ==, 1);
	weft_room_exit(first);
	world_close();
	return 0;
}

CHECK_CASE(the_coming_of_a_crowd_is_counted_and_its_memory_given_back)
{
	CHECK_INT(weft_sim_run(1, NULL, crowd, NULL), ==, 0);
}

/* ---- Deadlines ------------------------------------------------------------------------------ */

static int give_up(void *arg)
{
	struct weft_room_client *mia;
	struct weft_room_post post = {.id = "one", .text = "hello", .len = 5};
	char bytes[1 << 16];
	uint64_t seq = 0;

	(void)arg;
	open_without_folder((struct weft_rooms_options){.lobby = NULL});
	mia = world_in_lobby(world_account(1, "mia"));
	WEFT_WITH_TIMEOUT (0)
		CHECK_ERRNO(weft_room_say(mia, "lobby", &post, &seq), ETIMEDOUT);
	WEFT_WITH_TIMEOUT (WEFT_SECONDS(60))
		CHECK_INT(weft_room_receive(mia, bytes, sizeof bytes), >, 0);
	/* It was under way: said again it is the same. */
	CHECK_INT(weft_room_say(mia, "lobby", &post, &seq), ==, 0);
	CHECK_INT(seq, ==, 1);
	WEFT_WITH_TIMEOUT (0)
		CHECK_ERRNO(weft_room_receive(mia, bytes, sizeof bytes), ETIMEDOUT);
	weft_room_exit(mia);
	world_close();
	return 0;
}

CHECK_CASE(who_stops_waiting_may_say_it_again)
{
	CHECK_INT(weft_sim_run(1, NULL, give_up, NULL), ==, 0);
	CHECK_INT(weft_run(NULL, give_up, NULL), ==, 0);
}

CHECK_MAIN()
