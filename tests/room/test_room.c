/*
 * test_room.c - rooms as a door uses them: people enter, join, say things, are told, and go.
 *
 * check: tsan drivers
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "room/world.h"

BOTH_CASE(what_one_says_all_are_told_in_order)
{
	struct weft_room_client *mia, *bob;

	world_open();
	mia = world_enter(world_account(1, "mia"));
	bob = world_enter(world_guest("bob", "192.0.2.7"));
	CHECK_INT(weft_room_join(mia, "lobby", NULL, NULL), ==, 0);
	CHECK_TAKES(mia, "entered lobby mia 1\n");
	CHECK_INT(weft_room_join(bob, "Lobby", NULL, NULL), ==, 0);
	CHECK_TAKES(bob, "entered lobby bob 2\n");
	CHECK_TAKES(mia, "joined lobby bob 2\n");
	CHECK_INT(world_say(mia, "lobby", "hello"), ==, 1);
	CHECK_INT(world_say(bob, "lobby", "hi"), ==, 2);
	CHECK_TAKES(mia, "message lobby 1 mia: hello\nmessage lobby 2 bob: hi\n");
	CHECK_TAKES(bob, "message lobby 1 mia: hello\nmessage lobby 2 bob: hi\n");
	CHECK_INT(weft_room_leave(bob, "lobby", "tea"), ==, 0);
	CHECK_TAKES(mia, "left lobby bob tea\n");
	CHECK_TAKES(bob, "");
	weft_room_exit(bob);
	weft_room_exit(mia);
	world_close();
}

BOTH_CASE(a_post_is_answered_once_it_is_on_the_disk)
{
	struct weft_room_client *mia;
	char bytes[1 << 16], text[512] = "";
	ssize_t len;

	world_open();
	mia = world_in_lobby(world_account(1, "mia"));
	CHECK_INT(world_post(mia, "lobby", "one", "first"), ==, 0);
	CHECK_INT(world_post(mia, "lobby", NULL, "second"), ==, 0);
	CHECK_INT(world_say(mia, "lobby", "third"), ==, 3);
	while (!strstr(text, "accepted lobby 2 \n") || !strstr(text, "third")) {
		len = weft_room_receive(mia, bytes, sizeof bytes);
		CHECK_INT(len, >, 0);
		strncat(text, bytes, (size_t)len);
	}
	CHECK(strstr(text, "accepted lobby 1 one\naccepted lobby 2 \n"));
	CHECK(strstr(text, "message lobby 1 mia: first\nmessage lobby 2 mia: second\nmessage lobby "
			   "3 mia: third\n"));
	weft_room_exit(mia);
	world_close();
}

struct heard {
	char text[4096];
};

static int hear(const struct weft_room_event *event, void *arg)
{
	struct heard *heard = arg;
	size_t len = strlen(heard->text);

	return world_write(event, heard->text + len, sizeof heard->text - len) > 0 ? 0 : -1;
}

BOTH_CASE(history_is_there_after_the_rooms_are_opened_again)
{
	struct weft_room_client *mia;
	struct weft_room_facts facts;
	struct heard heard = {""};
	uint32_t epoch;

	world_open();
	mia = world_in_lobby(world_account(1, "mia"));
	for (int i = 0; i < 5; i++)
		world_say(mia, "lobby", (char[]){(char)('a' + i), '\0'});
	CHECK_INT(weft_room_join(mia, "lobby", NULL, &facts), ==, 0);
	epoch = facts.epoch;
	weft_room_exit(mia);
	world_close();
	world_open();
	mia = world_enter(world_account(1, "mia"));
	CHECK_INT(
		weft_room_history(mia, "lobby", &(struct weft_room_page){.limit = 2}, hear, &heard),
		==, 1);
	CHECK_STR(heard.text, "message lobby 4 mia: d\nmessage lobby 5 mia: e\n");
	heard.text[0] = '\0';
	CHECK_INT(weft_room_history(
			  mia, "lobby", &(struct weft_room_page){.before = 3}, hear, &heard),
		==, 0);
	CHECK_STR(heard.text, "message lobby 1 mia: a\nmessage lobby 2 mia: b\n");
	heard.text[0] = '\0';
	CHECK_INT(weft_room_history(mia, "lobby", &(struct weft_room_page){.after = 1, .limit = 2},
			  hear, &heard),
		==, 1);
	CHECK_STR(heard.text, "message lobby 2 mia: b\nmessage lobby 3 mia: c\n");
	CHECK_INT(weft_room_join(
			  mia, "lobby", &(struct weft_room_join_options){.history = 2}, &facts),
		==, 0);
	CHECK_INT(facts.last, ==, 5);
	CHECK_INT(facts.epoch, ==, epoch);
	CHECK_TAKES(mia, "entered lobby mia 1\nmessage lobby 4 mia: d\nmessage lobby 5 mia: e\n");
	world_say(mia, "lobby", "f");
	CHECK_TAKES(mia, "message lobby 6 mia: f\n");
	weft_room_exit(mia);
	world_close();
}

BOTH_CASE(no_number_leads_from_the_history_of_one_room_into_another)
{
	const uint64_t beyond[] = {(uint64_t)1 << 40, (uint64_t)9 << 40, INT64_MAX, UINT64_MAX};
	const struct weft_room_change den = {
		.action = WEFT_ROOM_MAKE, .room = "den", .is_on = true};
	struct weft_room_client *mia, *guest;
	struct heard heard;

	world_open();
	mia = world_in_lobby(world_account(1, "mia"));
	guest = world_in_lobby(world_guest("gus", "192.0.2.7"));
	CHECK_INT(weft_room_change(mia, &den), ==, 0);
	CHECK_INT(weft_room_join(mia, "den", NULL, NULL), ==, 0);
	world_say(mia, "den", "a secret");
	world_say(mia, "lobby", "hello");
	for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
		struct weft_room_page before = {.before = beyond[i]}, after = {.after = beyond[i]};

		heard.text[0] = '\0';
		CHECK_INT(weft_room_history(guest, "lobby", &before, hear, &heard), ==, 0);
		CHECK_STR(heard.text, "message lobby 1 mia: hello\n");
		heard.text[0] = '\0';
		CHECK_INT(weft_room_history(guest, "lobby", &after, hear, &heard), ==, 0);
		CHECK_STR(heard.text, "");
	}
	weft_room_exit(guest);
	weft_room_exit(mia);
	world_close();
}

BOTH_CASE(who_comes_back_gets_what_she_has_missed_and_nothing_twice)
{
	struct weft_room_client *mia, *bob;
	struct weft_room_facts facts;
	struct weft_room_join_options options = {.resumes = true};

	world_open();
	mia = world_in_lobby(world_account(1, "mia"));
	bob = world_in_lobby(world_account(2, "bob"));
	world_say(mia, "lobby", "one");
	CHECK_INT(weft_room_join(bob, "lobby", NULL, &facts), ==, 0);
	weft_room_exit(bob);
	world_say(mia, "lobby", "two");
	world_say(mia, "lobby", "three");
	/* From the tail. */
	bob = world_enter(world_account(2, "bob"));
	options.epoch = facts.epoch;
	options.after = 1;
	CHECK_INT(weft_room_join(bob, "lobby", &options, NULL), ==, 0);
	world_say(mia, "lobby", "four");
	CHECK_TAKES(bob, "entered lobby bob 2\n"
			 "message lobby 2 mia: two\nmessage lobby 3 mia: three\n"
			 "joined lobby bob 2\n"
			 "message lobby 4 mia: four\n");
	weft_room_exit(bob);
	/* From the log: nobody was there to keep a tail. */
	weft_room_exit(mia);
	bob = world_enter(world_account(2, "bob"));
	options.after = 2;
	CHECK_INT(weft_room_join(bob, "lobby", &options, NULL), ==, 0);
	world_say(bob, "lobby", "five");
	CHECK_TAKES(bob, "entered lobby bob 1\n"
			 "message lobby 3 mia: three\nmessage lobby 4 mia: four\n"
			 "message lobby 5 bob: five\n");
	weft_room_exit(bob);
	world_close();
}

