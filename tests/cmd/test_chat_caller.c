/*
 * test_chat_caller.c - a client's side of the line protocol, without a line (src/cmd/chat_caller.c,
 * chat_listen.c, chat_heard.c, chat_model.c).
 */
#include "check.h"

#include <inttypes.h>
#include <locale.h>

#include "cmd/chat_caller.h"

/* ---- A hub in a few lines --------------------------------------------------------------- */

static struct chat_model model;
static struct chat_caller caller;
static char delivered[4096]; /* numbers of what was taken of logs */
static char settled[1024];
static char sent[65536];

static void on_logged(void *arg, const struct chat_heard *heard)
{
	size_t len = strlen(delivered);

	(void)arg;
	if (len < sizeof(delivered) - 24)
		snprintf(delivered + len, sizeof(delivered) - len, "%" PRIu64 " ", heard->seq);
}

static void on_settled(void *arg, const struct chat_post *post, const struct chat_heard *heard)
{
	size_t len = strlen(settled);

	(void)arg;
	snprintf(settled + len, sizeof(settled) - len, "%s=%s ", post->text,
		heard->kind == CHAT_HEARD_OK ? "ok" : heard->word);
}

/* What was sent since the last look. */
static const char *out(void)
{
	snprintf(sent, sizeof(sent), "%s", weft_str_text(&caller.out));
	weft_str_reset(&caller.out);
	return sent;
}

static bool hear(const char *line)
{
	return weft__caller_line(&caller, line, strlen(line));
}

static bool completes;

static void begin(unsigned history)
{
	const struct chat_caller_options options = {.name = "mia",
		.prefix = "id",
		.history = history,
		.seed = 7,
		.has_completion = completes,
		.hooks = {.logged = on_logged, .settled = on_settled}};

	setlocale(LC_CTYPE, "C.UTF-8");
	weft__model_init(&model);
	weft__caller_init(&caller, &model, &options);
	weft__caller_time(&caller, WEFT_SECONDS(100), WEFT_SECONDS(1000));
	delivered[0] = settled[0] = '\0';
}

static void end(void)
{
	weft__caller_fini(&caller);
	weft__model_fini(&model);
}

/* In the lobby, which has come up to number last. */
static void come_in(unsigned last)
{
	char line[256];

	begin(0);
	CHECK(weft__caller_join(&caller, "lobby"));
	weft__caller_connected(&caller);
	CHECK_STR(out(), "#1 GUEST mia\n");
	hear("#1 OK ~mia\n");
	CHECK_STR(out(), completes ? "#2 JOIN lobby\n#3 ROOMS\n" : "#2 JOIN lobby\n");
	snprintf(line, sizeof(line), "entered lobby 1a2b3c4d %u 2 Welcome\n", last);
	hear(line);
	snprintf(line, sizeof(line), "#2 OK lobby 1a2b3c4d %u 0\n", last);
	hear(line);
	CHECK(model.rooms[0]->is_in);
}

static bool say(unsigned seq, const char *who, const char *text)
{
	char line[256];

	snprintf(line, sizeof(line), "message lobby 1a2b3c4d %u 2026-11-21T17:20:01.123Z %s %s\n",
		seq, who, text);
	return hear(line);
}

static const struct chat_entry *newest(void)
{
	const struct chat_room *room = model.rooms[0];

	CHECK(room->entries_len > 0);
	return &room->entries[room->entries_len - 1];
}

/* ---- The usual -------------------------------------------------------------------------- */

CHECK_CASE(a_message_that_is_said_is_accepted_and_heard_once)
{
	come_in(41);
	CHECK_STR(model.self, "~mia");
	CHECK_STR(model.rooms[0]->topic, "Welcome");
	CHECK(!weft__caller_say(&caller, "lobby", "hello\n\\all"));
	CHECK_STR(out(), "#id-1 SAY lobby hello\\n\\\\all\n");
	CHECK(!weft__caller_is_settled(&caller));
	hear("#id-1 OK lobby 1a2b3c4d 42\n");
	CHECK(weft__caller_is_settled(&caller));
	CHECK_INT(caller.posts_len, ==, 1); /* until it is heard */
	say(42, "~mia", "hello\\n\\\\all");
	CHECK_INT(caller.posts_len, ==, 0);
	CHECK_STR(newest()->text, "hello\n\\all");
	CHECK(newest()->is_own);
	CHECK_STR(settled, "hello\n\\all=ok ");
	end();
}

