/*
 * test_rules.c - who may enter, speak and moderate; what moderators do; rooms private and of two.
 */
#include "room/four.h"

/* ---- What may not be said ------------------------------------------------------------------- */

CHECK_CASE(what_may_not_be_said_is_refused_with_its_reason)
{
	static char long_text[4098];
	const struct {
		const char *room, *id, *text;
		enum weft_room_fault fault;
		int code;
	} rows[] = {
		{"lobby", NULL, "", WEFT_ROOM_TEXT_EMPTY, EINVAL},
		{"lobby", NULL, long_text, WEFT_ROOM_TEXT_TOO_LONG, EMSGSIZE},
		{"lobby", NULL, "\xff", WEFT_ROOM_TEXT_NOT_UTF8, EILSEQ},
		{"lobby", NULL, "\xc3", WEFT_ROOM_TEXT_NOT_UTF8, EILSEQ},
		{"lobby", NULL, "beep\a", WEFT_ROOM_TEXT_NOT_UTF8, EILSEQ},
		{"lobby", NULL, "eight ok\x1b[2J", WEFT_ROOM_TEXT_NOT_UTF8, EILSEQ},
		{"lobby", NULL, "1234567\x7f", WEFT_ROOM_TEXT_NOT_UTF8, EILSEQ},
		{"lobby", NULL, "12345678\xc2\x9b", WEFT_ROOM_TEXT_NOT_UTF8, EILSEQ},
		{"lobby", "", "hello", WEFT_ROOM_BAD_ID, EINVAL},
		{"lobby", "a b", "hello", WEFT_ROOM_BAD_ID, EINVAL},
		{"lobby", "01234567890123456789012345678901234567890", "hello", WEFT_ROOM_BAD_ID,
			EINVAL},
		{"nowhere", NULL, "hello", WEFT_ROOM_NOT_MEMBER, EACCES},
		{"?", NULL, "hello", WEFT_ROOM_NOT_MEMBER, EACCES},
		{"lobby", "0123456789012345678901234567890123456789", "tab\tand\nline",
			WEFT_ROOM_FAULT_NONE, 0},
		{"LOBBY", NULL, "\xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x98\x80", WEFT_ROOM_FAULT_NONE,
			0},
	};

	memset(long_text, 'x', sizeof long_text - 1);
	gather();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct weft_room_post post = {
			.id = rows[i].id, .text = rows[i].text, .len = strlen(rows[i].text)};
		int result = weft_room_say(mia, rows[i].room, &post, NULL);

		printf("# %zu: %s\n", i, rows[i].text[0] < ' ' ? "" : rows[i].room);
		CHECK_INT(result, ==, rows[i].fault ? -1 : 0);
		CHECK_INT(weft_room_client_fault(mia), ==, rows[i].fault);
		if (rows[i].fault)
			CHECK_INT(errno, ==, rows[i].code);
	}
	part();
}

CHECK_CASE(what_is_no_name_of_a_room_makes_none)
{
	static const char *const bad[] = {"", " ", ".hidden", "-x", "a b", "a/b", "a@b", "@mia+bob",
		"a\nb", "\xff", "\xe2\x80\x8b", "a\xe2\x80\xae",
		"01234567890123456789012345678901234567890123456789012345678901234"};
	static const char *const good[] = {"a", "9lives", "caf\xc3\xa9", "\xe6\xbc\xa2\xe5\xad\x97",
		"a.b_c-d", "0123456789012345678901234567890123456789012345678901234567890123"};
	const struct weft_room_join_options makes = {.makes = true};

	gather();
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CHECK_FAULT(weft_room_join(mia, bad[i], &makes, NULL), mia, WEFT_ROOM_BAD_NAME);
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		CHECK_INT(weft_room_join(mia, good[i], &makes, NULL), ==, 0);
	/* Another spelling of one of them: no other room. */
	CHECK_INT(weft_room_join(bob, "CAFE\xcc\x81", &makes, NULL), ==, 0);
	CHECK_TAKES(bob, "entered caf\xc3\xa9 bob 2\n");
	part();
}

/* ---- Who may -------------------------------------------------------------------------------- */

