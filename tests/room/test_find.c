/*
 * test_find.c - what was said is found by words, by who may read it, as long as it is there.
 */
#include "room/four.h"

struct heard {
	char text[8192];
};

static int hear(const struct weft_room_event *event, void *arg)
{
	struct heard *heard = arg;
	size_t len = strlen(heard->text);

	world_write(event, heard->text + len, sizeof heard->text - len);
	return 0;
}

static const char *find(struct weft_room_client *client, struct weft_room_search what)
{
	static struct heard heard;

	heard.text[0] = '\0';
	if (weft_room_search(client, &what, hear, &heard) < 0)
		return weft_room_fault_word(weft_room_client_fault(client));
	return heard.text;
}

CHECK_CASE(a_message_that_was_deleted_is_found_nowhere)
{
	struct heard heard = {""};

	gather();
	world_say(bob, "lobby", "my secret is 42");
	world_say(mia, "lobby", "no secrets here");
	CHECK_STR(find(mia, (struct weft_room_search){.text = "secret"}),
		"message lobby 2 mia: no secrets here\nmessage lobby 1 bob: my secret is 42\n");
	CHECK_FAULT(change(mia,
			    (struct weft_room_change){
				    .action = WEFT_ROOM_DELETE, .room = "lobby", .seq = 1}),
		mia, WEFT_ROOM_NOT_ALLOWED);
	CHECK_FAULT(change(bob,
			    (struct weft_room_change){
				    .action = WEFT_ROOM_DELETE, .room = "lobby", .seq = 3}),
		bob, WEFT_ROOM_NO_SUCH_MESSAGE);
	world_taken(mia);
	for (int again = 0; again < 2; again++)
		CHECK_INT(change(bob,
				  (struct weft_room_change){
					  .action = WEFT_ROOM_DELETE, .room = "lobby", .seq = 1}),
			==, 0);
	CHECK_TAKES(mia, "deleted lobby 3 bob: 1\n");
	CHECK_STR(find(mia, (struct weft_room_search){.text = "secret"}),
		"message lobby 2 mia: no secrets here\n");
	CHECK_INT(weft_room_history(mia, "lobby", NULL, hear, &heard), ==, 0);
	CHECK_STR(heard.text, "message lobby 1 bob: \nmessage lobby 2 mia: no secrets here\n"
			      "deleted lobby 3 bob: 1\n");
	/* Before it was in the index; and by a moderator. */
	world_say(bob, "lobby", "another secret");
	CHECK_INT(change(root,
			  (struct weft_room_change){
				  .action = WEFT_ROOM_DELETE, .room = "lobby", .seq = 4}),
		==, 0);
	CHECK_STR(find(mia, (struct weft_room_search){.text = "secret"}),
		"message lobby 2 mia: no secrets here\n");
	part();
}

CHECK_CASE(search_finds_parts_of_words_and_chinese_and_only_what_she_may_read)
{
	const struct weft_room_join_options makes = {.makes = true};

	gather();
	CHECK_INT(weft_room_join(mia, "den", &makes, NULL), ==, 0);
	CHECK_INT(change(mia,
			  (struct weft_room_change){
				  .action = WEFT_ROOM_MAKE, .room = "cellar", .is_on = true}),
		==, 0);
	CHECK_INT(weft_room_join(mia, "cellar", NULL, NULL), ==, 0);
	world_say(mia, "lobby", "The weaver's shuttle");
	world_say(mia, "den", "unweaving 100%_of \"it\"");
	world_say(mia, "cellar", "weave in secret");
	world_say(bob, "lobby", "\xe6\x88\x91\xe5\x80\x91\xe5\x9c\xa8\xe7\xb9\x94\xe5\xb8\x83");
	CHECK_STR(find(bob, (struct weft_room_search){.text = "WEAV"}),
		"message den 1 mia: unweaving 100%_of \"it\"\nmessage lobby 1 mia: The weaver's "
		"shuttle\n");
	CHECK_STR(find(mia, (struct weft_room_search){.text = "weav", .limit = 1}),
		"message cellar 1 mia: weave in secret\n");
	CHECK_STR(find(guest, (struct weft_room_search){.text = "weav"}),
		"message lobby 1 mia: The weaver's shuttle\n");
	CHECK_STR(find(bob, (struct weft_room_search){.text = "weav", .room = "lobby"}),
		"message lobby 1 mia: The weaver's shuttle\n");
	CHECK_STR(
		find(bob, (struct weft_room_search){.text = "weav", .room = "cellar"}), "no-room");
	CHECK_STR(find(bob, (struct weft_room_search){.text = "shuttle weaver"}),
		"message lobby 1 mia: The weaver's shuttle\n");
	CHECK_STR(find(bob, (struct weft_room_search){.text = "weav", .who = "bob"}), "");
	/* Two characters; and what would mean something to a database. */
	CHECK_STR(find(bob, (struct weft_room_search){.text = "\xe7\xb9\x94\xe5\xb8\x83"}),
		"message lobby 2 bob: "
		"\xe6\x88\x91\xe5\x80\x91\xe5\x9c\xa8\xe7\xb9\x94\xe5\xb8\x83\n");
	CHECK_STR(
		find(bob,
			(struct weft_room_search){.text = "\xe5\x80\x91\xe5\x9c\xa8\xe7\xb9\x94"}),
		"message lobby 2 bob: "
		"\xe6\x88\x91\xe5\x80\x91\xe5\x9c\xa8\xe7\xb9\x94\xe5\xb8\x83\n");
	CHECK_STR(find(bob, (struct weft_room_search){.text = "%_"}),
		"message den 1 mia: unweaving 100%_of \"it\"\n");
	CHECK_STR(find(bob, (struct weft_room_search){.text = "\"it\" OR"}), "");
	CHECK_STR(find(bob, (struct weft_room_search){.text = "\"it\" %_"}),
		"message den 1 mia: unweaving 100%_of \"it\"\n");
	CHECK_STR(find(bob, (struct weft_room_search){.text = " "}), "text-empty");
	part();
}