BOTH_CASE(what_is_sent_again_is_in_the_log_once)
{
	struct weft_room_client *mia, *bob;
	struct weft_room_post post = {.id = "8f14e45f", .text = "hello", .len = 5};
	uint64_t seq = 0;

	world_open();
	mia = world_in_lobby(world_account(1, "mia"));
	CHECK_INT(weft_room_say(mia, "lobby", &post, &seq), ==, 0);
	CHECK_INT(weft_room_say(mia, "lobby", &post, &seq), ==, 0);
	CHECK_INT(seq, ==, 1);
	post.text = "world";
	CHECK_FAULT(weft_room_say(mia, "lobby", &post, &seq), mia, WEFT_ROOM_BAD_ID);
	CHECK_TAKES(mia, "message lobby 1 mia: hello\n");
	/* Another's id is another. */
	bob = world_in_lobby(world_account(2, "bob"));
	CHECK_INT(weft_room_say(bob, "lobby", &post, &seq), ==, 0);
	CHECK_INT(seq, ==, 2);
	weft_room_exit(bob);
	weft_room_exit(mia);
	world_close();
}

BOTH_CASE(a_form_that_skips_ones_own_gets_what_others_say)
{
	struct weft_room_person who = world_account(1, "mia");
	struct weft_room_client *mia, *bob;

	world_open();
	mia = weft_room_enter(world, &who, &world_form_others, NULL);
	CHECK_INT(weft_room_join(mia, "lobby", NULL, NULL), ==, 0);
	bob = world_in_lobby(world_account(2, "bob"));
	world_say(mia, "lobby", "one");
	world_say(bob, "lobby", "two");
	world_say(mia, "lobby", "three");
	world_say(mia, "lobby", "four");
	world_say(bob, "lobby", "five");
	CHECK_TAKES(mia, "entered lobby mia 1\njoined lobby bob 2\n"
			 "message lobby 2 bob: two\nmessage lobby 5 bob: five\n");
	weft_room_exit(bob);
	weft_room_exit(mia);
	world_close();
}