CHECK_CASE(a_message_is_heard_before_it_is_accepted)
{
	come_in(41);
	weft__caller_say(&caller, "lobby", "hello");
	say(42, "~mia", "hello");
	CHECK(caller.posts[0].is_heard);
	CHECK(!weft__caller_is_settled(&caller));
	hear("#id-1 OK lobby 1a2b3c4d 42\n");
	CHECK_INT(caller.posts_len, ==, 0);
	end();
}

CHECK_CASE(after_a_lost_connection_rooms_go_on_and_messages_are_sent_again_as_they_were)
{
	come_in(41);
	say(42, "bob", "one");
	weft__caller_say(&caller, "lobby", "first");
	weft__caller_say(&caller, "lobby", "second");
	out();
	weft__caller_lost(&caller, "gone");
	CHECK_INT(caller.state, ==, CHAT_OFFLINE);
	weft__caller_say(&caller, "lobby", "third");
	CHECK_STR(out(), "");
	weft__caller_connected(&caller);
	CHECK_STR(out(), "#3 GUEST mia\n");
	hear("#3 OK ~mia\n");
	CHECK_STR(out(), "#4 JOIN lobby 1a2b3c4d 42\n");
	hear("entered lobby 1a2b3c4d 44 2\n");
	say(43, "~mia", "first"); /* it had come through, and its answer was lost */
	say(44, "bob", "two");
	hear("#4 OK lobby 1a2b3c4d 44 0\n");
	CHECK_STR(out(), "#id-1 SAY lobby first\n#id-2 SAY lobby second\n#id-3 SAY lobby third\n");
	hear("#id-1 OK lobby 1a2b3c4d 43\n");
	hear("#id-2 OK lobby 1a2b3c4d 45\n");
	hear("#id-3 OK lobby 1a2b3c4d 46\n");
	say(45, "~mia", "second");
	say(46, "~mia", "third");
	CHECK_STR(delivered, "42 43 44 45 46 ");
	CHECK_STR(settled, "first=ok second=ok third=ok ");
	CHECK_INT(caller.posts_len, ==, 0);
	end();
}

CHECK_CASE(a_hole_is_fetched_and_nothing_is_taken_twice_or_out_of_order)
{
	come_in(10);
	say(11, "bob", "a");
	say(11, "bob", "a");
	say(15, "bob", "e");
	CHECK_STR(out(), "#3 HISTORY lobby after 11 200\n");
	say(16, "bob", "f"); /* behind the hole */
	CHECK_STR(out(), "");
	hear("#3 message lobby 1a2b3c4d 12 2026-11-21T17:20:01Z bob b\n");
	hear("#3 message lobby 1a2b3c4d 14 2026-11-21T17:20:01Z bob d\n"); /* 13 is gone for good */
	hear("#3 OK more\n");
	CHECK_STR(out(), "#4 HISTORY lobby after 14 200\n");
	hear("#4 message lobby 1a2b3c4d 15 2026-11-21T17:20:01Z bob e\n");
	hear("#4 message lobby 1a2b3c4d 16 2026-11-21T17:20:01Z bob f\n");
	hear("#4 OK\n");
	say(17, "bob", "g");
	CHECK_STR(delivered, "11 12 14 15 16 17 ");
	CHECK_STR(out(), "");
	end();
}

CHECK_CASE(a_gap_that_the_hub_tells_of_is_fetched_and_given_up_where_nothing_comes)
{
	come_in(10);
	hear("gap lobby 1a2b3c4d 11 12\n");
	CHECK_STR(out(), "#3 HISTORY lobby after 10 200\n");
	hear("#3 OK\n");
	CHECK_STR(out(), "");
	CHECK_STR(newest()->text, "Some messages could not be had.");
	say(13, "bob", "on");
	hear("gap lobby 14 15\n"); /* without an epoch */
	CHECK_STR(out(), "#4 HISTORY lobby after 13 200\n");
	CHECK_STR(delivered, "13 ");
	end();
}

