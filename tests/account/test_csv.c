/*
 * test_csv.c - tables: what RFC 4180 says, what it does not, and formulas.
 */
#include "account/csv.h"
#include "check.h"

/* All records as "line:cell|cell/..." or "line!fault". */
static const char *read_all(const char *text, size_t len)
{
	static char told[8192];
	static struct weft__csv_record record;
	struct weft__csv csv;
	struct weft_str str;

	weft_str_init_in(&str, told, sizeof told);
	weft__csv_init(&csv, text, len);
	while (weft__csv_next(&csv, &record)) {
		weft_str_appendf(&str, "%s%zu", weft_str_len(&str) ? "/" : "", record.line);
		if (record.fault)
			weft_str_appendf(&str, "!%s", record.fault);
		for (size_t i = 0; i < record.count; i++)
			weft_str_appendf(&str, "%c%s", i ? '|' : ':', record.cells[i]);
	}
	return told;
}

#define READ(text) read_all(text, sizeof(text) - 1)

CHECK_CASE(records_and_cells_are_read_as_the_rfc_says)
{
	CHECK_STR(READ(""), "");
	CHECK_STR(READ("a,b\r\nc,d\r\n"), "1:a|b/2:c|d");
	CHECK_STR(READ("a,b\nc,d"), "1:a|b/2:c|d");
	CHECK_STR(READ("\"a\",\"b,c\",\"d\"\"e\"\r\n"), "1:a|b,c|d\"e");
	CHECK_STR(READ("\"a\r\nb\",c\nd,e\n"), "1:a\r\nb|c/3:d|e");
	CHECK_STR(READ(",\n,,"), "1:|/2:||");
	CHECK_STR(READ(" a , b "), "1: a | b ");
	CHECK_STR(READ("\"\"\n"), "1:");
	CHECK_STR(READ("\xef\xbb\xbf"
		       "a,b\n"),
		"1:a|b");
	CHECK_STR(READ("\n\na\n\n\nb\n\n"), "3:a/6:b");
}

CHECK_CASE(what_is_no_table_is_a_fault_of_its_line_only)
{
	CHECK_STR(READ("a\n\"b\nc\n"), "1:a/2!a quote is not closed");
	CHECK_STR(READ("a\"b,c\nd\n"), "1!a quote stands inside a cell without quotes/2:d");
	CHECK_STR(READ("\"a\"b,c\nd\n"), "1!text follows a closing quote/2:d");
	CHECK_STR(READ("a\rb\nd\n"), "1!a carriage return stands alone/2:d");
	CHECK_STR(READ("a\0b\nd\n"), "1!there is a zero byte in it/2:d");
	CHECK_STR(READ("\"a\0b\"\nd\n"), "1!there is a zero byte in it/2:d");
	CHECK_STR(READ("a,\xff\nd\n"), "1!it is not UTF-8/2:d");
}

CHECK_CASE(a_line_is_bounded_in_cells_and_in_bytes)
{
	static char text[WEFT__CSV_RECORD_MAX * 2];
	size_t len = WEFT__CSV_CELLS_MAX;

	memset(text, ',', len);
	memcpy(text + len, "\nx\n", 4);
	CHECK_STR(read_all(text, len + 3), "1!there are too many cells/2:x");
	memset(text, 'a', WEFT__CSV_RECORD_MAX);
	memcpy(text + WEFT__CSV_RECORD_MAX, "\nx\n", 4);
	CHECK_STR(read_all(text, WEFT__CSV_RECORD_MAX + 3), "1!the line is too long/2:x");
	memcpy(text + WEFT__CSV_RECORD_MAX - 1, "\nx\n", 4);
	CHECK_STR(read_all(text + WEFT__CSV_RECORD_MAX - 3, 5), "1:aa/2:x");
}

static const char *write_one(const char *cell)
{
	static char text[256];
	struct weft_str str;

	weft_str_init_in(&str, text, sizeof text);
	CHECK_INT(weft__csv_append(&str, cell), ==, 0);
	return text;
}

CHECK_CASE(no_cell_begins_a_formula)
{
	static const char *const cells[] = {"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx",
		"=HYPERLINK(\"http://example.org\",\"x\")",
		("\xef\xbc\x9d"
		 "1")};

	for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
		const char *text = write_one(cells[i]);

		CHECK_INT(text[text[0] == '"'], ==, '\'');
	}
	CHECK_STR(write_one("mia"), "mia");
	CHECK_STR(write_one("a,b"), "\"a,b\"");
	CHECK_STR(write_one("a\"b"), "\"a\"\"b\"");
	CHECK_STR(write_one("'tis"), "'tis");
}

CHECK_CASE(every_text_comes_back_as_it_was)
{
	static const char *const cells[] = {"", "a", " a ", "a,b", "\"", "\"\"", "a\r\nb", "=1",
		"'=1", "''=1", "'", "''", "'a", "-", "\t", "\r", "\n", "\xef\xbc\x8b", "a;b", "@",
		"'@\"',\n"};
	static struct weft__csv_record record;
	char text[1024];
	struct weft_str str;
	struct weft__csv csv;

	weft_str_init_in(&str, text, sizeof text);
	for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
		if (i > 0)
			weft_str_append_char(&str, ',');
		CHECK_INT(weft__csv_append(&str, cells[i]), ==, 0);
	}
	weft__csv_init(&csv, text, weft_str_len(&str));
	CHECK(weft__csv_next(&csv, &record));
	CHECK(!record.fault);
	CHECK_INT(record.count, ==, sizeof cells / sizeof cells[0]);
	for (size_t i = 0; i < record.count; i++)
		CHECK_STR(record.cells[i], cells[i]);
	CHECK(!weft__csv_next(&csv, &record));
}

CHECK_MAIN()