CHECK_CASE(guests_make_no_rooms_and_enter_those_that_are_for_them)
{
	const struct weft_room_join_options makes = {.makes = true};

	gather();
	CHECK_FAULT(weft_room_join(guest, "den", &makes, NULL), guest, WEFT_ROOM_NOT_ALLOWED);
	CHECK_INT(weft_room_join(mia, "den", &makes, NULL), ==, 0);
	CHECK_FAULT(weft_room_join(guest, "den", NULL, NULL), guest, WEFT_ROOM_NOT_ALLOWED);
	CHECK_FAULT(change(bob,
			    (struct weft_room_change){
				    .action = WEFT_ROOM_SET_GUESTS, .room = "den", .is_on = true}),
		bob, WEFT_ROOM_NOT_ALLOWED);
	/* Who made it moderates it. */
	CHECK_INT(change(mia,
			  (struct weft_room_change){
				  .action = WEFT_ROOM_SET_GUESTS, .room = "den", .is_on = true}),
		==, 0);
	CHECK_TAKES(mia, "entered den mia 1\nchanged den mia guests on\n");
	CHECK_INT(weft_room_join(guest, "den", NULL, NULL), ==, 0);
	part();
	gather_with((struct weft_rooms_options){
		.guests_may_make_rooms = true, .members_may_not_make_rooms = true});
	CHECK_INT(weft_room_join(guest, "hut", &makes, NULL), ==, 0);
	CHECK_FAULT(weft_room_join(mia, "den2", &makes, NULL), mia, WEFT_ROOM_NOT_ALLOWED);
	CHECK_INT(weft_room_join(root, "den2", &makes, NULL), ==, 0);
	part();
}

static int count_room(const struct weft_room_facts *facts, void *arg)
{
	strncat(arg, facts->name, 100);
	strncat(arg, " ", 100);
	return 0;
}

CHECK_CASE(a_summary_has_the_fullest_first_and_only_counts_what_is_private)
{
	struct weft_room_summary *list;
	size_t hidden;

	gather();
	CHECK_INT(change(mia, (struct weft_room_change){.action = WEFT_ROOM_MAKE, .room = "attic"}),
		==, 0);
	CHECK_INT(change(mia,
			  (struct weft_room_change){
				  .action = WEFT_ROOM_MAKE, .room = "cellar", .is_on = true}),
		==, 0);
	world_say(mia, "lobby", "one");
	world_say(mia, "lobby", "two");
	CHECK_INT(weft_rooms_summary(world, 100, &list, &hidden), ==, 2);
	CHECK_INT(hidden, ==, 1);
	CHECK_STR(list[0].name, "lobby");
	CHECK_INT(list[0].people, ==, 3);
	CHECK_INT(list[0].messages, >=, 2);
	CHECK_STR(list[1].name, "attic");
	free(list);
	CHECK_INT(weft_rooms_summary(world, 1, &list, &hidden), ==, 1);
	CHECK_STR(list[0].name, "lobby");
	free(list);
	part();
}

CHECK_CASE(a_private_room_is_known_to_who_was_invited)
{
	char names[512] = "";

	gather();
	CHECK_INT(change(mia, (struct weft_room_change){.action = WEFT_ROOM_MAKE,
				      .room = "cellar",
				      .text = "wine",
				      .is_on = true}),
		==, 0);
	CHECK_FAULT(
		change(bob, (struct weft_room_change){.action = WEFT_ROOM_MAKE, .room = "Cellar"}),
		bob, WEFT_ROOM_NAME_TAKEN);
	CHECK_FAULT(weft_room_join(bob, "cellar", NULL, NULL), bob, WEFT_ROOM_NO_ROOM);
	CHECK_INT(weft_room_list(bob, NULL, count_room, names), ==, 0);
	CHECK_STR(names, "lobby ");
	CHECK_FAULT(change(bob,
			    (struct weft_room_change){
				    .action = WEFT_ROOM_INVITE, .room = "cellar", .target = "bob"}),
		bob, WEFT_ROOM_NO_ROOM);
	CHECK_FAULT(change(mia,
			    (struct weft_room_change){
				    .action = WEFT_ROOM_INVITE, .room = "cellar", .target = "gus"}),
		mia, WEFT_ROOM_NO_SUCH_PERSON);
	CHECK_INT(change(mia,
			  (struct weft_room_change){
				  .action = WEFT_ROOM_INVITE, .room = "cellar", .target = "bob"}),
		==, 0);
	CHECK_TAKES(bob, "invited cellar mia \n");
	CHECK_INT(weft_room_join(bob, "cellar", NULL, NULL), ==, 0);
	CHECK_TAKES(bob, "entered cellar bob 1\n");
	/* And to who runs the server. */
	names[0] = '\0';
	CHECK_INT(weft_room_list(root, NULL, count_room, names), ==, 0);
	CHECK_STR(names, "cellar lobby ");
	weft_room_exit(bob);
	/* It stays so. */
	bob = world_enter(world_account(2, "bob"));
	CHECK_INT(weft_room_join(bob, "cellar", NULL, NULL), ==, 0);
	part();
}

