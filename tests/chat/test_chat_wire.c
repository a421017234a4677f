/*
 * test_chat_wire.c - what chat's readers make of lines and datagrams, good and hostile, and that
 * text gets back out of what it was escaped to.
 */
#include "check.h"

#include "weft/chat.h"
#include "weft/utf8.h"

static struct weft_chat_command command;

static const char *read_line(const char *line)
{
	return weft_chat_line_read(&command, line, strlen(line));
}

/* ---- Lines ----------------------------------------------------------------------------------- */

CHECK_CASE(a_tag_a_room_and_a_text_are_taken_from_a_line)
{
	CHECK(!read_line("#a7 SAY lobby hello  all \r\n"));
	CHECK_INT(command.verb, ==, WEFT_CHAT_SAY);
	CHECK_STR(command.tag, "a7");
	CHECK_STR(command.room, "lobby");
	CHECK_STR(command.text, "hello  all ");
	CHECK_INT(command.text_len, ==, 11);
}

CHECK_CASE(small_letters_and_more_spaces_between_words_are_fine)
{
	CHECK(!read_line("  join   lobby  "));
	CHECK_INT(command.verb, ==, WEFT_CHAT_JOIN);
	CHECK_STR(command.room, "lobby");
	CHECK(!command.is_on);
}

CHECK_CASE(the_spaces_of_a_text_are_its_own)
{
	CHECK(!read_line("SAY lobby   three\n"));
	CHECK_STR(command.text, "  three");
}

CHECK_CASE(every_form_of_join_and_history_is_read)
{
	CHECK(!read_line("JOIN lobby 1a2B3c4d 41"));
	CHECK(command.is_on);
	CHECK_INT(command.epoch, ==, 0x1a2b3c4d);
	CHECK_INT(command.seq, ==, 41);
	CHECK(!read_line("JOIN lobby last 50"));
	CHECK(!command.is_on);
	CHECK_INT(command.limit, ==, 50);
	CHECK(!read_line("HISTORY lobby"));
	CHECK(!read_line("HISTORY lobby 7"));
	CHECK_INT(command.limit, ==, 7);
	CHECK(!read_line("HISTORY lobby before 9223372036854775807"));
	CHECK_INT(command.seq, ==, INT64_MAX);
	CHECK(!read_line("HISTORY lobby after 5 10"));
	CHECK(command.is_on);
	CHECK_INT(command.seq, ==, 5);
	CHECK_INT(command.limit, ==, 10);
}

CHECK_CASE(the_fields_of_moderation_are_read)
{
	CHECK(!read_line("BAN * ~mia 3600 too loud"));
	CHECK_STR(command.room, "*");
	CHECK_STR(command.name, "mia");
	CHECK_INT(command.for_s, ==, 3600);
	CHECK_STR(command.text, "too loud");
	CHECK(!read_line("BAN lobby mia 0"));
	CHECK_STR(command.text, "");
	CHECK(!read_line("MODERATOR lobby mia on"));
	CHECK(command.is_on);
	CHECK(!read_line("MAKE den private where it's warm"));
	CHECK(command.is_on);
	CHECK_STR(command.text, "where it's warm");
	CHECK(!read_line("SEARCH-ON 900 lobby * some words"));
	CHECK_INT(command.verb, ==, WEFT_CHAT_SEARCH);
	CHECK_INT(command.seq, ==, 900);
	CHECK_STR(command.name, "");
	CHECK_STR(command.text, "some words");
}

CHECK_CASE(lines_that_are_none_are_refused_with_a_sentence)
{
	static const char *const bad[] = {"", "\n", "\r\n", " ", "#", "# PING", "#a", "#a ",
		"#\xc3\xa9 PING", "NOPE", "PINGX", "PING x", "SAY", "SAY lobby", "SAY lobby ",
		"SAY * hello", "LOGIN mia", "LOGIN mia ", "GUEST", "DIRECT two words", "JOIN",
		"JOIN lobby 5", "JOIN lobby zz 5", "JOIN lobby 123456789 5", "JOIN lobby 1 -5",
		"JOIN lobby 1 5 6", "JOIN lobby last", "JOIN lobby last many",
		"JOIN lobby last 4294967296", "HISTORY lobby before", "HISTORY lobby after x",
		"HISTORY lobby before 9223372036854775808", "HISTORY lobby 1 2", "READ lobby",
		"READ lobby 1.5", "BAN lobby mia", "BAN lobby mia soon", "BAN lobby mia -1",
		"BAN lobby mia 99999999999999999999", "READ-ONLY lobby", "READ-ONLY lobby maybe",
		"MAKE den secret", "KICK * ", "KICK * \xe2\x80\xaemia", "JOIN lob\tby",
		"JOIN \x1b[2J", "SAY lobby \xff", "SAY lobby \xc0\x80", "SAY lobby \xed\xa0\x80",
		"SAY lobby \xf4\x90\x80\x80"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *why = read_line(bad[i]);

		if (!why)
			check_fail(__FILE__, __LINE__, "taken: \"%s\"", bad[i]);
		CHECK(why[0] >= 'a' && why[0] <= 'z');
	}
}

