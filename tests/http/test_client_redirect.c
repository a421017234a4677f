/*
 * test_client_redirect.c - tests src/http/fetch.c: redirects, and what they must not carry along.
 */
#include "http/fetched.h"

#define MOVED(status, location) \
	"HTTP/1.1 " status " Moved\r\nLocation: " location "\r\nContent-Length: 3\r\n\r\nbye"

static struct scripted other;

/* ---- Methods ------------------------------------------------------------------------ */

CHECK_CASE(methods_and_bodies_change_as_rfc_9110_section_15_4_says)
{
	static const struct {
		const char *reply, *method, *then;
	} cases[] = {
		{MOVED("301", "/b"), "GET", "GET /b"},
		{MOVED("301", "/b"), "POST", "GET /b"},
		{MOVED("302", "/b"), "POST", "GET /b"},
		{MOVED("303", "/b"), "POST", "GET /b"},
		{MOVED("307", "/b"), "POST", "POST /b"},
		{MOVED("308", "/b"), "POST", "POST /b"},
		{MOVED("301", "/b"), "PUT", "PUT /b"},
		{MOVED("302", "/b"), "PUT", "PUT /b"},
		{MOVED("303", "/b"), "PUT", "GET /b"},
		{MOVED("308", "/b"), "PUT", "PUT /b"},
		{MOVED("303", "/b"), "DELETE", "GET /b"},
		{MOVED("307", "/b"), "DELETE", "DELETE /b"},
		{"HTTP/1.1 303 See\r\nLocation: /b\r\n\r\n", "HEAD", "HEAD /b"},
	};
	static const struct weft_http_field fields[] = {
		{"Content-Language", "en"}, {"X-Kept", "yes"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool has_body =
			strcmp(cases[i].method, "POST") == 0 || strcmp(cases[i].method, "PUT") == 0;
		bool keeps_body = has_body && strncmp(cases[i].then, "GET", 3) != 0;
		struct turn turns[] = {
			SAYS(cases[i].reply, .body_len = has_body ? 4 : 0),
			SAYS(EMPTY, .body_len = keeps_body ? 4 : 0),
		};
		struct weft_http_fetch_options options = {.method = cases[i].method,
			.fields = fields,
			.field_count = 2,
			.body = has_body ? "data" : NULL,
			.body_len = has_body ? 4 : 0,
			.body_type = has_body ? "text/x" : NULL};
		struct weft_http_fetch *made;

		START(turns);
		made = fetch("/a", &options);
		CHECK_INT(weft_http_fetch_redirects(made), ==, 1);
		CHECK_STR(weft_http_fetch_url(made)->text, url("/b"));
		weft_http_fetch_free(made);
		scripted_end(&server);
		CHECK(strncmp(server.heard[1], cases[i].then, strlen(cases[i].then)) == 0);
		CHECK(scripted_has(&server, 1, "X-Kept: yes\r\n"));
		CHECK_INT(scripted_has(&server, 1, "\r\n\r\ndata"), ==, keeps_body);
		CHECK_INT(scripted_has(&server, 1, "Content-Type: text/x"), ==, keeps_body);
		CHECK_INT(scripted_has(&server, 1, "Content-Language: en"), ==, keeps_body);
		CHECK_INT(scripted_has(&server, 1, "Content-Length"), ==, keeps_body);
		CHECK_INT(server.connections, ==, 1);
	}
}

/* ---- Where they lead ---------------------------------------------------------------- */

BOTH_CASE(a_redirect_chain_is_followed_on_one_connection)
{
	static const struct turn turns[] = {SAYS(MOVED("302", "b/c?x")),
		SAYS(MOVED("301", "../d#fragment")), SAYS(MOVED("307", "?y")),
		SAYS(MOVED("308", "")), SAYS("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")};

	START(turns);
	get("/a/", NULL, "ok");
	scripted_end(&server);
	CHECK(scripted_has(&server, 1, "GET /a/b/c?x HTTP"));
	CHECK(scripted_has(&server, 2, "GET /a/d HTTP"));
	CHECK(scripted_has(&server, 3, "GET /a/d?y HTTP"));
	CHECK(scripted_has(&server, 4, "GET /a/d?y HTTP"));
	CHECK_INT(server.connections, ==, 1);
}

BOTH_CASE(credentials_and_cookies_never_go_to_another_origin_and_not_back)
{
	static char there[256], back[256];
	static const struct weft_http_field secrets[] = {{"cookie", "secret"},
		{"Proxy-Authorization", "secret"}, {"AUTHORIZATION", "secret"}, {"X-Kept", "yes"}};
	struct turn turns[] = {SAYS(there), SAYS(MOVED("302", "/c")), SAYS(EMPTY), SAYS(there),
		SAYS(MOVED("302", "/c")), SAYS(EMPTY)};
	struct turn others[] = {SAYS(back), SAYS(back)};

	START(turns);
	scripted_start(&other, others, 2);
	snprintf(there, sizeof(there),
		"HTTP/1.1 302 Away\r\nContent-Length: 0\r\nLocation: %s/o\r\n\r\n", other.url);
	snprintf(back, sizeof(back),
		"HTTP/1.1 302 Back\r\nContent-Length: 0\r\nLocation: %s/b\r\n\r\n", server.url);
	get("/", &(struct weft_http_fetch_options){.fields = secrets, .field_count = 4}, "");
	get("/", &(struct weft_http_fetch_options){.user = "secret"}, "");
	scripted_end(&server);
	scripted_end(&other);
	CHECK(strstr(server.heard[0], "cookie: secret\r\nProxy-Authorization: secret\r\n"
				      "AUTHORIZATION: secret\r\n"));
	CHECK(scripted_has(&server, 3, "Authorization: Basic c2VjcmV0Og=="));
	for (size_t i = 0; i < 2; i++)
		CHECK(!strcasestr(other.heard[i], "secret") &&
			!strcasestr(other.heard[i], "authorization"));
	CHECK(strstr(other.heard[0], "X-Kept: yes"));
	for (size_t i = 0; i < 2; i++) {
		CHECK(!strcasestr(server.heard[1 + i], "secret"));
		CHECK(!strcasestr(server.heard[4 + i], "authorization"));
	}
	CHECK(scripted_has(&server, 5, "GET /c"));
}

BOTH_CASE(redirects_without_end_are_left)
{
	static const struct turn turns[] = {SAYS(MOVED("302", "/a")), SAYS(MOVED("302", "/a")),
		SAYS(MOVED("302", "/a")), SAYS(MOVED("302", "/a")), SAYS(MOVED("302", "/a")),
		SAYS(MOVED("302", "/a")), SAYS(MOVED("302", "/a")), SAYS(MOVED("302", "/a")),
		SAYS(MOVED("302", "/a")), SAYS(MOVED("302", "/a")), SAYS(MOVED("302", "/a")),
		SAYS(MOVED("302", "/a")), SAYS(MOVED("302", "/a"))};
	struct weft_http_fetch_options options = {.ret_fault = &fault};

	START(turns);
	CHECK_ERRNO(weft_http_get(url("/a"), &options), ELOOP); /* eleven turns */
	CHECK_INT(fault.kind, ==, WEFT_HTTP_TOO_MANY_REDIRECTS);
	options.redirects_max = 1;
	CHECK_ERRNO(weft_http_get(url("/a"), &options), ELOOP); /* two */
	scripted_end(&server);
	CHECK_INT(server.connections, ==, 2);
}

BOTH_CASE(a_redirect_is_a_response_where_it_is_not_to_be_followed)
{
	static const struct turn turns[] = {SAYS(MOVED("302", "/a")), SAYS(MOVED("300", "/a")),
		SAYS(MOVED("304", "/a")), SAYS("HTTP/1.1 302 No\r\nContent-Length: 3\r\n\r\nbye"),
		SAYS(MOVED("201", "/a"))};
	struct weft_http_fetch_options options = {.redirects_max = -1};
	struct weft_http_fetch *made;

	START(turns);
	made = fetch("/", &options);
	CHECK_INT(weft_http_fetch_status(made), ==, 302);
	CHECK(text_is(weft_http_fetch_field(made, "location"), "/a"));
	expect_body(made, "bye");
	weft_http_fetch_free(made);
	options.redirects_max = 0;
	get("/", &options, "bye");
	get("/", &options, "");
	get("/", &options, "bye");
	get("/", &options, "bye");
	scripted_end(&server);
}

BOTH_CASE(redirects_to_where_nobody_wants_to_go_are_refused)
{
	static const struct {
		const char *reply;
		int code;
		enum weft_http_fault_kind kind;
	} cases[] = {
		{MOVED("302", "ftp://example.org/"), EACCES, WEFT_HTTP_REDIRECT_REFUSED},
		{MOVED("302", "file:///etc/passwd"), EACCES, WEFT_HTTP_REDIRECT_REFUSED},
		{MOVED("302", "javascript:alert(1)"), EACCES, WEFT_HTTP_REDIRECT_REFUSED},
		{MOVED("302", "//user@example.org/"), EACCES, WEFT_HTTP_REDIRECT_REFUSED},
		{MOVED("302", "http://"), EACCES, WEFT_HTTP_REDIRECT_REFUSED},
		{MOVED("302", "//[::1"), EACCES, WEFT_HTTP_REDIRECT_REFUSED},
		{MOVED("302", "/\tb"), EACCES, WEFT_HTTP_REDIRECT_REFUSED},
		{MOVED("302", "/a\r\nLocation: /b"), EBADMSG, WEFT_HTTP_BAD_RESPONSE},
	};
	struct weft_http_fetch_options options = {.ret_fault = &fault};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct turn turns[] = {SAYS(cases[i].reply)};

		START(turns);
		CHECK_ERRNO(weft_http_get(url("/"), &options), cases[i].code);
		CHECK_INT(fault.kind, ==, cases[i].kind);
		CHECK(fault.text[0] != '\0');
		scripted_end(&server);
	}
}

