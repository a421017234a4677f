/*
 * test_date.c - tests src/http/date.c: against the C library, and against what is no date.
 */
#include "check.h"

#include <time.h>

#include "base/prng.h"
#include "http/date.h"

#define NOW INT64_C(1790000000) /* September 2026 */

static bool parse(const char *text, int64_t *ret_seconds)
{
	return weft__http_date_parse(text, strlen(text), NOW, ret_seconds);
}

CHECK_CASE(dates_are_printed_as_the_c_library_prints_them)
{
	struct prng prng = {1};

	for (unsigned i = 0; i < check_rounds(20000); i++) {
		int64_t seconds = (int64_t)prng_below(&prng, 300000000000) - 60000000000;
		char ours[WEFT__HTTP_DATE_LEN + 1] = {0}, theirs[64];
		int64_t back;
		struct tm tm;

		gmtime_r(&(time_t){seconds}, &tm);
		if (tm.tm_year + 1900 > 9999)
			continue;
		strftime(theirs, sizeof(theirs), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		weft__http_date_print(ours, seconds);
		if (tm.tm_year + 1900 < 1000)
			snprintf(strchr(theirs, ' ') + 8, 40, "%04d %02d:%02d:%02d GMT",
				tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
		CHECK_STR(ours, theirs);
		CHECK(parse(ours, &back));
		CHECK_INT(back, ==, seconds);
	}
}

CHECK_CASE(times_beyond_four_digit_years_are_printed_as_the_last_that_fit)
{
	char text[WEFT__HTTP_DATE_LEN + 1] = {0};

	weft__http_date_print(text, INT64_MAX);
	CHECK_STR(text, "Fri, 31 Dec 9999 23:59:59 GMT");
	weft__http_date_print(text, INT64_MIN);
	CHECK_STR(text, "Mon, 01 Jan 0001 00:00:00 GMT");
}

CHECK_CASE(the_three_forms_of_the_rfc_are_one_time)
{
	int64_t seconds;

	CHECK(parse("Sun, 06 Nov 1994 08:49:37 GMT", &seconds));
	CHECK_INT(seconds, ==, 784111777);
	CHECK(parse("Sunday, 06-Nov-94 08:49:37 GMT", &seconds));
	CHECK_INT(seconds, ==, 784111777);
	CHECK(parse("Sun Nov  6 08:49:37 1994", &seconds));
	CHECK_INT(seconds, ==, 784111777);
	CHECK(parse("Wed Nov 16 08:49:37 1994", &seconds));
	CHECK_INT(seconds, ==, 784975777);
}

CHECK_CASE(two_digit_years_are_at_most_fifty_years_ahead)
{
	int64_t seconds;

	CHECK(parse("Saturday, 01-Jan-76 00:00:00 GMT", &seconds));
	CHECK_INT(seconds, ==, INT64_C(3345062400)); /* 2076 */
	CHECK(parse("Saturday, 01-Jan-77 00:00:00 GMT", &seconds));
	CHECK_INT(seconds, ==, 220924800); /* 1977 */
}

CHECK_CASE(what_is_no_date_is_refused)
{
	static const char *const bad[] = {
		"",
		"S",
		"Sun,",
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		"Sun, 06 nov 1994 08:49:37 GMT",
		"Sun, 31 Apr 1994 08:49:37 GMT",
		"Tue, 29 Feb 1900 08:49:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:00:00 GMT",
		"Sun, 06 Nov 1994 00:60:00 GMT",
		"Sun, 06 Nov 1994 00:00:61 GMT",
		"Xxx, 06 Nov 1994 08:49:37 GMT",
		"Sun Nov 6 08:49:37 1994",
		"Sun Nov  6 08:49:37 94",
		"Sun Nov",
		"1994-11-06T08:49:37Z",
		"Sunday, 06-Nov-1994 08:49:37 GMT",
	};
	int64_t seconds = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse(bad[i], &seconds))
			check_fail(__FILE__, __LINE__, "\"%s\" passed for a date", bad[i]);
	CHECK_INT(seconds, ==, 7);
	CHECK(parse("Thu, 29 Feb 2024 23:59:60 GMT", &seconds));
}

CHECK_MAIN()
