/*
 * test_collect_text.c - what `weft collect` makes of a stream's bytes: messages, and their
 * lines. src/cmd/collect_frame.c, src/cmd/collect_line.c.
 *
 * check: aarch64 valgrind
 */
#include "check.h"

#include <time.h>

#include "cmd/collect_line.h"
#include "weft/str.h"

#define LINE_MAX_TESTED 32

/* What comes in, and the messages: "|" ends each, after its marks in the file's form. */
struct expectation {
	enum collect_framing framing;
	const char *sent, *messages;
	unsigned dropped;
};

static const struct expectation table[] = {
	/* Lines. */
	{COLLECT_LINES, "one\ntwo\r\n\nthree\n", "one|two||three|", 0},
	{COLLECT_LINES, "cr\rinside\r\r\n", "cr\\rinside\\r|", 0},
	{COLLECT_LINES, "5 hello\n", "5 hello|", 0},
	{COLLECT_LINES, "no end", "no end\\{unfinished}|", 0},
	{COLLECT_LINES, "no end\r", "no end\\r\\{unfinished}|", 0},
	{COLLECT_LINES, "exactly thirty-two bytes are here\n",
		"exactly thirty-two bytes are her\\{cut}|", 1},
	{COLLECT_LINES, "exactly thirty-two bytes are her\r\nx\n",
		"exactly thirty-two bytes are her|x|", 0},
	{COLLECT_LINES, "exactly thirty-two bytes are her\rx\ny\n",
		"exactly thirty-two bytes are her\\{cut}|y|", 2},
	{COLLECT_LINES, "exactly thirty-two bytes are here and it goes on",
		"exactly thirty-two bytes are her\\{cut}|", 16},

	/* Octets: RFC 6587, section 3.4.1. */
	{COLLECT_OCTETS, "5 hello10 a\nb\nc\nd\n\n\r3 abc", "hello|a\\nb\\nc\\nd\\n\\n\\r|abc|", 0},
	{COLLECT_OCTETS, "5 hello\n3 abc\n", "hello|abc|", 0},
	{COLLECT_OCTETS, "9 hello", "hello\\{unfinished}|", 0},
	{COLLECT_OCTETS, "9 ", "\\{unfinished}|", 0},
	{COLLECT_OCTETS, "9", "9\\{unfinished}|", 0},
	{COLLECT_OCTETS, "33 exactly thirty-two bytes are here2 ok",
		"exactly thirty-two bytes are her\\{cut}|ok|", 1},
	{COLLECT_OCTETS, "999999999 and then as much as there is, but never so much",
		"and then as much as there is, bu\\{cut}|", 15},

	/* Octets that are none. Each is a line, and the next message is one again. */
	{COLLECT_OCTETS, "999999999999 x\n2 ok", "999999999999 x\\{no count}|ok|", 0},
	{COLLECT_OCTETS, "1000000000 x\n2 ok", "1000000000 x\\{no count}|ok|", 0},
	{COLLECT_OCTETS, "18446744073709551617 x\n2 ok", "18446744073709551617 x\\{no count}|ok|",
		0},
	{COLLECT_OCTETS, "0 \n2 ok", "0 \\{no count}|ok|", 0},
	{COLLECT_OCTETS, "03 abc\n2 ok", "03 abc\\{no count}|ok|", 0},
	{COLLECT_OCTETS, "-3 abc\n2 ok", "-3 abc\\{no count}|ok|", 0},
	{COLLECT_OCTETS, "+3 abc\n2 ok", "+3 abc\\{no count}|ok|", 0},
	{COLLECT_OCTETS, " 3 abc\n2 ok", " 3 abc\\{no count}|ok|", 0},
	{COLLECT_OCTETS, "12x abc\n2 ok", "12x abc\\{no count}|ok|", 0},
	{COLLECT_OCTETS, "3\n2 ok", "3\\{no count}|ok|", 0},
	{COLLECT_OCTETS, "3\tabc\n2 ok", "3\tabc\\{no count}|ok|", 0},
	{COLLECT_OCTETS, "0x3 abc\n2 ok", "0x3 abc\\{no count}|ok|", 0},
	{COLLECT_OCTETS, "\n2 ok", "\\{no count}|ok|", 0},
	{COLLECT_OCTETS, "<13>a line of syslog\n2 ok", "<13>a line of syslog\\{no count}|ok|", 0},
	{COLLECT_OCTETS, "no count, and longer than the longest line\n2 ok",
		"no count, and longer than the lo\\{no count}\\{cut}|ok|", 10},

	/* Each for itself. */
	{COLLECT_AUTO, "<13>a\n7 <14>b\nc7 <15>d\n\ne\n", "<13>a|<14>b\\nc|<15>d\\n\\n|e|", 0},
	{COLLECT_AUTO, "7 <14>bcd\n<13>a\n", "<14>bcd|<13>a|", 0},
	{COLLECT_AUTO, "10 green bottles\n9\n2026-01-01 x\n", "10 green bottles|9|2026-01-01 x|",
		0},
	{COLLECT_AUTO, "5 \n5 <", "5 |<\\{unfinished}|", 0},
	{COLLECT_AUTO, "5 ", "5 \\{unfinished}|", 0},
	{COLLECT_AUTO, "999999999999 <13>x\ny\n", "999999999999 <13>x|y|", 0},
	{COLLECT_AUTO, "0 <13>x\n05 <13>x\n-5 <13>x\n5x <13>\n",
		"0 <13>x|05 <13>x|-5 <13>x|5x <13>|", 0},
	/* Here @ stands for a NUL: what Python's SysLogHandler sends. */
	{COLLECT_AUTO, "<13>a@<13>b@7 <14>c@d@x\n@y", "<13>a|<13>b|<14>c\\x00d|x|y\\{unfinished}|",
		0},
	{COLLECT_AUTO, "exactly thirty-two bytes are here and on@<13>b@5@",
		"exactly thirty-two bytes are her\\{cut}|<13>b|5|", 8},
	{COLLECT_LINES, "a@b\n", "a\\x00b|", 0},
};