CHECK_CASE(who_was_kicked_comes_back_by_another_invitation_only)
{
	const struct weft_room_change invite = {
		.action = WEFT_ROOM_INVITE, .room = "cellar", .target = "bob"};
	const struct weft_room_change kick = {
		.action = WEFT_ROOM_KICK, .room = "cellar", .target = "bob", .target_account = 2};

	gather();
	CHECK_INT(change(mia,
			  (struct weft_room_change){
				  .action = WEFT_ROOM_MAKE, .room = "cellar", .is_on = true}),
		==, 0);
	CHECK_INT(change(mia, invite), ==, 0);
	CHECK_INT(weft_room_join(bob, "cellar", NULL, NULL), ==, 0);
	CHECK_INT(change(mia, kick), ==, 0);
	CHECK_FAULT(weft_room_join(bob, "cellar", NULL, NULL), bob, WEFT_ROOM_NO_ROOM);
	CHECK_FAULT(weft_room_history(bob, "cellar", NULL, NULL, NULL), bob, WEFT_ROOM_NO_ROOM);
	/* It is so on the disk. */
	weft_room_exit(bob);
	bob = world_enter(world_account(2, "bob"));
	CHECK_FAULT(weft_room_join(bob, "cellar", NULL, NULL), bob, WEFT_ROOM_NO_ROOM);
	CHECK_INT(change(mia, invite), ==, 0);
	CHECK_INT(weft_room_join(bob, "cellar", NULL, NULL), ==, 0);
	weft_room_exit(bob);
	/* And of who is not here. */
	CHECK_INT(change(mia, kick), ==, 0);
	bob = world_enter(world_account(2, "bob"));
	CHECK_FAULT(weft_room_join(bob, "cellar", NULL, NULL), bob, WEFT_ROOM_NO_ROOM);
	part();
}

CHECK_CASE(two_people_have_one_room_and_are_in_it_whenever_they_are_here)
{
	struct weft_room_client *eve;
	char room[WEFT_ROOM_NAME_SIZE], again[WEFT_ROOM_NAME_SIZE];
	struct weft_room_other other = {1, "mia"};

	gather();
	eve = world_enter(world_account(3, "eve"));
	CHECK_FAULT(weft_room_direct(guest, &other, room), guest, WEFT_ROOM_NOT_ALLOWED);
	CHECK_FAULT(weft_room_direct(mia, &other, room), mia, WEFT_ROOM_NO_SUCH_PERSON);
	CHECK_INT(weft_room_direct(bob, &other, room), ==, 0);
	CHECK_STR(room, "@bob+mia");
	CHECK_TAKES(mia, "entered @bob+mia mia 2\n");
	CHECK_INT(weft_room_direct(mia, &(struct weft_room_other){2, "bob"}, again), ==, 0);
	CHECK_STR(again, room);
	world_say(bob, room, "psst");
	CHECK_TAKES(mia, "message @bob+mia 1 bob: psst\n");
	/* Nobody else, be it the house. */
	CHECK_FAULT(weft_room_join(eve, room, NULL, NULL), eve, WEFT_ROOM_NO_ROOM);
	CHECK_FAULT(weft_room_join(root, room, NULL, NULL), root, WEFT_ROOM_NO_ROOM);
	weft_room_exit(eve);
	weft_room_exit(mia);
	world_taken(bob);
	mia = world_enter(world_account(1, "mia"));
	CHECK_TAKES(mia, "entered @bob+mia mia 2\n");
	CHECK_TAKES(bob, "joined @bob+mia mia 2\n");
	part();
}

