/*
 * test_chat_text.c - text on a terminal, and the line that is typed (src/cmd/chat_text.c,
 * chat_edit.c).
 */
#include "check.h"

#include <locale.h>

#include "cmd/chat_edit.h"
#include "cmd/chat_text.h"

static void use_utf8(void)
{
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		check_skip("there is no locale of UTF-8");
}

static size_t width(const char *text)
{
	return weft__text_width(text, strlen(text));
}

CHECK_CASE(wide_characters_are_two_columns_and_marks_none)
{
	use_utf8();
	CHECK_INT(width("abc"), ==, 3);
	CHECK_INT(width("日本語"), ==, 6);
	CHECK_INT(width("e\xcc\x81"), ==, 1);
	CHECK_INT(width("😀"), ==, 2);
	CHECK_INT(weft__text_cluster("e\xcc\x81x", 4), ==, 3);
	CHECK_INT(weft__text_fit("日本語", 9, 5), ==, 6);
	CHECK_INT(weft__text_fit("e\xcc\x81x", 4, 1), ==, 3);
}

/* The rows of a text, each in brackets. */
static const char *rows(const char *text, size_t columns)
{
	static char all[512];
	size_t len = strlen(text), out = 0;

	do {
		size_t used, row = weft__text_row(text, len, columns, &used);

		CHECK(used > 0 || len == 0);
		out += (size_t)snprintf(all + out, sizeof(all) - out, "[%.*s]", (int)row, text);
		text += used;
		len -= used;
	} while (len > 0);
	return all;
}

CHECK_CASE(rows_break_between_words_and_never_within_a_character)
{
	use_utf8();
	CHECK_STR(rows("one two three", 8), "[one two][three]");
	CHECK_STR(rows("one two three", 7), "[one two][three]");
	CHECK_STR(rows("abcdefghij", 4), "[abcd][efgh][ij]");
	CHECK_STR(rows("日本語", 5), "[日本][語]");
	CHECK_STR(rows("日本語", 4), "[日本][語]");
	CHECK_STR(rows("日", 1), "[日]");
	CHECK_STR(rows("a\nb\n\nc", 9), "[a][b][][c]");
	CHECK_STR(rows("e\xcc\x81"
		       "e\xcc\x81"
		       "e",
			  2),
		"[e\xcc\x81"
		"e\xcc\x81][e]");
	CHECK_STR(rows("", 5), "[]");
}

static const char *shown(const char *text, size_t len)
{
	static struct weft_str str;

	weft_str_fini(&str);
	weft_str_init(&str, 4096);
	CHECK(weft__text_show(&str, text, len) == 0);
	return weft_str_text(&str);
}

CHECK_CASE(nothing_that_steers_a_terminal_is_shown_as_it_is)
{
	use_utf8();
	CHECK_STR(shown("\x1b[2J\x07", 5), "\\u{1b}[2J\\u{7}");
	CHECK_STR(shown("a\nb\tc", 5), "a\nb    c");
	CHECK_STR(shown("a\n\nb", 4), "a\n\nb");
	CHECK_STR(shown("a\n\n\n \n\n  b", 10), "a\n\n   b"); /* no pushing away */
	CHECK_STR(shown("\xff\xc3", 2), "\xef\xbf\xbd\xef\xbf\xbd");
	CHECK_STR(shown("\xe2\x80\xae", 3), "\\u{202e}"); /* right to left */
	CHECK_STR(shown("\xc2\x9b", 2), "\\u{9b}");       /* CSI in one character */
	CHECK_STR(shown("C:\\new", 6), "C:\\new");
}

CHECK_CASE(marks_on_one_character_have_a_bound_and_what_joins_pictures_is_left_out)
{
	char text[64] = "e";
	const char *family = "👨‍👩‍👧";

	use_utf8();
	for (int i = 0; i < 20; i++)
		strncat(text, "\xcc\x81", sizeof(text) - strlen(text) - 1);
	CHECK_INT(strlen(shown(text, strlen(text))), ==, 1 + 2 * CHAT_MARKS_MAX);
	CHECK_STR(shown(family, strlen(family)), "👨👩👧");
	CHECK_STR(shown("👍🏽", strlen("👍🏽")), "👍");
}

/* ---- The line --------------------------------------------------------------------------- */

