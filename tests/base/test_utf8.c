/* test_utf8.c - characters in UTF-8: which bytes are one, and how text from outside is shown. */
#include "weft/utf8.h"

#include "check.h"

CHECK_CASE(every_character_is_read_and_nothing_else)
{
	static const struct {
		const char *bytes;
		size_t len;
		uint32_t character;
	} table[] = {
		{"a", 1, 'a'},
		{"\xc3\xa9", 2, 0xe9},
		{"\xe2\x82\xac", 3, 0x20ac},
		{"\xf0\x9f\x98\x80", 4, 0x1f600},
		{"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
		{"\xed\x9f\xbf", 3, 0xd7ff},
		{"\x80", 0, 0},             /* begins none */
		{"\xc3", 0, 0},             /* cut short */
		{"\xc3(", 0, 0},            /* goes on wrongly */
		{"\xc0\xaf", 0, 0},         /* too long a form */
		{"\xe0\x80\xaf", 0, 0},     /* too long a form */
		{"\xf0\x80\x80\xaf", 0, 0}, /* too long a form */
		{"\xed\xa0\x80", 0, 0},     /* a surrogate */
		{"\xf4\x90\x80\x80", 0, 0}, /* over U+10FFFF */
		{"\xf8\x88\x80\x80", 0, 0},
		{"\xff", 0, 0},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint32_t character = 4711;
		size_t len = strlen(table[i].bytes);

		CHECK_INT(weft_utf8_read(table[i].bytes, len, &character), ==, table[i].len);
		CHECK_INT(character, ==, table[i].len ? table[i].character : 4711);
		CHECK(weft_utf8_is_valid(table[i].bytes, len) == (table[i].len > 0));
	}
	CHECK(weft_utf8_is_valid("", 0));
	CHECK(!weft_utf8_is_valid("ab\xff", 3));
}

CHECK_CASE(what_steers_a_terminal_or_is_no_character_is_shown_as_bytes)
{
	static const char from[] = "\x1b[31m\\\n\x7f \xc3\xa9\xff\xe2\x80\xae\xc2\x9b";
	struct weft_str str;

	weft_str_init(&str, 256);
	CHECK_INT(weft_str_append_visible(&str, from, sizeof(from) - 1), ==, 0);
	CHECK_STR(weft_str_text(&str),
		"\\x1b[31m\\\\\\x0a\\x7f \xc3\xa9\\xff\\xe2\\x80\\xae\\xc2\\x9b");
	weft_str_fini(&str);
}

CHECK_CASE(a_bound_that_is_passed_is_told)
{
	struct weft_str str;

	weft_str_init(&str, 3);
	CHECK_ERRNO(weft_str_append_visible(&str, "ab\x1b", 3), EMSGSIZE);
	weft_str_fini(&str);
}

CHECK_MAIN()