CHECK_CASE(slow_mode_sends_again_when_it_is_time_and_keeps_the_order)
{
	come_in(1);
	weft__caller_say(&caller, "lobby", "a");
	weft__caller_say(&caller, "lobby", "b");
	out();
	hear("#id-1 NO slow-mode 3000 wait before the next message\n");
	hear("#id-2 NO slow-mode 1000 wait before the next message\n");
	CHECK_STR(out(), "");
	weft__caller_time(&caller, WEFT_SECONDS(102), WEFT_SECONDS(1002));
	CHECK_INT(weft__caller_tick(&caller), ==, WEFT_SECONDS(103));
	CHECK_STR(out(), ""); /* b does not overtake a */
	weft__caller_time(&caller, WEFT_SECONDS(103), WEFT_SECONDS(1003));
	CHECK_INT(weft__caller_tick(&caller), ==, INT64_MAX);
	CHECK_STR(out(), "#id-1 SAY lobby a\n#id-2 SAY lobby b\n");
	hear("#id-1 NO muted you are muted\n");
	CHECK_STR(settled, "a=muted ");
	end();
}

CHECK_CASE(a_room_that_was_empty_goes_on_from_its_beginning)
{
	come_in(0);
	weft__caller_lost(&caller, "gone");
	weft__caller_connected(&caller);
	out();
	hear("#3 OK ~mia\n");
	CHECK_STR(out(), "#4 JOIN lobby 1a2b3c4d 0\n");
	hear("entered lobby 1a2b3c4d 2 2\n");
	say(1, "bob", "one");
	say(2, "bob", "two");
	CHECK_STR(delivered, "1 2 ");
	end();
}

CHECK_CASE(another_epoch_begins_the_room_anew)
{
	come_in(41);
	say(42, "bob", "old");
	weft__caller_lost(&caller, "gone");
	weft__caller_connected(&caller);
	hear("#3 OK ~mia\n");
	out();
	hear("entered lobby 00000002 2 2\n");
	hear("message lobby 00000002 3 2026-11-21T17:20:01Z bob new\n");
	CHECK_STR(delivered, "42 3 ");
	CHECK_INT(weft__model_first(model.rooms[0]), ==, 3);
	end();
}

CHECK_CASE(what_is_older_goes_before_what_is_there)
{
	come_in(41);
	say(42, "bob", "new");
	out();
	weft__caller_older(&caller, model.rooms[0]);
	weft__caller_older(&caller, model.rooms[0]);
	CHECK_STR(out(), "#3 HISTORY lobby before 42 100\n");
	hear("#3 message lobby 1a2b3c4d 40 2026-11-21T17:20:01Z bob forty\n");
	hear("#3 message lobby 1a2b3c4d 41 2026-11-21T17:20:01Z bob forty-one\n");
	hear("#3 OK\n");
	CHECK_STR(model.rooms[0]->entries[0].text, "forty");
	CHECK_STR(newest()->text, "new");
	CHECK_STR(delivered, "42 ");
	hear("deleted lobby 1a2b3c4d 43 2026-11-21T17:20:01Z eve 40\n");
	CHECK_STR(model.rooms[0]->entries[0].text, "(deleted)");
	CHECK_INT(model.rooms[0]->upto, ==, 43);
	end();
}