CHECK_CASE(over_all_rooms_it_is_newest_first_too_page_by_page)
{
	static const char *const names[] = {"lobby", "den", "attic"};
	const struct weft_room_join_options makes = {.makes = true};
	struct weft_room_search search = {.text = "knot", .limit = 7};
	struct heard heard = {""};
	char line[64];
	const char *at = heard.text;
	int pages = 0;

	gather();
	for (int i = 1; i < 3; i++)
		CHECK_INT(weft_room_join(mia, names[i], &makes, NULL), ==, 0);
	for (int i = 0; i < 30; i++) {
		snprintf(line, sizeof line, "knot %d", i);
		world_say(mia, names[i % 5 % 3], line);
	}
	do {
		search.before = weft_room_search(mia, &search, hear, &heard);
		CHECK_INT(search.before, >=, 0);
		pages++;
	} while (search.before > 0);
	CHECK_INT(pages, ==, 5);
	for (int i = 30; i-- > 0;) {
		snprintf(line, sizeof line, ": knot %d\n", i);
		at = strstr(at, line);
		CHECK(at && (at += strlen(line)));
	}
	CHECK_INT(*at, ==, '\0');
	part();
}

CHECK_CASE(what_lies_far_back_is_for_a_page_after)
{
	struct weft_room_search search = {.text = "weave", .who = "mia"};
	struct heard heard = {""};
	int pages = 0;

	gather();
	world_say(mia, "lobby", "weave");
	for (int i = 0; i < 20100; i++) {
		CHECK_INT(world_post(bob, "lobby", NULL, "weaves"), ==, 0);
		if (i % 64 == 0)
			world_taken(bob);
	}
	do {
		CHECK_STR(heard.text, "");
		search.before = weft_room_search(mia, &search, hear, &heard);
		CHECK_INT(search.before, >=, 0);
		pages++;
	} while (search.before > 0);
	CHECK_INT(pages, ==, 2);
	CHECK_STR(heard.text, "message lobby 1 mia: weave\n");
	/* So it is where the index can't help. */
	search.text = "ve";
	heard.text[0] = '\0';
	search.before = weft_room_search(mia, &search, hear, &heard);
	CHECK_INT(search.before, >, 0);
	CHECK_STR(heard.text, "");
	CHECK_INT(weft_room_search(mia, &search, hear, &heard), ==, 0);
	CHECK_STR(heard.text, "message lobby 1 mia: weave\n");
	part();
}

CHECK_CASE(a_search_goes_on_where_it_ended)
{
	struct heard heard = {""};
	struct weft_room_search search = {.text = "again", .limit = 3};
	int64_t next;

	gather();
	for (int i = 0; i < 7; i++)
		world_say(mia, "lobby", "again");
	for (int page = 0; page < 3; page++) {
		next = weft_room_search(mia, &search, hear, &heard);
		CHECK_INT(next != 0, ==, page < 2);
		search.before = next;
	}
	for (int i = 7; i > 0; i--) {
		char line[64];

		snprintf(line, sizeof line, "message lobby %d mia: again\n", i);
		CHECK(strstr(heard.text, line) == heard.text + (size_t)(7 - i) * strlen(line));
	}
	part();
}

CHECK_CASE(a_room_that_was_removed_is_gone_with_all_that_was_said)
{
	const struct weft_room_join_options makes = {.makes = true};
	struct weft_room_facts first, second;

	gather();
	CHECK_INT(weft_room_join(mia, "den", &makes, &first), ==, 0);
	world_say(mia, "den", "forget me");
	CHECK_INT(world_post(mia, "den", NULL, "and me"), ==, 0);
	CHECK_FAULT(
		change(mia, (struct weft_room_change){.action = WEFT_ROOM_REMOVE, .room = "den"}),
		mia, WEFT_ROOM_NOT_ALLOWED);
	CHECK_FAULT(change(root,
			    (struct weft_room_change){.action = WEFT_ROOM_REMOVE, .room = "lobby"}),
		root, WEFT_ROOM_NOT_ALLOWED);
	CHECK_INT(
		change(root, (struct weft_room_change){.action = WEFT_ROOM_REMOVE, .room = "den"}),
		==, 0);
	CHECK(strstr(world_taken(mia), "exited den  the room was removed\n"));
	CHECK_FAULT(weft_room_join(mia, "den", NULL, NULL), mia, WEFT_ROOM_NO_ROOM);
	CHECK_STR(find(mia, (struct weft_room_search){.text = "forget"}), "");
	CHECK_INT(weft_room_join(bob, "den", &makes, &second), ==, 0);
	CHECK_INT(second.last, ==, 0);
	CHECK(first.epoch != second.epoch);
	part();
}

CHECK_MAIN()