BOTH_CASE(who_is_kicked_everywhere_is_over)
{
	const struct weft_room_change kick = {
		.action = WEFT_ROOM_KICK, .target = "bob", .text = "too loud"};
	struct weft_room_client *server, *bob;
	char bytes[256];

	world_open();
	server = world_enter((struct weft_room_person){.name = "SERVER", .is_server = true});
	bob = world_in_lobby(world_guest("bob", "192.0.2.7"));
	CHECK_INT(weft_room_change(server, &kick), ==, 0);
	CHECK_STR(world_taken(bob), "over   too loud\n");
	CHECK_ERRNO(weft_room_take(bob, bytes, sizeof bytes, NULL), ESHUTDOWN);
	CHECK_INT(weft_room_change(server, &kick), ==, 0);
	weft_room_exit(bob);
	CHECK_FAULT(weft_room_change(server, &kick), server, WEFT_ROOM_NO_SUCH_PERSON);
	weft_room_exit(server);
	world_close();
}

BOTH_CASE(who_is_slow_is_told_what_went_by)
{
	struct weft_room_client *mia, *bob;
	char said[64], expected[256];
	const char *taken;

	world_open_with((struct weft_rooms_options){.tail_max = 1000});
	mia = world_in_lobby(world_account(1, "mia"));
	bob = world_in_lobby(world_account(2, "bob"));
	for (int i = 1; i <= 100; i++) {
		snprintf(said, sizeof said, "%d", i);
		world_say(mia, "lobby", said);
	}
	taken = world_taken(bob);
	CHECK_INT(strlen(taken), <=, 1100);
	/* The gap ends where the messages begin, and they go on to the last. */
	CHECK(strncmp(taken, "gap lobby 1..", 13) == 0);
	for (int i = atol(taken + 13) + 1; i <= 100; i++) {
		taken = strchr(taken, '\n') + 1;
		snprintf(expected, sizeof expected, "message lobby %d mia: %d\n", i, i);
		CHECK(strncmp(taken, expected, strlen(expected)) == 0);
	}
	weft_room_exit(bob);
	weft_room_exit(mia);
	world_close();
}

BOTH_CASE(a_guests_name_is_nobody_elses)
{
	struct weft_room_person who = world_guest("mia", "192.0.2.8");
	struct weft_room_client *mia, *other;

	world_open();
	mia = world_in_lobby(world_account(1, "mia"));
	CHECK_ERRNO(weft_room_enter(world, &who, &world_form, NULL), EEXIST);
	/* Of an account there may be many. */
	other = world_in_lobby(world_account(1, "mia"));
	CHECK_TAKES(mia, "");
	weft_room_exit(mia);
	CHECK_TAKES(other, "");
	weft_room_exit(other);
	other = weft_room_enter(world, &who, &world_form, NULL);
	CHECK(other != NULL);
	weft_room_exit(other);
	world_close();
}

