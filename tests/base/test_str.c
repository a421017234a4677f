/* test_str.c - weft/str.h: the bound, the sticky error, the NUL that is always there. */
/* check: valgrind */
#include "weft/str.h"

#include <wchar.h>

#include "base/hostile.h"
#include "base/prng.h"

CHECK_CASE(an_empty_string_is_the_empty_text)
{
	struct weft_str str;

	weft_str_init(&str, 10);
	CHECK_STR(weft_str_text(&str), "");
	CHECK_INT(weft_str_len(&str), ==, 0);
	weft_str_truncate(&str, 0);
	CHECK_INT(weft_str_append(&str, ""), ==, 0);
	CHECK_INT(weft_str_append_bytes(&str, NULL, 0), ==, 0);
	CHECK_INT(weft_str_appendf(&str, "%s", ""), ==, 0);
	CHECK_STR(weft_str_text(&str), "");
	CHECK_INT(weft_str_error(&str), ==, 0);
	weft_str_fini(&str);
}

CHECK_CASE(appends_of_all_kinds_follow_each_other)
{
	struct weft_str str;

	weft_str_init(&str, 1000);
	CHECK_INT(weft_str_append(&str, "HTTP"), ==, 0);
	CHECK_INT(weft_str_append_char(&str, '/'), ==, 0);
	CHECK_INT(weft_str_appendf(&str, "%d.%d %s", 1, 1, "200"), ==, 0);
	CHECK_INT(weft_str_append_bytes(&str, " OK\0!", 5), ==, 0);
	CHECK_INT(weft_str_len(&str), ==, 17);
	CHECK_MEM(weft_str_text(&str), "HTTP/1.1 200 OK\0!", 18);
	weft_str_fini(&str);
	CHECK_STR(weft_str_text(&str), "");
	CHECK_INT(weft_str_append(&str, "again"), ==, 0);
	weft_str_fini(&str);
}

CHECK_CASE(every_kind_of_append_stops_at_the_bound_and_adds_nothing)
{
	struct weft_str str;

	for (int kind = 0; kind < 4; kind++) {
		weft_str_init(&str, 5);
		CHECK_INT(weft_str_append(&str, "1234"), ==, 0);
		CHECK_INT(weft_str_append_char(&str, '5'), ==, 0);
		if (kind == 0)
			CHECK_ERRNO(weft_str_append(&str, "6"), EMSGSIZE);
		else if (kind == 1)
			CHECK_ERRNO(weft_str_append_char(&str, '6'), EMSGSIZE);
		else if (kind == 2)
			CHECK_ERRNO(weft_str_appendf(&str, "%d", 6), EMSGSIZE);
		else
			CHECK_ERRNO(weft_str_append_bytes(&str, "678", 3), EMSGSIZE);
		CHECK_STR(weft_str_text(&str), "12345");
		CHECK_INT(weft_str_len(&str), ==, 5);
		CHECK_INT(weft_str_error(&str), ==, EMSGSIZE);
		weft_str_fini(&str);
	}
}

CHECK_CASE(after_an_error_appends_that_would_fit_fail_too_until_a_reset)
{
	struct weft_str str;

	weft_str_init(&str, 5);
	CHECK_INT(weft_str_append(&str, "123"), ==, 0);
	CHECK_ERRNO(weft_str_append(&str, "456"), EMSGSIZE);
	CHECK_ERRNO(weft_str_append(&str, "4"), EMSGSIZE);
	CHECK_ERRNO(weft_str_appendf(&str, "4"), EMSGSIZE);
	CHECK_ERRNO(weft_str_append(&str, ""), EMSGSIZE);
	weft_str_truncate(&str, 1);
	CHECK_ERRNO(weft_str_append_char(&str, '2'), EMSGSIZE);
	CHECK_ERRNO(weft_str_take(&str), EMSGSIZE);
	CHECK_STR(weft_str_text(&str), "1");
	weft_str_reset(&str);
	CHECK_INT(weft_str_error(&str), ==, 0);
	CHECK_STR(weft_str_text(&str), "");
	CHECK_INT(weft_str_append(&str, "12345"), ==, 0);
	CHECK_STR(weft_str_text(&str), "12345");
	weft_str_fini(&str);
}

CHECK_CASE(a_print_that_does_not_fit_leaves_no_trace)
{
	char array[8];
	struct weft_str str;

	memset(array, 'x', sizeof(array));
	weft_str_init_in(&str, array, sizeof(array));
	CHECK_INT(weft_str_append(&str, "abc"), ==, 0);
	CHECK_ERRNO(weft_str_appendf(&str, "%s", "12345"), EMSGSIZE);
	CHECK_STR(array, "abc");
}

CHECK_CASE(prints_of_every_length_around_the_growth_steps_are_whole)
{
	char expected[600];
	struct weft_str str;

	memset(expected, '7', sizeof(expected));
	for (int len = 0; len < 600; len++) {
		weft_str_init(&str, 600);
		CHECK_INT(weft_str_append(&str, "<"), ==, 0);
		CHECK_INT(weft_str_appendf(&str, "%.*s", len, expected), ==, 0);
		CHECK_INT(weft_str_len(&str), ==, len + 1);
		CHECK_INT(strlen(weft_str_text(&str)), ==, len + 1);
		CHECK_MEM(str.text + 1, expected, (size_t)len);
		weft_str_fini(&str);
	}
}