CHECK_CASE(a_nul_in_a_line_is_refused)
{
	CHECK(weft_chat_line_read(&command, "SAY lobby a\0b", 13));
	CHECK(weft_chat_line_read(&command, "PING\0", 5));
	CHECK(weft_chat_line_read(&command, "\0", 1));
}

CHECK_CASE(the_tag_of_a_line_that_is_refused_is_known)
{
	CHECK(read_line("#q1 NOPE"));
	CHECK_STR(command.tag, "q1");
	CHECK(read_line("#12345678901234567890123456789012345678901 PING"));
	CHECK_STR(command.tag, "");
}

/* A verb, a word of len letters, and what follows. */
static const char *read_long(const char *verb, size_t len, const char *rest)
{
	static char line[3 * WEFT_CHAT_LINE_MAX];
	size_t at = strlen(verb);

	memcpy(line, verb, at);
	memset(line + at, 'x', len);
	memcpy(line + at + len, rest, strlen(rest));
	return weft_chat_line_read(&command, line, at + len + strlen(rest));
}

CHECK_CASE(every_bound_is_kept_to_the_byte)
{
	CHECK(!read_long("GUEST ", WEFT_CHAT_NAME_MAX, ""));
	CHECK(read_long("GUEST ", WEFT_CHAT_NAME_MAX + 1, ""));
	CHECK(!read_long("JOIN ", WEFT_CHAT_ROOM_MAX, ""));
	CHECK(read_long("JOIN ", WEFT_CHAT_ROOM_MAX + 1, ""));
	CHECK(!read_long("SAY lobby ", WEFT_CHAT_TEXT_MAX, "\r\n"));
	CHECK_INT(command.text_len, ==, WEFT_CHAT_TEXT_MAX);
	CHECK(read_long("SAY lobby ", WEFT_CHAT_TEXT_MAX + 1, ""));
	CHECK(!read_long("#", WEFT_CHAT_TAG_MAX, " PING"));
	CHECK(read_long("#", WEFT_CHAT_TAG_MAX + 1, " PING"));
	CHECK(read_long("SAY lobby ", WEFT_CHAT_LINE_MAX, ""));
}

CHECK_CASE(every_verb_is_found_by_its_name_and_tells_its_usage)
{
	for (int verb = 1; verb < WEFT_CHAT_VERBS; verb++) {
		const char *name = weft_chat_verb_name(verb), *usage = weft_chat_verb_usage(verb);

		CHECK_INT(weft_chat_verb_of(name, strlen(name)), ==, verb);
		CHECK(strncmp(usage, name, strlen(name)) == 0);
	}
	CHECK_INT(weft_chat_verb_of("say", 3), ==, WEFT_CHAT_SAY);
	CHECK_INT(weft_chat_verb_of("sa", 2), ==, 0);
	CHECK_INT(weft_chat_verb_of("says", 4), ==, 0);
	CHECK_INT(weft_chat_verb_of("", 0), ==, 0);
}

/* ---- Commands of other wires ------------------------------------------------------------------
 */

CHECK_CASE(a_command_without_what_its_verb_takes_is_refused)
{
	struct weft_chat_command say = {
		.verb = WEFT_CHAT_SAY, .room = "lobby", .text = "x", .text_len = 1};

	CHECK(!weft_chat_command_check(&say));
	say.text_len = 0;
	CHECK_STR(weft_chat_command_check(&say), "there is no text");
	say = (struct weft_chat_command){.verb = WEFT_CHAT_KICK, .room = "*", .name = "mia"};
	CHECK(!weft_chat_command_check(&say));
	say.name[0] = '\0';
	CHECK(weft_chat_command_check(&say));
	say = (struct weft_chat_command){.verb = WEFT_CHAT_READ, .room = "*", .seq = 1};
	CHECK(weft_chat_command_check(&say));
	say = (struct weft_chat_command){.verb = WEFT_CHAT_DELETE, .room = "lobby"};
	CHECK(weft_chat_command_check(&say));
	say = (struct weft_chat_command){.verb = WEFT_CHAT_PING, .tag = "a b"};
	CHECK(weft_chat_command_check(&say));
	say = (struct weft_chat_command){.verb = WEFT_CHAT_GUEST, .name = "a\xe2\x80\xae"};
	CHECK(weft_chat_command_check(&say));
	say = (struct weft_chat_command){.verb = WEFT_CHAT_SLOW, .room = "lobby", .for_s = -1};
	CHECK(weft_chat_command_check(&say));
	say = (struct weft_chat_command){.verb = WEFT_CHAT_VERBS};
	CHECK(weft_chat_command_check(&say));
	CHECK(weft_chat_command_check(&(struct weft_chat_command){0}));
}