BOTH_CASE(rooms_that_shut_write_what_came_and_tell_who_is_in)
{
	struct weft_room_client *mia, *bob;
	char bytes[1 << 16];
	struct heard heard = {""};

	world_open();
	mia = world_in_lobby(world_account(1, "mia"));
	for (int i = 0; i < 100; i++)
		CHECK_INT(world_post(mia, "lobby", NULL, "x"), ==, 0);
	weft_rooms_shut(world, "good night");
	CHECK_ERRNO(world_post(mia, "lobby", NULL, "y"), ESHUTDOWN);
	CHECK(strstr(world_taken(mia), "message lobby 100 mia: x\nover   good night\n"));
	CHECK_ERRNO(weft_room_take(mia, bytes, sizeof bytes, NULL), ESHUTDOWN);
	CHECK_INT(weft_room_receive(mia, bytes, sizeof bytes), ==, 0);
	weft_room_exit(mia);
	weft_rooms_close(world);
	world_open();
	bob = world_enter(world_account(2, "bob"));
	weft_room_history(bob, "lobby", &(struct weft_room_page){.limit = 1}, hear, &heard);
	CHECK_STR(heard.text, "message lobby 100 mia: x\n");
	weft_room_exit(bob);
	world_close();
}

BOTH_CASE(rooms_are_open_in_one_place_at_a_time)
{
	world_open();
	CHECK_ERRNO(weft_rooms_open(&(struct weft_rooms_options){.dir = place("state")}), EBUSY);
	world_close();
	world_open();
	world_close();
}

/* Whose version is newer would make their database its own. */
BOTH_CASE(who_does_not_get_the_rooms_has_not_touched_their_database)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd;

	CHECK_INT(mkdir(place("state"), 0700), ==, 0);
	fd = open(place("state/chat.db-lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK_INT(fcntl(fd, F_OFD_SETLK, &lock), ==, 0);
	CHECK_ERRNO(weft_rooms_open(&(struct weft_rooms_options){.dir = place("state")}), EBUSY);
	CHECK_INT(access(place("state/chat.db"), F_OK), ==, -1);
	close(fd);
	world_open();
	world_close();
}

BOTH_CASE(rooms_without_a_folder_leave_nothing_behind)
{
	struct weft_room_client *mia;
	struct weft_room_person who = world_account(1, "mia");

	setenv("TMPDIR", place("."), 1);
	world = weft_rooms_open(NULL);
	CHECK(world != NULL);
	mia = weft_room_enter(world, &who, &world_form, NULL);
	CHECK_INT(weft_room_join(mia, "lobby", NULL, NULL), ==, 0);
	CHECK_INT(world_say(mia, "lobby", "hello"), ==, 1);
	weft_room_exit(mia);
	world_close();
	CHECK_INT(rmdir(place(".")) < 0 && errno == EINVAL ? rmdir(place_dir) : -1, ==, 0);
}

static void count_probe(void *arg)
{
	++*(int *)arg;
}

BOTH_CASE(a_guests_name_is_taken_over_by_her_secret_alone)
{
	struct weft_room_person gus = world_guest("gus", "192.0.2.7"), other = gus;
	int probes = 0;
	const struct weft_room_client_options options = {.on_probe = count_probe, .arg = &probes};
	struct weft_room_client *mia, *old, *again;

	world_open();
	mia = world_in_lobby(world_account(1, "mia"));
	gus.secret = "a secret of her own";
	old = weft_room_enter(world, &gus, &world_form, &options);
	CHECK_INT(weft_room_join(old, "lobby", NULL, NULL), ==, 0);
	CHECK_TAKES(old, "entered lobby gus 2\n");
	/* A stranger has her asked whether she is there. */
	CHECK_ERRNO(weft_room_enter(world, &other, &world_form, NULL) ? 0 : -1, EEXIST);
	other.secret = "a secret of his own";
	CHECK_ERRNO(weft_room_enter(world, &other, &world_form, NULL) ? 0 : -1, EEXIST);
	CHECK_INT(probes, ==, 2);
	gus.address = "192.0.2.8";
	again = world_in_lobby(gus);
	CHECK_TAKES(old, "over   you have come in again\n");
	CHECK_TAKES(mia, "joined lobby gus 2\nleft lobby gus comes in again\njoined lobby gus 2\n");
	weft_room_exit(old);
	/* It is hers as before. */
	CHECK_ERRNO(weft_room_enter(world, &other, &world_form, NULL) ? 0 : -1, EEXIST);
	world_say(again, "lobby", "hello");
	weft_room_exit(again);
	weft_room_exit(world_enter(other));
	weft_room_exit(mia);
	world_close();
}

BOTH_CASE(a_guest_who_comes_again_from_elsewhere_has_her_ids_still)
{
	struct weft_room_person gus = world_guest("gus", "192.0.2.7"), tom = gus;
	struct weft_room_post post = {.id = "id-1", .text = "hello", .len = 5};
	struct weft_room_client *client;
	uint64_t seq;

	gus.secret = "a secret of her own";
	tom.secret = "a secret of his own";
	world_open();
	client = world_in_lobby(gus);
	CHECK_INT(weft_room_say(client, "lobby", &post, NULL), ==, 0);
	gus.address = "192.0.2.8";
	weft_room_exit(client);
	client = world_in_lobby(gus);
	CHECK_INT(weft_room_say(client, "lobby", &post, &seq), ==, 0);
	CHECK_INT(seq, ==, 1);
	weft_room_exit(client);
	/* They are nobody else's, though he is where she was. */
	client = world_in_lobby(tom);
	CHECK_INT(weft_room_say(client, "lobby", &post, &seq), ==, 0);
	CHECK_INT(seq, ==, 2);
	weft_room_exit(client);
	world_close();
}

BOTH_CASE(guests_of_an_address_are_so_many_at_once_and_any_number_one_after_the_other)
{
	struct weft_room_client *clients[8];
	char name[16];

	world_open_with((struct weft_rooms_options){.person_max = 1});
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 8; i++) {
			snprintf(name, sizeof name, "g%d", i);
			clients[i] = world_enter(world_guest(name, "192.0.2.7"));
		}
		CHECK_ERRNO(
			weft_room_enter(world,
				&(struct weft_room_person){.name = "more", .address = "192.0.2.7"},
				&world_form, NULL)
				? 0
				: -1,
			EUSERS);
		for (int i = 0; i < 8; i++)
			weft_room_exit(clients[i]);
	}
	world_close();
}