/* The bytes that are sent, for weft_str_fini(). */
static void bytes_of(const struct expectation *expected, struct weft_str *out)
{
	weft_str_init(out, 4096);
	for (const char *byte = expected->sent; *byte; byte++)
		weft_str_append_char(out, *byte == '@' ? '\0' : *byte);
}

static void record(struct weft_str *out, const struct collect_message *message)
{
	struct collect_origin origin = {.source = "x"};
	char line[4 * LINE_MAX_TESTED + 512];
	size_t len = weft__collect_line(line, &origin, 0, message);
	static const char head[] = "1970-01-01T00:00:00.000000Z x ";

	CHECK(memcmp(line, head, strlen(head)) == 0);
	CHECK(line[len - 1] == '\n');
	weft_str_append_bytes(out, line + strlen(head), len - strlen(head) - 1);
	weft_str_append_char(out, '|');
}

/* The messages of a text that comes in parts of that size; how many bytes were dropped. */
static uint64_t take(const struct expectation *expected, size_t part, struct weft_str *out)
{
	struct collect_frames frames;
	struct collect_message message;
	struct weft_str bytes;
	const char *sent;
	size_t len = strlen(expected->sent);

	bytes_of(expected, &bytes);
	sent = weft_str_text(&bytes);
	weft__collect_frames_init(&frames, expected->framing, LINE_MAX_TESTED);
	while (len > 0) {
		size_t used =
			weft__collect_frames_take(&frames, sent, part < len ? part : len, &message);

		if (message.text)
			record(out, &message);
		sent += used;
		len -= used;
	}
	if (weft__collect_frames_end(&frames, &message))
		record(out, &message);
	CHECK(!weft__collect_frames_end(&frames, &message));
	weft__collect_frames_fini(&frames);
	weft_str_fini(&bytes);
	return frames.dropped_bytes;
}

CHECK_CASE(messages_are_the_same_however_the_bytes_are_cut)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		for (size_t part = 1; part <= strlen(table[i].sent); part++) {
			struct weft_str out;
			uint64_t dropped;

			weft_str_init(&out, 4096);
			dropped = take(&table[i], part, &out);
			if (strcmp(weft_str_text(&out), table[i].messages) != 0)
				check_fail(__FILE__, __LINE__, "\"%s\" by %zu gives \"%s\"",
					table[i].sent, part, weft_str_text(&out));
			CHECK_INT(dropped, ==, table[i].dropped);
			weft_str_fini(&out);
		}
}

