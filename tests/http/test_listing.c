/*
 * test_listing.c - tests src/http/listing.c: the order of names, and sizes for people.
 */
#include "check.h"

#include "http/listing.h"

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

CHECK_MAIN()