CHECK_CASE(a_format_that_fails_is_an_error_and_not_a_text)
{
	static const wchar_t no_character[] = {0x110000, 0};
	const char *volatile too_wide = "%2147483648d"; /* the compiler must not see it */
	struct weft_str str;

	weft_str_init(&str, 100);
	CHECK_INT(weft_str_append(&str, "before"), ==, 0);
	CHECK_ERRNO(weft_str_appendf(&str, "part %ls", no_character), EILSEQ);
	CHECK_STR(weft_str_text(&str), "before");
	CHECK_ERRNO(weft_str_append(&str, "after"), EILSEQ);
	weft_str_reset(&str);
	CHECK_ERRNO(weft_str_appendf(&str, too_wide, 1), EOVERFLOW);
	CHECK_STR(weft_str_text(&str), "");
	weft_str_fini(&str);
}

CHECK_CASE(a_borrowed_array_is_filled_to_its_last_byte_and_no_further)
{
	char array[10];
	struct weft_str str;

	for (size_t size = 1; size < sizeof(array); size++) {
		memset(array, 'x', sizeof(array));
		weft_str_init_in(&str, array, size);
		CHECK_STR(array, "");
		for (size_t i = 0; i + 1 < size; i++)
			CHECK_INT(weft_str_append_char(&str, 'a'), ==, 0);
		CHECK_ERRNO(weft_str_append_char(&str, 'a'), EMSGSIZE);
		CHECK_INT(strlen(array), ==, size - 1);
		CHECK_INT(array[size], ==, 'x');
		weft_str_fini(&str);
		CHECK_STR(weft_str_text(&str), "");
		CHECK(weft_str_text(&str) == array);
	}
	CHECK_DIES(weft_str_init_in(&str, array, 0));
}

CHECK_CASE(a_taken_text_belongs_to_the_caller)
{
	char array[10], *text;
	struct weft_str str;

	weft_str_init(&str, 100);
	text = weft_str_take(&str);
	CHECK_STR(text, "");
	free(text);
	CHECK_INT(weft_str_append(&str, "first"), ==, 0);
	text = weft_str_take(&str);
	CHECK_STR(text, "first");
	CHECK_STR(weft_str_text(&str), "");
	CHECK_INT(weft_str_append(&str, "second"), ==, 0);
	CHECK_STR(text, "first");
	free(text);
	weft_str_fini(&str);

	weft_str_init_in(&str, array, sizeof(array));
	CHECK_INT(weft_str_append(&str, "third"), ==, 0);
	text = weft_str_take(&str);
	CHECK(text != array);
	CHECK_STR(text, "third");
	CHECK_STR(array, "");
	free(text);
}

CHECK_CASE(absurd_lengths_fail_and_change_nothing)
{
	struct weft_str str;

	weft_str_init(&str, SIZE_MAX);
	CHECK_INT(weft_str_append(&str, "kept"), ==, 0);
	CHECK_ERRNO(weft_str_append_bytes(&str, "x", SIZE_MAX), EMSGSIZE);
	str.error = 0;
	CHECK_ERRNO(weft_str_append_bytes(&str, "x", WEFT_STR_LEN_MAX), EMSGSIZE);
	str.error = 0;
	CHECK_ERRNO(weft_str_append_bytes(&str, "x", HOSTILE_SIZE), ENOMEM);
	CHECK_INT(weft_str_error(&str), ==, ENOMEM);
	CHECK_STR(weft_str_text(&str), "kept");
	CHECK_ERRNO(weft_str_append(&str, "x"), ENOMEM);
	weft_str_fini(&str);
}

/* ---- Against a model ---------------------------------------------------------- */

CHECK_CASE(any_sequence_of_appends_is_a_prefix_of_what_was_appended)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	struct prng prng = {5};
	struct weft_str str;
	char model[512];

	for (unsigned round = 0; round < check_rounds(2000); round++) {
		size_t bound = prng_below(&prng, 400), len = 0;
		bool has_failed = false;

		weft_str_init(&str, bound);
		for (int step = 0; step < 20; step++) {
			size_t count = prng_below(&prng, 37);
			const char *text = alphabet + (36 - count);
			int result = prng_below(&prng, 2) ? weft_str_append(&str, text)
							  : weft_str_appendf(&str, "%s", text);

			has_failed = has_failed || count > bound - len;
			CHECK_INT(result, ==, has_failed ? -1 : 0);
			if (!has_failed) {
				memcpy(model + len, text, count);
				len += count;
			}
			CHECK_INT(weft_str_len(&str), ==, len);
			CHECK_MEM(weft_str_text(&str), model, len);
			CHECK_INT(weft_str_text(&str)[len], ==, 0);
		}
		weft_str_fini(&str);
	}
}

CHECK_MAIN()