CHECK_CASE(a_room_of_two_has_the_names_of_the_two_and_makes_way_for_others)
{
	char room[WEFT_ROOM_NAME_SIZE], name[WEFT_ROOM_PERSON_MAX + 1];
	struct weft_room_client *dora, *next;
	struct weft_room_facts facts;
	int64_t account = 0;

	gather();
	dora = world_enter(world_account(7, "dora"));
	CHECK_INT(weft_room_direct(mia, &(struct weft_room_other){7, "dora"}, room), ==, 0);
	CHECK_STR(room, "@dora+mia");
	world_say(mia, room, "to the first");
	CHECK_INT(weft_room_of_two(mia, "@dora+mia", &account, name), ==, 1);
	CHECK_INT(account, ==, 7);
	CHECK_STR(name, "dora");
	CHECK_INT(weft_room_of_two(dora, "@dora+mia", &account, name), ==, 1);
	CHECK_INT(account, ==, 1);
	CHECK_STR(name, "mia");
	CHECK_INT(weft_room_of_two(mia, "lobby", &account, name), ==, 0);
	CHECK_FAULT(weft_room_of_two(bob, "@dora+mia", &account, name), bob, WEFT_ROOM_NO_ROOM);
	/* She has another name, and somebody else has hers. */
	next = world_enter(world_account(7, "dorothy"));
	CHECK_TAKES(next, "entered @dora+mia dorothy 2\n");
	CHECK_INT(weft_room_of_two(next, "@dora+mia", &account, name), ==, 1);
	CHECK_STR(name, "");
	CHECK(strstr(world_taken(dora), "over") != NULL);
	weft_room_exit(dora);
	dora = world_enter(world_account(8, "dora"));
	world_taken(mia);
	CHECK_INT(weft_room_direct(dora, &(struct weft_room_other){1, "mia"}, room), ==, 0);
	CHECK_STR(room, "@dora+mia");
	CHECK(strstr(world_taken(dora), "entered @dora+mia dora ") != NULL);
	world_say(dora, room, "I am new");
	CHECK(strstr(world_taken(mia), "message @dora+mia 1 dora: I am new\n") != NULL);
	CHECK(strstr(world_taken(next), "I am new") == NULL);
	/* The other room is found by those who are in it. */
	CHECK_INT(weft_room_direct(next, &(struct weft_room_other){1, "mia"}, room), ==, 0);
	CHECK_STR(room, "@dorothy+mia");
	world_taken(mia);
	CHECK_INT(world_say(next, room, "it is me"), ==, 2);
	CHECK_TAKES(mia, "message @dorothy+mia 2 dorothy: it is me\n");
	weft_room_exit(next);
	weft_room_exit(dora);
	/* So it is on the disk. */
	next = world_enter(world_account(7, "dorothy"));
	CHECK_INT(weft_room_join(next, "@dorothy+mia", NULL, &facts), ==, 0);
	CHECK_INT(facts.last, ==, 2);
	weft_room_exit(next);
	part();
}

/* ---- Moderation ----------------------------------------------------------------------------- */

static char audited[4096];

static void audit(void *arg, const struct weft_room_deed *deed)
{
	size_t len = strlen(audited);

	(void)arg;
	snprintf(audited + len, sizeof audited - len, "%s %s %s %s %s %s\n", deed->who->name,
		deed->action, deed->room, deed->target, deed->detail,
		deed->result ? deed->result : "done");
}

