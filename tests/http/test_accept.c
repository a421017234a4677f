/*
 * test_accept.c - what the Accept field says of a type, and who gets JSON.
 */
#include "http/accept.h"

#include "check.h"

static const struct {
	const char *value;
	int html, json;
} rows[] = {
	{"", 1000, 1000},
	{"  ", 1000, 1000},
	{"*/*", 1000, 1000},
	{"text/html", 1000, 0},
	{"TEXT/HTML", 1000, 0},
	{"application/json", 0, 1000},
	{"application/*", 0, 1000},
	{"text/html, application/json;q=0.5", 1000, 500},
	{"text/html;q=0.1, application/json", 100, 1000},
	{"*/*;q=0.1, application/json", 100, 1000},
	{"application/json;q=0, */*", 1000, 0},
	{"text/html;level=1;q=0.25", 250, 0},
	{"text/html ; q=0.25", 250, 0},
	{"text/html;q=0.123,application/json;q=1.000", 123, 1000},
	{"text/html;q=2", 1000, 0},
	{"text/html;q=x", 1000, 0},
	{"text/html;q=", 1000, 0},
	{"text/html;q=1.9", 1000, 0},
	{"text/*;q=0.3, */*;q=0.2", 300, 200},
	{",, ,text/html,,", 1000, 0},
	{"nonsense", 0, 0},
	{"/", 0, 0},
	{";q=1", 0, 0},
	{"text/htmlx, xtext/html", 0, 0},
	{"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", 1000, 800},
};

CHECK_CASE(the_closest_range_says_how_much_a_type_is_wanted)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *value = rows[i].value;
		bool is_named;
		int html =
			weft__http_accept_quality(value, strlen(value), "text", "html", &is_named);
		int json = weft__http_accept_quality(
			value, strlen(value), "application", "json", &is_named);

		if (html != rows[i].html || json != rows[i].json)
			check_fail(__FILE__, __LINE__, "\"%s\": %d and %d", value, html, json);
	}
}

static bool wants_json(const char *accept)
{
	static struct weft_http_request request;
	char data[300];
	int len = snprintf(data, sizeof(data), "GET / HTTP/1.1\r\nHost: x\r\n%s%s%s\r\n",
		accept ? "Accept: " : "", accept ? accept : "", accept ? "\r\n" : "");

	weft__http_request_init(&request, NULL);
	CHECK_INT(weft__http_parse(&request.head, data, (size_t)len), ==, WEFT__HTTP_DONE);
	request.data = data;
	return weft__http_accept_wants_json(&request, "json");
}

CHECK_CASE(json_is_for_who_asks_for_it)
{
	CHECK(!wants_json(NULL));
	CHECK(!wants_json("*/*"));
	CHECK(!wants_json("text/html,application/xhtml+xml,*/*;q=0.8"));
	CHECK(wants_json("application/json"));
	CHECK(wants_json("application/json, */*"));
	CHECK(wants_json("application/json, text/plain, */*"));
	CHECK(!wants_json("application/json, text/html"));
	CHECK(wants_json("application/json, text/html;q=0.9"));
	CHECK(!wants_json("application/json;q=0"));
}

CHECK_MAIN()