/* ---- Text that goes out ------------------------------------------------------------------------
 */

typedef size_t escape_fn(const char *text, size_t len, char *ret_text, size_t size);

static const char *escape(escape_fn *fn, const char *text)
{
	static char out[256];
	size_t len = fn(text, strlen(text), out, sizeof(out) - 1);

	CHECK_INT(len, <, sizeof(out));
	out[len] = '\0';
	return out;
}

CHECK_CASE(what_steers_a_terminal_is_written_out)
{
	CHECK_STR(escape(weft_chat_line_escape, "a\\b\n\r\t\x1b[2J\x7f"),
		"a\\\\b\\n\\r\\t\\u{1b}[2J\\u{7f}");
	CHECK_STR(escape(weft_chat_line_escape, "\xe2\x80\xae"
						"abc\xc2\x85"),
		"\\u{202e}abc\\u{85}");
	CHECK_STR(escape(weft_chat_plain_escape, "a\\b\nSERVER: c"), "a\\b\\nSERVER: c");
	CHECK_STR(escape(weft_chat_line_escape, "gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x98\x80"),
		"gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x98\x80");
}

CHECK_CASE(json_strings_are_escaped_as_rfc_8259_says)
{
	CHECK_STR(
		escape(weft_chat_json_escape, "a\"b\\c\n\x01\x7f"), "a\\\"b\\\\c\\n\\u0001\\u007f");
	CHECK_STR(escape(weft_chat_json_escape, "\xe2\x80\xa8</script>"), "\\u2028</script>");
}

CHECK_CASE(what_is_no_utf8_goes_out_as_the_replacement_character)
{
	CHECK_STR(escape(weft_chat_line_escape, "a\xff"
						"b"),
		"a\xef\xbf\xbd"
		"b");
	CHECK_STR(escape(weft_chat_json_escape, "\xe2\x80"), "\xef\xbf\xbd\xef\xbf\xbd");
}

CHECK_CASE(what_does_not_fit_is_cut_between_characters_and_its_length_is_told)
{
	char out[8];

	memset(out, '#', sizeof(out));
	CHECK_INT(weft_chat_line_escape("ab\xc3\xa9"
					"cd",
			  6, out, 3),
		==, 6);
	CHECK_MEM(out, "ab#####", 7);
	CHECK_INT(weft_chat_line_escape("a\nbcd", 5, out, 2), ==, 6);
	CHECK_MEM(out, "a", 1);
	CHECK(out[1] != '\\');
	CHECK_INT(weft_chat_json_escape("abc", 3, NULL, 0), ==, 3);
}

CHECK_CASE(a_text_comes_back_from_its_escaped_form)
{
	static const char *const texts[] = {"a", "\\", "\\n", "\n", "\\\\n\n", " x ", "\t\r\n",
		"\x1b[31m", "\\u{41}", "\xe2\x80\xae", "C:\\new\\u{x}", "\xf0\x9f\x98\x80\\"};
	char line[512] = "SAY lobby ";

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t len = weft_chat_line_escape(
			texts[i], strlen(texts[i]), line + 10, sizeof(line) - 10);

		CHECK(!weft_chat_line_read(&command, line, 10 + len));
		CHECK_STR(command.text, texts[i]);
	}
}

CHECK_CASE(a_backslash_that_begins_no_escape_is_one)
{
	CHECK(!read_line("SAY lobby \\o/ C:\\dir \\u{110000} \\u{0} \\u{d800} \\u{} \\u{41 \\"));
	CHECK_STR(command.text, "\\o/ C:\\dir \\u{110000} \\u{0} \\u{d800} \\u{} \\u{41 \\");
	CHECK(!read_line("SAY lobby \\u{41}\\u{1F600}\\u{e9}"));
	CHECK_STR(command.text, "A\xf0\x9f\x98\x80\xc3\xa9");
}

/* ---- Datagrams ---------------------------------------------------------------------------------
 */

static struct weft_chat_datagram datagram;

static const char *read_datagram(const char *text)
{
	return weft_chat_datagram_read(&datagram, text, strlen(text));
}

CHECK_CASE(the_three_datagrams_are_read)
{
	CHECK(!read_datagram("L bob\n"));
	CHECK_INT(datagram.ask, ==, WEFT_CHAT_ENTER);
	CHECK_STR(datagram.name, "bob");
	CHECK_STR(datagram.words[0], "");
	CHECK(!read_datagram("L bob 83c1f2 123456"));
	CHECK_STR(datagram.words[0], "83c1f2");
	CHECK_STR(datagram.words[1], "123456");
	CHECK(!read_datagram("C bob  hi \\n \n"));
	CHECK_INT(datagram.text_len, ==, 7);
	CHECK_MEM(datagram.text, " hi \\n ", 7);
	CHECK(!read_datagram("Q bob\r\n"));
	CHECK_INT(datagram.ask, ==, WEFT_CHAT_EXIT);
}

