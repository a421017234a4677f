/*
 * test_range.c - tests src/http/range.c: every form of one range, and what counts as none.
 */
#include "check.h"

#include "http/range.h"

#define NONE WEFT__HTTP_RANGE_NONE
#define PART WEFT__HTTP_RANGE_PARTS
#define OVER WEFT__HTTP_RANGE_UNSATISFIABLE

struct row {
	const char *value;
	int64_t size;
	enum weft__http_range_result result;
	struct weft__http_part parts[3]; /* up to one of no length */
};

static const struct row rows[] = {
	{"bytes=0-0", 10, PART, {{0, 1}}},
	{"bytes=0-9", 10, PART, {{0, 10}}},
	{"bytes=0-10", 10, PART, {{0, 10}}},
	{"bytes=3-5", 10, PART, {{3, 3}}},
	{"BYTES=3-", 10, PART, {{3, 7}}},
	{"bytes=9-", 10, PART, {{9, 1}}},
	{"bytes=-1", 10, PART, {{9, 1}}},
	{"bytes=-10", 10, PART, {{0, 10}}},
	{"bytes=-11", 10, PART, {{0, 10}}},
	{"bytes=0-99999999999999999999999999", 10, PART, {{0, 10}}},
	{"bytes=-99999999999999999999999999", 10, PART, {{0, 10}}},
	{"bytes=10-", 10, OVER, {{0, 0}}},
	{"bytes=10-12", 10, OVER, {{0, 0}}},
	{"bytes=-0", 10, OVER, {{0, 0}}},
	{"bytes=0-", 0, OVER, {{0, 0}}},
	{"bytes=-5", 0, OVER, {{0, 0}}},
	{"bytes=99999999999999999999999999-", 10, OVER, {{0, 0}}},
	{"bytes=99999999999999999998-99999999999999999999", 10, OVER, {{0, 0}}},
	{"bytes=9223372036854775807-", INT64_MAX, OVER, {{0, 0}}},
	{"bytes=9223372036854775806-", INT64_MAX, PART, {{INT64_MAX - 1, 1}}},
	{"", 10, NONE, {{0, 0}}},
	{"bytes", 10, NONE, {{0, 0}}},
	{"bytes=", 10, NONE, {{0, 0}}},
	{"bytes=-", 10, NONE, {{0, 0}}},
	{"bytes=5", 10, NONE, {{0, 0}}},
	{"bytes=5-3", 10, NONE, {{0, 0}}},
	{"bytes=a-b", 10, NONE, {{0, 0}}},
	{"bytes=0-1,", 10, NONE, {{0, 0}}},
	{"bytes= 0-1", 10, NONE, {{0, 0}}},
	{"bytes=0-1 ", 10, NONE, {{0, 0}}},
	{"bytes=0--1", 10, NONE, {{0, 0}}},
	{"bytes=+0-1", 10, NONE, {{0, 0}}},
	{"items=0-1", 10, NONE, {{0, 0}}},
	/* Several. */
	{"bytes=0-1,500-501", 1000, PART, {{0, 2}, {500, 2}}},
	{"bytes=500-501,0-1", 1000, PART, {{500, 2}, {0, 2}}},
	{"bytes=0-1 \t, \t500-501", 1000, PART, {{0, 2}, {500, 2}}},
	{"bytes=0-1,-1,300-", 1000, PART, {{0, 2}, {300, 700}}},
	{"bytes=0-1,2000-,500-501", 1000, PART, {{0, 2}, {500, 2}}},
	{"bytes=2000-,3000-", 1000, OVER, {{0, 0}}},
	{"bytes=0-1,0-1,0-1", 1000, PART, {{0, 2}}},
	{"bytes=0-,0-,0-,0-,0-,0-,0-,0-", 1000, PART, {{0, 1000}}},
	{"bytes=900-950,0-10,5-20", 1000, PART, {{0, 21}, {900, 51}}},
	{"bytes=0-9,100-109", 1000, PART, {{0, 110}}},
	{"bytes=0-9,137-146", 1000, PART, {{0, 147}}},
	{"bytes=0-9,138-147", 1000, PART, {{0, 10}, {138, 10}}},
	{"bytes=0-999,10-19", 1000, PART, {{0, 1000}}},
	{"bytes=0-0,200-200,400-400,600-600,800-800,1000-1000,1200-1200,1400-1400,1600-1600,"
	 "1800-1800,2000-2000,2200-2200,2400-2400,2600-2600,2800-2800,3000-3000,3200-3200",
		9000, NONE, {{0, 0}}},
	{"bytes=9000-,9000-,9000-,9000-,9000-,9000-,9000-,9000-,9000-,9000-,9000-,9000-,9000-,"
	 "9000-,9000-,9000-,9000-",
		9000, NONE, {{0, 0}}},
	{"bytes=0-1,,500-501", 1000, NONE, {{0, 0}}},
	{"bytes=,0-1", 1000, NONE, {{0, 0}}},
	{"bytes=0-1,a", 1000, NONE, {{0, 0}}},
	{"bytes=0-1,5-3", 1000, NONE, {{0, 0}}},
	{"bytes=0-1;500-501", 1000, NONE, {{0, 0}}},
	{"bytes=0-1, ", 1000, NONE, {{0, 0}}},
	{"bytes=9223372036854775806-,9223372036854775806-", INT64_MAX, PART, {{INT64_MAX - 1, 1}}},
};

CHECK_CASE(each_form_gives_its_parts)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct weft__http_parts parts;
		int result =
			weft__http_range_parse(row->value, strlen(row->value), row->size, &parts);
		unsigned count = 0;

		if (result != (int)row->result)
			check_fail(__FILE__, __LINE__, "\"%s\": %d", row->value, result);
		if (row->result != PART)
			continue;
		for (; count < 3 && row->parts[count].len; count++)
			if (count >= parts.count ||
				parts.parts[count].offset != row->parts[count].offset ||
				parts.parts[count].len != row->parts[count].len)
				check_fail(
					__FILE__, __LINE__, "\"%s\": part %u", row->value, count);
		CHECK_INT(parts.count, ==, count);
	}
}

CHECK_CASE(nothing_past_the_value_is_read)
{
	struct weft__http_parts parts;

	CHECK_INT(weft__http_range_parse("bytes=1-23", 9, 100, &parts), ==, PART);
	CHECK_INT(parts.parts[0].offset, ==, 1);
	CHECK_INT(parts.parts[0].len, ==, 2);
}

CHECK_MAIN()