BOTH_CASE(a_body_that_is_wanted_again_is_sent_again_or_the_redirect_handed_out)
{
	static const struct turn turns[] = {SAYS(MOVED("307", "/b"), .body_len = 4),
		SAYS(EMPTY, .body_len = 4), SAYS(MOVED("307", "/c"), .body_len = 4),
		SAYS(MOVED("303", "/d"), .body_len = 4), SAYS(EMPTY)};
	struct weft_http_fetch_options options = {.body = "data", .body_len = 4};
	struct weft_http_fetch *made;

	START(turns);
	options.client = client = weft_http_client_new(NULL);
	get("/a", &options, "");
	options.body = NULL;
	for (int i = 0; i < 2; i++) {
		made = weft_http_fetch_begin(url("/a"), &options);
		CHECK(made != NULL);
		CHECK_INT(weft_http_fetch_write(made, "data", 4), ==, 0);
		CHECK_INT(weft_http_fetch_finish(made), ==, 0);
		CHECK_INT(weft_http_fetch_status(made), ==, i ? 200 : 307);
		expect_body(made, i ? "" : "bye");
		weft_http_fetch_free(made);
	}
	weft_http_client_free(client);
	scripted_end(&server);
	CHECK(scripted_has(&server, 1, "POST /b") && scripted_has(&server, 1, "\r\n\r\ndata"));
	CHECK(scripted_has(&server, 4, "GET /d"));
}