CHECK_CASE(what_moderators_do_is_told_and_audited_and_lasts)
{
	struct weft_room_person gus = world_guest("gus", "192.0.2.7");
	struct weft_room_person other = world_guest("gustav", "192.0.2.7");

	gather_with((struct weft_rooms_options){.audit = audit});
	audited[0] = '\0';
	/* What guests may not is in no log, which any of them could fill. */
	CHECK_FAULT(change(guest,
			    (struct weft_room_change){
				    .action = WEFT_ROOM_KICK, .room = "lobby", .target = "bob"}),
		guest, WEFT_ROOM_NOT_ALLOWED);
	CHECK_FAULT(change(mia,
			    (struct weft_room_change){
				    .action = WEFT_ROOM_KICK, .room = "lobby", .target = "gus"}),
		mia, WEFT_ROOM_NOT_ALLOWED);
	CHECK_INT(change(root, (struct weft_room_change){.action = WEFT_ROOM_MAKE_MODERATOR,
				       .room = "lobby",
				       .target = "mia",
				       .is_on = true}),
		==, 0);
	CHECK_INT(change(mia, (struct weft_room_change){.action = WEFT_ROOM_KICK,
				      .room = "lobby",
				      .target = "gus",
				      .text = "noise"}),
		==, 0);
	CHECK_TAKES(guest, "exited lobby  noise\n");
	CHECK_TAKES(bob, "notice lobby 1 server: mia is a moderator\n"
			 "notice lobby 2 mia: gus is kicked: noise\nleft lobby gus noise\n");
	CHECK_INT(weft_room_join(guest, "lobby", NULL, NULL), ==, 0);
	CHECK_FAULT(change(mia,
			    (struct weft_room_change){
				    .action = WEFT_ROOM_BAN, .room = "lobby", .target = "server"}),
		mia, WEFT_ROOM_NOT_ALLOWED);
	CHECK_FAULT(
		change(mia, (struct weft_room_change){.action = WEFT_ROOM_BAN, .target = "gus"}),
		mia, WEFT_ROOM_NOT_ALLOWED);
	CHECK_FAULT(change(mia,
			    (struct weft_room_change){
				    .action = WEFT_ROOM_BAN, .room = "lobby", .target = "nobody"}),
		mia, WEFT_ROOM_NO_SUCH_PERSON);
	CHECK_INT(change(mia,
			  (struct weft_room_change){
				  .action = WEFT_ROOM_BAN, .room = "lobby", .target = "gus"}),
		==, 0);
	CHECK_FAULT(weft_room_join(guest, "lobby", NULL, NULL), guest, WEFT_ROOM_BANNED);
	CHECK_STR(audited, "mia room.kick lobby gus  not-allowed\n"
			   "server room.moderator lobby mia  done\n"
			   "mia room.kick lobby gus noise done\n"
			   "mia room.ban lobby server  not-allowed\n"
			   "mia room.ban  gus  not-allowed\n"
			   "mia room.ban lobby nobody  no-such-person\n"
			   "mia room.ban lobby gus  done\n");
	part();
	/* By another name, after a restart, from there: neither. */
	world_open();
	mia = world_in_lobby(world_account(1, "mia"));
	bob = world_in_lobby(world_account(2, "bob"));
	root = world_enter(house());
	guest = world_enter(other);
	CHECK_FAULT(weft_room_join(guest, "lobby", NULL, NULL), guest, WEFT_ROOM_BANNED);
	CHECK_INT(change(mia,
			  (struct weft_room_change){
				  .action = WEFT_ROOM_UNBAN, .room = "lobby", .target = "gus"}),
		==, 0);
	weft_room_exit(guest);
	guest = world_enter(gus);
	CHECK_INT(weft_room_join(guest, "lobby", NULL, NULL), ==, 0);
	part();
}

CHECK_CASE(who_moderates_undoes_no_ban_of_her_own_and_puts_out_no_other_moderator)
{
	struct weft_room_change make = {.action = WEFT_ROOM_MAKE, .room = "den"};
	struct weft_room_change of_bob = {.action = WEFT_ROOM_MAKE_MODERATOR,
		.room = "den",
		.target = "bob",
		.target_account = 2,
		.is_on = true};
	struct weft_room_change of_mia = {.action = WEFT_ROOM_MAKE_MODERATOR,
		.room = "den",
		.target = "mia",
		.target_account = 1};

	gather();
	CHECK_INT(change(mia, make), ==, 0);
	CHECK_INT(change(mia, of_bob), ==, 0);
	/* Whether she is here or not. */
	for (int round = 0; round < 2; round++) {
		of_mia.action = WEFT_ROOM_BAN;
		CHECK_FAULT(change(bob, of_mia), bob, WEFT_ROOM_NOT_ALLOWED);
		of_mia.action = WEFT_ROOM_MAKE_MODERATOR;
		CHECK_FAULT(change(bob, of_mia), bob, WEFT_ROOM_NOT_ALLOWED);
		weft_room_exit(mia);
		mia = NULL;
	}
	of_bob.action = WEFT_ROOM_MUTE;
	CHECK_INT(change(root, of_bob), ==, 0);
	of_bob.action = WEFT_ROOM_UNMUTE;
	CHECK_FAULT(change(bob, of_bob), bob, WEFT_ROOM_MUTED);
	of_bob.action = WEFT_ROOM_BAN;
	CHECK_INT(change(root, of_bob), ==, 0);
	of_bob.action = WEFT_ROOM_UNBAN;
	CHECK_FAULT(change(bob, of_bob), bob, WEFT_ROOM_BANNED);
	CHECK_INT(change(root, of_bob), ==, 0);
	of_bob.action = WEFT_ROOM_UNMUTE;
	CHECK_INT(change(root, of_bob), ==, 0);
	/* She may give it up. */
	of_bob.action = WEFT_ROOM_MAKE_MODERATOR;
	of_bob.is_on = false;
	CHECK_INT(change(bob, of_bob), ==, 0);
	part();
}

