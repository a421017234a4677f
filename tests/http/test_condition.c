/*
 * test_condition.c - tests src/http/condition.c: RFC 9110, section 13, row by row.
 */
#include "check.h"

#include "http/condition.h"

/* What the file has in all rows: "v1", changed on Sun, 06 Nov 1994 08:49:37 GMT. */
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define SAME   "Sun, 06 Nov 1994 08:49:37 GMT"
#define AFTER  "Sun, 06 Nov 1994 08:49:38 GMT"

static struct weft__http_head head;
static char text[1024];

static void request(const char *fields)
{
	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
	weft__http_head_reset(&head);
	CHECK_INT(weft__http_parse(&head, text, strlen(text)), ==, WEFT__HTTP_DONE);
}

CHECK_CASE(conditions_are_judged_in_the_order_of_the_rfc)
{
	static const struct weft__http_validators file = {"\"v1\"", false, 784111777};
	static const struct {
		const char *fields;
		int status;
	} rows[] = {
		{"", 0},
		{"If-None-Match: \"v1\"\r\n", 304},
		{"If-None-Match: W/\"v1\"\r\n", 304},
		{"If-None-Match: \"v2\"\r\n", 0},
		{"If-None-Match: \"v2\" , \"v1\"\r\n", 304},
		{"If-None-Match: \"v2\"\r\nif-none-match: \"v1\"\r\n", 304},
		{"If-None-Match: *\r\n", 304},
		{"If-None-Match: v1\r\n", 0},
		{"If-None-Match: \"v1\r\n", 0},
		{"If-None-Match: \"v\"\r\n", 0},
		{"If-None-Match:\r\n", 0},
		{"If-Modified-Since: " SAME "\r\n", 304},
		{"If-Modified-Since: " AFTER "\r\n", 304},
		{"If-Modified-Since: " BEFORE "\r\n", 0},
		{"If-Modified-Since: nonsense\r\n", 0},
		{"If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n", 304},
		/* If-None-Match beats If-Modified-Since, both ways. */
		{"If-None-Match: \"v2\"\r\nIf-Modified-Since: " AFTER "\r\n", 0},
		{"If-None-Match: \"v1\"\r\nIf-Modified-Since: " BEFORE "\r\n", 304},
		{"If-Match: \"v1\"\r\n", 0},
		{"If-Match: *\r\n", 0},
		{"If-Match: \"v2\"\r\n", 412},
		{"If-Match: W/\"v1\"\r\n", 412},
		{"If-Match: \"v1\"\r\nIf-None-Match: \"v1\"\r\n", 304},
		{"If-Unmodified-Since: " SAME "\r\n", 0},
		{"If-Unmodified-Since: " BEFORE "\r\n", 412},
		{"If-Unmodified-Since: nonsense\r\n", 0},
		/* If-Match beats If-Unmodified-Since. */
		{"If-Match: \"v1\"\r\nIf-Unmodified-Since: " BEFORE "\r\n", 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int status;

		request(rows[i].fields);
		status = weft__http_condition_status(&head, text, &file);
		if (status != rows[i].status)
			check_fail(__FILE__, __LINE__, "%s-> %d, not %d", rows[i].fields, status,
				rows[i].status);
	}
}

CHECK_CASE(a_part_is_only_sent_of_the_same_file)
{
	static const struct weft__http_validators file = {"\"v1\"", false, 784111777};
	static const struct {
		const char *fields;
		bool holds;
	} rows[] = {
		{"", true},
		{"If-Range: \"v1\"\r\n", true},
		{"If-Range: W/\"v1\"\r\n", false},
		{"If-Range: \"v2\"\r\n", false},
		{"If-Range: \"v1\", \"v2\"\r\n", false},
		{"If-Range: " SAME "\r\n", true},
		{"If-Range: " AFTER "\r\n", false},
		{"If-Range: " BEFORE "\r\n", false},
		{"If-Range: nonsense\r\n", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		request(rows[i].fields);
		if (weft__http_condition_range_holds(&head, text, &file) != rows[i].holds)
			check_fail(__FILE__, __LINE__, "%s", rows[i].fields);
	}
}

CHECK_CASE(a_weak_tag_is_good_for_caches_and_not_for_parts)
{
	static const struct weft__http_validators file = {"\"v1\"", true, 784111777};

	request("If-None-Match: \"v1\"\r\n");
	CHECK_INT(weft__http_condition_status(&head, text, &file), ==, 304);
	request("If-Match: \"v1\"\r\n");
	CHECK_INT(weft__http_condition_status(&head, text, &file), ==, 412);
	request("If-Range: \"v1\"\r\n");
	CHECK(!weft__http_condition_range_holds(&head, text, &file));
	request("If-Range: " SAME "\r\n");
	CHECK(!weft__http_condition_range_holds(&head, text, &file));
}

CHECK_MAIN()