BOTH_CASE(a_long_body_of_a_redirect_is_not_waited_for)
{
	static const struct turn turns[] = {
		SAYS("HTTP/1.1 302 On\r\nLocation: /b\r\nContent-Length: 99999999\r\n\r\nx",
			.does = LEAVES),
		SAYS("HTTP/1.1 302 On\r\nLocation: /c\r\n\r\nx", .does = LEAVES), SAYS(EMPTY)};

	START(turns);
	get("/", NULL, "");
	scripted_end(&server);
	CHECK_INT(server.connections, ==, 3);
}

/* 127.0.0.1 and no other. */
static bool is_own(const struct weft_address *address, void *arg)
{
	struct weft_address own;

	CHECK_INT(weft_address_parse(&own, "127.0.0.1:1"), ==, 0);
	weft_address_set_port(&own, weft_address_port(address));
	++*(unsigned *)arg;
	return weft_address_equal(address, &own);
}

BOTH_CASE(addresses_that_are_not_allowed_are_not_connected_to)
{
	static const struct turn turns[] = {SAYS(MOVED("302", "http://127.0.0.2:1/")),
		SAYS(MOVED("302", "http://[::1]:1/")), SAYS(MOVED("302", "/x")), SAYS(EMPTY)};
	struct weft_http_fetch_options options = {.ret_fault = &fault};
	unsigned asked = 0;

	START(turns);
	options.client = client = weft_http_client_new(
		&(struct weft_http_client_options){.allows = is_own, .allows_arg = &asked});
	for (int i = 0; i < 2; i++) {
		CHECK_ERRNO(weft_http_get(url("/"), &options), EACCES);
		CHECK_INT(fault.kind, ==, WEFT_HTTP_ADDRESS_REFUSED);
	}
	get("/", NULL, "");
	weft_http_client_free(client);
	scripted_end(&server);
	CHECK_INT(asked, ==, 3); /* not for connections that were kept */
}

CHECK_MAIN()