CHECK_CASE(memory_is_bounded_by_the_longest_line)
{
	struct collect_message message;
	struct collect_frames frames;
	unsigned messages = 0;
	char data[1000];

	memset(data, 'x', sizeof(data));
	for (int framing = COLLECT_AUTO; framing <= COLLECT_OCTETS; framing++) {
		weft__collect_frames_init(&frames, framing, LINE_MAX_TESTED);
		for (size_t sent = 0; sent < 1000000;) {
			sent += weft__collect_frames_take(&frames, data, sizeof(data), &message);
			messages += message.text != NULL;
			CHECK(frames.part.capacity < 1000);
		}
		weft__collect_frames_fini(&frames);
	}
	CHECK_INT(messages, ==, 3);
}

CHECK_CASE(a_line_is_a_line_and_steers_no_terminal)
{
	static const struct {
		const char *text;
		size_t len;
		const char *line;
	} texts[] = {
		{"a\nb\r\n", 5, "a\\nb\\r\\n"},
		{"\0\1\x1b[31m\x7f\t", 9, "\\x00\\x01\\x1b[31m\\x7f\t"},
		{"back\\slash\\{cut}", 16, "back\\\\slash\\\\{cut}"},
		/* UTF-8 stays, whole. */
		{"Gr\xc3\xbc\xc3\x9f\x65 \xe6\x97\xa5 \xf0\x9f\x90\x9b", 16,
			"Gr\xc3\xbc\xc3\x9f\x65 \xe6\x97\xa5 \xf0\x9f\x90\x9b"},
		/* What is none: alone, cut, too long a form, a surrogate, beyond the last. */
		{"\xff\x80", 2, "\\xff\\x80"},
		{"\xc3", 1, "\\xc3"},
		{"\xe6\x97", 2, "\\xe6\\x97"},
		{"\xf0\x9f\x90", 3, "\\xf0\\x9f\\x90"},
		{"\xc0\xaf", 2, "\\xc0\\xaf"},
		{"\xe0\x80\xaf", 3, "\\xe0\\x80\\xaf"},
		{"\xf0\x80\x80\xaf", 4, "\\xf0\\x80\\x80\\xaf"},
		{"\xed\xa0\x80", 3, "\\xed\\xa0\\x80"},
		{"\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80"},
		/* A C1 control, line ends of Unicode, a mark of direction, a byte order mark. */
		{"\xc2\x9b"
		 "31m",
			5, "\\xc2\\x9b31m"},
		{"\xc2\x85", 2, "\\xc2\\x85"},
		{"\xe2\x80\xa8\xe2\x80\xa9", 6, "\\xe2\\x80\\xa8\\xe2\\x80\\xa9"},
		{"\xe2\x80\xae", 3, "\\xe2\\x80\\xae"},
		{"\xef\xbb\xbf", 3, "\\xef\\xbb\\xbf"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct collect_message message = {.text = texts[i].text, .len = texts[i].len};
		char expected[256];
		struct weft_str out;

		weft_str_init(&out, 4096);
		record(&out, &message);
		snprintf(expected, sizeof(expected), "%s|", texts[i].line);
		CHECK_STR(weft_str_text(&out), expected);
		weft_str_fini(&out);
	}
}

CHECK_CASE(the_time_is_that_of_rfc_3339_with_microseconds)
{
	static const struct {
		const char *zone;
		bool is_local;
		int64_t wall_ns;
		const char *line;
	} times[] = {
		{"UTC", false, INT64_C(1772366400125009999), "2026-03-01T12:00:00.125009Z x t\n"},
		{"XYZ-5:30", true, INT64_C(1772366400000000000),
			"2026-03-01T17:30:00.000000+05:30 x t\n"},
		{"XYZ3", true, INT64_C(1772366459999999999),
			"2026-03-01T09:00:59.999999-03:00 x t\n"},
		{"XYZ3", false, INT64_C(999), "1970-01-01T00:00:00.000000Z x t\n"},
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		struct collect_origin origin = {.source = "x", .is_local = times[i].is_local};
		const struct collect_message message = {.text = "t", .len = 1};
		char line[512];
		size_t len;

		setenv("TZ", times[i].zone, 1);
		tzset();
		len = weft__collect_line(line, &origin, times[i].wall_ns, &message);
		line[len] = '\0';
		CHECK_STR(line, times[i].line);
	}
}

CHECK_MAIN()