CHECK_CASE(unread_messages_and_calls_are_counted_in_rooms_that_are_not_looked_at)
{
	struct chat_room *other;

	come_in(1);
	other = weft__caller_join(&caller, "dev");
	hear("entered dev 00000001 1 2\n");
	hear("message dev 00000001 2 2026-11-21T17:20:01Z bob hello\n");
	hear("message dev 00000001 3 2026-11-21T17:20:01Z bob Mia, are you there?\n");
	hear("message dev 00000001 4 2026-11-21T17:20:01Z bob miamia\n");
	say(2, "bob", "here");
	CHECK_INT(other->unread, ==, 3);
	CHECK_INT(other->mentions, ==, 1);
	CHECK_INT(model.rooms[0]->unread, ==, 0);
	CHECK(weft__model_next_unread(&model) == other);
	weft__model_show(&model, other);
	CHECK_INT(other->unread, ==, 0);
	CHECK_INT(other->marker, ==, 1); /* what is behind it is new */
	CHECK_INT(model.rang, ==, 1);
	other->rows_above = 3;
	hear("message dev 00000001 5 2026-11-21T17:20:01Z bob while she reads what is older\n");
	CHECK_INT(other->unread, ==, 1);
	CHECK_INT(other->marker, ==, 4);
	weft__model_seen(other);
	CHECK_INT(other->unread, ==, 0);
	hear("message dev 00000001 6 2026-11-21T17:20:01Z ~mia I am here\n");
	CHECK_INT(other->marker, ==, 0);
	end();
}

CHECK_CASE(what_was_said_before_she_came_is_unread_only_behind_what_she_has_read)
{
	for (int is_known = 0; is_known < 2; is_known++) {
		const struct chat_room *dev;

		begin(50);
		weft__caller_join(&caller, "lobby");
		dev = weft__caller_join(&caller, "dev");
		weft__caller_connected(&caller);
		hear("#1 OK mia\n");
		hear("entered dev 00000001 4 2\n");
		hear("message dev 00000001 2 2026-11-21T17:20:01Z bob one\n");
		hear("message dev 00000001 3 2026-11-21T17:20:01Z bob mia: two\n");
		hear("message dev 00000001 4 2026-11-21T17:20:01Z bob three\n");
		hear(is_known ? "#3 OK dev 00000001 4 2\n" : "#3 OK dev 00000001 4 0\n");
		CHECK_INT(model.rang, ==, 0);
		CHECK_INT(dev->unread, ==, is_known ? 2 : 0);
		CHECK_INT(dev->mentions, ==, is_known ? 1 : 0);
		CHECK_INT(dev->marker, ==, is_known ? 2 : 0);
		hear("message dev 00000001 5 2026-11-21T17:20:01Z bob mia!\n");
		CHECK_INT(dev->unread, ==, is_known ? 3 : 1);
		CHECK_INT(model.rang, ==, 1);
		end();
	}
}

CHECK_CASE(rooms_of_two_are_called_by_the_other_and_what_is_said_there_calls)
{
	const struct chat_room *two, *odd;

	begin(0);
	weft__caller_join(&caller, "lobby");
	two = weft__caller_join(&caller, "@mia+tom");
	CHECK_STR(two->label, "@mia+tom");
	weft__caller_connected(&caller);
	hear("#1 OK mia\n");
	CHECK_STR(two->label, "@tom");
	hear("entered @ann+MIA 00000001 0 2\n");
	hear("entered @mi+mia2 00000001 0 2\n");
	CHECK_STR(weft__model_find(&model, "@ann+mia")->label, "@ann");
	odd = weft__model_find(&model, "@mi+mia2");
	CHECK_STR(odd->label, "@mi+mia2");
	hear("entered @mia+tom 00000001 0 2\n");
	hear("message @mia+tom 00000001 1 2026-11-21T17:20:01Z tom psst\n");
	CHECK_INT(two->mentions, ==, 1);
	CHECK_INT(model.rang, ==, 1);
	end();
}