CHECK_CASE(who_is_banned_everywhere_is_out_and_stays_out)
{
	struct weft_room_person person = world_account(2, "bob");

	gather();
	CHECK_INT(change(root,
			  (struct weft_room_change){
				  .action = WEFT_ROOM_BAN, .target = "bob", .text = "spam"}),
		==, 0);
	CHECK_TAKES(bob, "over   spam\n");
	CHECK_ERRNO(world_post(bob, "lobby", NULL, "hello?"), ESHUTDOWN);
	CHECK_ERRNO(weft_room_join(bob, "lobby", NULL, NULL), ESHUTDOWN);
	CHECK_TAKES(mia, "left lobby bob spam\n");
	weft_room_exit(bob);
	CHECK_ERRNO(weft_room_enter(world, &person, &world_form, NULL), EPERM);
	CHECK_INT(change(root,
			  (struct weft_room_change){
				  .action = WEFT_ROOM_UNBAN, .target = "bob", .target_account = 2}),
		==, 0);
	bob = world_in_lobby(person);
	/* For a moment only. */
	CHECK_INT(change(root,
			  (struct weft_room_change){
				  .action = WEFT_ROOM_BAN, .target = "bob", .for_ns = 1}),
		==, 0);
	weft_room_exit(bob);
	bob = world_in_lobby(person);
	part();
}

CHECK_CASE(the_muted_and_those_in_read_only_rooms_and_slow_ones_are_refused)
{
	struct weft_room_change slow = {
		.action = WEFT_ROOM_SET_SLOW, .room = "lobby", .for_ns = WEFT_SECONDS(3600)};
	struct weft_room_post post = {.id = "b1", .text = "one", .len = 3};
	uint64_t seq;

	gather();
	CHECK_INT(weft_room_say(bob, "lobby", &post, &seq), ==, 0);
	CHECK_INT(change(root,
			  (struct weft_room_change){
				  .action = WEFT_ROOM_MUTE, .room = "lobby", .target = "bob"}),
		==, 0);
	world_taken(bob);
	CHECK_INT(world_post(bob, "lobby", "b2", "two"), ==, 0);
	world_say(mia, "lobby", "three");
	CHECK_STR(strstr(world_taken(bob), "refused"),
		"refused lobby muted b2\nmessage lobby 3 mia: three\n");
	/* Nor by leaving with a word, and coming again. */
	world_taken(mia);
	CHECK_INT(weft_room_leave(bob, "lobby", "two"), ==, 0);
	CHECK_INT(weft_room_join(bob, "lobby", NULL, NULL), ==, 0);
	CHECK_TAKES(mia, "left lobby bob \njoined lobby bob 3\n");
	/* What is there already is accepted again, whatever the rules are. */
	CHECK_INT(weft_room_say(bob, "lobby", &post, &seq), ==, 0);
	CHECK_INT(seq, ==, 1);
	CHECK_INT(change(root,
			  (struct weft_room_change){
				  .action = WEFT_ROOM_UNMUTE, .room = "lobby", .target = "bob"}),
		==, 0);
	CHECK_INT(change(root, slow), ==, 0);
	post.id = "b3";
	CHECK_INT(weft_room_say(bob, "lobby", &post, &seq), ==, 0);
	post.id = "b4";
	CHECK_FAULT(weft_room_say(bob, "lobby", &post, &seq), bob, WEFT_ROOM_SLOW_MODE);
	CHECK_INT(weft_room_client_wait_ns(bob), >, WEFT_SECONDS(3000));
	world_say(mia, "lobby", "mine");
	slow.for_ns = 0;
	CHECK_INT(change(root, slow), ==, 0);
	CHECK_INT(change(root, (struct weft_room_change){.action = WEFT_ROOM_SET_READ_ONLY,
				       .room = "lobby",
				       .is_on = true}),
		==, 0);
	CHECK_FAULT(weft_room_say(bob, "lobby", &post, &seq), bob, WEFT_ROOM_READ_ONLY);
	world_taken(mia);
	CHECK_INT(weft_room_leave(bob, "lobby", "four"), ==, 0);
	CHECK_TAKES(mia, "left lobby bob \n");
	world_taken(root);
	CHECK_INT(weft_room_join(root, "lobby", NULL, NULL), ==, 0);
	world_say(root, "lobby", "order");
	part();
}

