/*
 * test_params.c - queries, forms and cookies.
 */
#include <errno.h>

#include "check.h"
#include "http/request.h"

/* "name=value|name=value|" of what was taken apart. */
static const char *taken(const char *text, size_t len)
{
	static char all[4096];
	struct weft_http_params *params = weft_http_params_parse(text, len);
	const char *name, *value;
	size_t at = 0;

	CHECK(params != NULL);
	all[0] = '\0';
	for (size_t i = 0; weft_http_params_at(params, i, &name, &value); i++)
		at += (size_t)snprintf(all + at, sizeof(all) - at, "%s=%s|", name, value);
	weft_http_params_free(params);
	return all;
}

CHECK_CASE(pairs_are_decoded_as_browsers_send_them)
{
	static const struct {
		const char *text, *pairs;
	} cases[] = {
		{"", ""},
		{"a=1", "a=1|"},
		{"a=1&b=2&a=3", "a=1|b=2|a=3|"},
		{"a", "a=|"},
		{"a=", "a=|"},
		{"=1", "=1|"},
		{"=", "=|"},
		{"&&a=1&&", "a=1|"},
		{"a=b=c", "a=b=c|"},
		{"q=x+y%20z%2B", "q=x y z+|"},
		{"%61%3D=%26", "a==&|"},
		{"a=%", "a=%|"},
		{"a=%4", "a=%4|"},
		{"a=%zz%4g", "a=%zz%4g|"},
		{"a=%C3%BC", "a=\xc3\xbc|"},
		{"a=1;b=2", "a=1;b=2|"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		CHECK_STR(taken(cases[i].text, strlen(cases[i].text)), cases[i].pairs);
	CHECK_STR(taken("a=1&b=2", 5), "a=1|b=|"); /* past len nothing is looked at */
}

CHECK_CASE(a_value_is_found_by_its_name_and_number)
{
	struct weft_http_params *params = weft_http_params_parse("a=1&b=2&a=3", 11);

	CHECK_STR(weft_http_params_get(params, "a", 0), "1");
	CHECK_STR(weft_http_params_get(params, "a", 1), "3");
	CHECK(!weft_http_params_get(params, "a", 2));
	CHECK_STR(weft_http_params_get(params, "b", 0), "2");
	CHECK(!weft_http_params_get(params, "c", 0));
	weft_http_params_free(params);
	weft_http_params_free(NULL);
}

CHECK_CASE(what_a_string_cannot_hold_and_too_many_are_refused)
{
	static char many[2 * WEFT_HTTP_PARAMS_MAX + 2];

	CHECK_ERRNO(weft_http_params_parse("a=%00", 5), EBADMSG);
	CHECK_ERRNO(weft_http_params_parse("%00=1", 5), EBADMSG);
	CHECK_ERRNO(weft_http_params_parse("a=\0b", 4), EBADMSG);
	for (size_t i = 0; i < sizeof(many); i++)
		many[i] = i % 2 ? '&' : 'a';
	weft_http_params_free(weft_http_params_parse(many, sizeof(many) - 3));
	CHECK_ERRNO(weft_http_params_parse(many, sizeof(many) - 1), EMSGSIZE);
}

static struct weft_http_request request;

static void make_request(const char *fields)
{
	static char data[1000];
	int len = snprintf(
		data, sizeof(data), "GET /?a=1&b=x%%20y HTTP/1.1\r\nHost: x\r\n%s\r\n", fields);

	weft__http_request_init(&request, NULL);
	CHECK_INT(weft__http_parse(&request.head, data, (size_t)len), ==, WEFT__HTTP_DONE);
	request.data = data;
	request.data_len = (size_t)len;
}

static bool cookie_is(const char *name, const char *value)
{
	struct weft_http_text text = weft_http_request_cookie(&request, name);

	return text.len == strlen(value) && memcmp(text.data, value, text.len) == 0;
}

CHECK_CASE(cookies_are_found)
{
	make_request("Cookie: a=1; bb=two;c=; d=x=y;  e=5\r\n");
	CHECK(cookie_is("a", "1"));
	CHECK(cookie_is("bb", "two"));
	CHECK(cookie_is("c", ""));
	CHECK(cookie_is("d", "x=y"));
	CHECK(cookie_is("e", "5"));
	CHECK(!weft_http_request_cookie(&request, "b").data);
	CHECK(!weft_http_request_cookie(&request, "").data);
	CHECK(!weft_http_request_cookie(&request, "two").data);
	make_request("");
	CHECK(!weft_http_request_cookie(&request, "a").data);
}

CHECK_CASE(a_requests_query_and_fields_are_at_hand)
{
	struct weft_http_text name, value;

	make_request("Accept: a\r\naccept: b\r\n");
	CHECK_STR(weft_http_params_get(weft_http_request_params(&request), "b", 0), "x y");
	CHECK(weft_http_request_params(&request) == weft_http_request_params(&request));
	CHECK(weft_http_request_field_at(&request, 2, &name, &value));
	CHECK_MEM(name.data, "accept", name.len);
	CHECK_MEM(value.data, "b", value.len);
	CHECK(!weft_http_request_field_at(&request, 3, &name, &value));
	weft__http_request_reset(&request);
}

CHECK_MAIN()