CHECK_CASE(a_name_calls_where_it_stands_alone_whatever_the_script)
{
	static const struct {
		const char *self, *text;
		bool is_called;
	} cases[] = {
		{"~mia", "Mia: look", true},
		{"~mia", "miamia", false},
		{"~mia", "(mia)", true},
		{"~mia", "mi\xc3\xa1 mia\xc3\xa1", false},
		{"~mia", "\xe4\xbd\xa0mia\xe5\xa5\xbd", true},
		{"\xe5\xb0\x8f\xe6\x98\x8e", "\xe4\xbd\xa0\xe5\xb0\x8f\xe6\x98\x8e\xe5\xa5\xbd",
			true},
		{"", "mia", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		weft__model_init(&model);
		snprintf(model.self, sizeof(model.self), "%s", cases[i].self);
		CHECK_INT(weft__model_is_called(&model, cases[i].text), ==, cases[i].is_called);
	}
}

CHECK_CASE(names_for_completion_are_asked_for_quietly_and_lists_are_one_note)
{
	struct chat_room *room;

	completes = true;
	come_in(1);
	completes = false;
	room = model.rooms[0];
	CHECK_STR(out(), "#4 MEMBERS lobby\n");
	hear("#3 room lobby 1a2b3c4d 1 0 2 guests,here Welcome\n");
	hear("#3 room garden 00000002 1 0 7 private what grows\n");
	hear("#3 OK more\n");
	hear("#4 member ~tom here\n");
	hear("#4 member ann moderator\n");
	hear("#4 OK\n");
	CHECK_INT(room->entries_len, ==, 0);
	CHECK_STR(model.known[model.known_len - 1], "garden");
	CHECK_INT(room->people_len, ==, 1);
	CHECK_STR(room->people[0], "tom");
	hear("left lobby 1 ~tom\n");
	CHECK_INT(room->people_len, ==, 0);
	weft__caller_ask(
		&caller, &(struct chat_wish){.purpose = CHAT_FOR_MEMBERS}, "MEMBERS lobby");
	hear("#5 member ann here,moderator\n");
	hear("#5 member ~mia here\n");
	hear("#5 member bob muted\n");
	hear("#5 OK\n");
	CHECK_STR(newest()->text, "In this room: ann (moderator), ~mia (you), bob (muted) (away)");
	weft__caller_ask(&caller, &(struct chat_wish){.purpose = CHAT_FOR_ROOMS}, "ROOMS");
	for (int i = 0; i < 3000; i++)
		hear("#6 room garden 00000002 1 0 7 private what grows\n");
	hear("#6 OK more\n");
	CHECK(strstr(newest()->text, "  garden            7 here (private)  what grows\n"));
	CHECK(strstr(newest()->text, " more"));
	end();
}

CHECK_CASE(a_message_that_had_to_wait_asks_again_when_the_rule_changes)
{
	come_in(1);
	weft__caller_say(&caller, "lobby", "hello");
	out();
	hear("#id-1 NO slow-mode 60000 wait before the next message\n");
	CHECK_STR(out(), "");
	hear("changed lobby slow-mode 1500 ms\n");
	CHECK_STR(newest()->text, "Everybody has to wait 2 s between two messages now.");
	CHECK_STR(out(), "#id-1 SAY lobby hello\n");
	hear("changed lobby slow-mode 0 ms\n");
	CHECK_STR(newest()->text, "Nobody has to wait between two messages any more.");
	hear("changed lobby colour \\u{1b}[31m\n");
	CHECK_STR(newest()->text, "The room is now: colour \\u{1b}[31m");
	end();
}

CHECK_CASE(a_file_is_shared_under_an_id_that_stays)
{
	come_in(1);
	CHECK(!weft__caller_share(&caller, "lobby", "/pets/my cat.jpg"));
	CHECK_STR(out(), "#id-1 SHARE lobby /pets/my cat.jpg\n");
	weft__caller_lost(&caller, "gone");
	weft__caller_connected(&caller);
	hear("#3 OK ~mia\n");
	hear("#4 OK lobby 1a2b3c4d 1 0\n");
	CHECK(strstr(out(), "#id-1 SHARE lobby /pets/my cat.jpg\n"));
	end();
}

CHECK_CASE(a_room_that_is_made_is_entered_and_looked_at)
{
	const struct chat_wish make = {.purpose = CHAT_FOR_MAKE, .text = "den"};

	come_in(1);
	weft__caller_ask(&caller, &make, "MAKE den private");
	hear("#3 OK den\n");
	CHECK_STR(model.current->name, "den");
	CHECK_STR(out(), "#3 MAKE den private\n#4 JOIN den\n");
	end();
}

CHECK_CASE(a_login_is_refused_for_good_or_for_now)
{
	begin(0);
	weft__caller_connected(&caller);
	CHECK(!hear("#1 NO busy 2000 there are too many\n"));
	CHECK_INT(caller.state, ==, CHAT_OFFLINE);
	CHECK_INT(weft__caller_backoff_ns(&caller, 0), ==, WEFT_SECONDS(2));
	weft__caller_lost(&caller, "");
	CHECK_STR(caller.why, "there are too many");
	weft__caller_connected(&caller);
	CHECK(!hear("#2 NO name-taken this name is taken\n"));
	CHECK_INT(caller.state, ==, CHAT_OVER);
	end();
}

CHECK_CASE(waits_grow_to_a_bound_and_differ_between_clients)
{
	int64_t last = 0;

	begin(0);
	for (unsigned tries = 0; tries < 100; tries++) {
		int64_t wait = weft__caller_backoff_ns(&caller, tries);

		CHECK_INT(wait, >=, WEFT_MILLISECONDS(375));
		CHECK_INT(wait, <=, WEFT_SECONDS(38));
		if (tries < 5)
			CHECK_INT(wait, >, last);
		last = wait;
	}
	last = weft__caller_backoff_ns(&caller, 3);
	CHECK_INT(last, ==, weft__caller_backoff_ns(&caller, 3));
	caller.options.seed++;
	CHECK_INT(last, !=, weft__caller_backoff_ns(&caller, 3));
	end();
}

/* ---- Hubs that lie
 * -------------------------------------------------------------------------------- */

CHECK_CASE(lines_that_are_none_are_refused_whole)
{
	static const char *const none[] = {"", "\n", " ", "#", "# OK",
		"#12345678901234567890123456789012345678901 OK", "message", "message lobby",
		"message lobby xyz 1 2026-11-21T17:20:01Z bob hi",
		"message lobby 1a2b3c4d -1 2026-11-21T17:20:01Z bob hi",
		"message lobby 1a2b3c4d 99999999999999999999 2026-11-21T17:20:01Z bob hi",
		"message lobby 1a2b3c4d 1 yesterday bob hi",
		"message lobby 1a2b3c4d 1 2026-11-21T17:20:01 bob hi",
		"message  1a2b3c4d 1 2026-11-21T17:20:01Z bob hi",
		"message lobby 123456789 1 2026-11-21T17:20:01Z bob hi",
		"deleted lobby 1a2b3c4d 1 2026-11-21T17:20:01Z bob", "joined lobby many bob",
		"gap lobby", "gap lobby 1", "NO", "\xff\xfe", "count lobby 1e3",
		"message lobby 1a2b3c4d 1 2026-11-21T17:20:01.12345Z bob hi"};
	struct chat_heard *heard = &caller.heard;

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (weft__heard_read(heard, none[i], strlen(none[i])))
			check_fail(__FILE__, __LINE__, "taken: %s", none[i]);
	CHECK(!weft__heard_read(heard, "OK a\0b", 6));
	CHECK(weft__heard_read(heard, "news of another kind", 20));
	CHECK_INT(heard->kind, ==, CHAT_HEARD_OTHER);
	CHECK(weft__heard_read(heard, "#a NO slow-mode 3200 please wait\r\n", 34));
	CHECK_INT(heard->wait_ms, ==, 3200);
	CHECK_STR(heard->text, "please wait");
	CHECK(weft__heard_read(heard, "NO wrong 2 is not 3", 19));
}

CHECK_CASE(a_hub_that_talks_nonsense_is_left)
{
	int lines = 0;

	come_in(1);
	while (hear("blah\xff\n"))
		CHECK_INT(++lines, <, 1000);
	end();
}

CHECK_CASE(whatever_a_hub_says_memory_has_a_bound)
{
	static char text[WEFT_CHAT_TEXT_MAX + 1], long_line[WEFT_CHAT_LINE_MAX];

	come_in(0);
	for (unsigned i = 1; i < 3 * CHAT_ENTRIES_MAX; i++)
		say(i, "bob", "x");
	CHECK_INT(model.rooms[0]->entries_len, <=, CHAT_ENTRIES_MAX);
	CHECK_INT(model.rooms[0]->upto, ==, 3 * CHAT_ENTRIES_MAX - 1);
	memset(text, 'x', sizeof(text) - 1);
	for (unsigned i = 0; i < 3 * (CHAT_BYTES_MAX / sizeof(text)); i++) {
		snprintf(long_line, sizeof(long_line),
			"message lobby 1a2b3c4d %u 2026-11-21T17:20:01Z bob %s\n",
			3 * CHAT_ENTRIES_MAX + i, text);
		hear(long_line);
	}
	CHECK_INT(model.rooms[0]->bytes, <=, CHAT_BYTES_MAX);
	CHECK_INT(model.rooms[0]->bytes, >, CHAT_BYTES_MAX / 2);
	CHECK(weft__model_is_full(model.rooms[0]));
	for (int i = 0; i < 1000; i++) {
		char line[256];

		snprintf(line, sizeof(line), "entered room%d 1 0 1\n", i);
		hear(line);
		snprintf(line, sizeof(line), "joined lobby 5 name%d\n", i);
		hear(line);
		snprintf(line, sizeof(line), "invited other%d bob\n", i);
		hear(line);
		snprintf(line, sizeof(line), "gap lobby 1a2b3c4d 1 %d\n", 1000000 + i);
		hear(line);
		snprintf(line, sizeof(line), "#%d OK lobby\n", i);
		hear(line);
	}
	CHECK_INT(model.rooms_len, ==, CHAT_ROOMS_MAX);
	CHECK_INT(model.rooms[0]->people_len, <=, CHAT_PEOPLE_MAX);
	CHECK_INT(model.known_len, <=, CHAT_KNOWN_MAX);
	CHECK_INT(weft_str_len(&caller.out), <, CHAT_OUT_MAX);
	end();
}

CHECK_CASE(what_others_send_is_shown_harmless)
{
	come_in(1);
	say(2, "b\\u{1b}ob", "\\u{1b}[2J\\u{7}\\u{202e}x");
	CHECK_STR(newest()->text, "\\u{1b}[2J\\u{7}\\u{202e}x");
	hear("topic lobby 1a2b3c4d 3 2026-11-21T17:20:01Z eve \\u{9b}31m\n");
	CHECK_STR(model.rooms[0]->topic, "\\u{9b}31m");
	hear("left lobby 1 eve \\u{1b}[0m\n");
	CHECK_STR(newest()->text, "eve has left: \\u{1b}[0m");
	/* Names are shown and sent again: one that steers a terminal is none. */
	CHECK_INT(caller.misheard, ==, 0);
	hear("left lobby 1 eve\x1b[31m bye\n");
	hear("entered x\xe2\x80\xaey 1 0 0\n");
	hear("entered x\xc2\x9b"
	     "1my 1 0 0\n");
	hear("invited lobby e\xe2\x81\xa6ve\n");
	CHECK_INT(caller.misheard, ==, 4);
	CHECK_INT(model.rooms_len, ==, 1);
	end();
}

CHECK_CASE(messages_without_an_answer_and_long_ones_are_refused_with_a_sentence)
{
	static char text[WEFT_CHAT_TEXT_MAX + 2];

	come_in(1);
	for (int i = 0; i < CHAT_POSTS_MAX; i++)
		CHECK(!weft__caller_say(&caller, "lobby", "x"));
	CHECK(weft__caller_say(&caller, "lobby", "x"));
	end();
	come_in(1);
	memset(text, '\n', WEFT_CHAT_TEXT_MAX); /* twice as long on the wire */
	CHECK(weft__caller_say(&caller, "lobby", text));
	memset(text, 'x', WEFT_CHAT_TEXT_MAX);
	CHECK(!weft__caller_say(&caller, "lobby", text));
	memset(text, 'x', WEFT_CHAT_TEXT_MAX + 1);
	CHECK(weft__caller_say(&caller, "lobby", text));
	CHECK_STR(weft__caller_say(&caller, "lobby", "a\xff"), "this text is not UTF-8");
	end();
}

CHECK_MAIN()