CHECK_CASE(a_guest_who_is_muted_is_so_by_another_name)
{
	struct weft_room_change quiet = {
		.action = WEFT_ROOM_MUTE, .room = "lobby", .target = "gus"};
	struct weft_room_post post = {.text = "one", .len = 3};

	gather();
	CHECK_INT(change(root, quiet), ==, 0);
	weft_room_exit(guest);
	guest = world_in_lobby(world_guest("tom", "192.0.2.7"));
	CHECK_FAULT(weft_room_say(guest, "lobby", &post, NULL), guest, WEFT_ROOM_MUTED);
	quiet.action = WEFT_ROOM_UNMUTE;
	CHECK_INT(change(root, quiet), ==, 0);
	weft_room_exit(guest);
	guest = world_in_lobby(world_guest("tom", "192.0.2.7"));
	world_say(guest, "lobby", "one");
	part();
}

CHECK_CASE(slow_mode_goes_on_for_who_leaves_and_comes_again)
{
	const struct weft_room_change slow = {
		.action = WEFT_ROOM_SET_SLOW, .room = "lobby", .for_ns = WEFT_SECONDS(3600)};
	struct weft_room_post post = {.text = "one", .len = 3};
	uint64_t seq;

	gather();
	CHECK_INT(change(root, slow), ==, 0);
	world_say(bob, "lobby", "one");
	CHECK_INT(world_post(guest, "lobby", NULL, "one"), ==, 0); /* and is gone at once */
	weft_room_exit(bob);
	weft_room_exit(guest);
	bob = world_in_lobby(world_account(2, "bob"));
	CHECK_FAULT(weft_room_say(bob, "lobby", &post, &seq), bob, WEFT_ROOM_SLOW_MODE);
	CHECK_INT(weft_room_client_wait_ns(bob), >, WEFT_SECONDS(3000));
	/* By another name, too; but not one who comes from elsewhere. */
	guest = world_in_lobby(world_guest("tom", "192.0.2.7"));
	CHECK_FAULT(weft_room_say(guest, "lobby", &post, &seq), guest, WEFT_ROOM_SLOW_MODE);
	weft_room_exit(guest);
	guest = world_in_lobby(world_guest("gus", "192.0.2.8"));
	world_say(guest, "lobby", "one");
	/* Two who are here at once do not wait for each other. */
	weft_room_exit(mia);
	mia = world_in_lobby(world_guest("eve", "192.0.2.8"));
	world_say(mia, "lobby", "one");
	part();
}
CHECK_CASE(read_marks_go_forward_and_are_kept)
{
	struct weft_room_facts facts;

	gather();
	for (int i = 0; i < 5; i++)
		world_say(mia, "lobby", "x");
	CHECK_FAULT(weft_room_mark_read(guest, "lobby", 3), guest, WEFT_ROOM_NOT_ALLOWED);
	CHECK_INT(weft_room_mark_read(bob, "lobby", 3), ==, 0);
	CHECK_INT(weft_room_mark_read(bob, "lobby", 2), ==, 0);
	CHECK_INT(weft_room_mark_read(mia, "lobby", 1000), ==, 0);
	part();
	gather();
	CHECK_INT(weft_room_join(bob, "lobby", NULL, &facts), ==, 0);
	CHECK_INT(facts.read, ==, 3);
	CHECK_INT(facts.last, ==, 5);
	CHECK_INT(weft_room_join(mia, "lobby", NULL, &facts), ==, 0);
	CHECK_INT(facts.read, ==, 5);
	part();
}

CHECK_CASE(topics_and_announcements_are_in_the_log)
{
	struct weft_room_facts facts;

	gather();
	CHECK_INT(change(root,
			  (struct weft_room_change){
				  .action = WEFT_ROOM_SET_TOPIC, .room = "lobby", .text = "looms"}),
		==, 0);
	CHECK_FAULT(weft_room_announce(mia, "tea"), mia, WEFT_ROOM_NOT_ALLOWED);
	CHECK_INT(weft_room_announce(root, "tea"), ==, 0);
	CHECK_TAKES(guest, "topic lobby 1 server: looms\nnotice lobby 2 server: tea\n");
	CHECK_INT(weft_room_join(mia, "lobby", NULL, &facts), ==, 0);
	CHECK_STR(facts.topic, "looms");
	part();
}

