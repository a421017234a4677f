/*
 * test_listing.c - tests src/http/listing.c: the order of names, and sizes for people.
 */
#include "check.h"

#include <stdlib.h>
#include <time.h>

#include "http/listing.h"

/* That moment of the local clock. */
static int64_t clock_of(const char *text)
{
	struct tm tm = {.tm_isdst = -1};

	CHECK(strptime(text, "%Y-%m-%d %H:%M:%S", &tm) != NULL);
	return mktime(&tm);
}

CHECK_CASE(names_are_in_the_order_people_expect)
{
	static const char *const sorted[] = {"1.txt", "02.txt", "2a.txt", "10.txt", "a", "B", "b1",
		"b2", "b10", "b10a", "c", "Track 9", "track 10", "\xc3\xa9"};

	for (size_t i = 0; i < sizeof(sorted) / sizeof(sorted[0]); i++)
		for (size_t j = 0; j < sizeof(sorted) / sizeof(sorted[0]); j++) {
			int order = weft__http_listing_compare(sorted[i], sorted[j]);

			if ((order > 0) != (i > j) || (order < 0) != (i < j))
				check_fail(__FILE__, __LINE__, "%s and %s: %d", sorted[i],
					sorted[j], order);
		}
}

CHECK_CASE(names_that_read_alike_still_have_an_order)
{
	CHECK_INT(weft__http_listing_compare("a1", "a01"), !=, 0);
	CHECK_INT(weft__http_listing_compare("A", "a"), <, 0);
	CHECK_INT(weft__http_listing_compare("a", "A"), >, 0);
	CHECK_INT(weft__http_listing_compare("a", "a"), ==, 0);
}

CHECK_CASE(sizes_are_short)
{
	static const struct {
		int64_t bytes;
		const char *text;
	} rows[] = {{0, "0 B"}, {1, "1 B"}, {999, "999 B"}, {1000, "1.0 kB"}, {1234, "1.2 kB"},
		{9949, "9.9 kB"}, {9950, "10 kB"}, {999499, "999 kB"}, {999500, "1.0 MB"},
		{1500000000, "1.5 GB"}, {INT64_MAX, "9.2 EB"}};
	char text[16];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		weft__http_listing_size(text, rows[i].bytes);
		CHECK_STR(text, rows[i].text);
	}
}

CHECK_CASE(times_are_told_as_people_would)
{
	static const struct {
		const char *then, *text;
	} rows[] = {{"2024-03-10 09:41:59", "Today 09:41"}, {"2024-03-10 00:00:00", "Today 00:00"},
		{"2024-03-10 23:59:00", "Today 23:59"}, {"2024-03-09 23:59:59", "Yesterday 23:59"},
		{"2024-03-08 12:00:00", "8 Mar 12:00"}, {"2024-01-01 00:00:00", "1 Jan 00:00"},
		{"2023-12-31 23:59:59", "31 Dec 2023"}, {"1969-07-20 20:17:00", "20 Jul 1969"},
		{"2024-03-11 00:00:00", "11 Mar 2024"}, {"2100-03-10 12:00:00", "10 Mar 2100"}};
	char text[WEFT__HTTP_LISTING_TIME_MAX];
	struct weft__http_listing_now now;
	struct tm then;

	/* In New York the clocks went forward at 02:00 on that day. */
	setenv("TZ", "EST5EDT,M3.2.0,M11.1.0", 1);
	tzset();
	weft__http_listing_now(&now, clock_of("2024-03-10 12:30:00"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		time_t then_s = clock_of(rows[i].then);

		CHECK(localtime_r(&then_s, &then) != NULL);
		weft__http_listing_time(text, then_s, &then, &now);
		CHECK_STR(text, rows[i].text);
	}
}

CHECK_MAIN()
