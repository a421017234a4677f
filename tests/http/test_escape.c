/*
 * test_escape.c - tests src/http/escape.c: no text from outside can leave its place.
 */
#include "check.h"

#include "http/escape.h"

static const char *html(const char *text)
{
	static struct weft_str str;

	weft_str_fini(&str);
	weft_str_init(&str, 1000);
	weft_http_escape_html(&str, text, strlen(text));
	return weft_str_text(&str);
}

static const char *path(const char *text)
{
	static struct weft_str str;

	weft_str_fini(&str);
	weft_str_init(&str, 1000);
	weft_http_escape_path(&str, text, strlen(text));
	return weft_str_text(&str);
}

CHECK_CASE(html_keeps_no_markup)
{
	CHECK_STR(html("<script>alert('x')</script>&\""),
		"&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;");
	CHECK_STR(html("plain text"), "plain text");
}

#define U_FFFD "\xef\xbf\xbd"

CHECK_CASE(html_is_valid_utf8_whatever_comes_in)
{
	CHECK_STR(html("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
		"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	CHECK_STR(html("\xff"), U_FFFD);
	CHECK_STR(html("\xc3"), U_FFFD);
	CHECK_STR(html("\xc3("), U_FFFD "(");
	CHECK_STR(html("\xc0\xaf"), U_FFFD U_FFFD);                       /* overlong '/' */
	CHECK_STR(html("\xe0\x80\xaf"), U_FFFD U_FFFD U_FFFD);            /* overlong */
	CHECK_STR(html("\xed\xa0\x80"), U_FFFD U_FFFD U_FFFD);            /* surrogate */
	CHECK_STR(html("\xf4\x90\x80\x80"), U_FFFD U_FFFD U_FFFD U_FFFD); /* past U+10FFFF */
	CHECK_STR(html("a\nb\x7f\x1b"), "a" U_FFFD "b" U_FFFD U_FFFD);
}

CHECK_CASE(paths_keep_only_unreserved_bytes_and_slashes)
{
	CHECK_STR(path("/a b/c"), "/a%20b/c");
	CHECK_STR(path("a?b#c%d"), "a%3Fb%23c%25d");
	CHECK_STR(path("\"<>'&:;\\\r\n"), "%22%3C%3E%27%26%3A%3B%5C%0D%0A");
	CHECK_STR(path("\xc3\xa9"), "%C3%A9");
	CHECK_STR(path("A-Z_a.z~09"), "A-Z_a.z~09");
}

CHECK_CASE(log_lines_are_printable_ascii_and_cut_whole)
{
	char text[64];
	size_t len;

	len = weft__http_escape_log(text, sizeof(text), "GET /\"\\\n\x1b[2J\xff", 13);
	CHECK_INT(len, ==, strlen("GET /\\x22\\x5C\\x0A\\x1B[2J\\xFF"));
	CHECK_MEM(text, "GET /\\x22\\x5C\\x0A\\x1B[2J\\xFF", len);
	CHECK_INT(weft__http_escape_log(text, 3, "abcdef", 6), ==, 3);
	CHECK_INT(weft__http_escape_log(text, 5, "ab\n", 3), ==, 2); /* no half escape */
	CHECK_INT(weft__http_escape_log(text, 0, "a", 1), ==, 0);
}

CHECK_CASE(in_logs_each_byte_is_judged_alike_wherever_it_stands)
{
	for (int byte = 0; byte < 256; byte++)
		for (size_t place = 0; place < 24; place++) {
			char in[24], out[100];
			bool is_plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';

			memset(in, 'a', sizeof(in));
			in[place] = (char)byte;
			CHECK_INT(weft__http_escape_log(out, sizeof(out), in, sizeof(in)), ==,
				is_plain ? 24 : 27);
			CHECK_INT(out[place], ==, is_plain ? byte : '\\');
			CHECK_INT(out[is_plain ? 23 : 26], ==,
				place == 23 && is_plain ? byte
				: place == 23           ? "0123456789ABCDEF"[byte & 15]
							: 'a');
		}
}

CHECK_MAIN()