static int count_member(const struct weft_room_member *member, void *arg)
{
	char *names = arg;

	snprintf(names + strlen(names), 64, "%s%s%s ", member->name, member->is_guest ? "?" : "",
		member->is_moderator ? "!" : "");
	return 0;
}

static int count_present(const struct weft_room_present *present, void *arg)
{
	char *names = arg;

	snprintf(names + strlen(names), 64, "%s/%u/%zu ", present->name, present->rooms,
		present->behind);
	return 0;
}

CHECK_CASE(who_is_here_is_told_to_who_may_know)
{
	struct weft_room_client *again;
	char names[512] = "", text[32];

	gather();
	again = world_in_lobby(world_account(1, "mia"));
	CHECK_INT(weft_room_members(bob, "lobby", count_member, names), ==, 0);
	CHECK_STR(names, "bob gus? mia ");
	names[0] = '\0';
	world_say(bob, "lobby", "12345");
	world_taken(mia);
	CHECK_FAULT(weft_room_who(mia, count_present, names), mia, WEFT_ROOM_NOT_ALLOWED);
	CHECK_INT(weft_room_who(root, count_present, names), ==, 0);
	snprintf(text, sizeof text, "%zu", strlen("message lobby 1 bob: 12345\n"));
	CHECK(strstr(names, "server/0/0 mia/1/0 bob/1/"));
	CHECK(strstr(names, text));
	weft_room_exit(again);
	part();
}

CHECK_CASE(typing_is_told_now_and_then)
{
	gather();
	CHECK_INT(weft_room_typing(bob, "lobby"), ==, 0);
	CHECK_INT(weft_room_typing(bob, "lobby"), ==, 0);
	CHECK_TAKES(mia, "typing lobby bob \n");
	/* Who has spoken and types again is told of at once. */
	world_say(bob, "lobby", "one");
	CHECK_INT(weft_room_typing(bob, "lobby"), ==, 0);
	CHECK_TAKES(mia, "message lobby 1 bob: one\ntyping lobby bob \n");
	CHECK_FAULT(weft_room_typing(root, "lobby"), root, WEFT_ROOM_NOT_MEMBER);
	part();
}

CHECK_CASE(the_bounds_are_kept)
{
	struct weft_room_person person = world_account(9, "nia");
	const struct weft_room_join_options makes = {.makes = true};
	struct weft_room_client *clients[3];

	gather_with((struct weft_rooms_options){
		.person_max = 2, .clients_max = 7, .members_max = 4, .rooms_max = 2});
	for (int i = 0; i < 2; i++)
		clients[i] = world_in_lobby(person);
	CHECK_ERRNO(weft_room_enter(world, &person, &world_form, NULL), EUSERS);
	person = world_account(10, "ole");
	clients[2] = world_enter(person);
	CHECK_FAULT(weft_room_join(clients[2], "lobby", NULL, NULL), clients[2], WEFT_ROOM_FULL);
	CHECK_INT(weft_room_join(clients[2], "one", &makes, NULL), ==, 0);
	CHECK_FAULT(weft_room_join(clients[2], "two", &makes, NULL), clients[2], WEFT_ROOM_FULL);
	person = world_account(11, "pia");
	CHECK_ERRNO(weft_room_enter(world, &person, &world_form, NULL), EUSERS);
	for (int i = 0; i < 3; i++)
		weft_room_exit(clients[i]);
	part();
}

CHECK_CASE(one_person_does_not_make_all_the_rooms_there_may_be)
{
	struct weft_room_change make = {.action = WEFT_ROOM_MAKE};
	char name[16];

	gather_with((struct weft_rooms_options){.rooms_max = 80});
	make.room = name;
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "r%d", i);
		CHECK_INT(change(mia, make), ==, 0);
	}
	make.room = "one-more";
	CHECK_FAULT(change(mia, make), mia, WEFT_ROOM_TOO_MANY);
	CHECK_INT(change(bob, make), ==, 0);
	make.room = "of-the-house";
	CHECK_INT(change(root, make), ==, 0);
	part();
}

CHECK_MAIN()