CHECK_CASE(datagrams_that_are_none_are_refused_with_a_sentence)
{
	static const char *const bad[] = {"", "\n", "L", "L ", "L\n", "Lbob", " L bob", "  L bob",
		"l bob", "LL bob", "X bob", "L bob two words here", "L bob \xc3\xa9", "L \x1b[2J",
		"L b\xff", "C bob", "C bob ", "C", "C bob \xed\xa0\x80", "Q", "Q bob bye",
		"Q b\tb"};
	char text[WEFT_CHAT_DATAGRAM_MAX + 2];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!read_datagram(bad[i]))
			check_fail(__FILE__, __LINE__, "taken: \"%s\"", bad[i]);
	CHECK(weft_chat_datagram_read(&datagram, "C bob a\0b", 9));
	memset(text, 'x', sizeof(text));
	memcpy(text, "C bob ", 6);
	CHECK(!weft_chat_datagram_read(&datagram, text, WEFT_CHAT_DATAGRAM_MAX));
	CHECK(weft_chat_datagram_read(&datagram, text, WEFT_CHAT_DATAGRAM_MAX + 1));
	memcpy(text, "L xxxx", 6);
	CHECK(!weft_chat_datagram_read(&datagram, text, 2 + WEFT_CHAT_NAME_MAX));
	CHECK(weft_chat_datagram_read(&datagram, text, 2 + WEFT_CHAT_NAME_MAX + 1));
}

/* ---- Files ----------------------------------------------------------------------------------- */

static bool read_file(struct weft_chat_file *file, const char *text)
{
	return weft_chat_file_read(file, text, strlen(text));
}

CHECK_CASE(a_file_is_told_of_in_a_text_that_is_read_from_its_end)
{
	static const char name[] = "a (1 bytes, b/c) /x (2 bytes, d/e) \xe7\x8c\xab";
	const struct weft_chat_file file = {.name = name,
		.name_len = strlen(name),
		.size = 4711,
		.type = "image/jpeg",
		.type_len = 10,
		.path = "/pets/a%20b",
		.path_len = 11};
	struct weft_chat_file again;
	char text[128], exact[128];
	size_t len = weft_chat_file_write(&file, text, sizeof(text));

	CHECK_INT(len, ==, strlen(name) + strlen(" (4711 bytes, image/jpeg) /pets/a%20b"));
	CHECK_INT(weft_chat_file_write(&file, NULL, 0), ==, len);
	CHECK_INT(weft_chat_file_write(&file, exact, 7), ==, len);
	CHECK_MEM(exact, text, 7);
	CHECK(weft_chat_file_read(&again, text, len));
	CHECK_INT(again.name_len, ==, file.name_len);
	CHECK_MEM(again.name, name, file.name_len);
	CHECK_INT(again.size, ==, 4711);
	CHECK_MEM(again.type, "image/jpeg", again.type_len);
	CHECK_INT(again.path_len, ==, 11);
	CHECK_MEM(again.path, "/pets/a%20b", 11);
}

CHECK_CASE(a_text_that_leads_elsewhere_or_hides_something_tells_of_no_file)
{
	static const char *const bad[] = {"", "hello", "a (1 bytes, b/c)", "a (1 bytes, b/c) ",
		"a (1 bytes, b/c) x", "a (1 bytes, b/c) /", "a (1 bytes, b/c) //evil.example/x",
		"a (1 bytes, b/c) javascript:alert(1)", "a (1 bytes, b/c) /\\evil.example",
		"a (1 bytes, b/c) /x y", "a (-1 bytes, b/c) /x", "a (x bytes, b/c) /x",
		"a (99999999999999999999 bytes, b/c) /x", "a (1 bytes, b\"c) /x",
		"a (1 bytes, ) /x", " (1 bytes, b/c) /x", "a\nb (1 bytes, b/c) /x",
		"a\xe2\x80\xae (1 bytes, b/c) /x", "a\xff (1 bytes, b/c) /x",
		"a (1 bytes, b/c) /\xc3\xa9"};
	struct weft_chat_file file = {.name = "", .size = 7};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (read_file(&file, bad[i]))
			check_fail(__FILE__, __LINE__, "taken: \"%s\"", bad[i]);
	CHECK_INT(file.size, ==, 7);
	CHECK(read_file(&file, "a (1 bytes, b/c) /x"));
	file.path = "//evil.example";
	file.path_len = 14;
	CHECK_INT(weft_chat_file_write(&file, NULL, 0), ==, 0);
}

/* check: aarch64 */
CHECK_MAIN()
