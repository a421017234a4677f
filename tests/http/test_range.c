/*
 * test_range.c - tests src/http/range.c: every form of one range, and what counts as none.
 */
#include "check.h"

#include "http/range.h"

#define NONE WEFT__HTTP_RANGE_NONE
#define PART WEFT__HTTP_RANGE_PART
#define OVER WEFT__HTTP_RANGE_UNSATISFIABLE

struct row {
	const char *value;
	int64_t size;
	enum weft__http_range_result result;
	int64_t offset, len;
};

static const struct row rows[] = {
	{"bytes=0-0", 10, PART, 0, 1},
	{"bytes=0-9", 10, PART, 0, 10},
	{"bytes=0-10", 10, PART, 0, 10},
	{"bytes=3-5", 10, PART, 3, 3},
	{"BYTES=3-", 10, PART, 3, 7},
	{"bytes=9-", 10, PART, 9, 1},
	{"bytes=-1", 10, PART, 9, 1},
	{"bytes=-10", 10, PART, 0, 10},
	{"bytes=-11", 10, PART, 0, 10},
	{"bytes=0-99999999999999999999999999", 10, PART, 0, 10},
	{"bytes=-99999999999999999999999999", 10, PART, 0, 10},
	{"bytes=10-", 10, OVER, 0, 0},
	{"bytes=10-12", 10, OVER, 0, 0},
	{"bytes=-0", 10, OVER, 0, 0},
	{"bytes=0-", 0, OVER, 0, 0},
	{"bytes=-5", 0, OVER, 0, 0},
	{"bytes=99999999999999999999999999-", 10, OVER, 0, 0},
	{"bytes=99999999999999999998-99999999999999999999", 10, OVER, 0, 0},
	{"bytes=9223372036854775807-", INT64_MAX, OVER, 0, 0},
	{"bytes=9223372036854775806-", INT64_MAX, PART, INT64_MAX - 1, 1},
	{"", 10, NONE, 0, 0},
	{"bytes", 10, NONE, 0, 0},
	{"bytes=", 10, NONE, 0, 0},
	{"bytes=-", 10, NONE, 0, 0},
	{"bytes=5", 10, NONE, 0, 0},
	{"bytes=5-3", 10, NONE, 0, 0},
	{"bytes=a-b", 10, NONE, 0, 0},
	{"bytes=0-1,3-4", 10, NONE, 0, 0},
	{"bytes=0-1,", 10, NONE, 0, 0},
	{"bytes= 0-1", 10, NONE, 0, 0},
	{"bytes=0-1 ", 10, NONE, 0, 0},
	{"bytes=0--1", 10, NONE, 0, 0},
	{"bytes=+0-1", 10, NONE, 0, 0},
	{"items=0-1", 10, NONE, 0, 0},
};

CHECK_CASE(each_form_gives_its_part)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t offset = 0, len = 0;
		int result = weft__http_range_parse(
			rows[i].value, strlen(rows[i].value), rows[i].size, &offset, &len);

		if (result != (int)rows[i].result || offset != rows[i].offset || len != rows[i].len)
			check_fail(__FILE__, __LINE__, "\"%s\": %d, %lld+%lld", rows[i].value,
				result, (long long)offset, (long long)len);
	}
}

CHECK_CASE(nothing_past_the_value_is_read)
{
	int64_t offset, len;

	CHECK_INT(weft__http_range_parse("bytes=1-23", 9, 100, &offset, &len), ==, PART);
	CHECK_INT(offset, ==, 1);
	CHECK_INT(len, ==, 2);
}

CHECK_MAIN()