static void type(struct chat_edit *edit, const char *text)
{
	CHECK(weft__edit_insert(edit, text, strlen(text)));
}

CHECK_CASE(the_cursor_moves_by_characters_with_their_marks_and_by_words)
{
	static struct chat_edit edit;

	use_utf8();
	weft__edit_init(&edit);
	type(&edit, "日e\xcc\x81x");
	weft__edit_left(&edit, CHAT_EDIT_CHARACTER);
	weft__edit_left(&edit, CHAT_EDIT_CHARACTER);
	CHECK_INT(edit.cursor, ==, 3);
	weft__edit_cut_right(&edit, CHAT_EDIT_CHARACTER);
	CHECK_STR(edit.text, "日x");
	weft__edit_cut_left(&edit, CHAT_EDIT_CHARACTER);
	CHECK_STR(edit.text, "x");
	weft__edit_set(&edit, "one two  three");
	weft__edit_cut_left(&edit, CHAT_EDIT_WORD);
	CHECK_STR(edit.text, "one two  ");
	weft__edit_left(&edit, CHAT_EDIT_WORD);
	CHECK_INT(edit.cursor, ==, 4);
	weft__edit_yank(&edit);
	CHECK_STR(edit.text, "one threetwo  ");
	weft__edit_left(&edit, CHAT_EDIT_LINE);
	weft__edit_cut_right(&edit, CHAT_EDIT_LINE);
	CHECK_STR(edit.text, "");
	weft__edit_fini(&edit);
}

CHECK_CASE(what_was_typed_comes_again_and_the_line_under_way_is_not_lost)
{
	static struct chat_edit edit;

	weft__edit_init(&edit);
	type(&edit, "first");
	weft__edit_done(&edit);
	type(&edit, "second");
	weft__edit_done(&edit);
	type(&edit, "second");
	weft__edit_done(&edit);
	CHECK_INT(edit.history_len, ==, 2);
	type(&edit, "half");
	weft__edit_older(&edit);
	CHECK_STR(edit.text, "second");
	weft__edit_older(&edit);
	weft__edit_older(&edit);
	CHECK_STR(edit.text, "first");
	weft__edit_newer(&edit);
	weft__edit_newer(&edit);
	CHECK_STR(edit.text, "half");
	for (int i = 0; i < 2 * CHAT_EDIT_HISTORY_MAX; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%d", i);
		weft__edit_set(&edit, text);
		weft__edit_done(&edit);
	}
	CHECK_INT(edit.history_len, ==, CHAT_EDIT_HISTORY_MAX);
	weft__edit_fini(&edit);
}

CHECK_CASE(a_search_finds_older_and_older_lines_with_what_was_typed)
{
	static struct chat_edit edit;
	static const char *const lines[] = {"make check", "say hello", "make", "make check", "bye"};

	weft__edit_init(&edit);
	CHECK(!weft__edit_search(&edit));
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		type(&edit, lines[i]);
		weft__edit_done(&edit);
	}
	type(&edit, "mak");
	CHECK(weft__edit_search(&edit));
	CHECK_STR(edit.text, "make check");
	CHECK(weft__edit_search(&edit));
	CHECK_STR(edit.text, "make");
	CHECK(weft__edit_search(&edit));
	CHECK_STR(edit.text, "make check");
	CHECK(!weft__edit_search(&edit));
	for (int i = 0; i < 5; i++)
		weft__edit_newer(&edit);
	CHECK_STR(edit.text, "mak");
	type(&edit, "X");
	CHECK(!weft__edit_search(&edit));
	CHECK_STR(edit.text, "makX");
	weft__edit_fini(&edit);
}

CHECK_CASE(a_line_takes_no_more_than_a_message_and_nothing_that_is_not_utf8)
{
	static struct chat_edit edit;
	static char text[WEFT_CHAT_TEXT_MAX];

	weft__edit_init(&edit);
	memset(text, 'x', sizeof(text));
	CHECK(weft__edit_insert(&edit, text, sizeof(text)));
	CHECK(!weft__edit_insert(&edit, "y", 1));
	weft__edit_set(&edit, "");
	CHECK(!weft__edit_insert(&edit, "\xff", 1));
	CHECK(!weft__edit_insert(&edit, "a\0b", 3));
	CHECK_INT(edit.len, ==, 0);
	weft__edit_fini(&edit);
}

CHECK_MAIN()