BOTH_CASE(a_moderator_who_is_not_here_is_safe_from_another)
{
	const struct weft_room_person server = {.name = "server", .is_server = true};
	struct weft_room_change what = {.action = WEFT_ROOM_MAKE_MODERATOR,
		.room = "lobby",
		.target = "bob",
		.target_account = 2,
		.is_on = true};
	struct weft_room_client *root, *mia;

	world_open();
	root = world_enter(server);
	CHECK_INT(weft_room_change(root, &what), ==, 0);
	what.target = "mia";
	what.target_account = 1;
	CHECK_INT(weft_room_change(root, &what), ==, 0);
	mia = world_in_lobby(world_account(1, "mia"));
	what = (struct weft_room_change){
		.action = WEFT_ROOM_BAN, .room = "lobby", .target = "bob", .target_account = 2};
	CHECK_FAULT(weft_room_change(mia, &what), mia, WEFT_ROOM_NOT_ALLOWED);
	CHECK_INT(weft_room_change(root, &what), ==, 0);
	weft_room_exit(mia);
	weft_room_exit(root);
	world_close();
}

BOTH_CASE(a_call_that_fails_by_no_rule_has_no_fault_of_the_one_before)
{
	struct weft_room_client *mia;

	world_open();
	mia = world_in_lobby(world_account(1, "mia"));
	world_say(mia, "lobby", "hello");
	CHECK_FAULT(weft_room_join(mia, "nowhere", NULL, NULL), mia, WEFT_ROOM_NO_ROOM);
	weft_rooms_shut(world, "closed");
	CHECK_ERRNO(weft_room_mark_read(mia, "lobby", 1), ESHUTDOWN);
	CHECK_INT(weft_room_client_fault(mia), ==, WEFT_ROOM_FAULT_NONE);
	weft_room_exit(mia);
	weft_rooms_close(world);
}

CHECK_MAIN()
